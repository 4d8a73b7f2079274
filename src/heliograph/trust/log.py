"""The release log as a tree: how it grows, what its tiles are, and what proofs follow from them.

Release format, section "Release log"; C2SP tlog-tiles and RFC 6962. Rule 1: entry i of the log is the exact head of
release i + 1, and nothing for releases before the log began. Rule 2: whoever extends it needs its right edge only, one
unfinished tile for each level, and gives out new names only. Rule 3: a tile is never believed; what is believed is that
hashes taken from tiles fold to a signed root.

An entry has at most ``MAX_ENTRY`` bytes, a tile up to 256 hashes, a bundle up to 256 entries. Every refusal has the
code ``log``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, NamedTuple

from heliograph.trust.edition_map import HASH, leaf_hash, tile_hash
from heliograph.trust.head import MAX_HEAD
from heliograph.trust.refusal import RefusalError

WIDTH: Final = 256  # hashes of a full tile, entries of a full bundle
MAX_ENTRY: Final = MAX_HEAD  # bytes
MAX_TILE: Final = WIDTH * HASH  # bytes
MAX_BUNDLE: Final = WIDTH * (2 + MAX_ENTRY)  # bytes
MAX_SIZE: Final = 2**53 - 1  # entries
ENTRIES: Final = -1  # the "level" of bundles
_BITS = 8  # of the tree in one tile
_TOP = "log/tile"


class Tile(NamedTuple):
    """A file of the log: ``width`` hashes, or entries where the level is ``ENTRIES``, from ``at`` * 256 on."""

    level: int
    at: int
    width: int

    @property
    def name(self) -> str:
        """Its name on a mirror."""
        digits = str(self.at)
        digits = digits.zfill(-(-len(digits) // 3) * 3)
        groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
        place = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
        level = "entries" if self.level == ENTRIES else self.level
        return f"{_TOP}/{level}/{place}" + (f".p/{self.width}" if self.width < WIDTH else "")

    @property
    def limit(self) -> int:
        """Its most bytes."""
        return self.width * (2 + MAX_ENTRY if self.level == ENTRIES else HASH)


Read = Callable[[Tile], bytes]


# ---------------------------------------------------------------- growing


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A log as far as its growth needs it: of each level the hashes that fill no tile yet, and the last entries."""

    size: int = 0
    rows: tuple[bytes, ...] = ()
    entries: tuple[bytes, ...] = ()

    @property
    def root(self) -> bytes:
        """The hash of the whole log."""
        peaks = [peak for row in reversed(self.rows) for peak in _peaks(row)]
        return _folded(peaks) if peaks else sha256(b"").digest()

    def files(self) -> dict[str, bytes]:
        """Its unfinished tiles and its unfinished bundle, by name."""
        return {tile.name: data for tile, data in self._unfinished()}

    def _unfinished(self) -> Iterator[tuple[Tile, bytes]]:
        if self.entries:
            yield Tile(ENTRIES, self.size // WIDTH, len(self.entries)), bundle(self.entries)
        for level, row in enumerate(self.rows):
            if row:
                yield Tile(level, self.size >> _BITS * (level + 1), len(row) // HASH), row


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """A log after it was extended: the files that it has now and did not have, and the names that it needs no more."""

    edge: Edge
    files: dict[str, bytes] = field(repr=False)
    ended: tuple[str, ...] = ()


class Grower:
    """A log that is being extended, in memory of its right edge."""

    def __init__(self, edge: Edge) -> None:
        self.size = edge.size
        self.rows = [bytearray(row) for row in edge.rows]

    def add(self, entry: bytes) -> list[tuple[Tile, bytes]]:
        """Append ``entry``; the tiles that are full now."""
        full: list[tuple[Tile, bytes]] = []
        name = leaf_hash(entry)
        self.size += 1
        for level in range(len(self.rows) + 1):
            if level == len(self.rows):
                self.rows.append(bytearray())
            row = self.rows[level]
            row += name
            if len(row) < MAX_TILE:
                break
            data = bytes(row)
            full.append((Tile(level, (self.size >> _BITS * (level + 1)) - 1, WIDTH), data))
            name = tile_hash(data)
            row.clear()
        return full

    def edge(self, entries: Sequence[bytes] = ()) -> Edge:
        """What is there now; ``entries`` are those of the unfinished bundle, for whoever extends it later."""
        return Edge(size=self.size, rows=tuple(map(bytes, self.rows)), entries=tuple(entries))


def grown(edge: Edge, entries: Iterable[bytes]) -> Growth:
    """The log at ``edge`` with ``entries`` after it.

    Unfinished tiles are named by their width, so that the files of every size stay until a full tile takes their place.
    """
    grower, last = Grower(edge), list(edge.entries)
    files: dict[str, bytes] = {}
    ended: list[str] = []
    for entry in entries:
        last.append(entry)
        full = grower.add(entry)
        if len(last) == WIDTH:
            full.append((Tile(ENTRIES, grower.size // WIDTH - 1, WIDTH), bundle(last)))
            last.clear()
        for tile, data in full:
            files[tile.name] = data
            ended += [tile._replace(width=width).name for width in range(1, WIDTH)]
    after = grower.edge(last)
    return Growth(edge=after, files=files | after.files(), ended=tuple(ended))


def names(size: int) -> list[Tile]:
    """Every tile and bundle of a log of ``size`` entries that takes no other's place."""
    found = [_at(ENTRIES, index, size) for index in range(-(-size // WIDTH))]
    level = 0
    while size >> _BITS * level:
        found += [_at(level, index, size) for index in range(-(-(size >> _BITS * level) // WIDTH))]
        level += 1
    return found


# ---------------------------------------------------------------- bundles


def bundle(entries: Sequence[bytes]) -> bytes:
    """The bytes of a bundle: each entry after its length, two bytes, big-endian."""
    assert all(len(entry) <= MAX_ENTRY for entry in entries)
    return b"".join(len(entry).to_bytes(2, "big") + entry for entry in entries)


def entries_in(data: bytes, tile: Tile) -> list[bytes]:
    """The entries of the bundle ``tile``.

    Raises:
        RefusalError: they are not as many as they must be, or too long.
    """
    found: list[bytes] = []
    at = 0
    while at < len(data) and len(found) < tile.width:
        length = int.from_bytes(data[at : at + 2], "big")
        entry = data[at + 2 : at + 2 + length]
        if length > MAX_ENTRY or len(entry) != length or at + 2 > len(data):
            raise RefusalError("log", f"{tile.name} is no bundle of entries")
        found.append(entry)
        at += 2 + length
    if at != len(data) or len(found) != tile.width:
        raise RefusalError("log", f"{tile.name} has not {tile.width} entries")
    return found


def bundle_of(index: int, size: int) -> Tile:
    """Where entry ``index`` lies in a log of ``size`` entries."""
    return _at(ENTRIES, index // WIDTH, size)


# ---------------------------------------------------------------- what proofs are made of


class Span(NamedTuple):
    """The entries from ``low`` up to ``high``, as a part of the tree."""

    low: int
    high: int


def inclusion(index: int, size: int) -> list[Span]:
    """Whose hashes prove that an entry is in a log of ``size``, the nearest first: RFC 6962, section 2.1.1."""
    assert 0 <= index < size
    low, high = 0, size
    found = []
    while high - low > 1:
        middle = low + _half(high - low)
        if index < middle:
            found.append(Span(middle, high))
            high = middle
        else:
            found.append(Span(low, middle))
            low = middle
    return found[::-1]


def consistency(old: int, new: int) -> list[Span]:
    """Whose hashes prove that a log of ``old`` entries begins one of ``new``: RFC 6962, section 2.1.2."""
    assert 0 < old <= new
    low, high = 0, new
    found = []
    while old != high:
        middle = low + _half(high - low)
        if old <= middle:
            found.append(Span(middle, high))
            high = middle
        else:
            found.append(Span(low, middle))
            low = middle
    return ([Span(low, high)] if low else []) + found[::-1]


def tiles_of(spans: Iterable[Span], size: int) -> list[Tile]:
    """The tiles of a log of ``size`` from which the hashes of ``spans`` are taken, each once."""
    return list(dict.fromkeys(_tile(part, size)[0] for span in spans for part in _subtrees(span)))


def hash_of(span: Span, size: int, read: Read) -> bytes:
    """The hash of a part of the tree, from the tiles of a log of ``size`` entries."""
    return _folded([_hash_of(part, size, read) for part in _subtrees(span)])


def root_at(old: int, size: int, read: Read) -> bytes:
    """The root that a log of ``size`` had when it had ``old`` entries."""
    return hash_of(Span(0, old), size, read) if old else sha256(b"").digest()


def edge_tiles(old: int, size: int) -> list[Tile]:
    """The tiles of a log of ``size`` that hold the right edge of its first ``old`` entries, the lowest first."""
    found = []
    level = 0
    while old >> _BITS * level:
        if (old >> _BITS * level) % WIDTH:
            found.append(_at(level, old >> _BITS * (level + 1), size))
        level += 1
    return found


def edge_at(old: int, size: int, read: Read) -> Edge:
    """The right edge of the first ``old`` entries, without the entries, from the tiles of a log of ``size``."""
    rows: list[bytes] = []
    tiles = {tile.level: tile for tile in edge_tiles(old, size)}
    for level in range(max(tiles, default=-1) + 1):
        width = (old >> _BITS * level) % WIDTH
        rows.append(read(tiles[level])[: HASH * width] if width else b"")
    return Edge(size=old, rows=tuple(rows))


# ---------------------------------------------------------------- proofs


def proves_inclusion(entry: bytes, index: int, size: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether ``proof`` shows that ``entry`` stands at ``index`` under ``root``: RFC 9162, section 2.1.3.2."""
    if not 0 <= index < size:
        return False
    left, last, found = index, size - 1, leaf_hash(entry)
    for other in proof:
        if not last:
            return False
        if left & 1 or left == last:
            found = _node(other, found)
            while left and not left & 1:
                left, last = left >> 1, last >> 1
        else:
            found = _node(found, other)
        left, last = left >> 1, last >> 1
    return not last and found == root


def proves_consistency(old: int, old_root: bytes, new: int, root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether ``proof`` shows that the log of ``old`` entries begins that of ``new``: RFC 9162, section 2.1.4.2."""
    if not 0 < old < new:
        return 0 < old == new and old_root == root and not proof
    path = [old_root, *proof] if not old & (old - 1) else list(proof)
    left, last = old - 1, new - 1
    while left & 1:
        left, last = left >> 1, last >> 1
    if not path:
        return False
    was = found = path[0]
    for other in path[1:]:
        if not last:
            return False
        if left & 1 or left == last:
            was, found = _node(other, was), _node(other, found)
            while left and not left & 1:
                left, last = left >> 1, last >> 1
        else:
            found = _node(found, other)
        left, last = left >> 1, last >> 1
    return not last and (was, found) == (old_root, root)


# ---------------------------------------------------------------- hashes


class _Subtree(NamedTuple):
    """A whole subtree of 2 ** ``height`` entries, the ``at``-th of its height."""

    height: int
    at: int


def _subtrees(span: Span) -> Iterator[_Subtree]:
    """Whole subtrees that make up ``span``, the largest first."""
    low, high = span
    while low < high:
        height = (high - low).bit_length() - 1
        yield _Subtree(height, low >> height)
        low += 1 << height


def _tile(part: _Subtree, size: int) -> tuple[Tile, int, int]:
    """The tile that the hash of a subtree is folded from, and which of its hashes: the first, and how many."""
    level, height = divmod(part.height, _BITS)
    first = part.at << height
    return _at(level, first // WIDTH, size), first % WIDTH, 1 << height


def _hash_of(part: _Subtree, size: int, read: Read) -> bytes:
    tile, first, count = _tile(part, size)
    return tile_hash(read(tile)[HASH * first : HASH * (first + count)])


def _at(level: int, index: int, size: int) -> Tile:
    """The tile at a place in a log of ``size`` entries, as wide as it is there."""
    return Tile(level, index, min(WIDTH, (size >> _BITS * max(level, 0)) - WIDTH * index))


def _peaks(row: bytes) -> Iterator[bytes]:
    """The hashes of the largest subtrees over ``row``, from left to right."""
    at, left = 0, len(row) // HASH
    while left:
        width = 1 << left.bit_length() - 1
        yield tile_hash(row[HASH * at : HASH * (at + width)])
        at, left = at + width, left - width


def _folded(peaks: Sequence[bytes]) -> bytes:
    """One hash of subtrees of falling size that stand side by side."""
    found = peaks[-1]
    for peak in reversed(peaks[:-1]):
        found = _node(peak, found)
    return found


def _node(left: bytes, right: bytes) -> bytes:
    return tile_hash(left + right)


def _half(width: int) -> int:
    """The largest power of two below ``width``."""
    return 1 << (width - 1).bit_length() - 1
