"""A plain TUF repository and our verifier as its client, side by side on a bench."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from tests.interop import tuf_client
from tests.interop.conftest import Web
from tests.interop.tuf_repository import Repository

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
ALL = ("root", "targets", "snapshot", "timestamp")
TOP = ("targets", "snapshot", "timestamp")
_number = count()


class Bench:
    """A repository and a client that was given its first root."""

    def __init__(self, web: Web, folder: Path) -> None:
        name = f"tuf-{os.getpid()}-{next(_number)}"
        self.repo, self.web, self.base = Repository(web.folder / name, NOW), web, f"{web.url}{name}/"
        self.metadata, self.targets = folder / "metadata", folder / "targets"
        self.metadata.mkdir()
        self.targets.mkdir()
        self.now = NOW
        self.init()

    def init(self) -> None:
        first = self.repo.folder / "metadata" / "1.root.json"
        assert tuf_client.main(["--metadata-dir", str(self.metadata), "init", str(first)], self.now) == 0

    def words(self, *command: str) -> list[str]:
        return ["--metadata-dir", str(self.metadata), "--metadata-url", f"{self.base}metadata/", *command]

    def refresh(self) -> bool:
        """Whether the client follows."""
        return tuf_client.main(self.words("refresh"), self.now) == 0

    def download(self, name: str) -> bool:
        """Whether the client gets a target."""
        return tuf_client.main(self.words(*self.target(name), "download"), self.now) == 0

    def target(self, name: str) -> tuple[str, ...]:
        base, folder = f"{self.base}targets/", str(self.targets)
        return ("--target-name", name, "--target-base-url", base, "--target-dir", folder)

    def versions(self) -> tuple[int, ...]:
        """What the client believes, in the order of ``ALL``; 0 for what it has not seen."""
        return tuple(self._version(role) for role in ALL)

    def asked(self) -> list[str]:
        """The files of metadata that were asked for since the last time."""
        prefix = f"/{self.base.removeprefix(self.web.url)}metadata/"
        found = [path.removeprefix(prefix) for path in self.web.asked if path.startswith(prefix)]
        self.web.asked.clear()
        return found

    def had(self) -> list[bytes]:
        """The targets that the client has."""
        return [path.read_bytes() for path in sorted(self.targets.iterdir())]

    def _version(self, role: str) -> int:
        path = self.metadata / f"{role}.json"
        return int(json.loads(path.read_bytes())["signed"]["version"]) if path.exists() else 0
