"""Fixtures that every test may ask for."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests import postgres
from tests.flows.world import Make, World, world
from tests.tornet import TorNet, running

from heliograph.adapters.journal import SqlJournal

# How long an example takes tells how busy the machine is: speed is measured in benchmarks/.
settings.register_profile("heliograph", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("heliograph")


def _missing(what: str) -> None:
    """Skip with the reason; in CI a missing part is a failure, because there everything can be installed."""
    if os.environ.get("CI") == "true":
        pytest.fail(what)
    pytest.skip(what)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A test marked ``needs_netns`` runs where a lab can be built, one marked ``needs_nft`` where there is nft."""
    if item.get_closest_marker("needs_netns") and (reason := _no_lab()):
        _missing(reason)
    if (
        item.get_closest_marker("needs_nft")
        and shutil.which("nft", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None
    ):
        _missing("nft is not installed: apt-get install nftables")


@cache
def _no_lab() -> str:
    from heliograph.lab.world import missing

    return missing()


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of test data beside the checkout, or the one HELIOGRAPH_TEST_DATA names."""
    default = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("HELIOGRAPH_TEST_DATA", str(default)))
    if not (folder / "data" / "seed-article.txt").is_file():
        _missing(f"test data not found: {folder}; set HELIOGRAPH_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def blank_journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A journal file without content; copying it is a hundred times faster than migrating a new one."""
    folder = tmp_path_factory.mktemp("journal")
    with SqlJournal(f"sqlite:///{folder / 'journal.sqlite'}", folder):
        pass
    return folder / "journal.sqlite"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A PostgreSQL server of our own, a few seconds after it is first asked for."""
    if postgres.program("postgres") is None:
        _missing("PostgreSQL is not installed: apt-get install postgresql")
    if importlib.util.find_spec("psycopg") is None:
        _missing("psycopg is not installed: pip install 'heliograph[postgresql]'")
    with postgres.running() as server:
        yield server


@pytest.fixture
def server(postgres_server: postgres.Server) -> Iterator[postgres.Server]:
    """The server, for databases that last as long as the test."""
    yield postgres_server
    postgres_server.clear()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path, blank_journal: Path) -> postgres.Place:
    """Where journals are made: each test that asks runs on both databases."""
    if request.param == "sqlite":
        return postgres.Files(folder=tmp_path, blank_journal=blank_journal)
    made: postgres.Server = request.getfixturevalue("server")
    return made


@pytest.fixture
def journal(place: postgres.Place, tmp_path: Path) -> Iterator[SqlJournal]:
    """A journal without content, on each of the databases."""
    with SqlJournal(place.blank(), tmp_path) as opened:
        yield opened


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of Debian's Chromium."""
    for path in ("/usr/bin/chromium", "/usr/bin/chromium-browser"):
        if Path(path).exists():
            return path
    _missing("Chromium is not installed: apt-get install chromium")
    sys.exit(1)  # unreachable: _missing always raises


def _program(name: str, package: str = "") -> str:
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if path is None:
        _missing(f"{name} is not installed: apt-get install {package or name}")
    return str(path)


@pytest.fixture(scope="session")
def nginx_program() -> str:
    """The path of Debian's nginx."""
    return _program("nginx")


@pytest.fixture(scope="session")
def caddy_program() -> str:
    """The path of Debian's Caddy."""
    return _program("caddy")


@pytest.fixture(scope="session")
def tor_program() -> str:
    """The path of Debian's tor."""
    return _program("tor")


@pytest.fixture(scope="session")
def tor_net(tor_program: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorNet]:
    """A Tor network of our own on loopback, some fifteen seconds after it is first asked for."""
    with running(tor_program, _program("tor-gencert", "tor"), tmp_path_factory.mktemp("tor")) as net:
        yield net


@pytest.fixture(scope="session")
def sshd_program() -> str:
    """The path of Debian's sshd."""
    return _program("sshd", "openssh-server")


@pytest.fixture(scope="session")
def rsync_program() -> str:
    """The path of Debian's rsync."""
    return _program("rsync")


@pytest.fixture(scope="session")
def git_program() -> str:
    """The path of Debian's git."""
    return _program("git")


@pytest.fixture
def make(tmp_path: Path, blank_journal: Path) -> Make:
    """Makes a world: ``make(stories, source="", more="")``; another one with ``folder=``."""
    return partial(_make, tmp_path, blank_journal)


def _make(place: Path, blank: Path, *given: object, folder: str = "world", **more: object) -> World:
    (place / folder).mkdir()
    return world(place / folder, blank, *given, **more)  # type: ignore[arg-type]
