"""What sightings of many vantages add up to: one finding for each mirror and network.

Rule 1: only vantages of the roster count, each with its weight and only with its newest sightings; a vantage that lies
or is broken cannot by itself take a mirror from readers, for its word is weighed against the others of its network and
against the outside. Rule 2: what fails from outside as well is the mirror's own fault. Rule 3: a finding changes only
after the new state was seen as often as ``TURN`` says, so that chance does not make a mirror come and go. Rule 4: what
is older than ``MEMORY`` or from the future says nothing. Rule 5: hearsay, which is what mirrors count themselves, joins
what somebody saw who looked, and never turns it; alone it is a suspicion that blocks nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import takewhile

from heliograph.model.sighting import BLOCKED, Diagnosis, Finding, Kind, Sighting, Strength, Vantage
from heliograph.watch.diagnose import diagnose
from heliograph.watch.sensor import Hearsay

MEMORY = timedelta(hours=24)  # how long a sighting counts
AHEAD = timedelta(minutes=5)  # how far a vantage's clock may run before ours
BESIDE = timedelta(minutes=10)  # between a sighting and the one from outside that controls it
TURN = 2  # sightings in a row that turn a finding, where one alone did not repeat its checks
SURE = 3  # repeats within one sighting that count as much
_QUORUM = 0.5  # of the weight that speaks about a mirror in a network
_CONFIRM = timedelta(hours=20)  # between the first and the last sighting of a confirmed finding of one vantage alone
MOST = 20  # newest sightings of a vantage of a mirror that are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A sighting with its diagnosis."""

    sighting: Sighting
    diagnosis: Diagnosis


def judge(
    sightings: Iterable[Sighting],
    now: datetime,
    *,
    roster: Sequence[Vantage],
    before: Sequence[Finding] = (),
    addresses: Mapping[str, Sequence[str]] | None = None,
    heard: Sequence[Hearsay] = (),
) -> tuple[Finding, ...]:
    """The findings as of ``now``, by mirror and network.

    ``before`` are the findings so far, which stand until sightings turn them. ``addresses`` are the true addresses of
    mirrors by base URL, ``heard`` is what mirrors' sensors tell. A sighting of a vantage that is not in ``roster``, or
    that names another network than its own, is left out.
    """
    known = {vantage.name: vantage for vantage in roster}
    sights: dict[str, dict[str, list[Sight]]] = defaultdict(lambda: defaultdict(list))
    for sighting in sorted(sightings, key=lambda one: one.started, reverse=True):
        vantage = known.get(sighting.vantage)
        if vantage is None or vantage.network != sighting.network:
            continue
        if not now - MEMORY <= sighting.started <= now + AHEAD:
            continue
        held = sights[sighting.mirror][vantage.name]
        if len(held) < MOST:
            found = diagnose(sighting, addresses=(addresses or {}).get(sighting.mirror, ()))
            held.append(Sight(sighting=sighting, diagnosis=found))
    for one in sorted(heard, key=lambda one: one.sighting.started, reverse=True):
        if one.vantage.hearsay and now - MEMORY <= one.sighting.started <= now + AHEAD:
            known[one.vantage.name] = one.vantage
            told = sights[one.sighting.mirror][one.vantage.name]
            told.append(Sight(sighting=one.sighting, diagnosis=one.diagnosis))
    earlier = {(finding.mirror, finding.network): finding for finding in before}
    findings = []
    for mirror, by_vantage in sorted(sights.items()):
        outside = [sight for name, held in by_vantage.items() if known[name].outside for sight in held]
        networks = sorted({known[name].network for name in by_vantage})
        for network in networks:
            speaking = {known[name]: held for name, held in by_vantage.items() if known[name].network == network}
            finding = _network(mirror, network, speaking, outside, earlier.get((mirror, network)))
            if finding is not None:
                findings.append(finding)
    return tuple(findings)


def _network(
    mirror: str,
    network: str,
    speaking: Mapping[Vantage, Sequence[Sight]],
    outside: Sequence[Sight],
    before: Finding | None,
) -> Finding | None:
    """The finding on ``mirror`` in ``network``; None where nothing can be said yet."""
    votes: dict[Kind, float] = defaultdict(float)
    voters: dict[Kind, list[tuple[Vantage, list[Sight]]]] = defaultdict(list)
    for vantage, held in speaking.items():
        kind, run = _run(held, outside)
        votes[kind] += vantage.weight
        voters[kind].append((vantage, run))
    _hush(votes, voters)
    offline = votes.pop("offline", 0.0)
    if not votes:
        return _silent(mirror, network, voters["offline"], before) if offline else before
    kind = max(votes, key=lambda one: (votes[one], one == "well", one))
    if kind != "well" and votes[kind] <= _QUORUM * sum(votes.values()) and "well" in votes:
        kind = "well"  # as many see it as do not: readers get it
    agreeing = voters[kind]
    looked = [(vantage, held) for vantage, held in agreeing if not vantage.hearsay]
    run = [sight for _, held in looked or agreeing for sight in held]
    newest = max(run, key=_when)
    if not looked and not newest.diagnosis.readable:
        kind = "unknown"  # rule 5: nobody has seen yet that pages do not arrive
    if before is not None and kind != before.kind:
        if kind == "unknown" and before.blocked:
            return before  # it still fails: that it cannot be told why now does not take back what was told
        if not any(_turned(held) for _, held in agreeing):
            return before
    diagnosis = _controlled(newest, outside)
    first = min(sight.sighting.started for sight in run)
    since = min(before.since, first) if before is not None and before.kind == kind else first
    return Finding(
        mirror=mirror,
        network=network,
        kind=kind,
        strength=_strength(kind, looked, outside, since) if looked else "suspicion",
        since=since,
        seen=newest.sighting.started,
        readable=diagnosis.readable,
        vantages=tuple(sorted(vantage.name for vantage, _ in agreeing)),
        evidence=diagnosis.evidence,
        unit=diagnosis.unit,
        threshold=diagnosis.threshold,
        rate=diagnosis.rate,
    )


