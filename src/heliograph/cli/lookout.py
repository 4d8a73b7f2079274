"""``vantage run``: a volunteer's machine looks at the newsroom's mirrors and reports what it saw.

In the state folder lie the last work list and the reports that wait, both sealed, and when the last round was. Whoever
takes it learns no more than from the token.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import random
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

from rich.markup import escape

from heliograph.adapters.prober import Prober
from heliograph.adapters.reach import WebMirror
from heliograph.adapters.spool import Spool
from heliograph.cli.screen import complain, err, out
from heliograph.cli.service import over_on_signal, rest, unless
from heliograph.flows import lookout
from heliograph.flows.lookout import Fetched
from heliograph.model import ConfigError, KeyFileError, StoreError
from heliograph.model.lookout import LEAST_PAUSE, WorkList
from heliograph.model.sighting import Sighting
from heliograph.trust.drop import MESSAGE, armored
from heliograph.trust.vantage import Token, open_list, read_token
from heliograph.watch import diagnose

MOST_WAITING = 256  # reports: 1 MB, five days at one each half hour
_SPREAD = 0.5  # share of the pause that chance adds
_MOST_SENT = 24  # reports of one round, so that days offline do not end in a burst
_WEB = ("http://", "https://")
_IDLE = 1_800  # seconds until a list is asked for again, where there is none


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What the volunteer typed."""

    token: Path
    once: bool = False
    deep: bool = False
    report: str = ""
    work: Path | None = None
    state: Path | None = None
    authorities: Path | None = None


class _Memory(TypedDict):
    round: float  # seconds since 1970 of the last round, 0 before the first
    deep: float


