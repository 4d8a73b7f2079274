"""How long parts of old releases are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from heliograph import publish
from heliograph.model.release import Part, PartKind

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
LIVES: dict[PartKind, timedelta] = {
    "object": timedelta(days=8),
    "signed": timedelta(days=8),
    "copy": timedelta(hours=48),
}


def swept(before: dict[str, Part], used: dict[str, Part], now: datetime) -> tuple[dict[str, Part], list[str]]:
    return publish.swept(before, used, lambda path: path == "a/x.html", now)


@pytest.mark.parametrize("kind", list(LIVES))
def test_a_part_is_kept_from_when_it_was_first_missed_for_as_long_as_its_kind_lives(kind: PartKind) -> None:
    part = Part(kind=kind, of="a/x.html")
    parts, ended = swept({"x": part}, {}, NOW)
    assert ended == []
    assert parts["x"].since == NOW
    later, ended = swept(parts, {}, NOW + LIVES[kind])
    assert (later, ended) == (parts, [])
    assert swept(parts, {}, NOW + LIVES[kind] + timedelta(seconds=1)) == ({}, ["x"])


@pytest.mark.parametrize("kind", list(LIVES))
def test_a_part_that_is_used_again_begins_anew(kind: PartKind) -> None:
    used = {"x": Part(kind=kind, of="a/x.html")}
    parts, _ = swept(used, {}, NOW)
    assert swept(parts, used, NOW + timedelta(days=99)) == (used, [])


def test_the_content_copy_of_a_withdrawn_page_ends_at_once() -> None:
    assert swept({"x": Part(kind="copy", of="a/gone.html")}, {}, NOW) == ({}, ["x"])


def test_a_clock_that_went_back_ends_nothing() -> None:
    parts, _ = swept({"x": Part(kind="object")}, {}, NOW)
    assert swept(parts, {}, NOW - timedelta(days=400)) == (parts, [])
