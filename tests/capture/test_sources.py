"""What holds for every source: what is refused, what is admitted, and where it ends."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.capture import sources
from heliograph.model import Answer, Ask, Found, Problem, Source, Tip
from heliograph.model.names import canonical_url
from heliograph.model.source import SourceKind

LIST = "https://vesti.example/list.txt"
SITEMAP = Source(kind="sitemap", url=LIST)
KINDS = get_args(SourceKind)


def source(kind: SourceKind) -> Source:
    return Source(kind=kind, url="file:///home/nobody/news" if kind == "folder" else "https://vesti.example/x")


def listed(*urls: str, given: Source = SITEMAP) -> Found:
    """What a source tells that lists just these addresses."""
    return sources.read(given, Ask(url=LIST), Answer(url=LIST, status=200, body="\n".join(urls).encode()))


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_begins_with_one_ask(kind: SourceKind) -> None:
    found = sources.start(source(kind))
    assert len(found.asks) == 1
    assert (found.tips, found.problems) == ((), ())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [0, 301, 400, 401, 403, 404, 410, 429, 500, 503])
def test_an_answer_that_is_no_success_is_a_problem_of_the_source(kind: SourceKind, status: int) -> None:
    (ask,) = sources.start(source(kind)).asks
    found = sources.read(source(kind), ask, Answer(url=ask.url, status=status, body=b"<rss/>", failure="reset by peer"))
    (problem,) = found.problems
    assert (found.tips, found.asks) == ((), ())
    assert problem.fatal
    assert problem.where == ask.url
    assert ("reset by peer" if status == 0 else str(status)) in problem.what
    assert problem.remedy


@pytest.mark.parametrize("kind", ["sitemap", "pages", "folder"])
def test_trouble_deeper_in_is_not_fatal(kind: SourceKind) -> None:
    ask = Ask(url=source(kind).url + "/deeper", depth=2)
    for answer in (Answer(url=ask.url, status=500), Answer(url=ask.url, status=200, body=b"\0")):
        found = sources.read(source(kind), ask, answer)
        assert not any(problem.fatal for problem in found.problems)


def test_the_feed_that_a_page_names_is_the_sources_own() -> None:
    feed = source("feed")
    gone = Answer(url="https://vesti.example/rss", status=404)
    assert sources.read(feed, Ask(url=gone.url, depth=1), gone).problems[0].fatal
    assert not sources.read(feed, Ask(url=gone.url, depth=2), gone).problems[0].fatal


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_changed_is_no_problem(kind: SourceKind) -> None:
    (ask,) = sources.start(source(kind)).asks
    assert sources.read(source(kind), ask, Answer(url=ask.url, status=304)) == Found()


def test_wordpress_past_its_last_page_is_no_problem() -> None:
    ask = Ask(url="https://vesti.example/wp-json/wp/v2/posts?page=3", depth=2)
    assert sources.read(source("wordpress"), ask, Answer(url=ask.url, status=400)) == Found()
    assert sources.read(source("wordpress"), replace(ask, depth=0), Answer(url=ask.url, status=400)).problems


def test_tips_have_canonical_addresses_each_once() -> None:
    found = listed("https://VESTI.example:443/a?utm_source=x#top", "https://vesti.example/a", "https://vesti.example/b")
    assert [tip.url for tip in found.tips] == ["https://vesti.example/a", "https://vesti.example/b"]
    assert found.problems == ()


def test_addresses_that_are_none_are_counted_and_told_once() -> None:
    found = listed("https://vesti.example/a", "javascript:alert(1)", "file:///etc/passwd", "https://", "https://[/x")
    assert [tip.url for tip in found.tips] == ["https://vesti.example/a"]
    (problem,) = found.problems
    assert "4 of its stories" in problem.what


def test_include_and_exclude_are_prefixes_in_full_or_from_the_source_on() -> None:
    urls = [f"https://vesti.example/{path}" for path in ("ru/a", "ru/ads/b", "uk/c", "rustic")]

    def kept(**fields: tuple[str, ...]) -> list[str]:
        found = listed(*urls, given=replace(SITEMAP, **fields))
        return [tip.url.removeprefix("https://vesti.example/") for tip in found.tips]

    assert kept(include=("https://vesti.example/ru/",)) == ["ru/a", "ru/ads/b"]
    assert kept(include=("https://www.vesti.example/ru/", "http://vesti.example/uk/")) == ["ru/a", "ru/ads/b", "uk/c"]
    assert kept(exclude=("https://vesti.example/ru/ads/",)) == ["ru/a", "uk/c", "rustic"]
    assert kept(include=("/ru/",), exclude=("/ru/ads/",)) == ["ru/a"]
    assert kept(include=("https://vesti.example",)) == ["ru/a", "ru/ads/b", "uk/c", "rustic"]
    assert kept(include=("https://other.example/",)) == []


def news(*items: tuple[str, str, str]) -> str:
    urls = "".join(
        f"<url><loc>https://vesti.example/{path}</loc><n:news><n:title>{title}</n:title>"
        f"<n:publication_date>{date}</n:publication_date></n:news></url>"
        for path, title, date in items
    )
    return f'<urlset xmlns:n="x">{urls}</urlset>'


def read_news(body: str, given: Source = SITEMAP) -> Found:
    return sources.read(given, Ask(url=LIST), Answer(url=LIST, status=200, body=body.encode()))


def test_two_stories_with_one_address_leave_the_newer_and_a_problem() -> None:
    old, new = ("a", "Старый мост", "2026-11-19"), ("a", "Новый мост", "2026-11-20")
    for order in ((old, new), (new, old)):
        found = read_news(news(*order))
        assert [tip.title for tip in found.tips] == ["Новый мост"]
        assert "Старый мост" in found.problems[0].what
        assert found.problems[0].where == "https://vesti.example/a"


def test_the_newest_are_taken_where_only_some_are_wanted() -> None:
    body = news(("a", "А", "2026-11-18"), ("b", "Б", "2026-11-20"), ("c", "В", "2026-11-19"), ("d", "Г", "no date"))
    found = read_news(body, replace(SITEMAP, newest=2))
    assert [tip.title for tip in found.tips] == ["Б", "В"]


def test_there_is_an_end_to_stories_asks_and_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "MAX_TIPS", 3)
    found = listed(*(f"https://vesti.example/{n}" for n in range(9)))
    assert len(found.tips) == 3
    assert "more than 3 stories" in found.problems[-1].what
    monkeypatch.setattr(sources, "MAX_ASKS", 2)
    index = "".join(f"<sitemap><loc>https://vesti.example/s{n}.xml</loc></sitemap>" for n in range(9))
    assert len(read_news(f"<sitemapindex>{index}</sitemapindex>").asks) == 2
    monkeypatch.setattr(sources, "MAX_PROBLEMS", 4)
    twice = [(f"{n % 50}", f"Заголовок {n}", "2026-11-20") for n in range(100)]
    monkeypatch.setattr(sources, "MAX_TIPS", 1_000)
    problems = read_news(news(*twice)).problems
    assert len(problems) == 5
    assert "46 problems more" in problems[-1].what


def test_a_source_on_the_web_never_leads_to_files() -> None:
    index = "<sitemapindex><sitemap><loc>file:///etc/passwd</loc></sitemap></sitemapindex>"
    assert read_news(index).asks == ()
    feed = '<rss version="2.0"><channel><item><title>A</title><link>file:///etc/passwd</link></item></channel></rss>'
    found = sources.read(source("feed"), Ask(url=LIST), Answer(url=LIST, status=200, body=feed.encode()))
    assert found.tips == ()


def test_asks_made_before_and_beyond_the_total_are_not_made() -> None:
    crawl = Source(kind="feed", url=LIST)
    found = Found(
        asks=tuple(Ask(url=f"https://vesti.example/{n}") for n in range(5)), problems=(Problem(where="x", what="y"),)
    )
    asked = {"https://vesti.example/1"}
    assert [ask.url[-1] for ask in sources.further(crawl, asked, found).asks] == ["0", "2", "3", "4"]
    asked |= {f"https://other.example/{n}" for n in range(sources.MAX_TOTAL["feed"] - 3)}
    ended = sources.further(crawl, asked, found)
    assert [ask.url[-1] for ask in ended.asks] == ["0", "2"]
    assert len(ended.problems) == 2
    assert sources.further(crawl, asked, ended) == ended


def test_all_kinds_have_a_total() -> None:
    assert set(sources.MAX_TOTAL) == set(KINDS)


@settings(max_examples=60)
@given(
    kind=st.sampled_from(KINDS),
    status=st.sampled_from([0, 200, 206, 304, 404, 999, -1]),
    body=st.binary(max_size=200),
    url=st.text(max_size=40) | st.just("https://vesti.example/x"),
    media=st.text(max_size=10) | st.sampled_from(["text/html", "inode/directory", ""]),
    charset=st.text(max_size=10) | st.sampled_from(["utf-8", "punycode", "cp1251"]),
    depth=st.integers(0, 60),
)
def test_any_answer_is_safe(
    kind: SourceKind, status: int, body: bytes, url: str, media: str, charset: str, depth: int
) -> None:
    answer = Answer(url=url, status=status, body=body, media_type=media, charset=charset, failure=url)
    found = sources.read(source(kind), Ask(url=url, depth=depth), answer)
    assert all(tip.url == canonical_url(tip.url) for tip in found.tips)
    assert all(isinstance(problem, Problem) and problem.what for problem in found.problems)


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from("abc"), st.text(max_size=3), st.sampled_from(["", "2026-11-20", "2026-11-21"])),
        max_size=8,
    )
)
def test_admitted_tips_are_unique(rows: list[tuple[str, str, str]]) -> None:
    tips = tuple(Tip(url=f"https://vesti.example/{path}", title=title, stamp=stamp) for path, title, stamp in rows)
    merged, _ = sources.merged(tips)
    urls = [tip.url for tip in merged]
    assert len(urls) == len(set(urls))
    assert set(urls) == {tip.url for tip in tips}
    assert sources.merged(merged) == (merged, ())


def test_heavy_libraries_are_not_imported_before_they_are_needed() -> None:
    heavy = ("feedparser", "trafilatura", "yaml", "lxml", "selectolax", "PIL", "requests", "markdown_it")
    code = (
        "import sys; import heliograph.capture.sources, heliograph.capture.folder, heliograph.capture.cut;"
        f"print(sorted(set(sys.modules) & set({heavy!r})))"
    )
    path = {"PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=path)
    assert done.stdout.strip() == "[]"
