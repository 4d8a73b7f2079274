"""How the mirrors of a pool stand with their readers, as far as findings tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from heliograph.model.mirror import Mirror, Phase
from heliograph.model.sighting import BLOCKED, Finding, Kind
from heliograph.rotate.policy import Policy

OWN_FAULT: frozenset[Kind] = frozenset({"origin-down", "stale", "forged"})  # the same for readers everywhere
NO_WAY: frozenset[Kind] = frozenset({"whitelist", "shutdown", "offline"})  # of a network: no mirror would help
_POOR: frozenset[Kind] = frozenset({"throttled", "stale"})
_MAY_HEAL: frozenset[Phase] = frozenset({"creating", "spare", "live", "resting"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The mirrors of a pool in the watched networks.

    Only findings that are at least likely count: a suspicion moves nothing.
    """

    networks: tuple[str, ...]
    by_mirror: Mapping[str, Mapping[str, Finding]]  # base URL, network

    def broken(self, mirror: Mirror) -> Finding | None:
        """Its own fault, whoever looks. Where anybody sees it well it is none: one vantage cannot break a mirror."""
        found = self.by_mirror.get(mirror.url, {}).values()
        if any(one.kind == "well" for one in found):
            return None
        faults = [one for one in found if one.kind in OWN_FAULT and not (one.kind == "stale" and one.readable)]
        return min(faults, key=lambda one: (one.kind != "forged", one.network), default=None)

    def kept_from(self, mirror: Mirror) -> tuple[Finding, ...]:
        """What keeps readers of watched networks from it, a finding for each network."""
        found = self.by_mirror.get(mirror.url, {})
        return tuple(found[network] for network in self.networks if network in found and _keeps_away(found[network]))

    def poor(self, mirror: Mirror) -> Finding | None:
        """A network in which its pages arrive slowly, or old ones do."""
        found = self.by_mirror.get(mirror.url, {})
        slow = [found[name] for name in self.networks if name in found and found[name].kind == "throttled"]
        return next((one for one in (*slow, *found.values()) if one.readable and one.kind in _POOR), None)

    def serves(self, mirror: Mirror, network: str) -> bool:
        """Whether readers of ``network`` get pages from it, as far as is known; what nobody has seen counts as yes."""
        if self.broken(mirror) is not None or (not mirror.url and mirror.phase != "creating"):
            return False
        finding = self.by_mirror.get(mirror.url, {}).get(network)
        return finding is None or not _keeps_away(finding)

    def everywhere(self, mirror: Mirror) -> bool:
        """Whether it serves all watched networks, at full speed."""
        served = all(self.serves(mirror, network) for network in self.networks)
        return served and self.broken(mirror) is None and self.poor(mirror) is None


def standing(pool: Iterable[Mirror], findings: Iterable[Finding], networks: Sequence[str]) -> Standing:
    """How ``pool`` stands. A network in which only listed hosts can be reached, or none, is left out: nothing helps."""
    urls = {mirror.url for mirror in pool if mirror.url}
    likely = [one for one in findings if one.mirror in urls and one.strength != "suspicion"]
    by_mirror: dict[str, dict[str, Finding]] = {}
    for one in likely:
        by_mirror.setdefault(one.mirror, {})[one.network] = one
    useful = tuple(network for network in networks if not closed(network, likely))
    return Standing(networks=useful, by_mirror=by_mirror)


def closed(network: str, findings: Iterable[Finding]) -> bool:
    """Whether nothing abroad can be reached from ``network``: each finding there says so."""
    kinds = [one.kind for one in findings if one.network == network]
    return bool(kinds) and all(kind in NO_WAY for kind in kinds)


def hurt(pool: Sequence[Mirror], findings: Iterable[Finding], networks: Sequence[str]) -> tuple[Mirror, ...]:
    """``pool`` with each mirror's ``hurt`` brought up to date: since when readers somewhere are kept from it.

    It stands until the mirror works everywhere again, so that a provider's bad hour is remembered.
    """
    stands = standing(pool, findings, networks)

    def one(mirror: Mirror) -> Mirror:
        if mirror.phase not in _MAY_HEAL:
            return mirror
        if stands.everywhere(mirror):
            return replace(mirror, hurt=None) if mirror.hurt and mirror.phase != "resting" else mirror
        faults = [one for one in stands.kept_from(mirror) if one.kind not in OWN_FAULT]
        return replace(mirror, hurt=mirror.hurt or min((fault.since for fault in faults), default=None))

    return tuple(one(mirror) for mirror in pool)


def shunned(pool: Iterable[Mirror], policy: Policy, now: datetime) -> frozenset[str]:
    """Providers of which so many mirrors were hurt within an hour that the rest is expected to follow."""
    by_provider: dict[str, list[datetime]] = {}
    for mirror in pool:
        if mirror.hurt is not None and mirror.hurt > now - policy.shun - policy.burst_window:
            by_provider.setdefault(mirror.provider, []).append(mirror.hurt)
    found = set()
    for provider, times in by_provider.items():
        ordered = sorted(times)
        for first, last in zip(ordered, ordered[policy.burst - 1 :], strict=False):
            if last - first <= policy.burst_window and last > now - policy.shun:
                found.add(provider)
    return frozenset(found)


def directory(pool: Iterable[Mirror], findings: Iterable[Finding], networks: Sequence[str]) -> tuple[Mirror, ...]:
    """The mirrors that readers are told of, so that the first few serve every network, of different providers.

    First those that show the edition, then those that pass the newsroom's own site through. One after the other: what
    serves a network that none before it does, of a provider that none before it has, that works everywhere, the newest.
    """
    rest = [mirror for mirror in pool if mirror.phase == "live" and mirror.url]
    stands = standing(rest, findings, networks)
    found: list[Mirror] = []
    while rest:
        missing = [name for name in stands.networks if not any(stands.serves(one, name) for one in found)]
        providers = {one.provider for one in found}
        best = min(
            rest,
            key=lambda one: (
                one.site,
                -sum(stands.serves(one, name) for name in missing),
                one.provider in providers,
                not stands.everywhere(one),
                -one.since.timestamp(),
                one.name,
            ),
        )
        rest.remove(best)
        found.append(best)
    return tuple(found)


def _keeps_away(finding: Finding) -> bool:
    """Whether readers of its network do not get pages: blocked, or it fails and nobody can tell why."""
    if finding.readable or finding.kind in NO_WAY:
        return False
    return finding.kind in BLOCKED or finding.kind == "unknown" or finding.kind in OWN_FAULT
