"""Mirrors as a newsroom has them: the pool, moves in it, what writing to one took, how an address of a host stands."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Final, Literal

Phase = Literal[
    "creating",  # asked of its host, and not seen to work yet
    "spare",  # it works, and no reader is told of it
    "live",  # readers are told of it
    "resting",  # readers are no longer told of it; it may come back
    "ending",  # its host takes it down
    "gone",
    "lost",  # its host does not know it any more
]
MoveKind = Literal["raise", "ready", "promote", "rest", "return", "retire", "ended", "lost"]
MOST_PAGE: Final = 2_097_152  # bytes of a page of the newsroom's own site
StandState = Literal["absent", "creating", "up", "ending", "gone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SitePage:
    """A page of the newsroom's own site, which is how a mirror that passes that through is known: nothing is signed."""

    path: str  # below the mirror's base, "" for its front page
    text: str  # that stands in the page at all times


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirror:
    """One base URL and how it stands in the pool."""

    name: str  # a nickname; that of one raised by a host is random
    provider: str  # whose network it is in: mirrors of one provider fall together
    host: str = ""  # the host that raised it; "" for one that somebody set up
    url: str = ""  # its base, with a slash at the end; "" while its host has not said
    phase: Phase
    since: datetime  # of the phase
    born: datetime
    hurt: datetime | None = None  # since when readers of some network are kept from it, as far as is known
    pinned: datetime | None = None  # until when only people move it
    told: datetime | None = None  # since when readers may know of it
    site: bool = False  # it shows the newsroom's own site, not the signed edition


def plain(mirror: Mirror) -> dict[str, object]:
    """``mirror`` in values that JSON has; times in ISO form."""
    values = asdict(mirror).items()
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values}


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One change of the pool, and why. ``mirror`` is "" where a new one is to be raised at ``host``."""

    kind: MoveKind
    mirror: str
    host: str = ""
    reason: str = ""
    hold: bool = False  # until people move it again


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveNote:
    """A move that was made."""

    number: int
    at: datetime
    move: Move
    before: Phase | None = None  # the mirror's phase before it


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFacts:
    """A host that can raise mirrors, as far as a plan needs to know it."""

    name: str
    provider: str
    most: int  # mirrors it may have at once
    site: bool = False  # they show the newsroom's own site, not the signed edition


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was asked of a host, in its own units of account; nothing of it where the host is this machine."""

    writes: int = 0  # objects put, renamed or copied; commits
    deletes: int = 0
    reads: int = 0
    lists: int = 0  # pages of a listing
    size: int = 0  # bytes sent

    def __add__(self, other: Spent) -> Spent:
        return Spent(**{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)})

    def __sub__(self, other: Spent) -> Spent:
        return Spent(**{field.name: getattr(self, field.name) - getattr(other, field.name) for field in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """How one address of a host stands."""

    id: str  # ours, random, of small letters and digits; never the newsroom's name
    state: StandState
    url: str = ""  # its base, with a slash at the end, once it is known
    handle: str = ""  # how the host calls it
    note: str = ""  # what the host said, for people
