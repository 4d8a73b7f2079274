"""B6: slowness. A policer drops what exceeds a rate; a delay holds every packet back and loses some."""

from __future__ import annotations

from heliograph.lab.censor.acts.base import DROP, Act, Actor, Watcher
from heliograph.lab.censor.flow import Flow, Seen
from heliograph.lab.censor.packet import Direction


class Police(Actor):
    """A token bucket for each connection and direction; headers count."""

    def eye(self, flow: Flow, now: float) -> Watcher:
        return _Bucket(self)


class Delay(Actor):
    """Every packet later, some never."""

    def eye(self, flow: Flow, now: float) -> Watcher:
        return _Delayed(self)


class _Armed:
    """Waits for what sets the rule off."""

    __slots__ = ("_actor", "_armed")

    def __init__(self, actor: Actor) -> None:
        self._actor, self._armed = actor, not actor.looks_for

    def see(self, seen: Seen) -> Act | None:
        if self._armed:
            return self._slow(seen, "")
        if seen.finding is not None and self._actor.matches(seen.finding, seen.packet.payload):
            self._armed = True
            return self._slow(seen, self._actor.rule.action)
        return None

    def _slow(self, seen: Seen, note: str) -> Act | None:
        raise NotImplementedError


class _Bucket(_Armed):
    __slots__ = ("_left",)

    def __init__(self, actor: Actor) -> None:
        super().__init__(actor)
        self._left: dict[Direction, tuple[float, float]] = {}  # bytes that may pass, and when that was so

    def _slow(self, seen: Seen, note: str) -> Act | None:
        rate, bucket = self._actor.rule.rate, self._actor.rule.bucket
        assert rate is not None
        assert bucket is not None
        left, since = self._left.get(seen.way, (float(bucket), seen.now))
        left = min(float(bucket), left + (seen.now - since) * rate)
        passes = left >= seen.packet.size
        self._left[seen.way] = (left - seen.packet.size if passes else left, seen.now)
        if note:
            return Act(drop=not passes, note=note)
        return None if passes else DROP


class _Delayed(_Armed):
    __slots__ = ()

    def _slow(self, seen: Seen, note: str) -> Act | None:
        rule = self._actor.rule
        assert rule.delay is not None
        assert rule.loss is not None
        lost = rule.loss > 0 and self._actor.chance.random() < rule.loss
        return Act(drop=lost, delay=rule.delay, note=note)
