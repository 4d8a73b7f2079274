"""Fixtures of the flows."""

from __future__ import annotations

import pytest
from tests.flows.world import NOW, Make, World

from heliograph.lab.keys import MemoryKeys, with_a_log
from heliograph.lab.piece import pieces


@pytest.fixture
def small(make: Make) -> World:
    """Six sample stories, pictures left out."""
    return make(pieces(NOW)[:6], more="[edition]\npictures = false\n")


@pytest.fixture
def logged(make: Make) -> World:
    """The same, and a release log from the first release on."""
    world = make(pieces(NOW)[:6], more="[edition]\npictures = false\n[trust]\nlog = true\n")
    world.keys = MemoryKeys(with_a_log(world.keys.files, NOW))
    return world
