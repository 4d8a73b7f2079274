"""Mirrors -> verdict: what a careful reader does, step by step as ``trust.reader`` asks."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from datetime import datetime
from typing import TypeVar

from heliograph.model.release import Ask, Got
from heliograph.ports import Reach
from heliograph.trust import reader
from heliograph.trust.chain import State
from heliograph.trust.reader import Outcome

T = TypeVar("T")


async def drive(run: Generator[Ask, Got, T], mirrors: Sequence[Reach]) -> T:
    """What ``run`` comes to, its questions answered by ``mirrors``."""
    try:
        ask = next(run)
        while True:
            ask = run.send(await mirrors[ask.mirror].get(ask))
    except StopIteration as end:
        found: T = end.value
        return found


async def verify(
    mirrors: Sequence[Reach], target: str, state: State, root: bytes, now: datetime, *, pinned_time: bool = False
) -> Outcome:
    """Read ``target`` from ``mirrors`` with the pinned ``root``; never raises for what a mirror does."""
    hosts = [mirror.host for mirror in mirrors]
    return await drive(reader.read(target, state, root, hosts, now, pinned_time=pinned_time), mirrors)


async def differing(
    mirrors: Sequence[Reach], state: State, root: bytes, now: datetime, *, pinned_time: bool = False
) -> list[tuple[int, int]]:
    """Pairs of mirrors that show two different valid releases of one number, or timestamps of one version."""
    heads: dict[tuple[str, int], tuple[int, bytes]] = {}
    found = []
    for place, mirror in enumerate(mirrors):
        outcome = await verify([mirror], "index.html", state, root, now, pinned_time=pinned_time)
        if outcome.verdict.verdict in ("refused", "withdrawn"):
            continue
        for key, data in reader.numbered(outcome.state):
            other = heads.setdefault(key, (place, data))
            if other[1] != data and (other[0], place) not in found:
                found.append((other[0], place))
    return found
