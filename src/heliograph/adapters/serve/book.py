"""The sensor's counters and its file: what of them is written, when, and what never.

Rule 1: only counters are held, by day (UTC), network, end and KiB; bounded by ``MOST``.
Rule 2: when a day is over, its cells of ``LEAST`` connections and more are written, once; the rest is forgotten. A day
that stands in the file is never touched again, and nothing of a day under way is ever written. So whoever keeps every
version of the file learns no more from their differences than from the last one.
Rule 3: a file is replaced whole, by renaming, at most every ``EVERY`` seconds.
Rule 4: a program that ends takes the counters of the day with it. To keep them would be to write small cells.

Several worker processes count into one book: each sends what it has seen through a pipe to the process that watches
over them (``Sender``), since cells that are too small in every process can be large enough together.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Final

from heliograph.model.census import ENDS, MOST_BYTES, MOST_DAYS, TOP, Cell, Census, Day, pack, shown, unpack
from heliograph.model.errors import ConfigError

EVERY: Final = 600.0  # seconds between two attempts to write
MOST: Final = 500_000  # counters
_NOTE: Final = struct.Struct("=IBB")  # network, end, KiB
_READ: Final = 65_536 // _NOTE.size * _NOTE.size  # bytes at once, whole notes
_EPOCH: Final = date(1970, 1, 1)
_DAY: Final = 86_400

Wall = Callable[[], float]  # seconds since 1970, as time.time


@dataclass(slots=True, kw_only=True)
class Book:
    """Counts ends of connections, and writes those of finished days to ``path``. ``names`` are networks by number."""

    path: Path
    names: tuple[str, ...]
    share: float
    wall: Wall
    lost: int = 0  # ends that found no room
    _counts: dict[tuple[int, int, int], int] = field(default_factory=dict)
    _day: int = -1  # since 1970, the one that is counted; -1 before the first
    _days: tuple[Day, ...] = ()  # told
    _unwritten: bool = False
    _tried: float = float("-inf")

    def open(self) -> None:
        """Take up what the file has told already, and see that it can be written.

        Raises:
            ConfigError: something else stands there, or the folder cannot be written.
        """
        where, remedy = str(self.path), "name a file of its own, in a folder that can be written, for --sensor"
        try:
            with self.path.open("rb") as file:
                self._days = unpack(file.read(MOST_BYTES + 1)).days
        except FileNotFoundError:
            pass
        except ValueError as err:
            raise ConfigError(f"there is something else already: {err}", where=where, remedy=remedy) from err
        except OSError as err:
            raise ConfigError(f"cannot be read: {err.strerror}", where=where, remedy=remedy) from err
        try:
            self._write()
        except OSError as err:
            raise ConfigError(f"cannot be written: {err.strerror}", where=where, remedy=remedy) from err

    def count(self, network: int, end: int, kib: int) -> None:
        """One more connection of the network with this number, that ended so (a number in ``ENDS``)."""
        self._turn()
        key = (network, end, kib)
        if key not in self._counts and len(self._counts) >= MOST:
            self.lost += 1
            return
        self._counts[key] = self._counts.get(key, 0) + 1

    def settle(self, now: float) -> None:
        """Close the day if it is over, and write what is to be written. ``now`` in monotonic seconds.

        A disk that fails is tried again after ``EVERY`` seconds: nobody is there to be told, and nothing is lost.
        """
        self._turn()
        if self._unwritten and now - self._tried >= EVERY:
            self._tried = now
            with suppress(OSError):
                self._write()

    def _turn(self) -> None:
        today = int(self.wall() // _DAY)
        if self._day < 0:
            self._day = today
        if today <= self._day:  # a clock that was set back makes the day longer, and opens none again
            return
        over, cells = _EPOCH + timedelta(days=self._day), self._cells()
        self._counts, self._day = {}, today
        if not cells or (self._days and self._days[-1].day >= over):  # rule 2: never a second version of a day
            return
        self._days = (*self._days, Day(day=over, cells=cells))[-MOST_DAYS:]
        self._unwritten = True

    def _cells(self) -> tuple[Cell, ...]:
        return shown(
            Cell(network=self.names[network], end=ENDS[end], kib=kib, count=count)
            for (network, end, kib), count in self._counts.items()
        )

    def _write(self) -> None:
        scratch = self.path.with_name(f".{self.path.name}.part")
        with scratch.open("wb") as file:
            file.write(pack(Census(sample=self.share, days=self._days)))
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(self.path)
        self._unwritten = False


class Sender:
    """Counts into a book of another process. A full pipe loses counts: an answer never waits for them."""

    def __init__(self, pipe: int) -> None:
        os.set_blocking(pipe, False)
        self._pipe = pipe

    def __call__(self, network: int, end: int, kib: int) -> None:
        """See ``sensor.Count``."""
        with suppress(OSError):
            os.write(self._pipe, _NOTE.pack(network, end, kib))  # shorter than PIPE_BUF: never in pieces


def receive(pipe: int, book: Book) -> None:
    """Count what waits in ``pipe``, which does not block. Notes that make no sense are passed over."""
    with suppress(BlockingIOError):
        while data := os.read(pipe, _READ):
            for network, end, kib in _NOTE.iter_unpack(data[: len(data) // _NOTE.size * _NOTE.size]):
                if network < len(book.names) and end < len(ENDS) and kib <= TOP:
                    book.count(network, end, kib)
