"""Pictures, after the text is out: fetched once, encoded once by content, shown by the pages that have them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

import anyio

from heliograph.config import Config
from heliograph.model import Answer, Ask, Problem, SheetKey, Shown
from heliograph.ports import Outside
from heliograph.render import pictures

_LIMIT = 20_000_000  # bytes of one picture
_BATCH = 48  # pictures under way at once; some 150 KB each
_FINAL = range(400, 500)  # the origin says no: not asked again until the story changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictured:
    """What came of the pictures of this pass."""

    pictures: int
    problems: tuple[Problem, ...]


async def picture(outside: Outside, config: Config) -> Pictured:
    """Fetch and encode every picture that was not seen yet, the newest stories' first."""
    if not config.edition.pictures:
        return Pictured(pictures=0, problems=())
    booth = _Booth(outside)
    outside.watcher.begin("pictures", None)
    while batch := outside.journal.unseen(_BATCH + len(booth.failed)):
        urls = [url for url, _ in batch if url not in booth.failed][:_BATCH]
        if not urls:
            break
        async with anyio.create_task_group() as tasks:
            for url in urls:
                tasks.start_soon(booth.take, url)
        outside.watcher.step("pictures", len(urls))
    outside.watcher.end("pictures")
    return Pictured(pictures=booth.taken, problems=tuple(booth.problems))


class _Booth:
    """The pictures of one pass."""

    def __init__(self, outside: Outside) -> None:
        self.outside = outside
        self.taken = 0
        self.failed: set[str] = set()  # not to be had now; asked again in the next pass
        self.problems: list[Problem] = []
        self._room = anyio.Semaphore(outside.cores + 1)
        self._locks: dict[str, anyio.Lock] = {}

    async def take(self, url: str) -> None:
        answer = await self.outside.sources.fetch(Ask(url=url, purpose="picture", limit=_LIMIT))
        if answer.status != 200:
            self._give_up(url, answer)
            return
        key = pictures.content_key(answer.body)
        async with self._locks.setdefault(key, anyio.Lock()):  # two copies of one picture are encoded once
            shown = self.outside.journal.same_picture(key) or await self._encode(answer.body, url)
        if isinstance(shown, Problem):
            self.problems.append(shown)
            self.outside.journal.keep_picture(url, "", None, shown.what)
            return
        shown = replace(shown, pid=pictures.pid(url))
        codes = self.outside.journal.keep_picture(url, key, shown)
        self.outside.journal.mark([SheetKey("picture", shown.pid), *(SheetKey("story", code) for code in codes)])
        self.taken += 1

    async def _encode(self, data: bytes, url: str) -> Shown | Problem:
        async with self._room:
            return await asyncio.wrap_future(self.outside.workers.submit(pictures.encode, data, url))

    def _give_up(self, url: str, answer: Answer) -> None:
        why = answer.failure or f"the origin answers {answer.status}"
        self.problems.append(Problem(where=url, what=f"picture not shown: {why}"))
        if answer.status in _FINAL:
            self.outside.journal.keep_picture(url, "", None, why)
        else:
            self.failed.add(url)
