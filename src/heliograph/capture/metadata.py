"""What a page says about its article: JSON-LD first, then OpenGraph and ``meta``, then microdata and ``<time>``.

Every field is a claim of a stranger: cleaned, bounded, "" or empty where it is missing or absurd. A canonical URL
counts only on the page's own site and only when it names a page of its own. A date more than a day ahead is unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from heliograph.capture import dates, jsonld, links
from heliograph.capture.language import primary
from heliograph.capture.text import clip, fold, line
from heliograph.model import Picture, Problem
from heliograph.model.names import canonical_url

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_NAME = 120  # characters of an author's name, a section or a tag
MAX_BYLINES, MAX_TAGS = 10, 20
_MAX_BLOBS, _MAX_METAS = 50, 500
_MAX_HEADS = 4
_JSON_LD = 'script[type="application/ld+json"]'
_SURE = frozenset(["og:title", "description", "og:url"])  # a page that has one of them in its head has all there
_LONGEST = 20_000  # characters of a value that is cleaned
_AHEAD = timedelta(days=1)
_BY = re.compile(r"^(?:by|автор(?:ы|и)?(?: текста)?|текст|author|written by|müellif)\s*[:—–-]?\s+(?=\S)", re.IGNORECASE)
_AND = re.compile(r"\s*(?:,|;|\band\b|\s&\s|\bи\b|\bта\b|\bі\b|\bve\b)\s+")
_NO_NAME = re.compile(r"https?:|www\.|@\w+\.|[<>{}|]|^\W*$")
_MARKUP = re.compile(r"<[a-zA-Z/!][^<>]{0,1000}>")
_WORD_GAP = re.compile(r"[-_]")
_SITE_TAIL = re.compile(r"\s+[|·•»—–-]\s+|\s*::\s+")
_NO_HERO = re.compile(
    r"(?:^|[/_-])(?:logo|favicon|default|placeholder|noimage|no-image|share-?image)[^/]*\Z", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """Claims of one page. ``url`` is the canonical one; ``body`` the JSON-LD ``articleBody``, plain text."""

    url: str
    title: str = ""
    lead: str = ""
    bylines: tuple[str, ...] = ()
    published: datetime | None = None
    updated: datetime | None = None
    section: str = ""
    tags: tuple[str, ...] = ()
    lang: str = ""
    hero: Picture | None = None
    body: str = ""


@dataclass(frozen=True, slots=True)
class _Claims:
    """Where a page speaks of itself, gathered once."""

    page: LexborHTMLParser
    head: LexborNode
    metas: dict[str, list[str]]
    article: jsonld.Object

    def of(self, keys: str) -> list[str]:
        """The contents of the ``meta`` elements of these names, in the order of the names."""
        return [content for key in keys.split() if key in self.metas for content in self.metas[key]]

    def ld(self, key: str) -> str:
        return jsonld.text(self.article.get(key))


def read(page: LexborHTMLParser, url: str, *, now: datetime, zone: str) -> tuple[Metadata, tuple[Problem, ...]]:
    """The metadata of ``page``, fetched from ``url``, with a problem where its date lies ahead."""
    claims = _claims(page, url)
    problems: list[Problem] = []
    published = _date(_published(claims), now, zone, url, problems)
    updated = _date(_updated(claims), now, zone, url, problems)
    body = claims.article.get("articleBody")
    authors = jsonld.texts(claims.article.get("author")) or claims.of("author article:author dc.creator")
    found = Metadata(
        url=_canonical(claims, url),
        title=_title(claims),
        lead=_first([claims.ld("description"), *claims.of("og:description description twitter:description")]),
        bylines=names(authors),
        published=published or updated,
        updated=updated,
        section=clip(_first([claims.ld("articleSection"), *claims.of("article:section section")]), MAX_NAME),
        tags=_tags(claims),
        lang=_lang(claims),
        hero=_hero(claims, url),
        body=body if isinstance(body, str) else "",
    )
    return found, tuple(problems)


def base_of(page: LexborHTMLParser, url: str) -> str:
    """The URL that the page's relative links start from."""
    node = page.head.css_first("base[href]") if page.head is not None else None
    return (links.link(url, node.attributes.get("href") or "") if node is not None else "") or url


