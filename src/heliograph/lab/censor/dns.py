"""DNS messages: a question read without trust, an answer written.

Used by the censor that lies and the server that does not. Only what both need: one question, no compression in it,
addresses as answers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from struct import pack, unpack_from
from typing import Final

PORT: Final = 53
A, AAAA = 1, 28
NOERROR, FORMERR, NXDOMAIN = 0, 1, 3
_HEADER, _MOST_LABELS, _INTERNET = 12, 64, 1
_RESPONSE, _AUTHORITY, _RECURSION_WANTED, _RECURSION = 0x8000, 0x0400, 0x0100, 0x0080


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a query asks."""

    ident: int
    flags: int
    name: str  # lower case, without the dot at the end
    kind: int  # 1 is A, 28 is AAAA
    raw: bytes  # the question section as it came


def clean(name: str) -> str:
    """A name in the one form in which names are compared."""
    return name.strip().rstrip(".").lower()


def is_within(name: str, suffixes: Sequence[str]) -> bool:
    """Whether ``name`` is one of ``suffixes`` or a name below one of them; each has the form of ``clean``."""
    return any(name == suffix or name.endswith("." + suffix) for suffix in suffixes)


def question(data: bytes) -> Question | None:
    """The question of a query; None for anything else."""
    if len(data) < _HEADER + 5:
        return None
    ident, flags, count = unpack_from("!HHH", data)
    if flags & _RESPONSE or count != 1 or flags & 0x7800:  # a response, or another operation than a query
        return None
    labels, at = [], _HEADER
    for _ in range(_MOST_LABELS):
        if at >= len(data) or data[at] > 63:
            return None
        length = data[at]
        at += 1
        if not length:
            break
        labels.append(data[at : at + length].decode("ascii", "replace"))
        at += length
    else:
        return None
    if at + 4 > len(data):
        return None
    name, kind = clean(".".join(labels)), int.from_bytes(data[at : at + 2])
    return Question(ident=ident, flags=flags, name=name, kind=kind, raw=data[_HEADER : at + 4])


def answer(asked: Question, addresses: Sequence[str], *, rcode: int, lifetime: int, authority: bool = False) -> bytes:
    """A whole response. Addresses of the other family than the one asked for are left out; ``lifetime`` in seconds."""
    records = b""
    count = 0
    for address in map(ip_address, addresses):
        if asked.kind == (A if address.version == 4 else AAAA):
            count += 1
            data = address.packed
            records += pack("!HHHIH", 0xC000 | _HEADER, asked.kind, _INTERNET, lifetime, len(data)) + data
    flags = _RESPONSE | _RECURSION | asked.flags & _RECURSION_WANTED | (_AUTHORITY if authority else 0) | rcode
    return pack("!HHHHHH", asked.ident, flags, 1, count, 0, 0) + asked.raw + records


def query(name: str, kind: int, ident: int) -> bytes:
    """A query, for tests and probes. Raises UnicodeError for a name that is no ASCII."""
    labels = b"".join(bytes([len(label)]) + label.encode("ascii") for label in clean(name).split("."))
    return pack("!HHHHHH", ident, _RECURSION_WANTED, 1, 0, 0, 0) + labels + b"\0" + pack("!HH", kind, _INTERNET)


def addresses(data: bytes) -> tuple[int, list[str]]:
    """Response code and addresses of a response; (-1, []) for anything else."""
    if len(data) < _HEADER or not data[2] & 0x80:
        return -1, []
    _, flags, questions, answers = unpack_from("!HHHH", data)
    at = _HEADER
    for _ in range(min(questions, 1)):
        at = _skip_name(data, at) + 4
    found = []
    for _ in range(min(answers, _MOST_LABELS)):
        at = _skip_name(data, at)
        if at + 10 > len(data):
            break
        kind, _, _, length = unpack_from("!HHIH", data, at)
        value = data[at + 10 : at + 10 + length]
        if (kind, len(value)) in ((A, 4), (AAAA, 16)):
            found.append(str(ip_address(value)))
        at += 10 + length
    return flags & 15, found


def _skip_name(data: bytes, at: int) -> int:
    for _ in range(_MOST_LABELS):
        if at >= len(data):
            break
        if data[at] & 0xC0:
            return at + 2
        if not data[at]:
            return at + 1
        at += 1 + data[at]
    return at
