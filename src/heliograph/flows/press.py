"""edition: render the sheets that changed, in worker processes, into the stage.

The journal notes each batch as it is staged, so that a pass that was killed goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from heliograph import render
from heliograph.capture import cut
from heliograph.flows import logbook
from heliograph.flows.pool import spread
from heliograph.flows.work import press_jobs
from heliograph.model import Issue, Problem, SheetKey
from heliograph.model.ledger import Job, Sheeted
from heliograph.ports import Outside
from heliograph.render.look import Look

_BATCH = 12  # sheets that travel to a worker at once
_KEPT = 20  # batches noted in the journal in one transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressed:
    """What was rendered."""

    sheets: int
    changed: bool
    cut: int
    problems: tuple[Problem, ...]


async def press(
    outside: Outside, look: Look, rules: cut.Rules, now: datetime, keys: Sequence[SheetKey], *, dense: bool = False
) -> Pressed:
    """Render ``keys``, and with them the sheets that tell of every edition.

    Raises:
        StoreError: the stage cannot be written; what was noted stays noted.
    """
    if not keys:
        return Pressed(sheets=0, changed=False, cut=0, problems=())
    keys = list(dict.fromkeys((*keys, *sorted(render.always()))))
    latest = outside.journal.latest()
    serial = latest.serial + 1 if latest else 1
    number = logbook.next_release(outside.journal)
    stories = sum(outside.journal.tally("lang").values())
    made = Issue(number=number, made=now, stories=stories, files=0, written=0, gone=0)
    do = partial(press_jobs, look=look, rules=rules, made=made, dense=dense, stage=outside.stage)

    what = "pack" if dense else "render"
    outside.watcher.begin(what, len(keys))
    problems: list[Problem] = []
    waiting: list[Sheeted] = []
    cuts = 0
    async for done in spread(outside.workers, _jobs(outside, keys, look), do, ahead=outside.cores + 1):
        for sheeted, faults in done:
            waiting.append(sheeted)
            problems += faults
            cuts += len(sheeted.cuts) if sheeted.key.kind == "story" else 0
        outside.watcher.step(what, len(done))
        if len(waiting) >= _BATCH * _KEPT:
            _note(outside, waiting, serial)
            waiting = []
    _note(outside, waiting, serial)
    outside.watcher.end(what)
    return Pressed(sheets=len(keys), changed=True, cut=cuts, problems=tuple(problems))


def _jobs(outside: Outside, keys: Sequence[SheetKey], look: Look) -> Iterator[list[Job]]:
    for start in range(0, len(keys), _BATCH):
        part = keys[start : start + _BATCH]
        yield outside.journal.jobs([(key, render.want(key, look)) for key in part])


def _note(outside: Outside, sheets: Sequence[Sheeted], serial: int) -> None:
    if sheets:
        outside.stage.remove(outside.journal.rendered(sheets, serial))
