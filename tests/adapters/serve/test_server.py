"""A running server and readers on real sockets, raw bytes both ways."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.adapters.serve import secure_context
from heliograph.adapters.serve.endpoint import USER_TIMEOUT

Serving = Callable[..., AbstractContextManager[Any]]
GET = b"GET / HTTP/1.1\r\nHost: m\r\nAccept-Encoding: br\r\n\r\n"
LONG = b"GET /a/long.zip HTTP/1.1\r\nHost: m\r\n\r\n"


def test_a_page_arrives_whole_and_the_connection_ends(site: Any, edition: Path) -> None:
    status, fields, body = site.get("/a/7k3vq2m.html", "Accept-Encoding: gzip, deflate, br\r\n")
    assert (status, fields["connection"]) == (200, "close")
    assert body == (edition / "a/7k3vq2m.html.br").read_bytes()
    site.until(lambda: site.server.status()["open"] == 0)
    assert site.server.status()["2xx"] == 1


def test_a_half_closed_reader_gets_its_answer(site: Any, edition: Path) -> None:
    assert site.parsed(site.ask(GET, half_close=True))[2] == (edition / "index.html.br").read_bytes()
    assert site.parsed(site.ask(LONG, half_close=True))[2] == (edition / "a/long.zip").read_bytes()
    assert site.ask(GET[:20], half_close=True) == b""
    assert site.ask(b"", half_close=True) == b""


def test_pipelined_requests_get_one_answer_and_no_reset(site: Any) -> None:
    answer = site.ask(GET * 50, half_close=True)
    assert answer.count(b"HTTP/1.1 ") == 1


def test_a_body_that_nobody_asked_for_does_not_reset_the_answer(site: Any) -> None:
    body = bytes(200_000)
    for method, status in (("POST", 405), ("GET", 200)):
        head = f"{method} / HTTP/1.1\r\nHost: m\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        assert site.parsed(site.ask(head + body, half_close=True))[0] == status


def test_a_head_without_end_is_refused_early(site: Any) -> None:
    assert site.parsed(site.ask(b"GET / HTTP/1.1\r\nX: " + b"y" * 20_000, half_close=True))[0] == 431


def test_long_files_arrive_whole(site: Any, edition: Path) -> None:
    whole = (edition / "a/long.zip").read_bytes()
    assert site.get("/a/long.zip")[2] == whole
    assert site.get("/a/long.zip", "Range: bytes=100000-299999\r\n")[2] == whole[100_000:]


def test_frozen_readers_hold_nothing_of_ours(site: Any) -> None:
    with ExitStack() as stack:
        readers = [stack.enter_context(site.connect()) for _ in range(200)]
        for reader in readers:
            reader.sendall(GET)
        site.until(lambda: site.server.status()["2xx"] == 200 and site.server.status()["open"] == 0)
        assert site.server.status()["kept"] < 10_000  # one file, whoever asks
        readers[0].settimeout(20)
        assert site.parsed(site.read_all(readers[0]))[0] == 200  # it thaws: the kernel still has it


def test_a_reader_frozen_in_a_long_file_is_let_go_when_its_time_is_over(site: Any, edition: Path) -> None:
    with (edition / "a/huge.mp4").open("wb") as file:
        file.truncate(32 << 20)
    with site.connect() as reader:
        reader.sendall(b"GET /a/huge.mp4 HTTP/1.1\r\nHost: m\r\n\r\n")
        site.until(lambda: site.server.status()["2xx"] == 1)
        allowed = 30 + (32 << 20) / 1000
        site.call(site.server.sweep, time.monotonic() + allowed - 60)
        assert site.server.status()["open"] == 1
        site.call(site.server.sweep, time.monotonic() + allowed + 1)
        site.until(lambda: site.server.status()["open"] == 0)
        with suppress(ConnectionResetError):
            assert len(site.read_all(reader)) < 32 << 20


def test_a_reader_who_asks_nothing_is_let_go(site: Any) -> None:
    with site.connect() as silent, site.connect() as slow:
        slow.sendall(GET[:30])
        site.until(lambda: site.server.status()["open"] == 2)
        site.call(site.server.sweep, time.monotonic() + 9)
        assert site.server.status()["open"] == 2
        site.call(site.server.sweep, time.monotonic() + 11)
        assert silent.recv(9) == slow.recv(9) == b""


def test_beyond_the_limit_the_oldest_connection_makes_room(serving: Serving, edition: Path) -> None:
    with serving(edition, connections=3) as site, ExitStack() as stack:
        idle = [stack.enter_context(site.connect()) for _ in range(6)]
        assert site.get("/robots.txt")[0] == 200
        site.until(lambda: site.server.status()["open"] <= 3)
        assert idle[0].recv(1) == b""


def test_accepted_sockets_give_up_on_readers_who_vanish(site: Any) -> None:
    with site.connect():
        site.until(lambda: site.server.status()["open"] == 1)
        connection = next(iter(site.server._host.crowd))
        sock = connection._transport.get_extra_info("socket")
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == USER_TIMEOUT
        assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_CORK) == 1


def test_stopping_finishes_what_is_under_way(serving: Serving, edition: Path) -> None:
    for kind in ("asyncio", "uvloop"):
        with serving(edition, loop=kind) as site, site.connect() as reading, site.connect() as idle:
            reading.sendall(LONG)
            site.until(lambda site=site: site.server.status()["2xx"] == 1)
            stopper = threading.Thread(target=site.call, args=(site.server.stop, 10.0))
            stopper.start()
            assert idle.recv(1) == b""
            answer = site.read_all(reading)
            assert site.parsed(answer)[2] == (edition / "a/long.zip").read_bytes()
            stopper.join(20)
            with pytest.raises(ConnectionError):
                site.connect()


def test_a_publish_under_load_shows_whole_files_only(site: Any, edition: Path) -> None:
    pages = [bytes([number]) * (2_000 + 10 * number) for number in range(1, 120)]
    (edition / "index.html.br").write_bytes(pages[0])
    wrong: list[bytes] = []

    def publish() -> None:
        for page in pages:
            (edition / "index.new").write_bytes(page)
            (edition / "index.new").replace(edition / "index.html.br")

    def read() -> None:
        while publisher.is_alive():
            status, fields, body = site.parsed(site.ask(GET))
            if status != 200 or body not in pages or len(body) != int(fields["content-length"]):
                wrong.append(body)

    publisher = threading.Thread(target=publish)
    readers = [threading.Thread(target=read) for _ in range(3)]
    for thread in (publisher, *readers):
        thread.start()
    for thread in (publisher, *readers):
        thread.join(60)
    assert not wrong
    assert site.parsed(site.ask(GET))[2] == pages[-1]


def test_nothing_is_written_about_readers(site: Any, capfd: pytest.CaptureFixture[str], edition: Path) -> None:
    before = sorted(str(path) for path in edition.rglob("*"))
    for sent in (GET, b"GET /who/was/here HTTP/1.1\r\nHost: m\r\n\r\n", b"\0" * 100, b"junk\r\n\r\n", b""):
        site.ask(sent, half_close=True)
    with site.connect() as rude:
        rude.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        rude.sendall(LONG)  # and gone, with a reset
    site.until(lambda: site.server.status()["open"] == 0)
    assert capfd.readouterr() == ("", "")
    assert sorted(str(path) for path in edition.rglob("*")) == before
    assert set(site.server.status()) == {"open", "kept", "failed", "2xx", "3xx", "4xx", "5xx"}


@pytest.fixture(scope="module")
def hardened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("mirror")
    (folder / "index.html").write_bytes(b"here")
    return folder


def test_whatever_is_sent_the_server_answers_or_closes(serving: Serving, hardened: Path) -> None:
    with serving(hardened) as site:

        @settings(max_examples=60)
        @given(st.binary(max_size=300) | st.binary(max_size=60).map(lambda noise: GET[:-2] + noise + b"\r\n\r\n"))
        def sent(data: bytes) -> None:
            answer = site.ask(data, half_close=True)
            assert answer == b"" or answer.startswith(b"HTTP/1.1 ")

        sent()
        assert site.parsed(site.ask(GET))[2] == b"here"


# TLS on the wire


def secure_get(
    site: Any, context: ssl.SSLContext, session: ssl.SSLSession | None = None
) -> tuple[ssl.SSLSession | None, bool | None, bytes]:
    with context.wrap_socket(site.connect(), server_hostname="localhost", session=session) as sock:
        sock.sendall(GET)
        answer = site.read_all(sock)
        return sock.session, sock.session_reused, answer


@pytest.mark.parametrize("kind", ["asyncio", "uvloop"])
def test_a_page_arrives_in_tls_and_the_second_connection_is_resumed(
    serving: Serving, edition: Path, cert: Path, reader_tls: ssl.SSLContext, kind: str
) -> None:
    with serving(edition, loop=kind, cert=cert) as site:
        session, reused, answer = secure_get(site, reader_tls)
        assert site.parsed(answer)[2] == (edition / "index.html.br").read_bytes()
        assert not reused
        _, reused, answer = secure_get(site, reader_tls, session)
        assert site.parsed(answer)[0] == 200
        assert reused
        assert site.ask(GET)[:1] in (b"", b"\x15")  # plain HTTP on the same port


def test_a_new_certificate_is_shown_from_the_next_connection_on(
    serving: Serving,
    edition: Path,
    cert: Path,
    new_cert: Callable[[Path], Path],
    reader_tls: ssl.SSLContext,
    tmp_path: Path,
) -> None:
    with serving(edition, cert=cert) as site:
        shown = []
        for _ in range(2):
            with reader_tls.wrap_socket(site.connect(), server_hostname="localhost") as sock:
                shown.append(sock.getpeercert(binary_form=True))
                site.call(site.server.renew, secure_context(new_cert(tmp_path / "new.pem")))
                sock.sendall(GET)
                assert site.parsed(site.read_all(sock))[0] == 200  # one that was open goes on with the old one
        assert shown[0] != shown[1]


# beside others


def test_curl_reads_it(site: Any, edition: Path, tmp_path: Path) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("curl is not installed: apt-get install curl")
    url, body = f"http://127.0.0.1:{site.port}", tmp_path / "body"
    shown = "%{http_code} %{size_download} %{num_connects}"
    said = subprocess.run(
        [curl, "-sS", "-o", body, "-w", shown, f"{url}/a/"], capture_output=True, text=True, check=True
    )
    assert said.stdout == "404 2048 1"
    got = subprocess.run([curl, "-sSf", "-r", "10-19", f"{url}/robots.txt"], capture_output=True, check=True)
    assert got.stdout == (edition / "robots.txt").read_bytes()[10:20]
    got = subprocess.run([curl, "-sSfI", f"{url}/now"], capture_output=True, check=True)
    assert b"Content-Length: 1600" in got.stdout


NGINX = """daemon off; master_process off; pid {run}/pid; error_log {run}/log;
events {{}}
http {{ access_log off; gzip_static on; gzip_vary on; default_type text/html; keepalive_timeout 0;
  client_body_temp_path {run}; proxy_temp_path {run}; fastcgi_temp_path {run};
  uwsgi_temp_path {run}; scgi_temp_path {run};
  server {{ listen 127.0.0.1:{port}; root {root}; error_page 404 /404.html; }} }}
