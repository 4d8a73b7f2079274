"""Hosts in memory answer as hosts of the web do, and a careful client makes of it what it must."""

from __future__ import annotations

import pytest

from heliograph.lab.readers import Host, Reply, listing
from heliograph.model.release import Ask, Got

FILES = {"a/x.html": b"x" * 100, "a/x.html.br": b"br", "a/x.html.gz": b"gz"}
PLAIN = Ask(mirror=0, name="a/x.html", limit=200)
ANY = Ask(mirror=0, name="a/x.html", limit=200, codings=("br", "gzip"))


def get(ask: Ask, reply: Reply | None = None, *, chooses: bool = True) -> Got:
    return Host(files=FILES, replies={ask.name: reply} if reply else {}, chooses=chooses).get(ask)


def test_an_honest_host_sends_the_file_or_the_encoding_that_is_taken() -> None:
    assert get(PLAIN) == Got(fate="whole", data=FILES["a/x.html"])
    assert get(ANY) == Got(fate="whole", data=b"br", coding="br")
    assert get(ANY, chooses=False) == get(PLAIN)
    assert get(Ask(mirror=0, name="a/x.html", limit=200, codings=("gzip",))).coding == "gzip"
    assert get(Ask(mirror=0, name="a/y.html", limit=200)) == Got(fate="missing")


@pytest.mark.parametrize(
    ("reply", "fate"),
    [
        (Reply(), "whole"),
        (Reply(headers={"Set-Cookie": "who=you"}), "whole"),
        (Reply(status=302, headers={"Location": "https://elsewhere.example/"}), "unavailable"),
        (Reply(status=403), "unavailable"),
        (Reply(status=500), "unavailable"),
        (Reply(status=404), "missing"),
        (Reply(status=410), "missing"),
        (Reply(size=200), "whole"),
        (Reply(size=201), "long"),
        (Reply(size=10**12), "long"),
        (Reply(endless=True), "long"),
        (Reply(cut=99), "unavailable"),
        (Reply(cut=100), "whole"),
        (Reply(pause=0.3), "whole"),
        (Reply(pause=0.31), "unavailable"),
        (Reply(pause=11, size=1), "unavailable"),
        (Reply(endless=True, cut=150), "unavailable"),
        (Reply(endless=True, cut=500), "long"),
    ],
)
def test_what_a_host_does_has_the_fate_that_a_careful_client_gives_it(reply: Reply, fate: str) -> None:
    assert get(PLAIN, reply).fate == fate


def test_a_host_may_send_an_encoding_for_one_name_only() -> None:
    assert get(ANY, Reply(coding="gzip"), chooses=False) == Got(fate="whole", data=b"gz", coding="gzip")
    assert get(PLAIN, Reply(coding="gzip"), chooses=False) == get(PLAIN)


def test_a_listing_shows_every_name_once() -> None:
    assert listing(FILES, {"a/x.html": "link", "a/up": "link"}) == [
        ("a/up", "link"),
        ("a/x.html", "link"),
        ("a/x.html.br", "file"),
        ("a/x.html.gz", "file"),
    ]
