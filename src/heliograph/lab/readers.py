"""A reader and an auditor without a network: mirrors in memory, honest ones and such as answer badly.

Each mirror is a mapping of names to bytes, or a ``Host``, which can also misbehave in the ways of the web. What a host
sends is turned into a ``Got`` as a careful client would: no redirect, no status but 200, no byte beyond the limit, no
patience without end.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal, TypeVar

from heliograph.model.release import Ask, Got
from heliograph.trust import audit, reader
from heliograph.trust.audit import Kind
from heliograph.trust.chain import State
from heliograph.trust.reader import Outcome

T = TypeVar("T")
_CODINGS: Final[tuple[tuple[Literal["br", "gzip"], str], ...]] = (("br", ".br"), ("gzip", ".gz"))
_SILENCE, _WHOLE, _RATE = 10.0, 30.0, 1_024  # seconds, seconds, bytes of the limit for one second more


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """How a host answers for one name, where not with its bytes alone."""

    status: int = 200  # also a redirect
    headers: Mapping[str, str] = field(default_factory=dict)
    size: int | None = None  # so many zero bytes instead of the file
    endless: bool = False  # the file, and then zero bytes for ever
    cut: int | None = None  # the connection closes after so many bytes of the body
    pause: float = 0.0  # seconds before each byte of the body
    coding: Literal["", "br", "gzip"] = ""  # the bytes of the encoding beside it, to whoever takes that


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A mirror in memory. With ``chooses`` it sends the encodings that lie beside a file to whoever takes them."""

    files: Mapping[str, bytes]
    replies: Mapping[str, Reply] = field(default_factory=dict)
    name: str = ""  # its host name
    chooses: bool = True

    def get(self, ask: Ask) -> Got:
        """What a careful client gets for ``ask``."""
        reply = self.replies.get(ask.name, Reply())
        data = self.files.get(ask.name)
        if reply.status != 200:
            return Got(fate="missing" if reply.status in (404, 410) else "unavailable")
        for coding, suffix in _CODINGS:
            chosen = reply.coding == coding or (self.chooses and data is not None and not reply.coding)
            if chosen and coding in ask.codings and ask.name + suffix in self.files:
                return _read(ask, self.files[ask.name + suffix], reply, coding)
        if reply.size is not None:  # no more of it than anybody would read
            data = bytes(min(reply.size, ask.limit + 1))
        return Got(fate="missing") if data is None else _read(ask, data, reply, "")


Mirror = Mapping[str, bytes] | Host


@dataclass
class Reader:
    """Somebody with the newsroom's root who keeps what he believed between visits."""

    pinned: bytes
    state: State = field(default_factory=lambda: State(root=b""))
    asked: list[str] = field(default_factory=list)
    received: int = 0  # bytes of bodies

    def read(self, mirrors: Sequence[Mirror], path: str, now: datetime) -> Outcome:
        """Read ``path`` from ``mirrors``, each with a host name of its own unless it is a ``Host`` that says so."""
        hosts = [_host(mirror, place) for place, mirror in enumerate(mirrors)]
        run = reader.read(path, self.state, self.pinned, [host.name for host in hosts], now)
        outcome = drive(run, lambda ask: self._noted(ask, hosts[ask.mirror].get(ask)))
        self.state = outcome.state
        return outcome

    def audit(self, mirror: Mirror, now: datetime, listing: Iterable[tuple[str, Kind]] | None = None) -> Outcome:
        """Audit ``mirror``, as a folder where there is a ``listing``."""
        host = _host(mirror, 0)
        run = audit.audit(self.state, self.pinned, now, listing, host=host.name)
        outcome = drive(run, lambda ask: self._noted(ask, host.get(ask)))
        self.state = outcome.state
        return outcome

    def _noted(self, ask: Ask, got: Got) -> Got:
        self.asked.append(ask.name)
        self.received += min(len(got.data), ask.limit) if got.fate != "long" else ask.limit
        return got


def drive(run: Generator[Ask, Got, T], get: Callable[[Ask], Got]) -> T:
    """What ``run`` comes to, its questions answered by ``get``."""
    try:
        ask = next(run)
        while True:
            ask = run.send(get(ask))
    except StopIteration as end:
        found: T = end.value
        return found


def listing(files: Iterable[str], kinds: Mapping[str, Kind] | None = None) -> list[tuple[str, Kind]]:
    """What somebody who lists a folder of these files sees; ``kinds`` names what else is there, or is no plain file."""
    found: dict[str, Kind] = dict.fromkeys(files, "file")
    return sorted((found | dict(kinds or {})).items())


def _host(mirror: Mirror, place: int) -> Host:
    return mirror if isinstance(mirror, Host) else Host(files=mirror, name=f"mirror-{place}")


def _read(ask: Ask, data: bytes, reply: Reply, coding: Literal["", "br", "gzip"]) -> Got:
    most = ask.limit + 1
    if reply.endless:
        data += bytes(max(most - len(data), 0))
    closed = reply.cut is not None and (reply.endless or reply.cut < len(data))
    body = data[: reply.cut if closed else most][:most]
    if reply.pause > _SILENCE or reply.pause * len(body) > _WHOLE + ask.limit / _RATE:
        return Got(fate="unavailable")
    if len(body) == most:
        return Got(fate="long")
    return Got(fate="unavailable") if closed else Got(fate="whole", data=body, coding=coding)
