"""What this machine wrote to a place elsewhere, and the mark that the place gave each object.

A store of objects cannot tell the SHA-256 of what it holds, and to read all of it costs as much as to write it. So it
is remembered here. Rule 1: only what the place confirmed is noted, after it did. Rule 2: a note counts only while the
place shows the same mark, and is in doubt from before each request that changes the object: its answer may be lost, and
a listing that lags may show the old mark. So a lost or damaged note costs a second upload, never a wrong mirror.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from heliograph.model import StoreError

_SCHEMA = "CREATE TABLE IF NOT EXISTS held (key TEXT PRIMARY KEY, mark TEXT NOT NULL, digests TEXT NOT NULL)"
_DOUBT = "INSERT INTO held VALUES (?, '', '{}') ON CONFLICT (key) DO UPDATE SET mark = ''"


class Held:
    """A file of notes: for each key its mark, and the SHA-256 (hex) of each file of the edition that it stands for."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, wrote: Mapping[str, tuple[str | None, Mapping[str, str]]], gone: Iterable[str] = ()) -> None:
        """Remember what was written, as (mark, digests by name), and forget what is ``gone``; durable on return.

        Digests of names that are not given anew stay, those given as "" go; the mark stays where None is given. Raises
        StoreError.
        """
        with self._open() as db:
            known = self._rows(db, list(wrote))
            rows = [
                (
                    key,
                    known.get(key, ("", {}))[0] if mark is None else mark,
                    json.dumps(_merged(known.get(key, ("", {}))[1], digests), separators=(",", ":")),
                )
                for key, (mark, digests) in wrote.items()
            ]
            db.executemany("INSERT OR REPLACE INTO held VALUES (?, ?, ?)", rows)
            db.executemany("DELETE FROM held WHERE key = ?", [(key,) for key in gone])

    def doubt(self, keys: Sequence[str]) -> None:
        """These are about to be changed: whatever mark they show, it is not known what they hold. Raises StoreError."""
        with self._open() as db:
            db.executemany(_DOUBT, [(key,) for key in keys])

    def keys(self) -> set[str]:
        """Every object that was written, or may have been, and was not seen to be gone. Raises StoreError."""
        with self._open() as db:
            return {key for (key,) in db.execute("SELECT key FROM held")}

    def digests(self, marks: Mapping[str, str]) -> dict[str, str]:
        """SHA-256 by name of a place that shows these marks by key; "" for what is not as it was noted."""
        found: dict[str, str] = {}
        with self._open() as db:
            rows = {key: (mark, json.loads(digests)) for key, mark, digests in db.execute("SELECT * FROM held")}
        for key, mark in marks.items():
            noted, digests = rows.get(key, ("", {}))
            found |= digests if mark and mark == noted else {key: ""}
        return found

    def _rows(self, db: sqlite3.Connection, keys: list[str]) -> dict[str, tuple[str, dict[str, str]]]:
        found: dict[str, tuple[str, dict[str, str]]] = {}
        for start in range(0, len(keys), 500):
            part = keys[start : start + 500]
            marks = ",".join("?" * len(part))
            for key, mark, digests in db.execute(f"SELECT * FROM held WHERE key IN ({marks})", part):  # noqa: S608
                found[key] = (mark, json.loads(digests))
        return found

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            db = sqlite3.connect(self._path, timeout=30)
            try:
                with db:
                    db.execute(_SCHEMA)
                    yield db
            finally:
                db.close()
        except (sqlite3.DatabaseError, ValueError) as error:  # ValueError: a row is no JSON
            remedy = "remove it: what it noted is then uploaded once more"
            raise StoreError(f"cannot be used: {error}", where=str(self._path), remedy=remedy) from error
        except OSError as error:
            raise StoreError(f"cannot be used: {error.strerror or error}", where=str(self._path)) from error


def _merged(known: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    return {name: digest for name, digest in {**known, **given}.items() if digest}
