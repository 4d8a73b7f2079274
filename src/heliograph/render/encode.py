"""Bytes of an edition as they travel: canonical paths, padding, and the brotli and gzip encodings.

Rule 1: every length on the wire is a multiple of ``BUCKET``, so that who sees only lengths learns little.
Rule 2: the padding of an encoding lies in places every decoder skips (a gzip extra field, a brotli metadata block)
and is derived from the file, so that a second build gives the same bytes.
Rule 3: what is hashed and mapped is the padded file; its encodings decode to exactly that.

Brotli 9 and 10 both use a window of 64 KiB: measured, it is the fastest setting of 9 and costs 10 nothing.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, replace

import brotli

from heliograph.model import paths
from heliograph.model.edition import BROTLI_BODY, BUCKET, GZIP_BODY, File

ZERO_TYPES = frozenset({"jpg", "jpeg", "png", "gif", "webp", "ico"})  # filled with zero bytes
BOX_TYPES = frozenset({"avif"})  # filled with a box; text types with spaces, others not at all

COMPRESSOR = f"brotli {brotli.__version__}"  # another version may give other bytes
RAW_LIMIT = 65_536  # bytes of one text file before compression: one brotli window, some thirty screens of text
_QUALITY, _DENSE_QUALITY, _WINDOW = 9, 10, 16
_RESCUE = BROTLI_BODY * 11 // 10  # beyond this, quality 10 has hardly a chance of fitting where 9 did not
_GZIP_HEAD = b"\x1f\x8b\x08%b\0\0\0\0\2\xff"  # deflate, flags, MTIME 0, slowest, OS unknown
_BROTLI_END = b"\x03"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to encode a page: the file if it keeps the budget, and how full it is either way.

    ``load`` is 1.0 where the budget is just spent, whichever of brotli, gzip and raw size is the scarcest.
    """

    file: File | None
    load: float


def check_path(path: str) -> str:
    """``path`` itself if it is canonical; else ValueError with the rule it breaks (format, section "Paths")."""
    if fault := paths.fault(path):
        raise ValueError(f"not a canonical path: {path!r}: {fault}")
    return path


def file(path: str, content: bytes, *, dense: bool = False) -> File:
    """The file at ``path`` with its encodings, whatever their size; ``attempt`` minds the budget.

    ``dense`` tries brotli 10 also and takes it where fewer buckets travel; else the bytes stay those of quality 9,
    so that a later dense pass replaces only what gains by it.
    """
    body = padded(check_path(path), content)
    if paths.extension(path) not in paths.TEXT_TYPES:
        return File(path=path, body=body, brotli=None, gzip=None)
    brotli_body, gzip_body = encodings(body)
    made = File(path=path, body=body, brotli=brotli_body, gzip=gzip_body)
    return denser(made) if dense else made


def encodings(body: bytes) -> tuple[bytes, bytes]:
    """The brotli and the gzip encoding of a text file that is padded already."""
    digest = hashlib.sha256(body).digest()
    return pad_brotli(_brotli(body, _QUALITY), digest), pad_gzip(_deflate(body), body, digest)


def denser(made: File) -> File:
    """``made`` with brotli of quality 10 if that is at least one bucket shorter; else ``made`` itself."""
    if made.brotli is None:
        return made
    dense = pad_brotli(_brotli(made.body, _DENSE_QUALITY), hashlib.sha256(made.body).digest())
    return replace(made, brotli=dense) if len(dense) < len(made.brotli) else made


