"""A mirror as anybody reaches it: by http(s), or as a folder. See ``ports.Reach``.

Rule 1: nothing here raises for what a mirror does; what is not a whole plain answer in time is ``unavailable``. Rule 2:
no redirect, no cookie, no name of ours: a mirror sees an ordinary request. Rule 3: reading stops one byte beyond the
limit, whatever Content-Length says. Rule 4: a connection carries one answer, as it must where connections freeze.
Rule 5: with a way (a proxy's) every byte goes that way, and no name is resolved here. A name below .onion is never
resolved in any case: who asks DNS for it tells the whole line what he reads (RFC 7686).
"""

from __future__ import annotations

import asyncio
import os
import random
import stat
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

import aiohttp
import anyio.to_thread

from heliograph.model import ConfigError
from heliograph.model.onions import is_onion
from heliograph.model.release import Ask, Got

_AGENT = "Mozilla/5.0"
_SILENCE, _CONNECT = 10.0, 10.0  # seconds; release format, section "Limits"
_WHOLE, _RATE = 30.0, 1_024  # seconds, and bytes of the limit for which there is one second more
_PAUSE = (0.5, 2.0)  # seconds between two requests of a paced reader
_FARTHER = 10  # times as long for all that with a way: Tor builds circuits of many hops within the first request
_GONE, _TAKEN = frozenset({404, 410}), frozenset({202, 204})
_PORTS = {"http": 80, "https": 443}

Way = Callable[[str, int], AbstractAsyncContextManager[int]]  # host, port -> a port of 127.0.0.1 that leads there


class WebMirror:
    """See ``ports.Reach``. Use it as a context manager.

    With ``paced`` there is a pause before each request, and the smallest encoding is asked for by its own name, so that
    a host that does not choose encodings sends no more than a curtain lets through.
    """

    def __init__(
        self,
        url: str,
        *,
        paced: bool = False,
        way: Way | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._parts = parts = urlsplit(url)
        if parts.scheme not in _PORTS or not parts.hostname:
            raise ConfigError("it is no address of a mirror", where=url, remedy="give https://…/ or a folder")
        if way is None and is_onion(parts.hostname):
            remedy = "where a command has --socks, name Tor's SOCKS port with it: --socks 127.0.0.1:9050"
            raise ConfigError("an onion address can be reached through Tor only", where=url, remedy=remedy)
        self.place = url if url.endswith("/") else url + "/"
        self.host = parts.hostname
        self._paced, self._pause, self._rng = paced, pause, random.SystemRandom()
        self._way, self._stack = way, AsyncExitStack()
        self._from = self.place  # where aiohttp is sent
        self._name: str | None = None  # that the certificate must be for, where it is not that of ``_from``
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        headers = {"User-Agent": _AGENT, "Accept": "*/*"}
        if self._way is not None:
            near = await self._stack.enter_async_context(self._way(self.host, self._port()))
            self._from = urlsplit(self.place)._replace(netloc=f"127.0.0.1:{near}").geturl()
            self._name = self.host
            headers["Host"] = self._parts.netloc.rpartition("@")[2]
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=2, force_close=True),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
            auto_decompress=False,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
        await self._stack.aclose()

    def _port(self) -> int:
        try:
            return self._parts.port or _PORTS[self._parts.scheme]
        except ValueError as error:
            raise ConfigError("it has no port that there is", where=self.place, remedy="leave the port out") from error

    @property
    def _times(self) -> int:
        return 1 if self._way is None else _FARTHER

    @property
    def _timeout(self) -> aiohttp.ClientTimeout:
        return aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=_SILENCE * self._times)

    async def get(self, ask: Ask) -> Got:
        """See ``ports.Reach``."""
        if self._paced:
            await self._pause(self._rng.uniform(*_PAUSE))
            if "br" in ask.codings:
                got = await self._one(f"{ask.name}.br", ask.limit, "identity")
                if got.fate != "missing":
                    return Got(fate=got.fate, data=got.data, coding="br")
        return await self._one(ask.name, ask.limit, ", ".join(ask.codings) or "identity")

    async def post(self, message: bytes) -> bool:
        """See ``ports.Line``."""
        assert self._session is not None, "use it as a context manager"
        try:
            async with asyncio.timeout(_WHOLE * self._times):
                headers = {"Content-Type": "application/octet-stream"}
                request = self._session.post(
                    self._from + "drop",
                    data=message,
                    allow_redirects=False,
                    timeout=self._timeout,
                    headers=headers,
                    server_hostname=self._name,
                )
                async with request as response:
                    return response.status in _TAKEN
        except Exception:  # noqa: BLE001 - the port's promise: whatever a mirror does, the message was not taken
            return False

    async def _one(self, name: str, limit: int, accept: str) -> Got:
        assert self._session is not None, "use it as a context manager"
        try:
            async with asyncio.timeout((_WHOLE + limit / _RATE) * self._times):
                headers = {"Accept-Encoding": accept}
                request = self._session.get(
                    self._from + name,
                    allow_redirects=False,
                    timeout=self._timeout,
                    headers=headers,
                    server_hostname=self._name,
                )
                async with request as response:
                    if response.status != 200:
                        return Got(fate="missing" if response.status in _GONE else "unavailable")
                    coding = response.headers.get("Content-Encoding", "").strip().lower()
                    data = bytearray()
                    async for piece in response.content.iter_any():
                        data += piece
                        if len(data) > limit:
                            return Got(fate="long")
                    return _got(bytes(data), coding)
        except Exception:  # noqa: BLE001 - the port's promise: whatever a mirror does, it is unavailable
            return Got(fate="unavailable")


