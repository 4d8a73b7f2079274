"""A small Internet on one machine: readers behind censors, mirrors in places, names, and nothing that reaches outside.

    with World(networks={"home": "ru-2026-home", "free": "none"}, mirrors={"one": ["203.0.113.10"]}) as world:
        world.spawn("one", ["python3", "-m", "http.server", "80"])
        world.wait_for("one", 80)
        world.run("home", ["curl", "-s", "http://203.0.113.10/"])

Each network, place and censor is a network namespace; a router without rules joins them. Everything belongs to one
process (``keeper.py``) and ends with it, however its owner ends. Linux, as root or as anybody; see ``need.py``.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Final, Self

import heliograph
from heliograph.lab.censor import library
from heliograph.lab.censor.dns import clean
from heliograph.lab.censor.library import Profile
from heliograph.lab.censor.line import Line
from heliograph.lab.world import need, plan
from heliograph.lab.world.need import LabError
from heliograph.lab.world.process import Lines, Process

_PATIENCE: Final = 30.0  # seconds for what the lab itself does
_TRUST: Final = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")
_PAUSE: Final = 0.005  # seconds between two looks whether somebody listens


class BoxHandle:
    """The censor of one network, from outside."""

    def __init__(self, world: World, network: str, lines: Lines) -> None:
        self._world, self._network, self._lines = world, network, lines

    def switch(self, profile: str | Profile) -> None:
        """Another censor from now on, also for what is under way; counts go on. Raises ConfigError, LabError."""
        chosen = library.profile(profile) if isinstance(profile, str) else profile
        self._world._open_gate(self._network, chosen)
        self._lines.ask({"do": "switch", "profile": library.to_plain(chosen)})

    def stats(self) -> dict[str, Any]:
        """What it did: see ``censor/tally.py`` and docs/lab.md. Raises LabError."""
        return self._lines.ask({"do": "report"})

    def advance(self, seconds: float) -> None:
        """Set its clock forward: a punishment of two minutes ends at once. Raises LabError."""
        self._lines.ask({"do": "advance", "seconds": seconds})

    def line(self, line: Line) -> None:
        """Another delay, jitter and loss from now on. Raises LabError."""
        self._lines.ask({"do": "line", "line": asdict(line)})


class World:
    """See the top of this file.

    ``networks`` names a profile for each network of readers; ``mirrors`` gives the addresses of each place; ``names``
    the addresses or places behind each name (the resolver answers NXDOMAIN for any other). ``line`` is the way between
    the readers of a network and the world. ``settings`` are sysctls of every network, such as
    ``{"net/ipv4/tcp_retries2": "5"}``. With ``rootless`` root builds it as anybody else would.
    """

    def __init__(
        self,
        networks: Mapping[str, str | Profile],
        mirrors: Mapping[str, Sequence[str]] | None = None,
        *,
        names: Mapping[str, Sequence[str]] | None = None,
        line: Line | None = None,
        seed: int = 0,
        settings: Mapping[str, str] | None = None,
        rootless: bool = False,
    ) -> None:
        self._profiles = {
            name: library.profile(given) if isinstance(given, str) else given for name, given in networks.items()
        }
        self._wanted, self._names = dict(mirrors or {}), dict(names or {})
        self._line, self._seed, self._rootless = line or Line(), seed, rootless
        self._settings = {**plan.SETTINGS, **(settings or {})}
        self._places: dict[str, tuple[str, ...]] = {}
        self._boxes: dict[str, BoxHandle] = {}
        self._gates: set[str] = set()
        self._parts: list[Lines] = []
        self._processes: list[Process] = []
        self._trusted = ""
        self._keeper: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._said: IO[bytes] | None = None
        self._resolver: Lines | None = None

    # --- life

    def start(self) -> Self:
        """Build it. Raises LabError, with the remedy; nothing is left then."""
        try:
            self._begin()
            self._build()
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """End everything in it. Returns when it is gone."""
        if self._control is not None:
            self._control.close()
        if self._keeper is not None:
            try:
                self._keeper.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                self._keeper.kill()
                self._keeper.wait()
        for process in self._processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.0)
            process.forget()
        for part in self._parts:
            part.close()
        if self._said is not None:
            self._said.close()
        self._keeper = self._control = self._said = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def _begin(self) -> None:
        command = need.unshare(rootless=self._rootless)
        command += [sys.executable, "-S", "-m", "heliograph.lab.world.keeper"]
        source = str(Path(heliograph.__file__).resolve().parents[1])
        env = {**os.environ, "PATH": need.path(), "PYTHONPATH": source, "PYTHONDONTWRITEBYTECODE": "1"}
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end of the lab
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours, owner = self._control, os.pidfd_open(os.getpid())
        handles = (theirs.fileno(), owner)
        command += [*map(str, handles), json.dumps(self._settings)]
        try:
            self._keeper = subprocess.Popen(  # noqa: S603 - our own module
                command, stdin=subprocess.DEVNULL, stderr=self._said, env=env, pass_fds=handles, cwd="/"
            )
        finally:
            theirs.close()
            os.close(owner)
        ours.settimeout(_PATIENCE)
        try:
            first = json.loads(ours.recv(plan.LARGEST) or b"{}")
        except TimeoutError:
            first = {"error": f"no answer within {_PATIENCE:.0f} s"}
        ours.settimeout(None)
        if "error" in first:
            raise LabError(first["error"], where="lab", remedy="see docs/lab.md for what a lab needs")
        if not first:
            self._keeper.wait()
            said = self.complaints()
            raise need.refusal(said) if said.startswith("unshare:") else LabError("it did not start", remedy=said)

    def _build(self) -> None:
        servers = "".join(f"nameserver {address}\n" for address in plan.RESOLVER[:1])
        self.write("resolv.conf", f"{servers}options timeout:2 attempts:2\n")
        self.add_place("resolver", plan.RESOLVER)
        for name, addresses in self._wanted.items():
            self.add_place(name, addresses)
        for name, profile in self._profiles.items():
            self._add_network(name, profile)
        self._resolver = self.serve("resolver", "names", {"zone": self.zone()})

    def _add_network(self, name: str, profile: Profile) -> None:
        self._check_name(name)
        number = len(self._boxes) + 1
        addresses = (plan.READERS4.format(number), plan.READERS6.format(number))
        ours, theirs = socket.socketpair()
        asked = {"do": "reader", "name": name, "addresses": addresses, "seed": self._seed + number}
        asked |= {"profile": library.to_plain(profile), "line": asdict(self._line)}
        with theirs:
            self._ask(asked, [theirs.fileno()])
        self._places[name] = addresses
        lines = Lines(ours, f"censor of network {name!r}", self.complaints)
        self._parts.append(lines)
        self._boxes[name] = BoxHandle(self, name, lines)
        self._open_gate(name, profile)

    def _open_gate(self, network: str, profile: Profile) -> None:
        """A place where intercepted connections end, if ``profile`` intercepts any."""
        rules = [rule for rule in profile.rules if rule.action == "intercept"]
        if not rules or network in self._gates:
            return
        number = len(self._gates) + 1
        addresses = [plan.GATES4.format(number), plan.GATES6.format(number)]
        asked = {"do": "gate", "name": network, "addresses": addresses, "readers": self._places[network]}
        address = self._ask(asked)["done"]
        names = [name for rule in rules for name in rule.names]
        ports = sorted({port for rule in rules for port in rule.ports})
        self._places[f"{network} gate"] = tuple(addresses)
        self.serve(f"{network} gate", "gate", {"names": names, "ports": ports})
        self._boxes[network]._lines.ask({"do": "gate", "name": "gate", "address": address})
        self._gates.add(network)

    def complaints(self) -> str:
        """What the lab's own processes wrote to standard error; "" if all is well."""
        if self._said is None:
            return ""
        return os.pread(self._said.fileno(), plan.LARGEST, 0).decode("utf-8", "replace").strip()

    # --- what a test or a drill does with it

    def add_place(self, name: str, addresses: Sequence[str]) -> None:
        """One more host in the world, reachable at ``addresses`` (IPv4, IPv6 or both). Raises LabError."""
        self._check_name(name)
        self._ask({"do": "place", "name": name, "addresses": list(addresses)})
        self._places[name] = tuple(addresses)

    def addresses(self, place: str) -> tuple[str, ...]:
        """Where a place, or the reader of a network, is."""
        return self._places[place]

    def box(self, network: str) -> BoxHandle:
        """The censor of a network. Raises LabError."""
        if network not in self._boxes:
            raise LabError(f"no network {network!r}", where="lab", remedy=f"there are: {', '.join(self._boxes)}")
        return self._boxes[network]

    def name(self, name: str, *where: str) -> None:
        """Let ``name`` mean these addresses or places from now on; none: it does not exist."""
        self._names.pop(name, None)
        if where:
            self._names[name] = where
        assert self._resolver is not None
        self._resolver.ask(self.zone())

    def run(
        self,
        where: str,
        argv: Sequence[str | Path],
        *,
        timeout: float | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run a command in a network or place to its end. Raises subprocess.TimeoutExpired, after ending it."""
        process = self.spawn(where, argv, env=env, cwd=cwd)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        return subprocess.CompletedProcess(process.argv, code, process.output(), process.errors())

    def spawn(
        self,
        where: str,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        streams: tuple[IO[Any], IO[Any], IO[Any]] | None = None,
    ) -> Process:
        """Start a command in a network or place. ``env`` is added to the environment.

        With ``streams`` these are its input, output and errors, and it stays in the foreground of the terminal; else
        it has no input, and ``Process.output`` and ``errors`` hold what it wrote. Raises LabError.
        """
        words = [os.fspath(word) for word in argv]
        asked = {"do": "spawn", "where": where, "argv": words, "foreground": streams is not None}
        asked |= {"env": {**self._environment(), **(env or {})}, "cwd": str(cwd or Path.cwd())}
        if streams is not None:
            pid, lines = self._start(asked, [stream.fileno() for stream in streams])
            return self._kept(Process(words, pid, lines, None, None, self._signal))
        out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - the process's, for its life
        try:
            with Path(os.devnull).open("rb") as nothing:
                pid, lines = self._start(asked, [nothing.fileno(), out.fileno(), err.fileno()])
        except BaseException:
            out.close()
            err.close()
            raise
        return self._kept(Process(words, pid, lines, out, err, self._signal))

    def wait_for(self, place: str, port: int, timeout: float = _PATIENCE) -> None:
        """Return once somebody in ``place`` accepts connections on ``port``. Raises LabError if nobody does in time."""
        until = time.monotonic() + timeout
        while not self._ask({"do": "listens", "where": place, "port": port})["done"]:
            if time.monotonic() > until:
                raise LabError(f"nobody listens on port {port} after {timeout:g} s", where=f"place {place}")
            time.sleep(_PAUSE)

    def write(self, name: str, text: str) -> str:
        """A file that only processes of this lab see; its path. It is gone with the lab. Raises LabError."""
        path: str = self._ask({"do": "write", "name": name, "text": text})["done"]
        return path

    def certificate(self, names: Sequence[str]) -> str:
        """A new certificate for ``names``; the file with its key, for a server in this lab. Raises LabError.

        The latest one is what processes started from then on trust (``SSL_CERT_FILE`` and its kin).
        """
        file, self._trusted = self._ask({"do": "certificate", "names": list(names)})["done"]
        return str(file)

    def serve(self, place: str, kind: str, given: Mapping[str, Any]) -> Lines:
        """One of the lab's own servers (``servers.py``) in a place, once it is ready. Raises LabError."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._ask({"do": "serve", "where": place, "kind": kind, "given": given}, [theirs.fileno()])
        lines = Lines(ours, f"{kind} server of {place!r}", self.complaints)
        self._parts.append(lines)
        lines.read(_PATIENCE)
        return lines

    # --- the line to the keeper

    def _ask(self, asked: Mapping[str, Any], handles: Sequence[int] = ()) -> dict[str, Any]:
        told, lines = self._request(asked, handles)
        lines.close()
        return told

    def _start(self, asked: Mapping[str, Any], handles: Sequence[int]) -> tuple[int, Lines]:
        told, lines = self._request(asked, handles)
        return int(told["done"]), lines

    def _request(self, asked: Mapping[str, Any], handles: Sequence[int]) -> tuple[dict[str, Any], Lines]:
        if self._control is None:
            raise LabError("it is not running", where="lab", remedy="use it in a with statement")
        data = json.dumps(asked).encode()
        where = f"lab, {asked['do']} {asked.get('name') or asked.get('where') or ''}".rstrip()
        if len(data) > plan.LARGEST:
            raise LabError(f"{len(data):,} bytes of arguments and environment are too many", where=where)
        ours, theirs = socket.socketpair()
        lines = Lines(ours, where, self.complaints)
        with theirs:
            try:
                socket.send_fds(self._control, [data], [theirs.fileno(), *handles])
            except OSError as error:
                raise LabError("has ended", where=where, remedy=self.complaints()) from error
        try:
            return lines.read(), lines
        except BaseException:
            lines.close()
            raise

    def _environment(self) -> dict[str, str]:
        """The owner's, without what would lead a program round the lab or make it trust others than the lab."""
        kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        trust = dict.fromkeys(_TRUST, self._trusted) if self._trusted else {}
        return {**kept, **trust, "PATH": need.path()}

    def _kept(self, process: Process) -> Process:
        self._processes = [one for one in self._processes if not one.is_forgotten] + [process]
        return process

    def _signal(self, pid: int, number: int) -> None:
        with suppress(LabError):
            self._ask({"do": "kill", "pid": pid, "signal": int(number)})

    def _check_name(self, name: str) -> None:
        if not name or name in self._places or name == "core":
            raise LabError(f"the name {name!r} is taken", where="lab", remedy="give every network and place its own")

    def zone(self) -> dict[str, list[str]]:
        """What every name means now: for a server of kind "doh"."""
        return {
            clean(name): [address for one in where for address in self._places.get(one, (one,))]
            for name, where in self._names.items()
        }
