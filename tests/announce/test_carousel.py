"""A long story in cards: nothing is lost before the end, pages hold what they can show, the last one leads on."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.announce.fonts import BOLD, PLAIN

from heliograph.announce import cards
from heliograph.announce.carousel import PAGE, carousel, of_story
from heliograph.model import Figure, Heading, Paragraph, Picture, Run, Story
from heliograph.model.post import Card

HEAD = Card(title="Мост открыт", label="Город", foot="Код статьи 7K3 VQ2M", lang="ru")
CODE, LINK = "7k3vq2m", "https://mirror.example/a/7k3vq2m.html"
SENTENCES = {
    "ru": "Жители широко обсуждают решение, о котором объявили ещё в ноябре, и ждут ответа министерства. ",
    "uk": "Мешканці жваво обговорюють рішення, про яке оголосили ще в листопаді, і чекають на відповідь. ",
    "en": "Residents who were warned in November wonder whether the ministry will answer them at all. ",
    "crh": "Sakinler noyabrde bildirilgen qararnı muzakere eteler ve nazirlikniñ cevabını bekleyler. ",
    "fa": "ساکنان دربارهٔ تصمیمی که در نوامبر اعلام شد گفت‌وگو می‌کنند و چشم‌به‌راه پاسخ وزارتخانه‌اند. ",
}
text = st.lists(st.lists(st.text("абвгд.!? ", min_size=1, max_size=60), max_size=30).map(" ".join), max_size=12)


def words_of(pages: list[str]) -> str:
    return re.sub(r"\s", "", "".join(pages))


@given(text, st.integers(2, 10))
def test_pages_keep_the_text_in_order_and_say_where_it_was_cut(paragraphs: list[str], most: int) -> None:
    made = carousel(HEAD, paragraphs, code=CODE, link=LINK, most=most)
    assert 2 <= len(made) <= most
    assert made[0] == HEAD
    pages = [one.text for one in made[1:-1]]
    assert all(0 < len(page) <= PAGE + 1 for page in pages)
    assert [one.label for one in made[1:]] == [f"{n} / {len(made)}" for n in range(2, len(made) + 1)]
    whole, shown = words_of(paragraphs), words_of(pages)
    if shown != whole:
        assert len(made) == most
        assert not pages or pages[-1].endswith("…")
        assert whole.startswith(shown.rstrip("…"))


def test_the_last_card_says_where_to_read_on() -> None:
    last = carousel(HEAD, ["Первый абзац."], code=CODE, link=LINK, most=4)[-1]
    assert last.title == "Статья целиком: код 7K3 VQ2M"
    assert "a/7k3vq2m.html" in last.text
    assert last.codes == (LINK,)
    assert carousel(HEAD, [], code=CODE, most=4)[-1].codes == ()


def test_one_card_is_the_headline_with_the_way_to_the_story() -> None:
    assert carousel(HEAD, ["Абзац."], code=CODE, most=1) == (HEAD,)
    assert carousel(HEAD, ["Абзац."], code=CODE, link=LINK, most=1)[0].codes == (LINK,)


def test_a_page_ends_with_a_sentence() -> None:
    pages = [one.text for one in carousel(HEAD, [SENTENCES["ru"] * 20], code=CODE)[1:-1]]
    assert len(pages) > 2
    assert all(page.endswith("министерства.") for page in pages)


@pytest.mark.parametrize("lang", SENTENCES)
def test_a_full_page_has_room_on_its_card_in_a_readable_size(lang: str) -> None:
    style = cards.Style(newsroom="Полуостров", accent="#a3202a", bold=BOLD, plain=PLAIN)
    story = Story(
        url="https://news.example.org/most",
        code=CODE,
        lang=lang,
        title=SENTENCES[lang],
        section="Город",
        blocks=(
            *(Paragraph(runs=(Run(SENTENCES[lang] * count),)) for count in (3, 1, 5, 9)),
            Heading(level=2, runs=(Run("Итоги"),)),
            Figure(picture=Picture(url="https://news.example.org/a.jpg")),
            *(Paragraph(runs=(Run(SENTENCES[lang] * 2),)) for _ in range(6)),
        ),
        published=datetime(2026, 11, 20, tzinfo=UTC),
        updated=datetime(2026, 11, 20, tzinfo=UTC),
    )
    made = of_story(story, link=LINK, most=10)
    assert made[0].title == story.title
    assert len(made) > 4
    for card in made[1:-1]:
        canvas = cards._Canvas(style, cards.TALL, lang)
        top = canvas.label(card.label, canvas.head(style.newsroom), 928)
        box = cards.Box(width=928, height=canvas.foot(card.foot) - top, leading=1.4, gap=0.5)
        block = canvas.fit(card.text.split("\n"), canvas.plain, box, range(42, 31, -1), even=False)
        assert block.whole
        assert block.size >= 34
