"""Whom the client refuses to ask."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from heliograph.adapters.web.guard import PublicOnly, admit, is_public, onward, place, web_address
from heliograph.adapters.web.words import PrivateAddressError, RefusedError

PRIVATE = [
    "127.0.0.1",
    "0.0.0.0",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::127.0.0.1",
    "2002:7f00:1::",
    "2002:a00:1::5",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "ff02::1",
    "127.1",
    "2130706433",
    "news.example",
    "",
]


@pytest.mark.parametrize("host", PRIVATE)
def test_an_address_inside_is_not_public_however_it_is_written(host: str) -> None:
    assert not is_public(host)


@pytest.mark.parametrize("host", ["8.8.8.8", "1.1.1.1", "2001:4860:4860::8888", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"])
def test_an_address_of_the_internet_is_public(host: str) -> None:
    assert is_public(host)


def test_an_operator_may_name_a_place_inside_but_only_that_port() -> None:
    own = frozenset({place(URL("http://10.0.0.5:8080/feed"))})
    admit(URL("http://10.0.0.5:8080/ru/"), own)
    admit(URL("http://news.example/"), own)
    with pytest.raises(RefusedError, match=r"private address: 10\.0\.0\.5"):
        admit(URL("http://10.0.0.5:6379/"), own)


@pytest.mark.parametrize(
    ("location", "there"),
    [
        ("/b", "https://news.example/b"),
        ("b?q=1#top", "https://news.example/a/b?q=1"),
        ("//other.example/x", "https://other.example/x"),
        ("http://news.example/a/", "http://news.example/a/"),  # same host: some sites bounce over http
        ("https://новости.example/", "https://xn--b1amnebsh.example/"),
        ("/новости", "https://news.example/%D0%BD%D0%BE%D0%B2%D0%BE%D1%81%D1%82%D0%B8"),
        ("/\udced\udcee", "https://news.example/%ED%EE"),
    ],
)
def test_a_redirect_is_read_as_browsers_read_it(location: str, there: str) -> None:
    assert str(onward(URL("https://news.example/a/index"), location)) == there


@pytest.mark.parametrize(
    "location",
    [
        "http://other.example/",
        "file:///etc/passwd",
        "data:text/html,x",
        "http:///x",
        "https://[::1/",
        "https://a:b/",
        "x://[]@",
    ],
)
def test_a_redirect_out_of_tls_or_the_web_is_refused(location: str) -> None:
    with pytest.raises(RefusedError):
        onward(URL("https://news.example/a"), location)


@given(text=st.text(max_size=60) | st.text(alphabet="htps:/[]@%.a1#?\udcff ", max_size=30).map("http://".__add__))
def test_any_text_is_a_web_address_or_refused(text: str) -> None:
    try:
        url = web_address(text)
    except RefusedError:
        return
    assert url.scheme in {"http", "https"}
    assert url.host


@given(text=st.text(max_size=60) | st.binary(max_size=40).map(lambda raw: raw.decode("utf-8", "surrogateescape")))
def test_any_redirect_leads_to_a_web_address_or_is_refused(text: str) -> None:
    try:
        url = onward(URL("https://news.example/a"), text)
    except RefusedError:
        return
    assert url.scheme in {"http", "https"}


def resolved(monkeypatch: pytest.MonkeyPatch, addresses: list[str], own: frozenset[tuple[str, int]]) -> list[str]:
    """The addresses that a name with ``addresses`` is allowed to have."""

    async def main() -> list[str]:
        async def answer(*_: Any, **__: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 80)) for address in addresses]

        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", answer, raising=False)
        return [one["host"] for one in await PublicOnly(own).resolve("news.example", 80)]

    return asyncio.run(main())


def test_a_name_keeps_only_its_public_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolved(monkeypatch, ["8.8.8.8", "127.0.0.1", "10.0.0.1"], frozenset()) == ["8.8.8.8"]


def test_a_name_with_private_addresses_only_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(PrivateAddressError):
        resolved(monkeypatch, ["127.0.0.1"], frozenset())


@pytest.mark.parametrize("name", ["x.onion", "news.ONION", "onion."])
def test_an_onion_name_is_not_asked_for(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    async def main() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", None, raising=False)
        await PublicOnly(frozenset({(name, 80)})).resolve(name, 80)

    with pytest.raises(PrivateAddressError, match="through Tor only"):
        asyncio.run(main())


def test_the_operators_own_name_may_lie_inside(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resolved(monkeypatch, ["10.0.0.1"], frozenset({("news.example", 80)})) == ["10.0.0.1"]
    with pytest.raises(PrivateAddressError):
        resolved(monkeypatch, ["10.0.0.1"], frozenset({("news.example", 443)}))
