"""What a mirror's sensor tells: how many connections of a network ended how, and after how many bytes.

Rule 1: a cell counts connections, never readers; who they were is not in it and cannot be put into it. Rule 2: a cell
of fewer than ``LEAST`` is neither written nor believed. Rule 3: only whole days that are over are told, each once and
never again otherwise, so that two versions of a file show nothing by their difference. There are no sums either, since
a sum less the cells that are shown is a cell that is not. Rule 4: a file comes from whoever runs the mirror, so reading
is strict and bounded.

The file is JSON, UTF-8:

    {"heliograph-sensor": 1, "sample": 0.25, "days": [{"day": "2026-11-25", "cells": [["AS64500", "frozen", 14, 57]]}]}

In a cell stand network, end, KiB (bytes acknowledged, divided by ``BUCKET`` and cut) and count.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Any, Final, Literal, get_args

# How a connection with an answer ended, as the server's kernel knows.
End = Literal[
    "whole",  # all of it was acknowledged
    "frozen",  # nothing was acknowledged any more, and nobody said goodbye
    "reset",  # somebody sent a reset, or a router said no
    "unread",  # the reader is there and takes no more
]
ENDS: Final[tuple[End, ...]] = get_args(End)
EVERYBODY: Final = "all"  # the network of all clients where no table of networks is given
ELSEWHERE: Final = "other"  # of those whom the table does not name
LEAST: Final = 20  # connections in a cell that may be written
BUCKET: Final = 1_024  # bytes
TOP: Final = 64  # the bucket of all that is larger
MOST_BYTES: Final = 2 << 20  # of a file
MOST_DAYS: Final = 8
MOST_CELLS: Final = 20_000  # of all days together
_MOST_COUNT: Final = 1 << 40
_NETWORK = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,39}")


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Cell:
    """``count`` connections of ``network`` that ended so, with ``kib`` KiB acknowledged (``TOP``: as many or more)."""

    network: str
    end: End
    kib: int
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """All cells of one day (UTC) that are large enough, in order."""

    day: date
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Census:
    """What one mirror tells. ``sample`` is the share of connections that were looked at, 0 to 1."""

    sample: float
    days: tuple[Day, ...] = ()  # the oldest first


def bucket(acked: int) -> int:
    """The KiB under which ``acked`` bytes are counted."""
    return min(max(acked, 0) // BUCKET, TOP)


def is_network(name: str) -> bool:
    """Whether ``name`` can stand for a network: up to 40 letters, digits, dots, colons, hyphens, underscores."""
    return _NETWORK.fullmatch(name) is not None


def shown(cells: Iterable[Cell]) -> tuple[Cell, ...]:
    """Those that are large enough, in order; of more than a file may hold, the largest."""
    large = sorted((cell for cell in cells if cell.count >= LEAST), key=lambda cell: (-cell.count, cell))
    return tuple(sorted(large[: MOST_CELLS // MOST_DAYS]))


def pack(census: Census) -> bytes:
    """The bytes of the file. Raises ValueError for a cell that is too small to be told."""
    days = []
    for day in census.days:
        if any(cell.count < LEAST for cell in day.cells):
            raise ValueError(f"{day.day}: a cell of fewer than {LEAST} connections")
        rows = [[cell.network, cell.end, cell.kib, cell.count] for cell in day.cells]
        days.append({"day": day.day.isoformat(), "cells": rows})
    told = {"heliograph-sensor": 1, "sample": census.sample, "days": days}
    return json.dumps(told, separators=(",", ":")).encode() + b"\n"


def unpack(data: bytes) -> Census:
    """The census in ``data``.

    Raises:
        ValueError: they are not what ``pack`` writes, or go beyond a limit; says what is wrong.
    """
    if len(data) > MOST_BYTES:
        raise ValueError("longer than 2 MiB")
    try:
        told = json.loads(data)
    except RecursionError as err:
        raise ValueError("nested too deeply") from err
    if not isinstance(told, dict) or told.keys() != {"heliograph-sensor", "sample", "days"}:
        raise ValueError("not the file of a sensor")
    if type(told["heliograph-sensor"]) is not int or told["heliograph-sensor"] != 1:
        raise ValueError("not of version 1")
    sample, days = told["sample"], told["days"]
    if not isinstance(sample, int | float) or isinstance(sample, bool) or not 0 < sample <= 1:
        raise ValueError("sample: not a share above 0 and up to 1")
    if not isinstance(days, list) or len(days) > MOST_DAYS:
        raise ValueError(f"days: not a list of at most {MOST_DAYS}")
    read = tuple(_day(day) for day in days)
    if any(one.day >= other.day for one, other in pairwise(read)):
        raise ValueError("days: one twice, or out of order")
    if sum(len(day.cells) for day in read) > MOST_CELLS:
        raise ValueError(f"cells: more than {MOST_CELLS}")
    return Census(sample=float(sample), days=read)


def _day(told: Any) -> Day:  # noqa: ANN401 - what json.loads gives
    if not isinstance(told, dict) or told.keys() != {"day", "cells"} or not isinstance(told["cells"], list):
        raise ValueError("days: not a day with cells")
    text = told["day"]
    if not isinstance(text, str) or re.fullmatch(r"\d{4}-\d\d-\d\d", text, re.ASCII) is None:
        raise ValueError("day: not a date such as 2026-11-25")
    if len(told["cells"]) > MOST_CELLS:
        raise ValueError(f"cells: more than {MOST_CELLS}")
    cells = tuple(_cell(row) for row in told["cells"])
    if len({(cell.network, cell.end, cell.kib) for cell in cells}) != len(cells):
        raise ValueError(f"{text}: one cell twice")
    return Day(day=date.fromisoformat(text), cells=cells)


def _cell(row: Any) -> Cell:  # noqa: ANN401 - what json.loads gives
    if not isinstance(row, list) or len(row) != 4:
        raise ValueError("cell: not network, end, KiB and count")
    network, end, kib, count = row
    if not isinstance(network, str) or not is_network(network):
        raise ValueError("cell: not the name of a network")
    if not isinstance(end, str) or end not in ENDS:
        raise ValueError(f"cell: ends are {', '.join(ENDS)}")
    if type(kib) is not int or not 0 <= kib <= TOP:
        raise ValueError(f"cell: KiB are a number from 0 to {TOP}")
    if type(count) is not int or not LEAST <= count < _MOST_COUNT:
        raise ValueError(f"cell: a count is a number of at least {LEAST}")
    return Cell(network=network, end=end, kib=kib, count=count)
