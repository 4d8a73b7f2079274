"""``mirrors``: the pool as people see and change it, and the round that ``run`` makes after every look."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from heliograph.adapters.reach import WebMirror
from heliograph.cli.cost import as_month, month_by_name
from heliograph.cli.hosts import opened, raising
from heliograph.cli.screen import Stopwatch, out
from heliograph.cli.service import BUSY, rest
from heliograph.cli.wiring import open_journal, outside
from heliograph.config import Config, load
from heliograph.flows.foreign import begun
from heliograph.flows.rotate import TO, Rotated, fresh, outlook, pool_of
from heliograph.flows.rotate import rotate as one_round
from heliograph.model import ConfigError, JournalBusyError
from heliograph.model.bill import dollars
from heliograph.model.mirror import HostFacts, Mirror, Move, MoveKind, MoveNote, Phase, plain
from heliograph.model.release import Ask, Got
from heliograph.ports import Journal

_HOLD = timedelta(days=1)  # for how long the plan leaves alone what somebody moved
_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
_BACK: dict[MoveKind, tuple[Phase, ...]] = {  # what each move can be taken back from
    "promote": ("live",),
    "rest": ("resting",),
    "return": ("spare",),
}
_UNDONE: dict[Phase, MoveKind] = {"live": "promote", "resting": "rest", "spare": "return"}  # what leads there again
_SAID = {"live": "green", "spare": "cyan", "creating": "cyan", "resting": "yellow", "lost": "red"}


class Outsider:
    """``ports.Reach`` of a base URL, one connection for each question."""

    def __init__(self, url: str) -> None:
        self._mirror = WebMirror(url)
        self.host, self.place = self._mirror.host, self._mirror.place

    async def get(self, ask: Ask) -> Got:
        """See ``ports.Reach``."""
        async with self._mirror as reached:
            return await reached.get(ask)


def random_name() -> str:
    """A name that says nothing, for a new mirror."""
    return "".join(secrets.choice(_LETTERS) for _ in range(10))


async def attend(config: Config, over: asyncio.Event | None = None) -> Rotated:
    """One round as of now; with ``over`` it waits for passes that are under way, until that is set.

    Raises:
        HeliographError: the journal is busy or cannot be opened.
    """

    @asynccontextmanager
    async def hold(journal: Journal) -> AsyncIterator[None]:
        with ExitStack() as stack:
            while True:
                try:
                    stack.enter_context(journal.hold("heliograph mirrors"))
                    break
                except JournalBusyError:
                    if over is None or over.is_set():
                        raise
                    await rest(over, BUSY)
            yield

    async with outside(config, Stopwatch()) as world:
        return await one_round(world, config, _now(), random_name, Outsider, hold=hold)


def rotate(path: Path, *, dry: bool, as_json: bool) -> int:
    """One round, told; 1 if the policy cannot be met."""
    config = load(path)
    told = _outlook(config) if dry else asyncio.run(attend(config))
    moves = told.plan.moves if dry else told.done
    if as_json:
        print(
            json.dumps(
                {
                    "moves": [asdict(move) for move in moves],
                    "done": not dry,
                    "lacks": list(told.plan.lacks),
                    "listed": told.listed,
                    "problems": [asdict(problem) for problem in told.problems],
                },
                ensure_ascii=False,
            )
        )
    else:
        for line in lines(moves, dry=dry):
            out.print(line, markup=False, soft_wrap=True)
        for lack in told.plan.lacks:
            out.print(f"[yellow]lacks[/]     {escape(lack)}", soft_wrap=True)
        for problem in told.problems:
            out.print(f"[red]{escape(problem.where)}[/]: {escape(problem.what)}", soft_wrap=True)
        if not moves and not told.plan.lacks and not told.problems:
            out.print("nothing to move")
        if told.listed:
            out.print("Next: heliograph publish, so that readers are told")
    return 1 if told.plan.lacks or told.problems else 0


def _outlook(config: Config) -> Rotated:
    """What a round would do; no host is asked."""
    with open_journal(config) as journal:
        plan = outlook(journal, config, raising(config, journal), _now())
        return Rotated(pool=pool_of(journal, config, _now()), plan=plan, done=(), listed=False, problems=())


def lines(moves: Sequence[Move], *, dry: bool = False) -> list[str]:
    """A sentence for each move."""
    would = "would " if dry else ""
    return [f"{would}{move.kind} {move.mirror or f'one at {move.host}'}: {move.reason}" for move in moves]


def show(path: Path, moves: int, *, as_json: bool) -> int:
    """The pool and its newest moves."""
    config = load(path)
    with open_journal(config) as journal:
        pool, notes = pool_of(journal, config, _now()), journal.history(moves)
        bills = month_by_name(config, journal, _now())
    if as_json:
        ceilings = {one.name: one.ceiling for one in config.mirror}
        told = [
            {**plain(one), "month": as_month(bills[one.name], ceilings[one.name]) if one.name in bills else None}
            for one in pool
        ]
        print(json.dumps({"mirrors": told, "moves": [_told(one) for one in notes]}))
        return 0
    table = Table(box=None, pad_edge=False)
    for column in ("mirror", "stands", "since", "provider", "address"):
        table.add_column(column, overflow="fold")
    for one in sorted(pool, key=lambda one: (one.phase in ("gone", "lost"), one.phase != "live", one.name)):
        style = _SAID.get(one.phase, "dim")
        held = " (held)" if one.pinned and one.pinned > _now() else ""
        table.add_row(
            escape(one.name),
            f"[{style}]{one.phase}[/]{held}{' (site)' if one.site else ''}",
            f"{one.since:%m-%d %H:%M}",
            escape(one.provider),
            escape(one.url),
        )
    out.print(table)
    if paid := [f"{name} {dollars(bill.cost)}" for name, bill in bills.items() if bill.cost]:
        out.print(f"uploads of this month: {', '.join(paid)}", soft_wrap=True)
    for note in notes:
        where = f"{note.at:%m-%d %H:%M} {note.move.kind} {note.move.mirror or note.move.host}: {note.move.reason}"
        out.print(where, markup=False, soft_wrap=True)
    return 0


def add(host: str, path: Path) -> int:
    """Note a new mirror; the next round asks its host."""
    config = load(path)
    if all(table.name != host for table in config.host):
        remedy = f"hosts are: {', '.join(table.name for table in config.host) or 'none; add a [[host]]'}"
        raise ConfigError("there is no such host", where=host, remedy=remedy)
    table = next(table for table in config.host if table.name == host)
    now = _now()
    site = config.site_page(host) is not None
    facts = HostFacts(name=host, provider=table.provider, most=1, site=site)
    new = fresh(facts, random_name(), now)
    with open_journal(config) as journal, journal.hold("heliograph mirrors add"):
        move = Move(kind="raise", mirror=new.name, host=host, reason="somebody asked for it")
        journal.keep([new], [move], now)
    out.print(f"{new.name} is on its way; next: heliograph mirrors rotate")
    return 0


def put(name: str, kind: MoveKind, path: Path) -> int:
    """Move one by hand."""
    config = load(path)
    with open_journal(config) as journal, journal.hold(f"heliograph mirrors {kind}"):
        mirror = _named(journal, config, name)
        if mirror.phase in ("ending", "gone", "lost"):
            raise ConfigError(f"it is {mirror.phase}", where=f"mirror {name}", remedy="see: heliograph mirrors list")
        if kind == "retire" and not mirror.host:
            remedy = "take its [[mirror]] out of the configuration, or: heliograph mirrors rest"
            raise ConfigError("no host has raised it", where=f"mirror {name}", remedy=remedy)
        if kind != "retire" and mirror.phase == "creating":
            raise ConfigError("nobody has seen it work yet", where=f"mirror {name}", remedy="wait until it is a spare")
        if kind != "promote":
            _check_not_last(journal, config, mirror)
        _keep(journal, mirror, TO[kind], Move(kind=kind, mirror=name, host=mirror.host, reason="somebody asked for it"))
    out.print(f"{name} is {TO[kind]}; next: heliograph publish, so that readers are told")
    return 0


def adopt(name: str, path: Path) -> int:
    """Note that a place is ours, whatever lies there."""
    config = load(path)
    table = next((table for table in config.stores if table.name == name), None)
    if table is None:
        remedy = f"mirrors are: {', '.join(sorted(one.name for one in config.stores))}"
        raise ConfigError("there is no such mirror to bring an edition to", where=f"mirror {name}", remedy=remedy)

    async def take() -> str:
        async with opened(config, table) as store:
            return store.place

    with open_journal(config) as journal, journal.hold("heliograph mirrors adopt"):
        journal.note(begun(asyncio.run(take())), "1")
    out.print(f"{name} is taken; next: heliograph publish")
    return 0


def undo(path: Path) -> int:
    """Take the newest move back that can be."""
    config = load(path)
    with open_journal(config) as journal, journal.hold("heliograph mirrors undo"):
        for note in journal.history(50):
            mirror = next((one for one in journal.pool() if one.name == note.move.mirror), None)
            if mirror is None or note.before is None or mirror.phase not in _BACK.get(note.move.kind, ()):
                continue
            if note.move.reason.startswith("undone"):
                break
            kind = _UNDONE.get(note.before, "rest")
            if note.before != "live":
                _check_not_last(journal, config, mirror)
            reason = f"undone: {note.move.kind} of {note.at:%Y-%m-%d %H:%M}"
            _keep(journal, mirror, note.before, Move(kind=kind, mirror=mirror.name, host=mirror.host, reason=reason))
            out.print(f"{mirror.name} is {note.before} again and stays so for a day; next: heliograph publish")
            return 0
    raise ConfigError("there is no move that could be taken back", where=str(path))


def _check_not_last(journal: Journal, config: Config, mirror: Mirror) -> None:
    """Readers are never told of nothing."""
    live = [one.name for one in pool_of(journal, config, _now()) if one.phase == "live"]
    if live == [mirror.name]:
        remedy = "promote another one first; see: heliograph mirrors list"
        raise ConfigError("it is the last that readers are told of", where=f"mirror {mirror.name}", remedy=remedy)


def _keep(journal: Journal, mirror: Mirror, to: Phase, move: Move) -> None:
    now = _now()
    told = now if to == "live" else mirror.told
    journal.keep([replace(mirror, phase=to, since=now, pinned=now + _HOLD, told=told)], [move], now)


def _named(journal: Journal, config: Config, name: str) -> Mirror:
    pool = pool_of(journal, config, _now())
    found = next((one for one in pool if one.name == name), None)
    if found is None:
        remedy = "see: heliograph mirrors list"
        raise ConfigError("there is no such mirror, or it has no url", where=f"mirror {name}", remedy=remedy)
    return found


def _told(note: MoveNote) -> dict[str, Any]:
    return {"number": note.number, "at": note.at.isoformat(), "before": note.before, **asdict(note.move)}


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the command line is where time comes from
