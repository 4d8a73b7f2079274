"""An account: its distributions, invalidations and origin access controls, and every rule about changing them.

Rule 1: no socket and no clock but the one given; each method does all or nothing and raises ``Refusal`` for nothing.
Rule 2: each change gives a new ETag, and no change is made without the one that stands. Rule 3: what is InProgress has
not arrived: the edge serves the configuration before it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from heliograph.lab.cloudfront import rules
from heliograph.lab.cloudfront.refusals import Refusal
from heliograph.lab.cloudfront.shapes import Fields
from heliograph.lab.cloudfront.terms import Terms

NUMBER = "123456789012"  # of the account; part of every ARN
_ETAG = re.compile(r"E[A-Z0-9]{7,20}")


@dataclass(slots=True, kw_only=True)
class Version:
    """What one reading of a distribution shows."""

    config: Fields
    etag: str
    changed: float


@dataclass(slots=True, kw_only=True)
class Invalidation:
    """A batch of paths whose cached answers end."""

    id: str
    reference: str
    paths: tuple[str, ...]
    made: float
    ends: float

    def status(self, now: float) -> str:
        """As the API spells it."""
        return "Completed" if now >= self.ends else "InProgress"


@dataclass(slots=True, kw_only=True)
class Distribution:
    """One distribution. ``polls`` is how many looks will still find it InProgress."""

    id: str
    domain: str
    made: float
    current: Version
    former: Version | None = None
    arrived: Fields | None = None  # what the edge served before the last change; None: nothing
    polls: int = 0
    ready: float = 0.0
    refused: int = 0  # deletions
    tags: dict[str, str] = field(default_factory=dict)
    invalidations: dict[str, Invalidation] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """Its name among all accounts."""
        return f"arn:aws:cloudfront::{NUMBER}:distribution/{self.id}"

    def deployed(self, now: float) -> bool:
        """Whether its last change has arrived everywhere."""
        return self.polls <= 0 and now >= self.ready

    def status(self, now: float) -> str:
        """As the API spells it."""
        return "Deployed" if self.deployed(now) else "InProgress"

    def served(self, now: float) -> Fields | None:
        """The configuration that its edge goes by; None: its name does not resolve."""
        config = self.current.config if self.deployed(now) else self.arrived
        return config if config is not None and config["Enabled"] else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one look at a distribution showed: not always what stands."""

    of: Distribution
    config: Fields
    etag: str
    status: str


@dataclass(slots=True, kw_only=True)
class Control:
    """An origin access control."""

    id: str
    config: Fields
    etag: str


