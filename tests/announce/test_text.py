"""Text of strangers: what is taken out, how it is measured, and where it is cut."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.announce.text import Measure, clean, fit, octets, pack, split, units

ANYTHING = st.text(st.characters(codec=None), max_size=300)
WORDY = st.lists(
    st.sampled_from(["слово", "word", "Конец.", "Как?", "👨‍👩‍👧", "می‌شود", "a\u0301", "🇺🇦🇺🇦", "x" * 30]), max_size=60
).map(" ".join)
MEASURES = pytest.mark.parametrize("measure", [len, units, octets])


@pytest.mark.parametrize(
    ("given_", "stays"),
    [
        ("обычный  текст\t здесь", "обычный текст здесь"),
        ("a\u202eevil\u202c b", "aevil b"),  # turns the line around
        ("pay\u200bpal", "paypal"),
        ("\ufeffтекст\x00\x1b[31m", "текст[31m"),
        ("раз\r\nдва\u2028три", "раз\nдва\nтри"),
        ("много\n\n\n\nпустого", "много\n\nпустого"),
        ("е\u0308", "ё"),
        ("می\u200cشود", "می\u200cشود"),  # Persian needs its joiner
        ("👨\u200d👩\u200d👧", "👨\u200d👩\u200d👧"),
        ("a\u200d \u200db", "a b"),
        ("\ud83d oops", "oops"),
        ("\ue000\ue00f marks of ours", "marks of ours"),
        ("\U000e0041tag", "tag"),
    ],
)
def test_what_would_deceive_is_taken_out_and_what_scripts_need_stays(given_: str, stays: str) -> None:
    assert clean(given_) == stays


def test_marks_do_not_pile_up() -> None:
    piled = clean("z" + "\u0335\u0338\u0321" * 200 + "algo")
    assert len(piled) <= 4 + len("zalgo")


@given(ANYTHING)
def test_clean_text_is_safe_and_stays_as_it_is(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    once.encode()  # no half characters
    assert not [char for char in once if unicodedata.category(char) in ("Cc", "Cs", "Co") and char != "\n"]
    assert "\n" not in clean(text, lines=False)


@MEASURES
@given(text=WORDY, room=st.integers(0, 200))
def test_what_is_fitted_fits_and_is_the_beginning(measure: Measure, text: str, room: int) -> None:
    made = fit(text, room, measure)
    assert measure(made) <= room
    assert text.startswith(made.rstrip("…").rstrip())


@MEASURES
@given(text=WORDY, room=st.integers(1, 200))
def test_a_split_loses_nothing_but_spaces(measure: Measure, text: str, room: int) -> None:
    head, tail = split(text, room, measure)
    assert measure(head) <= room
    assert (head + tail).replace(" ", "") == text.replace(" ", "")


def test_a_cut_falls_at_the_end_of_a_sentence_else_of_a_word() -> None:
    assert fit("Первое. Второе тоже. Третье уже не войдёт.", 25) == "Первое. Второе тоже."
    assert fit("одно длинное предложение без конца", 20) == "одно длинное…"
    assert fit("«Так и сказал.» Потом ушёл далеко.", 20) == "«Так и сказал.»"
    assert fit("слово", 0) == ""


@pytest.mark.parametrize("emoji", ["👨‍👩‍👧", "🇺🇦", "👍🏽", "❤️", "e\u0301"])
def test_no_character_is_torn_at_the_cut(emoji: str) -> None:
    text = emoji * 40
    for room in range(12, 60):
        head, _ = split(text, room, units)
        assert head.replace(emoji, "") == "", room


def test_surrogate_pairs_count_twice() -> None:
    assert units("я") == 1
    assert units("😀") == 2
    assert units("a😀" * 3) == len(("a😀" * 3).encode("utf-16-le")) // 2


@given(st.lists(WORDY, max_size=12), st.lists(st.integers(20, 120), min_size=1, max_size=6))
def test_packing_keeps_order_and_rooms_and_says_whether_all_found_a_place(texts: list[str], rooms: list[int]) -> None:
    paragraphs = [clean(text) for text in texts]
    made, whole = pack(paragraphs, rooms, units)
    assert len(made) <= len(rooms)
    assert all(units(one) <= room for one, room in zip(made, rooms, strict=False))
    packed, given_ = ("".join("".join(texts_).split()) for texts_ in (made, paragraphs))
    assert given_.startswith(packed)
    assert whole == (packed == given_)
