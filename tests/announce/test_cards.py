"""Cards: of the right size and weight whatever they say, the same each time, and readable by people and phones."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO

import pytest
import zxingcpp
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, features
from tests.announce.fonts import BOLD, PLAIN

from heliograph.announce import cards
from heliograph.announce.cards import SHAPES, TALL, WIDE, Style
from heliograph.model import ConfigError
from heliograph.model.post import Card
from heliograph.model.words import words

STYLE = Style(newsroom="Полуостров", accent="#a3202a", bold=BOLD, plain=PLAIN)
CARD = Card(title="Мост через пролив открыт после ремонта", label="Город", foot="Код статьи 7K3 VQ2M", lang="ru")
LINKS = tuple(f"https://d3adb33f{n}.cloudfront.example/a/7k3vq2m.html" for n in range(3))
anything = st.text(alphabet=st.characters(exclude_categories=()), max_size=400)


def opened(data: bytes) -> Image.Image:
    picture = Image.open(BytesIO(data))
    assert picture.format == "JPEG"
    picture.load()
    return picture


def ink(picture: Image.Image, box: tuple[int, int, int, int]) -> tuple[int, int, int, int] | None:
    """Where something is drawn in a part of a card, in its own pixels."""
    part = picture.convert("L").crop(box)
    return part.point(lambda value: 255 if value < 200 else 0).getbbox()


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_card_has_its_size_and_weighs_no_more_than_its_channel_takes(shape: cards.Shape) -> None:
    data = cards.draw(replace(CARD, codes=LINKS), STYLE, shape)
    assert opened(data).size == (shape.width, shape.height)
    assert len(data) <= shape.most
    assert cards.draw(replace(CARD, codes=LINKS), STYLE, shape) == data


def test_sizes_are_within_what_channels_take() -> None:
    assert 4 / 5 <= TALL.width / TALL.height <= 1.91
    assert 320 <= TALL.width <= 1_440
    assert TALL.most < 8 * 1024 * 1024
    assert WIDE.most <= 1_000_000


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("lang", ["ru", "fa"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_phones_read_every_code_of_a_card(shape: cards.Shape, lang: str, count: int) -> None:
    data = cards.draw(replace(CARD, lang=lang, codes=LINKS[:count]), STYLE, shape)
    small = opened(data).resize((shape.width * 2 // 3, shape.height * 2 // 3))  # as a small screen shows it
    for picture in (opened(data), small):
        assert {found.text for found in zxingcpp.read_barcodes(picture)} == set(LINKS[:count])


def test_a_code_that_would_be_too_fine_is_left_out() -> None:
    fine = f"https://mirror.example/{'x' * 270}"
    assert cards.draw(replace(CARD, codes=(fine,) * 3), STYLE, WIDE) == cards.draw(CARD, STYLE, WIDE)
    read = zxingcpp.read_barcodes(opened(cards.draw(replace(CARD, codes=(fine,)), STYLE, TALL)))
    assert [found.text for found in read] == [fine]


@pytest.mark.parametrize(
    "noise",
    ["\u202e", "\u200b\ufeff", "\U000f0000", "😀", "\ud83d", "漢", "\x00", "\u0301" * 1_000],
    ids=["override", "zero width", "private", "emoji", "surrogate", "lacking", "nul", "marks"],
)
def test_no_empty_box_is_drawn_and_nothing_is_turned_or_hidden(noise: str) -> None:
    dirty = replace(CARD, title=noise + CARD.title + noise, foot=noise + CARD.foot, label=noise + CARD.label)
    if noise[0] == "\u0301":
        dirty = replace(CARD, title=noise + CARD.title)
    assert cards.draw(dirty, STYLE) == cards.draw(CARD, STYLE)


@given(title=anything, text=anything, label=anything, foot=anything, lang=st.sampled_from(["ru", "en", "fa", "xx"]))
@example(title="Ж" * 10_000, text="", label="", foot="", lang="ru")
@example(title="а" + "\u0301" * 10_000, text="\n" * 10_000, label="\u202e" * 99, foot="\ud800", lang="uk")
@example(title="", text="сло во " * 100_000, label="Ш" * 1_000, foot="Ш" * 1_000, lang="ru")
@settings(max_examples=25)
def test_whatever_it_says_a_card_keeps_its_margins(title: str, text: str, label: str, foot: str, lang: str) -> None:
    card = Card(title=title, text=text, label=label, foot=foot, lang=lang)
    for shape in (TALL, WIDE):
        picture = opened(cards.draw(card, replace(STYLE, newsroom=title or "x"), shape))
        assert picture.size == (shape.width, shape.height)
        # letters such as "W" or "ج" reach a little over what they measure
        assert ink(picture, (0, 20, 60, shape.height)) is None
        assert ink(picture, (shape.width - 60, 20, shape.width, shape.height)) is None
        assert ink(picture, (0, shape.height - 36, shape.width, shape.height)) is None


def test_a_long_headline_is_smaller_and_ends_in_an_ellipsis_only_when_nothing_helps() -> None:
    canvas = cards._Canvas(STYLE, TALL, "ru")
    box = cards.Box(width=928, height=900, leading=1.16)
    sizes = range(124, 33, -2)
    short, long, endless = (
        canvas.fit([text], canvas.bold, box, sizes, even=True)
        for text in ("Мост открыт", "Суд оставил под стражей трёх обвиняемых " * 4, "слово за слово " * 90)
    )
    assert short.size > long.size > endless.size == 34
    assert short.whole
    assert long.whole
    assert endless.lines[-1].endswith(("слово…", "за…"))


def test_a_correction_is_seen_at_once() -> None:
    for lang in ("ru", "uk", "en", "crh", "fa"):
        card = replace(CARD, lang=lang, label=words(lang)("Correction"))
        picture = opened(cards.draw(card, STYLE))
        at = (1080 - 76 - 8, 200) if lang == "fa" else (76 + 8, 200)
        red, green, blue = picture.convert("RGB").getpixel(at)  # type: ignore[misc]
        assert red > 140
        assert green < 60
        assert blue < 70


def test_persian_begins_at_the_right() -> None:
    card = Card(title="دادگاه سه متهم را نگه داشت", lang="fa")
    picture = opened(cards.draw(card, STYLE))
    found = ink(picture, (0, 190, 1080, 1290))
    assert found is not None
    assert found[2] >= 1080 - 76 - 12


def test_without_raqm_letters_are_joined_and_ordered_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    if not features.check("raqm"):
        pytest.skip("this Pillow has no libraqm to compare with")
    card = Card(title="دادگاه سیمفروپل سه متهم را در بازداشت نگه داشت", lang="fa")
    shaped = opened(cards.draw(card, STYLE)).convert("L")
    monkeypatch.setattr(features, "check", lambda _: False)
    joined = opened(cards.draw(card, STYLE)).convert("L")
    # widths of letters are rounded otherwise, so that lines are some pixels apart
    boxes = [ink(one, (0, 190, 1080, 1290)) for one in (shaped, joined)]
    assert boxes[0] is not None
    assert boxes[1] is not None
    assert all(abs(a - b) <= 12 for a, b in zip(*boxes, strict=True))
    blurred = [one.resize((54, 67)) for one in (shaped, joined)]
    worst = ImageChops.difference(*blurred).getextrema()[1]
    assert isinstance(worst, (int, float))
    assert worst < 130


def test_a_font_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="no TrueType font"):
        cards.draw(CARD, replace(STYLE, bold=b"not a font"))
