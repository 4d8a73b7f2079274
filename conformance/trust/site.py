"""What is published: the pages of each release, padded and encoded, and the edition map over them.

The map is built here a second time, without ``heliograph.trust``, and so that any part of it can be wrong: shards are
plain bytes that a case may replace before the tiles above them are hashed.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from heliograph.render import encode

RECORD, HASH, KEY, STEP = 52, 32, 16, 312  # bytes
FILLER = b"\xff" * RECORD
WIDTH = 4  # bits of every tile but the first

CODE_1 = {
    "code/sw.js": b"// the reader's worker, first version\n",
    "code/reader.html": b"<!doctype html><title>reader</title>\n",
    "code/policy.json": b'{"format":"heliograph-policy/1","title":"Peninsula"}',
}
CODE_2 = {**CODE_1, "code/sw.js": b"// the reader's worker, second version\n"}

CORRECTED = ("a/bridge.html", "a/news.html", "index.html", "feed.xml")  # in r2
WITHDRAWN, ADDED = "a/rumour.html", "a/verdict.html"  # in r2
CHANGED_LAST = "a/market.html"  # in r3
FRESH = ("index.html", "a/bridge.html", "a/news.html", "a/school.html")  # paths of the fresh list, where they exist
PLAIN = "a/lawyer.html"  # a page that no release changes and no fresh list has
TWIN = "a/harbour.html"  # another one, of the same length

_NAMES = """
    bridge bus court doctor ferry garden harbour hill island judge kitchen lawyer letter library lighthouse market
    meadow mill news orchard post prison river road rumour school shore station street tower vineyard water winter
"""
_WORDS = """
    море мост суд дорога письмо школа врач вода свет адвокат полуостров остров город улица берег
"""


def pages(release: int) -> dict[str, bytes]:
    """The mapped files of r1, r2 or r3: path to content, not padded yet."""
    found = {f"a/{name}.html": _page(name, 40 + 9 * at) for at, name in enumerate(_NAMES.split())}
    found[PLAIN], found[TWIN] = _page("harbour", 30), _page("lawyer", 30)
    found |= {
        "index.html": _page("front", 120),
        "404.html": _page("nothing here", 12),
        "robots.txt": b"User-agent: *\nDisallow:\n",
        "favicon.ico": _noise("icon", 300),
        "feed.xml": "<rss><channel><title>Полуостров</title></channel></rss>".encode(),
        "a/index.html": _page("archive", 60),
        "a/2026/03/index.html": _page("march", 20),
        "a/style.css": b"body{max-width:40em}",
        "a/bridge.png": _noise("picture", 1_900),
        "a/sign.svg": b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    }
    if release == 1:
        return found
    del found[WITHDRAWN]
    found[ADDED] = _page("verdict", 70)
    found |= {path: found[path] + "<!-- исправлено -->".encode() for path in CORRECTED}
    if release == 3:
        found[CHANGED_LAST] += "<!-- исправлено -->".encode()
    return found


def deep_pages() -> dict[str, bytes]:
    """The mapped files of base/deep."""
    found = {f"a/{number:03}.html": _page(str(number), 10) for number in range(127)}
    return {**found, "index.html": _page("deep", 20)}


def laid(path: str, content: bytes) -> dict[str, bytes]:
    """The file at ``path`` and its encodings, by name."""
    file = encode.file(path, content)
    bodies = {path: file.body, f"{path}.br": file.brotli, f"{path}.gz": file.gzip}
    return {name: data for name, data in bodies.items() if data is not None}


def copies(path: str, content: bytes) -> dict[str, bytes]:
    """The content copy of a file and its encodings, by name."""
    files = laid(path, content)
    place = object_name(sha256(files[path]).digest())
    return {place + name.removeprefix(path): data for name, data in files.items()}


# ---------------------------------------------------------------- the map


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """A map of 2 ** ``bits`` shards, its objects by name, and the list of fresh pages."""

    bits: int
    shards: tuple[bytes, ...]
    fresh: bytes
    entries: int

    @property
    def root(self) -> bytes:
        """The name of the top tile."""
        return tree(self.bits, self.shards)[-1][0]

    def objects(self) -> dict[str, bytes]:
        """Every tile, shard and the fresh list, by name on a mirror."""
        found = {object_name(name): data for name, data in tree(self.bits, self.shards)}
        return found | ({object_name(sha256(self.fresh).digest()): self.fresh} if self.fresh else {})

    def head(self, release: int, time: str, **other: str | int) -> bytes:
        """The head of this map; ``other`` replaces values, written with ``_`` for ``-``."""
        values: dict[str, str | int] = {
            "release": release,
            "time": time,
            "shards": self.bits,
            "root": self.root.hex(),
            "fresh": sha256(self.fresh).hexdigest(),
            "fresh_len": len(self.fresh),
            "entries": self.entries,
        }
        lines = ["edition/1", *(f"{name.replace('_', '-')} {value}" for name, value in (values | other).items())]
        return "".join(f"{line}\n" for line in lines).encode("ascii")


def mapped(bits: int, files: Mapping[str, bytes], fresh: Iterable[str]) -> Map:
    """The map of these files (path to bytes as they lie there)."""
    rows = {path: record(path, data) for path, data in files.items()}
    shards: list[list[bytes]] = [[] for _ in range(1 << bits)]
    for row in rows.values():
        shards[index_of(row, bits)].append(row)
    return Map(
        bits=bits,
        shards=tuple(shard(sorted(some)) for some in shards),
        fresh=b"".join(sorted(rows[path] for path in fresh if path in rows)),
        entries=len(rows),
    )


def record(path: str, data: bytes) -> bytes:
    """What the map says of a file."""
    return sha256(path.encode()).digest()[:KEY] + sha256(data).digest() + len(data).to_bytes(4, "big")


def shard(rows: Sequence[bytes]) -> bytes:
    """``rows`` in the order given, filled up."""
    data = b"".join(rows)
    return data + FILLER * (-len(data) % STEP // RECORD) if data else FILLER * (STEP // RECORD)


def index_of(row: bytes, bits: int) -> int:
    """The shard of a record, or of a path's hash."""
    return int.from_bytes(row[:4], "big") >> (32 - bits)


