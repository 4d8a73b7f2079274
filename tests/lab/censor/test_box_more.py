"""The censor without a network, continued: DNS, addresses, block pages, extensions, QUIC, protocols, interception."""

from __future__ import annotations

import pytest
from tests.lab.censor.wire import (
    OTHER_NET,
    READER,
    SERVER,
    Link,
    a_box,
    hello,
    ip_frame,
    quic,
    total,
    udp,
)

from heliograph.lab.censor import Box, dns
from heliograph.lab.censor.packet import ACK, FIN, RST, SYN, parse

# --- B7: DNS


def asked(box: Box, name: str, kind: int = dns.A) -> list[tuple[str, int, list[str]]]:
    """Where what goes, for a query."""
    sent = box.handle(0.0, "up", udp(READER, "8.8.8.8", (5_353, 53), dns.query(name, kind, 77))).sent
    told = []
    for one in sent:
        packet = parse(one.frame)
        assert packet is not None
        told.append((one.way, *dns.addresses(one.frame[packet.data_at : packet.end])))
    return told


def test_a_name_does_not_exist_whoever_is_asked_and_the_query_goes_nowhere() -> None:
    assert asked(a_box("dns-nx"), "www.blocked.example") == [("down", dns.NXDOMAIN, [])]
    assert asked(a_box("dns-nx"), "news.example") == [("up", -1, [])]


def test_a_false_address_comes_while_the_query_goes_on() -> None:
    assert asked(a_box("dns-inject"), "blocked.example") == [("down", 0, ["10.10.34.34"]), ("up", -1, [])]
    assert asked(a_box("cn"), "blocked.example")[:3] == [
        ("down", 0, ["31.13.94.37"]),
        ("down", 0, ["104.244.46.17"]),
        ("down", 0, ["199.59.148.9"]),
    ]
    assert asked(a_box("dns-inject:answers=::1"), "blocked.example", dns.AAAA)[0] == ("down", 0, ["::1"])


def test_a_query_can_be_swallowed() -> None:
    assert asked(a_box("dns-drop"), "blocked.example") == []


def test_dns_over_tcp_to_the_same_address_still_works() -> None:
    link = Link(a_box("dns-nx"), server="8.8.8.8", port=53).opened()
    message = dns.query("blocked.example", dns.A, 1)
    assert link.passes("up", len(message).to_bytes(2) + message)


# --- B8, B12: addresses


def icmp(target: str, way: str = "up") -> bytes:
    ends = (READER, target) if way == "up" else (target, READER)
    return ip_frame(*ends, 1, b"\x08\0\0\0\0\0\0\0", "up" if way == "up" else "down")


def test_a_blocked_network_is_gone_for_tcp_udp_and_icmp() -> None:
    box = a_box("ip-blackhole")
    assert Link(box, server=OTHER_NET).send("up", flags=SYN) == []
    assert box.handle(0.0, "up", icmp(OTHER_NET)).sent == ()
    assert box.handle(0.0, "up", udp(READER, OTHER_NET, (1, 9), b"x")).sent == ()
    assert Link(box).send("up", flags=SYN)


def test_a_refusal_comes_by_icmp_or_as_a_reset() -> None:
    for server, number, kind in ((OTHER_NET, "icmp", 3), ("2001:db8:b::10", "icmp", 1)):
        reader = READER if server == OTHER_NET else "2001:db8:f::1"
        (sent,) = Link(a_box("ip-reject"), server=server, reader=reader).send("up", flags=SYN)
        packet = parse(sent.frame)
        assert packet is not None
        assert (sent.way, packet.transport, packet.source_port) == ("down", number, kind)
        body = sent.frame[packet.header_at : packet.end]
        pseudo = (
            b"" if packet.version == 4 else packet.source + packet.target + len(body).to_bytes(4) + bytes([0, 0, 0, 58])
        )
        assert total(pseudo + body) == 0
    (sent,) = Link(a_box("ip-rst"), server=OTHER_NET).send("up", flags=SYN)
    packet = parse(sent.frame)
    assert packet is not None
    assert (packet.flags, packet.ack) == (RST | ACK, 1_001)


def test_the_last_ack_of_a_handshake_can_be_the_one_that_is_lost() -> None:
    link = Link(a_box("ip-last-ack"), server=OTHER_NET)
    assert link.passes("up", flags=SYN)
    assert link.passes("down", flags=SYN | ACK)
    assert not link.passes("up")


def test_an_allow_list_passes_listed_networks_only() -> None:
    box = a_box("allow-list")
    assert Link(box, server="192.0.2.10").opened().passes("down", b"x")
    assert Link(box).send("up", flags=SYN) == []
    assert Link(box, server="2001:db8:a::10", reader="2001:db8:f::1").send("up", flags=SYN)


def test_an_allow_list_by_name_lets_the_syn_pass_and_stops_the_hello() -> None:
    link = Link(a_box("allow-list-sni")).opened()
    assert link.says(hello("news.example")) == []
    listed = Link(a_box("allow-list-sni")).opened()
    assert listed.says(hello("allowed.example"))
    assert a_box("icmp-off").handle(0.0, "up", icmp(SERVER)).sent == ()


