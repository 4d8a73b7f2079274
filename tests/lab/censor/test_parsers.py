"""What reads strangers' bytes: right on what real programs send, quiet on everything else."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.lab.censor.wire import READER, SERVER, Link, hello, ip_frame, quic, real_hello, udp

from heliograph.lab.censor import Box, dns, library, recognise
from heliograph.lab.censor.flow import Stream
from heliograph.lab.censor.packet import parse
from heliograph.lab.censor.recognise import MORE, NO, Finding

BYTES = st.binary(max_size=400)
PORTS = st.tuples(st.sampled_from([1, 53, 80, 443, 50_000]), st.sampled_from([1, 53, 80, 443, 50_000]))
WAYS = st.sampled_from(["up", "down"])
STRICT = library.profile("ru-2026-home")
RULES = tuple(library.rule(name) for name in library.names("rules"))
ALL = library.Profile(name="all", about="", rules=RULES, settings=library.settings())


@given(BYTES, WAYS)
def test_any_bytes_at_all_pass_the_strictest_box(frame: bytes, way: str) -> None:
    box = Box(STRICT)
    for kind in (frame[12:14], b"\x08\0", b"\x86\xdd"):
        result = box.handle(0.0, way, frame[:12] + kind + frame[14:])  # type: ignore[arg-type]
        assert isinstance(result.sent, tuple)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 255), PORTS, BYTES, WAYS), max_size=12), st.integers(0, 9))
def test_no_rule_stumbles_over_any_packet(packets: list[tuple[int, tuple[int, int], bytes, str]], seed: int) -> None:
    box = Box(ALL, seed=seed)
    for now, (number, ports, data, way) in enumerate(packets):
        ends = (READER, SERVER) if way == "up" else (SERVER, READER)
        pairs = ports if way == "up" else ports[::-1]
        box.handle(float(now), way, udp(*ends, pairs, data, way))  # type: ignore[arg-type]
        box.handle(float(now), way, ip_frame(*ends, number, data, way))  # type: ignore[arg-type]
        link = Link(box, now=float(now), port=ports[0], source=ports[1])
        link.send(way, data, flags=number & 63, seq=number)  # type: ignore[arg-type]
    box.report()


@given(BYTES)
def test_recognisers_answer_any_bytes(data: bytes) -> None:
    for start in (b"", b"\x16\x03\x01", b"\x16\x03\x01\x01\x00\x01", b"GET ", b"\x03\0", b"SSH-"):
        assert isinstance(recognise.stream(start + data), Finding) or recognise.stream(start + data) in (MORE, NO)
        recognise.datagram(start + data, 53)
        recognise.datagram(start + data, 443)
        recognise.looks_like(start + data, datagrams=False)
    dns.addresses(data)
    dns.addresses(b"\0\0\x80" + data)


@given(st.integers(0, 2_000), st.integers(1, 2_000))
def test_a_hello_is_found_however_it_is_cut_and_never_too_early(pad: int, piece: int) -> None:
    whole = hello("news.example", pad=pad, piece=piece)
    assert recognise.stream(whole) == recognise.stream(hello("news.example", pad=pad))
    for end in random.Random(pad).sample(range(len(whole)), 5):
        assert recognise.stream(whole[:end]) is MORE


def test_hellos_of_openssl_are_read() -> None:
    found = recognise.stream(real_hello("News.Example"))
    assert isinstance(found, Finding)
    assert (found.protocol, found.name) == ("tls", "news.example")


@given(st.binary(min_size=1, max_size=3_000), st.randoms(use_true_random=False), st.integers(0, 0xFFFFFFFF))
def test_a_stream_is_put_in_order_across_repeats_gaps_and_the_end_of_the_numbers(
    data: bytes, chance: random.Random, first: int
) -> None:
    pieces = [(at, data[at : at + 100]) for at in range(0, len(data), 100)]
    shuffled = pieces + chance.sample(pieces, len(pieces) // 2)
    chance.shuffle(shuffled)
    stream, whole = Stream(first, 16_384), b""
    for at, piece in shuffled:
        whole = stream.add((first + at) & 0xFFFFFFFF, piece) or whole
    assert whole == data


def test_a_stream_keeps_no_more_than_it_may() -> None:
    stream = Stream(0, 1_000)
    assert stream.add(5_000, b"far ahead") is None
    assert stream.add(0, bytes(3_000)) == bytes(1_000)
    assert stream.is_full


@given(st.sampled_from([dns.A, dns.AAAA]), st.lists(st.ip_addresses().map(str), max_size=5), st.integers(0, 15))
def test_dns_answers_say_what_was_meant(kind: int, told: list[str], rcode: int) -> None:
    asked = dns.question(dns.query("News.Example.", kind, 513))
    assert asked is not None
    assert (asked.name, asked.kind, asked.ident) == ("news.example", kind, 513)
    fitting = [address for address in told if (":" in address) == (kind == dns.AAAA)]
    assert dns.addresses(dns.answer(asked, told, rcode=rcode, lifetime=60)) == (rcode, fitting)


def test_responses_and_other_operations_are_no_questions() -> None:
    query = dns.query("news.example", dns.A, 1)
    assert dns.question(query[:2] + b"\x80" + query[3:]) is None
    assert dns.question(query[:2] + b"\x28" + query[3:]) is None
    assert dns.question(query[:-3]) is None


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (b"GET / HTTP/1.1\r\nhost:  News.Example:8080 \r\n\r\n", "news.example"),
        (b"GET / HTTP/1.1\r\nHost: [2001:db8::1]:80\r\n\r\n", "[2001:db8::1]:80"),
        (b"POST / HTTP/1.0\r\nX: y\r\n\r\n", ""),
    ],
)
def test_the_host_of_a_request_is_read(data: bytes, name: str) -> None:
    assert recognise.stream(data) == Finding(protocol="http", name=name)
    assert recognise.stream(data[:-1]) is MORE


def test_quic_initials_are_told_from_other_datagrams() -> None:
    assert recognise.initial(quic(1)) == Finding(protocol="quic", version=1)
    assert recognise.initial(quic(2)) == Finding(protocol="quic", version=2)
    assert recognise.initial(b"\xe0" + quic(1)[1:]) is None, "a Handshake packet"
    assert recognise.initial(b"\x40" + quic(1)[1:]) is None, "a short header"
    assert recognise.initial(quic(1)[:5] + b"\xff" * 30) is None, "an id of 255 bytes"


def test_packets_behind_extension_headers_and_fragments_are_found() -> None:
    tcp = udp("2001:db8::1", "2001:db8::2", (5, 6), b"data")[54:]
    hop = bytes([17, 0]) + bytes(6)
    packet = parse(ip_frame("2001:db8::1", "2001:db8::2", 0, hop + tcp, "up"))
    assert packet is not None
    assert (packet.transport, packet.source_port, packet.payload) == ("udp", 5, 4)
    later = bytes([17, 0, 0, 8]) + bytes(4)  # a fragment that is not the first
    packet = parse(ip_frame("2001:db8::1", "2001:db8::2", 44, later + tcp, "up"))
    assert packet is not None
    assert packet.transport == "other"
    frame = bytearray(udp(READER, SERVER, (5, 6), b"data"))
    frame[21] = 9
    packet = parse(bytes(frame))
    assert packet is not None
    assert packet.transport == "other"
