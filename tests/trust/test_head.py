"""The eight lines of a head."""

from __future__ import annotations

from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.trust.head import Head, read_head, read_stamp, stamp, write_head
from heliograph.trust.refusal import RefusalError

HASHES = st.binary(min_size=32, max_size=32)
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(9999, 1, 1)).map(  # noqa: DTZ001 - the strategy wants it so
    lambda time: time.replace(microsecond=0, tzinfo=UTC)
)
HEADS = st.builds(
    Head,
    release=st.integers(1, 10**15),
    time=TIMES,
    bits=st.integers(1, 24),
    root=HASHES,
    fresh=HASHES,
    fresh_length=st.integers(0, 96).map(lambda records: records * 52),
    entries=st.integers(0, 10**15),
)
VECTOR = Head(
    release=1,
    time=datetime(2026, 1, 1, tzinfo=UTC),
    bits=1,
    root=bytes.fromhex("d611fa3eae19412dd22170c92345c79128222f4e999714c302a72767a00f6c88"),
    fresh=bytes.fromhex("26774544b6fd3445699392e6fb8792427a978efbc69c16c9c77649aa98d7a06e"),
    fresh_length=104,
    entries=3,
)


def read_or_code(data: bytes) -> Any:
    """The head in ``data``, or why it is refused."""
    try:
        return read_head(data)
    except RefusalError as refusal:
        return refusal.code


def test_the_vector_of_the_specification() -> None:
    data = write_head(VECTOR)
    assert len(data) == 220
    assert sha256(data).hexdigest() == "1d97024c75077e480518e7d71c53a939d25c139388bd1add93a1711ae428f02d"
    assert read_head(data) == VECTOR


@given(HEADS)
def test_a_head_is_read_as_it_was_written(head: Head) -> None:
    data = write_head(head)
    assert read_head(data) == head
    assert len(data) <= 512


@given(HEADS, st.data())
def test_a_changed_head_is_refused_or_says_something_else(head: Head, data: st.DataObject) -> None:
    written = bytearray(write_head(head))
    place = data.draw(st.integers(0, len(written) - 1))
    written[place] ^= 1 << data.draw(st.integers(0, 7))
    found = read_or_code(bytes(written))
    assert found in ("head", "format") or (found != head and write_head(found) == bytes(written))


@given(st.binary(max_size=600))
def test_any_bytes_are_refused(data: bytes) -> None:
    assert read_or_code(data) in ("head", "format", "too-long")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("edition/1", "edition/2", "format"),
        ("edition/1", "edition/10", "format"),
        ("edition/1", "edition/x", "head"),
        ("edition/1", "edition/", "head"),
        ("release 1", "release 0", "head"),
        ("release 1", "release 01", "head"),
        ("release 1", "release +1", "head"),
        ("release 1", "release 12345678901234567", "head"),
        ("shards 1", "shards 0", "head"),
        ("shards 1", "shards 25", "head"),
        ("fresh-len 104", "fresh-len 53", "head"),
        ("fresh-len 104", "fresh-len 5044", "head"),
        ("2026-01-01", "2026-02-30", "head"),
        ("2026-01-01", "0000-01-01", "head"),
        ("T00:00:00Z", "T00:00:60Z", "head"),
        ("T00:00:00Z", "T24:00:00Z", "head"),
        ("root d611", "root D611", "head"),
        ("entries 3\n", "entries 3", "head"),
        ("entries 3\n", "entries 3\n\n", "head"),
        ("time 2026", "time ２026", "head"),
    ],
)
def test_what_breaks_a_rule_is_refused(old: str, new: str, code: str) -> None:
    text = write_head(VECTOR).decode()
    assert old in text
    assert read_or_code(text.replace(old, new).encode()) == code


def test_a_head_of_over_512_bytes_is_not_looked_at() -> None:
    assert read_or_code(write_head(VECTOR) + bytes(300)) == "too-long"


@given(TIMES)
def test_a_time_has_one_spelling(time: datetime) -> None:
    assert read_stamp(stamp(time)) == time


@pytest.mark.parametrize(
    "text",
    ["", "2026-1-1T00:00:00Z", "2026-01-01t00:00:00z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.0Z",
     "2026-01-01T00:00:00+00:00", "2026-02-31T00:00:00Z", "2026-01-01T0:00:00Z", " 2026-01-01T00:00:00Z"],
)  # fmt: skip
def test_other_spellings_are_no_time(text: str) -> None:
    assert read_stamp(text) is None
