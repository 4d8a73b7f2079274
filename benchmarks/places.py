"""Places that take an edition, each real and on this machine: for ``hosts``, which publishes one release to them all.

Rule 1: a place is written to as the configuration says, and read by the address that anybody has. Rule 2: what it holds
is asked of the place itself, not of what this project noted. Rule 3: all of it ends with the block.
"""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import Any, Final
from urllib.parse import urlencode
from urllib.request import urlopen

import anyio.from_thread
import boto3
from aiohttp import web
from tests import tornet
from tests.adapters.hosts import peers
from tests.adapters.hosts.machines import DavPeer, GitPeer, Peer, SshPeer
from tests.adapters.hosts.sshd import Sshd

from benchmarks.sites import BenchError
from heliograph.lab.buckets import GcsStub
from heliograph.lab.loopback import base, serving
from heliograph.model import paths

BUCKET: Final = peers.BUCKET
_DEFAULT: Final = "application/octet-stream"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place. ``held`` gives the names of all that it holds, ``more`` what it keeps and costs beside that."""

    kind: str
    table: str  # of the [[mirror]], without its name
    url: str  # where anybody reads it
    held: Callable[[], set[str]]
    more: Callable[[], list[str]] = list
    stamps: Callable[[], dict[str, tuple[int, int]]] | None = None  # of each file, where no host counts what is written
    coded: bool = False  # a name holds one encoding only
    socks: str = ""  # through which it is read
    tidy: Callable[[], None] = lambda: None  # what its host does by itself, now and then, against what nobody can reach
    forget: Callable[[], None] = lambda: None  # lets what caches keep on the way to readers run out


def program(name: str, package: str = "") -> str:
    """The path of a program of this machine. Raises BenchError."""
    path = which(name) or which(name, path="/usr/sbin:/usr/local/sbin")
    if path is None:
        raise BenchError(f"{name} is not installed: apt-get install {package or name}")
    return path


def heliograph(*words: str | Path) -> list[str]:
    """A command of heliograph."""
    return [sys.executable, "-m", "heliograph", *map(str, words)]


# --- web servers in front of a folder and of a repository


@contextmanager
def served(folder: Path, *words: str | Path) -> Iterator[Callable[[str], str]]:
    """``heliograph serve`` of ``folder``; yields what waits for its next line with these words in it."""
    folder.mkdir(parents=True, exist_ok=True)
    command = heliograph("serve", folder, "--listen", "127.0.0.1:0", *words)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:

        def until(wanted: str) -> str:
            assert process.stdout is not None
            while wanted not in (line := process.stdout.readline()):
                if not line:
                    raise BenchError(f"heliograph serve ended: {process.communicate()[1].strip()}")
            return line.strip()

        try:
            yield until
        finally:
            process.terminate()
            process.communicate(timeout=60)


@contextmanager
def _at(folder: Path) -> Iterator[str]:
    with served(folder) as until:
        found = re.search(r"http://[0-9.:]+/", until("http://127.0.0.1:"))
        assert found is not None
        yield found[0]


@contextmanager
def _pages(repository: Path) -> Iterator[str]:
    """A pages host: it shows the newest commit, and compresses by itself."""

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        name = request.rel_url.path.lstrip("/") or paths.FRONT
        command = ["git", "--git-dir", str(repository), "cat-file", "blob", f"pages:{name}"]
        found = await anyio.run_process(command, check=False)
        if found.returncode:
            return web.Response(status=404)
        headers, body = {"Content-Type": paths.content_type(name)}, found.stdout
        if "gzip" in request.headers.get("Accept-Encoding", "") and headers["Content-Type"] != _DEFAULT:
            headers["Content-Encoding"], body = "gzip", gzip.compress(body, mtime=0)
        return web.Response(body=body, headers=headers)

    with _thread(lambda: serving(answer)) as runner:
        yield f"{base(runner)}/"


@contextmanager
def _thread(make: Callable[[], Any]) -> Iterator[Any]:
    """An asynchronous context in a thread of its own."""
    with anyio.from_thread.start_blocking_portal() as portal, portal.wrap_async_context_manager(make()) as made:
        yield made


def _files(root: Path) -> set[str]:
    """All files below ``root``, which may change meanwhile."""
    found = (Path(folder, name) for folder, _, names in os.walk(root) for name in names)
    return {path.relative_to(root).as_posix() for path in found}


def _stamps(root: Path) -> dict[str, tuple[int, int]]:
    """What is new of each file below ``root`` when it is written again."""
    found = ((name, (root / name).stat()) for name in _files(root))
    return {name: (info.st_ino, info.st_mtime_ns) for name, info in found}


# --- the kinds


def _shown(kind: str, root: Path, url: str, socks: str = "") -> Place:
    return Place(
        kind=kind,
        table=f'path = "{root}"\n',
        url=url,
        held=lambda: _files(root),
        stamps=lambda: _stamps(root),
        socks=socks,
    )


@contextmanager
def folder(work: Path) -> Iterator[Place]:
    """A directory of this machine, with heliograph's own server."""
    root = work / "site"
    with _at(root) as url:
        yield _shown("folder", root, url)


