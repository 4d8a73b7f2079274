"""What whole tools did, step by step, as tables and as the README's lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.frame import Usage, last_json
from benchmarks.report import Figure, Section, Table, Value, number

MB = 1e6
STEPS = ("first", "again", "added", "corrected")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One run of one tool."""

    usage: Usage
    ok: bool
    written: int  # files of the output, new or written again
    files: int  # in the output afterwards
    size: int  # bytes of the output afterwards

    @property
    def failure(self) -> str:
        """Why it does not count, "" if it does."""
        if self.ok:
            return ""
        if self.usage.late:
            return f"ended after {self.usage.wall:,.0f} s"
        lines = [line.strip("|+- ") for line in (self.usage.err.strip() or self.usage.out).splitlines()]
        said = [line for line in lines if line] or ["said nothing"]  # the frame of an exception group says nothing
        return f"failed with {self.usage.code}: {said[-1][-200:]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one tool did on one site, step by step."""

    name: str
    label: str
    stories: int
    steps: Mapping[str, Step]
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()  # what is wrong with its output
    sections: tuple[Section, ...] = field(default=())

    @property
    def ok(self) -> bool:
        """Whether every step that was tried counts and the output is right."""
        return not self.faults and all(step.ok for step in self.steps.values())


def first_rows(outcome: Outcome) -> list[tuple[Value, ...]]:
    """The first run of a tool as rows: heliograph has two, the text edition and all."""
    step = outcome.steps["first"]
    usage = step.usage
    rest: tuple[Value, ...] = (usage.memory / MB, usage.process / MB, step.size / MB, step.files)
    if not step.ok:
        return [(outcome.label, outcome.stories, _failed(step), None, None, *rest)]
    whole = (outcome.label, outcome.stories, usage.wall, usage.cpu, outcome.stories / usage.cpu, *rest)
    if usage.mark is None or not usage.mark_cpu:
        return [whole]
    speed = outcome.stories / usage.mark_cpu
    text = (f"{outcome.label}, text", outcome.stories, usage.mark, usage.mark_cpu, speed, *[None] * 4)
    return [text, (f"{outcome.label}, all", *whole[1:])]


def later_rows(outcome: Outcome, name: str) -> list[tuple[Value, ...]]:
    """A later run of a tool as rows."""
    if name not in outcome.steps:
        return []
    step, label = outcome.steps[name], outcome.label + (", corrected" if name == "corrected" else "")
    if not step.ok:
        return [(label, outcome.stories, _failed(step), None, None)]
    rows: list[tuple[Value, ...]] = []
    if step.usage.mark is not None:
        rows.append((f"{label}, text", outcome.stories, step.usage.mark, step.usage.mark_cpu, None))
        label = f"{label}, all"
    return [*rows, (label, outcome.stories, step.usage.wall, step.usage.cpu, step.written)]


def _failed(step: Step) -> str:
    return f"> {step.usage.wall:,.0f}" if step.usage.late else "failed"


def tables(outcomes: Sequence[Outcome], command: str) -> tuple[Table, ...]:
    """The three tables of a run."""
    failed = [
        f"{outcome.label}, {outcome.stories:,} stories, {name}: {step.failure}"
        for outcome in outcomes
        for name, step in outcome.steps.items()
        if not step.ok
    ]
    said = [note for outcome in outcomes for note in (*outcome.notes, *outcome.faults)]
    notes = (*dict.fromkeys(said), *failed)
    columns = ("tool", "stories", "wall s", "CPU s", "per CPU s", "MB memory", "MB largest", "MB output", "files")
    later = ("tool", "stories", "wall s", "CPU s", "files written")
    others = max((step.usage.others for outcome in outcomes for step in outcome.steps.values()), default=0.0)
    memory = (
        "per CPU s: stories for each second of processor time",
        "MB memory: proportional set size of all processes together, at its peak; MB largest: the largest process",
        "heliograph, text: until the text edition stands on two folder mirrors; all: with pictures and denser packing",
        "output of heliograph: both mirrors, each text in three encodings",
        f"other processes (nginx for one) took up to {others:.0%} of the processors: wall times suffer, CPU less",
    )
    first = [row for outcome in outcomes for row in first_rows(outcome)]
    again = [row for outcome in outcomes for row in later_rows(outcome, "again")]
    changed = [row for outcome in outcomes for step in STEPS[2:] for row in later_rows(outcome, step)]
    made = (
        Table(title="From nothing", columns=columns, rows=tuple(first), command=command, notes=memory + notes),
        Table(title="Again, nothing changed", columns=later, rows=tuple(again), command=command),
        Table(title="One story more, or one corrected", columns=later, rows=tuple(changed), command=command),
    )
    return tuple(table for table in made if table.rows)


def figures(outcomes: Sequence[Outcome], command: str) -> tuple[Figure, ...]:
    """The README's lines for each size of site."""
    found: list[Figure] = []
    for ours in (outcome for outcome in outcomes if outcome.name == "heliograph"):
        others = {other.name: other for other in outcomes if other.stories == ours.stories and other is not ours}
        found += _figures(ours, others, command)
    return tuple(found)


def _figures(ours: Outcome, others: Mapping[str, Outcome], command: str) -> list[Figure]:
    first = ours.steps["first"]
    if not first.ok or first.usage.mark is None or not first.usage.mark_cpu:
        return []
    usage, what = first.usage, f"{ours.stories:,} stories"
    lines = [
        (f"{what}: text edition on two mirrors", f"{number(usage.mark)} s", "< wget", "first", _wall),
        (
            f"{what}: text edition, stories per CPU second",
            number(ours.stories / (usage.mark_cpu or 1)),
            ">= 500",
            "first",
            lambda step: number(ours.stories / step.usage.cpu),
        ),
        (f"{what}: peak memory", f"{usage.memory / MB:,.0f} MB", "<= 300 MB", "first", _memory),
    ]
    if (again := ours.steps.get("again")) and again.ok:
        lines.append((f"{what}: again, nothing changed", _wall(again), "<= 3 s", "again", _wall))
    if (added := ours.steps.get("added")) and added.ok and added.usage.mark is not None:
        seconds = f"{number(added.usage.mark)} s, {added.written:,} files written"
        lines.append((f"{what}: one story more, on two mirrors after", seconds, "<= 1 s", "added", _wall))
    return [
        Figure(what=what, value=value, goal=goal, beside=_beside(others, step, shown), command=command)
        for what, value, goal, step, shown in lines
    ]


def _wall(step: Step) -> str:
    return f"{number(step.usage.wall)} s"


def _memory(step: Step) -> str:
    return f"{step.usage.memory / MB:,.0f} MB"


def _beside(others: Mapping[str, Outcome], step: str, shown: Callable[[Step], str]) -> str:
    names = {"wget": "wget", "httrack": "HTTrack", "pelican": "Pelican", "hugo-nav": "Hugo"}
    runs = [(names[name], other.steps.get(step)) for name, other in others.items() if name in names]
    return "; ".join(f"{name} {shown(run)}" for name, run in runs if run and run.ok)


def raw(outcome: Outcome) -> dict[str, Any]:
    """Everything measured, for scripts; what the tool itself said of its time comes with it."""
    steps = {}
    for name, step in outcome.steps.items():
        said = last_json(step.usage.out)
        plain = asdict(step)
        del plain["usage"]["out"], plain["usage"]["err"]
        steps[name] = {**plain, "said": {key: said[key] for key in ("steps", "mirrors", "stories") if key in said}}
    return {"name": outcome.name, "stories": outcome.stories, "steps": steps}
