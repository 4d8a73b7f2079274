"""The same rules said to the kernel's own firewall, in the router of the lab: box and kernel agree."""

from __future__ import annotations

import pytest
from tests.lab.world.lab import HEAD, HOST, Lab

pytestmark = [pytest.mark.needs_netns, pytest.mark.needs_nft]
CHAIN = "add table inet lab; add chain inet lab rules { type filter hook forward priority 0; };"


def ruled(lab: Lab, rule: str) -> None:
    done = lab.run("core", ["nft", f"{CHAIN} add rule inet lab rules {rule}"], timeout=20)
    assert done.returncode == 0, done.stderr.decode()


@pytest.mark.parametrize("kernel", [True, False], ids=["nft", "box"])
def test_25_packets(kernel: bool) -> None:
    with Lab("none" if kernel else "curtain-25p", rtt=0.02) as lab:
        if kernel:
            ruled(lab, "ct packets > 25 counter drop")
        assert lab.get(12_000)["error"] == ""
        assert lab.get(14_000)["bytes"] == HEAD + 14_000, "whole, though its end may be lost"
        stalled = lab.get(100_000)
        assert 14_480 <= stalled["bytes"] <= 20 * 1_448, "the kernel counts nearer to the server, after fewer ACKs"
        assert stalled["error"] == "TimeoutError"


@pytest.mark.parametrize("kernel", [True, False], ids=["nft", "box"])
def test_16384_bytes_with_headers_are_10_segments(kernel: bool) -> None:
    payload = 16_384 - 60 - 11 * 52  # what is left for payload of a SYN-ACK and eleven segments
    with Lab("none" if kernel else f"curtain-16k:limit={payload}", rtt=0.02) as lab:
        if kernel:
            ruled(lab, "ct reply bytes > 16384 counter drop")
        assert lab.get(14_000)["error"] == ""
        for _ in range(2):
            stalls = (lab.get(100_000) for _ in range(3))
            assert any((told["bytes"], told["error"]) == (14_480, "TimeoutError") for told in stalls), "each time anew"


@pytest.mark.parametrize("kernel", [True, False], ids=["nft", "box"])
def test_an_address_refused_by_icmp_and_one_not_on_the_list(kernel: bool) -> None:
    with Lab("none" if kernel else f"ip-reject:to={HOST}", rtt=0.02) as lab:
        if kernel:
            ruled(lab, f"ip daddr {HOST} reject with icmp type admin-prohibited")
        assert lab.get(100)["error"] == "OSError", "no route to host"


def test_an_allow_list_of_the_kernel_stops_what_the_box_stops() -> None:
    with Lab("none") as lab:
        ruled(lab, "ip daddr != { 192.0.2.0/24, 100.64.0.0/10 } drop")
        assert lab.get(100)["error"] == "TimeoutError"
        assert lab.run("home", ["getent", "ahostsv4", "news.example"]).returncode == 0
