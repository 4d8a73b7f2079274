"""Mirrors -> a volunteer's copy: fetched from any that has a file, verified before anything is replaced.

What was fetched waits in a folder beside the copy until all of it is there, so a copy that is interrupted is what it
was, and the next run goes on with what waits. Then it is put in place in the order of a delivery, which leaves at any
moment a mirror that verifies. What no release has needed for long enough is removed after that (``sweep``).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256

from heliograph import publish
from heliograph.flows import copylog
from heliograph.flows.damage import reading
from heliograph.flows.fetching import Fetching
from heliograph.flows.sweep import removals, signed_parts
from heliograph.flows.verify import verify
from heliograph.model import StoreError, paths
from heliograph.model.ledger import Change
from heliograph.model.release import Ask, Got, Part, Verdict
from heliograph.ports import MirrorStore, Reach, Stage, Watcher
from heliograph.publish import discover
from heliograph.render import encode
from heliograph.trust import content, edition_map, roles, sign
from heliograph.trust.chain import State
from heliograph.trust.edition_map import Entry
from heliograph.trust.head import Head, read_head
from heliograph.trust.refusal import RefusalError
from heliograph.trust.visit import MAX_TILE

_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
_BATCH = 256  # files looked at before new names join the queue


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """What a run came to."""

    verdict: Verdict  # of the release that was copied
    state: State
    files: int = 0  # mapped files of the release
    fetched: int = 0
    written: int = 0  # physical files written or removed
    unnamed: int = 0  # records whose path nothing mentions
    removed: int = 0  # parts of old releases
    log: str = ""  # why the release log was left out
    parts: Mapping[str, Part] = field(default_factory=dict)  # what the copy has beside mapped files; for the next run


async def sync(
    mirrors: Sequence[Reach],
    copy: MirrorStore,
    waiting: Stage,
    state: State,
    root: bytes,
    now: datetime,
    watcher: Watcher,
    parts: Mapping[str, Part] | None = None,
    *,
    keep: bool = False,
) -> Synced:
    """Bring ``copy`` to the newest release that ``mirrors`` show; ``waiting`` holds what was fetched until then.

    ``parts`` is what the last run said of the copy; with ``keep`` no part of an old release is removed.

    Raises:
        StoreError: the copy or the waiting folder cannot be read or written; the copy is what it was, or in order.
    """
    outcome = await verify(mirrors, "index.html", state, root, now)
    before = parts or {}
    result = Synced(verdict=outcome.verdict, state=outcome.state, parts=before)
    if outcome.verdict.verdict in ("refused", "withdrawn"):
        return result
    run = _Run(mirrors, copy, waiting, watcher, await copy.listing())
    try:
        await run.gather(outcome.state, read_head(outcome.state.head), root)
    except RefusalError as refusal:
        verdict = replace(outcome.verdict, verdict="refused", code=refusal.code, what=refusal.what)
        return replace(result, verdict=verdict, fetched=run.fetched)
    steps = publish.steps(run.changes())
    written = sum(map(len, steps))
    watcher.begin("put in place", written)
    await copy.apply(
        steps,
        reading(waiting, "run it again: it is fetched anew", run.waits_as),
        lambda done: watcher.step("put in place", done),
    )
    watcher.end("put in place")
    waiting.remove(sorted(run.waits))
    parts, ended = publish.swept(before, run.used(before), run.is_mapped, now)
    whole = sha256(await copy.read(paths.POINTER)).hexdigest() == run.waits[paths.POINTER]
    gone: list[Change] = []
    if whole and not keep and not outcome.verdict.stale:
        gone = await removals(copy, ended, run.held)
        await copy.apply(publish.steps(gone), run.nothing, lambda _: None)
    else:  # they are remembered, and end when they may
        parts |= {name: replace(before[name], since=before[name].since or now) for name in ended}
    result = replace(result, fetched=run.fetched, written=written + len(gone), removed=len(gone), parts=parts)
    return replace(result, files=len(run.named), unnamed=run.unnamed, log=run.log)


class _Run(Fetching):
    """One run: what the copy holds, what the release has, what is fetched."""

    def __init__(
        self,
        mirrors: Sequence[Reach],
        copy: MirrorStore,
        waiting: Stage,
        watcher: Watcher,
        held: Mapping[str, str],
    ) -> None:
        super().__init__(mirrors, copy, waiting, held)
        self.watcher = watcher
        self.entries: dict[bytes, Entry] = {}
        self.named: dict[str, Entry] = {}  # path to record, of the paths that are known
        self.copies: dict[str, str] = {}  # content copies of what is replaced, to the path they are of
        self.parts: dict[str, Part] = {}  # what the release needs beside mapped files, but for roots, code and pointers
        self.log = ""  # why the release log was left out
        self.ended: list[str] = []  # unfinished tiles of it that full ones replace

    @property
    def unnamed(self) -> int:
        return len(self.entries) - len(self.named)

    # ------------------------------------------------------------ what there is

    async def gather(self, state: State, head: Head, pinned: bytes) -> None:
        """Fetch all that the copy lacks; ``pinned`` is the root that the volunteer was given.

        Raises:
            RefusalError: no mirror has some part of it as it was signed.
            StoreError: it cannot be written.
        """
        self.watcher.begin("map", 1 << head.bits)
        await self._map(head)
        self.watcher.end("map")
        self.watcher.begin("fetch", len(self.entries))
        await self._files()
        self.watcher.end("fetch")
        signed = _signed_files(state)
        self.wait(signed)
        self.parts |= signed_parts(signed)
        await self.roots(pinned, roles.read("root", state.root).version)
        await self._code_and_log(state)

    async def _code_and_log(self, state: State) -> None:
        """The reader's code, and the release log, which readers can do without: lacking it is told, and no refusal."""
        code = await copylog.code([_Copy(self.here), *self.mirrors], state.targets)
        copies = {name.partition(".")[2]: data for name, data in code.items() if not name.endswith(".policy.json")}
        self.wait({**code, **copies})
        named = copylog.log_named(code, state.targets)
        if named is None:
            return
        found = await copylog.longest(self.mirrors, named, self.here)
        if isinstance(found, str):
            self.log = found
        elif found.edge.size < read_head(state.head).release:
            self.log = f"no mirror has release {read_head(state.head).release} in its log"
        else:
            lacking = {n: data for n, data in found.files.items() if self.held.get(n) != sha256(data).hexdigest()}
            self.wait(lacking)
            unfinished = {name: name.partition(".p/")[0] for name in self.held if name.startswith("log/tile/")}
            self.ended += [name for name, full in unfinished.items() if full != name and full in found.files]

    async def _map(self, head: Head) -> None:
        """Every tile and shard, level by level; and the list of fresh pages."""
        if head.fresh_length:
            name = head.fresh.hex()
            await self._object(name, head.fresh_length, lambda data: sha256(data).hexdigest() == name)
        names = {0: head.root}
        left = head.bits
        for width in edition_map.widths(head.bits):
            left -= width
            below: dict[int, bytes] = {}

            async def tile(place: int, name: bytes, width: int = width, below: dict[int, bytes] = below) -> None:
                data = await self._object(name.hex(), MAX_TILE, lambda data: edition_map.is_tile(data, name, width))
                for slot in range(1 << width):
                    below[place << width | slot] = data[32 * slot : 32 * (slot + 1)]

            await self.each(list(names.items()), tile)
            names = below

        async def shard(index: int, name: bytes) -> None:
            data = await self._object(
                name.hex(), edition_map.MAX_SHARD, lambda data: edition_map.leaf_hash(data) == name
            )
            for row in edition_map.records_in(data, index, head.bits):
                entry = edition_map.find([row], row[: edition_map.KEY])
                assert entry is not None
                self.entries[row[: edition_map.KEY]] = entry
            self.watcher.step("map", 1)

        await self.each(list(names.items()), shard)

    async def _files(self) -> None:
        """Every mapped file whose path is known, beginning with the names that all editions have."""
        queue = deque(path for path in discover.WELL_KNOWN if self.is_mapped(path))
        self.named.update({path: self.entries[paths.key_of(path)] for path in queue})

        async def one(path: str, _: bytes) -> None:
            body = await self._file(path, self.named[path])
            self.watcher.step("fetch", 1)
            found = list(discover.names_in(path, body))
            if path == "a/search.html":
                found += discover.search_shards(body, self.is_mapped)
            for name in found:
                if name not in self.named and not paths.fault(name) and self.is_mapped(name):
                    self.named[name] = self.entries[paths.key_of(name)]
                    queue.append(name)

        while queue:
            batch = [(queue.popleft(), b"") for _ in range(min(len(queue), _BATCH))]
            await self.each(batch, one)

    def is_mapped(self, path: str) -> bool:
        """Whether the release has this path."""
        return paths.key_of(path) in self.entries

    # ------------------------------------------------------------ fetching

    async def _object(self, name: str, limit: int, is_it: Callable[[bytes], bool]) -> bytes:
        """A part of the map: as the copy or the waiting folder has it, or from any mirror."""
        place = paths.object_name(name)
        self.parts[place] = Part(kind="object")
        data = await self.here(place)
        if data is not None and is_it(data):
            return data
        async for got in self.asked(Ask(mirror=0, name=place, limit=limit)):
            if got.fate == "whole" and is_it(got.data):
                self.wait({place: got.data})
                return got.data
        raise RefusalError("unavailable", place)

    async def _file(self, path: str, entry: Entry) -> bytes:
        """A mapped file, with its encodings: as it is here, or from any mirror's path or content copy."""
        digest = entry.digest.hex()
        text = paths.extension(path) in paths.TEXT_TYPES
        data = await self.here(path, digest)
        if data is not None:
            if text:
                self._go_on(path, data, entry)
            return data
        limit = content.encoded_limit(entry.length)
        for name in (path, paths.object_name(digest)):
            async for got in self.asked(Ask(mirror=0, name=name, limit=limit, codings=("br",) if text else ())):
                if got.fate != "whole":
                    continue
                try:
                    body = content.check(got.data, got.coding, entry)
                except RefusalError:
                    continue
                self._keep(path, body, got.data if got.coding == "br" else None)
                return body
        raise RefusalError("unavailable", path)

    def _keep(self, path: str, body: bytes, brotli: bytes | None) -> None:
        """Let a fetched file wait, with both encodings beside it; one that was not sent is made here.

        The encodings come first, so that a run that finds the file waiting finds them, too.
        """
        files: dict[str, bytes] = {}
        if paths.extension(path) in paths.TEXT_TYPES:
            made = encode.encodings(body)
            files |= {f"{path}.br": brotli or made[0], f"{path}.gz": made[1]}
        self.wait({**files, path: body})

    def _go_on(self, path: str, body: bytes, entry: Entry) -> None:
        """Encodings of a page that a run before this one has fetched, and may not have put in place."""
        for suffix, coding in ((".br", "br"), (".gz", "gzip")):
            try:
                data = self.waiting.get(path + suffix)
                content.check(data, coding, entry)
            except StoreError:
                continue  # it was put in place, with the page
            except RefusalError:
                return self._keep(path, body, None)
            self.waits[path + suffix] = sha256(data).hexdigest()
        return None

    # ------------------------------------------------------------ putting in place

    def changes(self) -> list[Change]:
        """What the copy lacks, content copies of what is replaced, and what no longer belongs to the edition."""
        found = []
        for name, digest in self.waits.items():
            if self.held.get(name) != digest:
                found.append(Change(name=name, digest=digest, size=0, fresh=name not in self.held))
            if name in self.named and name in self.held and self.held[name] != digest:
                copy = paths.object_name(digest)
                self.copies[copy] = name
                self.parts[copy] = Part(kind="copy", of=name)
                found.append(Change(name=copy, digest=digest, size=0, fresh=True))
        for name in self.held:
            plain = paths.plain_name(name)
            if not paths.fault(plain) and plain not in self.named and not self.is_mapped(plain):
                found.append(Change(name=name, digest="", size=0, fresh=False, gone=True))
        return found + [Change(name=name, digest="", size=0, fresh=False, gone=True) for name in self.ended]

    def used(self, before: Mapping[str, Part]) -> dict[str, Part]:
        """The parts that the release needs, content copies of pages that did not change again among them."""
        copies = {
            name: part
            for name, part in before.items()
            if part.of in self.named and paths.object_name(self.named[part.of].digest.hex()) == name
        }
        return {**{name: replace(part, since=None) for name, part in copies.items()}, **self.parts}

    @staticmethod
    def nothing(change: Change) -> bytes:
        """The bytes of a change that has none."""
        raise AssertionError(change.name)

    def waits_as(self, change: Change) -> str:
        """The name under which the bytes of one of ``changes`` wait."""
        return self.copies.get(change.name, change.name)


class _Copy:
    """See ``ports.Reach``: the copy itself, asked before any mirror is."""

    host = place = ""

    def __init__(self, here: Callable[[str], Awaitable[bytes | None]]) -> None:
        self._here = here

    async def get(self, ask: Ask) -> Got:
        """See ``ports.Reach``."""
        data = await self._here(ask.name)
        return Got(fate="missing") if data is None else Got(fate="whole", data=data)


def _signed_files(state: State) -> dict[str, bytes]:
    """The metadata that a mirror of this release has; ``now`` without targets, whose age only the publisher knows."""
    standing = sign.Standing(
        root=state.root,
        targets=state.targets,
        targets_since=_LONG_AGO,
        timestamp=state.timestamp,
        snapshot=state.snapshot,
        edition=state.edition,
        head=state.head,
    )
    return sign.files(standing, read_head(state.head).time, [state.root])
