"""Work lists and reports in their wire forms: whole again, and strict."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.model.lookout import (
    Sought,
    WorkList,
    pack_list,
    pack_reports,
    unpack_list,
    unpack_reports,
)
from heliograph.model.sighting import Fetch, Outcome, Result, Sighting

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
WORK = WorkList(
    vantage="anna",
    network="home",
    made=NOW,
    expires=NOW + timedelta(days=14),
    every=1_200,
    deep=21_600,
    mirrors=(Sought(url="https://m.example/", addresses=("2001:db8::1",), ladder="ladder/"),),
    drops=("https://m.example/",),
    innocent="www.example.com",
    resolver="[2001:db8::53]:53",
    doh="https://dns.example/query",
)
SEEN = Sighting(
    mirror="https://m.example/",
    vantage="anna",
    network="home",
    started=NOW,
    results=(Result(check=Fetch(ip="198.18.0.9", tag="page"), outcome=Outcome(stage="http", status=200, answers=1)),),
)


def test_a_list_comes_back() -> None:
    assert unpack_list(pack_list(WORK)) == WORK


def test_a_page_of_the_site_is_named_and_that_of_the_edition_is_not() -> None:
    site = replace(WORK.mirrors[0], ladder="", page="about/")
    work = replace(WORK, mirrors=(*WORK.mirrors, site))
    assert unpack_list(pack_list(work)) == work
    assert pack_list(work).count(b"page") == 1
    for wrong in ("/about", "a/../b", "a b", "x" * 81):
        with pytest.raises(ValueError, match=r"no page|not what it should be"):
            unpack_list(pack_list(replace(WORK, mirrors=(replace(site, page=wrong),))))


@pytest.mark.parametrize(
    "change",
    [
        {"format": "heliograph-work/2"},
        {"more": 1},
        {"every": 5},
        {"every": True},
        {"every": 1e9},
        {"deep": 90_000},
        {"vantage": "Anna"},
        {"network": "a b"},
        {"made": "yesterday"},
        {"resolver": "dns.example:53"},
        {"innocent": "a/b"},
        {"doh": "ftp://x/"},
        {"drops": ["https://a b/"]},
        {"drops": ["https://x/"] * 9},
        {"drops": "https://x/"},
        {"drops": ["http://x.onion/"]},
        {"mirrors": [{"url": "http://x.onion/", "addresses": [], "ladder": ""}]},
        {"mirrors": [{"url": "https://m.example", "addresses": [], "ladder": ""}]},
        {"mirrors": [{"url": "https://m.example/?q/", "addresses": [], "ladder": ""}]},
        {"mirrors": [{"url": "https://u:p@m.example/", "addresses": [], "ladder": ""}]},
        {"mirrors": [{"url": "https://m.example/", "addresses": ["x"], "ladder": ""}]},
        {"mirrors": [{"url": "https://m.example/", "addresses": [], "ladder": "../x"}]},
        {"mirrors": [{"url": "https://m.example/", "addresses": [], "ladder": "", "path": "x"}]},
        {"mirrors": [7]},
        {"mirrors": None},
    ],
)
def test_a_list_with_one_thing_wrong_is_none(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        unpack_list(json.dumps({**json.loads(pack_list(WORK)), **change}).encode())


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_are_another_error(data: bytes) -> None:
    for read in (unpack_list, unpack_reports):
        with pytest.raises(ValueError):
            read(data)
    with pytest.raises(ValueError):
        unpack_reports(bytes(8) + data)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
        max_leaves=9,
    ),
    st.sampled_from(sorted(WorkList.__slots__)),
)
def test_no_value_of_a_field_is_another_error(value: object, name: str) -> None:
    data = json.dumps({**json.loads(pack_list(WORK)), name: value}).encode()
    try:
        unpack_list(data)
    except ValueError:
        return


def test_reports_come_back_in_as_many_payloads_as_it_takes() -> None:
    sightings = [replace(SEEN, started=NOW + timedelta(minutes=minute)) for minute in range(40)]
    payloads = pack_reports(NOW, sightings, 3_900)
    assert len(payloads) > 1
    assert all(len(payload) <= 3_900 for payload in payloads)
    back = [unpack_reports(payload) for payload in payloads]
    assert {made for made, _ in back} == {NOW}
    assert [one for _, held in back for one in held] == sightings
    assert pack_reports(NOW, [], 3_900) == []


def test_a_long_look_leaves_out_when_which_bytes_came_and_no_more() -> None:
    reads = tuple((number * 1.2345 + number % 7, 1_000 + 37 * number) for number in range(64))
    many = tuple(
        Result(
            check=Fetch(ip="198.18.0.9", tag=f"ladder={number}"),
            outcome=Outcome(stage="http", received=number * 997, reads=tuple((a + number / 9, b) for a, b in reads)),
        )
        for number in range(30)
    )
    (payload,) = pack_reports(NOW, [replace(SEEN, results=many)], 3_900)
    _, (back,) = unpack_reports(payload)
    assert [one.outcome.received for one in back.results] == [number * 997 for number in range(30)]
    assert {one.outcome.reads for one in back.results} == {()}


def test_a_look_too_long_for_any_message_is_left_out_and_the_others_go() -> None:
    noise = random.Random(1)
    many = tuple(
        Result(
            check=Fetch(ip="198.18.0.9", tag=noise.randbytes(40).hex()),
            outcome=Outcome(received=number),
        )
        for number in range(100)
    )
    (payload,) = pack_reports(NOW, [SEEN, replace(SEEN, results=many), SEEN], 3_900)
    assert unpack_reports(payload)[1] == (SEEN, SEEN)


def test_a_list_beyond_its_limit_is_none() -> None:
    mirrors = tuple(Sought(url=f"https://{'x' * 60}{number}.example/") for number in range(60))
    with pytest.raises(ValueError, match="5,000 bytes"):
        unpack_list(pack_list(replace(WORK, mirrors=mirrors)))


@given(st.integers(0, 120), st.integers(0, 255))
def test_a_report_that_was_cut_or_changed_is_another_report_or_none(at: int, byte: int) -> None:
    (payload,) = pack_reports(NOW, [SEEN], 3_900)
    for data in (payload[:at], payload[:at] + bytes([byte]) + payload[at + 1 :]):
        try:
            unpack_reports(data)
        except ValueError:
            continue
