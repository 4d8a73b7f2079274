"""The mirror server: one folder on one port in one process. ``workers`` makes several processes of it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Final

from heliograph.adapters.serve.connection import Connection, Host, Secure
from heliograph.adapters.serve.endpoint import BACKLOG, listening
from heliograph.adapters.serve.sensor import Sensor
from heliograph.adapters.serve.shelf import Shelf
from heliograph.ports import Drop

MEMORY: Final = 64 << 20  # bytes for files that are asked for often
CONNECTIONS: Final = 2_000  # at a time
PATIENCE: Final = 10.0  # seconds from the first packet to a whole request
GRACE: Final = 5.0  # seconds that answers under way get when the server stops
_SWEEP = 1.0  # seconds between two looks for connections past their deadline


class MirrorServer:
    """Serves ``folder`` so that an edition survives the curtain; it trusts the folder and nobody who asks."""

    def __init__(
        self,
        folder: Path,
        *,
        memory: int = MEMORY,
        connections: int = CONNECTIONS,
        patience: float = PATIENCE,
        drop: Drop | None = None,
        sensor: Sensor | None = None,
        onion: str = "",
        retired: str = "",
    ) -> None:
        self._host = Host(
            shelf=Shelf(folder, memory=memory, onion=onion, retired=retired),
            clock=monotonic,
            later=_later,
            patience=patience,
            most=connections,
            drop=drop,
            sensor=sensor,
        )
        self._server: asyncio.Server | None = None
        self._sweeper: asyncio.TimerHandle | None = None
        self.port = 0

    async def start(self, host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None) -> None:
        """Listen; in TLS with a context from ``secure_context``. Port 0 takes a free one, then told by ``self.port``.

        Raises ConfigError if the address cannot be had.
        """
        await self.start_on(listening(host, port), tls=tls)

    async def start_on(self, sock: socket.socket, *, tls: ssl.SSLContext | None = None) -> None:
        """Listen on a socket from ``listening``."""
        if tls is None and hasattr(socket, "TCP_CORK"):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)  # inherited; connection.py, rule 1
        self._host.context = tls
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(partial(_connection, self._host), sock=sock, backlog=BACKLOG)
        self.port = sock.getsockname()[1]
        self._sweep_on()

    def renew(self, tls: ssl.SSLContext) -> None:
        """Use another certificate from the next connection on. Sessions under the old one are not resumed."""
        self._host.context = tls

    async def stop(self, grace: float = GRACE) -> None:
        """Take no more connections, let answers under way finish for ``grace`` seconds, end the rest."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in list(self._host.crowd):
            if connection.idle:
                connection.expire(monotonic())
        await self._emptied(grace)
        self.sweep(float("inf"))
        await self._emptied(grace)
        if self._host.sensor is not None:
            self._host.sensor.close()

    async def _emptied(self, seconds: float) -> None:
        if self._host.crowd:
            done = asyncio.Event()
            self._host.emptied = done.set
            with suppress(TimeoutError):
                await asyncio.wait_for(done.wait(), seconds)

    def sweep(self, now: float) -> None:
        """End the connections whose deadline is before ``now`` (monotonic seconds)."""
        for connection in list(self._host.crowd):
            if connection.deadline < now:
                connection.expire(now)

    def _sweep_on(self) -> None:
        self._sweeper = asyncio.get_running_loop().call_later(_SWEEP, self._sweep_on)
        self.sweep(monotonic())
        if self._host.sensor is not None:
            self._host.sensor.look(monotonic())

    def status(self) -> dict[str, int]:
        """Open connections, bytes of kept files, answers by class since the start; nothing about any reader."""
        classes = {f"{number}xx": count for number, count in enumerate(self._host.tally.classes) if number >= 2}
        return {
            "open": len(self._host.crowd),
            "kept": self._host.shelf.used,
            "failed": self._host.tally.failed,
            **classes,
        }


def _later(seconds: float, call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_later(seconds, call)


def _connection(host: Host) -> Connection:
    return Connection(host) if host.context is None else Secure(host, host.context)
