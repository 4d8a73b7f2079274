"""A newsroom's web server on this machine: stories, lists, feeds, sitemaps and pictures, and faults on demand.

Rule 1: what it serves follows from its stories alone, so that a page nobody touched keeps its bytes and its ETag.
Rule 2: it counts what it is asked, so that a test can say what a pass cost. Rule 3: it can be asked over a socket
(``running``) or without one (``fetch``); faults are for the socket only.

Paths: ``/`` and ``/ru/`` (newest stories), ``/ru/<section>/``, each story's own path, ``/rss.xml`` (summaries),
``/atom.xml`` (full text, in pages), ``/feed.json``, each of the three also under ``/ru/`` and so on, ``/sitemap.xml``
(an index), ``/news-sitemap.xml``, ``/wp-json/wp/v2/posts``, ``/media/<name>.jpg``, ``/robots.txt``.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from aiohttp import web

from heliograph.lab import feeds, pages
from heliograph.lab.faults import Fault
from heliograph.lab.landscapes import landscape
from heliograph.lab.loopback import base, serving
from heliograph.lab.page import Page
from heliograph.lab.phrases import PHRASES
from heliograph.lab.piece import Piece
from heliograph.model import Answer, Ask

HTML = "text/html; charset=utf-8"
_MEDIA = re.compile(r"/media/([a-z0-9-]{1,60})\.jpg")
_PART = re.compile(r"/sitemap-([0-9]{1,6})\.xml\.gz")
_FEED = re.compile(r"(?:/([a-z]{2,3}))?/(rss\.xml|atom\.xml|feed\.json)")
_BUILT = datetime(2020, 1, 1, tzinfo=UTC)  # what never changes carries this date


class Newsroom:
    """Holds stories and serves them. ``mirror`` is the address its notices name."""

    def __init__(self, pieces: Iterable[Piece] = (), *, mirror: str = "https://d3adm1rr0r.cloudfront.net/") -> None:
        self.base = "https://peninsula.example"
        self.mirror = mirror
        self.counts: Counter[tuple[str, int]] = Counter()  # by path with query, and status; 0 is never finished
        self.max_parallel = 0
        self._parallel = 0
        self._pieces = {piece.path: piece for piece in pieces}
        self._gone: set[str] = set()
        self._also: dict[str, str] = {}
        self._faults: dict[str, tuple[Fault, int]] = {}
        self._pictures: dict[str, bytes] = {}
        self._cache: dict[str, Page] = {}

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """All stories, newest first."""
        return tuple(sorted(self._pieces.values(), key=lambda piece: (piece.published, piece.path), reverse=True))

    def publish(self, piece: Piece) -> None:
        """Add a story, or put another in the place of the one at its path."""
        self._pieces[piece.path] = piece
        self._gone.discard(piece.path)
        self._cache.clear()

    def edit(self, path: str, now: datetime, **changes: Any) -> None:  # noqa: ANN401 - fields of Piece
        """Change fields of the story at ``path``."""
        self.publish(replace(self._pieces[path], **{"updated": now, **changes}))

    def withdraw(self, path: str) -> None:
        """Take a story out and say so: its address answers 410."""
        self.lose(path)
        self._gone.add(path)

    def lose(self, path: str) -> None:
        """Take a story out without a word: its address answers 404."""
        del self._pieces[path]
        self._cache.clear()

    def also_at(self, path: str, original: str) -> None:
        """Serve the story at ``original`` under a further address."""
        self._also[path] = original

    def fail(self, prefix: str, fault: Fault, *, times: int = 0) -> None:
        """Put ``fault`` before every path that starts with ``prefix``: for so many requests, or (0) until mended."""
        self._faults[prefix] = (fault, times)

    def mend(self, prefix: str = "") -> None:
        """Take out the faults whose prefix starts with ``prefix``."""
        self._faults = {key: fault for key, fault in self._faults.items() if not key.startswith(prefix)}

    def statuses(self) -> Counter[int]:
        """How many responses had which status."""
        total: Counter[int] = Counter()
        for (_, status), count in self.counts.items():
            total[status] += count
        return total

    def reset_counts(self) -> None:
        """Begin counting anew."""
        self.counts.clear()
        self.max_parallel = 0

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[str]:
        """Serve on loopback; yields the base URL, without a final slash. Port 0 takes a free one."""
        async with serving(self._serve, port) as runner:
            before, self.base = self.base, base(runner)
            self._cache.clear()
            try:
                yield self.base
            finally:
                self.base = before
                self._cache.clear()

    async def fetch(self, ask: Ask) -> Answer:
        """Answer without a socket, as the port for sources asks. Other hosts' URLs have no host here."""
        url = urlsplit(ask.url)
        if f"{url.scheme}://{url.netloc}" != self.base:
            return Answer(url=ask.url, status=0, failure=f"the host name does not resolve: {url.hostname}")
        target = url.path + (f"?{url.query}" if url.query else "")
        page = await self._page(target)
        status = 304 if page.unchanged(ask.etag, ask.modified) else page.status
        self.counts[target, status] += 1
        body = page.body if status == 200 else b""
        if len(body) > ask.limit:
            return Answer(url=ask.url, status=0, failure=f"larger than the limit of {ask.limit:,} bytes")
        media_type, _, charset = page.content_type.partition("; charset=")
        return Answer(
            url=ask.url,
            status=status,
            body=body,
            media_type=media_type,
            charset=charset,
            etag=page.etag,
            modified=page.last_modified,
        )

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self._parallel += 1
        self.max_parallel = max(self.max_parallel, self._parallel)
        status = 0
        try:
            page = await self._page(request.raw_path)
            fault = self._fault(request.path)
            response = await fault(request, page) if fault else _response(request, page)
            status = response.status
            return response
        finally:
            self.counts[request.raw_path, status] += 1
            self._parallel -= 1

    def _fault(self, path: str) -> Fault | None:
        """The fault with the longest prefix that fits, used up by one."""
        prefix = max((key for key in self._faults if path.startswith(key)), key=len, default=None)
        if prefix is None:
            return None
        fault, times = self._faults[prefix]
        if times == 1:
            del self._faults[prefix]
        elif times > 1:
            self._faults[prefix] = (fault, times - 1)
        return fault

    async def _page(self, target: str) -> Page:
        """The page at a path with query."""
        picture = _MEDIA.fullmatch(target)
        if picture:
            return await self._picture(picture[1])
        if target not in self._cache:
            if len(self._cache) > 10_000:
                self._cache.clear()
            path, _, query = target.partition("?")
            self._cache[target] = self._made(unquote(path), dict(parse_qsl(query)))
        return self._cache[target]

    async def _picture(self, name: str) -> Page:
        if name not in self._pictures:
            self._pictures[name] = await asyncio.to_thread(landscape, name)
        return Page(body=self._pictures[name], content_type="image/jpeg", modified=_BUILT)

    def _made(self, path: str, query: Mapping[str, str]) -> Page:
        site = pages.Site(base=self.base, mirror=self.mirror, pieces=self.pieces)
        piece = self._pieces.get(self._also.get(path, path))
        if piece is not None:
            return Page(body=pages.article(site, piece).encode(), content_type=HTML, modified=piece.updated)
        if path in self._gone:
            return Page(body=b"<h1>410</h1>", content_type=HTML, status=410)
        return _machine_page(site, path, query) or _list_page(site, path, query) or _nothing()


