"""A story: what a newsroom published at one canonical URL, as blocks of plain text with marks.

A block holds runs, never HTML. Whoever renders a story escapes every run; whoever captures one reduces the source's
markup to the few marks below. Thus markup of a stranger cannot reach a page even if capture has a hole.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Mark = Literal["", "b", "i", "bi", "code", "sub", "sup"]


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of text with one mark and at most one link.

    ``text`` may hold ``\\n`` for a line break the author meant. ``href`` is "" or an absolute ``http``, ``https``,
    ``mailto``, ``tel`` or ``tg`` URL; capture drops every other scheme.
    """

    text: str
    mark: Mark = ""
    href: str = ""


Runs = tuple[Run, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture as the source names it; its bytes are fetched and encoded after the text is out."""

    url: str
    alt: str = ""
    width: int = 0  # pixels as declared by the source, 0 where it does not say
    height: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    runs: Runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    level: int  # 2 to 4; the page's own title is 1
    runs: Runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A list; nested lists are flattened by capture."""

    ordered: bool
    items: tuple[Runs, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A quotation; ``runs`` may hold line breaks between its paragraphs."""

    runs: Runs
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of cells; the first row is a head when ``head`` is set. At most 200 rows of 20 cells."""

    rows: tuple[tuple[Runs, ...], ...]
    head: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    picture: Picture
    caption: Runs = ()
    credit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Embed:
    """A card in place of a foreign player or post: what it is and where it lives. Never loaded by a page."""

    href: str
    title: str = ""
    provider: str = ""  # host name without "www."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A break between two parts of a story."""


Block = Paragraph | Heading | Listing | Quote | Table | Figure | Embed | Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """One story in one language.

    ``url`` is canonical: absolute, without fragment and tracking parameters. ``code`` is the seven-character story
    code in lower case (see ``model.code``). ``published`` and ``updated`` are aware datetimes. ``dated`` is False
    when the source gave no usable date and ``published`` is when heliograph first saw the story.
    """

    url: str
    code: str
    lang: str  # "ru", "uk", "en", "crh", "fa" or another BCP 47 primary tag
    title: str
    blocks: tuple[Block, ...]
    published: datetime
    updated: datetime
    lead: str = ""
    bylines: tuple[str, ...] = ()
    section: str = ""  # the newsroom's own label, in the story's language
    tags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()  # further URLs under which this same story was found
    source: str = ""  # URL or folder of the source that brought it
    dated: bool = True
    version: int = 1

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pictures in reading order."""
        return tuple(block.picture for block in self.blocks if isinstance(block, Figure))

    @property
    def words(self) -> int:
        """How many words the text has, for a reader's estimate of time."""
        return sum(len(text.split()) for text in block_texts(self.blocks))


def block_texts(blocks: tuple[Block, ...]) -> Iterator[str]:
    """The plain text of each block that has text, in order; figures and embeds have none of their own."""
    for block in blocks:
        match block:
            case Paragraph(runs=runs) | Heading(runs=runs) | Quote(runs=runs):
                yield plain_text(runs)
            case Listing(items=items):
                yield "\n".join(plain_text(item) for item in items)
            case Table(rows=rows):
                yield "\n".join("\t".join(plain_text(cell) for cell in row) for row in rows)
            case Figure() | Embed() | Rule():
                pass


def plain_text(runs: Runs) -> str:
    """The text of ``runs`` without marks and links."""
    return "".join(run.text for run in runs)
