"""Fixtures of the flows."""

from __future__ import annotations

import pytest
from tests.flows.world import NOW, Make, World

from heliograph.lab.piece import pieces


@pytest.fixture
def small(make: Make) -> World:
    """Six sample stories, pictures left out."""
    return make(pieces(NOW)[:6], more="[edition]\npictures = false\n")
