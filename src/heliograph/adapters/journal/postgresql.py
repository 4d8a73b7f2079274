"""What PostgreSQL must be told to be the journal that SQLite is.

Rule 1: one transaction writes at a time, and it sees all that was written before. Rule 2: a reader sees one moment.
Rule 3: text is compared by its bytes and has no limit of its own, in a key neither. Rule 4: what was never to be in a
text does not stop a pass.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import InterfaceError, OperationalError

from heliograph.adapters.journal import schema
from heliograph.model import HeliographError

REMEDY = "install its driver: pip install 'heliograph[postgresql]'"
_AWAY = "see that the server runs and lets this user in; nothing is half-written, and the next run goes on from here"
_DEFAULTS = {"client_encoding": "utf8", "connect_timeout": "10", "fallback_application_name": "heliograph"}
_LOCK = 0x6865_6C69  # "heli": the first half of the lock's number; the second is the schema, each being a journal
# A b-tree refuses a key of more than 2,704 bytes, and an address may have 2,000 characters. A hash index takes any. On
# one column an exclusion keeps the key unique. On several nothing does: whoever writes takes out what was there before,
# within the one transaction.
_HASHED = ("link_key", "picture_use_url", "tip_index")
_UNIQUE = {"alias_pkey": "key", "fetch_pkey": "url", "picture_pkey": "url", "story_url_key": "url"}
_SEVERAL = {"link_pkey": "(code)", "picture_use_pkey": "(code)", "tip_pkey": "USING hash (url)"}
_STRANGE = """
    SELECT table_name, column_name FROM information_schema.columns
    WHERE table_schema = current_schema() AND data_type IN ('character varying', 'text')
        AND (data_type <> 'text' OR collation_name IS DISTINCT FROM 'C')
    ORDER BY table_name, ordinal_position
"""
_TREES = """
    SELECT indexrelid::regclass::text AS name, indrelid::regclass::text AS "table", pg_get_indexdef(indexrelid) AS made
    FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid JOIN pg_am ON pg_am.oid = relam
    WHERE relnamespace = current_schema()::regnamespace AND amname = 'btree' ORDER BY relname
"""


def engine_of(url: URL, patience: int) -> Engine:
    """An engine for ``url``; a transaction waits ``patience`` seconds for another one to end.

    Raises:
        ImportError: psycopg is not installed.
    """
    url = url.set(drivername="postgresql+psycopg", query={**_DEFAULTS, **url.query})
    # of one moment: a read is often several statements, and they must agree
    engine = create_engine(url, isolation_level="REPEATABLE READ", pool_pre_ping=True)
    where = f"journal {url.set(query={}).render_as_string(hide_password=True)}"
    begin = (
        f"SELECT set_config('lock_timeout', '{patience}s', true), "
        f"pg_advisory_xact_lock({_LOCK}, hashtext(coalesce(current_schema(), '')))"
    )

    @event.listens_for(engine, "connect")
    def _tune(connection: Any, _record: object) -> None:  # noqa: ANN401
        connection.adapters.register_dumper(str, _text_dumper())

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # The lock ends with the transaction, however that ends. Where "read committed" holds, each statement after it
        # sees what the transaction that had the lock has written.
        if connection.get_execution_options().get("immediate", False):
            connection.exec_driver_sql(begin)

    @event.listens_for(engine, "handle_error")
    def _explain(context: ExceptionContext) -> None:
        if isinstance(context.sqlalchemy_exception, (OperationalError, InterfaceError)) and not context.is_pre_ping:
            cause = str(context.original_exception).strip()
            raise HeliographError(cause, where=where, remedy=_AWAY) from context.original_exception

    return engine


def writing(engine: Engine) -> Engine:
    """The engine whose transactions write."""
    # "repeatable read" would fix what is seen before the lock is had
    return engine.execution_options(immediate=True, isolation_level="READ COMMITTED")


def adapt(db: Connection) -> None:
    """Bring tables that were just migrated under rule 3; what is so already stays.

    Raises:
        HeliographError: the database cannot hold every letter.
    """
    encoding = db.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        remedy = "make one: createdb --encoding UTF8 --template template0 NAME"
        raise HeliographError(f"its text is {encoding}, not UTF8", where="journal", remedy=remedy)
    columns: dict[str, list[str]] = {}
    for table, column in db.execute(text(_STRANGE)):
        if table in schema.metadata.tables:
            columns.setdefault(table, []).append(column)
    for table, names in columns.items():
        changes = ", ".join(f'ALTER "{name}" TYPE text COLLATE "C"' for name in names)
        db.exec_driver_sql(f'ALTER TABLE "{table}" {changes}')
    for row in db.execute(text(_TREES)).all():
        drop = f"ALTER TABLE {row.table} DROP CONSTRAINT {row.name}"
        if row.name in _HASHED:
            db.exec_driver_sql(f"DROP INDEX {row.name}")
            db.exec_driver_sql(row.made.replace("USING btree", "USING hash"))
        elif row.name in _UNIQUE:
            rule = f"EXCLUDE USING hash ({_UNIQUE[row.name]} WITH =)"
            db.exec_driver_sql(f"{drop}, ADD CONSTRAINT {row.name} {rule}")
        elif row.name in _SEVERAL:
            db.exec_driver_sql(drop)
            db.exec_driver_sql(f"CREATE INDEX ON {row.table} {_SEVERAL[row.name]}")


def _text_dumper() -> Any:  # noqa: ANN401
    from psycopg.adapt import Dumper  # is not there where the journal is SQLite

    class Text(Dumper):
        """Text as UTF-8, but for the one character that PostgreSQL has no place for."""

        def dump(self, obj: str) -> bytes:
            return obj.replace("\0", "\N{REPLACEMENT CHARACTER}").encode()

    return Text
