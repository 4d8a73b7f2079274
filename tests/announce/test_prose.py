"""A story as paragraphs: marks, links, and Telegram's HTML across cuts."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.announce.stories import paragraph, story

from heliograph.announce.prose import Prose, plain, unmarked, untracked
from heliograph.announce.text import pack, units
from heliograph.model import Embed, Heading, Listing, Quote, Rule, Run, Table
from heliograph.model.story import Mark

RUN = st.builds(
    Run,
    st.text(max_size=60),
    st.sampled_from(["", "b", "i", "bi", "code", "sub"]),
    st.sampled_from(["", "https://other.example/a?b=1&c=<", "javascript:alert(1)", "https://peninsula.example/x"]),
)


class Strict(HTMLParser):
    """Only Telegram's tags, each closed in its order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text, self.tags = "", 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ("b", "i", "code", "blockquote", "a"), tag
        assert tag not in self.open, "a tag within itself"
        assert [name for name, _ in attrs] == (["href"] if tag == "a" else [])
        assert all((value or "").startswith(("http", "mailto", "tg")) for _, value in attrs)
        self.open.append(tag)
        self.tags += 1

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(html: str) -> Strict:
    parser = Strict()
    parser.feed(html)
    parser.close()
    assert parser.open == []
    return parser


def test_blocks_become_paragraphs() -> None:
    prose = Prose(
        story(
            Heading(level=2, runs=(Run("Глава"),)),
            paragraph("Было ", Run("важно", "b"), ", а стало ", Run("нет", "i"), "."),
            Listing(ordered=True, items=((Run("раз"),), (Run("два"),))),
            Listing(ordered=False, items=((Run("три"),),)),
            Quote(runs=(Run("Слова"),), source="Кто-то"),
            Table(rows=(((Run("а"),), (Run("б"),)),)),
            Embed(href="https://video.example/1", title="Видео", provider="video.example"),
            Rule(),
        )
    )
    (html,) = prose.html(["\n\n".join(prose.body)])
    assert html.split("\n\n") == [
        "<b>Глава</b>",
        "Было <b>важно</b>, а стало <i>нет</i>.",
        "1. раз\n2. два",
        "• три",
        "<blockquote>Слова</blockquote>\n— Кто-то",
        "а · б",
        '<a href="https://video.example/1">Видео</a>',
        "* * *",
    ]
    assert plain(prose.body[1]) == "Было важно, а стало нет."


def test_a_lead_that_the_text_repeats_is_said_once() -> None:
    assert Prose(story("Объезд займёт час.", "Дальше.")).body == ("Дальше.",)


def test_links_to_the_blocked_site_are_text_and_others_lose_what_follows_readers() -> None:
    run = Run("туда", "", "https://peninsula.example/other")
    prose = Prose(story(paragraph("Смотри ", run)), frozenset({"peninsula.example"}))
    assert prose.html(prose.body) == ["Смотри туда"]
    assert untracked("https://a.example/?utm_source=x&id=3&fbclid=9#part") == "https://a.example/?id=3#part"
    assert untracked("https://a.example/?q=%D1%8F&r=1+2") == "https://a.example/?q=%D1%8F&r=1+2"


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "data:text/html,x", "https://", "http://[", "https://a b/", "x" * 600, ""]
)
def test_what_is_no_link_is_none(href: str) -> None:
    assert untracked(href) == ""


def test_no_more_entities_than_telegram_shows() -> None:
    runs = [Run(f"слово{n} ", "b" if n % 2 else "") for n in range(400)]
    (html,) = Prose(story(paragraph(*runs))).html(Prose(story(paragraph(*runs))).body)
    assert parsed(html).tags == 100


@given(st.lists(st.lists(RUN, max_size=6), max_size=8), st.integers(30, 200))
def test_whatever_a_story_holds_each_message_is_good_html_with_its_text(runs: list[list[Run]], room: int) -> None:
    prose = Prose(story(*(paragraph(*some) for some in runs)), frozenset({"peninsula.example"}))
    made, _ = pack(prose.body, [room] * 40, unmarked(units))
    for message, html in zip(made, prose.html(made), strict=True):
        assert parsed(html).text == plain(message)
        assert units(plain(message)) <= room


@given(st.text(st.characters(codec=None)), st.sampled_from(["", "b", "code"]))
def test_markup_in_a_title_or_text_stays_text(text: str, mark: Mark) -> None:
    hostile = f"<b>{text}</b><script>&amp; <a href='tg://x'>"
    prose = Prose(story(paragraph(Run(hostile, mark)), title=hostile))
    (html,) = prose.html(prose.body)
    assert "<script" not in html
    assert not re.search(r"<a ", html)
    assert parsed(html).text == plain(prose.body[0])