def _machine_page(site: pages.Site, path: str, query: Mapping[str, str]) -> Page | None:
    """What is not for people: feeds, sitemaps, REST, robots."""
    newest = max((piece.updated for piece in site.pieces), default=_BUILT)
    xml = "application/xml; charset=utf-8"
    if feed := _FEED.fullmatch(path):
        return _feed(site, path, feed[1] or "", feed[2], _number(query, "page", 1))
    if part := _PART.fullmatch(path):
        body = feeds.sitemap_part(site, int(part[1]))
        return Page(body=body, content_type="application/gzip", modified=newest) if body else None
    match path:
        case "/sitemap.xml":
            return Page(body=feeds.sitemap_index(site).encode(), content_type=xml, modified=newest)
        case "/news-sitemap.xml":
            return Page(body=feeds.news_sitemap(site).encode(), content_type=xml, modified=newest)
        case "/robots.txt":
            return Page(body=feeds.robots(site).encode(), content_type="text/plain; charset=utf-8", modified=_BUILT)
        case "/wp-json/wp/v2/posts":
            per_page = min(100, max(1, _number(query, "per_page", 10)))
            status, text, count = feeds.wordpress(site, _number(query, "page", 1), per_page)
            headers = (("X-WP-Total", str(len(site.pieces))), ("X-WP-TotalPages", str(count)))
            return Page(
                body=text.encode(), content_type="application/json; charset=UTF-8", status=status, headers=headers
            )
    return None


def _feed(site: pages.Site, path: str, lang: str, name: str, page: int) -> Page | None:
    chosen = [piece for piece in site.pieces if lang in {"", piece.lang}]
    if lang and not chosen:
        return None
    newest = max((piece.updated for piece in chosen), default=_BUILT)
    match name:
        case "rss.xml":
            text, kind = feeds.rss(site, lang, chosen), "application/rss+xml"
        case "atom.xml":
            text, kind = feeds.atom(site, path, lang, chosen, max(1, page)), "application/atom+xml"
        case _:
            text, kind = feeds.json_feed(site, path, lang, chosen), "application/feed+json"
    return Page(body=text.encode(), content_type=f"{kind}; charset=utf-8", modified=newest)


def _list_page(site: pages.Site, path: str, query: Mapping[str, str]) -> Page | None:
    """The front page, a language's front page, a section."""
    page = max(1, _number(query, "page", 1))
    first = path.strip("/").split("/")[0]
    lang = first if first in PHRASES else "ru"
    if path in {"/", f"/{lang}/"}:
        chosen = [piece for piece in site.pieces if path == "/" or piece.lang == lang]
        title = PHRASES[lang].outlet
    else:
        chosen = [piece for piece in site.pieces if piece.section_path == path]
        title = chosen[0].section if chosen else ""
    if not chosen[(page - 1) * pages.PER_LIST :]:
        return None
    text = pages.listing(site, lang, title, path, chosen, page)
    return Page(body=text.encode(), content_type=HTML, modified=max(piece.updated for piece in chosen))


def _nothing() -> Page:
    return Page(body=b"<h1>404</h1>", content_type=HTML, status=404)


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    value = query.get(name, "")
    return int(value) if re.fullmatch(r"[0-9]{1,6}", value) else default


def _response(request: web.BaseRequest, page: Page) -> web.Response:
    headers = {"Content-Type": page.content_type, "ETag": page.etag, "Vary": "Accept-Encoding", **dict(page.headers)}
    if page.last_modified:
        headers["Last-Modified"] = page.last_modified
    if page.unchanged(request.headers.get("If-None-Match", ""), request.headers.get("If-Modified-Since", "")):
        return web.Response(status=304, headers=headers)
    body = page.body
    text = page.content_type.startswith(("text/", "application/json", "application/feed")) or "xml" in page.content_type
    if text and len(body) > 1024 and "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, 5, mtime=0)
        headers |= {"Content-Encoding": "gzip", "ETag": f"W/{page.etag}"}
    return web.Response(status=page.status, body=body, headers=headers)
