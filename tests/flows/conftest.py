"""Fixtures of the flows."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
from tests.flows.world import NOW, Make, World, world

from heliograph.lab.piece import pieces


@pytest.fixture
def make(tmp_path: Path, blank_journal: Path) -> Make:
    """Makes a world: ``make(stories, source="", more="")``; another one with ``folder=``."""
    return partial(_make, tmp_path, blank_journal)


def _make(place: Path, blank: Path, *given: object, folder: str = "world", **more: object) -> World:
    (place / folder).mkdir()
    return world(place / folder, blank, *given, **more)  # type: ignore[arg-type]


@pytest.fixture
def small(make: Make) -> World:
    """Six sample stories, pictures left out."""
    return make(pieces(NOW)[:6], more="[edition]\npictures = false\n")
