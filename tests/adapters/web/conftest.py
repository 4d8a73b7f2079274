"""A server that says exactly what a test tells it to, and a client whose pauses cost no time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import pytest

from heliograph.adapters.web import Patience, WebSources

Raw = Callable[[bytes | list[bytes]], AbstractAsyncContextManager[tuple[str, list[str]]]]
Client = Callable[..., tuple[WebSources, list[float]]]


@asynccontextmanager
async def _raw(replies: bytes | list[bytes]) -> AsyncIterator[tuple[str, list[str]]]:
    """Answers each connection with the next of ``replies`` (the last one again and again), then closes it.

    Yields the base URL and the heads of the requests it got.
    """
    queue = replies if isinstance(replies, list) else [replies]
    heads: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            heads.append(head.decode("latin-1"))
            writer.write(queue[min(len(heads), len(queue)) - 1])
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", heads
    finally:
        server.close()
        await server.wait_closed()


def _client(base: str, **options: Any) -> tuple[WebSources, list[float]]:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    defaults: dict[str, Any] = {
        "agent": "heliograph-test",
        "own": [base],
        "pause": pause,
        "rng": random.Random(1),
        "patience": Patience(silence=5, connect=5),
    }
    return WebSources(**{**defaults, **options}), pauses


@pytest.fixture(scope="session")
def raw() -> Raw:
    return _raw


@pytest.fixture(scope="session")
def client() -> Client:
    """``client(base, **options)``: a client for that origin, and the list of its pauses."""
    return _client
