"""The moves that bring a pool to what the policy wants: promote, rest, return, raise, retire, in this order.

What is forged leaves the list at once, whatever else is there: it harms whoever reads it. Everything else waits until
what replaces it works.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from heliograph.model.mirror import HostFacts, Mirror, Move, MoveKind, Phase
from heliograph.model.sighting import Finding
from heliograph.rotate.policy import Policy
from heliograph.rotate.standing import Standing, closed, shunned, standing

HOLD = timedelta(days=3_650)  # what served forgeries waits for people
_DAY, _MONTH = timedelta(days=1), timedelta(days=30)
# more mirrors, more providers, mirrors that show the signed edition in place of the newsroom's own site, mirrors of
# providers not under attack, mirrors that are not slow or behind
_Want = Literal["number", "provider", "signed", "firm", "fast"]
_WANTS: tuple[_Want, ...] = ("number", "provider", "signed", "firm", "fast")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to do now, in this order, and what the policy wants that cannot be had."""

    moves: tuple[Move, ...]
    lacks: tuple[str, ...] = ()  # plain sentences with a remedy


def moves(
    pool: Sequence[Mirror],
    findings: Iterable[Finding],
    policy: Policy,
    now: datetime,
    *,
    networks: Sequence[str],
    hosts: Sequence[HostFacts] = (),
) -> Plan:
    """Plan for ``pool``, whose ``hurt`` is up to date. ``networks`` are those that are watched for readers.

    ``pool`` also holds mirrors that are gone, for a month: they count for the ceilings.
    """
    known = tuple(findings)
    plan = _Plan(list(pool), standing(pool, known, networks), policy, now, hosts, shunned(pool, policy, now))
    plan.forged()
    plan.promote()
    plan.rest()
    plan.come_back()
    plan.retire()
    plan.raise_()
    for network in networks:
        if closed(network, known):
            plan.lacks.append(f"network {network}: only listed hosts, or none, can be reached there: no mirror helps")
    return Plan(moves=tuple(plan.made), lacks=tuple(plan.lacks))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Need:
    """What a network lacks; "" stands for readers at large, where no network is watched."""

    network: str
    want: _Want
    count: int  # mirrors
    reason: str