def names(raw: Iterable[str]) -> tuple[str, ...]:
    """The names of people or desks in bylines as pages write them, each once."""
    found: dict[str, None] = {}
    for text in raw:
        for part in _AND.split(_BY.sub("", line(unescape(text[:1_000])))):
            name = part.strip(" .,;:|·•—–-")
            if name and len(name) <= MAX_NAME and not _NO_NAME.search(name):
                found.setdefault(name)
    return tuple(found)[:MAX_BYLINES]


def same_text(one: str, other: str) -> bool:
    """Whether two titles are the same but for case, punctuation and what a site adds before or after."""
    if one == other:
        return bool(one)
    a, b = fold(one), fold(other)
    return bool(a and b) and (a == b or (len(a) > 15 and a in b) or (len(b) > 15 and b in a))


# ---------------------------------------------------------------- fields


def _claims(page: LexborHTMLParser, url: str) -> _Claims:
    # Nearly all pages declare all in the head, and to search that costs a fraction of a search of the page.
    head = page.head if page.head is not None else page.root
    assert head is not None  # the parser makes both of anything
    metas = _metas(head)
    scripts = head.css(_JSON_LD)
    if not scripts and not metas.keys() & _SURE:
        metas, scripts = _metas(page), page.css(_JSON_LD)
    elif not scripts:
        scripts = page.css(_JSON_LD)
    article = jsonld.article_in([node.text() for node in scripts[:_MAX_BLOBS]], url)
    return _Claims(page, head, metas, article)


def _metas(within: LexborNode | LexborHTMLParser) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node in within.css("meta[content]")[:_MAX_METAS]:
        attributes = node.attributes
        key = attributes.get("property") or attributes.get("name") or attributes.get("itemprop")
        content = attributes.get("content")
        if key and content:
            found.setdefault(key.lower(), []).append(content)
    return found


def _first(values: Iterable[str]) -> str:
    """The first value that holds text, its markup and entities resolved: CMSs escape twice."""
    for value in values:
        value = value[:_LONGEST]
        if "&" in value:
            value = unescape(value)
        if clean := line(_MARKUP.sub(" ", value) if "<" in value else value):
            return clean
    return ""


def _title(claims: _Claims) -> str:
    """The headline as the page shows it, where that agrees with what it declares; else as it declares it."""
    declared = _first([claims.ld("headline"), *claims.of("og:title twitter:title")])
    node = claims.head.css_first("title") if not declared else None
    declared_or_whole = declared or (line(node.text()) if node is not None else "")
    first = claims.page.css_first("h1")
    shown = line(first.text(separator=" ")) if first is not None else ""
    if shown and (not declared_or_whole or same_text(shown, declared_or_whole)):
        return shown
    if not declared and declared_or_whole and fold(declared_or_whole) in fold(shown):  # a short name for the window
        return shown
    for found in claims.page.css("h1")[1:_MAX_HEADS] if first is not None else ():
        if same_text(head := line(found.text(separator=" ")), declared_or_whole):
            return head
    return _without_site(declared_or_whole, claims)


def _without_site(title: str, claims: _Claims) -> str:
    """``title`` without the site's name before or after a bar or dash."""
    site = fold(_first(claims.of("og:site_name application-name")))
    parts = _SITE_TAIL.split(title) if site else []
    if len(parts) > 1 and fold(parts[-1]) == site:
        return title[: title.rindex(parts[-1])].rstrip(" |·•»—–-:")
    if len(parts) > 1 and fold(parts[0]) == site:
        return title[len(parts[0]) :].lstrip(" |·•»—–-:")
    return title


