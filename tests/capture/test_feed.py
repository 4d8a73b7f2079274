"""Feeds of every kind, whole and broken."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.capture import feed
from heliograph.model import Answer, Ask, Found, Source

URL = "https://vesti.example/rss.xml"
SOURCE = Source(kind="feed", url=URL)
LONG = "Мост через реку закрыли на ремонт до весны. " * 30


def read(body: str | bytes, *, url: str = URL, depth: int = 0, charset: str = "", source: Source = SOURCE) -> Found:
    data = body.encode() if isinstance(body, str) else body
    answer = Answer(url=url, status=200, body=data, media_type="application/xml", charset=charset)
    return feed.read(source, Ask(url=url, depth=depth), answer)


def rss(items: str, extra: str = "") -> str:
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"'
        ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:media="http://search.yahoo.com/mrss/"'
        ' xmlns:atom="http://www.w3.org/2005/Atom" xmlns:yandex="http://news.yandex.ru">'
        f"<channel><title>Вести</title><link>https://vesti.example/</link><language>ru-RU</language>{extra}{items}"
        "</channel></rss>"
    )


ITEM = f"""<item><title>Мост закрыли &amp;laquo;до весны&amp;raquo;</title>
<link>https://vesti.example/most?utm_source=rss</link>
<description>Коротко о мосте.</description>
<content:encoded><![CDATA[<p>{LONG}</p><p>Второй абзац.</p>]]></content:encoded>
<dc:creator>Анна Мостовая</dc:creator><category>Город</category><category>Мосты</category><category>город</category>
<pubDate>Mon, 20 Nov 2023 10:00:00 +0200</pubDate><guid isPermaLink="false">17</guid>
<media:content url="/i/small.jpg" type="image/jpeg" width="100"/>
<media:content url="/i/large.jpg" type="image/jpeg" width="900"/>
</item>"""


def test_an_rss_item_becomes_a_tip_with_all_it_says() -> None:
    found = read(rss(ITEM))
    assert found.problems == ()
    (tip,) = found.tips
    assert tip.url == "https://vesti.example/most"
    assert tip.title == "Мост закрыли «до весны»"
    assert tip.lead == "Коротко о мосте."
    assert tip.body.startswith("<p>Мост через реку")
    assert "Второй абзац." in tip.body
    assert tip.body_kind == "html"
    assert tip.lang == "ru"
    assert (tip.section, tip.tags, tip.bylines) == ("Город", ("Мосты",), ("Анна Мостовая",))
    assert tip.published == datetime(2023, 11, 20, 8, tzinfo=UTC)
    assert tip.picture == "https://vesti.example/i/large.jpg"


def test_a_feed_without_full_text_gives_a_lead_and_no_body() -> None:
    description = "<description>&lt;p&gt;Short &lt;b&gt;lead&lt;/b&gt;.&lt;/p&gt;</description>"
    item = f"<item><title>A</title><link>/a</link>{description}</item>"
    (tip,) = read(rss(item)).tips
    assert (tip.url, tip.lead, tip.body, tip.body_kind) == ("https://vesti.example/a", "Short lead.", "", "")


def test_a_long_description_that_does_not_break_off_is_the_whole_story() -> None:
    item = f"<item><title>A</title><link>/a</link><description>&lt;p&gt;{LONG}&lt;/p&gt;</description></item>"
    (tip,) = read(rss(item)).tips
    assert tip.body_kind == "html"
    assert LONG.strip() in tip.body
    assert tip.lead == ""


@pytest.mark.parametrize("ending", ["…", "[…]", "...", "Читать далее", "Read more »", "Читати далі →"])
def test_content_that_breaks_off_is_not_taken_for_the_whole_story(ending: str) -> None:
    content = f"<content:encoded><![CDATA[<p>{LONG} {ending}</p>]]></content:encoded>"
    item = f"<item><title>A</title><link>/a</link>{content}</item>"
    (tip,) = read(rss(item)).tips
    assert tip.body == ""
    assert tip.lead.startswith("Мост через реку")


def test_yandex_full_text_is_the_whole_story() -> None:
    full = f"<yandex:full-text>{LONG}</yandex:full-text>"
    item = f"<item><title>A</title><link>/a</link><description>Л.</description>{full}</item>"
    (tip,) = read(rss(item)).tips
    assert tip.body.strip() == LONG.strip()
    assert tip.lead == "Л."


def test_a_guid_that_is_an_address_stands_in_for_a_missing_link() -> None:
    tips = read(rss("<item><title>A</title><guid>https://vesti.example/g</guid></item>")).tips
    assert [tip.url for tip in tips] == ["https://vesti.example/g"]


def test_an_entry_without_an_address_is_reported_and_the_rest_read() -> None:
    found = read(rss("<item><title>Ничей</title></item>" + ITEM))
    assert len(found.tips) == 1
    assert "Ничей" in found.problems[0].what
    assert not found.problems[0].fatal


def test_an_author_who_is_only_an_address_is_no_byline() -> None:
    (tip,) = read(rss("<item><link>/a</link><author>desk@vesti.example</author></item>")).tips
    assert tip.bylines == ()


ATOM = f"""<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xml:lang="uk" xml:base="https://visti.example/n/">
<title>Вісті</title><link rel="prev-archive" href="archive-7.xml"/><link rel="self" href="atom.xml"/>
<entry><title type="html">Міст &lt;i&gt;закрито&lt;/i&gt;</title><link href="mist.html"/>
<id>tag:visti.example,2026:1</id>
<updated>2026-11-20T12:00:00Z</updated><published>2026-11-19T09:00:00+02:00</published><summary>Коротко.</summary>
<content type="xhtml" xml:base="deep/"><div xmlns="http://www.w3.org/1999/xhtml">
<p>{LONG}<a href="x.html">мапа</a></p></div></content>
<author><name>Олена Міст</name></author><category term="mista" label="Місто"/></entry></feed>"""


def test_an_atom_entry_becomes_a_tip_with_links_resolved_by_xml_base() -> None:
    found = read(ATOM, url="https://visti.example/atom.xml")
    (tip,) = found.tips
    assert tip.url == "https://visti.example/n/mist.html"
    assert tip.title == "Міст закрито"
    assert (tip.lang, tip.lead, tip.section, tip.bylines) == ("uk", "Коротко.", "Місто", ("Олена Міст",))
    assert tip.updated == datetime(2026, 11, 20, 12, tzinfo=UTC)
    assert tip.published == datetime(2026, 11, 19, 7, tzinfo=UTC)
    assert 'href="https://visti.example/n/deep/x.html"' in tip.body
    assert tip.stamp.startswith("2026-11-20T12:00:00+00:00|")


def test_an_rdf_feed_is_read() -> None:
    body = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/"><channel rdf:about="https://old.example/"><title>Old</title></channel>
    <item rdf:about="https://old.example/1"><title>One</title><link>https://old.example/1</link>
    <dc:date>2020-02-03T04:05:06Z</dc:date></item></rdf:RDF>"""
    (tip,) = read(body).tips
    assert (tip.url, tip.title, tip.published) == (
        "https://old.example/1",
        "One",
        datetime(2020, 2, 3, 4, 5, 6, tzinfo=UTC),
    )


