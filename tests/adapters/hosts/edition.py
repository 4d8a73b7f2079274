"""A small edition as a delivery carries it, and a process that is killed while it does.

edition.py CONFIG STEPS MOMENT COUNT: apply the pickled steps to the configuration's mirror, and die at the COUNT-th
file that is read ("read") or finished ("done").
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from heliograph import publish
from heliograph.cli.hosts import opened
from heliograph.config import Config, load
from heliograph.model.ledger import Change

Files = Mapping[str, bytes]
Steps = list[list[Change]]


def edition(number: int, stories: int = 12) -> dict[str, bytes]:
    """Names and bytes of edition ``number``; some stay the same from one to the next, one ends."""
    files = {}
    for story in range(number - 1, stories + number - 1):  # each edition has one story of its own
        version = number if story % 3 == 0 else 0
        files |= coded(f"a/{story:07d}.html", f"{story} {version}", 3_000)
    files |= coded("a/d/index.html", f"days {number}", 2_000) | coded("index.html", f"front {number}", 4_000)
    files |= coded("feed.xml", f"feed {number}", 4_000)
    files[f"o/ab/{hashlib.sha256(bytes([number])).hexdigest()[2:]}"] = noise(f"map {number}", 512)
    files[f"tuf/{number}.snapshot.json"] = noise(f"snapshot {number}", 400)
    files["tuf/timestamp.json"] = noise(f"timestamp {number}", 400)
    files["log/tile/entries/x001/067.p/255"] = noise(f"tile {number}", 100)
    files["now"] = noise(f"now {number}", 1_600)
    return files


def coded(name: str, seed: str, size: int) -> dict[str, bytes]:
    return {name + ending: noise(seed + ending, size) for ending in ("", ".br", ".gz")}


def noise(seed: str, size: int) -> bytes:
    return hashlib.shake_128(seed.encode()).digest(size)


def steps(before: Files, after: Files) -> Steps:
    """The delivery that turns one edition into another."""
    changes = [
        Change(name=name, digest=digest(data), size=len(data), fresh=name not in before)
        for name, data in after.items()
        if before.get(name) != data
    ]
    return publish.steps([*changes, *(gone(name) for name in before if name not in after)])


def repairs(held: Mapping[str, str], after: Files) -> Steps:
    """The delivery that mends what holds these digests."""
    whole = [Change(name=name, digest=digest(data), size=len(data), fresh=True) for name, data in after.items()]
    return publish.steps(publish.repair(whole, held))


def gone(name: str) -> Change:
    return Change(name=name, digest="", size=0, fresh=False, gone=True)


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def digests(files: Files) -> dict[str, str]:
    return {name: digest(data) for name, data in files.items()}


def killed(config: str, folder: Path, work: Steps, files: Files, moment: str, count: int) -> None:
    """Deliver in a process that ends by SIGKILL at that moment."""
    (folder / "heliograph.toml").write_text(config, encoding="utf-8")
    (folder / "steps").write_bytes(pickle.dumps((work, dict(files))))
    words = [sys.executable, __file__, str(folder / "heliograph.toml"), str(folder / "steps"), moment, str(count)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr


async def _main(config: Config, work: Steps, files: Files, moment: str, left: int) -> None:

    def one(what: str, files: int = 1) -> None:
        nonlocal left
        left -= files * (what == moment)
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def read(change: Change) -> bytes:
        one("read")
        return bytes(files[change.name])

    async with opened(config, config.mirror[0]) as store:
        await store.apply(work, read, lambda files: one("done", files))


if __name__ == "__main__":
    _, toml, pickled, what, limit = sys.argv
    asyncio.run(_main(load(Path(toml)), *pickle.loads(Path(pickled).read_bytes()), what, int(limit)))