class Account:
    """See the rules above. ``clock`` gives virtual seconds; they may stand still, not go back."""

    def __init__(self, terms: Terms, clock: Callable[[], float]) -> None:
        self.terms, self.clock = terms, clock
        self.distributions: dict[str, Distribution] = {}
        self.controls: dict[str, Control] = {}
        self.made = 0  # distributions ever made, to be held against those that are left
        self._references: dict[str, str] = {}
        self._names = 0
        self._calls: list[float] = []

    # --- every call ---

    def admit(self, key: str) -> None:
        """Whether a call signed with this access key id is let in now."""
        if self.terms.keys and key not in self.terms.keys:
            raise Refusal("InvalidClientTokenId", "the security token included in the request is invalid")
        if self.terms.rate:
            now = self.clock()
            self._calls = [call for call in self._calls if call > now - 1]
            if len(self._calls) >= self.terms.rate:
                raise Refusal("Throttling", "Rate exceeded")
            self._calls.append(now)

    # --- distributions ---

    def create(self, config: Fields, tags: Mapping[str, str] | None = None) -> Distribution:
        """A new distribution, InProgress."""
        reference = config["CallerReference"]
        if not reference:
            raise Refusal("InvalidArgument", "CallerReference is empty")
        if reference in self._references:
            raise Refusal("DistributionAlreadyExists", f"the caller reference is that of {self._references[reference]}")
        self._check(config, "")
        if len(self.distributions) >= self.terms.distributions:
            raise Refusal("TooManyDistributions", f"the account has {self.terms.distributions} distributions")
        now, name = self.clock(), self._name("E")
        made = Distribution(
            id=name,
            domain=f"{self._name('D').lower()}.cloudfront.net",
            made=now,
            current=Version(config=config, etag=self._name("E"), changed=now),
            tags=dict(tags or {}),
        )
        self._begin(made, now)
        self.distributions[name] = made
        self._references[reference] = name
        self.made += 1
        return made

    def find(self, id_: str) -> Distribution:
        """The distribution with this id."""
        if id_ not in self.distributions:
            raise Refusal("NoSuchDistribution", "the specified distribution does not exist")
        return self.distributions[id_]

    def look(self, id_: str) -> Reading:
        """What a reading shows of a distribution, which may be stale; brings it nearer to Deployed."""
        return self._look(self.find(id_))

    def listed(self, marker: str, most: int) -> tuple[list[Reading], bool]:
        """Up to ``most`` distributions after ``marker``, by id, and whether there are more."""
        now = self.clock()
        shown = [one for one in self.distributions.values() if now >= one.made + self.terms.late]
        page, more = _page(sorted(one.id for one in shown), marker, most)
        return [self._look(self.distributions[id_]) for id_ in page], more

    def update(self, id_: str, match: str, config: Fields) -> Distribution:
        """Put another configuration in place, InProgress."""
        found = self.find(id_)
        _match(match, found.current.etag)
        if config["CallerReference"] != found.current.config["CallerReference"]:
            raise Refusal("IllegalUpdate", "CallerReference cannot be changed")
        self._check(config, id_)
        now = self.clock()
        if found.deployed(now):
            found.arrived = found.current.config
        found.former = found.current
        found.current = Version(config=config, etag=self._name("E"), changed=now)
        self._begin(found, now)
        return found

    def delete(self, id_: str, match: str) -> None:
        """End a distribution that was switched off, and whose end has arrived everywhere."""
        found = self.find(id_)
        _match(match, found.current.etag)
        if found.current.config["Enabled"]:
            raise Refusal("DistributionNotDisabled", "the distribution is still enabled")
        if not found.deployed(self.clock()):
            raise Refusal("DistributionNotDisabled", "the distribution is still being disabled")
        if found.refused < self.terms.tail:
            found.refused += 1
            raise Refusal("DistributionNotDisabled", "the distribution is still being disabled somewhere")
        self.lose(id_)

    def lose(self, id_: str) -> None:
        """End a distribution whatever its state is, as the service does to those it does not want."""
        found = self.distributions.pop(id_)
        if not self.terms.burnt:
            del self._references[found.current.config["CallerReference"]]

    def at(self, domain: str) -> Distribution | None:
        """The distribution with this domain or alias."""
        for one in self.distributions.values():
            if domain == one.domain or domain in one.current.config["Aliases"]["Items"]:
                return one
        return None

    def by_arn(self, arn: str) -> Distribution:
        """The distribution of this ARN, for its tags."""
        for one in self.distributions.values():
            if one.arn == arn:
                return one
        raise Refusal("NoSuchResource", "there is no such distribution")

    # --- invalidations ---

    def invalidate(self, id_: str, reference: str, paths: Iterable[str]) -> Invalidation:
        """Begin an invalidation; the same reference with the same paths gives the one that is there."""
        found, wanted, now = self.find(id_), tuple(paths), self.clock()
        if not reference:
            raise Refusal("InvalidArgument", "CallerReference is empty")
        for path in wanted:
            if not path.startswith("/") or not path.isascii() or "*" in path[:-1]:
                raise Refusal("InvalidArgument", f"the path {path[:80]} begins with no slash, or has a star inside")
        for one in found.invalidations.values():
            if one.reference == reference:
                if one.paths == wanted:
                    return one
                raise Refusal("InvalidArgument", "the caller reference is that of another batch")
        running = [path for one in found.invalidations.values() if now < one.ends for path in one.paths]
        stars = sum(path.endswith("*") for path in running)
        new = sum(path.endswith("*") for path in wanted)
        # Each kind has a limit of its own; a batch is held against that of the kinds it has.
        if (new and stars + new > self.terms.wildcards) or (
            len(wanted) > new and len(running) - stars + len(wanted) - new > self.terms.paths
        ):
            raise Refusal("TooManyInvalidationsInProgress", "too many paths are being invalidated")
        made = Invalidation(
            id=self._name("I"), reference=reference, paths=wanted, made=now, ends=now + self.terms.sweep
        )
        found.invalidations[made.id] = made
        return made

    def invalidation(self, id_: str, batch: str) -> Invalidation:
        """One invalidation of a distribution."""
        found = self.find(id_)
        if batch not in found.invalidations:
            raise Refusal("NoSuchInvalidation", "the specified invalidation does not exist")
        return found.invalidations[batch]

    def invalidations(self, id_: str, marker: str, most: int) -> tuple[list[Invalidation], bool]:
        """Up to ``most`` invalidations that are older than ``marker``, the newest first, and whether there are more."""
        newest = list(reversed(self.find(id_).invalidations.values()))
        start = next((n + 1 for n, one in enumerate(newest) if one.id == marker), 0)
        return newest[start : start + most], len(newest) > start + most

    # --- origin access controls ---

    def create_control(self, config: Fields) -> Control:
        """A new origin access control."""
        if any(one.config["Name"] == config["Name"] for one in self.controls.values()):
            raise Refusal("OriginAccessControlAlreadyExists", "an origin access control has this name")
        if len(self.controls) >= self.terms.controls:
            raise Refusal("TooManyOriginAccessControls", f"the account has {self.terms.controls} of them")
        made = Control(id=self._name("E"), config=config, etag=self._name("E"))
        self.controls[made.id] = made
        return made

    def control(self, id_: str) -> Control:
        """The origin access control with this id."""
        if id_ not in self.controls:
            raise Refusal("NoSuchOriginAccessControl", "the origin access control does not exist")
        return self.controls[id_]

    def listed_controls(self, marker: str, most: int) -> tuple[list[Control], bool]:
        """Up to ``most`` of them after ``marker``, by id, and whether there are more."""
        page, more = _page(sorted(self.controls), marker, most)
        return [self.controls[id_] for id_ in page], more

    def delete_control(self, id_: str, match: str) -> None:
        """End one that no distribution uses."""
        _match(match, self.control(id_).etag)
        for one in self.distributions.values():
            if any(origin["OriginAccessControlId"] == id_ for origin in one.current.config["Origins"]["Items"]):
                raise Refusal("OriginAccessControlInUse", f"{one.id} uses it")
        del self.controls[id_]

    # --- inside ---

    def _check(self, config: Fields, self_id: str) -> None:
        rules.check(config, {control.id: control.config for control in self.controls.values()})
        wanted = set(config["Aliases"]["Items"])
        for one in self.distributions.values():
            if one.id != self_id and wanted & set(one.current.config["Aliases"]["Items"]):
                raise Refusal("CNAMEAlreadyExists", "another distribution has this alias")

    def _look(self, found: Distribution) -> Reading:
        now, shown = self.clock(), found.current
        found.polls = max(0, found.polls - 1)
        if found.former is not None and now < found.current.changed + self.terms.stale:
            return Reading(of=found, config=found.former.config, etag=found.former.etag, status="Deployed")
        return Reading(of=found, config=shown.config, etag=shown.etag, status=found.status(now))

    def _begin(self, found: Distribution, now: float) -> None:
        """Let it be InProgress from now on: for so many looks, of which the one after the last finds it Deployed."""
        found.polls = self.terms.polls + 1 if self.terms.polls else 0
        found.ready = now + self.terms.spread

    def _name(self, first: str) -> str:
        """A name of capital letters and digits, the same in each run."""
        self._names += 1
        digest = hashlib.sha256(f"{first}{self._names}".encode()).digest()
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
        return first + "".join(letters[byte % 36] for byte in digest[: 14 - len(first)])


def _match(given: str, stands: str) -> None:
    if not _ETAG.fullmatch(given):
        raise Refusal("InvalidIfMatchVersion", "If-Match is missing or not valid")
    if given != stands:
        raise Refusal("PreconditionFailed", "If-Match is not the version that stands")


def _page(names: list[str], marker: str, most: int) -> tuple[list[str], bool]:
    rest = [name for name in names if name > marker]
    return rest[:most], len(rest) > most
