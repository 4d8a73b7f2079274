"""An edition: the stories of now as a light site of small files, and what the journal remembers of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple

from heliograph.model.story import Story
from heliograph.model.trouble import Problem

# Figures of the release format and of the censor reference; a page is judged on the wire, body and headers together.
WIRE_BUDGET = 6_144  # bytes of one response, brotli body plus headers
HEADER_ALLOWANCE = 350  # bytes of headers a static host sends
BUCKET = 1_024  # bytes; bodies are padded to a multiple of it
BROTLI_BODY = 5_120  # bytes; the largest padded brotli body that keeps WIRE_BUDGET
GZIP_WIRE = 7_168  # bytes of one gzip response, for plain HTTP
GZIP_BODY = 6_144  # bytes; the largest padded gzip body that keeps GZIP_WIRE


class SheetKey(NamedTuple):
    """Names one sheet: the unit that is planned, rendered and replaced as a whole, and yields one or more files.

    ``kind`` is one of ``render.KINDS``; ``of`` tells which ("7k3vq2m", "2026-11-20", "ru/politika"), "" where there is
    only one.
    """

    kind: str
    of: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One mapped file of the edition with its two encodings, all padded as ``docs/format.md`` says.

    ``brotli`` or ``gzip`` is None for types that do not compress (pictures).
    """

    path: str  # canonical path, see docs/format.md section "Paths"
    body: bytes
    brotli: bytes | None
    gzip: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """One line about a story: what lists, feeds' indexes and search need, without its body."""

    code: str
    url: str
    lang: str
    title: str
    lead: str
    section: str
    published: datetime
    updated: datetime
    section_key: str  # "ru/politika", "" without a section
    day: str  # ISO date of ``published`` in the newsroom's zone
    words: int = 0
    bylines: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()


class Gone(NamedTuple):
    """A story that was withdrawn: its code, the language it had, and when."""

    code: str
    lang: str
    when: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """One edition put out: its number, which people see and which grows by one from 1, when, and what it took.

    ``serial`` counts signings, those included that only say of an edition that it is still the newest.
    """

    number: int
    made: datetime
    stories: int  # in the edition
    files: int  # mapped files in the edition, encodings not counted
    written: int  # mapped files whose bytes changed in this edition
    gone: int  # mapped files taken out in this edition
    serial: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Select:
    """Which stories of the edition a sheet needs, newest first. All conditions hold together; "" and 0 ask nothing.

    ``terms`` is a half-open range of 32-bit term hashes: stories that hold a search term within it.
    """

    code: str = ""
    lang: str = ""
    section_key: str = ""
    first_day: str = ""  # ISO dates, both ends included
    last_day: str = ""
    newest: int = 0
    terms: tuple[int, int] | None = None


TallyBy = Literal["day", "month", "section", "lang"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """What a sheet must be given before it can be rendered."""

    stories: Select | None = None
    briefs: Select | None = None
    tally: TallyBy | None = None
    tally_of: Select = Select()
    gone: bool = False  # what was withdrawn lately


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture of a story as the edition has it: encoded once, cached by content.

    ``pid`` names its page ``a/i/<pid>.html`` and its WebP sibling. ``colours`` are two ``#rrggbb`` averages, upper left
    and lower right. ``avif`` and ``webp`` each fit the wire budget whole.
    """

    pid: str
    width: int  # pixels of the encoded picture
    height: int
    colours: tuple[str, str]
    avif: bytes = b""
    webp: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What the journal answered to a ``Want``.

    ``codes`` maps each link of the stories that leads to a story of the edition to that story's code; ``shown`` maps
    picture URLs to encoded pictures (their bytes only for a picture's own sheet); ``tally`` counts by day, month,
    section key or language; ``labels`` gives the label of each section key.
    """

    issue: Issue
    stories: tuple[Story, ...] = ()
    briefs: tuple[Brief, ...] = ()
    tally: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    shown: Mapping[str, Shown] = field(default_factory=dict)
    gone: tuple[Gone, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The files of one sheet, and what could not be shown as the source had it."""

    key: SheetKey
    files: tuple[File, ...]
    problems: tuple[Problem, ...] = ()
