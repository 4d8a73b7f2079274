"""Other web servers under the configuration that ``heliograph mirror-config`` writes for them."""

from __future__ import annotations

import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from heliograph.adapters.serve.caddy import caddy
from heliograph.adapters.serve.nginx import nginx
from heliograph.adapters.serve.outfit import Site, write_rungs
from heliograph.lab.loopback import free_port

MAIN = """daemon off; master_process off; worker_processes 1; pid {run}/nginx.pid; error_log stderr emerg; {user}
events {{ worker_connections 256; }}
http {{
  client_body_temp_path {run}/t; proxy_temp_path {run}/t; fastcgi_temp_path {run}/t; uwsgi_temp_path {run}/t;
  scgi_temp_path {run}/t;
  include {run}/mirror.conf;
}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A running server."""

    name: str
    port: int
    run: Path  # its folder: configuration, and whatever it writes
    said: Path  # its output and errors

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)

    def ask(self, data: bytes) -> bytes:
        """All bytes that it answers to ``data`` until it closes."""
        pieces = []
        with self.connect() as sock:
            sock.sendall(data)
            while piece := sock.recv(65_536):
                pieces.append(piece)
        return b"".join(pieces)

    def get(self, method: str, target: str, *fields: str) -> tuple[int, dict[str, str], bytes]:
        """Status, fields by their names in lower case, and body of an answer."""
        answer = self.ask("\r\n".join([f"{method} {target} HTTP/1.1", "Host: m", *fields, "", ""]).encode())
        head, _, body = answer.partition(b"\r\n\r\n")
        line, *rest = head.decode("ascii").split("\r\n")
        pairs = [field.split(": ", 1) for field in rest]
        assert len({name.lower() for name, _ in pairs}) == len(pairs), f"a field twice: {rest}"
        return int(line[9:12]), {name.lower(): value for name, value in pairs}, body


def command(name: str, program: str, site: Site, run: Path, *, user: str = "") -> list[str]:
    """Write what server ``name`` needs into ``run``; the command that starts it in the foreground."""
    if name == "nginx":
        (run / "mirror.conf").write_text(nginx(site))
        (run / "nginx.conf").write_text(MAIN.format(run=run, user=user))
        return [program, "-p", str(run), "-e", "stderr", "-c", str(run / "nginx.conf")]
    (run / "Caddyfile").write_text(caddy(site))
    return [program, "run", "--adapter", "caddyfile", "--config", str(run / "Caddyfile")]


@contextmanager
def running(name: str, program: str, folder: Path, *, cert: Path | None = None, onion: str = "") -> Iterator[Peer]:
    """Server ``name`` in front of ``folder``, on loopback."""
    with tempfile.TemporaryDirectory(prefix="heliograph-peer-") as place:
        run = Path(place)
        write_rungs(run / "rungs")
        port = free_port()
        site = Site(folder=folder, listens=(("127.0.0.1", port),), cert=cert, ladder=run / "rungs", onion=onion)
        argv = command(name, program, site, run)
        env = {"HOME": place, "XDG_DATA_HOME": place, "XDG_CONFIG_HOME": place, "PATH": "/usr/bin:/bin"}
        with (run / "said").open("wb") as said:
            child = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=env, cwd=place)
        try:
            while not _listens(port):
                assert child.poll() is None, (run / "said").read_text()
                time.sleep(0.02)
            yield Peer(name=name, port=port, run=run, said=run / "said")
        finally:
            child.terminate()
            child.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return not sock.connect_ex(("127.0.0.1", port))


def trusting() -> ssl.SSLContext:
    """A reader who takes any certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
