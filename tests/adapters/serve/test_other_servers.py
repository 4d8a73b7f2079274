"""nginx and Caddy, the real ones, under the configuration we write: they must answer as ``serve`` does."""

from __future__ import annotations

import re
import ssl
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest
from tests.adapters.serve import peers
from tests.adapters.serve.reader import Reader, records
from tests.adapters.serve.script import ALL, LINKS, SECRET, Case, cases

from heliograph.adapters.serve import caddy, nginx, wire
from heliograph.adapters.serve.connection import RECORD
from heliograph.model.edition import WIRE_BUDGET

EXCEPTIONS: Mapping[str, Mapping[str, str]] = {"nginx": nginx.EXCEPTIONS, "caddy": caddy.EXCEPTIONS}


@pytest.fixture(scope="module", params=list(EXCEPTIONS))
def peer(request: pytest.FixtureRequest, kept_edition: Path) -> Iterator[peers.Peer]:
    program = request.getfixturevalue(f"{request.param}_program")
    with peers.running(request.param, program, kept_edition) as one:
        yield one


@pytest.fixture(scope="module", params=list(EXCEPTIONS))
def secure(request: pytest.FixtureRequest, kept_edition: Path, cert: Path) -> Iterator[peers.Peer]:
    program = request.getfixturevalue(f"{request.param}_program")
    with peers.running(request.param, program, kept_edition, cert=cert) as one:
        yield one


def excused(peer: peers.Peer) -> Collection[str]:
    return EXCEPTIONS[peer.name]


@pytest.mark.parametrize("case", cases(), ids=lambda case: case.line)
def test_the_answer_follows_the_script(peer: peers.Peer, case: Case) -> None:
    status, found, body = peer.get(case.method, case.target, *case.fields)
    faults = case.faults(status, found, body, excused=excused(peer))
    if case.exception in excused(peer):
        assert faults, f"it can do {case.exception!r} after all: take it off the list"
    else:
        assert faults == []


@pytest.mark.parametrize("target", SECRET.split())
def test_no_path_leads_to_what_is_not_of_the_edition(peer: peers.Peer, target: str) -> None:
    status, found, body = peer.get("GET", target)
    assert status in {400, 404}
    if status == 404:
        assert body == peer.get("GET", "/a/nothing.html")[2]
    assert found["connection"] == "close"


@pytest.mark.parametrize("target", LINKS.split()[:2])
def test_links_out_of_the_folder_are_not_followed_where_the_server_can_tell(peer: peers.Peer, target: str) -> None:
    assert peer.get("GET", target)[0] == (200 if "links" in excused(peer) else 404)


@pytest.mark.parametrize(
    ("target", "name"),
    [("/", "index.html.br"), ("/a/7k3vq2m.html", "a/7k3vq2m.html.br"), ("/a/i/0a1b2c.webp", "a/i/0a1b2c.webp"),
     ("/index.html.gz", "index.html.gz"), ("/robots.txt", "robots.txt"), ("/a/long.zip", "a/long.zip")],
)  # fmt: skip
def test_the_body_is_the_file_to_the_byte(peer: peers.Peer, kept_edition: Path, target: str, name: str) -> None:
    assert peer.get("GET", target, ALL)[2] == (kept_edition / name).read_bytes()


@pytest.mark.parametrize(
    "accepted", ["", "gzip", "br", "gzip, br", "deflate", "br;q=0, gzip", "br;q=0.0", "BR;q=0.5", "identity"]
)
def test_the_encoding_is_one_that_the_reader_accepts(peer: peers.Peer, accepted: str) -> None:
    best = wire.codings(accepted.lower().encode())[0]
    fields = [f"Accept-Encoding: {accepted}"] if accepted else []
    assert peer.get("GET", "/", *fields)[1].get("content-encoding", "") == best


def test_a_reader_who_has_it_is_told_so(peer: peers.Peer) -> None:
    tag = peer.get("GET", "/", ALL)[1]["etag"]
    status, found, body = peer.get("GET", "/", ALL, f"If-None-Match: {tag}")
    assert (status, body) == (304, b"")
    assert found["etag"] == tag
    assert len({peer.get("GET", "/", f"Accept-Encoding: {one}")[1]["etag"] for one in ("br", "gzip", "x")}) == 3


def test_the_largest_answer_keeps_the_budget(peer: peers.Peer) -> None:
    answer = peer.ask(f"GET /a/7k3vq2m.html HTTP/1.1\r\nHost: m\r\n{ALL}\r\n\r\n".encode())
    assert len(answer) <= WIRE_BUDGET
    assert b"\r\nETag: " in answer or b"\r\nEtag: " in answer


def test_a_second_request_on_a_connection_is_not_answered(peer: peers.Peer) -> None:
    twice = b"GET /robots.txt HTTP/1.1\r\nHost: m\r\nConnection: keep-alive\r\n\r\n" * 2
    assert peer.ask(twice).count(b"HTTP/1.1 ") == 1


def test_nothing_is_written_about_readers(peer: peers.Peer, secure: peers.Peer) -> None:
    for one in (peer, secure):
        with suppress(ConnectionError):
            one.ask(b"GET /a/unheard-of.html HTTP/1.1\r\nHost: m\r\nUser-Agent: anna\r\n\r\n")
        with suppress(ConnectionError):
            one.ask(b"\x16\x03\x01nonsense\r\n\r\n\r\n")
        ours = {"mirror.conf", "nginx.conf", "Caddyfile"}
        written = [path.read_bytes() for path in one.run.rglob("*") if path.is_file() and path.name not in ours]
        assert not [text for text in written if re.search(rb"unheard-of|anna|handshake|remote_|client", text)]


# --- TLS


def wire_of(
    peer: peers.Peer, context: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> tuple[bytes, Reader, bytes]:
    """The bytes of one request and answer in TLS as they came, the reader, and what it read."""
    reader, came, read = Reader(context, session), b"", b""
    with peer.connect() as sock:
        sock.sendall(reader.hello())
        shaken = False
        while piece := sock.recv(65_536):
            came += piece
            reader.incoming.write(piece)
            if not shaken:
                with suppress(ssl.SSLWantReadError):
                    reader.tls.do_handshake()
                    shaken = True
                if shaken:
                    reader.tls.write(f"GET / HTTP/1.1\r\nHost: m\r\n{ALL}\r\n\r\n".encode())
                sock.sendall(reader.outgoing.read())
            if shaken:
                with suppress(ssl.SSLWantReadError, ssl.SSLZeroReturnError):
                    while more := reader.tls.read(65_536):
                        read += more
    return came, reader, read


def test_tls_is_http_1_1_in_small_records_with_one_ticket_that_is_taken(secure: peers.Peer, kept_edition: Path) -> None:
    context = peers.trusting()
    context.set_alpn_protocols(["h2", "http/1.1"])
    came, reader, read = wire_of(secure, context)
    assert reader.tls.selected_alpn_protocol() == "http/1.1"
    assert reader.tls.version() == "TLSv1.3"
    assert read.partition(b"\r\n\r\n")[2] == (kept_edition / "index.html.br").read_bytes()
    sealed = [length for kind, length in records(came) if kind == 23]
    assert max(sealed) <= RECORD + 17
    again, second, _ = wire_of(secure, context, reader.tls.session)
    assert second.tls.session_reused
    assert len(again) < len(came) - 300


def test_old_tls_is_refused(secure: peers.Peer) -> None:
    old = bytes.fromhex("160301002d010000290301") + bytes(32) + bytes.fromhex("000002002f0100")
    with suppress(ConnectionError):
        assert secure.ask(old)[:1] in (b"\x15", b"")
