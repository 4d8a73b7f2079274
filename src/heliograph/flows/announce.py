"""story -> post: what shall be said is planned into the outbox, and what is due is sent.

plan -> outbox -> begin -> send -> finish

Rule 1: "sending" is written before a request leaves, so that after any end it is known what may be there. Rule 2: one
process sends; who plans may be anybody. Rule 3: planning looks only at what changed since it last looked.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from heliograph.announce import outbox, plan
from heliograph.announce.compose import Draft
from heliograph.announce.leaf import leaf
from heliograph.announce.outbox import PRIVATE, Due
from heliograph.announce.planning import At, Plan
from heliograph.announce.rules import Facts, Rules
from heliograph.config import (
    ChannelTable,
    Config,
    InstagramChannel,
    MailChannel,
    TelegramChannel,
)
from heliograph.flows.days import Evenings
from heliograph.flows.house import addresses, as_published
from heliograph.model import HeliographError
from heliograph.model.post import WAITING, Card, Drawn, Entry, Sent, Topic
from heliograph.model.words import Words, interface
from heliograph.ports import Channel, Journal

ASK: Final = timedelta(seconds=10)  # after an unclear answer, until the channel is asked what became of it
ASK_AGAIN: Final = timedelta(seconds=30)
ASKING: Final = timedelta(hours=1)  # and for how long
_LOOKED_AT: Final = 2_000  # entries that wait, by one plan
_HEAD: Final = 1_000  # open entries of a channel that are looked at: the first ones
_MOST_TAKEN: Final = 2_000  # stories that are remembered as taken away from a channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Art:
    """How cards become pictures, and where a channel can fetch them."""

    draw: Callable[[Card, str], bytes]  # a card for a kind of channel; CPU work
    shelve: Callable[[bytes], Awaitable[str]]  # its address for an hour, "" where there is no shelf


@dataclass(slots=True)
class Memory:
    """What one process remembers between two plans, so that it looks at what changed only."""

    seen: dict[str, tuple[int, str]] = field(default_factory=dict)  # by story
    mirrors: tuple[str, ...] = ()
    young: frozenset[str] = frozenset()
    asked: dict[int, datetime] = field(default_factory=dict)  # when a channel was asked about an entry
    sent: dict[str, datetime] = field(default_factory=dict)  # when a channel was sent something last


def rules_of(journal: Journal, config: Config, now: datetime) -> tuple[Rules, ...]:
    """The channels' rules. A channel that is new is noted: it begins with what is published from now on."""
    return tuple(_rules(journal, config, table, now) for table in config.channel)


def rules_for(journal: Journal, config: Config, name: str, now: datetime) -> Rules:
    """The rules of one channel; see ``rules_of``."""
    return next(_rules(journal, config, table, now) for table in config.channel if table.name == name)


def _rules(journal: Journal, config: Config, table: ChannelTable, now: datetime) -> Rules:
    key = f"channel {table.name}"
    since = journal.recall(key)
    if not since:
        since = now.isoformat()
        journal.note(key, since)
    return Rules(
        name=table.name,
        kind=table.kind,
        language=table.language,
        voice=table.language or config.newsroom.language,
        sections=table.sections,
        says=frozenset(table.says),
        confirm=frozenset(table.confirm),
        delay=timedelta(seconds=table.delay_seconds),
        quiet=table.quiet_hours,
        urgent=table.urgent,
        fresh=timedelta(seconds=table.fresh_seconds),
        day_at=time.fromisoformat(table.day_at),
        zone=config.newsroom.zone,
        parts=table.parts if isinstance(table, TelegramChannel) else 1,
        pictures=isinstance(table, TelegramChannel) and table.pictures,
        rich=isinstance(table, TelegramChannel) and table.rich,
        slides=table.slides if isinstance(table, InstagramChannel) else 1,
        batch=table.batch if isinstance(table, MailChannel) else 1,
        since=datetime.fromisoformat(since),
    )


def facts_of(journal: Journal, config: Config) -> Facts:
    """What posts may say of the newsroom now."""
    hosts = {urlsplit(config.newsroom.home).hostname, *(urlsplit(source.url).hostname for source in config.source)}
    bare = {host.removeprefix("www.") for host in hosts if host}
    return Facts(
        title=config.newsroom.title,
        mirrors=addresses(journal, config),
        ways=tuple((link.name, link.url) for link in config.link),
        own=frozenset({*bare, *(f"www.{host}" for host in bare), *config.capture.cut.hosts}),
    )


def speaker(config: Config) -> Callable[[str], Words]:
    """The words of a language, or the newsroom's own where there are none."""
    return lambda lang: interface(lang, config.newsroom.language)


