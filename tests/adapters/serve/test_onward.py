"""A retired mirror leads pages on, by its folder's list alone, once, and nothing but pages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.adapters.serve import onward, wire
from heliograph.adapters.serve.onward import leads_on, own_address, target
from heliograph.adapters.serve.shelf import Shelf
from heliograph.model import ConfigError

OWN = "https://old.example/"


def listing(*urls: object, **more: object) -> bytes:
    told = {"format": "heliograph-mirrors/1", "mirrors": [{"url": url} for url in urls], "sites": []}
    return json.dumps({**told, **more}).encode()


def asked(target: str, *fields: str, method: str = "GET") -> wire.Request:
    head = "".join(f"{line}\r\n" for line in (f"{method} {target} HTTP/1.1", "Host: old.example", *fields, ""))
    found = wire.request(head.encode())
    assert isinstance(found, wire.Request)
    return found


@pytest.mark.parametrize(
    ("listed", "to"),
    [
        (listing("https://a.example/", "https://b.example/"), "https://a.example/"),
        (listing("https://a.example:8443/x/y/"), "https://a.example:8443/x/y/"),
        (listing("https://[2001:db8::1]/"), "https://[2001:db8::1]/"),
        (listing("https://a.example/", OWN), ""),  # it is not retired, or not any more
        (listing("http://a.example/", "https://b.example/"), "https://b.example/"),
        (listing("http://a.example/"), ""),
        (listing(), ""),
        (listing("https://a.example/\r\nSet-Cookie: x=1", "https://b.example/"), "https://b.example/"),
        (listing("https://us@a.example/", "javascript:x/", "//a.example/", "https://a.example", 7, None), ""),
        (listing("https://a.example/", format="heliograph-mirrors/2"), ""),
        (listing(mirrors={"url": "https://a.example/"}), ""),
        (listing(mirrors=["https://a.example/"]), ""),
        (listing(sites=[{"url": "https://a.example/"}]), ""),  # no page of the edition is there
        (b"[" * 100_000, ""),
        (b"[" * 60_000, ""),
        (listing("https://a.example/") + b" " * 70_000, ""),
        (b"", ""),
    ],
)
def test_the_first_that_is_listed_is_where_pages_are(listed: bytes, to: str) -> None:
    assert target(listed, OWN) == to


def test_who_comes_by_http_may_be_led_to_http() -> None:
    assert target(listing("http://a.example/"), "http://127.0.0.1:8080/") == "http://a.example/"


@given(st.binary(max_size=200) | st.recursive(st.text(max_size=9), st.lists).map(json.dumps).map(str.encode))
def test_any_list_leads_nowhere_or_to_an_address(data: bytes) -> None:
    assert target(data, OWN) == ""


@given(st.lists(st.text(max_size=30) | st.sampled_from(["https://a.example/", OWN, "http://c.example/d/"]), max_size=5))
def test_nobody_is_led_where_the_list_does_not_say(urls: list[str]) -> None:
    found = target(listing(*urls), OWN)
    assert not found or (found in urls and OWN not in urls and "\r" not in found and "\n" not in found)


@pytest.mark.parametrize(
    ("given_", "base"),
    [
        ("https://Old.example", "https://old.example/"),
        ("https://old.example/", OWN),
        ("HTTPS://OLD.EXAMPLE/News", "https://old.example/News/"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
    ],
)
def test_an_own_address_is_written_as_lists_do(given_: str, base: str) -> None:
    assert own_address(given_) == base


@pytest.mark.parametrize("given_", ["old.example", "", "ftp://old.example/", "https://", "https://старый.example/"])
def test_what_is_no_address_is_refused(given_: str) -> None:
    with pytest.raises(ConfigError, match="no address of a mirror"):
        own_address(given_)


@pytest.mark.parametrize(
    "page", ["/", "/index.html", "/a/7k3vq2m.html", "/a/d/", "/a/x.html?utm=1", "/a/x.html?led=1#led"]
)
def test_pages_are_led_on(page: str) -> None:
    assert leads_on(asked(page))


@pytest.mark.parametrize(
    "other",
    ["/now", "/feed.xml", "/a/mirrors.json", "/404.html", "/reader.html", "/sw.js", "/a/i/x.webp", "/index.html.br",
     "/tuf/1.root.json", "/ladder/4", "/a/../x.html", "/a/X.html", f"/code/{'a' * 64}.reader.html", "/drop",
     "/?led", "/a/7k3vq2m.html?led", "/a/7k3vq2m.html?led#more"],
)  # fmt: skip
def test_nothing_else_is_and_nobody_twice(other: str) -> None:
    assert not leads_on(asked(other))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "a").mkdir()
    (tmp_path / "index.html").write_bytes(b"front")
    (tmp_path / "now").write_bytes(b"now")
    (tmp_path / onward.LIST).write_bytes(listing("https://a.example/"))
    return tmp_path


def test_an_answer_that_leads_on_is_whole_and_short(folder: Path) -> None:
    shelf = Shelf(folder, memory=1 << 20, retired=OWN)
    for method in ("GET", "HEAD"):
        reply = shelf.reply(asked("/a/7k3vq2m.html", "Range: bytes=0-1", "If-None-Match: *", method=method))
        head, _, body = reply.data.partition(b"\r\n\r\n")
        assert (reply.status, body) == (302, b"")
        assert head.startswith(b"HTTP/1.1 302 Found\r\n")
        assert b"\r\nLocation: https://a.example/a/7k3vq2m.html?led\r\n" in head
    assert b"\r\nLocation: https://a.example/index.html?led\r\n" in shelf.reply(asked("/")).data
    assert shelf.reply(asked("/?led")).data.endswith(b"front")
    assert shelf.reply(asked("/now")).data.endswith(b"now")


def test_without_the_option_nobody_is_led_anywhere(folder: Path) -> None:
    assert Shelf(folder, memory=1 << 20).reply(asked("/")).status == 200


def test_a_new_list_counts_at_once_and_one_that_is_gone_leads_nowhere(folder: Path) -> None:
    shelf = Shelf(folder, memory=1 << 20, retired=OWN)

    def put(data: bytes) -> None:  # as a publisher does
        (folder / "x.part").write_bytes(data)
        (folder / "x.part").replace(folder / onward.LIST)

    assert shelf.reply(asked("/")).status == 302
    put(listing("https://a.example/", OWN))
    assert shelf.reply(asked("/")).status == 200
    put(listing("https://b.example/"))
    assert b"https://b.example/index.html?led" in shelf.reply(asked("/")).data
    put(b" " * 100_000)
    assert shelf.reply(asked("/")).status == 200
    (folder / onward.LIST).unlink()
    assert shelf.reply(asked("/")).status == 200
    (folder / "elsewhere.json").write_bytes(listing("https://b.example/"))
    (folder / onward.LIST).symlink_to(folder / "elsewhere.json")
    assert shelf.reply(asked("/")).status == 200
