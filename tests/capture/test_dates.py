"""Dates as pages write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.capture import dates

KYIV = ZoneInfo("Europe/Kyiv")


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("2026-11-20T09:30:00+02:00", datetime(2026, 11, 20, 9, 30, tzinfo=timezone(timedelta(hours=2)))),
        ("2026-11-20T09:30:00Z", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("2026-11-20T09:30:00.123+0200", datetime(2026, 11, 20, 9, 30, tzinfo=timezone(timedelta(hours=2)))),
        ("2026-11-20 09:30", datetime(2026, 11, 20, 9, 30, tzinfo=KYIV)),
        ("2026-11-20", datetime(2026, 11, 20, tzinfo=KYIV)),
        ("20261120T093000Z", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("Fri, 20 Nov 2026 09:30:00 +0300", datetime(2026, 11, 20, 9, 30, tzinfo=timezone(timedelta(hours=3)))),
        ("Fri, 20 Nov 2026 09:30:00 GMT", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("20 ноября 2026, 09:30", datetime(2026, 11, 20, 9, 30, tzinfo=KYIV)),
        ("Опубликовано: 09:30, 20 ноября 2026 г.", datetime(2026, 11, 20, 9, 30, tzinfo=KYIV)),
        ("20 листопада 2026, 09:30", datetime(2026, 11, 20, 9, 30, tzinfo=KYIV)),
        ("3 січня 2026 року", datetime(2026, 1, 3, tzinfo=KYIV)),
        ("November 20, 2026 9:30 PM", datetime(2026, 11, 20, 21, 30, tzinfo=KYIV)),
        ("Nov. 20th, 2026, 12:05 a.m.", datetime(2026, 11, 20, 0, 5, tzinfo=KYIV)),
        ("20 November 2026 09:30 EST", datetime(2026, 11, 20, 9, 30, tzinfo=timezone(timedelta(hours=-5)))),
        ("20 noyabr 2026, 09:30", datetime(2026, 11, 20, 9, 30, tzinfo=KYIV)),
        ("20.11.2026 09:30", datetime(2026, 11, 20, 9, 30, tzinfo=KYIV)),
        ("20.11.26", datetime(2026, 11, 20, tzinfo=KYIV)),
        ("11/20/2026", datetime(2026, 11, 20, tzinfo=KYIV)),
        ("20/11/2026", datetime(2026, 11, 20, tzinfo=KYIV)),
        ("2026/11/20 9:30", datetime(2026, 11, 20, 9, 30, tzinfo=KYIV)),
        ("5 мая 2026", datetime(2026, 5, 5, tzinfo=KYIV)),
        ("5 травня 2026", datetime(2026, 5, 5, tzinfo=KYIV)),
        ("۲۰۲۶-۱۱-۲۰", datetime(2026, 11, 20, tzinfo=KYIV)),
        ("1795167000", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
        ("1795167000000", datetime(2026, 11, 20, 9, 30, tzinfo=UTC)),
    ],
)
def test_a_date_is_read_in_many_forms(text: str, result: datetime) -> None:
    assert dates.parse(text, "Europe/Kyiv") == result


@pytest.mark.parametrize(
    "text",
    [
        "", "сегодня, 09:30", "2026", "2026-13-01", "2026-02-30", "31.02.2026", "20 жёлтых 2026",
        "0000-00-00T00:00:00Z",
        "1826-11-20", "2200-01-01T00:00:00Z", "12345678901234567890", "12345", "ноябрь",
        "99:99 20.20.2020", "T" * 5_000,
        "2026-11-20T25:00:00Z", "32 ноября 2026",
    ],
)  # fmt: skip
def test_nonsense_is_no_date(text: str) -> None:
    assert dates.parse(text, "Europe/Kyiv") is None


def test_summer_time_is_the_zones() -> None:
    found = dates.parse("20 июля 2026, 12:00", "Europe/Kyiv")
    assert found is not None
    assert found.utcoffset() == timedelta(hours=3)


def test_an_unknown_zone_is_utc() -> None:
    assert dates.parse("2026-11-20 09:30", "Mars/Olympus") == datetime(2026, 11, 20, 9, 30, tzinfo=UTC)


@given(st.text(max_size=150) | st.from_regex(r"[0-9:. /+TZ-]{6,30}", fullmatch=True))
def test_any_text_is_an_aware_date_or_none(text: str) -> None:
    found = dates.parse(text, "Europe/Kyiv")
    assert found is None or (found.tzinfo is not None and 1990 <= found.year <= 2100)
