"""A day of posting with everything that can go wrong: is anything said twice, or lost?

    python -m benchmarks.outbox [--seeds 100] [--first 0] [--stories 60] [--kills 20] [--share 0.2] [--json]

Each seed is a day: stories, corrections, withdrawals, and a mirror that dies, on Telegram, Viber, Instagram, Facebook
and a webhook at once. The real adapters speak over loopback to the strict emulators, of whose calls a share meets a
fault: the connection ends, no answer comes, a gateway answers, the answer is nonsense, each before or after it was
done. The process that sends is killed (SIGKILL) at random moments and begun anew. An editor confirms what is held, and
decides what is unclear by looking at the channel. At the end each post that readers see is held against the plan. Time
runs faster than in earnest; nothing else is different.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from heliograph.adapters.channels.facebook import Facebook
from heliograph.adapters.channels.instagram import Instagram
from heliograph.adapters.channels.telegram import TelegramChannel
from heliograph.adapters.channels.viber import Viber
from heliograph.adapters.channels.webhook import Webhook
from heliograph.adapters.journal import SqlJournal
from heliograph.announce import compose
from heliograph.announce.cards import SHAPES, draw
from heliograph.announce.prose import shown_text
from heliograph.cli.fonts import style
from heliograph.config import Config, parse
from heliograph.flows.announce import (
    Art,
    Memory,
    as_published,
    ask_what_became,
    facts_of,
    plan_posts,
    rules_for,
    rules_of,
    say_next,
    speaker,
)
from heliograph.flows.work import drafted
from heliograph.lab.channels.rehearsal import Post, Rehearsal
from heliograph.model import Paragraph, Run, Story, plain_text
from heliograph.model.code import shown, story_code
from heliograph.model.ledger import Outcome
from heliograph.model.mirror import Mirror
from heliograph.model.post import Card, Entry, Message, Topic
from heliograph.ports import Channel

SPEED = 60.0  # seconds of the emulated world in one of ours
START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
CHANNELS = ("telegram", "viber", "instagram", "facebook", "webhook")
EDITS = ("telegram", "facebook", "webhook")
QUICK = aiohttp.ClientTimeout(total=4, sock_connect=2, sock_read=2)  # for an answer that never comes
NAMES = ("мост", "паром", "школа", "суд", "вода", "рынок", "музей", "шторм", "порт", "хлеб", "свет", "дорога", "театр")
SENTENCE = "Дело «{0}» началось утром, и вот что о нём говорят те, кто его видел. "
CONFIG = """
[newsroom]
title = "Полуостров"
language = "ru"
home = "https://peninsula.example/"
"""


@dataclass(frozen=True)
class Clock:
    """The time of the emulated world, the same in every process of this machine."""

    began: float  # on the machine's monotonic clock
    speed: float = SPEED

    def __call__(self) -> float:
        return START.timestamp() + (time.monotonic() - self.began) * self.speed

    def moment(self) -> datetime:
        return datetime.fromtimestamp(self(), UTC)

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self.speed)


# ---------------------------------------------------------------- the process that sends, and is killed


def speak(text: str, folder: str, door: str, clock: Clock) -> None:
    """Plan and send for ever, as ``heliograph run`` does."""
    asyncio.run(_speak(parse(text, Path(folder) / "heliograph.toml"), door, clock))


async def _speak(config: Config, door: str, clock: Clock) -> None:
    memory, look = Memory(), style(config)

    async def shelve(data: bytes) -> str:
        async with aiohttp.ClientSession() as session, session.put(door, data=data) as answer:
            return await answer.text()

    def drawn(card: Card, kind: str) -> bytes:
        return draw(card, look, SHAPES["tall" if kind == "instagram" else "wide"])

    art = Art(draw=drawn, shelve=shelve)
    with SqlJournal(config.journal_url, config.state_folder) as journal:
        journal.recover(clock.moment())
        async with AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            for channel in _channels(config, clock):
                await stack.enter_async_context(channel)  # type: ignore[arg-type]
                group.create_task(_say(config, journal, channel, clock, memory, art))
            while True:
                plan_posts(journal, config, clock.moment(), memory)
                await clock.pause(5)


async def _say(config: Config, journal: SqlJournal, channel: Channel, clock: Clock, memory: Memory, art: Art) -> None:
    while True:
        rules = rules_for(journal, config, channel.name, clock.moment())
        await ask_what_became(journal, rules, channel, clock.moment(), memory)
        due = await say_next(journal, rules, channel, clock.moment, memory, art)
        if due.entry is None:
            wait = (due.at - clock.moment()).total_seconds() if due.at else 5.0
            await clock.pause(min(5.0, max(0.1, wait)))


def _channels(config: Config, clock: Clock) -> Iterator[Channel]:
    for table in config.channel:
        at: Any = table
        token = Path(getattr(at, "token", "") or at.secret)
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
            case _:
                yield Webhook(at.name, url=at.url, secret=token, timeout=QUICK)


# ---------------------------------------------------------------- the newsroom, the editor, and who kills


class Day:
    """One seed."""

    def __init__(self, folder: Path, seed: int, args: argparse.Namespace) -> None:
        self.chance, self.args = random.Random(seed), args
        self.clock = Clock(time.monotonic())
        self.rehearsal = Rehearsal(self.clock, seed=seed)
        self.rehearsal.graph.instagram.terms.posts = 2 * args.stories  # a busy account's
        self.folder, self.text = folder, ""
        self.counts: Counter[str] = Counter()
        self.stories: list[Story] = []
        self.gone: list[Story] = []

    def run(self) -> dict[str, Any]:
        """The whole day; what came of it."""
        with _threaded(self.rehearsal) as door:
            self.text = CONFIG + self.rehearsal.tables(self.folder / "tokens")
            config = parse(self.text, self.folder / "heliograph.toml")
            with SqlJournal(config.journal_url, config.state_folder) as journal, _Killed(self, door) as sender:
                self.config, self.journal = config, journal
                self._mirrors("https://one.example/", "https://two.example/")
                rules_of(journal, config, self.clock.moment())
                for provider in self.rehearsal.providers:
                    provider.share = self.args.share
                self._publish(sender)
                self._end(sender)
                sender.stop()
                return self._judged()

    def _publish(self, sender: _Killed) -> None:
        """Stories by and by, corrections and withdrawals between them, kills at any moment."""
        count = self.args.stories
        corrected = set(self.chance.sample(range(count // 6, count), self.args.corrections))
        withdrawn = set(self.chance.sample(range(count // 6, count), self.args.withdrawals))
        killed = Counter(self.chance.randrange(count) for _ in range(self.args.kills))
        for number in range(count):
            time.sleep(self.chance.uniform(0.0, 2 * self.args.pace))
            long = number % 9 == 4
            self.stories.append(_story(number, self.clock.moment(), 110 if long else 5))
            self._save(self.stories[-1])
            if number in corrected:
                which = self.chance.randrange(max(0, len(self.stories) - 5), len(self.stories))
                self.stories[which] = _newer(self.stories[which])
                self._save(self.stories[which])
            if number in withdrawn:
                out = self.stories.pop(self.chance.randrange(max(0, len(self.stories) - 5), len(self.stories)))
                self.gone.append(out)
                self.journal.withdraw([out.code], (), self.clock.moment())
            if number == count // 2:
                self._mirrors("https://two.example/", "https://three.example/")
            for _ in range(killed[number]):
                sender.kill(self.chance.uniform(0.05, 0.6))
            self._confirm()

    def _end(self, sender: _Killed) -> None:
        """Until nothing is left to do, with an editor at hand."""
        until, quiet = time.monotonic() + self.args.patience, 0
        while quiet < 3 and time.monotonic() < until:
            time.sleep(0.3)
            sender.look()
            did = self._confirm() + self._decide()
            did += plan_posts(self.journal, self.config, self.clock.moment(), Memory())  # is all planned?
            waiting = self.journal.entries(states=("queued", "sending", "held", "unknown"), limit=1)
            quiet = 0 if did or waiting else quiet + 1

    def _confirm(self) -> int:
        held = self.journal.entries(states=("held",))
        done = [self.journal.settle_entry(row.id, "queued", (), "", self.clock.moment()) for row in held]
        self.counts["confirmed by the editor"] += sum(done)
        return sum(done)

    def _decide(self) -> int:
        """What is unclear for longer than any channel is asked: the editor looks at the channel."""
        wall = self.rehearsal.wall()
        old = self.clock.moment() - timedelta(minutes=3)
        unclear = [row for row in self.journal.entries(states=("unknown",)) if row.changed < old]
        for row in unclear:
            known = {remote for other in self.journal.entries(channel=row.channel) for remote in other.remotes}
            found = [
                one.remote
                for one in wall
                if one.channel == row.channel and one.remote not in known and one.text == shown_text(row.message)
            ]
            state: Any = "posted" if found else "queued"
            done = self.journal.settle_entry(row.id, state, found[:1] or [""], "looked", self.clock.moment())
            self.counts["decided by the editor"] += done
        return len(unclear)

    # --- what came of it ---

    def _judged(self) -> dict[str, Any]:
        wall, rows = self.rehearsal.wall(), self.journal.entries()
        twice, lost, wrong = 0, 0, list[str]()
        for name in CHANNELS:
            seen = [post for post in wall if post.channel == name]
            mine = [row for row in rows if row.channel == name]
            taken = {
                remote for row in mine if row.act == "withdraw" and row.state == "posted" for remote in row.remotes
            }
            posted = [row for row in mine if row.act == "post" and row.state == "posted"]
            claimed = Counter(row.remotes[0] for row in posted if row.remotes)
            twice += sum(post.remote not in claimed for post in seen) + sum(n - 1 for n in claimed.values())
            there = {post.remote for post in seen}
            lost += sum(row.remotes[0] not in there for row in posted if row.remotes and row.remotes[0] not in taken)
            wrong += self._against_plan(name, seen, mine)
        left = Counter(row.state for row in rows)
        struck = sum(len(provider.struck) for provider in self.rehearsal.providers)
        return {
            "posts": sum(row.act == "post" and row.state == "posted" for row in rows),
            "calls": sum(sum(provider.calls.values()) for provider in self.rehearsal.providers),
            "faults": struck,
            "kills": self.counts["kills"],
            "twice": twice,
            "lost": lost,
            "not as planned": len(wrong),
            "unsettled": left["queued"] + left["sending"] + left["unknown"] + left["held"],
            "failed": left["failed"],
            **{key: self.counts[key] for key in ("confirmed by the editor", "decided by the editor")},
            "wrong": wrong[:5],
        }

    def _against_plan(self, name: str, seen: Sequence[Post], rows: Sequence[Entry]) -> list[str]:
        """Where what readers see is not what they should."""
        rules = rules_for(self.journal, self.config, name, self.clock.moment())
        facts, speaks = facts_of(self.journal, self.config), speaker(self.config)
        texts, wrong = {post.remote: post.text for post in seen}, []
        for story in as_published(self.journal, self.config, [one.code for one in self.stories]):
            mine = [row for row in rows if row.topic == Topic("story", story.code) and row.act == "post"]
            posted = sorted((row for row in mine if row.state == "posted"), key=lambda row: (row.part, row.id))
            shown_ = [texts[row.remotes[0]] for row in posted if row.remotes and row.remotes[0] in texts]
            parts = len({row.part for row in posted})
            drafts = compose.story(story, rules, facts, speaks, parts=parts)
            ours = [_plain(draft.core) for draft in drafts] if name == "telegram" else [_mark(story)]
            newest = shown_ if name in EDITS else shown_[-1:]
            if len(ours) > len(newest) or not all(one in text for one, text in zip(ours, newest, strict=False)):
                wrong.append(f"{name}: {story.title} version {story.version}")
            if name in EDITS and len(newest) != len(drafts):
                wrong.append(f"{name}: {story.title} in {len(newest)} messages, not {len(drafts)}")
        hands = {row.topic.of for row in rows if row.state == "hand"}
        for story in self.gone:
            left = [text for text in texts.values() if shown(story.code) in text]
            if left and story.code not in hands:
                wrong.append(f"{name}: {story.title} was withdrawn, and is there")
        if "where" in rules.says and not any("three.example" in text for text in texts.values()):
            wrong.append(f"{name}: the new address is not told")
        return wrong

    def _save(self, story: Story) -> None:
        draft = drafted(story, (), "UTC")
        outcomes = [Outcome(url=story.url, fate="kept")]
        self.journal.settle(self.journal.admit([draft]), outcomes, (), self.clock.moment())

    def _mirrors(self, *urls: str) -> None:
        now = self.clock.moment()
        known = {mirror.url: mirror.name for mirror in self.journal.pool()}
        fresh = [
            Mirror(name=f"m{abs(hash(url))}", provider=url, host="lab", url=url, phase="live", since=now, born=now)
            for url in urls
            if url not in known
        ]
        self.journal.keep(fresh, [], now, [name for url, name in known.items() if url not in urls])


class _Killed:
    """The process that sends: begun, killed, begun again."""

    def __init__(self, day: Day, door: str) -> None:
        self._day, self._door = day, door
        self._context = multiprocessing.get_context("forkserver")
        self._process: Any = None

    def __enter__(self) -> _Killed:
        self._begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _begin(self) -> None:
        args = (self._day.text, str(self._day.folder), self._door, self._day.clock)
        self._process = self._context.Process(target=speak, args=args)
        self._process.start()

    def kill(self, after: float) -> None:
        """SIGKILL in so many seconds, and begin anew."""
        time.sleep(after)
        self.look()
        self._process.kill()
        self._process.join()
        self._day.counts["kills"] += 1
        self._begin()

    def look(self) -> None:
        """It must not end by itself."""
        if not self._process.is_alive():
            raise RuntimeError(f"the sender ended by itself: {self._process.exitcode}")

    def stop(self) -> None:
        if self._process.is_alive():
            self._process.kill()
        self._process.join()


@contextmanager
def _threaded(rehearsal: Rehearsal) -> Iterator[str]:
    """The emulators on a loop of their own."""
    ready, over = threading.Event(), threading.Event()

    async def serve() -> None:
        async with rehearsal.running():
            ready.set()
            await asyncio.to_thread(over.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        if not ready.wait(30):
            raise RuntimeError("the emulators do not start")
        yield rehearsal.door
    finally:
        over.set()
        thread.join()


def _story(number: int, at: datetime, sentences: int) -> Story:
    url, name = f"https://peninsula.example/{number}", NAMES[number % len(NAMES)] + f" {number}"
    made = Story(
        url=url, code=story_code(url), lang="ru", title=f"Новость о деле «{name}»", lead=f"Коротко: {name}.",
        published=at, updated=at, section="Общество", blocks=(),
    )  # fmt: skip
    body = SENTENCE.format(name) * sentences
    return replace(made, blocks=(Paragraph(runs=(Run(f"{_mark(made)} {body}"),)),))


def _newer(story: Story) -> Story:
    newer = replace(story, version=story.version + 1)
    (block,) = story.blocks
    text = plain_text(block.runs) if isinstance(block, Paragraph) else ""
    return replace(newer, blocks=(Paragraph(runs=(Run(text.replace(_mark(story), _mark(newer))),)),))


def _mark(story: Story) -> str:
    """What only this version of this story says."""
    return f"{story.title}, версия {story.version}."


def _plain(html: str) -> str:
    return shown_text(Message(text=html, html=True))


def measure(args: argparse.Namespace, told: Callable[[int, dict[str, Any]], None]) -> list[dict[str, Any]]:
    """Each seed's day."""
    found = []
    for seed in range(args.first, args.first + args.seeds):
        with tempfile.TemporaryDirectory(prefix="outbox-") as place:
            found.append({"seed": seed, **Day(Path(place), seed, args).run()})
        told(seed, found[-1])
    return found


