"""The day in ten lines, or as a letter: told in its evening, and mended where it stands.

Rule 1: a day that waits is told as its stories are when it goes out. Rule 2: one that is out is edited where the
channel can; where it cannot, an editor is asked: to take away what names a withdrawn story, to send a correction after
a letter. Rule 3: for what was told, the entry itself counts (``Message.tells``), not what a plan wanted: what failed
was not told, and what an editor left out is not asked about again. Rule 4: a reader's chat that got the day is not
mended: how its messages are called is not kept, as nothing is of who got what.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import Final
from zoneinfo import ZoneInfo

from heliograph.announce import compose, corrections
from heliograph.announce.compose import Draft
from heliograph.announce.planning import BY_HAND, At, Plan, is_first, told_by
from heliograph.model import Story
from heliograph.model.code import shown
from heliograph.model.post import OPEN, WAITING, Entry, Topic

LATE: Final = timedelta(hours=3)  # after its hour, a day is not told any more
MENDED: Final = timedelta(days=7)  # for so long a day that was told is kept true
FIRST_PAUSE: Final = timedelta(minutes=10)  # until an edit that failed is planned anew; each time twice as long
LONGEST_PAUSE: Final = timedelta(hours=6)


def day(at: At, told: Sequence[Story], batches: Sequence[int]) -> Plan:
    """Plan for the day that is over at ``rules.day_at``, once a day; ``told`` are stories of now.

    ``batches`` are the parts of the channel's subscribers, who get it whether or not the channel says it.
    """
    rules, local = at.rules, at.now.astimezone(ZoneInfo(at.rules.zone))
    hour = datetime.combine(local.date(), rules.day_at, ZoneInfo(rules.zone))
    draft = _day_of(at, local.date(), told) if hour <= local < hour + LATE else None
    if draft is None:
        return Plan()
    topic, state = Topic("day", local.date().isoformat()), at.first_state("day")
    parts = [] if rules.traits.audience or "day" not in rules.says else [0]
    made = (at.entry(topic, None, draft, version=1, part=part, state=state) for part in (*parts, *batches))
    return Plan(fresh=tuple(made))


def renew(at: At, when: date, told: Sequence[Story], waiting: Sequence[Entry]) -> Plan:
    """A day that waits: its stories as they are now; what was withdrawn is told by no day that goes out later."""
    draft, rows = _day_of(at, when, told), [row for row in waiting if is_first(row)]
    if draft is None:
        return Plan(changed=tuple(at.dropped(row, "nothing is left that it could tell") for row in rows))
    new = (draft.digest, draft.message.tells)
    late = (row for row in rows if (row.digest, row.message.tells) != new and not row.by_hand)
    return Plan(changed=tuple(replace(row, message=draft.message, digest=draft.digest) for row in late))


def stale(at: At, waiting: Sequence[Entry]) -> Plan:
    """What waits about a day that is kept true no longer: its stories may be others by now, and nobody looks."""
    return Plan(changed=tuple(at.dropped(row, "it waited for a week") for row in waiting))


def mend(at: At, told: Sequence[Story], there: frozenset[str], rows: Sequence[Entry]) -> tuple[Plan, bool]:
    """What is out of a day, and tells what was corrected or withdrawn since; and whether that is settled.

    ``told`` are the stories that the channel may tell now, ``there`` the codes that the edition holds. ``rows`` are the
    channel's entries about that day, without those of chats. What is not settled must be looked at again.
    """
    ours = {story.code: story for story in told}
    had = sorted(rows, key=lambda row: row.id)
    if at.rules.traits.audience:
        plan = corrections.correct(at, ours, there, had)
        return plan, plan == Plan() and not any(row.state in OPEN for row in had)
    post = next((row for row in had if is_first(row) and row.state == "posted"), None)
    if post is None or had[-1].state in ("sending", "unknown"):
        return Plan(), all(row.state in ("failed", "dropped", "posted") for row in had)
    plan = _edit(at, post, ours, had) if at.rules.traits.edits else _take_away(at, post, ours, had)
    return plan, plan == Plan() and had[-1].state in ("posted", "hand", "dropped")


def codes(rows: Iterable[Entry]) -> list[str]:
    """The stories that these entries tell."""
    return list(dict.fromkeys(code for row in rows for code in told_by(row)))


def _edit(at: At, post: Entry, ours: Mapping[str, Story], had: Sequence[Entry]) -> Plan:
    """Where posts can be edited: what the day told, as it is now; without any story, its heading and the addresses."""
    last, tells = had[-1], told_by(post)
    if not tells or (last.by_hand and last.state in WAITING):
        return Plan()
    left = sorted((ours[code] for code in tells if code in ours), key=lambda one: one.published, reverse=True)
    draft = compose.day(left, date.fromisoformat(post.topic.of), at.rules, at.facts, at.speaks)
    if last.state in WAITING:
        changed = replace(last, message=draft.message, digest=draft.digest)
        return Plan() if draft.digest == last.digest else Plan(changed=(changed,))
    # what failed may be there or not, and is planned anew; what a person was asked to do, or left out, is not
    if (last.state != "failed" and last.digest == draft.digest) or _tried_lately(had, draft, at.now):
        return Plan()
    edit = at.entry(post.topic, None, draft, version=last.version + 1, act="edit", urgent=True)
    return Plan(fresh=(replace(edit, remotes=post.remotes),))


def _tried_lately(had: Sequence[Entry], draft: Draft, now: datetime) -> bool:
    """Whether these words failed a moment ago: a provider that is away for a day is not asked every ten minutes."""
    tries = len(list(takewhile(lambda row: (row.state, row.digest) == ("failed", draft.digest), reversed(had))))
    return tries > 0 and now < had[-1].changed + min(FIRST_PAUSE * (1 << min(tries - 1, 10)), LONGEST_PAUSE)


def _take_away(at: At, post: Entry, ours: Mapping[str, Story], had: Sequence[Entry]) -> Plan:
    """Where nothing can be edited: the whole post, which an editor decides, or does by hand."""
    tries = [row for row in had if row.act == "withdraw"]
    last = tries[-1] if tries else None
    refused = next((row for row in reversed(tries) if row.state == "dropped" and row.by_hand), None)
    told = told_by(refused or post)  # for what he was asked about already, and said no, he is not asked again
    gone = [code for code in told if code not in ours]
    if last is not None and last.state in ("posted", "hand", "queued"):
        return Plan()
    can = at.rules.traits.withdraws and (last is None or last.state != "failed")
    why = f"it names {', '.join(map(shown, gone))}, withdrawn since: {'shall it go?' if can else BY_HAND}"
    left = tuple(one for one in (refused or post).message.tells if one.partition(":")[0] in ours)
    if last is not None and last.state == "held":
        if not gone:
            return Plan(changed=(at.dropped(last, "its stories are back"),))
        changed = replace(last, note=why, message=replace(last.message, tells=left))
        return Plan() if last.note == why else Plan(changed=(changed,))
    if not gone:
        return Plan()
    away = at.withdrawal(post, had[-1].version + 1, "held" if can else "hand", why)
    return Plan(fresh=(replace(away, message=replace(post.message, tells=left)),))


def _day_of(at: At, when: date, told: Sequence[Story]) -> Draft | None:
    rules = at.rules
    hour = datetime.combine(when, rules.day_at, ZoneInfo(rules.zone))
    since = hour - timedelta(days=1)
    fit = [one for one in told if since <= one.published < hour and rules.takes(one)]
    newest_first = sorted(fit, key=lambda one: one.published, reverse=True)
    return compose.day(newest_first, when, rules, at.facts, at.speaks) if fit else None
