"""Learning where a site keeps its articles, and reading them from there."""

from __future__ import annotations

import json
import logging
import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.capture import template, tree
from heliograph.capture.template import Applied, Templates, Variant
from heliograph.model import Answer, Figure, Quote
from heliograph.model.story import block_texts

WORDS = (
    "мост пролив паром дорога город порт шторм берег строители жители автобус школа музей урожай ветер вода станция "
    "площадь рынок суд решение проект работы весна осень утро суббота причал рейс расписание билеты совет"
)


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)


class Piece:
    """One invented article, the same for the same number."""

    def __init__(self, number: int, paragraphs: int = 6) -> None:
        rng = random.Random(number)
        self.number = number
        self.title = f"{self._sentence(rng)[:-1]} {number}"
        self.lead = self._sentence(rng, 16)
        self.paragraphs = [" ".join(self._sentence(rng, 12) for _ in range(4)) for _ in range(paragraphs)]
        self.others = [self._sentence(rng, 7)[:-1] for _ in range(8)]

    def _sentence(self, rng: random.Random, length: int = 6) -> str:
        words = rng.choices(WORDS.split(), k=length)
        return " ".join(words).capitalize() + "."


def cards(piece: Piece) -> str:
    return "".join(
        f'<div class="card"><a href="/ru/2026/{number}.html"><img src="/t{number}.jpg"><h3>{title}</h3></a></div>'
        for number, title in enumerate(piece.others)
    )


def body_of(piece: Piece) -> str:
    parts = [f"<p>{text}</p>" for text in piece.paragraphs]
    parts.insert(
        2, f'<aside class="inset"><b>Читайте также:</b> <a href="/x{piece.number}">{piece.others[0]}</a></aside>'
    )
    parts.insert(4, f'<div class="ad-slot"><span>Реклама</span><a href="/ad{piece.number}">{piece.others[1]}</a></div>')
    parts.insert(5, f'<p class="more">Ещё по теме: <a href="/y{piece.number}">{piece.others[2]}</a></p>')
    parts.insert(
        6, f'<figure class="photo"><img src="/p{piece.number}.jpg"><figcaption>{piece.others[3]}</figcaption></figure>'
    )
    parts.insert(7, f"<blockquote><p>{piece.lead[:40]} {piece.number}</p></blockquote>")
    share = "<a href='https://a.example/s'>Поделиться</a><a href='https://b.example/s'>Отправить</a>"
    return "".join(parts) + f'<div class="share">{share}</div>'


def page(piece: Piece, layout: str = "a", *, declared: bool = True, body: str | None = None) -> str:
    """A page of the site in one of its two layouts."""
    inner = body_of(piece) if body is None else body
    head = (
        f'<meta property="og:title" content="{piece.title}"><meta name="description" content="{piece.lead}">'
        f'<meta property="article:published_time" content="2026-11-{piece.number % 27 + 1:02}T09:30:00+02:00">'
        f'<meta name="author" content="Анна Берег-{piece.number}"><meta property="article:section" content="Общество">'
        '<meta property="og:image" content="/share-card-2026.jpg">'
    )
    meta = (
        f'<div class="meta"><span class="byline">Анна Берег-{piece.number}</span> '
        f'<span class="date">{piece.number % 27 + 1} ноября 2026, 09:30</span> '
        f'<a class="rubric" href="/ru/">{"Общество" if piece.number % 2 else "Город"}</a></div>'
    )
    if layout == "a":
        main = (
            f'<article class="story"><h1 class="story__title">{piece.title}</h1>{meta}'
            f'<p class="story__lead">{piece.lead}</p>'
            f'<div class="story__text" id="text-{piece.number}">{inner}</div></article>'
        )
    else:
        main = (
            f'<div class="wide"><h1>{piece.title}</h1><div class="intro">{piece.lead}</div>{meta}'
            f'<div class="wide__inner x{piece.number}"><div>{inner}</div></div></div>'
        )
    nav = "".join(f'<li><a href="/ru/{name}/">{name}</a></li>' for name in WORDS.split()[:8])
    return (
        f"<html lang=ru><head><title>{piece.title} — Полуостров</title>{head if declared else ''}</head><body>"
        f"<header><ul>{nav}</ul></header><main>{main}</main><section class=more-news>{cards(piece)}</section>"
        "<footer><p>Все права защищены. Перепечатка только со ссылкой на источник, присылайте новости в редакцию.</p>"
        "</footer></body></html>"
    )


