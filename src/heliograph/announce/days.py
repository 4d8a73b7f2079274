"""The day in ten lines, or as a letter: told in its evening, and mended where it stands.

Rule 1: a day that waits is told as its stories are when it goes out. Rule 2: one that is out is edited where the
channel can; where it cannot, an editor is asked: to take away what names a withdrawn story, to send a correction after
a letter. Rule 3: for what was told, and in which version, the entry itself counts (``Message.tells``), so that batches
which got different texts are each told what they need. Rule 4: a reader's chat that got the day is not mended: how its
messages are called is not kept, as nothing is of who got what.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from heliograph.announce import compose
from heliograph.announce.compose import Draft
from heliograph.announce.outbox import PRIVATE
from heliograph.announce.planning import At, Plan
from heliograph.model import Story
from heliograph.model.code import shown
from heliograph.model.post import WAITING, Entry, State, Topic

LATE: Final = timedelta(hours=3)  # after its hour, a day is not told any more
_BY_HAND: Final = "delete it in the provider's app, then: heliograph post settle"


def day(at: At, told: Sequence[Story], batches: Sequence[int]) -> Plan:
    """Plan for the day that is over at ``rules.day_at``, once a day; ``told`` are stories of now.

    ``batches`` are the numbers of the channel's subscribers' batches, which get it whether or not the channel says it.
    """
    rules, local = at.rules, at.now.astimezone(ZoneInfo(at.rules.zone))
    hour = datetime.combine(local.date(), rules.day_at, ZoneInfo(rules.zone))
    draft = _day_of(at, local.date(), told) if hour <= local < hour + LATE else None
    if draft is None:
        return Plan()
    topic, state = Topic("day", local.date().isoformat()), at.first_state("day")
    parts = [] if rules.traits.audience or "day" not in rules.says else [0]
    parts += [PRIVATE + batch for batch in batches]
    return Plan(fresh=tuple(at.entry(topic, None, draft, version=1, part=part, state=state) for part in parts))


def renew(at: At, when: date, told: Sequence[Story], rows: Sequence[Entry]) -> Plan:
    """What waits of a day: its stories as they are now; what was withdrawn is told by no day that goes out later."""
    waiting = [row for row in rows if row.state in WAITING and is_first(row)]
    draft = _day_of(at, when, told)
    if draft is None:
        return Plan(changed=tuple(at.dropped(row, "its stories were withdrawn") for row in waiting))
    late = (row for row in waiting if row.digest != draft.digest and not row.by_hand)
    return Plan(changed=tuple(replace(row, message=draft.message, digest=draft.digest) for row in late))


def mend(
    at: At, when: date, told: Sequence[Story], there: Mapping[str, Story], rows: Sequence[Entry]
) -> tuple[Plan, bool]:
    """What is out of a day, and tells what was corrected or withdrawn since; and whether that is all there is to plan.

    ``told`` are the stories that the channel may tell now, ``there`` those of the edition, by their codes. ``rows`` are
    all entries of the channel about that day; where one is being sent, or unclear, the day must be looked at again.
    """
    by_part: dict[int, list[Entry]] = {}
    for row in sorted(rows, key=lambda row: row.id):
        by_part.setdefault(row.part, []).append(row)
    plan = Plan()
    for part, had in by_part.items():
        last = had[-1]
        if last.state in ("sending", "unknown") or (last.by_hand and last.state in WAITING):
            continue
        if at.rules.traits.audience:
            plan += _correct(at, when, there, had)
        elif part >= PRIVATE:
            continue
        elif at.rules.traits.edits:
            plan += _edit(at, when, told, had)
        else:
            plan += _take_away(at, there, had)
    return plan, not any(row.state in ("sending", "unknown") for row in rows)


def versions(rows: Sequence[Entry]) -> dict[str, int]:
    """The stories that these entries tell, each in the newest version that is told somewhere."""
    known: dict[str, int] = {}
    for row in rows:
        for code, version in _tells(row).items():
            known[code] = max(version, known.get(code, 0))
    return known


def _edit(at: At, when: date, told: Sequence[Story], had: Sequence[Entry]) -> Plan:
    """Where posts can be edited: the day as it is now; without any story, its heading and the addresses."""
    post, last = _post_of(had), had[-1]
    if post is None:
        return Plan()
    draft = _day_of(at, when, told) or compose.day((), when, at.rules, at.facts, at.speaks)
    if draft.digest == last.digest:
        return Plan()
    if last.state in WAITING:
        return Plan(changed=(replace(last, message=draft.message, digest=draft.digest),))
    edit = at.entry(post.topic, None, draft, version=last.version + 1, act="edit", urgent=True)
    return Plan(fresh=(replace(edit, remotes=post.remotes),))


def _take_away(at: At, there: Mapping[str, Story], had: Sequence[Entry]) -> Plan:
    """Where nothing can be edited: the whole post, which an editor decides, or does by hand."""
    post, last = _post_of(had), had[-1]
    if post is None or (last.act == "withdraw" and last.state != "dropped"):
        return Plan()
    told = _tells(last)
    gone = [code for code in told if code not in there]
    if not gone:
        return Plan()
    can = at.rules.traits.withdraws
    why = f"it names {', '.join(map(shown, gone))}, withdrawn since: {'shall it go?' if can else _BY_HAND}"
    left = compose.tells({code: version for code, version in told.items() if code in there})
    state: State = "held" if can else "hand"
    away = replace(
        post, id=0, act="withdraw", version=last.version + 1, state=state, note=why, urgent=True, attempt=0,
        not_before=None, queued=at.now, changed=at.now, message=replace(post.message, tells=left),
    )  # fmt: skip
    return Plan(fresh=(away,))


def _correct(at: At, when: date, there: Mapping[str, Story], had: Sequence[Entry]) -> Plan:
    """Where it was a letter: a correction to those who got it, which an editor looks at before it goes out."""
    post, last = _post_of(had), had[-1]
    if post is None:
        return Plan()
    waits = last if last.state in WAITING and not is_first(last) else None
    told = _tells([row for row in had if row is not waits][-1])
    newer = [there[code] for code, version in told.items() if code in there and there[code].version > version]
    gone = [code for code in told if code not in there]
    if not newer and not gone:
        why = "there is nothing to correct any more"
        return Plan(changed=(at.dropped(waits, why),)) if waits else Plan()
    draft = compose.mended(newer, gone, when, at.rules, at.facts, at.speaks)
    now = {code: there[code].version for code in told if code in there}
    message = replace(draft.message, tells=compose.tells(now), replies_to=next(iter(post.remotes), ""))
    named = ", ".join(map(shown, [*(story.code for story in newer), *gone]))
    why = f"a correction of {named}: a letter cannot be edited"
    if waits:
        same = waits.digest == draft.digest and waits.message.tells == message.tells
        return Plan() if same else Plan(changed=(replace(waits, message=message, digest=draft.digest, note=why),))
    entry = at.entry(post.topic, None, draft, version=last.version + 1, part=post.part, state="held", urgent=True)
    return Plan(fresh=(replace(entry, message=message, note=why),))


def is_first(row: Entry) -> bool:
    """Whether it is the day itself, and not what mends it."""
    return row.act == "post" and row.version == 1


def _post_of(had: Sequence[Entry]) -> Entry | None:
    """The day as it went out."""
    return next((row for row in had if is_first(row) and row.state == "posted"), None)


def _tells(row: Entry) -> dict[str, int]:
    parted = (one.partition(":") for one in row.message.tells)
    return {code: int(version) for code, _, version in parted}


def _day_of(at: At, when: date, told: Sequence[Story]) -> Draft | None:
    rules = at.rules
    hour = datetime.combine(when, rules.day_at, ZoneInfo(rules.zone))
    since = hour - timedelta(days=1)
    fit = [one for one in told if since <= one.published < hour and rules.takes(one)]
    newest_first = sorted(fit, key=lambda one: one.published, reverse=True)
    return compose.day(newest_first, when, rules, at.facts, at.speaks) if fit else None
