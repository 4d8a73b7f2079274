"""What all pages of one newsroom share: names, colours, languages, and where else it can be read.

Rule 1: a ``Look`` is plain values, so that it travels to worker processes cheaply; templates and catalogues are read
there. Rule 2: an accent colour that cannot be read on paper is made darker (or lighter, in the dark theme) until it
can; ``notes`` says so. Rule 3: ``digest`` covers everything that shapes pages, also this package's own files, so that
a change of any of them is seen as "render again".
"""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
import itertools
import re
from dataclasses import dataclass, fields
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from heliograph.render import encode

PAPER, PAPER_DARK = "#fdfcf8", "#161613"
CONTRAST = 4.5  # WCAG 2 AA for text of ordinary size
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_LINK = re.compile(r"(https?://|mailto:|tel:|tg:)[^\s<>\"]{1,300}", re.IGNORECASE)
_LANG = re.compile(r"[a-z]{2,3}")
_WEB = re.compile(r"https?://[^\s<>\"]{1,300}", re.IGNORECASE)
_BASE = re.compile(r"https?://[^\s<>\"]{1,300}/", re.IGNORECASE)
_MOST_LINKS, _MOST_NAV = 12, 24
_MOST_MIRRORS, _FOOT_MIRRORS = 32, 3
_FOOT = 1_200  # bytes of all links together in the foot of a page, which has 5 KB
# Fields that few kinds of sheet depend on: a change of them must not render the archive again.
_ONLY_FOR = {
    "nav": frozenset({"front", "search-page"}),
    "front": frozenset({"front"}),
    "leads": frozenset({"front"}),
    "feed_days": frozenset({"feed", "feed-day"}),
    "sites": frozenset({"mirrors"}),
    "hub": frozenset({"feed"}),
    "onion": frozenset({"front", "story"}),
    "mirrors": frozenset({"front", "missing", "mirrors"}),  # and young stories, which whoever plans must name
    "search_bits": frozenset({"search", "search-page"}),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One other way to read the newsroom: "Telegram", "https://t.me/…"."""

    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Nav:
    """One section in the navigation; ``key`` as in ``Brief.section_key``."""

    key: str
    label: str
    lang: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Everything common to all pages. Raises ValueError that names the field when a value cannot be used."""

    title: str  # the newsroom's name
    home: str = ""  # its own address, which readers may not reach
    lang: str = "en"  # of the edition: interface of pages that are in no language of their own
    languages: tuple[str, ...] = ()  # of the stories, most important first; empty means ``lang`` alone
    zone: str = "UTC"  # IANA name; dates and days of the edition are in it
    accent: str = "#a3202a"
    accent_dark: str = "#ff8a80"
    links: tuple[Link, ...] = ()
    mirrors: tuple[str, ...] = ()  # base URLs that readers are told of, the best first
    sites: tuple[str, ...] = ()  # base URLs that show the newsroom's own site: pages of the edition are not there
    onion: str = ""  # an onion mirror of the edition, which Tor Browser offers
    nav: tuple[Nav, ...] = ()
    front: int = 60  # stories at most on a front page
    leads: int = 4  # of these, how many with their lead
    hub: str = ""  # a WebSub hub that feeds name
    feed_days: int = 30  # days with stories that the full-text feeds reach back
    search_bits: int = 4  # the search index has 2 ** search_bits shards

    def __post_init__(self) -> None:
        for name, valid, rule in (
            ("title", 0 < len(self.title.strip()) <= 80, "must have 1 to 80 characters"),
            ("home", not self.home or _LINK.fullmatch(self.home), "must be an http(s) URL"),
            ("lang", _LANG.fullmatch(self.lang), 'must be a language code such as "ru"'),
            ("languages", all(_LANG.fullmatch(lang) for lang in self.languages), "must be language codes"),
            ("accent", _COLOUR.fullmatch(self.accent), 'must be written as "#a3202a"'),
            ("accent_dark", _COLOUR.fullmatch(self.accent_dark), 'must be written as "#ff8a80"'),
            ("links", len(self.links) <= _MOST_LINKS, f"must be at most {_MOST_LINKS}"),
            (
                "links",
                all(_usable(link) for link in self.links),
                "must have short names and http(s), mailto, tel or tg URLs",
            ),
            ("mirrors", len(self.mirrors) <= _MOST_MIRRORS, f"must be at most {_MOST_MIRRORS}"),
            ("mirrors", all(_BASE.fullmatch(url) for url in self.mirrors), "must be http(s) URLs that end with /"),
            ("sites", len(self.sites) <= _MOST_MIRRORS, f"must be at most {_MOST_MIRRORS}"),
            ("sites", all(_BASE.fullmatch(url) for url in self.sites), "must be http(s) URLs that end with /"),
            ("onion", not self.onion or _BASE.fullmatch(self.onion), "must be an http(s) URL that ends with /"),
            ("nav", len(self.nav) <= _MOST_NAV, f"must be at most {_MOST_NAV} sections"),
            ("nav", all(0 < len(item.label) <= 40 for item in self.nav), "must have labels of 1 to 40 characters"),
            ("hub", not self.hub or _WEB.fullmatch(self.hub), "must be an http(s) URL"),
            ("front", 1 <= self.front <= 500, "must be 1 to 500"),
            ("leads", 0 <= self.leads <= 50, "must be 0 to 50"),
            ("feed_days", 1 <= self.feed_days <= 3_660, "must be 1 to 3660"),
            ("search_bits", 0 <= self.search_bits <= 16, "must be 0 to 16"),
        ):
            if not valid:
                raise ValueError(f"{name} {rule}, not {getattr(self, name)!r}")
        self.tz()

    def tz(self) -> ZoneInfo:
        """The newsroom's time zone."""
        try:
            return ZoneInfo(self.zone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f'zone must be an IANA name such as "Europe/Kyiv", not {self.zone!r}') from error

    @property
    def foot(self) -> tuple[Link, ...]:
        """The links in the foot of every page: the first ones, as far as they are short; about.html has all."""
        lengths = itertools.accumulate(len((link.name + link.url).encode()) for link in self.links)
        return tuple(link for link, length in zip(self.links, lengths, strict=True) if length <= _FOOT)

    def others(self, path: str) -> tuple[Link, ...]:
        """The page at ``path`` on the first mirrors: where to go when the one that shows it is blocked."""
        return tuple(Link(name=urlsplit(url).netloc, url=url + path) for url in self.mirrors[:_FOOT_MIRRORS])

    def onion_page(self, path: str) -> str:
        """The page at ``path`` on the onion mirror, "" where there is none."""
        return self.onion + path if self.onion else ""

    def notes(self) -> tuple[str, ...]:
        """What was corrected in the operator's wishes, in words for the operator."""
        left = len(self.links) - len(self.foot)
        foot = (f"links: {left} of {len(self.links)} stand only on the about page, for want of room",) if left else ()
        wished = (("accent", self.accent, PAPER), ("accent_dark", self.accent_dark, PAPER_DARK))
        return foot + tuple(
            f"{name} {colour} is hard to read on {paper}; {readable(colour, paper)} is used"
            for name, colour, paper in wished
            if readable(colour, paper) != colour
        )

    def digest(self, kind: str = "") -> str:
        """Hex digest of all that shapes the pages of a kind of sheet apart from its material; "" means any page."""
        names = [field.name for field in fields(self) if not kind or kind in _ONLY_FOR.get(field.name, {kind})]
        shown = {name: getattr(self, name) for name in names}
        return hashlib.sha256(f"{package_digest()}\n{sorted(shown.items())!r}".encode()).hexdigest()


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio of two ``#rrggbb`` colours, 1 to 21."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def readable(colour: str, paper: str) -> str:
    """The colour nearest to ``colour``, on its way to black or white, that has AA contrast on ``paper``."""
    goal = 0 if _luminance(paper) > 0.18 else 255
    channels = _channels(colour)
    for step in range(101):
        mixed = "#" + "".join(f"{round(value + (goal - value) * step / 100):02x}" for value in channels)
        if contrast(mixed, paper) >= CONTRAST:
            return mixed
    return "#000000" if goal == 0 else "#ffffff"


@functools.cache
def package_digest() -> str:
    """Hex digest of this package's files, of the interface's texts and of the compressor: what else decides a page."""
    digest = hashlib.sha256(encode.COMPRESSOR.encode())
    for name, data in _package_files():
        digest.update(f"\n{name} {len(data)}\n".encode() + data)
    return digest.hexdigest()


def _package_files() -> list[tuple[str, bytes]]:
    found = []
    model = importlib.resources.files("heliograph.model")
    words = model.joinpath("words.py")
    found.append(("words.py", words.read_bytes()))
    folders = [("", importlib.resources.files("heliograph.render")), ("locale/", model.joinpath("locale"))]
    while folders:
        prefix, folder = folders.pop()
        for entry in folder.iterdir():
            if entry.is_dir():
                if entry.name != "__pycache__":
                    folders.append((f"{prefix}{entry.name}/", entry))
            elif entry.name.endswith((".py", ".html", ".css", ".js", ".po")):
                found.append((prefix + entry.name, entry.read_bytes()))
    return sorted(found)


def _usable(link: Link) -> bool:
    return 0 < len(link.name.strip()) <= 40 and _LINK.fullmatch(link.url) is not None


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _luminance(colour: str) -> float:
    linear = [
        value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
        for value in (channel / 255 for channel in _channels(colour))
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
