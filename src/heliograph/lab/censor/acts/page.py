"""B9: a block page in place of the answer to a cleartext request, with FIN; then nothing of that connection passes."""

from __future__ import annotations

from heliograph.lab.censor import forge
from heliograph.lab.censor.acts.base import DROP, Act, Actor, Forged, Watcher
from heliograph.lab.censor.flow import Flow, Seen
from heliograph.lab.censor.packet import ACK, FIN, PSH
from heliograph.lab.censor.rule import Rule


class Page(Actor):
    """Answers in the server's name once the head of the request is whole."""

    def eye(self, flow: Flow, now: float) -> Watcher:
        return _Answering(self)


class _Answering:
    __slots__ = ("_actor", "_answered")

    def __init__(self, actor: Actor) -> None:
        self._actor, self._answered = actor, False

    def see(self, seen: Seen) -> Act | None:
        if self._answered:
            return DROP
        if seen.finding is None or not self._actor.matches(seen.finding, seen.packet.payload):
            return None
        self._answered = True
        rule, packet = self._actor.rule, seen.packet
        answer = forge.tcp(
            seen.frame,
            packet,
            back=True,
            flags=PSH | FIN | ACK,
            seq=packet.ack,
            ack=packet.seq + packet.payload,
            window=rule.tcp_window or 0,
            ttl=rule.ttl or 0,
            payload=response(rule),
        )
        return Act(drop=True, forged=(Forged("down", answer),), note="block page")


def response(rule: Rule) -> bytes:
    """The whole HTTP response."""
    body = (rule.body or "").encode()
    lines = [f"HTTP/1.1 {rule.status}", "Content-Type: text/html; charset=utf-8", f"Content-Length: {len(body)}"]
    if rule.location:
        lines.append(f"Location: {rule.location}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body
