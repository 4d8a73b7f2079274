"""A volunteer's copy: whole, verified, and never worse than it was."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import anyio
import anyio.lowlevel
import brotli
import pytest
from tests.flows.test_issue import page_of
from tests.flows.world import NOW, Make, Silent, World
from tests.interop import releases

from heliograph.adapters.folder import Folder
from heliograph.flows.fetching import Fetching
from heliograph.flows.sync import Synced, sync
from heliograph.lab.piece import pieces
from heliograph.lab.readers import Reader
from heliograph.lab.store import MemoryMirror
from heliograph.model import StoreError, paths
from heliograph.model.release import Ask, Got, Part
from heliograph.trust.chain import State
from heliograph.trust.refusal import RefusalError


class Reached:
    """A mirror in memory, reached as a reader does; ``answer`` may answer in its place."""

    def __init__(self, files: Mapping[str, bytes], host: str) -> None:
        self.files, self.host, self.place = files, host, host
        self.asked: list[str] = []
        self.answer: Callable[[Ask], Got | None] = lambda _: None

    async def get(self, ask: Ask) -> Got:
        """See ``ports.Reach``."""
        self.asked.append(ask.name)
        given = self.answer(ask)
        if given is not None:
            return given
        encoded = self.files.get(f"{ask.name}.br") if "br" in ask.codings else None
        data = self.files.get(ask.name) if encoded is None else encoded
        if data is None:
            return Got(fate="missing")
        if len(data) > ask.limit:
            return Got(fate="long")
        return Got(fate="whole", data=data, coding="" if encoded is None else "br")


class Volunteer:
    """Somebody who copies a world's mirrors."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self.folder, self.copy = world, folder, MemoryMirror("copy")
        self.state = State(root=b"")
        self.parts: Mapping[str, Part] = {}
        self.reached = [Reached(mirror.files, f"host-{place}") for place, mirror in enumerate(world.mirrors)]

    def sync(self, *, keep: bool = False) -> Synced:
        """One run."""
        result = anyio.run(
            partial(sync, keep=keep),
            self.reached,
            self.copy,
            Folder(self.folder),
            self.state,
            self.world.keys.files["tuf/1.root.json"],
            self.world.now,
            Silent(),
            self.parts,
        )
        self.state, self.parts = result.state, result.parts
        return result

    def mapped(self) -> dict[str, bytes]:
        return {name: data for name, data in self.copy.files.items() if not paths.fault(name)}

    def unverified(self) -> list[str]:
        """Pages of the copy that a reader is not shown."""
        root = self.world.keys.files["tuf/1.root.json"]
        return [
            name
            for name in self.mapped()
            if Reader(pinned=root).read([self.copy.files], name, self.world.now).verdict.verdict != "verified"
        ]

    def correct(self, days: float = 0.01) -> None:
        """The newsroom corrects a story, so many days later."""
        world = self.world
        world.newsroom.edit(world.newsroom.pieces[1].path, world.now, title=f"Исправлено {world.now:%d, %H:%M}")
        world.publish(minutes=int(days * 24 * 60))

    def bad_encodings(self) -> list[str]:
        """Encodings of the copy that do not decode to what they stand beside."""
        files, decode = self.copy.files, {".br": brotli.decompress, ".gz": gzip.decompress}
        return [name for name in files if name[-3:] in decode and decode[name[-3:]](files[name]) != files[name[:-3]]]


def mapped(mirror: MemoryMirror) -> dict[str, bytes]:
    return {name: data for name, data in mirror.files.items() if not paths.fault(name)}


@pytest.fixture
def volunteer(make: Make, tmp_path: Path) -> Volunteer:
    world = make(pieces(NOW))
    world.publish()
    return Volunteer(world, tmp_path / "waiting")


def test_a_copy_is_whole_down_to_the_search_index_and_the_pictures(volunteer: Volunteer) -> None:
    result = volunteer.sync()
    assert (result.verdict.verdict, result.unnamed) == ("verified", 0)
    assert volunteer.mapped() == mapped(volunteer.world.mirrors[0])
    assert volunteer.unverified() == []
    encoded = [name for name in volunteer.copy.files if name.endswith(".gz")]
    assert len(encoded) > 50
    assert not list((volunteer.folder).rglob("*.html"))  # nothing waits any more


def test_a_second_run_fetches_nothing_and_a_third_only_what_changed(volunteer: Volunteer) -> None:
    first = volunteer.sync()
    assert volunteer.sync().fetched == 0
    world = volunteer.world
    world.newsroom.edit(world.newsroom.pieces[1].path, world.now, title="Исправленный заголовок")
    gone = world.newsroom.pieces[2]
    world.newsroom.withdraw(gone.path)
    world.publish()
    third = volunteer.sync()
    assert 0 < third.fetched < first.fetched / 2
    assert volunteer.mapped() == mapped(world.mirrors[0])
    assert volunteer.unverified() == []


