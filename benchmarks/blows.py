"""Ways to a server that fail: HTTP that refuses, does and says it did not, is out of order or busy; lines that are cut.

Each is a port of this machine in front of another, and fails only while its event is set; how often it did is counted.
"""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final

import anyio.from_thread
from aiohttp import web

from heliograph.lab.buckets import Answering
from heliograph.lab.buckets.canned import refusal
from heliograph.lab.loopback import serving

_SHARE: Final = 0.04  # of requests that fail
_PIECE: Final = 16_384
SPAN: Final = 400_000  # bytes within which a line is cut
Way = tuple[int, threading.Event, list[int]]  # port, while it fails, and how often it did


class _Failing(Answering):
    """A host that fails some requests, in four ways."""

    def __init__(self, port: int, chance: random.Random, on: threading.Event, count: list[int]) -> None:
        super().__init__(status=500, times=0, behind=f"http://127.0.0.1:{port}")
        self._chance, self._on, self._count = chance, on, count

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer, or fail."""
        if not self._on.is_set() or self._chance.random() >= _SHARE:
            return await self._serve(request)
        self._count[0] += 1
        match self._chance.choice(["refused", "done", "500", "busy"]):
            case "refused":
                return _reset(request)
            case "done":
                await self._serve(request)
                return _reset(request)
            case "500":
                return refusal(500, "InternalError")
        return refusal(503, "SlowDown")


def _reset(request: web.BaseRequest) -> web.StreamResponse:
    if request.transport is not None:
        request.transport.abort()
    return web.Response(status=500)


@contextmanager
def failing(port: int, chance: random.Random) -> Iterator[Way]:
    """A way to the HTTP server at ``port``."""
    on, count = threading.Event(), [0]
    with _thread(lambda: serving(_Failing(port, chance, on, count).serve, auto_decompress=False)) as runner:
        yield int(runner.addresses[-1][1]), on, count


@contextmanager
def cutting(port: int, chance: random.Random, span: int = SPAN) -> Iterator[Way]:
    """A way to any server at ``port``: a line ends, without a word, after up to ``span`` bytes of either side."""
    on, count = threading.Event(), [0]
    lines: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: list[int]) -> None:
        while piece := await reader.read(_PIECE):
            left[0] -= len(piece)
            if on.is_set() and left[0] < 0:
                count[0] += 1
                raise ConnectionError
            writer.write(piece)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = asyncio.current_task()
        assert line is not None
        lines.add(line)
        line.add_done_callback(lines.discard)
        left = [chance.randrange(span)]
        try:
            there, back = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            writer.transport.abort()
            return
        with suppress(ExceptionGroup, OSError):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(carry(reader, back, left))
                tasks.create_task(carry(there, writer, left))
        for end in (writer, back):
            end.transport.abort()

    @asynccontextmanager
    async def running() -> AsyncIterator[asyncio.Server]:
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            yield server
            server.close()
            for line in list(lines):
                line.cancel()
            await asyncio.gather(*lines, return_exceptions=True)

    with _thread(running) as server:
        yield int(server.sockets[0].getsockname()[1]), on, count


@contextmanager
def _thread(make: Callable[[], Any]) -> Iterator[Any]:
    with anyio.from_thread.start_blocking_portal() as portal, portal.wrap_async_context_manager(make()) as made:
        yield made
