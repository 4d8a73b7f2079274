"""Bytes whose charset is declared rightly, wrongly or not at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.capture.charset import decode, is_utf8
from heliograph.model import Answer

TEXT = "<p>Мост через пролив открыли для пешеходов в субботу утром, дорогу обещают к весне.</p>"
UKRAINIAN = "<p>Міст через протоку відкрили для пішоходів, її обіцяють здати навесні, є затримка через ґрунт.</p>"


def answer(body: bytes, charset: str = "") -> Answer:
    return Answer(url="https://news.example/a", status=200, body=body, charset=charset)


@pytest.mark.parametrize("codec", ["utf-8", "cp1251", "koi8-r", "iso8859-5", "cp866"])
@pytest.mark.parametrize("declared", ["", "utf-8", "windows-1251", "koi8-r", "iso-8859-1", "nonsense"])
def test_cyrillic_is_read_whatever_is_declared(codec: str, declared: str) -> None:
    assert decode(answer(TEXT.encode(codec), declared)) == TEXT


@pytest.mark.parametrize("codec", ["cp1251", "koi8-u"])
def test_ukrainian_is_read_too(codec: str) -> None:
    assert decode(answer(UKRAINIAN.encode(codec), "utf-8")) == UKRAINIAN


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16"])
def test_a_byte_order_mark_wins(mark: str) -> None:
    assert decode(answer(TEXT.encode(mark), "windows-1251")) == TEXT


def test_the_page_is_asked_where_the_header_is_silent() -> None:
    page = '<meta charset="windows-1250"><p>Příliš žluťoučký kůň</p>'
    assert decode(answer(page.encode("cp1250"))) == page


def test_the_header_is_asked_before_the_page() -> None:
    page = '<meta charset="iso-8859-2"><p>naïve café</p>'
    assert decode(answer(page.encode("cp1252"), "windows-1252")) == page


def test_a_broken_place_does_not_turn_utf8_into_something_else() -> None:
    body = TEXT.encode() * 20 + b"\xff\xfe" + TEXT.encode()[:31]
    assert decode(answer(body, "windows-1251")).startswith(TEXT)
    assert "\ufffd" in decode(answer(body))


def test_a_western_page_is_not_taken_for_cyrillic() -> None:
    page = "<p>“Naïve” café – déjà vu, Zürich, Ærø, señor and 200 words of plain English around them.</p>"
    assert decode(answer(page.encode("cp1252"))) == page


@pytest.mark.parametrize(
    "label", ["unicode_escape", "punycode", "rot13", "utf-7", "zlib", "idna", "hex", "../x", "\x00"]
)
def test_codecs_that_are_no_charsets_are_never_used(label: str) -> None:
    assert decode(answer(b"\\u0041+AEE-", label)) == "\\u0041+AEE-"
    assert decode(answer((TEXT + "\\u0041").encode("cp1251"), label)) == TEXT + "\\u0041"


@pytest.mark.parametrize(
    ("body", "charset", "result"),
    [
        (b"<p>x", "", True), (b"<p>x", "UTF-8", True), (b"<p>x", "windows-1251", False), (b"\xff\xfex\x00", "", False),
        (b'<meta charset="koi8-r">', "", False), (b'<META CHARSET=windows-1251>', "utf-8", False),
        (b'<meta charset="utf-8">', "", True), (b'<?xml version="1.0" encoding="windows-1251"?>', "", False),
        (b"<p>no", "nonsense", True),
    ],
)  # fmt: skip
def test_declarations_tell_whether_utf8_is_worth_a_try(body: bytes, charset: str, result: bool) -> None:
    assert is_utf8(answer(body, charset)) is result


@given(st.binary(max_size=600), st.text(max_size=20))
def test_any_bytes_become_text(body: bytes, charset: str) -> None:
    decode(answer(body, charset)).encode()
    is_utf8(answer(body, charset))
