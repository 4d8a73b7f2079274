"""From what was read to a story."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.capture.markup import MAX_BLOCKS
from heliograph.capture.settle import MAX_LEAD, MAX_TITLE, Raw, settle
from heliograph.model import Block, Figure, Heading, Paragraph, Picture, Run, Story
from heliograph.model.code import story_code
from heliograph.model.story import block_texts

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
URL = "https://news.example/ru/most-100214.html"
TEXT = "Мост через пролив открыли для пешеходов в субботу утром. Дорогу закончат весной."


def paragraph(text: str) -> Paragraph:
    return Paragraph(runs=(Run(text),))


RAW = Raw(url=URL, title="Мост открыли", blocks=(paragraph(TEXT),), published=NOW - timedelta(hours=2), langs=("ru",))


def settled(raw: Raw) -> Story:
    story, _ = settle(raw, NOW, "ru")
    assert story is not None
    return story


def problems(raw: Raw) -> list[str]:
    return [problem.what for problem in settle(raw, NOW, "ru")[1]]


def test_a_story_has_its_code_and_dates() -> None:
    story = settled(replace(RAW, updated=NOW - timedelta(hours=1)))
    assert story.code == story_code(URL)
    assert (story.published, story.updated) == (NOW - timedelta(hours=2), NOW - timedelta(hours=1))
    assert story.dated
    assert problems(RAW) == []


def test_a_story_without_a_date_is_of_now_and_says_so() -> None:
    story = settled(replace(RAW, published=None))
    assert (story.published, story.updated, story.dated) == (NOW, NOW, False)


def test_a_future_date_is_unknown_with_one_problem() -> None:
    raw = replace(RAW, published=NOW + timedelta(days=3), updated=NOW + timedelta(days=4))
    assert settled(raw).dated is False
    assert len(problems(raw)) == 1


def test_an_update_before_publication_is_none() -> None:
    assert settled(replace(RAW, updated=NOW - timedelta(days=9))).updated == NOW - timedelta(hours=2)


def test_a_title_of_five_thousand_characters_is_clipped_at_a_word_and_said() -> None:
    raw = replace(RAW, title="очень длинный заголовок " * 210, lead="и такое же вступление " * 60)
    story = settled(raw)
    assert len(story.title) <= MAX_TITLE
    assert story.title.endswith(("длинный…", "очень…", "заголовок…"))
    assert len(story.lead) <= MAX_LEAD
    assert [what.split(" has")[0] for what in problems(raw)] == ["its title", "its lead"]


def test_without_a_title_the_first_sentence_is_one_and_stays_in_the_text() -> None:
    story = settled(replace(RAW, title=" "))
    assert story.title == "Мост через пролив открыли для пешеходов в субботу утром."
    assert list(block_texts(story.blocks)) == [TEXT]


def test_neither_title_nor_text_is_no_story() -> None:
    story, found = settle(
        replace(RAW, title="", blocks=(Figure(picture=Picture(url="https://a.example/p.jpg")),)), NOW, "ru"
    )
    assert story is None
    assert [problem.where for problem in found] == [URL]


def test_a_story_of_one_character_is_a_story() -> None:
    assert list(block_texts(settled(replace(RAW, blocks=(paragraph("."),))).blocks)) == ["."]
    assert settled(replace(RAW, title="", blocks=(paragraph("Я"),))).title == "Я"


@pytest.mark.parametrize("repeated", [Heading(level=2, runs=(Run("МОСТ открыли!"),)), paragraph("Мост открыли")])
def test_the_title_is_not_repeated_above_the_text(repeated: Block) -> None:
    assert settled(replace(RAW, blocks=(repeated, paragraph(TEXT)))).blocks == (paragraph(TEXT),)
    assert settled(replace(RAW, blocks=(repeated,))).blocks == (repeated,)


def test_the_same_words_further_down_stay() -> None:
    blocks = (*[paragraph(TEXT)] * 4, paragraph("Мост открыли"))
    assert settled(replace(RAW, blocks=blocks)).blocks == blocks


@pytest.mark.parametrize(
    "lead", [TEXT, "Мост через пролив открыли для пешеходов", "«Мост» через пролив открыли", "Мост открыли", " "]
)
def test_a_lead_that_repeats_is_none(lead: str) -> None:
    assert settled(replace(RAW, lead=lead)).lead == ""


def test_a_lead_of_its_own_stays() -> None:
    assert settled(replace(RAW, lead="Мост строили семь лет.")).lead == "Мост строили семь лет."


def test_the_leading_picture_is_shown_once() -> None:
    hero = Figure(picture=Picture(url="https://news.example/media/most-1200x800.jpg"))
    assert settled(replace(RAW, hero=hero)).blocks == (hero, paragraph(TEXT))
    inside = Figure(picture=Picture(url="https://cdn.example/x/most.jpg"), caption=(Run("Мост"),))
    assert settled(replace(RAW, hero=hero, blocks=(paragraph(TEXT), inside))).blocks == (paragraph(TEXT), inside)


def test_more_blocks_than_a_story_may_have_are_said() -> None:
    raw = replace(RAW, blocks=(paragraph("x"),) * (MAX_BLOCKS + 10))
    assert len(settled(raw).blocks) == MAX_BLOCKS
    assert len(problems(raw)) == 1


def test_the_language_is_the_first_declared_that_fits() -> None:
    assert settled(replace(RAW, langs=("", "uk"), blocks=(paragraph(TEXT * 2),))).lang == "ru"
    assert settled(replace(RAW, langs=("", "uk"), title="Так", blocks=(paragraph("Нет"),))).lang == "uk"
    assert settled(replace(RAW, langs=(), title="Так", blocks=(paragraph("Ні"),))).lang == "ru"
    english = "The bridge over the strait was opened to pedestrians, and the road will be ready in spring."
    assert settled(replace(RAW, title="Bridge open", blocks=(paragraph(english),))).lang == "en"


@given(st.text(max_size=400), st.text(max_size=400), st.lists(st.text(min_size=1, max_size=60), max_size=4))
def test_any_text_settles(title: str, lead: str, texts: list[str]) -> None:
    story, found = settle(replace(RAW, title=title, lead=lead, blocks=tuple(map(paragraph, texts))), NOW, "ru")
    if story is None:
        assert found
    else:
        assert 0 < len(story.title) <= MAX_TITLE
        assert len(story.lead) <= MAX_LEAD
        assert story.lang
