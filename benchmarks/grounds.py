"""The grounds of the survival benchmark: an edition, a usual site, certificates, servers in a world, and censors."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import shake_256
from pathlib import Path
from typing import Any, Final

from benchmarks.tls import Authority, pin
from heliograph.adapters.serve.caddy import caddy
from heliograph.adapters.serve.nginx import nginx
from heliograph.adapters.serve.outfit import Site
from heliograph.lab.censor import Line, library
from heliograph.lab.censor.library import Profile
from heliograph.lab.world import World

READER: Final = Path(__file__).with_name("reader.py")
BROWSER: Final = Path(__file__).with_name("browser.py")
CHROMIUM: Final = "/usr/bin/chromium"
SUFFIX: Final = "mirror.example"
NETWORK: Final = ["203.0.113.0/24"]
POST_QUANTUM: Final = 1_088  # bytes of an ML-KEM-768 ciphertext (FIPS 203) in a server's hello
CHAIN: Final = (875, 655 + POST_QUANTUM, 682)  # bytes of DER; see above
SUBS: Final = (20_000, 30_000, *[31_250] * 8)  # bytes of what a usual page is made of
PAGE: Final = 60_000
NGINX_MAIN: Final = """user root; daemon off; master_process off; worker_processes 1; pid {run}/{name}.pid;
error_log /dev/null emerg; events {{ worker_connections 768; }}
http {{
  client_body_temp_path {run}/t; proxy_temp_path {run}/t; fastcgi_temp_path {run}/t; uwsgi_temp_path {run}/t;
  scgi_temp_path {run}/t;
  {inner}
}}
"""
# Debian's /etc/nginx/nginx.conf and its default site, but for the log and the certificate.
USUAL: Final = """sendfile on; tcp_nopush on; types_hash_max_size 2048; include /etc/nginx/mime.types;
  default_type application/octet-stream; ssl_protocols TLSv1 TLSv1.1 TLSv1.2 TLSv1.3; ssl_prefer_server_ciphers on;
  access_log off; gzip on;
  server {{ listen 443 ssl{http2}; root {root}; index index.html; server_name _; ssl_certificate {cert};
    ssl_certificate_key {cert}; location / {{ try_files $uri $uri/ =404; }} }}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One column: a server in a place of its own, and how it is read."""

    name: str
    address: str
    manner: str = "fresh"
    usual: bool = False  # serves the usual site
    kind: str = ""  # of the server in ``SERVERS`` that it is another one of, "" if it is one of those

    @property
    def host(self) -> str:
        """Its host name."""
        return f"{self.name}.{SUFFIX}"


SERVERS: Final = (
    Server(name="serve", address="203.0.113.10"),
    Server(name="nginx", address="203.0.113.20"),
    Server(name="caddy", address="203.0.113.30"),
    Server(name="kept", address="203.0.113.40", manner="kept"),
    Server(name="usual", address="203.0.113.50", manner="six", usual=True),
    Server(name="usual-h2", address="203.0.113.60", manner="h2", usual=True),
)


# Servers of their own: what a censor counts by name and what a server remembers is not to be shared with other readers.
IN_CHROMIUM: Final = tuple(
    Server(name=f"{kind}-chromium", address=f"203.0.113.{70 + 10 * number}", manner="browser", kind=kind)
    for number, kind in enumerate(("serve", "nginx", "caddy", "kept"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One censor."""

    name: str
    profile: Profile
    fatal: str = ""  # why no server at this name and address can survive it, "" if one can


# What is aimed at a name or an address leaves a server there no choice; another mirror is the answer.
FATAL: Final[Mapping[str, str]] = {
    **dict.fromkeys(("sni-rst", "sni-rst-answer", "sni-rst-beside", "sni-rst-by", "sni-drop", "sni-mute"), "name"),
    **dict.fromkeys(("dns-nx", "dns-inject", "dns-drop"), "name (DNS)"),
    **dict.fromkeys(("ip-blackhole", "ip-reject", "ip-rst", "ip-last-ack"), "address"),
    **dict.fromkeys(("allow-list", "ru-whitelist"), "address"),
    "allow-list-sni": "name",
    "tls-intercept": "certificate",
}


