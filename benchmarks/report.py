"""Tables and figures of the benchmarks, on the terminal and in the documents.

Rule 1: no figure without the command that repeats it. Rule 2: a document is changed only between its markers; a
document without them is left alone and the caller is told. Rule 3: the date is an argument.
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table as RichTable

Value = str | int | float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table of results. ``rows`` are as long as ``columns``; None prints as a dash."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    command: str  # repeats it
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the README's table."""

    what: str
    value: str
    goal: str
    beside: str  # what others do, "" where there is nothing to compare
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What one benchmark found on one day."""

    name: str
    date: str
    tables: tuple[Table, ...]
    figures: tuple[Figure, ...] = ()


def to_plain(section: Section) -> dict[str, Any]:
    """``section`` as JSON-ready values."""
    return asdict(section)


def from_plain(value: Mapping[str, Any]) -> Section:
    """The inverse of ``to_plain``. Raises KeyError or TypeError for anything else."""
    tables = tuple(
        Table(
            title=table["title"],
            columns=tuple(table["columns"]),
            rows=tuple(tuple(row) for row in table["rows"]),
            command=table["command"],
            notes=tuple(table["notes"]),
        )
        for table in value["tables"]
    )
    figures = tuple(Figure(**figure) for figure in value["figures"])
    return Section(name=value["name"], date=value["date"], tables=tables, figures=figures)


def number(value: Value) -> str:
    """``value`` with as many digits as are worth reading: 0.0123, 1.35, 12.6, 308, 10,000."""
    if value is None:
        return "-"
    if isinstance(value, str | bool):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    size = abs(value)
    if size >= 100 or value == 0:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 0.995:
        return f"{value:.2f}"
    return f"{value:.3g}"


def show(table: Table, console: Console) -> None:
    """Print ``table`` so that it fits 80 columns: heads wrap, and first columns where they must."""
    cells = [[number(value) for value in row] for row in table.rows]
    out = RichTable(title=table.title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for index, column in enumerate(table.columns):
        head = column.replace(" ", "\n")  # so that columns are as wide as their numbers
        out.add_column(head, justify="right" if index else "left", overflow="fold", vertical="bottom")
    for row in cells:
        out.add_row(*row)
    console.print(out)
    for note in table.notes:
        console.print(f"  {note}", style="dim", highlight=False)
    console.print(f"  {table.command}\n", style="dim", highlight=False)


def markdown(table: Table) -> str:
    """``table`` with its notes and its command."""
    lines = [
        f"### {table.title}",
        "",
        _row(table.columns),
        _row(["---", *["---:"] * (len(table.columns) - 1)]),
        *(_row([number(value) for value in row]) for row in table.rows),
        "",
        *(f"- {note}" for note in table.notes),
        *([""] if table.notes else []),
        f"Repeat: `{table.command}`",
        "",
    ]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def figures(found: Sequence[Figure]) -> str:
    """The README's table."""
    head = ["what", "measured", "goal", "beside it", "repeat"]
    rows = [[f.what, f.value, f.goal or "-", f.beside or "-", f"`{f.command}`"] for f in found]
    return "\n".join([_row(head), _row(["---"] * len(head)), *(_row(row) for row in rows)]) + "\n"


def document(sections: Sequence[Section], machine: str, versions: Mapping[str, str]) -> str:
    """The generated part of ``docs/benchmarks.md``."""
    lines = [f"Machine: {machine}.", ""]
    if versions:
        lines += ["Versions: " + ", ".join(f"{name} {version}" for name, version in sorted(versions.items())) + ".", ""]
    for section in sections:
        lines += [f"## {section.name}", "", f"Measured on {section.date}.", ""]
        lines += [markdown(table) for table in section.tables]
    return "\n".join(lines).rstrip() + "\n"


def between(text: str, marker: str, inner: str) -> str:
    """``text`` with what stands between ``<!-- marker -->`` and ``<!-- /marker -->`` replaced by ``inner``.

    Raises ValueError if the markers are not there exactly once, in this order.
    """
    first, last = f"<!-- {marker} -->", f"<!-- /{marker} -->"
    if text.count(first) != 1 or text.count(last) != 1 or text.index(first) > text.index(last):
        raise ValueError(f"needs the lines {first} and {last} once, in this order")
    head, rest = text.split(first)
    return f"{head}{first}\n{inner.rstrip()}\n{last}{rest.split(last)[1]}"


def write_between(path: Path, marker: str, inner: str, *, new: str = "") -> None:
    """``between`` on a file, replaced whole. ``new`` is the text of a file that is not there yet.

    Raises ValueError, naming the file, where the markers are missing or there is neither a file nor ``new``.
    """
    if not path.exists() and not new:
        raise ValueError(f"{path}: there is no such file")
    text = path.read_text(encoding="utf-8") if path.exists() else new
    try:
        result = between(text, marker, inner)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from None
    if result != text or not path.exists():
        part = path.with_name(f".{path.name}.part")
        part.write_text(result, encoding="utf-8")
        part.replace(path)


def machine() -> str:
    """This machine in a few words: processor, cores that may be used, memory, kernel, Python."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    info = Path("/proc/cpuinfo")
    found = re.search(r"model name\s*: (.+)", info.read_text(encoding="utf-8")) if info.exists() else None
    model = found[1].strip() if found else platform.machine()
    kernel = f"{platform.system()} {platform.release().split('-')[0]}"
    return f"{cores} cores of {model}, {memory:.0f} GB, {kernel}, Python {platform.python_version()}"
