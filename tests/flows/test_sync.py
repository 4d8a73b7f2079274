"""A volunteer's copy: whole, verified, and never worse than it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import anyio
import pytest
from tests.flows.test_issue import page_of
from tests.flows.world import NOW, Make, Silent, World

from heliograph.adapters.folder import Folder
from heliograph.flows.sync import Synced, sync
from heliograph.lab.piece import pieces
from heliograph.lab.readers import Reader
from heliograph.lab.store import MemoryMirror
from heliograph.model import StoreError, paths
from heliograph.model.release import Ask, Got
from heliograph.trust.chain import State


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
        self.reached = [Reached(mirror.files, f"host-{place}") for place, mirror in enumerate(world.mirrors)]

    def sync(self) -> Synced:
        """One run."""
        result = anyio.run(
            sync,
            self.reached,
            self.copy,
            Folder(self.folder),
            self.state,
            self.world.keys.files["tuf/1.root.json"],
            self.world.now,
            Silent(),
        )
        self.state = result.state
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


def _copy_of(data: bytes) -> str:
    return paths.object_name(sha256(data).hexdigest())
