"""Opening, migrating and locking the journal, and the few helpers its three books share."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import socket
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import Connection, Engine, Table, create_engine, delete, event, insert, inspect, make_url, select, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.sql.elements import ColumnElement

from heliograph.adapters.journal import postgresql, schema
from heliograph.model import HeliographError, JournalBusyError

T = TypeVar("T")
_PATIENCE = 30  # seconds for another process to end its transaction
CHUNK = 400  # values in one IN (...); SQLite's oldest limit is 999


class Base:
    """One open journal. Use as a context manager."""

    def __init__(self, url: str, folder: Path) -> None:
        """Open the journal at SQLAlchemy ``url``, with its lock in ``folder``; makes and migrates it as needed.

        Raises:
            HeliographError: the database cannot be opened.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.url = url
        try:
            self.engine, self.writing = _engines(url)
            with ExitStack() as stack:
                stack.callback(self.close_engine)
                _migrate(self.engine, self.writing)
                self.identity = self._identify()
                stack.pop_all()
        except (SQLAlchemyError, ImportError) as err:
            cause = str(err.orig) if isinstance(err, DBAPIError) else str(err)
            remedy = postgresql.REMEDY if isinstance(err, ImportError) else ""
            raise HeliographError(f"cannot be opened: {cause}", where=f"journal {shown(url)}", remedy=remedy) from err

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close_engine()

    def close_engine(self) -> None:
        self.engine.dispose()

    @contextmanager
    def hold(self, who: str, what: str = "") -> Iterator[None]:
        """Keep every other pass out, by a lock that ends with the process, however it ends; ``what`` has its own.

        Raises:
            JournalBusyError: another process holds it; says which.
        """
        path = self.folder / (f"{what}.lock" if what else "lock")
        with path.open("a+", encoding="utf-8") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as err:
                lock.seek(0)
                holder = lock.read(400).strip() or "another process"
                remedy = "wait until it is done, or stop it; the lock ends with that process"
                raise JournalBusyError(f"held by {holder}", where=str(path), remedy=remedy) from err
            lock.truncate(0)
            lock.write(f"{who}, process {os.getpid()} on {socket.gethostname()}\n")
            lock.flush()
            try:
                yield
            finally:
                lock.truncate(0)

    def recall(self, key: str) -> str:
        """A note kept under ``key``, or ""."""
        with self.engine.connect() as db:
            return db.scalar(select(schema.note.c.value).where(schema.note.c.key == key)) or ""

    def note(self, key: str, value: str) -> None:
        """Keep ``value`` under ``key``."""
        with self.writing.begin() as db:
            replace_rows(db, schema.note, schema.note.c.key, [{"key": key, "value": value}])

    def _identify(self) -> str:
        if held := self.recall("identity"):
            return held
        with self.writing.begin() as db:  # of two that open a new journal at once, one gives it its name
            named: str | None = db.scalar(select(schema.note.c.value).where(schema.note.c.key == "identity"))
            if named:
                return named
            held = secrets.token_hex(8)
            db.execute(insert(schema.note).values(key="identity", value=held))
        return held


def _engines(url: str) -> tuple[Engine, Engine]:
    """The engine that reads, and the one whose transactions write."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        engine = postgresql.engine_of(parsed, _PATIENCE)
        return engine, postgresql.writing(engine)
    engine = create_engine(parsed, connect_args={"timeout": _PATIENCE})
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def _tune(connection: Any, _record: object) -> None:  # noqa: ANN401
            connection.isolation_level = None  # BEGIN is ours, below: sqlite3's own would commit before each DDL
            # WAL: readers (status) never wait for a pass; NORMAL: a power cut may lose the last commits, never the file
            for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "cache_size=-8000", "temp_store=MEMORY"):
                connection.execute(f"PRAGMA {pragma}")

        @event.listens_for(engine, "begin")
        def _begin(connection: Connection) -> None:
            # A transaction of our own, so that a migration that is killed leaves nothing of itself. One that will write
            # says so at once: else two processes that have read may not both write, and the second one fails.
            immediate = connection.get_execution_options().get("immediate", False)
            connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine, engine.execution_options(immediate=True)


def shown(url: str) -> str:
    """``url`` as it may be told: without a password and what stands behind the question mark."""
    try:
        return make_url(url).set(query={}).render_as_string(hide_password=True)
    except SQLAlchemyError:
        return "(no URL)"


def _migrate(engine: Engine, writing: Engine) -> None:
    with engine.begin() as db:
        if inspect(db).has_table("alembic_version"):
            at = db.scalar(text("SELECT version_num FROM alembic_version"))
            if at == schema.HEAD:
                return
    from alembic import command  # loaded only when there is work: it costs a tenth of a second
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config()
    config.set_main_option("script_location", "heliograph.adapters.journal:migrations")
    with writing.begin() as db:  # of two that open an old journal at once, one migrates it
        config.attributes["connection"] = db
        try:
            command.upgrade(config, "head")
            if db.dialect.name == "postgresql":
                postgresql.adapt(db)
        except CommandError as err:
            remedy = "it was written by a newer heliograph: use that one"
            raise HeliographError(f"cannot be migrated: {err}", where="journal", remedy=remedy) from err


def chunks(values: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """``values`` in lists of at most ``size``."""
    rest = iter(values)
    while part := list(islice(rest, size)):
        yield part


def replace_rows(db: Connection, table: Table, key: ColumnElement[Any], rows: Sequence[Mapping[str, object]]) -> None:
    """Insert ``rows`` in place of those with the same ``key``: an upsert in plain SQL."""
    name = getattr(key, "name", "")
    for part in chunks(rows):
        db.execute(delete(table).where(key.in_([row[name] for row in part])))
        db.execute(insert(table), part)


def utc(moment: datetime) -> str:
    """``moment`` as sortable text."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def words_of(text_list: str) -> tuple[str, ...]:
    """The tuple of strings in a JSON column."""
    return tuple(json.loads(text_list)) if text_list != "[]" else ()
