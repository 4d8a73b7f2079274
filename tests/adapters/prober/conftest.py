"""Servers of every temper on loopback, and a prober with little patience."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from benchmarks.tls import Authority
from heliograph.adapters.prober import Patience, Prober
from heliograph.model.sighting import Check, Outcome, Round, Steps

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HURRY = Patience(connect=0.5, silence=0.5, whole=2.0, name=0.7, second=0.1)


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"), dt.datetime.now(dt.UTC))  # noqa: TID251 - real handshakes


@pytest.fixture
def at_once() -> Callable[[float], Awaitable[None]]:
    async def no_pause(_: float) -> None:
        await asyncio.sleep(0)

    return no_pause


def steps(*checks: Check) -> Steps:
    """One round after the other of one check each."""
    for check in checks:
        yield Round(checks=(check,), wait=0.0)


def context(pem: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(pem)
    return made


@pytest.fixture
def ask(authority: Authority, at_once: Callable[[float], Awaitable[None]]) -> Callable[..., Outcome]:
    """Make one check against a server that lives as long as the check; PORT in it is the server's."""

    def one(make: Callable[[int], Check], answer: Answer | None = None, tls: ssl.SSLContext | None = None) -> Outcome:
        async def go() -> Outcome:
            prober = Prober(patience=HURRY, authorities=authority.file, pause=at_once)
            if answer is None:
                return (await prober.look(steps(make(9))))[0].outcome

            async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                try:
                    await answer(reader, writer)
                except (OSError, asyncio.IncompleteReadError):
                    pass  # the prober left
                finally:
                    writer.close()

            server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
            async with server:
                port = server.sockets[0].getsockname()[1]
                results = await prober.look(steps(make(port)))
            return results[0].outcome

        return asyncio.run(go())

    return one
