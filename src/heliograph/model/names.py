"""Names made of text: section keys and path segments, canonical URLs, and the keys under which a link is looked up.

Every function is total: any text gives a valid name or "".
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from urllib.parse import parse_qsl, quote, unquote, urlencode, urljoin, urlsplit, urlunsplit

_TRANSLIT = {
    **dict(zip("абвгдезийклмнопрстуфыэіґ", "abvgdeziyklmnoprstufyeig", strict=True)),
    "ё": "e", "ж": "zh", "х": "kh", "ц": "ts", "ч": "ch", "ш": "sh", "щ": "shch",
    "ъ": "", "ь": "", "ю": "yu", "я": "ya", "ї": "yi", "є": "ye", "ı": "i",
    "ş": "s", "ğ": "g", "ñ": "n", "ç": "c", "ö": "o", "ü": "u", "â": "a",
    "’": "", "'": "", "ʼ": "",
}  # fmt: skip
_TRACKING = re.compile(r"^(utm_.*|fbclid|gclid|yclid|mc_[ce]id|_openstat|ref|ref_src|igshid|share)$")
_RESERVED = re.compile(r"^(con|prn|aux|nul|com\d|lpt\d)$")
_MAX_URL = 2_000

# Addresses that are canonical at sight, as nearly all are; to find out otherwise costs ten times as much, and sitemaps
# list 50,000. A port of four digits or more is never the default one.
_CANONICAL = re.compile(
    r"https?://(?:[a-z0-9-]{1,63}\.)*[a-z0-9-]{1,63}(?::(?:[1-9][0-9]{3}|[1-5][0-9]{4}))?/[A-Za-z0-9/_.~-]*"
)


def segment(text: str, limit: int = 48) -> str:
    """``text`` as a path segment of ``[a-z0-9-]``, at most ``limit`` characters.

    A text without a usable letter gets a name from its digest. Source of the rule: release format, section 3.
    """
    folded = unicodedata.normalize("NFC", text).lower()
    ascii_text = unicodedata.normalize("NFKD", "".join(_TRANSLIT.get(char, char) for char in folded))
    name = re.sub(r"[^a-z0-9]+", "-", ascii_text.encode("ascii", "ignore").decode()).strip("-")[:limit].strip("-")
    if not name or _RESERVED.match(name):
        return "x" + hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
    return name


def section_key(lang: str, label: str) -> str:
    """The key of a section: "ru/politika"; "" where a story has no section."""
    return f"{segment(lang or 'und', 8)}/{segment(label)}" if label.strip() else ""


def canonical_url(url: str, base: str = "") -> str:
    """``url`` without fragment, credentials, default port and tracking parameters; "" if it is no web or file URL.

    Raises nothing: hostile input gives "".
    """
    if not base and len(url) <= 1_000 and _CANONICAL.fullmatch(url):
        return url
    try:
        parts = urlsplit(urljoin(base, url.strip()) if base else url.strip())
        host, port = (parts.hostname or ""), parts.port
    except ValueError:
        return ""
    if parts.scheme == "file":
        return urlunsplit(("file", "", parts.path, "", ""))
    if parts.scheme not in {"http", "https"} or not host or len(url) > _MAX_URL:
        return ""
    try:
        host = host.encode("idna").decode("ascii")
        query = urlencode([(k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.match(k)])
        path = quote(unquote(parts.path, errors="surrogateescape"), safe="/:@!$&'()*+,;=~-._", errors="surrogateescape")
    except UnicodeError:  # JSON can write half a character ("\\ud800"), which no address has
        return ""
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port != {"http": 80, "https": 443}[parts.scheme]:
        netloc += f":{port}"
    return urlunsplit((parts.scheme, netloc, path or "/", query, ""))


def link_keys(href: str) -> tuple[str, ...]:
    """Keys under which the story behind ``href`` may be known, most certain first.

    The canonical URL; then, so that a link to a dead mirror still finds its story, the path and query alone, if the
    path is long enough to be a story's own (12 characters).
    """
    url = canonical_url(href)
    if not url or url.startswith("file:"):
        return (url,) if url else ()
    parts = urlsplit(url)
    tail = parts.path + (f"?{parts.query}" if parts.query else "")
    return (url, tail) if len(parts.path) >= 12 else (url,)
