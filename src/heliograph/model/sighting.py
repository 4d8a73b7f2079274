"""Watching a mirror: checks that a vantage makes, what came of them, and what they add up to.

A *check* is one question to the network, an *outcome* its answer, a *sighting* all checks of one look at one mirror
from one vantage. A *diagnosis* says what one sighting shows by itself; a *finding* is the verdict that sightings of
many vantages add up to, for one mirror in one network. Failures are OONI's strings, "" is success.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias

# The verdicts, most of them with the rule of docs/watch.md that gives them.
Kind = Literal[
    "well",
    "curtain",  # D1: a connection freezes after so many bytes or packets
    "tls-burst",  # D2: several handshakes at once freeze the name
    "sni-rst",  # D3: the name in the handshake is answered by a forged reset
    "sni-drop",  # D4: the name in the handshake is answered by silence
    "throttled",  # D5
    "dns",  # D6
    "tcp_ip",  # D7: the address cannot be reached
    "blockpage",  # D8
    "whitelist",  # D10: only listed hosts can be reached
    "shutdown",  # D10: nothing can be reached, and not only here
    "mitm",  # D11: somebody else's certificate
    "origin-down",  # it fails from outside as well: no censorship
    "stale",  # authentic, and older than it should be
    "forged",  # what it serves is not the newsroom's
    "offline",  # this vantage has no connectivity: says nothing of any mirror
    "unknown",  # it fails here, and why cannot be told
]
Strength = Literal["suspicion", "likely", "confirmed"]
Unit = Literal["", "bytes", "packets"]
Content = Literal["", "current", "old", "strange"]  # what a page is to the newsroom's journal; "" is unknown
BLOCKED: frozenset[Kind] = frozenset(
    {
        "curtain",
        "tls-burst",
        "sni-rst",
        "sni-drop",
        "throttled",
        "dns",
        "tcp_ip",
        "blockpage",
        "whitelist",
        "shutdown",
        "mitm",
    }
)

# ---------------------------------------------------------------- checks


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolve:
    """Ask for the addresses of ``name``: the system, or ``server`` by UDP, TCP or DNS over HTTPS."""

    name: str
    how: Literal["system", "udp", "tcp", "doh"] = "system"
    server: str = ""  # an address with port for UDP and TCP, a URL for DoH
    tag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """One connection to ``ip``: as far as TCP, TLS (``path`` is "") or a whole answer.

    ``sni`` is the name in the handshake, ``host`` the one in the request, both in clear only as far as the protocol
    makes them so. ``writes`` is how the request is sent: in one write, dribbled in 32 writes of 2 bytes and more, or
    followed by ``upload`` bytes of a body.
    """

    ip: str
    port: int = 443
    tls: bool = True
    sni: str = ""
    host: str = ""
    path: str = ""  # with its leading slash; "" ends after the handshake
    writes: Literal["one", "dribble"] = "one"
    upload: int = 0  # bytes
    times: int = 1  # requests one after the other on the connection, where the server lets it
    limit: int = 131_072  # bytes of an answer that are read
    verify: bool = True  # judge the certificate
    tcp_only: bool = False  # end when connected
    tag: str = ""


Check: TypeAlias = Resolve | Fetch


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of a check. Times in seconds from the start of the sighting, sizes in bytes."""

    failure: str = ""
    stage: Literal["", "resolve", "connect", "tls", "http"] = ""  # where it failed, or how far it got
    started: float = 0.0
    ended: float = 0.0
    rtt: float = 0.0  # of the TCP handshake, 0.0 when there was none
    hello: float = 0.0  # from the first byte of the handshake to its failure or end
    first: float = 0.0  # from the request to the first byte of the answer, 0.0 when there was none
    silence: float = 0.0  # since the last byte, where it ended in silence
    received: int = 0  # raw bytes on the connection
    sent: int = 0
    acked: int = 0  # of those sent, as the kernel knows
    segments: int = 0  # TCP segments both ways, 0 when the kernel does not tell
    unacked: int = 0  # segments that nobody acknowledged
    retransmits: int = 0
    status: int = 0
    answers: int = 0  # whole answers on the connection
    body: int = 0  # of the bodies as they came
    digest: str = ""  # SHA-256 of the body without its encoding, hex
    opening: str = ""  # what can be read of its first 4,096 bytes, for fingerprints of block pages
    location: str = ""
    addresses: tuple[str, ...] = ()
    more: tuple[str, ...] = ()  # addresses in a second, different answer to the same question
    reads: tuple[tuple[float, int], ...] = ()  # the first 64: time and bytes

    @property
    def ok(self) -> bool:
        """Whether the check got all it asked for."""
        return not self.failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A check and its outcome."""

    check: Check
    outcome: Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Checks to make at the same time, ``wait`` seconds after the last round."""

    checks: tuple[Check, ...]
    wait: float


Steps: TypeAlias = Generator[Round, Sequence[Outcome], None]  # is sent the outcomes of each round in its order

# ---------------------------------------------------------------- sightings


@dataclass(frozen=True, slots=True, kw_only=True)
class Vantage:
    """A place that measures. ``weight`` is how much its word counts against others of its network, 0 to 1."""

    name: str
    network: str  # as the newsroom calls it, such as "AS64500" or "home"; the same word for all vantages in it
    country: str = "ZZ"  # ISO 3166, "ZZ" where it is withheld
    weight: float = 1.0
    outside: bool = False  # where nothing is blocked: its successes are the control C1
    hearsay: bool = False  # it looks at nothing itself: a mirror's own count of how connections ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """One look at one mirror."""

    mirror: str  # its base URL
    vantage: str
    network: str
    started: datetime
    results: tuple[Result, ...]
    content: Content = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnosis:
    """What one sighting shows by itself."""

    kind: Kind
    readable: bool = False  # a page arrives whole: a curtain can be there all the same
    evidence: tuple[str, ...] = ()  # plain sentences, for people
    unit: Unit = ""
    threshold: int = 0  # of a curtain, in ``unit``; 0 when it cannot be told
    rate: int = 0  # of a throttle, bytes per second
    repeats: int = 0  # how often it was seen within the sighting
    controlled: bool = False  # C2 and, where it applies, C3 were met


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """The verdict on one mirror in one network."""

    mirror: str
    network: str
    kind: Kind
    strength: Strength
    since: datetime  # first sighting of this verdict in a row
    seen: datetime  # newest sighting it rests on
    readable: bool = False
    vantages: tuple[str, ...] = ()  # whose sightings agree
    evidence: tuple[str, ...] = ()
    unit: Unit = ""
    threshold: int = 0
    rate: int = 0

    @property
    def blocked(self) -> bool:
        """Whether readers of this network are kept from this mirror, as far as is known."""
        return self.kind in BLOCKED and not self.readable
