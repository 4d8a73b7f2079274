"""The whole journal: three books over one database."""

from __future__ import annotations

from heliograph.adapters.journal.pictures import PictureTables
from heliograph.adapters.journal.sheets import SheetTables
from heliograph.adapters.journal.stories import StoryTables


class SqlJournal(StoryTables, SheetTables, PictureTables):
    """See ``ports.Journal``."""
