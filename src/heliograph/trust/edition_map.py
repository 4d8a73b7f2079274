"""The edition map: which bytes belong to which path, as an RFC 6962 tree over hash-prefix shards.

Release format, section "Edition map". Rule 1: a path has one record, in the shard that the first bits of its key name,
so the whole shard also proves that a path is absent. Rule 2: tiles and shards are named by their own hash, so names
chain from the root and no mirror can serve a wrong one. Rule 3: an update reads and writes only the way from the root
to the shards that changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise
from typing import NamedTuple

from heliograph.trust.head import MAX_BITS, MIN_BITS, RECORD
from heliograph.trust.refusal import RefusalError

KEY, HASH = 16, 32  # bytes
MAX_LENGTH = 67_108_864  # bytes of one mapped file
STEP = 312  # a shard's length is a multiple of it
MAX_SHARD = 12_480  # bytes
_WIDTH = 4  # bits of every tile but the first
_AIM = 5  # records in a shard, on average
_KEPT = (2, 12)  # records a shard, on average, between which the number of shards is kept
_FILLER = b"\xff" * RECORD
_LEAF, _NODE = b"\0", b"\1"


class ShardError(ValueError):
    """A shard would be too long: the map needs more of them."""


class Entry(NamedTuple):
    """What the map says of a path: SHA-256 and length of its file."""

    digest: bytes
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """A tree after a change: its root, the objects that are new by name, and the names that it no longer holds.

    A name is in ``gone`` as often as it was taken out: equal objects can stand in several places.
    """

    root: bytes
    objects: tuple[tuple[bytes, bytes], ...]
    gone: tuple[bytes, ...]


# ---------------------------------------------------------------- records and shards


def index_of(key: bytes, bits: int) -> int:
    """The shard of ``key`` in a map of 2 ** ``bits`` shards."""
    return int.from_bytes(key[:4], "big") >> (32 - bits)


def record(key: bytes, entry: Entry) -> bytes:
    """The 52 bytes that say ``entry`` of ``key``."""
    return key + entry.digest + entry.length.to_bytes(4, "big")


def bits_for(entries: int, before: int = 0) -> int:
    """How many bits number the shards of ``entries`` records; ``before`` is kept while it fits well enough."""
    if MIN_BITS <= before <= MAX_BITS and _KEPT[0] <= entries / 2**before <= _KEPT[1]:
        return before
    shards = entries / _AIM
    bits = MIN_BITS
    while bits < MAX_BITS and 2 ** (2 * bits + 1) <= shards * shards:  # round(log2) without floating point
        bits += 1
    return bits


def shard(records: Iterable[bytes]) -> bytes:
    """A shard of ``records`` in any order.

    Raises:
        ShardError: it would be longer than ``MAX_SHARD``.
        ValueError: two records have one key.
    """
    rows = sorted(records)
    if any(one[:KEY] == other[:KEY] for one, other in pairwise(rows)):
        raise ValueError("two records of one key")
    data = b"".join(rows)
    data += _FILLER * (-len(data) % STEP // RECORD) if rows else _FILLER * (STEP // RECORD)
    if len(data) > MAX_SHARD:
        raise ShardError(f"a shard of {len(data):,} bytes")
    return data


def records_in(data: bytes, index: int, bits: int) -> list[bytes]:
    """The records of a shard.

    Raises:
        RefusalError: ``map`` where it breaks a rule of the format.
    """
    if not data or len(data) % STEP or len(data) > MAX_SHARD:
        raise RefusalError("map", f"a shard of {len(data):,} bytes")
    rows = split_records(data)
    count = next((at for at, row in enumerate(rows) if row == _FILLER), len(rows))
    fillers = len(rows) - count
    if any(row != _FILLER for row in rows[count:]) or fillers > (STEP // RECORD if not count else STEP // RECORD - 1):
        raise RefusalError("map", "filler where none belongs")
    rows = rows[:count]
    check_rows(rows)
    if any(index_of(row, bits) != index for row in rows):
        raise RefusalError("map", "a record in the wrong shard")
    return rows


def check_rows(rows: list[bytes]) -> None:
    """Refuse records that are not in strictly ascending order of their keys, or with a length out of bounds."""
    if any(one[:KEY] >= other[:KEY] for one, other in pairwise(rows)):
        raise RefusalError("map", "records out of order")
    if any(not 1 <= int.from_bytes(row[-4:], "big") <= MAX_LENGTH for row in rows):
        raise RefusalError("map", "a record with an impossible length")


def split_records(data: bytes) -> list[bytes]:
    """``data`` in pieces of one record."""
    return [data[at : at + RECORD] for at in range(0, len(data), RECORD)]


def find(rows: Iterable[bytes], key: bytes) -> Entry | None:
    """What one of ``rows`` says of ``key``."""
    for row in rows:
        if row[:KEY] == key:
            return Entry(row[KEY : KEY + HASH], int.from_bytes(row[-4:], "big"))
    return None


# ---------------------------------------------------------------- the tree


def leaf_hash(data: bytes) -> bytes:
    """The name of a shard."""
    return sha256(_LEAF + data).digest()


EMPTY_SHARD = _FILLER * (STEP // RECORD)


def tile_hash(tile: bytes) -> bytes:
    """The name of a tile: the root of the subtree whose lowest hashes it holds."""
    row = [tile[at : at + HASH] for at in range(0, len(tile), HASH)]
    while len(row) > 1:
        row = [sha256(_NODE + row[at] + row[at + 1]).digest() for at in range(0, len(row), 2)]
    return row[0]


def is_tile(data: bytes, name: bytes, width: int) -> bool:
    """Whether ``data`` is the tile of ``width`` bits that is called ``name``."""
    return len(data) == HASH << width and tile_hash(data) == name


def widths(bits: int) -> list[int]:
    """Bits of each tile on the way down, from the root."""
    first = (bits - 1) % _WIDTH + 1
    return [first] + [_WIDTH] * ((bits - first) // _WIDTH)


class Step(NamedTuple):
    """One tile of a walk: how long it must be, and which of its hashes names what comes next."""

    length: int
    slot: int


def walk(index: int, bits: int) -> list[Step]:
    """The tiles from the root to shard ``index``."""
    steps, left = [], bits
    for width in widths(bits):
        left -= width
        steps.append(Step(HASH << width, index >> left & (1 << width) - 1))
    return steps


def check_tile(tile: bytes, name: bytes, length: int) -> None:
    """Refuse a ``tile`` that is not the one of this name and length.

    Raises:
        RefusalError: ``object``.
    """
    if len(tile) != length or tile_hash(tile) != name:
        raise RefusalError("object", f"tile {name.hex()[:12]}")


def hash_at(tile: bytes, slot: int) -> bytes:
    """What ``tile`` names in a slot: another tile, or a shard."""
    return tile[HASH * slot : HASH * (slot + 1)]


def build(bits: int, shards: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Every object (name, bytes) of the tree over all ``shards`` in order; the root is the name of the last one.

    Memory: 32 bytes a shard.
    """
    level = bytearray()
    for data in shards:
        name = leaf_hash(data)
        level += name
        yield name, data
    if len(level) != HASH << bits:
        raise ValueError(f"{len(level) // HASH:,} shards are not 2^{bits}")
    for width in reversed(widths(bits)):
        above = bytearray()
        for at in range(0, len(level), HASH << width):
            tile = bytes(level[at : at + (HASH << width)])
            name = tile_hash(tile)
            above += name
            yield name, tile
        level = above


