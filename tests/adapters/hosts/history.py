"""A newsroom's first editions, made once: so that a test of mirrors delivers real changes without making them."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.flows.world import NOW, Silent, World, world

from heliograph.adapters.folder import Folder
from heliograph.adapters.journal import SqlJournal
from heliograph.config import Config
from heliograph.flows.bill import accounts
from heliograph.flows.deliver import Delivery, deliver, lacking
from heliograph.lab.buckets import FaultyBin
from heliograph.lab.piece import pieces
from heliograph.model import paths
from heliograph.model.mirror import Spent
from heliograph.ports import MirrorStore, Outside


@dataclass(frozen=True)
class Moment:
    """An edition: the journal and the stage of then, and what a mirror must hold."""

    journal: SqlJournal
    stage: Folder
    files: Mapping[str, bytes]  # page by name, encodings left out
    needs: Mapping[str, str]  # SHA-256 by name of what must be there before its pointer
    now: datetime


class Memory:
    """The journal of a moment, with the notes of a run."""

    def __init__(self, journal: SqlJournal, notes: dict[str, str]) -> None:
        self._journal, self._notes = journal, notes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._journal, name)

    def recall(self, key: str) -> str:
        return self._notes.get(key) or self._journal.recall(key)

    def note(self, key: str, value: str) -> None:
        self._notes[key] = value


@dataclass
class History:
    """The moments, in order."""

    moments: Sequence[Moment]
    keys: Any
    config: Config
    notes: dict[str, str] = field(default_factory=dict)

    def promise(self, bin_: FaultyBin) -> None:
        """Tell ``bin_`` what each edition's pointer needs."""
        for moment in self.moments:
            bin_.promise(sha256(moment.files["now"]).hexdigest(), moment.needs)

    async def deliver(self, number: int, mirror: MirrorStore) -> Delivery:
        """Bring ``mirror`` to the edition of a moment."""
        moment, before = self.moments[number], mirror.spent
        outside = self._outside(number, mirror)
        (delivery,) = await deliver(outside, accounts(outside, self.config, moment.now), "deliver")
        assert delivery.spent == mirror.spent - before
        return delivery

    async def asks(self, number: int, mirror: MirrorStore) -> Spent:
        """What the mirror says that its next delivery would ask of its host."""
        outside = self._outside(number, mirror)
        latest = outside.journal.latest()
        assert latest is not None
        return mirror.asks(await lacking(outside, mirror, latest, {}, begins=False))

    def _outside(self, number: int, mirror: MirrorStore) -> Outside:
        moment = self.moments[number]
        return Outside(
            sources=None,  # type: ignore[arg-type]
            journal=Memory(moment.journal, self.notes),  # type: ignore[arg-type]
            stage=moment.stage,
            keys=self.keys,
            mirrors=(mirror,),
            prober=None,  # type: ignore[arg-type]
            workers=None,  # type: ignore[arg-type]
            watcher=Silent(),
        )


def _edits(one: World) -> Iterator[Callable[[], None]]:
    """What happens between two editions."""
    spare = pieces(NOW)
    first, gone = one.newsroom.pieces[0], one.newsroom.pieces[2]
    yield lambda: None
    yield lambda: one.newsroom.publish(replace(spare[7], published=one.now, updated=one.now))
    yield lambda: one.newsroom.edit(first.path, one.now, title="Исправленный заголовок")
    yield lambda: one.newsroom.withdraw(gone.path)
    yield lambda: one.newsroom.publish(replace(gone, updated=one.now))  # it comes back as it was
    yield lambda: one.newsroom.edit(first.path, one.now, title=first.title)  # and this is what it was


@contextmanager
def history(place: Path, blank: Path) -> Iterator[History]:
    """Six editions of a newsroom of four stories."""
    (place / "world").mkdir()
    one = world(place / "world", blank, pieces(NOW)[:4], more="[edition]\npictures = false\n")
    moments: list[Moment] = []
    before: set[str] = set()
    with ExitStack() as stack:
        for number, edit in enumerate(_edits(one)):
            one.now += timedelta(hours=7)
            edit()
            report = one.publish()
            assert not report.failed, report.problems
            then = place / f"{number}"
            shutil.copytree(one.config.state_folder, then)
            files = {name: data for name, data in one.mirrors[0].files.items() if paths.plain_name(name) == name}
            needs = {
                name: sha256(data).hexdigest()
                for name, data in files.items()
                if (paths.is_reserved(name) or name not in before) and name != paths.POINTER
            }
            needs.pop(paths.TIMESTAMP, None)  # goes beside it
            before |= files.keys()
            journal = stack.enter_context(SqlJournal(f"sqlite:///{then / 'journal.sqlite'}", then))
            moments.append(Moment(journal, Folder(then / "edition"), files, needs, one.now))
        yield History(moments, one.keys, one.config)
