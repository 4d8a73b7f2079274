"""Pages without a date of change are looked at again, the older the rarer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from heliograph.capture.pace import stamped
from heliograph.model import Tip

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
TIP = Tip(url="https://example.org/a")


def looks(age: timedelta, span: timedelta, every: timedelta = timedelta(minutes=5)) -> int:
    """How often a page of ``age`` is looked at in ``span`` when a pass comes ``every`` so often."""
    moments = [NOW + every * step for step in range(int(span / every))]
    return len({stamped(TIP, NOW - age, moment).stamp for moment in moments})


def test_an_unknown_page_is_new() -> None:
    assert stamped(TIP, None, NOW).stamp == stamped(TIP, None, NOW + timedelta(days=9)).stamp == "new"


def test_a_fresh_story_is_looked_at_every_ten_minutes_an_old_one_once_in_weeks() -> None:
    hour, day = timedelta(hours=1), timedelta(days=1)
    assert 6 <= looks(timedelta(), hour) <= 7
    assert looks(timedelta(days=400), 10 * day, hour) <= 2
    assert looks(timedelta(hours=4), day) > looks(timedelta(days=9), day) >= 1


@given(st.timedeltas(timedelta(days=-2), timedelta(days=9_000)))
def test_any_age_gives_a_stamp_even_in_the_future(age: timedelta) -> None:
    assert stamped(TIP, NOW - age, NOW).stamp.startswith("due:")
