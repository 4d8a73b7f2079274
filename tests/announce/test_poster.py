"""The sheet for a wall: one page, every address readable by phone and by eye, also from a photocopy."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date

import pypdfium2
import pytest
import zxingcpp
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image
from tests.announce.fonts import BOLD, PLAIN

from heliograph.announce import poster
from heliograph.announce.poster import Poster, bare
from heliograph.announce.sheet import HEIGHT, WIDTH
from heliograph.model import ConfigError
from heliograph.model.words import LANGUAGES

ADDRESSES = (
    "https://d3adb33fcafe.cloudfront.example/",
    "https://storage.objects.example/quiet-river-21/",
    "https://lamp-7.pages.example/",
    "http://mirror.volunteer.example/news/",
    "https://fifth.example/",
)
FULL = Poster(
    newsroom="Полуостров",
    lang="ru",
    day=date(2026, 11, 26),
    addresses=ADDRESSES,
    code="7k3vq2m",
    mail="news@peninsula.example",
    bot="@peninsula_bot",
    onion=f"http://{('peninsula234567' * 4)[:56]}.onion/",
    fingerprint="abcde-fghij-klmno-pqrst-uvwxyz",
)
anything = st.text(alphabet=st.characters(exclude_categories=()), max_size=200)


def made(told: Poster) -> bytes:
    return poster.draw(told, accent="#a3202a", bold=BOLD, plain=PLAIN)


def page(data: bytes, dots: int = 150) -> Image.Image:
    """Its only page as a printer shows it, at so many dots an inch."""
    with pypdfium2.PdfDocument(data) as document:
        assert len(document) == 1
        return document[0].render(scale=dots / 72).to_pil()


def said(data: bytes) -> str:
    """The text that can be marked and copied, without the breaks of its lines."""
    with pypdfium2.PdfDocument(data) as document:
        return document[0].get_textpage().get_text_bounded().replace("\r\n", " ").replace("\xa0", " ")


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_phones_read_every_code_of_a_photocopy(lang: str, count: int) -> None:
    told = replace(FULL, lang=lang, addresses=ADDRESSES[:count])
    copied = page(made(told)).convert("L").point(lambda value: 255 if value > 150 else 0)
    assert {one.text for one in zxingcpp.read_barcodes(copied)} == {*ADDRESSES[:count], FULL.fingerprint}


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_longest_name_and_long_addresses_leave_room_for_the_codes(lang: str) -> None:
    long = tuple(f"https://bucket-of-many-words-{n}.s3-website.eu-central-1.storage.example/ours/" for n in range(4))
    told = replace(FULL, lang=lang, newsroom="Независимая газета " * 4 + "юга", addresses=long)
    picture = page(made(told))
    assert {one.text for one in zxingcpp.read_barcodes(picture)} == {*long, FULL.fingerprint}
    assert bare(long[3]) in said(made(told)).replace(" ", "")


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_to_be_typed_stands_there_in_letters(lang: str) -> None:
    text = said(made(replace(FULL, lang=lang))).replace(" ", "")
    for typed in (*map(bare, ADDRESSES[:4]), FULL.mail, FULL.bot, bare(FULL.onion), FULL.fingerprint):
        assert typed in text
    assert text.count(bare(ADDRESSES[0])) == 1 + 9  # and on each tab
    assert bare(ADDRESSES[4]) not in text


def test_it_says_how_a_story_is_found_and_of_which_day_it_is() -> None:
    text = said(made(FULL))
    for part in ("Полуостров", "Как нас читать сейчас", "7K3 VQ2M", "a/7k3vq2m.html", "26 ноября 2026"):
        assert part in text


def test_a_tab_names_nobody() -> None:
    with pypdfium2.PdfDocument(made(FULL)) as document:
        strip = document[0].get_textpage().get_text_bounded(left=0, bottom=0, right=WIDTH, top=110)
    assert set("".join(strip.split())) <= set(bare(ADDRESSES[0]))


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_same_words_give_the_same_bytes_and_no_date_but_the_one_given(lang: str) -> None:
    told = replace(FULL, lang=lang)
    data = made(told)
    assert data == made(told)
    with pypdfium2.PdfDocument(data) as document:
        facts = document.get_metadata_dict()
    assert facts["CreationDate"] == facts["ModDate"] == "D:20261126000000Z"
    assert facts["Title"] == "Полуостров"


def test_fonts_are_embedded_in_the_letters_used_and_no_other_is_named() -> None:
    data = made(FULL)
    assert data.count(b"/FontFile2") >= 2
    assert data.count(b"/Type1") == 0
    assert len(data) < 150_000  # the two fonts alone have ten times that


def test_nothing_stands_where_printers_leave_white_but_the_stripe_and_the_lines_to_cut() -> None:
    picture = page(made(FULL), 72).convert("L").point(lambda value: 255 if value < 128 else 0)
    assert picture.size == (round(WIDTH + 0.5), round(HEIGHT + 0.5))
    assert picture.crop((0, 12, 14, 720)).getbbox() is None
    assert picture.crop((picture.width - 14, 12, picture.width, 720)).getbbox() is None


def test_a_part_that_there_is_nothing_to_say_of_is_left_out() -> None:
    least = Poster(newsroom="x", lang="en", day=FULL.day, mail="news@peninsula.example")
    text = said(made(least))
    assert "news@peninsula.example" in text
    assert not any(part in text for part in ("Telegram", "Tor", "fingerprint", "code"))
    assert zxingcpp.read_barcodes(page(made(least))) == []


def test_an_address_is_shown_as_people_type_it() -> None:
    assert [bare(url) for url in ADDRESSES] == [
        "d3adb33fcafe.cloudfront.example",
        "storage.objects.example/quiet-river-21/",
        "lamp-7.pages.example",
        "http://mirror.volunteer.example/news/",
        "fifth.example",
    ]
    assert bare("http://abc.onion/") == "http://abc.onion"


@given(anything, anything, st.lists(anything, max_size=4), st.sampled_from(["ru", "fa", "xx"]))
@example("Ж" * 10_000, "x" * 10_000, ["https://" + "x" * 280 + "/"] * 4, "ru")
@example("а" + "\u0301" * 5_000, "\u202e\x00\ud800", ["\ud800"], "uk")
@settings(max_examples=25)
def test_whatever_it_is_given_one_page_comes_out(name: str, text: str, addresses: list[str], lang: str) -> None:
    told = Poster(**{field.name: text for field in fields(Poster) if field.type == "str"} | {
        "newsroom": name, "lang": lang, "day": FULL.day, "addresses": tuple(addresses),
    })  # fmt: skip
    assert page(made(told), 30).width > 0


def test_a_font_that_is_none_is_refused() -> None:
    with pytest.raises(ConfigError, match="no TrueType font"):
        poster.draw(FULL, accent="#a3202a", bold=b"", plain=PLAIN)
