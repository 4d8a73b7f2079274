"""The nouns, frozen and free of any library: what the stages hand to each other.

Rule 1: nothing here reads a clock, a file or a socket. Rule 2: nothing here holds HTML; a story's text is runs of plain
text with marks, so that no script of a stranger has a way into a page. Rule 3: the wire form lives in ``wire``.
"""

from heliograph.model.edition import Brief, File, Issue, Material, Rendered, Select, SheetKey, Shown, Want
from heliograph.model.errors import (
    ConfigError,
    DamageError,
    HeliographError,
    JournalBusyError,
    KeyFileError,
    QuotaError,
    SignError,
    StoreError,
)
from heliograph.model.release import Verdict
from heliograph.model.source import Answer, Ask, Found, Source, Tip
from heliograph.model.story import (
    Block,
    Embed,
    Figure,
    Heading,
    Listing,
    Paragraph,
    Picture,
    Quote,
    Rule,
    Run,
    Story,
    Table,
    plain_text,
)
from heliograph.model.trouble import Captured, Cut, Problem

__all__ = [
    "Answer",
    "Ask",
    "Block",
    "Brief",
    "Captured",
    "ConfigError",
    "Cut",
    "DamageError",
    "Embed",
    "Figure",
    "File",
    "Found",
    "Heading",
    "HeliographError",
    "Issue",
    "JournalBusyError",
    "KeyFileError",
    "Listing",
    "Material",
    "Paragraph",
    "Picture",
    "Problem",
    "QuotaError",
    "Quote",
    "Rendered",
    "Rule",
    "Run",
    "Select",
    "SheetKey",
    "Shown",
    "SignError",
    "Source",
    "StoreError",
    "Story",
    "Table",
    "Tip",
    "Verdict",
    "Want",
    "plain_text",
]
