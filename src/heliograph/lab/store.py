"""A mirror in memory that fails in both ways: refused, and done though it said refused.

A censor who resets a connection after the upload is exactly the second. ``seen`` is called after each single file, so
that a test can look at the mirror as a reader would at that moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import anyio
import anyio.lowlevel

from heliograph.model import StoreError
from heliograph.model.ledger import Change
from heliograph.model.mirror import Spent

Failing = Literal["", "refused", "done"]


class MemoryMirror:
    """See ``ports.MirrorStore``."""

    def __init__(self, name: str = "memory", seen: Callable[[MemoryMirror], None] = lambda _: None) -> None:
        self.name, self.place, self.seen = name, f"memory {id(self)}", seen
        self.files: dict[str, bytes] = {}
        self.spent = Spent()
        self.writes = 0  # files written, replaced or removed since the start
        self.faults = 0  # how many of them failed
        self._countdown, self._how, self._again = 0, "", False

    def fail(self, write: int, how: Failing, *, again: bool = False) -> None:
        """Let the ``write``-th write from now fail, counted from 1, with ``again`` all after it too; 0 lets none."""
        self._countdown, self._how, self._again = write, how, again

    async def read(self, name: str) -> bytes:
        """See ``ports.MirrorStore``."""
        self.spent += Spent(reads=1)
        return self.files.get(name, b"")

    async def listing(self) -> Mapping[str, str]:
        """See ``ports.MirrorStore``."""
        return {name: hashlib.sha256(data).hexdigest() for name, data in self.files.items()}

    def asks(self, steps: Sequence[Sequence[Change]]) -> Spent:
        """See ``ports.MirrorStore``."""
        changes = [change for step in steps for change in step]
        gone = sum(change.gone for change in changes)
        return Spent(writes=len(changes) - gone, deletes=gone, size=sum(change.size for change in changes))

    async def apply(
        self, steps: Sequence[Sequence[Change]], read: Callable[[Change], bytes], done: Callable[[int], None]
    ) -> None:
        """See ``ports.MirrorStore``; checks that what it is given is what it was promised."""
        for change in (change for step in steps for change in step):
            data = None if change.gone else read(change)
            assert data is None or hashlib.sha256(data).hexdigest() == change.digest, change.name
            self._write(change.name, data)
            done(1)
            await anyio.lowlevel.checkpoint()

    def _write(self, name: str, data: bytes | None) -> None:
        self._countdown -= 1
        failing = self._how if self._countdown == 0 or (self._again and self._countdown < 0) else ""
        self.faults += bool(failing)
        if failing != "refused":
            self.writes += 1
            self.spent += Spent(deletes=1) if data is None else Spent(writes=1, size=len(data))
            if data is None:
                self.files.pop(name, None)
            else:
                self.files[name] = data
            self.seen(self)
        if failing:
            raise StoreError("connection reset by peer", where=f"mirror {self.name}", remedy="publish again")
