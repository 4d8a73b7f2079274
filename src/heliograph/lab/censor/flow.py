"""Connections as a box knows them: who began, what came so far, which rules watch.

Rule 1: a SYN without ACK and with a new initial sequence number starts a new connection; the same SYN again belongs to
the old one and counts as a packet. Rule 2: a connection that began outside is nobody's reader, and no rule watches it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

from heliograph.lab.censor import recognise
from heliograph.lab.censor.packet import ACK, SYN, Direction, Packet, Transport
from heliograph.lab.censor.recognise import MORE, Finding

if TYPE_CHECKING:
    from heliograph.lab.censor.acts.base import Watcher

Key = tuple[str, bytes, int, bytes, int]  # transport, inner address and port, outer address and port
_MOST_WAITING: Final = 64  # segments out of order that are kept


@dataclass(slots=True)
class Record:
    """What the box counted of one connection. Packets are those that went on; times are the box's, in seconds."""

    began: float
    ended: float  # of its last packet
    packets: dict[Direction, int] = field(default_factory=lambda: {"up": 0, "down": 0})
    payload: dict[Direction, int] = field(default_factory=lambda: {"up": 0, "down": 0})
    dropped: dict[Direction, int] = field(default_factory=lambda: {"up": 0, "down": 0})
    last_data_down: int = 0  # the number, both ways counted, of the last packet with payload towards the reader
    fate: str = "passed"
    rule: str = ""  # that decided its fate
    finished: str = ""  # "fin" or "rst", if one passed


@dataclass(slots=True, eq=False)
class Flow:
    """One connection; also a pair of addresses for what has no ports."""

    key: Key
    number: int  # in the order in which connections began, from 0
    transport: Transport
    client: bytes
    client_port: int
    server: bytes
    server_port: int
    from_inside: bool
    first_seq: int
    record: Record
    stream: Stream | None  # None once nothing more can be recognised
    finding: Finding | None = None
    data_packets: int = 0  # with payload from the client
    looks: str = ""  # what the client's packets so far look like by their first bytes
    watchers: list[tuple[str, Watcher]] = field(default_factory=list)  # with the name of the rule


class Seen(NamedTuple):
    """One packet, as it is shown to the watchers."""

    now: float
    way: Direction
    frame: bytes
    packet: Packet
    flow: Flow
    finding: Finding | None  # what this packet made recognisable


class Stream:
    """The beginning of what a client sends, put in order by sequence number."""

    __slots__ = ("_bytes", "_most", "_next", "_waiting")

    def __init__(self, first: int, most: int) -> None:
        self._next, self._most = first & 0xFFFFFFFF, most
        self._bytes, self._waiting = bytearray(), dict[int, bytes]()

    def add(self, seq: int, payload: bytes) -> bytes | None:
        """Everything in order so far, if ``payload`` added to it; None if it did not."""
        behind = (seq - self._next) & 0xFFFFFFFF
        if behind >= 0x80000000:  # begins before what is awaited: repeated, at least in part
            payload = payload[0x100000000 - behind :]
        elif behind:
            if behind < self._most and len(self._waiting) < _MOST_WAITING:
                self._waiting[seq] = payload
            return None
        if not payload:
            return None
        self._take(payload)
        while (held := self._waiting.pop(self._next, None)) is not None:
            self._take(held)
        return bytes(self._bytes)

    def _take(self, payload: bytes) -> None:
        self._bytes += payload[: self._most - len(self._bytes)]
        self._next = (self._next + len(payload)) & 0xFFFFFFFF

    @property
    def is_full(self) -> bool:
        """Whether no more is kept."""
        return len(self._bytes) >= self._most


class Flows:
    """The table of connections. ``begin`` is called with each new one."""

    def __init__(self, *, reassemble: int, udp_idle: float, most: int, begin: Callable[[Flow, float], None]) -> None:
        self._reassemble, self._udp_idle, self._most, self._begin = reassemble, udp_idle, most, begin
        self._live: dict[Key, Flow] = {}  # the longest silent first
        self._count = 0

    def find(self, now: float, way: Direction, packet: Packet) -> tuple[Flow, Flow | None]:
        """The connection of ``packet``, begun if need be, and one that left the table for it, if any."""
        if way == "up":
            key = (packet.transport, packet.source, packet.source_port, packet.target, packet.target_port)
        else:
            key = (packet.transport, packet.target, packet.target_port, packet.source, packet.source_port)
        if packet.transport == "icmp":
            key = ("icmp", key[1], 0, key[3], 0)
        flow = self._live.pop(key, None)
        gone = None
        if flow is not None and self._is_another(flow, now, packet):
            flow, gone = None, flow
        if flow is None:
            flow = self._new(key, now, way, packet)
            if len(self._live) >= self._most:
                gone = gone or self._live.pop(next(iter(self._live)))
        self._live[key] = flow  # at the end: the latest heard of
        return flow, gone

    def live(self) -> list[Flow]:
        """The connections in the table."""
        return list(self._live.values())

    def _is_another(self, flow: Flow, now: float, packet: Packet) -> bool:
        if packet.transport == "udp":
            return now - flow.record.ended > self._udp_idle
        begins = packet.transport == "tcp" and packet.flags & (SYN | ACK) == SYN
        return begins and packet.seq != flow.first_seq

    def _new(self, key: Key, now: float, way: Direction, packet: Packet) -> Flow:
        transport = packet.transport
        answering = transport == "tcp" and packet.flags & (SYN | ACK) == SYN | ACK  # the box was started in the middle
        inside = (way == "up") != answering
        _, inner, inner_port, outer, outer_port = key
        client, server = (
            ((inner, inner_port), (outer, outer_port)) if inside else ((outer, outer_port), (inner, inner_port))
        )
        has_syn = transport == "tcp" and bool(packet.flags & SYN)
        flow = Flow(
            key=key,
            number=self._count,
            transport=transport,
            client=client[0],
            client_port=client[1],
            server=server[0],
            server_port=server[1],
            from_inside=inside,
            first_seq=packet.seq if has_syn else -1,
            record=Record(began=now, ended=now),
            stream=Stream(packet.seq + has_syn, self._reassemble) if transport == "tcp" else None,
        )
        self._count += 1
        if inside:
            self._begin(flow, now)
        return flow


def look(flow: Flow, way: Direction, frame: bytes, packet: Packet) -> Finding | None:
    """What ``packet`` makes recognisable of ``flow``, for the first time for TCP, in each datagram for UDP."""
    if packet.payload <= 0 or (way == "up") != flow.from_inside or flow.transport not in ("tcp", "udp"):
        return None
    flow.data_packets += 1
    data = frame[packet.data_at : packet.end]
    if not flow.looks:
        flow.looks = recognise.looks_like(data, datagrams=flow.transport == "udp")
    if flow.transport == "udp":
        found = recognise.datagram(data, flow.server_port)
        flow.finding = found or flow.finding
        return found
    if flow.stream is None:
        return None
    whole = flow.stream.add(packet.seq + bool(packet.flags & SYN), data)
    sight = MORE if whole is None else recognise.stream(whole)
    if isinstance(sight, Finding):
        flow.finding, flow.stream = sight, None
        return sight
    if sight is not MORE or flow.stream.is_full:
        flow.stream = None
    return None
