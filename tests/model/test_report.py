"""Sightings on their way: small, exact, and read strictly."""

from __future__ import annotations

import json
import zlib
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.watch.test_look import TARGET, look

from heliograph.lab.vantage import Weather
from heliograph.model.report import MOST_BYTES, pack, unpack
from heliograph.watch import diagnose


@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("weather", [Weather(), Weather(drop_name=True), Weather(freeze_packets=25), Weather(dns=())])
def test_what_is_packed_comes_out(weather: Weather, deep: bool) -> None:
    sighting, found = look(weather, deep=deep)
    again = unpack(pack(sighting))
    assert pack(again) == pack(sighting)
    assert diagnose(again, addresses=TARGET.addresses) == found


def test_it_is_small_enough_for_one_sealed_message() -> None:
    assert len(pack(look(Weather())[0])) < 260
    assert len(pack(look(Weather(freeze_packets=25), deep=True)[0])) < 1_500


def test_what_a_page_said_stays_where_it_was_read() -> None:
    sighting, _ = look(Weather())
    opened = [replace(one, outcome=replace(one.outcome, opening="<h1>Секрет")) for one in sighting.results]
    assert "Секрет" not in zlib.decompress(pack(replace(sighting, results=tuple(opened)))).decode()


def packed(**more: Any) -> bytes:
    rows: dict[str, Any] = {
        "version": 1, "mirror": "https://m.example/", "vantage": "v", "network": "n",
        "started": "2026-11-22T08:00:00Z", "content": "", "results": [[1, {"ip": "192.0.2.1"}, {"rtt": 0.1}]],
    }  # fmt: skip
    return zlib.compress(json.dumps(list({**rows, **more}.values())).encode())


def test_the_shape_is_as_expected() -> None:
    assert unpack(packed()).results[0].outcome.rtt == 0.1


@pytest.mark.parametrize(
    "more",
    [
        {"version": 2},
        {"mirror": 7},
        {"mirror": "x" * 5_000},
        {"started": "yesterday"},
        {"started": "2026-13-22T08:00:00Z"},
        {"content": "fine"},
        {"results": {}},
        {"results": [[1, {"ip": "192.0.2.1"}, {}]] * 201},
        {"results": [[2, {"ip": "192.0.2.1"}, {}]]},
        {"results": [[True, {"ip": "192.0.2.1"}, {}]]},
        {"results": [[1, {}, {}]]},
        {"results": [[1, {"ip": "192.0.2.1", "unheard": 1}, {}]]},
        {"results": [[1, {"ip": "192.0.2.1", "writes": "all"}, {}]]},
        {"results": [[1, {"ip": "192.0.2.1"}, {"rtt": -1}]]},
        {"results": [[1, {"ip": "192.0.2.1"}, {"rtt": float("nan")}]]},
        {"results": [[1, {"ip": "192.0.2.1"}, {"rtt": True}]]},
        {"results": [[1, {"ip": "192.0.2.1"}, {"received": 1.5}]]},
        {"results": [[1, {"ip": "192.0.2.1"}, {"received": 1 << 60}]]},
        {"results": [[1, {"ip": "192.0.2.1"}, {"reads": [[1]]}]]},
        {"results": [[1, {"ip": "192.0.2.1"}, {"addresses": ["a"] * 17}]]},
        {"results": [[1, {"ip": "192.0.2.1", "verify": 1}, {}]]},
        {"more": 1},
    ],
)
def test_what_is_no_sighting_is_refused(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        unpack(packed(**more))


def test_a_bomb_is_refused_before_it_bursts() -> None:
    with pytest.raises(ValueError, match="256 KB"):
        unpack(zlib.compress(b"[" + b" " * (50 * MOST_BYTES) + b"]", 9))


@given(st.binary(max_size=400))
def test_any_bytes_are_a_sighting_or_a_value_error(data: bytes) -> None:
    for given_bytes in (data, zlib.compress(data)):
        with pytest.raises(ValueError):
            unpack(given_bytes)
