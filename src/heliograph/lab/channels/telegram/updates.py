"""Updates that wait for the bot: acknowledged by their number, gone after a day, for one listener at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from heliograph.lab.channels.telegram.refused import Refused

_CONFLICT = "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"
_WEBHOOK = (
    "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
)


class Updates:
    """The queue of one bot."""

    def __init__(
        self, clock: Callable[[], float], patience: Callable[[float], Awaitable[object]], kept: Callable[[], float]
    ) -> None:
        self.webhook = ""
        self.waiting: list[tuple[float, dict[str, Any]]] = []
        self.lost = 0  # nobody asked for them in time
        self._clock, self._patience, self._kept = clock, patience, kept
        self._number = 70_000_000
        self._allowed: tuple[str, ...] = ()
        self._more = asyncio.Event()
        self._listener: asyncio.Event | None = None  # set when another one takes its place

    def add(self, kind: str, told: dict[str, Any]) -> None:
        """Something happened."""
        if self._allowed and kind not in self._allowed:
            return
        self._number += 1
        self.waiting.append((self._clock(), {"update_id": self._number, kind: told}))
        self._more.set()

    async def get(self, offset: int, limit: int, timeout: float, allowed: Sequence[str] | None) -> list[dict[str, Any]]:  # noqa: ASYNC109
        """What waits from ``offset`` on; what is before it is forgotten. Waits so many seconds for the first.

        Raises:
            Refused: somebody else listens, or does so later.
        """
        if self.webhook:
            raise Refused(409, _WEBHOOK)
        if allowed is not None:
            self._allowed = tuple(allowed)
        if self._listener is not None:
            self._listener.set()
        mine = self._listener = asyncio.Event()
        try:
            self._forget(offset)
            if not self.waiting and timeout > 0:
                await self._first(mine, timeout)
            if mine.is_set():
                raise Refused(409, _CONFLICT)
            self._forget(offset)
            return [update for _, update in self.waiting[:limit]]
        finally:
            if self._listener is mine:
                self._listener = None

    async def _first(self, mine: asyncio.Event, timeout: float) -> None:  # noqa: ASYNC109
        self._more.clear()
        ends = [asyncio.ensure_future(one) for one in (self._more.wait(), mine.wait(), self._patience(timeout))]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in ends:
                one.cancel()

    def _forget(self, offset: int) -> None:
        if offset < 0:
            self.waiting = self.waiting[offset:]
        oldest = self._clock() - self._kept()
        before = len(self.waiting)
        self.waiting = [one for one in self.waiting if one[0] >= oldest]
        self.lost += before - len(self.waiting)
        self.waiting = [one for one in self.waiting if one[1]["update_id"] >= offset]