@contextmanager
def onion(work: Path) -> Iterator[Place]:
    """A directory behind an onion service, in a Tor network of its own."""
    root, tor = work / "site", program("tor")
    with tornet.running(tor, program("tor-gencert", "tor"), work / "tor") as net:
        words = ("--onion", work / "onion.key", "--tor", f"127.0.0.1:{net.mirror.control}")
        with served(root, *words) as until:
            url = until("published: ").removeprefix("published: ")
            socks = f"127.0.0.1:{net.reader.socks}"
            yield _shown("onion", root, url, socks)


@contextmanager
def s3(work: Path) -> Iterator[Place]:
    """A bucket of moto's server."""
    with peers.moto() as url:
        peers.make_bucket(url, BUCKET)
        secret = peers.written(work / "s3", "aws_access_key_id = key\naws_secret_access_key = secret\n")
        keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
        boto = boto3.client("s3", endpoint_url=url, **keys)

        def held() -> set[str]:
            pages = boto.get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
            return {one["Key"] for page in pages for one in page.get("Contents", ())}

        def more() -> list[str]:
            return [one["Key"] for one in boto.list_multipart_uploads(Bucket=BUCKET).get("Uploads", ())]

        table = f'kind = "s3"\nbucket = "{BUCKET}"\nendpoint = "{url}/"\ncredentials = "{secret}"\n'
        yield Place(kind="s3", table=table, url=f"{url}/{BUCKET}/", held=held, more=more, coded=True)


@contextmanager
def azure(work: Path) -> Iterator[Place]:
    """A container of Azurite."""
    installed = peers.azurite_program()
    if not installed:
        raise BenchError("Azurite is not installed: make system, or set HELIOGRAPH_AZURITE")
    with peers.azurite(installed) as url:
        peers.make_container(url, BUCKET)
        secret = peers.written(work / "azure", f"{peers.ACCOUNT_KEY}\n")
        at = f"{url}/{peers.ACCOUNT}"

        def listed(**more: str) -> list[str]:
            names, marker = [], ""
            while True:
                fields = {"restype": "container", "comp": "list", "marker": marker, **more}
                with urlopen(f"{at}/{BUCKET}?{urlencode(fields)}&{peers.sas()}") as answer:
                    text = answer.read().decode()
                names += re.findall(r"<Name>([^<]*)</Name>", text)
                found = re.search(r"<NextMarker>([^<]+)</NextMarker>", text)
                if not found:
                    return names
                marker = found[1]

        def more() -> list[str]:
            return sorted(set(listed(include="uncommittedblobs,snapshots")) - set(listed()))

        table = f'kind = "azure"\naccount = "{peers.ACCOUNT}"\ncontainer = "{BUCKET}"\n'
        table += f'endpoint = "{at}/"\ncredentials = "{secret}"\n'
        yield Place(kind="azure", table=table, url=f"{at}/{BUCKET}/", held=lambda: set(listed()), more=more, coded=True)


