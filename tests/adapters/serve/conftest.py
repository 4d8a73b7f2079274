"""An edition in a folder, a certificate, and a server on a loop of its own whose complaints fail the test."""

from __future__ import annotations

import asyncio
import datetime as dt
import hashlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchmarks.grounds import Grounds
from heliograph.adapters.serve import MirrorServer, listening, secure_context
from heliograph.adapters.serve.connection import Connection, Host
from heliograph.adapters.serve.endpoint import USER_TIMEOUT
from heliograph.adapters.serve.shelf import Shelf

LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "asyncio": asyncio.new_event_loop,
    "uvloop": uvloop.new_event_loop,
}


def _noise(name: str, size: int) -> bytes:
    return hashlib.shake_128(name.encode()).digest(size)


@pytest.fixture(scope="session")
def noise() -> Callable[[str, int], bytes]:
    """The bytes of the edition's file ``name``; each file has its own, so that a mix-up shows."""
    return _noise


def _edition(above: Path) -> Path:
    folder = above / "mirror"
    for name, size in {
        "index.html": 9_216, "index.html.br": 4_096, "index.html.gz": 5_120,
        "404.html": 2_048, "404.html.br": 1_024, "404.html.gz": 1_024,
        "robots.txt": 1_024, "feed.xml": 12_288, "feed.xml.br": 5_120,
        "a/7k3vq2m.html": 10_240, "a/7k3vq2m.html.br": 5_120, "a/7k3vq2m.html.gz": 6_144,
        "a/search.html": 5_120, "a/search.html.br": 2_048, "a/s/0.json": 3_072,
        "a/d/index.html": 1_024, "a/i/0a1b2c.webp": 5_120, "a/long.zip": 300_000,
        "now": 1_600, "now.br": 700, "sw.js": 9_000, "reader.html": 14_000,
        "tuf/timestamp.json": 470, "tuf/7.root.json": 1_634,
        f"edition/{'ab' * 32}.head": 220, f"o/ab/{'cd' * 31}": 512,
        ".hidden.html": 99, "a/.hidden.html": 99, "a/x.html.part": 99, "secret.toml": 99, "a/key.pem": 99,
    }.items():  # fmt: skip
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(_noise(name, size))
    (above / "outside.html").write_bytes(b"outside")
    (folder / "a/link.html").symlink_to(above / "outside.html")
    (folder / "a/out").symlink_to(above, target_is_directory=True)
    return folder


@pytest.fixture
def edition(tmp_path: Path) -> Path:
    """A mirror folder with a file of each kind, and with what must never be served beside and within it."""
    return _edition(tmp_path)


