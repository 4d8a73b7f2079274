"""OONI's format: written so that others can read it, read back to the same diagnosis, and read from anybody."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.watch.test_look import NOW, TARGET, look

from heliograph.lab.vantage import Weather
from heliograph.watch import diagnose
from heliograph.watch.ooni import from_ooni, to_ooni

SKIES = [
    (Weather(), False),
    (Weather(drop_name=True), False),
    (Weather(reset_name=True), False),
    (Weather(black_hole=True), False),
    (Weather(dns=("10.10.34.34",)), False),
    (Weather(listed_only=True), False),
    (Weather(connectivity=False), False),
    (Weather(certificate="ssl_unknown_authority"), False),
    (Weather(freeze_bytes=16_384), True),
    (Weather(freeze_packets=25), True),
    (Weather(rate=17_000), True),
]


@pytest.mark.parametrize(("weather", "deep"), SKIES)
def test_what_is_written_reads_back_to_the_same_diagnosis(weather: Weather, deep: bool) -> None:
    sighting, found = look(weather, deep=deep)
    wire = json.loads(json.dumps(to_ooni(sighting, found, version="0.1.0")))
    back = from_ooni(wire, vantage="v", network="home")
    assert back is not None
    again = diagnose(back, addresses=TARGET.addresses)
    assert (again.kind, again.unit, again.threshold, again.readable) == (
        found.kind, found.unit, found.threshold, found.readable,
    )  # fmt: skip


def test_the_shape_of_a_curtain() -> None:
    sighting, found = look(Weather(freeze_packets=25), deep=True)
    keys = to_ooni(sighting, found, version="0.1.0")["test_keys"]
    assert (keys["x_class"], keys["accessible"], keys["blocking"]) == ("curtain", True, False)
    curtain = keys["x_curtain"]
    assert (curtain["unit"], curtain["fresh_conn_ok"], curtain["dribble_ok"]) == ("packets", True, False)
    assert curtain["largest_ok_body"] < curtain["smallest_failed_body"]
    assert len({entry["transaction_id"] for entry in keys["tcp_connect"]}) == len(keys["tcp_connect"])


def test_nothing_in_it_says_who_measured() -> None:
    sighting, found = look(Weather(drop_name=True))
    named = replace(sighting, vantage="anna-of-the-third-floor", network="AS64500", started=NOW.replace(second=41))
    wire = to_ooni(named, found, version="0.1.0")
    assert "anna" not in json.dumps(wire)
    assert "AS64500" not in json.dumps(wire)
    assert (wire["probe_ip"], wire["probe_asn"], wire["probe_cc"]) == ("127.0.0.1", "AS0", "ZZ")
    assert wire["measurement_start_time"].endswith(":00")


def web_connectivity(**keys: Any) -> dict[str, Any]:
    """A measurement as OONI's own probe writes it, cut down to what is read."""
    tcp = {"ip": "198.18.0.9", "port": 443, "status": {"failure": None, "success": True}, "t": 0.05, "t0": 0.0}
    return {
        "input": "https://mirror.example/x",
        "measurement_start_time": "2026-11-22 08:00:00",
        "probe_asn": "AS64501",
        "test_name": "web_connectivity",
        "test_keys": {"tcp_connect": [tcp], **keys},
    }


def test_a_measurement_of_ooni_itself_is_read() -> None:
    hello = {"address": "198.18.0.9:443", "server_name": "mirror.example", "no_tls_verify": False}
    found = from_ooni(web_connectivity(tls_handshakes=[{**hello, "failure": "connection_reset"}]), vantage="ooni")
    assert found is not None
    assert (found.mirror, found.network) == ("https://mirror.example/x/", "AS64501")
    assert found.started == datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    assert diagnose(found).kind == "sni-rst"
    fine = from_ooni(
        web_connectivity(
            tls_handshakes=[{**hello, "failure": None}],
            requests=[{"address": "198.18.0.9:443", "failure": None, "response": {"code": 200, "body": "<p>"}}],
        ),
        vantage="ooni",
    )
    assert fine is not None
    assert diagnose(fine).kind == "well"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
_LISTS = st.sampled_from(["queries", "tcp_connect", "tls_handshakes", "requests", "x_tcp_info", "network_events"])
_FIELDS = st.sampled_from(
    [
        "ip",
        "port",
        "status",
        "failure",
        "address",
        "response",
        "request",
        "transaction_id",
        "tags",
        "t",
        "rtt",
        "engine",
    ]
)


@given(_JSON, st.dictionaries(_LISTS, st.lists(st.dictionaries(_FIELDS, _JSON, max_size=6), max_size=4) | _JSON))
def test_anybodys_measurement_is_a_sighting_or_nothing(anything: Any, keys: dict[str, Any]) -> None:
    from_ooni(anything, vantage="v")
    found = from_ooni(web_connectivity(**keys), vantage="v")
    if found is not None:
        diagnose(found)
