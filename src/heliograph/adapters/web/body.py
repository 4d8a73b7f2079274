"""Undoes content encodings piece by piece, never into more bytes than there is room for.

A ratio is no sign of a bomb: pages of one repeated line compress a thousandfold. What counts is the room the caller
gives, and that the end was seen, since half a page must not pass for a page.
"""

from __future__ import annotations

import zlib
from typing import Protocol

import brotli

from heliograph.adapters.web.words import RefusedError

MEMBERS = 16  # gzip members in one body; a million empty ones would cost quadratic time


class Decoder(Protocol):
    """One body's decoder."""

    def feed(self, data: bytes, room: int) -> bytes:
        """Decode ``data`` (not empty) into at most about ``room`` bytes; a caller that gets ``room`` bytes stops."""
        ...

    def whole(self) -> bool:
        """Whether the end of the encoded body was seen."""
        ...


def decoder(fields: list[str]) -> Decoder | None:
    """What undoes these Content-Encoding fields, None where nothing is to be undone.

    Raises:
        RefusedError: an encoding we did not ask for.
    """
    codings = [coding for field in fields for part in field.split(",") if (coding := part.strip().lower())]
    match [coding for coding in codings if coding != "identity"]:
        case []:
            return None
        case ["gzip" | "x-gzip" | "deflate" as coding]:
            return _Inflate(coding)
        case ["br"]:
            return _Unbrotli()
        case others:  # we offered br and gzip; anything else is not worth a decoder that strangers can attack
            raise RefusedError(f"a content encoding we did not ask for: {', '.join(others)[:80]!r}")


class _Inflate:
    """gzip, and "deflate" in both meanings that servers give to the word."""

    def __init__(self, coding: str) -> None:
        self._gzip = coding != "deflate"
        self._inflater: zlib._Decompress | None = None
        self._members = 0
        self._padding = False

    def feed(self, data: bytes, room: int) -> bytes:
        out = b""
        while data and len(out) < room and (inflater := self._inflater_for(data)):
            out += inflater.decompress(data, room - len(out))
            data = inflater.unused_data
        return out

    def whole(self) -> bool:
        return self._inflater is not None and self._inflater.eof

    def _inflater_for(self, data: bytes) -> zlib._Decompress | None:
        """The running member's inflater, or a new member's; None for what stands behind the end."""
        if self._inflater is not None and not self._inflater.eof:
            return self._inflater
        if self._members and not (self._gzip and b"\x1f\x8b".startswith(data[:2])):
            self._padding = True  # browsers ignore it too
        if self._padding:
            return None
        self._members += 1
        if self._members > MEMBERS:
            raise RefusedError(f"more than {MEMBERS} gzip members")
        self._inflater = zlib.decompressobj(31 if self._gzip else 15 if data[0] & 15 == 8 else -15)
        return self._inflater


class _Unbrotli:
    def __init__(self) -> None:
        self._brotli = brotli.Decompressor()

    def feed(self, data: bytes, room: int) -> bytes:
        out: bytes = self._brotli.process(data, output_buffer_limit=room)
        return out  # shorter than ``room`` only if it took all of ``data``

    def whole(self) -> bool:
        return bool(self._brotli.is_finished())
