"""A page is the newsroom's own or it is not, whatever bytes it is made of."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.rotate import shows


@pytest.mark.parametrize(
    ("page", "found"),
    [
        ("<title>Полуостров</title>", True),
        ("<title>ПОЛУ\u2060ОСТРОВ</title>", False),
        ("<h1>\n  полуостров\n</h1>", True),
        ("&#1055;олуостров", True),
        ("<title>Entry is forbidden</title>", False),
        ("", False),
    ],
)
def test_a_page_is_told_by_its_text(page: str, found: bool) -> None:
    assert shows(page.encode(), "Полуостров") is found


def test_no_text_is_shown_by_nothing() -> None:
    assert not shows(b"anything", "")
    assert not shows("Полуостров".encode("cp1251"), "Полуостров")


@given(st.binary(max_size=300), st.text(max_size=30))
def test_no_bytes_and_no_text_are_an_error(page: bytes, text: str) -> None:
    shows(page, text)


@given(st.text("abc де\n\t&<", min_size=1).filter(str.strip), st.text("xyz ", max_size=9))
def test_what_stands_in_a_page_is_found_however_it_is_escaped(text: str, around: str) -> None:
    assert shows(f"{around} {html.escape(text)} {around}".encode(), text)
