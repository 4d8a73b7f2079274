"""What a site offers: from a handful of answers to the sources that read it best, its name and its language.

The order of preference: WordPress' own interface (whole archive, whole texts), a sitemap (whole archive, dates of
change), a feed (the newest), and a crawl of the pages where there is nothing better.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from heliograph.capture import tree
from heliograph.model import Answer, Source
from heliograph.model.names import canonical_url

_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json")
_SITEMAP_LINE = re.compile(r"^\s*sitemap\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE)
_LANG = re.compile(r"^[a-z]{2,3}")
_HEAD = 4_096  # bytes of a document that tell its kind
_TITLE_BREAK = re.compile(r"\s+[|–—-]\s+")
_LONGEST_TITLE = 60
_PAGE = 2_000_000  # bytes of a front page that are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Surveyed:
    """What was found. ``sources`` is empty when the site did not answer at all."""

    sources: tuple[Source, ...]
    title: str = ""
    lang: str = ""


def asks(url: str) -> tuple[str, ...]:
    """The addresses whose answers ``judge`` needs to know about ``url``."""
    root = urljoin(url, "/")
    return (url, urljoin(root, "wp-json/"), urljoin(root, "robots.txt"), urljoin(root, "sitemap.xml"))


def judge(url: str, answers: Mapping[str, Answer]) -> Surveyed:
    """The sources of the site at ``url``, from the answers to ``asks(url)``. Hostile answers give fewer sources."""
    page = answers.get(url)
    kind = _kind(page)
    if kind in {"feed", "sitemap"}:
        return Surveyed(sources=(Source(kind="feed" if kind == "feed" else "sitemap", url=url),))
    title, lang, feeds = _read_home(page) if kind == "page" and page else ("", "", ())
    _, wp, robots, sitemap = asks(url)
    if _is_wordpress(answers.get(wp)):
        posts = urljoin(wp, "wp/v2/posts")
        return Surveyed(sources=(Source(kind="wordpress", url=posts),), title=title, lang=lang)
    listed = [*_sitemaps(answers.get(robots), url), *([sitemap] if _kind(answers.get(sitemap)) == "sitemap" else [])]
    if listed:
        chosen: Source | None = Source(kind="sitemap", url=listed[0])
    elif feeds:
        chosen = Source(kind="feed", url=feeds[0])
    else:
        chosen = Source(kind="pages", url=url) if kind == "page" else None
    return Surveyed(sources=(chosen,) if chosen else (), title=title, lang=lang)


def _kind(answer: Answer | None) -> str:
    if answer is None or answer.status != 200 or not answer.body:
        return ""
    head = answer.body[:_HEAD].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith(b"\x1f\x8b"):
        return "sitemap"
    if b"<urlset" in head or b"<sitemapindex" in head:
        return "sitemap"
    if b"<rss" in head or b"<rdf:rdf" in head or b"<feed" in head or b"jsonfeed.org/version" in head:
        return "feed"
    return "page" if b"<html" in head or b"<!doctype html" in head or answer.media_type == "text/html" else ""


def _read_home(page: Answer) -> tuple[str, str, tuple[str, ...]]:
    document = tree.parse(page.body[:_PAGE])
    root = document.css_first("html")
    lang = _LANG.match((root.attributes.get("lang") or "").lower()) if root else None
    name = document.css_first('meta[property="og:site_name"]')
    title = (name.attributes.get("content") or "") if name else ""
    if not title.strip() and (node := document.css_first("title")):
        title = _TITLE_BREAK.split(node.text())[-1]
    feeds = []
    for node in document.css('link[rel="alternate"]'):
        href, kind = node.attributes.get("href"), (node.attributes.get("type") or "").lower()
        if href and kind in _FEED_TYPES and (address := canonical_url(href, page.url)):
            feeds.append(address)
    return " ".join(title.split())[:_LONGEST_TITLE], lang[0] if lang else "", tuple(feeds)


def _is_wordpress(answer: Answer | None) -> bool:
    if answer is None or answer.status != 200:
        return False
    try:
        spaces = json.loads(answer.body[:4_000_000]).get("namespaces", ())
    except (ValueError, AttributeError, RecursionError):
        return False
    return isinstance(spaces, list) and "wp/v2" in spaces


def _sitemaps(robots: Answer | None, url: str) -> list[str]:
    """Sitemaps that robots.txt names on the same host, the plain ones before the news ones."""
    if robots is None or robots.status != 200:
        return []
    text = robots.body[:200_000].decode("utf-8", "replace")
    found = [canonical_url(match, robots.url) for match in _SITEMAP_LINE.findall(text)]
    same = [address for address in found if address and urlsplit(address).hostname == urlsplit(url).hostname]
    return sorted(same, key=lambda address: "news" in address)
