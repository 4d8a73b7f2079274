"""Which paths an edition has: the map knows keys only, so names are read from pages, or guessed, and held against keys.

A guess costs one hash and no request, so it may be generous. Rule 1: nothing found here is believed; a path counts when
its key is in the map. Rule 2: pages are read by their bytes, not parsed: an address that is missed is a file that is
missed, one too many is nothing.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator

from heliograph.model import paths

_OTHERS = "a/about.html a/search.html a/feed.json a/sitemap.xml a/d/index.html a/mirrors.html a/mirrors.json"
WELL_KNOWN = (*sorted(paths.ROOT_NAMES), *_OTHERS.split())
MAX_PAGE = 1_000_000  # bytes of a page that is searched for addresses
_ADDRESS = re.compile(rb"""(?:href|src)=["']?([^"'\s<>]{1,300})|<loc>([^<]{1,300})<|"[a-z_]*url":\s*"([^"]{1,300})\"""")
_BITS = re.compile(rb"data-bits=[\"']?(\d{1,2})\b")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:|//", re.IGNORECASE)
_PART = re.compile(r"(.*?)(?:\.(\d{1,5}))?(\.[a-z0-9]+)\Z")
_MAX_BITS = 20  # of a search index
_MAX_GROUPS = 256  # of one shard


def names_in(path: str, body: bytes) -> Iterator[str]:
    """The canonical paths that the file at ``path`` mentions, itself and the next part of it included."""
    yield from _next_parts(path)
    if paths.extension(path) not in paths.TEXT_TYPES:
        return
    folder = posixpath.dirname(path)
    for match in _ADDRESS.finditer(body[:MAX_PAGE]):
        address = (match[1] or match[2] or match[3]).decode("utf-8", "replace")
        address = address.partition("#")[0].partition("?")[0]
        if _SCHEME.match(address):
            continue
        found = paths.requested(posixpath.normpath(posixpath.join(folder, address)))
        if found:
            yield found


def search_shards(page: bytes, known: Callable[[str], bool]) -> Iterator[str]:
    """The shards of the search index, from the search page; ``known`` tells whether the map has a path."""
    match = _BITS.search(page[:MAX_PAGE])
    bits = int(match[1]) if match else _MAX_BITS + 1
    if bits > _MAX_BITS:
        return
    for number in range(1 << bits):
        shard = f"a/s/{bits}/{number:x}.json"
        if known(shard):
            yield shard
            # the oldest groups of a shard may be missing, so every number is tried
            yield from filter(known, (f"a/s/{bits}/{number:x}.{group}.json" for group in range(_MAX_GROUPS)))


def _next_parts(path: str) -> Iterator[str]:
    """The next numbered part, which a page may mention in a script only; and the WebP beside a picture's page."""
    match = _PART.match(path)
    if match:
        yield f"{match[1]}.{int(match[2] or 1) + 1}{match[3]}"
        yield f"{match[1]}.webp"
