"""Nobody else signs for this newsroom: what the mirrors show is not above what was signed here.

Two machines that sign from one set of keys, or a journal from a backup, would give readers two editions of one number,
which they must refuse. So the second one stops before it signs.
"""

from __future__ import annotations

from datetime import datetime

from heliograph.flows import keyring, logbook
from heliograph.flows.logbook import Book
from heliograph.model import SignError, StoreError, paths
from heliograph.ports import MirrorStore, Outside
from heliograph.trust import bundle
from heliograph.trust.chain import Chain, State
from heliograph.trust.refusal import RefusalError
from heliograph.trust.sign import Standing

_REMEDY = (
    "stop the other machine that publishes with these keys; if there is none, this journal is from a backup: "
    "heliograph keys recover"
)
_LOG_REMEDY = f"{_REMEDY}; if the key of the log was stolen, too: heliograph keys log --anew"


async def check_alone(outside: Outside, now: datetime, *, log: bool = False) -> None:
    """Stop if a mirror shows a valid signature above what this journal has signed, or with ``log`` a release log that
    this journal's does not go on from.

    Mirrors that cannot be read, or show what these keys have not signed, say nothing.

    Raises:
        SignError: one does, and which.
    """
    standing = keyring.standing(outside.keys, outside.journal.recall(keyring.STANDING))
    book = logbook.opened(outside.keys, outside.journal, on=log)
    for mirror in outside.mirrors:
        try:
            above = await _above(mirror, standing, now)
            logged = "" if above else await _log_above(mirror, book)
        except StoreError:
            continue
        if above or logged:
            where, remedy = f"mirror {mirror.name}, {mirror.place}", _LOG_REMEDY if logged else _REMEDY
            raise SignError(f"it shows {above or logged}", where=where, remedy=remedy)


async def _above(mirror: MirrorStore, standing: Standing, now: datetime) -> str:
    """What ``mirror`` has that was signed by the newsroom's keys but not here, "" if nothing."""
    chain = Chain(State(root=standing.root), now, pinned_time=True)
    candidate = await mirror.read(f"tuf/{standing.version('root') + 1}.root.json")
    if candidate:
        try:
            chain.next_root(candidate)
        except RefusalError:
            pass
        else:
            return f"root {chain.root.version}, newer than the newest here"
    pieces = bundle.split(await mirror.read(paths.POINTER))
    if pieces is None:
        return ""
    try:
        chain.settle_root()
        chain.timestamp(pieces.timestamp)
        if chain.version("timestamp") > standing.version("timestamp"):
            return f"signing {chain.version('timestamp')}, and here {standing.version('timestamp')} was the last"
    except RefusalError:
        return ""
    return ""


async def _log_above(mirror: MirrorStore, book: Book | None) -> str:
    """What the release log of ``mirror`` has that was not signed here, "" if nothing."""
    data = await mirror.read(paths.CHECKPOINT) if book else b""
    return logbook.contradiction(book, data) if book and data else ""
