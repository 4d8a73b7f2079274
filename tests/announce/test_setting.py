"""Lines fill their box, in the largest size that fits; nothing is lost unless it is said."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.announce import setting
from heliograph.announce.setting import Block, Box, Measure, fitted

WIDE = "шщжюмЖШЩМ"
words = st.lists(st.text(alphabet="абвгдежзш" + WIDE + "1—,.", min_size=1, max_size=14), max_size=40).map(" ".join)


def sized(size: int) -> Measure:
    return lambda text: size * sum(0.9 if char in WIDE else 0.5 for char in text)


def end(text: str) -> str:
    return text.rstrip(" ,.—") + "…"


def fit(
    *paragraphs: str,
    width: float = 300,
    height: float = 200,
    even: bool = True,
    sizes: Sequence[int] = range(40, 9, -2),
) -> Block:
    return fitted(paragraphs, sized, Box(width=width, height=height, gap=0.5), sizes, end=end, even=even)


def plain(text: str) -> list[str]:
    return text.replace("\u00a0", " ").split()


@given(words, words, st.floats(40, 900), st.floats(0, 500), st.booleans())
def test_lines_stay_in_their_box_and_keep_every_word_or_say_so(
    one: str, two: str, width: float, height: float, even: bool
) -> None:
    block = fit(one, two, width=width, height=height, even=even)
    assert block.height <= height
    assert all(sized(block.size)(line) <= width + 1e-6 for line in block.lines)
    assert len(block.lines) == len(block.offsets)
    whole = "".join(plain(f"{one} {two}"))
    shown = "".join(word for line in block.lines for word in plain(line))
    if block.whole:
        assert shown == whole
    elif block.lines:
        assert block.lines[-1].endswith("…")
        assert whole.startswith(shown.removesuffix("…"))


@given(words, st.floats(100, 900))
def test_a_larger_size_is_never_left_out_that_would_fit(text: str, width: float) -> None:
    block = fit(text, width=width)
    if not block.whole or block.size == 40:
        return
    larger = block.size + 2
    assert fit(text, width=width, sizes=(larger, 10)).size == 10


def test_lines_of_a_headline_are_about_equally_long() -> None:
    text = "собор закрыт город ждёт ответа третий день подряд снова"
    ragged = fit(text, width=420, even=False, sizes=range(30, 29, -1)).lines
    balanced = fit(text, width=420, sizes=range(30, 29, -1)).lines
    assert len(ragged) == len(balanced) == 3
    spread = [max(map(sized(30), lines)) - min(map(sized(30), lines)) for lines in (ragged, balanced)]
    assert spread[1] < spread[0] / 2


def test_a_short_word_stands_with_the_next_and_a_dash_with_the_one_before() -> None:
    lines = fit("Суд в Ялте — в третий раз — отложил дело и ушёл", width=170, sizes=range(20, 19, -1)).lines
    assert not any(line.endswith((" в", " и")) or line.startswith("—") for line in lines)
    assert "".join("".join(plain(line)) for line in lines) == "СудвЯлте—втретийраз—отложилделоиушёл"


def test_the_last_line_is_no_single_short_word() -> None:
    text = "Собор закрыт и город ждёт ответа уже год"
    for width in range(120, 460, 10):
        lines = fit(text, width=width, even=False, sizes=range(20, 19, -1)).lines
        assert lines[-1] != "год"


def test_a_headline_does_not_end_in_a_lonely_word(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "Суд в Симферополе оставил под стражей трёх обвиняемых по делу о диверсии на железной дороге; "
    text += "адвокаты говорят о пытках и о том, что к задержанным неделю не пускали врачей"

    def lonely() -> list[int]:
        ends = {width: fit(text, width=width, height=900, sizes=(30,)).lines for width in range(280, 700, 5)}
        return [width for width, lines in ends.items() if plain(lines[-1]) == ["врачей"]]

    assert lonely() == []
    monkeypatch.setattr(setting, "_WIDOW", 0)
    assert lonely() != []


def test_a_word_wider_than_the_box_is_broken_in_the_smallest_size_only() -> None:
    block = fit("короткие слова", "Ж" * 30, width=200, height=400)
    assert block.size == 10
    assert block.whole
    assert "".join(block.lines).count("Ж") == 30
    assert not any("-" in line for line in block.lines)


def test_a_box_without_room_holds_nothing() -> None:
    assert fit("слово", height=5) == Block(lines=(), offsets=(), size=10, whole=False)
    assert fit("", "  ").lines == ()
    assert fit("").whole


def test_paragraphs_have_a_gap_between_them() -> None:
    block = fit("один", "два", sizes=range(20, 19, -1))
    assert block.offsets == (0.0, 20 * (1.2 + 0.5))
