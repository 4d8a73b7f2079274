"""What readers type, and what they are told: every answer fits Telegram, whatever is in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.announce.test_seek import brief
from tests.flows.speaking import a_story

from heliograph.announce import bot
from heliograph.announce.bot import Wish, wish
from heliograph.announce.rules import Facts, Rules
from heliograph.announce.text import clean
from heliograph.lab.channels.telegram.markup import formatted, is_blank, units
from heliograph.model import Heading, Listing, Paragraph, Quote, Run
from heliograph.model.code import shown, story_code
from heliograph.model.question import Question, Reply
from heliograph.model.words import LANGUAGES, Words, interface, words

WHEN = datetime(2026, 11, 20, tzinfo=UTC)
RULES = Rules(name="t", kind="telegram", voice="ru", since=WHEN)
FACTS = Facts(title="Полуостров <&>", mirrors=("https://one.example/",), ways=(("Ютуб", "https://y.example/"),))
CODE = story_code("https://x.example/1")


def interface_of(lang: str) -> Words:
    return interface(lang, "ru")


def typed(text: str) -> Wish:
    return wish(Question(number=1, chat="7", text=text))


def pressed(data: str) -> Wish:
    return wish(Question(number=1, chat="7", text=data, press="p"))


@pytest.mark.parametrize(
    ("text", "kind", "of"),
    [
        ("/start", "start", ""),
        ("/START@some_bot", "start", ""),
        ("/help", "start", ""),
        ("", "start", ""),
        ("/stop", "stop", ""),
        ("/where", "where", ""),
        ("/start where", "where", ""),
        (f"/start {CODE}", "story", CODE),
        ("/daily", "daily", ""),
        ("/daily ON", "daily", "on"),
        ("/daily выкл", "daily", "off"),
        ("/daily perhaps", "daily", ""),
        ("/lang", "lang", ""),
        ("/lang uk", "lang", "uk"),
        ("/lang xx", "lang", ""),
        (CODE, "story", CODE),
        (shown(CODE), "story", CODE),
        (f"«{shown(CODE)}»", "story", CODE),
        (f"пришлите {CODE.upper()}, пожалуйста", "story", CODE),
        (f"https://m.example/x/a/{CODE}.3.html", "story", CODE),
        ("мост и море", "find", "мост и море"),
        ("/unknown words", "find", "unknown words"),
    ],
)
def test_what_is_typed_is_understood(text: str, kind: str, of: str) -> None:
    got = typed(text)
    assert (got.kind, got.of) == (kind, of)


@pytest.mark.parametrize(
    ("data", "kind", "of", "lang"),
    [
        (f"story:{CODE}:fa", "story", CODE, "fa"),
        ("story:nothing:fa", "start", "", "fa"),
        ("daily:on:uk", "daily", "on", "uk"),
        ("daily:perhaps:uk", "start", "", "uk"),
        ("lang:crh", "lang", "crh", "crh"),
        ("where::en", "where", "", "en"),
        ("where::xx", "where", "", ""),
        ("stop", "stop", "", ""),
        (CODE, "start", "", ""),
    ],
)
def test_what_is_pressed_is_understood(data: str, kind: str, of: str, lang: str) -> None:
    got = pressed(data)
    assert (got.kind, got.of, got.lang) == (kind, of, lang)


@given(st.text(max_size=600))
def test_any_text_is_safe_to_type_or_to_forge(text: str) -> None:
    for got in (typed(text), pressed(text)):
        assert got.lang in ("", *LANGUAGES)


def fits(*replies: Reply) -> None:
    """Telegram would take it."""
    for reply in replies:
        said = formatted(reply.html, "HTML")
        assert 1 <= units(said.text) <= 4_096
        assert not is_blank(said.text)
        keys = [key for row in reply.buttons for key in row]
        assert len(keys) <= 20
        assert all(1 <= len(key.data.encode()) <= 64 and key.label.strip() for key in keys)
        assert all(wish(Question(number=1, chat="7", text=key.data, press="p")) for key in keys)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_answer_in_every_language_fits(lang: str) -> None:
    said = words(lang)
    fits(bot.welcome(FACTS, said))
    fits(bot.where(RULES, FACTS, said, interface_of), bot.where(RULES, replace(FACTS, mirrors=()), said, interface_of))
    fits(bot.found([], said), bot.found([], said, spoilt=True), bot.found([brief("Мост")], said, spoilt=True))
    fits(bot.daily(said, on=True), bot.daily(said, on=True, room=False), bot.daily(said, on=False))
    fits(bot.asks_daily(said), bot.stopped(said), bot.asks_language(said))
    fits(bot.language(said, kept=True), bot.language(said, kept=False))
    assert units(bot.place(1_234, said)) <= 200
    assert all(len(what) <= 256 for _, what in bot.commands_in(said))


HOSTILE = st.lists(
    st.text(st.characters(codec="utf-8"), max_size=10)
    | st.sampled_from(["<b>", "</a>", "&amp;", "&", "\u202e", "\u200b", "\u200d", "😀" * 900, "é" * 5, "слово " * 700]),
    max_size=8,
).map("".join)


@given(title=HOSTILE, text=HOSTILE, href=st.sampled_from(["", "https://x.example/?a=1&b=<", "javascript:x"]))
def test_any_story_comes_in_messages_that_telegram_takes(title: str, text: str, href: str) -> None:
    blocks = (
        Paragraph(runs=(Run(text, "b", href), Run(title, "i"))),
        Heading(level=2, runs=(Run(title),)),
        Listing(ordered=True, items=((Run(text, "code"),), (Run(title, "", href),))),
        Quote(runs=(Run(text),), source=title),
    )
    told = replace(a_story(1, WHEN), title=title, lead=text, blocks=blocks)
    replies = bot.story(told, RULES, FACTS, interface_of)
    assert 1 <= len(replies) <= bot.PARTS
    fits(*replies)


@given(st.lists(HOSTILE, min_size=1, max_size=10))
def test_any_headlines_fit(titles: list[str]) -> None:
    fits(bot.found([replace(brief("x"), title=title) for title in titles], words("ru")))


def test_a_story_is_whole_in_its_parts_and_says_when_it_is_not() -> None:
    sentence = "Слово за словом, и так до конца. "
    long = replace(a_story(1, WHEN, sentence * 1_000), lead="")
    replies = bot.story(long, RULES, FACTS, interface_of)
    assert "".join(reply.html for reply in replies).count(sentence.strip()) == 1_000
    longer = bot.story(replace(a_story(1, WHEN, sentence * 3_000), lead=""), RULES, FACTS, interface_of)
    assert len(longer) == bot.PARTS
    assert "Читать дальше" in longer[-1].html
    assert clean(longer[-1].html).endswith(".html")


def test_where_posts_are_rich_the_bot_still_answers_in_classic_messages() -> None:
    rich = replace(RULES, rich=True)
    told = replace(a_story(1, WHEN), blocks=(Heading(level=2, runs=(Run("Мост"),)), Paragraph(runs=(Run("Море"),))))
    replies = bot.story(told, rich, FACTS, interface_of)
    assert replies == bot.story(told, RULES, FACTS, interface_of)
    fits(*replies, bot.where(rich, FACTS, words("ru"), interface_of))


def test_nothing_that_was_typed_comes_back() -> None:
    assert "жираф" not in bot.found([], words("ru")).html
