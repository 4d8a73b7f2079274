"""Fixtures of mirrors elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.adapters.hosts.history import History, history


@pytest.fixture(scope="session")
def told(tmp_path_factory: pytest.TempPathFactory, blank_journal: Path) -> Iterator[History]:
    """Six editions."""
    with history(tmp_path_factory.mktemp("history"), blank_journal) as made:
        yield made
