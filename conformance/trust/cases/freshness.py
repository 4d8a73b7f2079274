"""F: what has expired, and clocks that are wrong."""

from __future__ import annotations

from datetime import timedelta

from conformance.trust import site
from conformance.trust.bases import HOUR, START, base
from conformance.trust.case import Case, absent, read, refused, served, stale, verified
from conformance.trust.cases.edits import Edit, also, put, version
from conformance.trust.papers import DAY, LIVES, Change, stamp

PAGE = site.PLAIN
_YEARS = timedelta(days=5 * 365)
_NO_DATES = {
    "F12": ("no date at all", "2026-99-99T00:00:00Z"),
    "F13-offset": ("with an offset", "2026-03-04T14:00:00+00:00"),
    "F13-fraction": ("with a fraction", "2026-03-04T14:00:00.5Z"),
    "F13-february": ("31 February", "2027-02-31T00:00:00Z"),
}


def cases() -> list[Case]:
    """All of the group."""
    r2 = base("r2")
    late = r2.time + LIVES["timestamp"] + HOUR
    soon = r2.time + HOUR / 2
    renewed = _signed("timestamp", also(version(3), put(expires=stamp(late + 2 * DAY))))
    return [
        read("F01", "timestamp expired", served("r2"), PAGE, stale("r2", PAGE), now=late),
        read("F02", "the same bytes again", served("r2"), PAGE, stale("r2", PAGE), now=late, state="after:r2"),
        *(
            read(
                number,
                f"{role} expired",
                served("r2", _signed(role, put(expires=stamp(soon)))),
                PAGE,
                stale("r2", PAGE),
            )
            for number, role in (("F03", "snapshot"), ("F04", "edition"))
        ),
        read("F05", "targets expired", served("r2"), PAGE, refused("targets-expired"), now=START + 200 * DAY),
        read("F06", "root expired", served("r2"), PAGE, refused("root-expired"), now=START + 400 * DAY),
        read("F07", "stale, and no such page", served("r2"), site.WITHDRAWN, absent("r2", "stale"), now=late),
        read(
            "F08",
            "a stale mirror and a fresh one",
            (served("r2"), served("r2", renewed)),
            PAGE,
            verified("r2", PAGE, ()),
            now=late,
        ),
        read(
            "F09",
            "clock 5 years behind, r1 after r2",
            served("r1"),
            PAGE,
            refused("rollback"),
            now=r2.time - _YEARS,
            state="after:r2",
        ),
        read(
            "F10",
            "clock 5 years behind",
            served("r2"),
            PAGE,
            verified("r2", PAGE, ("clock", "probe")),
            now=r2.time - _YEARS,
        ),
        read("F11", "clock 3 days ahead", served("r2"), PAGE, stale("r2", PAGE), now=r2.time + 3 * DAY),
        *(
            read(number, what, served("r2", _signed("timestamp", put(expires=text))), PAGE, refused("field"))
            for number, (what, text) in _NO_DATES.items()
        ),
        read(
            "F14",
            "expires at this second",
            served("r2"),
            PAGE,
            stale("r2", PAGE),
            now=r2.time + LIVES["timestamp"],
        ),
    ]


def _signed(role: str, edit: Edit) -> dict[str, bytes]:
    return base("r2").papers.files({role: Change(edit=edit)})
