"""What mirrors cost by month: noted before anything is asked of a host, and set right when it is known.

Rule 1: a delivery that would pass the ceiling does not begin, so that no mirror stays halfway between two releases.
Rule 2: what a delivery may ask is noted before it begins; if the process is killed, that stands, which is never too
little.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from heliograph.config import Config
from heliograph.flows.foreign import noted
from heliograph.model import StoreError
from heliograph.model.bill import Bill, Prices, dollars, month_of, pack, unpack
from heliograph.model.mirror import Spent
from heliograph.ports import Journal, MirrorStore, Outside


class Account:
    """The bill of one mirror for the month of ``now``, from before anything is asked of it in a pass."""

    def __init__(self, journal: Journal, mirror: MirrorStore, config: Config, now: datetime) -> None:
        table = next((table for table in config.mirror if table.name == mirror.name), None)
        self.prices = table.prices if table else Prices()
        self.ceiling = table.ceiling if table else 0
        self._journal, self._mirror = journal, mirror
        self._month, self._key = month_of(now), key(mirror.place, now)
        self._before = self._noted = read(journal, mirror.place, now)
        self._began = mirror.spent

    @property
    def spent(self) -> Spent:
        """What was asked of the host since this was made."""
        return self._mirror.spent - self._began

    def reserve(self, asks: Spent) -> None:
        """Note what is about to be asked.

        Raises:
            StoreError: it would pass the ceiling; nothing is noted.
        """
        then = self._before.plus(self.spent + asks, self.prices)
        if self.ceiling and then.cost > self.ceiling and asks.writes:
            so_far = self._before.plus(self.spent, self.prices).cost
            cost = dollars(then.cost - so_far)
            raise StoreError(
                f"this delivery would cost {cost}, and {dollars(so_far)} of {dollars(self.ceiling)} are spent in "
                f"{self._month}: nothing was sent, it keeps the release that it has",
                where=f"mirror {self._mirror.name}",
                remedy="raise its `most_a_month`, or wait for the next month; see: heliograph mirrors cost",
            )
        self._note(then)

    def settle(self) -> Bill:
        """Note what was asked after all; the bill of the month."""
        bill = self._before.plus(self.spent, self.prices)
        self._note(bill)
        return bill

    def _note(self, bill: Bill) -> None:
        if bill != self._noted:
            self._journal.note(self._key, pack(bill))
            self._noted = bill


def accounts(outside: Outside, config: Config, now: datetime) -> Mapping[str, Account]:
    """One for each mirror, by name."""
    return {mirror.name: Account(outside.journal, mirror, config, now) for mirror in outside.mirrors}


def key(place: str, now: datetime) -> str:
    """Under which key the journal keeps the bill of ``place``."""
    return noted(f"bill {month_of(now)}", place)


def read(journal: Journal, place: str, now: datetime) -> Bill:
    """What ``place`` has cost in the month of ``now``, as far as is known."""
    try:
        return unpack(journal.recall(key(place, now)))
    except ValueError:
        return Bill()  # damaged: the provider's own bill is what counts
