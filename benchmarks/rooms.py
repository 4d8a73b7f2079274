"""A newsroom whose release is made once and then brought to many places: what ``hosts`` and ``hurt`` share.

The release is made and signed in one room; each place gets a copy of that room, so that what is measured there is its
delivery. Commands are run as people run them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import heliograph as package
from benchmarks.places import Place, heliograph
from benchmarks.sites import BenchError
from heliograph.cli.wiring import open_journal
from heliograph.config import load
from heliograph.model import paths

FIRST = 'path = "mirrors/first"\n'
Run = Callable[[list[str]], "subprocess.CompletedProcess[bytes]"]


@contextmanager
def frozen(folder: Path, code: Path = Path(package.__file__).parent) -> Iterator[None]:
    """Commands run within it from a copy of the code, made in ``folder``.

    Whoever changes the code while a benchmark of an hour runs would change what every page is made from, and the next
    pass would rightly write it again: a place had "934 writes where nothing changed" for that.
    """
    shutil.copytree(code, folder / code.name, ignore=shutil.ignore_patterns("__pycache__"))
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(folder), *([before] if before else [])])
    try:
        yield
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before


def here(command: list[str]) -> subprocess.CompletedProcess[bytes]:
    """Run a command in this machine's own network."""
    return subprocess.run(command, capture_output=True, timeout=3_600, check=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One pass: what it said, and how long it took in all (seconds)."""

    told: dict[str, Any]
    seconds: float

    def writes(self, mirror: str) -> int:
        """What the host of ``mirror`` was asked to write."""
        return int(next(one for one in self.told["mirrors"] if one["name"] == mirror)["spent"]["writes"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """A newsroom in a folder; ``run`` runs its commands."""

    folder: Path
    run: Run = here

    @property
    def config(self) -> Path:
        return self.folder / "heliograph.toml"

    @property
    def root(self) -> Path:
        return self.folder / "keys" / "tuf" / "1.root.json"

    @property
    def command(self) -> list[str]:
        """What publishes."""
        return heliograph("publish", "--json", "--config", self.config)

    def copy(self, folder: Path, mirrors: str, run: Run = here) -> Room:
        """This room in another folder, with ``mirrors`` in the place of the path of its only mirror."""
        shutil.copytree(self.folder, folder)
        made = Room(folder=folder, run=run)
        text = made.config.read_text(encoding="utf-8")
        assert FIRST in text
        made.config.write_text(text.replace(FIRST, mirrors), encoding="utf-8")
        return made

    def publish(self) -> Published:
        """One pass. Raises BenchError if a mirror or a source failed."""
        start = time.perf_counter()
        done = self.run(self.command)
        seconds = time.perf_counter() - start
        if done.returncode:
            said = done.stderr.decode().strip() or str(json.loads(done.stdout or b"{}").get("problems"))
            raise BenchError(f"heliograph publish ended with {done.returncode}: {said[-800:]}")
        return Published(told=json.loads(done.stdout), seconds=seconds)

    def verify(self, url: str, socks: str = "") -> tuple[int, dict[str, Any]]:
        """What ``heliograph verify`` says of a whole mirror: exit code and verdict."""
        more = ["--socks", socks] if socks else []
        done = self.run([*heliograph("verify", url, "--root", self.root), *more])
        if not done.stdout:
            raise BenchError(f"heliograph verify ended with {done.returncode}: {done.stderr.decode()[-500:]}")
        told: dict[str, Any] = json.loads(done.stdout)
        return done.returncode, told

    @property
    def release(self) -> int:
        """The number of the newest release."""
        with open_journal(load(self.config)) as journal:
            latest = journal.latest()
        return latest.number if latest else 0

    def files(self, place: Place) -> set[str]:
        """What ``place`` must hold of the newest release, and nothing else."""
        with open_journal(load(self.config)) as journal:
            names = {change.name for change in journal.changes(None) if not change.gone}
        if place.kind == "git":
            return {name for name in names if name == paths.plain_name(name)} | {".nojekyll"}
        return {paths.plain_name(name) for name in names} if place.coded else names


def said(room: Room, found: tuple[int, dict[str, Any]]) -> str:
    """A verdict in a word: right only if it is of the newest release."""
    code, told = found
    if code == 0 and told["verdict"] == "verified":
        return "verified" if told["release"] == room.release else f"verified, release {told['release']} only"
    return f"{told['verdict']} {told['code']} ({code})"


def begun(folder: Path, source: str) -> Room:
    """A newsroom that has published what ``source`` has to a folder of its own. Raises BenchError."""
    done = here(heliograph("init", folder, "--source", source, "--title", "Vestnik"))
    if done.returncode:
        raise BenchError(f"heliograph init failed: {done.stderr.decode().strip()[-800:]}")
    room = Room(folder=folder)
    room.publish()
    return room
