"""The outbox's own rules: what may go out next, and what becomes of an entry.

Rule 1: entries of one channel go out in their order; one that must wait holds up only what is about the same thing.
Rule 2: a post that may be there is never sent again by itself. Rule 3: edits and withdrawals may be repeated, since
the second changes nothing. Rule 4: a channel that says "not now" is left alone as long as it says, and its queue keeps
its order meanwhile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from heliograph.announce.planning import Plan
from heliograph.announce.rules import Rules
from heliograph.model.post import Entry, Pause, Sent, State, Topic

PRIVATE: Final = 1_000  # parts from here on go to one subscriber or batch each: see ``batch``
_SIZES: Final = 4_000_000  # more than any subscriber's number; 500 times this is an integer of 32 bits still
TRIES: Final = 8  # without a clear answer, in ten minutes: then a notice, another post or a person takes its place
TRIES_OF_EDITS: Final = 24  # in three hours, as long as providers are away: nothing can take the place of most edits
_APART = 0.05  # seconds between two subscribers: thirty a second at most
_FIRST, _LONGEST = 5.0, 600.0  # seconds until a channel is asked again
HOLDING: Final[tuple[State, ...]] = ("held", "sending", "unknown")  # what is about the same waits for these


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What to send now, or when to look again; None is not before something changes."""

    entry: Entry | None = None
    at: datetime | None = None


def due(open_: Sequence[Entry], rules: Rules, pause: Pause | None, last: datetime | None, now: datetime) -> Due:
    """The next entry of a channel.

    ``open_`` are its entries that are not over, in their order; ``last`` is when something was sent last.
    """
    if pause and (pause.until is None or pause.until > now):
        return Due(at=pause.until)
    quiet, waits, blocked = rules.wakes(now), list[datetime](), set[Topic]()
    for entry in open_:
        ties = entry.act == "post" and entry.part < PRIVATE and entry.topic.kind != "where"
        if entry.state in HOLDING and ties:
            blocked.add(entry.topic)
        if entry.state != "queued" or (ties and entry.topic in blocked):
            continue
        gap = timedelta(seconds=_APART if entry.part >= PRIVATE else rules.traits.gap)
        waits_for = (entry.not_before, None if entry.urgent else quiet, last + gap if last else None)
        until = max((one for one in waits_for if one), default=now)
        if until <= now:
            return Due(entry=entry)
        waits.append(until)
        if last and until == last + gap:  # nothing else may overtake it
            break
        if ties:
            blocked.add(entry.topic)
    return Due(at=min(waits, default=None))


def batch(number: int, size: int) -> int:
    """The part that goes to the ``size`` subscribers, at most 500, whose numbers begin with ``number``."""
    return size * _SIZES + number


def readers(part: int, size: int) -> tuple[int, int]:
    """The numbers of the first and the last subscriber whom a part goes to.

    Parts that an older version has planned count batches of ``size``.
    """
    size, first = divmod(part, _SIZES) if part >= _SIZES else (size, (part - PRIVATE) * size)
    return first, first + size - 1


def smaller(entry: Entry, rules: Rules, now: datetime) -> Plan | None:
    """An entry that nobody has begun, in batches of today's size, where it was planned for more; None where it fits.

    Who sends plans this, since nobody else begins an entry: so each subscriber still gets it once.
    """
    if entry.part < _SIZES or entry.part // _SIZES <= rules.batch:
        return None
    first, last = readers(entry.part, rules.batch)
    numbers = range(first, last + 1, rules.batch)
    parts = [batch(number, min(rules.batch, last + 1 - number)) for number in numbers]
    dropped = replace(entry, state="dropped", changed=now, note=f"goes in batches of {rules.batch}")
    return Plan(fresh=tuple(replace(entry, id=0, part=part) for part in parts), changed=(dropped,))


def after(entry: Entry, sent: Sent, rules: Rules, now: datetime) -> tuple[Entry, Pause | None]:
    """What an entry that was begun becomes, and whether its channel is left alone for a while."""
    entry = replace(entry, changed=now, note=sent.note, not_before=None)
    match sent.fate:
        case "posted":
            return replace(entry, state="posted", remotes=sent.remotes or entry.remotes), None
        case "refused":
            return _refused(entry, rules), None
        case "stopped":
            return replace(entry, state="queued"), Pause(channel=entry.channel, until=None, note=sent.note)
        case "later":
            until = now + timedelta(seconds=max(sent.wait, _patience(entry.attempt)))
            return replace(entry, state="queued"), Pause(channel=entry.channel, until=until, note=sent.note)
        case "unknown" if entry.act == "post":
            return replace(entry, state="unknown", remotes=sent.remotes), None
        case _ if entry.attempt >= (most := _tries(entry)):
            return replace(entry, state="failed", note=f"no clear answer in {most} tries: {sent.note}"), None
        case _:
            until = now + timedelta(seconds=_patience(entry.attempt))
            return replace(entry, state="queued", not_before=until), None


def undrawn(entry: Entry, why: str, now: datetime) -> Entry:
    """An entry that was begun, and whose card cannot be drawn or laid out: others go out meanwhile."""
    if entry.attempt >= TRIES:
        return replace(entry, state="failed", changed=now, note=f"its card: {why}")
    until = now + timedelta(seconds=_patience(entry.attempt + 3))
    return replace(entry, state="queued", changed=now, not_before=until, note=f"its card: {why}")


def _refused(entry: Entry, rules: Rules) -> Entry:
    """What was edited or withdrawn in vain stays there, so a person must see to it where no plan does."""
    planned = entry.act == "post" or entry.topic.kind == "where" or (entry.act == "withdraw" and rules.traits.edits)
    return replace(entry, state="failed" if planned else "hand")


def proved(entry: Entry, sent: Sent, now: datetime) -> Entry | None:
    """An unknown entry after its channel was asked whether it is there; None if that is still not known."""
    if sent.fate == "posted":
        return replace(
            entry, state="posted", remotes=sent.remotes, changed=now, note="it is there, as the channel says"
        )
    if sent.fate == "later":
        return replace(entry, state="queued", remotes=(), changed=now, note="it is not there, as the channel says")
    return None


def _tries(entry: Entry) -> int:
    return TRIES_OF_EDITS if entry.act == "edit" and entry.topic.kind != "where" else TRIES


def _patience(attempt: int) -> float:
    return float(min(_LONGEST, _FIRST * 2 ** min(max(0, attempt - 1), 10)))
