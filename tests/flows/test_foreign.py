"""A delivery touches nothing of somebody else's, and goes on where a place is ours, however we know."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from tests.flows.test_recovery import recovered
from tests.flows.test_seal import unverified
from tests.flows.world import NOW, Make, World

from heliograph.flows import foreign
from heliograph.lab.keys import MemoryKeys, folder
from heliograph.lab.piece import pieces
from heliograph.lab.store import MemoryMirror
from heliograph.model import StoreError


def test_a_place_with_somebody_elses_site_is_left_as_it_is_and_the_others_get_the_edition(small: World) -> None:
    theirs = {"index.html": b"their page", "a/shop.html": b"their shop", "robots.txt": b"", "favicon.ico": b"icon"}
    small.mirrors[0].files |= theirs | {"style.css": b"p {}"}
    report = small.publish()
    (problem,) = {problem for problem in report.problems if problem.fatal}
    assert problem.what == "it holds files that are not ours: a/shop.html, favicon.ico, index.html and 1 more"
    assert "mirrors adopt one" in problem.remedy
    assert problem.where == f"mirror one, {small.mirrors[0].place}"
    assert small.mirrors[0].files == theirs | {"style.css": b"p {}"}
    assert unverified(small, small.mirrors[1]) == []


def test_names_that_no_edition_has_are_nobodys_business(small: World) -> None:
    theirs = {"readme.md": b"hello", "pictures/cat.jpg": b"cat", "a": b"a file", "style.css": b"p {}"}
    small.mirrors[0].files |= theirs
    assert not small.publish().failed
    assert theirs.items() <= small.mirrors[0].files.items()
    assert small.mirrors[0].files == small.mirrors[1].files | theirs


def test_a_place_that_was_adopted_is_taken_over(small: World) -> None:
    small.mirrors[0].files["a/old.html"] = b"of our old system"
    assert small.publish().failed
    with small.outside() as outside:
        outside.journal.note(foreign.begun(small.mirrors[0].place), "1")
    assert not small.publish().failed
    assert small.mirrors[0].files == small.mirrors[1].files


@pytest.mark.parametrize("write", [1, 40])
def test_a_first_delivery_that_was_cut_short_goes_on(small: World, write: int) -> None:
    small.mirrors[0].fail(write, "done", again=True)
    assert small.publish().failed
    assert "now" not in small.mirrors[0].files
    small.mirrors[0].fail(0, "")
    assert not small.publish().failed
    assert small.mirrors[0].files == small.mirrors[1].files


def test_a_place_of_a_journal_that_noted_no_beginning_is_ours_by_what_was_delivered(small: World) -> None:
    small.publish()
    mirror = small.mirrors[0]
    with small.outside() as outside:  # as before there was this note
        outside.journal.note(foreign.begun(mirror.place), "")
    del mirror.files["now"]
    assert not small.publish().failed
    assert mirror.files == small.mirrors[1].files


def test_a_place_whose_pointer_our_keys_signed_is_ours_though_the_journal_is_lost(small: World) -> None:
    small.publish()
    shutil.rmtree(small.config.state_folder)
    recovered(small)
    assert not small.publish().failed
    assert unverified(small, small.mirrors[0]) == []


def test_another_newsrooms_mirror_is_not_ours(small: World, make: Make) -> None:
    other = make(pieces(NOW)[:3], more="[edition]\npictures = false\n", folder="other")
    other.keys = MemoryKeys(folder(NOW, seed="somebody else"))
    other.publish()
    before = dict(other.mirrors[0].files)
    small.mirrors = [other.mirrors[0], small.mirrors[1]]
    report = small.publish()
    assert report.failed
    assert other.mirrors[0].files == before


def test_what_keys_say_of_a_pointer_that_is_none_or_of_nobody(small: World) -> None:
    small.publish()
    pointer = small.mirrors[0].files["now"]
    with small.outside() as outside:
        assert foreign.signed(outside, pointer)
        assert not foreign.signed(outside, b"no pointer at all")
        assert not foreign.signed(outside, b"")
        assert not foreign.signed(replace(outside, keys=MemoryKeys({})), pointer)
        assert not foreign.signed(replace(outside, keys=MemoryKeys(folder(NOW, seed="other"))), pointer)
        with pytest.raises(StoreError, match="not ours"):
            foreign.check_ours(outside, elsewhere(small), b"", ["now"], known=False)


def elsewhere(world: World) -> MemoryMirror:
    """A mirror that this journal has never written to."""
    mirror = world.mirrors[0]
    mirror.place = "another place"
    return mirror
