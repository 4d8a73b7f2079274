"""The bundle ``now``: the newest metadata in one answer. Release format, section "now".

It is only a shortcut: its pieces are believed as little as if each had been fetched alone.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass

import brotli

MAX_BUNDLE = 16_384  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """The exact bytes of each file; ``targets`` is b"" where it was left out."""

    timestamp: bytes
    snapshot: bytes
    edition: bytes
    targets: bytes
    head: bytes


def join(bundle: Bundle) -> bytes:
    """The bytes of ``now``."""
    pieces = [bundle.timestamp, bundle.snapshot, bundle.edition]
    return b"\n".join([*pieces, *([bundle.targets] if bundle.targets else []), bundle.head])


def encodings(data: bytes) -> dict[str, bytes]:
    """``now`` as it travels, by suffix; not padded, since it says nothing of what is read."""
    return {".br": brotli.compress(data, quality=11, lgwin=16), ".gz": gzip.compress(data, 9, mtime=0)}


def split(data: bytes) -> Bundle | None:
    """The pieces of ``now`` by their places; None where there are too few or it is too long."""
    if len(data) > MAX_BUNDLE:
        return None
    pieces = data.split(b"\n", 3)
    if len(pieces) < 4:
        return None
    rest, targets = pieces[3], b""
    if rest.startswith(b"{"):
        targets, line, rest = rest.partition(b"\n")
        if not line:
            return None
    return Bundle(timestamp=pieces[0], snapshot=pieces[1], edition=pieces[2], targets=targets, head=rest)
