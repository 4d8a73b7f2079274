"""``verify`` and ``sync`` as people and scripts use them, against folders and a served mirror."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.cli.reader import mirrored, serving
from tests.cli.room import configured
from tests.cli.test_commands import heliograph
from tests.flows.world import NOW, Make

from heliograph.lab.newsroom import Newsroom
from heliograph.lab.piece import pieces
from heliograph.trust.head import stamp

QUICK = "[edition]\npictures = false\n"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A newsroom's folder after two passes."""
    folder = tmp_path_factory.mktemp("verified") / "room"
    now = datetime.now(UTC)  # noqa: TID251 - commands run by the real clock
    newsroom = Newsroom(pieces(now)[:5])
    with serving(newsroom) as url:
        config = configured(folder, url)
        heliograph("publish", "--config", config)
        newsroom.edit(newsroom.pieces[0].path, now, title="Исправленный заголовок")
        heliograph("publish", "--config", config)
    return folder


@pytest.fixture
def mirror(published: Path, tmp_path: Path) -> Path:
    """A copy of its mirror that a test may spoil, beside its root."""
    shutil.copy(published / "keys" / "tuf" / "1.root.json", tmp_path)
    return Path(shutil.copytree(published / "mirrors" / "first", tmp_path / "mirror"))


@pytest.fixture
def served(mirror: Path) -> Iterator[str]:
    """The address of that mirror, served."""
    with mirrored(mirror) as address:
        yield address


def verify(mirror: Path, *words: str | Path, code: int = 0) -> dict[str, Any]:
    """The line that ``verify`` prints."""
    root = mirror.parent / "1.root.json"
    found: dict[str, Any] = json.loads(heliograph("verify", *words, "--root", root, code=code).stdout)
    return found


def test_a_page_and_a_whole_mirror_are_verified_from_a_folder_and_from_an_address(mirror: Path, served: str) -> None:
    for source in (mirror, served):
        assert verify(mirror, source, "--path", "index.html")["verdict"] == "verified"
        assert verify(mirror, source)["verdict"] == "verified"
    assert verify(mirror, served, "--path", "")["path"] == "index.html"


def test_a_changed_page_is_refused_with_its_code(mirror: Path) -> None:
    page = mirror / "a" / "about.html"
    page.write_bytes(page.read_bytes().replace(b"<p>", b"<q>", 1))
    assert verify(mirror, mirror, code=1)["code"] == "hash"


def test_two_mirrors_that_contradict_each_other_are_found(tmp_path: Path, make: Make) -> None:
    one, other = (make(pieces(NOW)[:number], "", QUICK, folder=f"world-{number}") for number in (2, 3))
    for world in (one, other):  # the same keys sign two different releases of one number
        world.publish()
        for name, data in world.mirrors[0].files.items():
            (world.folder / "mirror" / name).parent.mkdir(parents=True, exist_ok=True)
            (world.folder / "mirror" / name).write_bytes(data)
    mirrors = [world.folder / "mirror" for world in (one, other)]
    shutil.copy(mirrors[0] / "tuf" / "1.root.json", one.folder)
    at = ["--at", stamp(one.now)]
    for mirror in mirrors:
        told = verify(mirrors[0], mirror, "--path", "index.html", *at, code=2)
        assert told["verdict"] == "authentic-but-stale"  # the best there is for a time that was given
    told = verify(mirrors[0], *mirrors, "--path", "index.html", *at, code=1)
    assert told["code"] == "equivocation"
    assert str(mirrors[0]) in told["what"]
    assert str(mirrors[1]) in told["what"]


def test_what_is_old_exits_with_two_and_may_be_accepted(mirror: Path) -> None:
    later = (datetime.now(UTC) + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%SZ")  # noqa: TID251
    told = verify(mirror, mirror, "--path", "index.html", "--at", later, code=2)
    assert (told["verdict"], told["stale"], told["present"]) == ("authentic-but-stale", True, True)
    verify(mirror, mirror, "--path", "index.html", "--at", later, "--accept-stale")


@pytest.mark.parametrize(
    "words",
    [
        ["--path", "x"],
        ["https:///", "--path", "x"],
        ["/no/such/folder"],
        [".", "--at", "yesterday"],
        [".", "--root", "/no/such/root"],
        [".", "--nonsense"],
    ],
)
def test_wrong_usage_exits_with_64(words: list[str]) -> None:
    heliograph("verify", *words, code=64)


def test_a_damaged_state_is_as_good_as_none(mirror: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    verify(mirror, mirror, "--path", "index.html", "--state", seen)
    (seen / "state.json").write_bytes((seen / "state.json").read_bytes()[:200])
    assert verify(mirror, mirror, "--path", "index.html", "--state", seen)["verdict"] == "verified"


def test_sync_copies_a_served_mirror_and_serves_as_well(mirror: Path, served: str) -> None:
    copy, root = mirror.parent / "copy", mirror.parent / "1.root.json"
    first = json.loads(heliograph("sync", served, mirror, copy, "--root", root, "--json").stdout)
    assert (first["verdict"], first["unnamed"]) == ("verified", 0)
    assert verify(mirror, copy)["verdict"] == "verified"
    again = json.loads(heliograph("sync", served, copy, "--root", root, "--json").stdout)
    assert (again["fetched"], again["written"]) == (0, 0)
    shown = heliograph("sync", served, copy, "--root", root).stdout
    assert max(len(line) for line in shown.splitlines() if str(copy) not in line) <= 80


def test_sync_of_a_forged_mirror_changes_nothing(mirror: Path) -> None:
    copy, root = mirror.parent / "copy", mirror.parent / "1.root.json"
    for name in ("now", "tuf/timestamp.json"):
        (mirror / name).write_bytes((mirror / name).read_bytes().replace(b'"version":', b'"version":9', 1))
    told = heliograph("sync", mirror, copy, "--root", root, code=1).stderr
    assert "not copied" in told
    assert not copy.exists() or not list(copy.iterdir())


def test_a_copy_remembers_its_parts_between_runs_and_a_damaged_memory_costs_nothing(
    mirror: Path, tmp_path: Path
) -> None:
    copy, root = tmp_path / "copy", tmp_path / "1.root.json"
    heliograph("sync", mirror, copy, "--root", root)
    memory = tmp_path / ".copy.seen" / "parts.json"
    parts = json.loads(memory.read_bytes())
    assert {kind for kind, _, _ in parts.values()} == {"object", "signed"}
    assert not [name for name in parts if not (copy / name).is_file()]
    old = "o/" + "ab/" + 62 * "0"
    memory.write_text(json.dumps({**parts, old: ["object", "", "2026-01-01T00:00:00+00:00"]}), encoding="utf-8")
    (copy / old).parent.mkdir(parents=True, exist_ok=True)
    (copy / old).write_bytes(b"no part of any map")
    said = json.loads(heliograph("sync", mirror, copy, "--root", root, "--keep", "--json").stdout)
    assert said["removed"] == 0
    assert json.loads(memory.read_bytes())[old][2] == "2026-01-01T00:00:00+00:00"
    heliograph("sync", mirror, copy, "--root", root)
    assert (copy / old).exists()  # it is not what its name says
    memory.write_text('{"o/x": 5}', encoding="utf-8")
    heliograph("sync", mirror, copy, "--root", root)
    assert json.loads(memory.read_bytes()) == parts
