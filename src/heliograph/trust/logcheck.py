"""What an auditor demands of a mirror's release log, step by step; and the log read back as a whole.

Generators like ``reader``: they yield what they want fetched. Rule 1: the checkpoint is signed by the key that the
policy names, and goes on from the one that was seen before. Rule 2: every entry since then is read, and is the head of
the release that its place says; releases from before the log began are empty entries, and only the first ones may be.
Rule 3: the head that is shown is the one in the log. What is not so has the code ``log``; what did not come whole,
``unavailable``.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field

from heliograph.model import paths
from heliograph.model.release import Ask, Got
from heliograph.trust import log, note
from heliograph.trust.head import read_head
from heliograph.trust.log import Edge, Grower, Tile
from heliograph.trust.note import Checkpoint, LogPolicy
from heliograph.trust.refusal import RefusalError

MAX_NEW = 1 << 22  # entries that are read in one run: with 500 releases a day, those of twenty years


def look(policy: LogPolicy, head: bytes, before: bytes, mirror: int = 0) -> Generator[Ask, Got, bytes]:
    """Check the log on ``mirror`` against the exact ``head`` that it shows, and against the checkpoint seen ``before``,
    b"" if none; the checkpoint that it shows.

    A checkpoint of another log than ``policy`` names says nothing: a log that was lost began anew.

    Raises:
        RefusalError: ``log`` or ``unavailable``.
    """
    data, point = yield from checkpoint(policy, mirror)
    release = read_head(head).release
    if point.size < release:
        raise RefusalError("log", f"release {release} is not in the log, which has {point.size:,} entries")
    seen = _seen(before, policy)
    since = seen.size if seen else 0
    edge = Edge()
    if seen is not None and since:
        edge = yield from _edge(seen, point, mirror)
    logged: list[bytes] = []

    def keep(index: int, entry: bytes) -> None:
        if index == release - 1:
            logged.append(entry)

    edge = yield from _replayed(edge, point.size, mirror, keep, begun=since > 0)
    if edge.root != point.root:
        raise RefusalError("log", f"its {point.size:,} entries are not those that were signed")
    if not logged:
        logged.append((yield from entry_at(release - 1, point, mirror)))
    _is_logged(head, release, logged[0])
    return data


def checkpoint(policy: LogPolicy, mirror: int = 0) -> Generator[Ask, Got, tuple[bytes, Checkpoint]]:
    """The checkpoint of ``mirror``: its bytes, and what they say.

    Raises:
        RefusalError: ``log`` or ``unavailable``.
    """
    data = yield from _fetched(paths.CHECKPOINT, note.MAX_CHECKPOINT, mirror)
    return data, note.read_checkpoint(data, policy)


def follows(older: Checkpoint, newer: Checkpoint, mirror: int = 0) -> Generator[Ask, Got, None]:
    """Demand that the log at ``older`` begins that at ``newer``, which ``mirror`` shows.

    Raises:
        RefusalError: ``log`` or ``unavailable``.
    """
    assert older.size <= newer.size
    if not older.size:
        return
    spans = log.consistency(older.size, newer.size) if older.size < newer.size else []
    held = yield from _tiles(log.tiles_of(spans, newer.size), mirror)
    proof = [log.hash_of(span, newer.size, held.__getitem__) for span in spans]
    if not log.proves_consistency(older.size, older.root, newer.size, newer.root, proof):
        raise RefusalError("log", f"the log of {newer.size:,} entries does not go on from that of {older.size:,}")


def entry_at(index: int, point: Checkpoint, mirror: int = 0) -> Generator[Ask, Got, bytes]:
    """An entry of the log at ``point``, which ``mirror`` shows, proven to be in it.

    Raises:
        RefusalError: ``log`` or ``unavailable``.
    """
    tile = log.bundle_of(index, point.size)
    entry = log.entries_in((yield from _fetched(tile.name, tile.limit, mirror)), tile)[index % log.WIDTH]
    spans = log.inclusion(index, point.size)
    held = yield from _tiles(log.tiles_of(spans, point.size), mirror)
    proof = [log.hash_of(span, point.size, held.__getitem__) for span in spans]
    if not log.proves_inclusion(entry, index, point.size, point.root, proof):
        raise RefusalError("log", f"entry {index:,} is not the one that was signed")
    return entry


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """A log read back: its right edge, and all of its files but the checkpoint by name."""

    edge: Edge
    files: dict[str, bytes] = field(repr=False)


def read_back(point: Checkpoint, mirror: int = 0) -> Generator[Ask, Got, Whole]:
    """The whole log at ``point``, made again from its entries.

    Raises:
        RefusalError: ``log`` or ``unavailable``.
    """
    entries: list[bytes] = []
    yield from _replayed(Edge(), point.size, mirror, lambda _, entry: entries.append(entry), begun=False)
    growth = log.grown(Edge(), entries)
    if growth.edge.root != point.root:
        raise RefusalError("log", f"its {point.size:,} entries are not those that were signed")
    return Whole(edge=growth.edge, files=growth.files)


# ---------------------------------------------------------------- steps


def _seen(before: bytes, policy: LogPolicy) -> Checkpoint | None:
    """What was seen of the log that ``policy`` names; witnesses were counted when it was seen."""
    try:
        return note.read_checkpoint(before, LogPolicy(origin=policy.origin, key=policy.key)) if before else None
    except RefusalError:
        return None


def _edge(seen: Checkpoint, point: Checkpoint, mirror: int) -> Generator[Ask, Got, Edge]:
    """The right edge of what was seen, from the tiles of now."""
    if point.size < seen.size:
        raise RefusalError("log", f"the log has {point.size:,} entries, and {seen.size:,} were seen before")
    if point.size == seen.size and point.root != seen.root:
        raise RefusalError("log", f"the {seen.size:,} entries of the log are not those that were seen before")
    held = yield from _tiles(log.edge_tiles(seen.size, point.size), mirror)
    edge = log.edge_at(seen.size, point.size, held.__getitem__)
    if edge.root != seen.root:
        raise RefusalError("log", f"the first {seen.size:,} entries of the log are not those that were seen before")
    return edge


def _replayed(
    edge: Edge, size: int, mirror: int, each: Callable[[int, bytes], None], *, begun: bool
) -> Generator[Ask, Got, Edge]:
    """The log at ``edge`` with the entries that ``mirror`` has after it, up to ``size``; ``each`` hears of them."""
    if size - edge.size > MAX_NEW:
        raise RefusalError("log", f"the log has {size - edge.size:,} new entries; at most {MAX_NEW:,} are read")
    grower = Grower(edge)
    while grower.size < size:
        tile = log.bundle_of(grower.size, size)
        entries = log.entries_in((yield from _fetched(tile.name, tile.limit, mirror)), tile)
        for entry in entries[grower.size % log.WIDTH :]:
            begun = _check_number(entry, grower.size, begun=begun)
            each(grower.size, entry)
            grower.add(entry)
    return grower.edge()


def _check_number(entry: bytes, index: int, *, begun: bool) -> bool:
    """Whether the log has begun with this entry or before it."""
    if not entry and not begun:
        return False
    try:
        number = read_head(entry).release
    except RefusalError as refusal:
        raise RefusalError("log", f"entry {index:,} of the log is no head of a release") from refusal
    if number != index + 1:
        raise RefusalError("log", f"entry {index:,} of the log is the head of release {number:,}")
    return True


def _is_logged(head: bytes, release: int, entry: bytes) -> None:
    if not entry:
        raise RefusalError("log", f"release {release} is not in the log")
    _check_number(entry, release - 1, begun=True)
    if entry != head:
        raise RefusalError("log", f"there are two heads of release {release}: one in the log, another one is shown")


# ---------------------------------------------------------------- fetching


def _tiles(tiles: Iterable[Tile], mirror: int) -> Generator[Ask, Got, dict[Tile, bytes]]:
    """Tiles of their exact lengths."""
    found: dict[Tile, bytes] = {}
    for tile in tiles:
        data = yield from _fetched(tile.name, tile.limit, mirror)
        if len(data) != tile.limit:
            raise RefusalError("log", f"{tile.name} has {len(data):,} bytes, not {tile.limit:,}")
        found[tile] = data
    return found


def _fetched(name: str, limit: int, mirror: int) -> Generator[Ask, Got, bytes]:
    got = yield Ask(mirror=mirror, name=name, limit=limit)
    if got.fate == "long":
        raise RefusalError("log", f"{name} has more than {limit:,} bytes")
    if got.fate == "missing":
        raise RefusalError("log", f"there is no {name}")
    if got.fate != "whole":
        raise RefusalError("unavailable", name)
    return got.data
