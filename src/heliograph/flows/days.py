"""stories -> the day of a channel: planned in its evening, kept true while it waits and where it stands.

Rule 1: a pass asks only for the versions of the stories that were told lately; the entries of a day, which hold whole
letters, are read where one of them changed. Rule 2: what was looked at is noted after what it led to is queued, so that
a pass that ends in between is made again. Rule 3: noted is what the plan was made from, not what is there by then.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, TypedDict
from zoneinfo import ZoneInfo

from heliograph.announce import days
from heliograph.announce.outbox import PRIVATE, batch
from heliograph.announce.planning import At, Plan, is_first
from heliograph.config import Config
from heliograph.flows.house import as_published
from heliograph.model import Story
from heliograph.model.post import WAITING, Entry, Topic
from heliograph.ports import Journal

AGAIN: Final = timedelta(minutes=1)  # until a day is looked at again of which something was on its way
LETTERS_AGAIN: Final = timedelta(minutes=10)  # and one of letters, which are many and large
_UNSEEN: Final = -1_000_000_000  # a version that no story has


class Looked(TypedDict):
    """What is noted of a day: the version of each story it tells, and when to look again.

    The version is 0 where the story is gone, and below 0 where an editor took it away from here.
    """

    told: dict[str, int]
    again: str  # "": when a version changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Evenings:
    """The days of one channel at one moment."""

    journal: Journal
    config: Config
    at: At
    waiting: Sequence[Entry]  # those of all channels that nobody has begun, without what mends a day
    taken: frozenset[str]  # codes of stories that an editor has taken away from this channel
    since: Callable[[str], Sequence[Story]]  # the stories of an ISO date and later, as they are published

    def plan(self) -> tuple[Plan, dict[str, str]]:
        """What to change in the outbox, and what to note, in this order, once that is done."""
        name, today, oldest = self.at.rules.name, self._today(), self._oldest()
        before = self._noted()
        after, made = dict(before), days.stale(self.at, [row for row in self._waiting() if row.topic.of < oldest])
        current = self.journal.versions([code for looked in before.values() for code in looked["told"]])
        for day, looked in before.items():
            if day < oldest:
                made += self._ended(day)
                del after[day]
                continue
            due = looked["again"] and looked["again"] <= self.at.now.isoformat()
            if due or self._told(looked["told"], current) != looked["told"]:
                plan, after[day] = self._mended(day, looked)
                made += plan
        for day in sorted({row.topic.of for row in self._waiting() if row.topic.of >= oldest}):
            plan, after[day] = self._renewed(day, after.get(day, Looked(told={}, again="")))
            made += plan
        local = self.at.now.astimezone(ZoneInfo(self.at.rules.zone))
        is_evening = local.time() >= self.at.rules.day_at and self.journal.recall(f"day {name}") != today
        if is_evening:
            plan, after[today] = self._evening(today)
            made += plan
        notes = {f"days {name}": json.dumps(after)} if after != before else {}
        return made, notes | ({f"day {name}": today} if is_evening else {})

    def _noted(self) -> dict[str, Looked]:
        noted: dict[str, Looked] = json.loads(self.journal.recall(f"days {self.at.rules.name}") or "{}")
        return noted

    def _today(self) -> str:
        return self.at.now.astimezone(ZoneInfo(self.at.rules.zone)).date().isoformat()

    def _oldest(self) -> str:
        return (date.fromisoformat(self._today()) - days.MENDED).isoformat()

    def _waiting(self) -> list[Entry]:
        name = self.at.rules.name
        return [one for one in self.waiting if one.channel == name and one.topic.kind == "day" and is_first(one)]

    def _told(self, codes: Iterable[str], current: Mapping[str, int]) -> dict[str, int]:
        """The version of each of these stories, as ``Looked`` has it."""
        return {code: current.get(code, 0) * (-1 if code in self.taken else 1) for code in codes}

    def _mine(self, stories: Sequence[Story]) -> list[Story]:
        """Those that this channel may tell."""
        return [story for story in stories if story.code not in self.taken]

    def _mended(self, day: str, looked: Looked) -> tuple[Plan, Looked]:
        """A day that is out, and whose stories may have changed."""
        rules = self.at.rules
        below = 0 if rules.traits.audience else PRIVATE
        rows = self.journal.entries(channel=rules.name, topics=[Topic("day", day)], below=below)
        codes = [*looked["told"], *days.codes(rows)]
        stories = as_published(self.journal, self.config, codes)
        there = {story.code: story.version for story in stories}
        plan, settled = days.mend(self.at, self._mine(stories), frozenset(there), rows)
        later = self.at.now + (LETTERS_AGAIN if rules.traits.audience else AGAIN)
        again = "" if settled else later.isoformat()
        return plan, Looked(told=self._told(codes, there), again=again)

    def _ended(self, day: str) -> Plan:
        """A day that is a week old: what waits of its corrections goes to nobody."""
        rows = self.journal.entries(channel=self.at.rules.name, topics=[Topic("day", day)], states=WAITING)
        return days.stale(self.at, rows)

    def _renewed(self, day: str, looked: Looked) -> tuple[Plan, Looked]:
        """A day that waits: told as it would be now."""
        when, rows = date.fromisoformat(day), [row for row in self._waiting() if row.topic.of == day]
        stories = self.since((when - timedelta(days=1)).isoformat())
        plan = days.renew(self.at, when, self._mine(stories), rows)
        there = {story.code: story.version for story in stories}
        known = looked["told"] | self._told(days.codes([*rows, *plan.changed]), there)
        # one that is begun at this moment goes out as it was
        again = (self.at.now + AGAIN).isoformat() if plan.changed else looked["again"]
        return plan, Looked(told=known, again=again)

    def _evening(self, today: str) -> tuple[Plan, Looked]:
        """The day's entries, for the channel and for its subscribers."""
        rules = self.at.rules
        planned = self.journal.entries(channel=rules.name, topics=[Topic("day", today)], limit=1)
        if planned:  # and this process ended before it had noted that
            return Plan(), Looked(told=dict.fromkeys(days.codes(planned), _UNSEEN), again="")
        private = rules.kind == "telegram" or (rules.traits.audience and "day" in rules.says)
        numbers = [one.id for one in self.journal.subscribers(rules.name)] if private else []
        stories = self.since((date.fromisoformat(today) - timedelta(days=1)).isoformat())
        plan = days.day(self.at, self._mine(stories), batches(numbers, rules.batch))
        there = {story.code: story.version for story in stories}
        return plan, Looked(told=self._told(days.codes(plan.fresh), there), again="")


def batches(numbers: Sequence[int], size: int) -> list[int]:
    """The parts by which subscribers with these numbers get a letter; who subscribes later is in none of them."""
    last = max(numbers, default=0)
    return [batch(first, min(size, last + 1 - first)) for first in sorted({one - one % size for one in numbers})]
