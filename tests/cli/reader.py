"""A newsroom to read from, and a reader who distrusts a mirror: follows every link and opens every encoding."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio.from_thread
import brotli
from tests.links import relative_links

from heliograph.lab.newsroom import Newsroom


@contextmanager
def serving(newsroom: Newsroom) -> Iterator[str]:
    """The newsroom on loopback, in a thread with a loop of its own."""
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(newsroom.running()) as url,
    ):
        yield url


def faults(mirror: Path) -> list[str]:
    """Everything wrong with what a reader of ``mirror`` could meet now; nothing for a mirror not yet open."""
    front = mirror / "index.html"
    if not front.exists():
        return []
    found, waiting, seen = [], [front], {front}
    while waiting:
        page = waiting.pop()
        body = page.read_bytes()
        if page.suffix == ".html" and not body.rstrip().endswith(b">"):
            found.append(f"{page.name} is cut off")
        found += _encodings(page)
        if page.suffix != ".html":
            continue
        for href in relative_links(body):
            target = (page.parent / href).resolve()
            if not target.exists():
                found.append(f"{page.name} links to {href}, which is not there")
            elif target not in seen:
                seen.add(target)
                waiting.append(target)
    return found


def _encodings(page: Path) -> list[str]:
    """Encodings that are not whole; they may be of the old or the new bytes."""
    found = []
    for suffix, decode in ((".br", brotli.decompress), (".gz", gzip.decompress)):
        encoded = page.with_name(page.name + suffix)
        if not encoded.exists():
            continue
        try:
            decode(encoded.read_bytes())
        except (brotli.error, OSError, EOFError) as error:
            found.append(f"{encoded.name}: {error}")
    return found
