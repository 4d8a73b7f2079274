"""A simulated vantage: answers the prober's checks as a network with one censor's rule would, in no time.

The real thing is ``lab.censor``, with packets; this one is a table of consequences, for tests of what is concluded.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from heliograph.model.sighting import Check, Fetch, Outcome, Resolve, Result, Steps

HANDSHAKE = 4_200  # raw bytes of a TLS handshake, server to client
_SEGMENT, _OVERHEAD = 1_448, 10  # bytes of a full segment; segments of a connection besides those with a body


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What a network does to connections with one mirror. All off is a network without a censor."""

    rtt: float = 0.05
    connectivity: bool = True  # of the vantage at all
    listed_only: bool = False  # only anchors answer
    up: bool = True  # the mirror's server
    status: int = 200
    certificate: str = ""  # failure it is met with, such as "ssl_unknown_authority"
    only: Literal["", "IPv4", "IPv6"] = ""  # what of IP the network carries; "" is both
    dns: Sequence[str] | None = None  # what the system's resolver says; () is NXDOMAIN, None the truth
    black_hole: bool = False  # every packet to the mirror's address is dropped
    reset_name: bool = False
    drop_name: bool = False
    freeze_bytes: int = 0
    freeze_packets: int = 0
    rate: int = 0  # bytes per second, 0 is full speed
    loss: float = 0.0  # share of connections that stall at a random place
    chance: float = 1.0  # of a rule to strike, per connection


@dataclass(slots=True, kw_only=True)
class SimulatedVantage:
    """See ``ports.Prober``. ``host`` is the mirror's name and ``address`` its true address."""

    weather: Weather
    host: str = "mirror.example"
    address: str = "198.18.0.9"
    large: bool = True  # the mirror has test bodies
    keeps: bool = False  # the mirror answers many requests on one connection
    rng: random.Random = field(default_factory=lambda: random.Random(1))  # noqa: S311 - a simulation
    asked: list[tuple[Check, ...]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    async def look(self, steps: Steps) -> tuple[Result, ...]:
        """See ``ports.Prober``."""
        results: list[Result] = []
        try:
            turn = next(steps)
            while True:
                self.asked.append(turn.checks)
                self.waits.append(turn.wait)
                outcomes = [self.answer(check) for check in turn.checks]
                results += [Result(check=one, outcome=out) for one, out in zip(turn.checks, outcomes, strict=True)]
                turn = steps.send(outcomes)
        except StopIteration:
            return tuple(results)

    def answer(self, check: Check) -> Outcome:
        """What this network makes of one check."""
        if isinstance(check, Resolve):
            return self._resolve(check)
        family = "IPv6" if ":" in check.ip else "IPv4" if check.ip else ""  # a control's host has both
        if not self.weather.connectivity or (family and self.weather.only not in ("", family)):
            return Outcome(failure="network_unreachable", stage="connect")
        if check.tag.startswith("control="):
            return self._control(check)
        return self._mirror(check)

    def _resolve(self, check: Resolve) -> Outcome:
        if not self.weather.connectivity:
            return Outcome(failure="dns_temporary_failure", stage="resolve")
        truth = (self.address,) if check.name == self.host else ("198.18.7.7",)
        told = self.weather.dns if check.how == "system" and check.name == self.host else None
        addresses = truth if told is None else tuple(told)
        return Outcome(failure="" if addresses else "dns_nxdomain_error", stage="resolve", addresses=addresses)

    def _control(self, check: Fetch) -> Outcome:
        if self.weather.listed_only and not check.tag.endswith("anchor"):
            return Outcome(failure="generic_timeout_error", stage="connect")
        body = 70_000 if check.tag.endswith("large") else 900
        return self._whole(body, 0, HANDSHAKE + body)

    def _mirror(self, check: Fetch) -> Outcome:
        sky = self.weather
        if sky.black_hole or sky.listed_only:
            return Outcome(failure="generic_timeout_error", stage="connect", silence=5.0)
        if not sky.up:
            return Outcome(failure="connection_refused", stage="connect", rtt=0.0)
        if check.tcp_only:
            return Outcome(stage="connect", rtt=sky.rtt)
        strikes = self.rng.random() < sky.chance
        named = check.sni == self.host and strikes
        if named and sky.reset_name:
            return Outcome(failure="connection_reset", stage="tls", rtt=sky.rtt, hello=sky.rtt / 2)
        if named and sky.drop_name:
            return Outcome(failure="generic_timeout_error", stage="tls", rtt=sky.rtt, silence=5.0, unacked=1)
        if sky.certificate and check.verify and check.tls:
            return Outcome(failure=sky.certificate, stage="tls", rtt=sky.rtt, received=HANDSHAKE)
        return self._answer(check, strikes=strikes)

    def _answer(self, check: Fetch, *, strikes: bool) -> Outcome:
        sky, body = self.weather, self._size(check)
        if "/ladder/" in check.path and not self.large:  # refused before anything large is sent
            return Outcome(stage="http", status=404, rtt=sky.rtt, first=sky.rtt, received=HANDSHAKE, answers=1)
        raw = body + (HANDSHAKE if check.tls else 0)
        packets = _OVERHEAD + raw // _SEGMENT + (40 if check.writes == "dribble" else 0) + check.upload // _SEGMENT
        if strikes and sky.freeze_packets and packets > sky.freeze_packets:
            raw = min(raw, max(HANDSHAKE, (sky.freeze_packets - _OVERHEAD) * _SEGMENT))
            return self._stall(raw, sky.freeze_packets)
        if strikes and sky.freeze_bytes and raw > sky.freeze_bytes:
            return self._stall(sky.freeze_bytes // _SEGMENT * _SEGMENT, packets)
        if self.rng.random() < sky.loss:
            return self._stall(self.rng.randrange(raw), packets)
        if not check.path:
            return Outcome(stage="tls" if check.tls else "connect", rtt=sky.rtt, received=raw, segments=packets)
        answers = check.times if self.keeps else 1
        return replace(self._whole(body, packets, raw), answers=answers)

    def _size(self, check: Fetch) -> int:
        name, _, size = check.tag.partition(" ")[0].partition("=")
        whole = name == "ladder" and (check.times == 1 or self.keeps)
        return int(size) * 1_024 if whole else 1_500 if check.path else 0

    def _whole(self, body: int, packets: int, raw: int) -> Outcome:
        sky = self.weather
        slow = raw / sky.rate if sky.rate and body < 70_000 else 3 * sky.rtt
        return Outcome(
            stage="http",
            status=sky.status if body < 70_000 else 200,
            rtt=sky.rtt,
            hello=sky.rtt,
            first=sky.rtt,
            ended=2 * sky.rtt + slow,
            received=raw,
            segments=packets,
            answers=1,
            body=body,
        )

    def _stall(self, raw: int, packets: int) -> Outcome:
        silence = max(5.0, 10 * self.weather.rtt)
        return Outcome(
            failure="generic_timeout_error",
            stage="http",
            rtt=self.weather.rtt,
            hello=self.weather.rtt,
            first=self.weather.rtt if raw > HANDSHAKE else 0.0,
            status=200 if raw > HANDSHAKE else 0,
            ended=silence + 3 * self.weather.rtt,
            silence=silence,
            received=raw,
            segments=packets,
            body=max(0, raw - HANDSHAKE),
        )
