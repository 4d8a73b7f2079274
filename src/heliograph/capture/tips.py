"""What all sources share: clean text, dates and addresses for tips, and how two tips about one story become one.

Everything here is total: a hostile value becomes "" or None, never an exception.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime
from urllib.parse import urljoin, urlsplit

from heliograph.capture import dates
from heliograph.capture.text import line
from heliograph.model import Problem, Tip

MAX_TITLE = 5_000  # characters; an article's own limit is lower, this one only bounds memory
MAX_TEXT = 20_000_000  # characters of a body that came with a tip
_EARLIEST = 1971  # a date before that is a default somebody forgot to fill in
_LATEST = 2199

_BLOCK_TAG = re.compile(r"<(?=/?(?:p|div|br|li|ul|ol|h[1-6]|tr|td|blockquote|figure|figcaption)\b)", re.IGNORECASE)


def absolute(url: str, base: str) -> str:
    """``url`` as it is fetched: absolute, nothing taken out of it; "" if it is no web address."""
    try:
        joined = urljoin(base, url.strip())
        parts = urlsplit(joined)
    except ValueError:
        return ""
    return joined if parts.scheme in {"http", "https"} and parts.netloc and len(joined) <= 2_000 else ""


def plain(markup: str, most: int = MAX_TITLE) -> str:
    """The text of an HTML fragment on one line, at most ``most`` characters; text without markup stays as it is."""
    if "<" not in markup and "&" not in markup:
        return line(markup[: most * 4])[:most]
    from heliograph.capture.tree import parse_fragment

    tree = parse_fragment(_BLOCK_TAG.sub(" <", markup[: most * 20]))
    tree.strip_tags(["script", "style", "template", "noscript", "iframe", "svg"])
    body = tree.body
    return line(body.text())[:most] if body is not None else ""


def moment(text: str) -> datetime | None:
    """The aware datetime that ``text`` names; without a zone it is taken for UTC. Nonsense gives None."""
    return dates.parse(text, "UTC")


def aware(when: datetime) -> datetime | None:
    """``when`` with a zone (UTC if it has none), None if it cannot be a story's date."""
    if not _EARLIEST <= when.year <= _LATEST:
        return None
    return when if when.utcoffset() is not None else when.replace(tzinfo=UTC)


def digest(*parts: str) -> str:
    """16 hex characters that change with any of ``parts``."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]


def within(url: str, prefixes: Iterable[str]) -> bool:
    """Whether ``url`` begins with one of ``prefixes``, whatever the scheme and a leading "www." are."""
    bare = _bare(url)
    return any(bare.startswith(_bare(prefix)) for prefix in prefixes)


def _bare(url: str) -> str:
    return url.partition("://")[2].removeprefix("www.")


def newest_first(tips: Sequence[Tip]) -> list[Tip]:
    """``tips`` by the dates they give, newest first; those without a date last, in their own order."""
    return sorted(tips, key=_age, reverse=True)


def _age(tip: Tip) -> float:
    when = tip.updated or tip.published or moment(tip.stamp)
    return when.timestamp() if when else 0.0


def merged(tips: Iterable[Tip]) -> tuple[tuple[Tip, ...], tuple[Problem, ...]]:
    """One tip for each URL, in the order of first mention.

    Two tips with one URL complete each other, and the newer one is right where both speak. If their titles differ they
    are two stories, of which the newer stays, with a Problem.
    """
    found: dict[str, Tip] = {}
    problems: list[Problem] = []
    for tip in tips:
        other = found.get(tip.url)
        if other is None:
            found[tip.url] = tip
            continue
        newer, older = (tip, other) if _age(tip) > _age(other) else (other, tip)
        if newer.title and older.title and newer.title != older.title:
            what = f"two stories have this address: {newer.title[:80]!r} is taken, {older.title[:80]!r} is not"
            problems.append(Problem(where=tip.url, what=what, remedy="give each story its own address"))
            found[tip.url] = newer
        else:
            found[tip.url] = _completed(newer, older)
    return tuple(found.values()), tuple(problems)


def _completed(newer: Tip, older: Tip) -> Tip:
    if newer == older:
        return newer
    missing = {
        name: getattr(older, name)
        for name in _OPTIONAL
        if not getattr(newer, name) and getattr(older, name) and name != "withdrawn"
    }
    if "body" in missing:
        missing["body_kind"] = older.body_kind
    else:
        missing.pop("body_kind", None)
    return replace(newer, **missing) if missing else newer


_OPTIONAL = tuple(field.name for field in fields(Tip) if field.name != "url")
