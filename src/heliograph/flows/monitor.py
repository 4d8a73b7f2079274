"""Mirrors -> what is wrong with them: each for itself against what was seen of it before, and all against each other.

A thief of the newsroom's keys can forge for some readers what others never see. He must put it into the release log,
where everybody finds it, or into another log, or into none; each of these is a finding here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from heliograph.flows.verify import drive
from heliograph.ports import Reach
from heliograph.trust import logcheck, note, reader, roles, sight
from heliograph.trust.chain import State
from heliograph.trust.head import read_head
from heliograph.trust.note import Checkpoint, LogPolicy
from heliograph.trust.refusal import RefusalError
from heliograph.trust.sight import Sight


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the newsroom must hear of: a code of the format, and which mirrors it is about."""

    code: str
    what: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """One round: what each mirror shows, by its place; what was found; what to keep for the next one."""

    sights: Mapping[str, Sight]
    findings: tuple[Finding, ...]
    kept: Mapping[str, State] = field(repr=False)

    @property
    def release(self) -> int:
        """The newest release that any mirror shows in order, 0 if none does."""
        return max((one.verdict.release for one in self.sights.values()), default=0)

    @property
    def point(self) -> Checkpoint | None:
        """The longest log that was found in order."""
        points = [one.point for one in self.sights.values() if one.point]
        return max(points, key=lambda point: point.size, default=None)

    @property
    def stale(self) -> bool:
        """Whether some mirror shows what is authentic, but old."""
        return any(one.verdict.stale for one in self.sights.values())


async def monitor(mirrors: Sequence[Reach], kept: Mapping[str, State], root: bytes, now: datetime) -> Watched:
    """Look at ``mirrors`` once with the pinned ``root``; ``kept`` is what the last round kept, by place.

    Never raises for anything a mirror does.
    """
    sights: dict[str, Sight] = {}
    for place, mirror in enumerate(mirrors):
        ordered = [mirror, *mirrors[:place], *mirrors[place + 1 :]]
        hosts = [one.host for one in ordered]
        run = sight.look(kept.get(mirror.place, State(root=b"")), root, hosts, now)
        sights[mirror.place] = await drive(run, ordered)
    findings = [
        Finding(code=one.verdict.code, what=one.verdict.what, places=(place,))
        for place, one in sights.items()
        if one.verdict.verdict == "refused"
    ]
    before = {place: kept[place] for place in sights if place in kept}
    findings += _differing(sights, before)
    findings += await _logs_apart(mirrors, sights, before)
    after = {**kept, **{place: one.state for place, one in sights.items()}}
    return Watched(sights=sights, findings=tuple(findings), kept=after)


def _differing(sights: Mapping[str, Sight], before: Mapping[str, State]) -> list[Finding]:
    """Mirrors that show, or showed when they were last looked at, two things of one number."""
    first: dict[tuple[str, int], tuple[str, bytes]] = {}
    found: dict[tuple[str, str], Finding] = {}
    states = [(place, one.shown) for place, one in sights.items()]
    states += [(place, state) for place, state in before.items() if state.head and state.timestamp]
    for place, state in states:
        for (kind, number), data in reader.numbered(state) if state is not None else ():
            other, seen = first.setdefault((kind, number), (place, data))
            if seen != data and other != place:
                what = f"two different signed {'heads of release' if kind == 'release' else 'timestamps'} {number}"
                pair = Finding(code="equivocation", what=f"{what}: keep both as evidence", places=(other, place))
                found.setdefault((other, place), pair)
    return list(found.values())


async def _logs_apart(
    mirrors: Sequence[Reach], sights: Mapping[str, Sight], before: Mapping[str, State]
) -> list[Finding]:
    """Mirrors whose logs, or those that were seen on them before, are no beginning of the longest one."""
    found: dict[tuple[str, str], Finding] = {}
    logs = {one.log.verifier: one.log for one in sights.values() if one.log}
    for log in logs.values():
        shown = [(place, one.point) for place, one in sights.items() if one.point and one.log == log]
        if not shown:
            continue
        at, longest = max(shown, key=lambda one: one[1].size)
        mirror = next(one for one in mirrors if one.place == at)
        for place, one in sights.items():
            what = "" if one.log == log else await _unlogged(one, sights[at], longest, mirror)
            if what:
                found.setdefault((place, at), Finding(code="log", what=what, places=(place, at)))
        for place, point in [*shown, *_seen(before, log)]:
            if place == at or point.size > longest.size:
                continue
            try:
                await drive(logcheck.follows(point, longest), [mirror])
            except RefusalError as refusal:
                found.setdefault((place, at), Finding(code=refusal.code, what=refusal.what, places=(place, at)))
    return list(found.values())


async def _unlogged(other: Sight, honest: Sight, point: Checkpoint, mirror: Reach) -> str:
    """How a mirror that names no log, or another one, hides a release from that of ``mirror``, "" if it does not.

    A thief who cannot sign targets can show those from before there was a log.
    """
    if other.shown is None or honest.shown is None or _targets(other.shown) >= _targets(honest.shown):
        return ""
    release = read_head(other.shown.head).release
    if release > point.size:
        return f"release {release} is not in the log, and comes with a policy from before it"
    try:
        entry = await drive(logcheck.entry_at(release - 1, point), [mirror])
    except RefusalError as refusal:
        return refusal.what
    if not entry or entry == other.shown.head:  # it is from before the log, or a mirror that lags
        return ""
    return f"there are two heads of release {release}: one in the log, another one is shown"


def _targets(state: State) -> int:
    """The version of the newsroom's targets."""
    return roles.read("targets", state.targets).version


def _seen(before: Mapping[str, State], log: LogPolicy) -> list[tuple[str, Checkpoint]]:
    """Checkpoints of ``log`` that were kept."""
    found = []
    for place, state in before.items():
        try:
            point = note.read_checkpoint(state.checkpoint, LogPolicy(origin=log.origin, key=log.key))
        except RefusalError:
            continue
        found.append((place, point))
    return found
