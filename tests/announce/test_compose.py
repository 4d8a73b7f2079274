"""What each kind of channel is given: whole within its limits, with the code and an address at the end."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.announce.stories import FACTS, KINDS, NOW, paragraph, rules, speaks, story

from heliograph.announce import compose
from heliograph.announce.prose import shown_text
from heliograph.announce.rules import Facts
from heliograph.announce.text import units
from heliograph.model import Run
from heliograph.model.code import shown
from heliograph.model.post import ChannelKind

SENTENCE = "Предложение о том, что случилось и кто об этом сказал. "


@pytest.mark.parametrize("kind", KINDS)
def test_a_short_story_is_whole_everywhere(kind: ChannelKind) -> None:
    ours = story("Работы идут.", "Их обещали закончить.")
    (draft,) = compose.story(ours, rules(kind), FACTS, speaks)
    text = shown_text(draft.message)
    for said in (ours.title, ours.lead, "Работы идут.", "Их обещали закончить.", shown(ours.code)):
        assert said in text, said
    assert f"\nhttps://still-water.example/a/{ours.code}.html" in text


@pytest.mark.parametrize("kind", KINDS)
@given(st.lists(st.text(max_size=3_000), max_size=12), st.text(max_size=900), st.text(max_size=1_500))
@settings(max_examples=40)
def test_no_story_is_longer_than_its_channel_takes(kind: ChannelKind, texts: list[str], title: str, lead: str) -> None:
    for parts in (1, 3):
        ours = rules(kind, parts=parts)
        made = compose.story(story(*texts, title=title or "т", lead=lead), ours, FACTS, speaks, label="breaking")
        assert 1 <= len(made) <= parts
        for draft in made:
            assert ours.traits.measure(shown_text(draft.message)) <= ours.traits.text


def test_a_long_story_takes_several_messages_of_telegram_and_says_where_it_goes_on() -> None:
    ours = story(*[SENTENCE * 12] * 16)
    four = compose.story(ours, rules(parts=4), FACTS, speaks)
    assert len(four) == 3
    assert "".join(one.core for one in four).count("Предложение") == 192
    two = compose.story(ours, rules(parts=2), FACTS, speaks)
    assert len(two) == 2
    assert "Читать дальше" in two[-1].message.text
    assert all(units(shown_text(one.message)) <= 4_096 for one in (*two, *four))
    assert two[0].core.rstrip("</b>i").endswith(".")  # at the end of a sentence


def test_with_a_card_the_first_message_fits_a_caption() -> None:
    made = compose.story(story(*[SENTENCE * 6] * 12), rules(pictures=True), FACTS, speaks)
    assert made[0].message.cards
    assert not any(one.message.cards for one in made[1:])
    assert units(shown_text(made[0].message)) <= 1_024


def test_a_new_address_is_no_reason_to_edit() -> None:
    other = Facts(title=FACTS.title, mirrors=("https://elsewhere-and-much-longer.example/x/",))
    for kind in KINDS:
        one, two = (compose.story(story(*[SENTENCE * 30] * 4), rules(kind), facts, speaks) for facts in (FACTS, other))
        assert [draft.digest for draft in one] == [draft.digest for draft in two]
        assert [draft.message for draft in one] != [draft.message for draft in two]


def test_without_a_mirror_a_post_has_its_code_alone() -> None:
    (draft,) = compose.story(story("Текст."), rules("viber"), Facts(title="П"), speaks)
    assert draft.message.text.endswith(f"Код статьи: {shown(story().code)}")
    assert draft.message.link == ""


def test_instagram_gets_pictures_of_a_story_that_its_caption_does_not_hold() -> None:
    (short,) = compose.story(story(SENTENCE * 20), rules("instagram", slides=4), FACTS, speaks)
    assert len(short.message.cards) == 1
    (draft,) = compose.story(story(*[SENTENCE * 6] * 8), rules("instagram", slides=4), FACTS, speaks)
    first, *further = draft.message.cards
    assert first.title == story().title
    assert first.label == "Город"
    assert 1 <= len(further) <= 3
    assert all(shown(story().code) in card.foot for card in draft.message.cards)
    assert further[-1].codes == (f"https://still-water.example/a/{story().code}.html",)


@pytest.mark.parametrize("kind", KINDS)
def test_the_day_has_ten_lines_and_by_mail_all_texts(kind: ChannelKind) -> None:
    told = [story("Текст номер.", title=f"Новость {n}", code=f"{n:07d}") for n in range(14)]
    draft = compose.day(told, NOW.date(), rules(kind), FACTS, speaks)
    text = shown_text(draft.message)
    assert text.count("• Новость") == 10
    assert text.count("Текст номер.") == (14 if kind == "mail" else 0)
    assert "22 ноября 2026" in text
    assert "https://still-water.example/" in text


@pytest.mark.parametrize("kind", KINDS)
def test_where_names_the_addresses_and_how_to_use_a_code(kind: ChannelKind) -> None:
    draft = compose.where(rules(kind), FACTS, speaks)
    text = shown_text(draft.message)
    assert all(url in text for url in FACTS.mirrors)
    assert "a/7k3vq2m.html" in text
    assert draft.message.pin
    fewer = compose.where(rules(kind), Facts(title=FACTS.title, mirrors=FACTS.mirrors[1:]), speaks)
    assert fewer.digest != draft.digest


def test_breaking_and_corrected_say_so() -> None:
    (breaking,) = compose.story(story("Т."), rules(), FACTS, speaks, label="breaking")
    assert breaking.message.text.startswith("<b>Срочно. Мост")
    (corrected,) = compose.story(story("Т."), rules("viber"), FACTS, speaks, label="correction")
    assert corrected.message.text.startswith("Исправление. Мост")


def test_a_posts_language_is_its_storys() -> None:
    for lang, said in (("uk", "Код статті"), ("en", "Code of this story"), ("crh", "kodu")):
        (draft,) = compose.story(story(paragraph(Run("x")), lang=lang), rules(), FACTS, speaks)
        assert said in draft.message.text, lang


def test_every_newsletter_says_how_it_is_ended() -> None:
    for draft in (
        *compose.story(story("Т."), rules("mail"), FACTS, speaks),
        compose.day([story("Т.")], NOW.date(), rules("mail"), FACTS, speaks),
    ):
        assert "ответьте словом «отписаться»" in draft.message.text
