"""Blocks as HTML: nothing of a story becomes markup, links lead only where they may, and cutting loses no text."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.model import (
    Block,
    Embed,
    Figure,
    Heading,
    Listing,
    Paragraph,
    Picture,
    Quote,
    Rule,
    Run,
    Shown,
    Story,
    Table,
    plain_text,
)
from heliograph.model.words import words
from heliograph.render import blocks
from heliograph.render.blocks import Context, html

BARE = Context(words("en"), {}, {})
HOSTILE = st.text(max_size=60) | st.sampled_from(
    [
        "<script>alert(1)</script>", "</main><svg onload=x>", '"><img src=x>', "' onclick='x", "&lt;b&gt;", "]]>",
        "<!--", "\0<\0s\0>", "{{ 7*7 }}", "{% include 'x' %}", "\ud800", "a\u202eb", "</style>", "&#60;script&#62;",
    ]
)  # fmt: skip
HREFS = st.sampled_from(
    [
        "", "https://e.org/a?b=1&c=%22", "javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//e.org",
        'https://e.org/" onmouseover="x', "https://e.org/<script>", "mailto:a@e.org", "tel:+380", "tg:resolve?domain=x",
        "vbscript:x", "file:///etc/passwd", "https://e.org/\u2028x", "http://" + "x" * 3_000, "java\nscript:x",
    ]
) | st.text(max_size=20)  # fmt: skip
RUNS = st.lists(
    st.builds(Run, HOSTILE, st.sampled_from(["", "b", "i", "bi", "code", "sub", "sup"]), HREFS), max_size=4
).map(tuple)
BLOCKS: st.SearchStrategy[Block] = st.one_of(
    st.builds(Paragraph, runs=RUNS),
    st.builds(Heading, level=st.integers(-5, 90), runs=RUNS),
    st.builds(Listing, ordered=st.booleans(), items=st.lists(RUNS, max_size=4).map(tuple)),
    st.builds(Quote, runs=RUNS, source=HOSTILE),
    st.builds(Table, rows=st.lists(st.lists(RUNS, max_size=3).map(tuple), max_size=3).map(tuple), head=st.booleans()),
    st.builds(
        Figure,
        picture=st.builds(Picture, url=st.sampled_from(["shown", "odd", "none"]), alt=HOSTILE),
        caption=RUNS,
        credit=HOSTILE,
    ),
    st.builds(Embed, href=HREFS, title=HOSTILE, provider=HOSTILE),
    st.builds(Rule),
)
SHOWN = {
    "shown": Shown(pid="0a1b2c3d4e", width=3, height=2, colours=("#9aa7a0", "#c9b79a")),
    "odd": Shown(pid='"><script>', width=3, height=2, colours=("red;x:url(//e.org)", "#000000")),
}
ALLOWED = {
    "p": {"class"}, "h2": set(), "h3": set(), "h4": set(), "ul": set(), "ol": {"start"}, "li": set(), "br": set(),
    "b": set(), "i": set(), "code": set(), "sub": set(), "sup": set(), "a": {"href", "rel"}, "blockquote": set(),
    "table": set(), "tr": set(), "td": set(), "th": set(), "figure": set(), "figcaption": {"class"},
    "div": {"class", "style"}, "span": {"class"}, "hr": set(),
}  # fmt: skip
STYLE = re.compile(r"background:linear-gradient\(135deg,#[0-9a-f]{3},#[0-9a-f]{3}\)")
HREF = re.compile(r"(https?://|mailto:|tel:|tg:)[^\s\"'<>]+|[a-z0-9]+\.html|i/[a-z0-9]+\.html", re.IGNORECASE)


def visible(text: str) -> str:
    """What of ``text`` a page can show at all."""
    return blocks._CONTROL.sub("", text)


@settings(max_examples=300)
@given(BLOCKS)
def test_nothing_of_a_story_becomes_a_tag_an_attribute_or_a_link_with_a_script(block: Block) -> None:
    from html.parser import HTMLParser

    seen: list[tuple[str, dict[str, str | None]]] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append((tag, dict(attrs)))

        def handle_comment(self, data: str) -> None:
            raise AssertionError(data)

        handle_decl = unknown_decl = handle_pi = handle_comment

    reader = Reader()
    reader.feed(html(block, Context(words("en"), {}, SHOWN)))
    reader.close()
    for tag, attributes in seen:
        assert tag in ALLOWED
        assert attributes.keys() <= ALLOWED[tag]
        assert "style" not in attributes or STYLE.fullmatch(attributes["style"] or "")
        assert "href" not in attributes or HREF.fullmatch(attributes["href"] or "")


@given(st.lists(st.builds(Run, st.text(max_size=80)), max_size=5).map(tuple))
def test_all_text_of_a_run_comes_out_again(runs: tuple[Run, ...]) -> None:
    from html.parser import HTMLParser

    told: list[str] = []
    reader = HTMLParser(convert_charrefs=True)
    reader.handle_data = told.append  # type: ignore[method-assign]
    reader.handle_starttag = lambda tag, attrs: told.append("\n") if tag == "br" else None  # type: ignore[method-assign]
    reader.feed(blocks.run_html(runs, BARE))
    reader.close()
    assert "".join(told) == visible(plain_text(runs))


def test_a_link_to_a_story_of_the_edition_becomes_its_page_and_others_tell_nobody_where_the_reader_was() -> None:
    runs = (
        Run("one", href="https://dead.example.net/story"), Run(" "), Run("two", "i", "https://e.org/?a=1&b=2"),
        Run(" "), Run("mail", href="mailto:x@e.org"), Run(" "), Run("none", href="javascript:alert(1)"),
    )  # fmt: skip
    written = blocks.run_html(runs, Context(words("en"), {"https://dead.example.net/story": "7k3vq2m"}, {}))
    assert written == (
        '<a href="7k3vq2m.html">one</a> <a href="https://e.org/?a=1&amp;b=2" rel=noreferrer><i>two</i></a>'
        ' <a href="mailto:x@e.org">mail</a> none'
    )


def test_a_picture_that_is_there_is_offered_and_one_that_is_not_is_only_named() -> None:
    figure = Figure(picture=Picture(url="shown", alt="Bridge"), caption=(Run("At dawn."),), credit="Newsroom")
    offered = html(figure, Context(words("en"), {}, SHOWN))
    assert 'href="i/0a1b2c3d4e.html"' in offered
    assert "Show picture, 5 KB" in offered
    assert "linear-gradient(135deg,#9aa,#cb9)" in offered
    assert "At dawn. · Newsroom" in offered
    named = html(figure, BARE)
    assert "<a" not in named
    assert "Bridge" in named
    assert "Picture" in html(Figure(picture=Picture(url="x")), BARE)


def test_no_block_can_load_anything_by_itself(edition: Any) -> None:
    told: Story = edition.stories[0]
    written = "".join(html(block, Context(words("en"), {}, edition.shown)) for block in told.blocks)
    assert "i/0a1b2c3d4e.html" in written
    assert not re.search(r"<(img|script|iframe|link|object|embed|video|audio|source|form)|src=|url\(", written)


def test_marks_line_breaks_and_headings_are_written_in_the_least_html() -> None:
    assert html(Paragraph(runs=(Run("a\nb", "bi"),)), BARE) == "<p><b><i>a<br>b</i></b>"
    assert html(Heading(level=1, runs=(Run("x"),)), BARE) == "<h2>x</h2>"
    assert html(Heading(level=9, runs=(Run("x"),)), BARE) == "<h4>x</h4>"
    assert html(Rule(), BARE) == "<hr>"


LONG = st.text(alphabet=st.sampled_from("аб в.!? »\u0301"), min_size=2, max_size=600)


@given(LONG, st.integers(1, 700))
def test_a_cut_lies_within_the_limit_and_at_the_best_place_there_is(line: str, limit: int) -> None:
    place = blocks.place_to_cut(line, limit)
    assert 0 < place <= max(limit, 1) or place == len(line)


@pytest.mark.parametrize(
    ("line", "limit", "first"),
    [
        ("Одно. Второе. Третье слово", 20, "Одно. Второе. "),
        ("Он сказал: «Да.» Потом ушёл далеко", 22, "Он сказал: «Да.» "),
        ("слово за словом без точки", 14, "слово за "),
        ("безединогопробела", 6, "безеди"),
        ("короткое", 100, "короткое"),
        ("abcde\u0301\u0301fgh", 6, "abcd"),
    ],
)
def test_text_is_cut_after_a_sentence_else_a_word_else_a_letter_with_its_accents(
    line: str, limit: int, first: str
) -> None:
    assert line[: blocks.place_to_cut(line, limit)] == first


def test_finding_a_place_to_cut_takes_no_more_than_linear_time_on_hostile_text() -> None:
    steps = blocks._SENTENCE_END
    for line in ("." * 200_000, "«" * 200_000, ".»" * 100_000, "a\u0301" + "\u0301" * 200_000):
        assert 0 < blocks.place_to_cut(line, 100_000) <= 100_000
        assert not list(steps.finditer(line))


def words_of(written: str) -> list[str]:
    return re.sub(r"<[^>]*>", " ", written).split()


@settings(max_examples=150)
@given(BLOCKS, st.floats(0.01, 0.99))
def test_cutting_a_block_keeps_its_words_in_order(block: Block, share: float) -> None:
    first, rest = blocks.split(block, share)
    if rest is None:
        assert first == block
        return
    assert blocks.length(first) <= blocks.length(block) + 20
    if isinstance(block, (Paragraph, Heading)):
        before = "".join(words_of(html(block, BARE)))
        assert "".join(words_of(html(first, BARE)) + words_of(html(rest, BARE))) == before


def test_a_numbered_list_goes_on_counting_after_a_cut() -> None:
    items = tuple((Run(f"item {number}"),) for number in range(10))
    first, rest = blocks.split(Listing(ordered=True, items=items), 0.4)
    assert rest is not None
    assert html(rest, BARE).startswith("<ol start=5><li>item 4")
    again = blocks.split(rest, 0.5)[1]
    assert again is not None
    assert html(again, BARE).startswith("<ol start=8>")
    assert html(first, BARE).startswith("<ol><li>item 0")


def test_a_table_keeps_its_head_after_a_cut_and_a_row_too_long_is_read_out() -> None:
    rows = tuple(((Run(f"row {number}"),), (Run("x"),)) for number in range(9))
    first, rest = blocks.split(Table(head=True, rows=rows), 0.5)
    assert isinstance(first, Table)
    assert isinstance(rest, Table)
    assert first.rows[0] == rest.rows[0] == rows[0]
    assert first.rows[1:] + rest.rows[1:] == rows[1:]
    single = Table(rows=(((Run("long " * 50),), (Run("cell"),)),))
    assert isinstance(blocks.split(single, 0.5)[0], Paragraph)


def test_a_very_long_head_of_a_table_is_not_repeated() -> None:
    rows = (((Run("head " * 100),),), ((Run("a"),),), ((Run("b"),),), ((Run("c"),),))
    first, rest = blocks.split(Table(head=True, rows=rows), 0.5)
    assert rest == Table(rows=rows[2:])
    assert first == Table(head=True, rows=rows[:2])


def test_a_very_long_paragraph_comes_in_pieces_and_each_can_be_cut_to_a_letter() -> None:
    runs = (Run("Слово за словом. " * 6_000), Run("конец", href="https://e.org"))
    found = blocks.pieces([Paragraph(runs=runs)], BARE)
    assert len(found) > 3
    assert "".join("".join(words_of(piece.text)) for piece in found) == "Словозасловом." * 6_000 + "конец"
    smallest = found[-1]
    while smallest.cut and (halves := smallest.cut(1)):
        smallest = min(halves, key=lambda half: len(half.text))
    assert len("".join(words_of(smallest.text))) <= 1


@pytest.mark.parametrize(
    ("value", "limit", "shown"),
    [("a  b\nc", 10, "a b c"), ("слово за словом", 10, "слово за…"), ("x" * 50, 10, "x" * 9 + "…"), ("", 5, "")],
)
def test_a_label_is_shortened_to_one_line(value: str, limit: int, shown: str) -> None:
    assert blocks.clipped(value, limit) == shown
