"""What a newsroom wants of its pool of mirrors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The defaults are those of the configuration's table ``[rotate]``."""

    min_live: int = 2  # mirrors that work, in each watched network
    providers: int = 2  # different ones among them
    spares: int = 1  # mirrors that work and that nobody is told of
    burst: int = 3  # mirrors of one provider blocked within ``burst_window``, after which more are expected to follow
    burst_window: timedelta = timedelta(hours=1)
    shun: timedelta = timedelta(hours=24)  # for how long the pool then moves away from that provider
    retire_after: timedelta = timedelta(days=3)  # rested and still blocked: a raised mirror ends
    calm: timedelta = timedelta(hours=2)  # a mirror that is free again must stay so before it comes back
    most_a_day: int = 12  # mirrors raised within 24 hours
    most_a_month: int = 100  # and within 30 days
