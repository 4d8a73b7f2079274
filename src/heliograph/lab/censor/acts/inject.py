"""B7: lies in answer to DNS queries over UDP, with the true answer still on its way or without."""

from __future__ import annotations

from heliograph.lab.censor import dns, forge
from heliograph.lab.censor.acts.base import Act, Actor, Forged, Watcher
from heliograph.lab.censor.flow import Flow, Seen


class Inject(Actor):
    """Forges ``copies`` answers that share the rule's addresses between them; a single one has them all."""

    def eye(self, flow: Flow, now: float) -> Watcher:
        return _Lying(self)


class _Lying:
    __slots__ = ("_actor",)

    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    def see(self, seen: Seen) -> Act | None:
        found, actor = seen.finding, self._actor
        if found is None or found.question is None or not actor.matches(found, seen.packet.payload):
            return None
        rule = actor.rule
        lies = []
        for number in range(rule.copies or 0):
            told = rule.answers if rule.copies == 1 else rule.answers[number :: rule.copies]
            message = dns.answer(found.question, told, rcode=rule.rcode or 0, lifetime=rule.lifetime or 0)
            lies.append(Forged("down", forge.udp(seen.frame, seen.packet, message, ttl=rule.ttl or 0)))
        return Act(drop=bool(rule.cut), forged=tuple(lies), note="lied to")
