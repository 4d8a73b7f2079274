"""What pages say of their articles."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.capture import jsonld, metadata, tree
from heliograph.capture.metadata import Metadata
from heliograph.model import Picture, Problem

URL = "https://news.example/ru/2026/11/most-otkryli-100214.html"
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)


def told(html: str, url: str = URL) -> tuple[Metadata, tuple[Problem, ...]]:
    return metadata.read(tree.parse(html.encode()), url, now=NOW, zone="Europe/Kyiv")


def read(html: str, url: str = URL) -> Metadata:
    return told(html, url)[0]


def ld(value: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(value, ensure_ascii=False)}</script>'


ARTICLE = {
    "@type": "NewsArticle",
    "headline": "Мост через пролив открыли",
    "description": "Пешеходы прошли по нему первыми.",
    "author": [{"@type": "Person", "name": "Анна Берег"}, {"name": "Отдел новостей"}],
    "datePublished": "2026-11-20T09:30:00+02:00",
    "dateModified": "2026-11-20T10:00:00+02:00",
    "articleSection": ["Общество", "Транспорт"],
    "keywords": "мост, пролив ,  ",
    "inLanguage": "ru-RU",
    "image": {"@type": "ImageObject", "url": "/media/most.jpg", "width": 1200, "height": "800"},
    "articleBody": "Мост открыли утром.\nДорогу закончат весной.",
}
WANTED = Metadata(
    url=URL,
    title="Мост через пролив открыли",
    lead="Пешеходы прошли по нему первыми.",
    bylines=("Анна Берег", "Отдел новостей"),
    published=datetime(2026, 11, 20, 9, 30, tzinfo=timezone(timedelta(hours=2))),
    updated=datetime(2026, 11, 20, 10, 0, tzinfo=timezone(timedelta(hours=2))),
    section="Общество",
    tags=("мост", "пролив"),
    lang="ru",
    hero=Picture(url="https://news.example/media/most.jpg", width=1200, height=800),
    body="Мост открыли утром.\nДорогу закончат весной.",
)


@pytest.mark.parametrize(
    "value",
    [
        ARTICLE,
        [{"@type": "WebSite", "name": "x"}, ARTICLE],
        {"@context": "https://schema.org", "@graph": [{"@type": "Organization"}, ARTICLE]},
        {"@type": "WebPage", "mainEntity": ARTICLE},
        {**ARTICLE, "@type": ["Article", "ReportageNewsArticle"]},
        {**ARTICLE, "@type": "BlogPosting"},
    ],
    ids=["plain", "list", "graph", "nested", "types", "blog"],
)
def test_json_ld_tells_all(value: object) -> None:
    assert read(ld(value)) == WANTED


@pytest.mark.parametrize(
    "mend",
    [
        lambda text: f"<!-- {text} -->",
        lambda text: f"//<![CDATA[\n{text}\n//]]>",
        lambda text: text[:-1] + ",}",
        lambda text: text + ";",
        lambda text: text.replace("утром.\\n", "утром.\n"),
    ],
)
def test_json_broken_in_a_usual_way_is_mended(mend: Callable[[str], str]) -> None:
    broken = mend(json.dumps(ARTICLE, ensure_ascii=False))
    assert read(f'<script type="application/ld+json">{broken}</script>') == WANTED


@pytest.mark.parametrize(
    "broken", ["{", "null", "[[[", '"x"', "[" * 100_000, '{"@type": 5}', '{"@type":"Article","author":{"name":{}}}']
)
def test_json_broken_beyond_that_tells_nothing(broken: str) -> None:
    assert read(f'<script type="application/ld+json">{broken}</script>').bylines == ()


def test_the_article_with_the_pages_own_address_is_the_one() -> None:
    other = {"@type": "NewsArticle", "headline": "Другое", "url": "https://news.example/ru/drugoe"}
    assert read(ld([other, {**ARTICLE, "url": URL}])).title == ARTICLE["headline"]
    assert jsonld.article_in([json.dumps([other, ARTICLE])], URL)["headline"] == "Другое"


def test_meta_elements_tell_where_json_ld_is_silent() -> None:
    html = """<html lang="uk-UA"><head><title>Міст відкрили | Півострів</title>
    <meta property="og:title" content="Міст відкрили &amp;quot;вчора&amp;quot; — Півострів">
    <meta property="og:site_name" content="Півострів">
    <meta property="og:description" content="Першими пройшли пішоходи.">
    <meta name="author" content="Автор: Олена Хвиля, Іван Берег">
    <meta property="article:published_time" content="2026-11-20 09:30">
    <meta property="article:section" content="Суспільство">
    <meta property="article:tag" content="міст"><meta property="article:tag" content="протока">
    <meta property="og:image" content="/i/logo.png"><meta name="twitter:image" content="/i/most.jpg"></head><body>"""
    assert read(html) == Metadata(
        url=URL,
        title='Міст відкрили "вчора"',
        lead="Першими пройшли пішоходи.",
        bylines=("Олена Хвиля", "Іван Берег"),
        published=datetime(2026, 11, 20, 7, 30, tzinfo=UTC),
        section="Суспільство",
        tags=("міст", "протока"),
        lang="uk",
        hero=Picture(url="https://news.example/i/most.jpg"),
    )


def test_meta_elements_that_slipped_into_the_body_are_found() -> None:
    assert read("<head><div></div><meta property=og:title content='Мост открыли'>").title == "Мост открыли"


@pytest.mark.parametrize(
    "html",
    [
        "<time datetime='2026-11-20T09:30+02:00'>сегодня</time>",
        "<article><time>20 ноября 2026, 09:30</time></article><time datetime='2020-01-01'></time>",
        "<span itemprop=datePublished content='2026-11-20T07:30:00Z'></span>",
        "<meta name=pubdate content='Fri, 20 Nov 2026 07:30:00 GMT'>",
    ],
)
def test_a_date_is_found_wherever_it_is(html: str) -> None:
    assert read(html).published == datetime(2026, 11, 20, 7, 30, tzinfo=UTC)


def test_a_future_date_is_unknown_and_said() -> None:
    found, problems = told(
        ld({**ARTICLE, "datePublished": "2027-01-01T00:00:00Z", "dateModified": "2027-01-02T00:00:00Z"})
    )
    assert found.published is None
    assert [problem.where for problem in problems] == [URL]
    assert "2027-01-01" in problems[0].what


def test_a_few_hours_ahead_is_a_clock_that_goes_wrong() -> None:
    found, problems = told(ld({**ARTICLE, "datePublished": "2026-11-21T02:00:00Z"}))
    assert found.published is not None
    assert problems == ()


def test_the_headline_is_the_one_shown_where_it_agrees() -> None:
    html = "<title>Мост через пролив открыли - Полуостров</title><h1>Мост через пролив открыли!</h1>"
    assert read(html).title == "Мост через пролив открыли!"
    assert read("<meta property=og:title content='Мост открыли'><h1>Новости дня</h1>").title == "Мост открыли"
    assert read("<h1>Только это</h1>").title == "Только это"
    assert read("<p>ничего").title == ""


@pytest.mark.parametrize(
    ("href", "accepted"),
    [
        ("https://www.news.example/ru/2026/11/most-otkryli-100214.html", True),
        ("/ru/2026/11/most-100214", True),
        ("https://news.example/ru/2026/11/most-otkryli-100214.html?utm_source=x", False),
        ("https://evil.example/ru/2026/11/most-otkryli-100214.html", False),
        ("https://example/ru/2026/11/most-otkryli-100214.html", False),
        ("https://news.example/", False),
        ("https://news.example/ru/", False),
        ("/index.php", False),
        ("javascript:alert(1)", False),
        ("https://[", False),
    ],
)
def test_a_canonical_address_is_believed_on_its_own_site_for_its_own_page(href: str, accepted: bool) -> None:
    found = read(f'<link rel="canonical" href="{href}">').url
    assert (found != URL) is accepted


def test_an_amp_page_names_the_page_itself() -> None:
    assert read(f'<link rel="canonical" href="{URL}">', URL + "/amp").url == URL


@pytest.mark.parametrize(
    ("raw", "names"),
    [
        (["Автор: Анна Берег"], ("Анна Берег",)),
        (["By Kate Wave and Tom Shore"], ("Kate Wave", "Tom Shore")),
        (["https://facebook.example/page", "desk@news.example", "  ", "—"], ()),
        (["Анна Берег", "Анна Берег"], ("Анна Берег",)),
        (["Олена Хвиля та Іван Берег; Редакція"], ("Олена Хвиля", "Іван Берег", "Редакція")),
        (["x" * 500], ()),
    ],
)
def test_bylines_are_names(raw: list[str], names: tuple[str, ...]) -> None:
    assert metadata.names(raw) == names


def test_the_base_of_links_may_be_declared() -> None:
    assert metadata.base_of(tree.parse(b"<base href='/other/'>"), URL) == "https://news.example/other/"
    assert metadata.base_of(tree.parse(b"<base href='javascript:x'>"), URL) == URL
    assert metadata.base_of(tree.parse(b""), URL) == URL


def test_fields_are_bounded() -> None:
    many = {"author": [f"Имя {number}" for number in range(99)], "keywords": [str(number) for number in range(99)]}
    odd = {"articleSection": "очень " * 99, "image": {"url": "/a.jpg", "width": "1e9", "height": []}}
    found = read(ld({**ARTICLE, **many, **odd}))
    assert (len(found.bylines), len(found.tags)) == (metadata.MAX_BYLINES, metadata.MAX_TAGS)
    assert len(found.section) <= metadata.MAX_NAME
    assert found.hero == Picture(url="https://news.example/a.jpg")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from([*ARTICLE, "@graph", "@id", "name", "url"]) | st.text(max_size=4), inner, max_size=6
        )
    ),
    max_leaves=20,
)


@given(JSON)
@settings(max_examples=150)
def test_any_json_is_survived(value: object) -> None:
    article = {**value, "@type": "NewsArticle"} if isinstance(value, dict) else value
    found = read(ld(article))
    assert found.url == URL or found.url.startswith("https://news.example/")


@given(
    st.text(max_size=300),
    st.sampled_from(["og:title", "author", "article:published_time", "og:image", "keywords", "og:url"]),
)
@settings(max_examples=150)
def test_any_content_is_survived(content: str, name: str) -> None:
    escaped = content.replace("&", "&amp;").replace('"', "&quot;")
    found = read(f'<meta property="{name}" content="{escaped}">')
    assert "\x00" not in found.title
    assert found.published is None or found.published.tzinfo is not None
