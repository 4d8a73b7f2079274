"""WebDAV against WsgiDAV, and against servers that answer anything."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.hosts import edition as e
from tests.adapters.hosts.conftest import Start
from tests.adapters.hosts.machines import DavPeer
from tests.adapters.hosts.test_servers import bring

from heliograph.adapters.hosts.multistatus import Entry, Reading
from heliograph.adapters.hosts.objects import BusyError, Put
from heliograph.adapters.hosts.webdav import WebdavBin
from heliograph.model import ConfigError, StoreError

FIRST = e.edition(1)
PUT = Put(key="a/x.html", data=b"text", content_type="text/html", cache_control="")
Answer = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@pytest.fixture
def peer(start: Start) -> DavPeer:
    peer = start("webdav")
    assert isinstance(peer, DavPeer)
    return peer


def test_a_wrong_password_is_told(peer: DavPeer) -> None:
    peer.credentials.write_text("editor:wrong\n")
    with pytest.raises(StoreError, match="does not take this user") as raised:
        bring(peer, e.steps({}, FIRST), FIRST)
    assert "wrong" not in str(raised.value)


@pytest.mark.parametrize("text", ["", "editor", "editor:a\nother:b"])
def test_a_file_of_credentials_that_is_none_is_refused(peer: DavPeer, text: str) -> None:
    peer.credentials.write_text(text)
    with pytest.raises(ConfigError, match="user:password"):
        bring(peer, [], {})


def test_what_a_killed_run_left_goes(peer: DavPeer) -> None:
    peer.plant(".part/0123", b"half")
    bring(peer, e.steps({}, FIRST), FIRST)
    assert list((peer.root / "site" / ".part").iterdir()) == []


# --- servers that answer anything ---


@asynccontextmanager
async def answering(answer: Answer) -> AsyncIterator[WebdavBin]:
    """A folder at /site/ of a server that answers as told."""
    runner = web.ServerRunner(web.Server(answer))
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        async with WebdavBin(f"http://127.0.0.1:{runner.addresses[0][1]}/site/", None, silence=2) as place:
            yield place
    finally:
        await runner.cleanup()


def always(status: int, body: bytes = b"", **headers: str) -> Answer:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, body=body, headers=headers)

    return answer


def failing(answer: Answer) -> StoreError:
    async def run() -> None:
        async with answering(answer) as place:
            await place.put(PUT)

    with pytest.raises(StoreError) as raised:
        anyio.run(run)
    return raised.value


def listed(answer: Answer) -> object:
    async def run() -> object:
        async with answering(answer) as place:
            return await place.marks()

    return anyio.run(run)


@pytest.mark.parametrize(
    ("status", "kind", "what"),
    [
        (401, StoreError, "user and password"),
        (403, StoreError, "does not allow"),
        (413, StoreError, "no file of that size"),
        (418, StoreError, "refused: 418"),
        (423, BusyError, "cannot now"),
        (429, BusyError, "cannot now"),
        (500, BusyError, "cannot now"),
        (501, StoreError, "no WebDAV server"),
        (503, BusyError, "cannot now"),
        (507, StoreError, "disk there is full"),
    ],
)
def test_what_a_server_says_is_told(status: int, kind: type[StoreError], what: str) -> None:
    error = failing(always(status))
    assert type(error) is kind
    assert what in error.what


def test_a_server_that_sends_us_elsewhere_is_refused() -> None:
    error = failing(always(302, Location="https://elsewhere.example/"))
    assert "elsewhere.example" in error.what
    assert error.remedy


def test_a_web_server_that_is_no_webdav_is_told() -> None:
    with pytest.raises(StoreError, match="no WebDAV"):
        listed(always(200, b"<html>"))


def test_a_server_that_falls_silent_counts_as_gone() -> None:
    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        await anyio.sleep(4)
        return web.Response()

    assert isinstance(failing(answer), BusyError)


def test_a_folder_that_somebody_removed_is_made_again() -> None:
    made: list[str] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "MKCOL":
            made.append(request.path)
        if request.method == "PUT" and len(made) < 5:
            return web.Response(status=409)
        return web.Response(status=207 if request.method == "PROPFIND" else 201, body=multistatus(""))

    async def run() -> None:
        async with answering(answer) as place:
            with pytest.raises(BusyError):
                await place.put(PUT)
            await place.put(PUT)

    anyio.run(run)
    assert made == ["/site/", "/site/a/", "/site/.part/"] * 2


def test_no_credentials_none_sent() -> None:
    seen: list[str | None] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization"))
        return web.Response(status=403)

    failing(answer)
    assert seen == [None]


def test_credentials_are_sent_as_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "password"
    path.write_text("redaktor:пароль: с двоеточием\n", encoding="utf-8")
    path.chmod(0o600)
    seen: list[str] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        seen.append(request.headers["Authorization"].removeprefix("Basic "))
        return web.Response(status=404)

    async def run() -> None:
        async with answering(answer) as place, WebdavBin(str(place._base), path) as known:
            assert await known.get("now") == (b"", "")

    anyio.run(run)
    assert base64.b64decode(seen[0]).decode() == "redaktor:пароль: с двоеточием"


def multistatus(inside: str) -> bytes:
    return f'<?xml version="1.0"?><D:multistatus xmlns:D="DAV:">{inside}</D:multistatus>'.encode()


def response(href: str, props: str = "<D:getetag>1</D:getetag>", status: str = "HTTP/1.1 200 OK") -> str:
    found = f"<D:propstat><D:prop>{props}</D:prop><D:status>{status}</D:status></D:propstat>"
    return f"<D:response><D:href>{href}</D:href>{found}</D:response>"


FOLDER = "<D:resourcetype><D:collection/></D:resourcetype>"


def test_what_leads_outside_is_not_seen() -> None:
    inside = response("/site/", FOLDER) + "".join(
        response(href)
        for href in (
            "/site/now", "/site/../etc/passwd", "/etc/passwd", "https://elsewhere.example/site/x.html",
            "/site/%2e%2e/x", "/site/a/deep.html", "/site/.hidden", "//site/y.html", "/site/a%00b", "http://[/site/z",
            "/site/%D1%8F.html",
        )
    )  # fmt: skip
    assert listed(always(207, multistatus(inside))) == ({"now": "1"}, 1)


def test_a_folder_that_is_its_own_child_ends() -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        inside = response(request.path, FOLDER) + response(f"{request.path}a/", FOLDER)
        return web.Response(status=207, body=multistatus(inside))

    assert listed(answer) == ({}, 16)


def read(data: bytes) -> list[Entry]:
    reading = Reading()
    reading.feed(data, "m")
    reading.end("m")
    return reading.entries


def test_a_mark_is_the_tag_or_what_changes_with_the_bytes() -> None:
    length, date = "<D:getcontentlength>5</D:getcontentlength>", "<D:getlastmodified>Sun</D:getlastmodified>"
    marks = [
        entry.mark
        for entry in read(
            multistatus(
                response("a", '<D:getetag>"x"</D:getetag>')
                + response("b", '<D:getetag>W/"x"</D:getetag>')
                + response("c", length + date)
                + response("d", length)
                + response("e", status="HTTP/1.1 404 Not Found")
            )
        )
    ]
    assert marks == ['"x"', '"x"', "5-Sun", "", ""]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><multistatus xmlns="DAV:"/>',
        b'<!DOCTYPE x SYSTEM "file:///etc/passwd"><multistatus xmlns="DAV:"/>',
        b"<a>" * 100,
        multistatus("&undefined;"),
    ],
)
def test_a_listing_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(StoreError, match="listing cannot be read"):
        read(data)


def test_a_field_is_kept_up_to_a_limit() -> None:
    assert len(read(multistatus(response("x" * 1_000_000)))[0].href) == 4_096


@given(st.binary(max_size=400), st.text(max_size=60), st.integers(1, 50))
def test_any_bytes_are_read_or_refused(noise: bytes, text: str, size: int) -> None:
    clean = "".join(one for one in text if one.isprintable()).replace("&", "").replace("<", "").replace(">", "")
    for data in (noise, multistatus(response(clean)), multistatus(noise.decode("latin-1"))):
        reading = Reading()
        try:
            for start in range(0, len(data), size):
                reading.feed(data[start : start + size], "m")
            reading.end("m")
        except StoreError:
            continue
        assert all(len(entry.href) < 5_000 for entry in reading.entries)


def test_a_temporary_file_that_could_not_be_deleted_goes_when_the_run_ends() -> None:
    there: set[str] = set()
    refused = {"MOVE", "DELETE"}  # once each: the file is not moved into place, and stays

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        temporary = "/.part/" in request.path and not request.path.endswith("/")
        if temporary and request.method in refused:
            refused.remove(request.method)
            return web.Response(status=503)
        if request.method == "PUT":
            there.add(request.path)
        elif request.method == "DELETE":
            there.discard(request.path)
        return web.Response(status=201)

    async def run() -> set[str]:
        async with answering(answer) as place:
            with pytest.raises(BusyError):
                await place.put(PUT)
            return set(there)

    assert len(anyio.run(run)) == 1
    assert there == set()