def rows(wanted: Sequence[str] = ()) -> list[Row]:
    """A row for each profile, then one for each rule, aimed at the mirrors; ``wanted`` ones only, if any."""
    found = [
        Row(name=name, profile=library.profile(name), fatal=FATAL.get(name, "")) for name in library.names("profiles")
    ]
    found += [Row(name=name, profile=aimed(name), fatal=FATAL.get(name, "")) for name in library.names("rules")]
    chosen = [row for row in found if not wanted or row.name in wanted]
    return sorted(chosen, key=lambda row: bool(row.fatal))


def aimed(name: str) -> Profile:
    """The rule ``name`` with the mirrors' name and network in place of those it is written for."""
    rule = library.rule(name)
    sets = [f"{name}.names={SUFFIX}"] if rule.names and name != "ech" else []
    sets += [f"{name}.to={','.join(NETWORK)}"] if rule.to else []
    return library.profile(name, sets)


class Grounds:
    """The edition and the usual site on disk, the certificates, and which pages a reader visits."""

    def __init__(self, folder: Path, *, chain: Sequence[int] = CHAIN) -> None:
        self.folder = folder
        self.edition = folder / "edition"
        self.usual = folder / "usual"
        now = datetime.now(UTC)  # noqa: TID251 - a command
        authority = Authority(folder / "ca", now, depth=len(chain) - 1, sizes=chain)
        names = [one.host for one in (*SERVERS, *IN_CHROMIUM)]
        self.cert, self.roots = authority.leaf(f"x.{SUFFIX}", *names), authority.file
        self.pin = pin(self.cert)
        self.visits: list[list[str]] = []

    def make(self) -> None:
        """Publish the edition of the demo, and write the usual site."""
        place = self.folder / "demo"
        command = [
            sys.executable,
            "-m",
            "heliograph",
            "demo",
            "--folder",
            str(place),
            "--once",
            "--port",
            "0",
            "--json",
        ]
        subprocess.run(command, check=True, capture_output=True)
        self.edition = place / "mirrors" / "quiet-lake"
        self.visits = visits(self.edition)
        self.usual.mkdir()
        for name, size in (("index.html", PAGE), *((f"sub{n}.bin", size) for n, size in enumerate(SUBS))):
            (self.usual / name).write_bytes(shake_256(name.encode()).digest(size))


def visits(edition: Path) -> list[list[str]]:
    """The paths of the four visits."""
    stories = sorted(path.relative_to(edition).as_posix() for path in (edition / "a").glob("*.html"))
    third = next(path for path in stories if path.endswith(".3.html"))
    base = third.removesuffix(".3.html")
    single = next(
        path for path in stories if re.fullmatch(r"a/[0-9a-z]{7}\.html", path) and f"{path[:-5]}.2.html" not in stories
    )
    for path in stories:
        pictures = re.findall(rb'href="((?:\.\./a/)?[a-z0-9./]*i/[a-z0-9./]+\.html)', (edition / path).read_bytes())
        if pictures:
            picture = (Path("/a") / pictures[0].decode()).as_posix()
            return [["/"], [f"/{single}"], [f"/{base}.html", f"/{base}.2.html", f"/{third}"], [f"/{path}", picture]]
    raise RuntimeError(f"{edition}: no story with a picture")


def serve_config(server: Server, grounds: Grounds, run: Path) -> list[str]:
    """Write what ``server`` needs into ``run``; the command that starts it in the foreground."""
    cert, kind = grounds.cert, server.kind or server.name
    site = Site(folder=grounds.edition, names=(server.host,), listens=(("", 443),), cert=cert)
    if kind == "serve":
        return [
            sys.executable,
            "-m",
            "heliograph",
            "serve",
            str(grounds.edition),
            "--listen",
            ":443",
            "--cert",
            str(cert),
        ]
    if kind == "caddy":
        file = run / f"{server.name}.Caddyfile"
        file.write_text(caddy(site), encoding="utf-8")
        return ["caddy", "run", "--adapter", "caddyfile", "--config", str(file)]
    inner = nginx(site)
    if kind != "nginx":
        root = grounds.usual if server.usual else grounds.edition
        inner = USUAL.format(root=root, cert=cert, http2=" http2" if server.manner == "h2" else "")
    file = run / f"{server.name}.conf"
    file.write_text(NGINX_MAIN.format(run=run, name=server.name, inner=inner), encoding="utf-8")
    return ["nginx", "-p", str(run), "-e", "/dev/null", "-c", str(file)]


