"""Sitemaps in every form the protocol knows, and in some it does not."""

from __future__ import annotations

import gzip
import zlib
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.capture import sitemap
from heliograph.model import Answer, Ask, Found, Source

URL = "https://vesti.example/sitemap.xml"
SOURCE = Source(kind="sitemap", url=URL)
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
NAMESPACES = (
    'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'
    ' xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"'
)


def read(body: str | bytes, *, url: str = URL, depth: int = 0, limit: int = sitemap.LIMIT) -> Found:
    data = body.encode() if isinstance(body, str) else body
    return sitemap.read(SOURCE, Ask(url=url, depth=depth, limit=limit), Answer(url=url, status=200, body=data))


def urlset(inner: str) -> str:
    return f"{HEAD}<urlset {NAMESPACES}>{inner}</urlset>"


def test_addresses_come_with_their_date_of_change_as_stamp() -> None:
    found = read(
        urlset(
            "<url><loc> https://vesti.example/a </loc><lastmod>2026-11-20T10:00:00Z</lastmod></url>"
            "<url><loc>https://vesti.example/b?x=1&amp;y=2</loc></url>"
        )
    )
    assert found.problems == ()
    assert [(tip.url, tip.stamp) for tip in found.tips] == [
        ("https://vesti.example/a", "2026-11-20T10:00:00Z"),
        ("https://vesti.example/b?x=1&y=2", ""),
    ]


def test_a_news_sitemap_gives_title_date_and_language_and_no_pictures() -> None:
    found = read(
        urlset(
            "<url><loc>https://vesti.example/a</loc><image:image><image:loc>https://vesti.example/i.jpg</image:loc>"
            "<image:title>Не заголовок</image:title></image:image><news:news><news:publication><news:name>Вести"
            "</news:name><news:language>ru</news:language></news:publication><news:publication_date>2026-11-20T12:00+02:00"
            "</news:publication_date><news:title>Мост &amp;amp; река</news:title></news:news></url>"
        )
    )
    (tip,) = found.tips
    assert (tip.url, tip.title, tip.lang) == ("https://vesti.example/a", "Мост & река", "ru")
    assert tip.published == datetime(2026, 11, 20, 10, tzinfo=UTC)


def test_other_prefixes_than_usual_are_read() -> None:
    body = (
        '<s:urlset xmlns:s="http://www.sitemaps.org/schemas/sitemap/0.9"><s:url><s:loc>https://a.example/1</s:loc>'
        '<n:news xmlns:n="x"><n:title>T</n:title></n:news></s:url></s:urlset>'
    )
    (tip,) = read(body).tips
    assert (tip.url, tip.title) == ("https://a.example/1", "T")


def test_an_index_leads_to_its_sitemaps_but_not_endlessly() -> None:
    index = (
        f"{HEAD}<sitemapindex {NAMESPACES}><sitemap><loc>https://vesti.example/s1.xml.gz</loc></sitemap>"
        f"<sitemap><loc>/s2.xml</loc></sitemap><sitemap><loc>file:///etc/passwd</loc></sitemap>"
        f"<sitemap><loc>{URL}</loc></sitemap></sitemapindex>"
    )
    found = read(index)
    assert [(ask.url, ask.depth, ask.limit) for ask in found.asks] == [
        ("https://vesti.example/s1.xml.gz", 1, sitemap.LIMIT),
        ("https://vesti.example/s2.xml", 1, sitemap.LIMIT),
    ]
    deep = read(index, depth=sitemap.MAX_DEPTH)
    assert deep.asks == ()
    assert "deep" in deep.problems[0].what


def test_a_gzipped_sitemap_is_unpacked_also_in_several_members() -> None:
    whole = urlset("<url><loc>https://vesti.example/a</loc></url>").encode()
    two = gzip.compress(whole[:70]) + gzip.compress(whole[70:])
    for packed in (gzip.compress(whole), two):
        found = read(packed)
        assert [tip.url for tip in found.tips] == ["https://vesti.example/a"]
        assert found.problems == ()


def test_a_gzip_bomb_is_unpacked_up_to_the_limit_and_told() -> None:
    start = urlset("<url><loc>https://vesti.example/a</loc></url>" + " " * 3_000_000).encode()
    found = read(gzip.compress(start), limit=100_000)
    assert [tip.url for tip in found.tips] == ["https://vesti.example/a"]
    assert "more than 100,000 bytes" in found.problems[0].what
    empty = read(gzip.compress(b"\0" * 50_000_000), limit=1_000_000)
    assert empty.tips == ()
    assert any(problem.fatal for problem in empty.problems)


