"""What the client makes of servers that fail, lie or attack: an answer with a reason, never an exception."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import itertools
import ssl
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import brotli
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.adapters.web import Patience, WebSources
from heliograph.lab import faults
from heliograph.lab.newsroom import Newsroom
from heliograph.lab.piece import Piece
from heliograph.model import Answer, Ask

Client = Callable[..., tuple[WebSources, list[float]]]
NOW = datetime.datetime(2026, 11, 22, 9, 0, tzinfo=datetime.UTC)
PATH = "/uk/misto/2026/11/porom-100001.html"
QUICK = Patience(silence=0.05, connect=5)


def newsroom() -> Newsroom:
    text = "<p>Пором відійшов о сьомій.</p>\n" * 50
    return Newsroom([Piece(path=PATH, lang="uk", title="Пором", html=text, published=NOW, updated=NOW)])


def ask_with(client: Client, fault: faults.Fault, *, times: int = 0, limit: int = 1_000_000, **options: Any) -> Any:
    """The answer for a page before which ``fault`` stands, and how often it was asked for."""

    async def main() -> tuple[Answer, int]:
        room = newsroom()
        room.fail(PATH, fault, times=times)
        async with room.running() as base:
            async with client(base, **options)[0] as web:
                answer = await web.fetch(Ask(url=base + PATH, limit=limit))
            await asyncio.sleep(0)
        return answer, sum(room.counts.values())

    return asyncio.run(main())


def ask_raw(client: Client, raw: Any, reply: bytes, *, limit: int = 1_000_000, **options: Any) -> tuple[Answer, int]:
    async def main() -> tuple[Answer, int]:
        async with raw(reply) as (base, heads), client(base, **options)[0] as web:
            return await web.fetch(Ask(url=base + "/page", limit=limit)), len(heads)

    return asyncio.run(main())


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (faults.reset(), "the connection was cut in the middle of the body"),
        (faults.cut(), "the connection was cut in the middle of the body"),
        (faults.stall(), "it fell silent"),
    ],
)
def test_half_a_page_is_no_page(client: Client, fault: faults.Fault, words: str) -> None:
    answer, asked = ask_with(client, fault, patience=QUICK)
    assert answer == Answer(url=answer.url, status=0, failure=f"{words} (4 tries)")
    assert asked == 4


def test_a_reset_that_passes_is_forgotten(client: Client) -> None:
    answer, asked = ask_with(client, faults.reset(), times=2)
    assert (answer.status, asked) == (200, 3)
    assert answer.body.decode().count("Пором відійшов") == 50


@pytest.mark.parametrize("fault", [faults.endless(), faults.huge(64), faults.bomb(20_000), faults.deep(10**6)])
def test_what_is_too_large_is_left_at_the_limit(client: Client, fault: faults.Fault) -> None:
    answer, asked = ask_with(client, fault, limit=1_000_000)
    assert (answer.status, answer.body) == (0, b"")
    assert answer.failure == "larger than the limit of 1,000,000 bytes"
    assert asked == 1


def test_a_bomb_takes_no_more_memory_than_the_limit(client: Client) -> None:
    tracemalloc.start()
    ask_with(client, faults.bomb(20_000), limit=1_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000  # the bomb holds 20 GB


@pytest.mark.parametrize(("limit", "status"), [(5_000, 200), (4_999, 0)])
@pytest.mark.parametrize("length", [b"Content-Length: 5000\r\n", b"Connection: close\r\n"])
def test_the_limit_is_exact(client: Client, raw: Any, limit: int, status: int, length: bytes) -> None:
    answer, _ = ask_raw(client, raw, b"HTTP/1.1 200 OK\r\n" + length + b"\r\n" + b"x" * 5000, limit=limit)
    assert (answer.status, len(answer.body)) == (status, 5000 if status else 0)


def test_a_page_that_declares_too_much_is_not_begun(client: Client, raw: Any) -> None:
    answer, asked = ask_raw(client, raw, b"HTTP/1.1 200 OK\r\nContent-Length: 1000001\r\n\r\n")
    assert (answer.failure, asked) == ("larger than the limit of 1,000,000 bytes", 1)


def test_a_compressed_page_without_its_end_is_refused_at_once(client: Client) -> None:
    answer, asked = ask_with(client, faults.cut_gzip())
    assert (answer.status, answer.failure, asked) == (0, "the compressed body is cut off", 1)


def test_a_slow_drip_ends_when_its_time_is_over(client: Client) -> None:
    ticks = itertools.count(0, 5)
    answer, asked = ask_with(client, faults.drip(0), clock=lambda: float(next(ticks)))
    assert answer.status == 0
    assert answer.failure.startswith("too slow: ")
    assert asked == 1


def test_a_large_page_on_a_slow_line_gets_the_time_it_needs(client: Client) -> None:
    ticks = itertools.count(0, 50)
    patience = Patience(whole=30, rate=100)
    answer, _ = ask_with(client, faults.huge(1), limit=4_000_000, patience=patience, clock=lambda: float(next(ticks)))
    assert (answer.status, len(answer.body) > 2**20) == (200, True)


def test_a_header_that_never_comes_is_not_waited_for(client: Client, raw: Any) -> None:
    async def silent(request: Any, page: Any) -> Any:
        await asyncio.Event().wait()

    answer, asked = ask_with(client, silent, patience=Patience(silence=5, whole=0.05), tries=2)
    assert (answer.failure, asked) == ("no answer in time (2 tries)", 2)


def test_a_wrong_charset_is_handed_on_as_declared(client: Client) -> None:
    answer, _ = ask_with(client, faults.mislabel("windows-1251"))
    assert (answer.status, answer.charset) == (200, "windows-1251")
    assert "Пором" in answer.body.decode("utf-8")


def test_other_content_and_entity_bombs_are_just_bytes_here(client: Client) -> None:
    answer, _ = ask_with(client, faults.entity_bomb())
    assert (answer.status, answer.media_type) == (200, "application/rss+xml")
    assert answer.body.startswith(b"<?xml")


def test_a_circle_of_redirects_ends(client: Client) -> None:
    answer, asked = ask_with(client, faults.redirect(PATH))
    assert (answer.status, answer.failure, asked) == (0, "redirected more than 5 times", 6)


@pytest.mark.parametrize(
    ("location", "words"),
    [
        ("file:///etc/passwd", "not a web address: 'file:///etc/passwd'"),
        ("ftp://news.example/", "not a web address: 'ftp://news.example/'"),
        ("http://169.254.169.254/latest/meta-data/", "leads to a private address: 169.254.169.254"),
        ("http://[::1]:6379/", "leads to a private address: ::1"),
        ("http://2130706433/", "leads to a private address: 2130706433"),
        ("http://localhost:6379/", "leads to a private address: localhost"),
        ("http://[bad/", "redirected to something that is not a web address: 'http://[bad/'"),
    ],
)
def test_no_redirect_leads_astray(client: Client, location: str, words: str) -> None:
    answer, asked = ask_with(client, faults.redirect(location))
    assert (answer.status, answer.failure, asked) == (0, words, 1)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.1", "0x7f000001", "2130706433", "localhost", "[::ffff:127.0.0.1]", "0"]
)
def test_no_link_reaches_a_service_inside(client: Client, host: str) -> None:
    async def main() -> None:
        secret = newsroom()
        async with newsroom().running() as base, secret.running() as inside, client(base)[0] as web:
            port = inside.rsplit(":", 1)[1]
            answer = await web.fetch(Ask(url=f"http://{host}:{port}{PATH}"))
            assert answer.status == 0
            assert answer.failure.startswith("leads to a private address: ")
            assert not secret.counts

    asyncio.run(main())


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (b"", "the connection was closed without an answer (4 tries)"),
        (b"HTTP/1.1 000 -\r\n\r\n", "answered with a status that HTTP does not have: 0"),
        (b"HTTP/1.1 999 -\r\n\r\n", "answered with a status that HTTP does not have: 999"),
        (b"HTTP/1.1 206 Part\r\nContent-Length: 1\r\n\r\nx", "sent a part, although the whole was asked for"),
        (b"220 mail.example ESMTP\r\n\r\n", "answered with something that is not HTTP"),
        (
            b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n",
            "answered with something that is not HTTP, or with too",
        ),
        (
            b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
            "answered with something that is not HTTP, or with too",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "answered with something that is not HTTP",
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
            "the connection was cut in the middle of the body",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: zstd\r\n\r\nx", "a content encoding we did not ask for: 'zstd'"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip, br\r\n\r\nx",
            "a content encoding we did not ask for: 'gzip, br'",
        ),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nnot gzip", "the compressed body is broken"),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\n\r\n\xff\xff\xff\xff", "the compressed body is broken"),
    ],
)
def test_what_is_no_whole_answer_is_named(client: Client, raw: Any, reply: bytes, words: str) -> None:
    answer, _ = ask_raw(client, raw, reply)
    assert answer.status == 0
    assert answer.failure.startswith(words)
    assert len(answer.failure) < 400


@pytest.mark.parametrize("encoding", ["gzip", "br"])
def test_a_bomb_in_one_packet_is_refused(client: Client, raw: Any, encoding: str) -> None:
    zeros = b"\0" * 30_000_000
    body = gzip.compress(zeros, 6) if encoding == "gzip" else brotli.compress(zeros, quality=3)
    reply = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    answer, _ = ask_raw(client, raw, reply)
    assert answer.failure == "larger than the limit of 1,000,000 bytes"


def test_an_encoding_of_nothing_is_not_read_for_ever(client: Client, raw: Any) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join(
        [packer.compress(b"a"), *(packer.flush(zlib.Z_SYNC_FLUSH) + b"\0\0\0\xff\xff" for _ in range(200_000))]
    )
    answer, _ = ask_raw(client, raw, b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + body, limit=1000)
    assert answer.failure == "larger than the limit of 1,000 bytes"


@pytest.mark.parametrize(
    ("header", "media_type", "charset"),
    [
        (b"text/HTML ; Charset='UTF-8'", "text/html", "UTF-8"),
        (b"text/html; boundary=x; charset=koi8-r; x", "text/html", "koi8-r"),
        (b"inode/directory", "", ""),
        (b"text/\xd0\xb0; charset=\xff\xfe", "", ""),
        (b"text/html; charset=" + b"a" * 5000, "text/html", "a" * 40),
        (b"", "", ""),
        (b";;;", "", ""),
    ],
)
def test_a_content_type_is_read_with_care(
    client: Client, raw: Any, header: bytes, media_type: str, charset: str
) -> None:
    reply = b"HTTP/1.1 200 OK\r\nContent-Type: " + header + b"\r\nContent-Length: 0\r\n\r\n"
    answer, _ = ask_raw(client, raw, reply)
    assert (answer.status, answer.media_type, answer.charset) == (200, media_type, charset)


@pytest.mark.parametrize("etag", [b"\xff\xfe", b'"' + b"e" * 5000 + b'"', b"a\x01b"])
def test_validators_that_cannot_be_kept_are_dropped(client: Client, raw: Any, etag: bytes) -> None:
    reply = b"HTTP/1.1 200 OK\r\nETag: " + etag + b"\r\nLast-Modified: " + etag + b"\r\nContent-Length: 0\r\n\r\n"
    answer, _ = ask_raw(client, raw, reply)
    assert (answer.etag, answer.modified) == ("", "")


def test_a_held_validator_cannot_smuggle_a_header(client: Client, raw: Any) -> None:
    async def main() -> None:
        async with raw(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as (base, heads), client(base)[0] as web:
            ask = Ask(url=base + "/a b\r\nX-In: url", etag='"1"\r\nX-In: etag', modified="now\nX-In: modified")
            assert (await web.fetch(ask)).status == 200
            assert "x-in" not in [line.split(":")[0].lower() for line in heads[0].split("\r\n")]

    asyncio.run(main())


@pytest.mark.parametrize(
    "url", ["", "news", "file:///etc/passwd", "http://", "http://[", "javascript:alert(1)", "http://a:b:c/", "\ud800"]
)
def test_what_is_no_web_address_is_refused(client: Client, url: str) -> None:
    async def main() -> Answer:
        async with client("")[0] as web:
            return await web.fetch(Ask(url=url))

    answer = asyncio.run(main())
    assert answer.status == 0
    assert answer.failure.startswith("not a web address: ")


def test_a_certificate_nobody_vouches_for_is_named_and_not_tried_again(client: Client, tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(self_signed(tmp_path))

    async def main() -> None:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        base = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with client(base)[0] as web:
            answer = await web.fetch(Ask(url=base + "/"))
        server.close()
        assert answer.failure.startswith("the TLS certificate is not valid: ")
        assert "tries" not in answer.failure

    asyncio.run(main())


def test_a_port_without_tls_is_named(client: Client) -> None:
    async def main() -> Answer:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 400 Bad\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        base = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with server, client(base, tries=1)[0] as web:
            return await web.fetch(Ask(url=base + "/"))

    assert asyncio.run(main()).failure.startswith("TLS failed: ")


@settings(max_examples=60)
@given(
    head=st.one_of(
        st.binary(max_size=200),
        st.lists(
            st.sampled_from(
                [
                    b"Content-Length: 5",
                    b"Content-Length: -1",
                    b"Content-Length: 99999999999999999999",
                    b"Transfer-Encoding: chunked",
                    b"Content-Encoding: gzip",
                    b"Content-Encoding: br",
                    b"Content-Encoding: deflate",
                    b"Content-Type: \xff",
                    b"Location: \xff\xfe//",
                    b"Location: http://\xd0\xb0.example:99999/",
                    b"Retry-After: \xff",
                    b"ETag: \x00",
                    b"Connection: upgrade",
                    b"Upgrade: websocket",
                    b": nothing",
                ]
            ),
            max_size=5,
        ).map(lambda lines: b"\r\n".join(lines)),
    ),
    status=st.sampled_from(
        [b"200 OK", b"204 -", b"206 -", b"301 -", b"304 -", b"429 -", b"100 Continue", b"101 -", b"000 -", b"999"]
    ),
    body=st.binary(max_size=300),
)
def test_no_reply_raises(client: Client, raw: Any, status: bytes, head: bytes, body: bytes) -> None:
    reply = b"HTTP/1.1 " + status + b"\r\n" + head + b"\r\n\r\n" + body
    answer, _ = ask_raw(client, raw, reply, tries=2, limit=250, patience=QUICK)
    assert isinstance(answer, Answer)
    assert len(answer.body) <= 250
    assert bool(answer.failure) == (answer.status == 0)


@settings(max_examples=30)
@given(reply=st.binary(max_size=400))
def test_no_bytes_raise(client: Client, raw: Any, reply: bytes) -> None:
    answer, _ = ask_raw(client, raw, reply, tries=1, patience=QUICK)
    assert bool(answer.failure) == (answer.status == 0)


def self_signed(folder: Path) -> Path:
    """A key and a certificate for 127.0.0.1 that only itself vouches for, in one file."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - datetime.timedelta(days=3650))
        .not_valid_after(NOW + datetime.timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = folder / "both.pem"
    path.write_bytes(pem + certificate.public_bytes(serialization.Encoding.PEM))
    return path
