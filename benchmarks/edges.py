"""What kill -9 and a failing provider do to addresses while the pool raises and retires them: a table of ``hurt``.

The provider is the lab's strict CloudFront: it deletes nothing that is on or on its way, knows each version by its
ETag, and makes one address for one reference. Addresses go up, are told, and go down again; ``mirrors rotate`` is
killed at random moments and while a certain call is under way, which the provider then does although nobody waits for
the answer any more. After each blow everything that stands there, and costs, must stand in the journal, too. Then
rounds without a blow must bring the pool to what was asked for.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.cli.room import configured
from tests.cli.test_commands import STORY

from benchmarks import fronts
from benchmarks.clouds import FAULTS, PLACE, Provider, provider
from benchmarks.report import Value
from benchmarks.rooms import Room
from benchmarks.sites import BenchError
from heliograph.cli.wiring import open_journal
from heliograph.config import load
from heliograph.lab.world import Process
from heliograph.model import Source
from heliograph.model.mirror import Phase

COLUMNS: Final = (
    "host", "blow", "blows", "raised", "retired", "looks at what stands", "unknown to the journal", "next rounds right",
    "left and costs",
)  # fmt: skip
CALLS: Final = (
    "CreateDistribution", "GetDistribution", "UpdateDistribution", "DeleteDistribution", "ListDistributions",
)  # fmt: skip
NOTES: Final = (
    "killed at random moments and while each kind of call is under way, which is then done all the same",
    "left and costs: distributions that stand when all was taken down; one that is switched off counts, too",
)
OVER: Final = ("gone", "lost")  # phases of what costs nothing
ROUNDS: Final = 12  # without a blow, until the pool must be as was asked for
WANTED: Final = "\nmin_live = 2\nspares = 1\nmost_a_day = 500\nmost_a_month = 5_000\n"


@dataclass(slots=True, kw_only=True)
class Row:
    """What became of the addresses under one kind of blow."""

    blow: str
    wanted: int
    blows: int = 0
    raised: int = 0
    retired: int = 0
    looks: int = 0
    unknown: list[str] = field(default_factory=list)  # addresses that stand, of which the journal knows nothing
    right: int = 0  # runs of rounds without a blow that ended as was asked for
    after: int = 0
    left: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether nothing ever stood that nobody knew, all came right, and nothing is left."""
        return bool(self.blows) and not self.unknown and not self.left and self.right == self.after > 0

    def cells(self) -> tuple[Value, ...]:
        """As a row of the table."""
        return (
            "cloudfront", self.blow, self.blows, self.raised, self.retired, self.looks, len(self.unknown),
            f"{self.right} of {self.after}", len(self.left),
        )  # fmt: skip


class Series:
    """A pool, a provider, and one blow after the other."""

    def __init__(self, room: Room, given: Provider, row: Row) -> None:
        self.room, self.given, self.row = room, given, row
        self.chance = random.Random(f"20261126 {row.blow}")
        self.up = True  # whether addresses are to go up, or down

    @property
    def command(self) -> list[str]:
        """What makes a round."""
        return [sys.executable, "-m", "heliograph", "mirrors", "rotate", "--json", "--config", str(self.room.config)]

    def standing(self) -> dict[str, str]:
        """All that costs: what became of it, by its name."""
        return {one["reference"].partition("/")[2]: one["status"] for one in self.given.distributions}

    def noted(self) -> dict[str, Phase]:
        """The addresses of the journal that are not over: what phase each is in, by its name."""
        with open_journal(load(self.room.config)) as journal:
            return {one.name: one.phase for one in journal.pool() if one.host and one.phase not in OVER}

    def look(self) -> None:
        """Whatever stands, the journal must know."""
        known = self.noted().keys()
        self.row.looks += 1
        self.row.unknown += sorted(set(self.standing()) - known)

    def turn(self) -> None:
        """What was asked for is so: now the other way."""
        if self.up:
            fronts.retire(self.room, WANTED)
        else:
            fronts.want(self.room, WANTED, fronts.NO_MORE)
        self.up = not self.up

    def is_so(self) -> bool:
        """Whether the pool is as was asked for, at the provider as in the journal."""
        phases = sorted(self.noted().values())
        there = self.standing()
        if self.up:
            return phases == ["live", "spare"] and sorted(there.values()) == ["Deployed"] * 2
        return not phases and not there

    def mend(self) -> None:
        """Rounds without a blow, until all is as was asked for."""
        row = self.row
        row.after += 1
        told: dict[str, Any] = {}
        for _ in range(ROUNDS):
            if self.is_so():
                row.right += 1
                row.raised += 2 * self.up
                row.retired += 2 * (not self.up)
                self.turn()
                return
            told = json.loads(self.room.run(self.command).stdout or b"{}")
        row.wrong.append(f"{self.noted()} {self.given.distributions} {told.get('problems')}")

    def close(self) -> Row:
        """The end of it: all goes down, and what then stands is left."""
        if self.up:
            fronts.retire(self.room, WANTED)
            self.up = False
        for _ in range(ROUNDS):
            if self.is_so():
                break
            self.room.run(self.command)
        self.row.left = sorted(self.standing())
        return self.row


