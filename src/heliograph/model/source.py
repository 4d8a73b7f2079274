"""Where stories come from: a source is asked, answers with bytes, and those tell of stories (tips) and further asks."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from heliograph.model.trouble import Problem

SourceKind = Literal["feed", "sitemap", "pages", "folder", "wordpress"]
Purpose = Literal["index", "story", "picture"]
BodyKind = Literal["", "html", "page", "markdown", "text"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One place the newsroom publishes, as its operator described it.

    ``url`` is absolute: ``http(s)://`` or ``file://``. ``include`` and ``exclude`` are URL prefixes (for ``pages``
    the crawl stays within ``include``, by default the folder of ``url``). ``lang`` and ``section`` apply where a
    page does not say. ``follow`` tells whether a tip's link is fetched: "always", "never", or "auto" (only where
    the source carries no full text). ``depth`` limits the links followed from ``url`` by a ``pages`` crawl.
    """

    kind: SourceKind
    url: str
    lang: str = ""
    section: str = ""
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()  # for ``pages``: a plain list of stories, nothing is crawled
    follow: Literal["auto", "always", "never"] = "auto"
    depth: int = 3
    newest: int = 0  # take at most this many of the newest tips; 0 is all


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request to the outside. ``limit`` is in bytes of the decoded body."""

    url: str
    purpose: Purpose = "index"
    etag: str = ""
    modified: str = ""  # the Last-Modified value received before, verbatim
    limit: int = 8_388_608
    depth: int = 0  # links followed from the source's own URL


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. Never trusted: any field may be hostile.

    ``status`` is HTTP's, or 0 when no whole answer was had; ``failure`` then says why in plain words. ``url`` is where
    redirects ended. For a folder, ``media_type`` is "inode/directory" and ``body`` a JSON list of
    ``{"name", "stamp", "folder"}``.
    """

    url: str
    status: int
    body: bytes = b""
    media_type: str = ""  # lower case, without parameters
    charset: str = ""  # as declared by the header, unchecked
    etag: str = ""
    modified: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tip:
    """A story a source tells of. Empty fields mean "the source does not say".

    ``stamp`` changes when the story changed (lastmod, updated, mtime and size); "" forces a conditional request.
    ``body`` is the story's text where the source carries it: an HTML fragment, a whole HTML page, Markdown or plain
    text as ``body_kind`` says. ``withdrawn`` means the source itself says that the story is gone for good.
    """

    url: str
    stamp: str = ""
    title: str = ""
    lead: str = ""
    lang: str = ""
    section: str = ""
    bylines: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    published: datetime | None = None  # aware
    updated: datetime | None = None
    picture: str = ""  # URL of a leading picture
    body: str = ""
    body_kind: BodyKind = ""
    withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What one answer of a source told: tips, further asks, problems."""

    tips: tuple[Tip, ...] = ()
    asks: tuple[Ask, ...] = ()
    problems: tuple[Problem, ...] = field(default=())
