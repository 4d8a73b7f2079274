"""Feeds as a feed reader sees them."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urljoin

import feedparser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.model import (
    Block,
    Brief,
    Figure,
    File,
    Heading,
    Issue,
    Listing,
    Material,
    Paragraph,
    Picture,
    Quote,
    Run,
    Select,
    SheetKey,
    Story,
    Table,
)
from heliograph.model.code import story_code
from heliograph.model.edition import BROTLI_BODY, GZIP_BODY, Gone
from heliograph.render import feeds
from heliograph.render.look import Look

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
ISSUE = Issue(number=7, made=NOW + timedelta(days=400), stories=1, files=1, written=1, gone=0)
LOOK = Look(title="Берег & море", lang="ru", home="https://news.example/", feed_days=3)
MIRROR = "https://mirror.example/deep/"
LETTERS = "паромлодкаводапричалберегволнаутроветермореостровмаяксеткарыбахолод"
SYLLABLES = [LETTERS[place : place + 2] for place in range(0, len(LETTERS), 2)]


def prose(seed: int, words: int) -> str:
    """Text that compresses about as well as news does."""
    draw = random.Random(seed)
    return " ".join("".join(draw.choices(SYLLABLES, k=draw.randint(2, 5))) for _ in range(words)).capitalize() + "."


def story(number: int, *blocks: Block, words: int = 120, **changes: Any) -> Story:
    url = f"https://news.example/2026/{number}.html"
    when = NOW - timedelta(hours=number)
    body = blocks or tuple(Paragraph(runs=(Run(prose(1_000 * number + line, 40)),)) for line in range(words // 40))
    told = Story(
        url=url, code=story_code(url), lang="ru", title=f"Паром № {number} встал", blocks=body, published=when,
        updated=when + timedelta(minutes=5), lead=f"Вода прибывает, рейс {number} отменён.", section="Общество",
        bylines=("Вера Лодочник",), tags=("паром", "погода"),
    )  # fmt: skip
    return replace(told, **changes)


def brief(told: Story) -> Brief:
    return Brief(
        code=told.code, url=told.url, lang=told.lang, title=told.title, lead=told.lead, section=told.section,
        published=told.published, updated=told.updated, section_key="ru/obshchestvo", day=f"{told.published:%Y-%m-%d}",
        bylines=told.bylines, tags=told.tags,
    )  # fmt: skip


def material(stories: Sequence[Story], full: int = 10, **more: Any) -> Material:
    briefs = tuple(brief(told) for told in stories)
    tally = Counter(one.day for one in briefs)
    return Material(issue=ISSUE, stories=tuple(stories[:full]), briefs=briefs, tally=tally, **more)


def edition(stories: Sequence[Story], look: Look = LOOK) -> dict[str, bytes]:
    """All feed documents of an edition, checked against the budget."""
    whole = material(stories)
    files = list(feeds.head(whole, look, False))
    for day in whole.tally:
        of_day = tuple(told for told in stories if f"{told.published:%Y-%m-%d}" == day)
        files += feeds.day(SheetKey("feed-day", day), replace(whole, stories=of_day, briefs=()), look, False)
    assert within_budget(files)
    return {file.path: file.body for file in files}


def within_budget(files: Sequence[File]) -> bool:
    return all(len(file.brotli or b"") <= BROTLI_BODY and len(file.gzip or b"") <= GZIP_BODY for file in files)


def parsed(body: bytes, path: str = "feed.xml") -> Any:
    headers = {"content-location": urljoin(MIRROR, path), "content-type": "application/xml; charset=utf-8"}
    found = feedparser.parse(body, response_headers=headers)
    assert not found.bozo, found.get("bozo_exception")
    return found


def link(entry: Any, rel: str) -> str:
    return next((one.href for one in entry.links if one.rel == rel), "")


def test_a_feed_reader_sees_the_newest_story_in_full() -> None:
    found = parsed(edition([story(number) for number in range(30)])["feed.xml"])
    first = found.entries[0]
    assert found.feed.title == "Берег & море"
    assert first.title == "Паром № 0 встал"
    assert first.id == f"urn:heliograph:{story_code('https://news.example/2026/0.html')}"
    assert prose(2, 40) in first.content[0].value
    assert "рейс 0 отменён" in first.content[0].value
    assert first.author == "Вера Лодочник"
    assert [tag.term for tag in first.tags] == ["Общество", "паром", "погода"]
    assert link(first, "via") == "https://news.example/2026/0.html"


def test_links_lead_to_the_mirror_the_feed_came_from() -> None:
    files = edition([story(number) for number in range(30)])
    code = story_code("https://news.example/2026/0.html")
    for path in ("feed.xml", "a/f/2026-11-20.xml"):
        found = parsed(files[path], path)
        assert link(found.entries[0], "alternate") == f"{MIRROR}a/{code}.html"
        assert link(found.feed, "alternate") == f"{MIRROR}index.html"
    item = json.loads(files["a/feed.json"])["items"][0]
    assert urljoin(f"{MIRROR}a/feed.json", item["url"]) == f"{MIRROR}a/{code}.html"


def test_what_does_not_fit_in_full_is_there_as_a_summary() -> None:
    found = parsed(edition([story(number, words=400) for number in range(30)])["feed.xml"])
    full = [entry for entry in found.entries if "content" in entry]
    assert 1 <= len(full) < len(found.entries)
    assert found.entries[-1].summary.startswith("Вода прибывает")
    codes = [entry.id for entry in found.entries]
    assert len(codes) == len(set(codes))


def chain(files: dict[str, bytes], start: str, following: Any) -> list[str]:
    path, seen = start, []
    while path:
        assert path not in seen
        seen.append(path)
        path = following(path, files[path])
    return seen


def older_atom(path: str, body: bytes) -> str:
    href = link(parsed(body, path).feed, "prev-archive")
    return href.removeprefix(MIRROR)


def older_json(path: str, body: bytes) -> str:
    href = json.loads(body).get("next_url", "")
    return urljoin(MIRROR + path, href).removeprefix(MIRROR) if href else ""


def test_the_chain_of_archives_holds_every_story_of_the_newest_days_once() -> None:
    stories = [story(number, words=300) for number in range(0, 24 * 6, 2)]
    files = edition(stories)
    days = sorted({f"{told.published:%Y-%m-%d}" for told in stories})[-3:]
    expected = {f"urn:heliograph:{told.code}" for told in stories if f"{told.published:%Y-%m-%d}" in days}
    atom = chain(files, "feed.xml", older_atom)
    assert {path[4:14] for path in atom[1:]} == set(days)
    assert len(atom) > 4  # a day has parts
    entries = [entry.id for path in atom[1:] for entry in parsed(files[path], path).entries]
    assert sorted(entries) == sorted(expected)
    items = [
        item["id"] for path in chain(files, "a/feed.json", older_json)[1:] for item in json.loads(files[path])["items"]
    ]
    assert sorted(items) == sorted(expected)


def test_archive_documents_say_so_and_name_the_current_one() -> None:
    files = edition([story(number, words=300) for number in range(0, 48, 2)])
    path = "a/f/2026-11-19.2.xml"
    found = parsed(files[path], path)
    assert b"http://purl.org/syndication/history/1.0" in files[path]
    assert b"http://purl.org/syndication/history/1.0" not in files["feed.xml"]
    assert link(found.feed, "current") == f"{MIRROR}feed.xml"
    assert link(found.feed, "prev-archive") == f"{MIRROR}a/f/2026-11-19.1.xml"
    assert link(found.feed, "self") == MIRROR + path


def test_a_new_story_changes_the_newest_document_of_its_day_alone() -> None:
    stories = [story(number, words=300) for number in range(1, 24)]
    before, after = edition(stories), edition([story(0, words=300), *stories])
    archive = [path for path in after if path.startswith("a/f/") and path.endswith(".xml")]
    assert len(archive) > 4
    today = max(archive)
    changed = {path for path in archive if before.get(path) != after[path]}
    assert changed <= {today, sorted(archive)[-2]}


def test_days_before_the_end_of_the_chain_have_no_documents() -> None:
    files = edition([story(number) for number in range(0, 24 * 8, 12)])
    assert sorted(path for path in files if path.startswith("a/f/") and path.endswith(".xml")) == [
        "a/f/2026-11-18.xml",
        "a/f/2026-11-19.xml",
        "a/f/2026-11-20.xml",
    ]


def test_a_new_day_shifts_the_days_whose_place_in_the_chain_changes() -> None:
    before = ["2026-11-15", "2026-11-17", "2026-11-18"]
    assert feeds.shifted(before, [*before, "2026-11-20"], LOOK) == {
        SheetKey("feed-day", "2026-11-20"),  # is new
        SheetKey("feed-day", "2026-11-17"),  # is the oldest now
        SheetKey("feed-day", "2026-11-15"),  # has left
    }
    assert feeds.shifted(before, [*before, "2026-11-16"], LOOK) == {
        SheetKey("feed-day", "2026-11-15"),
        SheetKey("feed-day", "2026-11-16"),
        SheetKey("feed-day", "2026-11-17"),
    }
    assert feeds.shifted(before, before, LOOK) == frozenset()


@pytest.mark.parametrize("words", [2_000, 30_000])
def test_a_story_too_long_for_a_response_is_there_with_its_beginning_and_a_way_on(words: int) -> None:
    files = edition([story(0), story(1, words=words), story(2)])
    found = [parsed(body, path) for path, body in files.items() if path.startswith("a/f/") and path.endswith("xml")]
    told = [entry for one in found for entry in one.entries if entry.title == "Паром № 1 встал"]
    assert len(told) == 1
    html = told[0].content[0].value
    assert "Читать дальше" in html
    assert len(html) > 5_000
    assert html.startswith(f"<p><b>Вода прибывает, рейс 1 отменён.</b><p>{prose(1_000, 40)}")


def test_a_long_newest_story_begins_in_the_head() -> None:
    found = parsed(edition([story(0, words=30_000), story(1)])["feed.xml"])
    assert "Читать дальше" in found.entries[0].content[0].value


def test_a_story_that_is_one_endless_word_keeps_the_budget() -> None:
    scrambled = "".join(chr(0x4E00 + (k * k * 7919) % 20_000) for k in range(60_000))
    files = edition([story(0, Paragraph(runs=(Run(scrambled),))), story(1, title=scrambled[:5_000], lead=scrambled)])
    found = parsed(files["feed.xml"])
    assert found.entries[0].title == "Паром № 0 встал"


def test_all_kinds_of_blocks_reach_the_reader_as_plain_markup() -> None:
    url = "https://news.example/p.jpg"
    told = story(
        0,
        Heading(level=2, runs=(Run("Причал"),)),
        Listing(ordered=True, items=((Run("раз"),), (Run("два"),))),
        Quote(runs=(Run("Вода не спрашивает."),), source="Паромщик"),
        Table(rows=(((Run("час"),), (Run("уровень"),)), ((Run("6"),), (Run("97"),))), head=True),
        Figure(picture=Picture(url=url, alt="Причал"), caption=(Run("Причал под водой"),), credit="Снимок редакции"),
        Figure(picture=Picture(url="https://news.example/q.jpg")),
        Paragraph(runs=(Run("Как писали раньше", href="https://news.example/old.html"),)),
    )
    codes = {"https://news.example/old.html": "7k3vq2m"}
    made = feeds.day(
        SheetKey("feed-day", "2026-11-20"), material([told], codes=codes), LOOK, False
    )  # fmt: skip
    html = json.loads(made[1].body)["items"][0]["content_html"]
    assert f'<a href="../{told.code}.html">Снимок</a> · Причал под водой · Снимок редакции' in html
    assert '<a href="../7k3vq2m.html">Как писали раньше</a>' in html
    for part in ("<h2>Причал</h2>", "<ol><li>раз<li>два</ol>", "<blockquote>", "<th>час", "Вода не спрашивает."):
        assert part in html
    value = parsed(made[0].body, made[0].path).entries[0].content[0].value
    assert f"{MIRROR}a/7k3vq2m.html" in value


def test_markup_of_a_stranger_stays_text() -> None:
    evil = '<script>alert(1)</script>"]]>\x00&amp;'
    told = story(0, Paragraph(runs=(Run(evil, href="javascript:alert(1)"),)), title=evil, lead=evil, bylines=(evil,))
    files = edition([told])
    entry = parsed(files["feed.xml"]).entries[0]
    assert "<script" not in entry.content[0].value
    item = json.loads(files["a/feed.json"])["items"][0]
    assert "<script" not in item["content_html"]
    assert "javascript" not in item["content_html"]


def test_feeds_tell_no_time_but_that_of_stories() -> None:
    found = parsed(edition([story(0), story(1)])["feed.xml"])
    assert found.feed.updated == "2026-11-20T06:35:00Z"
    assert found.entries[1].published == "2026-11-20T05:30:00Z"


def test_an_edition_without_stories_has_a_valid_empty_feed() -> None:
    made = feeds.head(material([]), LOOK, False)
    assert parsed(made[0].body).entries == []
    assert json.loads(made[1].body)["items"] == []
    assert feeds.day(SheetKey("feed-day", "2026-11-20"), material([]), LOOK, False) == ()


def test_a_withdrawn_story_stays_as_its_withdrawal_and_gives_way_after_thirty_days() -> None:
    told = [story(number) for number in range(3)]
    lost = story_code("https://news.example/lost.html")
    day, whole = timedelta(days=1), material(told)
    for age, there in ((-1, True), (0, True), (29, True), (30, False)):
        gone = (Gone(lost, "uk", told[0].updated - age * day),)
        atom, other = feeds.head(replace(whole, gone=gone), LOOK, False)
        found = parsed(atom.body)
        id_ = f"urn:heliograph:{lost}"
        entries = {one.id: one for one in found.entries}
        items = {item["id"]: item for item in json.loads(other.body)["items"]}
        assert len(entries) == len(items) == 3 + there
        assert (id_ in entries) == (id_ in items) == there
        if there:
            tomb = entries[id_]
            assert tomb.title == "Цю статтю відкликано."
            assert tomb.content[0].value == items[id_]["content_text"] == tomb.title
            assert tomb.updated == items[id_]["date_modified"]
            assert max(entry.updated for entry in found.entries) == found.feed.updated  # programs see that it changed
            assert not tomb.get("links")


@given(st.lists(st.integers(0, 80), max_size=80), st.integers(0, 40))
@settings(max_examples=15)
def test_many_withdrawals_leave_room_for_the_news(ages: list[int], stories: int) -> None:
    told = [story(number, words=400) for number in range(stories)]
    gone = tuple(
        Gone(story_code(f"https://news.example/lost/{number}"), "ru", NOW - timedelta(days=age, minutes=number))
        for number, age in enumerate(ages)
    )
    made = feeds.head(replace(material(told), gone=gone), LOOK, False)
    assert within_budget(made)
    entries = parsed(made[0].body).entries
    titled = [entry for entry in entries if entry.title.startswith("Паром")]
    assert bool(titled) == bool(stories)
    assert len(entries) - len(titled) <= 30


def test_a_hub_is_named_where_readers_subscribe_and_nowhere_else() -> None:
    files = edition([story(number) for number in range(9)], replace(LOOK, hub="https://hub.example/?a=1&b="))
    named = {path for path, body in files.items() if b"hub.example" in body}
    assert named == {"feed.xml", "a/feed.json"}
    assert link(parsed(files["feed.xml"]).feed, "hub") == "https://hub.example/?a=1&b="
    assert json.loads(files["a/feed.json"])["hubs"] == [{"type": "WebSub", "url": "https://hub.example/?a=1&b="}]
    with pytest.raises(ValueError, match="hub must be"):
        replace(LOOK, hub="ftp://hub.example/")


def test_json_feed_has_what_its_standard_asks_for() -> None:
    feed = json.loads(edition([story(number, words=500) for number in range(12)])["a/feed.json"])
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"] == "Берег & море"
    for item in feed["items"]:
        assert item["id"].startswith("urn:heliograph:")
        assert ("content_html" in item) != ("content_text" in item)
        assert item["authors"] == [{"name": "Вера Лодочник"}]
        assert datetime.fromisoformat(item["date_published"]).tzinfo is not None


def test_two_newsrooms_have_two_feed_ids_and_all_documents_of_one_share_theirs() -> None:
    stories = [story(number, words=300) for number in range(0, 48, 2)]
    files = edition(stories)
    ids = {parsed(body, path).feed.id for path, body in files.items() if path.endswith(".xml")}
    other = parsed(edition(stories, replace(LOOK, home="https://other.example/"))["feed.xml"]).feed.id
    assert len(ids) == 1
    assert other not in ids


def test_the_same_stories_give_the_same_bytes_dense_or_not() -> None:
    whole = material([story(number) for number in range(9)])
    key = SheetKey("feed-day", "2026-11-20")
    assert feeds.head(whole, LOOK, True) == feeds.head(whole, LOOK, True)
    thin, dense = feeds.day(key, whole, LOOK, False), feeds.day(key, whole, LOOK, True)
    assert [(file.path, file.body) for file in thin] == [(file.path, file.body) for file in dense]


def test_wants_name_the_stories_and_the_days() -> None:
    assert feeds.want(SheetKey("feed"), LOOK).tally == "day"
    wanted = feeds.want(SheetKey("feed-day", "2026-11-20"), LOOK)
    assert wanted.stories == Select(first_day="2026-11-20", last_day="2026-11-20")


TEXT = st.text(max_size=300)


@settings(max_examples=25)
@given(st.lists(st.tuples(TEXT, TEXT, TEXT), min_size=1, max_size=6), TEXT)
def test_any_text_gives_well_formed_documents(texts: list[tuple[str, str, str]], href: str) -> None:
    stories = [
        story(number, Paragraph(runs=(Run(body, "b", href),)), title=title, lead=lead, tags=(title, lead), section=lead)
        for number, (title, lead, body) in enumerate(texts)
    ]
    files = edition(stories)
    assert len(parsed(files["feed.xml"]).entries) == len(json.loads(files["a/feed.json"])["items"]) == len(stories)
