"""Where readers' mail is handed in: LMTP (RFC 2033) from the newsroom's own mail server, or SMTP.

Rule 1: nothing is kept: a mail is dealt with before it is acknowledged, and what cannot be dealt with now is refused
for now, so that the server that brings it keeps it. Rule 2: one recipient at a time, so that one answer suits LMTP and
SMTP alike. Rule 3: the null sender is "" from here on. Rule 4: nothing is logged: the library under this would note
addresses of readers.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

from aiosmtpd.smtp import SMTP, Envelope, Session, syntax

from heliograph.model.letter import Envelope as Letterhead
from heliograph.model.letter import plain_address

MOST: Final = 200_000  # bytes of a mail
_PATIENCE: Final = 60.0  # seconds that the other side may be silent
_AT_ONCE: Final = 20  # connections
_LOGGERS: Final = ("mail.log", "mail.debug")

Take = Callable[[Letterhead], Awaitable[bool]]


class Door:
    """See ``ports.Letterbox``."""

    def __init__(self, host: str, port: int, own: str) -> None:
        """``own`` is the one address for which mail is taken, in any capitals; port 0 is a free one."""
        self._host, self._port, self._own = host, port, own.lower()

    @asynccontextmanager
    async def open(self, take: Take) -> AsyncIterator[tuple[str, int]]:
        """Take mail in while the block lasts; gives the address and port.

        Raises:
            OSError: the port cannot be had.
        """
        loop = asyncio.get_running_loop()
        talks: set[_Talk] = set()
        server = await loop.create_server(lambda: _Talk(self._own, take, talks, loop), self._host, self._port)
        quiet = [(logger, logger.disabled) for logger in map(logging.getLogger, _LOGGERS)]
        for logger, _ in quiet:
            logger.disabled = True
        try:
            host, port = server.sockets[0].getsockname()[:2]
            yield host, port
        finally:
            server.close()
            for talk in tuple(talks):
                talk.cut()
            await server.wait_closed()
            for logger, before in quiet:
                logger.disabled = before


class _Talk(SMTP):
    """One connection, which speaks LMTP after LHLO."""

    def __init__(self, own: str, take: Take, talks: set[_Talk], loop: asyncio.AbstractEventLoop) -> None:
        self._talks = talks
        super().__init__(
            _Handler(own, take),
            data_size_limit=MOST,
            enable_SMTPUTF8=True,
            hostname="localhost",
            ident="ready",
            timeout=_PATIENCE,
            command_call_limit={"DATA": 200, "*": 20_000},
            loop=loop,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if len(self._talks) >= _AT_ONCE and isinstance(transport, asyncio.Transport):
            transport.write(b"421 too many connections\r\n")
            transport.close()
            return
        self._talks.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self in self._talks:
            self._talks.discard(self)
            super().connection_lost(error)

    def cut(self) -> None:
        """End it now."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    @syntax("LHLO hostname")
    async def smtp_LHLO(self, arg: str) -> None:  # noqa: N802 - the library's naming
        await self.smtp_EHLO(arg)


class _Handler:
    """What is said to each step; the names are those that the library calls."""

    def __init__(self, own: str, take: Take) -> None:
        self._own, self._take = own, take

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        if plain_address(address).lower() != self._own:
            return "550 5.1.1 nobody of this name"
        if envelope.rcpt_tos:
            return "452 4.5.3 one recipient at a time"
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 good"

    async def handle_DATA(self, _: SMTP, __: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content
        data = content if isinstance(content, bytes) else str(content).encode("utf-8", "surrogateescape")
        letter = Letterhead(sender=plain_address(envelope.mail_from or ""), to=self._own, data=data)
        try:
            done = await self._take(letter)
        except Exception:  # noqa: BLE001 - whatever a mail breaks, the server that brought it must hear an answer
            done = False
        return "250 2.0.0 taken" if done else "451 4.3.0 not now"

    async def handle_exception(self, error: Exception) -> str:
        """Nothing of it is logged or told: it may quote a reader's mail."""
        del error
        return "421 4.3.0 not now"


def loggers() -> tuple[Any, ...]:
    """The loggers of the library, for tests that look on."""
    return tuple(map(logging.getLogger, _LOGGERS))
