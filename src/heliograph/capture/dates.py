"""Dates as pages write them: ISO 8601, RFC 2822, seconds since 1970, day.month.year, and months by name.

A date without a zone is in the newsroom's own. What is no date between 1990 and 2100 is None; nothing raises.
A date in words needs day, month and year: "today, 09:30" is None, since a stage reads no clock.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import cache
from zoneinfo import ZoneInfo

_LONGEST = 120  # characters of a date with its label ("Published: ...")
_YEARS = range(1990, 2101)
_DIGITS = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩", "01234567890123456789")

_STRICT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d)\Z", re.ASCII)
_ISO = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})"
    r"(?:[T\s]\s?(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?\s?(Z|UTC|GMT|[+-]\d{2}:?(?:\d{2})?)?)?",
    re.IGNORECASE,
)
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T?(\d{2})(\d{2})(?:(\d{2}))?(Z|[+-]\d{4})?)?\Z")
_EPOCH = re.compile(r"\d{9,10}(?:\d{3})?\Z")
_NUMERIC = re.compile(r"(?<!\d)(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})[./](\d{1,2})[./](\d{1,2})(?!\d)")
_DAY_MONTH = re.compile(
    r"(?<!\d)(\d{1,2})(?:st|nd|rd|th|-го|-е)?\.?\s{1,3}(?:of\s)?([^\W\d_]{3,12})\.?,?\s{1,3}(\d{4})(?!\d)"
)
_MONTH_DAY = re.compile(r"([^\W\d_]{3,12})\.?\s{1,3}(\d{1,2})(?:st|nd|rd|th)?,?\s{1,3}(\d{4})(?!\d)")
_CLOCK = re.compile(r"(?<![\d:.])(\d{1,2})[:.](\d{2})(?::(\d{2}))?(?![\d.])\s{0,2}([ap]\.?m\b)?", re.IGNORECASE)
_OFFSET = re.compile(
    r"(?:\b(UTC|GMT|EST|EDT|CST|CDT|MST|MDT|PST|PDT|CET|CEST|EET|EEST|MSK|МСК)\b)?\s?([+-]\d{1,2}(?::?\d{2})?)?\Z"
)
_ZONES = {
    "UTC": 0, "GMT": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
    "CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "MSK": 3, "МСК": 3,
}  # fmt: skip

# The first letters that tell a month apart in each language; full names, cases and short forms begin with them.
_MONTHS = {
    1: "янв січ jan yan سانس ژانو", 2: "фев лют feb фев fev فور", 3: "мар бер mar март mart مارس",
    4: "апр кві apr апрель aprel آور", 5: "мая май тра may майыс mayıs مه می", 6: "июн чер jun июнь iyün ژوئن",
    7: "июл лип jul июль iyül ژوئیه جولای", 8: "авг сер aug август avgust اوت اگوست",
    9: "сен вер sep сентябрь sentâbr سپتامبر", 10: "окт жов oct октябрь oktâbr اکتبر",
    11: "ноя лис nov ноябрь noyabr نوامبر", 12: "дек гру dec декабрь dekabr دسامبر",
}  # fmt: skip


def parse(text: str, zone: str) -> datetime | None:
    """The aware datetime that ``text`` names, or None. ``zone`` is the IANA name for dates that carry none."""
    text = text.strip()
    if not 6 <= len(text) <= _LONGEST:
        return None
    try:
        if _STRICT.match(text):  # what machines write, ten times faster than the rest
            found = datetime.fromisoformat(text)
            return found if found.year in _YEARS else None
        text = text.translate(_DIGITS)
        return _iso(text, zone) or _epoch(text) or _spelt(text, zone)
    except (ValueError, OverflowError):
        return None


@cache
def zone_of(name: str) -> tzinfo:
    """The zone called ``name``; UTC where there is none such."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return UTC


def _iso(text: str, zone: str) -> datetime | None:
    match = _ISO.match(text) or _COMPACT.match(text)
    if match is None:
        return None
    hour, minute, second = (int(match[place] or 0) for place in (4, 5, 6))
    where = _offset(match[7]) if match[7] else zone_of(zone)
    return _made(int(match[1]), int(match[2]), int(match[3]), hour, minute, second, where)


def _epoch(text: str) -> datetime | None:
    if not _EPOCH.match(text):
        return None
    seconds = int(text) / (1_000 if len(text) > 10 else 1)
    found = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    return found if found.year in _YEARS else None


def _spelt(text: str, zone: str) -> datetime | None:
    day = _day(text)
    if day is None:
        return None
    year, month, number, span = day
    rest = text[: span[0]] + " " + text[span[1] :]
    clock = _CLOCK.search(rest)
    if clock is None:
        return _made(year, month, number, 0, 0, 0, zone_of(zone))
    hour = int(clock[1])
    if clock[4]:
        hour = hour % 12 + (12 if clock[4].lower().startswith("p") else 0)
    after = _OFFSET.search(rest[clock.end() :].strip(" ()."))
    where = _named(after) if after else None
    return _made(year, month, number, hour, int(clock[2]), int(clock[3] or 0), where or zone_of(zone))


def _day(text: str) -> tuple[int, int, int, tuple[int, int]] | None:
    """Year, month and day in ``text``, and where they stand."""
    for match in _DAY_MONTH.finditer(text):
        if month := _month(match[2]):
            return int(match[3]), month, int(match[1]), match.span()
    for match in _MONTH_DAY.finditer(text):
        if month := _month(match[1]):
            return int(match[3]), month, int(match[2]), match.span()
    if found := _YEAR_FIRST.search(text):
        return int(found[1]), int(found[2]), int(found[3]), found.span()
    if found := _NUMERIC.search(text):
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        if found[2] == "/" and second > 12:  # only then is it certainly month/day
            first, second = second, first
        return year + (2000 if year < 100 else 0), second, first, found.span()
    return None


def _month(word: str) -> int:
    folded = word.lower()
    return next((month for month, starts in _months() if folded.startswith(starts)), 0)


@cache
def _months() -> tuple[tuple[int, tuple[str, ...]], ...]:
    return tuple((month, tuple(starts.split())) for month, starts in _MONTHS.items())


def _offset(text: str) -> tzinfo:
    if text.upper() in _ZONES or text.upper() == "Z":
        return UTC
    digits = text[1:].replace(":", "")
    hours, minutes = (int(digits), 0) if len(digits) <= 2 else (int(digits[:-2]), int(digits[-2:]))
    delta = timedelta(hours=hours, minutes=minutes)
    return timezone(-delta if text[0] == "-" else delta)


def _named(match: re.Match[str]) -> tzinfo | None:
    if match[2]:
        return _offset(match[2])
    return timezone(timedelta(hours=_ZONES[match[1].upper()])) if match[1] else None


def _made(year: int, month: int, day: int, hour: int, minute: int, second: int, where: tzinfo) -> datetime | None:
    if year not in _YEARS:
        return None
    return datetime(year, month, day, hour, minute, min(second, 59), tzinfo=where)
