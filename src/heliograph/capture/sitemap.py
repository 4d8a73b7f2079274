"""Sitemaps: ``urlset``, ``sitemapindex``, news sitemaps, plain lists, gzipped or not, and robots.txt that names them.

Rule 1: a gzipped sitemap is unpacked up to the limit of its ask and no further. Rule 2: what could be read before a
fault is taken, and the fault is told. Rule 3: pictures and translations listed beside a story are not stories.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import replace

from heliograph.capture.charset import decode
from heliograph.capture.language import primary
from heliograph.capture.text import line
from heliograph.capture.tips import absolute, moment, plain
from heliograph.capture.xmlsafe import Record, stream
from heliograph.model import Answer, Ask, Found, Problem, Source, Tip
from heliograph.model.names import canonical_url

LIMIT = 52_428_800  # bytes of one sitemap: the protocol's own limit
MAX_TIPS = 200_000  # of one file; the protocol allows 50,000
MAX_DEPTH = 5  # indexes within indexes; the protocol allows one
_GZIP = b"\x1f\x8b"
_MAX_MEMBERS = 200
_FIELDS = {
    "url": frozenset(
        {"loc", "lastmod", "news/title", "news/publication_date", "news/publication/language", "news/keywords"}
    ),
    "sitemap": frozenset({"loc"}),
}
_PLAIN = frozenset({"loc", "lastmod"})
_ROBOTS_LINE = re.compile(r"[ \t]*sitemap[ \t]*:[ \t]*(\S+)", re.IGNORECASE)


def start(source: Source) -> Found:
    """The sitemap, index or robots.txt itself."""
    return Found(asks=(Ask(url=source.url, limit=LIMIT),))


def read(source: Source, ask: Ask, answer: Answer) -> Found:
    """The stories and further sitemaps that one file lists."""
    body, trouble = _unpacked(answer.body, ask.limit)
    text = decode(replace(answer, body=body))
    if answer.url.partition("?")[0].endswith("/robots.txt"):
        return _robots(ask, answer, text)
    head = text[:1_000].lstrip().lower()
    if "<html" in head or "<!doctype html" in head:
        what = "is a web page, not a sitemap"
        remedy = 'give the address of the sitemap (robots.txt often names it), or use kind = "pages"'
        return Found(problems=(Problem(where=ask.url, what=what, remedy=remedy, fatal=True),))
    found = _xml(ask, answer, text) if head.startswith("<") else _plain_list(answer, text)
    if trouble:
        remedy = "split the sitemap, or serve it whole"
        return Found(
            tips=found.tips,
            asks=found.asks,
            problems=(
                Problem(where=ask.url, what=trouble, remedy=remedy, fatal=not found.tips and not found.asks),
                *found.problems,
            ),
        )
    return found


def _unpacked(body: bytes, limit: int) -> tuple[bytes, str]:
    """``body``, unpacked to at most ``limit`` bytes if it is gzip, and what was wrong with it."""
    if not body.startswith(_GZIP):
        return body, ""
    pieces: list[bytes] = []
    size = 0
    rest = body
    for _ in range(_MAX_MEMBERS):  # several members one after the other are one file
        if not rest.startswith(_GZIP):
            break
        unpacker = zlib.decompressobj(wbits=31)
        try:
            piece = unpacker.decompress(rest, limit - size + 1)
        except zlib.error:
            return b"".join(pieces), "is damaged gzip: what could be unpacked was read"
        size += len(piece)
        pieces.append(piece)
        if size > limit:
            return b"".join(pieces)[:limit], f"unpacks to more than {limit:,} bytes: the rest was not read"
        if not unpacker.eof:
            return b"".join(pieces), "is gzip that breaks off: what could be unpacked was read"
        rest = unpacker.unused_data  # a copy, hence the limit on members
    return b"".join(pieces), ""


def _robots(ask: Ask, answer: Answer, text: str) -> Found:
    named = (_ROBOTS_LINE.match(entry) for entry in text[:500_000].splitlines())
    urls = dict.fromkeys(absolute(found[1], answer.url) for found in named if found)
    asks = _further(ask, (url for url in urls if url))
    if asks:
        return Found(asks=asks)
    remedy = "add a line 'Sitemap: https://...' to it, or give the sitemap's own address"
    return Found(problems=(Problem(where=ask.url, what="names no sitemap", remedy=remedy, fatal=True),))


def _further(ask: Ask, urls: Iterable[str]) -> tuple[Ask, ...]:
    return tuple(Ask(url=url, depth=ask.depth + 1, limit=LIMIT) for url in urls if url != ask.url)


def _xml(ask: Ask, answer: Answer, text: str) -> Found:
    document = stream(text, _FIELDS, MAX_TIPS)
    problems: list[Problem] = []
    if document.trouble or (not document.records and document.root not in {"urlset", "sitemapindex"}):
        what = f"the sitemap {document.trouble}" if document.trouble else "is XML, but no sitemap"
        remedy = "look at it in a validator; addresses that could be read were taken"
        problems.append(Problem(where=ask.url, what=what, remedy=remedy, fatal=not document.records))
    tips: list[Tip] = []
    children: dict[str, None] = {}
    for name, record in document.records:
        if name == "url":
            tips.append(_tip(record, answer.url))
        elif url := absolute(next((field.text for field in record), ""), answer.url):
            children[url] = None
    if children and ask.depth >= MAX_DEPTH:
        what, remedy = f"sitemaps within sitemaps are followed {MAX_DEPTH} deep", "give the inner sitemap's address"
        problems.append(Problem(where=ask.url, what=what, remedy=remedy))
        children = {}
    return Found(tips=tuple(tips), asks=_further(ask, children), problems=tuple(problems))


def _tip(record: Record, base: str) -> Tip:
    """One ``url``; an address that is none gives the tip "" as its URL, which is counted where tips are admitted."""
    said = {field.path: field.text for field in record}
    location = said.get("loc", "")
    url, stamp = canonical_url(location) or canonical_url(location, base), said.get("lastmod", "")[:64]
    if said.keys() <= _PLAIN:  # of which there are 50,000
        return Tip(url=url, stamp=stamp)
    keywords = said.get("news/keywords", "")[:1_000].split(",")
    return Tip(
        url=url,
        stamp=stamp,
        title=plain(said.get("news/title", "")),
        lang=primary(said.get("news/publication/language", "")),
        tags=tuple(word for keyword in keywords if (word := line(keyword)[:100]))[:20],
        published=moment(said.get("news/publication_date", "")),
    )


def _plain_list(answer: Answer, text: str) -> Found:
    """One address a line."""
    lines = [entry for raw in text.splitlines() if (entry := raw.strip())]
    tips = tuple(Tip(url=canonical_url(entry)) for entry in lines[: MAX_TIPS + 1])
    if any(tip.url for tip in tips):
        return Found(tips=tips)
    what, remedy = "is neither XML nor a list of addresses", "give the address of a sitemap"
    return Found(problems=(Problem(where=answer.url, what=what, remedy=remedy, fatal=True),))
