"""The censor between real network stacks: the figures that docs/lab.md states, and what a reader's program sees."""

from __future__ import annotations

import pytest
from tests.lab.world.lab import BLOCKED, HEAD, HOST, HOST6, Lab

pytestmark = pytest.mark.needs_netns
SEGMENT = 1_448  # bytes of payload with IPv4 and time stamps


# --- B1


@pytest.mark.parametrize("rtt", [0.01, 0.04, 0.12])
def test_25_packets_stall_a_long_answer_at_ten_segments_if_sent_in_one_write(rtt: float) -> None:
    with Lab("curtain-25p", rtt=rtt) as lab:
        told = lab.get(65_536)
        assert told["error"] == "TimeoutError"
        assert 10 * SEGMENT <= told["bytes"] < 20 * SEGMENT, "10 unless a busy machine joins ACKs"
        (counted,) = lab.box("home").stats()["connections"]
        assert counted["packets"]["up"] + counted["packets"]["down"] == 25
        assert counted["last_data_down"] <= 25
        assert lab.get(14_000)["bytes"] == HEAD + 14_000, "a new connection starts from zero; its end may be lost"
        assert lab.get(12_000)["error"] == ""
        assert lab.box("home").stats()["rules"]["curtain-25p"]["connections"] >= 1


def test_a_header_in_its_own_segment_makes_it_stall_earlier() -> None:
    with Lab("curtain-25p", rtt=0.04) as lab:
        told = lab.get(65_536, "?split")
        assert told["error"] == "TimeoutError"
        assert (told["bytes"] - HEAD) % SEGMENT == 0
        assert 9 * SEGMENT <= told["bytes"] - HEAD < 20 * SEGMENT, "9 unless a busy machine joins ACKs"


def test_16384_bytes_stall_a_long_answer_at_eleven_segments() -> None:
    with Lab("curtain-16k", rtt=0.02) as lab:
        stalls = (lab.get(100_000) for _ in range(3))  # a segment sent twice counts twice: a busy machine may need more
        assert any((told["bytes"], told["error"]) == (15_928, "TimeoutError") for told in stalls)
        whole = 16_384 - HEAD
        assert any(lab.get(whole)["error"] == "" for _ in range(3))
        assert lab.get(whole + 1)["error"] == "TimeoutError"
        stalls = (lab.get(100_000, address=HOST6) for _ in range(3))
        assert any(told["bytes"] == 11 * (SEGMENT - 20) for told in stalls), "IPv6 has longer headers"


@pytest.mark.parametrize("limit", [5_000, 12_000, 14_000, 20_480])
def test_an_answer_of_the_limit_is_whole_and_one_byte_more_is_not(limit: int) -> None:
    with Lab(f"curtain-16k:limit={limit}", rtt=0.02) as lab:
        whole = limit - HEAD + (limit < 10_000 + HEAD)  # a length of four digits has a shorter header
        assert any(lab.get(whole)["error"] == "" for _ in range(3))
        assert lab.get(whole + 1)["error"] == "TimeoutError"


def test_tls_with_large_records_leaves_the_reader_nothing() -> None:
    with Lab("curtain-16k", rtt=0.02, secure=True) as lab:
        (told,) = lab.probe("tls", HOST, "news.example", 1, 0, "/65536")
        assert (told["tls"], told["bytes"], told["error"]) == (True, 0, "TimeoutError")
        (told,) = lab.probe("tls", HOST, "allowed.example", 1, 0, "/65536")
        assert told["bytes"] == HEAD + 65_536


def test_upload_stalls_where_it_is_counted() -> None:
    with Lab("curtain-upload-5k") as lab:
        assert lab.probe("get", HOST, 80, "/", 64_000)["error"] == "TimeoutError"
        assert lab.probe("get", HOST, 80, "/", 2_000)["error"] == ""


# --- B2


def test_parallel_handshakes_freeze_a_name_until_it_thaws() -> None:
    with Lab("tls-burst", rtt=0.02, secure=True) as lab:
        three = lab.probe("tls", HOST, "news.example", 3, 0, "/100")
        assert [one["error"] for one in three] == [""] * 3
        lab.box("home").advance(2.0)
        four = lab.probe("tls", HOST, "news.example", 4, 0, "/100")
        assert [one["bytes"] for one in four] == [0] * 4
        assert {one["error"] for one in four} == {"TimeoutError"}
        (other,) = lab.probe("tls", HOST, "other.example", 1, 0, "/100")
        assert other["error"] == ""
        lab.box("home").advance(100.0)
        (again,) = lab.probe("tls", HOST, "news.example", 1, 0)
        assert again["error"] == "TimeoutError"
        lab.box("home").advance(20.0)
        (thawed,) = lab.probe("tls", HOST, "news.example", 1, 0, "/100")
        assert thawed["error"] == ""


def test_eight_handshakes_half_a_second_apart_pass() -> None:
    with Lab("tls-burst", rtt=0.02, secure=True) as lab:
        told = lab.probe("tls", HOST, "news.example", 8, 0.5, "/100")
        assert [one["error"] for one in told] == [""] * 8
        assert lab.box("home").stats()["names"]["news.example"]["hellos"] == 8


