"""Clean text, dates and addresses for tips, and how two tips become one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.capture import tips
from heliograph.model import Tip
from heliograph.model.names import canonical_url


def test_addresses_resolve_by_their_base() -> None:
    assert canonical_url("/a#b", "https://vesti.example/x/") == "https://vesti.example/a"
    assert canonical_url("https://vesti.example/a", "https://other.example/") == "https://vesti.example/a"
    assert tips.absolute("?b=1&utm_source=x", "https://vesti.example/a") == "https://vesti.example/a?b=1&utm_source=x"
    for bad in ("javascript:x", "file:///etc/passwd", "http://[", "data:,x", "https://"):
        assert tips.absolute(bad, "https://vesti.example/") in {"", "https://vesti.example/"}


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("Мост &amp; река", "Мост & река"),
        ("<p>Один</p><p>Два</p>", "Один Два"),
        ("Один<br>Два", "Один Два"),
        ("<b>Од</b>ин", "Один"),
        ("a < b > c", "a < b > c"),
        ("x<script>alert(1)</script><style>p{}</style>y", "xy"),
        ("  много \n\n места ", "много места"),
        ("", ""),
        ("<", "<"),
    ],
)
def test_markup_becomes_one_line_of_text(markup: str, text: str) -> None:
    assert tips.plain(markup) == text


def test_text_is_bounded() -> None:
    assert len(tips.plain("слово " * 10_000, 100)) <= 100
    assert len(tips.plain("<b>слово</b> " * 10_000, 100)) <= 100


def test_prefixes_hold_whatever_the_scheme_and_www() -> None:
    assert tips.within("https://www.vesti.example/ru/a", ["http://vesti.example/ru/"])
    assert not tips.within("https://vesti.example.evil.example/ru/a", ["https://vesti.example/"])
    assert not tips.within("https://vesti.example/ru", [])


@pytest.mark.parametrize("year", [1, 1970, 9999])
def test_dates_of_no_story_are_none(year: int) -> None:
    assert tips.aware(datetime(year, 1, 1, tzinfo=UTC)) is None


def test_a_naive_date_is_taken_for_utc() -> None:
    naive = datetime.fromisoformat("2026-11-20")
    assert tips.aware(naive) == datetime(2026, 11, 20, tzinfo=UTC)
    assert tips.moment("2026-11-20 09:30") == datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


URL = "https://vesti.example/a"


def test_tips_about_one_story_complete_each_other() -> None:
    plain = Tip(url=URL, stamp="2026-11-20", lead="Старое")
    newer = Tip(url=URL, title="Мост", lead="Новое", updated=datetime(2026, 11, 21, tzinfo=UTC))
    for order in ([plain, newer], [newer, plain]):
        ((tip,), problems) = tips.merged(order)
        assert (tip.title, tip.lead, tip.stamp) == ("Мост", "Новое", "2026-11-20")
        assert problems == ()


def test_a_body_is_never_joined_with_the_kind_of_another() -> None:
    html = Tip(url=URL, stamp="2026-11-21", body="<p>x</p>", body_kind="html")
    text = Tip(url=URL, stamp="2026-11-20", body="x", body_kind="text")
    bare = Tip(url=URL, stamp="2026-11-22")
    ((tip,), _) = tips.merged([text, html])
    assert (tip.body, tip.body_kind) == ("<p>x</p>", "html")
    ((tip,), _) = tips.merged([text, bare])
    assert (tip.body, tip.body_kind) == ("x", "text")


def test_withdrawal_is_not_overruled_by_an_older_tip() -> None:
    gone = Tip(url=URL, stamp="2026-11-22", withdrawn=True)
    ((tip,), _) = tips.merged([Tip(url=URL, stamp="2026-11-20", title="Мост"), gone])
    assert tip.withdrawn
    back = Tip(url=URL, stamp="2026-11-23", title="Мост")
    ((tip,), _) = tips.merged([gone, back])
    assert not tip.withdrawn


@settings(max_examples=100)
@given(st.text(max_size=100))
def test_any_text_is_safe(text: str) -> None:
    assert isinstance(tips.plain(text), str)
    assert tips.moment(text) is None or tips.moment(text).utcoffset() is not None  # type: ignore[union-attr]
    assert isinstance(tips.absolute(text, text), str)
    assert isinstance(canonical_url(text, text), str)
    assert len(tips.digest(text)) == 16