def plan_posts(journal: Journal, config: Config, now: datetime, memory: Memory) -> int:
    """Bring the outbox up to what shall be said now; how many entries were added or changed."""
    facts, speaks = facts_of(journal, config), speaker(config)
    channels = rules_of(journal, config, now)
    stamps = journal.told()  # before all else: what changes while this plan is made is looked at by the next one
    # the others come in time, as these go out; corrections of days may wait for a week, and are looked at elsewhere
    waiting = journal.entries(states=WAITING, mends=False, limit=_LOOKED_AT)
    young = frozenset(journal.codes_since(_first_day(channels, now)))
    codes = _changed(stamps, young, facts, waiting, memory)
    rows = journal.entries(topics=[Topic("story", code) for code in sorted(codes)]) if codes else []
    stories = as_published(journal, config, sorted(codes)) if codes else []
    addressed = journal.entries(topics=[Topic("where")])
    since = cache(lambda day: as_published(journal, config, journal.codes_since(day)))
    made, notes = Plan(), dict[str, str]()  # what is noted once all of it is queued
    for rules in channels:
        at = At(rules=rules, now=now, facts=facts, speaks=speaks)
        taken = taken_from(journal, rules.name)
        made += plan.stories(at, stories, rows, taken=taken)
        made += plan.where(at, addressed)
        made += plan.stale(waiting, rules, now)
        evenings = Evenings(journal=journal, config=config, at=at, waiting=waiting, taken=taken, since=since)
        days, noted = evenings.plan()
        made, notes = made + days, notes | noted
    there = frozenset(story.code for story in stories)
    made += plan.abandoned(rows, there, frozenset(rules.name for rules in channels), now)
    made += plan.orphans(rows, now)
    changed = _queue(journal, made)
    for key, value in notes.items():
        journal.note(key, value)
    # last of all: a plan that could not be kept is made again
    memory.seen.update({code: stamps[code] for code in codes if code in stamps})
    memory.mirrors, memory.young = facts.mirrors, young
    return changed


def plan_asked(journal: Journal, config: Config, now: datetime, code: str, channel: str, *, anew: bool = False) -> int:
    """Post a story on one channel because an editor wants it; with ``anew`` edit what is posted of it.

    Nothing else is planned; how many entries were added or changed.
    """
    these, stories = frozenset({code}), as_published(journal, config, [code])
    if not stories:
        return 0
    if not anew:
        take_from(journal, channel, code, away=False)
    at = _at(journal, config, now, channel)
    rows = journal.entries(channel=channel, topics=[Topic("story", code)])
    made = plan.stories(at, stories, rows, anew=these) if anew else plan.stories(at, stories, rows, wanted=these)
    done = _queue(journal, made)
    if not anew:  # an editor who wants a story out has confirmed it
        for row in journal.entries(channel=channel, topics=[Topic("story", code)], states=("held",)):
            done += journal.settle_entry(row.id, "queued", (), "an editor sent it", now)
    return done


def plan_away(journal: Journal, config: Config, now: datetime, code: str, channel: str) -> int:
    """Take a story away from one channel, and leave it so; how many entries were added or changed.

    What is being sent at this moment is taken away when it is there: that it shall go is remembered.
    """
    take_from(journal, channel, code, away=True)
    rows = journal.entries(channel=channel, topics=[Topic("story", code)])
    return _queue(journal, plan.withdraw(_at(journal, config, now, channel), rows[0].topic, rows)) if rows else 0


def taken_from(journal: Journal, channel: str) -> frozenset[str]:
    """The codes of stories that an editor has taken away from a channel."""
    return frozenset(journal.recall(f"taken {channel}").split())


def take_from(journal: Journal, channel: str, code: str, *, away: bool) -> None:
    """Remember that a story is taken away from a channel, or is not any more."""
    codes = [one for one in journal.recall(f"taken {channel}").split() if one != code]
    journal.note(f"taken {channel}", " ".join([*codes, code][-_MOST_TAKEN:] if away else codes))


def _at(journal: Journal, config: Config, now: datetime, channel: str) -> At:
    rules = rules_for(journal, config, channel, now)
    return At(rules=rules, now=now, facts=facts_of(journal, config), speaks=speaker(config))


def one_file(journal: Journal, config: Config, what: str) -> bytes:
    """The one-file edition that goes along with a mail, see ``Message.attached``; b"" where there is nothing of it.

    What was withdrawn since is not in it.
    """
    first, *codes = what.split()
    facts, zone = facts_of(journal, config), ZoneInfo(config.newsroom.zone)
    stories = as_published(journal, config, codes or [first])
    if not stories:
        return b""
    when = date.fromisoformat(first) if codes else stories[0].published.astimezone(zone).date()
    return leaf(stories, when, facts, speaker(config)(stories[0].lang))


def _queue(journal: Journal, made: Plan) -> int:
    if not made.fresh and not made.changed:
        return 0
    return journal.queue(made.fresh, made.changed) + len(made.changed)


