"""How often a page is looked at again where its source does not say when it changed.

A story is corrected in its first hours and hardly ever after a month, so the interval grows with its age: an eighth of
it, between ten minutes and thirty days, in powers of two so that it stays the same for long stretches.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from heliograph.model import Tip

_SHORTEST = 600  # seconds
_LONGEST = 30 * 86_400


def stamped(tip: Tip, published: datetime | None, now: datetime) -> Tip:
    """``tip`` with a stamp that stays until the page is due again; ``published`` is None for an unknown story."""
    if published is None:
        return replace(tip, stamp="new")
    age = max(0.0, (now - published).total_seconds())
    interval = _SHORTEST
    while interval * 16 <= age and interval < _LONGEST:
        interval *= 2
    return replace(tip, stamp=f"due:{interval}:{int(now.timestamp()) // interval}")
