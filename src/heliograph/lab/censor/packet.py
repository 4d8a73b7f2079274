"""Ethernet frames with IPv4 or IPv6 inside, read without trust.

Rule 1: ``parse`` never raises and never reads beyond the frame; what it does not understand it answers with None, and
the box lets that pass. Rule 2: nothing is copied; a packet says where in the frame its parts lie.
"""

from __future__ import annotations

from struct import Struct
from typing import Final, Literal, NamedTuple

Direction = Literal["up", "down"]  # away from the reader, towards the reader
Transport = Literal["tcp", "udp", "icmp", "other"]

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ETHERNET: Final = 14  # bytes of an Ethernet header
_TCP: Final = Struct("!HHIIBBH")
_PORTS: Final = Struct("!HH")
_LENGTH: Final = Struct("!H")
_MOST_EXTENSIONS: Final = 8  # IPv6 headers between the first and the transport; more than that is nonsense
_SKIPPED: Final = frozenset({0, 43, 60})  # hop-by-hop, routing and destination options
_LINK: Final = frozenset({130, 131, 132, 133, 134, 135, 136, 137, 143})  # groups, routers, neighbours
_FRAGMENT, _ICMP, _TCP_NUMBER, _UDP, _ICMP6 = 44, 1, 6, 17, 58


class Packet(NamedTuple):
    """One IP packet within a frame. Offsets count from the start of the frame, lengths in bytes."""

    version: int  # 4 or 6
    source: bytes  # 4 or 16 bytes
    target: bytes
    transport: Transport
    source_port: int  # 0 without ports; for ICMP the type
    target_port: int
    flags: int  # of TCP, else 0
    seq: int
    ack: int
    data_at: int  # where the payload of TCP or UDP begins
    end: int  # where the IP packet ends; what follows is padding
    header_at: int  # where the transport header begins

    @property
    def size(self) -> int:
        """Bytes of the IP packet, headers included."""
        return self.end - ETHERNET

    @property
    def payload(self) -> int:
        """Bytes behind the transport header."""
        return self.end - self.data_at


def parse(frame: bytes) -> Packet | None:
    """The IP packet in ``frame``; None for ARP, for what is cut short, and for nonsense."""
    if len(frame) < ETHERNET + 20:
        return None
    kind = frame[12:14]
    if kind == b"\x08\x00":
        return _version4(frame)
    if kind == b"\x86\xdd":
        return _version6(frame)
    return None


def is_neighbourly(packet: Packet) -> bool:
    """Whether a packet keeps the link itself alive (neighbours, routers, groups), which no censor touches."""
    return packet.version == 6 and packet.transport == "icmp" and packet.source_port in _LINK


def is_link(frame: bytes) -> bool:
    """Whether a frame is ARP or the like, or neighbourly: nothing that a censor or a long line would touch."""
    if frame[12:14] == b"\x08\x00":
        return False
    packet = parse(frame)
    return packet is None or is_neighbourly(packet)


def _version4(frame: bytes) -> Packet | None:
    first = frame[ETHERNET]
    header, length = (first & 15) * 4, _LENGTH.unpack_from(frame, ETHERNET + 2)[0]
    end = ETHERNET + length
    if first >> 4 != 4 or header < 20 or length < header or end > len(frame):
        return None
    later = _LENGTH.unpack_from(frame, ETHERNET + 6)[0] & 0x1FFF  # a fragment that is not the first has no ports
    number = 0 if later else frame[ETHERNET + 9]
    return _transport(frame, 4, frame[26:30], frame[30:34], number, ETHERNET + header, end)


def _version6(frame: bytes) -> Packet | None:
    if len(frame) < ETHERNET + 40 or frame[ETHERNET] >> 4 != 6:
        return None
    end = ETHERNET + 40 + _LENGTH.unpack_from(frame, ETHERNET + 4)[0]
    if end > len(frame):
        return None
    number, at = frame[ETHERNET + 6], ETHERNET + 40
    for _ in range(_MOST_EXTENSIONS):
        if number == _FRAGMENT and at + 8 <= end:
            later = _LENGTH.unpack_from(frame, at + 2)[0] & 0xFFF8
            number, at = (255 if later else frame[at]), at + 8
        elif number in _SKIPPED and at + 8 <= end:
            number, at = frame[at], at + 8 + frame[at + 1] * 8
        else:
            break
    if at > end:
        return None
    return _transport(frame, 6, frame[22:38], frame[38:54], number, at, end)


def _transport(
    frame: bytes, version: int, source: bytes, target: bytes, number: int, at: int, end: int
) -> Packet | None:
    if number == _TCP_NUMBER and at + 20 <= end:
        one, two, seq, ack, offset, flags, _ = _TCP.unpack_from(frame, at)
        data = at + (offset >> 4) * 4
        if data < at + 20 or data > end:
            return None
        return Packet(version, source, target, "tcp", one, two, flags & 63, seq, ack, data, end, at)
    if number == _UDP and at + 8 <= end:
        one, two = _PORTS.unpack_from(frame, at)
        return Packet(version, source, target, "udp", one, two, 0, 0, 0, at + 8, end, at)
    if number == (_ICMP if version == 4 else _ICMP6) and at + 4 <= end:
        return Packet(version, source, target, "icmp", frame[at], 0, 0, 0, 0, at + 4, end, at)
    return Packet(version, source, target, "other", 0, 0, 0, 0, 0, at, end, at)
