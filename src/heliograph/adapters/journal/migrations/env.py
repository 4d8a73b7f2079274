"""Alembic's entry: the connection comes from the journal, never from a file."""

from __future__ import annotations

from alembic import context

from heliograph.adapters.journal.schema import metadata

# transactional: the journal opens its transactions itself, on SQLite too
context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
