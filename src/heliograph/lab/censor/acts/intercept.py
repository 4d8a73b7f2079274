"""B14: connections are answered by a proxy in the server's name; the box only sends their packets there.

Which names the proxy opens, and which it passes on unread, is its own affair: when a SYN comes no name is known yet.
"""

from __future__ import annotations

from heliograph.lab.censor.acts.base import Act, Actor, Watcher
from heliograph.lab.censor.flow import Flow, Seen


class Intercept(Actor):
    """Diverts whole connections."""

    def eye(self, flow: Flow, now: float) -> Watcher:
        return _Diverting()


class _Diverting:
    __slots__ = ("_told",)

    def __init__(self) -> None:
        self._told = False

    def see(self, seen: Seen) -> Act | None:
        note, self._told = ("" if self._told else "intercepted"), True
        return Act(divert=True, note=note)
