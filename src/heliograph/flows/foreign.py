"""Whose a place is, before anything is written there: a bucket may hold somebody's site.

A place is ours if it shows a ``now`` that the journal knows or our keys signed, if it was begun by this journal, or if
nothing in it has a name of the format. Other names are nobody's business: they are left alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256

from heliograph.flows import keyring
from heliograph.model import KeyFileError, SignError, StoreError, paths
from heliograph.ports import MirrorStore, Outside
from heliograph.trust import bundle
from heliograph.trust.chain import Chain, State
from heliograph.trust.refusal import RefusalError

_NAMED = 3  # strangers' files that a message names
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)  # so that nothing has expired: who signed is asked, not when


def noted(what: str, place: str) -> str:
    """Under which key the journal notes ``what`` about ``place``."""
    return f"{what} {sha256(place.encode()).hexdigest()[:16]}"


def begun(place: str) -> str:
    """Under which key the journal notes that we write to ``place``."""
    return noted("begun", place)


def check_ours(outside: Outside, mirror: MirrorStore, pointer: bytes, names: Iterable[str], *, known: bool) -> None:
    """Refuse to touch somebody else's files; else note that the place is begun.

    ``names`` are all that it holds; ``known`` says that the journal knows it already.

    Raises:
        StoreError: it holds files that are not ours, and which.
    """
    journal, key = outside.journal, begun(mirror.place)
    if journal.recall(key):
        return
    if not known and not signed(outside, pointer):
        strange = sorted(name for name in names if paths.is_ours(name))
        if strange:
            more = f" and {len(strange) - _NAMED:,} more" if len(strange) > _NAMED else ""
            what = f"it holds files that are not ours: {', '.join(strange[:_NAMED])}{more}"
            remedy = f"choose another place; if it is yours and may be replaced: heliograph mirrors adopt {mirror.name}"
            raise StoreError(what, where=f"mirror {mirror.name}, {mirror.place}", remedy=remedy)
    journal.note(key, "1")


def signed(outside: Outside, pointer: bytes) -> bool:
    """Whether the newsroom's keys signed this ``now``, though the journal may not know of it."""
    pieces = bundle.split(pointer)
    if pieces is None:
        return False
    try:
        standing = keyring.standing(outside.keys, outside.journal.recall(keyring.STANDING))
        chain = Chain(State(root=standing.root), _LONG_AGO, pinned_time=True)
        chain.settle_root()
        chain.timestamp(pieces.timestamp)
    except (RefusalError, SignError, KeyFileError):
        return False
    return True
