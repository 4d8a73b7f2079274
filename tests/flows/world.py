"""A small newsroom with everything around it in memory or in a temporary folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio

from heliograph.adapters.folder import Folder
from heliograph.adapters.journal import SqlJournal
from heliograph.config import Config, parse
from heliograph.flows import Report, issue
from heliograph.lab.keys import MemoryKeys, folder
from heliograph.lab.newsroom import Newsroom
from heliograph.lab.piece import Piece
from heliograph.lab.store import MemoryMirror
from heliograph.lab.vantage import SimulatedVantage, Weather
from heliograph.model import Answer, Ask
from heliograph.ports import Outside

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
SITE = "https://peninsula.example"


class Silent:
    """A watcher that looks away."""

    def begin(self, what: str, total: int | None) -> None: ...

    def step(self, what: str, done: int, total: int | None = None) -> None: ...

    def end(self, what: str) -> None: ...


@dataclass
class World:
    """A newsroom, its journal, its mirrors, and a clock that only moves when told."""

    folder: Path
    newsroom: Newsroom
    config: Config
    mirrors: list[MemoryMirror]
    blank_journal: Path
    now: datetime = NOW
    asks: list[str] = field(default_factory=list)
    answer: Callable[[Ask], Answer | None] = lambda _: None
    keys: MemoryKeys = field(default_factory=lambda: MemoryKeys(folder(NOW)))
    vantage: SimulatedVantage = field(default_factory=lambda: SimulatedVantage(weather=Weather()))

    async def fetch(self, ask: Ask) -> Answer:
        """See ``ports.Sources``."""
        self.asks.append(ask.url)
        return self.answer(ask) or await self.newsroom.fetch(ask)

    @contextmanager
    def outside(self) -> Iterator[Outside]:
        journal = self.config.state_folder / "journal.sqlite"
        if not journal.exists():
            journal.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(self.blank_journal, journal)
        with (
            SqlJournal(self.config.journal_url, self.config.state_folder) as journal,
            ThreadPoolExecutor(1) as workers,
        ):
            yield Outside(
                sources=self,
                journal=journal,
                stage=Folder(self.config.state_folder / "edition"),
                keys=self.keys,
                mirrors=tuple(self.mirrors),
                prober=self.vantage,
                workers=workers,
                watcher=Silent(),
            )

    def publish(self, minutes: int = 10) -> Report:
        """One pass, some minutes after the last."""
        self.now += timedelta(minutes=minutes)
        with self.outside() as outside:
            return anyio.run(issue, outside, self.config, self.now)


Make = Callable[..., World]


def world(place: Path, blank: Path, stories: tuple[Piece, ...], source: str = "", more: str = "") -> World:
    """A world whose newsroom has ``stories``; ``source`` and ``more`` are TOML."""
    source = source or f'kind = "sitemap"\nurl = "{SITE}/sitemap.xml"\n'
    text = f'[newsroom]\ntitle = "Полуостров"\nlanguage = "ru"\nzone = "Europe/Kyiv"\n{more}\n[[source]]\n{source}'
    config = parse(text, place / "heliograph.toml")
    return World(place, Newsroom(stories), config, [MemoryMirror("one"), MemoryMirror("two")], blank)
