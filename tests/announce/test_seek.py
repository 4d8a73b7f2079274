"""Stories by words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.announce.seek import MOST, lines, seek
from heliograph.model.code import story_code
from heliograph.model.edition import Brief

WHEN = datetime(2026, 11, 20, tzinfo=UTC)


def brief(title: str, lead: str = "", **more: object) -> Brief:
    url = f"https://x.example/{title}"
    made = Brief(
        code=story_code(url),
        url=url,
        lang="ru",
        title=title,
        lead=lead,
        section="",
        published=WHEN,
        updated=WHEN,
        section_key="",
        day="2026-11-20",
    )
    return replace(made, **more)  # type: ignore[arg-type]


ALL = (
    brief("Керченский мост закрыт", "Движение остановлено."),
    brief("Погода на выходные", "На мосту ветер."),
    brief("Суд в Ялте", "", tags=("мост",)),
    brief("Ёлки в городе"),
    brief("Ґанок і сад"),
    brief("Сегодня 112 дел"),
)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("мост", ["Керченский мост закрыт", "Суд в Ялте", "Погода на выходные"]),
        ("МОСТЫ", ["Керченский мост закрыт", "Суд в Ялте", "Погода на выходные"]),
        ("керченского моста", ["Керченский мост закрыт"]),
        ("погода на мосту", ["Погода на выходные"]),
        ("елки", ["Ёлки в городе"]),
        ("Ганок", ["Ґанок і сад"]),
        ("112", ["Сегодня 112 дел"]),
        ("погода жираф", ["Погода на выходные"]),
        ("на", []),
        ("", []),
        ("жираф", []),
    ],
)
def test_words_find_stories(typed: str, found: list[str]) -> None:
    assert [one.title for one in seek(lines(ALL), typed)] == found


def test_at_most_ten_the_newest_of_those_that_are_as_good() -> None:
    many = [brief(f"Мост номер {number}") for number in range(30)]
    assert seek(lines(many), "мост") == many[:MOST]


@given(st.text(max_size=200))
def test_any_text_may_be_typed(text: str) -> None:
    assert len(seek(lines(ALL), text)) <= len(ALL)
