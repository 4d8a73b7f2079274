"""A newsroom to read from, and readers who distrust a mirror: one follows every link and opens every encoding, the
other believes only what verifies."""

from __future__ import annotations

import gzip
import posixpath
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import anyio
import anyio.from_thread
import brotli
from tests.links import relative_links

from heliograph.adapters.reach import FolderMirror
from heliograph.adapters.serve import MirrorServer
from heliograph.flows.verify import drive, verify
from heliograph.lab.newsroom import Newsroom
from heliograph.model import paths
from heliograph.trust import audit
from heliograph.trust.chain import State
from heliograph.trust.reader import Outcome


@contextmanager
def mirrored(folder: Path) -> Iterator[str]:
    """The address of a mirror's folder while it is served."""

    async def start() -> MirrorServer:
        server = MirrorServer(folder)
        await server.start()
        return server

    with anyio.from_thread.start_blocking_portal() as portal:
        server = portal.call(start)
        yield f"http://127.0.0.1:{server.port}/"
        portal.call(server.stop, 0.1)


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


@dataclass
class Believer:
    """Who reads a mirror's folder through the verifier and keeps what was seen, so that a rollback shows."""

    mirror: Path
    root: bytes
    state: State = field(default_factory=lambda: State(root=b""))
    release: int = 0  # the newest that was seen

    def doubts(self, more: Iterable[str], now: datetime) -> list[str]:
        """What is wrong with the front page, with what it links to, and with ``more`` pages; nothing for a mirror that
        shows no release yet.

        A page of ``more`` may also be withdrawn: it may lie there for a release that is not shown yet, or no more.
        """
        if not (self.mirror / paths.TIMESTAMP).exists():
            return []
        front = self._read("index.html", now)
        verdict = front.verdict
        if verdict.verdict != "verified" or (verdict.release or 0) < self.release:
            return [f"index.html: {verdict.verdict} {verdict.code} {verdict.what}, release {verdict.release}"]
        self.release, self.state = verdict.release or 0, front.state
        linked = {paths.requested(posixpath.normpath(href)) for href in relative_links(front.body)} - {""}
        found = []
        for page in sorted(linked | set(more)):
            said = self._read(page, now).verdict
            if said.verdict != "verified" and (page in linked or said.verdict != "withdrawn"):
                found.append(f"{page}: {said.verdict} {said.code} {said.what}")
        return found

    def audited(self, now: datetime) -> str:
        """What an audit of the whole mirror says."""
        mirror = FolderMirror(self.mirror)
        run = audit.audit(self.state, self.root, now, mirror.entries())
        verdict = anyio.run(drive, run, [mirror]).verdict
        return f"{verdict.verdict} {verdict.code} {verdict.what}".strip()

    def _read(self, page: str, now: datetime) -> Outcome:
        return anyio.run(verify, [FolderMirror(self.mirror)], page, self.state, self.root, now)
