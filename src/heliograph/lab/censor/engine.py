"""Puts a box between two network interfaces: raw sockets, a queue for what is delayed, and a line of control.

Linux only. The interfaces have no addresses; whatever comes in at one is shown to the box and leaves at the other. A
third interface, where there is one, leads to the proxy that intercepts TLS. Decisions are the box's; here is only
input and output, and the clock, which ``advance`` sets forward so that nobody has to wait for a punishment to end.
"""

from __future__ import annotations

import heapq
import json
import select
import socket
import time
from collections.abc import Mapping
from dataclasses import asdict
from itertools import count
from typing import Any, Final

from heliograph.lab.censor.box import Box, Event, Sent
from heliograph.lab.censor.library import Profile, from_plain
from heliograph.lab.censor.line import Line, Traffic
from heliograph.lab.censor.packet import Direction, is_link
from heliograph.model.errors import ConfigError

_EVERYTHING: Final = 0x0003  # ETH_P_ALL
_OUTGOING: Final = 4  # PACKET_OUTGOING: our own frame, seen on its way out
_BUFFER: Final = 16 << 20  # bytes the kernel may hold for us, where it lets us ask for so much
_FORCE: Final = 33  # SO_RCVBUFFORCE
_LARGEST: Final = 65_536  # bytes of a frame
_AT_ONCE: Final = 64  # frames from one interface before the other has its turn
_EVENTS: Final = 10_000  # kept for whoever asks


def interface(name: str) -> socket.socket:
    """A raw socket on an interface. Raises OSError."""
    raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)  # protocol 0: nothing arrives before it is bound
    try:
        raw.setsockopt(socket.SOL_SOCKET, _FORCE, _BUFFER)
    except PermissionError:  # root of its own namespace only
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
    raw.bind((name, _EVERYTHING))
    raw.setblocking(False)
    return raw


class Engine:
    """One box at work. ``inner`` leads to the readers, ``outer`` to the world, ``control`` to whoever runs the lab."""

    def __init__(
        self,
        profile: Profile,
        line: Line,
        *,
        inner: socket.socket,
        outer: socket.socket,
        control: socket.socket,
        seed: int = 0,
    ) -> None:
        self._box, self._seed = Box(profile, seed=seed), seed
        self._traffic = Traffic(line, seed)
        self._inner, self._outer, self._control = inner, outer, control
        self._gate: socket.socket | None = None
        self._gate_address = b""
        self._zero, self._skew = time.monotonic(), 0.0  # when box time began, and how far it was set forward
        self._queue: list[tuple[float, int, socket.socket, bytes]] = []
        self._order = count()
        self._asked = b""
        self._events: list[Event] = []
        self._lost = 0

    def open_gate(self, name: str, address: bytes) -> None:
        """Divert what shall be intercepted to the interface ``name``, whose other end has the MAC ``address``."""
        self._gate, self._gate_address = interface(name), address

    def run(self) -> None:
        """Work until the line of control ends."""
        while True:
            wait = self._send_due()
            watched = [self._inner, self._outer, self._control, *([self._gate] if self._gate else [])]
            ready = select.select(watched, [], [], wait)[0]
            if self._control in ready and not self._listen():
                return
            for port in ready:
                if port is not self._control:
                    self._drain(port, "up" if port is self._inner else "down")

    def _drain(self, port: socket.socket, way: Direction) -> None:
        box, traffic = self._box, self._traffic
        for _ in range(_AT_ONCE):
            try:
                frame, (_, _, kind, _, _) = port.recvfrom(_LARGEST)
            except OSError:  # nothing more, or the interface is gone
                return
            if kind == _OUTGOING:
                continue
            if is_link(frame):
                _put(self._outer if way == "up" else self._inner, frame)
                continue
            if way == "up" and self._is_lost():
                continue
            skew = self._skew - self._zero
            result = box.handle(time.monotonic() + skew, way, frame)
            if result.events:
                self._events += result.events[: _EVENTS - len(self._events)]
            for sent in result.sent:
                if sent.way == "up" or not self._is_lost():
                    self._send(traffic.arrival(sent.when - skew, sent.way), sent)

    def _is_lost(self) -> bool:
        lost = self._traffic.loses()
        self._lost += lost
        return lost

    def _send(self, when: float, sent: Sent) -> None:
        frame, port = sent.frame, self._inner if sent.way == "down" else self._outer
        if sent.divert and self._gate is not None:
            port, frame = self._gate, self._gate_address + frame[6:]
        if when <= time.monotonic() and not self._queue:
            _put(port, frame)
        else:
            heapq.heappush(self._queue, (when, next(self._order), port, frame))

    def _send_due(self) -> float | None:
        """Send what is due; the seconds until something more is."""
        queue = self._queue
        while queue:
            wait = queue[0][0] - time.monotonic()
            if wait > 0:
                return wait
            _, _, port, frame = heapq.heappop(queue)
            _put(port, frame)
        return None

    # --- control: a line of JSON each way

    def _listen(self) -> bool:
        data = self._control.recv(_LARGEST)
        self._asked += data
        *lines, self._asked = self._asked.split(b"\n")
        for line in lines:
            try:
                told = self._do(json.loads(line))
            except (ConfigError, ValueError, KeyError, TypeError, OSError) as error:
                told = {"error": str(error)}
            self._control.sendall(json.dumps(told).encode() + b"\n")
        return bool(data)

    def _do(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        what = asked["do"]
        if what == "switch":
            self._box.switch(from_plain(asked["profile"]))
        elif what == "advance":
            self._skew += max(0.0, float(asked["seconds"]))
        elif what == "line":
            self._traffic = Traffic(Line(**asked["line"]), self._seed)
        elif what == "gate":
            self.open_gate(asked["name"], bytes.fromhex(asked["address"]))
        elif what != "report":
            raise ValueError(f"cannot {what!r}")
        if what == "report":
            return self._report()
        return {"clock": time.monotonic() - self._zero + self._skew}

    def _report(self) -> dict[str, Any]:
        clock = time.monotonic() - self._zero + self._skew
        events = [event._asdict() for event in self._events]
        line = {**asdict(self._traffic.line), "lost": self._lost}
        cpu = time.process_time()
        return {"clock": clock, "cpu": cpu, "line": line, **self._box.report(), "events": events}


def _put(port: socket.socket, frame: bytes) -> None:
    try:
        port.send(frame)
    except OSError:  # a full queue or a vanished interface: on a wire it would be lost as well
        return