@dataclass(slots=True)
class _Plan:
    """A plan in the making: ``pool`` is as it will be after the moves made so far."""

    pool: list[Mirror]
    stands: Standing
    policy: Policy
    now: datetime
    hosts: Sequence[HostFacts]
    shunned: frozenset[str]  # no move of a plan changes it
    made: list[Move] = field(default_factory=list)
    lacks: list[str] = field(default_factory=list)

    # ------------------------------------------------------------ what there is

    def phase(self, *phases: Phase) -> list[Mirror]:
        return [mirror for mirror in self.pool if mirror.phase in phases]

    def free(self, *phases: Phase) -> list[Mirror]:
        """Those that the plan may move."""
        return [one for one in self.phase(*phases) if one.pinned is None or one.pinned <= self.now]

    def serving(self, network: str, besides: str = "") -> list[Mirror]:
        """Live mirrors that work in ``network``."""
        live = (mirror for mirror in self.phase("live") if mirror.name != besides)
        return [mirror for mirror in live if self.stands.serves(mirror, network)]

    @property
    def _providers(self) -> int:
        """Different ones that are wanted: no more than mirrors."""
        return min(self.policy.providers, self.policy.min_live)

    def move(self, kind: MoveKind, mirror: Mirror, to: Phase, reason: str, *, hold: bool = False) -> None:
        self.made.append(Move(kind=kind, mirror=mirror.name, host=mirror.host, reason=reason, hold=hold))
        place = self.pool.index(mirror)
        pinned = self.now + HOLD if hold else mirror.pinned
        self.pool[place] = replace(mirror, phase=to, since=self.now, pinned=pinned)

    # ------------------------------------------------------------ the moves

    def forged(self) -> None:
        for mirror in self.phase("live", "spare"):
            fault = self.stands.broken(mirror)
            if fault is not None and fault.kind == "forged":
                self.move("rest", mirror, "resting", "it serves what this newsroom never signed", hold=True)

    def promote(self) -> None:
        """Tell readers of spares until each network has what the policy wants; of rested ones if there are none."""
        while needs := self._needs():
            useful = [one for one in self.free("spare") if self._helps(one, needs)]
            useful = useful or [one for one in self.free("resting") if self._helps(one, needs)]
            if not useful:
                return
            best = min(useful, key=lambda one: self._rank(one, needs))
            self.move("promote", best, "live", next(need.reason for need in needs if self._meets(best, need)))

    def _needs(self) -> list[_Need]:
        """What networks lack, the worst first."""
        found = []
        for network in self.stands.networks or ("",):
            serving = self.serving(network)
            where = f"network {network}" if network else "the pool"
            for want in self._wants(serving):
                match want:
                    case "number":
                        told = f"{where} has {len(serving)} of {self.policy.min_live} live mirrors"
                        count = self.policy.min_live - len(serving)
                    case "provider":
                        there = {mirror.provider for mirror in serving}
                        told = f"{where} has live mirrors of {len(there)} of {self._providers} providers"
                        count = self._providers - len(there)
                    case "signed":
                        goal, own = min(self.policy.min_live, len(serving)), len(_signed(serving))
                        told = f"{where} has {own} of {goal} live mirrors that show the signed edition"
                        count = goal - own
                    case "firm":
                        names = ", ".join(sorted({one.provider for one in serving} & self.shunned))
                        told = f"{where} rests on {names}, whose mirrors are blocked one after the other"
                        count = self.policy.min_live - len(self._firm(serving))
                    case "fast":
                        told = f"{where} has mirrors that are slow or behind"
                        count = self.policy.min_live - len(self._fast(serving))
                found.append(_Need(network=network, want=want, count=count, reason=told))
        return sorted(found, key=lambda need: (_WANTS.index(need.want), need.network))

    def _wants(self, serving: Sequence[Mirror]) -> list[_Want]:
        """What a network lacks that is served by these."""
        there = {mirror.provider for mirror in serving}
        lacks: dict[_Want, bool] = {
            "number": len(serving) < self.policy.min_live,
            "provider": len(there) < self._providers,
            "signed": len(_signed(serving)) < min(self.policy.min_live, len(serving)),
            "firm": bool(there & self.shunned) and len(self._firm(serving)) < self.policy.min_live,
            "fast": len(self._fast(serving)) < min(self.policy.min_live, len(serving)),
        }
        return [want for want in _WANTS if lacks[want]]

    def _firm(self, serving: Iterable[Mirror]) -> list[Mirror]:
        return [mirror for mirror in serving if mirror.provider not in self.shunned]

    def _fast(self, serving: Iterable[Mirror]) -> list[Mirror]:
        return [mirror for mirror in serving if self.stands.poor(mirror) is None]

    def _meets(self, mirror: Mirror, need: _Need) -> bool:
        """Whether ``mirror``, live, would make the need smaller."""
        if not self.stands.serves(mirror, need.network):
            return False
        match need.want:
            case "number":
                return True
            case "provider":
                return mirror.provider not in {one.provider for one in self.serving(need.network)}
            case "signed":
                return not mirror.site
            case "fast":
                return self.stands.poor(mirror) is None
        return mirror.provider not in self.shunned

    def _helps(self, mirror: Mirror, needs: Iterable[_Need]) -> bool:
        return any(self._meets(mirror, need) for need in needs)

    def _rank(self, mirror: Mirror, needs: Sequence[_Need]) -> tuple[bool, bool, int, bool, datetime, str]:
        """What goes first: signed, no shunned provider, most needs met, a provider that is new, waiting for longest."""
        there = {one.provider for one in self.phase("live") if self.stands.everywhere(one)}
        met = sum(self._meets(mirror, need) for need in needs)
        return (
            mirror.site, mirror.provider in self.shunned, -met, mirror.provider in there, mirror.since, mirror.name
        )  # fmt: skip

    def rest(self) -> None:
        """No longer tell readers of what is broken, blocked or slow, unless some network needs it all the same.

        A spare that does not work is none.
        """
        for mirror in self.free("spare"):
            if reason := self._fault(mirror):
                self.move("rest", mirror, "resting", reason)
        for mirror in sorted(self.free("live"), key=lambda one: (self.stands.broken(one) is None, one.since, one.name)):
            reason = self._fault(mirror)
            if not reason or len(self.phase("live")) < 2:
                continue  # an empty list serves nobody
            dead = self.stands.broken(mirror) is not None
            if dead or all(self._can_spare(mirror, name) for name in self.stands.networks or ("",)):
                self.move("rest", mirror, "resting", reason)

    def _can_spare(self, mirror: Mirror, network: str) -> bool:
        """Whether ``network`` is no worse off without it."""
        without = self._wants(self.serving(network, besides=mirror.name))
        return "number" not in without and set(without) <= set(self._wants(self.serving(network)))

    def _fault(self, mirror: Mirror) -> str:
        broken = self.stands.broken(mirror)
        if broken is not None:
            return f"{broken.kind}, as seen from {broken.network}"
        kept = self.stands.kept_from(mirror)
        if kept:
            return ", ".join(f"{one.kind} in network {one.network}" for one in kept)
        slow = self.stands.poor(mirror)
        return f"{slow.kind} in network {slow.network}" if slow else ""

    def come_back(self) -> None:
        """What works everywhere again, and has for a while, is a spare again."""
        for mirror in self.free("resting"):
            if self.stands.everywhere(mirror) and mirror.since <= self.now - self.policy.calm and self._calm(mirror):
                self.move("return", mirror, "spare", "it works again in every watched network")

    def _calm(self, mirror: Mirror) -> bool:
        """Whether it has been seen well for long enough, and in every watched network: silence is no news."""
        found = self.stands.by_mirror.get(mirror.url, {})
        seen = all(name in found and found[name].readable for name in self.stands.networks)
        return seen and bool(found) and all(one.since <= self.now - self.policy.calm for one in found.values())

    def retire(self) -> None:
        """A raised mirror that has rested for long and still does not work costs a place at its host."""
        for mirror in self.free("resting"):
            if (
                mirror.host
                and mirror.since <= self.now - self.policy.retire_after
                and not self.stands.everywhere(mirror)
            ):
                days = (self.now - mirror.since).days
                self.move("retire", mirror, "ending", f"blocked still after {days} days: {self._fault(mirror)}")

    def raise_(self) -> None:
        """Raise what is missing, and then spares, as far as hosts have room."""
        needs = [need for need in self._needs() if need.want != "fast"]  # for that nothing is raised
        able = {host.name for host in self.hosts}
        coming = [one for one in self.free("creating", "spare") if self.stands.everywhere(one)]
        coming = [one for one in coming if one.url or one.host in able]  # of a host that fails nothing comes
        spoken_for = 0  # of those that come, where most of them are needed
        for need in needs:
            while (helping := sum(self._meets(one, need) for one in coming)) < need.count:
                if not self._raise(coming, need.reason, need):
                    self.lacks.append(f"{need.reason}, and {self._why_none(need)}")
                    break
            spoken_for = max(spoken_for, min(helping, need.count))
        while len(coming) < self.policy.spares + spoken_for:
            if not self._raise(coming, f"{len(coming) - spoken_for} of {self.policy.spares} spares"):
                if not needs:
                    self.lacks.append(f"{len(coming)} of {self.policy.spares} spares, and {self._why_none()}")
                return

    def _raise(self, coming: list[Mirror], reason: str, need: _Need | None = None) -> bool:
        host = self._host(coming, need)
        if host is None:
            return False
        self.made.append(Move(kind="raise", mirror="", host=host.name, reason=reason))
        new = replace(_blank(host, self.now), name=f" {len(self.made)}")  # the flow gives it a name
        self.pool.append(new)
        coming.append(new)
        return True

    def _host(self, coming: Sequence[Mirror], need: _Need | None) -> HostFacts | None:
        """Where the next is raised: one for the edition, a provider that is not shunned, of which there are fewest."""
        if self._raised(_DAY) >= self.policy.most_a_day or self._raised(_MONTH) >= self.policy.most_a_month:
            return None
        there = Counter(one.provider for one in (*self.phase("live"), *coming) if self.stands.everywhere(one))
        at_host = Counter(one.host for one in self.pool if one.phase not in ("gone", "lost"))
        room = [host for host in self.hosts if at_host[host.name] < host.most]
        if need is not None:
            room = [host for host in room if self._meets(_blank(host, self.now), need)]
        order = {host.name: place for place, host in enumerate(self.hosts)}
        return min(
            room,
            key=lambda host: (host.site, host.provider in self.shunned, there[host.provider], order[host.name]),
            default=None,
        )

    def _raised(self, within: timedelta) -> int:
        return sum(bool(mirror.host and mirror.url) and mirror.born > self.now - within for mirror in self.pool)

    def _why_none(self, need: _Need | None = None) -> str:
        if not self.hosts:
            return "no [[host]] is configured that could raise one"
        if self._raised(_DAY) >= self.policy.most_a_day:
            return f"{self.policy.most_a_day} mirrors were raised within a day: rotate.most_a_day"
        if self._raised(_MONTH) >= self.policy.most_a_month:
            return f"{self.policy.most_a_month} mirrors were raised within 30 days: rotate.most_a_month"
        if need is not None and need.want == "signed":
            return "no host that shows the edition has room: add a [[host]] or a [[mirror]]"
        if need is not None and need.want != "number":
            return "no host of another provider has room: add a [[host]]"
        return "no host has room: raise its `most`, or add a [[host]]"


def _blank(host: HostFacts, now: datetime) -> Mirror:
    """A mirror of ``host`` that is only planned."""
    return Mirror(
        name="", provider=host.provider, host=host.name, phase="creating", since=now, born=now, site=host.site
    )


def _signed(mirrors: Iterable[Mirror]) -> list[Mirror]:
    """Those that show the edition."""
    return [mirror for mirror in mirrors if not mirror.site]
