"""Names on a mirror: canonical paths of mapped files, their types, and the names the release format keeps for itself.

Release format, sections "Files on a mirror" and "Canonical paths". One spelling for each page: nothing is decoded,
nothing is repaired.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Final

ROOT_NAMES: Final = frozenset({"index.html", "404.html", "robots.txt", "favicon.ico", "feed.xml"})
TEXT_TYPES: Final[Mapping[str, str]] = {
    "html": "text/html;charset=utf-8",
    "css": "text/css;charset=utf-8",
    "txt": "text/plain;charset=utf-8",
    "xml": "application/xml;charset=utf-8",
    "json": "application/json;charset=utf-8",
    "svg": "image/svg+xml;charset=utf-8",
    "webmanifest": "application/manifest+json;charset=utf-8",
}
MEDIA_TYPES: Final[Mapping[str, str]] = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "avif": "image/avif",
    "ico": "image/x-icon",
    "woff2": "font/woff2",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "opus": "audio/ogg",
    "mp4": "video/mp4",
    "webm": "video/webm",
    "pdf": "application/pdf",
    "epub": "application/epub+zip",
    "zip": "application/zip",
}
MAPPED_TYPES: Final[Mapping[str, str]] = {**TEXT_TYPES, **MEDIA_TYPES}
_TYPES: Final[Mapping[str, str]] = {**MAPPED_TYPES, "js": "text/javascript;charset=utf-8", "gz": "application/gzip"}
POINTER, TIMESTAMP, CHECKPOINT = "now", "tuf/timestamp.json", "log/checkpoint"
FRONT = "index.html"
MAX_PATH, MAX_SEGMENTS = 200, 11  # bytes; segments below a/

_SEGMENT = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,79}")
_DEVICES = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)")
_RESERVED = re.compile(
    r"now|sw\.js|reader\.html"
    r"|tuf/(?:timestamp|[1-9][0-9]{0,15}\.(?:snapshot|edition|targets|root))\.json"
    r"|edition/[0-9a-f]{64}\.head"
    r"|code/[0-9a-f]{64}\.(?:sw\.js|reader\.html|policy\.json)"
    r"|o/[0-9a-f]{2}/[0-9a-f]{62}"
    r"|log/checkpoint|log/tile/(?:[0-9]{1,2}|entries)(?:/x[0-9]{3}){0,5}/[0-9]{3}(?:\.p/[0-9]{1,3})?"
)
_IMMUTABLE = re.compile(r"tuf/[0-9]|edition/|code/|o/|log/tile/")


def fault(path: str) -> str:
    """Why ``path`` is no canonical path of a mapped file, "" if it is one."""
    if path in ROOT_NAMES:
        return ""
    if len(path) > MAX_PATH:
        return f"longer than {MAX_PATH} bytes"
    folder, *segments = path.split("/")
    if folder != "a" or not 1 <= len(segments) <= MAX_SEGMENTS:
        return f"neither a root name nor a/ with 1 to {MAX_SEGMENTS} segments"
    for segment in segments:
        if not _SEGMENT.fullmatch(segment) or segment.endswith(".") or ".." in segment:
            return f"bad segment {segment!r}"
        if segment.endswith((".gz", ".br", ".part")) or _DEVICES.match(segment):
            return f"reserved segment {segment!r}"
    if "." not in segments[-1] or extension(path) not in MAPPED_TYPES:
        return "no extension of the format"
    return ""


def requested(target: str) -> str:
    """The canonical path that a reader's request for ``target``, relative to the mirror's base, means; "" if none."""
    path = target.partition("#")[0].partition("?")[0]
    if not path or path.endswith("/"):
        path += "index.html"
    return "" if fault(path) else path


def is_reserved(name: str) -> bool:
    """Whether ``name`` is one of those the format keeps for signed metadata, the map, the reader's code and the log."""
    return _RESERVED.fullmatch(name) is not None


def is_ours(name: str) -> bool:
    """Whether the format has a use for ``name`` or for the file it is an encoding of; other names are left alone."""
    plain = plain_name(name)
    return not fault(plain) or is_reserved(plain)


def is_immutable(name: str) -> bool:
    """Whether the bytes under a reserved name never change."""
    return _IMMUTABLE.match(name) is not None


def key_of(path: str) -> bytes:
    """The 16 bytes under which an edition's map knows a mapped file."""
    return sha256(path.encode("utf-8", "surrogatepass")).digest()[:16]


def plain_name(name: str) -> str:
    """The file that ``name`` is, or is an encoding of."""
    return name[:-3] if name.endswith((".gz", ".br")) else name


def turn(name: str) -> int:
    """When within a step ``name`` is written: the front page (1) after what it links to, metadata and ``now`` (2) last.

    Release format, section "Publisher".
    """
    if name == POINTER or (name.startswith("tuf/") and name != TIMESTAMP):
        return 2
    return int(plain_name(name) in (FRONT, POINTER))


def object_name(digest: str) -> str:
    """Where an object of this hash (hex) lies: in two levels, because FAT32 holds few long names in one folder."""
    return f"o/{digest[:2]}/{digest[2:]}"


def content_type(path: str) -> str:
    """What a host says of the kind of ``path``, a mapped file, a reserved name or an encoding of either."""
    if path == CHECKPOINT:
        return TEXT_TYPES["txt"]
    return _TYPES.get(extension(path), "application/octet-stream")


def lifetime(path: str) -> str:
    """``Cache-Control`` of ``path``. Release format, "Files on a mirror"."""
    if is_immutable(path):
        return "max-age=31536000, immutable"
    if plain_name(path) in (POINTER, TIMESTAMP):
        # a cache that readers share and that keeps an old pointer beside a new page has them refuse the page
        return "max-age=60, s-maxage=1"
    return "max-age=3600" if path in {"sw.js", "reader.html"} else "max-age=60"


def extension(path: str) -> str:
    """What stands behind the last dot of the last segment, "" without one."""
    name = path.rpartition("/")[2]
    return name.rpartition(".")[2] if "." in name else ""
