"""A newsroom that speaks: its journal, channels that can be made to fail, an editor, and a clock that is moved."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from tests.flows.world import NOW, Silent

from heliograph.adapters.folder import Folder
from heliograph.adapters.journal import SqlJournal
from heliograph.config import Config, parse
from heliograph.flows.announce import Art, Memory, ask_what_became, plan_posts, rules_for, rules_of, say_next
from heliograph.flows.work import drafted
from heliograph.lab.channels.simulated import KilledError, Shown, SimulatedChannel
from heliograph.lab.keys import MemoryKeys, folder
from heliograph.lab.newsroom import Newsroom
from heliograph.lab.vantage import SimulatedVantage, Weather
from heliograph.model import Paragraph, Run, Story
from heliograph.model.code import story_code
from heliograph.model.ledger import Outcome
from heliograph.model.mirror import Mirror
from heliograph.model.post import Card, Entry
from heliograph.ports import Outside

T = TypeVar("T")
CONFIG = """
[newsroom]
title = "Полуостров"
language = "ru"
home = "https://peninsula.example/"
"""


def a_story(number: int, at: datetime, text: str = "", **more: object) -> Story:
    """One of ours."""
    url = f"https://peninsula.example/{number}"
    body = text or f"Это статья номер {number}. В ней сказано всё, что надо знать. И ещё одно предложение."
    made = Story(
        url=url,
        code=story_code(url),
        lang="ru",
        title=f"Статья {number}",
        lead=f"О чём статья {number}.",
        blocks=(Paragraph(runs=(Run(body),)),),
        published=at,
        updated=at,
        section="Политика",
    )
    return replace(made, **more)  # type: ignore[arg-type]


async def _nowhere(_: bytes) -> str:
    return "https://shelf.example/card.jpg"


def _blank(_: Card, __: str) -> bytes:
    return b"\xff\xd8"


ART = Art(draw=_blank, shelve=_nowhere)


@dataclass
class Speaking:
    """Everything of it. ``kill`` is what a crash does: what was remembered in memory is gone."""

    folder: Path
    config: Config
    outside: Outside
    channels: dict[str, SimulatedChannel]
    now: datetime = NOW
    memory: Memory = field(default_factory=Memory)
    kills: int = 0

    @property
    def journal(self) -> SqlJournal:
        journal = self.outside.journal
        assert isinstance(journal, SqlJournal)
        return journal

    def publish(self, *stories: Story) -> None:
        """These are captured, new or changed."""
        drafts = [drafted(story, (), "UTC") for story in stories]
        outcomes = [Outcome(url=story.url, fate="kept") for story in stories]
        self.journal.settle(self.journal.admit(drafts), outcomes, (), self.now)

    def withdraw(self, *stories: Story) -> None:
        self.journal.withdraw([story.code for story in stories], (), self.now)

    def mirrors(self, *urls: str) -> None:
        """These are what readers are told of."""
        known = {mirror.name: mirror for mirror in self.journal.pool()}
        gone = [name for name, mirror in known.items() if mirror.url not in urls]
        named = {mirror.url for mirror in known.values()}
        fresh = [
            Mirror(
                name=f"m{place}", provider=f"p{place}", host="lab", url=url, phase="live", since=self.now, born=self.now
            )
            for place, url in enumerate(urls, start=len(known) + self.kills)
            if url not in named
        ]
        self.journal.keep(fresh, [], self.now, gone)

    def plan(self) -> int:
        return plan_posts(self.journal, self.config, self.now, self.memory)

    async def settle(self, seconds: float = 86_400.0) -> None:
        """Plan and send until nothing is due for so long; kills are survived."""
        until = self.now + timedelta(seconds=seconds)
        while True:
            self.plan()
            moments = [await self._speak(name, until) for name in self.channels]
            later = [moment for moment in moments if moment]
            if not later or min(later) > until:
                return
            self.now = max(self.now + timedelta(milliseconds=50), min(later))

    async def _speak(self, name: str, until: datetime) -> datetime | None:
        """Send what is due now on a channel; when to look again."""
        while True:
            rules = rules_for(self.journal, self.config, name, self.now)
            channel = self.channels[name]
            try:
                await ask_what_became(self.journal, rules, channel, self.now, self.memory)
                due = await say_next(self.journal, rules, channel, lambda: self.now, self.memory, ART)
            except KilledError:
                self.kills += 1
                self.memory = Memory()
                self.journal.recover(self.now)
                continue
            if due.entry is None:
                return due.at
            self.plan()

    def rows(self, **by: object) -> list[Entry]:
        return [row for row in self.journal.entries() if all(getattr(row, key) == value for key, value in by.items())]

    def seen(self, name: str) -> list[Shown]:
        return [one for one in self.channels[name].posts if not one.gone]


@contextmanager
def speaking(
    folder_: Path, blank: Path, tables: str, channels: Sequence[SimulatedChannel], now: datetime = NOW
) -> Iterator[Speaking]:
    """A newsroom whose channels are ``tables`` of the configuration, each simulated by one of ``channels``."""
    config = parse(CONFIG + tables, folder_ / "heliograph.toml")
    config.state_folder.mkdir(parents=True)
    (config.state_folder / "journal.sqlite").write_bytes(blank.read_bytes())
    with SqlJournal(config.journal_url, config.state_folder) as journal, ThreadPoolExecutor(1) as workers:
        outside = Outside(
            sources=Newsroom(),
            journal=journal,
            stage=Folder(config.state_folder / "edition"),
            keys=MemoryKeys(folder(now)),
            mirrors=(),
            prober=SimulatedVantage(weather=Weather()),
            workers=workers,
            watcher=Silent(),
        )
        made = Speaking(
            folder=folder_, config=config, outside=outside, channels={one.name: one for one in channels}, now=now
        )
        rules_of(journal, config, now)
        yield made


def run(do: Callable[[], Awaitable[T]]) -> T:
    """A coroutine on a loop of its own."""
    import anyio

    return anyio.run(do)