def update(get: Callable[[bytes], bytes], bits: int, root: bytes, shards: Mapping[int, bytes]) -> Tree:
    """The tree under ``root`` with the shards at these indices replaced; ``get`` gives an object of it by its name.

    Raises:
        RefusalError: ``object``, where ``get`` gives another one.
    """
    objects: list[tuple[bytes, bytes]] = []
    gone: list[bytes] = []
    layers = widths(bits)

    def renew(depth: int, left: int, name: bytes, indices: list[int]) -> bytes:
        if depth == len(layers):
            data = shards[indices[0]]
            made = leaf_hash(data)
        else:
            before = get(name)
            check_tile(before, name, HASH << layers[depth])
            tile, left = bytearray(before), left - layers[depth]
            slots: dict[int, list[int]] = {}
            for index in indices:
                slots.setdefault(index >> left & (1 << layers[depth]) - 1, []).append(index)
            for slot, below in slots.items():
                place = slice(HASH * slot, HASH * (slot + 1))
                tile[place] = renew(depth + 1, left, bytes(tile[place]), below)
            data = bytes(tile)
            made = tile_hash(data)
        if made != name:
            objects.append((made, data))
            gone.append(name)
        return made

    root = renew(0, bits, root, sorted(shards)) if shards else root
    return Tree(root=root, objects=tuple(objects), gone=tuple(gone))
