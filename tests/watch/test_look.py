"""A look at a mirror under each censor's rule, and under ordinary faults: what is asked, and what is concluded."""

from __future__ import annotations

import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.lab.vantage import SimulatedVantage, Weather
from heliograph.model.sighting import Diagnosis, Fetch, Kind, Outcome, Resolve, Result, Round, Sighting, Steps
from heliograph.watch import Controls, Target, diagnose, probe
from heliograph.watch.steps import LADDER

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
TARGET = Target(url="https://mirror.example/x/", addresses=("198.18.0.9",), ladder="ladder/")
CONTROLS = Controls(
    anchors=("https://bank.example/", "https://shop.example/"),
    ordinary=("https://one.example/", "https://two.example/", "https://three.example/"),
    name="innocent.example",
    large="https://big.example/64",
    udp="192.0.2.53:53",
    doh="https://dns.example/query",
)


def look(weather: Weather, *, deep: bool = False, seed: int = 1, **host: bool) -> tuple[Sighting, Diagnosis]:
    target, vantage = TARGET, SimulatedVantage(weather=weather, rng=random.Random(seed), **host)
    results = asyncio.run(vantage.look(probe(target, CONTROLS, random.Random(seed).random, deep=deep)))
    sighting = Sighting(mirror=target.url, vantage="v", network="home", started=NOW, results=results)
    return sighting, diagnose(sighting, addresses=target.addresses)


@pytest.mark.parametrize(
    ("weather", "kind", "readable"),
    [
        (Weather(), "well", True),
        (Weather(rtt=0.6), "well", True),
        (Weather(connectivity=False), "offline", False),
        (Weather(listed_only=True), "whitelist", False),
        (Weather(dns=()), "dns", True),
        (Weather(dns=("10.10.34.34",)), "dns", True),
        (Weather(dns=("93.184.216.34",)), "dns", True),
        (Weather(dns=("2001:4860::9",)), "well", True),  # an IPv6 address of a host whose IPv4 one is known
        (Weather(only="IPv6", dns=("64:ff9b::c612:9",)), "well", True),  # NAT64, its usual prefix
        (Weather(only="IPv6", dns=("fd00:64::c612:9",)), "well", True),  # NAT64, one of the network's own
        (Weather(only="IPv6"), "unknown", False),  # no NAT64: readers there cannot have it either, and nobody blocks
        (Weather(only="IPv4", dns=("2001:db8::9", "198.18.0.9")), "well", True),
        (Weather(black_hole=True), "tcp_ip", False),
        (Weather(certificate="ssl_unknown_authority"), "mitm", False),
        (Weather(certificate="ssl_invalid_certificate"), "origin-down", False),
        (Weather(reset_name=True), "sni-rst", False),
        (Weather(drop_name=True), "sni-drop", False),
        (Weather(status=503), "origin-down", False),
        (Weather(status=429), "origin-down", False),
    ],
)
def test_each_way_of_failing_has_its_name(weather: Weather, kind: Kind, readable: bool) -> None:
    _, found = look(weather)
    assert (found.kind, found.readable) == (kind, readable)


def test_a_lie_of_dns_is_sure_where_the_page_arrives_from_the_true_address() -> None:
    _, found = look(Weather(dns=("93.184.216.34",)))
    assert (found.kind, found.readable, found.controlled) == ("dns", True, True)


@pytest.mark.parametrize("limit", [9_000, 12_000, 16_384, 20_480, 34_000])
def test_a_curtain_of_bytes_is_found_by_a_deep_look_though_pages_arrive(limit: int) -> None:
    assert look(Weather(freeze_bytes=limit))[1].kind == "well"
    _, found = look(Weather(freeze_bytes=limit), deep=True)
    assert (found.kind, found.unit, found.readable, found.controlled) == ("curtain", "bytes", True, True)
    assert abs(found.threshold - limit) < 1_449


