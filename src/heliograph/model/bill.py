"""What writing to a mirror costs: prices of its host, and the bill of a month.

Money is whole billionths of a dollar, so that nothing is rounded: a thousand writes at half a cent are 5,000 each. A
bill counts what heliograph asked for; traffic to readers is the provider's to count.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Final

from heliograph.model.mirror import Spent

DOLLAR: Final = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """What a host asks for each, in billionths of a dollar; nothing where it is one's own."""

    writes: int = 0
    lists: int = 0
    reads: int = 0
    deletes: int = 0

    def cost(self, spent: Spent) -> int:
        """In billionths of a dollar."""
        return (
            spent.writes * self.writes
            + spent.lists * self.lists
            + spent.reads * self.reads
            + spent.deletes * self.deletes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bill:
    """What one mirror was asked for in a month, and what that cost at the prices of the day."""

    spent: Spent = field(default_factory=Spent)
    cost: int = 0  # billionths of a dollar

    def plus(self, spent: Spent, prices: Prices) -> Bill:
        return Bill(spent=self.spent + spent, cost=self.cost + prices.cost(spent))


def month_of(now: datetime) -> str:
    """Of the calendar, in UTC, as providers count: "2026-11"."""
    return f"{now.astimezone(UTC):%Y-%m}"


def pack(bill: Bill) -> str:
    """As the journal keeps it."""
    return json.dumps({**asdict(bill.spent), "cost": bill.cost}, sort_keys=True)


def unpack(text: str) -> Bill:
    """The bill in ``text``; an empty one for "".

    Raises:
        ValueError: it is none.
    """
    if not text:
        return Bill()
    given = json.loads(text)
    counts = [*Spent.__slots__, "cost"]
    if not isinstance(given, dict) or sorted(given) != sorted(counts):
        raise ValueError("no bill of a month")
    if any(type(value) is not int or value < 0 for value in given.values()):
        raise ValueError("a bill counts in whole numbers")
    cost = given.pop("cost")
    return Bill(spent=Spent(**given), cost=cost)


def dollars(cost: int) -> str:
    """For people: "$1.05", and small sums with as many places as show them."""
    whole, rest = divmod(cost, DOLLAR)
    places = f"{rest:09d}"
    small = places[2:6].rstrip("0") if cost < DOLLAR // 100 else ""
    return f"${whole:,}.{places[:2]}{small}"
