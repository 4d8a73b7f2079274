"""The plan of one delivery, and the pointer file that says which edition a mirror holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from heliograph.model import Issue
from heliograph.model.ledger import Change

POINTER = "now"  # its name on a mirror; release format, section 2
MAX_POINTER = 16_384  # bytes read of one; release format, section 10
FRONT = "index.html"
_LINES = re.compile(
    rb"edition/0\nrelease (\d{1,15})\ntime (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)\nstories (\d{1,9})\n"
    rb"files (\d{1,9})\njournal ([0-9a-f]{16})\n\Z"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """Which edition of which journal a mirror says it holds. A hint for planning, never a proof: nothing signs it."""

    number: int
    journal: str


def write_pointer(issue: Issue, journal: str) -> bytes:
    """The pointer file of ``issue``. Unsigned: format 0, which the signed release will replace."""
    return (
        f"edition/0\nrelease {issue.number}\ntime {issue.made:%Y-%m-%dT%H:%M:%SZ}\n"
        f"stories {issue.stories}\nfiles {issue.files}\njournal {journal}\n"
    ).encode("ascii")


def read_pointer(data: bytes) -> Pointer | None:
    """The pointer in ``data``; None for anything else, which is then repaired as a whole."""
    match = _LINES.match(data[:MAX_POINTER])
    return Pointer(number=int(match[1]), journal=match[5].decode()) if match else None


def plan(pointer: Pointer | None, issue: Issue, journal: str) -> int | None:
    """Since which edition a mirror must be brought up to date; None when only a comparison of all files can tell.

    That is so for an empty mirror, for one of another journal, and for one that shows an edition we never made, as
    after a restored backup of the journal.
    """
    if pointer is None or pointer.journal != journal or pointer.number > issue.number:
        return None
    return pointer.number


def repair(edition: Iterable[Change], held: Mapping[str, str]) -> list[Change]:
    """The changes that turn a mirror holding ``held`` (name to digest) into ``edition``.

    Files we do not know are left alone: a volunteer may keep other things in the same place. Files that ended are
    removed.
    """
    changes = []
    for wanted in edition:
        if wanted.gone:
            if wanted.name in held:
                changes.append(wanted)
        elif held.get(wanted.name) != wanted.digest:
            fresh = wanted.name not in held
            changes.append(Change(name=wanted.name, digest=wanted.digest, size=wanted.size, fresh=fresh))
    return changes


def ordered(changes: Sequence[Change]) -> list[Change]:
    """``changes`` in the order of rule 1."""

    def rank(change: Change) -> tuple[int, str]:
        if change.gone:
            return (3, change.name)
        front = change.name == FRONT or change.name.startswith(FRONT + ".")
        return (2 if front else 0 if change.fresh else 1, change.name)

    return sorted(changes, key=rank)
