"""How often a bot may send: to each chat, to each group and channel, and to all together.

Telegram publishes rough figures and no exact ones; these are the rough ones, taken at their word: so many in any span,
whenever it begins. Who keeps to them keeps to anything milder.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Rate:
    """``most`` in any ``span`` seconds."""

    most: int
    span: float


@dataclass(slots=True, kw_only=True)
class Limits:
    """What is allowed; a test may loosen it."""

    chat: Rate = Rate(1, 1)
    public: Rate = Rate(20, 60)  # of a group or a channel
    all: Rate = Rate(30, 1)
    text: int = 4_096  # UTF-16 units
    caption: int = 1_024
    rich_text: int = 32_768  # characters of a rich message
    rich_blocks: int = 500
    rich_depth: int = 16
    rich_columns: int = 20
    album: tuple[int, int] = (2, 10)
    buttons: int = 100  # below one message
    button_data: int = 64  # bytes
    toast: int = 200  # characters beside a button
    photo: int = 10_000_000  # bytes
    photo_sides: int = 10_000  # pixels, width and height together
    photo_ratio: int = 20
    kept: float = 86_400  # seconds that an update waits
    deletable: float = 172_800  # seconds after which a message stays
    button_life: float = 900  # seconds in which a press can be answered


@dataclass(slots=True)
class Buckets:
    """When the last ones of each rate were, at a clock that is given."""

    _taken: dict[str, deque[float]] = field(default_factory=dict)

    def take(self, wanted: dict[str, Rate], now: float) -> int:
        """0, and one is counted for each; or the seconds until there is room in all, and none is counted."""
        waits = [wait for key, rate in wanted.items() if (wait := self._wait(key, rate, now)) > 0]
        if waits:
            return max(1, math.ceil(max(waits) - _DUST))
        for key in wanted:
            self._taken[key].append(now)
        return 0

    def _wait(self, key: str, rate: Rate, now: float) -> float:
        taken = self._taken.setdefault(key, deque())
        while len(taken) > rate.most:
            taken.popleft()
        if len(taken) < rate.most:
            return 0.0
        return max(0.0, taken[0] + rate.span - now - _DUST)


_DUST: Final = 1e-6  # seconds: what adding up small times loses
