"""QR codes, read by a real decoder."""

from __future__ import annotations

import pytest
import zxingcpp
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from heliograph.announce import qr


def picture(squares: tuple[str, ...], step: int = 4) -> Image.Image:
    side = len(squares) + 2 * qr.QUIET
    made = Image.new("L", (side, side), 255)
    for y, row in enumerate(squares, qr.QUIET):
        for x, count in qr.runs(row):
            made.paste(0, (x + qr.QUIET, y, x + qr.QUIET + count, y + 1))
    return made.resize((side * step, side * step), Image.Resampling.NEAREST)


@pytest.mark.parametrize(
    "text",
    [
        "7K3 VQ2M",
        "https://d3adb33f.cloudfront.example/a/7k3vq2m.html",
        "abcde-fghij-klmno-pqrst-uvwxyz",
        "http://" + "a" * 56 + ".onion/",
        "https://mirror.example/?q=" + "x" * (qr.MAX_TEXT - 26),
    ],
)
def test_a_decoder_reads_what_was_written_and_could_lose_a_seventh_of_it(text: str) -> None:
    found = zxingcpp.read_barcode(picture(qr.squares(text)))
    assert found is not None
    assert found.text == text
    assert found.ec_level in {"M", "Q", "H"}


def test_texts_that_are_empty_or_too_long_make_no_code() -> None:
    assert qr.squares("") == qr.squares("\x00 \u202e") == ()
    assert qr.squares("x" * qr.MAX_TEXT)
    assert qr.squares("x" * (qr.MAX_TEXT + 1)) == ()
    assert qr.squares("я" * (qr.MAX_TEXT // 2 + 1)) == ()


@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=400))
@example("\ud800")
@settings(max_examples=50)
def test_any_text_makes_a_square_or_nothing(text: str) -> None:
    squares = qr.squares(text)
    assert all(len(row) == len(squares) for row in squares)
    assert all("1" * count == row[at : at + count] for row in squares for at, count in qr.runs(row))
    assert all(sum(count for _, count in qr.runs(row)) == row.count("1") for row in squares)