def _hush(votes: dict[Kind, float], voters: dict[Kind, list[tuple[Vantage, list[Sight]]]]) -> None:
    """Rule 5: where somebody looked, hearsay speaks only for what one of them saw."""
    if not any(not vantage.hearsay for kind, held in voters.items() if kind != "offline" for vantage, _ in held):
        return
    for kind, held in list(voters.items()):
        if all(vantage.hearsay for vantage, _ in held):
            del votes[kind], voters[kind]


def _run(held: Sequence[Sight], outside: Sequence[Sight]) -> tuple[Kind, list[Sight]]:
    """What the newest sighting of one vantage shows, and all before it that show the same, newest first."""
    kind = _controlled(held[0], outside).kind
    return kind, list(takewhile(lambda sight: _controlled(sight, outside).kind == kind, held))


def _turned(run: Sequence[Sight]) -> bool:
    """Whether one vantage has seen enough of the new state."""
    return len(run) >= TURN or any(sight.diagnosis.repeats >= SURE for sight in run)


def _controlled(sight: Sight, outside: Sequence[Sight]) -> Diagnosis:
    """The diagnosis in the light of control C1: what fails from outside as well is no censorship."""
    found, beside = sight.diagnosis, _beside(sight, outside)
    if not beside:
        own = found.kind in BLOCKED and found.controlled and not found.readable
        if own and any(other.sighting.vantage == sight.sighting.vantage for other in outside):
            told = (f"it fails where nothing is blocked: {found.kind}", *found.evidence)
            return replace(found, kind="origin-down", evidence=told)
        return found
    best = min(beside, key=lambda one: (not one.diagnosis.readable, one.diagnosis.kind != "well", _when(one)))
    if found.kind in ("forged", "origin-down") and sight.sighting.mirror.startswith("http:"):
        if best.diagnosis.kind == "well":  # D8: over cleartext anybody between can have answered
            return replace(found, kind="blockpage", evidence=("another answer than from outside", *found.evidence))
        return found
    if found.kind not in BLOCKED and found.kind != "unknown":
        return found
    if best.diagnosis.readable:
        if found.kind == "throttled" and best.diagnosis.kind == "throttled":
            return replace(found, kind="well", evidence=("it is as slow from outside",))
        return found
    told = (f"it fails from outside as well: {best.diagnosis.kind}", *best.diagnosis.evidence)
    return replace(found, kind="origin-down", evidence=told, readable=False)


def _when(sight: Sight) -> tuple[datetime, str]:
    """An order that does not depend on the order in which reports came."""
    return sight.sighting.started, sight.sighting.vantage


def _beside(sight: Sight, outside: Sequence[Sight]) -> list[Sight]:
    at = sight.sighting.started
    return [
        other
        for other in outside
        if other.sighting.vantage != sight.sighting.vantage
        and abs(other.sighting.started - at) <= BESIDE
        and other.diagnosis.kind != "offline"
    ]


def _strength(
    kind: Kind, agreeing: Sequence[tuple[Vantage, Sequence[Sight]]], outside: Sequence[Sight], since: datetime
) -> Strength:
    """Suspicion: seen. Likely: with controls C1 to C3. Confirmed: so by two vantages, or by one on two days."""
    if kind not in BLOCKED:
        return "confirmed" if kind == "well" else "likely"
    sure = [
        (vantage, sight)
        for vantage, held in agreeing
        for sight in held
        if sight.diagnosis.controlled and any(one.diagnosis.readable for one in _beside(sight, outside))
    ]
    if not sure:
        return "suspicion"
    last = max(sight.sighting.started for _, sight in sure)
    two = len({vantage.name for vantage, _ in sure if vantage.weight >= _QUORUM}) > 1
    return "confirmed" if two or last - since >= _CONFIRM else "likely"


def _silent(
    mirror: str, network: str, voters: Sequence[tuple[Vantage, Sequence[Sight]]], before: Finding | None
) -> Finding | None:
    """All that speak are without connectivity: one is a broken line, several at once a shutdown."""
    if len(voters) < 2:
        return before
    newest = max(sight.sighting.started for _, run in voters for sight in run)
    first = min(sight.sighting.started for _, run in voters for sight in run)
    return Finding(
        mirror=mirror,
        network=network,
        kind="shutdown",
        strength="suspicion",
        since=first,
        seen=newest,
        vantages=tuple(sorted(vantage.name for vantage, _ in voters)),
        evidence=(f"{len(voters)} vantages of this network had no connectivity at the same time",),
    )
