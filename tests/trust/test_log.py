"""The release log's tree: what it is at every size, what it costs to extend, and what its proofs are worth."""

from __future__ import annotations

import random
from functools import cache
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.model import paths
from heliograph.trust import log
from heliograph.trust.edition_map import leaf_hash
from heliograph.trust.log import ENTRIES, WIDTH, Edge, Span, Tile
from heliograph.trust.refusal import RefusalError

MOST = 600
EMPTY = sha256(b"").digest()


def entry(index: int) -> bytes:
    return b"entry %d" % index


@cache
def tree(low: int, high: int) -> bytes:
    """RFC 6962, section 2.1, word for word."""
    if high - low == 1:
        return sha256(b"\0" + entry(low)).digest()
    width = 1
    while 2 * width < high - low:
        width *= 2
    return sha256(b"\1" + tree(low, low + width) + tree(low + width, high)).digest()


@cache
def grown() -> tuple[list[Edge], dict[str, bytes]]:
    """A log that was extended one entry at a time: its edge at every size, and every file it ever had."""
    edges, files = [Edge()], dict[str, bytes]()
    for index in range(MOST):
        growth = log.grown(edges[-1], [entry(index)])
        assert not {name for name, data in growth.files.items() if files.get(name, data) != data}  # names never change
        edges.append(growth.edge)
        files |= growth.files
    return edges, files


def read(tile: Tile) -> bytes:
    data = grown()[1][tile.name]
    assert len(data) == tile.limit or tile.level == ENTRIES
    return data


