"""A PostgreSQL server of our own, on a Unix socket, and databases in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

from heliograph.adapters.journal import SqlJournal

LOCKED = "locked"  # the user who needs a password
PASSWORD = "маяк and lighthouse"
_DEBIAN = Path("/usr/lib/postgresql")
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "40",
    "autovacuum": "off",
    "listen_addresses": "",
}


class Place(Protocol):
    """Where a test has its journals."""

    def empty(self) -> str:
        """The URL of a database without a table."""

    def blank(self) -> str:
        """The URL of a journal without content."""


@dataclass(kw_only=True)
class Files:
    """``Place`` in a folder."""

    folder: Path
    blank_journal: Path

    def empty(self) -> str:
        """See ``Place``."""
        return f"sqlite:///{self.folder / 'journal.sqlite'}"

    def blank(self) -> str:
        """See ``Place``."""
        shutil.copy(self.blank_journal, self.folder / "journal.sqlite")
        return self.empty()


@dataclass(kw_only=True)
class Server:
    """``Place`` on a server that runs; what is made of it is dropped by ``clear``."""

    socket: Path
    made: list[str] = field(default_factory=list)
    numbers: int = 0

    def url(self, database: str, **more: str) -> str:
        """As a newsroom writes it."""
        return f"postgresql:///{database}?{urlencode({'host': str(self.socket), 'user': 'postgres', **more})}"

    def empty(self, template: str = "template0") -> str:
        """See ``Place``."""
        self.numbers += 1
        self.made.append(f"newsroom{self.numbers}")
        self.run(f"CREATE DATABASE {self.made[-1]} TEMPLATE {template}")
        return self.url(self.made[-1])

    def blank(self) -> str:
        """See ``Place``."""
        return self.empty("blank")

    def run(self, *statements: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Do it as the server's owner; returns the rows of the last."""
        import psycopg

        with psycopg.connect(host=str(self.socket), user="postgres", dbname=database, autocommit=True) as db:
            for statement in statements:
                rows = db.execute(statement.encode())
            return rows.fetchall() if rows.description else []

    def clear(self) -> None:
        """Drop the databases of a test, whoever is still in them."""
        self.run(*(f"DROP DATABASE {name} WITH (FORCE)" for name in self.made), "SELECT 1")
        self.made.clear()


def program(name: str) -> str | None:
    """The path of one of PostgreSQL's programs; Debian keeps them out of PATH."""
    newest = sorted(_DEBIAN.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]), reverse=True)
    return str(newest[0]) if newest else shutil.which(name)


@contextmanager
def running() -> Iterator[Server]:
    """A server that is gone afterwards, with all it held. It refuses to be root, so nobody runs it where we are."""
    user = "nobody" if os.geteuid() == 0 else None
    place = Path(tempfile.mkdtemp(prefix="pg-"))  # not in pytest's folders: another user may not enter those
    try:
        if user:
            shutil.chown(place, user)
        run = partial(subprocess.run, user=user, group="nogroup" if user else None, cwd=place, check=True, timeout=120)
        data, log = place / "data", place / "log"
        # another order of letters than that of bytes, as a server in a newsroom has it
        letters = ("--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=icu", "--icu-locale=ru")
        quick = ("--no-sync", "--auth=trust", "--username=postgres", *letters)
        run([program("initdb"), "--pgdata", data, *quick], stdout=subprocess.DEVNULL)
        with (data / "pg_hba.conf").open("w", encoding="utf-8") as rules:
            rules.write(f"local all {LOCKED} scram-sha-256\nlocal all all trust\n")
        settings = " ".join(f"-c {name}={value or chr(39) * 2}" for name, value in _SETTINGS.items())
        control = [program("pg_ctl"), "--pgdata", data, "--silent", "--wait"]
        run([*control, "--log", log, "--options", f"-k {place} {settings}", "start"])
        try:
            server = Server(socket=place)
            server.run("CREATE DATABASE blank TEMPLATE template0")
            with SqlJournal(server.url("blank"), place / "state"):
                pass
            yield server
        finally:
            run([*control, "--mode", "immediate", "stop"])
    finally:
        shutil.rmtree(place)
