"""kill -9 at any moment of ``publish`` leaves whole pages, no broken link and a mirror that verifies, as the old or the
new release; and the next run ends right."""

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
from tests.cli.reader import Believer, faults, serving
from tests.cli.room import configured

from heliograph.lab.newsroom import Newsroom
from heliograph.lab.piece import Piece, pieces
from heliograph.model import paths

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
KILLS = int(os.environ.get("HELIOGRAPH_KILLS", "16"))
SAMPLE = 12  # pages verified after each kill beside the front page, what it links to and what changed
MIRRORS = ("one", "two")
# every second kill waits for a step of the delivery, which takes a few hundredths of a second: a random moment seldom
# meets it. A folder changes with the first file that comes into it.
AIMS = ("edition", "tuf", "tuf/timestamp.json", "now", "a", "index.html", "a/about.html")


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


def pages(mirror: Path) -> dict[str, int]:
    """The mapped files that lie on the mirror now, and when each was written (ns)."""
    names = ((path.relative_to(mirror).as_posix(), path) for path in mirror.rglob("*") if path.is_file())
    return {name: path.stat().st_mtime_ns for name, path in names if not paths.fault(name)}


def stamp(path: Path) -> int:
    """When a file or folder was changed (ns), 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def kill_at(run: subprocess.Popen[bytes], aim: Path, before: int) -> None:
    """Kill ``run`` once ``aim`` is not what it was ``before``."""
    while run.poll() is None:
        if stamp(aim) != before:
            run.kill()
            return
        time.sleep(0.0005)


def clock() -> datetime:
    """Commands run by the real clock, and so must their readers."""
    return datetime.now(UTC)  # noqa: TID251


@pytest.mark.timeout(900)
def test_killed_at_random_moments(tmp_path: Path) -> None:
    chance = random.Random(20261122)
    stories = list(pieces(NOW))
    newsroom, spare, now = Newsroom(stories[5:]), stories[:5], NOW
    moments: list[str] = []
    verified = between = 0  # times that a mirror showed a release, and that it lay between two of them
    with serving(newsroom) as url:
        config = configured(tmp_path / "killed", url, mirrors=MIRRORS)
        root = (config.parent / "keys" / "tuf" / "1.root.json").read_bytes()
        believers = [Believer(config.parent / "mirrors" / name, root) for name in MIRRORS]
        mirrors = [believer.mirror for believer in believers]
        span = 4.0
        for turn in range(KILLS):
            aim = AIMS[turn // 2 % len(AIMS)] if turn % 2 else ""
            moment = span if aim else chance.random() * span
            before = {mirror: pages(mirror) for mirror in mirrors}
            there = stamp(mirrors[0] / aim)
            started = time.monotonic()
            run = subprocess.Popen(command(config), stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            late = threading.Timer(moment, run.kill)
            killer = threading.Thread(target=kill_at, args=(run, mirrors[0] / aim, there)) if aim else late
            killer.start()
            out, complaint = run.communicate(timeout=120)
            late.cancel()
            killer.join()
            when = f"killed at {aim}" if aim else f"killed after {moment:.2f} s"
            for believer in believers:
                assert faults(believer.mirror) == [], when
                now_there = pages(believer.mirror)
                changed = sorted(name for name, at in now_there.items() if before[believer.mirror].get(name) != at)
                some = chance.sample(changed, min(SAMPLE, len(changed)))
                some += chance.sample(sorted(now_there), min(SAMPLE, len(now_there)))
                assert believer.doubts(some, clock()) == [], when
                verified += bool(believer.release)
                between += bool(believer.release) and believer.audited(clock()) != "verified"
            if run.returncode == 0:  # it was over before the kill: there must be work again, and less time for it
                span = max(0.5, (time.monotonic() - started))
                assert json.loads(out)["ok"]
            else:
                assert run.returncode == -9, complaint.decode()
                moments.append(aim or f"{moment:.2f} s")
            now += timedelta(minutes=3)
            stir(newsroom, spare, chance, now)
        assert len(moments) >= KILLS // 4, "hardly any run was killed: nothing was shown"
        for piece in spare:  # all stories at the end: what an archive once had (languages, index size) leaves its mark
            newsroom.publish(replace(piece, updated=now))
        last = subprocess.run(command(config), capture_output=True, timeout=120, check=True)
        assert json.loads(last.stdout)["ok"]
        assert verified >= KILLS, "hardly any mirror showed a release: nothing was shown"
        untouched = configured(tmp_path / "untouched", url, mirrors=MIRRORS)
        subprocess.run(command(untouched), capture_output=True, timeout=120, check=True)
        whole = end_of(untouched.parent / "mirrors" / "one")
        assert len(whole) > len(newsroom.pieces)
        for believer in believers:
            assert faults(believer.mirror) == []
            assert believer.audited(clock()) == "verified"
            ended = end_of(believer.mirror)
            assert sorted(name for name in ended.keys() | whole.keys() if ended.get(name) != whole.get(name)) == []
    print(f"killed {len(moments)} times, at {', '.join(sorted(moments))}")
    print(f"verified {verified} times, {between} of them between two releases")
