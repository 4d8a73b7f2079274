"""The mirror server beside nginx: one worker each, the same file of 5 KB, a new connection for every request.

    python -m benchmarks.serve [--rounds 3] [--seconds 4] [--json]

The two take turns in one run (A B A B), so that what else the machine does hits both; compare ratios, not rates. Load
comes from ``wrk``; TLS, where the handshake is the limit, from a small client here that takes one connection after
the other, full and resumed. "CPU" is the server's own time, user and system, for each request. Packets are counted by
the reader's kernel with the segment size of an Ethernet path. Needs nginx and wrk (apt-get install nginx-light wrk).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.table import Table

from heliograph.lab.loopback import free_port

BODY = 5_120  # bytes, the largest padded page
LINKS = 32  # connections at a time
MSS = 1_448  # bytes of payload in a packet
_TCP_INFO_SEGMENTS = slice(136, 144)  # two 32-bit counts: packets out, packets in

NGINX = """daemon off; master_process off; worker_processes 1; pid {run}/nginx.pid; error_log {run}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; types {{ text/html html; }} gzip_static on; sendfile on; tcp_nopush on; etag on;
  open_file_cache max=100; ssl_session_tickets on; ssl_session_cache off; ssl_protocols TLSv1.2 TLSv1.3;
  ssl_buffer_size 4k; client_body_temp_path {run}; proxy_temp_path {run}; fastcgi_temp_path {run};
  uwsgi_temp_path {run}; scgi_temp_path {run};
  server {{
    listen 127.0.0.1:{port}; listen 127.0.0.1:{secure} ssl; root {root};
    ssl_certificate {cert}; ssl_certificate_key {cert};
  }}
}}
"""


class Peer(NamedTuple):
    """A server under test: its process ids, and its ports for HTTP and HTTPS (the same process, or two)."""

    name: str
    plain: int
    secure: int
    port: int
    secure_port: int


class Round(NamedTuple):
    """What one server did in one turn."""

    rate: float  # requests a second
    cpu: float  # microseconds of the server for each request


def main() -> int:
    """Measure, print a table or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    for tool in ("wrk", "nginx", "openssl"):
        if shutil.which(tool) is None and not Path("/usr/sbin", tool).exists():
            print(f"{tool} is not installed: apt-get install nginx-light wrk openssl", file=sys.stderr)
            return 1
    with ExitStack() as stack:
        peers = _peers(stack)
        figures = _compare(peers, args.rounds, args.seconds)
    _show(figures)
    if args.json:
        print(json.dumps(figures))
    return 0


def _peers(stack: ExitStack) -> list[Peer]:
    work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="heliograph-serve-")))
    root, cert = work / "edition", work / "both.pem"
    (root / "a").mkdir(parents=True)
    page = os.urandom(BODY)  # what is compressed looks like noise
    for ending in ("", ".gz", ".br"):
        (root / f"a/page.html{ending}").write_bytes(page)
    _certificate(cert)
    ours = [
        stack.enter_context(_running(_command(root, port, cert if secure else None), port))
        for port, secure in ((free_port(), False), (free_port(), True))
    ]
    port, secure = free_port(), free_port()
    (work / "nginx.conf").write_text(NGINX.format(run=work, root=root, cert=cert, port=port, secure=secure))
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    theirs = stack.enter_context(
        _running([nginx, "-p", str(work), "-e", str(work / "error.log"), "-c", str(work / "nginx.conf")], port)
    )
    return [
        Peer("heliograph", ours[0][0], ours[1][0], ours[0][1], ours[1][1]),
        Peer("nginx", theirs[0], theirs[0], port, secure),
    ]


def _command(root: Path, port: int, cert: Path | None) -> list[str]:
    """One worker, as ``heliograph serve`` runs it, without the start of the whole command line."""
    code = (
        "import sys; from pathlib import Path; from heliograph.adapters.serve import run; "
        "run(Path(sys.argv[1]), sys.argv[2], cert=Path(sys.argv[3]) if sys.argv[3] else None)"
    )
    return [sys.executable, "-c", code, str(root), f"127.0.0.1:{port}", str(cert or "")]


def _certificate(cert: Path) -> None:
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/O=mirror"]
    name = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(
        ["openssl", "req", "-x509", *key, *name, "-days", "2", "-keyout", f"{cert}.key", "-out", str(cert)],
        check=True,
        capture_output=True,
    )
    with cert.open("a") as both:
        both.write(Path(f"{cert}.key").read_text())


@contextmanager
def _running(command: list[str], port: int) -> Iterator[tuple[int, int]]:
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        for _ in range(200):
            with socket.socket() as sock:
                if not sock.connect_ex(("127.0.0.1", port)):
                    break
            time.sleep(0.05)
        yield child.pid, port
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(10)


