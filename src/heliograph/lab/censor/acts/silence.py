"""Silence, in its manners: the curtain (``freeze``), an address or a name (``drop``), after some packets (``mute``).

Nothing is forged: packets stop arriving, and both ends find out by waiting. See B1, B4, B5, B8, B10 to B13 in
docs/lab.md.
"""

from __future__ import annotations

from heliograph.lab.censor import forge
from heliograph.lab.censor.acts.base import DROP, Act, Actor, Forged, Watcher
from heliograph.lab.censor.flow import Flow, Seen
from heliograph.lab.censor.packet import ACK, RST, SYN


class _Silent:
    """Watches until its turn comes, then drops. Kinds differ in what they count and in when it begins."""

    __slots__ = ("_actor", "_armed", "_counted", "_drops", "_key", "_over", "_quiet", "_told")

    def __init__(self, actor: Actor, flow: Flow, *, armed: bool) -> None:
        self._actor, self._armed = actor, armed
        self._drops = actor.rule.drops
        self._counted = 0
        self._quiet = False  # for as long as the connection lasts
        self._over = False  # recognised as harmless
        self._told = False
        self._key = actor.key(flow)

    def see(self, seen: Seen) -> Act | None:
        if self._over:
            return None
        actor = self._actor
        if seen.finding is not None:
            self._key = actor.key(seen.flow)  # a scope of names can be known only now
            if actor.exempts(seen.finding):
                self._over = True
                return None
        if self._quiet or actor.is_punished(self._key, seen.now):
            return self._drop(seen, "punished")
        if self._told:
            self._thaw()
        if not self._is_due(seen):
            return None
        actor.punish(self._key, seen.now)
        self._quiet = not actor.rule.duration
        return self._drop(seen, actor.rule.action)

    def _thaw(self) -> None:
        """The punishment is over; what set it off has been paid for."""
        self._told, self._counted, self._armed = False, 0, not self._actor.looks_for

    def _drop(self, seen: Seen, note: str) -> Act | None:
        drops = self._drops in ("both", seen.way)
        if self._told:
            return DROP if drops else None
        self._told = True
        return Act(drop=drops, note=note)

    def _is_due(self, seen: Seen) -> bool:
        """Whether the limit is passed with this packet."""
        raise NotImplementedError

    def _found(self, seen: Seen) -> bool:
        """Whether the rule is set off, by this packet or earlier."""
        if not self._armed and seen.finding is not None:
            self._armed = self._actor.matches(seen.finding, seen.packet.payload)
        return self._armed


class _Freezing(_Silent):
    """Counts from the first packet of the connection on."""

    __slots__ = ()

    def _is_due(self, seen: Seen) -> bool:
        rule = self._actor.rule
        if rule.count in ("both", seen.way):
            self._counted += 1 if rule.unit == "packets" else seen.packet.payload
        assert rule.limit is not None
        return self._found(seen) and self._counted > rule.limit


class _Muting(_Silent):
    """Counts the packets behind the one that sets it off."""

    __slots__ = ()

    def _is_due(self, seen: Seen) -> bool:
        if self._armed:
            self._counted += 1
        assert self._actor.rule.limit is not None
        return self._found(seen) and self._counted > self._actor.rule.limit


class _Dropping(_Silent):
    """Drops what sets it off, and all behind."""

    __slots__ = ()

    def _is_due(self, seen: Seen) -> bool:
        return self._found(seen)


class _Unrecognised(_Silent):
    """Drops unless one of the client's first packets looks like a protocol that is allowed."""

    __slots__ = ()

    def _is_due(self, seen: Seen) -> bool:
        rule, flow = self._actor.rule, seen.flow
        assert rule.limit is not None
        if flow.looks in rule.protocols or flow.data_packets > rule.limit:
            self._over = True
        return not self._over and flow.data_packets >= rule.limit and seen.packet.payload > 0 and seen.way == "up"


class Freeze(Actor):
    """B1: a limit of packets or bytes, then silence."""

    def eye(self, flow: Flow, now: float) -> Watcher:
        return _Freezing(self, flow, armed=not self.looks_for)


class Mute(Actor):
    """B5: some packets behind the hello, then silence."""

    def eye(self, flow: Flow, now: float) -> Watcher:
        return _Muting(self, flow, armed=not self.looks_for)


class Drop(Actor):
    """B4, B8, B10, B11, B12: silence at once."""

    def eye(self, flow: Flow, now: float) -> Watcher:
        return _Dropping(self, flow, armed=not self.looks_for)


class Protocols(Actor):
    """B13: only what looks like an allowed protocol."""

    def eye(self, flow: Flow, now: float) -> Watcher:
        return _Unrecognised(self, flow, armed=True)


class Reject(Actor):
    """B8: an address is refused aloud, by ICMP or by a reset in answer to the SYN."""

    def eye(self, flow: Flow, now: float) -> Watcher:
        return _Rejecting(self)


class _Rejecting:
    __slots__ = ("_actor",)

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    def see(self, seen: Seen) -> Act | None:
        packet = seen.packet
        if seen.way == "down" or packet.flags & RST:
            return DROP
        if self._actor.rule.reply == "reset" and packet.transport == "tcp":
            ends = packet.seq + packet.payload + bool(packet.flags & SYN)
            answer = forge.tcp(seen.frame, packet, back=True, flags=RST | ACK, seq=packet.ack, ack=ends)
        else:
            answer = forge.prohibited(seen.frame, packet)
        return Act(drop=True, forged=(Forged("down", answer),), note="rejected")
