"""Mirrors of two newsrooms on loopback, and the foreign tools that read them."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from tests.conftest import _missing
from tests.interop import releases
from tests.interop.peers import NODE, Peer, PythonTuf, TufJs
from tests.interop.releases import NOW, Office, Release

GOTLOG = Path(__file__).parent / "gotlog"
GOCODE = Path("/usr/share/gocode")  # where Debian keeps sources of Go libraries
X_MOD = GOCODE / "src" / "golang.org" / "x" / "mod" / "sumdb" / "tlog"
_INSTALL = ("ci", "--ignore-scripts", "--no-audit", "--no-fund")


@dataclass(frozen=True, slots=True)
class Web:
    """A static host like any other, which notes what it was asked for."""

    folder: Path
    url: str
    asked: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Shelf:
    """What mirrors of one newsroom show: release ``one``, release ``two``, and forgeries of the second."""

    office: Office
    one: Release
    two: Release
    web: Web

    def folder(self, name: str) -> Path:
        """Where the mirror ``name`` lies."""
        return self.web.folder / self.office.name / name

    def url(self, name: str) -> str:
        """Its base."""
        return f"{self.web.url}{self.office.name}/{name}/"

    def asked(self, name: str) -> list[str]:
        """What was asked of it, in order."""
        base = f"/{self.office.name}/{name}/"
        return [path.removeprefix(base) for path in self.web.asked if path.startswith(base)]


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *given: object, asked: list[str], **named: object) -> None:
        self.asked = asked
        super().__init__(*given, **named)  # type: ignore[arg-type]

    def do_GET(self) -> None:
        """Note the path, then answer as ever."""
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Nothing."""


def tool(name: str, package: str = "") -> str:
    """The path of a command; without it the test skips, and in CI fails."""
    path = shutil.which(name)
    if path is None:
        _missing(f"{name} is not installed: apt-get install {package or name}")
    assert path is not None
    return path


@pytest.fixture(scope="session")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """The host of all mirrors."""
    folder = tmp_path_factory.mktemp("mirrors")
    asked: list[str] = []
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Handler, asked=asked, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield Web(folder, f"http://127.0.0.1:{server.server_port}/", asked)
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session", params=[releases.one_person, releases.three_editors], ids=["person", "editors"])
def shelf(request: pytest.FixtureRequest, web: Web) -> Shelf:
    """The mirrors of a newsroom of each layout."""
    make: Callable[..., Office] = request.param
    one = releases.first(make(NOW))
    two = releases.second(one)
    shelf = Shelf(one.office, one, two, web)
    for name, files in (
        ("one", one.files), ("two", two.files), ("stranger", releases.by_stranger(two)),
        ("false-name", releases.in_false_name(two)), ("one-host", releases.by_one_host(two)),
    ):  # fmt: skip
        releases.lay(files, shelf.folder(name))
    return shelf


@pytest.fixture(scope="session")
def node() -> str:
    """Node.js with tuf-js beside its script, as the lock says; installed at the first use by one process at a time."""
    path, npm = tool("node", "nodejs"), tool("npm")
    with (NODE / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if _packages("package-lock.json") != _packages("node_modules/.package-lock.json"):
            run = subprocess.run([npm, *_INSTALL], cwd=NODE, capture_output=True, text=True, check=False, timeout=250)
            if run.returncode:
                _missing(f"tuf-js cannot be installed: npm {' '.join(_INSTALL)}: {run.stderr[-500:]}")
    return path


@pytest.fixture(scope="session")
def gotlog(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Our small Go program, built without modules from Debian's sources, so that nothing is downloaded."""
    go = tool("go", "golang-go")
    if not X_MOD.is_dir():
        _missing("golang.org/x/mod is not installed: apt-get install golang-golang-x-mod-dev")
    place = tmp_path_factory.mktemp("go")
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": str(GOCODE), "GOFLAGS": "", "GOPROXY": "off"}
    environment["GOCACHE"] = str(place / "cache")
    built = place / "gotlog"
    command = [go, "build", "-o", str(built), "."]
    run = subprocess.run(command, cwd=GOTLOG, env=environment, capture_output=True, text=True, check=False, timeout=200)
    assert run.returncode == 0, run.stderr
    return str(built)


def _packages(name: str) -> dict[str, str]:
    """What an npm lock names, and the hash of each."""
    path = NODE / name
    packages = json.loads(path.read_bytes())["packages"] if path.exists() else {}
    return {where: package["integrity"] for where, package in packages.items() if where}


@pytest.fixture(params=["python-tuf", "tuf-js"])
def peer(request: pytest.FixtureRequest, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Peer:
    """A client that knows the newsroom's first root."""
    pinned = shelf.office.roots[0]
    if request.param == "tuf-js":
        return TufJs(tmp_path, pinned, request.getfixturevalue("node"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return PythonTuf(tmp_path, pinned, monkeypatch)
