"""The voice of ``run``: what shall be said is planned, and every channel says what is due, one after the other."""

from __future__ import annotations

import asyncio
import functools
import json
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from heliograph.announce.plan import KEEP
from heliograph.cli.art import art_of
from heliograph.cli.channels import mail, marks, opened
from heliograph.cli.screen import complain, out
from heliograph.cli.service import rest, unless
from heliograph.cli.standing import keep_health, worries
from heliograph.cli.wiring import open_journal
from heliograph.config import ChannelTable, Config, MailChannel, TelegramChannel
from heliograph.flows.announce import Memory, ask_what_became, plan_posts, rules_for, say_next
from heliograph.flows.house import addresses
from heliograph.model import HeliographError, JournalBusyError, StoreError
from heliograph.model.post import Entry, Pause
from heliograph.ports import Channel, Journal

LOCK: Final = "outbox"
_PLAN = 5.0  # seconds between two looks at what shall be said; the pool of mirrors may have moved
_ASK = 15.0  # and at what became of posts without a clear answer
_BUSY = 10.0  # seconds until the lock is asked for again while somebody posts by hand
_HEALTH = 6 * 3_600.0  # seconds between two looks at tokens
_FORGET_EVERY = 3_600.0  # seconds between two looks at what is older than is remembered


async def keep_speaking(config: Config, over: asyncio.Event, news: asyncio.Event, *, as_json: bool) -> None:
    """Say what is to be said until ``over``; ``news`` is set when there may be more of it.

    What fails is told, and tried again.
    """
    while config.channel and not over.is_set():
        try:
            with open_journal(config) as journal, journal.hold("heliograph run", LOCK):
                await _speak(config, journal, over, news, _Teller(as_json=as_json))
        except JournalBusyError:
            await rest(over, _BUSY)
        except HeliographError as error:
            complain(error)
            await rest(over, _BUSY)
        except Exception as error:  # noqa: BLE001 - a database that is away for a moment must not end the voice
            complain(StoreError(f"posting failed: {error}", remedy="it goes on; if it stays so, report it"))
            await rest(over, _BUSY)


async def say_now(config: Config, journal: Journal, channels: Sequence[str], seconds: float) -> list[Entry]:
    """Send what is due on these channels within ``seconds``, for a command; what was sent.

    Raises:
        JournalBusyError: the service is running: it sends.
    """
    done: list[Entry] = []
    with journal.hold("heliograph post", LOCK):
        journal.recover(_now())
        voices = Voices(config, journal, asyncio.Event(), done.append)
        try:
            async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
                for table in config.channel:
                    if table.name in channels:
                        channel = await stack.enter_async_context(opened(config, journal, table))
                        group.create_task(voices.say(channel, asyncio.Event()))
                group.create_task(voices.until_quiet(channels, _now() + timedelta(seconds=seconds)))
        except ExceptionGroup as error:
            raise _told("that is posted to", error) from error
    return done


async def tell_hub(config: Config) -> None:
    """Tell the WebSub hub of the newsroom, if it has one, that the feeds have changed."""
    if not config.announce.hub:
        return
    from heliograph.adapters.channels.websub import WebSub

    with open_journal(config) as journal:
        urls = addresses(journal, config)
    async with WebSub(config.announce.hub) as hub:
        for url in urls:
            sent = await hub.tell(f"{url}feed.xml")
            if sent.fate != "posted":
                remedy = "readers of feeds see the news a little later; nothing else is lost"
                complain(StoreError(sent.note, where=config.announce.hub, remedy=remedy))
                return


async def _speak(config: Config, journal: Journal, over: asyncio.Event, news: asyncio.Event, told: _Teller) -> None:
    for entry in journal.recover(_now()):
        told.entry(entry)
    voices, forgot = Voices(config, journal, over, told.entry), -_FORGET_EVERY
    fresh = [asyncio.Event() for _ in config.channel]
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        for table, event in zip(config.channel, fresh, strict=True):
            group.create_task(_guarded(table.name, over, functools.partial(_one, voices, journal, table, event, told)))
            if isinstance(table, TelegramChannel) and table.readers:
                answer = functools.partial(_answer, config, journal, table, over)
                group.create_task(_guarded(f"{table.name}, its bot", over, answer))
            if isinstance(table, MailChannel) and table.listen:
                take = functools.partial(_take_letters, config, journal, table, over)
                group.create_task(_guarded(f"{table.name}, its door", over, take))
        while not over.is_set():
            try:
                if plan_posts(journal, config, _now(), voices.memory):
                    for event in fresh:
                        event.set()
                if loop.time() > forgot + _FORGET_EVERY:
                    forgot = loop.time()
                    journal.forget(_now() - KEEP)
            except Exception as error:  # noqa: BLE001 - a database that is away for a moment ends no voice
                complain(StoreError(f"no posts could be planned: {error}", remedy="it is tried again"))
            await rest(over, _PLAN, news)


async def _guarded(what: str, over: asyncio.Event, work: Callable[[], Awaitable[None]]) -> None:
    """``work`` until ``over``; its faults are told, silence nobody else, and it begins anew."""
    while not over.is_set():
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - see above
            complain(_told(what, error))
            await rest(over, _BUSY)


def _told(what: str, error: Exception) -> HeliographError:
    while isinstance(error, ExceptionGroup):  # of one task that failed: the others were only ended with it
        error = error.exceptions[0]
    if isinstance(error, HeliographError):
        return error
    return StoreError(
        f"channel {what} failed: {type(error).__name__}", remedy="it begins anew; if it stays so, report it"
    )


