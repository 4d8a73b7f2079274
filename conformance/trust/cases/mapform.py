"""M: the edition map, its tiles and shards, the head, the list of fresh pages."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import sha256

from conformance.trust import site
from conformance.trust.bases import Base, base, with_head, with_map
from conformance.trust.case import Case, audit, read, refused, served, verified
from conformance.trust.papers import Change
from conformance.trust.site import FILLER, HASH, Map

PAGE = site.PLAIN
DEEP_PAGE = "a/003.html"
_FRESH_PAGE = "index.html"


def cases() -> list[Case]:
    """All of the group."""
    return [*_objects(), *_shards(), *_heads(), *_fresh(), *_rebuilt()]


# ---------------------------------------------------------------- objects


def _objects() -> list[Case]:
    r2, deep = base("r2"), base("deep")
    top, lower = _top(r2), _lower(deep)
    shard = site.object_name(site.leaf(_shard(r2)))
    tile, low = r2.files[top], deep.files[lower]
    swapped = tile[HASH : 2 * HASH] + tile[:HASH] + tile[2 * HASH :]
    return [
        _object("M01", "top tile: one bit", top, _flip(tile, 40)),
        read("M02", "lower tile: one bit", served("deep", {lower: _flip(low, 40)}), DEEP_PAGE, refused("object")),
        _object("M03-cut", "tile cut", top, tile[:-HASH]),
        _object("M03-longer", "tile longer", top, tile + b"\0"),
        _object("M04", "two children swapped", top, swapped),
        _object("M05", "shard: one bit", shard, _flip(_shard(r2), 20)),
        read("M17", "a map of two levels", served("deep"), DEEP_PAGE, verified("deep", DEEP_PAGE)),
        audit("M17-audit", "a map of two levels", served("deep"), verified("deep")),
        *(audit(f"M17-{name}", f"audit of {name}", served(name), verified(name)) for name in ("r1", "r2", "r3")),
    ]


def _object(number: str, what: str, name: str, data: bytes) -> Case:
    return read(number, what, served("r2", {name: data}), PAGE, refused("object"))


# ---------------------------------------------------------------- validly signed, against the rules of the map


def _shards() -> list[Case]:
    r2 = base("r2")
    rows = site.rows_of(_shard(r2))
    other = site.rows_of(r2.map.shards[_index() - 1])[0]
    twice = rows[0][: site.KEY] + bytes(HASH) + rows[0][-4:]
    assert len(rows) % 6
    return [
        _signed("M06", "records out of order", site.shard(rows[::-1])),
        _signed("M07", "a key twice", site.shard(sorted([*rows, twice]))),
        _signed("M08", "a record in the wrong shard", site.shard(sorted([*rows, other]))),
        _signed("M09-inside", "filler between records", site.shard([rows[0], FILLER, *rows[1:]])),
        _signed("M09-length", "a shard that is not filled up", b"".join(rows)),
        _signed("M09-more", "more filler than is needed", site.shard(rows) + FILLER * 6),
        _signed("M09-none", "an empty shard without filler", b""),
    ]


def _signed(number: str, what: str, data: bytes) -> Case:
    files = with_map(base("r2"), _replaced(base("r2").map, data))
    return read(number, what, served("r2", files), PAGE, refused("map"))


def _heads() -> list[Case]:
    r2 = base("r2")
    head = r2.papers.head
    lines = head.splitlines(keepends=True)
    broken = {
        "crlf": ("lines end in CR LF", head.replace(b"\n", b"\r\n")),
        "extra": ("a further line", head + b"comment none\n"),
        "double": ("a line twice", b"".join([*lines[:2], lines[1], *lines[2:]])),
        "missing": ("a line missing", b"".join(lines[:-1])),
        "zero": ("a number with a zero before it", head.replace(b"release 2", b"release 02")),
        "end": ("no LF at the end", head[:-1]),
    }
    lengths = {"longer": 5_200, "broken": 53}
    return [
        *(_map_case(f"M10-{bits}", f"m = {bits}", shards=bits) for bits in (0, 25, 40)),
        *(_head_case(f"M11-{name}", what, data) for name, (what, data) in broken.items()),
        _head_case("M12", "a newer format", head.replace(b"edition/1", b"edition/2"), "format"),
        *(_map_case(f"M15-{name}", f"fresh-len {length}", fresh_len=length) for name, length in lengths.items()),
        *(
            audit(
                f"M16-{name}",
                f"entries {name} by one",
                served("r2", with_map(r2, r2.map, entries=r2.map.entries + off)),
                refused("map"),
            )
            for name, off in (("over", 1), ("under", -1))
        ),
    ]


def _map_case(number: str, what: str, **lines: int) -> Case:
    files = with_map(base("r2"), base("r2").map, **lines)
    return read(number, what, served("r2", files), PAGE, refused("head"))


def _head_case(number: str, what: str, head: bytes, code: str = "head") -> Case:
    return read(number, what, served("r2", with_head(base("r2"), head).files()), PAGE, refused(code))


def _fresh() -> list[Case]:
    """The page that is asked for is in the list, and the list is wrong about it."""
    r2 = base("r2")
    fresh, row = r2.map.fresh, site.record(_FRESH_PAGE, r2.pages[_FRESH_PAGE])
    wrong = _flip(fresh, fresh.index(row) + site.KEY)
    name = site.object_name(sha256(fresh).digest())
    flipped = served("r2", {name: wrong})
    stranger = site.record("a/none.html", b"none")
    signed = {
        "M14": ("the fresh list differs from the map", wrong),
        "M14-more": ("the fresh list has a page more", b"".join(sorted([*site.rows_of(fresh), stranger]))),
        "M14-order": ("the fresh list is out of order", b"".join(site.rows_of(wrong)[::-1])),
    }
    lists = {number: served("r2", with_map(r2, replace(r2.map, fresh=data))) for number, (_, data) in signed.items()}
    return [
        read("M13", "fresh list: one bit", flipped, _FRESH_PAGE, verified("r2", _FRESH_PAGE)),
        audit("M13-audit", "fresh list: one bit", flipped, refused("fresh")),
        *(audit(number, what, lists[number], refused("fresh")) for number, (what, _) in signed.items()),
        read(
            "M14-order-read",
            "the fresh list is out of order, so that the map decides",
            lists["M14-order"],
            _FRESH_PAGE,
            verified("r2", _FRESH_PAGE),
        ),
    ]


# ---------------------------------------------------------------- a page replaced with all that leads to it


def _rebuilt() -> list[Case]:
    r2 = base("r2")
    forged = r2.pages[PAGE].replace(b"<p>", b"<i>")
    rows = [row for row in site.rows_of(_shard(r2)) if row[: site.KEY] != site.record(PAGE, b"")[: site.KEY]]
    shard = site.shard(sorted([*rows, site.record(PAGE, forged)]))
    other = _replaced(r2.map, shard)
    page = {PAGE: forged, site.object_name(site.leaf(shard)): shard}
    tile = other.objects()[site.object_name(other.root)]
    about = with_head(r2, other.head(2, r2.papers.head.splitlines()[2].split()[1].decode()))
    all_of_it = {**page, **other.objects()}
    edition = r2.papers.ring.edition
    marks = json.loads(r2.papers.signed()["edition"])["signatures"]
    return [
        read(
            "M18",
            "page, shard and tiles rebuilt under the same root",
            served("r2", {**page, _top(r2): tile}),
            PAGE,
            refused("object"),
        ),
        read(
            "M19",
            "as M18, head and edition rebuilt, the signatures are the old ones",
            served("r2", {**all_of_it, **about.files({"edition": Change(marks=lambda _: marks)})}),
            PAGE,
            refused("signature"),
        ),
        read(
            "M20",
            "as M19, signed by one of two",
            served("r2", {**all_of_it, **about.files({"edition": Change(pens=edition.signers[:1])})}),
            PAGE,
            refused("signature"),
        ),
    ]


# ---------------------------------------------------------------- where things lie


def _index() -> int:
    return site.index_of_path(PAGE, 3)


def _shard(of: Base) -> bytes:
    return of.map.shards[_index()]


def _replaced(of: Map, data: bytes) -> Map:
    """The map with another shard where PAGE belongs."""
    index = _index()
    return replace(of, shards=(*of.shards[:index], data, *of.shards[index + 1 :]))


def _top(of: Base) -> str:
    return site.object_name(of.map.root)


def _lower(of: Base) -> str:
    """The lower tile on the way to DEEP_PAGE: the top one has two hashes."""
    half = site.index_of_path(DEEP_PAGE, 5) >> 4
    return site.object_name(of.files[_top(of)][HASH * half : HASH * (half + 1)])


def _flip(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