"""


def test_nginx_answers_the_same_requests_alike(site: Any, edition: Path, tmp_path: Path) -> None:
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if nginx is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    run = tmp_path / "nginx"
    run.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (run / "conf").write_text(NGINX.format(run=run, root=edition, port=port))
    process = subprocess.Popen([nginx, "-p", run, "-e", run / "log", "-c", run / "conf"])
    try:
        for fields in (
            "", "Accept-Encoding: gzip\r\n", "Range: bytes=0-99\r\n", "Range: bytes=-7\r\n", "Range: bytes=99999-\r\n",
            "If-None-Match: *\r\n", "If-None-Match: \"x\"\r\n", "Accept-Encoding: gzip;q=0\r\n",
        ):  # fmt: skip
            for method in ("GET", "HEAD"):
                for path in ("/index.html", "/", "/a/7k3vq2m.html?q", "/a/nothing.html", "/robots.txt"):
                    raw = f"{method} {path} HTTP/1.1\r\nHost: m\r\nConnection: close\r\n{fields}\r\n".encode()
                    ours, theirs = site.parsed(site.ask(raw)), site.parsed(_ask(port, raw, process))
                    if method == "HEAD" and "Range" in fields:
                        continue  # RFC 9110, 14.2: Range means something for GET only; nginx differs
                    same = ("content-length", "content-range", "content-encoding")
                    if ours[0] in {404, 416}:
                        same = ()  # the pages for errors differ
                    assert ours[0] == theirs[0], raw
                    assert [ours[1].get(name) for name in same] == [theirs[1].get(name) for name in same], raw
                    assert not same or ours[2] == theirs[2]
    finally:
        process.terminate()
        process.wait(10)


def _ask(port: int, raw: bytes, process: subprocess.Popen[bytes]) -> bytes:
    while True:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as sock:
                sock.sendall(raw)
                return b"".join(iter(lambda: sock.recv(65_536), b""))
        except ConnectionRefusedError:
            assert process.poll() is None
