"""Plain text made clean."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.capture.text import clip, collapse, first_sentence, fold, line, lines


def test_white_space_is_one_space_and_edges_keep_theirs() -> None:
    assert collapse(" Мост\n\t открыт  ") == " Мост открыт "
    assert line(" Мост\n\t открыт \u00a0") == "Мост открыт"


def test_a_no_break_space_is_typography() -> None:
    assert line("в\u00a020:00,\u00a0 сегодня") == "в\u00a020:00,\u00a0 сегодня"


@pytest.mark.parametrize(
    "hidden",
    [
        "\u200b",
        "\u202e",
        "\u2066",
        "\ufeff",
        "\u00ad",
        "\x00",
        "\x1b",
        "\u2060",
        "\U000e0041",
        "\u3164",
        "\u034f",
        "\u061c",
    ],
)
def test_what_cannot_be_seen_is_no_text(hidden: str) -> None:
    assert line(f"пере{hidden}вод {hidden} средств") in ("перевод средств", "перевод  средств".replace("  ", " "))


def test_joiners_stay_where_a_script_or_an_emoji_needs_them() -> None:
    assert line("می\u200cشود") == "می\u200cشود"
    assert line("👩\u200d🚒 при\u200cвет па\u200dпа") == "👩\u200d🚒 привет папа"


def test_a_clipped_text_ends_at_a_word_with_an_ellipsis() -> None:
    text = "Паром через пролив пойдёт по расписанию"
    assert clip(text, 100) == text
    assert clip(text, 20) == "Паром через пролив…"
    assert clip("Паром, через", 9) == "Паром…"
    assert clip("а" * 50, 10) == "а" * 9 + "…"


def test_a_first_sentence_is_not_cut_at_an_abbreviation_too_early() -> None:
    assert first_sentence("Паром отошёл от берега утром. Потом вернулся.") == "Паром отошёл от берега утром."
    assert first_sentence("В г. Н. открыли новый мост. Праздник.") == "В г. Н. открыли новый мост."
    assert first_sentence("Без точки") == "Без точки"


def test_folded_texts_compare_by_letters() -> None:
    assert fold("«Мост» — открыт!") == fold("МОСТ открыт")
    assert fold("ﬁne") == "fine"


def test_lines_are_those_with_text() -> None:
    assert lines(" a \n\n \u200b\n b\r\nc ") == ["a", "b", "c"]


@given(st.text(max_size=400))
def test_a_clean_line_stays_as_it_is(text: str) -> None:
    clean = line(text)
    assert line(clean) == clean
    assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in clean)
    assert "\u202e" not in clean
    assert "\n" not in clean


@given(st.text(max_size=300), st.integers(min_value=2, max_value=80))
def test_a_clipped_text_keeps_its_limit(text: str, limit: int) -> None:
    assert len(clip(text, limit)) <= limit
