"""Volunteers as real processes: each copies a mirror with ``sync`` and serves the copy with ``serve``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def heliograph(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """A command, whatever becomes of it."""
    command = [sys.executable, "-m", "heliograph", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@contextmanager
def served(folder: Path, *words: str, listen: str = "127.0.0.1:0") -> Iterator[str]:
    """The address at which ``heliograph serve`` shows ``folder``; it ends with the block."""
    command = [sys.executable, "-m", "heliograph", "serve", str(folder), "--listen", listen, *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            assert url, server.communicate(timeout=30)[1]
            yield url
        finally:
            server.terminate()
            server.wait(30)
