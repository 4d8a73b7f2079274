"""A small invented edition in five languages, and what tests of several pages need to make stories and read pages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest

from heliograph.model import (
    Block,
    Brief,
    Embed,
    Figure,
    File,
    Heading,
    Issue,
    Listing,
    Material,
    Paragraph,
    Picture,
    Quote,
    Rule,
    Run,
    Select,
    SheetKey,
    Shown,
    Story,
    Table,
)
from heliograph.model.code import story_code
from heliograph.model.names import section_key
from heliograph.render import search, sheets
from heliograph.render.look import Link, Look

NOON = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
_VOID = frozenset({"meta", "link", "br", "hr", "img", "input", "wbr"})


def make_story(
    url: str = "https://news.example.org/most",
    *blocks: Block,
    lang: str = "ru",
    title: str = "Мост открыли раньше срока",
    lead: str = "",
    hours_ago: float = 0,
    section: str = "Общество",
    **more: object,
) -> Story:
    """A story with as little said as possible."""
    published = NOON - timedelta(hours=hours_ago)
    told = Story(
        url=url,
        code=story_code(url),
        lang=lang,
        title=title,
        lead=lead,
        blocks=blocks or (Paragraph(runs=(Run("Первые автобусы прошли на рассвете."),)),),
        published=published,
        updated=published,
        section=section,
    )
    return replace(told, **more)  # type: ignore[arg-type]


def brief_of(story: Story, look: Look) -> Brief:
    """The line about ``story`` in lists."""
    return Brief(
        code=story.code,
        url=story.url,
        lang=story.lang,
        title=story.title,
        lead=story.lead,
        section=story.section,
        published=story.published,
        updated=story.updated,
        section_key=section_key(story.lang, story.section),
        day=story.published.astimezone(look.tz()).date().isoformat(),
        words=story.words,
        bylines=story.bylines,
        tags=story.tags,
    )


@dataclass(frozen=True)
class Edition:
    """Stories and the journal's answers about them, kept in memory."""

    stories: tuple[Story, ...]
    look: Look
    shown: Mapping[str, Shown] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    number: int = 1234

    def briefs(self, select: Select) -> tuple[Brief, ...]:
        found = [
            brief
            for brief in sorted((brief_of(s, self.look) for s in self.stories), key=lambda b: b.published, reverse=True)
            if select.lang in {"", brief.lang}
            and select.code in {"", brief.code}
            and select.section_key in {"", brief.section_key}
            and select.first_day <= brief.day <= (select.last_day or "9")
            and (not select.terms or any(select.terms[0] <= term < select.terms[1] for term in search.terms(brief)))
        ]
        return tuple(found[: select.newest or None])

    def material(self, key: SheetKey) -> Material:
        want = sheets.want(key, self.look)
        codes = {brief.code for brief in self.briefs(want.stories)} if want.stories else set()
        by: dict[str, Callable[[Brief], str]] = {
            "day": lambda brief: brief.day,
            "month": lambda brief: brief.day[:7],
            "section": lambda brief: brief.section_key,
            "lang": lambda brief: brief.lang,
        }
        tally = Counter(filter(None, map(by[want.tally], self.briefs(want.tally_of)))) if want.tally else {}
        return Material(
            issue=Issue(number=self.number, made=NOON, stories=len(self.stories), files=9, written=1, gone=0),
            stories=tuple(story for story in self.stories if story.code in codes),
            briefs=self.briefs(want.briefs) if want.briefs else (),
            tally=tally,
            labels={brief.section_key: brief.section for brief in self.briefs(Select())},
            codes=self.codes,
            shown=self.shown,
        )

    def sheet_keys(self) -> list[SheetKey]:
        """All sheets of this edition."""
        keys = set(sheets.standing(self.look))
        for story in self.stories:
            keys |= sheets.touched(None, brief_of(story, self.look), self.look)
        return sorted(keys)

    def files(self, *kinds: str, dense: bool = False) -> dict[str, File]:
        """All files by path, or those of some kinds of sheet."""
        found: dict[str, File] = {}
        for key in self.sheet_keys():
            if not kinds or key.kind in kinds:
                for file in sheets.sheet(key, self.material(key), self.look, dense=dense).files:
                    assert file.path not in found, f"two sheets write {file.path}"
                    found[file.path] = file
        return found


