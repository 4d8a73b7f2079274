"""edition -> signed release: the map of what changed, the head, the signatures; all of it staged and noted.

What a kill leaves behind: staged files that nothing names, which the next pass writes again. Only ``close`` makes the
release ours, in one transaction; mirrors hear of it after that.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from itertools import groupby, islice, repeat

from heliograph.flows import keyring, logbook
from heliograph.flows.damage import damage, mend
from heliograph.flows.logbook import Extended
from heliograph.model import Issue, SignError, StoreError, paths
from heliograph.model.ledger import Laid, Moved, Seal
from heliograph.ports import Outside
from heliograph.trust import edition_map, sign
from heliograph.trust.edition_map import Entry, ShardError
from heliograph.trust.head import Head, read_head, write_head
from heliograph.trust.refusal import RefusalError
from heliograph.trust.sign import Standing

FRESH = 48  # records of the fresh list
_BATCH = 500  # objects staged at once
_WHOLE = 4  # a quarter of all shards changed: the map is built anew, which reads nothing


def seal(outside: Outside, now: datetime, *, log: bool = False) -> Issue | None:
    """Sign what was rendered since the last release, or what is near its end; None where neither is due.

    With ``log`` a release goes into the release log that the policy names, before anything is signed for it.

    Raises:
        SignError: keys are missing or have expired, a change of keys is half done, this machine's clock went back, or
            the log has a gap.
        KeyFileError: a key cannot be read.
        StoreError: the stage cannot be written.
    """
    note = outside.journal.recall(keyring.STANDING)
    standing = keyring.standing(outside.keys, note)
    keyring.check_settled(standing)
    anew = keyring.must_build_anew(note)
    book = logbook.opened(outside.keys, outside.journal, on=log)
    behind = logbook.is_behind(book, standing.head)
    if not (outside.journal.pending() or anew or behind or sign.due(standing, now) or keyring.is_news(note, standing)):
        return None
    before = read_head(standing.head) if standing.head else None
    if before is not None and now < before.time:
        what = f"this machine's clock says {now:%Y-%m-%d %H:%M}, before release {before.release} was signed"
        raise SignError(what, remedy="set the clock; readers would take the release for an old one")
    moved = outside.journal.moved()
    entries = _entries(outside, moved, before, anew=anew)
    mapped = _mapped(outside, moved, before, entries, anew=anew) if moved or anew or before is None else None
    head = write_head(_head(outside, mapped, entries, now)) if mapped else standing.head
    signed = sign.release(standing, head, keyring.signers(outside.keys), now)
    logged = logbook.extended(logbook.promised(outside.journal, book, head)) if book else None
    files = sign.files(signed, now, keyring.roots(outside.keys))
    others = {**keyring.code(outside.keys, signed.targets), **(logged.files if logged else {})}
    issue, ended = outside.journal.close(
        now,
        Seal(
            release=read_head(head).release,
            standing=keyring.remembered(signed),
            pointer=sha256(files[paths.POINTER]).hexdigest(),
            entries=entries,
            written=sum(bool(one.digest) for one in moved),
            gone=sum(not one.digest for one in moved),
            objects=mapped.objects if mapped else (),
            left=mapped.left if mapped else (),
            anew=mapped.anew if mapped else False,
            copies=_copies(outside, moved),
            signed=_staged(outside, [*files.items(), *others.items()]) + _there(outside, logged),
            ended=(*_ended(standing, files, now), *(logged.ended if logged else ())),
            notes={logbook.NOTE: logged.text} if logged else {},
        ),
    )
    outside.stage.remove(ended)
    return issue


def _entries(outside: Outside, moved: Sequence[Moved], before: Head | None, *, anew: bool) -> int:
    """How many files are mapped now: counted from the last release, so that an archive of any size costs nothing."""
    if before is None or anew:
        return outside.journal.mapped()
    return before.entries + sum(one.fresh for one in moved) - sum(not one.digest for one in moved)


def _ended(standing: Standing, files: Mapping[str, bytes], now: datetime) -> list[str]:
    """Metadata of the last release that the next one, with ``files``, does not need."""
    return sorted(sign.files(standing, now).keys() - files.keys()) if standing.head else []


def _there(outside: Outside, logged: Extended | None) -> tuple[Laid, ...]:
    """Files of the log that the stage has and the journal does not know yet."""
    named = [(name, outside.stage.get(name)) for name in (logged.staged if logged else ())]
    return tuple(Laid(name=name, digest=sha256(data).hexdigest(), size=len(data)) for name, data in named)


def _head(outside: Outside, mapped: _Mapped, entries: int, now: datetime) -> Head:
    return Head(
        release=logbook.next_release(outside.journal),
        time=now,
        bits=mapped.bits,
        root=mapped.root,
        fresh=sha256(mapped.fresh).digest(),
        fresh_length=len(mapped.fresh),
        entries=entries,
    )


# ---------------------------------------------------------------- the map


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mapped:
    """The map after a change: what came into it, and what went unless it was built ``anew``."""

    bits: int
    root: bytes
    fresh: bytes
    objects: tuple[Laid, ...]
    left: tuple[str, ...]
    anew: bool


def _mapped(outside: Outside, moved: Sequence[Moved], before: Head | None, entries: int, *, anew: bool) -> _Mapped:
    """Bring the map up to date with ``moved``: along the ways to the shards that changed, or as a whole.

    It is built as a whole also where the stage has lost or damaged a part of it. A shard that would be too long, which
    chance does now and then, doubles their number.
    """
    bits = edition_map.bits_for(entries, before.bits if before else 0)
    if before is not None and bits == before.bits and not anew:
        touched = {edition_map.index_of(paths.key_of(one.path), bits) for one in moved}
        if len(touched) * _WHOLE <= 1 << bits:
            try:
                return _along(outside, before, sorted(touched))
            except ShardError:
                bits += 1
            except (StoreError, RefusalError):
                pass
    while True:
        try:
            return _anew(outside, bits)
        except ShardError:
            bits += 1


def _along(outside: Outside, before: Head, indices: Sequence[int]) -> _Mapped:
    """The map of ``before`` with these shards made anew."""
    bits = before.bits
    shards: dict[int, list[bytes]] = {index: [] for index in indices}
    for key, digest, size in outside.journal.records([_range(index, bits) for index in indices]):
        row = _record(key, digest, size)
        shards[edition_map.index_of(row, bits)].append(row)
    packed = {index: edition_map.shard(rows) for index, rows in shards.items()}
    tree = edition_map.update(lambda name: outside.stage.get(_name(name)), bits, before.root, packed)
    left = [_name(name) for name in tree.gone] + ([_name(before.fresh)] if before.fresh_length else [])
    return _finished(outside, bits, tree.root, _laid(outside, tree.objects), tuple(left))


def _anew(outside: Outside, bits: int) -> _Mapped:
    """The whole map, built from the journal."""
    root = b""

    def objects() -> Iterator[tuple[bytes, bytes]]:
        nonlocal root
        for name, data in edition_map.build(bits, _all_shards(outside, bits)):
            root = name
            yield name, data

    laid = _laid(outside, objects())
    return _finished(outside, bits, root, laid, None)


def _finished(
    outside: Outside, bits: int, root: bytes, objects: tuple[Laid, ...], left: tuple[str, ...] | None
) -> _Mapped:
    """The map with its list of fresh pages; ``left`` is None where it was built anew."""
    fresh = b"".join(sorted(_record(*row) for row in outside.journal.newest_files(FRESH)))
    more = _laid(outside, [(sha256(fresh).digest(), fresh)] if fresh else [])
    return _Mapped(bits=bits, root=root, fresh=fresh, objects=(*objects, *more), left=left or (), anew=left is None)


def _all_shards(outside: Outside, bits: int) -> Iterator[bytes]:
    """Every shard in order, a few thousand records in memory."""
    rows = (_record(*row) for row in outside.journal.records())
    index = 0
    for at, group in groupby(rows, key=lambda row: edition_map.index_of(row, bits)):
        yield from repeat(edition_map.EMPTY_SHARD, at - index)
        yield edition_map.shard(group)
        index = at + 1
    yield from repeat(edition_map.EMPTY_SHARD, (1 << bits) - index)


def _range(index: int, bits: int) -> tuple[str, str]:
    """The keys of a shard, first and last, as the journal writes them."""
    first = index << (128 - bits)
    return f"{first:032x}", f"{first + (1 << (128 - bits)) - 1:032x}"


def _record(key: str, digest: str, size: int) -> bytes:
    return edition_map.record(bytes.fromhex(key), Entry(bytes.fromhex(digest), size))


# ---------------------------------------------------------------- staging


def _laid(outside: Outside, objects: Iterable[tuple[bytes, bytes]]) -> tuple[Laid, ...]:
    """Stage objects of the map under their names."""
    found: list[Laid] = []
    rest = iter(objects)
    while batch := list(islice(rest, _BATCH)):
        found += _staged(outside, [(_name(name), data) for name, data in batch])
    return tuple(found)


def _staged(outside: Outside, files: Iterable[tuple[str, bytes]]) -> tuple[Laid, ...]:
    named = list(files)
    outside.stage.put(named)
    return tuple(Laid(name=name, digest=sha256(data).hexdigest(), size=len(data)) for name, data in named)


def _copies(outside: Outside, moved: Sequence[Moved]) -> tuple[tuple[str, tuple[Laid, ...]], ...]:
    """Content copies of pages whose bytes changed, so that a reader of the new release finds them before they are
    replaced everywhere; of pages that ended there is none any more."""
    copies: list[tuple[str, tuple[Laid, ...]]] = []
    latest = outside.journal.latest() if any(one.replaces for one in moved) else None
    made = {change.name: change.digest for change in outside.journal.changes(latest.serial)} if latest else {}
    for one in moved:
        if not one.digest:
            copies.append((one.path, ()))
        elif one.replaces:
            name = paths.object_name(one.digest)
            laid = outside.stage.copy([(one.path + suffix, name + suffix) for suffix in ("", ".br", ".gz")])
            _check_copies(outside, one.path, name, laid, made)
            copies.append((one.path, laid))
    return tuple(copies)


def _check_copies(outside: Outside, path: str, name: str, laid: Sequence[Laid], made: Mapping[str, str]) -> None:
    """Whether the copies ``laid`` of the page at ``path`` are of the bytes that were ``made``.

    Raises:
        DamageError: says which is not; the page is rendered again by the next pass.
    """
    for suffix in ("", ".br", ".gz"):
        copied = next((one.digest for one in laid if one.name == name + suffix), None)
        if copied != made.get(path + suffix):
            mend(outside, [path + suffix])
            raise damage(path + suffix, remedy="publish again: it is then rendered again")


def _name(name: bytes) -> str:
    return paths.object_name(name.hex())
