"""One reader's connection: one request, one answer, closed.

Rule 1: head and body leave in one write, with them the TLS close alert, and the FIN on their last packet, because the
curtain counts packets. For the same reason a TLS 1.3 session ticket waits ``HOLD`` for the answer to travel with.
Rule 2: when the kernel has taken the answer the connection is closed and forgotten. What a frozen reader never fetches
lies in the kernel, and dies there after TCP_USER_TIMEOUT.
Rule 3: a TLS record holds at most ``RECORD`` bytes, so that a reader frozen half way has the text that came before.
Rule 4: nothing about a reader is kept or written: no address is asked for, no request remembered, no error logged.
``Tally`` counts answers by class, and that is all; a ``Sensor``, where the operator wants one, counts how connections
ended, by network (sensor.py).
Rule 5: who posts to the drop gets one short answer, whatever was posted and whatever became of it (docs/drop.md).
"""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, cast

from heliograph.adapters.serve import wire
from heliograph.adapters.serve.sensor import Sample, Sensor
from heliograph.adapters.serve.shelf import SLICE, Reply, Rest, Shelf
from heliograph.model.errors import StoreError
from heliograph.ports import Drop

RECORD: Final = 4_096  # bytes of plain text in one TLS record
LINGER = 2.0  # seconds to listen on after answering a request that was not read to its end
HOLD = (
    0.005  # seconds; a reader's last handshake message and its request come in one flight, or the reader waits for us
)
DRAIN = 30.0  # seconds an answer may wait for the kernel to take it
SLOWEST = 1_000  # bytes per second; who takes a long file more slowly than this is let go
MOST_HEARD = 1 << 20  # bytes one connection may send, all in all
_MOST_PLAIN = wire.MAX_HEAD + wire.MESSAGE  # bytes of a request


@dataclass(slots=True, kw_only=True)
class Tally:
    """Answers by class of status since the start, and connections lost to a fault of ours."""

    classes: list[int] = field(default_factory=lambda: [0] * 6)
    failed: int = 0


@dataclass(slots=True, kw_only=True)
class Host:
    """What the connections of one server share."""

    shelf: Shelf
    clock: Callable[[], float]
    later: Callable[[float, Callable[[], None]], object]  # as asyncio's call_later
    patience: float  # seconds until a request must be there, TLS handshake included
    most: int  # connections at a time
    context: ssl.SSLContext | None = None
    drop: Drop | None = None
    tally: Tally = field(default_factory=Tally)
    crowd: dict[Connection, None] = field(default_factory=dict)  # open ones, the oldest first
    emptied: Callable[[], None] | None = None
    sensor: Sensor | None = None


