"""Pages that would take a parser hours or all memory, and pages that would not."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.capture import tree


def text_of(html: bytes) -> str:
    body = tree.parse(html).body
    return " ".join(body.text(separator=" ").split()) if body is not None else ""


def depth_of(html: bytes) -> int:
    node = tree.parse(html).body
    deepest = depth = 0
    stack = [(node, 0)]
    while stack:
        node, depth = stack.pop()
        while node is not None:
            deepest = max(deepest, depth)
            if node.child is not None:
                stack.append((node.child, depth + 1))
            node = node.next
    return deepest


def test_an_ordinary_page_is_parsed_as_it_is() -> None:
    html = "<p>Мост <b>открыли</b> утром.</p>".encode() * 100
    assert tree.is_plain(html)
    assert text_of(html).count("Мост открыли утром.") == 100


@pytest.mark.parametrize(
    "html",
    [
        b"<div>" * 9_000 + b"x",
        b"<p>" + b"".join(b"<b a%d>" % number for number in range(1_200)) + b"<p>x" * 1_200,
        b"<div " + b" ".join(b"attribute%d" % number for number in range(12_000)) + b">x",
        b"<p>x" * 300_000,
    ],
    ids=["depth", "formatting", "attributes", "size"],
)
def test_a_page_that_could_take_long_is_not(html: bytes) -> None:
    assert not tree.is_plain(html)


@pytest.mark.parametrize(
    "tag", ["div", "span", "b", "ul><li", "blockquote", "table><tr><td", "a href=/x", "figure", "section"]
)
def test_a_great_many_nested_tags_become_a_shallow_tree(tag: str) -> None:
    html = f"<{tag}>".encode() * 60_000 + "конец".encode()
    assert depth_of(html) <= 4 * tree.MAX_DEPTH + 10  # a table brings body, row and cell
    assert text_of(html) == "конец"


def test_closes_hidden_in_comments_and_attributes_do_not_deepen_the_tree() -> None:
    html = b'<div title="</div>"><!--</div>-->' * 20_000 + b"<script></div></script>x"
    assert depth_of(html) <= 2 * tree.MAX_DEPTH


def test_unclosed_formatting_is_not_opened_again_in_every_paragraph() -> None:
    html = b"<p>" + b"".join(b"<b a%d>" % number for number in range(2_000)) + b"<p>x" * 5_000
    assert tree.tame(html).count(b"<b ") <= tree.MAX_FORMATTING


def test_only_known_attributes_of_an_endless_tag_remain() -> None:
    many = b" ".join(b"data-x%d=1" % number for number in range(5_000))
    out = tree.tame(b'<p class="a" ' + many + b" title='say \"no\"'>x</p>")
    assert out == b'<p class="a" title="say &quot;no&quot;">x</p>'


def test_scripts_styles_and_comments_go_and_json_ld_stays() -> None:
    html = (
        b"<style>p{}</style><script>if (a<b) c()</script><!-- no --><svg><text>no</text></svg>"
        b"<textarea><p>no</textarea>"
        b'<script type="application/ld+json">{"a":"<!--<script>"}</script><p>yes</p>'
    )
    out = tree.tame(html)
    assert out == b'<script type="application/ld+json">{"a":"\\u003c!--\\u003cscript>"}</script><p>yes</p>'


def test_a_quotation_mark_in_an_unquoted_value_ends_no_tag_late() -> None:
    html = b'<a b=c"d>e">' + b"<p>x</p>"
    assert text_of(tree.tame(html)) == text_of(html) == 'e"> x'


def test_text_with_lesser_signs_survives() -> None:
    assert text_of(tree.tame("5 < 6 и 7 <8, <3".encode())) == "5 < 6 и 7 <8, <3"


@pytest.mark.parametrize("head", [b'<a b="', b"<a ", b"<!--", b"<!doctype", b"</p", b"<?x", b"<script>", b"<title>"])
def test_what_never_ends_takes_nothing_before_it(head: bytes) -> None:
    assert text_of(tree.tame("<p>текст</p>".encode() + head * 2_000)).startswith("текст")


def test_a_page_of_too_many_tags_is_cut() -> None:
    html = b"<i>x</i>" * (tree.MAX_TAGS + 1_000)
    assert tree.tame(html).count(b"<") <= 2 * tree.MAX_TAGS + 2


def test_taming_keeps_the_text_and_links_of_a_page() -> None:
    html = (
        "<!DOCTYPE html><html lang=ru><head><title>Т &amp; Т</title></head><body><h1>Заголовок</h1>"
        "<p>Первый <a href='/a?b=1&amp;c=2' target=_blank>абзац</a><br/>строка</p><ul><li>раз<li>два</ul>"
        "<table><tr><td>1<td>2</table><img src=/p.jpg alt='x > y'></body></html>"
    ).encode()
    tamed = tree.tame(html)
    assert text_of(tamed) == text_of(html)
    for selector in ("a[href]", "img", "li", "td", "title", "br"):
        assert len(tree.parse(tamed).css(selector)) == len(tree.parse(html).css(selector))
    assert tree.parse(tamed).css("img")[0].attributes["alt"] == "x > y"


PIECES = [
    *(b"<div>", b"</div>", b"<b x=1>", b"</b>", b"<p>", b"</p>", b"<!--", b"-->", b"<script>", b"</script>"),
    *(b'"', b"'", b"=", b"<a href=", b">", b"<", b"</", b"text ", b"<table>", b"<td>", b"</table>", b"<svg>"),
    *(b"</svg>", b"<![CDATA[", b"]]>", b"<title>", b"</title>", b" ", b"\x00", b"\xff", "ж".encode()),
]


@given(st.lists(st.sampled_from(PIECES), max_size=120).map(b"".join))
@settings(max_examples=150)
def test_a_tamed_page_is_tame(html: bytes) -> None:
    once = tree.tame(html)
    assert tree.tame(once) == once
    opened = len(re.findall(rb"<(?:div|b|a|table)\b", once))
    assert depth_of(once) <= opened + 12


@given(st.binary(max_size=4_000))
@settings(max_examples=150)
def test_any_bytes_make_a_tree(html: bytes) -> None:
    assert tree.parse(html).body is not None
    assert tree.parse(tree.tame(html)).body is not None
