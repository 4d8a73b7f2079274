"""What a channel shall say of stories and addresses, against what it has said: entries to add, and entries to change
that nobody has begun.

Rule 1: for one part of one version of one thing there is one entry, so planning twice plans nothing twice. Rule 2: what
was begun is never changed; what follows from it waits until it is settled. Rule 3: what a channel cannot do becomes a
task for a person, and is never left out. Rule 4: a correction where nothing can be edited waits for an editor.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from heliograph.announce import compose
from heliograph.announce.compose import Draft
from heliograph.announce.outbox import PRIVATE
from heliograph.announce.planning import BY_HAND, At, Plan
from heliograph.announce.rules import Rules
from heliograph.model import Story
from heliograph.model.post import WAITING, Entry, State, Topic

CALM: Final = timedelta(minutes=10)  # between two posts of addresses where none can be edited
KEEP: Final = timedelta(days=40)  # for so long an entry that is over is remembered, and its story watched


def stories(
    at: At,
    told: Sequence[Story],
    rows: Sequence[Entry],
    *,
    wanted: frozenset[str] = frozenset(),
    anew: frozenset[str] = frozenset(),
    taken: frozenset[str] = frozenset(),
) -> Plan:
    """Plan for stories on one channel.

    ``told`` are the stories of now: young ones, and those with entries among ``rows``; a story with entries that is not
    among them was withdrawn. ``wanted`` are codes that an editor asked for, old or of another section; ``anew`` those
    whose posts are edited though their story has not changed; ``taken`` those that an editor has taken away from here.
    """
    rules, by_topic = at.rules, dict[Topic, list[Entry]]()
    for row in rows:
        if row.channel == rules.name and row.topic.kind == "story" and row.part < PRIVATE:
            by_topic.setdefault(row.topic, []).append(row)
    plan = Plan()
    for story in sorted(told, key=lambda one: (one.published, one.code)):
        had = by_topic.pop(Topic("story", story.code), [])
        young = story.published >= max(rules.since, at.now - rules.fresh)
        if story.code in taken:
            plan += withdraw(at, had[0].topic, had) if had else Plan()
        elif had and story.code in wanted:
            plan += _again(at, story, had)
        elif had:
            plan += _follow(at, story, had, anew=story.code in anew)
        elif story.code in wanted or ("stories" in rules.says and young and rules.takes(story)):
            plan += _begin(at, story, asked=story.code in wanted)
    for topic, had in by_topic.items():
        plan += withdraw(at, topic, had)
    return plan


def _begin(at: At, story: Story, *, asked: bool, version: int = 0) -> Plan:
    rules = at.rules
    urgent = asked or rules.breaking(story)
    state: State = "held" if "stories" in rules.confirm and not asked else "queued"
    starts = at.now + rules.delay if rules.delay and not urgent else None
    made = [
        at.entry(Topic("story", story.code), story, draft, version=version, part=part, state=state, urgent=urgent)
        for part, draft in enumerate(at.drafts(story))
    ]
    return Plan(fresh=tuple(replace(one, not_before=starts) for one in made))


def _again(at: At, story: Story, had: Sequence[Entry]) -> Plan:
    """An editor wants it out: what waits takes the newest text and hurries; what is not there is posted."""
    waiting = [row for row in had if row.state in WAITING and row.act == "post"]
    if waiting:
        renewed = {row.id: row for row in _renew(at, story, waiting).changed}
        rows = [renewed.get(row.id, row) for row in waiting]
        hurried = (replace(row, urgent=True, not_before=None) for row in rows if row.state in WAITING)
        return Plan(changed=(*hurried, *(row for row in rows if row.state not in WAITING)))
    if any(row.state in ("sending", "unknown") for row in had) or _standing(had):
        return _follow(at, story, had, anew=True)
    return _begin(at, story, asked=True, version=1 + max(row.version for row in had))


def _follow(at: At, story: Story, had: Sequence[Entry], *, anew: bool) -> Plan:
    """A story that has entries: bring what waits up to date, and edit what is there."""
    if not any(row.act == "post" for row in had):
        return Plan()
    if all(row.state in WAITING for row in had):
        return _renew(at, story, had)
    if all(row.state == "dropped" for row in had):  # it was withdrawn and is back, or an editor left it out
        newer = story.version > max(row.told for row in had)
        again = _begin(at, story, asked=False, version=1 + max(row.version for row in had)) if newer else Plan()
        return _held(again, "it was left out before")
    if not at.rules.traits.edits:
        return _correct(at, story, had)
    drafts = _as_posted(at, had).drafts(story, parts=1 + max(row.part for row in had if row.act == "post"))
    plan = Plan()
    for part, row in sorted(_latest(had).items()):
        post = _post_of(had, part)
        if post is None:
            continue
        if part < len(drafts):
            plan += _bring(at, row, post, drafts[part], story, anew=anew)
        elif row.act != "withdraw" and post.state == "posted":  # the story has become shorter
            plan += Plan(fresh=(_take_back(at, post, had),))
        elif row.act != "withdraw" and row.state in WAITING:
            plan += Plan(changed=(at.dropped(row, "the story is shorter"),))
    return plan


def _as_posted(at: At, had: Sequence[Entry]) -> At:
    """With the form that the story has here: a setting of today is no reason to take parts of it away."""
    first = _post_of(had, 0)
    if first is None or at.rules.kind != "telegram":
        return at
    return replace(at, rules=replace(at.rules, rich=first.message.rich, pictures=bool(first.message.cards)))


def _renew(at: At, story: Story, had: Sequence[Entry]) -> Plan:
    """Nothing of it is out yet: its entries take the newest text, but for what an editor has written."""
    if any(row.by_hand for row in had):
        return Plan()
    posts = {row.part: row for row in had if row.act == "post"}
    changed, fresh, first = [], [], had[0]
    for part, draft in enumerate(at.drafts(story)):
        row = posts.pop(part, None)
        if row is None:
            entry = at.entry(first.topic, story, draft, version=first.version, part=part, state=first.state)
            fresh.append(replace(entry, not_before=first.not_before, urgent=first.urgent))
        elif row.message != draft.message or row.told != story.version:
            changed.append(replace(row, message=draft.message, digest=draft.digest, told=story.version))
    changed += [at.dropped(row, "the story is shorter") for row in posts.values()]
    return Plan(fresh=tuple(fresh), changed=tuple(changed))


def _bring(at: At, row: Entry, post: Entry, draft: Draft, story: Story, *, anew: bool) -> Plan:
    """One part: what stands there, or is on its way, becomes ``draft``."""
    if row.act == "withdraw":
        return _back(at, row, draft, story)
    if row.state in WAITING:
        if row.by_hand or row.message == draft.message:
            return Plan()
        return Plan(changed=(replace(row, message=draft.message, digest=draft.digest, told=story.version),))
    if row.state in ("sending", "unknown", "hand") or not post.remotes or post.state != "posted":
        return Plan()
    if row.digest == draft.digest and not (anew and (row.state == "failed" or row.message != draft.message)):
        return Plan()
    was_notice = row.digest == at.notice(row.topic, row.message.lang).digest  # and the story is back
    if story.version <= row.told and not anew and not was_notice:
        return Plan()
    version = max(story.version, row.version + 1)
    edit = at.entry(row.topic, story, draft, version=version, part=row.part, act="edit", urgent=True)
    return Plan(fresh=(replace(edit, remotes=post.remotes),))


def _back(at: At, row: Entry, draft: Draft, story: Story) -> Plan:
    """A story that was, or is to be, withdrawn here, and is in the edition again."""
    if row.state in WAITING:
        return Plan(changed=(at.dropped(row, "the story is back"),))
    if row.state != "posted" or story.version <= row.told:
        return Plan()
    version = max(story.version, row.version + 1)
    fresh = at.entry(row.topic, story, draft, version=version, part=row.part)
    return _held(Plan(fresh=(fresh,)), "it was withdrawn before")


def _correct(at: At, story: Story, had: Sequence[Entry]) -> Plan:
    """Where nothing can be edited: a correction, which an editor looks at before it goes out."""
    posts = [row for row in had if row.act == "post"]
    newest = max(posts, key=lambda row: row.id)
    gone = not _standing(had) and any(row.act == "withdraw" and row.state == "posted" for row in had)
    (plain, *_) = at.drafts(story)
    if newest.told >= story.version or newest.by_hand or (newest.digest == plain.digest and not gone):
        return Plan()
    draft = plain if gone else compose.story(story, at.rules, at.facts, at.speaks, label="correction")[0]
    if newest.state in WAITING:  # a former correction that waits still
        return Plan(changed=(replace(newest, message=draft.message, digest=plain.digest, told=story.version),))
    if newest.state in ("sending", "unknown"):
        return Plan()
    first = next((row for row in posts if row.state == "posted"), None)
    if first is None:  # it never went out
        return Plan()
    entry = at.entry(newest.topic, story, draft, version=max(story.version, newest.version + 1), urgent=True)
    replies = first.remotes[0] if first.remotes else ""
    entry = replace(entry, digest=plain.digest, message=replace(entry.message, replies_to=replies))
    return _held(Plan(fresh=(entry,)), "a correction: this channel cannot edit")


def withdraw(at: At, topic: Topic, had: Sequence[Entry]) -> Plan:
    """A story that is no more, or no more here: nothing of it goes out, and what is there goes away, or says so."""
    notice = at.notice(topic, had[0].message.lang)
    dropped = [
        at.dropped(row, "the story was withdrawn")
        for row in had
        if row.state in WAITING and row.act != "withdraw" and row.digest != notice.digest
    ]
    moving = {row.part for row in had if row.act == "edit" and row.state == "sending"}
    noticed = {row.remotes: row.id for row in had if row.act == "edit"}
    last, fresh = max(had, key=lambda row: row.version), list[Entry]()
    for post in (row for row in had if row.act == "post" and row.state == "posted" and row.part not in moving):
        took = _took(had, post)
        if took is None:
            fresh.append(_take_back(at, post, had))
        elif took.state == "failed" and noticed.get(post.remotes, 0) < took.id:
            edit = at.entry(topic, None, notice, version=last.version + 1, part=post.part, act="edit", urgent=True)
            told = max(row.told for row in had)
            fresh.append(replace(edit, remotes=post.remotes, told=told))
    return Plan(fresh=tuple(fresh), changed=tuple(dropped))


def _took(had: Sequence[Entry], post: Entry) -> Entry | None:
    """What was done to take a post away; a plan that was dropped counts as nothing, unless a person dropped it."""
    found = [
        row
        for row in had
        if row.act == "withdraw"
        and (row.remotes, row.part) == (post.remotes, post.part)
        and row.id > post.id
        and (row.state != "dropped" or row.by_hand)
    ]
    return max(found, key=lambda row: row.id, default=None)


def _standing(had: Sequence[Entry]) -> list[Entry]:
    """Posts that are there, and that nothing takes away."""
    return [row for row in had if row.act == "post" and row.state == "posted" and _took(had, row) is None]


def _take_back(at: At, post: Entry, had: Sequence[Entry]) -> Entry:
    """Withdraw what is there; by hand where the channel cannot."""
    can = at.rules.traits.withdraws
    versions = {row.version for row in had if row.act == "withdraw" and row.part == post.part}
    version = post.version if post.version not in versions else 1 + max(versions)
    entry = at.withdrawal(post, version, "queued" if can else "hand", "" if can else BY_HAND)
    return replace(entry, told=max(row.told for row in had))


def abandoned(rows: Sequence[Entry], there: frozenset[str], channels: frozenset[str], now: datetime) -> Plan:
    """What is posted on channels that are not configured any more, of stories that are no more: a person's task.

    ``there`` are the codes that the edition has.
    """
    by_topic: dict[tuple[str, Topic], list[Entry]] = {}
    for row in rows:
        if row.channel not in channels and row.topic.kind == "story" and row.topic.of not in there:
            by_topic.setdefault((row.channel, row.topic), []).append(row)
    tasks = [
        replace(
            post, id=0, act="withdraw", state="hand", queued=now, changed=now, told=post.told,
            note=f"{post.channel} is not configured any more: delete it there by hand",
        )
        for had in by_topic.values()
        for post in _standing(had)
    ]  # fmt: skip
    return Plan(fresh=tuple(tasks))


def stale(rows: Sequence[Entry], rules: Rules, now: datetime) -> Plan:
    """Stories that wait for an editor longer than they are fresh: news of last week is not posted by one keystroke."""
    old = now - max(rules.fresh, timedelta(days=1))
    late = (row for row in rows if row.state == "held" and row.topic.kind == "story" and row.queued < old)
    left = (row for row in late if row.channel == rules.name and row.act == "post" and not row.message.replies_to)
    return Plan(
        changed=tuple(replace(row, state="dropped", changed=now, note="nobody confirmed it in time") for row in left)
    )


def _held(plan: Plan, why: str) -> Plan:
    """An editor looks at it first."""
    return Plan(fresh=tuple(replace(one, state="held", note=why) for one in plan.fresh))


def where(at: At, rows: Sequence[Entry]) -> Plan:
    """Plan for the addresses of now; ``rows`` are the channel's entries about them."""
    rules = at.rules
    had = sorted((row for row in rows if row.channel == rules.name and row.part < PRIVATE), key=lambda row: row.id)
    if "where" not in rules.says or not at.facts.mirrors:
        return Plan()
    topic, draft = Topic("where"), compose.where(rules, at.facts, at.speaks)
    if not had:
        return Plan(fresh=(_addressed(at, topic, 1, draft),))
    last = had[-1]
    if last.digest == draft.digest and not (last.act == "edit" and last.state == "failed"):
        return Plan()
    if last.state in WAITING:
        return Plan(changed=(replace(last, message=draft.message, digest=draft.digest),))
    if last.state == "sending":
        return Plan()
    there = next((row for row in reversed(had) if row.act == "post" and row.state == "posted"), None)
    entry = _addressed(at, topic, last.version + 1, draft)
    if rules.traits.edits and there and last.state not in ("failed", "unknown"):
        return Plan(fresh=(replace(entry, act="edit", remotes=there.remotes, state="queued"),))
    if not rules.traits.edits and there and at.now < there.changed + CALM:
        return Plan()
    return Plan(fresh=(entry,))


def _addressed(at: At, topic: Topic, version: int, draft: Draft) -> Entry:
    return at.entry(topic, None, draft, version=version, state=at.first_state("where"), urgent=True)


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
        and row.state in WAITING
        and row.part < PRIVATE
        and lost.get((row.channel, row.topic, row.version), row.part) < row.part
    ]
    return Plan(changed=tuple(dropped))


def _latest(had: Sequence[Entry]) -> dict[int, Entry]:
    """The newest entry of each part; a withdrawal that was given up is none."""
    rows = sorted(had, key=lambda row: row.id)
    return {row.part: row for row in rows if not (row.act == "withdraw" and row.state == "dropped")}


def _post_of(had: Sequence[Entry], part: int) -> Entry | None:
    """The newest post of a part: what edits and withdrawals are about."""
    posts = [row for row in had if row.part == part and row.act == "post"]
    return max(posts, key=lambda row: row.id, default=None)
