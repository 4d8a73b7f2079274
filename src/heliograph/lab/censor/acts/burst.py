"""B2: too many TLS handshakes to one name in a short time, and the name freezes.

Rule 1: a hello counts once for each connection, since frozen ones send theirs again. Rule 2: the connections that made
up the burst freeze, too, wherever they are; and every new one to that name and network, until the time is over.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from heliograph.lab.censor.acts.base import Act, Actor, Watcher
from heliograph.lab.censor.flow import Flow, Seen

_MOST_NAMES: Final = 10_000  # before those that matter no more are forgotten


@dataclass(slots=True, eq=False)
class _Context:
    """One reader, one network of servers, one name."""

    hellos: deque[tuple[float, _Counted]] = field(default_factory=deque)
    until: float = -1.0

    def matters(self, now: float, window: float) -> bool:
        """Whether forgetting it would change anything."""
        return now < self.until or (bool(self.hellos) and self.hellos[-1][0] > now - window)


class Burst(Actor):
    """Counts hellos for each (reader, network of the server, name)."""

    def __init__(self, *given: object) -> None:
        super().__init__(*given)  # type: ignore[arg-type]
        self._contexts: dict[tuple[bytes, int, str], _Context] = {}

    def eye(self, flow: Flow, now: float) -> Watcher:
        return _Counted(self)

    def hello(self, seen: Seen, name: str, counted: _Counted) -> _Context:
        """Count a hello; the context it belongs to, frozen if this was one too many."""
        rule, flow = self.rule, seen.flow
        bits = rule.prefix4 if len(flow.server) == 4 else rule.prefix6
        assert bits is not None
        assert rule.window is not None
        assert rule.limit is not None
        net = int.from_bytes(flow.server) >> max(len(flow.server) * 8 - bits, 0)
        if len(self._contexts) >= _MOST_NAMES:
            self._contexts = {key: one for key, one in self._contexts.items() if one.matters(seen.now, rule.window)}
        context = self._contexts.setdefault((flow.client, net, name), _Context())
        frozen = seen.now < context.until
        if frozen and not rule.restart:
            return context
        context.hellos.append((seen.now, counted))
        while context.hellos[0][0] <= seen.now - rule.window:
            context.hellos.popleft()
        if frozen or len(context.hellos) > rule.limit:
            context.until = seen.now + rule.duration
            for _, one in context.hellos:
                one.context = context
            context.hellos.clear()
        return context


class _Counted:
    """One connection; ``context`` is set once it shares a frozen name's fate."""

    __slots__ = ("_actor", "_told", "context")

    def __init__(self, actor: Burst) -> None:
        self._actor, self._told = actor, False
        self.context: _Context | None = None

    def see(self, seen: Seen) -> Act | None:
        found = seen.finding
        if found is not None and found.protocol == "tls" and found.name and self._actor.matches(found, 0):
            context = self._actor.hello(seen, found.name, self)
            if seen.now < context.until:
                self.context = context
        if self.context is None or seen.now >= self.context.until:
            return None
        note, self._told = ("" if self._told else "burst"), True
        return Act(drop=True, note=note)
