"""A way through a SOCKS5 proxy (RFC 1928), such as Tor's, for readers of ours who reach mirrors by ``reach``.

aiohttp knows no SOCKS. So each mirror gets a port of loopback of its own: what connects there is led through the proxy
to that mirror, and nowhere else.

Rule 1: the mirror's name goes to the proxy as it is; nothing here resolves it, nor could.
Rule 2: the port is there for as long as the mirror is read. Others on this machine could use it, as they can use the
proxy itself.
Rule 3: no user and no password: who reads is nobody's business, the proxy's neither.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from heliograph.model.errors import ConfigError
from heliograph.model.onions import is_onion

CONNECT: Final = 10.0  # seconds until the proxy must take a connection
REACH: Final = 90.0  # seconds it may need to reach the mirror; Tor seeks a descriptor and builds two circuits
AGAIN: Final = (0.5, 2.0, 5.0)  # seconds before each further attempt at an onion service
_GREETING, _NO_PROOF = b"\x05\x01\x00", b"\x05\x00"
_ASK: Final = b"\x05\x01\x00"  # CONNECT
_TAIL: Final = {1: 4, 4: 16}  # bytes of an address in an answer, by its kind
_PIECE: Final = 16_384  # bytes

Place = Path | tuple[str, int]  # a unix socket, or host and port


class Socks:
    """The proxy at ``place``."""

    def __init__(self, place: Place) -> None:
        self._place = place

    @asynccontextmanager
    async def way(self, host: str, port: int) -> AsyncIterator[int]:
        """A port of 127.0.0.1 that leads to ``port`` of ``host``.

        Raises:
            ConfigError: there is no SOCKS proxy.
        """
        where = f"--socks {self._place}" if isinstance(self._place, Path) else "--socks {}:{}".format(*self._place)
        remedy = "start it (Debian's tor: systemctl start tor), or name its place; Tor Browser's is 127.0.0.1:9150"
        try:
            _, writer = await self._greeted()
        except (OSError, EOFError, ValueError) as error:
            raise ConfigError("no SOCKS5 proxy answers here", where=where, remedy=remedy) from error
        writer.transport.abort()
        tasks: set[asyncio.Task[None]] = set()

        def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._lead(reader, writer, host, port))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        server = await asyncio.start_server(taken, "127.0.0.1", 0)
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _greeted(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to the proxy that waits for what to do. Raises OSError, EOFError, ValueError."""
        async with asyncio.timeout(CONNECT):
            if isinstance(self._place, Path):
                reader, writer = await asyncio.open_unix_connection(self._place)
            else:
                reader, writer = await asyncio.open_connection(*self._place)
            writer.write(_GREETING)
            try:
                taken = await reader.readexactly(len(_NO_PROOF)) == _NO_PROOF
            except BaseException:
                writer.transport.abort()
                raise
        if not taken:
            writer.transport.abort()
            raise ValueError("no SOCKS5 proxy, or one that wants a password")
        return reader, writer

    async def _lead(self, near: asyncio.StreamReader, back: asyncio.StreamWriter, host: str, port: int) -> None:
        """One connection from its first byte to its last; whatever goes wrong, it ends, and our reader sees that."""
        try:
            async with asyncio.timeout(REACH):
                far, onward = await self._reached(host, port)
            try:
                await _first(_pour(near, onward), _pour(far, back))  # our reader closes only when it wants no more
            finally:
                onward.transport.abort()
        except (OSError, EOFError, ValueError):
            pass
        finally:
            back.close()  # what is written already arrives

    async def _reached(self, host: str, port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection that leads to the mirror. Raises OSError, EOFError, ValueError.

        An onion service that was started anew is not where its last descriptor says. Tor finds out by failing, and
        asks for the new one when it is asked again.
        """
        pauses = list(AGAIN) if is_onion(host) else []
        while True:
            reader, writer = await self._greeted()
            try:
                if await _connect(reader, writer, host, port):
                    return reader, writer
            except BaseException:
                writer.transport.abort()
                raise
            writer.transport.abort()
            if not pauses:
                raise ConnectionRefusedError(f"the proxy cannot reach {host}")
            await asyncio.sleep(pauses.pop(0))


async def _connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> bool:
    """Have the proxy connect; whether it could. Raises OSError, EOFError, ValueError."""
    writer.write(_ASK + _destination(host) + port.to_bytes(2, "big"))
    version, status, _, kind = await reader.readexactly(4)
    if version != 5:
        raise ValueError("no SOCKS5 proxy")
    length = _TAIL[kind] if kind in _TAIL else (await reader.readexactly(1))[0]
    await reader.readexactly(length + 2)
    return status == 0


def _destination(host: str) -> bytes:
    """The host as a request names it. Raises ValueError if it cannot."""
    with suppress(ValueError):
        address = ipaddress.ip_address(host)
        return bytes([1 if address.version == 4 else 4]) + address.packed
    name = host.encode("ascii") if host.isascii() else host.encode("idna")
    return bytes([3, len(name)]) + name


async def _pour(source: asyncio.StreamReader, goal: asyncio.StreamWriter) -> None:
    while data := await source.read(_PIECE):
        goal.write(data)
        await goal.drain()


async def _first(*pours: Coroutine[None, None, None]) -> None:
    """Until one of them ends; the others end with it."""
    tasks = [asyncio.create_task(pour) for pour in pours]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
