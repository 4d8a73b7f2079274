"""What kill -9 and failures do to a delivery to the lab's strict store of objects: rows of ``hurt``.

It fails a request in every way there is: refused, done though it said refused, busy, busy though done, and the process
ends before or after it was done; and its listings lag by up to forty requests. After each change it looks by itself
whether all that a pointer leads to is there. It lives in memory, so this is a delivery within one process, and a kill
is one for the delivery only: the notes of a process that was killed are not written.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Final, NamedTuple

from tests.adapters.hosts.history import History, history
from tests.adapters.hosts.test_objects import Mirror, run

from heliograph.adapters.hosts.objects import BusyError
from heliograph.adapters.journal import SqlJournal
from heliograph.lab.buckets import Fault, FaultyBin
from heliograph.model import paths

LAGS: Final = (0, 1, 7, 40)  # requests that a listing lags behind


class Way(NamedTuple):
    """A kind of blow."""

    name: str
    faults: tuple[Fault, ...]
    most: int  # of them in a row


WAYS: Final = (
    Way("killed, before or after it was done", ("killed", "killed done"), 1),
    Way("refused, done, busy; late listings", ("refused", "done", "busy", "busy done"), 12),
)


class Result(NamedTuple):
    """What became of one kind of blow; see ``hurt.Row`` for the same words."""

    blow: str
    blows: int
    first: int
    midway: int
    looks: int
    doubts: list[str]
    right: int
    after: int
    left: list[str]


def results(work: Path, wanted: int) -> list[Result]:
    """Each kind of blow, so often."""
    (work / "made").mkdir(parents=True)
    blank = work / "journal.sqlite"
    with SqlJournal(f"sqlite:///{blank}", work):
        pass
    with history(work / "made", blank) as told:
        return [_result(told, work / f"{number}", way, wanted) for number, way in enumerate(WAYS)]


def _result(told: History, work: Path, way: Way, wanted: int) -> Result:
    chance = random.Random(f"20261126 {way.name}")
    blows = first = midway = looks = right = after = turns = 0
    doubts, left = list[str](), list[str]()

    def seen(bin_: FaultyBin) -> None:
        nonlocal looks
        looks += paths.POINTER in bin_.objects  # and what it leads to, the store itself has looked at

    while blows < wanted:
        turns += 1
        number, last = 0, len(told.moments) - 1
        mirror = Mirror(work / f"{turns}", FaultyBin(busy=BusyError, seen=seen))
        told.notes.clear()
        told.promise(mirror.bin)
        while number <= last and blows < wanted:
            before, bin_ = mirror.bin.files, mirror.bin
            quiet = chance.randrange(30)
            none: Fault = ""
            bin_.faults = [none] * quiet + [chance.choice(way.faults) for _ in range(chance.randint(1, way.most))]
            bin_.lag = chance.choice(LAGS)
            asked, whole = len(bin_.requests), True
            try:
                whole = run(told, mirror, number)
            except AssertionError as error:
                doubts.append(str(error))
            if len(bin_.requests) - asked > quiet:
                blows += 1
                first += not before
                midway += bin_.files not in (before, told.moments[number].files)
            bin_.faults, bin_.lag = [], 0
            if whole or chance.random() < 0.7:  # else the next blow falls on what this one has left
                after += 1
                wanted_files = told.moments[number].files
                if run(told, mirror, number) and bin_.files == wanted_files:
                    right += 1
                left += sorted(bin_.files.keys() - wanted_files.keys())
                number += 1
    return Result(way.name, blows, first, midway, looks, doubts, right, after, left)
