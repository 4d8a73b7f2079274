"""source -> story: ask every source what changed, read only that, and tell the journal what it touches.

Each source is read in two steps. The index says which stories are new or changed; then their pages are fetched, read in
worker processes and settled in the journal in batches, so that a pass that was killed goes on where it stopped.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from hashlib import sha256

import anyio

from heliograph.capture import pace, sources
from heliograph.config import Config
from heliograph.flows.read import Reader
from heliograph.model import Answer, Ask, Found, Problem, Source, Tip
from heliograph.model.ledger import Fetch
from heliograph.model.names import canonical_url
from heliograph.ports import Outside
from heliograph.render.look import Look

_WHOLE = frozenset({"sitemap", "folder"})  # kinds whose index names every story it knows
_INDEXES = 8  # index files asked at once; the fetcher itself keeps to the connections of each origin
MOST_PROBLEMS = 1_000  # told one by one; the rest is counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What the sources told in this pass."""

    new: int = 0
    changed: int = 0
    withdrawn: int = 0
    asked: int = 0  # requests to the newsroom's sources
    unchanged: int = 0  # answers "304 not modified" and pages whose text is the same
    methods: dict[str, int] = field(default_factory=dict)  # how stories were read
    problems: tuple[Problem, ...] = ()


async def gather(outside: Outside, config: Config, look: Look, now: datetime) -> Gathered:
    """Bring the journal up to date with every source; a source that fails does not hold the others up."""
    results = [Gathered()] * len(config.source)

    async def one(place: int, source: Source) -> None:
        results[place] = await _Round(outside, config, look, source, now).run()

    async with anyio.create_task_group() as tasks:
        for place, source in enumerate(config.sources()):
            tasks.start_soon(one, place, source)
    return _sum(results)


class _Round:
    """One source in one pass."""

    def __init__(self, outside: Outside, config: Config, look: Look, source: Source, now: datetime) -> None:
        self.outside, self.config, self.look, self.source, self.now = outside, config, look, source, now
        self.problems: list[Problem] = []
        self.asked = 0
        self.unchanged = 0

    async def run(self) -> Gathered:
        await self._index()
        reader = Reader(self.outside, self.config, self.look, self.source, self.now)
        await reader.run()
        problems = [*self.problems, *reader.problems]
        if len(problems) > MOST_PROBLEMS:
            rest = len(problems) - MOST_PROBLEMS
            problems = [*problems[:MOST_PROBLEMS], Problem(where=self.source.url, what=f"and {rest} more problems")]
        return Gathered(
            new=reader.fates["new"],
            changed=reader.fates["changed"],
            withdrawn=reader.fates["withdrawn"],
            asked=self.asked + reader.asked,
            unchanged=self.unchanged + reader.fates["same"],
            methods=dict(reader.methods),
            problems=tuple(problems),
        )

    async def _index(self) -> None:
        found = sources.start(self.source)
        self.problems += found.problems
        self._take(Fetch(url=self.source.url), found, whole=True)
        seen: set[str] = set()
        frontier = list(found.asks)
        what = f"index {self.source.kind}"
        self.outside.watcher.begin(what, len(frontier))
        while frontier:
            asks, frontier = frontier[:_INDEXES], frontier[_INDEXES:]
            asks = [ask for ask in {ask.url: ask for ask in asks}.values() if ask.url not in seen]
            seen.update(ask.url for ask in asks)
            for ask, answer in await self._answers(asks):
                found = sources.further(self.source, seen, self._found(ask, answer))
                self.problems += found.problems
                frontier += found.asks
                self.outside.watcher.step(what, 1, len(seen) + len(frontier))
        self.outside.watcher.end(what)

    async def _answers(self, asks: Sequence[Ask]) -> list[tuple[Ask, Answer]]:
        known = self.outside.journal.fetches([ask.url for ask in asks])
        answers: dict[str, Answer] = {}

        async def fetch(ask: Ask) -> None:
            held = known.get(ask.url)
            limit = self.config.capture.index_limit
            asked = Ask(
                url=ask.url,
                purpose=ask.purpose,
                etag=held.etag if held else "",
                modified=held.modified if held else "",
                limit=limit,
                depth=ask.depth,
            )
            answers[ask.url] = await self.outside.sources.fetch(asked)

        async with anyio.create_task_group() as tasks:
            for ask in asks:
                tasks.start_soon(fetch, ask)
        self.asked += len(asks)
        return [(ask, answers[ask.url]) for ask in asks]

    def _found(self, ask: Ask, answer: Answer) -> Found:
        """What ``answer`` tells; an unchanged index still leads to the indexes below it, which may have changed."""
        if answer.status == 304:
            self.unchanged += 1
            below = json.loads(self.outside.journal.recall(_note(ask.url)) or "[]")
            return Found(asks=tuple(Ask(**fields) for fields in below))
        found = sources.read(self.source, ask, answer)
        fetch = Fetch(url=ask.url, etag=answer.etag, modified=answer.modified, checked=self.now)
        if answer.status == 200:
            self._take(fetch, found, whole=self.source.kind in _WHOLE)
            below = [asdict(child) for child in found.asks]
            if below or self.outside.journal.recall(_note(ask.url)):
                self.outside.journal.note(_note(ask.url), json.dumps(below))
        return found

    def _take(self, fetch: Fetch, found: Found, *, whole: bool) -> None:
        if found.tips or (whole and fetch.checked):
            tips = self._paced(found.tips)
            self.outside.journal.listed(self.source.url, fetch, tips, whole=whole)

    def _paced(self, tips: Sequence[Tip]) -> list[Tip]:
        """Tips without a stamp of their own get one that changes when it is time to look again."""
        bare = [tip.url for tip in tips if not tip.stamp]
        dates = {brief.url: brief.published for brief in self.outside.journal.known(bare)} if bare else {}
        return [tip if tip.stamp else pace.stamped(tip, dates.get(canonical_url(tip.url)), self.now) for tip in tips]


def _note(url: str) -> str:
    return f"below:{sha256(url.encode()).hexdigest()[:40]}"


def _sum(results: Sequence[Gathered]) -> Gathered:
    methods: Counter[str] = Counter()
    for result in results:
        methods.update(result.methods)
    return Gathered(
        new=sum(result.new for result in results),
        changed=sum(result.changed for result in results),
        withdrawn=sum(result.withdrawn for result in results),
        asked=sum(result.asked for result in results),
        unchanged=sum(result.unchanged for result in results),
        methods=dict(methods),
        problems=tuple(problem for result in results for problem in result.problems),
    )
