"""A Tor network of our own on loopback: three authorities, relays, a reader's tor and a mirror's. Nothing leaves it.

Rule 1: nothing is slept for: a tor says over its control port how far it is, and an event is waited for.
Rule 2: every tor ends with this process, even by SIGKILL (``__OwningControllerProcess``).
Rule 3: the intervals are the shortest that tor allows, so that the first consensus is there within seconds.
Rule 4: a circuit has as long as in the first minutes of the real network. A tor learns how fast its circuits are; here
it would learn milliseconds, give up ways in a busy moment (105 in nine minutes, measured; 0 so), and then hold an onion
service for gone for two minutes.
"""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

AUTHORITIES, RELAYS = 3, 3
PATIENCE = 120.0  # seconds until a tor must be where it is waited for
_TURN = 0.1  # seconds between two looks at a tor that has no event for what is waited for

_EVERYBODY = """
DataDirectory {folder}
ControlPort {control}
CookieAuthentication 1
Log notice file {folder}/log
AvoidDiskWrites 1
ShutdownWaitLength 0
__OwningControllerProcess {owner}
"""
_TESTING = """
TestingTorNetwork 1
Address 127.0.0.1
TestingServerDownloadInitialDelay 0
TestingClientDownloadInitialDelay 0
TestingServerConsensusDownloadInitialDelay 0
TestingClientConsensusDownloadInitialDelay 0
TestingBridgeDownloadInitialDelay 0
TestingClientMaxIntervalWithoutRequest 1
TestingDirConnectionMaxStall 10
LearnCircuitBuildTimeout 0
CircuitBuildTimeout 60
"""
_RELAY = """
Nickname {name}
ORPort {orport}
DirPort {dirport}
SocksPort 0
AssumeReachable 1
ExitRelay 0
ContactInfo nobody
"""
_AUTHORITY = """
AuthoritativeDirectory 1
V3AuthoritativeDirectory 1
TestingV3AuthInitialVotingInterval 5
TestingV3AuthInitialVoteDelay 2
TestingV3AuthInitialDistDelay 2
V3AuthVotingInterval 10
V3AuthVoteDelay 2
V3AuthDistDelay 2
V3AuthNIntervalsValid 10
TestingDirAuthVoteExit *
TestingDirAuthVoteGuard *
TestingDirAuthVoteHSDir *
TestingMinExitFlagThreshold 0
TestingAuthDirTimeToLearnReachability 0
MinUptimeHidServDirectoryV2 0 seconds
AuthDirMaxServersPerAddr 0
"""


