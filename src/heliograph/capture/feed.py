"""Feeds: RSS 2.0, RSS 1.0, Atom and JSON Feed, told apart by their content, whatever their media type says.

Rule 1: feedparser sees only XML that another parser made well-formed, without document type and entities, and never an
address: it would fetch one. Rule 2: a text is taken for the whole story only if the feed says so (``content:encoded``,
Atom ``content``, ``content_html``, ``yandex:full-text``, ``turbo:content``) and it does not break off. Rule 3: archives
(RFC 5005) are followed only where the whole source is wanted.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from heliograph.capture.charset import decode
from heliograph.capture.language import primary
from heliograph.capture.text import line
from heliograph.capture.tips import MAX_TEXT, absolute, aware, digest, moment, plain
from heliograph.capture.xmlsafe import refused, well_formed
from heliograph.model import Answer, Ask, Found, Problem, Source, Tip
from heliograph.model.names import canonical_url

MAX_ENTRIES = 20_000  # of one feed; 8 MB hold fewer in practice
MAX_ARCHIVES = 50  # pages of an archived or paged feed
MAX_TAGS = 20  # of one story
_WHOLE = 800  # characters from which a description is taken for the whole story
_FEED_TYPES = ("application/rss+xml", "application/atom+xml", "application/feed+json", "application/json")
_BREAKS_OFF = re.compile(
    r"(\[?(…|\.\.\.)\]?|\b(read|continue reading|more|читать|читати|далее|далі)\b[\w\s]{0,20}[»>→…\]]*)\s*$",
    re.IGNORECASE,
)
_MAIL = re.compile(r"[^\s<>()]+@[^\s<>()]+")
_RELATIVE = re.compile(r"""\b(?:href|src)\s{0,4}=\s{0,4}["']?(?![a-z][a-z0-9+.-]*:|//|["'#])""", re.IGNORECASE)


def start(source: Source) -> Found:
    """The feed itself."""
    return Found(asks=(Ask(url=source.url),))


def read(source: Source, ask: Ask, answer: Answer) -> Found:
    """The stories that one document of the feed tells of, and the archive before it."""
    text = decode(answer)
    head = text[:1_000].lstrip().lower()
    if head.startswith("{"):
        found, before = _json_feed(answer.url, text)
    elif "<html" in head or "<!doctype html" in head:
        return _look_for_feed(source, ask, answer)
    else:
        found, before = _xml_feed(answer.url, text)
    return Found(tips=found.tips, asks=_archive(source, ask, answer, before), problems=found.problems)


def _archive(source: Source, ask: Ask, answer: Answer, before: str) -> tuple[Ask, ...]:
    url = absolute(before, answer.url) if before else ""
    if not url or source.newest or ask.depth >= MAX_ARCHIVES or url in {ask.url, answer.url}:
        return ()
    # Depth 1 is for a feed found in a page: an archive is never the source's own URL.
    return (Ask(url=url, depth=max(ask.depth, 1) + 1),)


def _look_for_feed(source: Source, ask: Ask, answer: Answer) -> Found:
    """A page stands where a feed was expected: the feed it names is asked, once."""
    from heliograph.capture.tree import parse

    here = Problem(
        where=ask.url,
        what="is a web page, not a feed, and names no feed",
        remedy='give the address of the feed itself, or use kind = "pages"',
        fatal=True,
    )
    if ask.depth:
        return Found(problems=(here,))
    tree = parse(decode(answer).encode("utf-8", "replace"))
    for link in tree.css("link[rel~=alternate]"):
        href, kind = link.attributes.get("href") or "", (link.attributes.get("type") or "").strip().lower()
        url = absolute(href, answer.url) if href and kind in _FEED_TYPES else ""
        if url and "comment" not in urlsplit(url).path:
            return Found(asks=(Ask(url=url, depth=1),))
    return Found(problems=(here,))


# ---------------------------------------------------------------- XML


@dataclass(frozen=True, slots=True, kw_only=True)
class _Feed:
    tips: tuple[Tip, ...] = ()
    problems: tuple[Problem, ...] = ()


def _xml_feed(url: str, text: str) -> tuple[_Feed, str]:
    """The feed's entries, and the address of the document before this one."""
    remedy = "look at the feed in a validator; stories that could be read were taken"
    what = refused(text)
    clean, trouble = (b"", what) if what else well_formed(text)
    parsed = _parse(clean, url) if clean else {}
    feed = parsed.get("feed", {})
    if not parsed.get("version") and not parsed.get("entries"):
        what = f"is no feed that can be read: it {trouble or 'is XML of another kind'}"
        return _Feed(problems=(Problem(where=url, what=what, remedy="give the address of a feed", fatal=True),)), ""
    tips: list[Tip] = []
    fault = Problem(where=url, what=f"the feed {trouble}", remedy=remedy, fatal=not parsed["entries"])
    problems = [fault] if trouble else []
    for entry in parsed["entries"][:MAX_ENTRIES]:
        tip = _tip(entry, feed, url)
        if tip:
            tips.append(tip)
        else:
            name = line(_text(entry.get("title"))[:200])[:80]
            problems.append(Problem(where=url, what=f"entry {name!r} has no address", remedy="give each a <link>"))
    before = _linked(feed, "prev-archive") or _linked(feed, "next")
    return _Feed(tips=tuple(tips), problems=tuple(problems)), before


def _parse(clean: bytes, url: str) -> Mapping[str, Any]:
    import feedparser

    try:
        # Its sanitiser and its resolver cost ten times the parse, and what reads the body does both again.
        result: Mapping[str, Any] = feedparser.parse(
            io.BytesIO(clean),
            response_headers={"content-type": "application/xml; charset=utf-8", "content-location": url},
            sanitize_html=False,
            resolve_relative_uris=False,
        )
    except Exception:  # noqa: BLE001 - hostile input draws any error out of it; the caller reports it
        return {}
    return result


def _linked(feed: Mapping[str, Any], relation: str) -> str:
    for link in feed.get("links", ()):
        if link.get("rel") == relation and link.get("href"):
            return str(link["href"])
    return ""


def _tip(entry: Mapping[str, Any], feed: Mapping[str, Any], url: str) -> Tip | None:
    """One entry; None without an address. ``entry`` is feedparser's dictionary, ``get`` of which warns for dates."""
    address = next((found for found in _addresses(entry, url) if found), "")
    if not address:
        return None
    content, summary = _bodies(entry)
    lead = _plain(summary)
    body = "" if _breaks_off(content) else content
    if not body and len(lead) >= _WHOLE and not _breaks_off(lead):
        body, lead = summary["value"], ""
    elif lead and body and plain(body[:4_000], 400).startswith(lead[:200]):
        lead = ""  # feedparser copies the content where there is no summary, and some feeds cut one out of it
    elif not body and not lead:
        lead = plain(content)
    base = str(_first(entry.get("content")).get("base") or "")
    title = _title(entry)
    dates = dict(entry.items())
    published = _date(dates.get("published_parsed")) or _date(dates.get("created_parsed"))
    updated = _date(dates.get("updated_parsed"))
    labels = list(_labels(entry.get("tags") or ()))
    return Tip(
        url=address,
        stamp=_stamp(updated, published, title, lead, body),
        title=title,
        lead=lead,
        lang=_lang(entry, feed),
        section=labels[0] if labels else "",
        bylines=tuple(_names(entry)),
        tags=tuple(labels[1 : MAX_TAGS + 1]),
        published=published or updated,
        updated=updated,
        picture=_picture(entry, url),
        body=_rebased(body, base, url)[:MAX_TEXT],
        body_kind="html" if body else "",
    )


def _breaks_off(text: str) -> bool:
    """Whether a text ends in dots, or in words that lead to the rest of it."""
    return _BREAKS_OFF.search(plain(text[-500:])[-60:]) is not None


def _addresses(entry: Mapping[str, Any], base: str) -> Iterator[str]:
    """Where the entry may be read: its original address, its link, its identifier if that is one."""
    for value in (entry.get("feedburner_origlink"), entry.get("link"), entry.get("id")):
        text = _text(value).strip()
        if value is not None and text and (value is not entry.get("id") or "://" in text):
            yield canonical_url(text, base)


def _bodies(entry: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The full text where the entry carries one, and the summary as {"value", "type"}."""
    summary = entry.get("summary_detail") or {"value": _text(entry.get("summary")), "type": "text/html"}
    for key in ("yandex_full-text", "turbo_content"):
        if text := _text(entry.get(key)).strip():
            return text, summary
    longest = ""
    for part in entry.get("content") or ():
        value, kind = _text(part.get("value")).strip(), _text(part.get("type"))
        if value and kind in {"text/plain", "text"}:
            value = _paragraphs(value)
        if len(value) > len(longest) and (not kind or kind.startswith("text") or "html" in kind):
            longest = value
    return longest, summary


def _paragraphs(text: str) -> str:
    from html import escape

    return "".join(f"<p>{escape(part.strip())}</p>" for part in re.split(r"\n\s*\n", text) if part.strip())


def _plain(detail: Mapping[str, Any]) -> str:
    value = _text(detail.get("value"))
    return line(value[:20_000])[:5_000] if detail.get("type") == "text/plain" and "<" not in value else plain(value)


def _title(entry: Mapping[str, Any]) -> str:
    return _plain(entry.get("title_detail") or {"value": _text(entry.get("title"))})


def _rebased(body: str, base: str, url: str) -> str:
    """``body`` with its relative links resolved, where ``xml:base`` differs from the feed's own address."""
    if not base or base == url or not _RELATIVE.search(body):
        return body
    from heliograph.capture.tree import parse_fragment

    tree = parse_fragment(body)
    for node in tree.css("[href], [src]"):
        for name in ("href", "src"):
            value = node.attributes.get(name)
            resolved = absolute(value, base) if value else ""
            if resolved:
                node.attrs[name] = resolved
    return (tree.body.inner_html or body) if tree.body else body


def _labels(tags: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Names of categories, each once."""
    seen: set[str] = set()
    for tag in tags:
        label = plain(_text(tag.get("label") or tag.get("term")), 100)
        if label and label.casefold() not in seen:
            seen.add(label.casefold())
            yield label


def _names(entry: Mapping[str, Any]) -> Iterator[str]:
    authors = (entry.get("authors") or ())[:10]
    raw = _text(entry.get("author"))
    if len(authors) == 1 and "@" in raw:
        # feedparser cuts an address after the fourth letter of its last part, which leaves a name that is none.
        authors = [{"name": _MAIL.sub(" ", raw[:500]).strip(' ()<>,;"')}]
    for author in authors:
        name = plain(_text(author.get("name")), 200)
        if name and "@" not in name:  # an address without a name is nobody's byline
            yield name


def _lang(entry: Mapping[str, Any], feed: Mapping[str, Any]) -> str:
    detail = _first(entry.get("content")) or entry.get("title_detail") or {}
    return primary(_text(detail.get("language") or feed.get("language")))


def _picture(entry: Mapping[str, Any], base: str) -> str:
    """The widest picture that the entry names."""
    best, width = "", -1
    candidates = [*(entry.get("media_content") or ()), *(entry.get("media_thumbnail") or ())]
    candidates += [link for link in entry.get("links") or () if link.get("rel") == "enclosure"]
    for item in candidates[:50]:
        href, kind = _text(item.get("url") or item.get("href")), _text(item.get("type")).lower()
        is_picture = kind.startswith("image/") or item.get("medium") == "image" or (not kind and _looks_like_one(href))
        if is_picture and (found := absolute(href, base)):
            declared = _text(item.get("width"))
            wide = int(declared) if declared.isascii() and declared.isdigit() and len(declared) < 6 else 0
            if wide > width:
                best, width = found, wide
    return best


def _looks_like_one(href: str) -> bool:
    return href.partition("?")[0].lower().endswith((".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif"))


def _date(parsed: object) -> datetime | None:
    """feedparser gives a ``struct_time`` in UTC, or None for what it cannot read."""
    if not isinstance(parsed, tuple) or len(parsed) < 6:
        return None
    year, month, day, hour, minute, second = parsed[:6]
    try:
        return aware(datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC))  # 60 is a leap second
    except (TypeError, ValueError, OverflowError):
        return None


def _stamp(updated: datetime | None, published: datetime | None, title: str, lead: str, body: str) -> str:
    """Changes with the story. Newsrooms correct a text without touching its date, so a carried text counts too."""
    when = updated or published
    parts = [when.isoformat() if updated and when else "", digest(title, body) if body else ""]
    return "|".join(part for part in parts if part) or digest(title, lead, when.isoformat() if when else "")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _first(value: object) -> Mapping[str, Any]:
    return value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else {}


# ---------------------------------------------------------------- JSON Feed


def _json_feed(url: str, text: str) -> tuple[_Feed, str]:
    try:
        feed = json.loads(text)
        items = feed.get("items")
    except (ValueError, RecursionError, AttributeError):
        feed, items = {}, None
    if not isinstance(items, list):
        what, remedy = "is JSON, but no JSON Feed that can be read", "give the address of a feed"
        return _Feed(problems=(Problem(where=url, what=what, remedy=remedy, fatal=True),)), ""
    tips: list[Tip] = []
    problems: list[Problem] = []
    for item in items[:MAX_ENTRIES]:
        tip = _json_tip(item, feed, url) if isinstance(item, dict) else None
        if tip:
            tips.append(tip)
        else:
            problems.append(Problem(where=url, what="an item has no address", remedy='give each item a "url"'))
    return _Feed(tips=tuple(tips), problems=tuple(problems)), _text(feed.get("next_url"))


def _json_tip(item: dict[str, Any], feed: dict[str, Any], url: str) -> Tip | None:
    address = next((found for key in ("url", "id") if (found := _json_address(item, key, url))), "")
    if not address:
        return None
    markup, written = _text(item.get("content_html")).strip(), _text(item.get("content_text")).strip()
    body = markup or written
    title, lead = plain(_text(item.get("title"))), plain(_text(item.get("summary")))
    published, updated = moment(_text(item.get("date_published"))), moment(_text(item.get("date_modified")))
    labels = list(_labels({"term": tag} for tag in _items(item, "tags")))
    picture = _text(item.get("image")) or _text(item.get("banner_image"))
    return Tip(
        url=address,
        stamp=_stamp(updated, published, title, lead, body),
        title=title,
        lead=lead,
        lang=primary(_text(item.get("language") or feed.get("language"))),
        section=labels[0] if labels else "",
        bylines=tuple(_names({"authors": _persons(item) or _persons(feed)})),
        tags=tuple(labels[1 : MAX_TAGS + 1]),
        published=published or updated,
        updated=updated,
        picture=absolute(picture, url) if picture else "",
        body=body[:MAX_TEXT],
        body_kind="html" if markup else "text" if written else "",
    )


def _json_address(item: dict[str, Any], key: str, base: str) -> str:
    value = _text(item.get(key)).strip()
    return canonical_url(value, base) if value and (key == "url" or "://" in value) else ""


def _persons(holder: dict[str, Any]) -> list[dict[str, Any]]:
    named = [*_items(holder, "authors"), holder.get("author")]  # "author" is version 1.0's
    return [person for person in named if isinstance(person, dict)]


def _items(holder: dict[str, Any], key: str) -> list[Any]:
    value = holder.get(key)
    return value if isinstance(value, list) else []