def main() -> int:
    """Measure and print; 1 if anything was said twice, lost, or is not as planned."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--stories", type=int, default=60)
    parser.add_argument("--corrections", type=int, default=10)
    parser.add_argument("--withdrawals", type=int, default=2)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--share", type=float, default=0.2, help="of calls that meet a fault")
    parser.add_argument("--pace", type=float, default=0.25, help="seconds between two stories, on average")
    parser.add_argument("--patience", type=float, default=240.0, help="seconds for the end of a day")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    multiprocessing.get_context("forkserver").set_forkserver_preload(["benchmarks.outbox"])
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("days", total=args.seeds)

        def told(seed: int, row: dict[str, Any]) -> None:
            bar.advance(task)
            for line in row["wrong"]:
                bar.console.print(f"seed {seed}: {line}", markup=False)

        rows = measure(args, told)
    keys = [key for key in rows[0] if key not in ("seed", "wrong")]
    total = {key: sum(row[key] for row in rows) for key in keys}
    if args.json:
        days = [{key: value for key, value in row.items() if key != "wrong"} for row in rows]
        print(json.dumps({"in all": {"days": len(rows), **total}, "each day": days}, ensure_ascii=False))
    else:
        table = Table(title=f"{len(rows)} days of {args.stories} stories")
        table.add_column("")
        table.add_column("in all", justify="right")
        for key, value in total.items():
            table.add_row(key, f"{value:,}")
        Console().print(table)
    bad = total["twice"] + total["lost"] + total["not as planned"] + total["unsettled"] + total["failed"]
    return 1 if bad else 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
