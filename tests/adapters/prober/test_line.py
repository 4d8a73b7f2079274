"""One connection of the prober and servers of every temper: the outcome says what happened, and nothing is raised."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.adapters.prober.conftest import context

from benchmarks.tls import Authority
from heliograph.model.sighting import Fetch, Outcome

Ask = Callable[..., Outcome]
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"


def plain(**more: object) -> Callable[[int], Fetch]:
    bare = Fetch(ip="127.0.0.1", tls=False, host="localhost", path="/now")
    return lambda port: replace(bare, port=port, **more)  # type: ignore[arg-type]


def secure(**more: object) -> Callable[[int], Fetch]:
    return plain(tls=True, sni="localhost", **more)


def saying(data: bytes, *, then_silent: bool = False, pause: float = 0.0) -> Callable[..., object]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for start in range(0, len(data), 1 if pause else len(data) or 1):
            writer.write(data[start : start + (1 if pause else len(data))])
            await writer.drain()
            await asyncio.sleep(pause)
        if then_silent:
            await asyncio.sleep(30)

    return answer


def test_a_whole_answer_has_its_facts(ask: Ask) -> None:
    got = ask(plain(), saying(HELLO))
    assert (got.failure, got.stage, got.status, got.body, got.answers) == ("", "http", 200, 5, 1)
    assert got.received == len(HELLO)
    assert got.sent == got.acked - 1  # the SYN counts
    assert got.rtt > 0 < got.first
    assert got.opening == "hello"
    assert got.digest.startswith("2cf24dba")
    assert sum(size for _, size in got.reads) == len(HELLO)


def test_over_tls_the_name_is_sent_and_judged(ask: Ask, authority: Authority) -> None:
    got = ask(secure(), saying(HELLO), context(authority.leaf("localhost")))
    assert (got.failure, got.body) == ("", 5)
    assert got.received > len(HELLO) + 500  # raw bytes, the handshake among them
    assert got.hello > 0


@pytest.mark.parametrize(
    ("names", "days", "failure"),
    [
        (("elsewhere.example",), 30, "ssl_invalid_hostname"),
        (("localhost",), -3, "ssl_invalid_certificate"),
    ],
)
def test_a_wrong_certificate_is_named(
    ask: Ask, authority: Authority, names: tuple[str, ...], days: int, failure: str
) -> None:
    pem = authority.leaf(*names, days=days)
    got = ask(secure(), saying(HELLO), context(pem))
    assert (got.failure, got.stage, got.status) == (failure, "tls", 0)
    unjudged = ask(secure(verify=False), saying(HELLO), context(pem))
    assert (unjudged.failure, unjudged.status) == ("", 200)


def test_a_certificate_of_nobody_known(ask: Ask, authority: Authority) -> None:
    stranger = Authority(authority.folder / "stranger", authority.now, name="Somebody")
    got = ask(secure(), saying(HELLO), context(stranger.leaf("localhost")))
    assert got.failure == "ssl_unknown_authority"


def test_what_is_not_tls_on_a_tls_port(ask: Ask) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    got = ask(secure(), answer)
    assert (got.failure, got.stage) == ("ssl_failed_handshake", "tls")


def test_silence_is_a_timeout_that_knows_what_came(ask: Ask) -> None:
    got = ask(plain(), saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n" + b"x" * 4_000, then_silent=True))
    assert (got.failure, got.stage, got.status, got.body) == ("generic_timeout_error", "http", 200, 4_000)
    assert got.silence >= 0.45
    assert got.received > 4_000


def test_silence_in_the_handshake(ask: Ask) -> None:
    async def answer(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await reader.read(9)
        await asyncio.sleep(30)

    got = ask(secure(), answer)
    assert (got.failure, got.stage, got.unacked) == ("generic_timeout_error", "tls", 0)
    assert got.hello > 0


@pytest.mark.parametrize("tls", [False, True])
def test_a_reset(ask: Ask, tls: bool) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(9)
        channel = writer.get_extra_info("socket")
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    got = ask(secure() if tls else plain(), answer)
    assert (got.failure, got.stage) == ("connection_reset", "tls" if tls else "http")


def test_an_end_before_the_answer(ask: Ask) -> None:
    assert ask(plain(), saying(b"")).failure == "eof_error"
    assert ask(plain(), saying(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nshort")).failure == "eof_error"


def test_nobody_listens(ask: Ask) -> None:
    got = ask(plain())
    assert (got.failure, got.stage) == ("connection_refused", "connect")


def test_no_way_there(ask: Ask) -> None:
    got = ask(plain(ip="2001:db8::1"))  # of documents; what is on the way differs from machine to machine
    assert got.stage == "connect"
    assert got.failure in {"network_unreachable", "host_unreachable", "generic_timeout_error"}


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\xff garbage\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000,  # endless headers
        b"HTTP/1.1 200 OK\r\nContent-Length: ten\r\n\r\n",
    ],
)
def test_garbage_is_no_answer(ask: Ask, data: bytes) -> None:
    got = ask(plain(), saying(data))
    assert got.failure in {"http_request_failed", "eof_error"}


def test_a_byte_at_a_time_ends_with_all_patience(ask: Ask) -> None:
    slow = saying(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" + b"x" * 900, pause=0.2)
    got = ask(plain(), slow)
    assert got.failure == "generic_timeout_error"
    assert got.silence < 0.45  # it was still talking: not a stall


def test_a_body_without_end_is_left(ask: Ask) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10737418240\r\n\r\n")
        while True:
            writer.write(bytes(65_536))
            await writer.drain()

    got = ask(plain(limit=100_000), answer)
    assert got.failure == "http_request_failed"
    assert got.body < 400_000


def test_a_redirect_is_noted_and_not_followed(ask: Ask) -> None:
    where = b"HTTP/1.1 302 Found\r\nLocation: http://localhost/now\r\nContent-Length: 0\r\n\r\n"
    got = ask(plain(), saying(where))
    assert (got.status, got.location) == (302, "http://localhost/now")


def test_a_dribbled_request_is_many_segments(ask: Ask) -> None:
    whole, dribbled = ask(plain(), saying(HELLO)), ask(plain(writes="dribble"), saying(HELLO))
    assert dribbled.body == 5
    assert dribbled.segments >= whole.segments + 32


def test_an_upload_arrives(ask: Ask) -> None:
    came: list[int] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        came.append(len(await reader.readexactly(40_000)))
        writer.write(HELLO)
        await writer.drain()

    got = ask(plain(upload=40_000), answer)
    assert (got.failure, came) == ("", [40_000])
    assert got.acked > 40_000


def test_several_requests_go_over_one_connection_where_the_server_lets_them(ask: Ask) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(HELLO.replace(b"Connection: close\r\n", b""))
            await writer.drain()

    assert ask(plain(times=6), answer).answers == 6
    closing = ask(plain(times=6), saying(HELLO))
    assert (closing.answers, closing.failure) == (1, "")


@given(st.binary(max_size=3_000))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_an_outcome(ask: Ask, data: bytes) -> None:
    assert isinstance(ask(plain(), saying(data)), Outcome)
