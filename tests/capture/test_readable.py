"""Reading a page without a template."""

from __future__ import annotations

import logging

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.capture import readable, tree
from heliograph.capture.readable import Reading
from heliograph.model import Quote
from heliograph.model.story import block_texts

URL = "https://news.example/ru/most.html"
SENTENCES = [
    "Мост через пролив открыли для пешеходов в субботу утром, и город вышел на набережную.",
    "Строители обещают закончить дорогу к весне, если не помешают осенние штормы и задержки бетона.",
    "Паром пока ходит по прежнему расписанию, а билеты по-прежнему продают только на причале.",
    "Совет города решил не поднимать плату за проезд до тех пор, пока не откроют вторую полосу.",
]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)


def page(paragraphs: list[str], *, extra: str = "") -> str:
    body = "".join(f"<p>{text}</p>" for text in paragraphs)
    menu = "".join(f"<li><a href=/{number}>Раздел {number}</a></li>" for number in range(12))
    cards = "".join(
        f"<div class=card><a href=/c{number}><h3>Другая новость {number}</h3></a></div>" for number in range(8)
    )
    return (
        f"<html lang=ru><head><title>Мост открыли</title></head><body><nav><ul>{menu}</ul></nav><article>"
        f"<h1>Мост открыли</h1><div class=text>{body}{extra}</div></article><aside class=sidebar>{cards}</aside>"
        "<footer>© Полуостров</footer>"
    )


def read(html: str, claimed: str = "") -> Reading | None:
    source = html.encode()
    return readable.read(tree.parse(source), source, URL, claimed)


PARAGRAPHS = [" ".join(SENTENCES[at:] + SENTENCES[:at]) for at in range(4)]


def test_the_article_is_told_from_what_is_around_it() -> None:
    found = read(page(PARAGRAPHS))
    assert found is not None
    assert found.method == "trafilatura"
    assert [text for text in block_texts(found.blocks) if text != "Мост открыли"] == PARAGRAPHS


def test_quotations_survive() -> None:
    found = read(
        page(PARAGRAPHS, extra="<blockquote><p>«Мы ждали этого дня», — сказал мэр.</p></blockquote><p>" + PARAGRAPHS[0])
    )
    assert found is not None
    assert any(isinstance(block, Quote) for block in found.blocks)


def test_json_ld_is_believed_where_the_page_shows_something_else() -> None:
    claimed = "\n".join(" ".join([SENTENCES[at]] * 5) for at in range(4))
    found = read("<html><body><div id=app></div><p>Включите сценарии, чтобы читать этот сайт.</p>", claimed)
    assert found is not None
    assert found.method == "json-ld"
    assert list(block_texts(found.blocks)) == claimed.splitlines()


def test_a_short_or_cut_json_ld_is_not_believed() -> None:
    for claimed in ("Мост открыли.", " ".join(SENTENCES * 5) + "…"):
        found = read(page(PARAGRAPHS), claimed)
        assert found is not None
        assert found.method == "trafilatura"


def test_html_in_json_ld_is_markup() -> None:
    found = readable.claimed_blocks("&lt;p&gt;Раз &lt;b&gt;два&lt;/b&gt;&lt;/p&gt;&lt;p&gt;три&lt;/p&gt;", URL)
    assert list(block_texts(found)) == ["Раз два", "три"]
    assert readable.plain("&lt;p&gt;Раз&lt;/p&gt;&lt;script&gt;") == "Раз"
    assert list(block_texts(readable.claimed_blocks("Раз\n\nдва &amp; три", URL))) == ["Раз", "два & три"]


@pytest.mark.parametrize("mark", ["<article>{}</article>", "<main>{}</main>", '<div itemprop="articleBody">{}</div>'])
def test_a_page_of_few_words_is_read_where_it_marks_its_article(mark: str) -> None:
    found = read(f"<body><ul><li><a href=/>Меню</a></ul>{mark.format('<p>Да.</p>')}")
    assert found is not None
    assert "Да." in list(block_texts(found.blocks))


@pytest.mark.parametrize("html", ["", "<html>", "<body><nav><a href=/>x</a></nav>", "\x00" * 50, "<div>" * 50_000])
def test_a_page_without_an_article_gives_none(html: str) -> None:
    assert read(html) is None


@pytest.mark.parametrize(
    "html",
    [
        page(PARAGRAPHS * 1_000),
        page(PARAGRAPHS, extra="<ul>" + "<li>x" * 2_500 + "</ul>"),
        page(PARAGRAPHS, extra="<i></i>" * 25_000),
    ],
    ids=["bytes", "items", "tags"],
)
def test_a_page_too_large_for_trafilatura_is_read_by_its_prose(html: str) -> None:
    source = html.encode()
    assert readable.told(source) == ("", "")
    found = read(html)
    assert found is not None
    assert PARAGRAPHS[0] in list(block_texts(found.blocks))


def test_what_trafilatura_raises_is_no_ones_trouble(monkeypatch: pytest.MonkeyPatch) -> None:
    import trafilatura

    def broken(*_: object, **__: object) -> str:
        raise RuntimeError("broken")

    monkeypatch.setattr(trafilatura, "extract", broken)
    found = read(page(PARAGRAPHS))
    assert found is not None
    assert found.method == ""
    assert PARAGRAPHS[0] in list(block_texts(found.blocks))


@given(st.text(max_size=300), st.text(max_size=100))
@settings(max_examples=25)
def test_any_page_is_survived(html: str, claimed: str) -> None:
    read(html, claimed)
