"""Workers start when there is enough to do, and end with the process they work for."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from heliograph.adapters.workers import Workers

PARENT = """
import os, time
from heliograph.adapters.workers import Workers

if __name__ == "__main__":
    workers = Workers(2, [], small=0)
    pids = {workers.submit(os.getpid).result() for _ in range(20)}
    print(*pids, flush=True)
    time.sleep(60)
"""


def test_the_first_pieces_run_in_this_process_and_the_rest_in_others() -> None:
    with Workers(1, [], small=2) as workers:
        pids = [workers.submit(os.getpid).result() for _ in range(4)]
    assert pids[:2] == [os.getpid()] * 2
    assert os.getpid() not in pids[2:]


def test_what_loads_much_never_runs_here() -> None:
    with Workers(1, [], heavy=[os.getpid]) as workers:
        assert workers.submit(os.getpid).result() != os.getpid()


def test_an_exception_reaches_whoever_asked() -> None:
    with Workers(1, [], small=0) as workers, pytest.raises(ValueError, match="invalid literal"):
        workers.submit(int, "x").result()


def test_no_worker_outlives_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT, encoding="utf-8")
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        assert pids
        parent.kill()
        with ThreadPoolExecutor(1) as reader:  # the pipe ends when the last process that holds it does
            assert reader.submit(parent.stdout.read).result(30) == ""
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]
