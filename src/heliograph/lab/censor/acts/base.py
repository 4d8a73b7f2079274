"""What all actions share: which connections a rule concerns, when it is set off, and what goes on afterwards.

An ``Actor`` carries out one rule for all connections. Asked about a new connection, it answers with a ``Watcher`` that
will be shown each of its packets, or with None if the rule does not concern it, so that other connections cost
nothing.
"""

from __future__ import annotations

import random
from ipaddress import IPv4Network, ip_network
from typing import Final, NamedTuple, Protocol

from heliograph.lab.censor.dns import is_within
from heliograph.lab.censor.flow import Flow, Seen
from heliograph.lab.censor.packet import Direction
from heliograph.lab.censor.recognise import ECH, ESNI, Finding
from heliograph.lab.censor.rule import Rule

_EXTENSIONS: Final = {"ech": ECH, "esni": ESNI}


class Forged(NamedTuple):
    """A made-up frame and where it goes."""

    way: Direction
    frame: bytes


class Act(NamedTuple):
    """What shall happen to a packet beyond passing."""

    drop: bool = False
    forged: tuple[Forged, ...] = ()
    note: str = ""  # the fate of the connection from here on, said once; "" if it does not change
    delay: float = 0.0  # seconds
    divert: bool = False  # to the proxy that answers in the server's name


DROP: Final = Act(drop=True)
_MOST_PUNISHED: Final = 10_000  # before those whose time is over are forgotten


class Watcher(Protocol):
    """One rule's eye on one connection."""

    def see(self, seen: Seen) -> Act | None:
        """What shall happen to the packet; None lets it pass."""


class Networks:
    """A set of networks, asked about packed addresses."""

    def __init__(self, texts: tuple[str, ...]) -> None:
        nets = [ip_network(text) for text in texts]
        self._nets = [
            (4 if isinstance(net, IPv4Network) else 16, int(net.network_address), net.max_prefixlen - net.prefixlen)
            for net in nets
        ]

    def __contains__(self, address: bytes) -> bool:
        size, number = len(address), int.from_bytes(address)
        return any(size == width and number >> host == base >> host for width, base, host in self._nets)

    def __bool__(self) -> bool:
        return bool(self._nets)


class Actor:
    """One rule at work."""

    def __init__(self, rule: Rule, chance: random.Random) -> None:
        self.rule, self.chance = rule, chance
        self._to, self._except_to = Networks(rule.to), Networks(rule.except_to)
        self._residue: dict[object, float] = {}  # what is still being punished, and until when

    def watch(self, flow: Flow, now: float) -> Watcher | None:
        """Who watches ``flow`` for this rule."""
        return self.eye(flow, now) if self._concerns(flow) else None

    def eye(self, flow: Flow, now: float) -> Watcher | None:
        """A watcher of this action, for a connection that the rule concerns."""
        raise NotImplementedError

    def _concerns(self, flow: Flow) -> bool:
        rule = self.rule
        return (
            flow.transport in rule.transport
            and (not rule.ports or flow.server_port in rule.ports)
            and flow.server_port not in rule.except_ports
            and (not rule.high_source_port or flow.client_port >= flow.server_port)
            and (not self._to or flow.server in self._to)
            and flow.server not in self._except_to
            and (rule.probability >= 1 or self.chance.random() < rule.probability)
        )

    @property
    def looks_for(self) -> bool:
        """Whether something must be recognised before the rule is set off."""
        rule = self.rule
        return bool(rule.protocols or rule.names or rule.extension or rule.versions or rule.min_payload)

    def matches(self, finding: Finding, payload: int) -> bool:
        """Whether what was recognised sets the rule off."""
        rule = self.rule
        return (
            (not rule.protocols or finding.protocol in rule.protocols)
            and (not rule.names or is_within(finding.name, rule.names))
            and (not rule.extension or _EXTENSIONS[rule.extension] in finding.extensions)
            and (not rule.versions or finding.version in rule.versions)
            and payload >= rule.min_payload
            and not self.exempts(finding)
        )

    def exempts(self, finding: Finding) -> bool:
        """Whether what was recognised saves the connection from the rule."""
        rule = self.rule
        return finding.protocol in rule.except_protocols or is_within(finding.name, rule.except_names)

    # --- residual censorship

    def punish(self, key: object, now: float) -> None:
        """Go on against everything with ``key`` for the rule's duration."""
        if self.rule.duration:
            if len(self._residue) >= _MOST_PUNISHED:
                self._residue = {key: until for key, until in self._residue.items() if until > now}
            self._residue[key] = now + self.rule.duration

    def is_punished(self, key: object, now: float) -> bool:
        """Whether ``key`` is still being punished; with ``restart``, being caught again counts from now."""
        if not self._residue or (until := self._residue.get(key)) is None:
            return False
        if now >= until:
            del self._residue[key]
            return False
        if self.rule.restart:
            self._residue[key] = now + self.rule.duration
        return True

    def key(self, flow: Flow) -> object:
        """What the rule's scope makes of a connection."""
        scope = self.rule.scope
        if scope == "flow":
            return flow.key
        if scope == "service":
            return flow.transport, flow.client, flow.server, flow.server_port
        if scope == "server":
            return flow.client, flow.server
        return flow.client, flow.finding.name if flow.finding else None