def build(stack: ExitStack, grounds: Grounds, found: Sequence[Row], servers: Sequence[Server], rtt: float) -> World:
    """One world: a network behind each row's censor, a place for each server."""
    run = grounds.folder / f"run-{len(list(grounds.folder.iterdir()))}"
    run.mkdir()
    world = stack.enter_context(
        World(
            {f"r{number}": row.profile for number, row in enumerate(found)},
            {server.name: [server.address] for server in servers},
            names={server.host: [server.name] for server in servers},
            line=Line(rtt=rtt),
        )
    )
    env = {"HOME": str(run), "XDG_DATA_HOME": str(run), "XDG_CONFIG_HOME": str(run)}
    for server in servers:
        world.spawn(server.name, serve_config(server, grounds, run), env=env, cwd=run)
    for server in servers:
        world.wait_for(server.name, 443)
    return world


def read(
    world: World, network: str, server: Server, grounds: Grounds, visits: Sequence[Sequence[str]], **more: float
) -> list[dict[str, Any]]:
    """What became of ``visits`` to ``server``; ``more`` is for the reader."""
    if server.manner == "h2":
        return [by_curl(world, network, server, grounds)]
    if server.manner == "browser":
        return by_browser(world, network, server, grounds, visits, **more)
    trips = [["/", *(f"/sub{n}.bin" for n in range(len(SUBS)))]] if server.usual else visits
    asked = {"name": server.host, "roots": str(grounds.roots), "visits": trips, "manner": server.manner, **more}
    done = world.run(network, [sys.executable, "-ISB", READER, json.dumps(asked)], timeout=600)
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    return [json.loads(line) for line in done.stdout.splitlines()]


def by_browser(
    world: World, network: str, server: Server, grounds: Grounds, visits: Sequence[Sequence[str]], **more: float
) -> list[dict[str, Any]]:
    """The visits by Chromium. It does not tell of connections over which it asked nothing, so the censor's box counts
    connections and bytes, of all visits together: they stand at the first."""
    asked = {"host": server.host, "folder": str(grounds.edition), "visits": visits, "pin": grounds.pin, **more}
    with tempfile.TemporaryDirectory(dir=grounds.folder) as home:
        command = [sys.executable, BROWSER, json.dumps({**asked, "program": CHROMIUM})]
        before = len(tcp(world, network, server))
        done = world.run(network, command, timeout=600, env={"HOME": home})
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    told = [json.loads(line) for line in done.stdout.splitlines()]
    made = tcp(world, network, server)[before:]
    counts = {"connections": len(made), "bytes": sum(one["payload"].get("down", 0) for one in made)}
    return [{**told[0], **counts}, *told[1:]]


def tcp(world: World, network: str, server: Server) -> list[dict[str, Any]]:
    """The connections that were opened to ``server`` from ``network`` so far, as the censor counts them."""
    found = world.box(network).stats()["connections"]
    return [one for one in found if one["transport"] == "tcp" and one["server"] == f"{server.address}:443"]


def by_curl(world: World, network: str, server: Server, grounds: Grounds) -> dict[str, Any]:
    """The usual site over one connection of HTTP/2: the page, then all of its parts side by side."""
    names = ["", *(f"sub{n}.bin" for n in range(len(SUBS)))]
    command = ["curl", "-sS", "--http2", "-Z", "--parallel-max", "12", "--cacert", str(grounds.roots)]
    command += [
        "--speed-time",
        "10",
        "--speed-limit",
        "1",
        "--connect-timeout",
        "5",
        "--max-time",
        "60",
        "-w",
        "%{size_download} %{num_connects}\\n",
    ]
    for name in names:
        command += ["-o", "/dev/null", f"https://{server.host}/{name}"]
    start = time.monotonic()
    done = world.run(network, command, timeout=600)
    lines = [line.split() for line in done.stdout.decode().splitlines()]
    body = sum(int(one[0]) for one in lines if len(one) == 2)
    lost = "" if done.returncode == 0 and body == PAGE + sum(SUBS) else f"curl {done.returncode}"
    connections = sum(int(one[1]) for one in lines if len(one) == 2)
    return {"connections": connections, "bytes": body, "body": body, "lost": lost, "seconds": time.monotonic() - start}
