"""A folder of messages of one size, each under its hash: what a mirror's drop takes in, what a vantage has to send.

Rule 1: the same message twice is one file, whole or not at all. Rule 2: the folder never holds more than ``most``
files, of whatever kind; who has no room makes it among the messages of the oldest day, by lot, so that nobody who
floods the folder can choose which ones go. Rule 3: a file says on which day it came and no more, as far as we write it
(the file system has a time of its own for changes, which nobody can set). Rule 4: nobody looks into a message here.
"""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from heliograph.model import ConfigError, StoreError

SIZE: Final = 4_096  # bytes of a message
MOST: Final = 4_096  # files: 16 MB
_ROOM: Final = 16  # part of them that is cleared at once, so that a flood costs one look at all of them in so many
_DAY: Final = 86_400  # seconds
_NAME = re.compile(r"[0-9a-f]{64}")
_SHEET = re.compile(r"[0-9a-f]{32}")
MOST_SHEET: Final = 5_120  # bytes of a work list: with its head it fits 6 KB


def _today() -> int:
    return int(time.time()) // _DAY


class Spool:
    """``in`` of ``root`` holds messages, ``out`` the work lists that may be asked for by name."""

    def __init__(self, root: Path, *, most: int = MOST, today: Callable[[], int] = _today) -> None:
        self.root, self._in, self._out = root, root / "in", root / "out"
        self._most, self._today = most, today
        self._chance = random.SystemRandom()

    def take(self, message: bytes) -> bool:
        """Keep a message; False if it is none.

        Raises:
            StoreError: the folder cannot be written.
        """
        if len(message) != SIZE:
            return False
        path = self._in / sha256(message).hexdigest()
        scratch = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            self._in.mkdir(mode=0o700, parents=True, exist_ok=True)
            if not path.exists():
                self._make_room()
                scratch.write_bytes(message)
                os.utime(scratch, (self._today() * _DAY,) * 2)
                scratch.replace(path)
        except OSError as error:
            with suppress(OSError):
                scratch.unlink()
            raise self._error(error) from error
        return True

    def names(self) -> list[str]:
        """The messages, in no order that says when they came.

        Raises:
            StoreError: the folder cannot be read.
        """
        try:
            return sorted(name for name in os.listdir(self._in) if _NAME.fullmatch(name))  # noqa: PTH208
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._error(error) from error

    def read(self, name: str) -> bytes:
        """A message, at most one byte longer than it may be; b"" where there is none.

        Raises:
            StoreError: it cannot be read.
        """
        return self._read(self._in / name, SIZE)

    def remove(self, name: str) -> None:
        """Forget a message.

        Raises:
            StoreError: the folder cannot be written.
        """
        try:
            (self._in / name).unlink(missing_ok=True)
        except OSError as error:
            raise self._error(error) from error

    def sheet(self, path: str) -> bytes:
        """The work list that is asked for as ``drop/`` and 32 hex digits; b"" where there is none, or no such name."""
        folder, _, name = path.partition("/")
        if folder != "drop" or not _SHEET.fullmatch(name):
            return b""
        try:
            data = self._read(self._out / name, MOST_SHEET)
        except StoreError:
            return b""
        return data if len(data) <= MOST_SHEET else b""

    def publish(self, sheets: Mapping[str, bytes]) -> None:
        """Let these work lists be asked for, and no others.

        Raises:
            StoreError: the folder cannot be written.
        """
        try:
            self._out.mkdir(parents=True, exist_ok=True)
            for name, data in sheets.items():
                scratch = self._out / f".{name}.part"
                scratch.write_bytes(data)
                os.utime(scratch, (self._today() * _DAY,) * 2)
                scratch.replace(self._out / name)
            for name in os.listdir(self._out):  # noqa: PTH208
                if name not in sheets and _SHEET.fullmatch(name):
                    (self._out / name).unlink(missing_ok=True)
        except OSError as error:
            raise self._error(error) from error

    def _make_room(self) -> None:
        if len(os.listdir(self._in)) < self._most:  # noqa: PTH208 - names alone; no Path for each of thousands
            return
        held = []
        for path in self._in.iterdir():
            with suppress(FileNotFoundError):  # another process makes room, too
                held.append((path.lstat().st_mtime, self._chance.random(), path))
        for _, _, path in sorted(held)[: len(held) - self._most + max(1, self._most // _ROOM)]:
            path.unlink(missing_ok=True)

    def _read(self, path: Path, limit: int) -> bytes:
        try:
            # NONBLOCK: to open a named pipe must not wait for its writer
            descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
            with os.fdopen(descriptor, "rb") as file:
                return file.read(limit + 1) or b""
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise self._error(error) from error

    def _error(self, error: OSError) -> StoreError:
        remedy = "give the user that runs heliograph the right to write there, and the disk some room"
        return StoreError(f"cannot be used: {error.strerror or error}", where=str(self.root), remedy=remedy)


def drop_at(folder: Path, *, beside: Path) -> Spool:
    """The drop in ``folder``, which must not be a part of the mirror's folder ``beside``.

    Raises:
        ConfigError: it is, or cannot be made.
    """
    place, mirror = folder.resolve(), beside.resolve()
    if place == mirror or mirror in place.parents or place in mirror.parents:
        remedy = "name a folder outside of the mirror's: everybody may read that one"
        raise ConfigError("the drop and the mirror are in one another", where=str(folder), remedy=remedy)
    try:
        for part in (folder, folder / "in", folder / "out"):
            part.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        remedy = "name a folder that can be made and written"
        raise ConfigError(f"the drop cannot be used: {error.strerror}", where=str(folder), remedy=remedy) from error
    return Spool(folder)
