"""Many sightings, one finding: weights, controls from outside, hysteresis, and what lies."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.watch.test_look import TARGET, look

from heliograph.lab.vantage import Weather
from heliograph.model.sighting import Finding, Sighting, Vantage
from heliograph.watch import judge

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
MIRROR = TARGET.url
OURS = Vantage(name="ours", network="free", outside=True)
ANNA, BORIS, VERA = (Vantage(name=name, network="home") for name in ("anna", "boris", "vera"))
ROSTER = (OURS, ANNA, BORIS, VERA)
FINE, DEAD = Weather(), Weather(drop_name=True)


def seen(vantage: Vantage, weather: Weather, *minutes: float) -> list[Sighting]:
    """Sightings of ``vantage`` so many minutes before now."""
    return [
        replace(
            look(weather, seed=int(ago))[0],
            vantage=vantage.name,
            network=vantage.network,
            started=NOW - timedelta(minutes=ago),
        )
        for ago in minutes
    ]


def verdict(sightings: Sequence[Sighting], before: Sequence[Finding] = ()) -> Finding | None:
    found = judge(sightings, NOW, roster=ROSTER, before=before, addresses={MIRROR: TARGET.addresses})
    homes = [finding for finding in found if finding.network == "home"]
    return homes[0] if homes else None


def test_what_fails_here_and_works_outside_is_blocked() -> None:
    found = verdict([*seen(ANNA, DEAD, 1), *seen(OURS, FINE, 2)])
    assert found is not None
    assert (found.kind, found.strength, found.vantages) == ("sni-drop", "likely", ("anna",))
    assert found.blocked


def test_what_fails_from_outside_as_well_is_the_mirrors_own_fault() -> None:
    for weather in (Weather(up=False), Weather(black_hole=True), Weather(certificate="ssl_invalid_hostname")):
        found = verdict([*seen(ANNA, weather, 1, 3), *seen(OURS, weather, 2)])
        assert found is not None
        assert found.kind == "origin-down"
        assert not found.blocked


def test_what_fails_where_nothing_is_blocked_is_the_mirrors_own_fault_though_nobody_else_looks() -> None:
    (found,) = judge(seen(OURS, Weather(black_hole=True), 1, 3), NOW, roster=ROSTER)
    assert (found.kind, found.strength, found.network) == ("origin-down", "likely", "free")
    assert not found.blocked
    (other,) = judge(seen(OURS, Weather(connectivity=False), 1, 3), NOW, roster=ROSTER) or (None,)
    assert other is None or other.kind != "origin-down"  # it is this line that is down


def test_without_a_look_from_outside_it_stays_a_suspicion() -> None:
    found = verdict(seen(ANNA, DEAD, 1, 3))
    assert found is not None
    assert (found.kind, found.strength) == ("sni-drop", "suspicion")
    late = verdict([*seen(ANNA, DEAD, 1, 3), *seen(OURS, FINE, 60)])
    assert late is not None
    assert late.strength == "suspicion"


def test_two_vantages_confirm_and_so_do_two_days_of_one() -> None:
    two = verdict([*seen(ANNA, DEAD, 1), *seen(BORIS, DEAD, 2), *seen(OURS, FINE, 1)])
    days = verdict([*seen(ANNA, DEAD, 1, 1_300), *seen(OURS, FINE, 1, 1_300)])
    assert two is not None
    assert days is not None
    assert (two.strength, days.strength) == ("confirmed", "confirmed")


def test_one_liar_cannot_take_a_mirror_from_readers() -> None:
    found = verdict([*seen(ANNA, DEAD, 1, 2, 3), *seen(BORIS, FINE, 1), *seen(OURS, FINE, 1)])
    assert found is not None
    assert found.kind == "well"
    outvoted = verdict([*seen(ANNA, DEAD, 1), *seen(BORIS, FINE, 1), *seen(VERA, FINE, 2), *seen(OURS, FINE, 1)])
    assert outvoted is not None
    assert outvoted.vantages == ("boris", "vera")


def test_a_vantage_counts_as_much_as_it_weighs() -> None:
    light = (OURS, replace(ANNA, weight=0.2), BORIS)
    told = [*seen(ANNA, FINE, 1), *seen(BORIS, DEAD, 1), *seen(OURS, FINE, 1)]
    found = judge(told, NOW, roster=light, addresses={MIRROR: TARGET.addresses})
    assert {finding.network: finding.kind for finding in found} == {"free": "well", "home": "sni-drop"}


def test_strangers_and_those_who_name_another_network_say_nothing() -> None:
    stranger = Vantage(name="stranger", network="home")
    lost = replace(ANNA, network="mobile")
    assert verdict([*seen(stranger, DEAD, 1), *seen(lost, DEAD, 1)]) is None


@pytest.mark.parametrize("minutes", [-6.0, -100_000.0, 25 * 60.0, 1e7])
def test_times_of_another_age_say_nothing(minutes: float) -> None:
    assert verdict(seen(ANNA, DEAD, minutes)) is None


def test_no_connectivity_is_never_blocking() -> None:
    assert verdict(seen(ANNA, Weather(connectivity=False), 1, 2, 3)) is None
    before = verdict([*seen(ANNA, FINE, 1)])
    assert before is not None
    assert verdict(seen(ANNA, Weather(connectivity=False), 1), (before,)) == before


def test_several_lines_silent_at_once_are_a_shutdown() -> None:
    silent = Weather(connectivity=False)
    found = verdict([*seen(ANNA, silent, 1), *seen(BORIS, silent, 2)])
    assert found is not None
    assert (found.kind, found.strength) == ("shutdown", "suspicion")


def test_a_finding_turns_only_when_the_new_state_was_seen_often_enough() -> None:
    dead = verdict([*seen(ANNA, DEAD, 30, 40), *seen(OURS, FINE, 30)])
    assert dead is not None
    once = verdict([*seen(ANNA, FINE, 1), *seen(ANNA, DEAD, 30, 40), *seen(OURS, FINE, 1, 30)], (dead,))
    assert once == dead
    twice = verdict([*seen(ANNA, FINE, 1, 5), *seen(ANNA, DEAD, 30, 40), *seen(OURS, FINE, 1, 30)], (dead,))
    assert twice is not None
    assert (twice.kind, twice.since) == ("well", NOW - timedelta(minutes=5))


def test_one_look_that_repeated_its_checks_is_enough_to_turn() -> None:
    well = verdict(seen(ANNA, FINE, 30))
    assert well is not None
    found = verdict([*seen(ANNA, DEAD, 1), *seen(ANNA, FINE, 30), *seen(OURS, FINE, 1)], (well,))
    assert found is not None
    assert found.kind == "sni-drop"


def test_a_finding_keeps_the_day_it_began() -> None:
    dead = verdict([*seen(ANNA, DEAD, 50), *seen(OURS, FINE, 50)])
    assert dead is not None
    later = verdict([*seen(ANNA, DEAD, 1), *seen(OURS, FINE, 1)], (dead,))
    assert later is not None
    assert later.since == dead.since


def test_pages_that_arrive_behind_a_curtain_are_readable_and_not_blocked() -> None:
    behind = replace(look(Weather(freeze_bytes=16_384), deep=True)[0], vantage="anna", network="home")
    found = verdict([replace(behind, started=NOW), *seen(OURS, FINE, 1)])
    assert found is not None
    assert (found.kind, found.unit, found.readable, found.blocked) == ("curtain", "bytes", True, False)


def test_as_slow_from_outside_is_no_throttle() -> None:
    slow = Weather(rate=600)
    found = verdict([*seen(ANNA, slow, 1), *seen(OURS, slow, 1)])
    assert found is not None
    assert found.kind == "well"


_SKIES = st.sampled_from([FINE, DEAD, Weather(connectivity=False), Weather(black_hole=True), Weather(up=False)])


@given(st.lists(st.tuples(st.sampled_from(ROSTER), _SKIES, st.integers(-20, 3_000)), max_size=12), st.randoms())
def test_the_order_of_reports_changes_nothing(told: list[tuple[Vantage, Weather, int]], shuffle: random.Random) -> None:
    sightings = [sighting for vantage, weather, ago in told for sighting in seen(vantage, weather, ago)]
    ordered = sorted(sightings, key=lambda one: (one.started, one.vantage, repr(one.results)))
    mixed = list(ordered)
    shuffle.shuffle(mixed)
    distinct = {(one.vantage, one.started) for one in ordered}
    if len(distinct) == len(ordered):  # two sightings of one vantage at one moment have no order
        assert verdict(ordered) == verdict(mixed)
