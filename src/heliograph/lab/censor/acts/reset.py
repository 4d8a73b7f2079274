"""B3: a name in a ClientHello is answered with a forged reset.

In the path (``cut``) the real packets vanish; beside it they pass, and the forged ones win the race. At the moment
"hello" the reader is reset before the server could have answered; at "answer" the reset takes the answer's place.
"""

from __future__ import annotations

from heliograph.lab.censor import forge
from heliograph.lab.censor.acts.base import Act, Actor, Forged, Watcher
from heliograph.lab.censor.flow import Flow, Seen
from heliograph.lab.censor.packet import ACK, RST, SYN


class Reset(Actor):
    """Resets what carries a name, and goes on against the same connection or server for a while."""

    def eye(self, flow: Flow, now: float) -> Watcher:
        return _Resetting(self, flow)


class _Resetting:
    __slots__ = ("_actor", "_key", "_struck", "_waits")

    def __init__(self, actor: Actor, flow: Flow) -> None:
        self._actor, self._key = actor, actor.key(flow)
        self._struck = False
        self._waits = False  # for the server's answer

    def see(self, seen: Seen) -> Act | None:
        actor, rule = self._actor, self._actor.rule
        if seen.finding is not None:
            self._key = actor.key(seen.flow)
            if actor.matches(seen.finding, seen.packet.payload):
                actor.punish(self._key, seen.now)
                if rule.moment == "answer":
                    self._waits = True
                    return Act(note="reset")
                return self._strike(seen, "reset")
        if self._waits:
            return self._in_place_of_the_answer(seen)
        if (self._struck and rule.cut) or actor.is_punished(self._key, seen.now):
            return self._strike(seen, "" if self._struck else "reset")
        return None

    def _in_place_of_the_answer(self, seen: Seen) -> Act | None:
        packet = seen.packet
        if seen.way == "up" or packet.payload <= 0:
            return None
        self._struck, self._waits = True, False
        return Act(drop=True, forged=(Forged("down", self._reset(seen, back=False, seq=packet.seq, ack=packet.ack)),))

    def _strike(self, seen: Seen, note: str) -> Act | None:
        rule, packet = self._actor.rule, seen.packet
        cut = bool(rule.cut)
        self._struck = True
        if seen.way == "down" or packet.flags & RST:
            return Act(drop=cut, note=note) if cut or note else None
        ends = packet.seq + packet.payload + bool(packet.flags & SYN)
        forged = []
        for _ in range(rule.copies or 0):
            if rule.towards in ("both", "down"):
                forged.append(Forged("down", self._reset(seen, back=True, seq=packet.ack, ack=ends)))
            if rule.towards in ("both", "up"):
                forged.append(Forged("up", self._reset(seen, back=False, seq=packet.seq, ack=packet.ack)))
        return Act(drop=cut, forged=tuple(forged), note=note)

    def _reset(self, seen: Seen, *, back: bool, seq: int, ack: int) -> bytes:
        rule = self._actor.rule
        return forge.tcp(
            seen.frame,
            seen.packet,
            back=back,
            flags=RST | ACK,
            seq=seq,
            ack=ack,
            window=rule.tcp_window or 0,
            ip_id=rule.ip_id or 0,
            ttl=rule.ttl or 0,
        )
