"""Pictures, and cards in place of foreign players and posts: what they are and where they live."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from heliograph.capture import links
from heliograph.capture.text import clip, line
from heliograph.model import Block, Embed, Figure, Picture
from heliograph.model.story import Run

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

MAX_ALT = 500  # characters
MAX_CAPTION = 1_000
MAX_TITLE = 300
MAX_APOLOGY = 160
MAX_GALLERY = 100  # pictures of one figure
# What stands beside a player for browsers that cannot show it.
_APOLOGY = re.compile(
    r"(?:browser|браузер)[^.]{0,80}(?:support|поддерж|підтрим)|"
    r"(?:require|enable|включите|увімкніть)[^.]{0,20} javascript",
    re.IGNORECASE,
)
_IN_FIGURE = "img,amp-img,iframe,video,audio,figcaption,blockquote,table,pre,h2,h3,ul,ol"
_ICON = 48  # pixels; a picture of that width and height at most is an icon
_BEST_WIDTH = 1_600  # pixels; of several sizes the largest up to this is taken

_PLACEHOLDER = re.compile(
    r"^data:|(?:^|/)(?:blank|placeholder|spacer|pixel|transparent|1x1|lazy|loading)[^/]*\.(?:gif|png|svg|jpe?g)"
)
_LAZY = ("data-src", "data-lazy-src", "data-original", "data-lazy", "data-url", "data-hi-res-src", "data-image")
_LAZY_SETS = ("data-srcset", "data-lazy-srcset", "srcset")
_NO_PHOTO = re.compile(r"\.svg(?:[?#]|\Z)|(?:^|/)(?:pixel|counter|spacer|blank|1x1)\.", re.IGNORECASE)
_EMOJI = re.compile(r"emoji|wp-smiley", re.IGNORECASE)
_CREDIT = re.compile(r"(?:credit|author|source|copyright)", re.IGNORECASE)
_CREDIT_TAIL = re.compile(
    r"(?:^|[\s.|·—–-]\s?)((?:Фото|Світлина|Ілюстрація|Иллюстрация|Photo(?:graph)?|Image|Foto|Picture|عکس)\s?[:©/]\s?[^.\n]{2,120}\.?"
    r"|©\s?[^.\n]{2,120}\.?)\Z",
    re.IGNORECASE,
)
_SIZED = re.compile(r"(\S{1,2000})\s+(\d{1,5}(?:\.\d{1,3})?)([wx])\s*(?:,|\Z)")
_PIXELS = re.compile(r"\s*(\d{1,5})(?:\.\d{1,5})?(?:px)?\s*\Z")
_SOCIAL = re.compile(
    r"twitter-(?:tweet|video)|instagram-media|tiktok-embed|fb-(?:post|video)|telegram-post|bluesky-embed|"
    r"mastodon-embed|text-post-media|vk-post|reddit-embed",
    re.IGNORECASE,
)
_NO_CARD = re.compile(
    r"(?:^|\.)(?:doubleclick\.net|googlesyndication\.com|googletagmanager\.com|google-analytics\.com|adfox\.\w+|"
    r"amazon-adsystem\.com|taboola\.com|outbrain\.com|criteo\.\w+|mc\.yandex\.\w+|an\.yandex\.\w+|recaptcha\.net)$"
)
_YOUTUBE = re.compile(r"/(?:embed|v|shorts|live)/([A-Za-z0-9_-]{11})")
_VIMEO = re.compile(r"/video/(\d{4,12})")


# ---------------------------------------------------------------- pictures


def picture_of(image: LexborNode, base: str, *, files: bool = False) -> Picture | None:
    """The picture an ``img`` shows, looking behind placeholders of late loading; None for icons and counters."""
    attributes = image.attributes
    width, height = _pixels(attributes.get("width")), _pixels(attributes.get("height"))
    if (width or height) and max(width, height) <= _ICON:
        return None
    url = _best(attributes, base, files)
    if not url:
        parent = image.parent
        source = parent.css_first("source") if parent is not None and parent.tag == "picture" else None
        url = _best(source.attributes, base, files) if source is not None else ""
    if not url or _NO_PHOTO.search(url):
        return None
    alt = clip(line(attributes.get("alt") or ""), MAX_ALT)
    return Picture(url=url, alt=alt, width=width, height=height)


def emoji(image: LexborNode) -> str:
    """The character that a small picture stands for, or ""."""
    attributes = image.attributes
    alt = line(attributes.get("alt") or "")
    return alt if alt and len(alt) <= 12 and _EMOJI.search(attributes.get("class") or "") else ""


def figures(figure: LexborNode, base: str, *, files: bool = False) -> list[Block]:
    """The pictures or the player of a ``figure``, the caption at the last; nothing when it frames something else."""
    images: dict[str, Picture] = {}
    players: list[Embed] = []
    below: LexborNode | None = None
    for node in figure.css(_IN_FIGURE)[:MAX_GALLERY]:  # one search for all that matters
        tag = node.tag
        if tag in ("img", "amp-img"):
            picture = picture_of(node, base, files=files)
            if picture is not None:
                images.setdefault(links.file_name(picture.url), picture)
        elif tag == "figcaption":
            below = below or node
        elif tag in ("iframe", "video", "audio"):
            if card := player(node, base):
                players.append(card)
        else:
            return []
    if not images and not players:
        return []
    caption, credit = _caption(below or figure.css_first("[class*=caption],[class*=Caption]"))
    blocks: list[Block] = [Figure(picture=picture) for picture in images.values()]
    if blocks:
        runs = (Run(caption),) if caption else ()
        blocks[-1] = Figure(picture=list(images.values())[-1], caption=runs, credit=credit)
    elif caption and not players[-1].title:
        players[-1] = replace(players[-1], title=clip(caption, MAX_TITLE))
    return [*blocks, *players]


def split_credit(caption: str) -> tuple[str, str]:
    """A caption without the credit at its end, and the credit."""
    match = _CREDIT_TAIL.search(caption[-200:])
    if match is None:
        return caption, ""
    credit = match[1].rstrip(". ")
    return caption[: len(caption) - len(caption[-200:]) + match.start()].rstrip(" |·—–-"), credit


def _caption(node: LexborNode | None) -> tuple[str, str]:
    if node is None:
        return "", ""
    text = clip(line(node.text(separator=" ")), MAX_CAPTION)
    for inner in node.css("[class]")[:20]:
        if inner.mem_id != node.mem_id and _CREDIT.search(inner.attributes.get("class") or ""):
            credit = line(inner.text(separator=" "))
            if credit and text.endswith(credit):
                return text[: -len(credit)].rstrip(" |·—–-/"), clip(credit, MAX_TITLE)
    return split_credit(text)


def _best(attributes: dict[str, str | None], base: str, files: bool) -> str:
    """The address among an image's attributes that is most likely the photograph."""
    src = (attributes.get("src") or "").strip()
    if src and not _PLACEHOLDER.search(src.lower()):
        return links.picture(base, src, files=files)
    for name in _LAZY:
        value = (attributes.get(name) or "").strip()
        if value and not value.startswith(("data:", "{", "[")):
            return links.picture(base, value, files=files)
    for name in _LAZY_SETS:
        if url := _from_set(attributes.get(name) or "", base, files):
            return url
    return ""


