"""Frames as two hosts would send them, built here so that nothing of the code under test is needed for it."""

from __future__ import annotations

import ssl
from ipaddress import ip_address
from struct import pack, unpack

from heliograph.lab.censor import Box, Event, Profile, Sent, profile
from heliograph.lab.censor.packet import ACK, FIN, PSH, SYN, Direction

READER, SERVER, OTHER_NET = "100.64.0.1", "203.0.113.10", "198.51.100.10"
INSIDE_MAC, OUTSIDE_MAC = b"\x02\0\0\0\0\x01", b"\x02\0\0\0\0\x02"


def total(data: bytes) -> int:
    """The ones' complement sum of a packet with its checksum in it: 0 if that is right."""
    data += b"\0" * (len(data) % 2)
    amount = sum(unpack(f"!{len(data) // 2}H", data))
    while amount >> 16:
        amount = (amount & 0xFFFF) + (amount >> 16)
    return amount ^ 0xFFFF


def ip_frame(source: str, target: str, number: int, body: bytes, way: Direction) -> bytes:
    one, two = ip_address(source), ip_address(target)
    macs = OUTSIDE_MAC + INSIDE_MAC if way == "up" else INSIDE_MAC + OUTSIDE_MAC
    if one.version == 6:
        return macs + b"\x86\xdd" + pack("!IHBB", 6 << 28, len(body), number, 64) + one.packed + two.packed + body
    header = pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 7, 0x4000, 64, number, 0) + one.packed + two.packed
    return macs + b"\x08\0" + header + body


def udp(source: str, target: str, ports: tuple[int, int], payload: bytes, way: Direction = "up") -> bytes:
    return ip_frame(source, target, 17, pack("!HHHH", *ports, 8 + len(payload), 0) + payload, way)


class Link:
    """One TCP connection, packet by packet, shown to a box."""

    def __init__(
        self,
        box: Box,
        *,
        server: str = SERVER,
        port: int = 443,
        source: int = 40_000,
        reader: str = READER,
        now: float = 0.0,
        isn: int = 1_000,
    ) -> None:
        self.box, self.reader, self.server, self.ports, self.now = box, reader, server, (source, port), now
        self.seq = {"up": isn, "down": 900_000}
        self.events: list[Event] = []

    def send(self, way: Direction, payload: bytes = b"", flags: int = ACK, seq: int | None = None) -> list[Sent]:
        """One segment; what the box sends for it."""
        back: Direction = "down" if way == "up" else "up"
        at = self.seq[way] if seq is None else seq
        ports = self.ports if way == "up" else self.ports[::-1]
        head = pack("!HHIIBBHHH", *ports, at & 0xFFFFFFFF, self.seq[back] & 0xFFFFFFFF, 0x50, flags, 64_240, 0, 0)
        ends = (self.reader, self.server) if way == "up" else (self.server, self.reader)
        frame = ip_frame(*ends, 6, head + payload, way)
        if seq is None:
            self.seq[way] += len(payload) + bool(flags & SYN) + bool(flags & FIN)
        result = self.box.handle(self.now, way, frame)
        self.events += result.events
        return list(result.sent)

    def passes(self, way: Direction, payload: bytes = b"", flags: int = ACK) -> bool:
        """Whether a segment arrives."""
        return any(sent.way == way and sent.frame.endswith(payload) for sent in self.send(way, payload, flags))

    def opened(self) -> Link:
        """After the three packets of a TCP handshake."""
        self.send("up", flags=SYN)
        self.send("down", flags=SYN | ACK)
        self.send("up")
        return self

    def says(self, payload: bytes) -> list[Sent]:
        """Data from the reader."""
        return self.send("up", payload, PSH | ACK)

    def answers(self, size: int) -> int:
        """Send ``size`` bytes in full segments, one ACK for every two; how many of them arrive."""
        arrived, since = 0, 0
        while size > 0:
            piece = b"x" * min(size, 1_448)
            size -= len(piece)
            if self.passes("down", piece):
                arrived += len(piece)
                since += 1
            if since == 2:
                since = 0
                self.send("up")
        return arrived


def a_box(text: str, *sets: str, seed: int = 0) -> Box:
    return Box(profile(text, sets), seed=seed)


def hello(name: str, *extensions: tuple[int, bytes], pad: int = 0, piece: int = 1 << 14) -> bytes:
    """A ClientHello, in records of at most ``piece`` bytes."""
    listed = list(extensions)
    if name:
        host = name.encode()
        listed.append((0, pack("!HBH", len(host) + 3, 0, len(host)) + host))
    if pad:
        listed.append((21, bytes(pad)))
    packed = b"".join(pack("!HH", kind, len(value)) + value for kind, value in listed)
    body = b"\x03\x03" + bytes(32) + b"\0" + b"\0\x02\x13\x01" + b"\x01\0" + pack("!H", len(packed)) + packed
    shake = b"\x01" + len(body).to_bytes(3) + body
    pieces = [shake[at : at + piece] for at in range(0, len(shake), piece)]
    return b"".join(b"\x16\x03\x01" + pack("!H", len(one)) + one for one in pieces)


def real_hello(name: str) -> bytes:
    """What OpenSSL sends."""
    context = ssl.create_default_context()
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    session = context.wrap_bio(coming, going, server_hostname=name)
    try:
        session.do_handshake()
    except ssl.SSLWantReadError:
        return going.read()
    raise AssertionError("a handshake cannot end without a server")


def quic(version: int, size: int = 1_200) -> bytes:
    """A datagram that begins as a QUIC Initial."""
    first = 0xC0 if version == 1 else 0xD0
    start = bytes([first]) + pack("!I", 1 if version == 1 else 0x6B3343CF) + b"\x08" + bytes(8) + b"\0"
    return start + bytes(size - len(start))


def loaded(text: str) -> Profile:
    return profile(text)