def attempt(path: str, content: bytes, *, rescue: bool = False) -> Attempt:
    """Encode the text page at ``path`` if it keeps the budget; one brotli run, and one gzip run only if it does.

    ``rescue`` allows one run of quality 10 for a page that is slightly too large at 9.
    """
    body = padded(check_path(path), content)
    if len(body) > RAW_LIMIT:
        return Attempt(None, len(body) / RAW_LIMIT)
    digest = hashlib.sha256(body).digest()
    raw = _brotli(body, _QUALITY)
    load, packed = len(raw) / BROTLI_BODY, pad_brotli(raw, digest)
    slightly = len(packed) > BROTLI_BODY and len(raw) <= _RESCUE
    if len(packed) > BROTLI_BODY and not (rescue and slightly):
        return Attempt(None, max(load, 1.001))
    deflated = _deflate(body)  # before quality 10, which costs twenty times as much
    zipped = pad_gzip(deflated, body, digest)
    load = max(load, len(deflated) / GZIP_BODY, len(body) / RAW_LIMIT)
    if len(zipped) > GZIP_BODY:
        return Attempt(None, max(load, 1.001))
    if slightly:
        packed = pad_brotli(_brotli(body, _DENSE_QUALITY), digest)
        if len(packed) > BROTLI_BODY:
            return Attempt(None, max(load, 1.001))
    return Attempt(File(path=path, body=body, brotli=packed, gzip=zipped), load)


def measure(path: str, content: bytes) -> int:
    """Bytes of brotli body that ``content`` takes on the wire at quality 9, padding included."""
    length = len(_brotli(padded(path, content), _QUALITY)) + len(_BROTLI_END)
    return length + _brotli_fill(length)


def padded(path: str, content: bytes) -> bytes:
    """``content`` filled to a multiple of ``BUCKET`` by means that readers of its type ignore."""
    extension = paths.extension(path)
    if extension in paths.TEXT_TYPES:
        return content + b" " * (-(len(content) + 1) % BUCKET) + b"\n"
    if extension in ZERO_TYPES:
        return content + b"\0" * (-len(content) % BUCKET)
    if extension in BOX_TYPES:
        fill = _fill(len(content), too_small=8)  # a box of ISO media files has a head of 8 bytes
        return content + (fill.to_bytes(4, "big") + b"free" + bytes(fill - 8) if fill else b"")
    return content


def pad_brotli(flushed: bytes, digest: bytes) -> bytes:
    """A whole brotli stream of ``flushed`` (which ends on a byte boundary), with one metadata block as filling."""
    fill = _brotli_fill(len(flushed) + len(_BROTLI_END))
    if not fill:
        return flushed + _BROTLI_END
    head = 2 if fill <= 258 else 3  # bytes: the length field of a metadata block takes 1 or 2 bytes
    count = fill - head
    mark = 0x16 if head == 2 else 0x26
    return flushed + (mark | (count - 1) << 6).to_bytes(head, "little") + pad_bytes(digest, count) + _BROTLI_END


def pad_gzip(deflated: bytes, body: bytes, digest: bytes) -> bytes:
    """A gzip member of ``deflated``, filled by one extra field named "Hp"."""
    tail = zlib.crc32(body).to_bytes(4, "little") + len(body).to_bytes(4, "little")
    fill = _fill(10 + len(deflated) + 8, too_small=6)
    if not fill:
        return _GZIP_HEAD % b"\0" + deflated + tail
    extra = (fill - 2).to_bytes(2, "little") + b"Hp" + (fill - 6).to_bytes(2, "little") + pad_bytes(digest, fill - 6)
    return _GZIP_HEAD % b"\4" + extra + deflated + tail


def pad_bytes(digest: bytes, count: int) -> bytes:
    """``count`` bytes that follow from the file's SHA-256: they do not compress, and a rebuild gives them again."""
    return hashlib.shake_256(b"heliograph/pad/1\0" + digest).digest(count)


def _fill(length: int, too_small: int) -> int:
    """How many bytes fill ``length`` to whole buckets, when a filling below ``too_small`` cannot be written."""
    fill = -length % BUCKET
    return fill + BUCKET if 0 < fill < too_small else fill


def _brotli_fill(length: int) -> int:
    # 1 and 2 are too few for a block with a byte in it; 259 would need a length whose upper byte is zero, which the
    # brotli format forbids.
    fill = -length % BUCKET
    return fill + BUCKET if fill in {1, 2, 259} else fill


def _brotli(body: bytes, quality: int) -> bytes:
    """``body`` compressed and flushed to a byte boundary, not yet ended."""
    compressor = brotli.Compressor(quality=quality, lgwin=_WINDOW)
    packed: bytes = compressor.process(body) + compressor.flush()
    return packed


def _deflate(body: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compressor.compress(body) + compressor.flush()