def test_what_one_mirror_has_not_or_forges_comes_from_another(volunteer: Volunteer) -> None:
    bad, good = volunteer.reached
    bad.files = {name: data for name, data in bad.files.items() if not name.startswith("o/")}
    bad.answer = lambda ask: Got(fate="whole", data=b"forged") if ask.name.startswith("a/") else None
    assert volunteer.sync().verdict.verdict == "verified"
    assert volunteer.mapped() == mapped(volunteer.world.mirrors[0])
    assert bad.asked
    assert good.asked


class Busy(Reached):
    """A mirror whose answers take turns with those of others, as over a network."""

    async def get(self, ask: Ask) -> Got:
        """See ``ports.Reach``."""
        await anyio.lowlevel.checkpoint()
        return await super().get(ask)


def test_each_mirror_is_asked_for_what_another_has_not_though_many_are_asked_at_once(volunteer: Volunteer) -> None:
    whole = volunteer.world.mirrors[0].files
    without = {name: data for name, data in whole.items() if paths.fault(paths.plain_name(name))}
    volunteer.reached = [Busy(without, "no-pages"), Busy(whole, "whole")]
    assert volunteer.sync().verdict.verdict == "verified"
    assert volunteer.mapped() == mapped(volunteer.world.mirrors[0])


def test_a_copy_that_cannot_be_completed_stays_what_it_was_and_goes_on_later(volunteer: Volunteer) -> None:
    volunteer.sync()
    before = dict(volunteer.copy.files)
    world = volunteer.world
    piece = replace(pieces(NOW)[0], path="/ru/novaya-100998.html", published=world.now, updated=world.now)
    world.newsroom.publish(piece)
    world.publish()
    late = page_of(piece)  # nothing names it before the lists are read
    for mirror in volunteer.reached:
        mirror.answer = lambda ask: Got(fate="unavailable") if ask.name == late else None
        mirror.files = {name: data for name, data in mirror.files.items() if name != _copy_of(mirror.files[late])}
    result = volunteer.sync()
    assert (result.verdict.verdict, result.verdict.code) == ("refused", "unavailable")
    assert volunteer.copy.files == before
    for mirror in volunteer.reached:
        mirror.answer, mirror.files = (lambda _: None), world.mirrors[0].files
    again = volunteer.sync()
    assert again.verdict.verdict == "verified"
    assert again.fetched < result.fetched / 3  # the rest had waited
    assert volunteer.mapped() == mapped(world.mirrors[0])


def test_a_disk_that_fails_leaves_a_copy_that_verifies(volunteer: Volunteer) -> None:
    volunteer.sync()
    world = volunteer.world
    world.newsroom.edit(world.newsroom.pieces[1].path, world.now, title="Исправленный заголовок")
    world.publish()
    for write in (1, 9, 20):
        volunteer.copy.fail(write, "refused")
        with pytest.raises(StoreError):
            volunteer.sync()
        broken = volunteer.unverified()
        assert not set(broken) & set(mapped(world.mirrors[0])) or write < 9
    assert volunteer.sync().verdict.verdict == "verified"
    assert volunteer.unverified() == []
    assert volunteer.bad_encodings() == []
    pages = {name for name in world.mirrors[0].files if not paths.fault(paths.plain_name(name))}
    assert volunteer.copy.files.keys() >= pages


def test_a_rollback_is_refused_and_changes_nothing(volunteer: Volunteer) -> None:
    old = [dict(mirror.files) for mirror in volunteer.world.mirrors]
    world = volunteer.world
    world.newsroom.edit(world.newsroom.pieces[1].path, world.now, title="Исправленный заголовок")
    world.publish()
    volunteer.sync()
    before = dict(volunteer.copy.files)
    for mirror, files in zip(volunteer.reached, old, strict=True):
        mirror.files = files
    assert volunteer.sync().verdict.code == "rollback"
    assert volunteer.copy.files == before


def test_a_copy_cut_short_between_a_page_and_its_encodings_gets_them_later(brief: Volunteer) -> None:
    brief.correct()
    page = page_of(brief.world.newsroom.pieces[1])
    before = brief.copy.files[page]
    brief.copy.seen = lambda mirror: mirror.fail(1, "refused") if mirror.files[page] != before else None
    with pytest.raises(StoreError):
        brief.sync()
    assert brief.bad_encodings() == [f"{page}.br", f"{page}.gz"]
    brief.copy.seen = lambda _: None
    brief.sync()
    assert brief.bad_encodings() == []
    assert {f"{page}.br", f"{page}.gz"} <= brief.copy.files.keys()


# --- what ends


def objects(volunteer: Volunteer) -> set[str]:
    return {name for name in volunteer.copy.files if name.startswith(("o/", "tuf/", "edition/"))}


@pytest.fixture
def brief(small: World, tmp_path: Path) -> Volunteer:
    """Somebody who has copied a small world once."""
    small.publish()
    volunteer = Volunteer(small, tmp_path / "waiting")
    volunteer.sync()
    return volunteer


