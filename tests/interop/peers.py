"""TUF clients that are not ours, each as a reader who comes to a mirror at a time that the test names."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from types import SimpleNamespace
from typing import Protocol

import pytest
from tuf.api.exceptions import DownloadError, RepositoryError
from tuf.ngclient.updater import Updater

NODE = Path(__file__).parent / "node"
_CLOCK = "tuf.ngclient._internal.trusted_metadata_set.datetime"
_TIMEOUT = 60  # seconds


class RefusedError(Exception):
    """A client did not believe a mirror; the text begins with the name of its own error."""


class Peer(Protocol):
    """A client that has seen a newsroom's first root and nothing else, and keeps what it believes between visits."""

    def download(self, url: str, target: str, now: datetime) -> bytes:
        """What ``target`` is on the mirror at ``url``.

        Raises:
            RefusedError: the mirror is not believed.
        """


@dataclass(frozen=True, slots=True)
class PythonTuf:
    """python-tuf's ``ngclient``."""

    folder: Path
    pinned: bytes
    patch: pytest.MonkeyPatch = field(repr=False)

    def download(self, url: str, target: str, now: datetime) -> bytes:
        """See ``Peer``."""
        clock = SimpleNamespace(timezone=timezone, datetime=SimpleNamespace(now=lambda _: now))
        self.patch.setattr(_CLOCK, clock)
        try:
            updater = Updater(
                str(self.folder / "metadata"),
                f"{url}tuf/",
                target_dir=str(self.folder / "targets"),
                target_base_url=url,
                bootstrap=self.pinned,
            )
            updater.refresh()
            info = updater.get_targetinfo(target)
            if info is None:
                raise RefusedError(f"NotFound: {target}")
            return Path(updater.download_target(info)).read_bytes()
        except (RepositoryError, DownloadError) as error:
            raise RefusedError(f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True, slots=True)
class TufJs:
    """tuf-js, a new process for each visit."""

    folder: Path
    pinned: bytes
    node: str

    def download(self, url: str, target: str, now: datetime) -> bytes:
        """See ``Peer``."""
        root = self.folder / "metadata" / "root.json"
        if not root.exists():
            root.parent.mkdir(parents=True)
            root.write_bytes(self.pinned)
        run = subprocess.run(
            [self.node, str(NODE / "client.mjs"), str(self.folder), url, target, now.isoformat()],
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT,
        )
        assert run.returncode == 0, run.stderr
        said = json.loads(run.stdout)
        if "refused" in said:
            raise RefusedError(f"{said['refused']}: {said['why']}")
        return Path(said["path"]).read_bytes()
