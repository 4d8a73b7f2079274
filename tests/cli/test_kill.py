"""kill -9 at any moment of ``publish`` leaves whole pages and no broken link, and the next run ends right."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.cli.reader import faults, serving
from tests.cli.room import configured

from heliograph.lab.newsroom import Newsroom
from heliograph.lab.piece import Piece, pieces
from heliograph.model import paths

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
KILLS = int(os.environ.get("HELIOGRAPH_KILLS", "16"))


def command(config: Path) -> list[str]:
    return [sys.executable, "-m", "heliograph", "publish", "--json", "--config", str(config)]


def stir(newsroom: Newsroom, spare: list[Piece], chance: random.Random, now: datetime) -> None:
    """Something for the next pass to do: a story new or back again, corrections, now and then a withdrawal."""
    if spare and chance.random() < 0.5:
        newsroom.publish(replace(spare.pop(), updated=now))
    for piece in chance.sample(newsroom.pieces, 2):
        newsroom.edit(piece.path, now, title=f"{piece.title.split(' · ')[0]} · {now:%H:%M}")
    if chance.random() < 0.25 and len(newsroom.pieces) > 8:
        gone = chance.choice(newsroom.pieces)
        newsroom.withdraw(gone.path)
        spare.insert(0, gone)


def end_of(mirror: Path) -> dict[str, bytes]:
    """What the mirror holds of the edition, but for the pages that tell of its number and time."""
    own = {"index.html", "a/about.html"}
    return {
        name: path.read_bytes()
        for path in sorted(mirror.rglob("*"))
        if path.is_file()
        and not paths.fault(paths.plain_name(name := path.relative_to(mirror).as_posix()))
        and paths.plain_name(name) not in own
    }


@pytest.mark.timeout(900)
def test_killed_at_random_moments(tmp_path: Path) -> None:
    chance = random.Random(20261122)
    stories = list(pieces(NOW))
    newsroom, spare, now = Newsroom(stories[5:]), stories[:5], NOW
    moments = []
    with serving(newsroom) as url:
        config = configured(tmp_path / "killed", url)
        mirrors = [config.parent / "mirrors" / name for name in ("one", "two")]
        span = 4.0
        for _ in range(KILLS):
            moment = chance.random() * span
            started = time.monotonic()
            run = subprocess.Popen(command(config), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            killer = threading.Timer(moment, run.kill)
            killer.start()
            out, complaint = run.communicate(timeout=120)
            killer.cancel()
            for mirror in mirrors:
                assert faults(mirror) == [], f"killed after {moment:.2f} s"
            if run.returncode == 0:  # it was over before the kill: there must be work again, and less time for it
                span = max(0.5, (time.monotonic() - started))
                assert json.loads(out)["ok"]
            else:
                assert run.returncode == -9, complaint.decode()
                moments.append(moment)
            now += timedelta(minutes=3)
            stir(newsroom, spare, chance, now)
        assert len(moments) >= KILLS // 4, "hardly any run was killed: nothing was shown"
        for piece in spare:  # all stories at the end: what an archive once had (languages, index size) leaves its mark
            newsroom.publish(replace(piece, updated=now))
        last = subprocess.run(command(config), capture_output=True, timeout=120, check=True)
        assert json.loads(last.stdout)["ok"]
        untouched = configured(tmp_path / "untouched", url)
        subprocess.run(command(untouched), capture_output=True, timeout=120, check=True)
        whole = end_of(untouched.parent / "mirrors" / "one")
        for mirror in mirrors:
            assert faults(mirror) == []
            ended = end_of(mirror)
            assert sorted(name for name in ended.keys() | whole.keys() if ended.get(name) != whole.get(name)) == []
    print(f"killed {len(moments)} times, at {', '.join(f'{moment:.2f}' for moment in sorted(moments))} s")
