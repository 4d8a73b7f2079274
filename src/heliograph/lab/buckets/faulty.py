"""A place of objects in memory that fails in every way the real ones do, and asserts what must hold at any moment.

It follows the port ``Bin`` of ``adapters/hosts/objects.py`` by shape. Faults come one for each request, in the order of
``faults``, and end with it. Listings may lag: they show what was there ``lag`` requests ago, so that a new object is
missing in them and a removed one still there.

What is asserted: each name is one of the format, each object is at most 64 KiB, bytes under an immutable name never
change, and a pointer (``now``) comes only when all that was ``promised`` for it is there.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Final, Literal, Protocol

import anyio.lowlevel
import brotli

from heliograph.model import StoreError, paths

Fault = Literal["", "refused", "done", "busy", "busy done", "killed", "killed done"]
FAULTS: Final[tuple[Fault, ...]] = ("", "refused", "done", "busy", "busy done", "killed", "killed done")
_LARGEST: Final = 65_536  # bytes
_MOST_DELETED: Final = 500


class Sent(Protocol):
    """An object to write."""

    @property
    def key(self) -> str: ...

    @property
    def data(self) -> bytes: ...

    @property
    def content_type(self) -> str: ...

    @property
    def cache_control(self) -> str: ...

    @property
    def coding(self) -> str: ...


class KilledError(BaseException):
    """The process ends here: nothing after it happens. No ``Exception``, so that nobody handles it."""


class FaultyBin:
    """See above. ``busy`` is the error that means "try again"; ``seen`` is called after each change."""

    def __init__(
        self,
        *,
        busy: type[StoreError] = StoreError,
        lag: int = 0,
        seen: Callable[[FaultyBin], None] = lambda _: None,
        place: str = "faulty",
    ) -> None:
        self.place, self.lag, self.seen = place, lag, seen
        self.objects: dict[str, Sent] = {}
        self.faults: list[Fault] = []
        self.dead = False  # since a kill: until it is set back, every request is one of a process that is no more
        self.requests: list[tuple[str, str]] = []  # what was asked, and of which key
        self._busy = busy
        self._marks: dict[str, str] = {}
        self._past: list[Mapping[str, str]] = [{}]  # marks at first, and after each request
        self._count = 0
        self._immutable: dict[str, bytes] = {}
        self._promised: dict[str, Mapping[str, str]] = {}

    @property
    def files(self) -> dict[str, bytes]:
        """What a reader finds: bytes by key, without their encoding."""
        return {key: _plain(sent) for key, sent in self.objects.items()}

    def promise(self, pointer: str, needs: Mapping[str, str]) -> None:
        """A ``now`` of this SHA-256 (hex) needs these to be there: SHA-256 by key."""
        self._promised[pointer] = needs

    async def put(self, put: Sent) -> str:
        """Write one whole; returns its mark."""
        assert paths.is_ours(put.key), put.key
        assert len(put.data) <= _LARGEST, f"{put.key}: {len(put.data)} bytes"
        self._check(put.key, _plain(put))
        await self._request("put", put.key, lambda: self._write(put))
        return self._marks[put.key]

    async def get(self, key: str) -> tuple[bytes, str]:
        """Bytes and encoding; b"" where there is none."""
        await self._request("get", key)
        sent = self.objects.get(key)
        return (sent.data, sent.coding) if sent else (b"", "")

    async def marks(self) -> tuple[Mapping[str, str], int]:
        """The mark of every object, as of ``lag`` requests ago, and the number of requests: 1."""
        await self._request("list", "")
        # the newest entry is this request's own
        return dict(self._past[max(0, len(self._past) - 1 - self.lag)]), 1

    async def delete(self, keys: Sequence[str]) -> int:
        """Remove these; returns 1."""
        assert len(keys) <= _MOST_DELETED, len(keys)
        await self._request("delete", " ".join(keys), lambda: self._remove(keys))
        return 1

    async def _request(self, what: str, key: str, act: Callable[[], None] = lambda: None) -> None:
        await anyio.lowlevel.checkpoint()  # others get their turn, as on a network
        if self.dead:
            raise KilledError
        fault = self.faults.pop(0) if self.faults else ""
        self.requests.append((what, key))
        if fault in {"", "done", "busy done", "killed done"}:
            act()
        self._past.append(dict(self._marks))
        match fault.partition(" ")[0]:
            case "refused" | "done":
                raise StoreError("connection reset by peer", where=self.place)
            case "busy":
                raise self._busy("slow down", where=self.place)
            case "killed":
                self.dead = True
                raise KilledError

    def _write(self, put: Sent) -> None:
        self._count += 1
        self._marks[put.key] = f"{self._count:x}"
        self.objects[put.key] = put
        self.seen(self)

    def _remove(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.objects.pop(key, None)
            self._marks.pop(key, None)
        self.seen(self)

    def _check(self, key: str, data: bytes) -> None:
        if paths.is_immutable(key):
            assert self._immutable.setdefault(key, data) == data, f"{key} changed its bytes"
        if key == paths.POINTER:
            there = self.files
            for name, digest in self._promised.get(sha256(data).hexdigest(), {}).items():
                assert name in there, f"{name} is not there, and now would lead to it"
                assert sha256(there[name]).hexdigest() == digest, f"{name} is another, and now would lead to it"


def _plain(sent: Sent) -> bytes:
    match sent.coding:
        case "br":
            return bytes(brotli.decompress(sent.data))
        case "gzip":
            return zlib.decompress(sent.data, wbits=31)
    return sent.data