def test_gzip_that_breaks_off_gives_what_it_holds() -> None:
    inner = "".join(f"<url><loc>https://vesti.example/{zlib.crc32(b'%d' % n)}</loc></url>" for n in range(2_000))
    packed = gzip.compress(urlset(inner).encode())
    found = read(packed[: len(packed) // 2])
    assert 200 < len(found.tips) < 2_000
    assert "breaks off" in found.problems[0].what
    assert not found.problems[0].fatal
    damaged = read(packed[:500] + b"\xff" * 500)
    assert "gzip" in damaged.problems[0].what


def test_ten_thousand_empty_gzip_members_take_no_quadratic_time() -> None:
    found = read(gzip.compress(b"") * 100_000)
    assert found.tips == ()


def test_robots_txt_names_the_sitemaps() -> None:
    robots = (
        "User-agent: *\nDisallow: /x\nSitemap: https://vesti.example/s.xml\r\n sitemap : /news.xml # new\nSitemap:\n"
    )
    found = read(robots, url="https://vesti.example/robots.txt")
    assert [ask.url for ask in found.asks] == ["https://vesti.example/s.xml", "https://vesti.example/news.xml"]
    none = read("User-agent: *\n", url="https://vesti.example/robots.txt")
    assert none.problems[0].fatal


def test_a_plain_list_of_addresses_is_a_sitemap() -> None:
    found = read("\ufeffhttps://vesti.example/a\r\n\r\n  https://vesti.example/b  \nnot an address\n")
    assert [tip.url for tip in found.tips if tip.url] == ["https://vesti.example/a", "https://vesti.example/b"]


def test_a_truncated_sitemap_gives_what_stands_before_the_break() -> None:
    body = urlset("<url><loc>https://vesti.example/a</loc></url><url><loc>https://vesti.exam")
    found = read(body.removesuffix("</urlset>"))
    assert [tip.url for tip in found.tips] == ["https://vesti.example/a"]
    assert not found.problems[0].fatal


def test_bare_ampersands_and_control_characters_are_mended() -> None:
    found = read(
        urlset("<url><loc>https://vesti.example/a?x=1&y=2</loc></url>\x01<url><loc>https://vesti.example/b</loc></url>")
    )
    assert [tip.url for tip in found.tips] == ["https://vesti.example/a?x=1&y=2", "https://vesti.example/b"]
    assert len(found.problems) == 1


def test_a_sitemap_in_windows_1251_and_in_utf_16_is_read() -> None:
    body = urlset(
        "<url><loc>https://vesti.example/a</loc>"
        "<news:news><news:title>Новости дня и ночи</news:title></news:news></url>"
    )
    for data in (body.replace("UTF-8", "windows-1251").encode("cp1251"), body.encode("utf-16")):
        assert read(data).tips[0].title == "Новости дня и ночи"


def test_fifty_thousand_addresses_are_read() -> None:
    inner = "".join(
        f"<url><loc>https://vesti.example/ru/2026/11/{n}.html</loc><lastmod>2026-11-20</lastmod></url>"
        for n in range(50_000)
    )
    assert len(read(urlset(inner)).tips) == 50_000


def test_more_addresses_than_allowed_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitemap, "MAX_TIPS", 3)
    found = read(urlset("".join(f"<url><loc>https://vesti.example/{n}</loc></url>" for n in range(9))))
    assert len(found.tips) == 3
    assert "more than 3" in found.problems[0].what


BOMB = '<!DOCTYPE u [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    "body",
    [
        b"", b"\0" * 1_000_000, b"<" * 8_000_000, b"<url>" * 100_000, b"<urlset>" + b"<a/>" * 200_000, b"nonsense",
        b"<html><body><a href=/a>A</a></body></html>", b"<!DOCTYPE html><title>404</title>",
        b"<rss></rss>", b"\x1f\x8b",
        f"{HEAD}{BOMB}<urlset><url><loc>&b;</loc></url></urlset>".encode(),
        f"{HEAD}{BOMB}<urlset><url><loc>&b;</loc></url></urlset>".encode("utf-16"),
        b'<!DOCTYPE u [<!ENTITY % x SYSTEM "http://a.example/x.dtd"> %x;]><urlset/>',
        b'<!DOCTYPE u [<!ATTLIST url a CDATA "x">]><urlset/>', b"<!--" * 100_000, b"&" * 1_000_000,
        b"<u " + b"a='1' " * 90_000,
    ],
)  # fmt: skip
def test_what_is_no_sitemap_is_told_as_the_sources_own_fault(body: bytes) -> None:
    found = read(body)
    assert [tip for tip in found.tips if tip.url] == []
    assert found.asks == ()
    assert found.problems[0].fatal
    assert found.problems[0].remedy


@settings(max_examples=100)
@given(st.binary(max_size=400) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_safe(data: bytes) -> None:
    for body in (data, gzip.compress(data), b"\x1f\x8b\x08\0" + data, urlset("").encode().replace(b"</urlset>", data)):
        assert isinstance(read(body), Found)
    assert isinstance(read(data, url="https://vesti.example/robots.txt"), Found)
