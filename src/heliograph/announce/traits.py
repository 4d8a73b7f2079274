"""What each kind of channel can do, and how much it takes.

Source of every number: the provider's documentation as of November 2026, gathered in ``docs/operating/posts.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from heliograph.announce.text import units
from heliograph.model.post import ChannelKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """One kind of channel."""

    text: int  # the longest message, as ``measure`` counts
    caption: int = 0  # the longest text beside a picture; 0 where there are none
    measure: Callable[[str], int] = len
    edits: bool = False
    withdraws: bool = False
    pictures: bool = False  # nothing goes out without one
    fetches: bool = False  # it fetches pictures by their address
    proves: bool = False  # it can be asked whether a post is there
    gap: float = 0.0  # seconds between two messages
    audience: bool = False  # it writes to subscribers, not to a public place


TRAITS: Final[Mapping[ChannelKind, Traits]] = {
    "telegram": Traits(
        text=4_096,
        caption=1_024,
        measure=units,
        edits=True,
        withdraws=True,
        gap=3.0,  # twenty a minute in one chat
    ),
    "viber": Traits(text=7_000, caption=768, fetches=True, gap=1.0),
    "instagram": Traits(text=2_200, caption=2_200, withdraws=True, pictures=True, fetches=True, proves=True, gap=5.0),
    "facebook": Traits(text=30_000, caption=30_000, edits=True, withdraws=True, proves=True, gap=1.0),
    "mail": Traits(text=400_000, audience=True),
    "webhook": Traits(text=400_000, edits=True, withdraws=True),
}
