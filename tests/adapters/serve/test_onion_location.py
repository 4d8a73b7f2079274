"""Pages that offer themselves on an onion mirror, from our server, nginx and Caddy, as far as the budget allows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.serve import peers
from tests.adapters.serve.script import ALL
from tests.model.test_onions import TRUE

from heliograph.adapters.serve import wire
from heliograph.adapters.serve.shelf import Shelf
from heliograph.model.edition import BROTLI_BODY, WIRE_BUDGET

Serving = Callable[..., AbstractContextManager[Any]]
Get = Callable[..., tuple[int, dict[str, str], bytes]]
BASE = f"http://{TRUE}/"
LONGEST = f"a/{'x' * 60}/{'x' * 60}/{'x' * 60}.html"[:200]


@pytest.fixture(scope="module", params=["serve", "nginx", "caddy"])
def get(request: pytest.FixtureRequest, kept_edition: Path, serving: Serving) -> Iterator[Get]:
    """What a server answers that knows of an onion mirror: ``get(method, path, *fields)``."""
    if request.param == "serve":
        with serving(kept_edition, onion=BASE) as site:
            yield lambda method, path, *fields: site.get(path, "".join(f"{one}\r\n" for one in fields), method)
        return
    program = request.getfixturevalue(f"{request.param}_program")
    with peers.running(request.param, program, kept_edition, onion=BASE) as peer:
        yield peer.get


@pytest.mark.parametrize(
    ("path", "offered"),
    [("/", "index.html"), ("/index.html", "index.html"), ("/a/7k3vq2m.html?utm=1", "a/7k3vq2m.html"),
     ("/a/d/", ""), ("/a/search.html", "a/search.html"), ("/404.html", "404.html"), ("/feed.xml", ""), ("/now", ""),
     ("/reader.html", ""), ("/sw.js", ""), ("/a/i/0a1b2c.webp", ""), ("/index.html.br", ""), ("/robots.txt", "")],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_pages_in_brotli_offer_themselves_and_nothing_else_does(get: Get, method: str, path: str, offered: str) -> None:
    status, found, _ = get(method, path, ALL)
    assert status == 200
    if path == "/a/d/":  # a page without encodings: only ours can tell that it has room
        assert found.get("onion-location", f"{BASE}a/d/index.html") == f"{BASE}a/d/index.html"
    else:
        assert found.get("onion-location", "") == (BASE + offered if offered else "")


def test_no_part_and_no_error_offers_itself(get: Get) -> None:
    assert "onion-location" not in get("GET", "/index.html", ALL, "Range: bytes=0-99")[1]
    assert "onion-location" not in get("GET", "/index.html", ALL, "Range: bytes=99999-")[1]
    assert "onion-location" not in get("GET", "/a/nothing.html", ALL)[1]
    assert "onion-location" not in get("DELETE", "/index.html")[1]


def test_an_answer_that_has_no_room_goes_without(get: Get) -> None:
    for path in ("/a/7k3vq2m.html", "/index.html"):
        for accepted in ("Accept-Encoding: gzip", "Accept-Encoding: identity"):
            status, found, body = get("GET", path, accepted)
            assert status == 200
            head = sum(len(name) + len(value) + 4 for name, value in found.items())
            assert "onion-location" not in found or head + len(body) <= WIRE_BUDGET


def test_the_largest_page_has_room_for_it(get: Get) -> None:
    _, found, body = get("GET", "/a/7k3vq2m.html", ALL)
    assert len(body) == BROTLI_BODY
    assert found["onion-location"] == f"{BASE}a/7k3vq2m.html"
    assert (
        len("HTTP/1.1 200 OK\r\n\r\n") + sum(len(f"{n}: {v}\r\n") for n, v in found.items()) + len(body) <= WIRE_BUDGET
    )


def test_even_the_longest_path_has_room_in_brotli() -> None:
    assert wire.canonical(LONGEST)
    field = wire.elsewhere(BASE, LONGEST)
    head = wire.file_head(200, wire.label(LONGEST, "br"), BROTLI_BODY, b'"01234567"', field)
    assert len(field) > 250
    assert len(head) + BROTLI_BODY <= WIRE_BUDGET


@given(st.integers(0, 8_000), st.sampled_from(["", ".gz", ".br"]))
def test_no_answer_is_carried_over_the_budget_by_it(
    tmp_path_factory: pytest.TempPathFactory, size: int, of: str
) -> None:
    folder = tmp_path_factory.mktemp("one")
    (folder / "index.html").write_bytes(b"x")
    (folder / f"index.html{of}").write_bytes(bytes(size))
    asked = wire.Request(False, "index.html", ({"": "", ".gz": "gzip", ".br": "br"}[of],), b"", b"", b"")
    plain = Shelf(folder, memory=1 << 20).reply(asked).data
    with_it = Shelf(folder, memory=1 << 20, onion=BASE).reply(asked).data
    field = f"Onion-Location: {BASE}index.html\r\n".encode()
    assert with_it.replace(field, b"") == plain
    assert (field in with_it) == (len(plain) + len(field) <= WIRE_BUDGET)


def test_who_has_it_already_is_not_offered_it_again(kept_edition: Path, serving: Serving) -> None:
    with serving(kept_edition, onion=BASE) as site:
        tag = site.get("/", f"{ALL}\r\n")[1]["etag"]
        status, found, _ = site.get("/", f"{ALL}\r\nIf-None-Match: {tag}\r\n")
    assert status == 304
    assert "onion-location" not in found
    assert b"Onion-Location" not in Shelf(kept_edition, memory=1 << 20).reply(
        wire.Request(False, "index.html", ("br",), b"", b"", b"")
    ).data  # fmt: skip
