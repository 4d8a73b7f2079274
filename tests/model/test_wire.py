"""The wire form keeps every story as it was."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.model import (
    Embed,
    Figure,
    Heading,
    Listing,
    Paragraph,
    Picture,
    Quote,
    Rule,
    Run,
    Story,
    Table,
    Tip,
    plain_text,
)
from heliograph.model.story import block_texts
from heliograph.model.wire import digest, pack, pack_tip, unpack, unpack_tip

text = st.text(max_size=40)
runs = st.lists(
    st.builds(Run, text, st.sampled_from(["", "b", "i", "bi", "code", "sub", "sup"]), text), max_size=4
).map(tuple)
pictures = st.builds(Picture, url=text, alt=text, width=st.integers(0, 9999), height=st.integers(0, 9999))
blocks = st.one_of(
    st.builds(Paragraph, runs=runs),
    st.builds(Heading, level=st.integers(2, 4), runs=runs),
    st.builds(Listing, ordered=st.booleans(), items=st.lists(runs, max_size=3).map(tuple)),
    st.builds(Quote, runs=runs, source=text),
    st.builds(Table, rows=st.lists(st.lists(runs, max_size=3).map(tuple), max_size=3).map(tuple), head=st.booleans()),
    st.builds(Figure, picture=pictures, caption=runs, credit=text),
    st.builds(Embed, href=text, title=text, provider=text),
    st.builds(Rule),
)
moments = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001 - hypothesis adds the zone
    max_value=datetime(2050, 1, 1),  # noqa: DTZ001
    timezones=st.just(timezone(timedelta(hours=3))),
)
stories = st.builds(
    Story,
    url=text,
    code=text,
    lang=text,
    title=text,
    blocks=st.lists(blocks, max_size=6).map(tuple),
    published=moments,
    updated=moments,
    lead=text,
    bylines=st.lists(text, max_size=2).map(tuple),
    section=text,
    tags=st.lists(text, max_size=2).map(tuple),
    aliases=st.lists(text, max_size=2).map(tuple),
    source=text,
    dated=st.booleans(),
    version=st.integers(1, 99),
)
NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
STORY = Story(
    url="https://example.org/a",
    code="1a7tb40",
    lang="ru",
    title="Мост",
    blocks=(
        Paragraph(runs=(Run("Первый "), Run("абзац", "b"), Run(".", "", "https://example.org"))),
        Listing(ordered=True, items=((Run("раз"),), (Run("два"),))),
        Table(rows=(((Run("а"),), (Run("б"),)),)),
        Figure(picture=Picture(url="https://example.org/p.jpg")),
    ),
    published=NOW,
    updated=NOW,
)


@given(stories)
def test_a_story_survives_the_wire(story: Story) -> None:
    assert unpack(pack(story)) == story


@given(st.binary(max_size=200))
def test_foreign_bytes_are_refused_as_such(data: bytes) -> None:
    with pytest.raises(ValueError):
        unpack(data)


def test_the_digest_is_of_the_text_not_of_where_it_was_found() -> None:
    found_elsewhere = replace(STORY, source="feed", aliases=("https://example.org/b",), version=3, code="0000000")
    assert digest(found_elsewhere) == digest(STORY)
    assert digest(replace(STORY, title="Мосты")) != digest(STORY)


def test_a_made_up_date_makes_no_new_version() -> None:
    undated = replace(STORY, dated=False)
    assert digest(undated) == digest(replace(undated, published=NOW + timedelta(days=1)))
    assert digest(STORY) != digest(replace(STORY, published=NOW + timedelta(days=1)))


@given(st.builds(Tip, url=text, stamp=text, title=text, bylines=st.lists(text, max_size=2).map(tuple), body=text))
def test_a_tip_survives_the_wire(tip: Tip) -> None:
    assert unpack_tip(pack_tip(tip)) == tip
    dated = replace(tip, published=NOW, updated=NOW)
    assert unpack_tip(pack_tip(dated)) == dated


def test_plain_text_and_words() -> None:
    assert list(block_texts(STORY.blocks)) == ["Первый абзац.", "раз\nдва", "а\tб"]
    assert plain_text(STORY.blocks[0].runs) == "Первый абзац."  # type: ignore[union-attr]
    assert STORY.words == 6
    assert [picture.url for picture in STORY.pictures] == ["https://example.org/p.jpg"]
