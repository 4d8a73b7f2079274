"""A volunteer's copy as a mirror of the pool: pulled with ``sync``, shown with ``serve``, and brought nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.cli import reader
from tests.cli.reader import serving
from tests.cli.room import configured
from tests.cli.volunteer import heliograph, served

from heliograph.lab.newsroom import Newsroom
from heliograph.lab.piece import pieces
from heliograph.model import paths

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
PULL = """
[[mirror]]
name = "friend"
kind = "pull"
url = "{url}"
provider = "a friend's"
"""


class Scene:
    """A newsroom with a folder mirror that is served, and the copy of a volunteer."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.newsroom = Newsroom(list(pieces(NOW))[:4])
        site = stack.enter_context(serving(self.newsroom))
        self.config = configured(folder / "room", site)
        self.root = self.config.parent / "keys" / "tuf" / "1.root.json"
        self.first, self.copy = self.config.parent / "mirrors" / "first", folder / "small" / "edition"
        self.copy.parent.mkdir()
        self.first.mkdir(parents=True)
        self.url = stack.enter_context(served(self.first))
        text = self.config.read_text(encoding="utf-8")
        path = 'path = "mirrors/first"\n'
        text = text.replace(path, f'{path}url = "{self.url}"\nprovider = "ours"\n')
        watch = f'anchors = []\nordinary = ["{site}/"]\nresolver = ""\ndoh = ""\n'
        self.config.write_text(text.replace("[watch]\n", f"[watch]\n{watch}"), encoding="utf-8")

    def told(self, *words: str, code: int = 0) -> Any:
        done = heliograph(*words, "--json", "--config", self.config)
        assert done.returncode == code, done.stdout + done.stderr
        return json.loads(done.stdout)

    def sync(self) -> subprocess.CompletedProcess[str]:
        return heliograph("sync", self.url, self.copy, "--root", self.root)

    def verified(self) -> bool:
        return heliograph("verify", self.copy, "--root", self.root).returncode == 0


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with ExitStack() as stack:
        made = Scene(tmp_path, stack)
        made.told("publish")
        yield made


@pytest.mark.timeout(300)
def test_a_pulled_mirror_is_told_watched_and_rotated_and_brought_nothing(scene: Scene) -> None:
    assert scene.sync().returncode == 0
    with served(scene.copy) as url:
        with scene.config.open("a", encoding="utf-8") as file:
            file.write(PULL.format(url=url))
        report = scene.told("publish")
        assert report["ok"]
        assert [one["name"] for one in report["mirrors"]] == ["first"]
        assert [one["name"] for one in scene.told("mirrors", "cost")["mirrors"]] == ["first"]
        assert url in (scene.first / "index.html").read_text(encoding="utf-8")
        assert url not in (scene.copy / "index.html").read_text(encoding="utf-8")  # until the volunteer asks
        assert scene.sync().returncode == 0
        assert (scene.copy / "index.html").read_bytes() == (scene.first / "index.html").read_bytes()

        patrol = heliograph("patrol", "--json", "--config", scene.config)
        looked = [json.loads(line) for line in patrol.stdout.splitlines()]
        assert patrol.returncode == 0, patrol.stdout + patrol.stderr
        assert any(url in json.dumps(one) for one in looked)
        status = scene.told("status")
        assert {one["url"] for one in status["told"]} == {scene.url, url}
        assert [one["name"] for one in status["mirrors"]] == ["first"]
        assert {one["name"]: one["phase"] for one in scene.told("mirrors", "list")["mirrors"]} == {
            "first": "live",
            "friend": "live",
        }

    fallen = scene.told("publish")  # its server is gone, and a pass does not mind
    assert (fallen["ok"], [one["name"] for one in fallen["mirrors"]]) == (True, ["first"])
    rested = heliograph("mirrors", "rest", "friend", "--config", scene.config)
    assert rested.returncode == 0, rested.stderr
    assert scene.told("publish")["ok"]
    assert url not in (scene.first / "index.html").read_text(encoding="utf-8")


def test_there_is_nothing_to_adopt_at_a_pulled_mirror(scene: Scene) -> None:
    with scene.config.open("a", encoding="utf-8") as file:
        file.write(PULL.format(url="https://friend.example/"))
    done = heliograph("mirrors", "adopt", "friend", "--config", scene.config)
    assert done.returncode == 2
    assert "no such mirror to bring an edition to" in done.stderr
    assert "mirrors are: first" in done.stderr


@pytest.mark.timeout(300)
@pytest.mark.skipif(os.geteuid() != 0, reason="a full disk needs root: it mounts a small file system")
@pytest.mark.parametrize("share", [0.4, 0.9])  # of the mirror's new files: copied twice, waiting and in place
def test_a_volunteers_full_disk_is_told_and_the_old_copy_stays_whole(scene: Scene, share: float) -> None:
    small = scene.copy.parent
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", str(small)], check=True)
    try:
        assert scene.sync().returncode == 0
        before = contents(scene.copy)
        for piece in pieces(NOW)[4:16]:
            scene.newsroom.publish(piece)
        scene.told("publish")
        ballast = small / "ballast.bin"
        new = contents(scene.first).items() - before.items()
        room = 8_192 + share * sum(4_096 * -(-len(data) // 4_096) for _, data in new)
        ballast.write_bytes(bytes(shutil.disk_usage(small).free - int(room)))

        full = scene.sync()
        assert full.returncode == 1
        assert "No space left on device" in full.stderr
        assert "Traceback" not in full.stderr
        assert "then run it again" in full.stderr
        assert (contents(scene.copy) == before) == (share < 0.5)
        assert scene.verified() or share > 0.5  # whole; pages that lie there ahead of their release are no part of it
        assert reader.faults(scene.copy) == []
        believer = reader.Believer(scene.copy, scene.root.read_bytes())
        now = datetime.now(UTC)  # noqa: TID251 - commands run by the real clock
        assert believer.doubts([name for name in before if name.endswith(".html")], now) == []

        ballast.unlink()
        assert scene.sync().returncode == 0
        assert scene.verified()
        assert (scene.copy / paths.FRONT).read_bytes() == (scene.first / paths.FRONT).read_bytes()
        assert reader.faults(scene.copy) == []
    finally:
        subprocess.run(["umount", str(small)], check=True)