def _from_set(srcset: str, base: str, files: bool) -> str:
    sizes = [(float(size), url) for url, size, _ in _SIZED.findall(srcset[:8_000])]
    if not sizes:
        first = srcset.split(",")[0].split() if len(srcset) <= links.LONGEST else []
        return links.picture(base, first[0], files=files) if first else ""
    fitting = [pair for pair in sizes if pair[0] <= _BEST_WIDTH]
    best = max(fitting) if fitting else min(sizes)
    return links.picture(base, best[1].lstrip(","), files=files)


def _pixels(value: str | None) -> int:
    match = _PIXELS.match(value or "")
    return int(match[1]) if match else 0


# ---------------------------------------------------------------- cards


def player(node: LexborNode, base: str) -> Embed | None:
    """The card for an ``iframe``, ``video`` or ``audio``; None for advertisements, counters and empty frames."""
    attributes = node.attributes
    sides = [attributes[name] for name in ("width", "height") if attributes.get(name)]
    if any(0 <= _pixels(side) <= 2 and _PIXELS.match(side or "") for side in sides):
        return None
    src = attributes.get("src") or attributes.get("data-src") or attributes.get("data-lazy-src") or ""
    if not src and (source := node.css_first("source")) is not None:
        src = source.attributes.get("src") or ""
    if not src or src.startswith("about:"):
        return None
    title = line(attributes.get("title") or attributes.get("aria-label") or "")
    return _card(links.link(base, src), title)


def is_post(quote: LexborNode) -> bool:
    """Whether a quotation is a post of a social network."""
    return _SOCIAL.search(quote.attributes.get("class") or "") is not None


def is_apology(text: str) -> bool:
    """Whether a paragraph only says that the player before it cannot be shown."""
    return len(text) <= MAX_APOLOGY and _APOLOGY.search(text) is not None


def social(quote: LexborNode, base: str) -> Embed | None:
    """The card for a post of a social network whose text a page carries as a quotation."""
    if not is_post(quote):
        return None
    attributes = quote.attributes
    hrefs = [attributes.get("cite"), attributes.get("data-instgrm-permalink"), attributes.get("data-href")]
    hrefs += [node.attributes.get("href") for node in quote.css("a[href]")[-20:][::-1]]
    for href in hrefs:
        url = links.link(base, href or "")
        if url.startswith("http"):
            return _card(url, "")
    return None


def _card(url: str, title: str) -> Embed | None:
    host = links.host_of(url)
    if not host or not url.startswith("http") or _NO_CARD.search(host):
        return None
    url = _public(url, host)
    return Embed(href=url, title=clip(title, MAX_TITLE), provider=links.host_of(url))


def _public(url: str, host: str) -> str:
    """The address a person would open, where a player has one of its own."""
    parts = urlsplit(url)
    if host in ("youtube.com", "youtube-nocookie.com", "m.youtube.com") and (found := _YOUTUBE.match(parts.path)):
        return f"https://www.youtube.com/watch?v={found[1]}"
    if host == "player.vimeo.com" and (found := _VIMEO.match(parts.path)):
        return f"https://vimeo.com/{found[1]}"
    if host == "facebook.com" and parts.path.startswith("/plugins/"):
        href = links.link("", parse_qs(parts.query[:2_000]).get("href", [""])[0])
        return href if href.startswith("http") else url
    if host == "t.me":
        return url.split("?", 1)[0]
    return url
