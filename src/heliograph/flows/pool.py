"""Running one function over a stream of work: bounded, in order of completion, on whatever executor is wired."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import Executor
from typing import TypeVar

Work = TypeVar("Work")
Result = TypeVar("Result")


async def spread(
    executor: Executor, work: Iterable[Work], do: Callable[[Work], Result], ahead: int
) -> AsyncIterator[Result]:
    """Results of ``do`` over ``work``, at most ``ahead`` pieces at a time; ``work`` is drawn as there is room.

    ``do`` and the pieces must be picklable where the executor has processes. The first exception ends the stream after
    the pieces under way.
    """
    loop = asyncio.get_running_loop()
    running: set[asyncio.Future[Result]] = set()
    rest = iter(work)
    try:
        while True:
            while len(running) < ahead:
                try:
                    piece = next(rest)
                except StopIteration:
                    break
                running.add(loop.run_in_executor(executor, do, piece))
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        for future in running:
            future.cancel()
