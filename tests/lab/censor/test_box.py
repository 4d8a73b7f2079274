"""The censor without a network: each behaviour of docs/lab.md, packet by packet, on a clock that the test holds."""

from __future__ import annotations

from struct import unpack_from

import pytest
from tests.lab.censor.wire import (
    OTHER_NET,
    READER,
    SERVER,
    Link,
    a_box,
    hello,
    real_hello,
    total,
    udp,
)

from heliograph.lab.censor import Box
from heliograph.lab.censor.packet import ACK, FIN, RST, SYN, parse

REQUEST = b"GET /65536 HTTP/1.1\r\nHost: news.example\r\n\r\n"


def fates(box: Box) -> list[str]:
    return [one["fate"] for one in box.report()["connections"]]


# --- B1: the curtain


def test_the_26th_packet_of_a_connection_does_not_arrive_nor_any_behind_it() -> None:
    link = Link(a_box("curtain-25p")).opened()
    passed = [link.passes("up" if number % 3 == 0 else "down", b"abc") for number in range(40)]
    assert passed == [True] * 22 + [False] * 18  # three packets opened it
    assert [(event.rule, event.what) for event in link.events] == [("curtain-25p", "freeze")]


def test_a_new_connection_starts_from_zero_and_waiting_does_not_refill_the_old_one() -> None:
    box = a_box("curtain-25p")
    link = Link(box).opened()
    link.answers(65_536)
    link.now += 3_600
    assert not link.passes("down", b"late")
    assert Link(box, source=40_001).opened().answers(14_000) == 14_000
    assert Link(box, isn=7_000).opened().answers(14_000) == 14_000, "the same ports, but another initial number"


def test_a_repeated_syn_belongs_to_the_old_connection_and_counts() -> None:
    link = Link(a_box("curtain-25p:limit=3"))
    assert all(link.send("up", flags=SYN, seq=1_000) for _ in range(3))
    assert not link.send("up", flags=SYN, seq=1_000)


@pytest.mark.parametrize(("limit", "arrives"), [(16_384, 15_928), (5_000, 4_344), (14_000, 13_032), (20_480, 20_272)])
def test_bytes_from_the_server_stop_at_the_last_whole_segment_within_the_limit(limit: int, arrives: int) -> None:
    link = Link(a_box(f"curtain-16k:limit={limit}")).opened()
    link.says(REQUEST)
    assert link.answers(100_000) == arrives
    assert not link.passes("up", b"more"), "both directions are dead"


def test_upload_counts_where_the_rule_says_so() -> None:
    link = Link(a_box("curtain-upload-5k")).opened()
    assert [link.passes("up", b"x" * 1_448) for _ in range(5)] == [True] * 3 + [False] * 2
    assert not link.passes("down", b"x")


@pytest.mark.parametrize(
    "opening", [hello("www.allowed.example"), b"SSH-2.0-OpenSSH_9\r\n", b"\x03\0\0\x13\x0e\xe0\0\0"]
)
def test_listed_names_and_exempt_protocols_pass_the_curtain(opening: bytes) -> None:
    link = Link(a_box("curtain-25p")).opened()
    link.says(opening)
    assert link.answers(200_000) == 200_000
    assert Link(a_box("curtain-25p")).opened().answers(200_000) < 200_000


def test_a_name_that_only_ends_like_a_listed_one_is_not_listed() -> None:
    link = Link(a_box("curtain-25p")).opened()
    link.says(hello("notallowed.example"))
    assert link.answers(65_536) < 65_536


def test_the_curtain_hangs_over_udp_too_and_over_named_networks_only() -> None:
    box = a_box("curtain-25p")
    frames = [udp(READER, SERVER, (5_000, 4_433), b"data") for _ in range(30)]
    assert sum(len(box.handle(0.0, "up", frame).sent) for frame in frames) == 25
    elsewhere = a_box("curtain-25p:to=198.51.100.0/24")
    assert Link(elsewhere).opened().answers(65_536) == 65_536
    assert Link(elsewhere, server=OTHER_NET).opened().answers(65_536) < 65_536


