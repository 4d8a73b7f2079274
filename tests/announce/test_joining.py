"""Letters joined and ordered by us, held against FriBidi and HarfBuzz: the same picture, pixel for pixel."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageDraw, ImageFont, features
from tests.announce.fonts import PLAIN, plain

from heliograph.announce.joining import is_plain, visual

AS_IT_STANDS = ["-kern", "-liga", "-dlig", "-calt"]
LETTERS = "ابپتجچدرزژسشکگلمنهویئؤة" + "‌" + "abcXYZ жй" + "12۳۴" + "  .,:،؛؟!-+%/٬"


@pytest.fixture(scope="module")
def engine() -> ImageFont.FreeTypeFont:
    if not features.check("raqm"):
        pytest.skip("this Pillow has no libraqm to compare with")
    return ImageFont.truetype(BytesIO(PLAIN), 24, layout_engine=ImageFont.Layout.RAQM)


def drawn(font: ImageFont.FreeTypeFont, text: str, way: str) -> bytes:
    made = Image.new("L", (1_400, 50), 255)
    ImageDraw.Draw(made).text((10, 36), text, 0, font, "ls", direction=way, features=AS_IT_STANDS)
    return made.tobytes()


@pytest.mark.parametrize("rtl", [True, False])
@given(text=st.text(alphabet=LETTERS, min_size=1, max_size=40))
@example(text="abc سلام def 12 کد")
@example(text="لا الله ژاله پنجره چگونه می‌گویند")
@example(text="۱۲٬۳۴۵ و 12,345 -5% 12:30")
@settings(max_examples=150)
def test_a_line_looks_as_the_real_engines_draw_it(engine: ImageFont.FreeTypeFont, rtl: bool, text: str) -> None:
    ours = visual(text.strip(), rtl=rtl, has=plain().chars.__contains__)
    theirs = drawn(engine, text.strip(), "rtl" if rtl else "ltr")
    assert drawn(engine, f"\u202d{ours}\u202c", "ltr") == theirs


@pytest.mark.parametrize("text", ["سه متهم (ساعت 12:30، Radio)", "(abc) ب", "«سلام» [دو]"])
def test_brackets_look_the_right_way_in_a_line_from_right_to_left(engine: ImageFont.FreeTypeFont, text: str) -> None:
    ours = visual(text, rtl=True, has=plain().chars.__contains__)
    assert drawn(engine, f"\u202d{ours}\u202c", "ltr") == drawn(engine, text, "rtl")


def test_a_form_that_the_font_lacks_stays_the_bare_letter() -> None:
    assert visual("سلام", rtl=True, has=lambda _: False) == "مالس"
    assert visual("سلام", rtl=True, has=lambda char: char not in "ﻻﻼ") == "ﻡﺎﻠﺳ"
    assert visual("بلآ ل", rtl=True, has=lambda _: True) == "ﻝ ﻶﺑ"
    assert visual("هٔ", rtl=True, has=lambda _: False) == "ه"


def test_text_from_left_to_right_is_left_as_it_is() -> None:
    assert is_plain("Мост (открыт) за\u0301мок 12:30")
    assert visual("Мост (открыт) за\u0301мок", rtl=False, has=lambda _: True) == "Мост (открыт) за\u0301мок"


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=200), st.booleans())
def test_any_text_gets_some_order(text: str, rtl: bool) -> None:
    assert isinstance(visual(text, rtl=rtl, has=plain().chars.__contains__), str)
