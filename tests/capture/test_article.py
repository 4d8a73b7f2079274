"""One article, from whatever a source gave of it."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.capture import article
from heliograph.capture.article import Reading, decode, fuller
from heliograph.capture.template import Templates, Variant
from heliograph.model import Answer, Embed, Figure, Heading, Listing, Paragraph, Picture, Quote, Run, Story, Table, Tip
from heliograph.model.story import block_texts

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
URL = "https://news.example/ru/2026/11/most-otkryli-100214.html"
TIP = Tip(url=URL)
PLACE = Templates(
    variants=(Variant(body="div.text", noise=("aside",), title="h1", lead="p.lead"),),
    heroes=("share.jpg",),
    leads=("новости полуострова",),
)
SENTENCES = [
    "Мост через пролив открыли для пешеходов в субботу утром, и город вышел на набережную.",
    "Строители обещают закончить дорогу к весне, если не помешают осенние штормы и задержки бетона.",
    "Паром пока ходит по прежнему расписанию, а билеты по-прежнему продают только на причале.",
    "Совет города решил не поднимать плату за проезд до тех пор, пока не откроют вторую полосу.",
]
PARAGRAPHS = [" ".join(SENTENCES[at:] + SENTENCES[:at]) for at in range(4)]


@pytest.fixture(autouse=True)
def _quiet() -> None:
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)


def read(tip: Tip = TIP, answer: Answer | None = None, templates: Templates | None = None) -> Reading:
    return article.read(tip, answer, templates, NOW, "Europe/Kyiv", "ru")


def story_of(tip: Tip = TIP, answer: Answer | None = None, templates: Templates | None = None) -> Story:
    found = read(tip, answer, templates).story
    assert found is not None
    return found


def answer(html: str | bytes, **changes: object) -> Answer:
    body = html.encode() if isinstance(html, str) else html
    return replace(Answer(url=URL, status=200, body=body, media_type="text/html"), **changes)  # type: ignore[arg-type]


def page(head: str = "", body: str = "", texts: list[str] = PARAGRAPHS) -> str:
    inner = "".join(f"<p>{text}</p>" for text in texts)
    return (
        f"<html lang=ru><head><title>Мост открыли</title>{head}</head><body><main><h1>Мост открыли</h1>"
        f"<p class=lead>Семь лет стройки.</p><figure><img src=/media/most.jpg><figcaption>Мост</figcaption></figure>"
        f"<div class=text>{inner}<aside><a href=/x>Читайте также</a></aside>{body}</div></main>"
        "<footer>© Полуостров</footer>"
    )


LD = {
    "@type": "NewsArticle",
    "headline": "Мост открыли",
    "datePublished": "2026-11-20T09:30:00+02:00",
    "author": {"name": "Анна Берег"},
    "articleSection": "Общество",
    "image": "/media/most.jpg",
}


def ld(**changes: object) -> str:
    return f'<script type="application/ld+json">{json.dumps({**LD, **changes}, ensure_ascii=False)}</script>'


# ---------------------------------------------------------------- what the source carries


def test_a_feeds_own_body_is_the_story() -> None:
    tip = Tip(
        url=URL,
        title="Мост открыли",
        lead="Семь лет стройки.",
        body=f"<p>{SENTENCES[0]} <a href='/x'>Подробно</a></p><img src='/m.jpg'>",
        body_kind="html",
        published=NOW - timedelta(hours=1),
        bylines=("Анна Берег",),
        section="Общество",
        tags=("мост",),
        lang="ru",
        picture="https://news.example/hero.jpg",
    )
    found = read(tip)
    assert found.method == "feed"
    assert found.problems == ()
    story = story_of(tip)
    assert (story.title, story.lead, story.bylines) == ("Мост открыли", "Семь лет стройки.", ("Анна Берег",))
    assert [type(block) for block in story.blocks] == [Figure, Paragraph, Figure]
    assert isinstance(story.blocks[1], Paragraph)
    assert story.blocks[1].runs[1] == Run("Подробно", href="https://news.example/x")


def test_markdown_has_tables_lists_and_no_html() -> None:
    text = (
        "# Мост открыли\n\nПервый **абзац** с [ссылкой](https://a.example/b)\nи второй строкой ~~зачёркнутое~~.\n\n"
        "- раз\n- два\n\n> Цитата\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n![Мост](file:///news/p.jpg)\n\n<script>alert(1)</script>\n\n"
        "[зло](javascript:alert(1))"
    )
    story = story_of(Tip(url="file:///most.md", title="Мост открыли", body=text, body_kind="markdown"))
    assert [type(block) for block in story.blocks] == [Paragraph, Listing, Quote, Table, Figure, Paragraph, Paragraph]
    assert next(block_texts(story.blocks)) == "Первый абзац с ссылкой и второй строкой ."
    assert story.pictures == (Picture(url="file:///news/p.jpg", alt="Мост"),)
    assert "<script>alert(1)</script>" in list(block_texts(story.blocks))
    assert not any("javascript" in str(block) for block in story.blocks)
    assert read(Tip(url="file:///a.md", body=text, body_kind="markdown")).method == "file"


def test_plain_text_has_paragraphs_between_blank_lines_or_lines() -> None:
    spaced = story_of(Tip(url="file:///a.txt", title="T", body="Раз\nи ещё\n\nДва\n \t\nТри", body_kind="text"))
    assert list(block_texts(spaced.blocks)) == ["Раз\nи ещё", "Два", "Три"]
    rows = story_of(Tip(url="file:///a.txt", title="T", body="Раз\nДва\n", body_kind="text"))
    assert list(block_texts(rows.blocks)) == ["Раз", "Два"]


def test_the_seed_article_keeps_every_line(shared: Path) -> None:
    text = (shared / "data" / "seed-article.txt").read_text(encoding="utf-8")
    story = story_of(Tip(url="file:///seed.txt", body=text, body_kind="text"))
    assert list(block_texts(story.blocks)) == [line.strip() for line in text.splitlines() if line.strip()]
    assert story.lang == "ru"
    assert text.startswith(story.title.rstrip("…"))


def test_an_html_file_of_the_operator_is_taken_whole() -> None:
    html = f"<title>Мост</title><h1>Мост открыли</h1><p>{SENTENCES[0]}</p><img src='file:///news/p.jpg'><p>Конец.</p>"
    found = read(Tip(url="file:///a.html", body=html, body_kind="page"))
    assert found.method == "file"
    assert found.story is not None
    assert found.story.url == "file:///a.html"
    assert found.story.title == "Мост открыли"
    assert list(block_texts(found.story.blocks)) == [SENTENCES[0], "Конец."]
    assert found.story.pictures == (Picture(url="file:///news/p.jpg"),)


def test_a_saved_page_in_a_folder_is_read_like_a_page() -> None:
    html = page().replace("<main>", "<nav><a href=/>Меню</a></nav><main>")
    story = story_of(Tip(url="file:///a.html", body=html, body_kind="page"))
    assert [text for text in block_texts(story.blocks) if len(text) > 30] == PARAGRAPHS


def test_a_tip_without_a_body_is_a_summary() -> None:
    story = story_of(Tip(url=URL, title="Мост открыли", lead="Семь лет стройки."))
    assert (story.blocks, story.lead) == ((), "Семь лет стройки.")


def test_a_tip_that_tells_nothing_is_no_story() -> None:
    found = read(TIP)
    assert found.story is None
    assert found.problems[0].where == URL


# ---------------------------------------------------------------- the page behind a tip


def test_the_learnt_place_is_read() -> None:
    found = read(TIP, answer(page(ld())), PLACE)
    assert (found.method, found.problems) == ("template", ())
    story = found.story
    assert story is not None
    assert (story.title, story.lead) == ("Мост открыли", "Семь лет стройки.")
    assert (story.bylines, story.section, story.lang) == (("Анна Берег",), "Общество", "ru")
    assert story.published == datetime(2026, 11, 20, 7, 30, tzinfo=UTC)
    assert list(block_texts(story.blocks)) == PARAGRAPHS
    hero = story.blocks[0]
    assert isinstance(hero, Figure)
    assert (hero.picture.url, hero.caption) == ("https://news.example/media/most.jpg", (Run("Мост"),))


def test_without_a_template_the_page_is_read_the_slow_way() -> None:
    found = read(TIP, answer(page(ld())))
    assert found.method == "trafilatura"
    assert found.story is not None
    assert [text for text in block_texts(found.story.blocks) if len(text) > 30] == PARAGRAPHS


def test_a_page_of_another_layout_falls_back() -> None:
    found = read(TIP, answer(page(ld()).replace("class=text", "class=other")), PLACE)
    assert found.method == "trafilatura"
    assert found.story is not None
    assert PARAGRAPHS[0] in list(block_texts(found.story.blocks))


def test_json_ld_with_clearly_more_text_overrules_the_learnt_place() -> None:
    html = page(ld(articleBody="\n".join(PARAGRAPHS)), texts=PARAGRAPHS[:1]).replace(
        "</main>", "</main><div id=app></div>"
    )
    found = read(TIP, answer(html), PLACE)
    assert found.method == "json-ld"
    assert found.story is not None
    assert list(block_texts(found.story.blocks)) == PARAGRAPHS


def test_json_ld_that_agrees_leaves_the_page_its_links_and_pictures() -> None:
    html = page(ld(articleBody="\n".join(PARAGRAPHS)), body='<p>См. <a href="/b">здесь</a>.</p><img src=/second.jpg>')
    found = read(TIP, answer(html), PLACE)
    assert found.method == "template"
    assert found.story is not None
    assert len(found.story.pictures) == 2


def test_what_stands_for_the_whole_site_is_not_the_storys() -> None:
    html = page(ld(image="/share.jpg", description="Новости Полуострова")).replace("class=lead", "class=x")
    story = story_of(TIP, answer(html), PLACE)
    assert (story.pictures, story.lead) == ((), "")


def test_the_canonical_address_is_the_storys_and_the_asked_one_an_alias() -> None:
    head = f'<link rel="canonical" href="{URL}">'
    story = story_of(Tip(url=URL + "?page=1"), answer(page(head), url=URL + "?page=1"), PLACE)
    assert (story.url, story.aliases) == (URL, (URL + "?page=1",))


def test_the_source_fills_what_the_page_does_not_say() -> None:
    tip = Tip(url=URL, bylines=("Отдел новостей",), section="Город", tags=("мост",), published=NOW - timedelta(hours=3),
              picture="https://news.example/tip.jpg")  # fmt: skip
    story = story_of(tip, answer(page()), PLACE)
    assert (story.bylines, story.section, story.tags) == (("Отдел новостей",), "Город", ("мост",))
    assert story.published == NOW - timedelta(hours=3)
    assert story.pictures[0].url == "https://news.example/tip.jpg"


def test_the_page_is_taken_over_a_shorter_body_and_not_over_a_whole_one() -> None:
    short = Tip(url=URL, title="Мост", body=f"<p>{SENTENCES[0]}</p>", body_kind="html")
    assert read(short, answer(page()), PLACE).method == "template"
    whole = replace(short, body="".join(f"<p>{text}</p>" for text in PARAGRAPHS))
    assert read(whole, answer(page()), PLACE).method == "feed"
    assert read(short, Answer(url=URL, status=503), PLACE).method == "feed"


def test_fuller_means_a_quarter_more() -> None:
    tip = story_of(Tip(url=URL, title="T", body="<p>" + "x" * 100, body_kind="html"))
    assert fuller(tip, story_of(Tip(url=URL, title="T", body="<p>" + "x" * 125, body_kind="html")))
    assert not fuller(tip, story_of(Tip(url=URL, title="T", body="<p>" + "x" * 120, body_kind="html")))


# ---------------------------------------------------------------- trouble


@pytest.mark.parametrize(
    ("trouble", "word"),
    [
        (Answer(url=URL, status=503), "503"),
        (Answer(url=URL, status=0, failure="connection reset"), "connection reset"),
        (Answer(url=URL, status=200), "empty"),
        (Answer(url=URL, status=200, body=b"%PDF", media_type="application/pdf"), "application/pdf"),
        (Answer(url=URL, status=200, body=b"x" * (article.MAX_PAGE + 1), media_type="text/html"), "limit"),
    ],
)
def test_an_answer_that_is_no_page_is_a_problem(trouble: Answer, word: str) -> None:
    found = read(TIP, trouble, PLACE)
    assert found.story is None
    assert word in found.problems[0].what
    assert found.problems[0].where == URL


def test_a_page_without_an_article_is_a_problem_or_what_the_source_said() -> None:
    empty = answer("<html><title>x</title><body><nav>меню</nav>")
    assert read(TIP, empty, PLACE).story is None
    found = read(Tip(url=URL, title="Видео: мост", lead="Смотрите."), empty, PLACE)
    assert found.story is not None
    assert found.problems


def test_a_page_of_a_million_nested_tags_is_a_problem_and_no_crash() -> None:
    found = read(TIP, answer(b"<title>x</title>" + b"<div>" * 1_000_000 + b"x"), PLACE)
    assert found.story is None
    assert found.problems


@pytest.mark.parametrize("codec", ["cp1251", "koi8-r", "utf-16"])
@pytest.mark.parametrize("declared", ["", "utf-8", "windows-1251"])
def test_a_page_in_another_charset_is_repaired(codec: str, declared: str) -> None:
    story = story_of(TIP, answer(page(ld()).encode(codec), charset=declared), PLACE)
    assert list(block_texts(story.blocks)) == PARAGRAPHS
    assert story.title == "Мост открыли"


def test_a_byte_order_mark_is_no_text() -> None:
    assert story_of(TIP, answer(b"\xef\xbb\xbf" + page().encode()), PLACE).title == "Мост открыли"


def test_a_future_date_is_reported_and_unknown() -> None:
    found = read(TIP, answer(page(ld(datePublished="2036-01-01T00:00:00Z"))), PLACE)
    assert found.story is not None
    assert found.story.dated is False
    assert "2036" in found.problems[0].what


@pytest.mark.parametrize("kind", ["page", "feed"])
def test_nothing_that_runs_reaches_a_story(kind: str) -> None:
    evil = (
        "<p onclick=alert(1) style='background:url(javascript:x)'>Текст <a href=' javascript:alert(1)'>раз</a>"
        "<a href='&#106;avascript:alert(2)'>два</a></p><script>alert(3)</script>"
        "<svg onload=alert(4)><script>alert(5)</script></svg><img src=x onerror=alert(6)>"
        "<iframe srcdoc='<script>alert(7)</script>'></iframe><style>@import url(//evil)</style>"
        "<object data=evil.swf></object><embed src='javascript:alert(8)'>"
        "<math><mtext><script>alert(9)</script></mtext></math><p>&lt;script&gt;alert(10)&lt;/script&gt;</p>"
    )
    tip = Tip(url=URL, title="T", body=evil, body_kind="html")
    story = story_of(TIP, answer(page(body=evil)), PLACE) if kind == "page" else story_of(tip)
    hrefs = [
        run.href for block in story.blocks if isinstance(block, Paragraph | Heading) for run in block.runs if run.href
    ]
    assert hrefs == []
    assert not any(isinstance(block, Embed) for block in story.blocks)
    texts = "\n".join(block_texts(story.blocks))
    assert "Текст раздва" in texts
    assert "<script>alert(10)</script>" in texts  # shown as text, as its author wrote it
    for number in range(1, 10):
        assert f"alert({number})" not in texts.replace("alert(10)", "")


def test_the_result_is_the_same_each_time() -> None:
    assert read(TIP, answer(page(ld())), PLACE) == read(TIP, answer(page(ld())), PLACE)


def test_charset_repair_is_here_for_the_sources_too() -> None:
    assert decode(Answer(url=URL, status=200, body="Мост".encode("cp1251") * 20, charset="utf-8")) == "Мост" * 20


@given(
    st.binary(max_size=400) | st.text(max_size=300).map(lambda text: page(body=text).encode("utf-8", "replace")),
    st.sampled_from([PLACE, None]),
)
@settings(max_examples=60)
def test_any_page_is_survived(body: bytes, templates: Templates | None) -> None:
    found = read(TIP, answer(body), templates)
    assert found.story is not None or found.problems


@given(st.text(max_size=300), st.sampled_from(["html", "markdown", "text", "page"]))
@settings(max_examples=150)
def test_any_body_is_survived(body: str, kind: str) -> None:
    found = read(Tip(url=URL, title="T", body=body, body_kind=kind))  # type: ignore[arg-type]
    assert found.story is not None
    assert found.method == ("feed" if kind == "html" else "file")