class Connection(asyncio.Protocol):
    """Plain HTTP; ``Secure`` puts TLS between it and the wire."""

    __slots__ = ("_answered", "_heard", "_host", "_paused", "_received", "_rest", "_sample", "_transport", "deadline")
    _transport: asyncio.Transport

    def __init__(self, host: Host) -> None:
        self._host = host
        self._received = b""
        self._answered = False
        self._heard = 0
        self._paused = False
        self._rest: Rest | None = None
        self._sample: Sample | None = None
        self.deadline = host.clock() + host.patience

    # what the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Join the crowd; the oldest makes room, for it is the one most likely to be frozen or idle."""
        self._transport = cast("asyncio.Transport", transport)
        crowd = self._host.crowd
        crowd[self] = None
        if len(crowd) > self._host.most:
            oldest = next(iter(crowd))
            del crowd[oldest]
            oldest._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Bytes from the reader."""
        self._heard += len(data)
        if self._heard > MOST_HEARD:
            self._transport.abort()
        elif not self._answered:
            try:
                self._take(data)
            except Exception:  # noqa: BLE001 - the loop would log it, and with it the request
                self._host.tally.failed += 1
                self._transport.abort()

    def eof_received(self) -> bool:
        """The reader says no more: what is under way is finished, else the connection ends."""
        return self._rest is not None

    def pause_writing(self) -> None:
        """The kernel has enough for now."""
        self._paused = True

    def resume_writing(self) -> None:
        """The kernel takes more."""
        self._paused = False
        if self._rest is not None:
            self._send_slice()

    def connection_lost(self, exc: Exception | None) -> None:
        """Whoever ended it."""
        host = self._host
        host.crowd.pop(self, None)
        self._forget_rest()
        if self._sample is not None and host.sensor is not None:
            host.sensor.ends(self._sample, exc, host.clock())
            self._sample = None
        if host.emptied is not None and not host.crowd:
            host.emptied()

    # what the server calls

    @property
    def idle(self) -> bool:
        """Whether the reader has not said anything yet."""
        return not self._heard

    def expire(self, now: float) -> None:
        """The deadline has passed: first a polite end, and if the reader does not take it, a hard one."""
        if self._answered:
            self._transport.abort()
        else:
            self._answered = True
            self.deadline = now + LINGER
            self._transport.close()

    # the one request and its answer

    def _take(self, data: bytes) -> None:
        received = (self._received + data if self._received else data).lstrip(b"\r\n")
        end = wire.head_end(received)
        if end and self._host.drop is not None and wire.is_posted(received[:end]):
            self._receive(self._host.drop, received, end)
        elif end:
            self._answer(received[:end], more=len(received) > end)
        elif refusal := wire.hopeless(received):
            self._finish(Reply(refusal, int(refusal[9:12])), more=True)
        else:
            self._received = received

    def _receive(self, drop: Drop, received: bytes, end: int) -> None:
        """Take a message once it is whole. It has as long as a request has, from the end of its head."""
        is_message, body = wire.is_message(received[:end]), received[end:]
        if is_message and len(body) < wire.MESSAGE:
            if not wire.head_end(self._received):
                self.deadline = self._host.clock() + self._host.patience
            self._received = received
            return
        if is_message:
            try:
                drop.take(body[: wire.MESSAGE])
            except StoreError:
                self._host.tally.failed += 1
        self._finish(Reply(wire.TAKEN, 202), more=not is_message or len(body) > wire.MESSAGE)

    def _answer(self, head: bytes, *, more: bool) -> None:
        asked = wire.request(head)
        if isinstance(asked, bytes):
            self._finish(Reply(asked, int(asked[9:12])), more=True)
            return
        try:
            reply = self._listed(asked) or self._host.shelf.reply(asked)
        except OSError:  # the folder's disk, or no file handle left
            reply = Reply(wire.bare(500), 500)
        self._finish(reply, more=more)

    def _listed(self, asked: wire.Request) -> Reply | None:
        """The work list that is asked for, if it is one and there is a drop."""
        data = self._host.drop.sheet(asked.path) if self._host.drop is not None else b""
        head = wire.sheet_head(len(data))
        return Reply(head if asked.head_only else head + data, 200) if data else None

    def _finish(self, reply: Reply, *, more: bool) -> None:
        """Send ``reply`` and close. ``more`` tells that the reader may still be sending."""
        self._answered = True
        self._received = b""
        self._host.tally.classes[reply.status // 100] += 1
        self._rest = reply.rest
        self.deadline = self._host.clock() + DRAIN
        if self._host.sensor is not None:
            self._sample = self._host.sensor.begins(self._transport.get_extra_info("socket"))
        if reply.rest is None:
            self._send(reply.data, last=True)
            self._close(more=more)
        else:
            self.deadline += (reply.rest.stop - reply.rest.start) / SLOWEST
            self._transport.set_write_buffer_limits(0)
            self._send(reply.data, last=False)
            self._send_slice()

    def _close(self, *, more: bool) -> None:
        if more:  # closing with unread bytes would reset the connection and could take the answer with it
            self.deadline = self._host.clock() + LINGER
            self._transport.write_eof()
        else:
            self._transport.close()

    def _send_slice(self) -> None:
        """One slice of a long file for each turn of the loop, none while the kernel is full."""
        if self._rest is None or self._paused or self._transport.is_closing():
            return
        file, start, stop = self._rest
        try:
            piece = os.pread(file, min(SLICE, stop - start), start)
        except OSError:
            piece = b""
        if not piece:  # the disk failed, or the file was cut under our hands: the reader must see that it is not whole
            self._host.tally.failed += 1
            self._transport.abort()
            return
        start += len(piece)
        self._send(piece, last=start == stop)
        if start == stop:
            self._forget_rest()
            self._close(more=False)
        else:
            self._rest = Rest(file, start, stop)
            self._host.later(0, self._send_slice)

    def _forget_rest(self) -> None:
        if self._rest is not None:
            os.close(self._rest.file)
            self._rest = None

    def _send(self, data: bytes, *, last: bool) -> None:
        self._transport.write(data)  # the listening socket is corked, so the FIN joins the last packet


class Secure(Connection):
    """HTTP in TLS, driven by hand: asyncio's own layer gives no say in records, flights and the close alert."""

    __slots__ = ("_incoming", "_outgoing", "_shaken", "_tls")

    def __init__(self, host: Host, context: ssl.SSLContext) -> None:
        super().__init__(host)
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._shaken = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Acknowledge the reader's messages with our answers to them, not by packets of their own."""
        super().connection_made(transport)
        self._option("TCP_QUICKACK", 0)

    def _option(self, name: str, value: int) -> None:
        if (option := getattr(socket, name, None)) is not None:  # Linux has them
            with suppress(OSError):  # the reader is gone already
                self._transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, option, value)

    def _take(self, data: bytes) -> None:
        self._incoming.write(data)
        plain, ended = b"", False
        try:
            if not self._shaken:
                self._shake()
            while not ended and len(plain) <= _MOST_PLAIN:  # each read gives one record at most
                piece = self._tls.read(_MOST_PLAIN + 1)
                plain += piece
                ended = not piece  # the reader's close alert
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:  # no TLS, no common version, a forged record
            ended = True
        if plain:
            super()._take(plain)
        if ended and not self._answered:
            self._end_in_alert()

    def _shake(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._transport.write(self._outgoing.read())
            raise
        self._shaken = True
        if self._tls.version() == "TLSv1.3":  # the reader needs nothing more from us, except perhaps to hear of us
            self._host.later(HOLD, self._release_ticket)
        else:
            self._transport.write(self._outgoing.read())

    def _release_ticket(self) -> None:
        """The request did not come with the handshake: a reader under Nagle's rule keeps it until we acknowledge."""
        if not self._answered and not self._transport.is_closing():
            self._transport.write(self._outgoing.read())
            self._option("TCP_QUICKACK", 1)

    def _end_in_alert(self) -> None:
        self._answered = True
        self.deadline = self._host.clock() + LINGER
        self._transport.write(self._outgoing.read())
        self._transport.close()

    def _send(self, data: bytes, *, last: bool) -> None:
        whole = memoryview(data)
        for start in range(0, len(whole), RECORD):
            self._tls.write(whole[start : start + RECORD])
        if last:
            with suppress(ssl.SSLError):  # "want read": our alert is written, the reader's is not waited for
                self._tls.unwrap()
            self._option("TCP_CORK", 1)
        self._transport.write(self._outgoing.read())
