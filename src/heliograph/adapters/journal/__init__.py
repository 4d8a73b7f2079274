"""The newsroom's memory: SQLAlchemy on SQLite by default, on another database by URL.

Rule 1: every public method is one transaction. Rule 2: one process writes at a time (``hold``), so that a read followed
by a write needs no compare-and-swap. Rule 3: statements are plain SQL of both SQLite and PostgreSQL.
"""

from heliograph.adapters.journal.book import SqlJournal

__all__ = ["SqlJournal"]
