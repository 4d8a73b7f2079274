"""What all emulated providers have: a door on loopback, a clock, and faults on demand."""

from __future__ import annotations

import asyncio
import json
import random
from abc import ABC, abstractmethod
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web

from heliograph.lab.loopback import base, serving

Fault = Literal[
    "drop before",  # the connection ends, nothing was done
    "stall before",  # no answer, nothing was done
    "gateway before",  # 502 with a page of HTML, nothing was done
    "drop after",  # it was done, and the connection ends
    "stall after",  # it was done, and no answer comes
    "gateway after",
    "garbage",  # it was done, and the answer is 200 with nonsense
    "slow",  # it was done, and the answer comes in two halves
]
FAULTS: tuple[Fault, ...] = (
    "drop before", "stall before", "gateway before", "drop after", "stall after", "gateway after", "garbage", "slow",
)  # fmt: skip
DONE: frozenset[Fault] = frozenset({"drop after", "stall after", "gateway after", "garbage", "slow"})
MOST_BODY = 60_000_000  # bytes of a request
_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>"


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of a provider: JSON, or bytes as they are."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> web.Response:
        """As aiohttp sends it."""
        raw = isinstance(self.body, bytes)
        data = self.body if raw else json.dumps(self.body, ensure_ascii=False).encode()
        kind = "text/plain" if raw else "application/json"
        return web.Response(body=data, status=self.status, headers={"Content-Type": kind, **self.headers})


class Provider(ABC):
    """One emulated service. ``answer`` is the service itself; faults are laid over it."""

    def __init__(self, clock: Callable[[], float], seed: int = 0) -> None:
        """``clock`` gives seconds since 1970."""
        self.clock = clock
        self.share = 0.0  # of calls that something goes wrong with, by chance
        self.among: tuple[Fault, ...] = FAULTS  # what then goes wrong
        self.calls: Counter[str] = Counter()  # by method of the service, for tests
        self.struck: list[tuple[str, Fault]] = []  # faults that happened
        self.door = ""  # its address without a final slash, while it runs
        self._next: deque[Fault | None] = deque()
        self._chance = random.Random(seed)  # noqa: S311 - chance, no secret

    def fail(self, *faults: Fault | None) -> None:
        """What the next calls meet, one each; None is no fault."""
        self._next.extend(faults)

    @abstractmethod
    def named(self, request: web.BaseRequest) -> str:
        """The method that is called, as its documentation names it; "" for what no fault shall hit."""

    @abstractmethod
    async def answer(self, request: web.BaseRequest, body: bytes) -> Reply:
        """What the service does, whole, and says. Never raises for what a client sent."""

    @abstractmethod
    def dump(self) -> dict[str, Any]:
        """What readers would see, as JSON can hold it."""

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[str]:
        """Behind a port of loopback; gives its address without a final slash."""
        async with serving(self._handle, port) as runner:
            self.door = base(runner)
            yield self.door

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await _body(request)
        if body is None:
            return web.Response(status=413)
        name = self.named(request)
        self.calls[name] += 1
        fault = self._fault() if name else None
        if fault is None:
            return (await self.answer(request, body)).response()
        self.struck.append((name, fault))
        reply = await self.answer(request, body) if fault in DONE else Reply({})
        return await _wrong(request, fault, reply)

    def _fault(self) -> Fault | None:
        if self._next:
            return self._next.popleft()
        return self._chance.choice(self.among) if self._chance.random() < self.share else None


async def _body(request: web.BaseRequest) -> bytes | None:
    """All of it, None where it is too large. aiohttp's own limit, a megabyte, is less than a picture has."""
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > MOST_BODY:
            return None
    return bytes(body)


async def _wrong(request: web.BaseRequest, fault: Fault, reply: Reply) -> web.StreamResponse:
    if fault.startswith("gateway"):
        return web.Response(body=_PAGE, status=502, headers={"Content-Type": "text/html"})
    if fault == "garbage":
        return web.Response(body=b'{"ok": tru', headers={"Content-Type": "application/json"})
    if fault.startswith("stall"):
        await asyncio.Event().wait()  # until the client goes away
    if fault.startswith("drop"):
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
    whole = reply.response()
    body = whole.body if isinstance(whole.body, bytes) else b""
    slow = web.StreamResponse(status=whole.status, headers={"Content-Type": whole.headers["Content-Type"]})
    slow.content_length = len(body)
    await slow.prepare(request)
    await slow.write(body[: len(body) // 2])
    await asyncio.sleep(0)
    await slow.write(body[len(body) // 2 :])
    return slow
