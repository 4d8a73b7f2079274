"""The process of a posting day that plans, sends and is killed; and the clock that it shares with the others."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import multiprocessing
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from heliograph.adapters.channels.facebook import Facebook
from heliograph.adapters.channels.instagram import Instagram
from heliograph.adapters.channels.mail import Mail
from heliograph.adapters.channels.smtp import Way
from heliograph.adapters.channels.telegram import TelegramChannel
from heliograph.adapters.channels.viber import Viber
from heliograph.adapters.channels.webhook import Webhook
from heliograph.adapters.journal import SqlJournal
from heliograph.announce.cards import SHAPES, draw
from heliograph.cli.fonts import style
from heliograph.config import Config, parse
from heliograph.flows.announce import Art, Memory, ask_what_became, one_file, plan_posts, rules_for, say_next
from heliograph.model.post import Card
from heliograph.ports import Channel

SPEED = 60.0  # seconds of the emulated world in one of ours
START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
QUICK = aiohttp.ClientTimeout(total=3, sock_connect=1, sock_read=1)  # for an answer that never comes
PLAN = 20.0  # emulated seconds between two plans
LOOK = 60.0  # and at most until a voice that waits looks again; it is woken when something was planned


@dataclass(frozen=True)
class Clock:
    """The time of the emulated world, the same in every process of this machine."""

    began: float  # on the machine's monotonic clock
    ahead: Any  # seconds that were skipped, shared by the processes

    def __call__(self) -> float:
        return float(START.timestamp() + (time.monotonic() - self.began) * SPEED + self.ahead.value)

    def moment(self) -> datetime:
        return datetime.fromtimestamp(self(), UTC)

    def skip(self, seconds: float) -> None:
        """Go on at once by so much."""
        with self.ahead.get_lock():
            self.ahead.value += seconds

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds / SPEED)


def clock() -> Clock:
    """One that begins now."""
    return Clock(time.monotonic(), multiprocessing.get_context("forkserver").Value("d", 0.0))


def speak(text: str, folder: str, door: str, clock: Clock) -> None:
    """Plan and send for ever, as ``heliograph run`` does."""
    asyncio.run(_speak(parse(text, Path(folder) / "heliograph.toml"), door, clock))


async def _speak(config: Config, door: str, clock: Clock) -> None:
    memory, look, fresh = Memory(), style(config), list[asyncio.Event]()

    async def shelve(data: bytes) -> str:
        async with aiohttp.ClientSession() as session, session.put(door, data=data) as answer:
            return await answer.text()

    @functools.cache
    def sample(shape: str) -> bytes:
        return draw(Card(title="Заголовок", foot="Полуостров"), look, SHAPES[shape])

    def drawn(_: Card, kind: str) -> bytes:  # what cards look like is no matter here
        return sample("tall" if kind == "instagram" else "wide")

    art = Art(draw=drawn, shelve=shelve)
    with SqlJournal(config.journal_url, config.state_folder) as journal:
        journal.recover(clock.moment())
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            for channel in _channels(config, journal, clock):
                await stack.enter_async_context(channel)  # type: ignore[arg-type]
                fresh.append(asyncio.Event())
                group.create_task(_say(config, journal, channel, clock, memory, art, fresh[-1]))
            while True:
                if plan_posts(journal, config, clock.moment(), memory):
                    for event in fresh:
                        event.set()
                await clock.pause(PLAN)


async def _say(
    config: Config,
    journal: SqlJournal,
    channel: Channel,
    clock: Clock,
    memory: Memory,
    art: Art,
    fresh: asyncio.Event,
) -> None:
    while True:
        fresh.clear()
        rules = rules_for(journal, config, channel.name, clock.moment())
        await ask_what_became(journal, rules, channel, clock.moment(), memory)
        due = await say_next(journal, rules, channel, clock.moment, memory, art)
        if due.entry is None:
            wait = (due.at - clock.moment()).total_seconds() if due.at else LOOK
            with suppress(TimeoutError):
                await asyncio.wait_for(fresh.wait(), min(LOOK, max(0.1, wait)) / SPEED)


def _channels(config: Config, journal: SqlJournal, clock: Clock) -> Iterator[Channel]:
    for table in config.channel:
        at: Any = table
        token = Path(getattr(at, "token", "") or getattr(at, "secret", ""))
        match table.kind:
            case "telegram":
                yield TelegramChannel(
                    name=at.name, chat=at.chat, token=token, endpoint=at.endpoint, timeout=QUICK, pause=clock.pause
                )
            case "viber":
                yield Viber(at.name, token=token, webhook=at.webhook, base=at.endpoint, timeout=QUICK)
            case "instagram":
                yield Instagram(
                    at.name, account=at.account, token=token, base=at.endpoint, timeout=QUICK, pause=clock.pause,
                    clock=clock,
                )  # fmt: skip
            case "facebook":
                yield Facebook(
                    at.name, page=at.page, token=token, secret=Path(at.secret), base=at.endpoint, timeout=QUICK
                )
            case "mail":
                yield Mail(
                    at.name, sender=at.sender, title=config.newsroom.title, mark=_mark, clock=clock.moment,
                    way=Way(host=at.host, port=at.port, reply=1, taken=1),
                    edition=lambda what: one_file(journal, config, what),
                )  # fmt: skip
            case _:
                yield Webhook(at.name, url=at.url, secret=token, timeout=QUICK)


def _mark(text: str) -> str:
    return hashlib.sha256(f"key {text}".encode()).hexdigest()[:20]


class Sender:
    """The process that sends: begun, killed, begun again."""

    def __init__(self, text: str, folder: Path, door: str, clock: Clock) -> None:
        self.kills = 0
        self._args = (text, str(folder), door, clock)
        self._context = multiprocessing.get_context("forkserver")
        self._process: Any = None

    def __enter__(self) -> Sender:
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _begin(self) -> None:
        self._process = self._context.Process(target=speak, args=self._args)
        self._process.start()

    def kill(self, after: float) -> None:
        """SIGKILL in so many seconds, and begin anew."""
        time.sleep(after)
        self.look()
        self._process.kill()
        self._process.join()
        self.kills += 1
        self._begin()

    def look(self) -> None:
        """It must not end by itself."""
        if not self._process.is_alive():
            raise RuntimeError(f"the sender ended by itself: {self._process.exitcode}")

    def stop(self) -> None:
        """End it for good."""
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
