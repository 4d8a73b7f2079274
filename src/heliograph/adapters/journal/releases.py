"""The journal's book of releases: what was signed, and which parts of the map, copies and metadata are in use.

Everything a mirror holds is a row of ``file``. What the release format adds has a count of uses: equal parts of a map
can stand in several places, and equal pages share a content copy. What is used no more stays for as long as a reader
may still be on his way to it, and ends after that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, and_, delete, func, insert, or_, select, update

from heliograph.adapters.journal import schema
from heliograph.adapters.journal.base import Base, chunks, replace_rows, utc
from heliograph.adapters.journal.stories import mark_dirty
from heliograph.model import Issue, SheetKey
from heliograph.model.ledger import Laid, Moved, Seal
from heliograph.model.paths import object_name
from heliograph.model.release import KEPT

STANDING = "standing"  # the note with what was signed last
_SUFFIXES = ("", ".br", ".gz")


class ReleaseTables(Base):
    """See ``ports.ReleaseBook``."""

    def pending(self) -> bool:
        file = schema.file.c
        with self.engine.connect() as db:
            return db.scalar(select(file.name).where(file.changed > _newest(db)).limit(1)) is not None

    def moved(self) -> list[Moved]:
        file = schema.file.c
        query = select(file.name, file.key, file.digest, file.size, file.born, file.gone, file.copied, file.back)
        with self.engine.connect() as db:
            newest = _newest(db)
            # By "changed" alone, the rest here: with more to choose from, SQLite walks the whole table. What came and
            # went since the last release was never in the map.
            rows = [row for row in db.execute(query.where(file.changed > newest)) if row.key]
            return [
                Moved(
                    path=row.name,
                    digest=row.digest,
                    size=row.size,
                    fresh=max(row.born, row.back) > newest,
                    back=row.back > newest >= row.born,
                    copied=row.copied,
                )
                for row in sorted(rows, key=lambda row: row.name)
                if not (row.gone and max(row.born, row.back) > newest)
            ]

    def mapped(self) -> int:
        file = schema.file.c
        count = select(func.count()).select_from(schema.file).where(file.key != "", ~file.gone)
        with self.engine.connect() as db:
            return db.scalar(count) or 0

    def records(self, ranges: Sequence[tuple[str, str]] | None = None) -> Iterator[tuple[str, str, int]]:
        file = schema.file.c
        query = select(file.key, file.digest, file.size)
        with self.engine.connect() as db:
            if ranges is None:
                every = query.where(file.key != "", ~file.gone).order_by(file.key)
                for row in db.execution_options(yield_per=5_000).execute(every):
                    yield row.key, row.digest, row.size
                return
            for part in chunks(ranges, 100):
                within = or_(*(and_(file.key >= low, file.key <= high) for low, high in part))
                # sorted here: asked for an order, SQLite walks the whole index instead of seeking each range
                for row in sorted(db.execute(query.where(within, ~file.gone)), key=lambda row: row.key):
                    yield row.key, row.digest, row.size

    def newest_files(self, limit: int) -> list[tuple[str, str, int]]:
        file, story = schema.file.c, schema.story.c
        columns = select(file.name, file.key, file.digest, file.size).where(file.key != "", ~file.gone)
        lists = columns.where(file.kind.in_(("front", "section"))).order_by(file.kind, file.name)
        # a page may still wait to be rendered, so a few more stories than pages are asked for
        newest = select(story.code).order_by(story.sort.desc(), story.code).limit(2 * limit)
        with self.engine.connect() as db:
            found = [(row.key, row.digest, row.size) for row in db.execute(lists.limit(limit // 2))]
            pages = [f"a/{code}.html" for code in db.scalars(newest)]
            held = {row.name: row for row in db.execute(columns.where(file.name.in_(pages)))}
        rows = [held[page] for page in pages if page in held]
        return found + [(row.key, row.digest, row.size) for row in rows[: limit - len(found)]]

    def latest(self) -> Issue | None:
        with self.engine.connect() as db:
            row = db.execute(select(schema.issue).order_by(schema.issue.c.number.desc()).limit(1)).first()
        return _issue_of(row) if row else None

    def signed_as(self, pointer: str) -> Issue | None:
        with self.engine.connect() as db:
            row = db.execute(select(schema.issue).where(schema.issue.c.pointer == pointer)).first()
        return _issue_of(row) if row else None

    def lost(self, names: Sequence[str]) -> bool:
        file, added = schema.file.c, 0
        with self.writing.begin() as db:
            made = db.scalar(select(schema.issue.c.made).order_by(schema.issue.c.number.desc()).limit(1))
            # no mirror lacks what never changed; it ends in its time, unless it is made again before
            values = {"changed": 0, "uses": 0, "dropped": utc(datetime.fromisoformat(made)) if made else ""}
            for part in chunks(names):
                here = file.name.in_(part)
                ours = file.kind.in_(list(KEPT))
                rows = db.execute(select(file.kind, file.of).where(here, ~ours)).all()
                mark_dirty(db, (SheetKey(row.kind, row.of) for row in rows))
                added += db.execute(update(schema.file).where(here, ours).values(**values)).rowcount
        return added > 0

    def close(self, now: datetime, seal: Seal) -> tuple[Issue, list[str]]:
        with self.writing.begin() as db:
            number = 1 + _newest(db)
            ended = _Uses(db, number, utc(now)).note(seal)
            made = _issue(db, number, now, seal)
            notes = {**seal.notes, STANDING: seal.standing}
            rows = [{"key": key, "value": value} for key, value in notes.items()]
            replace_rows(db, schema.note, schema.note.c.key, rows)
        return made, ended


class _Uses:
    """One transaction's changes of what is in use."""

    def __init__(self, db: Connection, number: int, now: str) -> None:
        self.db, self.number, self.now = db, number, now

    def note(self, seal: Seal) -> list[str]:
        """Note all of ``seal``; returns the names of files that end with it."""
        file = schema.file
        if seal.anew:
            old = (file.c.kind == "object") & (file.c.uses > 0)
            self.db.execute(update(file).where(old).values(uses=0, dropped=self.now))
        self._use("object", seal.objects)
        self._leave(seal.left)
        ended = self._copies(seal.copies)
        self._use("signed", seal.signed)
        self._leave(seal.ended)
        return ended + self._collect()

    def _use(self, kind: str, laid: Sequence[Laid]) -> None:
        """One more use of each; new names and new bytes are changes that mirrors lack."""
        file = schema.file
        times = Counter(one.name for one in laid)
        by_name = {one.name: one for one in laid}
        for part in chunks(by_name.values()):
            names = [one.name for one in part]
            held = {row.name: row for row in self.db.execute(select(file).where(file.c.name.in_(names)))}
            rows = [self._row(kind, one, held.get(one.name), times[one.name]) for one in part]
            self.db.execute(delete(file).where(file.c.name.in_(names)))
            self.db.execute(insert(file), rows)

    def _row(self, kind: str, one: Laid, held: Any, times: int) -> dict[str, object]:  # noqa: ANN401
        here = held is not None and not held.gone
        same = here and held.digest == one.digest and held.changed > 0
        return {
            "name": one.name,
            "kind": kind,
            "of": "",
            "digest": one.digest,
            "size": one.size,
            "born": held.born if here else self.number,
            "changed": held.changed if same else self.number,
            "gone": False,
            "key": "",
            "copied": "",
            "uses": (held.uses if here and kind != "signed" else 0) + times,
            "dropped": "",
        }

    def _leave(self, names: Iterable[str]) -> None:
        """One use less of each, as often as it is named."""
        file = schema.file
        by_times: dict[int, list[str]] = {}
        for name, times in Counter(names).items():
            by_times.setdefault(times, []).append(name)
        for times, group in by_times.items():
            for part in chunks(group):
                here = file.c.name.in_(part)
                self.db.execute(update(file).where(here).values(uses=file.c.uses - times))
                # "dropped" is compared here: in the query SQLite would walk its index, nearly all of it ""
                rows = self.db.execute(select(file.c.name, file.c.dropped).where(here, file.c.uses <= 0)).all()
                unused = [row.name for row in rows if not row.dropped]
                if unused:
                    self.db.execute(update(file).where(file.c.name.in_(unused)).values(uses=0, dropped=self.now))

    def _copies(self, copies: Sequence[tuple[str, tuple[Laid, ...]]]) -> list[str]:
        """The content copies of paths that changed: the new one comes, the one before leaves.

        A path that ended has no new one, and what it had ends at once: withdrawn is withdrawn.
        """
        file = schema.file
        ended: list[str] = []
        for part in chunks(copies):
            paths = [path for path, _ in part]
            query = select(file.c.name, file.c.copied).where(file.c.name.in_(paths))
            held = {row.name: row.copied for row in self.db.execute(query)}
            self._use("copy", [one for _, laid in part for one in laid])
            left = {path: _copy_names(copied) for path, copied in held.items() if copied}
            self._leave([name for names in left.values() for name in names])
            gone = [name for path, laid in part if not laid for name in left.get(path, ())]
            ended += self._end((file.c.name.in_(gone)) & (file.c.uses == 0)) if gone else []
            for path, laid in part:
                digest = laid[0].digest if laid else ""
                self.db.execute(update(file).where(file.c.name == path).values(copied=digest))
        return ended

    def _collect(self) -> list[str]:
        """End what nothing has used for as long as a reader could still be on his way to it."""
        file = schema.file
        ended = []
        for kind, kept in KEPT.items():
            before = utc(datetime.fromisoformat(self.now).replace(tzinfo=UTC) - kept)
            ended += self._end((file.c.kind == kind) & (file.c.dropped != "") & (file.c.dropped < before))
        return ended

    def _end(self, which: Any) -> list[str]:  # noqa: ANN401
        file = schema.file
        names = list(self.db.scalars(select(file.c.name).where(which, ~file.c.gone)))
        values = {"gone": True, "changed": self.number, "digest": "", "size": 0, "dropped": "", "uses": 0}
        for part in chunks(names):
            self.db.execute(update(file).where(file.c.name.in_(part)).values(**values))
        return names


def _copy_names(digest: str) -> list[str]:
    return [object_name(digest) + suffix for suffix in _SUFFIXES]


def _newest(db: Connection) -> int:
    return db.scalar(select(func.max(schema.issue.c.number))) or 0


def _issue_of(row: Any) -> Issue:  # noqa: ANN401
    return Issue(
        number=row.release,
        serial=row.number,
        made=datetime.fromisoformat(row.made),
        stories=row.stories,
        files=row.files,
        written=row.written,
        gone=row.gone,
    )


def _issue(db: Connection, number: int, now: datetime, seal: Seal) -> Issue:
    made = Issue(
        number=seal.release,
        serial=number,
        made=now.astimezone(UTC),
        stories=db.scalar(select(func.count()).select_from(schema.story)) or 0,
        files=seal.entries,
        written=seal.written,
        gone=seal.gone,
    )
    row: Mapping[str, object] = {
        "number": number,
        "release": made.number,
        "pointer": seal.pointer,
        "made": made.made.isoformat(),
        "stories": made.stories,
        "files": made.files,
        "written": made.written,
        "gone": made.gone,
    }
    db.execute(insert(schema.issue), [row])
    return made
