"""The counters and their file: what is written when, what never, and what a second version of a file shows."""

from __future__ import annotations

import os
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph.adapters.serve import book as module
from heliograph.adapters.serve.book import Book, Sender, receive
from heliograph.model.census import ENDS, LEAST, MOST_DAYS, Cell, unpack
from heliograph.model.errors import ConfigError

DAY = 86_400.0
FIRST = date(2026, 11, 25)
START = (FIRST - date(1970, 1, 1)).days * DAY
FROZEN, WHOLE = ENDS.index("frozen"), ENDS.index("whole")


class Clock:
    """A wall clock that stands until it is set."""

    def __init__(self) -> None:
        self.time = START

    def __call__(self) -> float:
        return self.time


def opened(path: Path, clock: Clock) -> Book:
    book = Book(path=path, names=("other", "AS64500", "AS64501"), share=0.5, wall=clock)
    book.open()
    return book


def count(book: Book, times: int, network: int = 1, end: int = FROZEN, kib: int = 14) -> None:
    for _ in range(times):
        book.count(network, end, kib)


def test_a_day_is_written_when_it_is_over_and_only_its_large_cells(tmp_path: Path) -> None:
    place, clock = tmp_path / "sensor.json", Clock()
    book = opened(place, clock)
    assert unpack(place.read_bytes()).days == ()
    count(book, LEAST)
    count(book, LEAST - 1, network=2)
    count(book, LEAST - 1, kib=15)
    count(book, 3 * LEAST, end=WHOLE, kib=5)
    clock.time += DAY - 1
    book.settle(0.0)
    assert unpack(place.read_bytes()).days == (), "the day is not over"
    clock.time += 1
    book.settle(1.0)
    (day,) = unpack(place.read_bytes()).days
    assert day.day == FIRST
    assert day.cells == (
        Cell(network="AS64500", end="frozen", kib=14, count=LEAST),
        Cell(network="AS64500", end="whole", kib=5, count=3 * LEAST),
    )
    assert unpack(place.read_bytes()).sample == 0.5
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sensor.json"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    st.lists(
        st.tuples(st.integers(1, 2), st.sampled_from([FROZEN, WHOLE]), st.integers(13, 15), st.integers(1, 50))
        | st.sampled_from([3_600.0, 40_000.0, DAY, -50_000.0])
        | st.none(),
        max_size=40,
    )
)
def test_no_version_of_the_file_shows_a_small_cell_and_no_day_has_two(
    tmp_path: Path, steps: list[tuple[int, int, int, int] | float | None]
) -> None:
    place, clock, now = tmp_path / "sensor.json", Clock(), 0.0
    place.unlink(missing_ok=True)
    book = opened(place, clock)
    versions: dict[date, object] = {}
    for step in steps:
        now += module.EVERY
        if isinstance(step, tuple):
            network, end, kib, times = step
            count(book, times, network, end, kib)
        elif isinstance(step, float):
            clock.time += step
        else:
            book = opened(place, clock)  # another life of the program
        book.settle(now)
        for day in unpack(place.read_bytes()).days:  # refuses small cells itself
            assert versions.setdefault(day.day, day.cells) == day.cells
            assert day.day < FIRST + timedelta(days=int((clock.time - START) // DAY) + 3)


def test_what_is_told_stays_when_the_program_starts_again_and_ends_after_eight_days(tmp_path: Path) -> None:
    place, clock = tmp_path / "sensor.json", Clock()
    for number in range(MOST_DAYS + 2):
        book = opened(place, clock)
        count(book, LEAST + number)
        clock.time += DAY
        book.settle(0.0)
    days = unpack(place.read_bytes()).days
    assert [day.cells[0].count for day in days] == [LEAST + number for number in range(2, MOST_DAYS + 2)]


def test_a_clock_that_is_set_back_opens_no_day_again(tmp_path: Path) -> None:
    place, clock = tmp_path / "sensor.json", Clock()
    book = opened(place, clock)
    count(book, LEAST)
    clock.time += DAY
    book.settle(0.0)
    before = place.read_bytes()
    clock.time -= DAY / 2
    count(book, 5 * LEAST)
    book.settle(10_000.0)
    assert place.read_bytes() == before
    again = opened(place, clock)  # and so in another life of the program
    count(again, 7 * LEAST)
    clock.time += DAY / 2
    again.settle(0.0)
    assert unpack(place.read_bytes()).days == unpack(before).days


def test_a_disk_that_fails_is_tried_again_but_not_all_the_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, clock = tmp_path / "sensor.json", Clock()
    book = opened(place, clock)
    count(book, LEAST)
    clock.time += DAY
    tried: list[int] = []

    def broken(_: object) -> bytes:
        tried.append(1)
        raise OSError("no space left")

    with monkeypatch.context() as patch:
        patch.setattr(module, "pack", broken)
        for now in (0.0, 1.0, module.EVERY - 1, module.EVERY):
            book.settle(now)
    assert len(tried) == 2
    assert unpack(place.read_bytes()).days == ()
    book.settle(2 * module.EVERY)
    assert len(unpack(place.read_bytes()).days) == 1


def test_counters_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    book = opened(tmp_path / "sensor.json", Clock())
    for kib in (1, 2, 3, 1, 4):
        book.count(1, WHOLE, kib)
    assert (len(book._counts), book.lost) == (2, 2)


def test_another_file_is_never_overwritten_and_a_bad_folder_is_named(tmp_path: Path) -> None:
    place = tmp_path / "heliograph.toml"
    place.write_text("[newsroom]\n")
    for path in (place, tmp_path / "none" / "sensor.json", tmp_path):
        with pytest.raises(ConfigError) as caught:
            opened(path, Clock())
        assert caught.value.where == str(path)
        assert "--sensor" in caught.value.remedy
    assert place.read_text() == "[newsroom]\n"


def test_what_workers_count_comes_together(tmp_path: Path) -> None:
    place, clock = tmp_path / "sensor.json", Clock()
    book = opened(place, clock)
    ours, theirs = os.pipe()
    os.set_blocking(ours, False)
    one, two = Sender(theirs), Sender(theirs)
    try:
        receive(ours, book)  # nothing yet
        for _ in range(LEAST - 1):
            one(1, FROZEN, 14)
        two(1, FROZEN, 14)
        two(9, FROZEN, 14)  # a network that is not there
        two(1, 7, 14)
        two(1, FROZEN, 255)
        receive(ours, book)
        assert book._counts == {(1, FROZEN, 14): LEAST}
        for _ in range(50_000):
            one(2, WHOLE, 5)  # more than a pipe holds: counts are lost, nothing waits
        receive(ours, book)
        assert 0 < book._counts[2, WHOLE, 5] < 50_000
    finally:
        os.close(ours)
        os.close(theirs)