# --- B3 to B5


def test_a_reset_comes_before_the_server_could_have_answered() -> None:
    with Lab("sni-rst", rtt=0.4, secure=True) as lab:
        (told,) = lab.probe("tls", HOST, "blocked.example", 1, 0)
        assert told["error"] == "ConnectionResetError"
        assert told["seconds"] - told["connect"] < told["connect"], "earlier than one round trip"
        (other,) = lab.probe("tls", HOST, "news.example", 1, 0)
        assert other["tls"]


def test_a_reset_in_place_of_the_answer_comes_after_it() -> None:
    with Lab("sni-rst-answer", rtt=0.2, secure=True) as lab:
        (told,) = lab.probe("tls", HOST, "blocked.example", 1, 0)
        assert told["error"] == "ConnectionResetError"
        assert told["seconds"] - told["connect"] >= 0.2


@pytest.mark.parametrize("rule", ["sni-drop", "sni-mute"])
def test_a_dropped_or_muted_name_is_silence(rule: str) -> None:
    with Lab(rule, secure=True) as lab:
        (told,) = lab.probe("tls", HOST, "blocked.example", 1, 0, "/8192")
        assert (told["bytes"], told["error"]) == (0, "TimeoutError")
        (connection,) = (one for one in lab.box("home").stats()["connections"] if one["name"] == "blocked.example")
        passed = connection["packets"]["up"] + connection["packets"]["down"]
        assert passed == (3 if rule == "sni-drop" else 3 + 1 + 6)


# --- B6


def test_a_policed_answer_arrives_whole_and_not_faster_than_the_rate() -> None:
    with Lab("throttle:names=news.example,rate=100000") as lab:
        told = lab.get(100_000)
        assert (told["bytes"], told["error"]) == (HEAD + 1 + 100_000, "")
        assert told["seconds"] >= (100_000 - 16_000) / 100_000


# --- B7


def test_the_forged_answer_is_half_a_round_trip_earlier_than_the_true_one() -> None:
    with Lab("dns-inject", rtt=0.3) as lab:
        forged, true = lab.probe("dns", "192.0.2.53", "blocked.example", 1.0)
        assert (forged["end"], true["end"]) == ([10, 10, 34, 34], [203, 0, 113, 10])
        assert 0.15 <= forged["seconds"] < 0.3 <= true["seconds"]


def test_a_name_is_said_not_to_exist_over_udp_only() -> None:
    with Lab("dns-nx") as lab:
        (lie,) = lab.probe("dns", "192.0.2.53", "blocked.example", 0.3)
        assert lie["rcode"] == 3
        done = lab.run("home", ["getent", "ahostsv4", "news.example"], timeout=20)
        assert done.stdout.startswith(HOST.encode())
        assert lab.run("home", ["getent", "ahostsv4", "blocked.example"], timeout=20).returncode != 0


def test_dns_over_https_tells_the_truth_behind_lies() -> None:
    with Lab("dns-nx", secure=True) as lab:
        lab.serve("resolver", "doh", {"certificate": lab.certificate(["resolver.example"]), "zone": lab.zone()})
        curl = ["curl", "-sS", "-m", "20", "--doh-url", "https://resolver.example/dns-query", "-o", "/dev/null"]
        seen = lab.run("home", [*curl, "-w", "%{remote_ip} %{size_download}", "http://blocked.example/100"])
        assert seen.stdout.decode() in (f"{HOST} 100", f"{HOST6} 100"), seen.stderr.decode()


# --- B8, B9, B12, B14


@pytest.mark.parametrize(
    ("profile", "error"),
    [
        ("ip-blackhole", "TimeoutError"),
        ("ip-rst", "ConnectionRefusedError"),
        ("ip-reject", "OSError"),
        ("ip-last-ack", "TimeoutError"),
        ("allow-list", "TimeoutError"),
    ],
)
def test_an_address_is_gone_in_its_manner(profile: str, error: str) -> None:
    with Lab(profile) as lab:
        assert lab.get(100, address=BLOCKED)["error"] == error


def test_a_block_page_takes_half_a_round_trip() -> None:
    with Lab("http-page:names=news.example", rtt=0.4) as lab:
        told = lab.get(4_096)
        assert told["bytes"] < 500
        assert told["first"] - told["connect"] < told["connect"]


def test_an_intercepted_name_shows_a_forged_certificate_and_the_true_page() -> None:
    with Lab("tls-intercept:names=blocked.example", secure=True) as lab:
        (told,) = lab.probe("tls", HOST, "blocked.example", 1, 0, "/5000")
        assert (told["issuer"], told["bytes"], told["error"]) == ("Interception", HEAD - 1 + 5_000, "")
        (told,) = lab.probe("tls", HOST, "news.example", 1, 0, "/5000")
        assert (told["issuer"], told["bytes"], told["error"]) == ("own", HEAD - 1 + 5_000, "")


# --- the line


def test_loss_and_delay_are_there() -> None:
    with Lab("none", rtt=0.1, loss=0.05) as lab:
        told = lab.get(100_000)
        assert told["connect"] >= 0.1
        assert lab.box("home").stats()["line"]["lost"] > 0
