"""``heliograph lab``: what people see of the censor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from heliograph.cli.app import app
from heliograph.lab.censor import library

ROOT = Path(__file__).resolve().parents[2]


def heliograph(*words: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, **({"PATH": path} if path is not None else {})}
    command = [sys.executable, "-m", "heliograph", "lab", *words]
    return subprocess.run(command, capture_output=True, text=True, env=env, timeout=120, check=False)


def test_profiles_and_rules_are_listed_with_a_sentence_each() -> None:
    told = CliRunner().invoke(app, ["lab", "list", "--json"])
    shown = json.loads(told.stdout)
    assert [one["name"] for one in shown["profiles"]] == library.names("profiles")
    assert [one["name"] for one in shown["rules"]] == library.names("rules")
    assert all(one["about"] for one in [*shown["profiles"], *shown["rules"]])
    text = CliRunner().invoke(app, ["lab", "list"]).stdout
    assert "ru-2026-home" in text
    assert "curtain-25p" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["curtain-25", "--", "true"], "did you mean curtain-25p"),
        (["curtain-25p", "--set", "curtain-25p.limit=x", "--", "true"], "give a whole number"),
        (["none", "--stats", "/nowhere/x.json", "--", "true"], "name a file in a folder that exists"),
        (["none"], "Missing argument"),
        (["none", "--loss", "2", "--", "true"], "--loss"),
    ],
)
def test_wrong_usage_exits_with_2_and_says_what_to_do(words: list[str], said: str) -> None:
    done = heliograph("run", *words)
    assert done.returncode == 2
    assert said in done.stderr.replace("\n", " ")


@pytest.mark.needs_netns
def test_a_program_runs_behind_the_censor_and_its_exit_status_is_ours(tmp_path: Path) -> None:
    stats = tmp_path / "stats.json"
    curl = ["curl", "-s", "-m", "2", "-o", "/dev/null", "-w", "%{size_download}"]
    done = heliograph(
        "run", "curtain-16k", "--rtt", "10", "--stats", str(stats), "--", *curl, "http://news.example/65536"
    )
    assert done.returncode == 28, done.stderr
    assert 10_000 < int(done.stdout) < 16_384
    counted = json.loads(stats.read_text())
    assert counted["rules"]["curtain-16k"]["connections"] == 1
    assert [
        one["fate"] for one in counted["connections"] if one["name"] == "news.example" and one["transport"] == "tcp"
    ] == ["freeze"]
    assert list(tmp_path.iterdir()) == [stats]


@pytest.mark.needs_netns
def test_numbers_and_the_line_can_be_set_and_tls_is_trusted() -> None:
    done = heliograph(
        *("run", "ru-2026-home", "--set", "curtain-25p.limit=1000", "--loss", "0.01", "--jitter", "2", "--seed", "4"),
        *("--", "curl", "-sS", "-m", "20", "https://news.example/30000"),
    )
    assert (done.returncode, len(done.stdout)) == (0, 30_000), done.stderr


@pytest.mark.needs_netns
def test_a_program_killed_by_a_signal_is_told_as_a_shell_would() -> None:
    assert heliograph("run", "none", "--", "sh", "-c", "kill -9 $$").returncode == 137


@pytest.mark.parametrize(
    ("has", "missing", "package"), [((), "unshare", "util-linux"), (("unshare",), "ip", "iproute2")]
)
def test_a_missing_tool_is_named_with_its_package(
    has: tuple[str, ...], missing: str, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from heliograph.lab.world import LabError, need

    for tool in has:
        (tmp_path / tool).write_text("#!/bin/sh\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setattr(need, "path", lambda: str(tmp_path))
    with pytest.raises(LabError) as caught:
        need.unshare()
    assert f"{missing} is not installed" in str(caught.value)
    assert package in str(caught.value)


def test_refused_namespaces_are_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    from heliograph.lab.world import need

    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "CAP_SYS_ADMIN" in str(need.refusal("unshare failed: Operation not permitted"))
    monkeypatch.setattr(os, "geteuid", lambda: 1_000)
    monkeypatch.setattr(need, "_SWITCHES", (("kernel/ostype", "Linux", "Hurd"),))
    assert "sysctl -w kernel.ostype=Hurd" in str(need.refusal(""))
