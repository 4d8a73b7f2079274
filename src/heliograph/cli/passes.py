"""``publish`` and ``run``: passes over the newsroom, watched."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from heliograph.adapters.workers import give_back_memory
from heliograph.cli.screen import Bars, Stopwatch, complain, err, out, summary
from heliograph.cli.service import BUSY, over_on_signal, rest, unless
from heliograph.cli.wiring import outside
from heliograph.config import Config, load
from heliograph.flows import Report, issue
from heliograph.model import Cut, HeliographError, JournalBusyError
from heliograph.model.bill import DOLLAR
from heliograph.model.mirror import Spent
from heliograph.ports import Outside

_SPREAD = 0.2  # share of the interval that is added at random, so that passes do not beat in time with anything


def publish(path: Path, *, as_json: bool) -> int:
    """One pass; the exit code."""
    give_back_memory()
    config = load(path)
    watcher = Stopwatch() if as_json else Bars()
    done = asyncio.run(_once(config, watcher))
    if as_json:
        print(json.dumps(as_object(done, watcher.ended), ensure_ascii=False))
    else:
        summary(done.report, watcher.ended, done.cuts)
    return 1 if done.report.failed else 0


def run(path: Path, *, as_json: bool) -> int:
    """Passes until SIGTERM or SIGINT; the exit code."""
    give_back_memory()
    config = load(path)
    return asyncio.run(_service(config, as_json=as_json))


class Pass(NamedTuple):
    """One pass, what was cut most in it, and what it asked of the host of each mirror, by the mirror's name."""

    report: Report
    cuts: list[tuple[Cut, int]]
    spent: Mapping[str, Spent]


def as_object(done: Pass, ended: dict[str, float]) -> dict[str, Any]:
    """The pass as JSON: figures, problems, what was cut, and when each step ended in seconds from the start."""
    report = done.report
    gathered = asdict(report.gathered)
    del gathered["problems"]
    return {
        "ok": not report.failed,
        "stories": gathered,
        "edition": _issue(report.text),
        "finished": _issue(report.finished),
        "mirrors": [
            {
                "name": d.mirror,
                "edition": d.number,
                "files": d.files,
                "bytes": d.size,
                "dollars": d.cost / DOLLAR,
                "ok": d.problem is None,
                "spent": asdict(done.spent[d.mirror]),
            }
            for d in report.deliveries
        ],
        "text_seconds": ended.get("deliver text"),
        "seconds": max(ended.values(), default=0.0),
        "steps": ended,
        "cut": {"blocks": report.cut, "most": [{**asdict(cut), "stories": stories} for cut, stories in done.cuts]},
        "problems": [asdict(problem) for problem in report.problems],
    }


def _issue(made: Any) -> dict[str, Any] | None:  # noqa: ANN401
    return {**asdict(made), "made": made.made.isoformat()} if made else None


async def _once(config: Config, watcher: Stopwatch) -> Pass:
    async with outside(config, watcher) as world:
        with watcher:
            report, cuts = await run_pass(world, config)
            return Pass(report, cuts, {mirror.name: mirror.spent for mirror in world.mirrors})


async def run_pass(world: Outside, config: Config) -> tuple[Report, list[tuple[Cut, int]]]:
    """One pass as of now, and what was cut most; its problems are kept for ``status``."""
    report = await issue(world, config, datetime.now(UTC))  # noqa: TID251 - the command line is where time comes from
    world.journal.note("last", json.dumps([asdict(problem) for problem in report.problems]))
    return report, world.journal.cuts(5)


async def _service(config: Config, *, as_json: bool) -> int:
    """Publish, wait, publish. A pass that fails is told and tried again; SIGTERM ends after the step under way."""
    from heliograph.cli import patrolling, speaking  # loaded here: a single pass starts sooner without them

    over, wake, news = over_on_signal(), asyncio.Event(), asyncio.Event()
    watch = asyncio.create_task(patrolling.keep_watch(config, over, wake, as_json=as_json))
    voice = asyncio.create_task(speaking.keep_speaking(config, over, news, as_json=as_json))
    while not over.is_set():
        watcher = Stopwatch()
        try:
            done = await unless(over, _once(config, watcher))
            if done is not None:
                _tell(done, watcher, as_json=as_json)
                news.set()
                if done.report.text or done.report.finished:
                    await speaking.tell_hub(config)
        except JournalBusyError:  # the pool is being moved, or somebody publishes by hand
            await rest(over, BUSY)
            continue
        except HeliographError as error:
            complain(error)
        await rest(over, config.run.every_seconds * (1 + random.random() * _SPREAD), wake)  # noqa: S311 - jitter
    await watch
    await voice
    if not as_json:
        out.print("stopped; the next run goes on from here")
    return 0


def _tell(done: Pass, watcher: Stopwatch, *, as_json: bool) -> None:
    report = done.report
    if as_json:
        print(json.dumps(as_object(done, watcher.ended), ensure_ascii=False), flush=True)
        return
    for problem in report.problems:
        if problem.fatal:
            err.print(f"{problem.where}: {problem.what}", markup=False, soft_wrap=True)
    shown, got = report.finished or report.text, report.gathered
    if shown:
        seconds = watcher.ended.get("deliver text", 0.0)
        what = f"{got.new} new, {got.changed} changed, {got.withdrawn} withdrawn"
        out.print(f"{shown.made:%H:%M:%S} edition {shown.number:,}: {what}; out after {seconds:.1f} s")