@contextmanager
def gcs(work: Path) -> Iterator[Place]:
    """A bucket of the lab's stub of Google."""
    stub = GcsStub(BUCKET, peers.SERVICE)

    @asynccontextmanager
    async def running() -> AsyncIterator[str]:
        async with stub.running() as url:
            yield url

    with _thread(running) as url:
        secret = peers.written(work / "gcs.json", peers.service_account(peers.SERVICE))
        table = f'kind = "gcs"\nbucket = "{BUCKET}"\nendpoint = "{url}/"\ncredentials = "{secret}"\n'
        yield Place(kind="gcs", table=table, url=f"{url}/{BUCKET}/", held=lambda: set(stub.objects), coded=True)


@contextmanager
def _running(peer: Peer) -> Iterator[Peer]:
    peer.start()
    try:
        yield peer
    finally:
        peer.stop()


@contextmanager
def _ssh(work: Path, kind: str) -> Iterator[Place]:
    root = work / "site"
    root.mkdir()
    sshd = Sshd(program("sshd", "openssh-server"), work / "ssh")
    if kind == "rsync":
        program("rsync")
    with _running(SshPeer(work, root, kind, sshd)) as peer, _at(root) as url:
        yield Place(kind=kind, table=peer.table + "\n", url=url, held=lambda: _files(root))


def sftp(work: Path) -> AbstractContextManager[Place]:
    """A directory of a real sshd, by SFTP; a web server shows it."""
    return _ssh(work, "sftp")


def rsync(work: Path) -> AbstractContextManager[Place]:
    """The same, by rsync over SSH."""
    return _ssh(work, "rsync")


@contextmanager
def webdav(work: Path) -> Iterator[Place]:
    """A folder behind WsgiDAV; a web server shows it."""
    root = work / "dav"
    with _running(DavPeer(work, root)) as peer, _at(root / "site") as url:

        def held() -> set[str]:
            return {name.removeprefix("site/") for name in _files(root)}

        yield Place(kind="webdav", table=peer.table + "\n", url=url, held=held)


@contextmanager
def git(work: Path) -> Iterator[Place]:
    """A bare repository behind SSH, shown as a pages host does."""
    root, sshd = work / "site.git", Sshd(program("sshd", "openssh-server"), work / "ssh")
    program("git")
    with _running(GitPeer(work, root, sshd)) as peer, _pages(root) as url:

        def more() -> list[str]:
            """What a push that was cut off may leave: locks, parts of packs, objects in quarantine."""
            left = re.compile(r"\.lock$|(^|/)tmp_|(^|/)incoming-|tmp_objdir")
            return sorted(name for name in _files(root) if left.search(name))

        def held() -> set[str]:
            command = ["git", "--git-dir", str(root), "ls-tree", "-r", "--name-only", "pages"]
            return set(subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines())

        def tidy() -> None:
            subprocess.run(["git", "--git-dir", str(root), "gc", "-q", "--prune=now"], check=True)

        yield Place(kind="git", table=peer.table + "\n", url=url, held=held, more=more, tidy=tidy)


Makes = Callable[[Path], AbstractContextManager[Place]]
KINDS: Final[dict[str, Makes]] = {
    "folder": folder,
    "s3": s3,
    "azure": azure,
    "gcs": gcs,
    "sftp": sftp,
    "rsync": rsync,
    "webdav": webdav,
    "git": git,
    "onion": onion,
}


@contextmanager
def place(kind: str, work: Path, kinds: Mapping[str, Makes] = KINDS) -> Iterator[Place]:
    """A new place of this kind, with ``work`` for all that it writes. Raises BenchError where it cannot be had."""
    work.mkdir(parents=True)
    with ExitStack() as stack:
        yield stack.enter_context(kinds[kind](work))
