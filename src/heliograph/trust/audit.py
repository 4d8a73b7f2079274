"""A whole mirror, from its newest metadata to the last file: the workflow of the release format, section "Audit".

A generator like ``reader``; what a mirror cannot be asked, its list of names, is an argument, and without it everything
is checked that can be: metadata, the whole map, content copies, and the mapped files at the root, whose names are
known. Rule 1: the first fault ends it. What is missing is ``unavailable``, what differs has the code of its rule.
Rule 2: unlike a reader, an auditor believes no shortcut and forgives no list of new pages that is wrong. Rule 3: one
file is in memory at a time, and of the map eight bytes a record: where each shard is, and which records had a file.
"""

from __future__ import annotations

from array import array
from collections.abc import Generator, Iterable
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Final, Literal

from heliograph.model import paths
from heliograph.model.release import Ask, Got, Verdict
from heliograph.trust import bundle, content, edition_map, logcheck, readercode
from heliograph.trust.chain import State
from heliograph.trust.edition_map import HASH, KEY, Entry
from heliograph.trust.head import Head
from heliograph.trust.reader import NO_ROOT, Outcome
from heliograph.trust.refusal import RefusalError
from heliograph.trust.run import Run
from heliograph.trust.visit import Visit

Kind = Literal["file", "folder", "link", "other"]
Listing = Iterable[tuple[str, Kind]]
Fetching = Generator[Ask, Got, None]

_ENCODINGS: Final[tuple[tuple[str, Literal["br", "gzip"]], ...]] = ((".br", "br"), (".gz", "gzip"))
_GZIP_MAGIC = b"\x1f\x8b"
_REMEMBERED = 1_024  # shards kept in memory while files are compared


def audit(
    state: State,
    pinned: bytes,
    now: datetime,
    listing: Listing | None = None,
    *,
    host: str = "",
    pinned_time: bool = False,
) -> Generator[Ask, Got, Outcome]:
    """Check all of mirror 0; arguments are as for ``reader.read``; ``files`` of the outcome counts what was found to be
    as it must be, up to the first fault.

    ``listing`` names everything on the mirror, with its kind; it is gone through twice, in any order. Where the policy
    names a release log, it is checked, too, and ``state`` says how long it was before. Never raises for anything a
    mirror does.
    """
    try:
        run = Run(state, pinned, [host], now, pinned_time=pinned_time)
    except RefusalError as refusal:
        return Outcome(verdict=Verdict(verdict="refused", code=refusal.code, what=NO_ROOT), state=state)
    return (yield from _Audit(run, listing).go())