def others(size: int) -> list[int]:
    """Some numbers below ``size``, those at the edges among them."""
    chance = random.Random(size)
    return sorted({0, size - 1, size // 2, max(0, size - 2), *(chance.randrange(size) for _ in range(2))})


# ---------------------------------------------------------------- growing


def test_the_root_of_every_size_is_the_one_of_the_rfc() -> None:
    edges, _ = grown()
    assert edges[0].root == EMPTY
    assert [edge.root for edge in edges[1:]] == [tree(0, size) for size in range(1, MOST + 1)]


@pytest.mark.parametrize("cut", [0, 1, 255, 256, 257, 300, 512])
def test_many_entries_at_once_are_the_same_as_one_by_one(cut: int) -> None:
    edges, files = grown()
    growth = log.grown(edges[cut], [entry(index) for index in range(cut, MOST)])
    assert growth.edge == edges[MOST]
    assert {name: files[name] for name in growth.files} == growth.files


def test_every_size_has_its_tiles_and_bundles_and_what_is_full_takes_the_place_of_what_is_not() -> None:
    _, files = grown()
    ended = set(log.grown(Edge(), [entry(index) for index in range(MOST)]).ended)
    for size in range(1, MOST + 1):
        for tile in log.names(size):
            data = files[tile.name]
            assert paths.is_reserved(tile.name)
            assert paths.is_immutable(tile.name)
            if tile.level == ENTRIES:
                first = WIDTH * tile.at
                assert log.entries_in(data, tile) == [entry(index) for index in range(first, first + tile.width)]
            assert (tile.name in ended) == (tile.width < WIDTH and tile.at < MOST // WIDTH and tile.level < 1)


def test_a_name_is_spelt_in_groups_of_three() -> None:
    assert Tile(0, 0, 256).name == "log/tile/0/000"
    assert Tile(2, 1234067, 256).name == "log/tile/2/x001/x234/067"
    assert Tile(ENTRIES, 273, 112).name == "log/tile/entries/273.p/112"
    assert Tile(0, 1000, 1).name == "log/tile/0/x001/000.p/1"


def test_a_log_of_seventy_thousand_has_the_tiles_of_the_specification() -> None:
    found = log.names(70_000)
    assert len(found) == 2 * 274 + 2 + 1
    assert {tile for tile in found if tile.width < WIDTH} == {
        Tile(ENTRIES, 273, 112), Tile(0, 273, 112), Tile(1, 1, 17), Tile(2, 0, 1),
    }  # fmt: skip


def test_one_entry_more_costs_what_a_right_edge_does_however_long_the_log_is() -> None:
    edge = Edge(size=70_000, rows=(bytes(32 * 112), bytes(32 * 17), bytes(32)), entries=(b"x",) * 112)
    growth = log.grown(edge, [b"y"])
    assert [len(data) for data in growth.files.values()] == [113 * 3, 113 * 32, 17 * 32, 32]
    assert growth.ended == ()


# ---------------------------------------------------------------- proofs


def test_every_entry_is_proven_at_every_size_and_nothing_else_is() -> None:
    edges, _ = grown()
    for size in range(1, MOST + 1):
        root = edges[size].root
        for index in others(size):
            spans = log.inclusion(index, size)
            proof = [log.hash_of(span, size, read) for span in spans]
            assert proof == [tree(*span) for span in spans]
            assert log.proves_inclusion(entry(index), index, size, root, proof)
            assert not log.proves_inclusion(entry(index + 1), index, size, root, proof)
            assert not log.proves_inclusion(entry(index), index, size, root, [*proof, root])
            assert not (proof and log.proves_inclusion(entry(index), index, size, root, proof[:-1]))
            assert not log.proves_inclusion(entry(index), index + 1, size, root, proof)
        assert not log.proves_inclusion(entry(0), size, size, root, [])


def test_every_size_is_proven_to_begin_every_later_one_and_no_other_log_is() -> None:
    edges, _ = grown()
    for new in range(1, MOST + 1):
        root = edges[new].root
        for old in {one + 1 for one in others(new)}:
            spans = log.consistency(old, new)
            proof = [log.hash_of(span, new, read) for span in spans]
            assert proof == [tree(*span) for span in spans]
            assert log.proves_consistency(old, edges[old].root, new, root, proof)
            assert not log.proves_consistency(old, EMPTY, new, root, proof)
            assert not log.proves_consistency(old, edges[old].root, new, EMPTY, proof)
            assert not log.proves_consistency(old, edges[old].root, new, root, [*proof, EMPTY])
            assert not (proof and log.proves_consistency(old, edges[old].root, new, root, proof[:-1]))
            assert log.root_at(old, new, read) == edges[old].root
        assert not log.proves_consistency(0, EMPTY, new, root, [])
        assert not log.proves_consistency(new + 1, root, new, root, [])


def test_the_right_edge_of_an_earlier_size_is_found_in_the_tiles_of_a_later_one() -> None:
    edges, _ = grown()
    for old in (1, 2, 255, 256, 257, 511, 512, 513, 599):
        for new in {old, old + 1, min(MOST, old + 256), MOST}:
            if new <= MOST:
                found = log.edge_at(old, new, read)
                assert (found.size, found.root) == (old, edges[old].root)
    assert log.edge_at(0, 5, read) == Edge()
    assert log.root_at(0, 5, read) == EMPTY


@given(st.integers(1, 2**40), st.data())
def test_proofs_of_huge_logs_ask_for_few_tiles_with_names_of_the_format(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    tiles = log.tiles_of(log.inclusion(index, size), size)
    tiles += log.tiles_of(log.consistency(index + 1, size), size)
    tiles += log.edge_tiles(index + 1, size)
    assert len(log.tiles_of(log.inclusion(index, size), size)) <= 2 * (size.bit_length() // 8 + 1)
    for tile in tiles:
        assert 1 <= tile.width <= WIDTH
        assert paths.is_reserved(tile.name), tile.name


def test_spans_are_parts_of_the_tree() -> None:
    assert log.inclusion(0, 1) == []
    assert log.inclusion(2, 7) == [Span(3, 4), Span(0, 2), Span(4, 7)]
    assert log.consistency(3, 7) == [Span(2, 3), Span(3, 4), Span(0, 2), Span(4, 7)]
    assert log.consistency(4, 7) == [Span(4, 7)]
    assert log.consistency(7, 7) == []
    assert log.hash_of(Span(0, 1), 1, read) == leaf_hash(entry(0))


# ---------------------------------------------------------------- bundles


@given(st.lists(st.binary(max_size=log.MAX_ENTRY), max_size=WIDTH))
def test_a_bundle_is_read_as_it_was_written(entries: list[bytes]) -> None:
    data = log.bundle(entries)
    assert len(data) <= log.MAX_BUNDLE
    assert log.entries_in(data, Tile(ENTRIES, 0, len(entries))) == entries


@given(st.binary(max_size=2_000), st.integers(1, WIDTH))
def test_any_bytes_are_a_bundle_or_refused(data: bytes, width: int) -> None:
    try:
        found = log.entries_in(data, Tile(ENTRIES, 0, width))
    except RefusalError:
        return
    assert log.bundle(found) == data
    assert len(found) == width


@pytest.mark.parametrize("data", [b"\0", b"\0\1", b"\2\1" + bytes(513), b"\0\1x\0", b"\0\0\0\0", b""])
def test_a_bundle_that_is_cut_or_has_too_much_is_refused(data: bytes) -> None:
    with pytest.raises(RefusalError, match="log"):
        log.entries_in(data, Tile(ENTRIES, 0, 1))
