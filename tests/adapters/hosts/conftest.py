"""Fixtures of mirrors elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adapters.hosts import peers
from tests.adapters.hosts.history import History, history
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
