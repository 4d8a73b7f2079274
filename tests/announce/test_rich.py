"""A story as one rich message: whole in its form, within the limits of the strict emulator, its tags in order."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.announce.stories import FACTS, paragraph, rules, speaks, story

from heliograph.announce import compose
from heliograph.announce.prose import shown_text
from heliograph.announce.rules import Facts
from heliograph.lab.channels.telegram import Telegram
from heliograph.lab.channels.telegram.richly import rich_of
from heliograph.model import Block, Run
from heliograph.model.code import shown
from heliograph.model.story import Embed, Heading, Listing, Quote, Rule, Table

LAB = Telegram(lambda: 0.0)
SENTENCE = "Предложение о том, что случилось и кто об этом сказал. "


def drafted(*blocks: Block | str, **more: object) -> compose.Draft:
    (draft,) = compose.story(story(*blocks, **more), rules(rich=True), FACTS, speaks)
    assert draft.message.html
    assert draft.message.rich
    return draft


def runs(text: str) -> tuple[Run, ...]:
    return (Run(text),)


def test_each_block_keeps_its_form() -> None:
    draft = drafted(
        "Работы идут.",
        Heading(level=2, runs=runs("Что дальше")),
        Listing(ordered=True, items=(runs("Осмотр"), runs("Ремонт"))),
        Quote(runs=runs("Успеем"), source="Инженер"),
        Table(rows=((runs("день"), runs("полос")), (runs("1"), runs("2")))),
        Rule(),
        Embed(href="https://video.example/1", title="Видео"),
        paragraph(Run("Жирно", mark="b"), Run(" и <b>прямо</b>")),
    )
    text = draft.message.text
    for part in (
        "<h2>Мост закрыли на ремонт</h2>",
        "<p><b>Объезд займёт час.</b></p>",
        "<h3>Что дальше</h3>",
        "<ol><li>Осмотр</li>\n<li>Ремонт</li></ol>",
        "<blockquote>Успеем</blockquote>\n<p>— Инженер</p>",
        "<table><tr><td>день</td><td>полос</td></tr>\n<tr><td>1</td><td>2</td></tr></table>",
        "<hr/>",
        '<p><a href="https://video.example/1">Видео</a></p>',
        "<p><b>Жирно</b> и &lt;b&gt;прямо&lt;/b&gt;</p>",
    ):
        assert part in text
    ours = story()
    assert text.endswith(
        f'{shown(ours.code)}</p>\n<p><a href="https://still-water.example/a/{ours.code}.html">'
        f"https://still-water.example/a/{ours.code}.html</a></p>"
    )
    seen = rich_of(LAB, {"html": text}).text
    assert seen == shown_text(draft.message)
    assert "1 · 2" in seen
    assert "Читать дальше" not in seen


def test_the_lead_is_told_once() -> None:
    seen = shown_text(drafted("Объезд займёт час.", "Дальше.").message)
    assert seen.count("Объезд займёт час.") == 1
    assert "Дальше." in seen


def test_a_story_that_is_too_long_ends_with_a_sentence_and_says_where_it_goes_on() -> None:
    draft = drafted(*[SENTENCE * 20] * 40)
    seen = rich_of(LAB, {"html": draft.message.text}).text
    assert len(seen) > 31_000  # of 32,768, as much as a sentence lets it
    *_, last, more, _, _ = seen.split("\n")
    assert last.endswith(".")
    assert more == "Читать дальше ↓"


@pytest.mark.parametrize("block", [Listing(ordered=False, items=(runs("пункт"),) * 700), Rule()])
def test_there_are_at_most_500_blocks_and_what_is_begun_is_closed(block: Block) -> None:
    draft = drafted(*([block] * 700 if isinstance(block, Rule) else [block]), "Конец.")
    seen = rich_of(LAB, {"html": draft.message.text}).text
    assert "Читать дальше" in seen
    assert draft.message.text.count("<li>") + draft.message.text.count("<hr/>") > 480


def test_a_table_of_more_than_20_columns_is_lines() -> None:
    wide = Table(rows=(tuple(runs(str(number)) for number in range(21)),))
    assert "<p>0 · 1 · 2" in drafted(wide).message.text
    assert "<table>" in drafted(Table(rows=(tuple(runs(str(number)) for number in range(20)),))).message.text


texts = st.text(max_size=2_000)
blocks = st.one_of(
    st.builds(lambda text, mark, href: paragraph(Run(text, mark=mark, href=href)), texts,
              st.sampled_from(["", "b", "i", "bi", "code"]),
              st.sampled_from(["", "https://x.example/?a=1&b=<2>", "javascript:x"])),
    st.builds(lambda text: Heading(level=4, runs=runs(text)), texts),
    st.builds(lambda items: Listing(ordered=True, items=tuple(map(runs, items))), st.lists(texts, max_size=30)),
    st.builds(lambda text, source: Quote(runs=runs(text), source=source), texts, texts),
    st.builds(lambda rows: Table(rows=tuple(tuple(map(runs, row)) for row in rows)),
              st.lists(st.lists(st.text(max_size=40), max_size=25), max_size=20)),
    st.just(Rule()),
)  # fmt: skip


@given(st.lists(blocks, max_size=30), texts, texts)
@settings(max_examples=150)
def test_whatever_strangers_write_the_strict_emulator_takes_it(found: list[Block], title: str, lead: str) -> None:
    draft = drafted(*found, title=title or "т", lead=lead)
    assert rich_of(LAB, {"html": draft.message.text}).text.split() == shown_text(draft.message).split()


def test_a_long_lead_is_told_once_and_whole() -> None:
    lead = " ".join(SENTENCE.strip() for _ in range(30))
    seen = shown_text(drafted(lead, "Дальше.", lead=lead).message)
    assert seen.count("Предложение") == 30


def test_marks_go_on_after_a_line_break() -> None:
    text = drafted(paragraph(Run("раз\nдва\nтри", mark="b", href="https://x.example/"), Run(" конец"))).message.text
    for line in ("раз", "два", "три"):
        assert f'<a href="https://x.example/"><b>{line}</b></a>' in text
    assert "</a> конец</p>" in text


def test_a_new_address_changes_nothing_that_matters() -> None:
    ours = story(*[SENTENCE * 9] * 90)
    there = [Facts(title="П"), FACTS, Facts(title="П", mirrors=(f"https://{'long-' * 12}name.example/",))]
    made = [compose.story(ours, rules(rich=True), facts, speaks)[0] for facts in there]
    assert len({draft.digest for draft in made}) == 1
    assert all(rich_of(LAB, {"html": draft.message.text}) for draft in made)
