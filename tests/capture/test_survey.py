"""What a site offers is found out without asking its operator."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.capture.survey import asks, judge
from heliograph.model import Answer

SITE = "https://peninsula.example/"
HOME = """<!DOCTYPE html><html lang="ru-RU"><head><title>Главное | Peninsula</title>
<link rel="alternate" type="application/rss+xml" href="/rss.xml"></head><body></body></html>""".encode()


def answers(**bodies: bytes) -> dict[str, Answer]:
    places = dict(zip(("home", "wp", "robots", "sitemap"), asks(SITE), strict=True))
    return {
        url: Answer(url=url, status=200 if name in bodies else 404, body=bodies.get(name, b""))
        for name, url in places.items()
    }


def found(**bodies: bytes) -> tuple[str, str]:
    source = judge(SITE, answers(**bodies)).sources[0]
    return source.kind, source.url


def test_name_and_language_come_from_the_front_page() -> None:
    surveyed = judge(SITE, answers(home=HOME))
    assert (surveyed.title, surveyed.lang) == ("Peninsula", "ru")


def test_wordpress_beats_a_sitemap_beats_a_feed_beats_a_crawl() -> None:
    wp = json.dumps({"namespaces": ["oembed/1.0", "wp/v2"]}).encode()
    robots = (
        b"User-agent: *\nSitemap: https://peninsula.example/news-map.xml\nsitemap: https://peninsula.example/map.xml"
    )
    urlset = b'<?xml version="1.0"?><urlset></urlset>'
    assert found(home=HOME, wp=wp, robots=robots, sitemap=urlset) == ("wordpress", SITE + "wp-json/wp/v2/posts")
    assert found(home=HOME, robots=robots, sitemap=urlset) == ("sitemap", SITE + "map.xml")
    assert found(home=HOME, sitemap=urlset) == ("sitemap", SITE + "sitemap.xml")
    assert found(home=HOME) == ("feed", SITE + "rss.xml")
    assert found(home=b"<html><body>no feed</body></html>") == ("pages", SITE)


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'<?xml version="1.0"?><rss version="2.0"/>', "feed"),
        (b'\xef\xbb\xbf<feed xmlns="http://www.w3.org/2005/Atom"/>', "feed"),
        (b'{"version": "https://jsonfeed.org/version/1.1"}', "feed"),
        (b"<sitemapindex/>", "sitemap"),
        (b"\x1f\x8b\x08\x00", "sitemap"),
    ],
)
def test_an_address_of_a_feed_or_sitemap_is_taken_as_it_is(body: bytes, kind: str) -> None:
    assert found(home=body) == (kind, SITE)


def test_a_sitemap_on_another_host_is_not_followed() -> None:
    assert found(home=HOME, robots=b"Sitemap: https://elsewhere.example/map.xml")[0] == "feed"


def test_a_site_that_does_not_answer_has_no_source() -> None:
    assert judge(SITE, answers()).sources == ()


@given(st.binary(max_size=200), st.binary(max_size=200), st.binary(max_size=200))
def test_any_bytes_are_judged(home: bytes, wp: bytes, robots: bytes) -> None:
    judge(SITE, answers(home=home, wp=wp, robots=robots))
    judge(SITE, answers(home=b"<html>" + home, wp=b"[" * 50_000, robots=robots))
