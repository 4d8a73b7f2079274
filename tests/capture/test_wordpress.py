"""WordPress: its list of posts, page by page, and its export."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.capture import wordpress
from heliograph.model import Answer, Ask, Found, Source

SITE = Source(kind="wordpress", url="https://vesti.example/wp-json/wp/v2/posts")
EXPORT = Source(kind="wordpress", url="file:///home/nobody/export.xml")


def posts(body: object, *, page: int = 1, source: Source = SITE) -> Found:
    (first,) = wordpress.start(source).asks
    ask = Ask(url=first.url.replace("page=1&", f"page={page}&"), depth=page - 1)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return wordpress.read(source, ask, Answer(url=ask.url, status=200, body=data, media_type="application/json"))


def post(number: int = 1, **fields: Any) -> dict[str, Any]:
    return {
        "id": number,
        "link": f"https://vesti.example/{number}/",
        "status": "publish",
        "date_gmt": "2026-11-20T07:30:00",
        "modified_gmt": "2026-11-21T08:00:00",
        "title": {"rendered": "Мост &#8212; закрыт"},
        "excerpt": {"rendered": "<p>Коротко о мосте.</p>"},
        "content": {"rendered": "<p>Текст.</p>", "protected": False},
        "_embedded": {
            "author": [{"name": "Анна Мостовая"}],
            "wp:featuredmedia": [{"source_url": "https://vesti.example/i.jpg"}],
            "wp:term": [
                [{"taxonomy": "category", "name": "Город"}, {"taxonomy": "category", "name": "Главное"}],
                [{"taxonomy": "post_tag", "name": "мост &amp; река"}],
            ],
        },
    } | fields


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("https://vesti.example", "https://vesti.example/wp-json/wp/v2/posts?"),
        ("https://vesti.example/", "https://vesti.example/wp-json/wp/v2/posts?"),
        ("https://vesti.example/blog/", "https://vesti.example/blog/wp-json/wp/v2/posts?"),
        ("https://vesti.example/blog/wp-json/", "https://vesti.example/blog/wp-json/wp/v2/posts?"),
        (SITE.url, "https://vesti.example/wp-json/wp/v2/posts?"),
        ("https://vesti.example/?rest_route=/", "https://vesti.example/?rest_route=/wp/v2/posts&"),
    ],
)
def test_the_list_of_posts_is_found_from_any_of_the_sites_addresses(url: str, asked: str) -> None:
    (ask,) = wordpress.start(Source(kind="wordpress", url=url)).asks
    assert ask.url == asked + "per_page=100&page=1&_embed=author,wp:term,wp:featuredmedia"


def test_a_post_becomes_a_tip_with_all_it_says() -> None:
    found = posts([post()])
    assert (found.problems, found.asks) == ((), ())
    (tip,) = found.tips
    assert (tip.url, tip.stamp) == ("https://vesti.example/1/", "2026-11-21T08:00:00")
    assert (tip.title, tip.lead) == ("Мост — закрыт", "Коротко о мосте.")
    assert (tip.body, tip.body_kind) == ("<p>Текст.</p>", "html")
    assert (tip.section, tip.tags, tip.bylines) == ("Город", ("Главное", "мост & река"), ("Анна Мостовая",))
    assert tip.picture == "https://vesti.example/i.jpg"
    assert tip.published == datetime(2026, 11, 20, 7, 30, tzinfo=UTC)
    assert tip.updated == datetime(2026, 11, 21, 8, tzinfo=UTC)


def test_what_a_visitor_could_not_read_is_passed_over() -> None:
    hidden = [
        post(1, status="draft"),
        post(2, content={"rendered": "", "protected": True}),
        post(3, link=""),
        post(4, link=None),
        "nonsense",
        None,
    ]
    assert [tip.url for tip in posts([*hidden, post(5)]).tips] == ["https://vesti.example/5/"]


def test_an_excerpt_that_wordpress_cut_itself_is_no_lead() -> None:
    (tip,) = posts([post(excerpt={"rendered": "<p>Начало текста [&hellip;]</p>\n"})]).tips
    assert tip.lead == ""


def test_pages_are_asked_while_they_are_full() -> None:
    full = [post(number) for number in range(100)]
    (ask,) = posts(full).asks
    assert "page=2&" in ask.url
    assert ask.depth == 1
    (third,) = posts(full, page=2).asks
    assert "page=3&" in third.url
    assert posts(full[:99], page=2).asks == ()
    assert posts(full, page=wordpress.MAX_PAGES).asks == ()


def test_no_more_pages_are_asked_than_are_wanted() -> None:
    full = [post(number) for number in range(100)]
    some = Source(kind="wordpress", url=SITE.url, newest=150)
    assert len(posts(full, source=some).asks) == 1
    assert posts(full, page=2, source=some).asks == ()


def test_the_answer_past_the_last_page_is_no_trouble() -> None:
    past = Answer(url=SITE.url, status=400, body=b'{"code":"rest_post_invalid_page_number"}')
    assert wordpress.is_past_the_end(SITE, Ask(url=SITE.url, depth=3), past)
    assert not wordpress.is_past_the_end(SITE, Ask(url=SITE.url), past)


@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"code":"rest_disabled"}', b"<html></html>", b"[" * 100_000, b"\xff", b"3"]
)
def test_an_answer_that_is_no_list_of_posts_is_told(body: bytes) -> None:
    found = posts(body)
    assert found.tips == ()
    assert found.problems[0].fatal
    assert found.problems[0].remedy


# ---------------------------------------------------------------- export


def item(
    body: str = "Первый абзац.\n\nВторой.",
    status: str = "publish",
    kind: str = "post",
    extra: str = "",
    link: str = "https://vesti.example/most/",
) -> str:
    return (
        f"<item><title>Мост</title><link>{link}</link><pubDate>Fri, 20 Nov 2026 07:30:00 +0000</pubDate>"
        f"<dc:creator><![CDATA[anna]]></dc:creator><content:encoded><![CDATA[{body}]]></content:encoded>"
        "<excerpt:encoded><![CDATA[Коротко]]></excerpt:encoded><wp:post_id>7</wp:post_id>"
        "<wp:post_date_gmt>2026-11-20 07:30:00</wp:post_date_gmt>"
        "<wp:post_modified_gmt>2026-11-21 08:00:00</wp:post_modified_gmt>"
        f"<wp:status>{status}</wp:status><wp:post_type>{kind}</wp:post_type>"
        '<category domain="category" nicename="c"><![CDATA[Город]]></category>'
        '<category domain="post_tag" nicename="t"><![CDATA[мост]]></category>'
        "<wp:postmeta><wp:meta_key>_edit_last</wp:meta_key><wp:meta_value>1</wp:meta_value></wp:postmeta>"
        "<wp:postmeta><wp:meta_key>_thumbnail_id</wp:meta_key><wp:meta_value>9</wp:meta_value></wp:postmeta>"
        f"{extra}<wp:comment><wp:comment_content>Комментарий</wp:comment_content></wp:comment></item>"
    )


ATTACHMENT = (
    "<item><title>Снимок</title><link>https://vesti.example/snimok/</link><wp:post_id>9</wp:post_id>"
    "<wp:status>inherit</wp:status><wp:post_type>attachment</wp:post_type><wp:attachment_url>https://vesti.example/i.jpg</wp:attachment_url></item>"
)


def wxr(items: str) -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8"?><!-- generated --><rss version="2.0"'
        ' xmlns:wp="http://wordpress.org/export/1.2/" xmlns:excerpt="http://wordpress.org/export/1.2/excerpt/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
        ' xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Вести</title>'
        "<wp:author><wp:author_login>anna</wp:author_login>"
        f"<wp:author_display_name>Анна Мостовая</wp:author_display_name></wp:author>{items}</channel></rss>"
    )


def export(body: str | bytes) -> Found:
    (ask,) = wordpress.start(EXPORT).asks
    assert ask.url == EXPORT.url
    data = body.encode() if isinstance(body, str) else body
    return wordpress.read(EXPORT, ask, Answer(url=ask.url, status=200, body=data))


def test_an_exported_post_becomes_a_tip_with_all_it_says() -> None:
    found = export(wxr(item() + ATTACHMENT))
    assert found.problems == ()
    (tip,) = found.tips
    assert (tip.url, tip.title, tip.lead) == ("https://vesti.example/most/", "Мост", "Коротко")
    assert (tip.section, tip.tags, tip.bylines) == ("Город", ("мост",), ("Анна Мостовая",))
    assert tip.published == datetime(2026, 11, 20, 7, 30, tzinfo=UTC)
    assert (tip.stamp, tip.updated) == ("2026-11-21 08:00:00", datetime(2026, 11, 21, 8, tzinfo=UTC))
    assert tip.picture == "https://vesti.example/i.jpg"


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Первый.\n\nВторой\nпродолжен.", "<p>Первый.</p>\n<p>Второй<br>\nпродолжен.</p>"),
        ("<h2>Глава</h2>\r\n\r\nТекст", "<h2>Глава</h2>\n<p>Текст</p>"),
        ("<!-- wp:paragraph -->\n<p>А</p>\n<!-- /wp:paragraph -->\n\n<p>Б</p>",
         "<!-- wp:paragraph -->\n<p>А</p>\n<!-- /wp:paragraph -->\n\n<p>Б</p>"),
        ('[caption id="x"]<img src="/a.jpg"> Подпись[/caption]\n\n[редакция] Текст',
         '<p><img src="/a.jpg"> Подпись</p>\n<p>[редакция] Текст</p>'),
        ("[embed]https://video.example/1[/embed]", '<p><a href="https://video.example/1">https://video.example/1</a></p>'),
    ],
)  # fmt: skip
def test_raw_text_gets_the_paragraphs_that_wordpress_would_show(raw: str, shown: str) -> None:
    assert export(wxr(item(raw))).tips[0].body == shown


def test_only_published_posts_and_pages_are_taken_and_trash_is_withdrawn() -> None:
    found = export(
        wxr(
            item(link="https://vesti.example/1/", kind="page")
            + item(link="https://vesti.example/2/", status="draft")
            + item(link="https://vesti.example/3/", status="private")
            + item(link="https://vesti.example/4/", kind="nav_menu_item")
            + item(link="https://vesti.example/5__trashed/", status="trash")
            + item(link="https://vesti.example/6/", extra="<wp:post_password>x</wp:post_password>")
        )
    )
    assert [(tip.url, tip.withdrawn, bool(tip.body)) for tip in found.tips] == [
        ("https://vesti.example/1/", False, True),
        ("https://vesti.example/5/", True, False),
    ]


def test_an_export_that_breaks_off_or_holds_control_characters_gives_what_it_holds() -> None:
    whole = wxr(item(link="https://vesti.example/1/") + item(link="https://vesti.example/2/"))
    broken = export(whole[: whole.index("/2/") + 100])
    assert [tip.url for tip in broken.tips] == ["https://vesti.example/1/"]
    assert not broken.problems[0].fatal
    dirty = export(whole.replace("Второй", "Вто\x0bрой"))
    assert len(dirty.tips) == 2
    assert "Второй" in dirty.tips[0].body


def test_a_large_export_is_read() -> None:
    assert len(export(wxr("".join(item(link=f"https://vesti.example/{n}/") for n in range(2_000)))).tips) == 2_000


BOMB = '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss><channel><item>&b;</item></channel></rss>'


@pytest.mark.parametrize("body", ["", BOMB, "<rss></rss>", "<item>" * 100_000, "\0" * 100_000, "<" * 1_000_000])
def test_what_is_no_export_is_told(body: str) -> None:
    found = export(body)
    assert found.tips == ()
    assert found.problems[0].fatal


FIELDS = st.sampled_from(
    ["link", "status", "content", "title", "excerpt", "rendered", "protected", "_embedded", "author", "wp:term", "name",
     "taxonomy", "wp:featuredmedia", "source_url", "modified_gmt", "date_gmt", "lang"],
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.just("https://vesti.example/x"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=60)
@given(st.dictionaries(FIELDS, JSON, max_size=6), st.sampled_from(["link", "content", "_embedded", "title"]), JSON)
def test_any_post_is_safe(fields: dict[str, Any], name: str, value: object) -> None:
    assert isinstance(posts([fields, post(1) | {name: value}]), Found)


@settings(max_examples=60)
@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_safe(data: bytes) -> None:
    assert isinstance(posts(data), Found)
    assert isinstance(export(data), Found)
    assert isinstance(export(wxr("<item>@</item>").encode().replace(b"@", data)), Found)
    assert isinstance(export(wxr(item("@")).encode().replace(b"@", data)), Found)
