"""Runs the benchmarks, prints their tables, writes ``docs/benchmarks.md`` and the figures of the README.

    python -m benchmarks [NAME ...] [--full] [--no-write]

Without names, all of them at their quick sizes; ``--full`` adds the site of 10,000 stories, which takes half an hour
and 5 GB, and what needs other servers. What a benchmark found is kept in the work folder, so that the documents show
its last figures when only others are run again; each section has its own date.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import peers
from benchmarks.frame import last_json, measure
from benchmarks.report import (
    Figure,
    Section,
    Table,
    Value,
    document,
    figures,
    from_plain,
    machine,
    to_plain,
    write_between,
)
from benchmarks.sites import work_folder

_ROOT = Path(__file__).resolve().parents[1]
_NEW_DOCUMENT = """\
# Benchmarks

What this project costs and what others cost beside it, measured in the same run on the same machine. `make bench`
repeats everything at its quick sizes; each table names its own command. A shared machine changes wall time by up to
three times from run to run and processor time by a quarter: trust ratios within one table, not sums across them.

<!-- benchmarks -->
<!-- /benchmarks -->
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A line of the README's table, drawn from the JSON of a benchmark by dotted paths."""

    what: str
    value: str  # a format with {0}, {1} ... for the numbers at ``paths``; never so short that it rounds over the goal
    paths: tuple[str, ...]
    goal: str
    beside: str = ""
    beside_paths: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One benchmark: a module and its arguments."""

    name: str
    title: str
    module: str
    arguments: tuple[str, ...] = ()
    full_only: bool = False
    limit: float = 3_600.0  # seconds
    lines: tuple[Line, ...] = ()

    @property
    def command(self) -> str:
        """What a person types to repeat it."""
        return " ".join(["python -m", self.module, *self.arguments])


PARTS = (
    Part(name="extraction", title="Reading pages", module="benchmarks.extraction"),
    Part(
        name="bytes",
        title="Bytes of a page",
        module="benchmarks.bytes",
        lines=(
            Line(
                what="a story's page over its bare text, both compressed, median",
                value="{0:.3f} (brotli 9), {1:.3f} (brotli 10)",
                paths=("page over bare text.text alone.brotli 9", "page over bare text.text alone.brotli 10"),
                goal="<= 1.35",
            ),
        ),
    ),
    Part(
        name="serve",
        title="Answering requests",
        module="benchmarks.serve",
        lines=(
            Line(
                what="requests a second, a new connection each, 5 KB page",
                value="{0:.2f} of nginx's",
                paths=("heliograph / nginx.requests_per_second",),
                goal=">= 0.33",
                beside="nginx {0:,.0f} a second",
                beside_paths=("nginx.requests_per_second",),
            ),
        ),
    ),
    Part(
        name="trust",
        title="What trust costs",
        module="benchmarks.trust",
        lines=(
            Line(
                what="proof of one page out of 1,000,000 files, cold, mean",
                value="{0:,.0f} B",
                paths=("1,000,000 files.bytes, cold, mean",),
                goal="<= 3,500 B",
            ),
            Line(
                what="check one page, cold, without the network",
                value="{0:.1f} ms",
                paths=("1,000,000 files.verify, ms, median",),
                goal="<= 30 ms",
            ),
            Line(
                what="sign one changed page, 1,000,000 files",
                value="{0:.1f} ms, {1:,.0f} B in {2:.0f} objects",
                paths=(
                    "1,000,000 files.one change: sign, ms",
                    "1,000,000 files.one change: bytes",
                    "1,000,000 files.one change: objects",
                ),
                goal="<= 100 ms, 9 KB, 14",
            ),
        ),
    ),
    Part(name="lab", title="The lab", module="benchmarks.lab"),
    Part(name="survival", title="Survival", module="benchmarks.survival"),
    Part(
        name="verdicts",
        title="Verdicts",
        module="benchmarks.verdicts",
        arguments=("--seeds", "20", "--worlds", "12", "--times", "3"),
        full_only=True,
        limit=3 * 3_600.0,
        lines=(
            Line(
                what="verdicts on mirrors under every rule of the lab that are right",
                value="{0:.1%} of {1:,.0f}",
                paths=("verdicts.right, share", "verdicts.looks"),
                goal=">= 95 %",
            ),
            Line(
                what="ordinary faults called blocking",
                value="{0:,.0f} of {1:,.0f}",
                paths=("ordinary faults called blocking.wrong", "ordinary faults called blocking.looks"),
                goal="0",
            ),
        ),
    ),
    Part(
        name="replay",
        title="Three years of blocks, replayed",
        module="benchmarks.replay",
        lines=(
            Line(
                what="hours without a mirror that works, 7 newsrooms, 3 years of real blocks; 3 live and a spare",
                value="{0:.1f}",
                paths=("three live and a spare.gap hours",),
                goal="0",
                beside="what was done {0:,.0f}",
                beside_paths=("trace.gap hours",),
            ),
            Line(
                what="a story's link that still leads to it after 7 days, by its code",
                value="{0:.2%}",
                paths=("three live and a spare.links.code.7 d",),
                goal=">= 99 %",
                beside="the address itself {0:.0%}",
                beside_paths=("trace.links.bare.7 d",),
            ),
        ),
    ),
    Part(
        name="outbox",
        title="Days of posting",
        module="benchmarks.outbox",
        arguments=("--seeds", "100"),
        full_only=True,
        limit=10 * 3_600.0,
    ),
    Part(name="moved", title="A mirror moves", module="benchmarks.moved"),
    Part(name="hosts", title="Places", module="benchmarks.hosts", full_only=True),
    Part(
        name="hosts-faults",
        title="Places under blows",
        module="benchmarks.hosts",
        arguments=("--faults",),
        full_only=True,
        limit=2 * 3_600.0,
    ),
    Part(name="whole", title="Whole tools", module="benchmarks.whole", arguments=("--stories", "1000", "--first")),
    Part(
        name="whole-10000",
        title="Whole tools, 10,000 stories",
        module="benchmarks.whole",
        arguments=("--stories", "10000", "--first"),
        full_only=True,
        limit=6 * 3_600.0,
    ),
)


def at(value: Mapping[str, Any], path: str) -> Any:  # noqa: ANN401
    """What ``value`` holds at a dotted path; None if it holds nothing there."""
    here: Any = value
    for key in path.split("."):
        if not isinstance(here, Mapping) or key not in here:
            return None
        here = here[key]
    return here


def sections(part: Part, value: Mapping[str, Any], date: str) -> list[Section]:
    """What ``part`` printed as sections. A benchmark that makes its own is taken at its word."""
    if "sections" in value:
        return [from_plain({**section, "date": date}) for section in value["sections"]]
    found = tuple(figure for line in part.lines if (figure := _figure(line, value, part.command)))
    return [
        Section(name=part.title, date=date, tables=tuple(as_tables(value, part.title, part.command)), figures=found)
    ]


def _figure(line: Line, value: Mapping[str, Any], command: str) -> Figure | None:
    shown = [at(value, path) for path in line.paths]
    if not all(isinstance(one, int | float) for one in shown):
        return None
    beside = [at(value, path) for path in line.beside_paths]
    return Figure(
        what=line.what,
        value=line.value.format(*shown),
        goal=line.goal,
        beside="" if None in beside else line.beside.format(*beside),
        command=command,
    )


def as_tables(value: Mapping[str, Any], title: str, command: str) -> list[Table]:
    """Any JSON object as tables.

    Objects with the same keys become the columns of one table, a list of objects its rows, plain values a table of
    their own; whatever is nested deeper gets a table under its own name.
    """
    tables = []
    plain = {key: item for key, item in value.items() if isinstance(item, str | int | float | None)}
    flat: dict[str, Mapping[str, Value]] = {
        key: item for key, item in value.items() if isinstance(item, Mapping) and item and _is_flat(item)
    }
    if plain:
        rows = tuple((_words(key), item) for key, item in plain.items())
        tables.append(Table(title=title, columns=("", "value"), rows=rows, command=command))
    if flat:
        names = list(dict.fromkeys(key for item in flat.values() for key in item))
        across = tuple((_words(name), *[item.get(name) for item in flat.values()]) for name in names)
        tables.append(Table(title=title, columns=("", *map(_words, flat)), rows=across, command=command))
    for key, item in value.items():
        if isinstance(item, Mapping) and key not in flat:
            tables += as_tables(item, f"{title}: {_words(key)}", command)
        elif isinstance(item, list) and item and all(isinstance(one, Mapping) and _is_flat(one) for one in item):
            columns = list(dict.fromkeys(name for one in item for name in one))
            cells = tuple(tuple(one.get(name) for name in columns) for one in item)
            heads = tuple(map(_words, columns))
            tables.append(Table(title=f"{title}: {_words(key)}", columns=heads, rows=cells, command=command))
    return tables


def _is_flat(value: Mapping[str, Any]) -> bool:
    return all(isinstance(item, str | int | float | None) for item in value.values())


def _words(key: str) -> str:
    return str(key).replace("_", " ")


def run(part: Part, console: Console) -> dict[str, Any]:
    """Run ``part``, its output and progress shown as they come; what it printed as JSON, {} if it failed."""
    command = [sys.executable, "-m", part.module, *part.arguments, "--json"]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True, encoding="utf-8") as child:
        watch = threading.Timer(part.limit, child.kill)
        watch.start()
        held = ""
        assert child.stdout is not None
        for line in child.stdout:
            if line.startswith("{"):
                held = line
            else:
                console.out(line.rstrip("\n"), highlight=False)
        code = child.wait()
        watch.cancel()
    if code:
        console.print(f"{part.command} ended with {code}", style="red", markup=False)
    return last_json(held)


def versions() -> dict[str, str]:
    """Versions of what is measured and of what it is measured against."""
    found = dict(peers.versions())
    for package in ("heliograph", "trafilatura", "readability-lxml", "resiliparse", "selectolax", "brotli", "Pillow"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    for tool in ("/usr/sbin/nginx", "/usr/bin/nginx"):
        if Path(tool).exists():
            found["nginx"] = measure([tool, "-v"], limit=20).err.strip().rpartition("/")[2]
            break
    return found


def write(root: Path, found: Sequence[Section], on: str, numbers: Mapping[str, str]) -> list[str]:
    """Write the document and the README's table; what could not be written, and why."""
    wrong = []
    inner = document(found, on, numbers)
    lines = figures([figure for section in found for figure in section.figures])
    for path, marker, text, new in (
        (root / "docs" / "benchmarks.md", "benchmarks", inner, _NEW_DOCUMENT),
        (root / "README.md", "figures", lines, ""),
    ):
        try:
            write_between(path, marker, text, new=new)
        except ValueError as error:
            wrong.append(str(error))
    return wrong


