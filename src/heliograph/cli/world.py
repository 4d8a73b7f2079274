"""``demo``: a whole small world on this machine, in one process and on loopback only."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import brotli
from selectolax.lexbor import LexborHTMLParser

from heliograph.adapters.serve import MirrorServer
from heliograph.cli import keys, setup
from heliograph.cli.passes import run_pass
from heliograph.cli.screen import Bars, Stopwatch, out, summary
from heliograph.cli.service import over_on_signal
from heliograph.cli.wiring import outside
from heliograph.config import Config, FolderMirror, load
from heliograph.lab.newsroom import Newsroom
from heliograph.lab.piece import Piece, pieces
from heliograph.model import ConfigError, Source
from heliograph.model.edition import WIRE_BUDGET
from heliograph.model.names import canonical_url

_TITLE = "Полуостров"
_MIRRORS = ("quiet-lake", "ninth-cedar", "amber-field")
_EVERY = 30  # seconds between two more stories, while people look on
_HELD_BACK = 2  # of the sample stories, published while the demo runs


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What a reader met who followed every link of a mirror from its front page."""

    pages: int
    broken: tuple[str, ...]
    largest: int  # bytes on the wire, headers and body
    largest_path: str


def demo(folder: Path | None, port: int, *, once: bool, quiet: bool) -> dict[str, Any]:
    """Build the world, read it as a reader would, and serve it until Ctrl-C; the figures as JSON-ready values."""
    place = folder or Path(tempfile.mkdtemp(prefix="heliograph-demo-"))
    return asyncio.run(_demo(place, port, once=once, quiet=quiet))


async def _demo(folder: Path, port: int, *, once: bool, quiet: bool) -> dict[str, Any]:
    now = datetime.now(UTC)  # noqa: TID251 - the command line is where time comes from
    samples = sorted(pieces(now), key=lambda piece: piece.published)
    newsroom = Newsroom(samples[:-_HELD_BACK])
    watcher = Stopwatch() if quiet else Bars()
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(newsroom.running())
        config = _configured(folder, site)
        say = _silent if quiet else _say
        say(f"newsroom  {site} with {len(samples) - _HELD_BACK} stories in {_languages(samples)} languages")
        async with outside(config, watcher) as world:
            with watcher:
                report, cuts = await run_pass(world, config)
        if not quiet:
            summary(report, watcher.ended, cuts)
        urls = await _serve(config, port, stack)
        seen = await _read(urls[0])
        say(f"reader    followed {seen.pages} links of {urls[0]}: {len(seen.broken)} broken")
        say(f"          largest response {seen.largest:,} B of {WIRE_BUDGET:,} ({seen.largest_path})")
        if not once:
            say("Not shown here: a censor, see heliograph lab --help. Not built yet: the desk.")
            say(f"A new story comes every {_EVERY} s; stop with Ctrl-C. Open:\n\n  {urls[0]}\n")
            await _live(newsroom, samples[-_HELD_BACK:], config, say)
    return {
        "folder": str(folder),
        "mirrors": urls,
        "stories": report.text.stories if report.text else 0,
        "pages": seen.pages,
        "broken": list(seen.broken),
        "largest": seen.largest,
        "problems": [problem.what for problem in report.problems],
    }


def _say(line: str) -> None:
    out.print(line, soft_wrap=True)


def _silent(line: str) -> None:
    """For scripts."""


def _configured(folder: Path, site: str) -> Config:
    """The configuration of the demo's newsroom with its three mirrors.

    Raises:
        ConfigError: the folder holds another newsroom already.
    """
    path = folder / "heliograph.toml"
    if path.exists():
        raise ConfigError("there is one already", where=str(path), remedy="name another folder for the demo")
    folder.mkdir(parents=True, exist_ok=True)
    source = Source(kind="sitemap", url=f"{site}/sitemap.xml")
    path.write_text(setup.manual(_TITLE, "ru", f"{site}/", [source], _MIRRORS), encoding="utf-8")
    config = load(path)
    keys.make(config, None)
    (config.keys_folder / "offline").rename(folder / "stick")  # where they belong
    return config


def _languages(samples: list[Piece]) -> int:
    return len(Counter(piece.lang for piece in samples))


async def _serve(config: Config, port: int, stack: AsyncExitStack) -> list[str]:
    """Serve every mirror; the first on ``port`` if it is free, else on any."""
    urls = []
    folders = [mirror for mirror in config.mirror if isinstance(mirror, FolderMirror)]
    for place, mirror in enumerate(folders):
        server = MirrorServer(config.mirror_path(mirror))
        try:
            await server.start(port=port + place if port else 0)
        except ConfigError:
            await server.start()
        stack.push_async_callback(server.stop)
        urls.append(f"http://127.0.0.1:{server.port}/")
    return urls


async def _read(url: str) -> _Read:
    """Follow every link below ``url``, one connection per page, and measure each response on the wire."""
    waiting, seen, broken = [url], {url}, []
    largest, largest_path = 0, ""
    async with aiohttp.ClientSession(auto_decompress=False, headers={"Accept-Encoding": "br"}) as session:
        while waiting:
            page = waiting.pop()
            async with session.get(page) as response:
                body = await response.read()
                head = sum(len(name) + len(value) + 4 for name, value in response.raw_headers) + 19
            if response.status != 200:
                broken.append(page)
            if head + len(body) > largest:
                largest, largest_path = head + len(body), response.url.path
            if response.headers.get("Content-Encoding") == "br":
                body = brotli.decompress(body)
            if response.content_type == "text/html":
                for link in LexborHTMLParser(body).css("a[href]"):
                    target = canonical_url(link.attributes.get("href") or "", page)
                    if target.startswith(url) and target not in seen:
                        seen.add(target)
                        waiting.append(target)
    return _Read(pages=len(seen), broken=tuple(broken), largest=largest, largest_path=largest_path)


async def _live(newsroom: Newsroom, rest: list[Piece], config: Config, say: Callable[[str], None]) -> None:
    """Publish the stories held back, one after the other, until somebody ends the demo."""
    over = over_on_signal()
    for piece in rest:
        try:
            await asyncio.wait_for(over.wait(), _EVERY)
            break
        except TimeoutError:
            now = datetime.now(UTC)  # noqa: TID251 - the command line is where time comes from
            newsroom.publish(replace(piece, published=now, updated=now))
        watcher = Stopwatch()
        async with outside(config, watcher) as world:
            report, _ = await run_pass(world, config)
        if report.text:
            say(f"new story “{piece.title[:40]}”: on every mirror after {watcher.ended['deliver text']:.1f} s")
    await over.wait()
    say("stopped")
