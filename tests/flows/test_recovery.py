"""A lost or old journal costs readers nothing: the newsroom goes on above what its mirrors show."""

from __future__ import annotations

import shutil
from dataclasses import replace

import anyio
import pytest
from tests.flows.test_seal import mapped, reader, unverified
from tests.flows.test_sync import Reached
from tests.flows.world import NOW, Make, World

from heliograph.flows.recovery import Recovered, recover
from heliograph.lab.keys import MemoryKeys, folder
from heliograph.lab.piece import pieces
from heliograph.model import SignError


def recovered(world: World) -> Recovered:
    """Recover from the world's mirrors."""
    mirrors = [Reached(mirror.files, mirror.name) for mirror in world.mirrors]
    root = world.keys.files["tuf/1.root.json"]
    with world.outside() as outside:
        return anyio.run(recover, mirrors, outside.keys, outside.journal, outside.stage, root, world.now)


def test_a_journal_that_is_lost_is_made_up_for(small: World) -> None:
    small.publish()
    small.publish()
    known = reader(small)
    before = known.read([small.mirrors[0].files], "index.html", small.now).verdict.release
    shutil.rmtree(small.config.state_folder)
    with pytest.raises(SignError, match="keys recover"):
        small.publish()
    found = recovered(small)
    assert (found.release, found.missing) == (before, ())
    small.publish()
    after = known.read([small.mirrors[0].files], "index.html", small.now).verdict
    assert (after.verdict, after.release > before) == ("verified", True)
    assert unverified(small, small.mirrors[0]) == []
    assert f"{after.release}".encode() in small.mirrors[0].files["a/about.html"]


def test_a_journal_from_a_backup_goes_on_above_what_came_after_it(small: World) -> None:
    small.publish()
    journal = small.folder / "state" / "journal.sqlite"
    backup = journal.read_bytes()
    small.newsroom.publish(replace(pieces(NOW)[9], published=small.now, updated=small.now))
    small.publish()
    for left in journal.parent.glob("journal.sqlite*"):
        left.unlink()
    journal.write_bytes(backup)
    recovered(small)
    small.publish()
    assert unverified(small, small.mirrors[0]) == []
    assert small.mirrors[0].files.keys() == small.mirrors[1].files.keys()
    small.newsroom.publish(replace(pieces(NOW)[10], published=small.now, updated=small.now))
    small.publish()
    assert unverified(small, small.mirrors[0]) == []


def test_with_the_root_alone_the_rest_is_read_back_and_the_missing_keys_named(small: World) -> None:
    small.publish()
    whole = dict(small.keys.files)
    small.keys.files = {"tuf/1.root.json": whole["tuf/1.root.json"]}
    found = recovered(small)
    assert found.missing == ("online", "edition")
    assert small.keys.files["tuf/1.targets.json"] == whole["tuf/1.targets.json"]


def test_a_stranger_cannot_be_recovered_from(small: World, make: Make) -> None:
    other = make(pieces(NOW)[:3], more="[edition]\npictures = false\n", folder="other")
    other.keys = MemoryKeys(folder(NOW, seed="somebody else"))
    other.publish()
    small.mirrors = other.mirrors
    with pytest.raises(SignError, match="no mirror shows"):
        recovered(small)


def test_a_stage_that_lost_a_part_of_the_map_builds_it_anew(small: World) -> None:
    small.publish()
    shutil.rmtree(small.folder / "state" / "edition" / "o")
    small.newsroom.edit(small.newsroom.pieces[0].path, small.now, title="Исправленный заголовок")
    small.publish()
    assert unverified(small, small.mirrors[0]) == []
    assert mapped(small.mirrors[0])