def main() -> int:
    """Run what is asked for; 1 if a part failed or a document could not be written."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(part.name for part in PARTS))
    parser.add_argument("--full", action="store_true", help="also the site of 10,000 stories")
    parser.add_argument("--no-write", action="store_true", help="leave the documents alone")
    args = parser.parse_args()
    unknown = set(args.names) - {part.name for part in PARTS}
    if unknown:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    chosen = [
        part for part in PARTS if part.name in args.names or (not args.names and (args.full or not part.full_only))
    ]
    date = f"{datetime.now(UTC):%Y-%m-%d}"  # noqa: TID251 - a command, the only place where the clock is read
    console, results = Console(width=80, highlight=False), work_folder() / "results"
    results.mkdir(exist_ok=True)
    failed = []
    for place, part in enumerate(chosen, 1):
        console.rule(f"{place}/{len(chosen)} {part.title}")
        value = run(part, console)
        if not value:
            failed.append(f"{part.name} gave no figures")
            continue
        kept = [to_plain(section) for section in sections(part, value, date)]
        (results / f"{part.name}.json").write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
    if not args.no_write:
        files = [file for part in PARTS if (file := results / f"{part.name}.json").exists()]
        found = [from_plain(section) for file in files for section in json.loads(file.read_text(encoding="utf-8"))]
        failed += write(_ROOT, found, machine(), versions())
    for line in failed:
        console.print(line, style="red", markup=False, soft_wrap=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
