"""``heliograph lab``: the censors there are, and a program behind one of them."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.markup import escape
from rich.table import Table

from heliograph.cli.screen import out
from heliograph.lab.censor import Line, library
from heliograph.lab.censor.rule import plain
from heliograph.lab.world import town
from heliograph.model import ConfigError


def listing(*, as_json: bool) -> None:
    """Show profiles and rules."""
    profiles = [library.profile(name) for name in library.names("profiles")]
    rules = [library.rule(name) for name in library.names("rules")]
    if as_json:
        shown = [{"name": one.name, "about": one.about, "rules": [rule.name for rule in one.rules]} for one in profiles]
        print(json.dumps({"profiles": shown, "rules": [{"name": rule.name, **plain(rule)} for rule in rules]}))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("profile", "what", "rules"):
        table.add_column(column, no_wrap=column == "profile")
    for one in profiles:
        table.add_row(one.name, escape(one.about), str(len(one.rules)))
    out.print(table)
    table = Table(box=None, pad_edge=False)
    for column in ("rule", "", "what", "evidence"):
        table.add_column(column, no_wrap=column in {"rule", ""})
    for rule in sorted(rules, key=lambda rule: (int(rule.behaviour[1:]), rule.name)):
        table.add_row(rule.name, rule.behaviour, escape(rule.about), rule.grade)
    out.print()
    out.print(table)


def line(rtt: float, loss: float, jitter: float) -> Line:
    """A line out of what people type: milliseconds."""
    return Line(rtt=rtt / 1_000, loss=loss, jitter=jitter / 1_000)


def run(
    profile: str,
    command: Sequence[str],
    line: Line,
    *,
    seed: int,
    sets: Sequence[str],
    stats: Path | None,
) -> int:
    """Run ``command`` behind a censor; its exit status. Raises ConfigError, LabError."""
    chosen = library.profile(profile, sets)
    if stats is not None and not stats.absolute().parent.is_dir():
        raise ConfigError("no such folder", where=str(stats.parent), remedy="name a file in a folder that exists")
    with town.town(chosen, line=line, seed=seed) as world:
        town.settle(world)
        streams = (sys.stdin, sys.stdout, sys.stderr)
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is the program's, as in a shell
        try:
            code = world.spawn(town.NETWORK, command, streams=streams).wait()
        finally:
            signal.signal(signal.SIGINT, before)
        if stats is not None:
            _write(stats, json.dumps(world.box(town.NETWORK).stats(), indent=1))
    return code if code >= 0 else 128 - code


def _write(file: Path, text: str) -> None:
    """Whole or not at all."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.write_text(text + "\n", encoding="utf-8")
    draft.replace(file)
