"""What people see in the terminal: progress with rate and time left, one line per event, a table at the end."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from heliograph.model import Cut, HeliographError
from heliograph.model.bill import dollars

if TYPE_CHECKING:
    from heliograph.flows import Report

out = Console(highlight=False, soft_wrap=False)
err = Console(stderr=True, highlight=False)
_MOST_SHOWN = 12  # problems shown one by one; ``--json`` has them all


class Rate(ProgressColumn):
    """Steps per second."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"{speed:,.0f}/s" if speed else "", style="dim", justify="right")


class Stopwatch:
    """A watcher that notes when each step ended, in seconds since the start, and shows nothing."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.ended: dict[str, float] = {}

    def begin(self, what: str, total: int | None) -> None:
        """See ``ports.Watcher``."""

    def step(self, what: str, done: int, total: int | None = None) -> None:
        """See ``ports.Watcher``."""

    def end(self, what: str) -> None:
        """See ``ports.Watcher``."""
        self.ended[what] = round(time.monotonic() - self.started, 3)

    def __enter__(self) -> Stopwatch:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to clear away."""


class Bars(Stopwatch):
    """A watcher with one progress bar for each step under way."""

    def __init__(self) -> None:
        super().__init__()
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=18),
            MofNCompleteColumn(),
            Rate(),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            console=err,
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}
        self._totals: dict[str, int] = {}

    def begin(self, what: str, total: int | None) -> None:
        self._tasks[what] = self._progress.add_task(what, total=total or None)
        self._totals[what] = total or 0

    def step(self, what: str, done: int, total: int | None = None) -> None:
        if what not in self._tasks:
            return
        if total is not None:
            # several mirrors add up under one bar
            self._totals[what] = self._totals[what] + total if what.startswith("deliver") else total
            self._progress.update(self._tasks[what], total=self._totals[what] or None)
        self._progress.advance(self._tasks[what], done)

    def end(self, what: str) -> None:
        super().end(what)
        if what in self._tasks:
            self._progress.remove_task(self._tasks.pop(what))

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def complain(error: HeliographError) -> None:
    """What, where, how to mend it."""
    err.print(f"[bold red]error[/] {escape(str(error))}", soft_wrap=True)


def summary(report: Report, ended: dict[str, float], cuts: list[tuple[Cut, int]]) -> None:
    """The end of a pass: what went where, what failed, and one sentence that says what to do next."""
    gathered = report.gathered
    shown = report.finished or report.text
    for problem in report.problems[:_MOST_SHOWN]:
        colour = "red" if problem.fatal else "yellow"
        remedy = f"\n  {escape(problem.remedy)}" if problem.remedy else ""
        err.print(f"[{colour}]{escape(problem.where)}[/]: {escape(problem.what)}{remedy}", soft_wrap=True)
    if len(report.problems) > _MOST_SHOWN:
        err.print(f"... and {len(report.problems) - _MOST_SHOWN} more problems; --json lists them all")

    table = Table(box=None, pad_edge=False)
    for column in ("mirror", "edition", "files", "bytes", "state"):
        table.add_column(column, justify="left" if column in {"mirror", "state"} else "right")
    for delivery in report.deliveries:
        state = "[red]failed[/]" if delivery.problem else "[green]up to date[/]"
        number = str(delivery.number or "-")
        table.add_row(delivery.mirror, number, f"{delivery.files:,}", f"{delivery.size:,}", state)
    stories = f"{gathered.new:,} new, {gathered.changed:,} changed, {gathered.withdrawn:,} withdrawn"
    out.print(f"stories   {stories}; {gathered.asked:,} requests, {gathered.unchanged:,} unchanged")
    if report.cut:
        samples = "; ".join(f"“{escape(cut.text[:28])}…” x{stories:,}" for cut, stories in cuts[:2])
        out.print(f"cut       {report.cut:,} blocks of boilerplate: {samples}", soft_wrap=True)
    if shown:
        out.print(f"edition   {shown.number:,} with {shown.stories:,} stories in {shown.files:,} files")
    if report.text and "deliver text" in ended:
        rest = max(ended.values())
        out.print(f"time      text on every mirror after {ended['deliver text']:.1f} s, all after {rest:.1f} s")
    if report.deliveries:
        out.print(table)
    if paid := [one for one in report.deliveries if one.cost]:
        out.print("cost      " + ", ".join(f"{one.mirror} {dollars(one.cost)}" for one in paid), soft_wrap=True)
    out.print(_advice(report))


def _advice(report: Report) -> str:
    if any(delivery.problem for delivery in report.deliveries):
        return "[red]A mirror could not be written; mend it and publish again, the rest is up to date.[/]"
    if report.failed:
        return "[red]A source could not be read; readers keep what was published before.[/]"
    if not report.deliveries:
        return "Nothing to publish yet: add a [[mirror]] or a [[source]] to the configuration."
    if report.text is None and report.finished is None:
        return "Nothing changed."
    return "[green]Readers can read on.[/] Look at it with: heliograph serve MIRROR_FOLDER"
