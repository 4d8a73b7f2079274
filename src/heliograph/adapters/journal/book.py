"""The whole journal: eight books over one database."""

from __future__ import annotations

from heliograph.adapters.journal.outbox import OutboxTables, ReaderTables
from heliograph.adapters.journal.pictures import PictureTables
from heliograph.adapters.journal.pool import PoolTables
from heliograph.adapters.journal.releases import ReleaseTables
from heliograph.adapters.journal.sheets import SheetTables
from heliograph.adapters.journal.stories import StoryTables
from heliograph.adapters.journal.watch import WatchTables


class SqlJournal(
    StoryTables, SheetTables, PictureTables, ReleaseTables, WatchTables, PoolTables, OutboxTables, ReaderTables
):
    """See ``ports.Journal``."""
