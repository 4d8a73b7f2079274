"""Servers that take an edition, each real: what a test may do to one and see of it, the same for all kinds."""

from __future__ import annotations

import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.adapters.hosts.sshd import Sshd, until_open

from heliograph.cli.hosts import opened
from heliograph.config import Config, parse
from heliograph.lab.loopback import free_port
from heliograph.ports import MirrorStore

PASSWORD = "five words that nobody guesses"


async def at_once(_: float) -> None:
    """A pause that a test does not wait for."""


@dataclass
class Peer(ABC):
    """``folder`` is all it may use, ``root`` is where the edition goes."""

    folder: Path
    root: Path

    @property
    @abstractmethod
    def table(self) -> str:
        """The mirror's table, without its name."""

    @abstractmethod
    def start(self) -> None: ...

    @abstractmethod
    def stop(self) -> None: ...

    def hang_up(self) -> None:
        """Die in the middle of what it does."""
        self.stop()

    def settle(self) -> None:  # noqa: B027 - nothing to wait for where a killed client is noticed at once
        """Wait until it serves nobody."""

    def config(self, folder: Path | None = None) -> Config:
        text = f'[newsroom]\ntitle = "Example"\n[[mirror]]\nname = "m"\n{self.table}\n'
        return parse(text, (folder or self.folder) / "heliograph.toml")

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Any]:
        """The store, as the command line opens it, but one that waits for nothing."""
        config = self.config()
        async with opened(config, config.mirror[0]) as store:
            store.pause = at_once  # type: ignore[attr-defined]
            yield store

    def files(self) -> dict[str, bytes]:
        """What a web server would find there."""
        names = (path.relative_to(self.root) for path in self.root.rglob("*") if path.is_file())
        shown = [name for name in names if not str(name).startswith(".part/")]
        return {str(name): (self.root / name).read_bytes() for name in shown}

    def plant(self, name: str, data: bytes) -> None:
        """Put a file there, as a stranger would."""
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_bytes(data)


@dataclass
class SshPeer(Peer):
    """A directory of a server with SSH."""

    kind: str
    sshd: Sshd

    @property
    def table(self) -> str:
        at = f'host = "127.0.0.1"\nport = {self.sshd.port}\nuser = "{self.sshd.user}"\npath = "{self.root}"'
        return f'kind = "{self.kind}"\n{at}\nkey = "{self.sshd.key}"\nknown_hosts = "{self.sshd.known_hosts}"'

    def start(self) -> None:
        self.sshd.start()

    def stop(self) -> None:
        self.sshd.stop()

    def settle(self) -> None:
        self.sshd.settle()


@dataclass
class GitPeer(Peer):
    """A bare repository, reached by SSH or, without a server, by its path."""

    sshd: Sshd | None

    @property
    def table(self) -> str:
        if self.sshd is None:
            return f'kind = "git"\nremote = "{self.root}"'
        remote = f"ssh://{self.sshd.user}@127.0.0.1:{self.sshd.port}{self.root}"
        return f'kind = "git"\nremote = "{remote}"\nkey = "{self.sshd.key}"\nknown_hosts = "{self.sshd.known_hosts}"'

    def start(self) -> None:
        if not (self.root / "HEAD").exists():
            git("init", "-q", "--bare", str(self.root))
        if self.sshd is not None:
            self.sshd.start()

    def stop(self) -> None:
        if self.sshd is not None:
            self.sshd.stop()

    def settle(self) -> None:
        if self.sshd is not None:
            self.sshd.settle()

    def files(self) -> dict[str, bytes]:
        listed = git("--git-dir", str(self.root), "ls-tree", "-r", "-z", "pages", check=False).split(b"\0")
        rows = [row.partition(b"\t") for row in listed if row]
        return {name.decode(): self.blob(facts.split()[2].decode()) for facts, _, name in rows}

    def blob(self, identity: str) -> bytes:
        return git("--git-dir", str(self.root), "cat-file", "blob", identity)

    def commits(self) -> int:
        return int(git("--git-dir", str(self.root), "rev-list", "--count", "pages"))

    def plant(self, name: str, data: bytes) -> None:
        commit(self.root, {name: data})


def commit(remote: Path, files: dict[str, bytes]) -> None:
    """Push a commit, as somebody else would."""
    parent = git("--git-dir", str(remote), "rev-parse", "--verify", "-q", "pages", check=False).decode().strip()
    stream = b"commit refs/heads/pages\ncommitter x <x@example.com> 1700000000 +0000\ndata 1\nx\n"
    stream += f"from {parent}\n".encode() if parent else b""
    for name, data in files.items():
        stream += f"M 100644 inline {name}\ndata {len(data)}\n".encode() + data + b"\n"
    git("--git-dir", str(remote), "fast-import", "--quiet", stdin=stream)


def git(*words: str, check: bool = True, stdin: bytes = b"") -> bytes:
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *words], input=stdin, capture_output=True, env=environment, check=False)
    assert done.returncode == 0 or not check, done.stderr
    return done.stdout


@dataclass
class DavPeer(Peer):
    """WsgiDAV on cheroot, in a process of its own."""

    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def credentials(self) -> Path:
        return self.folder / "password"

    @property
    def table(self) -> str:
        return f'kind = "webdav"\naddress = "http://127.0.0.1:{self.port}/site"\ncredentials = "{self.credentials}"'

    def start(self) -> None:
        self.root.mkdir(parents=True, exist_ok=True)
        if not self.credentials.exists():
            self.credentials.write_text(f"editor:{PASSWORD}\n")
            self.credentials.chmod(0o600)
        words = [sys.executable, str(Path(__file__).with_name("dav.py")), str(self.root), str(self.port), PASSWORD]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until_open(self.port)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def files(self) -> dict[str, bytes]:
        names = (path.relative_to(self.root / "site") for path in self.root.rglob("*") if path.is_file())
        return {str(name): (self.root / "site" / name).read_bytes() for name in names if name.parts[0] != ".part"}

    def plant(self, name: str, data: bytes) -> None:
        super().plant(f"site/{name}", data)


def stored(store: MirrorStore, files: dict[str, bytes]) -> dict[str, bytes]:
    """What of ``files`` a place like ``store`` holds: a pages host compresses by itself."""
    if type(store).__name__ != "GitPages":
        return files
    return {name: data for name, data in files.items() if not name.endswith((".br", ".gz"))} | {".nojekyll": b""}
