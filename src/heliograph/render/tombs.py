"""What stands in a feed in place of a story that was withdrawn.

Rule 1: programs keep what they once read, and few know a deleted entry (RFC 6721); all replace an entry by a newer one
of the same id. So the entry stays, and says nothing but that the story was withdrawn. Rule 2: it stays for 30 days, by
the time of the newest story, since a document tells no time but that of what is in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from heliograph.model.edition import Gone
from heliograph.model.words import interface

KEPT: Final = timedelta(days=30)
MOST: Final = 30  # more at once is a newsroom that starts anew; together they take a tenth of a document


def recent(gone: Sequence[Gone], now: datetime) -> tuple[Gone, ...]:
    """Those that still stand there, newest first."""
    kept = sorted((one for one in gone if one.when > now - KEPT), key=lambda one: (one.when, one.code), reverse=True)
    return tuple(kept[:MOST])


def said(gone: Iterable[Gone], fallback: str) -> list[tuple[Gone, str]]:
    """Each with its one sentence, in the language that the story had."""
    return [(one, interface(one.lang, fallback)("This story was withdrawn.")) for one in gone]
