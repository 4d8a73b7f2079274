"""``patrol``, and the watch that ``run`` keeps: rounds over all mirrors, and the matrix of mirror and network."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.markup import escape
from rich.table import Table

from heliograph.adapters.reach import FolderMirror, WebMirror
from heliograph.cli import mirrors
from heliograph.cli.screen import Bars, Stopwatch, complain, out
from heliograph.cli.service import BUSY, rest, unless
from heliograph.cli.wiring import outside
from heliograph.config import Config, MirrorTable, load
from heliograph.flows.patrol import Patrol, patrol
from heliograph.model import ConfigError, HeliographError, JournalBusyError, StoreError
from heliograph.model.census import MOST_BYTES
from heliograph.model.release import Ask, Got
from heliograph.model.sighting import Finding
from heliograph.ports import Journal

_SPREAD = 0.3  # share of the interval that is added at random, so that looks beat in time with nothing
_HEAR = 30.0  # seconds for the file of a sensor
_STYLES = {"well": "green", "curtain": "yellow", "offline": "dim", "unknown": "yellow", "stale": "yellow"}


def run(path: Path, *, deep: bool, as_json: bool) -> int:
    """One round; 1 if a mirror does not reach readers somewhere."""
    config = load(path)
    if not any(mirror.url for mirror in config.mirror):
        remedy = "give each [[mirror]] the url where readers reach it"
        raise ConfigError("no mirror has an address to look at", where=f"{path}: mirror.url", remedy=remedy)
    counted = asyncio.run(_counted(config))
    seen = asyncio.run(_round(config, Stopwatch() if as_json else Bars(), counted, deep=deep))
    _told_misread(seen)
    findings = [as_object(finding) for finding in seen.findings]
    if as_json:
        print(
            json.dumps({"findings": findings, "changed": [as_object(one) for one in seen.changed]}, ensure_ascii=False)
        )
    else:
        out.print(matrix(findings, _now()))
        for finding in seen.findings:
            if finding.kind != "well" and finding.evidence:
                told = f"{finding.mirror} in {finding.network}: {'; '.join(finding.evidence)}"
                out.print(told, markup=False, soft_wrap=True)
    return 0 if all(finding.readable for finding in seen.findings) else 1


async def keep_watch(config: Config, over: asyncio.Event, wake: asyncio.Event, *, as_json: bool) -> None:
    """Round after round until ``over``; what changed is told. A round that fails is told and tried again.

    Mirrors are moved as ``[rotate]`` wants; ``wake`` is set when readers must be told of others.
    """
    if not config.host and not any(mirror.url for mirror in config.mirror):
        return
    counted: Mapping[str, bytes] = {}
    lacks: tuple[str, ...] = ()  # what the policy wanted in vain at the last round
    next_deep = 0.0  # on the loop's clock: the first round is a deep one
    loop = asyncio.get_running_loop()
    while not over.is_set():
        deep = loop.time() >= next_deep
        if deep:
            next_deep = loop.time() + config.watch.deep_seconds
            counted = await _counted(config)  # they change once a day
        try:
            seen = await unless(over, _round(config, Stopwatch(), counted, deep=deep))
            if seen is None:
                return
            if deep:
                _told_misread(seen)
            for finding in seen.changed:
                _tell(finding, as_json=as_json)
            if config.rotate.on:
                lacks = await _rotate(config, over, wake, lacks, as_json=as_json)
        except HeliographError as error:
            complain(error)
        except Exception as error:  # noqa: BLE001 - a database that is away for a moment must not end the watch
            complain(StoreError(f"the watch failed: {error}", remedy="it goes on; if it stays so, report it"))
        await rest(over, config.watch.every_seconds * (1 + random.random() * _SPREAD))  # noqa: S311 - jitter, no secret


async def _rotate(
    config: Config, over: asyncio.Event, wake: asyncio.Event, lacks: tuple[str, ...], *, as_json: bool
) -> tuple[str, ...]:
    """One round of the pool, after the pass that may be under way; what the policy wants in vain is told once."""
    while True:
        try:
            rotated = await mirrors.attend(config, over)
            break
        except JournalBusyError:
            await rest(over, BUSY)
            if over.is_set():
                return lacks
    for problem in rotated.problems:
        complain(StoreError(problem.what, where=problem.where, remedy=problem.remedy))
    for move, line in zip(rotated.done, mirrors.lines(rotated.done), strict=True):
        if as_json:
            print(json.dumps({"move": asdict(move)}, ensure_ascii=False), flush=True)
        else:
            out.print(f"{_now():%H:%M:%S} {line}", markup=False, soft_wrap=True)
    for lack in rotated.plan.lacks:
        if lack not in lacks:
            complain(StoreError(lack, where="the pool of mirrors", remedy="see: heliograph mirrors rotate --dry-run"))
    if rotated.listed:
        wake.set()
    return rotated.plan.lacks


async def _round(config: Config, watcher: Stopwatch, counted: Mapping[str, bytes], *, deep: bool) -> Patrol:
    async with outside(config, watcher) as world:
        if config.watch.spools:
            _collect(world.journal, config)
        with watcher:
            chance = random.SystemRandom().random
            return await patrol(world, config, _now(), chance, deep=deep, counted=counted)


async def _counted(config: Config) -> dict[str, bytes]:
    """The files of mirrors' sensors by the name of the mirror. One that cannot be had in time is told, and missing."""
    wanted = [mirror for mirror in config.mirror if mirror.sensor and mirror.url]
    found = await asyncio.gather(*(_counts_of(mirror, config.folder) for mirror in wanted))
    return {mirror.name: data for mirror, data in zip(wanted, found, strict=True) if data is not None}


