"""A folder behind WebDAV.

Rule 1: a file is put under a temporary name and moved into place, so that a reader never meets a part. Rule 2: no
answer sends us to another place: a redirect is refused, and an address that leads out of the folder is not seen. Rule
3: no folder but that of temporary files is ever deleted, because whatever else is in it would go, too. Rule 4: a
temporary file that could not be deleted at once is deleted when the run ends, or when the next one begins to write.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final, Self
from urllib.parse import unquote, urlsplit

import aiohttp
import anyio
from yarl import URL

from heliograph.adapters.hosts import multistatus, names
from heliograph.adapters.hosts.objects import MOST_READ, BusyError, Put
from heliograph.model import ConfigError, StoreError

_TEMPORARY: Final = ".part"  # inside the folder: beside it, the user may have no right to write
_ASKED: Final = (
    b'<?xml version="1.0" encoding="utf-8"?><propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/>'
    b"<getetag/><getlastmodified/></prop></propfind>"
)
_MOST_LISTED: Final = 1_000_000_000  # bytes of a folder's listing: some 500 for each file
_REFUSED: Final = {
    401: ("the server does not take this user and password", "look at the file of credentials"),
    403: ("the server does not allow this", "give that user the right to write there"),
    405: ("this is no WebDAV server", "look at the address: it is the one for writing"),
    413: ("the server takes no file of that size", "raise its limit (nginx: client_max_body_size)"),
    501: ("this is no WebDAV server", "look at the address: it is the one for writing"),
    507: ("the disk there is full", "make room there, then publish again: what was written stays whole"),
}
_BUSY: Final = frozenset({408, 423, 425, 429, 500, 502, 503, 504})


class WebdavBin:
    """See ``objects.Bin``; used as ``async with``. ``credentials`` is a file with a line user:password, or None."""

    def __init__(
        self, address: str, credentials: Path | None, *, place: str = "", parallel: int = 8, silence: int = 60
    ) -> None:
        self.place = place or f"webdav {address}"
        self._base = URL(address, encoded=True)
        self._folder = unquote(self._base.raw_path)
        self._credentials, self._parallel, self._silence = credentials, parallel, silence
        self._session: aiohttp.ClientSession | None = None
        self._one = anyio.Lock()  # makes folders
        self._made: set[str] = set()
        self._swept = False
        self._left: set[str] = set()  # temporary files that may still be there

    async def __aenter__(self) -> Self:
        login = {} if self._credentials is None else {"Authorization": _login(self._credentials)}
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._parallel),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=self._silence, sock_read=self._silence),
            headers={"User-Agent": "heliograph", **login},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            with anyio.move_on_after(2, shield=True):
                for temporary in sorted(self._left):
                    await self._forget(temporary)
            await self._session.close()

    async def put(self, put: Put) -> str:
        name = names.checked(put.key, self.place)
        await self._folders(["", *reversed(names.folders([name])), _TEMPORARY])
        temporary = f"{_TEMPORARY}/{secrets.token_hex(8)}"
        self._left.add(temporary)
        try:
            await self._do("PUT", temporary, name, data=put.data, headers={"Content-Type": put.content_type})
            where = {"Destination": str(self._url(name)), "Overwrite": "T"}
            await self._do("MOVE", temporary, name, headers=where)
        except BaseException:
            with anyio.move_on_after(2, shield=True):
                await self._forget(temporary)
            raise
        self._left.discard(temporary)
        entries = await self._entries(name, "0")
        return next((entry.mark for at, entry in entries if at == name and not entry.folder), "")

    async def get(self, key: str) -> tuple[bytes, str]:
        name = names.checked(key, self.place)
        async with self._asked("GET", name, name, fine=(404,), headers={"Accept-Encoding": "identity"}) as answer:
            if answer.status == 404:
                return b"", ""
            data = b""
            while len(data) < MOST_READ and (piece := await answer.content.read(MOST_READ - len(data))):
                data += piece
            return data, ""

    async def marks(self) -> tuple[Mapping[str, str], int]:
        found: dict[str, str] = {}
        level, requests = [""], 0
        for _ in range(names.DEPTH):
            below: list[str] = []
            for folder in level:
                requests += 1
                for name, entry in await self._entries(folder, "1"):
                    if name == folder or name.rpartition("/")[0] != folder:
                        continue  # the folder itself, or what was not asked for
                    if entry.folder:
                        below.append(name)
                    else:
                        found[name] = entry.mark
                if len(found) + len(below) > names.MOST_FILES:
                    raise StoreError("there are too many files to be an edition's", where=self.place)
            level = below
        return found, requests

    async def delete(self, keys: Sequence[str]) -> int:
        for name in [names.checked(key, self.place) for key in keys]:
            await self._do("DELETE", name, name, fine=(404,))
        return len(keys)

    # --- what these consist of ---

    def _url(self, name: str) -> URL:
        """The address of ``name``, which needs no escapes: see ``names``."""
        return URL(f"{self._base}{name}", encoded=True)

    async def _forget(self, temporary: str) -> None:
        with suppress(StoreError):
            await self._do("DELETE", temporary, temporary, fine=(404,))
            self._left.discard(temporary)

    async def _folders(self, wanted: Sequence[str]) -> None:
        """Make these where they are not there, each under one that is before it; each is asked for once."""
        if self._made.issuperset(wanted):
            return
        async with self._one:
            if not self._swept:  # of a run that was killed
                await self._do("DELETE", f"{_TEMPORARY}/", _TEMPORARY, fine=(404, 409))
                self._swept = True
            for folder in wanted:
                if folder not in self._made:
                    # the server says 405 where it is there
                    await self._do("MKCOL", f"{folder}/" if folder else "", folder, fine=(405,))
                    self._made.add(folder)

    async def _entries(self, name: str, depth: str) -> list[tuple[str, multistatus.Entry]]:
        """What a PROPFIND of ``name`` shows inside of our folder, by name; nothing where there is none."""
        url = f"{name}/" if depth == "1" and name else name
        headers = {"Depth": depth, "Content-Type": "application/xml;charset=utf-8"}
        reading = multistatus.Reading()
        async with self._asked("PROPFIND", url, name, fine=(404,), data=_ASKED, headers=headers) as answer:
            if answer.status == 404:
                return []
            if answer.status != 207:
                what, remedy = _REFUSED[405]
                raise StoreError(what, where=self.place, remedy=remedy)
            size = 0
            async for piece in answer.content.iter_chunked(65_536):
                size += len(piece)
                if size > _MOST_LISTED:
                    raise StoreError("the listing is too long to be an edition's", where=self.place)
                reading.feed(piece, self.place)
            reading.end(self.place)
        found = [(self._name(entry.href), entry) for entry in reading.entries]
        return [(at, entry) for at, entry in found if at == name or names.is_name(at)]

    def _name(self, href: str) -> str:
        """The name that an address in an answer means; ".." where it is none of ours."""
        try:
            parts = urlsplit(href)
        except ValueError:
            return ".."
        path = unquote(parts.path)
        if parts.netloc not in ("", self._base.raw_authority) or not path.startswith(self._folder):
            return ".."
        return path[len(self._folder) :].removesuffix("/")

    async def _do(
        self, method: str, path: str, name: str, *, fine: Sequence[int] = (), data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> int:  # fmt: skip
        async with self._asked(method, path, name, fine=fine, data=data, headers=headers) as answer:
            return answer.status

    @asynccontextmanager
    async def _asked(
        self, method: str, path: str, name: str, *, fine: Sequence[int] = (), data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:  # fmt: skip
        """An answer that is a success, or ``fine``; else what is wrong with ``name`` is told in our words."""
        assert self._session is not None
        try:
            async with self._session.request(
                method, self._url(path), data=data, headers=headers, allow_redirects=False
            ) as answer:
                if not (200 <= answer.status < 300 or answer.status in fine):
                    raise self._refused(answer, name)
                yield answer
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            what = f"the server cannot be reached: {str(error) or type(error).__name__}"
            raise BusyError(what[:400], where=self.place) from error

    def _refused(self, answer: aiohttp.ClientResponse, name: str) -> StoreError:
        status = answer.status
        if 300 <= status < 400:
            what = f"the server sends us elsewhere: {answer.headers.get('Location', '')[:200]}"
            return StoreError(what, where=self.place, remedy="write the address where it is, not one that leads there")
        if status == 409:  # somebody removed a folder that was there
            self._made.clear()
        if status in _BUSY or status == 409:
            remedy = "if this comes back, look at the server's log: its disk may be full"
            return BusyError(
                f"the server cannot now: {status} {answer.reason} ({name})", where=self.place, remedy=remedy
            )
        if status in _REFUSED:
            what, remedy = _REFUSED[status]
            return StoreError(f"{what} ({name})", where=self.place, remedy=remedy)
        return StoreError(f"the server refused: {status} {answer.reason} ({name})", where=self.place)


def _login(path: Path) -> str:
    """What the file of credentials comes to in a request. Raises ConfigError."""
    user, colon, password = names.secret(path, "the password").read_text(encoding="utf-8").strip().partition(":")
    if not colon or "\n" in password:
        raise ConfigError("give one line, user:password", where=str(path))
    return aiohttp.encode_basic_auth(user, password, "utf-8")
