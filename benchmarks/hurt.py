"""What kill -9 and failing hosts do to each kind of place: the second table of ``hosts``.

A small newsroom publishes to a place and is killed at random moments, or the place fails it: requests are refused, done
though they were refused, answered with 500 or with "slow down", and lines are cut. After each blow a reader looks: what
is shown must be a release, the old one or the new one, whole. Then a run without a blow must end right, with nothing
left that costs. Chance is seeded, and moments are not: a busy machine is killed elsewhere.
"""

from __future__ import annotations

import posixpath
import random
import re
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import anyio
from rich.console import Console
from tests.cli.reader import serving
from tests.cli.room import configured
from tests.cli.test_kill import stir
from tests.links import relative_links

from benchmarks import edges, faulty, fronts, places
from benchmarks.blows import SPAN, cutting, failing
from benchmarks.places import Makes, Place, place
from benchmarks.report import Figure, Section, Table, Value
from benchmarks.rooms import Room, frozen
from benchmarks.sites import BenchError
from heliograph.adapters.reach import WebMirror
from heliograph.flows.verify import verify
from heliograph.lab.newsroom import Newsroom
from heliograph.lab.piece import Piece, pieces
from heliograph.lab.world import LabError
from heliograph.model import paths
from heliograph.model.release import Ask
from heliograph.trust.chain import State
from heliograph.trust.reader import Outcome

KINDS: Final[dict[str, Makes]] = {
    **{kind: make for kind, make in places.KINDS.items() if kind != "onion"},  # an onion service shows a folder
    fronts.FRONT: fronts.front,
}
LAB: Final = "objects"  # the lab's store of them, in memory
NOTES: Final = (
    "seen midway: blows after which the place had other files than before, and not yet those of the release",
    "git: a push that was cut off leaves parts in quarantine there, which only git gc of the host removes: it was run",
    "an onion service shows a folder; objects: the lab's strict store in memory, six releases of four stories",
    "cloudfront: a bucket, read through the edge and its cache; so are pages that the edge keeps from before a blow",
)
SEED: Final = 20261126
SAMPLE: Final = 8  # pages read after each blow beside the front page and what it links to
BORN: Final = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
COLUMNS: Final = (
    "place", "blow", "blows", "in first publish", "seen midway", "looks at a release", "half published",
    "next run right", "left over",
)  # fmt: skip
CUTS: Final = {"git": 60_000}  # bytes within which a line is cut: a push is small
COPIES: Final = 3  # of each sample story, so that a delivery takes long enough to be hit in its middle
SOON: Final = 0.3  # seconds within which a delivery is hit once it has begun
GLANCE: Final = 0.02  # seconds between two looks at what a place holds


@dataclass(slots=True, kw_only=True)
class Reader:
    """Who reads a place at its public address, believes only what verifies, and keeps what was seen."""

    url: str
    root: bytes
    state: State = field(default_factory=lambda: State(root=b""))
    release: int = 0
    looks: int = 0  # at which a release was shown
    doubts: list[str] = field(default_factory=list)

    def look(self, more: Sequence[str]) -> None:
        """Read the front page, what it links to and ``more``; note what is wrong."""
        anyio.run(self._look, sorted(more))

    async def _look(self, more: Sequence[str]) -> None:
        async with WebMirror(self.url) as mirror:
            shown = await mirror.get(Ask(mirror=0, name=paths.TIMESTAMP, limit=65_536))
            if shown.fate == "missing":
                if self.release:
                    self.doubts.append("the release is there no more")
                return
            front = await self._read(mirror, paths.FRONT)
            verdict = front.verdict
            if verdict.verdict != "verified" or (verdict.release or 0) < self.release:
                self.doubts.append(f"front page: {verdict.verdict} {verdict.code}, release {verdict.release}")
                return
            self.looks += 1
            self.release, self.state = verdict.release or 0, front.state
            linked = {paths.requested(posixpath.normpath(href)) for href in relative_links(front.body)} - {""}
            for page in sorted(linked | set(more)):
                found = (await self._read(mirror, page)).verdict
                if found.verdict != "verified" and (page in linked or found.verdict != "withdrawn"):
                    self.doubts.append(f"{page}: {found.verdict} {found.code} {found.what}")

    async def _read(self, mirror: WebMirror, page: str) -> Outcome:
        now = datetime.now(UTC)  # noqa: TID251 - commands run by the real clock, and so must their readers
        return await verify([mirror], page, self.state, self.root, now)


