"""Our readers' way through a SOCKS5 proxy, against one that is strict and against servers that are none."""

from __future__ import annotations

import asyncio
import datetime as dt
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from benchmarks.tls import Authority
from heliograph.adapters import reach as reaching
from heliograph.adapters import socks
from heliograph.adapters.reach import WebMirror, reach
from heliograph.adapters.serve import MirrorServer, secure_context
from heliograph.adapters.socks import Socks
from heliograph.model import ConfigError
from heliograph.model.release import Ask, Got

ASK = Ask(mirror=0, name="robots.txt", limit=100)
TEXT = b"User-agent: *\n"
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Proxy:
    """A SOCKS5 proxy that leads every name to one port of this machine, and notes what it was asked for."""

    def __init__(
        self, port: int, *, refusal: int = 0, refusals: int = 1 << 30, tail: bytes = b"\x01\x00\x00\x00\x00\x00\x00"
    ) -> None:
        self.goal, self.refusal, self.tail = port, refusal, tail
        self.refusals = refusals if refusal else 0  # how often it refuses
        self.asked: list[tuple[str, int]] = []

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            assert await reader.readexactly(3) == b"\x05\x01\x00"
            writer.write(b"\x05\x00")
            version, command, zero, kind = await reader.readexactly(4)
            assert (version, command, zero) == (5, 1, 0)
            if kind == 3:
                host = (await reader.readexactly((await reader.readexactly(1))[0])).decode("ascii")
            else:
                family, size = {1: (socket.AF_INET, 4), 4: (socket.AF_INET6, 16)}[kind]
                host = socket.inet_ntop(family, await reader.readexactly(size))
            self.asked.append((host, int.from_bytes(await reader.readexactly(2), "big")))
            refused = len(self.asked) <= self.refusals
            writer.write(b"\x05" + bytes([self.refusal if refused else 0]) + b"\x00" + self.tail)
            if not refused:
                far, onward = await asyncio.open_connection("127.0.0.1", self.goal)
                try:
                    await asyncio.gather(pour(reader, onward), pour(far, writer))
                finally:
                    onward.transport.abort()
        except asyncio.IncompleteReadError:
            pass  # it was only asked whether it is there


async def pour(source: asyncio.StreamReader, goal: asyncio.StreamWriter) -> None:
    while data := await source.read(4_096):
        goal.write(data)
    if goal.can_write_eof():
        goal.write_eof()