@pytest.mark.parametrize("limit", [18, 25, 32])
def test_a_curtain_of_packets_is_told_from_one_of_bytes(limit: int) -> None:
    _, found = look(Weather(freeze_packets=limit), deep=True)
    assert (found.kind, found.unit, found.threshold) == ("curtain", "packets", limit)


def test_a_host_without_test_bodies_is_measured_with_many_pages_on_one_connection() -> None:
    _, found = look(Weather(freeze_bytes=16_384), deep=True, large=False, keeps=True)
    assert (found.kind, found.unit, found.readable) == ("curtain", "bytes", True)
    _, blind = look(Weather(freeze_bytes=16_384), deep=True, large=False)  # it closes after each: nothing large to ask
    assert blind.kind == "well"


def test_a_curtain_so_low_that_no_page_passes_is_found_without_being_asked_for() -> None:
    _, found = look(Weather(freeze_bytes=5_000))
    assert (found.kind, found.readable) == ("curtain", False)


def test_a_throttle_is_told_by_its_rate() -> None:
    _, found = look(Weather(rate=17_000), deep=True)
    assert found.kind == "throttled"
    assert 15_000 < found.rate < 19_000
    _, slow = look(Weather(rate=650))  # so slow that a page tells
    assert slow.kind == "throttled"


def test_without_controls_the_diagnosis_says_so() -> None:
    vantage = SimulatedVantage(weather=Weather(drop_name=True))
    results = asyncio.run(vantage.look(probe(TARGET, Controls(), random.Random(1).random)))
    found = diagnose(Sighting(mirror=TARGET.url, vantage="v", network="n", started=NOW, results=results))
    assert found.kind == "sni-drop"
    assert not found.controlled


@pytest.mark.parametrize(
    "weather",
    [Weather(loss=0.1), Weather(loss=0.3), Weather(up=False), Weather(status=500), Weather(rtt=1.5)],
)
@pytest.mark.parametrize("deep", [False, True])
def test_an_ordinary_fault_is_never_a_curtain_or_a_name(weather: Weather, deep: bool) -> None:
    kinds = {look(weather, deep=deep, seed=seed)[1].kind for seed in range(300)}
    assert kinds <= {"well", "unknown", "origin-down", "tcp_ip"}  # tcp_ip is weighed against the outside


def test_what_a_well_mirror_costs() -> None:
    sighting, _ = look(Weather())
    assert [type(one.check) for one in sighting.results] == [Resolve, Fetch]


@given(st.integers(0, 1_000), st.booleans(), st.sampled_from(["freeze_bytes", "drop_name", "reset_name", "black_hole"]))
@settings(max_examples=60)
def test_a_look_never_hurries(seed: int, deep: bool, rule: str) -> None:
    vantage = SimulatedVantage(weather=replace(Weather(), **{rule: 5_000}), rng=random.Random(seed))  # type: ignore[arg-type]
    asyncio.run(vantage.look(probe(TARGET, CONTROLS, random.Random(seed).random, deep=deep)))
    assert max(map(len, vantage.asked)) <= 2
    hellos: list[float] = []  # of the mirror's name, if every check took no time at all
    at = 0.0
    for wait, checks in zip(vantage.waits, vantage.asked, strict=True):
        at += wait
        hellos += [at for check in checks if isinstance(check, Fetch) and check.sni == "mirror.example"]
    assert all(later - first > 1.2 for first, later in zip(hellos, hellos[3:], strict=False))


def test_a_burst_is_made_only_on_request_and_with_names_that_are_nobodys() -> None:
    vantage = SimulatedVantage(weather=Weather())
    asyncio.run(vantage.look(probe(TARGET, CONTROLS, random.Random(1).random, burst=True)))
    burst = [check for checks in vantage.asked if len(checks) > 2 for check in checks]
    assert len(burst) == 4
    assert all(isinstance(check, Fetch) and check.sni.endswith(".example.com") for check in burst)


