"""The edition head: eight lines that name one release and the root of its map. Release format, section "Head"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from heliograph.trust.refusal import RefusalError

MAX_HEAD = 512  # bytes
MIN_BITS, MAX_BITS = 1, 24
RECORD = 52  # bytes of one record of a fresh list
MAX_FRESH = 96  # records
_NUMBER = rb"(0|[1-9][0-9]{0,15})"
_LINES = re.compile(
    rb"edition/1\nrelease " + _NUMBER + rb"\ntime (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\nshards " + _NUMBER + rb"\n"
    rb"root ([0-9a-f]{64})\nfresh ([0-9a-f]{64})\nfresh-len " + _NUMBER + rb"\nentries " + _NUMBER + rb"\n\Z"
)
_OTHER = re.compile(rb"edition/[0-9]+\n")
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """One release: ``bits`` is how many bits of a key name its shard; hashes are 32 bytes, lengths in bytes."""

    release: int
    time: datetime
    bits: int
    root: bytes
    fresh: bytes
    fresh_length: int
    entries: int


def write_head(head: Head) -> bytes:
    """The bytes of ``head``."""
    return (
        f"edition/1\nrelease {head.release}\ntime {stamp(head.time)}\nshards {head.bits}\n"
        f"root {head.root.hex()}\nfresh {head.fresh.hex()}\nfresh-len {head.fresh_length}\nentries {head.entries}\n"
    ).encode("ascii")


def read_head(data: bytes) -> Head:
    """The head in ``data``.

    Raises:
        RefusalError: ``too-long``; ``format`` where the first line names another version; else ``head``.
    """
    if len(data) > MAX_HEAD:
        raise RefusalError("too-long", f"a head of more than {MAX_HEAD} bytes")
    match = _LINES.match(data)
    if match is None:
        other = _OTHER.match(data)
        if other and not data.startswith(b"edition/1\n"):
            raise RefusalError("format")
        raise RefusalError("head", "its lines are not the eight of the format")
    release, bits, length, entries = (int(match[place]) for place in (1, 3, 6, 7))
    time = read_stamp(match[2].decode())
    if time is None:
        raise RefusalError("head", "its time is no date")
    if not MIN_BITS <= bits <= MAX_BITS:
        raise RefusalError("head", f"shards {bits} is not {MIN_BITS} to {MAX_BITS}")
    if length % RECORD or length > MAX_FRESH * RECORD:
        raise RefusalError("head", f"fresh-len {length} is not up to {MAX_FRESH} records of {RECORD} bytes")
    if release < 1:
        raise RefusalError("head", "release 0")
    return Head(
        release=release,
        time=time,
        bits=bits,
        root=bytes.fromhex(match[4].decode()),
        fresh=bytes.fromhex(match[5].decode()),
        fresh_length=length,
        entries=entries,
    )


def stamp(time: datetime) -> str:
    """``time`` as the format writes it: UTC, whole seconds."""
    return time.astimezone(UTC).strftime(_TIME)


def read_stamp(text: str) -> datetime | None:
    """The time that ``text`` is the one spelling of, or None."""
    try:
        time = datetime.strptime(text, _TIME).replace(tzinfo=UTC)
    except ValueError:
        return None
    return time if stamp(time) == text else None
