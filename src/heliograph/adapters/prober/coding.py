"""The body of an answer without its Content-Encoding, as it comes in.

Nobody asks for an encoding here, but a bucket stores one form of each file and sends that to everybody. Rule 1: what is
undone is bounded, since whoever answers may send a bomb. Rule 2: what is no such encoding counts as it came.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Final

import brotli

_MOST: Final = 1 << 20  # bytes undone of one answer; what a look reads of the newsroom's has a hundredth


class Unpacked:
    """See above. ``coding`` is the value of the header."""

    def __init__(self, coding: str = "") -> None:
        self._room = _MOST
        self._undo = _undoing(coding.strip().lower())

    def feed(self, data: bytes) -> bytes:
        """What the next bytes of the body come to."""
        if self._undo is None:
            return data
        if self._room <= 0:
            return b""
        try:
            plain = self._undo(data, self._room)
        except (brotli.error, zlib.error):
            self._undo = None
            return data
        self._room -= len(plain)
        return plain


def _undoing(coding: str) -> Callable[[bytes, int], bytes] | None:
    """What gives at most so many bytes for the next of an encoding; None for those that are not known."""
    match coding:
        case "br":
            decoder = brotli.Decompressor()
            return lambda data, room: bytes(decoder.process(data, output_buffer_limit=room))[:room]
        case "gzip" | "x-gzip":
            inflater = zlib.decompressobj(wbits=31)
            return lambda data, room: inflater.decompress(data, room)
    return None
