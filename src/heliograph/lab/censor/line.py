"""The line between reader and server as the lab wants it: delay, jitter and loss, repeatable by seed.

Loss lies on the reader's side of the box, where a mobile network has it: what is lost on the way up the box never sees,
what is lost on the way down it has already counted. Jitter never reorders.
"""

from __future__ import annotations

import random
from dataclasses import dataclass

from heliograph.lab.censor.packet import Direction


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a line does to packets."""

    rtt: float = 0.0  # seconds for the way there and back; each way is half of it
    jitter: float = 0.0  # seconds, at most this much is added to each way
    loss: float = 0.0  # probability, each way

    def __post_init__(self) -> None:
        if not (0 <= self.rtt < 60 and 0 <= self.jitter < 60 and 0 <= self.loss <= 1):
            raise ValueError(f"not a line: rtt {self.rtt}, jitter {self.jitter} (seconds), loss {self.loss} (0 to 1)")


class Traffic:
    """What is on its way over a line."""

    def __init__(self, line: Line, seed: int) -> None:
        self.line = line
        self._chance = random.Random(f"line {seed}")  # noqa: S311 - repeatable, not secret
        self._last: dict[Direction, float] = {"up": 0.0, "down": 0.0}

    def loses(self) -> bool:
        """Whether the next packet is lost."""
        return self.line.loss > 0 and self._chance.random() < self.line.loss

    def arrival(self, now: float, way: Direction) -> float:
        """When a packet that leaves the box at ``now`` arrives."""
        when = now + self.line.rtt / 2
        if self.line.jitter:
            when = max(when + self._chance.random() * self.line.jitter, self._last[way])
            self._last[way] = when
        return when
