"""The second step of gathering: fetch what changed, read it in worker processes, settle it in the journal."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream

from heliograph import render
from heliograph.config import Config
from heliograph.flows.house import retell
from heliograph.flows.work import Read, Style, follows, learn_templates, read_pages
from heliograph.model import Answer, Ask, Problem, SheetKey, Source, Tip
from heliograph.model.ledger import Admission, Fate, Fetch, Outcome
from heliograph.model.wire import pack, unpack
from heliograph.ports import Outside
from heliograph.render.look import Look

_PAGE = 256  # tips drawn from the journal at once
_BATCH = 8  # pages that travel to a worker at once
_SETTLE = 128  # pages settled in one transaction
_SAMPLE = 24  # pages from which a site's template is learnt
_LEAST_SAMPLE = 6
_FOLLOW_SAMPLE = 4
_RELEARN = 0.4  # share of pages the template failed on, from which it counts as out of date

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fetched:
    tip: Tip
    answer: Answer | None  # None where the tip carries the text itself


_Drawn = tuple[Tip, Fetch | None]  # a tip and what is remembered of its page
_Group = list[tuple[_Fetched, Read | None]]


class Reader:
    """The stories of one source in one pass."""

    def __init__(self, outside: Outside, config: Config, look: Look, source: Source, now: datetime) -> None:
        self.outside, self.config, self.look, self.source, self.now = outside, config, look, source, now
        self.problems: list[Problem] = []
        self.fates: Counter[str] = Counter()
        self.methods: Counter[str] = Counter()
        self.asked = 0
        self._issued = 0  # tips handed out and not settled: they stay first in the journal's queue
        self._sampled: dict[str, Answer] = {}

    async def run(self) -> None:
        first = self.outside.journal.waiting(self.source.url, 2_000)
        if not first:
            return
        style = await self._style(first)
        follow = await self._follow(first, style)
        what = f"read {self.source.kind}"
        self.outside.watcher.begin(what, None)
        send_tips, tips = anyio.create_memory_object_stream[_Drawn](0)
        send_pages, pages = anyio.create_memory_object_stream[_Fetched](_BATCH * 4)
        send_read, read = anyio.create_memory_object_stream[_Group](4)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._draw, send_tips)
            for _ in range(self.config.capture.connections * 2):
                tasks.start_soon(self._fetch, tips.clone(), send_pages.clone(), follow)
            for _ in range(self.outside.cores + 1):
                tasks.start_soon(self._work, pages.clone(), send_read.clone(), style)
            for stream in (tips, send_pages, pages, send_read):
                stream.close()
            await self._settle_all(read, what)
        self.outside.watcher.end(what)
        self._judge_template(style)

    async def _settle_all(self, read: MemoryObjectReceiveStream[_Group], what: str) -> None:
        ready: _Group = []
        async with read:
            async for group in read:
                ready += group
                self.outside.watcher.step(what, len(group))
                if len(ready) >= _SETTLE:
                    self._settle(ready)
                    ready = []
        self._settle(ready)

    async def _draw(self, send: MemoryObjectSendStream[_Drawn]) -> None:
        drawn: set[str] = set()
        async with send:
            while batch := self.outside.journal.waiting(self.source.url, _PAGE, self._issued):
                fresh = [tip for tip in batch if tip.url not in drawn]
                if not fresh:
                    return
                held = self.outside.journal.fetches([tip.url for tip in fresh])
                for tip in fresh:
                    drawn.add(tip.url)
                    self._issued += 1
                    await send.send((tip, held.get(tip.url)))

    async def _fetch(
        self, tips: MemoryObjectReceiveStream[_Drawn], send: MemoryObjectSendStream[_Fetched], follow: bool
    ) -> None:
        async with tips, send:
            async for tip, held in tips:
                if tip.withdrawn or (tip.body and not follow):
                    await send.send(_Fetched(tip=tip, answer=None))
                    continue
                bare = replace(tip, body="", body_kind="") if tip.body else tip
                answer = self._sampled.pop(tip.url, None) or await self._ask(tip.url, held)
                await send.send(_Fetched(tip=bare, answer=answer))

    async def _ask(self, url: str, held: Fetch | None = None) -> Answer:
        self.asked += 1
        ask = Ask(
            url=url,
            purpose="story",
            etag=held.etag if held else "",
            modified=held.modified if held else "",
            limit=self.config.capture.page_limit,
        )
        return await self.outside.sources.fetch(ask)

    async def _work(
        self,
        pages: MemoryObjectReceiveStream[_Fetched],
        send: MemoryObjectSendStream[_Group],
        style: Style,
    ) -> None:
        async with pages, send:
            async for first in pages:
                group = [first]
                while len(group) < _BATCH:
                    try:
                        group.append(pages.receive_nowait())
                    except (anyio.WouldBlock, anyio.EndOfStream):
                        break
                whole = [item for item in group if item.answer is None or item.answer.status == 200]
                whole = [item for item in whole if not item.tip.withdrawn]
                do = partial(read_pages, style=style)
                read = await self._in_worker(do, [(item.tip, item.answer) for item in whole]) if whole else []
                by_url = {result.url: result for result in read}
                await send.send([(item, by_url.get(item.tip.url)) for item in group])

    async def _in_worker(self, do: Callable[..., T], *given: object) -> T:
        return await asyncio.wrap_future(self.outside.workers.submit(do, *given))

    async def _style(self, first: Sequence[Tip]) -> Style:
        """How this source is read, with its site's templates: known ones, or learnt from a sample of what waits."""
        key = _template_note(self.source)
        templates = self.outside.journal.recall(key)
        pages = [tip for tip in first if tip.url.startswith("http") and not tip.withdrawn]
        pages = [tip for tip in pages if not tip.body or self.source.follow == "always"]
        if not templates and len(pages) >= _LEAST_SAMPLE:
            answers = await self._sample(pages, _SAMPLE)
            templates = await self._in_worker(learn_templates, answers)
            self.outside.journal.note(key, templates)
        room = self.config.newsroom
        return Style(source=self.source, templates=templates, zone=room.zone, lang=room.language, now=self.now)

    async def _follow(self, first: Sequence[Tip], style: Style) -> bool:
        """Whether the pages behind tips with text are fetched: as configured, else as a sample shows."""
        if self.source.follow != "auto":
            return self.source.follow == "always"
        carrying = [tip for tip in first if tip.body and tip.url.startswith("http")][:_FOLLOW_SAMPLE]
        if not carrying:
            return False
        key = f"follow:{self.source.url}"
        if not (known := self.outside.journal.recall(key)):
            answers = await self._sample(carrying, _FOLLOW_SAMPLE)
            read = {answer.url: answer for answer in answers}
            pairs = [(tip, read[tip.url]) for tip in carrying if tip.url in read]
            if len(pairs) < len(carrying):  # the site does not answer: take what the feed carries, ask again next time
                return False
            verdict = await self._in_worker(follows, [tip for tip, _ in pairs], [page for _, page in pairs], style)
            known = "yes" if verdict else "no"
            self.outside.journal.note(key, known)
        return known == "yes"

    async def _sample(self, tips: Sequence[Tip], size: int) -> list[Answer]:
        """Pages of tips spread evenly over ``tips``; kept, so that they are not fetched a second time."""
        step = max(1, len(tips) // size)
        chosen = list(tips[::step])[:size]

        async def fetch(tip: Tip) -> None:
            answer = await self._ask(tip.url)
            if answer.status == 200:
                self._sampled[tip.url] = answer

        async with anyio.create_task_group() as tasks:
            for tip in chosen:
                tasks.start_soon(fetch, tip)
        return [replace(self._sampled[tip.url], url=tip.url) for tip in chosen if tip.url in self._sampled]

    def _judge_template(self, style: Style) -> None:
        """Forget templates that failed on too many pages, so that the next pass learns the site's new ones."""
        read = self.methods["template"] + self.methods["trafilatura"]
        if style.templates and read >= _SAMPLE and self.methods["trafilatura"] > read * _RELEARN:
            self.outside.journal.note(_template_note(self.source), "")

    def _settle(self, group: _Group) -> None:
        """Save what was read, mark the sheets it touches, and let the tips go; all in one transaction."""
        if not group:
            return
        journal = self.outside.journal
        outcomes, drafts = [], []
        for item, read in group:
            fate = self._fate(item, read)
            outcomes.append(Outcome(url=item.tip.url, fate=fate, fetch=_fetch_of(item, fate, self.now)))
            if read is not None:
                self.problems += read.problems
                self.methods[read.method] += read.draft is not None
                if read.draft is not None:
                    drafts.append(read.draft)
        admissions = [_stamped(admission) for admission in journal.admit(drafts)]
        dirty: set[SheetKey] = set()
        for admission in admissions:
            self.fates[_word(admission)] += 1
            if admission.fate == "kept":
                dirty |= render.touched(admission.before, admission.after, self.look)
        journal.settle(admissions, outcomes, dirty, self.now)
        new = [admission.after.code for admission in admissions if admission.before is None]
        journal.mark(retell(journal, journal.linkers(new)))
        self._withdraw([outcome.url for outcome in outcomes if outcome.fate == "withdrawn"])
        self._issued -= sum(outcome.fate != "failed" for outcome in outcomes)

    def _fate(self, item: _Fetched, read: Read | None) -> Fate:
        """What becomes of a tip, told to the newsroom where it is a problem."""
        answer = item.answer
        if item.tip.withdrawn or (read is not None and read.withdrawn):
            return "withdrawn"
        if read is not None:
            return "kept"
        assert answer is not None  # only a tip without its own text was asked for
        if answer.status == 304:
            self.fates["same"] += 1
            return "same"
        gone = {"never": (), "410": (410,), "404": (404, 410)}[self.config.capture.withdraw]
        if answer.status in gone:
            return "withdrawn"
        why = answer.failure or f"the origin answers {answer.status}"
        kept = " the story stays as it was" if self.outside.journal.known([item.tip.url]) else ""
        self.problems.append(Problem(where=item.tip.url, what=why + (";" + kept if kept else "")))
        return "gone" if answer.status in (404, 410) else "failed"

    def _withdraw(self, urls: Sequence[str]) -> None:
        journal = self.outside.journal
        briefs = journal.known(urls) if urls else []
        if not briefs:
            return
        codes = [brief.code for brief in briefs]
        dirty = retell(journal, journal.linkers(codes))
        for brief in briefs:
            dirty |= render.touched(brief, None, self.look)
        journal.withdraw(codes, dirty, self.now)
        self.fates["withdrawn"] += len(codes)


def _template_note(source: Source) -> str:
    return f"template:{urlsplit(source.url).netloc}"


def _fetch_of(item: _Fetched, fate: Fate, now: datetime) -> Fetch | None:
    answer = item.answer
    if answer is None or fate == "failed":
        return None
    return Fetch(url=item.tip.url, etag=answer.etag, modified=answer.modified, checked=now)


def _word(admission: Admission) -> str:
    if admission.fate == "same":
        return "same"
    return "new" if admission.before is None else "changed"


def _stamped(admission: Admission) -> Admission:
    """The admission with code and version inside the story's wire bytes, where they are not what the worker wrote."""
    draft = admission.draft
    if admission.fate == "same" or (admission.version == 1 and draft.brief.code == admission.after.code):
        return admission
    story = replace(unpack(draft.wire), code=admission.after.code, version=admission.version)
    return replace(admission, draft=replace(draft, wire=pack(story)))