def test_a_json_feed_becomes_tips_and_an_ask_for_its_next_page() -> None:
    body = {
        "version": "https://jsonfeed.org/version/1.1",
        "language": "en",
        "authors": [{"name": "The Desk"}],
        "next_url": "feed2.json",
        "items": [
            {
                "id": "1",
                "url": "/one",
                "title": "One &amp; only",
                "content_html": "<p>Body</p>",
                "summary": "Lead",
                "date_published": "2026-11-20T10:00:00+01:00",
                "tags": ["City", "Bridges"],
                "image": "pic.jpg",
            },
            {"id": "https://visti.example/two", "content_text": "Plain\n\ntext", "authors": [{"name": "A. Writer"}]},
            {"id": "3"},
            "nonsense",
        ],
    }
    found = read(json.dumps(body), url="https://visti.example/feed.json")
    one, two = found.tips
    assert (one.url, one.title, one.lead, one.body, one.body_kind) == (
        "https://visti.example/one", "One & only", "Lead", "<p>Body</p>", "html",
    )  # fmt: skip
    assert (one.section, one.tags, one.bylines, one.lang) == ("City", ("Bridges",), ("The Desk",), "en")
    assert one.picture == "https://visti.example/pic.jpg"
    assert one.published == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert (two.url, two.body, two.body_kind, two.bylines) == (
        "https://visti.example/two", "Plain\n\ntext", "text", ("A. Writer",),
    )  # fmt: skip
    assert len(found.problems) == 2
    assert [ask.url for ask in found.asks] == ["https://visti.example/feed2.json"]


