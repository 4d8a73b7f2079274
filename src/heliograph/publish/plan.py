"""The plan of one delivery."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from heliograph.model import paths
from heliograph.model.ledger import Change

_NEW, _LOG, _POINTERS, _BACK, _REPLACED, _ENDED = range(6)  # steps, each whole before the next


def plan(shown: int | None, done: int | None, newest: int) -> int | None:
    """Since which signing a mirror must be brought up to date; None when only a comparison of all files can tell.

    ``shown`` is the serial of the signing whose ``now`` the mirror has, ``done`` the last that was delivered to it
    whole: a delivery that was cut short after ``now`` shows more than it has.
    """
    if shown is None or done is None or max(shown, done) > newest:
        return None
    return min(shown, done)


def repair(edition: Iterable[Change], held: Mapping[str, str]) -> list[Change]:
    """The changes that turn a mirror holding ``held`` (name to digest) into ``edition``.

    A page that is in no edition of ours is removed: whoever could write there may have left it. Other names are left
    alone: a volunteer may keep other things in the same place.

    A mirror without ``now`` shows no release yet: all it lacks counts as new, what a first delivery that was cut short
    has left there included, so that its front page is not there before what it leads to is as it should be.
    """
    changes = []
    known = set()
    shows = paths.POINTER in held
    for wanted in edition:
        known.add(wanted.name)
        if wanted.gone:
            if wanted.name in held:
                changes.append(wanted)
        elif held.get(wanted.name) != wanted.digest:
            fresh = not shows or wanted.name not in held
            changes.append(Change(name=wanted.name, digest=wanted.digest, size=wanted.size, fresh=fresh))
    strange = [name for name in held if name not in known and not paths.fault(paths.plain_name(name))]
    return changes + [Change(name=name, digest="", size=0, fresh=False, gone=True) for name in strange]


def steps(changes: Sequence[Change]) -> list[list[Change]]:
    """``changes`` in the order of the release format, section "Publisher"; steps without any are left out."""
    sorted_in: list[list[Change]] = [[] for _ in range(_ENDED + 1)]
    for change in changes:
        sorted_in[_step(change)].append(change)
    for step in sorted_in:
        step.sort(key=lambda change: (paths.turn(change.name), change.name))
    return [step for step in sorted_in if step]


def _step(change: Change) -> int:
    if change.gone:
        return _ENDED
    if paths.plain_name(change.name) in (paths.TIMESTAMP, paths.POINTER):
        return _POINTERS
    if change.name == paths.CHECKPOINT:  # names all of the log, and no release may be shown that is not in it
        return _LOG
    if change.back:
        return _BACK  # what links to it is among what is replaced
    return _NEW if change.fresh or change.name.startswith("log/") else _REPLACED
