"""Staged bytes that are not what was made are never published, and are made again."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path

import pytest
from tests.flows.test_issue import page_of
from tests.flows.test_seal import reader, unverified
from tests.flows.world import NOW, World

from heliograph.lab.piece import pieces
from heliograph.lab.store import MemoryMirror
from heliograph.model import StoreError, paths

LATE = "three"


def stage(world: World) -> Path:
    return world.config.state_folder / "edition"


def spoil(path: Path) -> None:
    """One byte of the file is another one, as a worn disk leaves it."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def join(world: World) -> MemoryMirror:
    """A mirror that has nothing yet, so that everything is carried to it."""
    world.mirrors.append(MemoryMirror(LATE))
    return world.mirrors[-1]


def staged(world: World, kind: str) -> Path:
    """A staged file of a kind that every new mirror needs."""
    mirror = world.mirrors[0].files
    page = page_of(world.newsroom.pieces[1])
    objects = [name for name in mirror if name.startswith("o/")]
    names = {
        "page": page,
        "encoding": f"{page}.br",
        "front": "index.html",
        "part of the map": min(objects, key=lambda name: len(mirror[name])),
        "root": "tuf/1.root.json",
        "snapshot": max(name for name in mirror if name.endswith("snapshot.json")),
        "now": paths.POINTER,
    }
    return stage(world) / names[kind]


KINDS = ("page", "encoding", "front", "part of the map", "root", "snapshot", "now")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("how", ["spoilt", "lost"])
def test_a_damaged_file_is_named_not_published_and_made_again(small: World, kind: str, how: str) -> None:
    small.publish()
    path, late = staged(small, kind), join(small)
    if how == "spoilt":
        spoil(path)
    else:
        path.unlink()
    name = path.relative_to(stage(small)).as_posix()
    report = small.publish()
    told = [problem for problem in report.problems if name in problem.what]
    # a root is written by each signing; without damage a pass has nothing to sign, so the others are still needed
    assert told
    if report.failed:
        assert unverified(small, small.mirrors[0]) == []  # the others are what they were, or newer
        report = small.publish()
    assert not report.failed
    old = small.mirrors[0].files.keys() - late.files.keys()  # of the release before, which it has no use for
    assert len(old) <= (kind in ("part of the map", "snapshot"))
    assert late.files == {name: data for name, data in small.mirrors[0].files.items() if name not in old}
    assert unverified(small, late) == []
    assert reader(small).audit(late.files, small.now).verdict.verdict == "verified"
    small.publish(minutes=9 * 24 * 60)
    small.publish(minutes=9 * 24 * 60)
    assert late.files == small.mirrors[0].files


def test_many_damaged_files_are_mended_at_once(small: World) -> None:
    small.publish()
    late = join(small)
    pages = [page_of(piece) for piece in small.newsroom.pieces[1:5]]
    for page in pages:
        spoil(stage(small) / page)
    report = small.publish()
    assert not report.deliveries[-1].damaged  # mended within the pass
    assert unverified(small, late) == []


def test_a_page_that_is_damaged_before_it_is_signed_stops_the_pass(
    small: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    small.publish()
    piece = small.newsroom.pieces[1]
    small.newsroom.edit(piece.path, small.now, title="Исправленный заголовок")
    page = page_of(piece)
    before = dict(small.mirrors[0].files)
    flow = importlib.import_module("heliograph.flows.issue")  # the package has the function of this name
    seal = flow.seal

    def spoilt(*given: object, **more: object) -> object:
        spoil(stage(small) / f"{page}.gz")
        monkeypatch.undo()
        return seal(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(flow, "seal", spoilt)
    with pytest.raises(StoreError, match=rf"{page}\.gz is damaged"):
        small.publish()
    assert small.mirrors[0].files == before
    small.publish()
    assert unverified(small, small.mirrors[0]) == []
    assert "Исправленный".encode() in small.mirrors[0].files[page]


def test_a_tile_that_is_damaged_is_not_built_upon(small: World) -> None:
    small.publish()
    mirror = small.mirrors[0].files
    for name in mirror:
        if name.startswith("o/") and len(mirror[name]) in (64, 128, 256, 512):
            spoil(stage(small) / name)
    small.newsroom.publish(replace(pieces(NOW)[9], published=small.now, updated=small.now))
    assert not small.publish().failed
    assert unverified(small, small.mirrors[0]) == []
    assert reader(small).audit(small.mirrors[0].files, small.now).verdict.verdict == "verified"