class _Audit:
    """One audit."""

    def __init__(self, run: Run, listing: Listing | None) -> None:
        self.run, self.listing = run, listing
        self.files = 0
        self.checkpoint = b""  # of the release log
        self.at = ""  # the mapped file that is being looked at
        self.visit: Visit
        self.head: Head
        self.pointer = b""  # the file ``now``
        self.names = bytearray()  # of all shards, one after the other
        self.offsets = array("I", [0])  # how many records stand before each shard
        self.shards: dict[int, list[bytes]] = {}

    def go(self) -> Generator[Ask, Got, Outcome]:
        try:
            yield from self._all()
        except RefusalError as refusal:
            verdict = Verdict(verdict="refused", code=refusal.code, path=self.at, what=refusal.what)
            return Outcome(verdict=verdict, state=self.run.kept_roots(), files=self.files)
        chain = self.visit.chain
        verdict = Verdict(
            verdict="stale" if chain.stale else "verified",
            release=self.head.release,
            time=self.head.time,
            stale=chain.stale,
            warn=self.run.warnings(chain),
        )
        state = replace(self.run.kept(chain), checkpoint=self.checkpoint or self.run.state.checkpoint)
        return Outcome(verdict=verdict, state=state, files=self.files)

    def _all(self) -> Fetching:
        for name, kind in self.listing or ():
            _check_name(name, kind)
        yield from self.run.probe()
        if self.run.first is not None:
            raise RefusalError("root-chain", f"the next root is no root: {self.run.first.what}")
        self.visit = Visit(self.run.chain(), 0)
        self.head = yield from self.visit.head()
        yield from self._metadata()
        code = yield from readercode.check(self.visit)
        self.files += code.files
        if code.policy.log is not None:
            head, before = self.visit.chain.state(None).head, self.run.state.checkpoint
            self.checkpoint = yield from logcheck.look(code.policy.log, head, before)
        yield from self._map()
        if self.listing is not None:
            yield from self._listed()
        else:
            yield from self._root_files()

    def _same(self, name: str, data: bytes, code: str) -> Fetching:
        """Demand that ``name`` holds ``data``."""
        yield from readercode.same(self.visit, name, data, code)
        self.files += 1

    # ------------------------------------------------------------ metadata

    def _metadata(self) -> Fetching:
        """Single files are what is believed, and ``now`` is the single files."""
        chain = self.visit.chain
        believed = chain.state(None)
        self.pointer = yield from self.visit.file(paths.POINTER, bundle.MAX_BUNDLE)  # as it lies there
        pieces = bundle.split(self.pointer)
        if pieces is None:
            raise RefusalError("bundle", "now is not made of signed files")
        head = f"edition/{sha256(believed.head).hexdigest()}.head"
        singles = [
            (paths.TIMESTAMP, believed.timestamp, pieces.timestamp),
            (f"tuf/{chain.version('snapshot')}.snapshot.json", believed.snapshot, pieces.snapshot),
            (f"tuf/{chain.version('edition')}.edition.json", believed.edition, pieces.edition),
            (f"tuf/{chain.version('targets')}.targets.json", believed.targets, pieces.targets or believed.targets),
            (head, believed.head, pieces.head),
        ]
        for name, data, piece in singles:
            if piece != data:
                raise RefusalError("bundle", f"now holds another {name}")
            yield from self._same(name, data, "bundle")
        self.files += 1  # now
        yield from self._same(f"tuf/{chain.root.version}.root.json", chain.root.data, "root-chain")

    # ------------------------------------------------------------ the map

    def _map(self) -> Fetching:
        """Every tile and shard, the number of records, the list of new pages, and content copies of all records."""
        head = self.head
        fresh = {row[:KEY]: row for row in (yield from self.visit.fresh(head))}
        self.files += bool(head.fresh_length)
        count = yield from self._below(0, head.root, 0, fresh)
        if count != head.entries:
            raise RefusalError("map", f"{count:,} records where the head says {head.entries:,}")
        if fresh:
            raise RefusalError("fresh", f"{len(fresh)} new pages are in no shard of the map")

    def _below(self, depth: int, name: bytes, index: int, fresh: dict[bytes, bytes]) -> Generator[Ask, Got, int]:
        """Check everything under ``name``, whose first shard has this index; how many records there are so far."""
        bits = self.head.bits
        layers = edition_map.widths(bits)
        if depth == len(layers):
            return (yield from self._shard(name, index, fresh))
        length = HASH << layers[depth]
        tile = yield from self.visit.tile(name, length)
        self.files += 1
        apart = 1 << sum(layers[depth + 1 :])  # shards under one hash of this tile
        count = 0
        for slot in range(1 << layers[depth]):
            count = yield from self._below(depth + 1, edition_map.hash_at(tile, slot), index + slot * apart, fresh)
        return count

    def _shard(self, name: bytes, index: int, fresh: dict[bytes, bytes]) -> Generator[Ask, Got, int]:
        rows = yield from self.visit.shard(name, index, self.head.bits)
        self.files += 1
        self.names += name
        self.offsets.append(self.offsets[-1] + len(rows))
        for row in rows:
            if fresh.pop(row[:KEY], row) != row:
                raise RefusalError("fresh", "a new page is another one than in the map")
            yield from self._copy(_entry(row))
        return self.offsets[-1]

    def _copy(self, entry: Entry) -> Fetching:
        """A content copy of a current file, and its encodings, are equal to it where they are there."""
        name = paths.object_name(entry.digest.hex())
        # some hosts of the web forbid what they lack; in a folder that cannot be
        absent = ("missing",) if self.listing is not None else ("missing", "unavailable")
        got = yield Ask(mirror=0, name=name, limit=entry.length)
        if got.fate not in absent:
            self._equal(name, got, "", entry)
        elif self.listing is None:
            return
        for suffix, coding in _ENCODINGS:
            got = yield Ask(mirror=0, name=name + suffix, limit=content.encoded_limit(entry.length))
            if got.fate not in absent:
                self._equal(name + suffix, got, coding, entry)

    def _equal(self, name: str, got: Got, coding: Literal["", "br", "gzip"], entry: Entry) -> None:
        """Demand that what came for ``name`` is, in its coding, the file of ``entry``."""
        if got.fate == "long":
            raise RefusalError("length", f"{name} does not end where it should")
        if got.fate != "whole":
            raise RefusalError("unavailable", name)
        if coding == "gzip" and not got.data.startswith(_GZIP_MAGIC):  # no host between undoes it for browsers
            raise RefusalError("hash", f"{name} is no gzip")
        try:
            content.check(got.data, coding or got.coding, entry)
        except RefusalError as refusal:
            raise RefusalError(refusal.code, f"{name}: {refusal.what}") from refusal
        self.files += 1

    # ------------------------------------------------------------ files

    def _listed(self) -> Fetching:
        """One record for each file, and one file for each record."""
        assert self.listing is not None
        seen = bytearray(self.head.entries // 8 + 1)
        for name, kind in self.listing:
            if kind == "file":
                yield from self._named(name, seen)
        self.at = ""
        missing = self.head.entries - sum(byte.bit_count() for byte in seen)
        if missing:
            raise RefusalError("unavailable", f"{missing:,} files of the edition are not there")

    def _named(self, name: str, seen: bytearray) -> Fetching:
        plain = paths.plain_name(name)
        if plain == paths.POINTER and name != plain:
            yield from self._encoded_pointer(name)
        if paths.fault(plain):  # a name of the format itself: checked before, or of an older release
            return
        self.at = plain
        index = edition_map.index_of(paths.key_of(plain), self.head.bits)
        rows = yield from self._rows(index)
        place = next((at for at, row in enumerate(rows) if row[:KEY] == paths.key_of(plain)), None)
        if place is None:
            raise RefusalError("unlisted", f"{name} is in no record of the map")
        entry = _entry(rows[place])
        if name == plain:
            self._equal(name, (yield Ask(mirror=0, name=name, limit=entry.length)), "", entry)
            bit = self.offsets[index] + place
            seen[bit // 8] |= 1 << bit % 8
            return
        coding: Literal["br", "gzip"] = "br" if name.endswith(".br") else "gzip"
        got = yield Ask(mirror=0, name=name, limit=content.encoded_limit(entry.length))
        self._equal(name, got, coding, entry)

    def _encoded_pointer(self, name: str) -> Fetching:
        entry = Entry(sha256(self.pointer).digest(), len(self.pointer))
        got = yield Ask(mirror=0, name=name, limit=content.encoded_limit(entry.length))
        try:
            self._equal(name, got, "br" if name.endswith(".br") else "gzip", entry)
        except RefusalError as refusal:
            raise RefusalError("bundle", refusal.what) from refusal

    def _rows(self, index: int) -> Generator[Ask, Got, list[bytes]]:
        """The records of a shard that was found well before."""
        if index not in self.shards:
            if len(self.shards) >= _REMEMBERED:
                self.shards.clear()
            name = bytes(self.names[HASH * index : HASH * (index + 1)])
            self.shards[index] = yield from self.visit.shard(name, index, self.head.bits)
        return self.shards[index]

    def _root_files(self) -> Fetching:
        """Mapped files at the root, as they lie there and as a reader would be answered."""
        for name in sorted(paths.ROOT_NAMES):
            self.at = name
            rows = yield from self._rows(edition_map.index_of(paths.key_of(name), self.head.bits))
            entry = edition_map.find(rows, paths.key_of(name))
            if entry is None:
                if (yield Ask(mirror=0, name=name, limit=0)).fate in ("whole", "long"):
                    raise RefusalError("unlisted", f"{name} is in no record of the map")
                continue
            self._equal(name, (yield Ask(mirror=0, name=name, limit=entry.length)), "", entry)
            limit = content.encoded_limit(entry.length)
            got = yield Ask(mirror=0, name=name, limit=limit, codings=("br", "gzip"))
            if got.coding:
                self._equal(name, replace(got, coding=""), got.coding, entry)
        self.at = ""


def _entry(row: bytes) -> Entry:
    return Entry(row[KEY : KEY + HASH], int.from_bytes(row[-4:], "big"))


def _check_name(name: str, kind: Kind) -> None:
    """Refuse what no mirror may hold, by its name and kind alone."""
    if kind not in ("file", "folder"):
        raise RefusalError("file-type", f"{name!r} is neither a file nor a folder")
    plain = paths.plain_name(name) if kind == "file" else name
    for segment in plain.split("/"):
        if paths.fault(f"a/{segment}/x.html"):
            raise RefusalError("path", f"{name!r} is no name of the format")
    known = not paths.fault(plain) or plain == paths.POINTER or (name == plain and paths.is_reserved(name))
    if kind == "file" and not known and not (plain.startswith("o/") and paths.is_reserved(plain)):
        raise RefusalError("unlisted", f"{name} is no file of an edition")
