"""The file of a sensor: what may stand in it, and what is refused."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.model import census
from heliograph.model.census import ENDS, LEAST, TOP, Cell, Census, Day, bucket, pack, shown, unpack

DAY = date(2026, 11, 25)
CELL = ["AS64500", "frozen", 14, 57]
networks = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9._:-]{0,39}\Z")
cells = st.builds(
    Cell,
    network=networks,
    end=st.sampled_from(ENDS),
    kib=st.integers(0, TOP),
    count=st.integers(LEAST, 1 << 30),
)


def file(**changes: Any) -> bytes:
    told = {"heliograph-sensor": 1, "sample": 0.25, "days": [{"day": "2026-11-25", "cells": [CELL]}]}
    return json.dumps({**told, **changes}).encode()


def day(*rows: Any, text: Any = "2026-11-25") -> bytes:
    return file(days=[{"day": text, "cells": list(rows)}])


@given(
    st.lists(cells, max_size=30, unique_by=lambda cell: (cell.network, cell.end, cell.kib)),
    st.floats(0, 1, exclude_min=True),
)
def test_what_is_packed_is_read_again(found: list[Cell], sample: float) -> None:
    told = Census(sample=sample, days=(Day(day=DAY, cells=shown(found)),))
    assert unpack(pack(told)) == told


def test_an_example_of_the_file_is_read() -> None:
    (read,) = unpack(file()).days
    assert read == Day(day=DAY, cells=(Cell(network="AS64500", end="frozen", kib=14, count=57),))


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"", "Expecting value"),
        (b"\xff", "decode"),
        (b"[" * 100_000, "nested"),
        (b"[]", "not the file of a sensor"),
        (b" " * census.MOST_BYTES + b"[]", "longer than 2 MiB"),
        (file(more=1), "not the file of a sensor"),
        (file(**{"heliograph-sensor": 2}), "version 1"),
        (file(**{"heliograph-sensor": True}), "version 1"),
        (file(sample=0), "sample"),
        (file(sample=True), "sample"),
        (file(sample=float("nan")), "sample"),
        (file(sample="1"), "sample"),
        (file(days={}), "days"),
        (file(days=[{"day": f"2026-11-0{n}", "cells": []} for n in range(1, 10)]), "at most 8"),
        (file(days=[{"day": "2026-11-25", "cells": []}] * 2), "out of order"),
        (file(days=[{"day": "2026-11-25"}]), "not a day"),
        (day(text="25.11.2026"), "day"),
        (day(text="2026-02-30"), "day"),
        (day(text=20261125), "day"),
        (day(CELL, CELL), "one cell twice"),
        (day(CELL[:3]), "network, end, KiB and count"),
        (day(["", *CELL[1:]]), "name of a network"),
        (day(["a b", *CELL[1:]]), "name of a network"),
        (day(["[red]", *CELL[1:]]), "name of a network"),
        (day([7, *CELL[1:]]), "name of a network"),
        (day(["AS1", "thawed", 14, 57]), "ends are"),
        (day(["AS1", ["frozen"], 14, 57]), "ends are"),
        (day(["AS1", "frozen", TOP + 1, 57]), "KiB"),
        (day(["AS1", "frozen", -1, 57]), "KiB"),
        (day(["AS1", "frozen", 14.0, 57]), "KiB"),
        (day(["AS1", "frozen", 14, LEAST - 1]), "at least 20"),
        (day(["AS1", "frozen", 14, True]), "at least 20"),
        (day(["AS1", "frozen", 14, 1 << 40]), "at least 20"),
    ],
)
def test_what_is_no_such_file_is_refused_with_the_reason(data: bytes, what: str) -> None:
    with pytest.raises(ValueError, match=what):
        unpack(data)


@given(st.binary(max_size=200) | st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps))
def test_hostile_bytes_are_refused_in_one_way(data: bytes | str) -> None:
    with pytest.raises(ValueError):
        unpack(data if isinstance(data, bytes) else data.encode())


def test_more_cells_than_a_file_may_hold_are_refused() -> None:
    rows = [[f"AS{number}", "whole", 1, 20] for number in range(census.MOST_CELLS + 1)]
    with pytest.raises(ValueError, match="more than 20000"):
        unpack(day(*rows))


@given(st.lists(st.builds(Cell, network=networks, end=st.just("whole"), kib=st.just(1), count=st.integers(0, 60))))
def test_small_cells_are_never_shown(found: list[Cell]) -> None:
    assert all(cell.count >= LEAST for cell in shown(found))
    assert sum(cell.count >= LEAST for cell in found) == len(shown(found))


def test_a_small_cell_cannot_be_packed_by_mistake() -> None:
    small = Day(day=DAY, cells=(Cell(network="AS1", end="frozen", kib=14, count=LEAST - 1),))
    with pytest.raises(ValueError, match="fewer than 20"):
        pack(Census(sample=1.0, days=(small,)))


def test_eight_days_that_are_as_full_as_can_be_fit_the_file() -> None:
    many = [Cell(network=f"AS42949{number:05}", end="whole", kib=TOP, count=20 + number) for number in range(10_000)]
    full = shown(many)
    assert full[-1] == many[-1]
    told = Census(
        sample=0.25,
        days=tuple(Day(day=date(2026, 11, number), cells=full) for number in range(1, census.MOST_DAYS + 1)),
    )
    assert unpack(pack(told)) == told


@pytest.mark.parametrize(("acked", "kib"), [(-1, 0), (0, 0), (1_023, 0), (1_024, 1), (14_480, 14), (1 << 40, TOP)])
def test_bytes_fall_into_buckets(acked: int, kib: int) -> None:
    assert bucket(acked) == kib
