"""The last step of a reader: bytes of a mirror become the file that was signed, or nothing at all."""

from __future__ import annotations

import zlib
from hashlib import sha256

import brotli

from heliograph.trust.edition_map import Entry
from heliograph.trust.refusal import RefusalError

_GZIP_MAGIC = b"\x1f\x8b"


def encoded_limit(length: int) -> int:
    """How many bytes an encoding of a file of ``length`` bytes may have; release format, section "Limits"."""
    return length + length // 50 + 2_048


def check(data: bytes, coding: str, entry: Entry) -> bytes:
    """The file that ``data`` holds, sent in ``coding`` ("", "br" or "gzip").

    Decoding stops at the signed length. Where the host has undone a gzip encoding by itself, that is seen.

    Raises:
        RefusalError: ``length`` or ``hash``.
    """
    if coding == "gzip" and data.startswith(_GZIP_MAGIC):
        data = _inflate(data, entry.length)
    elif coding == "br":
        data = _unbrotli(data, entry.length)
    if len(data) != entry.length:
        raise RefusalError("length", f"{len(data):,} bytes or more where {entry.length:,} were signed")
    if sha256(data).digest() != entry.digest:
        raise RefusalError("hash")
    return data


def decoded(data: bytes, coding: str, room: int) -> bytes | None:
    """What ``data``, sent in ``coding``, holds, if that is no more than ``room`` bytes and whole; else None."""
    try:
        if coding == "gzip" and data.startswith(_GZIP_MAGIC):
            data = _inflate(data, room)
        elif coding == "br":
            data = _unbrotli(data, room)
    except RefusalError:
        return None
    return data if len(data) <= room else None


def _inflate(data: bytes, room: int) -> bytes:
    inflater = zlib.decompressobj(31)
    try:
        found = inflater.decompress(data, room + 1)
    except zlib.error as error:
        raise RefusalError("hash", "it is no gzip") from error
    if len(found) <= room and not inflater.eof:
        raise RefusalError("length", "its gzip encoding is cut off")
    return found


def _unbrotli(data: bytes, room: int) -> bytes:
    decoder = brotli.Decompressor()
    found = b""
    try:
        while len(found) <= room and not decoder.is_finished():
            piece = decoder.process(data, output_buffer_limit=room + 1 - len(found))
            found, data = found + piece, b""
            if not piece and decoder.can_accept_more_data():
                break
    except brotli.error as error:
        raise RefusalError("hash", "it is no brotli") from error
    if len(found) <= room and not decoder.is_finished():
        raise RefusalError("length", "its brotli encoding is cut off")
    return found