def test_probability_is_for_each_connection_and_repeatable() -> None:
    def hit(seed: int) -> list[bool]:
        box = a_box("curtain-25p:probability=0.5", seed=seed)
        return [Link(box, source=number).opened().answers(65_536) < 65_536 for number in range(1, 101)]

    assert hit(1) == hit(1) != hit(2)
    assert 30 < sum(hit(1)) < 70


def test_ip_version_6_is_counted_as_well() -> None:
    link = Link(a_box("curtain-16k"), reader="2001:db8:f::1", server="2001:db8:c::10").opened()
    assert link.answers(100_000) == 15_928


# --- B2: bursts of hellos


def burst(box: Box, count: int, *, gap: float = 0.0, start: float = 0.0, name: str = "news.example") -> list[bool]:
    """Open ``count`` connections with a hello each, ``gap`` seconds apart; whether their answers come through."""
    links = []
    for number in range(count):
        link = Link(box, source=10_000 + number, now=start + number * gap, isn=int(start * 10) + number).opened()
        link.says(hello(name))
        links.append(link)
    for link in links:
        link.now = start + count * gap
    return [link.passes("down", b"server hello") for link in links]


def test_three_hellos_at_once_pass_four_freeze_all_and_another_name_is_free() -> None:
    assert burst(a_box("tls-burst"), 3) == [True] * 3
    box = a_box("tls-burst")
    assert burst(box, 4) == [False] * 4
    assert burst(box, 1, start=1.0, name="other.example") == [True]
    assert burst(box, 1, start=60.0) == [False], "the name stays frozen for new connections"


def test_the_name_thaws_after_120_seconds() -> None:
    box = a_box("tls-burst")
    burst(box, 4)
    assert burst(box, 1, start=119.9) == [False]
    assert burst(box, 1, start=120.1) == [True]


def test_eight_hellos_half_a_second_apart_pass_and_four_at_350_ms_do_not() -> None:
    assert burst(a_box("tls-burst"), 8, gap=0.5) == [True] * 8
    assert burst(a_box("tls-burst"), 4, gap=0.35) == [False] * 4


def test_a_hello_sent_again_or_split_over_segments_counts_once() -> None:
    box = a_box("tls-burst")
    links = [Link(box, source=source).opened() for source in range(3)]
    whole = hello("news.example", pad=1_700)
    for link in links:
        for at in (0, 1_448, 0, 1_448):
            link.send("up", whole[at : at + 1_448], seq=link.seq["up"] + at)
    assert all(link.passes("down", b"server hello") for link in links)
    assert box.report()["names"] == {"news.example": {"hellos": 3, "most_within_window": 3}}


def test_servers_of_one_network_share_a_names_fate_and_others_do_not() -> None:
    box = a_box("tls-burst")
    for number in range(4):
        Link(box, source=number, server=f"203.0.113.{number}").opened().says(hello("news.example"))
    near, far = Link(box, source=9, server="203.0.113.99").opened(), Link(box, source=9, server=OTHER_NET).opened()
    assert not near.says(hello("news.example"))
    assert far.says(hello("news.example"))


def test_without_a_name_there_is_no_burst() -> None:
    assert burst(a_box("tls-burst"), 10, name="") == [True] * 10


def test_what_no_longer_matters_is_forgotten_and_what_does_is_not() -> None:
    box = a_box("tls-burst")
    burst(box, 4)
    for number in range(10_050):
        Link(box, source=number % 60_000, isn=number, now=1.0).opened().says(hello(f"{number}.example"))
    assert burst(box, 1, start=100.0) == [False]
    shut = a_box("sni-rst-beside")
    for number in range(10_050):
        Link(shut, server=f"203.0.{number >> 8}.{number & 255}", now=number / 50).opened().says(
            hello("blocked.example")
        )
    assert len(Link(shut, server="203.0.39.10", source=1, now=210.0).send("up", flags=SYN)) == 7, "still shut"
    assert len(Link(shut, server="203.0.0.10", source=1, now=210.0).send("up", flags=SYN)) == 1


