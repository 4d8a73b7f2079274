"""``heliograph probe`` against real servers on loopback, as a person and as a script would use it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.cli.reader import mirrored
from tests.cli.test_commands import heliograph

# Loopback has neither DNS nor the hosts that looks are compared with.
ALONE = """
[newsroom]
title = "Полуостров"
[watch]
network = "loopback"
anchors = []
ordinary = ["{control}"]
resolver = ""
doh = ""
"""


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[str]:
    """A served folder with a ``now``; its address."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    (folder / "now").write_bytes(b"{}")
    (folder / "index.html").write_bytes(b"<p>")
    with mirrored(folder) as address:
        yield address


@pytest.fixture
def closed() -> str:
    """An address where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{taken.getsockname()[1]}/"


def test_a_person_is_told_in_lines(tmp_path: Path, mirror: str, closed: str) -> None:
    config = tmp_path / "heliograph.toml"
    config.write_text(ALONE.format(control=mirror), encoding="utf-8")
    fine = heliograph("probe", mirror, "--deep", "--config", config)
    assert fine.stdout.startswith(f"arrives  {mirror}\n         well\n")
    bad = heliograph("probe", mirror, closed, "--config", config, code=1)
    assert f"fails    {closed}\n         tcp_ip" in bad.stdout
    assert "connection_refused" in bad.stdout
    assert max(map(len, bad.stdout.splitlines())) <= 80


def test_a_script_gets_oonis_measurements(tmp_path: Path, mirror: str, closed: str) -> None:
    config = tmp_path / "heliograph.toml"
    config.write_text(ALONE.format(control=mirror), encoding="utf-8")
    lines = heliograph("probe", mirror, closed, "--json", "--config", config, code=1).stdout.splitlines()
    found = {line["input"]: line["test_keys"] for line in map(json.loads, lines)}
    assert (found[mirror]["x_class"], found[mirror]["accessible"], found[mirror]["blocking"]) == ("well", True, False)
    assert (found[closed]["x_class"], found[closed]["accessible"]) == ("tcp_ip", False)
    assert all(json.loads(line)["probe_ip"] == "127.0.0.1" for line in lines)


def test_without_any_control_a_failure_is_no_blocking(tmp_path: Path, closed: str) -> None:
    config = tmp_path / "heliograph.toml"
    config.write_text(ALONE.format(control=closed), encoding="utf-8")
    told = json.loads(heliograph("probe", closed, "--json", "--config", config, code=1).stdout)["test_keys"]
    assert (told["x_class"], told["blocking"]) == ("offline", False)


@pytest.mark.parametrize(
    "address", ["ftp://mirror.example/", "mirror.example", "https://", "https://[::1/", "http://x:0/"]
)
def test_what_is_no_address_is_refused(address: str, tmp_path: Path) -> None:
    got = heliograph("probe", address, "--config", tmp_path / "none.toml", code=2)
    assert address in got.stderr
