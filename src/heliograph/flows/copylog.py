"""Mirrors -> the reader's code and the whole release log: for whoever copies a mirror or has lost his own journal.

Code is named by its hash. A log is made again from its entries, and counts when that gives the root that was signed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from heliograph.flows.verify import drive
from heliograph.model import paths
from heliograph.model.release import Ask, Got
from heliograph.ports import Reach
from heliograph.trust import log, logcheck, readercode, roles
from heliograph.trust.edition_map import MAX_LENGTH
from heliograph.trust.log import Edge
from heliograph.trust.note import Checkpoint, LogPolicy
from heliograph.trust.policy import TARGET, read_policy
from heliograph.trust.refusal import RefusalError

Here = Callable[[str], Awaitable[bytes | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Copied:
    """A whole log: its right edge, and all its files by name, the checkpoint among them."""

    edge: Edge
    files: dict[str, bytes] = field(repr=False)


async def code(mirrors: Sequence[Reach], targets: bytes) -> dict[str, bytes]:
    """The files that ``targets`` names, by their names on a mirror, as far as ``mirrors`` have them."""
    file, found = roles.read("targets", targets), dict[str, bytes]()
    for target in roles.CODE:
        length, digest = roles.named(file, target) or (MAX_LENGTH + 1, b"")
        name = readercode.name_of(target, digest)
        for mirror in mirrors if length <= MAX_LENGTH else ():
            got = await mirror.get(Ask(mirror=0, name=name, limit=length))
            if got.fate == "whole" and sha256(got.data).digest() == digest:
                found[name] = got.data
                break
    return found


def log_named(code: Mapping[str, bytes], targets: bytes) -> LogPolicy | None:
    """The log of the policy that ``targets`` names, if it is among the ``code`` and names one."""
    named = roles.named(roles.read("targets", targets), TARGET)
    data = code.get(readercode.name_of(TARGET, named[1])) if named else None
    try:
        return read_policy(data).log if data is not None else None
    except RefusalError:
        return None


async def longest(mirrors: Sequence[Reach], named: LogPolicy, here: Here | None = None) -> Copied | str:
    """The longest log that any of ``mirrors`` has whole; where there is none, or they contradict each other, why.

    ``here`` may have a full bundle already, which is then not asked for.
    """
    points: list[tuple[Checkpoint, bytes, Reach]] = []
    told: list[str] = []
    for mirror in mirrors:
        try:
            data, point = await drive(logcheck.checkpoint(named), [mirror])
        except RefusalError as refusal:
            told.append(f"{mirror.place}: {refusal.what}")
        else:
            points.append((point, data, mirror))
    points.sort(key=lambda one: one[0].size, reverse=True)
    for point, data, mirror in points:
        try:
            whole = await _read_back(point, mirror, here)
        except RefusalError as refusal:
            told.append(f"{mirror.place}: {refusal.what}")
            continue
        held = whole.files
        for other, _, shown_by in points:
            if other.size <= point.size and _root(other.size, point.size, held) != other.root:
                return f"{mirror.place} and {shown_by.place} show two different release logs"
        return Copied(edge=whole.edge, files={**held, paths.CHECKPOINT: data})
    return "; ".join(told) or "no mirror was asked"


async def _read_back(point: Checkpoint, mirror: Reach, here: Here | None) -> logcheck.Whole:
    """The log at ``point``; once more without what is here if that was damaged."""
    if here is not None:
        try:
            return await drive(logcheck.read_back(point), [_Beside(mirror, here)])
        except RefusalError:
            pass
    return await drive(logcheck.read_back(point), [mirror])


def _root(size: int, whole: int, files: Mapping[str, bytes]) -> bytes:
    """The root that a log had at ``size``."""
    return log.root_at(size, whole, lambda tile: files[tile.name])


class _Beside:
    """See ``ports.Reach``: a mirror, and in front of it what somebody has already."""

    def __init__(self, mirror: Reach, here: Here) -> None:
        self.host, self.place, self._mirror, self._here = mirror.host, mirror.place, mirror, here

    async def get(self, ask: Ask) -> Got:
        """See ``ports.Reach``."""
        data = await self._here(ask.name) if ".p/" not in ask.name else None
        if data is not None and len(data) <= ask.limit:
            return Got(fate="whole", data=data)
        return await self._mirror.get(ask)
