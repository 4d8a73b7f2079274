"""L and S: files without end, hosts without haste, and a reader's own state damaged."""

from __future__ import annotations

from conformance.trust import site
from conformance.trust.bases import HOUR, base
from conformance.trust.case import Case, Earlier, audit, read, refused, served, verified
from conformance.trust.cases.roots import raised

PAGE = site.PLAIN
_HUGE, _VAST = 50_000_000, 5_000_000_000  # bytes
_POINTER, _TIMESTAMP = "now", "tuf/timestamp.json"


def cases() -> list[Case]:
    """All of both groups."""
    return [*_sizes(), *_connections(), *_states()]


def _sizes() -> list[Case]:
    r2 = base("r2")
    tile = site.object_name(r2.map.root)
    shard = site.object_name(site.leaf(r2.map.shards[site.index_of_path(PAGE, 3)]))
    pointer = served("r2", http={_POINTER: {"size": _HUGE}})
    return [
        read(
            "L01",
            "timestamp of 50 MB",
            served("r2", {_POINTER: None}, http={_TIMESTAMP: {"size": _HUGE}}),
            PAGE,
            refused("too-long"),
        ),
        read("L02", "now of 50 MB, single files good", pointer, PAGE, verified("r2", PAGE)),
        audit("L02-audit", "now of 50 MB, single files good", pointer, refused("too-long")),
        read("L03-tile", "tile of 50 MB", served("r2", http={tile: {"size": _HUGE}}), PAGE, refused("too-long")),
        read("L03-shard", "shard of 50 MB", served("r2", http={shard: {"size": _HUGE}}), PAGE, refused("too-long")),
        read(
            "L06", "page of 5 GB, which it admits", served("r2", http={PAGE: {"size": _VAST}}), PAGE, refused("length")
        ),
    ]


def _connections() -> list[Case]:
    return [
        read("L04", "a byte each 5 seconds", served("r2", http={PAGE: {"pause": 5}}), PAGE, refused("unavailable")),
        read(
            "L04-metadata",
            "metadata, a byte each 5 seconds",
            served("r2", {_POINTER: None}, http={_TIMESTAMP: {"pause": 5}}),
            PAGE,
            refused("unavailable"),
        ),
        read("L05", "closed in the body", served("r2", http={PAGE: {"cut": 500}}), PAGE, refused("unavailable")),
        read(
            "L05-metadata",
            "metadata closed in the body",
            served("r2", {_POINTER: None}, http={_TIMESTAMP: {"cut": 200}}),
            PAGE,
            refused("unavailable"),
        ),
    ]


def _states() -> list[Case]:
    r2 = base("r2")
    first = Earlier(now=r2.time + HOUR / 6, mirror=served("r2"))
    poisoned = Earlier(now=r2.time + HOUR / 6, mirror=served("r2", raised().files()))
    # a day later root 2 is found and stored, and then the line is cut
    torn = Earlier(now=r2.time + 25 * HOUR, mirror=served("r3", {_POINTER: None, _TIMESTAMP: None}))
    later = r2.time + 26 * HOUR
    return [
        read(
            "S01",
            "state cut off, so that the older release is not known to be old",
            served("r1"),
            PAGE,
            verified("r1", PAGE),
            state="after:r2",
            cut=True,
        ),
        read(
            "S02",
            "killed between the new root and the rest",
            served("r3"),
            PAGE,
            verified("r3", PAGE),
            now=later,
            state="after:r2",
            before=(first, torn),
        ),
        read(
            "S02-raised",
            "the same after a thief had raised the versions",
            served("r3"),
            PAGE,
            verified("r3", PAGE),
            now=later,
            state="after:r2",
            before=(poisoned, torn),
        ),
    ]
