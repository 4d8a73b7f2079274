"""A message for the newsroom's drop: 4,096 bytes in which nothing tells what they are or who wrote them.

Rule 1: every message has the same length and opens with the newsroom's key alone; whoever wrote it cannot open it
again, so a phone that is taken tells nothing of what it sent. Rule 2: a report is authenticated by a key that its
vantage and the newsroom have in common, not by a signature: the newsroom can be sure whose it is, and nobody can prove
it to anybody else. Rule 3: what a stranger wrote is None, never an error. Format: docs/drop.md.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from heliograph.trust.sealing import KEY, OVERHEAD, opened, public_of, seal, shared

MESSAGE: Final = 4_096  # bytes of every message
ROOM: Final = MESSAGE - OVERHEAD - 3  # bytes of a body: one is its kind, two its length
REPORT: Final = 1  # the kind of a vantage's report
ID, NUMBER, TAG = 16, 16, 32  # bytes
PAYLOAD: Final = ROOM - ID - NUMBER - TAG  # bytes of a report
_INFO: Final = b"heliograph/drop/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An authentic report. ``number`` was drawn for it alone."""

    name: str
    number: bytes
    payload: bytes


def message(kind: int, body: bytes, inbox: bytes) -> bytes:
    """A message of ``kind`` for the newsroom whose public key is ``inbox``.

    Raises:
        ValueError: the body is longer than ``ROOM``, or ``inbox`` is no key.
    """
    if len(body) > ROOM:
        raise ValueError(f"a body of {len(body):,} bytes; the limit is {ROOM:,}")
    head = bytes([kind]) + len(body).to_bytes(2, "big")
    return seal((head + body).ljust(MESSAGE - OVERHEAD, b"\0"), inbox, _INFO)


def read(data: bytes, inbox_secret: bytes) -> tuple[int, bytes] | None:
    """Kind and body of a message; None where it is none for this key."""
    plain = opened(data, inbox_secret, _INFO) if len(data) == MESSAGE else None
    if plain is None:
        return None
    end = 3 + int.from_bytes(plain[1:3], "big")
    return (plain[0], plain[3:end]) if end <= len(plain) else None


def report(payload: bytes, secret: bytes, inbox: bytes, number: bytes) -> bytes:
    """A message with the report of the vantage whose secret is ``secret``; ``number`` is ``NUMBER`` fresh bytes.

    Raises:
        ValueError: the payload is longer than ``PAYLOAD``, or a key is none.
    """
    assert len(number) == NUMBER
    public = public_of(secret)
    tag = _mac(shared(secret, inbox), public, inbox, number, payload).finalize()
    return message(REPORT, ident(public) + number + tag + payload, inbox)


def reported(body: bytes, inbox_secret: bytes, known: Mapping[str, bytes]) -> Report | str:
    """The report in ``body``, or why it is none: "unknown" vantage, or "forged". ``known`` has public keys by name."""
    number, rest = body[ID : ID + NUMBER], body[ID + NUMBER :]
    tag, payload = rest[:TAG], rest[TAG:]
    name = next((name for name, public in known.items() if ident(public) == body[:ID]), None)
    if name is None:
        return "unknown"
    try:
        common = shared(inbox_secret, known[name])
        _mac(common, known[name], public_of(inbox_secret), number, payload).verify(tag)
    except (InvalidSignature, ValueError):
        return "forged"
    return Report(name=name, number=number, payload=payload)


def ident(public: bytes) -> bytes:
    """How a message names its vantage within the seal."""
    return sha256(b"heliograph/vantage/1" + public).digest()[:ID]


def place(common: bytes, day: int) -> str:
    """The name under which a vantage finds its work list on a ``day`` since 1970; the next day it is another one.

    ``common`` is what its key and the newsroom's have in common, so nobody else can tell whose file it is, or that two
    days' files are of one vantage.
    """
    return _derived(common, b"", b"heliograph/work/1 name" + day.to_bytes(4, "big"), 16).hex()


def _mac(common: bytes, vantage: bytes, inbox: bytes, number: bytes, payload: bytes) -> HMAC:
    assert len(vantage) == len(inbox) == KEY
    made = HMAC(_derived(common, number, b"heliograph/report/1" + vantage + inbox, TAG), hashes.SHA256())
    made.update(payload)
    return made


def _derived(common: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=length, salt=salt or None, info=info).derive(common)


# ---------------------------------------------------------------- as text, for mail

_BEGIN, _END = "-----BEGIN MESSAGE-----", "-----END MESSAGE-----"
_WIDTH = 64
MOST_TEXTS: Final = 1_000  # messages of one text


def armored(data: bytes) -> str:
    """A message as text that survives mail: base64 in lines of 64 between two marks."""
    text = b64encode(data).decode("ascii")
    lines = [text[at : at + _WIDTH] for at in range(0, len(text), _WIDTH)]
    return "\n".join([_BEGIN, *lines, _END, ""])


def from_text(text: str) -> list[bytes]:
    """The messages in a text, whatever stands around them; what is broken is left out."""
    found = []
    for piece in text.split(_BEGIN)[1 : MOST_TEXTS + 1]:
        body, end, _ = piece.partition(_END)
        with suppress(ValueError):
            data = b64decode("".join(body.replace(">", "").split()).encode("ascii"), validate=True)
            if end and len(data) == MESSAGE:
                found.append(data)
    return found
