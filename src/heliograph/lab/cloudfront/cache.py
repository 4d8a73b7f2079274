"""What an edge keeps of answers, and for how long. No socket, and no clock but the seconds that are given."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from heliograph.lab.cloudfront.account import Invalidation
from heliograph.lab.cloudfront.catalogue import CACHE_POLICIES, CachePolicy
from heliograph.lab.cloudfront.shapes import Fields

MAX_BYTES = 64 << 20  # of all bodies kept
_ERROR_SECONDS = 10  # how long a 4xx or 5xx is kept where nothing else is said
_KEPT_ERRORS = frozenset({400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504})
_AGE = re.compile(r"(s-maxage|max-age)\s*=\s*\"?([0-9]{1,9})")

Key = tuple[str, ...]  # distribution, method, path, query, encodings


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """An answer of an origin."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    stored: float = 0.0
    until: float = 0.0

    def header(self, name: str) -> str:
        """The value of a header, or ""."""
        return next((value for key, value in self.headers if key.lower() == name), "")


class Cache:
    """The newest answers that fit."""

    def __init__(self) -> None:
        self._pages: OrderedDict[Key, Page] = OrderedDict()
        self._bytes = 0

    def get(self, key: Key, invalidations: Iterable[Invalidation], now: float) -> Page | None:
        """What is kept under ``key``, fresh or not; None where there is nothing, or it was invalidated."""
        page = self._pages.get(key)
        if page is None:
            return None
        if any(one.made >= page.stored and now >= one.ends and _covers(one, key[2]) for one in invalidations):
            self._drop(key)
            return None
        self._pages.move_to_end(key)
        return page

    def put(self, key: Key, page: Page) -> None:
        """Keep an answer, and forget the oldest that no longer fit."""
        self._drop(key)
        self._pages[key] = page
        self._bytes += len(page.body)
        while self._bytes > MAX_BYTES:
            self._drop(next(iter(self._pages)))

    def _drop(self, key: Key) -> None:
        page = self._pages.pop(key, None)
        self._bytes -= len(page.body) if page else 0


def policy(behavior: Fields) -> CachePolicy:
    """The cache policy of a behavior, also of one that says it in the older way."""
    known = behavior.get("CachePolicyId")
    if known:
        return CACHE_POLICIES[known]
    return CachePolicy(
        name="",
        least=behavior["MinTTL"],
        default=behavior["DefaultTTL"],
        most=behavior["MaxTTL"],
        queries=behavior["ForwardedValues"]["QueryString"],
    )


def lifetime(page: Page, by: CachePolicy) -> int:
    """For how many seconds an answer is kept."""
    control = page.header("cache-control").lower()
    ages = dict(_AGE.findall(control))
    said = ages.get("s-maxage", ages.get("max-age"))
    if page.status in _KEPT_ERRORS:
        return max(by.least, min(int(said), by.most)) if said is not None else (_ERROR_SECONDS if by.most else 0)
    if page.status >= 300 and page.status not in (301, 308) and said is None:
        return 0
    if re.search(r"no-store|no-cache|private", control):
        return by.least
    return max(by.least, min(int(said) if said is not None else by.default, by.most))


def matches(pattern: str, path: str) -> bool:
    """Whether a path pattern, with * and ?, covers a path."""
    made = "".join({"*": ".*", "?": "."}.get(letter, re.escape(letter)) for letter in re.sub(r"\*+", "*", pattern))
    return re.fullmatch(made if pattern.startswith(("/", "*")) else "/" + made, path, re.DOTALL) is not None


def codings(headers: Mapping[str, str]) -> str:
    """The encodings a viewer takes, as they are asked of the origin: in one order, br before gzip."""
    accepted = headers.get("Accept-Encoding", "").lower()
    return ",".join(
        coding for coding in ("br", "gzip") if re.search(rf"\b{coding}\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))", accepted)
    )


def _covers(one: Invalidation, path: str) -> bool:
    return any(path.startswith(item[:-1]) if item.endswith("*") else path == item for item in one.paths)