def killed(series: Series) -> None:
    """Kill a round: every third time at a random moment, else while a call is under way."""
    row, given = series.row, series.given
    started = time.monotonic()
    series.room.run(series.command)
    span, turns = time.monotonic() - started, 0
    while row.blows < row.wanted and turns < 6 * row.wanted:
        operation = "" if turns % 3 == 2 else CALLS[(turns - turns // 3) % len(CALLS)]
        turns += 1
        if operation:
            given.ask("hold", operation=operation)
        run = given.world.spawn(PLACE, series.command)
        hit = _held(given, run) if operation else _late(run, series.chance.uniform(0.5 * span, span))
        given.ask("mend")
        given.ask("open")
        while given.ask("state")["waiting"]:
            time.sleep(0.01)
        row.blows += hit
        series.look()
        if turns % 3 == 0 or series.is_so():  # some blows fall on what others left
            series.mend()


def _held(given: Provider, run: Process) -> bool:
    """Kill once the call waits at the provider."""
    while run.poll() is None:
        if given.ask("state")["waiting"]:
            run.kill()
            run.wait()
            return True
        time.sleep(0.01)
    run.wait()
    return False


def _late(run: Process, moment: float) -> bool:
    """Kill at a moment, unless it is over before."""
    until = time.monotonic() + moment
    while run.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    hit = run.poll() is None
    run.kill()
    run.wait()
    return hit


def failing(series: Series) -> None:
    """A round in which the provider fails one or some calls, in one of its ways."""
    row, given, turns = series.row, series.given, 0
    while row.blows < row.wanted and turns < 6 * row.wanted:
        fault = sorted(FAULTS)[turns % len(FAULTS)]
        # boto3 asks four times: so many are not noticed, more are
        given.ask("fail", operation=series.chance.choice(CALLS), fault=fault, times=series.chance.choice([1, 6]))
        turns += 1
        before = _failures(given)
        series.room.run(series.command)
        given.ask("mend")
        row.blows += _failures(given) > before
        series.look()
        if turns % 3 == 0 or series.is_so():
            series.mend()


def _failures(given: Provider) -> int:
    codes = {"dropped", "Throttling", "503"}
    return sum(count for _, code, count in given.ask("state")["asked"] if code in codes)


def _base(folder: Path) -> Room:
    """A small newsroom whose texts lie in a folder: from the provider's network no other is reached."""
    texts = folder / "texts"
    texts.mkdir(parents=True)
    for day in range(3):
        (texts / f"story-{day}.md").write_text(STORY.format(title=f"Новость {day}", day=day), encoding="utf-8")
    base = Room(folder=folder / "room")
    configured(base.folder, "", Source(kind="folder", url=texts.as_uri()))
    base.publish()
    return base


def rows(work: Path, kills: int) -> list[Row]:
    """Both kinds of blows, each at a provider of its own. Raises BenchError and LabError where it cannot be had."""
    found, base = [], _base(work / "base")
    for blow, strike in (("kill -9", killed), ("dropped, done, throttled, 503", failing)):
        at = work / f"{len(found)}"
        with provider(at / "provider") as given:
            room = fronts.room_at(base, given, at / "room", WANTED)
            try:
                room.publish()
                series = Series(room, given, Row(blow=blow, wanted=kills))
                strike(series)
                found.append(series.close())
            except subprocess.TimeoutExpired as error:
                raise BenchError(f"a command took more than {error.timeout} s") from error
    return found
