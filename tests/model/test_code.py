"""Story codes: the same for ever, and a wrong one is noticed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from heliograph.model.code import ALPHABET, LENGTH, BadCode, parse_code, shown, story_code

codes = st.text(st.characters(codec="utf-8"), max_size=40).map(lambda text: story_code(f"https://example.org/{text}"))


def test_a_code_never_changes() -> None:
    assert story_code("https://example.org/news/1") == "g2f5rn1"
    assert story_code("https://example.org/news/1", 1) != story_code("https://example.org/news/1")


@given(codes)
def test_a_code_has_seven_characters_of_the_alphabet_and_parses_to_itself(code: str) -> None:
    assert len(code) == LENGTH
    assert set(code) <= set(ALPHABET)
    assert parse_code(code) == code
    assert parse_code(shown(code)) == code


@given(codes, st.integers(0, LENGTH - 1), st.sampled_from(ALPHABET))
def test_any_one_wrong_character_is_noticed(code: str, place: int, char: str) -> None:
    wrong = code[:place] + char + code[place + 1 :]
    assert parse_code(wrong) == code if wrong == code else parse_code(wrong) == BadCode("check", wrong)


@given(codes, st.integers(0, LENGTH - 1), st.integers(0, LENGTH - 1))
def test_any_two_swapped_characters_are_noticed(code: str, one: int, other: int) -> None:
    chars = list(code)
    chars[one], chars[other] = chars[other], chars[one]
    wrong = "".join(chars)
    assert parse_code(wrong) == (code if wrong == code else BadCode("check", wrong))


def test_what_people_type_for_a_digit_or_a_letter_is_understood() -> None:
    code = story_code("https://example.org/look-alike")
    typed = code.translate(str.maketrans("01kmha", "OlКМНА"))
    assert parse_code(f" {typed[:3]}-{typed[3:]} ") == code


@given(st.text(max_size=60))
def test_any_text_is_a_code_or_says_why_not(text: str) -> None:
    parsed = parse_code(text)
    assert isinstance(parsed, BadCode) or parse_code(parsed) == parsed
