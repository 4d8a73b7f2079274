"""What a channel shall say, against what it has said: entries to add, and entries to change that nobody has begun.

Rule 1: for one part of one version of one thing there is one entry, so planning twice plans nothing twice. Rule 2: what
was begun is never changed; what follows from it waits until it is settled. Rule 3: what a channel cannot do becomes a
task for a person, and is never left out. Rule 4: a correction where nothing can be edited waits for an editor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from heliograph.announce import compose
from heliograph.announce.compose import Draft, Speaks
from heliograph.announce.outbox import PRIVATE
from heliograph.announce.rules import Facts, Rules, What
from heliograph.model import Story
from heliograph.model.post import Act, Entry, State, Topic

LATE: Final = timedelta(hours=3)  # after its hour, a day is not told any more
CALM: Final = timedelta(minutes=10)  # between two posts of addresses where none can be edited
KEEP: Final = timedelta(days=40)  # for so long an entry that is over is remembered, and its story watched
_WAITING: frozenset[State] = frozenset({"held", "queued"})
_BY_HAND: Final = "delete it in the provider's app, then: heliograph post settle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Changes of the outbox."""

    fresh: tuple[Entry, ...] = ()
    changed: tuple[Entry, ...] = ()

    def __add__(self, other: Plan) -> Plan:
        return Plan(fresh=self.fresh + other.fresh, changed=self.changed + other.changed)


def stories(
    rules: Rules,
    now: datetime,
    facts: Facts,
    speaks: Speaks,
    *,
    told: Sequence[Story],
    rows: Sequence[Entry],
    wanted: frozenset[str] = frozenset(),
) -> Plan:
    """Plan for stories on one channel.

    ``told`` are the stories of now: young ones, and those with entries among ``rows``; a story with entries that is not
    among them was withdrawn. ``wanted`` are codes that an editor asked for, old or of another section.
    """
    by_topic: dict[Topic, list[Entry]] = {}
    for row in rows:
        if row.channel == rules.name and row.topic.kind == "story" and row.part < PRIVATE:
            by_topic.setdefault(row.topic, []).append(row)
    plan = Plan()
    for story in sorted(told, key=lambda one: (one.published, one.code)):
        had = by_topic.pop(Topic("story", story.code), [])
        fresh_enough = story.published >= max(rules.since, now - rules.fresh)
        asked = story.code in wanted
        if had:
            plan += _follow(story, had, rules, now, facts, speaks)
        elif asked or ("stories" in rules.says and fresh_enough and rules.takes(story)):
            plan += _begin(story, rules, now, facts, speaks, asked=asked)
    for topic, had in by_topic.items():
        plan += _withdraw(topic, had, rules, now, speaks)
    return plan


def _begin(story: Story, rules: Rules, now: datetime, facts: Facts, speaks: Speaks, *, asked: bool) -> Plan:
    urgent = rules.breaking(story)
    drafts = compose.story(story, rules, facts, speaks, label="breaking" if urgent else "")
    state: State = "held" if "stories" in rules.confirm and not asked else "queued"
    starts = now + rules.delay if rules.delay and not urgent and not asked else None
    made = [
        _entry(rules, Topic("story", story.code), story.version, draft, now, part=part, state=state, urgent=urgent)
        for part, draft in enumerate(drafts)
    ]
    return Plan(fresh=tuple(replace(one, not_before=starts, urgent=one.urgent or asked) for one in made))


def _follow(story: Story, had: Sequence[Entry], rules: Rules, now: datetime, facts: Facts, speaks: Speaks) -> Plan:
    """A story that has entries: bring what waits up to date, and edit what is there."""
    latest = _latest(had)
    if all(row.state in _WAITING for row in had):
        return _renew(story, had, rules, now, facts, speaks)
    if all(row.state == "dropped" for row in had):
        newer = story.version > max(
            row.version for row in had
        )  # it was withdrawn and is back, or an editor left it out
        again = _begin(story, rules, now, facts, speaks, asked=False) if newer else Plan()
        return Plan(fresh=tuple(replace(one, state="held", note="it was left out before") for one in again.fresh))
    if not rules.traits.edits:
        return _correct(story, had, rules, now, facts, speaks)
    count = 1 + max(row.part for row in had if row.act == "post")
    label: compose.Label = "breaking" if rules.breaking(story) else ""
    drafts = compose.story(story, rules, facts, speaks, label=label, parts=count)
    plan = Plan()
    for part, row in sorted(latest.items()):
        if part < len(drafts):
            plan += _bring(row, _post_of(had, part), drafts[part], story.version, rules, now, speaks)
        elif row.act != "withdraw" and _post_of(had, part).state == "posted":  # the story has become shorter
            plan += Plan(fresh=(_take_back(_post_of(had, part), rules, now),))
        elif row.state in _WAITING and row.act != "withdraw":
            plan += Plan(changed=(replace(row, state="dropped", changed=now, note="the story is shorter"),))
    return plan