def answer(piece: Piece, layout: str = "a", *, declared: bool = True) -> Answer:
    url = f"https://news.example/ru/2026/{piece.number}.html"
    return Answer(url=url, status=200, body=page(piece, layout, declared=declared).encode(), media_type="text/html")


def applied(templates: Templates, html: str) -> Applied | None:
    return template.apply(templates, tree.parse(html.encode()), "https://news.example/ru/x.html", "Europe/Kyiv")


@pytest.fixture(scope="module")
def learnt() -> Templates:
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)
    found = template.learn([answer(Piece(number), "a" if number % 3 else "b") for number in range(12)])
    assert found is not None
    return found


# ---------------------------------------------------------------- learning


def test_each_layout_of_the_site_is_learnt(learnt: Templates) -> None:
    assert [variant.body for variant in learnt.variants] == ["div.story__text", "div.wide__inner > div"]


@pytest.mark.parametrize("layout", ["a", "b"])
def test_the_learnt_place_gives_the_whole_text_and_nothing_else(learnt: Templates, layout: str) -> None:
    piece = Piece(500)
    found = applied(learnt, page(piece, layout))
    assert found is not None
    assert list(block_texts(tuple(block for block in found.blocks if not isinstance(block, Quote)))) == piece.paragraphs
    assert [type(block) for block in found.blocks if isinstance(block, Figure | Quote)] == [Figure, Quote]
    assert (found.title, found.lead) == (piece.title, piece.lead)


def test_what_the_site_shares_is_no_storys(learnt: Templates) -> None:
    assert learnt.heroes == ("share-card-2026.jpg",)
    assert learnt.leads == ()


def test_fields_are_learnt_where_the_site_does_not_declare_them() -> None:
    found = template.learn([answer(Piece(number), declared=False) for number in range(8)])
    assert found is not None
    (variant,) = found.variants
    assert (variant.date, variant.author, variant.section) == ("span.date", "span.byline", "a.rubric")
    one = applied(found, page(Piece(700), declared=False))
    assert one is not None
    assert one.bylines == ("Анна Берег-700",)
    assert one.published == datetime(2026, 11, 26, 7, 30, tzinfo=UTC)
    assert one.section in ("Общество", "Город")


def test_fields_that_are_declared_need_no_place(learnt: Templates) -> None:
    assert {(variant.date, variant.author, variant.section) for variant in learnt.variants} == {("", "", "")}


def test_a_body_in_two_parts_is_read_whole() -> None:
    def halves(piece: Piece) -> str:
        parts = [f"<p>{text}</p>" for text in piece.paragraphs]
        banner = "</div><div class=banner-place><span>Реклама</span></div><div class=story__text>"
        return "".join(parts[:3]) + banner + "".join(parts[3:])

    def made(piece: Piece) -> Answer:
        html = page(piece, body=halves(piece)).replace(f' id="text-{piece.number}"', "")
        return replace(answer(piece), body=html.encode())

    found = template.learn([made(Piece(number)) for number in range(6)])
    assert found is not None
    one = applied(found, made(Piece(41)).body.decode())
    assert one is not None
    assert list(block_texts(one.blocks)) == Piece(41).paragraphs


def test_pages_of_nothing_in_common_teach_nothing() -> None:
    def odd(number: int) -> Answer:
        piece = Piece(number)
        html = "".join(f"<p>{text}</p>" for text in piece.paragraphs)
        for depth in range(number):
            html = f"<div class=c{number}x{depth}><p>{piece.others[0]}</p>{html}</div>"
        return Answer(url=f"https://n{number}.example/", status=200, body=f"<body class=b{number}>{html}".encode())

    assert template.learn([odd(number) for number in range(4, 9)]) is None


def test_unusable_pages_teach_nothing() -> None:
    url = "https://news.example/ru/1.html"
    useless = [
        Answer(url=url, status=500, body=page(Piece(1)).encode()),
        Answer(url=url, status=200),
        Answer(url=url, status=200, body=b"\x00\xff" * 1_000),
        Answer(url=url, status=200, body=b"<div>" * 100_000),
        Answer(url=url, status=200, body=page(Piece(1, paragraphs=0), body="<p>Коротко.</p>").encode()),
    ]
    assert template.learn(useless) is None
    assert template.learn([]) is None
    assert template.learn([answer(Piece(1))]) is None


