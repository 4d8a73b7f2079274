"""Fixtures of mirrors elsewhere."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.adapters.hosts import peers
from tests.adapters.hosts.history import History, history
from tests.adapters.hosts.machines import DavPeer, GitPeer, Peer, SshPeer
from tests.adapters.hosts.sshd import Sshd
from tests.conftest import _missing


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory, blank_journal: Path) -> Iterator[History]:
    """Six editions."""
    with history(tmp_path_factory.mktemp("history"), blank_journal) as made:
        yield made


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """A running server of S3."""
    with peers.moto() as url:
        yield url


@pytest.fixture(scope="session")
def azurite_url() -> Iterator[str]:
    """A running server of Azure Blob Storage."""
    program = peers.azurite_program()
    if not program:
        _missing("Azurite is not installed: make system, or set HELIOGRAPH_AZURITE to the path of azurite-blob")
    with peers.azurite(program) as url:
        yield url


@pytest.fixture(params=["s3", "azure", "gcs"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> peers.Opened:
    """A new bucket of each peer, open while its block runs."""
    name = peers.bucket_name(request.node.nodeid)
    match request.param:
        case "s3":
            return peers.opens_s3(request.getfixturevalue("moto_url"), tmp_path, name)
        case "azure":
            return peers.opens_azure(request.getfixturevalue("azurite_url"), tmp_path, name)
    return peers.opens_gcs(tmp_path, name)


Start = Callable[..., Peer]


@pytest.fixture
def sshd(tmp_path: Path, sshd_program: str) -> Iterator[Sshd]:
    """An sshd that is not started yet."""
    server = Sshd(sshd_program, tmp_path / "ssh")
    yield server
    server.stop()


@pytest.fixture
def start(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Start]:
    """Starts a server: ``start(kind, root=...)``."""
    peers: list[Peer] = []

    def started(kind: str, root: Path | None = None) -> Peer:
        root = root or tmp_path / "root"
        match kind:
            case "webdav":
                peer: Peer = DavPeer(tmp_path, root)
            case "git":
                request.getfixturevalue("git_program")
                peer = GitPeer(tmp_path, root, request.getfixturevalue("sshd"))
            case _:
                if kind == "rsync":
                    request.getfixturevalue("rsync_program")
                peer = SshPeer(tmp_path, root, kind, request.getfixturevalue("sshd"))
        peers.append(peer)
        peer.start()
        return peer

    yield started
    for peer in peers:
        peer.stop()


@pytest.fixture(params=["sftp", "rsync", "webdav", "git"])
def kind(request: pytest.FixtureRequest) -> str:
    """Each kind of server."""
    return str(request.param)


@pytest.fixture
def peer(kind: str, start: Start) -> Peer:
    """A running server of each kind."""
    return start(kind)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)], check=True)
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)
