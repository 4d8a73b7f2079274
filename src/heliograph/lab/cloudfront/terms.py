"""What an account of the emulated service may do, and how slow the service is. Every number is a documented limit, or
says that it is not."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Set a few of them low to see what happens at the edge. Seconds are those of the clock that is given."""

    distributions: int = 500  # per account; on request more
    controls: int = 100  # origin access controls per account
    paths: int = 3_000  # single paths being invalidated at once, per distribution
    wildcards: int = 15  # paths with a star being invalidated at once, apart from those
    page: int = 100  # of a listing
    polls: int = 2  # looks at a distribution that find it InProgress after each change; not documented
    spread: float = 0.0  # seconds that it stays InProgress at least; in truth minutes; not documented
    sweep: float = 0.0  # seconds that an invalidation stays InProgress; in truth minutes; not documented
    rate: int = 0  # calls per second before they are throttled; 0: never; not documented
    stale: float = 0.0  # seconds in which reads still show what an update replaced; not documented
    tail: int = 0  # deletions refused though it reads disabled and Deployed (terraform-provider-aws #3034)
    late: float = 0.0  # seconds before a listing shows a new distribution; not documented
    burnt: bool = False  # whether the caller reference of a deleted distribution stays used; not documented
    keys: tuple[str, ...] = ()  # access key ids that are known; empty: any