def _compare(peers: list[Peer], rounds: int, seconds: int) -> dict[str, dict[str, float]]:
    plain: dict[str, list[Round]] = {peer.name: [] for peer in peers}
    secure: dict[str, dict[bool, list[Round]]] = {peer.name: {False: [], True: []} for peer in peers}
    for _ in range(rounds):
        for peer in peers:
            plain[peer.name].append(_load(peer, seconds))
            for resume in (False, True):
                secure[peer.name][resume].append(_handshakes(peer, resume, seconds / 2))
    figures = {}
    for peer in peers:
        figures[peer.name] = {
            "requests_per_second": statistics.median(each.rate for each in plain[peer.name]),
            "cpu_us": statistics.median(each.cpu for each in plain[peer.name]),
            "tls_full_cpu_us": statistics.median(each.cpu for each in secure[peer.name][False]),
            "tls_resumed_cpu_us": statistics.median(each.cpu for each in secure[peer.name][True]),
            "packets": _packets(peer.port, None),
            "tls_full_packets": _packets(peer.secure_port, "full"),
            "tls_resumed_packets": _packets(peer.secure_port, "resumed"),
            "memory_mb": _memory(peer.plain) / 1e6,
        }
    ours, theirs = (figures[peer.name] for peer in peers)
    figures["heliograph / nginx"] = {name: ours[name] / theirs[name] for name in ours}
    turns = [a.rate / b.rate for a, b in zip(*plain.values(), strict=True)]
    figures["heliograph / nginx"]["requests_per_second"] = statistics.median(turns)
    return figures


@contextmanager
def _cpu(pid: int) -> Iterator[list[float]]:
    """Microseconds of processor time that the one thread of ``pid`` takes within, known afterwards."""
    taken: list[float] = []
    before = _on_cpu(pid)
    yield taken
    taken.append((_on_cpu(pid) - before) / 1e3)


def _on_cpu(pid: int) -> int:
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])  # nanoseconds


def _memory(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")


def _load(peer: Peer, seconds: int) -> Round:
    url = f"http://127.0.0.1:{peer.port}/a/page.html"
    fields = ["-H", "Connection: close", "-H", "Accept-Encoding: gzip, deflate"]
    with _cpu(peer.plain) as cpu:
        done = subprocess.run(
            ["wrk", "-t1", f"-c{LINKS}", f"-d{seconds}s", *fields, url], check=True, capture_output=True, text=True
        ).stdout
    number = re.search(r"(\d+) requests in", done)
    rate = re.search(r"Requests/sec:\s+([\d.]+)", done)
    if not number or not rate or "Non-2xx" in done:
        raise RuntimeError(done)
    return Round(float(rate[1]), cpu[0] / int(number[1]))


def _client(version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # a certificate of one minute ago, on the loopback
    context.minimum_version = version
    return context


def _handshakes(peer: Peer, resume: bool, seconds: float) -> Round:
    context, session, count = _client(), None, 0
    session = _secure_get(context, peer.secure_port, None)[0] if resume else None
    start = time.perf_counter()
    with _cpu(peer.secure) as cpu:
        while time.perf_counter() - start < seconds:
            fresh, reused, _ = _secure_get(context, peer.secure_port, session)
            if reused != resume:
                raise RuntimeError(f"{peer.name}: session reused: {reused}, wanted: {resume}")
            session = fresh if resume else None
            count += 1
    return Round(count / (time.perf_counter() - start), cpu[0] / count)


REQUEST = b"GET /a/page.html HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAccept-Encoding: gzip\r\n\r\n"


def _secure_get(
    context: ssl.SSLContext, port: int, session: ssl.SSLSession | None
) -> tuple[ssl.SSLSession | None, bool, int]:
    """One request in TLS: the session to go on with, whether it was resumed, packets on the wire."""
    raw = _connected(port)
    with context.wrap_socket(raw, session=session, suppress_ragged_eofs=True) as sock:
        sock.sendall(REQUEST)
        got = _read(sock)
        if got <= BODY:
            raise RuntimeError(f"short answer: {got} bytes")
        return sock.session, bool(sock.session_reused), _segments(sock)


def _connected(port: int) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, MSS)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # as browsers do
    sock.connect(("127.0.0.1", port))
    return sock


def _read(sock: socket.socket) -> int:
    got = 0
    while piece := sock.recv(65_536):
        got += len(piece)
    return got


def _segments(sock: socket.socket) -> int:
    info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)[_TCP_INFO_SEGMENTS]
    return int.from_bytes(info[:4], sys.byteorder) + int.from_bytes(info[4:], sys.byteorder)


def _packets(port: int, tls: str | None) -> float:
    """Packets of one whole request, both directions, until the reader has seen the end; the median of some."""
    counts = []
    for _ in range(21):
        if tls is None:
            with _connected(port) as sock:
                sock.sendall(REQUEST)
                _read(sock)
                counts.append(_segments(sock))
        else:
            context = _client()
            session = _secure_get(context, port, None)[0] if tls == "resumed" else None
            counts.append(_secure_get(context, port, session)[2])
    return statistics.median(counts)


def _show(figures: dict[str, dict[str, float]]) -> None:
    table = Table(title=f"{BODY} B page, one worker, one request for each connection")
    table.add_column("")
    for name in figures:
        table.add_column(name, justify="right")
    for row in next(iter(figures.values())):
        table.add_row(
            row, *(f"{column[row]:,.2f}" if "/" in name else f"{column[row]:,.0f}" for name, column in figures.items())
        )
    Console(width=80).print(table)


if __name__ == "__main__":
    sys.exit(main())
