"""Packets that a censor makes up, in the name of one side of a connection or of a router.

Each function is given the frame that provoked it and its ``Packet``. With ``back`` the made-up packet goes to whoever
sent that frame (addresses and ports change places); without it goes the same way as the frame.
"""

from __future__ import annotations

from struct import pack, unpack
from typing import Final

from heliograph.lab.censor.packet import ETHERNET, Packet

_TCP, _UDP, _ICMP, _ICMP6 = 6, 17, 1, 58
_QUOTED: Final = 8  # bytes behind the IP header that an ICMP error quotes, at least
_ADMIN_PROHIBITED4, _ADMIN_PROHIBITED6 = (3, 13), (1, 1)


def checksum(data: bytes) -> int:
    """The Internet checksum."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def tcp(
    frame: bytes,
    packet: Packet,
    *,
    back: bool,
    flags: int,
    seq: int,
    ack: int,
    window: int = 0,
    ip_id: int = 0,
    ttl: int = 64,
    payload: bytes = b"",
) -> bytes:
    """A TCP segment of the connection that ``packet`` belongs to."""
    ports = (packet.target_port, packet.source_port) if back else (packet.source_port, packet.target_port)
    header = pack("!HHIIBBHHH", *ports, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 << 4, flags, window, 0, 0)
    return _ip(frame, packet, back=back, number=_TCP, body=header + payload, sum_at=16, ip_id=ip_id, ttl=ttl)


def udp(frame: bytes, packet: Packet, payload: bytes, *, ttl: int = 64) -> bytes:
    """An answer to a datagram."""
    header = pack("!HHHH", packet.target_port, packet.source_port, 8 + len(payload), 0)
    return _ip(frame, packet, back=True, number=_UDP, body=header + payload, sum_at=6, ip_id=0, ttl=ttl)


def prohibited(frame: bytes, packet: Packet) -> bytes:
    """ICMP "administratively prohibited" in the name of the address that was asked for."""
    kind, code = _ADMIN_PROHIBITED4 if packet.version == 4 else _ADMIN_PROHIBITED6
    quoted = frame[ETHERNET : min(packet.header_at + _QUOTED, packet.end)]
    body = pack("!BBHI", kind, code, 0, 0) + quoted
    number = _ICMP if packet.version == 4 else _ICMP6
    return _ip(frame, packet, back=True, number=number, body=body, sum_at=2, ip_id=0, ttl=64)


def _ip(
    frame: bytes, packet: Packet, *, back: bool, number: int, body: bytes, sum_at: int, ip_id: int, ttl: int
) -> bytes:
    ether = frame[6:12] + frame[:6] + frame[12:14] if back else frame[:14]
    source, target = (packet.target, packet.source) if back else (packet.source, packet.target)
    pseudo = source + target + pack("!II", len(body), number)
    plain_icmp = number == _ICMP  # the one checksum that covers no addresses
    total = checksum(body if plain_icmp else pseudo + body)
    if number == _UDP and total == 0:
        total = 0xFFFF
    body = body[:sum_at] + pack("!H", total) + body[sum_at + 2 :]
    if packet.version == 6:
        return ether + pack("!IHBB", 6 << 28, len(body), number, ttl) + source + target + body
    header = pack("!BBHHHBBH", 0x45, 0, 20 + len(body), ip_id, 0, ttl, number, 0) + source + target
    return ether + header[:10] + pack("!H", checksum(header)) + header[12:] + body