def _renew(story: Story, had: Sequence[Entry], rules: Rules, now: datetime, facts: Facts, speaks: Speaks) -> Plan:
    """Nothing of it is out yet: its entries take the newest text."""
    drafts = compose.story(
        story, rules, facts, speaks, label="breaking" if rules.breaking(story) else "", parts=rules.parts
    )
    posts = {row.part: row for row in had if row.act == "post"}
    changed, fresh = [], []
    for part, draft in enumerate(drafts):
        row = posts.pop(part, None)
        if row is None:
            first = had[0]
            entry = _entry(rules, first.topic, story.version, draft, now, part=part, state=first.state)
            fresh.append(replace(entry, not_before=first.not_before, urgent=first.urgent))
        elif row.message != draft.message or row.version != story.version:
            changed.append(replace(row, message=draft.message, digest=draft.digest, version=story.version))
    changed += [replace(row, state="dropped", changed=now, note="the story is shorter") for row in posts.values()]
    return Plan(fresh=tuple(fresh), changed=tuple(changed))


def _bring(row: Entry, post: Entry, draft: Draft, version: int, rules: Rules, now: datetime, speaks: Speaks) -> Plan:
    """One part: what stands there, or is on its way, becomes ``draft``."""
    if row.state in _WAITING and row.act != "withdraw":
        if row.digest == draft.digest and row.message == draft.message:
            return Plan()
        return Plan(changed=(replace(row, message=draft.message, digest=draft.digest),))
    if row.act == "withdraw":
        if row.state in _WAITING:  # it has come back before it was taken away
            return Plan(changed=(replace(row, state="dropped", changed=now, note="the story is back"),))
        if row.state == "posted" and version > row.version:
            return Plan(fresh=(_entry(rules, row.topic, version, draft, now, part=row.part),))
        return Plan()
    if row.state in ("sending", "unknown", "hand") or row.digest == draft.digest:
        return Plan()
    if row.digest == compose.withdrawn(rules, row.topic.of, speaks, row.message.lang).digest:
        version = max(version, row.version + 1)  # the story is back where a notice stands
    if not post.remotes or post.state != "posted" or version <= row.version:
        return Plan()
    edit = _entry(rules, row.topic, version, draft, now, part=row.part, act="edit")
    return Plan(fresh=(replace(edit, remotes=post.remotes, urgent=True),))


def _correct(story: Story, had: Sequence[Entry], rules: Rules, now: datetime, facts: Facts, speaks: Speaks) -> Plan:
    """Where nothing can be edited: a correction, which an editor looks at before it goes out."""
    posts = [row for row in had if row.act == "post"]
    newest = max(posts, key=lambda row: row.id)
    gone = [row for row in had if row.act == "withdraw" and row.id > newest.id and row.state == "posted"]
    breaking: compose.Label = "breaking" if rules.breaking(story) else ""
    (plain, *_) = compose.story(story, rules, facts, speaks, label=breaking)
    if newest.version >= story.version or (newest.digest == plain.digest and not gone):
        return Plan()
    (draft, *_) = compose.story(story, rules, facts, speaks, label=breaking if gone else "correction")
    if newest.state in _WAITING:  # a former correction that waits still
        return Plan(changed=(replace(newest, message=draft.message, digest=plain.digest, version=story.version),))
    if newest.state in ("sending", "unknown"):
        return Plan()
    first = next((row for row in posts if row.state == "posted"), None)
    if first is None:  # it never went out
        return Plan()
    entry = _entry(rules, newest.topic, story.version, draft, now, state="held")
    replies = first.remotes[0] if first.remotes else ""
    entry = replace(entry, digest=plain.digest, message=replace(entry.message, replies_to=replies), urgent=True)
    return Plan(fresh=(replace(entry, note="a correction: this channel cannot edit"),))


def _withdraw(topic: Topic, had: Sequence[Entry], rules: Rules, now: datetime, speaks: Speaks) -> Plan:
    """A story that is no more: nothing of it goes out, and what is there goes away, or says that it was withdrawn."""
    notice = compose.withdrawn(rules, topic.of, speaks, had[0].message.lang)
    dropped = [
        replace(row, state="dropped", changed=now, note="the story was withdrawn")
        for row in had
        if row.state in _WAITING and row.act != "withdraw" and row.digest != notice.digest
    ]
    moving = {row.part for row in had if row.act == "edit" and row.state == "sending"}
    taken = {(row.part, row.version): row for row in had if row.act == "withdraw"}
    noticed = {row.part: row.id for row in had if row.act == "edit"}
    version, fresh = 1 + max(row.version for row in had), list[Entry]()
    for post in (row for row in had if row.act == "post" and row.state == "posted" and row.part not in moving):
        took = taken.get((post.part, post.version))
        if took is None:
            fresh.append(_take_back(post, rules, now))
        elif took.state == "failed" and noticed.get(post.part, 0) < took.id:
            edit = _entry(rules, topic, version, notice, now, part=post.part, act="edit")
            fresh.append(replace(edit, remotes=post.remotes, urgent=True))
    return Plan(fresh=tuple(fresh), changed=tuple(dropped))


