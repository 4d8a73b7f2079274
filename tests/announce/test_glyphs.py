"""Text as a font can show it: nothing that hides, turns or floods is left, and nothing that would be an empty box."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.announce.fonts import PLAIN, plain

from heliograph.announce import glyphs
from heliograph.announce.glyphs import Face
from heliograph.model import ConfigError

anything = st.text(alphabet=st.characters(exclude_categories=()), max_size=300)


@given(anything, st.integers(min_value=1, max_value=200))
@example("\ud800\udc00 \x00\u202e\u2066abc", 20)
@example("a" + "\u0301" * 200, 50)
@example("\u200c\u200c\u200d\ufeff", 5)
def test_whatever_the_text_is_only_glyphs_of_the_font_are_left(text: str, most: int) -> None:
    found = glyphs.shown(text, plain(), most)
    assert len(found) <= most + 3
    assert set(found) <= plain().chars | {"\u200c"}
    assert all(unicodedata.category(char)[0] != "C" or char == "\u200c" for char in found)
    assert found == " ".join(found.split(" ")).strip()
    for place, char in enumerate(found):
        assert unicodedata.category(char) != "Mn" or found[:place].strip()


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Мост\u202e открыт\u202c", "Мост открыт"),
        ("Мост\u200b\ufeff\u2060 открыт", "Мост открыт"),
        ("Мост 🌉 открыт 👩‍👩‍👧 ☀️ 1️⃣", "Мост открыт 1"),
        ("Мост\x00\x1b[31m\tоткрыт\r\n", "Мост [31m открыт"),
        ("за\u0301мок, и\u0306од", "за\u0301мок, йод"),
        ("и" + "\u0301" * 900 + "!", "и\u0301\u0301!"),
        ("\u0301слово", "слово"),
        ("10\u202f000 ₽ — «да»", "10\u00a0000 ₽ — «да»"),
        ("می\u200cشود و \u200cabc\u200c", "می\u200cشود و abc"),
        ("𝐁𝐨𝐥𝐝 漢字 ﬁn", "Bold ﬁn"),
    ],
)
def test_what_is_left_of_a_text(text: str, left: str) -> None:
    assert glyphs.shown(text, plain(), 300) == left


@pytest.mark.parametrize(
    ("lacking", "text", "left"),
    [
        ("…—«»", "«Да» — нет…", '"Да" – нет...'),
        ("№₽", "№ 5, 100 ₽", "No 5, 100 руб."),
        ("é\u0301", "café", "cafe"),
        ("ﬁ", "ﬁn", "fin"),
        ("ґ", "ґанок", "анок"),
        ("\u00a0", "10\u00a0000", "10 000"),
    ],
)
def test_what_stands_for_a_character_that_the_font_lacks(lacking: str, text: str, left: str) -> None:
    poor = Face(b"", plain().chars - set(lacking))
    assert glyphs.shown(text, poor, 200) == left


def test_a_long_text_is_cut_at_the_end_of_a_word_and_only_its_beginning_is_read() -> None:
    assert glyphs.shown("один два, три четыре", plain(), 13) == "один два…"
    assert glyphs.shown("один два три", plain(), 12) == "один два три"
    assert glyphs.shown("слово" * 5_000_000, plain(), 10) == "словослов…"


@given(st.binary(max_size=2_000))
@settings(max_examples=50)
def test_bytes_that_are_no_font_are_refused_with_a_remedy(data: bytes) -> None:
    with pytest.raises(ConfigError) as caught:
        glyphs.face(data)
    assert "[announce] font" in caught.value.remedy


@given(st.integers(0, 4_000), st.binary(min_size=1, max_size=40))
@settings(max_examples=40)
def test_a_damaged_font_is_refused_or_read_but_never_a_traceback(place: int, junk: bytes) -> None:
    damaged = PLAIN[:place] + junk + PLAIN[place + len(junk) :]
    try:
        found = glyphs.face(damaged)
    except ConfigError:
        return
    assert found.chars


def test_a_font_of_unreasonable_size_is_refused() -> None:
    with pytest.raises(ConfigError, match="at most 32,000,000"):
        glyphs.face(bytes(glyphs.MAX_FONT + 1))
