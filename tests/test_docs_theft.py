"""The walk through a key theft, run as it stands: every command, every line of what it shows."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from heliograph.cli.setup import manual
from heliograph.flows import keyring
from heliograph.lab import keys as lab
from heliograph.model import Source
from heliograph.trust import keys

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "operating" / "key-theft.md"
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PASSPHRASE = "bridge over the strait"
STORY = "Мост открыли {}.\n\nПервый абзац рассказывает о том, что случилось у моста через лиман.\n"


def steps() -> list[tuple[str, str]]:
    """Each command of the document with what it shows."""
    text = "".join(_BLOCK.findall(DOCUMENT.read_text(encoding="utf-8")))
    found = []
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        found.append((command, shown))
    return found


def shows(output: str, pattern: str) -> bool:
    """Whether ``output`` is what the document shows, in which "…" stands for anything."""
    parts = [re.escape(piece) for piece in pattern.strip().split("…")]
    return re.fullmatch(".*".join(parts), output.strip(), re.DOTALL) is not None


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A newsroom of three stories whose offline keys lie on a stick."""
    room, now = tmp_path / "room", datetime.now(UTC)  # noqa: TID251 - commands run by the real clock
    (room / "texts").mkdir(parents=True)
    for number in range(3):
        (room / "texts" / f"story-{number}.txt").write_text(STORY.format(number), encoding="utf-8")
    config = manual("Полуостров", "ru", "", [Source(kind="folder", url="texts")])
    (room / "heliograph.toml").write_text(config, encoding="utf-8")
    for name, data in lab.folder(now).items():
        (room / "keys" / name).parent.mkdir(parents=True, exist_ok=True)
        (room / "keys" / name).write_bytes(data)
    (tmp_path / "stick").mkdir()
    for number, role in enumerate(("root", "targets")):
        key = lab.key(role)  # type: ignore[arg-type]
        locked = keys.lock(key, PASSPHRASE, bytes([number]) * (keys.SALT + keys.NONCE))
        (tmp_path / "stick" / keyring.file_of(key).removeprefix(keyring.OFFLINE)).write_bytes(locked)
    (tmp_path / "passphrase").write_text(PASSPHRASE, encoding="utf-8")
    return tmp_path


def test_the_walk_goes_as_it_says(place: Path) -> None:
    tools = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": tools, "COLUMNS": "120", "NO_COLOR": "1"}
    assert len(steps()) > 12
    for command, shown in steps():
        run = subprocess.run(
            command, shell=True, cwd=place, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
        assert "Traceback" not in run.stderr, command
        assert shows(run.stdout + run.stderr, shown), f"{command}\n{run.stdout}{run.stderr}"
