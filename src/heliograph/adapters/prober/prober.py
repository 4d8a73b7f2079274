"""Rounds of checks, one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

from heliograph.adapters.prober.line import Line, Patience, contexts
from heliograph.adapters.prober.names import Names
from heliograph.model.sighting import Check, Fetch, Outcome, Resolve, Result, Steps

__all__ = ["Patience", "Prober"]
MOST_CHECKS = 200  # of one look; a generator that goes on for ever ends here


class Prober:
    """See ``ports.Prober``."""

    def __init__(
        self,
        *,
        patience: Patience | None = None,
        authorities: Path | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``authorities`` is a file of certificates trusted instead of the system's; ``pause`` waits between rounds."""
        self._patience = patience or Patience()
        self._contexts = contexts(authorities)
        self._names = Names(self._patience)
        self._pause = pause

    async def look(self, steps: Steps) -> tuple[Result, ...]:
        """See ``ports.Prober``."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        results: list[Result] = []
        try:
            asked = next(steps)
            while len(results) < MOST_CHECKS:
                if results:
                    await self._pause(asked.wait)
                outcomes = await asyncio.gather(*(self._one(check, began) for check in asked.checks))
                results += [Result(check=check, outcome=out) for check, out in zip(asked.checks, outcomes, strict=True)]
                asked = steps.send(outcomes)
        except StopIteration:
            pass
        finally:
            steps.close()
        return tuple(results)

    async def _one(self, check: Check, began: float) -> Outcome:
        loop = asyncio.get_running_loop()
        started = loop.time() - began
        if isinstance(check, Resolve):
            outcome = await self._names.ask(check)
        else:
            outcome = await self._fetch(check, began)
        return replace(outcome, started=started, ended=loop.time() - began)

    async def _fetch(self, check: Fetch, began: float) -> Outcome:
        if not check.ip:  # a control, named by its host
            found = await self._names.ask(Resolve(name=check.host))
            if not found.addresses:
                return replace(found, stage="resolve")
            check = replace(check, ip=found.addresses[0])
        return await Line(check, self._patience, self._contexts, began).run()