@pytest.fixture(scope="session")
def kept_edition(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for tests that change nothing in it."""
    return _edition(tmp_path_factory.mktemp("kept"))


@pytest.fixture(scope="session")
def grounds(tmp_path_factory: pytest.TempPathFactory) -> Grounds:
    """The edition of the demo, as the survival benchmark has it, with the visits of its readers."""
    made = Grounds(tmp_path_factory.mktemp("grounds"))
    made.make()
    return made


def _certificate(place: Path) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = dt.datetime.fromtimestamp(place.parent.stat().st_mtime, dt.UTC) - dt.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=9))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    place.write_bytes(made.public_bytes(pem) + private)
    return place


@pytest.fixture(scope="session")
def new_cert() -> Callable[[Path], Path]:
    """Writes a fresh self-signed certificate and its key into one file."""
    return _certificate


@pytest.fixture(scope="session")
def cert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate and its key in one file."""
    return _certificate(tmp_path_factory.mktemp("cert") / "both.pem")


@pytest.fixture
def reader_tls() -> ssl.SSLContext:
    """A reader who takes any certificate: the tests look at the wire, not at trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Site:
    """A running server, seen from a reader."""

    def __init__(self, server: MirrorServer, loop: asyncio.AbstractEventLoop) -> None:
        self.server, self.loop = server, loop
        self.faults: list[dict[str, Any]] = []

    @property
    def port(self) -> int:
        return self.server.port

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def ask(self, data: bytes, *, half_close: bool = False) -> bytes:
        """All bytes that the server answers to ``data``."""
        with self.connect() as sock:
            sock.sendall(data)
            if half_close:
                sock.shutdown(socket.SHUT_WR)
            return _read_all(sock)

    read_all = staticmethod(lambda sock: _read_all(sock))
    parsed = staticmethod(lambda answer: _parsed(answer))

    def get(self, path: str, fields: str = "", method: str = "GET") -> tuple[int, dict[str, str], bytes]:
        """Status, fields and body of the answer to one request."""
        return _parsed(self.ask(f"{method} {path} HTTP/1.1\r\nHost: m\r\n{fields}\r\n".encode()))

    def call(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run ``function`` in the server's loop."""

        async def inside() -> Any:
            result = function(*args)
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(inside(), self.loop).result(20)

    def until(self, true: Callable[[], bool]) -> None:
        """Let the loop turn until something is true."""
        for _ in range(100_000):
            if self.call(true):
                return
        raise AssertionError("never became true")


def _read_all(sock: socket.socket) -> bytes:
    pieces = []
    while piece := sock.recv(65_536):
        pieces.append(piece)
    return b"".join(pieces)


def _parsed(answer: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = answer.partition(b"\r\n\r\n")
    line, *fields = head.decode("ascii").split("\r\n")
    return int(line.split(" ")[1]), {name.lower(): value for name, value in (f.split(": ", 1) for f in fields)}, body


@contextmanager
def _serving(
    folder: Path,
    *,
    loop: str = "uvloop",
    cert: Path | None = None,
    listen: str = "127.0.0.1",
    user_timeout: int = USER_TIMEOUT,
    **options: Any,
) -> Iterator[Site]:
    """A server for ``folder``; the loop must have nothing to complain about until the end."""
    site = Site(MirrorServer(folder, **options), LOOPS[loop]())
    site.loop.set_exception_handler(lambda _, context: site.faults.append(context))
    started, over = threading.Event(), asyncio.Event()

    async def life() -> None:
        sock = listening(listen, 0, user_timeout=user_timeout)
        await site.server.start_on(sock, tls=secure_context(cert) if cert else None)
        started.set()
        await over.wait()
        await site.server.stop(0.2)

    def live() -> None:  # in a thread of its own from first to last: a browser's driver has a loop in the main one
        with asyncio.Runner(loop_factory=lambda: site.loop) as runner:
            runner.run(life())

    thread = threading.Thread(target=live)
    thread.start()
    try:
        assert started.wait(20)
        yield site
    finally:
        site.loop.call_soon_threadsafe(over.set)
        thread.join(20)
    assert not site.faults
    assert not site.server.status()["failed"]
    assert not site.server.status()["open"]


@pytest.fixture(scope="session")
def serving() -> Callable[..., AbstractContextManager[Site]]:
    """``serving(folder, loop=, cert=, **options)``: a running server."""
    return _serving


@pytest.fixture(params=["asyncio", "uvloop"])
def site(request: pytest.FixtureRequest, edition: Path) -> Iterator[Site]:
    """A running server of the edition, on each kind of loop."""
    with _serving(edition, loop=request.param) as running:
        yield running


# the parts of one connection, played


class Wire(asyncio.Transport):
    """Writes down what a connection does."""

    def __init__(self, *, full_after: int = 1 << 30) -> None:
        super().__init__()
        self.writes: list[bytes] = []
        self.did: list[str] = []
        self.options: list[tuple[int, int]] = []
        self.full_after = full_after
        self.connection: Connection | None = None

    def write(self, data: Any) -> None:
        assert not {"close", "abort", "write_eof"} & set(self.did), "written after the end"
        self.writes.append(bytes(data))
        if sum(map(len, self.writes)) > self.full_after and self.connection is not None:
            self.connection.pause_writing()

    def close(self) -> None:
        self.did.append("close")

    def abort(self) -> None:
        self.did.append("abort")

    def write_eof(self) -> None:
        self.did.append("write_eof")

    def is_closing(self) -> bool:
        return "close" in self.did or "abort" in self.did

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high == 0

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        assert name == "socket", "a connection asks nothing about its reader"
        return self

    def setsockopt(self, level: int, option: int, value: int) -> None:
        self.options.append((option, value))


class Later:
    """What is to be done after how many seconds; done when the test says so."""

    def __init__(self) -> None:
        self.calls: list[tuple[float, Callable[[], None]]] = []

    def __call__(self, seconds: float, call: Callable[[], None]) -> None:
        self.calls.append((seconds, call))

    def run(self) -> None:
        while self.calls:
            self.calls.pop(0)[1]()


@pytest.fixture
def later() -> Later:
    """What a connection wants to have done later."""
    return Later()


@pytest.fixture
def wires() -> type[Wire]:
    """``wires(full_after=)``: a transport that writes down what is done to it."""
    return Wire


@pytest.fixture
def host(edition: Path, later: Later) -> Host:
    """What connections of one server share, at 1000 seconds of its clock."""
    return Host(shelf=Shelf(edition, memory=1 << 20), clock=lambda: 1000.0, later=later, patience=10, most=50)
