"""What the journal is told and asked: drafts of stories, outcomes of tips, files of the edition and their changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from heliograph.model.edition import Brief, Gone, SheetKey
from heliograph.model.trouble import Cut

Fate = Literal["kept", "same", "withdrawn", "gone", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """What is remembered of an address, so that an unchanged one costs no body and no parse."""

    url: str
    etag: str = ""
    modified: str = ""
    checked: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A captured story as a worker process hands it over: its line, its wire bytes and what is looked up of it.

    ``keys`` are the alias keys of its addresses (``model.names.link_keys``); ``links`` pairs each href of its text
    with the keys that may name another story; ``edges`` are fingerprints of blocks that may be boilerplate; ``terms``
    are search term hashes.
    """

    brief: Brief
    wire: bytes
    digest: str
    source: str
    keys: tuple[str, ...]
    links: tuple[tuple[str, str], ...] = ()
    edges: tuple[str, ...] = ()
    terms: tuple[int, ...] = ()
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What the journal makes of a draft before it is saved: its final code and what stood there before.

    ``fate`` is "same" when the text is the one already known, or a poorer copy of it from another source.
    """

    fate: Fate
    before: Brief | None
    after: Brief
    draft: Draft
    version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one tip ended. ``fetch`` is what to remember of the page's address, if it was asked."""

    url: str
    fate: Fate
    fetch: Fetch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """The raw material of one sheet, packed so that it travels to a worker process cheaply."""

    key: SheetKey
    stories: tuple[bytes, ...] = ()
    briefs: tuple[Brief, ...] = ()
    tally: Mapping[str, int] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[str, tuple[str, int, int, str, str, bytes, bytes]] = field(default_factory=dict)
    gone: tuple[Gone, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One physical file of the edition: a mapped file or one of its encodings, by its name on a mirror."""

    name: str
    sheet: SheetKey
    digest: str  # SHA-256 of its bytes, hex
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheeted:
    """One rendered sheet as the journal remembers it."""

    key: SheetKey
    entries: tuple[Entry, ...]
    dense: bool
    cuts: tuple[Cut, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A physical file that differs from what a mirror at an older edition holds."""

    name: str
    digest: str
    size: int
    fresh: bool  # the mirror has no file of this name
    gone: bool = False
    back: bool = False  # an older release had it, and the one that is shown perhaps not: before all that is replaced


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A mapped file whose bytes changed since the last release. ``digest`` is "" where it ended."""

    path: str
    digest: str  # SHA-256, hex
    size: int
    fresh: bool  # no release had this path, or the last one had it no more
    back: bool  # an older release had it: a mirror that lags may still have its old bytes
    copied: str  # digest of the content copy it has, "" if none

    @property
    def replaces(self) -> bool:
        """Whether some mirror may have other bytes at this path."""
        return bool(self.digest) and (self.back or not self.fresh)


@dataclass(frozen=True, slots=True, kw_only=True)
class Laid:
    """A staged file that the release format adds: a part of the map, a content copy, signed metadata."""

    name: str
    digest: str  # SHA-256 of its bytes, hex
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What signing a release changed, for the journal to note in one transaction.

    ``objects`` are the parts of the map that came in, ``left`` the names of those that went out, each as often as it
    did; with ``anew`` the whole map was built and nothing of the old one counts. ``copies`` are content copies by the
    path they are of. ``signed`` is metadata, code and the release log; of these, ``ended`` are names that no release
    needs any more. ``notes`` are kept with the rest or not at all.
    """

    release: int
    standing: str
    pointer: str  # SHA-256 of ``now``, hex
    entries: int  # mapped files there are now
    written: int  # of these, with bytes that the last release did not have
    gone: int  # mapped files of the last release that there are no more
    objects: tuple[Laid, ...] = ()
    left: tuple[str, ...] = ()
    anew: bool = False
    copies: tuple[tuple[str, tuple[Laid, ...]], ...] = ()
    signed: tuple[Laid, ...] = ()
    ended: tuple[str, ...] = ()
    notes: Mapping[str, str] = field(default_factory=dict)