def burst_result(tag: str, failure: str) -> Result:
    return Result(check=Fetch(ip="198.18.0.9", tag=tag), outcome=Outcome(failure=failure, stage="tls"))


def test_a_burst_that_froze_and_thawed_is_a_rule() -> None:
    page = Result(check=Fetch(ip="198.18.0.9", path="/now", tag="page"), outcome=Outcome(stage="http", status=200))
    frozen = [burst_result("burst", "generic_timeout_error")] * 2 + [burst_result("burst", "")] * 2
    after = [burst_result("beside-burst", ""), burst_result("after-burst", "")]
    told = Sighting(mirror="m", vantage="v", network="n", started=NOW, results=(page, *frozen, *after))
    assert diagnose(told).kind == "tls-burst"
    lasting = [burst_result("beside-burst", ""), burst_result("after-burst", "generic_timeout_error")]
    assert diagnose(replace(told, results=(page, *frozen, *lasting))).kind != "tls-burst"


def test_two_answers_to_one_question_are_an_injection() -> None:
    ask = Resolve(name="mirror.example")
    system = Result(check=replace(ask, tag="system"), outcome=Outcome(addresses=("93.184.216.34",)))
    udp = Outcome(addresses=("93.184.216.34",), more=("198.18.0.9",))
    told = (system, Result(check=replace(ask, how="udp", server="192.0.2.53", tag="udp"), outcome=udp))
    assert diagnose(Sighting(mirror="m", vantage="v", network="n", started=NOW, results=told)).kind == "dns"


def test_what_it_serves_is_held_against_the_journal() -> None:
    sighting, _ = look(Weather())
    assert diagnose(replace(sighting, content="current")).kind == "well"
    assert diagnose(replace(sighting, content="old")).kind == "stale"
    forged = diagnose(replace(sighting, content="strange"))
    assert (forged.kind, forged.readable) == ("forged", False)


_ANY_OUTCOME = st.builds(
    Outcome,
    failure=st.sampled_from(["", "generic_timeout_error", "connection_reset", "ssl_unknown_authority", "unknown"]),
    stage=st.sampled_from(["", "resolve", "connect", "tls", "http"]),
    started=st.floats(0, 100),
    ended=st.floats(0, 100),
    rtt=st.floats(0, 10),
    first=st.floats(0, 10),
    silence=st.floats(0, 60),
    received=st.integers(0, 1 << 40),
    segments=st.integers(0, 1 << 20),
    unacked=st.integers(0, 9),
    status=st.integers(0, 999),
    body=st.integers(0, 1 << 40),
    answers=st.integers(0, 9),
    opening=st.text(max_size=50),
    addresses=st.lists(st.text(max_size=15), max_size=3).map(tuple),
    more=st.lists(st.text(max_size=15), max_size=3).map(tuple),
)


class Mad:
    """A vantage that answers anything."""

    def __init__(self, data: st.DataObject) -> None:
        self.data, self.rounds = data, 0

    def look(self, steps: Steps) -> tuple[Result, ...]:
        results: list[Result] = []
        try:
            turn: Round = next(steps)
            while True:
                self.rounds += 1
                outcomes = [self.data.draw(_ANY_OUTCOME) for _ in turn.checks]
                results += [Result(check=one, outcome=out) for one, out in zip(turn.checks, outcomes, strict=True)]
                turn = steps.send(outcomes)
        except StopIteration:
            return tuple(results)


@given(st.data(), st.booleans(), st.booleans())
def test_whatever_comes_back_a_look_ends_and_is_diagnosed(data: st.DataObject, deep: bool, burst: bool) -> None:
    mad = Mad(data)
    results = mad.look(probe(TARGET, CONTROLS, random.Random(1).random, deep=deep, burst=burst))
    assert mad.rounds <= 20 + len(LADDER)
    found = diagnose(Sighting(mirror="m", vantage="v", network="n", started=NOW, results=results))
    assert not found.readable or any(one.outcome.status == 200 and one.outcome.ok for one in results)