@dataclass(slots=True, kw_only=True)
class Tor:
    """One tor: its folder, its ports, and the process while it runs."""

    program: str
    name: str
    folder: Path
    control: int
    socks: int = 0
    orport: int = 0
    dirport: int = 0
    lines: str = ""
    process: subprocess.Popen[bytes] | None = field(default=None)

    def command(self, lines: str) -> list[str]:
        """What starts it with ``lines`` after those that all have."""
        torrc = self.folder / "torrc"
        torrc.write_text(_EVERYBODY.format(folder=self.folder, control=self.control, owner=os.getpid()) + lines)
        return [self.program, "--quiet", "--defaults-torrc", os.devnull, "-f", str(torrc)]

    def start(self, *, testing: bool = True) -> None:
        """Start it; without ``testing`` as one of the real network."""
        self.process = subprocess.Popen(
            self.command((_TESTING if testing else "") + self.lines),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.folder,
        )

    def stop(self) -> None:
        """End it, if it runs."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(10)
            self.process = None

    def told(self, *questions: str) -> str:
        """What it answers on its control port; "" while it does not."""
        try:
            cookie = (self.folder / "control_auth_cookie").read_bytes().hex()
            with socket.create_connection(("127.0.0.1", self.control), timeout=10) as sock:
                words = [f"AUTHENTICATE {cookie}", *questions, "QUIT"]
                sock.sendall("".join(f"{line}\r\n" for line in words).encode())
                return b"".join(iter(lambda: sock.recv(65_536), b"")).decode()
        except OSError:
            return ""

    def listens(self) -> None:
        """Wait until its control port is there."""
        end = time.monotonic() + PATIENCE
        while not _answers(self.control):
            assert time.monotonic() < end, self.log()
            time.sleep(_TURN)

    def wait(self, words: str, *questions: str, patience: float = PATIENCE) -> None:
        """Ask until the answer has these words in it."""
        end = time.monotonic() + patience
        while words not in (said := self.told(*questions)):
            assert self.process is not None
            assert self.process.poll() is None, self.log()
            assert time.monotonic() < end, f"{self.name}: {said}\n{self.log()}"
            time.sleep(_TURN)

    def ready(self) -> None:
        """Wait until it can build circuits."""
        self.wait("PROGRESS=100", "GETINFO status/bootstrap-phase")

    def log(self) -> str:
        """The end of its log."""
        log = self.folder / "log"
        return log.read_text()[-3_000:] if log.exists() else f"{self.name} wrote no log"


@dataclass(frozen=True, slots=True, kw_only=True)
class TorNet:
    """The network as a test sees it."""

    reader: Tor  # has a SOCKS port
    mirror: Tor  # onion services are published through it
    seconds: float  # from the first process to a reader and a mirror that can build circuits

    def forget(self) -> None:
        """Make the reader a new one, that has read nothing yet. Tor does so at once, or within ten seconds.

        One that knows the way to an onion service as it was before a restart may need minutes to find the new one.
        """
        assert "250 OK" in self.reader.told("SIGNAL NEWNYM")


def free_ports(count: int) -> list[int]:
    """Ports of loopback that nobody has, each another one."""
    with ExitStack() as stack:
        socks = [stack.enter_context(socket.socket()) for _ in range(count)]
        for sock in socks:
            sock.bind(("127.0.0.1", 0))
        return [int(sock.getsockname()[1]) for sock in socks]


def _answers(port: int) -> bool:
    with socket.socket() as sock:
        return not sock.connect_ex(("127.0.0.1", port))


@contextmanager
def running(program: str, gencert: str, folder: Path) -> Iterator[TorNet]:
    """The network, up and bootstrapped; ``program`` is tor, ``gencert`` tor-gencert."""
    begun = time.monotonic()
    ports = iter(free_ports(64))
    relays = [_relay(program, folder, f"a{number}", ports) for number in range(AUTHORITIES)]
    with ExitStack() as stack:
        lines = _authorities(gencert, relays)
        relays += [_relay(program, folder, f"r{number}", ports) for number in range(RELAYS)]
        for relay in relays:
            stack.callback(relay.stop)
            relay.lines += lines
            relay.start()
        socks = next(ports)
        ends = [_made(program, folder, "reader", next(ports), socks=socks, lines=f"SocksPort 127.0.0.1:{socks}\n")]
        ends += [_made(program, folder, "mirror", next(ports), lines="SocksPort 0\n")]
        for tor in ends:
            stack.callback(tor.stop)
            tor.lines += lines
            tor.start()
        for tor in ends:
            tor.ready()
        yield TorNet(reader=ends[0], mirror=ends[1], seconds=time.monotonic() - begun)


def _made(program: str, above: Path, name: str, control: int, *, socks: int = 0, lines: str = "") -> Tor:
    folder = above / name
    folder.mkdir(mode=0o700, parents=True)
    return Tor(program=program, name=name, folder=folder, control=control, socks=socks, lines=lines)


def _relay(program: str, above: Path, name: str, ports: Iterator[int]) -> Tor:
    tor = _made(program, above, name, next(ports))
    tor.orport, tor.dirport = next(ports), next(ports)
    tor.lines = _RELAY.format(name=name, orport=tor.orport, dirport=tor.dirport)
    return tor


def _authorities(gencert: str, tors: Sequence[Tor]) -> str:
    """Make the authorities' keys, all at once; the lines by which everybody knows them."""
    makers = [_certify(gencert, tor) for tor in tors]
    lines = ""
    for tor, maker in zip(tors, makers, strict=True):
        assert maker.wait(60) == 0, f"{tor.name}: tor-gencert failed"
        certificate = (tor.folder / "keys" / "authority_certificate").read_text()
        identity = certificate.partition("\nfingerprint ")[2].partition("\n")[0]
        lines += (
            f"DirAuthority {tor.name} orport={tor.orport} v3ident={identity}"
            f" 127.0.0.1:{tor.dirport} {_fingerprint(tor)}\n"
        )
        tor.lines += _AUTHORITY
    return lines


def _certify(gencert: str, tor: Tor) -> subprocess.Popen[bytes]:
    keys = tor.folder / "keys"
    keys.mkdir(mode=0o700)
    names = ("-i", "identity_key"), ("-s", "signing_key"), ("-c", "certificate")
    places = [word for flag, name in names for word in (flag, str(keys / f"authority_{name}"))]
    command = [gencert, "--create-identity-key", "--passphrase-fd", "0", "-m", "12", "-a", f"127.0.0.1:{tor.dirport}"]
    maker = subprocess.Popen(
        [*command, *places], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    assert maker.stdin is not None
    maker.stdin.write(b"a passphrase of the test\n")
    maker.stdin.close()
    return maker


def _fingerprint(tor: Tor) -> str:
    """Of its relay key, which is made by this."""
    stub = f"DirAuthority stub orport=1 v3ident={'0' * 40} 127.0.0.1:1 {'0' * 40}\n"  # a testing network must have one
    command = [*tor.command(_TESTING + tor.lines + stub), "--list-fingerprint"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return said.strip().rpartition("\n")[2].partition(" ")[2].replace(" ", "")