def preview_of(
    journal: Journal, config: Config, code: str, now: datetime, *, only: str = ""
) -> dict[str, tuple[Draft, ...]]:
    """What a story would be on each channel, by the channel's name; nothing where there is no such story."""
    facts, speaks = facts_of(journal, config), speaker(config)
    return {
        rules.name: At(rules=rules, now=now, facts=facts, speaks=speaks).drafts(story)
        for rules in rules_of(journal, config, now)
        for story in as_published(journal, config, [code])
        if only in ("", rules.name)
    }


def _changed(
    stamps: Mapping[str, tuple[int, str]],
    young: frozenset[str],
    facts: Facts,
    waiting: Sequence[Entry],
    memory: Memory,
) -> frozenset[str]:
    """Codes of the stories about which there may be something to say."""
    codes = {code for code, state in stamps.items() if memory.seen.get(code) != state}
    if facts.mirrors != memory.mirrors:  # what waits names the addresses of before
        codes |= {entry.topic.of for entry in waiting if entry.topic.kind == "story"}
    return frozenset(codes | (young - memory.young))


def _first_day(channels: Sequence[Rules], now: datetime) -> str:
    """From which day on stories may be young enough for some channel."""
    fresh = max((rules.fresh for rules in channels), default=timedelta(0))
    return (now - fresh - timedelta(days=1)).date().isoformat()


async def say_next(
    journal: Journal, rules: Rules, channel: Channel, clock: Callable[[], datetime], memory: Memory, art: Art
) -> Due:
    """Send what is due first on a channel; what was done, or when to look again.

    ``clock`` is asked twice, since an answer may take half a minute.
    """
    now = clock()
    waiting = journal.entries(channel=rules.name, states=("queued",), limit=_HEAD)
    waiting += journal.entries(channel=rules.name, states=outbox.HOLDING)
    waiting.sort(key=lambda entry: entry.id)
    next_ = outbox.due(waiting, rules, journal.pauses().get(rules.name), memory.sent.get(rules.name), now)
    if next_.entry is not None and (made := outbox.smaller(next_.entry, rules, now)) is not None:
        journal.queue(made.fresh, made.changed)
        return Due(entry=made.changed[0])
    if next_.entry is None or not journal.begin(next_.entry.id, now):
        return next_
    entry = replace(next_.entry, state="sending", attempt=next_.entry.attempt + 1)
    try:
        pictures = await _pictures(entry, rules, art) if entry.act != "withdraw" else ()
    except HeliographError as error:
        done = outbox.undrawn(entry, str(error), clock())
        journal.finish(done)
        return Due(entry=done)
    sent, to = await _send(journal, rules, channel, entry, pictures)
    memory.sent[rules.name] = clock()
    done, pause = outbox.after(entry, sent, rules, clock())
    journal.finish(done, pause)
    if to:
        well = [one for one in to if sent.fate == "posted" and one not in (*sent.gone, *sent.bounced)]
        journal.reached(rules.name, well, sent.bounced, sent.gone)
    return Due(entry=done)


async def _send(
    journal: Journal, rules: Rules, channel: Channel, entry: Entry, pictures: Sequence[Drawn]
) -> tuple[Sent, tuple[str, ...]]:
    to: tuple[str, ...] = ()
    if entry.part >= PRIVATE:
        found = journal.subscribers(rules.name, *outbox.readers(entry.part, rules.batch))
        to = tuple(one.address for one in found)
        if not to:  # they have unsubscribed meanwhile
            return Sent(fate="posted", note="nobody is left in this batch"), ()
    if entry.act == "withdraw":
        return await channel.withdraw(entry.remotes), ()
    if entry.act == "edit":
        return await channel.edit(entry.remotes, entry.message, pictures), ()
    return await channel.send(entry.message, pictures, to), to


async def _pictures(entry: Entry, rules: Rules, art: Art) -> tuple[Drawn, ...]:
    drawn = []
    for card in entry.message.cards:
        data = await asyncio.to_thread(art.draw, card, rules.kind)
        url = await art.shelve(data) if rules.traits.fetches else ""
        drawn.append(Drawn(data=data, alt=card.alt, url=url))
    return tuple(drawn)


async def ask_what_became(journal: Journal, rules: Rules, channel: Channel, now: datetime, memory: Memory) -> int:
    """Have a channel that can say so tell which unclear posts are there; how many are clear now."""
    if not rules.traits.proves:
        return 0
    clear = 0
    for entry in journal.entries(channel=rules.name, states=("unknown",)):
        last = memory.asked.get(entry.id, entry.changed + ASK - ASK_AGAIN)
        if entry.act != "post" or now < last + ASK_AGAIN or now > entry.changed + ASKING:
            continue
        memory.asked[entry.id] = now
        done = outbox.proved(entry, await channel.proof(entry), now)
        if done is not None:
            journal.finish(done)
            clear += 1
    return clear