# --- B3: resets


def test_a_reset_meets_both_ends_before_the_hello_could_arrive() -> None:
    link = Link(a_box("sni-rst")).opened()
    told = real_hello("www.blocked.example")
    asked = link.seq["up"]
    down, up = (parse(sent.frame) for sent in sorted(link.says(told), key=lambda sent: sent.way))
    assert down is not None
    assert up is not None
    assert (down.flags, down.seq, down.ack) == (RST | ACK, link.seq["down"], asked + len(told))
    assert (up.flags, up.seq) == (RST | ACK, asked)
    assert not link.passes("down", b"server hello")
    assert not link.passes("up", b"again")


def test_forged_packets_have_right_checksums() -> None:
    for reader, server in ((READER, SERVER), ("2001:db8:f::1", "2001:db8:c::10")):
        link = Link(a_box("sni-rst"), reader=reader, server=server).opened()
        for sent in link.says(hello("blocked.example")):
            packet = parse(sent.frame)
            assert packet is not None
            body = sent.frame[packet.header_at : packet.end]
            assert total(packet.source + packet.target + bytes([0, 6]) + len(body).to_bytes(2) + body) == 0
            assert packet.version == 6 or total(sent.frame[14:34]) == 0


def test_the_same_ports_stay_shut_for_75_seconds_and_others_are_open() -> None:
    box = a_box("sni-rst")
    Link(box).opened().says(hello("blocked.example"))
    again = Link(box, isn=5, now=74.0)
    (answer,) = [parse(sent.frame) for sent in again.send("up", flags=SYN) if sent.way == "down"]
    assert answer is not None
    assert (answer.flags, answer.ack) == (RST | ACK, 6)
    assert Link(box, source=1, now=74.0).opened().passes("down", b"x")
    assert Link(box, isn=9, now=76.0).opened().passes("down", b"x")


def test_beside_the_path_nothing_is_cut_three_resets_go_each_way_and_the_server_stays_shut() -> None:
    box = a_box("sni-rst-beside")
    link = Link(box).opened()
    sent = link.says(hello("blocked.example"))
    assert [one.way for one in sent].count("down") == 3
    assert [one.way for one in sent].count("up") == 4, "three resets and the hello"
    assert len(Link(box, source=1, now=179.0).send("up", flags=SYN)) == 7
    assert len(Link(box, source=2, now=400.0).send("up", flags=SYN)) == 1
    assert len(Link(a_box("sni-rst-beside"), port=8_443).opened().says(hello("blocked.example"))) == 1, "443 only"


def test_at_the_answer_the_hello_passes_and_a_reset_takes_the_answers_place() -> None:
    link = Link(a_box("sni-rst-answer")).opened()
    assert len(link.says(hello("blocked.example"))) == 1
    assert link.passes("down"), "the bare ACK passes"
    at = link.seq["down"]
    (sent,) = link.send("down", b"server hello")
    packet = parse(sent.frame)
    assert packet is not None
    assert (sent.way, packet.flags, packet.seq, packet.payload) == ("down", RST | ACK, at, 0)


def test_a_reset_may_carry_the_marks_of_its_maker() -> None:
    link = Link(a_box("sni-rst-by")).opened()
    (frame,) = [sent.frame for sent in link.says(hello("blocked.example")) if sent.way == "down"]
    assert unpack_from("!H", frame, 14 + 4) == (0,)  # IP-ID
    assert unpack_from("!H", frame, 34 + 14) == (502,)  # window


# --- B4, B5: drop and mute


def test_a_dropped_hello_never_arrives_and_nothing_else_does() -> None:
    link = Link(a_box("sni-drop")).opened()
    assert link.says(hello("blocked.example")) == []
    assert not link.passes("down", b"x")
    assert Link(a_box("sni-drop")).opened().says(hello("news.example"))


