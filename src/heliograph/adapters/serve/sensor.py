"""How connections end, without who: what a mirror can tell of a censor without any reader's help.

A connection is closed as soon as the kernel has the answer (connection.py, rule 2), so whether it arrived is not known
then. For a sample of connections this part keeps a second handle on the socket and asks the kernel (TCP_INFO) once a
second until all is acknowledged, somebody has reset it, or nothing comes back any more.

Rule 1: an address is asked for once, when the answer begins, turned into the number of a network and forgotten in the
same line. What is held for a watched socket is its handle, that number and a time.
Rule 2: what is held is bounded (``WATCHED`` sockets, ``PATIENCE`` seconds); when there is no room a connection is not
watched at all, whatever becomes of it, so that a crowd of frozen ones does not bend the shares.
Rule 3: readers notice nothing: the same bytes in the same packets. A second handle would keep the FIN back, hence the
explicit end of our half; it is sent at the moment at which closing would send it.
Rule 4: without a sensor none of this runs, and a connection is closed as ever.
"""

from __future__ import annotations

import errno
import os
import random
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

from heliograph.adapters.serve.networks import Networks
from heliograph.model.census import ENDS, End, bucket

WATCHED: Final = 512  # sockets at a time, each a file handle
PATIENCE: Final = 90.0  # seconds; who is still taking bytes then is slow, and not counted
STUBBORN: Final = 5  # retransmissions in a row without an answer: some 30 times the round trip, 6 seconds at least
_HEARD: Final = 4_096  # bytes that may wait unread on a watched socket
_INFO_BYTES: Final = 256
_LEAST_INFO: Final = 128  # bytes of TCP_INFO that must be there: bytes_acked is since Linux 4.1
# linux/tcp.h, struct tcp_info: offsets of state, retransmits and probes (u8 each), unacked (u32), bytes_acked (u64)
_STATE, _RETRANSMITS, _PROBES, _UNACKED, _ACKED = 0, 2, 3, 24, 120
_FIN_WAIT_2, _TIME_WAIT, _CLOSED = 5, 6, 7

Count: TypeAlias = Callable[[int, int, int], None]  # number of the network, of the end (in ENDS), KiB


class Handle(Protocol):
    """What a connection's transport shows of its socket."""

    @property
    def family(self) -> int:
        """AF_INET or AF_INET6."""
        ...

    def fileno(self) -> int:
        """The file descriptor."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """What the kernel knows of a connection, as far as it is needed here."""

    state: int
    retransmits: int  # in a row, without an acknowledgement between
    probes: int  # of a closed window, in a row
    unacked: int  # segments
    acked: int  # bytes


@dataclass(slots=True, kw_only=True)
class Sample:
    """A connection that is looked at. No address is in it."""

    network: int  # its number
    twin: socket.socket  # a second handle on the connection's socket
    since: float = 0.0  # when our half was closed
    last: Info | None = None


def info(data: bytes) -> Info:
    """TCP_INFO as the kernel gives it."""
    (unacked,), (acked,) = struct.unpack_from("=I", data, _UNACKED), struct.unpack_from("=Q", data, _ACKED)
    return Info(state=data[_STATE], retransmits=data[_RETRANSMITS], probes=data[_PROBES], unacked=unacked, acked=acked)


def end_of(now: Info, before: Info | None, error: int) -> End | None:
    """How a connection ended on which our half is closed; None while it goes on.

    ``before`` is the last look, ``error`` the socket's error (errno), 0 if there is none.
    """
    if now.state in (_FIN_WAIT_2, _TIME_WAIT):
        return "whole"
    if now.state == _CLOSED:
        if not error:
            return "whole"  # both halves were closed and acknowledged
        if error != errno.ETIMEDOUT:
            return "reset"
        last = now if now.probes or now.retransmits else before or now
        return "unread" if last.probes and not last.retransmits else "frozen"
    if now.retransmits >= STUBBORN and now.unacked:
        return "frozen"
    return None


@dataclass(slots=True, kw_only=True)
class Sensor:
    """Watches a sample of one process's connections: ``share`` of them, 0 to 1. ``count`` is told how they ended."""

    networks: Networks
    share: float
    count: Count
    then: Callable[[float], None] | None = None  # called after each look, with its time
    most: int = WATCHED
    chance: Callable[[], float] = field(default_factory=lambda: random.SystemRandom().random)
    watched: list[Sample] = field(default_factory=list)
    _begun: int = 0  # samples whose answer is under way

    def begins(self, sock: Handle) -> Sample | None:
        """An answer begins on ``sock``: a sample of it, if it is one. Rule 1 is here."""
        if len(self.watched) + self._begun >= self.most or self.chance() >= self.share:
            return None
        try:
            # family and kind are given, since asking the kernel for them would cost three calls
            twin = socket.socket(sock.family, socket.SOCK_STREAM, socket.IPPROTO_TCP, os.dup(sock.fileno()))
        except OSError:  # no file handle left
            return None
        try:
            sample = Sample(network=self.networks.number(twin.getpeername()[0]), twin=twin)
        except OSError:  # gone already
            twin.close()
            return None
        self._begun += 1
        return sample

    def ends(self, sample: Sample, error: Exception | None, now: float) -> None:
        """The connection of ``sample`` is about to be closed, with ``error`` if it was lost."""
        self._begun -= 1
        sample.since = now
        if error is not None:
            if isinstance(error, OSError):
                self._settle(sample, now, error.errno or 0)
            sample.twin.close()
            return
        try:
            sample.twin.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _HEARD)
            sample.twin.shutdown(socket.SHUT_WR)  # rule 3
        except OSError:  # it was reset while it was closed
            sample.twin.close()
            return
        self.watched.append(sample)

    def look(self, now: float) -> None:
        """Ask the kernel about every watched socket, and let those go that have ended or take too long."""
        kept = []
        for sample in self.watched:
            if self._settle(sample, now, None):
                _let_go(sample.twin)
            else:
                kept.append(sample)
        self.watched = kept
        if self.then is not None:
            self.then(now)

    def close(self) -> None:
        """Let all go, uncounted."""
        for sample in self.watched:
            _let_go(sample.twin)
        self.watched = []

    def _settle(self, sample: Sample, now: float, error: int | None) -> bool:
        """Count ``sample`` if it has ended; whether there is nothing more to see."""
        try:
            data = sample.twin.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)
            if len(data) < _LEAST_INFO:
                return True
            seen = info(data)
            if error is None:
                # asking clears it, so it is asked for only when it says how a closed connection was closed
                error = sample.twin.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) if seen.state == _CLOSED else 0
        except OSError:
            return True
        end = end_of(seen, sample.last, error)
        sample.last = seen
        if end is None:
            return now - sample.since > PATIENCE
        self.count(sample.network, ENDS.index(end), bucket(seen.acked))
        return True


def _let_go(twin: socket.socket) -> None:
    """Close it. What the reader still sent is read first: unread bytes would turn the end into a reset."""
    with suppress(OSError):
        for _ in range(4):
            if not twin.recv(65_536, socket.MSG_DONTWAIT):
                break
    twin.close()


def supported() -> bool:
    """Whether this system tells how connections end."""
    return hasattr(socket, "TCP_INFO") and os.name == "posix"