@asynccontextmanager
async def listening(serve: Serve) -> AsyncIterator[tuple[str, int]]:
    """Where ``serve`` answers; whatever it still does at the end is ended."""
    tasks: list[asyncio.Task[None]] = []

    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    def taken(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.append(asyncio.create_task(one(reader, writer)))

    async with await asyncio.start_server(taken, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[:2]
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        assert ended is None or isinstance(ended, asyncio.CancelledError), ended


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "robots.txt").write_bytes(TEXT)
    return tmp_path / "mirror"


def read(folder: Path, url: str, *, cert: Path | None = None, **options: object) -> tuple[Got, Proxy]:
    """What a reader gets from a mirror that is at ``url`` by the word of the proxy alone."""

    async def go() -> tuple[Got, Proxy]:
        server = MirrorServer(folder)
        await server.start(tls=secure_context(cert) if cert else None)
        proxy = Proxy(server.port, **options)  # type: ignore[arg-type]
        try:
            async with listening(proxy) as place, WebMirror(url, way=Socks(place).way) as mirror:
                return await mirror.get(ASK), proxy
        finally:
            await server.stop(0.2)

    return asyncio.run(go())


@pytest.fixture(autouse=True)
def no_names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody resolves a name: that would tell what is read."""

    def asked(host: object, *_: object, **__: object) -> None:
        raise AssertionError(f"{host} was asked for")

    true = socket.getaddrinfo
    monkeypatch.setattr(
        socket,
        "getaddrinfo",
        lambda host, *more, **named: (true if host == "127.0.0.1" else asked)(host, *more, **named),
    )


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("http://mirror.example/", ("mirror.example", 80)),
        ("http://mirror.example:8080/", ("mirror.example", 8080)),
        (f"http://{'a' * 56}.onion", (f"{'a' * 56}.onion", 80)),
        ("http://203.0.113.7/", ("203.0.113.7", 80)),
        ("http://[2001:db8::7]:81/", ("2001:db8::7", 81)),
        ("http://зеркало.example/", ("xn--80ajfngsk.example", 80)),
    ],
)
def test_the_proxy_is_asked_for_the_mirror_and_nobody_else(folder: Path, url: str, asked: tuple[str, int]) -> None:
    got, proxy = read(folder, url)
    assert got == Got(fate="whole", data=TEXT)
    assert proxy.asked == [asked]


@pytest.mark.parametrize("tail", [b"\x04" + bytes(18), b"\x03\x05proxy\x00\x50", b"\x03\x00\x00\x00"])
def test_a_proxy_may_name_itself_as_it_likes(folder: Path, tail: bytes) -> None:
    assert read(folder, "http://mirror.example/", tail=tail)[0].fate == "whole"


@pytest.mark.parametrize("refusal", [1, 4, 5, 0xF0])
def test_what_the_proxy_cannot_reach_is_unavailable(folder: Path, refusal: int) -> None:
    got, proxy = read(folder, "http://mirror.example/", refusal=refusal)
    assert got == Got(fate="unavailable")
    assert len(proxy.asked) <= 2  # aiohttp asks once more for what ended without a word


def test_an_onion_service_that_was_started_anew_is_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socks, "AGAIN", (0.001, 0.002, 0.003))
    url = f"http://{'a' * 56}.onion/"
    got, proxy = read(folder, url, refusal=4, refusals=3)
    assert (got, len(proxy.asked)) == (Got(fate="whole", data=TEXT), 4)
    got, proxy = read(folder, url, refusal=4)
    assert got == Got(fate="unavailable")
    assert 4 <= len(proxy.asked) <= 8


def test_a_name_that_socks_cannot_carry_is_unavailable(folder: Path) -> None:
    got, proxy = read(folder, f"http://{'a.' * 150}example/")
    assert (got.fate, proxy.asked) == ("unavailable", [])


def test_a_certificate_must_be_for_the_name_that_was_given(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path / "ca", dt.datetime.now(dt.UTC))  # noqa: TID251 - OpenSSL goes by the real clock
    trusting = ssl.create_default_context(cafile=str(authority.file))
    monkeypatch.setattr("aiohttp.connector._SSL_CONTEXT_VERIFIED", trusting)  # made when aiohttp is imported
    cert = authority.leaf("mirror.example")
    assert read(folder, "https://mirror.example/", cert=cert)[0].fate == "whole"
    assert read(folder, "https://other.example/", cert=cert)[0].fate == "unavailable"


def test_an_onion_address_is_refused_where_there_is_no_way() -> None:
    for url in ("http://x.onion/", "https://X.ONION./", f"http://{'a' * 56}.onion:80/"):
        with pytest.raises(ConfigError, match="through Tor only") as caught:
            reach(url)
        assert "--socks" in caught.value.remedy
    with pytest.raises(ConfigError, match="no port"):
        asyncio.run(WebMirror("http://x.onion:99999/", way=Socks(("127.0.0.1", 1)).way).__aenter__())


async def silent(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    await asyncio.sleep(5)


def saying(data: bytes) -> Serve:
    async def say(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        await reader.read(3)

    return say


@pytest.mark.parametrize("serve", [silent, saying(b""), saying(b"\x05"), saying(b"\x05\xff"), saying(b"HTTP/1.1 400 ")])
def test_who_is_no_proxy_is_told_before_anything_is_asked(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socks, "CONNECT", 0.1)

    async def go() -> None:
        async with listening(serve) as place, WebMirror("http://x.onion/", way=Socks(place).way):
            raise AssertionError("there is no proxy")

    with pytest.raises(ConfigError, match="no SOCKS5 proxy answers here") as caught:
        asyncio.run(go())
    assert caught.value.where.startswith("--socks 127.0.0.1:")


def test_nobody_there_is_told_for_a_socket_too(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no SOCKS5 proxy answers here") as caught:
        asyncio.run(WebMirror("http://x.onion/", way=Socks(tmp_path / "none").way).__aenter__())
    assert str(tmp_path / "none") in caught.value.where


def test_a_proxy_that_falls_silent_is_left_when_the_reader_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "_SILENCE", 0.02)
    turns = iter(range(9))

    async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x05\x00")
        if next(turns):
            await asyncio.sleep(5)

    async def go() -> Got:
        async with listening(once) as place, WebMirror("http://x.onion/", way=Socks(place).way) as mirror:
            return await mirror.get(ASK)

    async def timed() -> Got:
        async with asyncio.timeout(4):
            return await go()

    assert asyncio.run(timed()) == Got(fate="unavailable")