def _take_back(post: Entry, rules: Rules, now: datetime) -> Entry:
    """Withdraw what is there; by hand where the channel cannot."""
    can = rules.traits.withdraws
    entry = replace(post, id=0, act="withdraw", urgent=True, attempt=0, not_before=None, queued=now, changed=now)
    return replace(entry, state="queued" if can else "hand", note="" if can else _BY_HAND)


def where(rules: Rules, now: datetime, facts: Facts, speaks: Speaks, rows: Sequence[Entry]) -> Plan:
    """Plan for the addresses of now; ``rows`` are the channel's entries about them."""
    had = sorted((row for row in rows if row.channel == rules.name and row.part < PRIVATE), key=lambda row: row.id)
    if "where" not in rules.says or not facts.mirrors:
        return Plan()
    topic, draft = Topic("where"), compose.where(rules, facts, speaks)
    if not had:
        return Plan(fresh=(_addressed(rules, topic, 1, draft, now),))
    last = had[-1]
    if last.digest == draft.digest and not (last.act == "edit" and last.state == "failed"):
        return Plan()
    if last.state in _WAITING:
        return Plan(changed=(replace(last, message=draft.message, digest=draft.digest),))
    if last.state == "sending":
        return Plan()
    there = next((row for row in reversed(had) if row.act == "post" and row.state == "posted"), None)
    entry = _addressed(rules, topic, last.version + 1, draft, now)
    if rules.traits.edits and there and last.state not in ("failed", "unknown"):
        return Plan(fresh=(replace(entry, act="edit", remotes=there.remotes, state="queued"),))
    if not rules.traits.edits and there and now < there.changed + CALM:
        return Plan()
    return Plan(fresh=(entry,))


def _addressed(rules: Rules, topic: Topic, version: int, draft: Draft, now: datetime) -> Entry:
    entry = _entry(rules, topic, version, draft, now, state=_first_state(rules, "where"))
    return replace(entry, urgent=True)


def day(
    rules: Rules, now: datetime, facts: Facts, speaks: Speaks, told: Sequence[Story], batches: Sequence[int]
) -> Plan:
    """Plan for the day that is over at ``rules.day_at``, once a day; ``told`` are stories of now.

    ``batches`` are the numbers of the channel's subscribers' batches, which get it whether or not the channel says it.
    """
    local = now.astimezone(ZoneInfo(rules.zone))
    hour = datetime.combine(local.date(), rules.day_at, ZoneInfo(rules.zone))
    if not hour <= local < hour + LATE:
        return Plan()
    since = hour - timedelta(days=1)
    fit = [one for one in told if since <= one.published < hour and rules.takes(one)]
    if not fit:
        return Plan()
    draft = compose.day(sorted(fit, key=lambda one: one.published, reverse=True), local.date(), rules, facts, speaks)
    topic, state = Topic("day", local.date().isoformat()), _first_state(rules, "day")
    parts = [] if rules.traits.audience or "day" not in rules.says else [0]
    parts += [PRIVATE + batch for batch in batches]
    return Plan(fresh=tuple(_entry(rules, topic, 1, draft, now, part=part, state=state) for part in parts))


def orphans(rows: Sequence[Entry], now: datetime) -> Plan:
    """Parts that wait for a part before them which will never be there."""
    lost: dict[tuple[str, Topic, int], int] = {}
    for row in rows:
        if row.act == "post" and row.part < PRIVATE and row.state in ("failed", "dropped"):
            key = (row.channel, row.topic, row.version)
            lost[key] = min(row.part, lost.get(key, row.part))
    dropped = [
        replace(row, state="dropped", changed=now, note="a part before it is not there")
        for row in rows
        if row.act == "post"
        and row.state in _WAITING
        and row.part < PRIVATE
        and lost.get((row.channel, row.topic, row.version), row.part) < row.part
    ]
    return Plan(changed=tuple(dropped))


def _first_state(rules: Rules, what: What) -> State:
    return "held" if what in rules.confirm else "queued"


def _latest(had: Sequence[Entry]) -> dict[int, Entry]:
    """The newest entry of each part."""
    return {row.part: row for row in sorted(had, key=lambda row: row.id)}


def _post_of(had: Sequence[Entry], part: int) -> Entry:
    """The newest post of a part: what edits and withdrawals are about."""
    posts = [row for row in had if row.part == part and row.act == "post"]
    return max(posts, key=lambda row: row.id)


def _entry(
    rules: Rules,
    topic: Topic,
    version: int,
    draft: Draft,
    now: datetime,
    *,
    part: int = 0,
    act: Act = "post",
    state: State = "queued",
    urgent: bool = False,
) -> Entry:
    return Entry(
        channel=rules.name,
        topic=topic,
        version=version,
        part=part,
        act=act,
        message=draft.message,
        digest=draft.digest,
        state=state,
        urgent=urgent,
        queued=now,
        changed=now,
    )