def test_the_stamp_changes_with_the_text_and_only_with_it() -> None:
    stamps = {read(rss(item)).tips[0].stamp for item in (ITEM, ITEM, ITEM.replace("<category>Город</category>", ""))}
    assert len(stamps) == 1
    assert read(rss(ITEM.replace("Второй", "Третий"))).tips[0].stamp not in stamps


def test_archives_are_followed_only_when_all_is_wanted_and_not_for_ever() -> None:
    def asked(depth: int, newest: int = 0) -> list[tuple[str, int]]:
        found = read(
            ATOM,
            url="https://visti.example/n/atom.xml",
            depth=depth,
            source=Source(kind="feed", url=URL, newest=newest),
        )
        return [(ask.url, ask.depth) for ask in found.asks]

    assert asked(0) == [("https://visti.example/n/archive-7.xml", 2)]
    assert asked(49) == [("https://visti.example/n/archive-7.xml", 50)]
    assert asked(50) == []
    assert asked(0, newest=10) == []


def test_an_archive_that_leads_to_itself_or_to_a_file_is_not_followed() -> None:
    for target in (URL, "file:///etc/passwd", "javascript:alert(1)"):
        assert read(rss(ITEM, f'<atom:link rel="next" href="{target}"/>')).asks == ()


def test_a_page_in_place_of_a_feed_leads_to_the_feed_it_names_once() -> None:
    page = """<!DOCTYPE html><html><head><link rel="alternate" type="application/rss+xml" href="/comments/feed">
    <link rel="alternate" type="application/rss+xml" href="/all.xml"></head><body>x</body></html>"""
    found = read(page, url="https://vesti.example/")
    assert [(ask.url, ask.depth) for ask in found.asks] == [("https://vesti.example/all.xml", 1)]
    assert found.problems == ()
    again = read(page, url="https://vesti.example/", depth=1)
    assert again.asks == ()
    assert again.problems[0].fatal
    none = read("<html><body>Нет</body></html>")
    assert none.problems[0].fatal
    assert "names no feed" in none.problems[0].what


def test_a_truncated_feed_gives_what_it_holds_and_a_problem() -> None:
    whole = rss(ITEM + ITEM.replace("/most", "/second"))
    found = read(whole[: whole.index("/second") + 200])
    assert "https://vesti.example/most" in [tip.url for tip in found.tips]
    assert "not well-formed" in found.problems[0].what
    assert not found.problems[0].fatal


def test_common_faults_are_mended() -> None:
    item = "<item><title>Тише&nbsp;едешь & дальше \x0b будешь</title><link>/a?x=1&y=2</link></item>"
    found = read(rss(item))
    (tip,) = found.tips
    assert tip.url == "https://vesti.example/a?x=1&y=2"
    assert tip.title.replace("\u00a0", " ") == "Тише едешь & дальше будешь"
    assert len(found.problems) == 1


