"""Proves that every file of a mirror keeps the byte budget, by reading each of them as a reader's browser would.

    python -m benchmarks.budget MIRROR_FOLDER [--json]

A mapped file (``index.html``, ``404.html``, ``robots.txt``, ``feed.xml``, ``favicon.ico`` and all below ``a/``) is in
order when

* a text has both encodings beside it; brotli and headers are at most 6,144 B, gzip and headers at most 7,168 B;
* a picture, which has no encodings, is with its headers at most 6,144 B;
* the file and its encodings are multiples of 1,024 B, and each encoding decodes to exactly the file's bytes.

A content copy is judged by its encodings as its page is, and ``now`` by its own, which need no padding. Other files of
the mirror are held to 6,144 B as they are. Hidden ones are not served and not read. Exit code 1, naming
each file that is not in order.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import brotli
from rich.console import Console

from benchmarks.frame import tree
from benchmarks.report import Figure, Section, Table, show, to_plain
from heliograph.model.edition import BUCKET, GZIP_WIRE, HEADER_ALLOWANCE, WIRE_BUDGET

_ROOT = frozenset({"index.html", "404.html", "robots.txt", "feed.xml", "favicon.ico"})
_BUNDLE = "now"
_TEXT = frozenset({"html", "css", "txt", "xml", "json", "svg", "webmanifest"})
_PADDED = _TEXT | {"jpg", "jpeg", "png", "gif", "webp", "ico", "avif"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """One file: what it costs on the wire, headers included, and what is wrong with it."""

    path: str
    wire: int  # bytes as browsers get it over HTTPS
    gzip_wire: int  # bytes over plain HTTP; 0 where there is no encoding
    plain: int  # bytes as it lies there
    mapped: bool
    faults: tuple[str, ...] = ()


def check(folder: Path) -> Iterator[Checked]:
    """Every file of the mirror in ``folder`` that a reader can ask for, sorted by path."""
    names = {path for path in tree(folder).files if not path.startswith(".") and "/." not in path}
    for path in sorted(names):
        stem, _, ending = path.rpartition(".")
        if ending in {"br", "gz"} and stem in names:
            continue
        if path in _ROOT or path.startswith("a/"):
            yield _mapped(folder, path, names)
        elif f"{path}.br" in names:
            yield _encoded(folder, path)
        else:
            size = os.path.getsize(folder / path)  # noqa: PTH202 - as quick as it gets, 60,000 times
            faults = (f"{size:,} B of its own",) if size + HEADER_ALLOWANCE > WIRE_BUDGET else ()
            yield Checked(path=path, wire=size + HEADER_ALLOWANCE, gzip_wire=0, plain=size, mapped=False, faults=faults)


def _mapped(folder: Path, path: str, names: set[str]) -> Checked:
    body = (folder / path).read_bytes()
    ending = path.rpartition(".")[2]
    faults = []
    if ending in _PADDED and len(body) % BUCKET:
        faults.append(f"{len(body):,} B, not a multiple of {BUCKET:,}")
    if ending not in _TEXT:
        wire = len(body) + HEADER_ALLOWANCE
        if wire > WIRE_BUDGET:
            faults.append(f"{wire:,} B on the wire, over {WIRE_BUDGET:,}")
        return Checked(path=path, wire=wire, gzip_wire=0, plain=len(body), mapped=True, faults=tuple(faults))
    wires = []
    for suffix, limit in (("br", WIRE_BUDGET), ("gz", GZIP_WIRE)):
        if f"{path}.{suffix}" not in names:
            faults.append(f"has no .{suffix}")
            wires.append(0)
            continue
        packed = (folder / f"{path}.{suffix}").read_bytes()
        wires.append(len(packed) + HEADER_ALLOWANCE)
        faults += _encoding_faults(suffix, packed, body, limit)
    return Checked(path=path, wire=wires[0], gzip_wire=wires[1], plain=len(body), mapped=True, faults=tuple(faults))


def _encoded(folder: Path, path: str) -> Checked:
    """A content copy, or the bundle of metadata: what travels is an encoding."""
    body = (folder / path).read_bytes()
    faults: list[str] = []
    wires = []
    for suffix, limit in (("br", WIRE_BUDGET), ("gz", GZIP_WIRE)):
        packed = (folder / f"{path}.{suffix}").read_bytes()
        wires.append(len(packed) + HEADER_ALLOWANCE)
        faults += _encoding_faults(suffix, packed, body, limit, padded=path != _BUNDLE)
    return Checked(path=path, wire=wires[0], gzip_wire=wires[1], plain=len(body), mapped=False, faults=tuple(faults))


def _encoding_faults(suffix: str, packed: bytes, body: bytes, limit: int, *, padded: bool = True) -> Iterator[str]:
    wire = len(packed) + HEADER_ALLOWANCE
    if wire > limit:
        yield f".{suffix}: {wire:,} B on the wire, over {limit:,}"
    if padded and len(packed) % BUCKET:
        yield f".{suffix}: {len(packed):,} B, not a multiple of {BUCKET:,}"
    try:
        same = (brotli.decompress(packed) if suffix == "br" else gzip.decompress(packed)) == body
    except (brotli.error, OSError, EOFError) as error:
        yield f".{suffix}: does not decode: {error}"
        return
    if not same:
        yield f".{suffix}: decodes to other bytes than the file"


def section(found: Sequence[Checked], command: str, date: str, name: str = "Byte budget") -> Section:
    """What ``check`` found as tables and the README's line."""
    mapped = [one for one in found if one.mapped]
    texts = [one for one in mapped if one.gzip_wire]
    largest = max(mapped, key=lambda one: (one.wire, one.plain), default=None)
    faulty = [one for one in found if one.faults]
    rows = [_spread("as browsers get it", [one.wire for one in mapped], WIRE_BUDGET)]
    rows.append(_spread("gzip, plain HTTP", [one.gzip_wire for one in texts], GZIP_WIRE))
    notes = [
        f"{len(mapped):,} mapped files, {len(found) - len(mapped):,} others; {len(faulty):,} not in order",
        f"largest: {largest.path}, {largest.wire:,} B on the wire" if largest else "no mapped file",
    ]
    buckets = Counter(-(-(one.wire - HEADER_ALLOWANCE) // BUCKET) for one in mapped)
    spread = tuple((f"{size} KiB", count, f"{count / len(mapped):.1%}") for size, count in sorted(buckets.items()))
    tables = (
        Table(
            title=f"Bytes on the wire, {HEADER_ALLOWANCE} B of headers included",
            columns=("", "files", "median", "95 %", "largest", "budget"),
            rows=tuple(rows),
            command=command,
            notes=tuple(notes),
        ),
        Table(title="Bodies by size", columns=("body", "files", "share"), rows=spread, command=command),
    )
    figure = Figure(
        what=f"largest response of {len(mapped):,} files, headers included",
        value=f"{largest.wire:,} B ({largest.path})" if largest else "-",
        goal=f"<= {WIRE_BUDGET:,} B",
        beside="",
        command=command,
    )
    return Section(name=name, date=date, tables=tables, figures=(figure,))


def _spread(what: str, sizes: Sequence[int], budget: int) -> tuple[str | int, ...]:
    if not sizes:
        return (what, 0, 0, 0, 0, budget)
    ordered = sorted(sizes)
    p95 = ordered[min(len(ordered) - 1, len(ordered) * 95 // 100)]
    return (what, len(ordered), int(statistics.median(ordered)), p95, ordered[-1], budget)


def main() -> int:
    """Check a mirror; 1 if a file is not in order or there is none."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="MIRROR_FOLDER")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--date", default="", help="the date to put beside the figures")
    args = parser.parse_args()
    console = Console(width=80, highlight=False)
    with Console(stderr=True).status(f"reading {args.folder}"):
        found = list(check(args.folder))
    result = section(found, f"python -m benchmarks.budget {args.folder}", args.date)
    for table in result.tables:
        show(table, console)
    faulty = [one for one in found if one.faults]
    for one in faulty[:50]:
        console.print(f"{one.path}: {'; '.join(one.faults)}", style="red", markup=False, soft_wrap=True)
    if len(faulty) > 50:
        console.print(f"... and {len(faulty) - 50:,} more", style="red")
    if not found:
        console.print(f"{args.folder}: no files there", style="red")
    if args.json:
        print(json.dumps({**to_plain(result), "faulty": [one.path for one in faulty]}, ensure_ascii=False))
    return 1 if faulty or not found else 0


if __name__ == "__main__":
    sys.exit(main())
