"""Servers of the simulated world on loopback: started, reached at an address, and gone with their block."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

_SHUTDOWN = 0.2  # seconds for answers that are under way

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
