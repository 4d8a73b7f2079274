"""stories -> the day of a channel: planned in its evening, kept true while it waits and where it stands.

Rule 1: a pass asks only for the versions of the stories that were told lately; the entries of a day, which hold whole
letters, are read where one of them changed. Rule 2: what was looked at is noted after what it led to is queued, so that
a pass that ends in between is made again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from heliograph.announce import days
from heliograph.announce.planning import At, Plan
from heliograph.config import Config
from heliograph.flows.house import as_published
from heliograph.model.post import Entry, Topic
from heliograph.ports import Journal

MENDED: Final = timedelta(days=7)  # for so long a day that was told is kept true

Told = dict[str, dict[str, int]]  # by ISO date: the stories that a channel told of, each with the version looked at


def plan_days(
    journal: Journal, config: Config, at: At, waiting: Sequence[Entry], taken: frozenset[str]
) -> tuple[Plan, dict[str, str]]:
    """Plan for the days of one channel, and what to note when it is queued.

    ``waiting`` are entries that wait; ``taken`` the codes of stories that an editor has taken away from this channel.
    """
    name, zone = at.rules.name, ZoneInfo(at.rules.zone)
    today = at.now.astimezone(zone).date()
    before = _noted(journal, name, today)
    after, made, notes = dict(before), Plan(), dict[str, str]()
    current = journal.versions([code for told in before.values() for code in told])
    waits = {row.topic.of for row in waiting if row.channel == name and row.topic.kind == "day" and days.is_first(row)}
    for day in sorted({*before, *waits}):
        told = before.get(day, {})
        if day in waits or _but(current, told, taken) != told:
            plan, whole, codes = _look_again(journal, config, at, taken, day)
            made += plan
            if whole:
                after[day] = _but(journal.versions(codes), codes, taken)
    if at.now.astimezone(zone).time() >= at.rules.day_at and journal.recall(f"day {name}") != today.isoformat():
        evening = _evening(journal, config, at, taken, today)
        made += evening
        notes[f"day {name}"] = today.isoformat()
        after[today.isoformat()] = days.versions(evening.fresh)
    if after != before:
        notes[f"days {name}"] = json.dumps({day: told for day, told in after.items() if told})
    return made, notes


def _but(current: Mapping[str, int], codes: Iterable[str], taken: frozenset[str]) -> dict[str, int]:
    """What of these a channel tells now, each in its version of now."""
    return {code: current[code] for code in codes if code in current and code not in taken}


def _noted(journal: Journal, name: str, today: date) -> Told:
    """What was told of late."""
    noted: Told = json.loads(journal.recall(f"days {name}") or "{}")
    oldest = (today - MENDED).isoformat()
    return {day: told for day, told in noted.items() if day >= oldest}


def _look_again(
    journal: Journal, config: Config, at: At, taken: frozenset[str], day: str
) -> tuple[Plan, bool, list[str]]:
    """A day whose stories may have changed: what waits of it, and what is out.

    Whether that is all there is to plan, and the codes that it tells then or told before.
    """
    rows = journal.entries(channel=at.rules.name, topics=[Topic("day", day)])
    when = date.fromisoformat(day)
    since = (when - timedelta(days=1)).isoformat()
    there = as_published(journal, config, [*journal.codes_since(since), *days.versions(rows)])
    told = [story for story in there if story.code not in taken]
    plan, whole = days.mend(at, when, told, {story.code: story for story in there}, rows)
    plan += days.renew(at, when, told, rows)
    return plan, whole, list(days.versions([*rows, *plan.fresh, *plan.changed]))


def _evening(journal: Journal, config: Config, at: At, taken: frozenset[str], today: date) -> Plan:
    """The day's entries, for the channel and for its subscribers."""
    rules, since = at.rules, today - timedelta(days=1)
    private = rules.kind == "telegram" or (rules.traits.audience and "day" in rules.says)
    ids = [one.id for one in journal.subscribers(rules.name)] if private else []
    stories = as_published(journal, config, journal.codes_since(since.isoformat()))
    told = [story for story in stories if story.code not in taken]
    return days.day(at, told, sorted({number // rules.batch for number in ids}))
