"""Fingerprints of block pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.watch.pages import block_page


@pytest.mark.parametrize(
    ("status", "location", "opening", "whose"),
    [
        (302, "http://warning.rt.example/?id=9", "", "a Russian provider"),
        (200, "", "<h1>Доступ к ресурсу ограничен</h1> на основании 149-ФЗ", "a Russian provider"),
        (200, "", '<iframe src="http://10.10.34.34?type=Invalid Site">', "Iran's filtering"),
        (302, "http://82.209.230.25/", "", "a Belarusian provider"),
        (200, "", "Bu siteye 5651 sayılı kanun uyarınca erişim engellenmiştir", "Turkey's regulator"),
        (200, "", "<h1>Вестник</h1> Доступ открыт", ""),
        (302, "https://mirror.example/x/", "", ""),
        (0, "http://warning.rt.example/", "", ""),
    ],
)
def test_known_pages_are_told(status: int, location: str, opening: str, whose: str) -> None:
    assert block_page(status, location, opening) == whose


def test_a_story_about_a_block_is_no_block_page() -> None:
    text = "Роскомнадзор потребовал заблокировать сайт издания, сообщил его главный редактор."
    assert block_page(200, "", text) == ""


@given(st.integers(0, 999), st.text(max_size=300), st.text(max_size=5_000))
def test_any_answer_is_judged(status: int, location: str, opening: str) -> None:
    assert isinstance(block_page(status, location, opening), str)
