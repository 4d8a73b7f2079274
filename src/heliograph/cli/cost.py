"""``mirrors cost``: what each mirror has cost this month, and what the next delivery to it would."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from heliograph.cli.screen import Stopwatch, out
from heliograph.cli.wiring import outside
from heliograph.config import Config, load
from heliograph.flows.bill import Account, read
from heliograph.flows.deliver import lacking
from heliograph.model import StoreError
from heliograph.model.bill import DOLLAR, Bill, dollars, month_of
from heliograph.model.mirror import Spent
from heliograph.ports import Journal


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one mirror; money in billionths of a dollar."""

    name: str
    month: Bill
    asks: Spent  # of the next delivery
    next: int
    ceiling: int  # 0 where there is none
    fault: str = ""

    @property
    def fits(self) -> bool:
        return not self.ceiling or not self.asks.writes or self.month.cost + self.next <= self.ceiling


def show(path: Path, *, as_json: bool) -> int:
    """Look at every mirror and say; 1 if a delivery would pass a ceiling or a mirror cannot be read."""
    config, now = load(path), datetime.now(UTC)  # noqa: TID251 - the command line is where time comes from
    costs = asyncio.run(_look(config, now))
    if as_json:
        print(json.dumps({"month": month_of(now), "mirrors": [_object(one) for one in costs]}, ensure_ascii=False))
    else:
        _print(costs, now)
    return 0 if all(one.fits and not one.fault for one in costs) else 1


async def _look(config: Config, now: datetime) -> list[Cost]:
    async with outside(config, Stopwatch()) as world:
        latest, plans, found = world.journal.latest(), {}, []  # type: ignore[var-annotated]
        for mirror in world.mirrors:
            account, asks, fault = Account(world.journal, mirror, config, now), Spent(), ""
            try:
                if latest is not None:
                    asks = mirror.asks(await lacking(world, mirror, latest, plans, begins=False))
            except StoreError as error:
                fault = error.what
            bill, price = read(world.journal, mirror.place, now), account.prices.cost(asks)
            found.append(
                Cost(name=mirror.name, month=bill, asks=asks, next=price, ceiling=account.ceiling, fault=fault)
            )
        return found


def month_by_name(config: Config, journal: Journal, now: datetime) -> dict[str, Bill]:
    """What each mirror that is brought the edition has cost in the month of ``now``."""
    return {table.name: read(journal, config.mirror_place(table), now) for table in config.stores}


def as_month(bill: Bill, ceiling: int) -> dict[str, Any]:
    """A bill for programs, money in dollars."""
    most = ceiling / DOLLAR if ceiling else None
    return {**asdict(bill.spent), "dollars": bill.cost / DOLLAR, "most_dollars": most}


def _object(cost: Cost) -> dict[str, Any]:
    return {
        "name": cost.name,
        "month": as_month(cost.month, cost.ceiling),
        "next": {**asdict(cost.asks), "dollars": cost.next / DOLLAR},
        "fits": cost.fits,
        "fault": cost.fault,
    }


def _print(costs: list[Cost], now: datetime) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("mirror", month_of(now), "of", "next writes", "next cost", ""):
        table.add_column(column, justify="left" if column in ("mirror", "") else "right")
    for one in costs:
        most = dollars(one.ceiling) if one.ceiling else "-"
        state = f"[red]{escape(one.fault)}[/]" if one.fault else "" if one.fits else "[red]passes its ceiling[/]"
        table.add_row(one.name, dollars(one.month.cost), most, f"{one.asks.writes:,}", dollars(one.next), state)
    out.print(table)
    out.print("Prices are those of the configuration; traffic to readers is the provider's to count.")
