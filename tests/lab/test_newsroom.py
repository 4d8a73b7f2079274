"""The simulated newsroom: what it serves, how it changes, what it counts and how it fails."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import re
from calendar import timegm
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from html import unescape

import aiohttp
import feedparser
import pytest
from lxml import etree
from PIL import Image
from selectolax.lexbor import LexborHTMLParser, LexborNode

from heliograph.lab import faults
from heliograph.lab.landscapes import landscape
from heliograph.lab.newsroom import Newsroom
from heliograph.lab.pages import PER_LIST
from heliograph.lab.phrases import PHRASES
from heliograph.lab.piece import Piece, pieces
from heliograph.model import Ask

BODY = """<p>Первый абзац.</p>
<p>Второй с <a href="/ru/">ссылкой</a>.</p>
<img src="/media/lens.jpg" alt="">
"""
NOW = datetime(2026, 11, 22, 9, 0, 30, 500, tzinfo=UTC)


def piece(number: int, lang: str = "ru", **fields: object) -> Piece:
    made = {
        "path": f"/{lang}/gorod/2026/11/most-{number}.html",
        "lang": lang,
        "title": f"Мост & «{number}»",
        "lead": "Коротко <о мосте>.",
        "html": BODY,
        "published": NOW - timedelta(hours=number),
        "updated": NOW - timedelta(hours=number),
        "section": "Город",
        "author": "Редакция",
        "tags": ("мост", "река"),
        "picture": "bridge",
        "caption": 'Мост "Якорный"',
    }
    return Piece(**{**made, **fields})  # type: ignore[arg-type]


def text_at(room: Newsroom, path: str) -> str:
    answer = asyncio.run(room.fetch(Ask(url=room.base + path)))
    assert answer.status == 200
    return answer.body.decode()


def first(page: LexborHTMLParser, selector: str) -> LexborNode:
    node = page.css_first(selector)
    assert node is not None
    return node


def all_of(name: str, xml: bytes) -> list[str]:
    """The texts of all elements of that local name."""
    return [str(node.text) for node in etree.fromstring(xml).iter("{*}" + name)]


def over_http(room: Newsroom, ask: Callable[[aiohttp.ClientSession, str], Awaitable[None]]) -> None:
    async def main() -> None:
        async with room.running() as base, aiohttp.ClientSession(auto_decompress=False) as session:
            await ask(session, base)

    asyncio.run(main())


@pytest.mark.parametrize("lang", PHRASES)
def test_a_story_page_holds_the_story_and_what_stands_around_it(lang: str) -> None:
    room = Newsroom([piece(1, lang), piece(2, lang), piece(3, lang)])
    page = LexborHTMLParser(text_at(room, piece(1, lang).path))
    assert first(page, "h1").text() == "Мост & «1»"
    assert [node.text() for node in page.css("p") if "абзац" in node.text()] == ["Первый абзац."]
    words = page.body.text() if page.body else ""
    for around in (PHRASES[lang].notice.format(mirror=room.mirror), PHRASES[lang].comments, PHRASES[lang].cookie):
        assert around in words
    assert first(page, "html").attributes["lang"] == lang
    assert len(page.css(".share a")) == 5
    assert first(page, ".inset a, .also a").attributes["href"] == piece(2, lang).path


def test_the_two_templates_differ_in_what_they_give_a_reader_of_markup() -> None:
    room = Newsroom([piece(1, "ru"), piece(2, "uk")])
    classic, blog = (LexborHTMLParser(text_at(room, one.path)) for one in room.pieces)
    linked = json.loads(first(classic, 'script[type="application/ld+json"]').text())
    assert (linked["@type"], linked["headline"]) == ("NewsArticle", "Мост & «1»")
    assert linked["datePublished"] == "2026-11-22T08:00:30+00:00"
    assert not blog.css('script[type="application/ld+json"]')
    assert str(first(blog, ".entry-content img").attributes["data-src"]).endswith("/media/bridge.jpg")
    assert len(blog.css("noscript img")) == 2


def test_the_sample_stories_are_all_served_whole() -> None:
    room = Newsroom(pieces(NOW))
    for one in room.pieces:
        page = LexborHTMLParser(text_at(room, one.path))
        assert first(page, "h1").text() == one.title
    assert len({one.lang for one in room.pieces}) == 5


def test_lists_are_paged_and_link_every_story() -> None:
    room = Newsroom([piece(number) for number in range(PER_LIST + 5)])
    for start in ("/", "/ru/", "/ru/gorod/"):
        first, second = text_at(room, start), text_at(room, f"{start}?page=2")
        assert f'href="{start}?page=2"' in first
        found = re.findall(r'<div class="card"[^>]*><a href="([^"]+)"', first + second)
        assert found == [one.path for one in room.pieces]
    assert asyncio.run(room.fetch(Ask(url=room.base + "/?page=3"))).status == 404


@pytest.mark.parametrize(("path", "full"), [("/rss.xml", False), ("/atom.xml", True), ("/uk/atom.xml", True)])
def test_feeds_are_read_by_an_independent_reader(path: str, full: bool) -> None:
    room = Newsroom([piece(1), piece(2, "uk")])
    feed = feedparser.parse(text_at(room, path).encode())
    assert not feed.bozo
    expected = [one for one in room.pieces if not path.startswith("/uk") or one.lang == "uk"]
    assert [entry.link for entry in feed.entries] == [room.base + one.path for one in expected]
    entry = feed.entries[0]
    assert unescape(entry.title) == expected[0].title  # the reader escapes titles for HTML
    assert timegm(entry.published_parsed) == int(expected[0].published.timestamp())
    assert ("Второй с" in str(entry.get("content"))) is full


def test_the_atom_feed_goes_on_for_the_whole_archive() -> None:
    room = Newsroom([piece(number) for number in range(45)])
    path, seen = "/atom.xml", []
    while path:
        feed = feedparser.parse(text_at(room, path).encode())
        seen += [entry.link for entry in feed.entries]
        path = next((link.href for link in feed.feed.links if link.rel == "next"), "").removeprefix(room.base)
    assert seen == [room.base + one.path for one in room.pieces]


def test_the_json_feed_carries_full_text() -> None:
    room = Newsroom([piece(1)])
    feed = json.loads(text_at(room, "/feed.json"))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert f'href="{room.base}/ru/"' in feed["items"][0]["content_html"]


def test_the_sitemap_index_leads_to_every_story() -> None:
    room = Newsroom([piece(number) for number in range(1005)])
    parts = all_of("loc", text_at(room, "/sitemap.xml").encode())
    assert parts[-1] == room.base + "/news-sitemap.xml"
    found: list[str] = []
    for part in parts[:-1]:
        answer = asyncio.run(room.fetch(Ask(url=part)))
        assert answer.media_type == "application/gzip"
        found += all_of("loc", gzip.decompress(answer.body))
    assert found == [room.base + one.path for one in room.pieces]
    assert all_of("title", text_at(room, "/news-sitemap.xml").encode())[0] == "Мост & «0»"


def test_wordpress_pages_end_as_wordpress_ends_them() -> None:
    room = Newsroom([piece(number) for number in range(5)])
    path = "/wp-json/wp/v2/posts?per_page=2&_embed=author,wp:term&page="
    posts = [post for page in (1, 2, 3) for post in json.loads(text_at(room, f"{path}{page}"))]
    assert [post["link"] for post in posts] == [room.base + one.path for one in room.pieces]
    assert posts[0]["_embedded"]["wp:term"][0][0]["name"] == "Город"
    assert posts[0]["modified_gmt"] == "2026-11-22T09:00:30"
    assert asyncio.run(room.fetch(Ask(url=f"{room.base}{path}4"))).status == 400


def test_robots_names_the_sitemap() -> None:
    room = Newsroom()
    assert f"Sitemap: {room.base}/sitemap.xml" in text_at(room, "/robots.txt")


def test_pictures_are_the_same_each_time_and_real() -> None:
    room = Newsroom()
    answer = asyncio.run(room.fetch(Ask(url=room.base + "/media/bridge-evening.jpg")))
    assert answer.body == landscape("bridge-evening")
    with Image.open(io.BytesIO(answer.body)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (1200, 800))
    assert landscape("plain", 300, 200) != landscape("other", 300, 200)


@pytest.mark.parametrize("name", ["bridge", "ferry", "windfarm", "lighthouse", "harvest", "school", "storm"])
def test_every_motif_can_be_drawn(name: str) -> None:
    assert landscape(name, 240, 160).startswith(b"\xff\xd8")


def test_an_unchanged_newsroom_answers_304_to_whoever_was_there() -> None:
    room = Newsroom([piece(1), piece(2, "en")])

    async def twice(session: aiohttp.ClientSession, base: str) -> None:
        held = {}
        for path in ("/", "/atom.xml", "/sitemap.xml", "/sitemap-1.xml.gz", "/media/bridge.jpg", piece(1).path):
            async with session.get(base + path) as response:
                assert response.status == 200
                held[path] = response.headers["ETag"]
        room.reset_counts()
        for path, etag in held.items():
            async with session.get(base + path, headers={"If-None-Match": etag}) as response:
                assert (response.status, await response.read()) == (304, b"")
        assert room.statuses() == {304: len(held)}

    over_http(room, twice)


def test_a_client_may_hold_a_date_only() -> None:
    room = Newsroom([piece(1)])

    async def main(session: aiohttp.ClientSession, base: str) -> None:
        async with session.get(base + piece(1).path) as response:
            modified = response.headers["Last-Modified"]
        assert modified == "Sun, 22 Nov 2026 08:00:30 GMT"
        for date, status in ((modified, 304), ("Sun, 22 Nov 2026 07:00:00 GMT", 200), ("nonsense", 200)):
            async with session.get(base + piece(1).path, headers={"If-Modified-Since": date}) as response:
                assert response.status == status

    over_http(room, main)


def test_news_leaves_older_pages_as_they_were() -> None:
    room = Newsroom([piece(number) for number in (3, 4, 5)])
    before = text_at(room, piece(3).path)
    front = text_at(room, "/")
    room.publish(piece(1))
    assert text_at(room, piece(3).path) == before
    assert text_at(room, "/") != front


def test_editing_withdrawing_and_losing_show() -> None:
    room = Newsroom([piece(1), piece(2), piece(3)])
    room.edit(piece(1).path, NOW, title="Исправлено")
    assert "Исправлено" in text_at(room, piece(1).path)
    assert "2026-11-22T09:00:30" in text_at(room, "/news-sitemap.xml")
    room.withdraw(piece(2).path)
    room.lose(piece(3).path)
    statuses = [asyncio.run(room.fetch(Ask(url=room.base + piece(n).path))).status for n in (1, 2, 3)]
    assert statuses == [200, 410, 404]
    assert piece(2).path not in text_at(room, "/atom.xml")
    room.publish(piece(2))
    assert asyncio.run(room.fetch(Ask(url=room.base + piece(2).path))).status == 200


def test_a_story_may_have_a_second_address() -> None:
    room = Newsroom([piece(1)])
    room.also_at("/amp/most", piece(1).path)
    assert text_at(room, "/amp/most") == text_at(room, piece(1).path)
    assert f'rel="canonical" href="{room.base}{piece(1).path}"' in text_at(room, "/amp/most")


def test_pages_go_compressed_to_who_can_read_it() -> None:
    room = Newsroom([piece(1)])

    async def main(session: aiohttp.ClientSession, base: str) -> None:
        async with session.get(base + "/", headers={"Accept-Encoding": "gzip"}) as response:
            assert response.headers["Content-Encoding"] == "gzip"
            packed = await response.read()
        async with session.get(base + "/", headers={"Accept-Encoding": "identity"}) as response:
            assert "Content-Encoding" not in response.headers
            assert gzip.decompress(packed) == await response.read()

    over_http(room, main)


def test_a_fault_stands_before_its_paths_as_often_as_wanted() -> None:
    room = Newsroom([piece(1)])
    room.fail("/ru/", faults.status(500), times=2)
    room.fail("/ru/gorod/2026/", faults.status(418))

    async def main(session: aiohttp.ClientSession, base: str) -> None:
        async def status(path: str) -> int:
            async with session.get(base + path) as response:
                return response.status

        assert [await status(path) for path in ("/", "/ru/", "/ru/", "/ru/")] == [200, 500, 500, 200]
        assert [await status(piece(1).path) for _ in range(3)] == [418, 418, 418]
        room.mend("/ru/gorod")
        assert await status(piece(1).path) == 200
        assert room.counts["/ru/", 500] == 2

    over_http(room, main)


def test_a_response_nobody_waited_for_is_counted_as_never_finished() -> None:
    room = Newsroom([piece(1)])
    room.fail("/", faults.stall())

    async def main(session: aiohttp.ClientSession, base: str) -> None:
        async with session.get(base + "/") as response:
            assert response.status == 200
            await response.content.readany()

    over_http(room, main)
    assert room.counts == {("/", 0): 1}


def test_asked_without_a_socket_it_keeps_the_limit_and_knows_its_host() -> None:
    room = Newsroom([piece(1)])
    small = asyncio.run(room.fetch(Ask(url=room.base + "/", limit=100)))
    assert (small.status, small.failure) == (0, "larger than the limit of 100 bytes")
    other = asyncio.run(room.fetch(Ask(url="https://other.example/")))
    assert (other.status, other.failure) == (0, "the host name does not resolve: other.example")
    first = asyncio.run(room.fetch(Ask(url=room.base + "/")))
    assert asyncio.run(room.fetch(Ask(url=room.base + "/", etag=first.etag))).status == 304
    assert room.counts["/", 304] == 1
