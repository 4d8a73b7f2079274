"""The public conformance suite for TUF clients: its command line, its list of expected failures, and the suite itself.

It is in no registry of packages, so it runs where a checkout of it is named; ``test_tuf_workflow`` always does.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.interop import tuf_client
from tests.interop.conftest import Web
from tests.interop.tuf_bench import TOP, Bench

CLIENT = Path(tuf_client.__file__)
XFAILS = CLIENT.with_name("tuf_client.py.xfails")


@pytest.fixture
def bench(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return Bench(web, tmp_path)


def test_the_client_is_a_program_with_the_suites_command_line(bench: Bench) -> None:
    bench.repo.add_target("one.txt", b"one")
    bench.repo.publish(*TOP)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for word, code in (("one.txt", 0), ("none.txt", 1)):
        run = subprocess.run(
            [str(CLIENT), *bench.words(*bench.target(word), "download")],
            capture_output=True, text=True, check=False, timeout=60, env={**os.environ, "PATH": path},
        )  # fmt: skip
        assert run.returncode == code or "expired" in run.stderr, run.stderr  # the program runs by the real clock
        assert "Traceback" not in run.stderr


def test_the_expected_failures_say_why() -> None:
    lines = XFAILS.read_text(encoding="utf-8").splitlines()
    names = [line for line in lines if line and not line.startswith("#")]
    assert names == list(dict.fromkeys(names))
    assert all(name.startswith("test_") for name in names)
    for group in XFAILS.read_text(encoding="utf-8").split("\n\n"):
        assert group.startswith("# "), f"no reason above {group}"
    allowed = ("test_graph_", "test_targetfile_search", "test_unusual_role_name", "test_download_with_hash_algorithms[")
    for name in names:  # nothing of rotation, expiry of the four roles, rollback, thresholds, lengths or SHA-256
        assert name.startswith(allowed) or "delegated" in name or name == "test_static_repo[tuf-on-ci-0.11]", name


@pytest.mark.timeout(900)
def test_the_public_suite_passes_but_for_the_expected_failures() -> None:
    given = os.environ.get("HELIOGRAPH_TUF_CONFORMANCE", "")
    found = importlib.util.find_spec("tuf_conformance")
    folder = Path(given) if given else Path(found.origin).parent if found and found.origin else None
    if folder is None:
        pytest.skip("tuf-conformance is in no package registry: name a checkout with HELIOGRAPH_TUF_CONFORMANCE")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"  # for the client's first line
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder), "--entrypoint", str(CLIENT)],
        capture_output=True, text=True, check=False, timeout=850, cwd=folder.parent, env={**os.environ, "PATH": path},
    )  # fmt: skip
    assert run.returncode == 0, run.stdout[-5_000:] + run.stderr[-2_000:]