@dataclass(slots=True, kw_only=True)
class Row:
    """What became of one place under one kind of blow."""

    kind: str
    blow: str
    wanted: int
    blows: int = 0
    first: int = 0  # of them before the first run that was whole
    midway: int = 0  # of them after which a place had other files than before, and not yet those of the release
    right: int = 0  # runs after a blow that ended right
    after: int = 0
    left: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    looks: int = 0
    doubts: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing was half published, every next run ended right, and nothing is left."""
        clean = not self.doubts and not self.left and not self.wrong
        return self.blows >= self.wanted and clean and self.right == self.after > 0

    def cells(self) -> tuple[Value, ...]:
        """As a row of the table."""
        right = f"{self.right} of {self.after}"
        return (
            self.kind, self.blow, self.blows, self.first, self.midway, self.looks, len(self.doubts), right,
            len(self.left),
        )  # fmt: skip


class Series:
    """A newsroom, a place, and one blow after the other."""

    def __init__(self, room: Room, at: Place, newsroom: Newsroom, row: Row) -> None:
        self.room, self.at, self.newsroom, self.row = room, at, newsroom, row
        self.chance = random.Random(f"{SEED} {row.kind} {row.blow}")
        self.now, self.spare = BORN, [replace(piece) for piece in list(pieces(BORN))[-3:]]
        self.reader = Reader(url=at.url, root=room.root.read_bytes())
        self.whole, self.turns = False, 0
        self.before = at.held()

    def stir(self) -> None:
        """Something new for the next pass."""
        self.now += timedelta(minutes=3)
        stir(self.newsroom, self.spare, self.chance, self.now)

    def blow(self, *, hit: bool) -> None:
        """A pass is over that was hit, or was not: a reader looks, and perhaps a whole run follows."""
        self.turns += 1
        self.row.blows += hit
        self.row.first += hit and not self.whole
        held = self.at.held()
        self.row.midway += hit and held not in (self.before, self.room.files(self.at))
        there = sorted(name for name in held if not paths.fault(name))
        self.reader.look(self.chance.sample(there, min(SAMPLE, len(there))))
        # blows on the first publish follow each other for a while, each where the one before it left off
        if hit and not self.whole and self.turns < self.row.wanted // 2:
            self.before = held
            return
        self.mend()
        self.stir()
        self.before = self.at.held()

    def mend(self) -> None:
        """A run without a blow, and what it must have brought about."""
        self.row.after += 1
        try:
            self.room.publish()
            self.whole = True
            self.at.forget()
            code, told = self.room.verify(self.at.url)
        except BenchError as error:
            self.row.wrong.append(str(error))
            return
        held, wanted = self.at.held(), self.room.files(self.at)
        self.row.left += sorted(held - wanted)
        absent = sorted(wanted - held)
        if code == 0 and told["release"] == self.room.release and not absent:
            self.row.right += 1
        else:
            self.row.wrong.append(f"{told['verdict']} {told['code']} {told['what']}, {absent[:3]} absent")
        self.reader.look([])

    def close(self) -> Row:
        """The end of it."""
        if not self.row.after:
            self.mend()
        self.at.tidy()
        self.row.left += self.at.more()
        self.row.looks, self.row.doubts = self.reader.looks, self.reader.doubts
        return self.row


def killed(series: Series, span: float) -> None:
    """Kill the publisher, as often as is wanted, or twice that many passes.

    Every other time at a random moment, and else a random moment after the place has first been seen to change.
    ``span`` is how many seconds a pass takes that has nothing to do.
    """
    row, ended = series.row, threading.Event()
    while row.blows < row.wanted and series.turns < 2 * row.wanted:
        started = time.monotonic()
        run = subprocess.Popen(series.room.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        ended.clear()
        if series.turns % 2 == 0:
            killer = threading.Thread(target=_once_changed, args=(series, run, ended))
        else:
            killer = threading.Thread(target=_after, args=(series.chance.uniform(0.5 * span, span), run, ended))
        killer.start()
        _, complaint = run.communicate(timeout=600)
        ended.set()
        killer.join()
        if run.returncode == 0:  # it was over before: less time for the next
            span, series.whole = max(0.8, time.monotonic() - started), True
        elif run.returncode != -9:
            row.wrong.append(complaint.decode()[-300:])
        series.blow(hit=run.returncode == -9)


def _once_changed(series: Series, run: subprocess.Popen[bytes], ended: threading.Event) -> None:
    at = series.at
    before = (at.held(), at.more())
    while (at.held(), at.more()) == before:
        if ended.wait(GLANCE):
            return
    _after(series.chance.uniform(0.0, SOON), run, ended)


def _after(seconds: float, run: subprocess.Popen[bytes], ended: threading.Event) -> None:
    if not ended.wait(seconds):
        run.kill()


@contextmanager
def troubled(
    kind: str, at: Place, work: Path, chance: random.Random
) -> Iterator[tuple[Place, threading.Event, list[int]]]:
    """``at`` behind a way that fails while the event is set; how often it did is counted in the list."""
    if kind in ("sftp", "rsync", "git"):
        (port,) = set(re.findall(r"port = (\d+)|127\.0\.0\.1:(\d+)/", at.table)[0]) - {""}
        known = Path(re.findall(r'known_hosts = "([^"]+)"', at.table)[0])
        with cutting(int(port), chance, CUTS.get(kind, SPAN)) as (near, on, count):
            text = known.read_text(encoding="utf-8")
            known.write_text(text + text.replace(f":{port} ", f":{near} "), encoding="utf-8")
            yield replace(at, table=at.table.replace(port, str(near))), on, count
        return
    (port,) = set(re.findall(r"http://127\.0\.0\.1:(\d+)", at.table))
    with failing(int(port), chance) as (near, on, count):
        yield replace(at, table=at.table.replace(f"127.0.0.1:{port}", f"127.0.0.1:{near}")), on, count


def _kind(
    kind: str, base: Room, newsroom: Newsroom, work: Path, kills: int, span: float, progress: Console
) -> list[Row]:
    rows = []
    with place(kind, work / "killed", KINDS) as at:
        series = Series(base.copy(work / "room", at.table), at, newsroom, Row(kind=kind, blow="kill -9", wanted=kills))
        killed(series, span)
        rows.append(series.close())
    if kind != "folder":
        chance = random.Random(f"{SEED} {kind} trouble")
        with place(kind, work / "failing", KINDS) as real, troubled(kind, real, work, chance) as (at, on, count):
            what = "line cut" if kind in ("sftp", "rsync", "git") else "refused, done, 500, slow down"
            row = Row(kind=kind, blow=what, wanted=kills)
            series = Series(base.copy(work / "troubled", at.table), at, newsroom, row)
            while row.blows < kills and series.turns < 2 * kills:
                before = count[0]
                on.set()
                series.room.run(series.room.command)
                on.clear()
                series.blow(hit=count[0] > before)
            rows.append(series.close())
    for row in rows:
        _tell(row.cells(), (*row.doubts[:3], *row.wrong[:3], *row.left[:5]), progress)
    return rows


def section(wanted: Sequence[str], kills: int, date: str, command: str, progress: Console) -> tuple[Section, bool]:
    """The tables of blows; whether all is as it must be."""
    rows, missing, addresses, size = list[Row](), list[str](), list[edges.Row](), ""
    work = Path(tempfile.mkdtemp(prefix="heliograph-hurt-"))
    try:
        with frozen(work / "code"):
            for kind in wanted:
                try:
                    if kind == LAB:
                        rows += _lab(work / kind, kills, progress)
                        continue
                    newsroom = Newsroom(_stories())
                    with serving(newsroom) as url:
                        base, span = _base(work / kind / "base", url)
                        size = size or _size(base, len(newsroom.pieces))
                        rows += _kind(kind, base, newsroom, work / kind, kills, span, progress)
                        if kind == fronts.FRONT:
                            addresses += _addresses(work / kind / "addresses", kills, progress)
                except (BenchError, LabError, OSError) as error:
                    missing.append(f"{kind}: {error}")
                    progress.print(missing[-1], style="red", markup=False, soft_wrap=True)
                shutil.rmtree(work / kind, ignore_errors=True)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    notes = [size] if size else []
    tables = [
        Table(
            title="Blows while publishing, and what came of them",
            columns=COLUMNS,
            rows=tuple(row.cells() for row in rows),
            command=command,
            notes=(*notes, *NOTES, *(f"not measured: {one}" for one in missing)),
        )
    ]
    if addresses:
        tables.append(
            Table(
                title="Blows while addresses are raised and retired, and what came of them",
                columns=edges.COLUMNS,
                rows=tuple(row.cells() for row in addresses),
                command=command,
                notes=edges.NOTES,
            )
        )
    ok = not missing and all(row.ok for row in rows) and all(row.ok for row in addresses)
    figures = _figures(rows, addresses, command)
    return Section(name="Places under blows", date=date, tables=tuple(tables), figures=figures), ok


def _stories() -> list[Piece]:
    """The sample stories but for a few that come later, several times each."""
    some = list(pieces(BORN))[:-3]
    copies = [replace(one, path=f"{one.path}-{number}") for number in range(1, COPIES) for one in some]
    return some + copies


def _base(folder: Path, url: str) -> tuple[Room, float]:
    """A newsroom that has published, and how many seconds a pass takes that has nothing to do."""
    base = Room(folder=folder)
    config = configured(folder, url)
    text = config.read_text(encoding="utf-8")
    assert "\n[edition]\n" in text
    config.write_text(text.replace("\n[edition]\n", "\n[edition]\npictures = false\n"), encoding="utf-8")
    base.publish()
    return base, base.publish().seconds


def _size(base: Room, stories: int) -> str:
    files = [path.stat().st_size for path in (base.folder / "mirrors" / "first").rglob("*") if path.is_file()]
    return f"the release: {stories} stories, {len(files):,} files with {sum(files) / 1e6:.1f} MB in a folder"


def _lab(work: Path, kills: int, progress: Console) -> list[Row]:
    """The strict store of the lab."""
    rows = []
    for one in faulty.results(work, kills):
        row = Row(kind=LAB, wanted=kills, **one._asdict())
        rows.append(row)
        _tell(row.cells(), (*row.doubts[:3], *row.left[:5]), progress)
    return rows


def _addresses(work: Path, kills: int, progress: Console) -> list[edges.Row]:
    """The life of addresses in front of a bucket."""
    rows = edges.rows(work, kills)
    for row in rows:
        _tell(row.cells(), (*row.unknown[:3], *row.wrong[:3], *row.left[:5]), progress)
    return rows


def _tell(cells: Sequence[Value], wrong: Sequence[str], progress: Console) -> None:
    progress.print(*map(str, cells), markup=False, soft_wrap=True)
    for line in wrong:
        progress.print(f"  {line}", style="red", markup=False, soft_wrap=True)


def _figures(rows: Sequence[Row], addresses: Sequence[edges.Row], command: str) -> tuple[Figure, ...]:
    """The line of the README."""
    if not rows or not addresses:
        return ()
    counts = [(row.blows, len(row.doubts), row.right, row.after, len(row.left)) for row in rows]
    counts += [(row.blows, len(row.unknown), row.right, row.after, len(row.left)) for row in addresses]
    blows, half, right, after, left = (sum(column) for column in zip(*counts, strict=True))
    value = f"{blows} blows: {half} half published, {right} of {after} next runs right, {left} left over"
    what = f"kill -9 and failing hosts, {len({row.kind for row in rows})} kinds of places and CloudFront's addresses"
    return (Figure(what=what, value=value, goal="0, all, 0", beside="", command=command),)
