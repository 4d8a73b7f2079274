"""The crawl: which links are stories, which are lists, and where it ends."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.capture import pages
from heliograph.model import Answer, Ask, Found, Source

URL = "https://vesti.example/"
SOURCE = Source(kind="pages", url=URL)
HEADLINES = (
    "Мост через реку закрыли до весны",
    "Совет утвердил бюджет на следующий год",
    "Учителя получат надбавку с января",
    "Река вышла из берегов у старого порта",
    "Музей открыл зал старых карт",
    "Школьники посадили сто яблонь у вокзала",
)


def page(links: Iterable[tuple[str, str]], head: str = "") -> str:
    body = "".join(f'<p><a href="{href}">{words}</a></p>' for href, words in links)
    return f"<!DOCTYPE html><html><head><meta charset=utf-8>{head}</head><body>{body}</body></html>"


def read(body: str | bytes, *, url: str = URL, depth: int = 0, source: Source = SOURCE, final: str = "") -> Found:
    data = body.encode() if isinstance(body, str) else body
    answer = Answer(url=final or url, status=200, body=data, media_type="text/html")
    return pages.read(source, Ask(url=url, depth=depth), answer)


def tips(found: Found) -> list[str]:
    return [tip.url.removeprefix("https://vesti.example") for tip in found.tips]


def asks(found: Found) -> list[str]:
    return [ask.url.removeprefix("https://vesti.example") for ask in found.asks]


def test_a_plain_list_is_taken_as_it_is_and_nothing_is_crawled() -> None:
    source = Source(kind="pages", url=URL, urls=("https://vesti.example/a?utm_source=x", "https://vesti.example/b"))
    found = pages.start(source)
    assert tips(found) == ["/a", "/b"]
    assert found.asks == ()


def test_a_crawl_begins_with_the_sources_own_page() -> None:
    assert asks(pages.start(SOURCE)) == ["/"]


@pytest.mark.parametrize(
    "story",
    [
        "/politika/2026/11/20/most-zakryli-do-vesny",
        "/a/28394756.html",
        "/ru/news/most-cherez-reku-zakryli-na-remont/",
        "/news/2026-11-20-most",
        "/?p=48151",
        "/index.php?id=48151",
        "/stories/the-bridge-will-stay-closed-until-spring",
        "/2026/11/most/",
        "/2026/11/20/city/most/index.html",
        "/calendar-of-repairs-for-the-old-bridge",
    ],
)
def test_addresses_of_stories_are_told_from_those_of_lists(story: str) -> None:
    links = [(story, HEADLINES[0]), ("/politika/", "Политика"), ("/ru/", "Русский"), ("/kultura", "Культура")]
    found = read(page(links))
    assert tips(found) == [story]
    assert asks(found) == ["/politika/", "/ru/", "/kultura"]


@pytest.mark.parametrize(
    "address",
    ["/2026/", "/2026/11/", "/2026/11/20/", "/archive/2026/11", "/news/", "/tag/rossiya-i-ukraina-peregovory",
     "/category/long-name-of-it",
     "/author/anna-petrovna-mostovaya-redaktor", "/page/3/", "/politika/?page=3", "/index.html",
     "/politika/index.html"],
)  # fmt: skip
def test_addresses_of_lists_are_not_taken_for_stories(address: str) -> None:
    found = read(
        page([(address, "Архив новостей за этот месяц"), ("/most-cherez-reku-zakryli-do-vesny", HEADLINES[0])])
    )
    assert tips(found) == ["/most-cherez-reku-zakryli-do-vesny"]
    assert asks(found) == [address]


def test_the_shape_of_short_story_addresses_is_learnt_from_the_page() -> None:
    short = [
        (f"/n/{name}", words)
        for name, words in zip(("most", "sovet", "shkola", "reka", "muzei", "sad"), HEADLINES, strict=True)
    ]
    found = read(page([*short, ("/politika/", "Политика")]))
    assert tips(found) == [href for href, _ in short]
    assert asks(found) == ["/politika/"]
    alone = read(page([("/n/most", "Мост"), ("/politika/", "Политика")]))
    assert tips(alone) == []


@pytest.mark.parametrize(
    "address",
    [
        "/login/",
        "/search?q=x",
        "/photo.jpg",
        "/report-2026-11-20.pdf",
        "/rss",
        "mailto:a@b.example",
        "#top",
        "javascript:x()",
        "tel:1",
        "ftp://a.example/b",
    ],
)
def test_what_is_neither_story_nor_list_is_left_alone(address: str) -> None:
    found = read(page([(address, "Слова на этой длинной ссылке"), ("/politika/", "Политика")]))
    assert tips(found) == []
    assert asks(found) == ["/politika/"]


def test_the_crawl_stays_within_its_prefixes() -> None:
    links = [
        ("https://other.example/2026/11/20/most-zakryli-do-vesny", HEADLINES[0]),
        ("https://vesti.example.evil.example/2026/11/20/most-zakryli", HEADLINES[0]),
        ("/en/2026/11/20/bridge-closed-until-spring", HEADLINES[0]),
        ("/ru/2026/11/20/most-zakryli-do-vesny", HEADLINES[0]),
        ("/ru/ads/2026/11/20/kupite-most-seichas", HEADLINES[0]),
        ("/ru/politika/", "Политика"),
    ]
    prefixes = ("https://vesti.example/ru/",)
    source = Source(
        kind="pages", url="https://vesti.example/ru/", include=prefixes, exclude=("https://vesti.example/ru/ads/",)
    )
    found = read(page(links), url="https://vesti.example/ru/", source=source)
    assert tips(found) == ["/ru/2026/11/20/most-zakryli-do-vesny"]
    assert asks(found) == ["/ru/politika/"]
    by_folder = Source(kind="pages", url="https://vesti.example/ru/index.html", exclude=source.exclude)
    assert read(page(links), url=by_folder.url, source=by_folder) == found


def test_the_same_site_with_and_without_www_is_one_site() -> None:
    found = read(
        page([("/2026/11/20/most-zakryli-do-vesny", HEADLINES[0])]), url=URL, final="https://www.vesti.example/"
    )
    assert [tip.url for tip in found.tips] == ["https://www.vesti.example/2026/11/20/most-zakryli-do-vesny"]


def test_a_redirect_out_of_the_prefixes_is_told_and_not_read() -> None:
    found = read(page([("/2026/11/20/most-zakryli-do-vesny", HEADLINES[0])]), final="https://login.example/")
    assert found.tips == ()
    assert found.problems[0].fatal


def test_lists_are_followed_to_the_depth_of_the_source() -> None:
    body = page([("/politika/", "Политика"), ("/2026/11/20/most-zakryli-do-vesny", HEADLINES[0])])
    assert [(ask.url, ask.depth) for ask in read(body, depth=2).asks] == [("https://vesti.example/politika/", 3)]
    assert read(body, depth=3).asks == ()
    assert len(read(body, depth=3).tips) == 1


def test_further_pages_of_a_list_are_no_deeper_than_the_list() -> None:
    body = page(
        [("/politika/?page=3", "3"), ("/2026/11/20/most-zakryli-do-vesny", HEADLINES[0])],
        '<link rel=next href="?page=3">',
    )
    found = read(body, url="https://vesti.example/politika/?page=2", depth=3)
    assert [(ask.url, ask.depth) for ask in found.asks] == [("https://vesti.example/politika/?page=3", 3)]


def test_endless_page_numbers_end_where_no_story_comes_any_more() -> None:
    found = read(page([("/politika/?page=18", "18")]), url="https://vesti.example/politika/?page=17", depth=1)
    assert found.asks == ()


@pytest.mark.parametrize(
    ("address", "word"),
    [
        ("/politika/?page=201", "numbered"),
        ("/politika/page/999999/", "numbered"),
        ("/calendar/2031/05", "calendar"),
        ("/events?date=2031-05-01", "calendar"),
        ("/a/b/a/b/a/b/", "deeper"),
        ("/1/2/3/4/5/6/7/8/9/10/", "deeper"),
        ("/list?sort=up&view=grid&color=red", "parameters"),
    ],
)
def test_traps_are_not_followed_and_told_in_the_same_words_each_time(address: str, word: str) -> None:
    links = [("/2026/11/20/most-zakryli-do-vesny", HEADLINES[0]), (address, "Дальше")]
    found = read(page(links))
    assert asks(found) == []
    assert word in found.problems[0].what
    assert found.problems[0].where == URL
    other = address.replace("201", "202").replace("999999", "888888").replace("2031", "2032")
    assert read(page([*links, (other, "Дальше")])).problems == found.problems


def test_marks_of_a_session_are_taken_out_of_addresses() -> None:
    links = [
        (f"/2026/11/20/most-zakryli-do-vesny{mark}", HEADLINES[0])
        for mark in ("?PHPSESSID=aa11", "?sid=7", ";jsessionid=AB12", "", "?session_id=5&PHPSESSID=1")
    ]
    assert tips(read(page(links))) == ["/2026/11/20/most-zakryli-do-vesny"]


def test_a_base_element_is_respected() -> None:
    body = page([("2026/11/20/most-zakryli-do-vesny", HEADLINES[0])], '<base href="/ru/">')
    assert tips(read(body)) == ["/ru/2026/11/20/most-zakryli-do-vesny"]


def test_one_page_leads_to_few_lists_sections_before_tags() -> None:
    links = [(f"/tag/t{n}/", "t") for n in range(400)] + [(f"/s{n}/", "s") for n in range(20)]
    found = asks(read(page(links)))
    assert len(found) == 300
    assert found[:20] == [f"/s{n}/" for n in range(20)]


def test_a_start_page_without_links_is_told() -> None:
    assert read("<html><body>Пусто</body></html>").problems[0].fatal


def test_what_is_no_page_is_told() -> None:
    answer = Answer(url=URL, status=200, body=b"%PDF", media_type="application/pdf")
    assert "application/pdf" in pages.read(SOURCE, Ask(url=URL), answer).problems[0].what


@pytest.mark.parametrize(
    "body",
    [b"<" * 1_000_000, b"<div>" * 200_000, b"\0" * 500_000, b"<a href='/x'>" * 100_000, b"<a href='" * 100_000,
     b"<p><b a=1>x</p>" * 10_000, b"<a " + b"href=/x " * 50_000 + b">"],
)  # fmt: skip
def test_hostile_pages_end_soon(body: bytes) -> None:
    assert isinstance(read(body), Found)


@settings(max_examples=100)
@given(st.binary(max_size=300), st.text(max_size=60))
def test_any_bytes_are_safe(body: bytes, href: str) -> None:
    assert isinstance(read(body), Found)
    assert isinstance(read(page([(href, "Слова на этой ссылке")])), Found)
    assert isinstance(read(page([("https://vesti.example/" + href, "Слова на этой ссылке")])), Found)
