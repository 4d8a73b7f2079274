"""A newsroom's edition on each kind of server: delivered by a pass, served from what arrived, verified by a reader."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import anyio
import pytest
from tests.adapters.hosts.machines import GitPeer, Peer, git
from tests.cli.reader import mirrored
from tests.flows.test_issue import page_of
from tests.flows.world import NOW, Make, World

from heliograph.adapters.reach import WebMirror
from heliograph.flows import Report, issue
from heliograph.flows.verify import drive, verify
from heliograph.lab.piece import pieces
from heliograph.model import paths
from heliograph.model.mirror import Spent
from heliograph.trust import audit
from heliograph.trust.chain import State


@pytest.fixture
def small(make: Make) -> World:
    """Six sample stories, pictures left out."""
    return make(pieces(NOW)[:6], more="[edition]\npictures = false\n")


def publish(world: World, peer: Peer) -> tuple[Report, Spent]:
    """One pass, some minutes after the last, to that server alone; and what it took there."""
    world.now += timedelta(minutes=10)

    async def run() -> tuple[Report, Spent]:
        async with peer.opened() as store:
            with world.outside() as outside:
                report = await issue(replace(outside, mirrors=(store,)), world.config, world.now)
            return report, store.spent

    return anyio.run(run)


def served(peer: Peer, folder: Path) -> Path:
    """The folder that a web server there would show."""
    if not isinstance(peer, GitPeer):
        return peer.root / "site" if (peer.root / "site").exists() else peer.root
    git("clone", "-q", "-b", "pages", str(peer.root), str(folder))
    return folder


def said(world: World, folder: Path, *pages: str) -> list[str]:
    """What a reader is told of these pages over HTTP, and an auditor of the whole."""
    root = world.keys.files["tuf/1.root.json"]

    names = [str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()]
    shown = [(name, "file") for name in sorted(names) if not name.startswith(".")]

    async def run(url: str) -> list[str]:
        async with WebMirror(url) as mirror:
            found = [(await verify([mirror], page, State(root=b""), root, world.now)).verdict.verdict for page in pages]
            whole = await drive(audit.audit(State(root=b""), root, world.now, shown), [mirror])  # type: ignore[arg-type]
            return [*found, f"{whole.verdict.verdict} {whole.verdict.code}".strip()]

    with mirrored(folder) as url:
        return anyio.run(run, url)


def test_an_edition_goes_there_and_is_verified_from_there(small: World, peer: Peer, tmp_path: Path) -> None:
    report, first = publish(small, peer)
    assert [delivery.problem for delivery in report.deliveries] == [None]
    known = page_of(small.newsroom.pieces[0])
    assert said(small, served(peer, tmp_path / "one"), "index.html", known) == ["verified"] * 3

    report, second = publish(small, peer)  # nothing is new
    assert [delivery.problem for delivery in report.deliveries] == [None]
    assert (second.writes, second.deletes) == (0, 0)

    small.newsroom.edit(small.newsroom.pieces[0].path, small.now, title="Исправленный заголовок")
    small.newsroom.publish(replace(pieces(NOW)[9], published=small.now, updated=small.now))
    report, third = publish(small, peer)
    assert [delivery.problem for delivery in report.deliveries] == [None]
    assert 0 < third.writes <= first.writes
    assert third.size < first.size or isinstance(peer, GitPeer)  # of so few stories most pages are lists
    assert said(small, served(peer, tmp_path / "two"), "index.html", known) == ["verified"] * 3

    (tmp_path / "state" / "hosts" / "m.held").unlink()  # nothing is known of it, and it is another machine's
    with small.outside() as outside:
        place = anyio.run(place_of, peer)
        outside.journal.note(place, "")
    report, _ = publish(small, peer)
    assert [delivery.problem for delivery in report.deliveries] == [None]
    assert said(small, served(peer, tmp_path / "three"), "index.html", known) == ["verified"] * 3
    assert paths.POINTER in peer.files()


async def place_of(peer: Peer) -> str:
    """The key under which a journal notes what was delivered there."""
    from hashlib import sha256

    async with peer.opened() as store:
        return f"done {sha256(store.place.encode()).hexdigest()[:16]}"
