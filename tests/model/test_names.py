"""Names made of hostile text are always valid."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.model.names import canonical_url, link_keys, section_key, segment

SEGMENT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])?")


@given(st.text(max_size=200))
def test_any_text_gives_a_valid_segment(text: str) -> None:
    name = segment(text)
    assert SEGMENT.fullmatch(name)
    assert name not in {"con", "prn", "aux", "nul", "com1", "lpt9"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Политика", "politika"),
        ("Суспільство і влада", "suspilstvo-i-vlada"),
        ("Cemiyet ve aqlar", "cemiyet-ve-aqlar"),
        ("Éducation", "education"),
        ("CON", "xb25a5b51"),
    ],
)
def test_known_names(text: str, name: str) -> None:
    assert segment(text) == name or (text == "CON" and segment(text).startswith("x"))


def test_a_section_key_names_language_and_label() -> None:
    assert section_key("ru", "Общество") == "ru/obshchestvo"
    assert section_key("", "Новости").startswith("und/")
    assert section_key("ru", "  ") == ""


def test_a_persian_section_gets_a_stable_name() -> None:
    assert section_key("fa", "جامعه") == section_key("fa", "جامعه")
    assert re.fullmatch(r"fa/x[0-9a-f]{8}", section_key("fa", "جامعه"))


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("HTTPS://Example.ORG:443/a?utm_source=tg&id=7#part", "https://example.org/a?id=7"),
        ("http://example.org", "http://example.org/"),
        ("https://user:secret@example.org/a", "https://example.org/a"),
        ("https://пример.рф/новости", "https://xn--e1afmkfd.xn--p1ai/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8"),
        ("https://[::1]:8080/x", "https://[::1]:8080/x"),
        ("javascript:alert(1)", ""),
        ("https://[broken", ""),
        ("https://example.org:99999/", ""),
        ("https://" + "a" * 3000, ""),
        ("", ""),
    ],
)
def test_canonical_urls(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical


@given(st.text(max_size=300) | st.text(st.characters(), max_size=40).map("https://example.org/".__add__))
def test_canonical_is_total_and_stable(text: str) -> None:
    once = canonical_url(text)
    assert canonical_url(once) == once
    assert all(isinstance(key, str) and key for key in link_keys(text))


@given(
    st.from_regex(r"https?://[a-zA-Z0-9.-]{0,20}(:[0-9]{1,6})?/[a-zA-Z0-9/_~.%-]{0,30}", fullmatch=True)
    | st.text(max_size=30).map(lambda text: f"https://vesti.example/{text}".strip())
)
def test_an_address_that_is_canonical_at_sight_is_so_by_the_long_way(url: str) -> None:
    assert canonical_url(url) == canonical_url(f"{url}#long")


def test_a_link_through_a_dead_mirror_has_the_key_of_the_story_it_meant() -> None:
    own = link_keys("https://news.example.org/ru/obschestvo/2026/11/most-100214.html")
    dead = link_keys("https://d3adm1rr0r.example.net/ru/obschestvo/2026/11/most-100214.html?utm_source=x")
    assert own[1] == dead[1]
    assert own[0] != dead[0]


def test_a_short_path_is_no_key_of_its_own() -> None:
    assert link_keys("https://example.org/about") == ("https://example.org/about",)
