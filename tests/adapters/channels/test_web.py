"""The client of all channels: what each way to fail means, and what never leaves it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.adapters.channels.web import MOST_NOTE, Got, Web, failure, plain
from heliograph.model.post import Fate

QUICK = aiohttp.ClientTimeout(total=5, sock_connect=2, sock_read=0.2)


@asynccontextmanager
async def saying(reply: bytes | None) -> AsyncIterator[tuple[str, list[bytes]]]:
    """A server that says exactly that and closes, or with None stays silent; and the heads that it got."""
    heads: list[bytes] = []
    silent = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            heads.append(await reader.readuntil(b"\r\n\r\n"))
            if reply is None:
                await silent.wait()
            else:
                writer.write(reply)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", heads
    finally:
        silent.set()
        server.close()
        await server.wait_closed()


def ask(reply: bytes | None, most: int = 1_000, method: str = "POST") -> tuple[Got, list[bytes]]:
    async def main() -> tuple[Got, list[bytes]]:
        async with saying(reply) as (base, heads), Web(QUICK, most) as web:
            return await web.ask(method, base, data={"a": 1}), heads

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("reply", "note"),
    [
        (b"", "the connection ended without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "the answer broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1_001, "the answer is too large"),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100_000, "the answer is too large"),
        (b"nonsense\r\n\r\n", "no answer: ClientResponseError"),
        (None, "no answer in time"),
    ],
)
def test_what_may_have_arrived_is_unknown_and_sent_once(reply: bytes | None, note: str) -> None:
    got, heads = ask(reply)
    assert (got.status, got.fate, got.note) == (0, "unknown", note)
    assert len(heads) == 1


def test_an_answer_at_the_limit_is_whole_and_a_status_is_no_failure() -> None:
    got, _ = ask(b"HTTP/1.1 503 Nope\r\nRetry-After: 7\r\nContent-Length: 1000\r\n\r\n" + b"x" * 1_000)
    assert (got.status, len(got.body), got.headers["Retry-After"]) == (503, 1_000, "7")


def test_no_redirect_is_followed() -> None:
    got, heads = ask(b"HTTP/1.1 307 Go\r\nLocation: /\r\nContent-Length: 0\r\n\r\n")
    assert got.status == 307
    assert len(heads) == 1


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9/")
    assert ask(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")[0].body == b"ok"


@pytest.mark.parametrize(
    ("url", "note"),
    [
        ("http://no-such-name.invalid/", "the provider's name is not found"),
        ("http://", "the provider's address is none"),
    ],
)
def test_an_address_that_is_none_is_not_sent_to(url: str, note: str) -> None:
    async def main() -> Got:
        async with Web(QUICK) as web:
            return await web.ask("POST", url)

    got = asyncio.run(main())
    assert (got.fate, got.note) == ("later", note)


def test_where_nothing_listens_nothing_was_sent() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))

        async def main() -> Got:
            async with Web(QUICK) as web:
                return await web.ask("POST", f"http://127.0.0.1:{closed.getsockname()[1]}/bot7:secret/x")

        got = asyncio.run(main())
    assert got.fate == "later"
    assert "secret" not in got.note


@pytest.mark.parametrize(
    ("error", "fate"),
    [
        (aiohttp.ConnectionTimeoutError("x"), "later"),
        (aiohttp.ServerFingerprintMismatch(b"a", b"b", "h", 1), "later"),
        (aiohttp.SocketTimeoutError("x"), "unknown"),
        (TimeoutError(), "unknown"),
        (aiohttp.ServerDisconnectedError(), "unknown"),
        (aiohttp.ClientOSError(104, "reset"), "unknown"),
        (ConnectionResetError(), "unknown"),
        (RuntimeError("secret"), "unknown"),
    ],
)
def test_the_table_of_failures(error: BaseException, fate: Fate) -> None:
    got, note = failure(error)
    assert got == fate
    assert "secret" not in note


def test_a_body_that_is_no_json_is_none() -> None:
    assert Got(body=b"{").json() is None
    assert Got(body=b"[" * 100_000).json() is None
    assert Got(body=b'{"a": 1}').json() == {"a": 1}


@given(st.text(max_size=2_000), st.text(st.characters(categories=["L", "N"]), min_size=8, max_size=40))
def test_a_note_is_one_short_line_without_the_secret(text: str, secret: str) -> None:
    note = plain(f"{text[:20]}{secret}{text}", secret)
    assert secret not in note
    assert len(note) <= MOST_NOTE
    assert note == note.strip()
    assert note.isprintable()