def test_a_wrong_charset_is_repaired() -> None:
    body = rss("<item><title>Крымские татары и новости дня</title><link>/a</link></item>")
    for encoding in ("windows-1251", "koi8-r"):
        (tip,) = read(body.replace("utf-8", encoding).encode(encoding)).tips
        assert tip.title == "Крымские татары и новости дня"
    (tip,) = read(body.encode("windows-1251"), charset="utf-8").tips
    assert tip.title == "Крымские татары и новости дня"
    (tip,) = read(body.encode("utf-16")).tips
    assert tip.title == "Крымские татары и новости дня"


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol">'
    + "".join(f'<!ENTITY lol{n} "{"&lol%s;" % (n - 1 if n > 1 else "") * 10}">' for n in range(1, 10))
    + "]><rss><channel><item><title>&lol9;</title></item></channel></rss>"
)
EXTERNAL = (
    '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    "<rss><channel><item><link>/a</link><title>&x;</title></item></channel></rss>"
)
QUADRATIC = '<!DOCTYPE r [<!ENTITY a "' + "a" * 50_000 + '">]><rss><channel>' + "&a;" * 50_000 + "</channel></rss>"


@pytest.mark.parametrize("bomb", [LAUGHS, EXTERNAL, QUADRATIC, LAUGHS.encode("utf-16")])
def test_entities_are_refused_before_any_parser_sees_them(bomb: str | bytes) -> None:
    found = read(bomb)
    assert found.tips == ()
    assert found.problems[0].fatal
    assert "entit" in found.problems[0].what


def test_a_document_type_without_declarations_is_harmless() -> None:
    doctype = (
        '<!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" "http://my.netscape.com/rss-0.91.dtd">'
    )
    assert len(read("<!-- <b> -->" + doctype + rss(ITEM).partition("?>")[2]).tips) == 1


@pytest.mark.parametrize(
    "body",
    [b"", b"\0" * 100_000, b"<" * 8_000_000, b"<a>" * 100_000, b"<rss>" + b"<a/>" * 300_000, b"not xml", b"{", b"[]",
     b'{"items": 3}', b'{"items":' + b"[" * 100_000, b"\xff\xfe\0", b"<rss><channel>" + b"<![CDATA[" * 100_000,
     b"<!--" * 100_000, b"<?xml " * 100_000, b"&" * 1_000_000, b"<r " + b"a=1 " * 100_000],
)  # fmt: skip
def test_what_is_no_feed_is_told_as_the_sources_own_fault(body: bytes) -> None:
    found = read(body)
    assert found.tips == ()
    assert [problem.fatal for problem in found.problems] == [True]
    assert found.problems[0].where
    assert found.problems[0].remedy


@settings(max_examples=80)
@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda text: text.encode("utf-8", "replace")))
def test_any_bytes_are_safe(body: bytes) -> None:
    assert isinstance(read(body), Found)
    assert isinstance(read(rss("").encode().replace(b"</channel>", body + b"</channel>")), Found)


KEYS = st.sampled_from(
    ["items", "id", "url", "title", "authors", "author", "name", "tags", "language", "image", "content_html", "summary",
     "date_published", "next_url", "content_text", "version"],
)  # fmt: skip
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=8,
)


@settings(max_examples=50)
@given(st.lists(st.dictionaries(KEYS, JSON, max_size=6), max_size=2), JSON)
def test_any_json_is_safe(items: list[object], other: object) -> None:
    body = json.dumps({"items": items, "next_url": other, "language": other, "authors": other})
    assert isinstance(read(body), Found)


@settings(max_examples=80)
@given(
    st.lists(
        st.sampled_from(
            ["<item>", "</item>", "<link>", "</link>", "<link href='/a'/>", "<title>", "</title>", "x",
             "<content:encoded>", "</content:encoded>", "<media:content/>", "<guid>", "</guid>", "<category>",
             "</category>", "<image>", "</image>", "<enclosure/>", "<author>", "<name>", "</name>", "</author>",
             "<pubDate>", "</pubDate>", "2026", "<description>", "</description>", "<svg/>", "<textinput>",
             "<source url='x'>", "</source>", "<dc:creator>"]
        ),
        max_size=25,
    )
)  # fmt: skip
def test_any_order_of_elements_is_safe(pieces: list[str]) -> None:
    assert isinstance(read(rss("".join(pieces))), Found)
