"""The fonts that cards and posters are tested with: Debian's DejaVu."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from heliograph.announce.glyphs import Face, face

DEJAVU = Path("/usr/share/fonts/truetype/dejavu")

if not (DEJAVU / "DejaVuSans-Bold.ttf").is_file():
    REASON = "no font: apt-get install fonts-dejavu-core"
    if os.environ.get("CI") == "true":
        pytest.fail(REASON)
    pytest.skip(REASON, allow_module_level=True)

BOLD = (DEJAVU / "DejaVuSans-Bold.ttf").read_bytes()
PLAIN = (DEJAVU / "DejaVuSans.ttf").read_bytes()


def plain() -> Face:
    return face(PLAIN)
