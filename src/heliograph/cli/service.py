"""What every long-running command does: end on a signal, rest until then, and leave work that is under way."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")
BUSY = 1.0  # seconds until the journal is asked for again while another pass holds it


def over_on_signal() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set; for the running loop."""
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    for ending in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(ending, over.set)
    return over


async def unless(over: asyncio.Event, work: Coroutine[object, object, T]) -> T | None:
    """The result of ``work``, or None when ``over`` was set first and ``work`` was cancelled."""
    task, end = asyncio.ensure_future(work), asyncio.ensure_future(over.wait())
    await asyncio.wait({task, end}, return_when=asyncio.FIRST_COMPLETED)
    end.cancel()
    if not task.done():
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        return None
    return task.result()


async def rest(over: asyncio.Event, seconds: float, wake: asyncio.Event | None = None) -> None:
    """Wait so long, or until ``over``, or until there is something to do: ``wake``, which is cleared."""
    waits = [asyncio.ensure_future(event.wait()) for event in (over, wake) if event is not None]
    await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    if wake is not None:
        wake.clear()
