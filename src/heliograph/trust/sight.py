"""What one mirror shows to somebody who watches over many: metadata, the reader's code and the release log, no pages.

A generator like ``audit``, and a part of it; new roots are asked of other mirrors, too, so that none can hide one.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from heliograph.model.release import Ask, Got, Verdict
from heliograph.trust import logcheck, note, readercode
from heliograph.trust.chain import Chain, State
from heliograph.trust.note import Checkpoint, LogPolicy
from heliograph.trust.reader import NO_ROOT
from heliograph.trust.refusal import RefusalError
from heliograph.trust.run import Run
from heliograph.trust.visit import Visit


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was seen. ``state`` is to be kept.

    ``shown`` is what the mirror shows that the newsroom's keys have signed, also where something else was refused;
    ``log`` is the log that its policy names, ``point`` how far that was found to be in order.
    """

    verdict: Verdict
    state: State
    shown: State | None = None
    log: LogPolicy | None = None
    point: Checkpoint | None = None


def look(state: State, pinned: bytes, hosts: Sequence[str], now: datetime) -> Generator[Ask, Got, Sight]:
    """Look at mirror 0 of ``hosts``; the others are asked for new roots only. ``state`` is what was kept of mirror 0.

    Never raises for anything a mirror does.
    """
    try:
        run = Run(state, pinned, hosts, now)
    except RefusalError as refusal:
        return Sight(verdict=Verdict(verdict="refused", code=refusal.code, what=NO_ROOT), state=state)
    return (yield from _Looking(run).go())


def is_sound(state: State, now: datetime) -> bool:
    """Whether ``state`` is one that a look can have left."""
    try:
        Chain(state, now)
        if state.checkpoint:
            note.opened(state.checkpoint)
    except RefusalError:
        return False
    return True


class _Looking:
    """One look at one mirror."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.shown: State | None = None
        self.log: LogPolicy | None = None
        self.checkpoint = b""

    def go(self) -> Generator[Ask, Got, Sight]:
        run = self.run
        try:
            visit = yield from self._visit()
            head = yield from visit.head()
            self.shown = run.kept(visit.chain)
            self.log = (yield from readercode.check(visit)).policy.log
            if self.log is not None:
                self.checkpoint = yield from logcheck.look(self.log, self.shown.head, run.state.checkpoint)
        except RefusalError as refusal:
            verdict = Verdict(verdict="refused", code=refusal.code, what=refusal.what)
            return Sight(verdict=verdict, state=run.kept_roots(), shown=self.shown, log=self.log)
        stale = visit.chain.stale
        verdict = Verdict(
            verdict="stale" if stale else "verified",
            release=head.release,
            time=head.time,
            stale=stale,
            warn=run.warnings(visit.chain),
        )
        kept = replace(self.shown, checkpoint=self.checkpoint or run.state.checkpoint)
        point = note.read_checkpoint(self.checkpoint, self.log) if self.log else None
        return Sight(verdict=verdict, state=kept, shown=self.shown, log=self.log, point=point)

    def _visit(self) -> Generator[Ask, Got, Visit]:
        """Mirror 0, with the newest root that any mirror shows."""
        yield from self.run.probe()
        if 0 in self.run.out:
            raise RefusalError("root-chain", "the next root is no root")
        return Visit(self.run.chain(), 0)
