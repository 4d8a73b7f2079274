"""The sample stories: whole, invented, linked to each other and as odd as real ones."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime, timedelta, timezone
from urllib.parse import urlsplit

import pytest
from selectolax.lexbor import LexborHTMLParser

from heliograph.capture import cut, markup
from heliograph.lab import samples as lab
from heliograph.lab.samples import DEAD_MIRROR, MEDIA, Sample, html, samples
from heliograph.model import Embed, Figure, Issue, Listing, Material, Quote, SheetKey, Story, Table
from heliograph.model.code import story_code
from heliograph.render import story_page
from heliograph.render.look import Look

NOW = datetime(2026, 11, 22, 10, 30, tzinfo=timezone(timedelta(hours=2)))
STORIES = samples(NOW)
INVENTED_HOSTS = {urlsplit(DEAD_MIRROR).hostname, "video.example.org"}
HEBREW_OR_ARABIC = re.compile(r"[\u0590-\u06ff]")
CYRILLIC = re.compile(r"[\u0400-\u04ff]")


def by_path(end: str) -> Sample:
    return next(story for story in STORIES if story.path.endswith(end))


def links(story: Sample) -> list[str]:
    return [node.attributes["href"] or "" for node in LexborHTMLParser(html(story)).css("a[href]")]


def text_of(story: Sample) -> str:
    return LexborHTMLParser(html(story)).text()


def captured(story: Sample) -> Story:
    url = f"https://peninsula.example.org{story.path}"
    blocks = markup.blocks(html(story), url)
    time = story.published
    return Story(
        url=url, code=story_code(url), lang=story.lang, title=story.title, blocks=blocks, published=time, updated=time
    )


def ids(story: Sample) -> str:
    return story.path.rpartition("/")[2]


def test_there_are_fifteen_in_five_languages() -> None:
    assert Counter(story.lang for story in STORIES) == {"ru": 6, "uk": 3, "en": 3, "crh": 2, "fa": 1}


def test_they_come_newest_first_and_lie_in_the_past() -> None:
    times = [story.published for story in STORIES]
    assert times == sorted(times, reverse=True)
    assert all(time < NOW for time in times)
    assert NOW - times[0] < timedelta(hours=1)
    assert NOW - times[-1] > timedelta(days=30)


def test_time_moves_with_now_and_keeps_its_zone() -> None:
    later = samples(NOW + timedelta(days=3))
    assert [story.published - timedelta(days=3) for story in later] == [story.published for story in STORIES]
    assert {story.published.tzinfo for story in STORIES} == {NOW.tzinfo}


def test_an_offset_counts_days_hours_and_minutes() -> None:
    bridge, flash, ferry = by_path("otkryli-100214.html"), by_path("shtorm-100221.html"), by_path("099871.html")
    assert NOW - bridge.published == timedelta(hours=2, minutes=30)
    assert NOW - flash.published == timedelta(minutes=20)
    assert NOW - ferry.published == timedelta(days=40)


@pytest.mark.parametrize("offset", ["", "-", "2h", "-2x", "-3h2d"])
def test_an_offset_that_is_none_is_refused_with_the_files_name(offset: str) -> None:
    with pytest.raises(ValueError, match=r"odd\.md"):
        lab._age("odd.md", offset)


def test_a_file_without_front_matter_is_refused_with_its_name() -> None:
    with pytest.raises(ValueError, match=r"odd\.md"):
        lab._sample("odd.md", "---\n- a list\n---\ntext\n", NOW)


@pytest.mark.parametrize("story", STORIES, ids=ids)
def test_every_field_is_filled(story: Sample) -> None:
    flash = story.path.endswith("shtorm-100221.html")
    assert story.title
    assert story.section
    assert story.author
    assert story.tags
    assert bool(story.lead) is not flash
    assert bool(story.picture) is bool(story.caption) is not flash
    assert story.path.startswith(f"/{story.lang}/")
    assert re.fullmatch(r"(/[a-z0-9-]+)+\.html", story.path)


@pytest.mark.parametrize("story", STORIES, ids=ids)
def test_text_is_in_the_script_of_its_language(story: Sample) -> None:
    letters = [char for char in story.title + text_of(story) if char.isalpha()]
    if story.lang == "fa":
        share = sum(1 for char in letters if HEBREW_OR_ARABIC.match(char)) / len(letters)
    else:
        cyrillic = sum(1 for char in letters if CYRILLIC.match(char)) / len(letters)
        share = cyrillic if story.lang in {"ru", "uk"} else 1 - cyrillic
    assert share > 0.98


@pytest.mark.parametrize(
    ("lang", "letters", "foreign"), [("uk", "іїє", "ыэёъ"), ("ru", "ыэ", "іїєґ"), ("crh", "ñşğâ", "w")]
)
def test_text_uses_the_letters_of_its_language(lang: str, letters: str, foreign: str) -> None:
    text = "".join(story.title + story.lead + text_of(story) for story in STORIES if story.lang == lang).lower()
    assert [letter for letter in letters if letter not in text] == []
    assert [letter for letter in foreign if letter in text] == []


def test_paths_are_distinct() -> None:
    assert len({story.path for story in STORIES}) == len(STORIES)


@pytest.mark.parametrize("story", STORIES, ids=ids)
def test_every_link_leads_to_another_sample(story: Sample) -> None:
    others = {other.path for other in STORIES} - {story.path}
    for href in links(story):
        assert href.removeprefix(DEAD_MIRROR) in others


def test_some_link_goes_through_the_dead_mirror_and_some_do_not() -> None:
    hrefs = [href for story in STORIES for href in links(story)]
    assert any(href.startswith(DEAD_MIRROR) for href in hrefs)
    assert sum(1 for href in hrefs if href.startswith("/")) >= 5


@pytest.mark.parametrize("story", STORIES, ids=ids)
def test_no_real_host_address_or_number_is_named(story: Sample) -> None:
    page = " ".join([story.title, story.lead, story.caption, html(story)])
    hosts = set(re.findall(r"https?://([^/\s\"'<>)]+)", page))
    assert hosts <= INVENTED_HOSTS
    assert not re.search(r"\bwww\.|[\w.]+@[\w.]+|t\.me/|\+\d[\d\s()-]{6,}|\d{3}-\d{2}-\d{2}", page)


def test_pictures_in_the_text_are_the_newsrooms_own() -> None:
    sources = [
        node.attributes["src"] or "" for story in STORIES for node in LexborHTMLParser(html(story)).css("img[src]")
    ]
    assert sources
    assert all(re.fullmatch(re.escape(MEDIA) + r"[a-z0-9-]+\.jpg", source) for source in sources)


def test_the_long_read_needs_several_parts() -> None:
    long_read = max(STORIES, key=lambda story: len(story.markdown))
    assert long_read.lang == "ru"
    assert len(text_of(long_read)) > 25_000
    story = captured(long_read)
    issue = Issue(number=1, made=NOW, stories=1, files=0, written=0, gone=0)
    look = Look(title="Полуостров", lang="ru")
    files = story_page.story(SheetKey("story", story.code), Material(issue=issue, stories=(story,)), look, dense=False)
    assert len(files) >= 3


def test_the_flash_is_one_sentence() -> None:
    flash = min(STORIES, key=lambda story: len(story.markdown))
    assert text_of(flash).count(".") == 1
    assert len(text_of(flash)) < 120


def test_the_report_about_a_block_ends_with_news_that_sounds_like_a_notice() -> None:
    last = LexborHTMLParser(html(by_path("zhaloba-biblioteki-100187.html"))).css("p")[-1].text()
    assert all(word in last for word in ("VPN", "Telegram", "Регулятор"))


@pytest.mark.parametrize("story", STORIES, ids=ids)
def test_none_has_anything_that_looks_like_boilerplate(story: Sample) -> None:
    rules, problems = cut.rules()
    whole = captured(story)
    assert problems == ()
    assert cut.cut(whole, rules) == (whole, ())


def test_one_has_lists_a_quote_a_second_picture_and_a_player() -> None:
    museum = by_path("muzey-mayaka-100148.html")
    blocks = captured(museum).blocks
    kinds = [type(block) for block in blocks]
    assert museum.picture
    assert kinds.count(Figure) == kinds.count(Quote) == kinds.count(Embed) == 1
    assert [block.ordered for block in blocks if isinstance(block, Listing)] == [False, True]


def test_the_timetable_is_a_table_with_a_head() -> None:
    tables = [block for block in captured(by_path("raspisanie-099871.html")).blocks if isinstance(block, Table)]
    assert [(table.head, len(table.rows), len(table.rows[0])) for table in tables] == [(True, 8, 5)]