async def _counts_of(mirror: MirrorTable, folder: Path) -> bytes | None:
    place, _, name = mirror.sensor.rpartition("/")
    web = urlsplit(mirror.sensor).scheme in ("http", "https")
    try:
        source = WebMirror(place) if web else FolderMirror((folder / mirror.sensor).parent)
        async with asyncio.timeout(_HEAR), source as reached:
            got = await reached.get(Ask(mirror=0, name=name, limit=MOST_BYTES))
    except ConfigError as error:
        complain(error)
        return None
    except TimeoutError:
        got = Got(fate="unavailable")
    if got.fate == "whole" and not got.coding:
        return got.data
    remedy = "see that heliograph serve --sensor writes it, and that this machine can read it"
    where = f"mirror {mirror.name}: {mirror.sensor}"
    complain(StoreError(f"the sensor's file is {got.fate}", where=where, remedy=remedy))
    return None


def _told_misread(seen: Patrol) -> None:
    for what in seen.misread:
        complain(StoreError(what, remedy="it is passed over; the mirrors are judged by what vantages see"))


def _collect(journal: Journal, config: Config) -> None:
    """What vantages reported, and lists for them. A drop that cannot be used is told, and the round goes on."""
    from heliograph.cli import vantages

    try:
        vantages.attend(journal, config)
    except HeliographError as error:
        complain(error)


def as_object(finding: Finding) -> dict[str, Any]:
    """A finding as JSON."""
    return {**asdict(finding), "since": finding.since.isoformat(), "seen": finding.seen.isoformat()}


def matrix(findings: Sequence[Mapping[str, Any]], now: datetime) -> Table:
    """Mirrors down, networks across; in each cell the verdict, how sure it is, and how old."""
    networks = sorted({finding["network"] for finding in findings})
    cells = {(finding["mirror"], finding["network"]): _cell(finding, now) for finding in findings}
    table = Table(box=None, pad_edge=False)
    table.add_column("readers reach", overflow="fold")
    for network in networks:
        table.add_column(escape(network), overflow="fold")
    for mirror in sorted({finding["mirror"] for finding in findings}):
        table.add_row(escape(mirror), *(cells.get((mirror, network), "-") for network in networks))
    return table


def _cell(finding: Mapping[str, Any], now: datetime) -> str:
    what = finding["kind"]
    if finding["threshold"]:
        what += f" {finding['threshold']:,} {finding['unit']}"
    if finding["kind"] not in ("well", "stale", "origin-down"):
        what += f", {finding['strength']}"
    if finding["readable"] and finding["kind"] != "well":
        what += ", pages arrive"
    style = _STYLES.get(finding["kind"], "red")
    return f"[{style}]{escape(what)}[/] {_ago(now - datetime.fromisoformat(finding['seen']))}"


def _ago(age: timedelta) -> str:
    seconds = max(0, int(age.total_seconds()))
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds // size}{unit} ago"
    return "now"


def _tell(finding: Finding, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"finding": as_object(finding)}, ensure_ascii=False), flush=True)
        return
    told = f"{finding.mirror} in {finding.network}: {finding.kind} ({finding.strength})"
    if finding.evidence and finding.kind != "well":
        told += f": {'; '.join(finding.evidence)}"
    out.print(f"{finding.seen:%H:%M:%S} {told}", markup=False, soft_wrap=True)


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the command line is where time comes from
