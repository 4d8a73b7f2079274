"""What the first bytes of a connection, or a datagram, show to a censor that reads along.

Rule 1: no function here raises, whatever the bytes. Rule 2: "not yet" (``MORE``) and "never" (``NO``) are different
answers, since a ClientHello may come in several segments. Rule 3: nothing is decrypted; of QUIC only the header shows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

from heliograph.lab.censor import dns

Protocol = Literal["tls", "http", "ssh", "rdp", "dns", "quic"]
ECH, ESNI, _SERVER_NAME = 0xFE0D, 0xFFCE, 0  # numbers of TLS extensions
_HANDSHAKE, _CLIENT_HELLO = 22, 1
_MOST_EXTENSIONS: Final = 128
_METHODS: Final = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"CONNECT ", b"DELETE ", b"PATCH ", b"TRACE ")
_LONGEST_METHOD: Final = 8


class Sight(Enum):
    """Why there is no finding."""

    MORE = "not yet"
    NO = "never"


MORE, NO = Sight.MORE, Sight.NO


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was recognised, and the name it asks for: SNI, Host or DNS name, lower case, "" without one."""

    protocol: Protocol
    name: str = ""
    extensions: frozenset[int] = frozenset()  # of a ClientHello
    version: int = 0  # of QUIC
    question: dns.Question | None = None


def stream(data: bytes) -> Finding | Sight:
    """What the beginning of a client's TCP stream is."""
    if not data:
        return MORE
    if data[0] == _HANDSHAKE:
        return hello(data)
    if data[:4] == b"SSH-"[: len(data)]:
        return Finding(protocol="ssh") if len(data) >= 4 else MORE
    if data[:2] == b"\x03\x00"[: len(data)]:
        return rdp(data)
    return request(data)


def hello(data: bytes) -> Finding | Sight:
    """A ClientHello out of one or more TLS records."""
    body, at = bytearray(), 0
    while at + 5 <= len(data):
        if data[at] != _HANDSHAKE or data[at + 1] != 3:
            return NO
        length = int.from_bytes(data[at + 3 : at + 5])
        body += data[at + 5 : at + 5 + length]
        at += 5 + length
        if body and body[0] != _CLIENT_HELLO:
            return NO
        if len(body) >= 4 and len(body) >= 4 + int.from_bytes(body[1:4]):
            return _client_hello(bytes(body[4 : 4 + int.from_bytes(body[1:4])]))
    return MORE


def _client_hello(body: bytes) -> Finding | Sight:
    at = 34  # version and random
    for width in (1, 2, 1):  # session id, cipher suites, compression methods
        if at + width > len(body):
            return NO
        at += width + int.from_bytes(body[at : at + width])
    end = min(at + 2 + int.from_bytes(body[at : at + 2]), len(body))
    at += 2
    name, kinds = "", set()
    for _ in range(_MOST_EXTENSIONS):
        if at + 4 > end:
            break
        kind, length = int.from_bytes(body[at : at + 2]), int.from_bytes(body[at + 2 : at + 4])
        if kind == _SERVER_NAME:
            name = _server_name(body[at + 4 : min(at + 4 + length, end)])
        kinds.add(kind)
        at += 4 + length
    return Finding(protocol="tls", name=name, extensions=frozenset(kinds))


def _server_name(entry: bytes) -> str:
    """The host name of a list with one entry: length of the list, kind 0, length, name."""
    if len(entry) < 5 or entry[2] != 0:
        return ""
    return dns.clean(entry[5 : 5 + int.from_bytes(entry[3:5])].decode("ascii", "replace"))


def request(data: bytes) -> Finding | Sight:
    """The head of an HTTP/1 request, once it is whole."""
    start = data[:_LONGEST_METHOD]
    if not any(start.startswith(method[: len(start)]) for method in _METHODS):
        return NO
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return MORE
    for line in data[:end].split(b"\r\n")[1:]:
        field, colon, value = line.partition(b":")
        if colon and field.strip().lower() == b"host":
            host = value.strip().decode("ascii", "replace")
            return Finding(protocol="http", name=dns.clean(host if host.startswith("[") else host.partition(":")[0]))
    return Finding(protocol="http")


def rdp(data: bytes) -> Finding | Sight:
    """A connection request of the remote desktop protocol: TPKT version 3, then X.224 kind 0xE0."""
    if len(data) < 6:
        return MORE
    return Finding(protocol="rdp") if data[5] & 0xF0 == 0xE0 else NO


def datagram(data: bytes, port: int) -> Finding | None:
    """What a client's datagram to ``port`` is."""
    if port == dns.PORT:
        question = dns.question(data)
        return None if question is None else Finding(protocol="dns", name=question.name, question=question)
    return initial(data)


def initial(data: bytes) -> Finding | None:
    """The header of a QUIC Initial of version 1 or 2: long form, fixed bit, kind, version, lengths within bounds."""
    if len(data) < 7 or data[0] & 0xC0 != 0xC0:
        return None
    version = int.from_bytes(data[1:5])
    kinds = {1: 0, 0x6B3343CF: 1}  # the bits of an Initial moved in version 2
    if kinds.get(version) != data[0] >> 4 & 3:
        return None
    at = 5
    for _ in range(2):  # both connection ids, at most 20 bytes each
        if at >= len(data) or data[at] > 20:
            return None
        at += 1 + data[at]
    return Finding(protocol="quic", version=1 if version == 1 else 2) if at < len(data) else None


def looks_like(data: bytes, *, datagrams: bool) -> str:
    """Which protocol one segment looks like by its first bytes alone, "" for none that a coarse filter knows."""
    if datagrams:
        return "dns" if dns.question(data) else ""
    if data[:1] == b"\x16" and data[1:2] in (b"", b"\x03"):
        return "tls"
    if any(data.startswith(method) for method in _METHODS):
        return "http"
    return "dns" if len(data) > 2 and dns.question(data[2:]) else ""