def test_a_few_broken_pages_do_not_spoil_the_lesson(learnt: Templates) -> None:
    url = "https://news.example/ru/0.html"
    broken = [Answer(url=url, status=200, body=b"<html><body><p>404"), Answer(url=url, status=404, body=b"x")]
    found = template.learn([*broken, *(answer(Piece(number)) for number in range(8))])
    assert found is not None
    assert found.variants[0].body == learnt.variants[0].body


def test_pages_in_an_old_charset_are_learnt_from() -> None:
    pages = [
        replace(one, body=one.body.decode().encode("cp1251"), charset="utf-8")
        for one in map(answer, map(Piece, range(6)))
    ]
    found = template.learn(pages)
    assert found is not None
    assert found.variants[0].body == "div.story__text"


# ---------------------------------------------------------------- the check of one page

PLACE = Templates(variants=(Variant(body="div.text", title="h1", outside=200),))
PROSE = "<p>" + "Слова стоят одно за другим и складываются в длинное предложение. " * 3 + "</p>"


def test_a_page_of_another_layout_is_not_for_the_template() -> None:
    assert applied(PLACE, f"<article>{PROSE}</article>") is None


def test_an_empty_place_is_not_the_right_one() -> None:
    assert applied(PLACE, f"<div class=text></div><div>{PROSE}</div>") is None


def test_a_place_of_links_is_not_the_right_one() -> None:
    links = "".join(f"<p><a href=/{number}>Заголовок другой новости {number}</a></p>" for number in range(20))
    assert applied(PLACE, f"<h1>x</h1><div class=text>{links}</div>") is None


def test_a_short_place_with_the_text_beside_it_is_not_the_right_one() -> None:
    assert applied(PLACE, f"<h1>x</h1><div class=text><p>Анонс.</p></div><div>{PROSE * 5}</div>") is None


def test_a_short_story_is_a_story() -> None:
    found = applied(PLACE, "<h1>x</h1><div class=text><p>.</p></div><footer><p>Все права защищены.</p></footer>")
    assert found is not None
    assert list(block_texts(found.blocks)) == ["."]


def test_a_long_story_needs_no_look_at_the_rest() -> None:
    assert applied(PLACE, f"<h1>x</h1><div class=text>{PROSE * 5}</div><div>{PROSE * 50}</div>") is not None


# ---------------------------------------------------------------- JSON


def test_templates_come_back_from_json(learnt: Templates) -> None:
    assert Templates.from_json(learnt.to_json()) == learnt


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 0}, {"schema": "1"}, {"variants": []}, {"variants": [{}]}, {"variants": "x"}, {"heroes": 5},
        {"leads": [1]}, {"variants": [{"body": ""}]}, {"body": "x{}"}, {"body": "p, *"}, {"body": ":not(p)"},
        {"body": "a" * 400}, {"body": ""},
        {"noise": [1]}, {"noise": ["p"] * 99}, {"noise": ["<p>"]}, {"outside": -1}, {"outside": True}, {"title": None},
        {"extra": 1}, {"many": "yes"}, {"body": "p >"}, {"body": " p"},
    ],
)  # fmt: skip
def test_damaged_or_hostile_json_gives_nothing(learnt: Templates, change: dict[str, object]) -> None:
    value = json.loads(learnt.to_json())
    for key, new in change.items():
        if key in value:
            value[key] = new
        else:
            value["variants"][0][key] = new
    assert Templates.from_json(json.dumps(value)) is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, "x" * 300_000, '{"schema": 1}'])
def test_what_is_no_template_gives_nothing(text: str) -> None:
    assert Templates.from_json(text) is None


@given(st.text(max_size=200))
@settings(max_examples=50)
def test_any_text_is_templates_or_none(text: str) -> None:
    assert Templates.from_json(text) is None


@given(st.text(alphabet="pdiv.#>[]=\"'-_ aA1:*,()", min_size=1, max_size=30))
@settings(max_examples=200)
def test_a_selector_within_the_grammar_is_one_for_the_parser(selector: str) -> None:
    if template.is_selector(selector):
        tree.parse(b"<p>").css(selector)


@given(st.text(max_size=400))
@settings(max_examples=100)
def test_any_page_is_checked(html: str) -> None:
    applied(PLACE, f"<div class=text>{html}")