def test_parts_of_old_releases_end_after_eight_days_and_roots_never(brief: Volunteer) -> None:
    first = objects(brief)
    brief.correct()
    assert brief.sync().removed == 0
    later = {name for name, part in brief.parts.items() if part.since is None}
    old = first - later - {"tuf/1.root.json", paths.TIMESTAMP}
    assert {name.partition("/")[0] for name in old} == {"o", "tuf", "edition"}
    assert old <= objects(brief)
    brief.correct(days=7.9)
    brief.sync()
    assert old <= objects(brief)  # a reader may still be on his way to them
    brief.correct(days=0.2)
    assert brief.sync().removed >= len(old)
    assert not old & objects(brief)
    assert "tuf/1.root.json" in brief.copy.files
    assert brief.unverified() == []
    assert Reader(pinned=brief.world.keys.files["tuf/1.root.json"]).audit(
        brief.copy.files, brief.world.now
    ).verdict.verdict == "verified"  # fmt: skip


def test_content_copies_end_two_days_after_their_page_changed_again_and_with_it_at_once(brief: Volunteer) -> None:
    brief.correct()
    brief.sync()
    page = page_of(brief.world.newsroom.pieces[1])
    copy = _copy_of(brief.copy.files[page])
    assert copy in brief.copy.files
    brief.correct(days=9)
    brief.sync()
    assert copy in brief.copy.files  # until now it was of the newest bytes
    newer = _copy_of(brief.copy.files[page])
    brief.correct(days=2.1)
    brief.sync()
    assert copy not in brief.copy.files
    assert newer in brief.copy.files
    newest = _copy_of(brief.copy.files[page])
    brief.world.newsroom.withdraw(brief.world.newsroom.pieces[1].path)
    brief.world.publish()
    brief.sync()
    assert not {page, newer, newest} & brief.copy.files.keys()


def test_what_is_strange_or_was_not_put_there_stays(brief: Volunteer) -> None:
    own = b"a volunteer's own"
    strange = {
        "notes.txt": own,
        "o/00/" + 62 * "0": own,
        _copy_of(own): own,  # well-formed, but of no release that was copied
        "tuf/99.snapshot.json": own,
        f"edition/{64 * '0'}.head": own,
        "log/checkpoint": own,
    }
    brief.copy.files |= strange
    changed = next(name for name, part in brief.parts.items() if part.kind == "object")
    brief.correct()
    brief.sync()
    left = [name for name, part in brief.parts.items() if part.since and part.kind == "object"]
    brief.copy.files[left[0]] = own  # not what its name says any more
    brief.correct(days=9)
    assert brief.sync().removed > 0
    assert {name: brief.copy.files.get(name) for name in strange} == strange
    assert brief.copy.files[left[0]] == own
    assert not set(left[1:]) & brief.copy.files.keys()
    assert changed  # there was something to look at


def test_who_wants_to_keep_all_keeps_it_and_may_change_his_mind(brief: Volunteer) -> None:
    first = objects(brief)
    brief.correct(days=9)
    brief.sync(keep=True)
    brief.correct(days=9)
    assert brief.sync(keep=True).removed == 0
    assert first <= objects(brief)
    brief.correct(days=0.1)
    assert brief.sync().removed > 0
    assert not first <= objects(brief)


def test_nothing_ends_before_the_new_release_is_there_and_nothing_with_a_stale_one(brief: Volunteer) -> None:
    brief.correct()
    brief.sync()
    due = {name for name, part in brief.parts.items() if part.since}
    brief.world.now += timedelta(days=9)
    stale = brief.sync()
    assert (stale.verdict.verdict, stale.removed) == ("stale", 0)
    brief.correct(days=0.1)
    brief.copy.fail(5, "refused")
    with pytest.raises(StoreError):
        brief.sync()
    assert due <= brief.copy.files.keys()
    assert brief.sync().removed >= len(due)
    assert not due & brief.copy.files.keys()


def test_a_root_that_does_not_follow_is_taken_from_another_mirror(tmp_path: Path) -> None:
    one, two = releases.three_editors(NOW).roots
    garbage = releases.one_person(NOW).roots[0].replace(b'"version":1', b'"version":2')
    mirrors = [Reached({"tuf/2.root.json": data}, f"host-{place}") for place, data in enumerate((garbage, two))]

    def fetched(places: list[Reached]) -> dict[str, str]:
        fetching = Fetching(places, MemoryMirror("copy"), Folder(tmp_path / str(len(places))), {})
        anyio.run(fetching.roots, one, 3)
        return fetching.waits

    assert fetched(mirrors) == {
        f"tuf/{version}.root.json": sha256(data).hexdigest() for version, data in ((1, one), (2, two))
    }
    with pytest.raises(RefusalError, match=r"tuf/2\.root\.json"):
        fetched(mirrors[:1])


def _copy_of(data: bytes) -> str:
    return paths.object_name(sha256(data).hexdigest())
