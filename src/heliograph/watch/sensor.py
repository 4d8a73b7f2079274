"""What a mirror's own count of frozen connections shows: a curtain is a spike at one number of bytes.

Rule 1: a spike is one narrow range of bytes acknowledged at which most frozen connections of a network froze. Lines
that are merely bad freeze anywhere. Rule 2: it must be far more frequent than in the other networks of the same mirror
on the same day; what all networks share is the server's own fault, or its line's. Cells that are too small to be told
are taken to be as large as they can be, against the spike. Where no other network came as far it is said all the same,
as not controlled. Rule 3: too few connections say nothing, and neither does a
network without a spike: its answers may all have been shorter than the curtain. Rule 4: whoever runs the mirror can
write what he likes, about his own mirror; so this is hearsay (``Vantage.hearsay``), and judge.py gives it less than a
vote. Source: docs/watch.md, "Counted by the mirror itself".
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from heliograph.model.census import BUCKET, ELSEWHERE, EVERYBODY, LEAST, TOP, Day, unpack
from heliograph.model.sighting import Diagnosis, Sighting, Vantage

NAME = "sensor"  # the vantage of a mirror is called by this and its nickname
WEIGHT = 0.5  # of a mirror's own count, against 1 of somebody who looked
_STALL = (4, 40)  # KiB at which a curtain can fall: the bracket of rule D1
_WIDTH = 2  # buckets of one spike: a place that lies on the border of two falls into both
_ENOUGH = 2 * LEAST  # frozen connections at one place, below which nothing is said
_MOSTLY = 0.6  # share of the frozen ones that froze there
_MORE = 3.0  # times as frequent as elsewhere
_COMPARED = 100  # connections of another network that came as far, so that it is a control
_MOST_NETWORKS = 20  # of one file, those with most frozen connections


@dataclass(frozen=True, slots=True, kw_only=True)
class Hearsay:
    """What one file tells for ``judge``: who says it, as a sighting without checks, and what it comes to."""

    vantage: Vantage
    sighting: Sighting
    diagnosis: Diagnosis


@dataclass(frozen=True, slots=True, kw_only=True)
class Spike:
    """Where connections of a network froze on one day. Bytes, and numbers of connections that were told."""

    network: str
    threshold: int  # bytes acknowledged, to the middle of the cells
    frozen: int  # there
    passed: int  # that got further
    whole: int  # whose answer arrived, of any length
    controls: int  # other networks in which connections came as far and went on


def hear(data: bytes, *, mirror: str, name: str, now: datetime, memory: timedelta) -> tuple[Hearsay, ...]:
    """What the sensor of ``mirror`` (its base URL; nickname ``name``) tells of days that ended within ``memory``.

    Raises:
        ValueError: ``data`` is no file of a sensor, or goes beyond its limits.
    """
    told = []
    for day in unpack(data).days:
        over = datetime.combine(day.day, time(), UTC) + timedelta(days=1)
        if not now - memory <= over <= now:
            continue
        for spike in spikes(day):
            nickname = f"{NAME}:{name}:{spike.network}"
            told.append(
                Hearsay(
                    vantage=Vantage(name=nickname, network=spike.network, weight=WEIGHT, hearsay=True),
                    sighting=Sighting(mirror=mirror, vantage=nickname, network=spike.network, started=over, results=()),
                    diagnosis=_diagnosis(spike),
                )
            )
    return tuple(told)


def spikes(day: Day) -> tuple[Spike, ...]:
    """The curtains that ``day`` shows, by network."""
    frozen: dict[str, dict[int, int]] = defaultdict(dict)
    passed: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    whole: dict[str, int] = defaultdict(int)
    for cell in day.cells:
        if cell.end == "frozen" and _STALL[0] <= cell.kib < _STALL[1]:
            frozen[cell.network][cell.kib] = cell.count
        passed[cell.network][cell.kib] += cell.count
        if cell.end == "whole":
            whole[cell.network] += cell.count
    largest = sorted(frozen, key=lambda network: (-sum(frozen[network].values()), network))[:_MOST_NETWORKS]
    found = []
    for network in sorted(largest):
        if network in (ELSEWHERE, EVERYBODY):  # no network that anything could be said of
            continue
        place = _place(frozen[network])
        if place is None:
            continue
        there = _within(frozen[network], place)
        beyond = _beyond(passed[network], place)
        others = [other for other in passed if other != network and _beyond(passed[other], place) >= _COMPARED]
        if others and there / (there + beyond) <= _MORE * _elsewhere(frozen, passed, others, place):
            continue
        found.append(
            Spike(
                network=network,
                threshold=_middle(frozen[network], place),
                frozen=there,
                passed=beyond,
                whole=whole[network],
                controls=len(others),
            )
        )
    return tuple(found)


def _place(frozen: Mapping[int, int]) -> int | None:
    """The first bucket of the spike; None where there is none."""
    place = max(frozen, key=lambda kib: (_within(frozen, kib), -kib))
    there = _within(frozen, place)
    return place if there >= _ENOUGH and there >= _MOSTLY * sum(frozen.values()) else None


def _within(frozen: Mapping[int, int], place: int) -> int:
    return sum(frozen.get(kib, 0) for kib in range(place, place + _WIDTH))


def _beyond(passed: Mapping[int, int], place: int) -> int:
    """Connections that got further than the spike, whatever became of them."""
    return sum(passed.get(kib, 0) for kib in range(place + _WIDTH, TOP + 1))


def _elsewhere(
    frozen: Mapping[str, Mapping[int, int]], passed: Mapping[str, Mapping[int, int]], others: Sequence[str], place: int
) -> float:
    """How frequent freezing there is in other networks, at most: a cell that is not told may hold ``LEAST`` - 1."""
    there = sum(frozen.get(other, {}).get(kib, LEAST - 1) for other in others for kib in range(place, place + _WIDTH))
    beyond = sum(_beyond(passed[other], place) for other in others)
    return there / (there + beyond)


def _middle(frozen: Mapping[int, int], place: int) -> int:
    """Bytes: the mean of the middles of the cells, each as much as it counts."""
    cells = [(kib, frozen.get(kib, 0)) for kib in range(place, place + _WIDTH)]
    return round(sum((kib + 0.5) * BUCKET * count for kib, count in cells) / sum(count for _, count in cells))


def _diagnosis(spike: Spike) -> Diagnosis:
    told = (
        f"the mirror counted {spike.frozen:,} connections of one day that froze at about {spike.threshold:,} bytes, "
        f"and {spike.passed:,} that got further"
    )
    compared = (
        f"in {spike.controls} other networks they go on there"
        if spike.controls
        else "no other network came as far, to compare"
    )
    return Diagnosis(
        kind="curtain",
        readable=spike.whole > spike.frozen,
        evidence=(told, compared),
        unit="bytes",
        threshold=spike.threshold,
        repeats=spike.frozen,
        controlled=spike.controls > 0,
    )
