"""How often strangers are answered: anybody can write in another's name, and answers must not become his flood.

Rule 1: addresses are counted by a digest with a salt of the day that nobody keeps; a day later nothing of them is left,
and after a restart neither. Rule 2: all answers together have a ceiling by the hour.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Answering = Literal["answer", "confirm", "probe"]
A_DAY: dict[Answering, int] = {"answer": 10, "confirm": 1, "probe": 1}  # to one address
AN_HOUR = 600  # to all together


@dataclass(slots=True, kw_only=True)
class Pace:
    """What was answered today. ``salt`` gives at least 16 random bytes."""

    salt: Callable[[], bytes]
    a_day: dict[Answering, int] = field(default_factory=lambda: dict(A_DAY))
    an_hour: int = AN_HOUR
    _salt: bytes = b""
    _day: str = ""
    _hour: str = ""
    _answered: int = 0
    _to: Counter[bytes] = field(default_factory=Counter)

    def may(self, kind: Answering, address: str, now: datetime) -> bool:
        """Whether this address may be written to now; if so, it counts."""
        day, hour = f"{now:%Y%m%d}", f"{now:%Y%m%d%H}"
        if day != self._day:
            self._day, self._salt = day, self.salt()
            self._to.clear()
        if hour != self._hour:
            self._hour, self._answered = hour, 0
        key = self._key(kind, address)
        if self._answered >= self.an_hour or self._to[key] >= self.a_day[kind]:
            return False
        self._answered += 1
        self._to[key] += 1
        return True

    def undo(self, kind: Answering, address: str) -> None:
        """What ``may`` allowed was not sent after all."""
        self._answered = max(0, self._answered - 1)
        self._to[self._key(kind, address)] -= 1

    def _key(self, kind: Answering, address: str) -> bytes:
        return hashlib.blake2b(f"{kind} {address.lower()}".encode(), key=self._salt[:64], digest_size=12).digest()
