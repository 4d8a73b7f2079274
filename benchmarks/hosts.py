"""One release on every kind of place: what it costs to bring it there, and what a stranger finds.

    python -m benchmarks.hosts [--stories 1000] [--only folder,s3] [--faults] [--kills 10] [--json]

A release of a synthetic site is made and signed once; each place gets it by ``heliograph publish``, then once more with
nothing changed, then with one story corrected, and is read by ``heliograph verify`` at its public address each time.
CloudFront is the lab's, by name and certificate, in front of a bucket; the onion service is in a Tor network of its
own. Seconds are of whole commands on loopback: they tell what kinds of places cost beside each other, not what a line
to another continent costs. ``--faults`` shows instead what kill -9 and failing hosts do to each kind (``hurt.py``).
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks import fronts, hurt
from benchmarks.places import KINDS, place
from benchmarks.report import Figure, Section, Table, Value, show, to_plain
from benchmarks.rooms import Room, begun, frozen, said
from benchmarks.sites import BenchError, Site, make, one_story_changed, served
from heliograph.lab.world import LabError

COLUMNS: Final = (
    "place", "files", "first: writes", "first: s", "verify", "again: writes", "one story: writes", "one story: s",
    "verify again",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What became of one place."""

    kind: str
    files: int
    writes: tuple[int, int, int]  # of the first pass, of one without change, of one with a corrected story
    seconds: tuple[float, float]  # of the first, and of the last
    verdicts: tuple[str, str]  # by the public address, after the first and after the last

    @property
    def ok(self) -> bool:
        """Whether it is as it must be."""
        return self.verdicts == ("verified", "verified") and self.writes[1] == 0

    def cells(self) -> tuple[Value, ...]:
        """As a row of the table."""
        first, again, changed = self.writes
        return (
            self.kind, self.files, first, self.seconds[0], self.verdicts[0], again, changed, self.seconds[1],
            self.verdicts[1],
        )  # fmt: skip


def measured(kind: str, base: Room, site: Site, work: Path) -> Row:
    """Bring the release of ``base`` to a new place of this kind, and on."""
    if kind == fronts.FRONT:
        return Row(kind="cloudfront, s3", **fronts.measured(base, site, work))
    with place(kind, work / "place") as at:
        room = base.copy(work / "room", at.table)
        writes: list[int] = []
        seconds: list[float] = []

        def one_pass() -> None:
            before = at.stamps() if at.stamps else {}
            done = room.publish()
            seconds.append(done.seconds)
            if at.stamps:
                writes.append(sum(before.get(name) != stamp for name, stamp in at.stamps().items()))
            else:
                writes.append(done.writes("first"))

        one_pass()
        files, first = len(at.held()), said(room, room.verify(at.url, at.socks))
        one_pass()
        with one_story_changed(site):
            one_pass()
            last = said(room, room.verify(at.url, at.socks))
    return Row(
        kind=kind,
        files=files,
        writes=(writes[0], writes[1], writes[2]),
        seconds=(seconds[0], seconds[2]),
        verdicts=(first, last),
    )


def table(rows: Sequence[Row], site: Site, missing: Sequence[str], command: str) -> Table:
    """All places side by side."""
    notes = [f"not measured: {one}" for one in missing]
    notes.append("writes are files for a folder, objects or renames for servers, commits for git")
    return Table(
        title=f"One release of {site.stories:,} stories on every kind of place",
        columns=COLUMNS,
        rows=tuple(row.cells() for row in rows),
        command=command,
        notes=tuple(notes),
    )


def figure(rows: Sequence[Row], site: Site, command: str) -> Figure:
    """The line of the README."""
    good = sum(row.ok for row in rows)
    return Figure(
        what=f"one release of {site.stories:,} stories on every kind of place: whole by its public address",
        value=f"{good} of {len(rows)}, {sum(row.writes[1] for row in rows)} writes where nothing changed",
        goal="all, 0",
        beside="",
        command=command,
    )


def places(args: argparse.Namespace, wanted: Sequence[str], command: str, progress: Console) -> tuple[Section, bool]:
    """The table of places; whether all is as it must be."""
    rows, missing = list[Row](), list[str]()
    site = make(args.stories, pictures=False)
    work = Path(tempfile.mkdtemp(prefix="heliograph-hosts-"))
    try:
        with frozen(work / "code"), served(site):
            base = begun(work / "base", f"{site.base}/sitemap.xml")
            for kind in wanted:
                try:
                    rows.append(measured(kind, base, site, work / kind))
                except (BenchError, LabError, OSError) as error:
                    missing.append(f"{kind}: {error}")
                    progress.print(missing[-1], style="red", markup=False, soft_wrap=True)
                    continue
                progress.print(*map(str, rows[-1].cells()), markup=False, soft_wrap=True)
                shutil.rmtree(work / kind, ignore_errors=True)
        tables = [table(rows, site, missing, command)]
        if fronts.FRONT in wanted:
            tables.append(fronts.addresses(command))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    found = Section(name="Places", date=args.date, tables=tuple(tables), figures=(figure(rows, site, command),))
    return found, not missing and all(row.ok for row in rows)


def main() -> int:
    """Measure and print; 1 if a place is not as it must be, or could not be had."""
    args = _arguments()
    kinds = (*hurt.KINDS, hurt.LAB) if args.faults else (*KINDS, fronts.FRONT)
    wanted = [kind for kind in kinds if not args.only or kind in args.only.split(",")]
    command = "python -m benchmarks.hosts " + " ".join(sys.argv[1:])
    command = command.replace(" --json", "").replace(f" --date {args.date}", "").strip()
    console, progress = Console(width=80, highlight=False), Console(stderr=True, highlight=False)
    try:
        if args.faults:
            section, ok = hurt.section(wanted, args.kills, args.date, command, progress)
        else:
            section, ok = places(args, wanted, command, progress)
    except BenchError as error:
        progress.print(f"error {error}", style="red", markup=False)
        return 1
    for one in section.tables:
        show(one, console)
    if args.json:
        print(json.dumps({"sections": [to_plain(section)]}, ensure_ascii=False))
    return 0 if ok else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=int, default=1_000, help="size of the site")
    kinds = ", ".join((*KINDS, fronts.FRONT))
    parser.add_argument("--only", default="", help=f"kinds, with commas: {kinds}; with --faults {hurt.LAB}, too")
    parser.add_argument("--faults", action="store_true", help="what kills and failing hosts do, instead")
    parser.add_argument("--kills", type=int, default=10, help="with --faults: kills and faults for each kind")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--date", default="", help="the date to put beside the figures")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