def _published(claims: _Claims) -> Iterator[str]:
    yield claims.ld("datePublished")
    yield from claims.of("article:published_time datepublished og:published_time pubdate publishdate")
    yield from claims.of("parsely-pub-date sailthru.date date dc.date dc.date.issued dcterms.created")
    yield claims.ld("dateCreated")
    for selector in ("[itemprop=datePublished]", "time[pubdate]", "article time", "main time", "time[datetime]"):
        node = claims.page.css_first(selector)
        if node is not None:
            yield node.attributes.get("datetime") or node.attributes.get("content") or line(node.text())


def _updated(claims: _Claims) -> Iterator[str]:
    yield claims.ld("dateModified")
    yield from claims.of("article:modified_time og:updated_time datemodified lastmod dcterms.modified")


def _date(values: Iterable[str], now: datetime, zone: str, url: str, problems: list[Problem]) -> datetime | None:
    """The first date among ``values`` that is none of the future."""
    for value in values:
        found = dates.parse(value, zone) if value else None
        if found is not None and found <= now + _AHEAD:
            return found
        if found is not None and not problems:
            what = f"its date {found.isoformat()} lies ahead; taken as unknown"
            problems.append(Problem(where=url, what=what, remedy="correct the date on the site"))
    return None


def _tags(claims: _Claims) -> tuple[str, ...]:
    raw = (
        jsonld.texts(claims.article.get("keywords")) or claims.of("article:tag") or claims.of("news_keywords keywords")
    )
    parts = [part for text in raw for part in (re.split(r"[,;]", text[:2_000]) if len(raw) == 1 else [text])]
    clean = [line(unescape(part)).lstrip("#") for part in parts]
    return tuple(dict.fromkeys(tag for tag in clean if tag and len(tag) <= MAX_NAME))[:MAX_TAGS]


def _lang(claims: _Claims) -> str:
    root = claims.head.parent if claims.head.tag == "head" else claims.head
    declared = root.attributes.get("lang") if root is not None else ""
    candidates = [claims.ld("inLanguage"), declared or "", *claims.of("og:locale content-language")]
    return next((found for value in candidates if (found := primary(value))), "")


def _hero(claims: _Claims, url: str) -> Picture | None:
    """The picture that the page puts forward, unless by its name it is the site's own sign."""
    image = claims.article.get("image") or claims.article.get("thumbnailUrl")
    image = image[0] if isinstance(image, list) and image else image
    fields = image if isinstance(image, dict) else {}
    declared = jsonld.text(fields.get("url")) or jsonld.text(image)
    for source in [declared, *claims.of("og:image og:image:url twitter:image")]:
        address = links.picture(url, unescape(source)) if source else ""
        if address and not _NO_HERO.search(links.file_name(address)):
            width, height = _size(fields.get("width")), _size(fields.get("height"))
            return Picture(url=address, width=width if height else 0, height=height if width else 0)
    return None


def _size(value: object) -> int:
    digits = str(value.get("value") if isinstance(value, dict) else value).removesuffix("px")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 5 else 0


def _canonical(claims: _Claims, url: str) -> str:
    """The page's canonical URL. One of another site, or one that many pages would share, is not believed."""
    own = canonical_url(url) or url
    node = claims.head.css_first('link[rel="canonical"]')
    declared = [node.attributes.get("href") or ""] if node is not None else []
    for value in [*declared, *claims.of("og:url"), claims.ld("mainEntityOfPage")]:
        if value in (own, url):
            return own
        found = canonical_url(value, base=url) if value and len(value) <= links.LONGEST else ""
        if found == own or (found and links.same_site(found, own) and _names_a_page(found)):
            return found
    return own


def _names_a_page(url: str) -> bool:
    """Whether an address looks like one story's and not a section's: digits, several words, or a query of its own."""
    parts = urlsplit(url)
    last = parts.path.rstrip("/").rpartition("/")[2]
    return bool(parts.query) or len(last) >= 16 or len(_WORD_GAP.findall(last)) >= 2 or any(map(str.isdigit, last))
