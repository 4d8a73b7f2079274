"""A host in memory that raises and retires addresses, slowly and with faults. See ``ports.Host``.

It keeps its quota and makes one address for one id. Each call may fail both ways: refused, or done though it said
refused.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from heliograph.model import QuotaError, StoreError
from heliograph.model.mirror import SitePage, Stand, StandState


class Killed(BaseException):
    """The process ends here, as far as the caller is concerned."""


@dataclass(slots=True, kw_only=True)
class SimulatedHost:
    """``slow`` is how many looks an address takes until it is up, and until it is gone."""

    name: str
    provider: str
    site: SitePage | None = None
    most: int = 20
    slow: int = 2
    fault: Callable[[str], BaseException | None] = lambda _: None  # before a call does anything
    after: Callable[[str], BaseException | None] = lambda _: None  # and after it did
    wait: Callable[[], Awaitable[None]] | None = None  # how long an answer takes
    calls: list[str] = field(default_factory=list)
    held: dict[str, tuple[StandState, int]] = field(default_factory=dict)

    async def stands(self) -> tuple[Stand, ...]:
        """See ``ports.Host``."""
        await self._ask("stands")
        return tuple(self._stand(name) for name in sorted(self.held) if self.held[name][0] != "gone")

    async def raise_(self, id: str) -> Stand:  # noqa: A002 - the port's name for it
        """See ``ports.Host``."""
        await self._ask(f"raise {id}")
        state, looks = self.held.get(id, ("absent", 0))
        if state == "absent":
            if len(self.paid) >= self.most:
                raise QuotaError("it has no room", where=f"host {self.name}")
            self.held[id] = ("creating", self.slow)
        elif state == "creating":
            self.held[id] = ("creating", looks - 1) if looks > 1 else ("up", 0)
        _fail(self.after, f"raise {id}")
        return self._stand(id)

    async def retire(self, id: str) -> Stand:  # noqa: A002 - the port's name for it
        """See ``ports.Host``."""
        await self._ask(f"retire {id}")
        state, looks = self.held.get(id, ("gone", 0))
        if state in ("creating", "up"):
            self.held[id] = ("ending", self.slow)
        elif state == "ending":
            self.held[id] = ("ending", looks - 1) if looks > 1 else ("gone", 0)
        _fail(self.after, f"retire {id}")
        return self._stand(id)

    @property
    def paid(self) -> set[str]:
        """What costs."""
        return {name for name, (state, _) in self.held.items() if state != "gone"}

    def _stand(self, name: str) -> Stand:
        state = self.held.get(name, ("gone", 0))[0]
        return Stand(id=name, state=state, url=f"https://{name}.{self.provider}.example/")

    async def _ask(self, call: str) -> None:
        self.calls.append(call)
        if self.wait is not None:
            await self.wait()
        _fail(self.fault, call)


def _fail(fault: Callable[[str], BaseException | None], call: str) -> None:
    error = fault(call)
    if error is not None:
        raise error


def refused(times: int) -> Callable[[str], BaseException | None]:
    """The first so many calls are refused."""
    left = [times]

    def fault(_: str) -> BaseException | None:
        left[0] -= 1
        return StoreError("the host answers 503") if left[0] >= 0 else None

    return fault


def killed_at(number: int) -> Callable[[str], BaseException | None]:
    """The process ends at the call of this number, from 1."""
    left = [number]

    def fault(_: str) -> BaseException | None:
        left[0] -= 1
        return Killed() if left[0] == 0 else None

    return fault
