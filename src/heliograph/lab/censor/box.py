"""The censor itself: a frame and the time in, frames to send on out.

Rule 1: no socket, file or clock is touched here; ``now`` is an argument, so two minutes of punishment take a test no
time. Rule 2: nothing that comes raises; what is not understood passes. Rule 3: rules are asked in the profile's order,
and the first that drops a packet is the last that sees it: what one rule swallowed, the next one cannot count.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from heliograph.lab.censor.acts import actor
from heliograph.lab.censor.acts.base import Act
from heliograph.lab.censor.flow import Flow, Flows, Seen, look
from heliograph.lab.censor.library import Profile
from heliograph.lab.censor.packet import FIN, RST, Direction, Packet, is_neighbourly, parse
from heliograph.lab.censor.tally import Tally


class Sent(NamedTuple):
    """A frame to put on the wire."""

    when: float  # box time, seconds; not before it
    way: Direction
    frame: bytes
    divert: bool = False  # to the intercepting proxy, not to the server


class Event(NamedTuple):
    """Something that a rule decided about a connection, said once."""

    when: float
    rule: str
    what: str
    connection: int  # its number in the statistics


class Result(NamedTuple):
    """What becomes of one frame."""

    sent: tuple[Sent, ...]
    events: tuple[Event, ...] = ()


NOTHING: Final = Result(())


class Box:
    """A middlebox with the rules of ``profile``. What is left to chance follows from ``seed``."""

    def __init__(self, profile: Profile, *, seed: int = 0) -> None:
        common = profile.settings
        self._seed = seed
        self.profile = profile
        self._actors = [actor(rule, seed) for rule in profile.rules]
        self._tally = Tally([rule.name for rule in profile.rules], hello_window=common.hello_window)
        self._flows = Flows(
            reassemble=common.reassemble, udp_idle=common.udp_idle, most=common.most_flows, begin=self._begin
        )

    def switch(self, profile: Profile) -> None:
        """Other rules from now on, for connections under way as if they began now; the counts go on."""
        self.profile = profile
        self._actors = [actor(rule, self._seed) for rule in profile.rules]
        self._tally.rules([rule.name for rule in profile.rules])
        for flow in self._flows.live():
            if flow.from_inside:
                self._begin(flow, flow.record.ended)

    def handle(self, now: float, way: Direction, frame: bytes) -> Result:
        """What to do with ``frame``, which travels ``way``, at ``now`` (seconds, never less than before)."""
        packet = parse(frame)
        if packet is None or is_neighbourly(packet):
            self._tally.frames["other"] += 1
            return Result((Sent(now, way, frame),))
        self._tally.frames[way] += 1
        flow, gone = self._flows.find(now, way, packet)
        if gone is not None:
            self._tally.gone(gone)
        flow.record.ended = now
        if not flow.watchers and flow.stream is None and flow.transport == "tcp":
            _pass(flow, way, packet)
            return Result((Sent(now, way, frame),))
        found = look(flow, way, frame, packet)
        if found is not None and found.protocol == "tls":
            self._tally.hello(found.name, now)
        return self._judge(Seen(now, way, frame, packet, flow, found))

    def report(self) -> dict[str, Any]:
        """The statistics, ready for JSON."""
        return {"profile": self.profile.name, **self._tally.report(self._flows.live())}

    def _begin(self, flow: Flow, now: float) -> None:
        eyes = [(one.rule.name, one.watch(flow, now)) for one in self._actors]
        flow.watchers = [(name, eye) for name, eye in eyes if eye is not None]

    def _judge(self, seen: Seen) -> Result:
        now, way, flow = seen.now, seen.way, seen.flow
        forged: list[Sent] = []
        events: tuple[Event, ...] = ()
        delay, divert = 0.0, False
        for name, watcher in flow.watchers:
            act = watcher.see(seen)
            if act is None:
                continue
            if act.note:
                events += self._noted(name, act, seen)
            if act.forged:
                forged.extend(Sent(now, made.way, made.frame) for made in act.forged)
                self._tally.did(name, "forged", len(act.forged))
            if act.drop:
                self._tally.did(name, "dropped")
                flow.record.dropped[way] += 1
                return Result(tuple(forged), events)
            delay, divert = max(delay, act.delay), divert or act.divert
        _pass(flow, way, seen.packet)
        sent = Sent(now + delay, way, seen.frame, divert and way == "up")
        return Result((*forged, sent), events)

    def _noted(self, rule: str, act: Act, seen: Seen) -> tuple[Event, ...]:
        record = seen.flow.record
        if (record.rule, record.fate) == (rule, act.note):
            return ()
        record.fate, record.rule = act.note, rule
        self._tally.did(rule, "connections")
        return (Event(seen.now, rule, act.note, seen.flow.number),)


def _pass(flow: Flow, way: Direction, packet: Packet) -> None:
    record = flow.record
    record.packets[way] += 1
    if packet.payload > 0 and packet.transport in ("tcp", "udp"):
        record.payload[way] += packet.payload
        if way == "down":
            record.last_data_down = record.packets["up"] + record.packets["down"]
    if packet.flags & (FIN | RST) and record.finished != "rst":
        record.finished = "rst" if packet.flags & RST else "fin"
