"""The edition map: the vectors of the specification, its rules, and that an update is a rebuild for less work."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256

import pytest
from conformance.trust import site
from conformance.trust.bases import NAMES, base
from hypothesis import given
from hypothesis import strategies as st

from heliograph.model import paths
from heliograph.render import encode
from heliograph.trust import edition_map
from heliograph.trust.edition_map import EMPTY_SHARD, KEY, MAX_SHARD, STEP, Entry, ShardError
from heliograph.trust.head import RECORD
from heliograph.trust.refusal import RefusalError

PAGES = {
    path: encode.padded(path, f"<p>{number}".encode())
    for number, path in enumerate(("index.html", "a/x.html", "a/y.html"), 1)
}


def row(path: str, data: bytes) -> bytes:
    return edition_map.record(paths.key_of(path), Entry(sha256(data).digest(), len(data)))


def shards_of(rows: Iterable[bytes], bits: int) -> list[bytes]:
    parts: list[list[bytes]] = [[] for _ in range(1 << bits)]
    for one in rows:
        parts[edition_map.index_of(one, bits)].append(one)
    return [edition_map.shard(part) for part in parts]


def some_rows(count: int, seed: int = 0) -> list[bytes]:
    chance = random.Random(seed)
    return [edition_map.record(chance.randbytes(16), Entry(chance.randbytes(32), 1024)) for _ in range(count)]


def code_of(data: bytes, index: int = 0, bits: int = 1) -> str:
    with pytest.raises(RefusalError) as caught:
        edition_map.records_in(data, index, bits)
    return caught.value.code


# ---------------------------------------------------------------- vectors


def test_the_files_of_the_vectors() -> None:
    assert {len(data) for data in PAGES.values()} == {1024}
    digest = sha256(PAGES["index.html"])
    assert digest.hexdigest() == "9ea4603e6425a01887a90ebe5e20b67638b1f7e470280788976de6558e7a94f9"
    assert paths.key_of("index.html").hex() == "0eb547304658805aad788d320f10bf1f"
    assert encode.pad_bytes(digest.digest(), 8).hex() == "6eb3249a4c026522"


def test_the_tree_of_the_vectors() -> None:
    shards = shards_of((row(*page) for page in PAGES.items()), 1)
    objects = list(edition_map.build(1, shards))
    assert [name.hex() for name, _ in objects] == [
        "8de5a89ed7d81e837e39fc95a9c5aad2d77147b3fcfba055c9deceaf565f6bcf",
        "1ace523b17f3b75dc07c4cbf86138c20f8ce1e40c875329378109a9e327f6660",
        "d611fa3eae19412dd22170c92345c79128222f4e999714c302a72767a00f6c88",
    ]
    assert len(objects[2][1]) == 64
    assert paths.object_name(objects[2][0].hex()).startswith("o/d6/11fa3e")
    empty = edition_map.leaf_hash(EMPTY_SHARD)
    assert empty.hex() == "c4539394a9287ccc01b46cd32efa8aca68aa1a78f028918fab16386cecdf05f0"
    fresh = b"".join(sorted(row(path, PAGES[path]) for path in ("index.html", "a/x.html")))
    assert sha256(fresh).hexdigest() == "26774544b6fd3445699392e6fb8792427a978efbc69c16c9c77649aa98d7a06e"


@pytest.mark.parametrize("name", NAMES)
def test_a_map_that_was_built_by_other_code_is_the_same(name: str) -> None:
    of = base(name)
    shards = shards_of((row(*page) for page in of.pages.items()), of.map.bits)
    assert tuple(shards) == of.map.shards
    found = {paths.object_name(key.hex()): data for key, data in edition_map.build(of.map.bits, shards)}
    assert found.items() <= of.map.objects().items()
    assert list(edition_map.build(of.map.bits, shards))[-1][0] == of.map.root


# ---------------------------------------------------------------- how many shards


@given(st.integers(0, 10**9))
def test_the_number_of_shards_is_the_rounded_logarithm(entries: int) -> None:
    ideal = round(math.log2(entries / 5)) if entries else 1
    assert edition_map.bits_for(entries) == min(max(ideal, 1), 24)


@given(st.integers(0, 10**8), st.integers(1, 24))
def test_the_number_of_shards_is_kept_while_it_fits(entries: int, before: int) -> None:
    fits = 2 <= entries / 2**before <= 12
    assert edition_map.bits_for(entries, before) == (before if fits else edition_map.bits_for(entries))


@given(st.integers(1, 24))
def test_tiles_cover_all_bits(bits: int) -> None:
    widths = edition_map.widths(bits)
    assert sum(widths) == bits
    assert set(widths[1:]) <= {4}
    assert widths[0] == (bits - 1) % 4 + 1


# ---------------------------------------------------------------- walks and updates


@given(st.integers(1, 9), st.integers(0, 40), st.integers(0, 1000))
def test_a_walk_from_the_root_ends_at_the_shard(bits: int, count: int, seed: int) -> None:
    shards = shards_of(some_rows(count, seed), bits)
    objects = dict(edition_map.build(bits, shards))
    root = list(edition_map.build(bits, shards))[-1][0]
    for index in {0, seed % (1 << bits), (1 << bits) - 1}:
        name = root
        for step in edition_map.walk(index, bits):
            edition_map.check_tile(objects[name], name, step.length)
            name = edition_map.hash_at(objects[name], step.slot)
        assert objects[name] == shards[index]


@given(st.integers(1, 9), st.integers(0, 60), st.lists(st.integers(0, 511), max_size=6), st.integers(0, 1000))
def test_an_update_is_a_rebuild(bits: int, count: int, touched: list[int], seed: int) -> None:
    before = shards_of(some_rows(count, seed), bits)
    objects = dict(edition_map.build(bits, before))
    root = list(edition_map.build(bits, before))[-1][0]
    after = list(before)
    other = shards_of(some_rows(count, seed + 1), bits)
    changed = {index % (1 << bits): other[index % (1 << bits)] for index in touched}
    for index, data in changed.items():
        after[index] = data
    read: list[bytes] = []
    tree = edition_map.update(_noting(objects, read), bits, root, changed)
    rebuilt = dict(edition_map.build(bits, after))
    assert tree.root == list(edition_map.build(bits, after))[-1][0]
    assert dict(tree.objects).items() <= rebuilt.items()
    assert rebuilt.keys() <= {*objects, *dict(tree.objects)}
    assert {name for name in objects if name not in rebuilt} <= set(tree.gone)
    assert len(read) <= len(changed) * len(edition_map.widths(bits))
    assert len(tree.objects) == len(tree.gone)


def _noting(objects: Mapping[bytes, bytes], read: list[bytes]) -> Callable[[bytes], bytes]:
    def get(name: bytes) -> bytes:
        read.append(name)
        return objects[name]

    return get


def test_a_tree_needs_all_its_shards() -> None:
    with pytest.raises(ValueError, match="3 shards"):
        list(edition_map.build(2, [EMPTY_SHARD] * 3))


@given(st.binary(max_size=600), st.integers(1, 4))
def test_any_other_tile_is_refused(data: bytes, width: int) -> None:
    with pytest.raises(RefusalError, match="object"):
        edition_map.check_tile(data, bytes(32), 32 << width)
    assert not edition_map.is_tile(data, bytes(32), width)


def test_a_tile_has_one_name_and_one_length() -> None:
    tile = bytes(range(128))
    name = edition_map.tile_hash(tile)
    assert edition_map.is_tile(tile, name, 2)
    assert not edition_map.is_tile(tile, name, 3)
    assert not edition_map.is_tile(tile[:64], name, 1)


# ---------------------------------------------------------------- shards


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=30, unique=True), st.integers(1, 3))
def test_a_shard_is_read_as_it_was_written(keys: list[bytes], bits: int) -> None:
    rows = [edition_map.record(key, Entry(bytes(32), 1)) for key in keys]
    rows = [one for one in rows if edition_map.index_of(one, bits) == 0]
    data = edition_map.shard(rows)
    assert len(data) % STEP == 0
    assert edition_map.records_in(data, 0, bits) == sorted(rows)
    for one in rows:
        assert edition_map.find(edition_map.records_in(data, 0, bits), one[:KEY]) == Entry(bytes(32), 1)


@given(st.binary(max_size=1000))
def test_any_bytes_are_no_shard(data: bytes) -> None:
    assert code_of(data) == "map"


def test_an_empty_shard_is_six_fillers_and_nothing_else() -> None:
    assert edition_map.shard([]) == EMPTY_SHARD == site.FILLER * 6
    assert edition_map.records_in(EMPTY_SHARD, 0, 1) == []
    assert code_of(b"") == code_of(EMPTY_SHARD * 2) == code_of(EMPTY_SHARD[RECORD:]) == "map"


def test_a_shard_that_breaks_a_rule_is_refused() -> None:
    rows = sorted(one for one in some_rows(12) if one[0] < 128)[:4]
    good = edition_map.shard(rows)
    assert edition_map.records_in(good, 0, 1) == rows
    assert code_of(b"".join(rows[::-1]) + good[len(rows) * RECORD :]) == "map"
    assert code_of(site.shard([*rows, rows[-1]])) == "map"
    assert code_of(site.shard([rows[0], site.FILLER, *rows[1:]])) == "map"
    assert code_of(good + EMPTY_SHARD) == "map"
    assert code_of(good, index=1) == "map"
    assert code_of(site.shard([rows[0][:-4] + bytes(4)])) == "map"
    assert code_of(site.shard([rows[0][:-4] + (67_108_865).to_bytes(4, "big")])) == "map"
    long = sorted(one for one in some_rows(600) if one[0] < 128)[:245]
    assert len(site.shard(long)) > MAX_SHARD
    assert code_of(site.shard(long)) == "map"


def test_a_shard_that_would_break_a_rule_is_not_made() -> None:
    rows = some_rows(241)
    assert len(edition_map.shard(rows[:240])) == MAX_SHARD
    with pytest.raises(ShardError):
        edition_map.shard(rows)
    with pytest.raises(ValueError, match="one key"):
        edition_map.shard([rows[0], rows[0][:KEY] + bytes(36)])


def test_a_record_may_have_the_key_of_a_filler() -> None:
    rows = [b"\xff" * KEY + bytes(32) + (1).to_bytes(4, "big")]
    assert edition_map.records_in(edition_map.shard(rows), 1, 1) == rows


def test_what_is_not_there_is_not_found() -> None:
    assert edition_map.find(some_rows(5), bytes(KEY)) is None
