"""The page on posters and cards, held against the code."""

from __future__ import annotations

import re
from pathlib import Path

from heliograph.announce import cards, poster
from heliograph.model.words import LANGUAGES

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "operating" / "posters.md").read_text(encoding="utf-8")


def test_the_table_of_shapes_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+) x ([\d,]+) \|", PAGE, re.MULTILINE)
    told = {name: (int(width.replace(",", "")), int(height.replace(",", ""))) for name, width, height in rows}
    assert told == {name: (shape.width, shape.height) for name, shape in cards.SHAPES.items()}
    assert "at most 1 MB" in PAGE
    assert cards.WIDE.most == 1_000_000


def test_languages_and_numbers_are_those_of_the_code() -> None:
    assert f"in {', '.join(LANGUAGES[:-1])} or {LANGUAGES[-1]}" in PAGE
    assert poster.MOST_ADDRESSES == 4
    assert "up to four addresses" in PAGE
