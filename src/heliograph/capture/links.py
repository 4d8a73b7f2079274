"""Addresses in a stranger's markup: what a link or a picture may point at, absolute and harmless."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit

LONGEST = 2_000  # characters
_CLEAN = re.compile(r"""https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?#][^\s\x00-\x20\x7f-\xa0"'<>\\^`{|}]*)?\Z""")
_ROOTED = re.compile(r"/[A-Za-z0-9_~!$&()*+,;=:@%?./-]*\Z")
_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?=[/?#]|\Z)")
_JUNK = re.compile(r"[\t\n\r]|^[\x00-\x20]+|[\x00-\x20]+$")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_UNSAFE = re.compile('[\x00-\x20\x7f-\x9f\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff"<>\\\\^`{|}\ud800-\udfff]')
_ALLOWED = frozenset(["http", "https", "mailto", "tel", "tg"])


def link(base: str, href: str) -> str:
    """``href`` absolute by ``base`` when it leads somewhere a reader may go, else "". Never raises.

    A bare fragment gives "": the parts of a page have no names in the edition.
    """
    if _CLEAN.match(href) and len(href) <= LONGEST:  # nearly all, and six times faster than to take it apart
        return href
    if (
        len(href) <= LONGEST
        and _ROOTED.match(href)
        and "//" not in href
        and "/." not in href
        and (origin := _ORIGIN.match(base))
    ):
        return origin[0] + href
    href = _JUNK.sub("", href)
    if not href or href[0] == "#" or len(href) > LONGEST:
        return ""
    scheme = _SCHEME.match(href)
    if scheme and scheme[1].lower() not in _ALLOWED:
        return ""
    if scheme and scheme[1].lower() not in ("http", "https"):
        return scheme[1].lower() + _UNSAFE.sub(_escaped, href[scheme.end() - 1 :])
    try:
        joined = urljoin(base, href)
        parts = urlsplit(joined)
        host = parts.hostname
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not host or parts.username is not None or len(joined) > LONGEST:
        return ""
    return _UNSAFE.sub(_escaped, joined)


def picture(base: str, src: str, *, files: bool = False) -> str:
    """The address of a picture, or "". ``files`` admits absolute ``file:`` URLs, as the folder source writes them."""
    if files and src.startswith("file:///"):
        return "" if "/.." in src or "%2e" in src.lower() or len(src) > LONGEST else _UNSAFE.sub(_escaped, src)
    url = link(base, src)
    return url if url.startswith("http") else ""


def host_of(url: str) -> str:
    """The host of ``url`` in lower case without "www.", or ""."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return host.lower().removeprefix("www.")


def same_site(one: str, other: str) -> bool:
    """Whether two addresses are of one site: the same host, or one the other's sub-domain."""
    a, b = host_of(one), host_of(other)
    if len(a) < len(b):
        a, b = b, a
    return ("." in b and a.endswith("." + b)) or (bool(a) and a == b)


def file_name(url: str) -> str:
    """The last part of a picture's path without size marks ("photo-1200x800.jpg" is "photo.jpg"), to compare by."""
    name = url.split("?", 1)[0].split("#", 1)[0].rstrip("/").rpartition("/")[2].lower()
    return re.sub(r"(?:[-_]\d{2,5}x\d{2,5}|-scaled|@\dx)(?=\.[a-z]{2,5}\Z)", "", name)


def _escaped(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode("utf-8", "replace"))