# --- B9: block pages


def test_a_block_page_answers_once_the_head_is_whole_and_ends_the_connection() -> None:
    link = Link(a_box("http-page"), port=80).opened()
    head = b"GET / HTTP/1.1\r\nHost: www.blocked.example:80\r\n\r\n"
    at = link.seq["up"]
    assert link.passes("up", head[:20])
    (sent,) = link.says(head[20:])
    packet = parse(sent.frame)
    assert packet is not None
    assert (sent.way, packet.flags & FIN, packet.ack) == ("down", FIN, at + len(head))
    page = sent.frame[packet.data_at :]
    assert page.startswith(b"HTTP/1.1 200 OK\r\n")
    assert int(page.partition(b"Content-Length: ")[2].partition(b"\r")[0]) == len(page.partition(b"\r\n\r\n")[2])
    assert not link.passes("down", b"true answer")
    moved = Link(a_box("http-redirect"), port=80).opened().says(head)
    assert b"Location: http://warning.example/\r\n" in moved[0].frame


# --- B10, B11, B13, B14


def test_ech_is_dropped_only_with_both_the_name_and_the_extension() -> None:
    ech = (0xFE0D, b"\0" * 8)
    for told, passes in (
        (hello("cloudflare-ech.com", ech), False),
        (hello("cloudflare-ech.com"), True),
        (hello("news.example", ech), True),
    ):
        assert bool(Link(a_box("ech")).opened().says(told)) is passes


def test_esni_silences_the_reader_for_120_seconds_not_the_server() -> None:
    box = a_box("esni")
    link = Link(box).opened()
    assert link.says(hello("", (0xFFCE, b"\0"))) == []
    assert link.passes("down", b"x")
    assert Link(box, source=1, now=119.0).send("up", flags=SYN) == []
    assert Link(box, source=2, now=121.0).send("up", flags=SYN)


def test_quic_version_1_is_dropped_and_each_new_packet_renews_420_seconds() -> None:
    box = a_box("quic-ru")

    def passes(now: float, data: bytes) -> bool:
        return bool(box.handle(now, "up", udp(READER, SERVER, (50_000, 443), data)).sent)

    assert [passes(0.0, quic(1)), passes(400.0, b"more"), passes(800.0, b"more"), passes(1_221.0, b"more")] == (
        [False, False, False, True]
    )
    fresh = a_box("quic-ru")
    for data, expected in ((quic(2), 1), (quic(1, 900), 1), (b"\xc0nothing", 1), (quic(1), 0)):
        assert len(fresh.handle(0.0, "up", udp(READER, SERVER, (len(data), 443), data)).sent) == expected


def test_quic_beside_the_wall_is_dropped_upwards_and_only_from_high_ports() -> None:
    box = a_box("quic-cn")
    assert box.handle(0.0, "up", udp(READER, OTHER_NET, (50_000, 443), quic(1))).sent == ()
    assert box.handle(1.0, "down", udp(OTHER_NET, READER, (443, 50_000), b"x", "down")).sent
    assert box.handle(0.0, "up", udp(READER, OTHER_NET, (50_000, 50_001), quic(1))).sent


def test_udp_off_leaves_only_dns() -> None:
    box = a_box("udp-off")
    assert box.handle(0.0, "up", udp(READER, SERVER, (1, 443), b"x")).sent == ()
    assert box.handle(0.0, "up", udp(READER, SERVER, (1, 53), b"x")).sent


@pytest.mark.parametrize(
    ("packets", "passed"),
    [
        ([b"\x05\x01\0", b"\x05\x01\0\x03"], [True, False]),
        ([b"junk", hello("x.example")], [True, True]),
        ([b"GET / HTTP/1.1\r\n", b"Host: x\r\n\r\n"], [True, True]),
        ([hello("x.example"), b"junk", b"junk"], [True, True, True]),
    ],
)
def test_only_what_looks_like_a_listed_protocol_passes_its_second_packet(
    packets: list[bytes], passed: list[bool]
) -> None:
    link = Link(a_box("protocol-list")).opened()
    assert [bool(link.says(data)) for data in packets] == passed
    if not all(passed):
        assert link.passes("down", b"x"), "the server is not silenced"
        link.now = 59.0
        assert not link.says(b"again")
        link.now = 118.0
        assert not link.says(b"and again: each packet starts the minute anew")
        link.now = 179.0
        assert link.says(b"after a minute of rest")


def test_a_connection_to_an_intercepted_port_is_diverted_upwards() -> None:
    link = Link(a_box("tls-intercept"))
    (up,) = link.send("up", flags=SYN)
    (down,) = link.send("down", flags=SYN | ACK)
    assert (up.divert, down.divert) == (True, False)
    assert not Link(a_box("tls-intercept"), port=80).send("up", flags=SYN)[0].divert
