"""A directory of a server, by SFTP: many requests in flight on one connection.

Rule 1: a file is written beside the tree under a temporary name, brought to the disk and renamed into place, so that a
web server never reads a part. Rule 2: only a server with the host key that was noted is spoken to. Rule 3: no name
leads out of the directory, and no link inside of it is followed. Rule 4: a connection that was lost is made anew by the
next request.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import stat
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar, cast

import anyio
import asyncssh

from heliograph.adapters.hosts import names, ssh
from heliograph.adapters.hosts.objects import MOST_READ, BusyError, Put
from heliograph.model import ConfigError, StoreError

_NO_FOLDER: Final = "make the directory, and let the user of this mirror write there"
_LITTLE: Final = 4_000_000  # bytes
_LOST = (
    asyncssh.SFTPNoConnection,
    asyncssh.SFTPConnectionLost,
    asyncssh.SFTPBadMessage,
    asyncssh.DisconnectError,
    OSError,
    TimeoutError,
)
_MISSING = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)
_Answer = TypeVar("_Answer")
_FULL = (asyncssh.SFTPNoSpaceOnFilesystem, asyncssh.SFTPQuotaExceeded)


class SftpBin:
    """See ``objects.Bin``; used as ``async with``. ``silence`` is after how many seconds a server counts as gone."""

    def __init__(
        self, host: str, port: int, user: str, path: str, key: Path, known_hosts: Path, *, place: str = "",
        parallel: int = 8, silence: int = 30,
    ) -> None:  # fmt: skip
        self.place = place or f"ssh {user}@{host}:{port} {path}"
        self._host, self._port, self._user = host, port, user
        self._root = path.removeprefix("~/").rstrip("/") or "/"
        self._key, self._known_hosts, self._silence = key, known_hosts, silence
        self._many = anyio.CapacityLimiter(parallel)
        self._one = anyio.Lock()  # makes the connection, and directories
        self._client: asyncssh.SFTPClient | None = None
        self._connection: asyncssh.SSHClientConnection | None = None
        self._tries, self._refused = 0, cast("StoreError | None", None)
        self._made: set[str] = set()
        self._scratch = ""

    async def __aenter__(self) -> Self:
        names.secret(self._key, "the private key")
        names.readable(self._known_hosts, "the file of known hosts")
        try:
            asyncssh.read_private_key(self._key)
        except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            remedy = "make one for this mirror alone: ssh-keygen -t ed25519 -N '' -f FILE"
            raise ConfigError(
                f"no private key without passphrase: {error}", where=str(self._key), remedy=remedy
            ) from error
        try:
            asyncssh.read_known_hosts(str(self._known_hosts))
        except ValueError as error:
            raise ConfigError(f"no file of known hosts: {error}", where=str(self._known_hosts)) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection = self._connection
        self._forget()
        if connection is not None:
            with anyio.move_on_after(5, shield=True):
                await connection.wait_closed()

    async def put(self, put: Put) -> str:
        name = names.checked(put.key, self.place)
        async with self._asking(name) as client:
            await self._folders(client, name)
            temporary = f"{await self._beside(client)}/{secrets.token_hex(8)}"
            try:
                mark = await self._written(client, temporary, put.data)
                await client.posix_rename(temporary, self._path(name))
            except BaseException:
                with suppress(asyncssh.Error, OSError), anyio.move_on_after(2, shield=True):
                    await client.remove(temporary)
                raise
            return mark

    async def get(self, key: str) -> tuple[bytes, str]:
        name = names.checked(key, self.place)
        async with self._asking(name) as client:
            try:
                async with client.open(self._path(name), "rb", encoding=None) as file:
                    data: object = await file.read(MOST_READ)
                    assert isinstance(data, bytes)
                    return data, ""
            except _MISSING:
                return b"", ""

    async def marks(self) -> tuple[Mapping[str, str], int]:
        found: dict[str, str] = {}
        level, requests = [""], 0
        async with self._asking("") as client:
            for _ in range(names.DEPTH):
                requests += len(level)
                below = await _all([self._scan(client, folder, found) for folder in level])
                level = [name for folders in below for name in folders]
        return found, requests

    async def delete(self, keys: Sequence[str]) -> int:
        checked = [names.checked(key, self.place) for key in keys]
        async with self._asking(checked[0] if checked else "") as client:
            await _all([self._remove(client, name) for name in checked])
            for folder in names.folders(checked):
                with suppress(asyncssh.SFTPError):  # it is not empty
                    await client.rmdir(self._path(folder))
                    self._made.discard(folder)
        return len(checked)

    # --- what these consist of ---

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}" if name else self._root

    async def _written(self, client: asyncssh.SFTPClient, path: str, data: bytes) -> str:
        """Bring ``data`` to the server's disk; the mark of that file."""
        facts = asyncssh.SFTPAttrs(permissions=0o644)
        async with client.open(path, "wb", facts, encoding=None) as file:
            await file.write(data)
            with suppress(asyncssh.SFTPOpUnsupported):
                await file.fsync()
            return _mark(await file.stat())

    async def _folders(self, client: asyncssh.SFTPClient, name: str) -> None:
        """Make the directories of ``name`` that are not there; each is looked at once."""
        wanted = ["", *reversed(names.folders([name]))]
        if self._made.issuperset(wanted):
            return
        async with self._one:
            if "" not in self._made:
                await client.makedirs(self._root, exist_ok=True)
                self._made.add("")
            for folder in wanted:
                if folder not in self._made:
                    await self._folder(client, folder)
                    self._made.add(folder)

    async def _folder(self, client: asyncssh.SFTPClient, folder: str) -> None:
        try:
            facts = await client.lstat(self._path(folder))
        except _MISSING:
            await client.mkdir(self._path(folder), asyncssh.SFTPAttrs(permissions=0o755))
            return
        if not stat.S_ISDIR(facts.permissions or 0):
            raise StoreError(
                f"a file or a link is in the way: {folder}", where=self.place, remedy="move it away, there"
            )

    async def _beside(self, client: asyncssh.SFTPClient) -> str:
        """The folder of temporary names: beside the tree, or inside where that cannot be or is another file system."""
        async with self._one:
            if not self._scratch:
                above, _, last = self._root.rpartition("/")
                inside = self._path(".part")
                beside = f"{above}/.{last}.part" if "/" in self._root else f".{last}.part"
                chosen = beside if last and await self._usable(client, beside) else inside
                if chosen == inside and not await client.isdir(inside):
                    await client.mkdir(inside)
                for left in await client.listdir(chosen):  # of a run that was killed
                    if left not in (".", ".."):
                        with suppress(asyncssh.SFTPError):
                            await client.remove(f"{chosen}/{left}")
                self._scratch = chosen
            return self._scratch

    async def _usable(self, client: asyncssh.SFTPClient, beside: str) -> bool:
        try:
            if not await client.isdir(beside):
                await client.mkdir(beside)
            here, there = await client.statvfs(self._root), await client.statvfs(beside)
        except _LOST:
            raise
        except asyncssh.SFTPError:  # no right to write there, or no way to tell
            return False
        return here.fsid == there.fsid != 0

    async def _scan(self, client: asyncssh.SFTPClient, folder: str, found: dict[str, str]) -> list[str]:
        """Add the marks of the files in ``folder``; the folders in it."""
        below = []
        async with self._many:
            try:
                async for entry in client.scandir(self._path(folder)):
                    name = f"{folder}/{os.fsdecode(entry.filename)}".lstrip("/")
                    if not names.is_name(name):
                        continue
                    kind = entry.attrs.permissions or 0
                    if stat.S_ISDIR(kind):
                        below.append(name)
                    elif stat.S_ISREG(kind):
                        found[name] = _mark(entry.attrs)
                    if len(found) + len(below) > names.MOST_FILES:
                        raise StoreError("there are too many files to be an edition's", where=self.place)
            except _MISSING:
                return []
        return below

    async def _remove(self, client: asyncssh.SFTPClient, name: str) -> None:
        async with self._many:
            with suppress(*_MISSING):
                await client.remove(self._path(name))

    # --- the connection ---

    @asynccontextmanager
    async def _asking(self, name: str) -> AsyncIterator[asyncssh.SFTPClient]:
        """The connection, made if there is none; what goes wrong with ``name`` is told in our words."""
        client = None
        try:
            client = await self._connected()
            yield client
        except _LOST as error:
            if client is self._client:
                self._forget()
            raise BusyError(f"the server cannot be reached: {_words(error)}", where=self.place) from error
        except _FULL as error:
            raise StoreError(f"the disk there is full ({name})", where=self.place, remedy=ssh.FULL) from error
        except asyncssh.SFTPPermissionDenied as error:
            remedy = "give that user the right to write there"
            raise StoreError(f"no right to write there ({name})", where=self.place, remedy=remedy) from error
        except _MISSING as error:  # somebody removed a directory that was there
            self._made.clear()
            self._scratch = ""
            raise BusyError(f"a directory is not there ({name})", where=self.place, remedy=_NO_FOLDER) from error
        except asyncssh.SFTPOpUnsupported as error:
            raise StoreError(f"the server cannot do this: {error.reason}", where=self.place) from error
        except asyncssh.SFTPError as error:
            if client is not None and await self._is_full(client):
                raise StoreError(f"the disk there is full ({name})", where=self.place, remedy=ssh.FULL) from error
            remedy = "look into its log; a quota that is used up is told like this, too"
            raise StoreError(
                f"the server refused: {_words(error)} ({name})", where=self.place, remedy=remedy
            ) from error

    async def _is_full(self, client: asyncssh.SFTPClient) -> bool:
        """Whether there is no room: the SFTP that servers speak has no error of its own for that."""
        try:
            facts = await client.statvfs(self._root)
        except (asyncssh.Error, OSError):
            return False
        # what failed was removed before we ask, so a little room says nothing
        return facts.bavail * facts.frsize < _LITTLE or (facts.files > 0 and facts.favail == 0)

    async def _connected(self) -> asyncssh.SFTPClient:
        tries = self._tries
        async with self._one:
            if self._refused is not None and self._tries > tries:
                raise self._refused  # while we waited: that many wrong logins get an address banned
            if self._client is None:
                self._tries += 1
                self._refused = None
                try:
                    self._connection = await self._connect()
                    self._client = await self._subsystem(self._connection)
                except StoreError as error:
                    self._refused = error
                    raise
            return self._client

    async def _subsystem(self, connection: asyncssh.SSHClientConnection) -> asyncssh.SFTPClient:
        try:
            return await connection.start_sftp_client(path_errors="surrogateescape")
        except asyncssh.ChannelOpenError as error:
            connection.abort()
            remedy = "let sshd_config have: Subsystem sftp internal-sftp"
            raise StoreError("the server offers no SFTP", where=self.place, remedy=remedy) from error
        except BaseException:
            connection.abort()
            raise

    async def _connect(self) -> asyncssh.SSHClientConnection:
        """A connection that asks nothing of the user's own configuration of SSH. Raises StoreError, or ``_LOST``."""
        try:
            return await asyncssh.connect(
                self._host, self._port, username=self._user, client_keys=[str(self._key)],
                known_hosts=str(self._known_hosts), config=None, agent_path=None, x509_trusted_certs=None,
                preferred_auth="publickey", connect_timeout=self._silence, login_timeout=self._silence,
                keepalive_interval=max(1, self._silence // 3), keepalive_count_max=3,
            )  # fmt: skip
        except asyncssh.HostKeyNotVerifiable as error:
            noted = asyncssh.match_known_hosts(str(self._known_hosts), self._host, "", self._port)
            raise ssh.other_key(self.place, self._known_hosts, known=any(map(bool, noted))) from error
        except asyncssh.PermissionDenied as error:
            raise ssh.no_login(self.place) from error

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.abort()
        self._client = self._connection = None
        self._scratch = ""
        self._made.clear()


async def _all(calls: Sequence[Coroutine[Any, Any, _Answer]]) -> list[_Answer]:
    """What each comes to; the first failure is raised when all have ended."""
    found = await asyncio.gather(*calls, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return [one for one in found if not isinstance(one, BaseException)]


def _mark(facts: asyncssh.SFTPAttrs) -> str:
    return f"{facts.size}-{facts.mtime}"


def _words(error: BaseException) -> str:
    return str(getattr(error, "reason", "") or error or type(error).__name__)[:300]
