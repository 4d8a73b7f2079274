"""Sitemaps that a tool can walk on whatever mirror it found them."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin
from xml.etree import ElementTree

from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.model import Brief, Issue, Material, Select, SheetKey
from heliograph.model.code import story_code
from heliograph.model.edition import BROTLI_BODY, GZIP_BODY
from heliograph.render import sitemap
from heliograph.render.look import Look

NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
ISSUE = Issue(number=1, made=NOW, stories=1, files=1, written=1, gone=0)
LOOK = Look(title="Берег", lang="ru")
SPACE = {"s": "http://www.sitemaps.org/schemas/sitemap/0.9", "x": "http://www.w3.org/1999/xhtml"}


def brief(number: int, url: str = "") -> Brief:
    when = NOW - timedelta(hours=number)
    url = url or f"https://news.example/2026/{number}.html?a=1&b=2"
    return Brief(
        code=story_code(f"https://news.example/{number}"), url=url, lang="ru", title="Паром", lead="", section="",
        published=when, updated=when, section_key="", day=f"{when:%Y-%m-%d}",
    )  # fmt: skip


def material(*briefs: Brief) -> Material:
    tally = Counter(one.day[:7] for one in briefs)
    return Material(issue=ISSUE, briefs=briefs, tally=tally)


def locations(body: bytes) -> list[str]:
    return [found.text or "" for found in ElementTree.fromstring(body).iterfind(".//s:loc", SPACE)]


def walk(files: dict[str, bytes], base: str) -> set[str]:
    """Every address a tool meets that follows the sitemaps of a mirror at ``base``."""
    seen: set[str] = set()
    waiting = [urljoin(base, "a/sitemap.xml")]
    while waiting:
        address = waiting.pop()
        seen.add(address)
        body = files.get(address.removeprefix(base))
        found = {urljoin(address, one) for one in locations(body)} if body else set()
        waiting += found - seen
    return seen


def test_every_story_is_reached_from_the_index_on_any_mirror() -> None:
    briefs = [brief(number) for number in range(400)]
    made = {file.path: file.body for file in sitemap.index(material(*briefs), LOOK, False)}
    for month in {one.day[:7] for one in briefs}:
        of_month = material(*(one for one in briefs if one.day.startswith(month)))
        made |= {
            file.path: file.body for file in sitemap.month(SheetKey("sitemap-month", month), of_month, LOOK, False)
        }
    base = "https://mirror.example/deep/folder/"
    walked = walk(made, base)
    assert {f"{base}a/{one.code}.html" for one in briefs} <= walked
    assert {base + path for path in made} <= walked


def test_the_origin_is_named_only_where_it_is_on_the_web() -> None:
    briefs = (brief(1), brief(2, "file:///home/news/two.md"), brief(3, "javascript:alert(1)"))
    made = sitemap.month(SheetKey("sitemap-month", "2026-11"), material(*briefs), LOOK, False)
    links = [link.get("href") for link in ElementTree.fromstring(made[0].body).iterfind(".//x:link", SPACE)]
    assert links == ["https://news.example/2026/1.html?a=1&b=2"]
    assert len(locations(made[0].body)) == 3


def test_lastmod_is_the_update_in_utc() -> None:
    made = sitemap.month(SheetKey("sitemap-month", "2026-11"), material(brief(0)), LOOK, False)
    stamp = ElementTree.fromstring(made[0].body).findtext(".//s:lastmod", namespaces=SPACE)
    assert stamp == "2026-11-20T06:30:00Z"


def test_a_month_without_stories_has_no_file() -> None:
    assert sitemap.month(SheetKey("sitemap-month", "2026-11"), material(), LOOK, False) == ()


def test_an_edition_without_stories_has_an_empty_index() -> None:
    made = sitemap.index(material(), LOOK, False)
    assert [file.path for file in made] == ["a/sitemap.xml"]
    assert locations(made[0].body) == []


def test_an_index_of_thousands_of_files_is_walked_through_its_parts() -> None:
    tally = {f"{year}-{month:02}": 1_500 for year in range(1950, 2027) for month in range(1, 13)}
    made = sitemap.index(Material(issue=ISSUE, tally=tally), LOOK, False)
    assert len(made) > 1
    assert all(len(file.brotli or b"") <= BROTLI_BODY and len(file.gzip or b"") <= GZIP_BODY for file in made)
    walked = walk({file.path: file.body for file in made}, "https://mirror.example/")
    months = {f"https://mirror.example/a/m/{month}{part}.xml" for month in tally for part in ("", ".2", ".30")}
    assert months <= walked


@settings(max_examples=15)
@given(st.lists(st.text(max_size=400), min_size=1, max_size=sitemap.ENTRIES))
def test_any_addresses_give_whole_files_within_the_budget(tails: list[str]) -> None:
    briefs = [brief(number, f"https://news.example/{tail}") for number, tail in enumerate(tails)]
    made = sitemap.month(SheetKey("sitemap-month", "2026-11"), material(*briefs), LOOK, False)
    assert len(made) == 1
    assert len(made[0].brotli or b"") <= BROTLI_BODY
    assert len(locations(made[0].body)) == len(tails)


def test_long_random_addresses_give_way_to_the_budget() -> None:
    briefs = [brief(number, f"https://news.example/{story_code(str(number)) * 60}{number}") for number in range(50)]
    scrambled = [brief(n, "https://news.example/" + "".join(map(chr, range(0x4E00 + 90 * n, 0x4E00 + 90 * n + 600, 7))))
                 for n in range(50)]  # fmt: skip
    for group in (briefs, scrambled):
        made = sitemap.month(SheetKey("sitemap-month", "2026-11"), material(*group), LOOK, True)
        assert len(made) == 1
        assert len(made[0].brotli or b"") <= BROTLI_BODY
        assert len(locations(made[0].body)) == 50


def test_the_index_wants_counts_and_a_month_wants_its_stories() -> None:
    assert sitemap.want(SheetKey("sitemap"), LOOK).tally == "month"
    wanted = sitemap.want(SheetKey("sitemap-month", "2026-11"), LOOK)
    assert wanted.briefs == Select(first_day="2026-11-01", last_day="2026-11-31")


def test_the_same_stories_give_the_same_bytes() -> None:
    key = SheetKey("sitemap-month", "2026-11")
    once, again = (sitemap.month(key, material(brief(1), brief(2)), LOOK, True) for _ in range(2))
    assert once == again