async def _one(voices: Voices, journal: Journal, table: ChannelTable, fresh: asyncio.Event, told: _Teller) -> None:
    """One channel: its voice, and a look at its token now and then."""
    async with opened(voices.config, journal, table) as channel, asyncio.TaskGroup() as group:
        group.create_task(voices.say(channel, fresh))
        look = functools.partial(_look_after, journal, channel, voices.over, told)
        group.create_task(_guarded(f"{table.name}, its token", voices.over, look))


class Voices:
    """What all channels that speak at the same time share."""

    def __init__(self, config: Config, journal: Journal, over: asyncio.Event, told: Callable[[Entry], Any]) -> None:
        """``told`` hears what became of each entry; ``over`` ends all voices, between two messages."""
        self.config, self._journal, self.over, self._told = config, journal, over, told
        self.memory, self._art = Memory(), art_of(config, journal)

    async def say(self, channel: Channel, fresh: asyncio.Event) -> None:
        """One channel's voice: what is due, one after the other. ``fresh`` is set when there may be more."""
        loop, asked = asyncio.get_running_loop(), 0.0
        while not self.over.is_set():
            rules = rules_for(self._journal, self.config, channel.name, _now())
            if loop.time() >= asked:
                await ask_what_became(self._journal, rules, channel, _now(), self.memory)
                asked = loop.time() + _ASK
            due = await say_next(self._journal, rules, channel, _now, self.memory, self._art)
            if due.entry is not None:
                self._told(due.entry)
                continue
            wait = (due.at - _now()).total_seconds() if due.at else _ASK
            await rest(self.over, min(_ASK, max(0.01, wait)), fresh)

    async def until_quiet(self, channels: Sequence[str], until: datetime) -> None:
        """Set ``over`` when nothing more can be sent ``until`` then."""

        def waits(entry: Entry, pause: Pause | None) -> bool:
            rests = pause is not None and (pause.until is None or pause.until > until)
            return not rests and (entry.not_before is None or entry.not_before <= until)

        while _now() < until and any(  # noqa: ASYNC110 - another process may send, too
            waits(entry, self._journal.pauses().get(name))
            for name in channels
            for entry in self._journal.entries(channel=name, states=("queued", "sending"), limit=20)
        ):
            await asyncio.sleep(0.1)
        self.over.set()


async def _answer(config: Config, journal: Journal, table: TelegramChannel, over: asyncio.Event) -> None:
    """The bot that readers of a channel ask, until ``over``."""
    from heliograph.adapters.channels.telegram_readers import TelegramReaders
    from heliograph.flows.readers import Readers

    rules = rules_for(journal, config, table.name, _now())
    bot = TelegramReaders(name=table.name, token=config.file(table.token), endpoint=table.endpoint)
    try:
        await unless(over, Readers(journal, config, rules, bot, clock=time.monotonic, pause=asyncio.sleep).run())
    finally:
        await bot.aclose()


async def _take_letters(config: Config, journal: Journal, table: MailChannel, over: asyncio.Event) -> None:
    """The door where readers' mail is handed in, until ``over``."""
    from heliograph.adapters.channels.door import Door
    from heliograph.flows.letters import answering

    host, _, port = table.listen.rpartition(":")
    door, postman = Door(host.strip("[]"), int(port), table.sender), mail(config, journal, table)
    salt = functools.partial(secrets.token_bytes, 16)
    try:
        async with answering(journal, config, table, door, postman, marks(config), salt, _now):
            await over.wait()
    except OSError as error:
        remedy = "see what else listens there, or give another one in listen"
        raise StoreError(f"mail cannot be taken in: {error.strerror}", where=table.listen, remedy=remedy) from error


async def _look_after(journal: Journal, channel: Channel, over: asyncio.Event, told: _Teller) -> None:
    """Now and then, whether the channel's token and rights are good; kept for ``status``."""
    while not over.is_set():
        health = await channel.health()
        keep_health(journal, channel.name, health, _now())
        for line in worries(channel.name, health, _now()):
            told.line(line)
        await rest(over, _HEALTH)


class _Teller:
    """Lines for people, or JSON for scripts."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def entry(self, entry: Entry) -> None:
        if self._as_json:
            print(json.dumps({"post": as_object(entry)}, ensure_ascii=False), flush=True)
        else:
            self.line(in_words(entry))

    def line(self, text: str) -> None:
        if self._as_json:
            print(json.dumps({"channel": text}, ensure_ascii=False), flush=True)
        else:
            out.print(f"{_now():%H:%M:%S} {text}", markup=False, soft_wrap=True)


def as_object(entry: Entry) -> dict[str, Any]:
    """An entry as JSON, without its message."""
    plain = {key: value for key, value in asdict(entry).items() if key not in ("message", "digest", "topic")}
    times = {
        key: value.isoformat() if value else ""
        for key, value in plain.items()
        if key in ("not_before", "queued", "changed")
    }
    return {**plain, **times, "about": str(entry.topic)}


def in_words(entry: Entry) -> str:
    """An entry as a line."""
    part = f", part {entry.part + 1}" if entry.part else ""
    note = f": {entry.note}" if entry.note else ""
    return f"{entry.channel}: {entry.act} {entry.topic}{part} is {entry.state}{note}"


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the command line is where time comes from
