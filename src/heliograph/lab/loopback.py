"""Servers of the simulated world on loopback: started, reached at an address, and gone with their block."""

from __future__ import annotations

import asyncio
import queue
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from typing import Any, TypeVar

from aiohttp import web

T = TypeVar("T")
_SHUTDOWN = 0.2  # seconds for answers that are under way
_START = 30.0  # seconds until a server that has not started counts as stuck

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def serving(handler: Handler, port: int = 0, **options: Any) -> AsyncIterator[web.ServerRunner]:  # noqa: ANN401
    """``handler`` behind a port of 127.0.0.1, 0 for a free one; ``options`` are those of ``aiohttp.web.Server``."""
    server = web.Server(handler, handler_cancellation=True, access_log=None, **options)
    runner = web.ServerRunner(server, shutdown_timeout=_SHUTDOWN)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        yield runner
    finally:
        await runner.cleanup()


def base(runner: web.ServerRunner) -> str:
    """The address of a running server, without a final slash; of its last door where it has several."""
    return f"http://127.0.0.1:{runner.addresses[-1][1]}"


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has now, for somebody who will open it."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def in_thread(server: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """``server`` on a loop in a thread of its own, for callers that have none; gives what it gives.

    Raises:
        RuntimeError: it does not start within half a minute.
    """
    given: queue.Queue[T] = queue.Queue()
    over = threading.Event()

    async def serve() -> None:
        async with server as value:
            given.put(value)
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        try:
            value = given.get(timeout=_START)
        except queue.Empty:
            raise RuntimeError("the server does not start") from None
        yield value
    finally:
        over.set()
        thread.join()