def run(given: Given, *, as_json: bool) -> int:
    """Rounds until a signal, or one; the exit code."""
    try:
        with given.token.open("rb") as file:
            token = read_token(file.read(8_192), str(given.token))
    except OSError as error:
        remedy = "name the file that the newsroom gave you"
        raise KeyFileError(f"cannot be read: {error.strerror}", where=str(given.token), remedy=remedy) from error
    folder = given.state or given.token.with_name(f"{given.token.name}.state")
    if given.report.startswith(_WEB):
        WebMirror(given.report)  # refused before anything is done
    with _alone(folder):
        if not as_json and given.report != "-":
            out.print(
                f"vantage   {escape(token.name)} in {escape(token.network)}, for the newsroom with the fingerprint"
            )
            out.print(f"          {escape(token.root)}")
        return asyncio.run(_Station(given, token, folder, as_json=as_json).live())


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """The state folder for this process alone: two at once would look twice as often as is safe.

    Raises:
        ConfigError: it cannot be made, or another process has it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise ConfigError(f"cannot be made: {error.strerror}", where=str(folder), remedy="name --state") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError as error:
        remedy = "end the other one first: two at once look too often"
        raise ConfigError("another `vantage run` is at work here", where=str(folder), remedy=remedy) from error
    finally:
        os.close(descriptor)


class _Station:
    """One vantage, while it runs."""

    _over: asyncio.Event

    def __init__(self, given: Given, token: Token, folder: Path, *, as_json: bool) -> None:
        self._given, self._token, self._folder, self._as_json = given, token, folder, as_json
        self._waiting = Spool(folder, most=MOST_WAITING)
        self._prober = Prober(authorities=given.authorities)
        self._chance = random.SystemRandom()
        self._deep = given.deep

    async def live(self) -> int:
        self._over = over_on_signal()
        while True:
            try:
                work, left = await self._round()
            except StoreError as error:
                if self._given.once:
                    raise
                complain(error)  # a stick that was pulled out, a full disk: the next round tries again
                work, left = None, 0
            if self._given.once or self._over.is_set():
                break
            pause = float(max(work.every, LEAST_PAUSE) if work else _IDLE)
            await rest(self._over, pause * (1 + self._chance.random() * _SPREAD))
            if self._over.is_set():
                break
        if self._over.is_set() and not self._as_json:
            out.print("stopped; what waits goes out with the next run")
        return 1 if self._given.once and (work is None or left) else 0

    async def _round(self) -> tuple[WorkList | None, int]:
        """List, look, report."""
        async with AsyncExitStack() as stack:
            held = self._held()
            known = held.work.drops if held.work else ()
            drops = [
                await stack.enter_async_context(WebMirror(url)) for url in dict.fromkeys([*known, *self._token.drops])
            ]
            self._chance.shuffle(drops)
            work = await self._list(drops, held)
            seen: list[Sighting] = []
            if work is not None:
                await self._look(work, seen)
            lookout.seal(seen, self._token, _now(), os.urandom, self._waiting)
            sent = await self._report(drops)
        left = len(self._waiting.names())
        self._tell(work, seen, sent, left)
        return work, left

    # ------------------------------------------------------------ the list

    def _held(self) -> Fetched:
        """The newest list that is here, also one that was carried here."""
        found, faults = Fetched(), []
        for path in (self._folder / "work", self._given.work):
            if path is None:
                continue
            try:
                with path.open("rb") as file:
                    data = file.read(lookout.MOST_SHEET + 1)
                work = open_list(data, self._token, _now())
            except FileNotFoundError:
                if path == self._given.work:
                    raise ConfigError("there is no such file", where=str(path), remedy="name a work list") from None
                continue
            except (OSError, ValueError) as error:
                faults.append(f"{path}: {error}")
                continue
            if found.work is None or found.work.made <= work.made:
                found = Fetched(work=work, data=data)
        return Fetched(work=found.work, data=found.data, faults=tuple(faults))

    async def _list(self, drops: Sequence[WebMirror], held: Fetched) -> WorkList | None:
        newest = held.work.made if held.work else None
        fresh = await unless(self._over, lookout.fetch_list(drops, self._token, _now(), newest)) or Fetched()
        best = fresh if fresh.work is not None else held
        if best.work is None:
            for fault in (*held.faults, *fresh.faults):
                err.print(f"no list: {escape(fault)}", soft_wrap=True)
        else:
            self._keep("work", best.data)
        return best.work

    # ------------------------------------------------------------ looking

    async def _look(self, work: WorkList, seen: list[Sighting]) -> None:
        memory, now = self._memory(), _now().timestamp()
        if 0 <= now - memory["round"] < LEAST_PAUSE:
            return  # started again and again by somebody: the prober's pace holds all the same
        # The first round is a short one, so that the volunteer soon sees that it works.
        deep = self._deep or (memory["deep"] > 0 and not 0 <= now - memory["deep"] < work.deep)
        self._deep = False
        since = now if deep else memory["deep"] or now
        self._keep("rounds.json", json.dumps({"round": now, "deep": since}).encode())
        await unless(self._over, lookout.look(self._prober, work, _now, self._chance.random, seen.append, deep=deep))

    def _memory(self) -> _Memory:
        try:
            told = json.loads((self._folder / "rounds.json").read_bytes())
            return {"round": float(told["round"]), "deep": float(told["deep"])}
        except (OSError, ValueError, TypeError, KeyError):
            return {"round": 0.0, "deep": 0.0}

    # ------------------------------------------------------------ reporting

    async def _report(self, drops: Sequence[WebMirror]) -> int:
        where = self._given.report
        if where == "-":
            return self._move(lambda message: print(armored(message)))
        if where and not where.startswith(_WEB):
            stick = Spool(Path(where))
            return self._move(stick.take)
        if not where:
            return await unless(self._over, lookout.send(self._waiting, drops, _MOST_SENT)) or 0
        async with WebMirror(where) as line:
            return await unless(self._over, lookout.send(self._waiting, [line], _MOST_SENT)) or 0

    def _move(self, put: Any) -> int:  # noqa: ANN401 - what is done with a message, whatever comes of it
        moved = 0
        for name in self._waiting.names():
            if len(message := self._waiting.read(name)) == MESSAGE:
                put(message)
                moved += 1
            self._waiting.remove(name)
        return moved

    # ------------------------------------------------------------ parts

    def _keep(self, name: str, data: bytes) -> None:
        scratch = self._folder / f".{name}.part"
        try:
            scratch.write_bytes(data)
            scratch.replace(self._folder / name)
        except OSError as error:
            raise StoreError(f"cannot be written: {error.strerror}", where=str(self._folder)) from error

    def _tell(self, work: WorkList | None, seen: Sequence[Sighting], sent: int, left: int) -> None:
        """What was seen, with no more of it than the volunteer needs to see that it works."""
        if self._as_json:
            kinds = {one.mirror: diagnose(one, addresses=_true(work, one.mirror)).kind for one in seen}
            until = work.expires.isoformat() if work else None
            told = {"seen": kinds, "sent": sent, "waiting": left, "list_until": until}
            print(json.dumps(told, ensure_ascii=False), flush=True)
            return
        if self._given.report == "-":
            return
        for one in seen:
            found = diagnose(one, addresses=_true(work, one.mirror))
            mark = "arrives" if found.readable else "fails  "
            out.print(f"{mark}  {one.mirror}  {found.kind}", markup=False, soft_wrap=True)
        until = f"list until {work.expires:%Y-%m-%d}" if work else "no list"
        out.print(f"{_now():%H:%M} UTC  {len(seen)} seen, {sent} reports sent, {left} wait; {until}")


def _true(work: WorkList | None, mirror: str) -> tuple[str, ...]:
    return next((one.addresses for one in work.mirrors if one.url == mirror), ()) if work else ()


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the command line is where time comes from
