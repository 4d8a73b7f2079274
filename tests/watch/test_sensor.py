"""A spike in what a mirror counted is a curtain; what it is worth beside those who looked."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.watch.test_judge import ANNA, DEAD, FINE, MIRROR, NOW, OURS, ROSTER, seen

from heliograph.lab.vantage import Weather
from heliograph.model.census import ENDS, LEAST, TOP, Cell, Census, Day, pack, shown
from heliograph.model.sighting import Finding, Sighting
from heliograph.watch.judge import MEMORY, judge
from heliograph.watch.sensor import Hearsay, Spike, hear, spikes

YESTERDAY = (NOW - timedelta(days=1)).date()


def day(*cells: tuple[str, str, int, int]) -> Day:
    made = [Cell(network=network, end=end, kib=kib, count=count) for network, end, kib, count in cells]  # type: ignore[arg-type]
    return Day(day=YESTERDAY, cells=tuple(sorted(made)))


HOME = (("home", "frozen", 14, 70), ("home", "whole", 5, 400))
FREE = (("free", "whole", 64, 300), ("free", "whole", 5, 900))


def heard(*cells: tuple[str, str, int, int], back: int = 0) -> tuple[Hearsay, ...]:
    told = day(*cells)
    data = pack(Census(sample=0.25, days=(replace(told, day=told.day - timedelta(days=back)),)))
    return hear(data, mirror=MIRROR, name="lake", now=NOW, memory=MEMORY)


def test_a_spike_that_others_do_not_have_is_a_curtain() -> None:
    (spike,) = spikes(day(*HOME, *FREE))
    assert spike == Spike(network="home", threshold=14_848, frozen=70, passed=0, whole=400, controls=1)
    (said,) = heard(*HOME, *FREE)
    assert (said.diagnosis.kind, said.diagnosis.unit, said.diagnosis.threshold) == ("curtain", "bytes", 14_848)
    assert said.diagnosis.readable
    assert said.diagnosis.controlled
    assert said.vantage.hearsay
    assert said.sighting.started == datetime(2026, 11, 22, tzinfo=UTC)


def test_a_place_on_the_border_of_two_buckets_is_one_place() -> None:
    (spike,) = spikes(day(("home", "frozen", 14, 30), ("home", "frozen", 13, 30), *FREE))
    assert (spike.threshold, spike.frozen) == (14 * 1_024, 60)


@pytest.mark.parametrize(
    "cells",
    [
        (),
        FREE,
        (("home", "frozen", 14, 39), *FREE),  # too few
        (("home", "whole", 14, 500), *FREE),
        (("home", "reset", 14, 500), *FREE),
        (("home", "unread", 14, 500), *FREE),
        (("home", "frozen", 1, 500), *FREE),  # a path that loses full segments
        (("home", "frozen", 50, 500), *FREE),
        (*(("home", "frozen", kib, 40) for kib in range(4, 40)), *FREE),  # a bad line freezes anywhere
        (*HOME, ("home", "whole", 64, 230), ("free", "frozen", 14, 90), *FREE),  # so it is everywhere: its own fault
        (*HOME, ("home", "whole", 64, 9_000), *FREE),  # it is rare here, and may be as frequent there
        (("all", "frozen", 14, 90), *FREE),
        (("other", "frozen", 14, 90), *FREE),
    ],
)
def test_what_is_no_spike_says_nothing(cells: Sequence[tuple[str, str, int, int]]) -> None:
    assert spikes(day(*cells)) == ()


def test_a_curtain_that_strikes_one_in_three_is_seen_if_there_is_enough_to_compare_with() -> None:
    weak = (("home", "frozen", 14, 100), ("home", "whole", 64, 200))
    assert spikes(day(*weak, ("free", "whole", 64, 150))) == ()  # there may be 38 that are not told
    (spike,) = spikes(day(*weak, ("free", "whole", 64, 2_000)))
    assert (spike.frozen, spike.passed, spike.controls) == (100, 200, 1)


def test_without_another_network_it_is_not_controlled() -> None:
    (said,) = heard(*HOME)
    assert not said.diagnosis.controlled
    both = heard(*HOME, ("mobile", "frozen", 14, 90))  # a censor in front of all readers, or the server's own line
    assert [(one.vantage.network, one.diagnosis.controlled) for one in both] == [("home", False), ("mobile", False)]
    assert "no other network came as far" in both[0].diagnosis.evidence[1]


def test_two_networks_behind_one_censor_do_not_hide_each_other_where_a_third_is_free() -> None:
    found = spikes(day(*HOME, ("mobile", "frozen", 14, 90), *FREE))
    assert [spike.network for spike in found] == ["home", "mobile"]


@pytest.mark.parametrize(
    ("limit", "chance"), [(12_000, 1.0), (14_480, 0.8), (15_928, 0.5), (20_480, 1.0), (31_000, 0.3)]
)
def test_any_curtain_shows_at_its_place_among_lines_that_are_merely_bad(limit: int, chance: float) -> None:
    rng = random.Random(limit)
    counts: dict[tuple[str, str, int], int] = {}
    for network, strikes in (("home", chance), ("free", 0.0)):
        for _ in range(4_000):
            size, end = 66_000, "whole"
            if rng.random() < 0.02:
                size, end = rng.randrange(size), "frozen"
            if rng.random() < strikes and size > limit:
                size, end = limit, "frozen"
            key = (network, end, min(size // 1_024, TOP))
            counts[key] = counts.get(key, 0) + 1
    cells = shown(Cell(network=one[0], end=one[1], kib=one[2], count=count) for one, count in counts.items())  # type: ignore[arg-type]
    (spike,) = spikes(Day(day=YESTERDAY, cells=cells))
    assert spike.network == "home"
    assert abs(spike.threshold - limit) <= 1_500


cells = st.builds(
    Cell,
    network=st.sampled_from(["a", "b", "c", "all"]),
    end=st.sampled_from(ENDS),
    kib=st.integers(0, TOP),
    count=st.integers(LEAST, 10_000),
)


@given(st.lists(cells, max_size=60, unique_by=lambda cell: (cell.network, cell.end, cell.kib)))
def test_whatever_is_told_the_answer_keeps_its_promises(found: list[Cell]) -> None:
    for spike in spikes(Day(day=YESTERDAY, cells=shown(found))):
        assert spike.network != "all"
        assert spike.frozen >= 2 * LEAST
        assert 4_096 <= spike.threshold < 41 * 1_024


@given(st.lists(cells, max_size=40, unique_by=lambda cell: (cell.network, cell.end, cell.kib)))
def test_networks_that_are_all_alike_are_never_accused(found: list[Cell]) -> None:
    alike = [replace(cell, network=name) for cell in found if cell.network == "a" for name in ("a", "b")]
    beyond = Cell(network="a", end="whole", kib=TOP, count=10_000)
    same = [one for one in alike if (one.end, one.kib) != ("whole", TOP)]
    assert spikes(Day(day=YESTERDAY, cells=shown([*same, beyond, replace(beyond, network="b")]))) == ()


def test_old_and_future_days_are_not_heard() -> None:
    assert heard(*HOME, *FREE, back=1) == ()
    assert heard(*HOME, *FREE, back=-1) == ()
    assert len(heard(*HOME, *FREE)) == 1


def test_junk_is_no_hearsay() -> None:
    with pytest.raises(ValueError):
        hear(b"<html>", mirror=MIRROR, name="lake", now=NOW, memory=MEMORY)


# ---------------------------------------------------------------- beside those who looked

FROZEN_LOW = (("home", "frozen", 5, 400), ("home", "whole", 2, 30))


def verdict(sightings: Sequence[Sighting], told: Sequence[Hearsay], before: Sequence[Finding] = ()) -> Finding | None:
    found = judge(sightings, NOW, roster=ROSTER, before=before, addresses={MIRROR: ("198.18.0.9",)}, heard=told)
    homes = [finding for finding in found if finding.network == "home"]
    return homes[0] if homes else None


def test_alone_it_is_a_suspicion_that_blocks_nothing() -> None:
    found = verdict(seen(OURS, FINE, 1), heard(*HOME, *FREE))
    assert found is not None
    assert (found.kind, found.strength, found.threshold, found.readable) == ("curtain", "suspicion", 14_848, True)
    assert not found.blocked


def test_alone_it_does_not_kill_a_mirror_whose_pages_it_says_do_not_arrive() -> None:
    found = verdict(seen(OURS, FINE, 1), heard(*FROZEN_LOW, *FREE))
    assert found is not None
    assert (found.kind, found.strength) == ("unknown", "suspicion")
    assert "5,632 bytes" in found.evidence[0]
    assert not found.blocked


def test_it_never_turns_what_somebody_saw_who_looked() -> None:
    for weather, kind in ((FINE, "well"), (DEAD, "sni-drop")):
        alone = verdict([*seen(ANNA, weather, 1), *seen(OURS, FINE, 1)], ())
        beside = verdict([*seen(ANNA, weather, 1), *seen(OURS, FINE, 1)], heard(*FROZEN_LOW, *FREE))
        assert beside == alone
        assert beside is not None
        assert beside.kind == kind


def test_it_outweighs_no_vantage_however_light() -> None:
    light = (OURS, replace(ANNA, weight=0.01))
    found = judge(
        [*seen(ANNA, FINE, 1), *seen(OURS, FINE, 1)],
        NOW,
        roster=light,
        addresses={MIRROR: ("198.18.0.9",)},
        heard=heard(*FROZEN_LOW, *FREE),
    )
    assert {finding.network: finding.kind for finding in found} == {"free": "well", "home": "well"}


def test_it_joins_a_vantage_that_saw_the_same_and_weighs_with_it() -> None:
    curtain = Weather(freeze_bytes=5_000)
    looked = [*seen(ANNA, curtain, 1), *seen(ROSTER[2], DEAD, 1), *seen(OURS, FINE, 1)]
    tied, joined = verdict(looked, ()), verdict(looked, heard(*HOME, *FREE))
    assert tied is not None
    assert joined is not None
    assert joined.kind == "curtain"
    assert joined.vantages == ("anna", "sensor:lake:home")
    alone = verdict([*seen(ANNA, curtain, 1), *seen(OURS, FINE, 1)], ())
    assert alone is not None
    assert joined.strength == alone.strength, "what a mirror says of itself confirms nothing"


def test_a_silent_line_beside_it_changes_nothing() -> None:
    found = verdict(seen(ANNA, Weather(connectivity=False), 1), heard(*HOME, *FREE))
    assert found is not None
    assert found.kind == "curtain"


def test_a_vantage_cannot_come_in_as_hearsay_by_its_name() -> None:
    (said,) = heard(*FROZEN_LOW, *FREE)
    forged = replace(said, vantage=replace(said.vantage, name="anna", hearsay=False))
    assert verdict(seen(OURS, FINE, 1), (forged,)) is None