class Page(HTMLParser):
    """A page taken apart by the standard library: its tags, links and visible text."""

    def __init__(self, source: bytes | str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self._hidden = ""
        self.feed(source.decode("utf-8") if isinstance(source, bytes) else source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag in {"style", "title", "script"}:
            self._hidden = tag
        elif tag not in {"b", "i", "a", "sub", "sup", "code", "small", "span", "time"}:
            self.text += "\n"

    def handle_endtag(self, tag: str) -> None:
        if tag == self._hidden:
            self._hidden = ""

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.text += data

    @property
    def links(self) -> list[str]:
        return [attributes.get("href", "") for tag, attributes in self.tags if tag == "a"]

    def first(self, tag: str) -> dict[str, str]:
        return next(attributes for name, attributes in self.tags if name == tag)


def paragraph(*runs: str | Run) -> Paragraph:
    return Paragraph(runs=tuple(Run(run) if isinstance(run, str) else run for run in runs))


def _every_block() -> tuple[Block, ...]:
    return (
        Figure(
            picture=Picture(url="https://news.example.org/most.jpg", alt="Мост на рассвете"),
            caption=(Run("Первые машины на мосту."),),
            credit="Снимок редакции",
        ),
        paragraph(
            "Водитель ",
            Run("рассказал редакции", href="https://old-mirror.example.net/shkola-na-primorskoy"),
            ", что тратил на переправу ",
            Run("сорок минут", "b"),
            ".",
        ),
        Quote(runs=(Run("Четыре минуты от берега до берега."),), source="водитель маршрутки"),
        Heading(level=2, runs=(Run("Почему спешили"),)),
        Listing(ordered=True, items=((Run("Легковые машины"),), (Run("Автобусы"),))),
        Listing(ordered=False, items=((Run("Паром"),), (Run("Лодки"),))),
        Table(head=True, rows=(((Run("Рейс"),), (Run("В пути"),)), ((Run("Север"),), (Run("4 мин"),)))),
        Figure(picture=Picture(url="https://news.example.org/parom.jpg", alt="Паром"), caption=(Run("Паром."),)),
        Rule(),
        Embed(href="https://video.example.com/w/1", title="Первые минуты", provider="video.example.com"),
    )


@pytest.fixture(scope="session")
def look() -> Look:
    return Look(
        title="Полуостров",
        home="https://news.example.org/",
        lang="ru",
        languages=("ru", "uk", "en", "crh", "fa"),
        zone="Europe/Kyiv",
        links=(Link(name="Telegram", url="https://t.me/poluostrov_example"),),
    )


@pytest.fixture(scope="session")
def edition(look: Look) -> Edition:
    """Some thirty stories over two months, one with every kind of block, at least one in each language."""
    school = "https://news.example.org/shkola-na-primorskoy"
    told = [
        make_story(
            "https://news.example.org/most", *_every_block(), lead="Движение началось утром.", bylines=("А. Б.",)
        ),
        make_story(school, lang="uk", title="У школі відкрили майстерню", section="Суспільство", hours_ago=3),
        make_story("https://news.example.org/w", lang="en", title="Wind farm turns", section="World", hours_ago=5),
        make_story("https://news.example.org/q", lang="crh", title="Köyde suv bar", section="Cemiyet", hours_ago=7),
        make_story("https://news.example.org/k", lang="fa", title="کتابخانه باز شد", section="جامعه", hours_ago=9),
    ]
    for number in range(25):
        section = ("Общество", "Культура", "")[number % 3]
        told.append(
            make_story(
                f"https://news.example.org/{number}",
                title=f"Новость {number}",
                section=section,
                hours_ago=11 + 30 * number,
            )
        )
    shown = Shown(pid="0a1b2c3d4e", width=480, height=320, colours=("#9aa7a0", "#c9b79a"))
    return Edition(
        stories=tuple(told),
        look=look,
        shown={"https://news.example.org/most.jpg": shown},
        codes={"https://old-mirror.example.net/shkola-na-primorskoy": story_code(school)},
    )


@pytest.fixture
def story() -> Callable[..., Story]:
    return make_story


@pytest.fixture
def page() -> type[Page]:
    return Page


@pytest.fixture
def brief() -> Callable[[Story, Look], Brief]:
    return brief_of