class FolderMirror:
    """See ``ports.Reach``: a copy on a disk or a USB stick."""

    host = ""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise ConfigError("there is no such folder", where=str(root), remedy="give https://…/ or a folder")
        self.root, self.place = root, str(root)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is held open."""

    async def get(self, ask: Ask) -> Got:
        """See ``ports.Reach``."""
        return await anyio.to_thread.run_sync(self._read, ask.name, ask.limit)

    def _read(self, name: str, limit: int) -> Got:
        try:
            # NONBLOCK: to open a named pipe must not wait for its writer
            descriptor = os.open(self.root / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError):
            return Got(fate="missing")
        except OSError:
            return Got(fate="unavailable")
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                return Got(fate="unavailable")
            data = file.read(limit + 1)
        return Got(fate="long") if len(data) > limit else Got(fate="whole", data=data)

    def entries(self) -> list[tuple[str, Literal["file", "link", "other"]]]:
        """Everything in the folder but the folders themselves, for an audit."""
        found: list[tuple[str, Literal["file", "link", "other"]]] = []
        waiting = [("", self.root)]
        while waiting:
            prefix, folder = waiting.pop()
            with os.scandir(folder) as entries:
                for entry in entries:
                    name = prefix + entry.name
                    if entry.is_symlink():
                        found.append((name, "link"))
                    elif entry.is_dir(follow_symlinks=False):
                        waiting.append((f"{name}/", Path(entry.path)))
                    else:
                        found.append((name, "file" if entry.is_file(follow_symlinks=False) else "other"))
        return sorted(found)


def reach(source: str, *, paced: bool = False, way: Way | None = None) -> WebMirror | FolderMirror:
    """The mirror at an address, through ``way`` if there is one, or at a path.

    Raises:
        ConfigError: it is neither.
    """
    if urlsplit(source).scheme in ("http", "https"):
        return WebMirror(source, paced=paced, way=way)
    return FolderMirror(Path(source.removeprefix("file://")))


def _got(data: bytes, coding: str) -> Got:
    match coding:
        case "" | "identity":
            return Got(fate="whole", data=data)
        case "br":
            return Got(fate="whole", data=data, coding="br")
        case "gzip" | "x-gzip":
            return Got(fate="whole", data=data, coding="gzip")
    return Got(fate="unavailable")  # an encoding nobody asked for