def index_of_path(path: str, bits: int) -> int:
    """The shard of ``path``."""
    return index_of(sha256(path.encode()).digest(), bits)


def rows_of(data: bytes) -> list[bytes]:
    """The records of a shard, fillers left out."""
    rows = [data[at : at + RECORD] for at in range(0, len(data), RECORD)]
    return [row for row in rows if row != FILLER]


def leaf(data: bytes) -> bytes:
    """The name of a shard."""
    return sha256(b"\0" + data).digest()


def tree(bits: int, shards: Sequence[bytes]) -> list[tuple[bytes, bytes]]:
    """Every object by its name, the top tile last."""
    found = [(leaf(data), data) for data in shards]
    level = [name for name, _ in found]
    while bits:
        width = min(WIDTH, bits)
        above = []
        for at in range(0, len(level), 1 << width):
            tile = level[at : at + (1 << width)]
            above.append(_top(tile))
            found.append((above[-1], b"".join(tile)))
        level, bits = above, bits - width
    return found


def object_name(name: bytes) -> str:
    """Where an object lies."""
    return f"o/{name.hex()[:2]}/{name.hex()[2:]}"


def _top(row: list[bytes]) -> bytes:
    while len(row) > 1:
        row = [sha256(b"\1" + row[at] + row[at + 1]).digest() for at in range(0, len(row), 2)]
    return row[0]


def _page(name: str, words: int) -> bytes:
    chance = random.Random(f"conformance {name}")  # noqa: S311 - it only has to repeat
    text = " ".join(chance.choices(_WORDS.split(), k=words))
    return f"<!doctype html><html lang=ru><title>{name}</title><p>{text}".encode()


def _noise(name: str, size: int) -> bytes:
    return random.Random(f"conformance {name}").randbytes(size)  # noqa: S311 - it only has to repeat
