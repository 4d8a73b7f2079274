"""Addresses in a stranger's markup."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.capture import links

BASE = "https://news.example/ru/story.html?x=1"


@pytest.mark.parametrize(
    ("href", "result"),
    [
        ("https://other.example/a?b=c#d", "https://other.example/a?b=c#d"),
        ("/ru/b.html", "https://news.example/ru/b.html"),
        ("c.html", "https://news.example/ru/c.html"),
        ("../d", "https://news.example/d"),
        ("//cdn.example/e", "https://cdn.example/e"),
        ("/a/../b", "https://news.example/b"),
        ("?y=2", "https://news.example/ru/story.html?y=2"),
        ("mailto:desk@news.example", "mailto:desk@news.example"),
        ("TEL:+10 000", "tel:+10%20000"),
        ("tg://resolve?domain=news", "tg://resolve?domain=news"),
        ("/а б", "https://news.example/а%20б"),
        ('/"><script>', "https://news.example/%22%3E%3Cscript%3E"),
    ],
)
def test_links_a_reader_may_follow_become_absolute(href: str, result: str) -> None:
    assert links.link(BASE, href) == result


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)", " java\nscript:alert(1)", "\x01javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x",
        "vbscript:x", "file:///etc/passwd", "blob:x", "", "#note", "https://user:secret@news.example/", "http://[",
        "/" + "a" * 3_000, "intent://x", "about:blank",
    ],
)  # fmt: skip
def test_other_links_are_none(href: str) -> None:
    assert links.link(BASE, href) == ""


def test_a_base_without_a_path_has_a_host_all_the_same() -> None:
    assert links.link("https://news.example?x=/", "/a") == "https://news.example/a"
    assert links.link("", "/a") == ""


def test_pictures_are_fetched_from_the_web_only_unless_they_are_the_operators_own() -> None:
    assert links.picture(BASE, "/p.jpg") == "https://news.example/p.jpg"
    assert links.picture(BASE, "data:image/gif;base64,R0") == ""
    assert links.picture(BASE, "file:///etc/passwd") == ""
    assert links.picture(BASE, "file:///news/p.jpg", files=True) == "file:///news/p.jpg"
    assert links.picture(BASE, "file:///news/../../etc/passwd", files=True) == ""
    assert links.picture(BASE, "file:///news/%2e%2e/x", files=True) == ""


def test_one_site_is_a_host_and_its_sub_domains() -> None:
    assert links.same_site("https://www.news.example/a", "https://news.example/b")
    assert links.same_site("https://m.news.example/a", "https://news.example/b")
    assert not links.same_site("https://fakenews.example/", "https://news.example/")
    assert not links.same_site("https://example/", "https://news.example/")
    assert not links.same_site("", "")


def test_sizes_in_a_file_name_do_not_make_another_picture() -> None:
    assert links.file_name("https://a.example/x/Photo-1200x800.jpg?w=3") == "photo.jpg"
    assert links.file_name("https://b.example/photo.jpg#x") == "photo.jpg"
    assert links.file_name("https://b.example/photo@2x.png") == "photo.png"


@given(st.text(max_size=200))
def test_any_text_gives_a_harmless_link(href: str) -> None:
    found = links.link(BASE, href)
    assert found == "" or found.split(":")[0] in ("http", "https", "mailto", "tel", "tg")
    assert not set(found) & set('\x00\n\r\t "<>\u202e\u200b')
    assert links.link(BASE, found) == found