def test_a_hello_split_over_segments_is_put_together() -> None:
    link, whole = Link(a_box("sni-drop")).opened(), hello("blocked.example", piece=40)
    assert link.says(whole[:60])
    assert link.says(whole[60:]) == []


def test_six_packets_pass_behind_a_muted_hello_then_none_for_420_seconds() -> None:
    link = Link(a_box("sni-mute")).opened()
    assert link.says(hello("blocked.example"))
    assert [link.passes(way, b"x") for way in ("down", "up", "down", "down", "up", "down", "down", "up")] == (
        [True] * 6 + [False] * 2
    )
    link.now = 419.0
    assert not link.passes("down", b"x")
    link.now = 421.0
    assert link.passes("down", b"x")


# --- B6: slowness


def test_a_policer_passes_its_bucket_and_then_its_rate() -> None:
    link = Link(a_box("throttle")).opened()
    link.says(hello("throttled.example"))
    at_once = link.answers(100_000)
    assert at_once == 1_448 * 10 + 100_000 % 1_448, "16,000 bytes, of which the headers take 40 a packet"
    arrived = 0
    for _ in range(1_000):
        link.now += 0.01
        arrived += sum(len(sent.frame) - 14 for sent in link.send("down", b"x" * 1_448))
    assert arrived == pytest.approx(16_250 * 10.0, rel=0.02)
    other = Link(a_box("throttle")).opened()
    other.says(hello("news.example"))
    assert other.answers(100_000) == 100_000


def test_a_delay_holds_packets_back() -> None:
    link = Link(a_box("delay:loss=0"), now=5.0).opened()
    link.says(hello("throttled.example"))
    assert [sent.when for sent in link.send("down", b"x")] == [5.5]


# --- the box as a whole


def test_the_first_rule_that_drops_keeps_a_packet_from_the_next() -> None:
    box = a_box("ru-2026-home")
    link = Link(box).opened()
    link.says(hello("blocked.example"))
    link.answers(65_536)
    assert fates(box) == ["mute"]
    assert set(box.report()["rules"]["curtain-25p"]) == set()


def test_a_censor_can_be_switched_under_way() -> None:
    box = a_box("none")
    link = Link(box).opened()
    assert link.answers(65_536) == 65_536
    box.switch(a_box("curtain-25p").profile)
    assert link.answers(65_536) < 65_536
    box.switch(a_box("none").profile)
    assert link.answers(65_536) == 65_536
    assert box.report()["profile"] == "none"
    assert box.report()["rules"]["curtain-25p"]["connections"] == 1


def test_a_connection_from_outside_is_nobodys_reader() -> None:
    box = a_box("curtain-25p")
    link = Link(box)
    link.send("down", flags=SYN)
    assert link.answers(65_536) == 65_536
    assert box.report()["connections"][0]["from_inside"] is False


def test_the_statistics_say_what_each_connection_cost() -> None:
    box = a_box("none")
    link = Link(box, now=1.5).opened()
    link.says(hello("news.example"))
    link.answers(3_000)
    link.now = 2.5
    link.send("down", flags=FIN | ACK)
    (one,) = box.report()["connections"]
    assert one["client"] == f"{READER}:40000"
    assert one["server"] == f"{SERVER}:443"
    assert (one["protocol"], one["name"], one["finished"]) == ("tls", "news.example", "fin")
    assert one["packets"] == {"up": 4, "down": 5}
    assert one["payload"] == {"up": len(hello("news.example")), "down": 3_000}
    assert one["last_data_down"] == 8
    assert (one["began"], one["ended"], one["fate"]) == (1.5, 2.5, "passed")


def test_the_table_of_connections_is_bounded_and_the_longest_silent_leaves() -> None:
    from dataclasses import replace

    small = a_box("curtain-25p").profile
    box = Box(replace(small, settings=replace(small.settings, most_flows=3)))
    for source in range(10):
        Link(box, source=source, now=float(source)).opened()
    report = box.report()
    assert [one["number"] for one in report["connections"]] == list(range(10))
