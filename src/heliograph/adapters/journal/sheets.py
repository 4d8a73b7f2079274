"""The journal's book of sheets: what must be rendered, from what, and which files came of it."""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, func, insert, or_, select, update

from heliograph.adapters.journal import schema
from heliograph.adapters.journal.base import Base, chunks
from heliograph.adapters.journal.stories import BRIEF, brief_of, mark_dirty, withdrawn
from heliograph.model import Brief, Cut, SheetKey, Want
from heliograph.model.edition import Select as Choice
from heliograph.model.edition import TallyBy
from heliograph.model.ledger import Change, Entry, Job, Sheeted
from heliograph.model.paths import key_of, plain_name

_TALLY = {
    "day": schema.story.c.day,
    "month": func.substr(schema.story.c.day, 1, 7),
    "section": schema.story.c.section_key,
    "lang": schema.story.c.lang,
}
_LABELLED = frozenset({"front", "section", "section-month", "day", "search-page", "about"})
_Picture = tuple[str, int, int, str, str, bytes, bytes]


class SheetTables(Base):
    """See ``ports.SheetBook``."""

    def mark(self, keys: Iterable[SheetKey]) -> None:
        with self.writing.begin() as db:
            mark_dirty(db, keys)

    def dirty(self) -> list[SheetKey]:
        table = schema.dirty
        # stories first: a list must never be staged before the pages it names can be
        order = (table.c.kind != "story", table.c.kind, table.c.of)
        with self.engine.connect() as db:
            return [SheetKey(row.kind, row.of) for row in db.execute(select(table).order_by(*order))]

    def thin(self) -> list[SheetKey]:
        table = schema.sheet
        query = select(table.c.kind, table.c.of).where(~table.c.dense).order_by(table.c.kind, table.c.of)
        with self.engine.connect() as db:
            return [SheetKey(row.kind, row.of) for row in db.execute(query)]

    def sheets(self, kind: str) -> list[SheetKey]:
        table = schema.sheet
        with self.engine.connect() as db:
            return [SheetKey(kind, of) for of in db.scalars(select(table.c.of).where(table.c.kind == kind))]

    def jobs(self, wants: Sequence[tuple[SheetKey, Want]]) -> list[Job]:
        with self.engine.connect() as db:
            plain = [key.of for key, want in wants if want.stories == Choice(code=key.of) and key.kind == "story"]
            wires = _wires(db, plain)
            links = _codes(db, plain)
            shown = _shown(db, plain)
            found = _by_terms(db, wants)
            labels = _labels(db) if any(key.kind in _LABELLED for key, _ in wants) else {}
            jobs = []
            for key, want in wants:
                if key.kind == "story" and key.of in wires:
                    pictures = shown.get(key.of, {})
                    jobs.append(Job(key=key, stories=(wires[key.of],), codes=links.get(key.of, {}), pictures=pictures))
                elif key in found:
                    briefs, tally = found[key]
                    jobs.append(Job(key=key, briefs=briefs, tally=tally))
                elif key.kind == "picture":
                    jobs.append(_picture_job(db, key))
                else:
                    jobs.append(_job(db, key, want, labels))
            return jobs

    def rendered(self, sheets: Sequence[Sheeted], issue: int) -> list[str]:
        removed: list[str] = []
        with self.writing.begin() as db:
            for part in chunks(sheets, 100):
                removed += _note_files(db, part, issue)
            _note_sheets(db, sheets)
            _note_cuts(db, sheets)
        return removed

    def changes(self, since: int | None, shown: int = 0) -> list[Change]:
        file = schema.file.c
        columns = (file.name, file.digest, file.size, file.born, file.gone, file.back)
        query = select(*columns).where(file.changed > (since or 0))
        if since == 0:
            query = query.where(~file.gone)  # nothing was ever delivered, so nothing is there to be removed
        known = max(shown, since or 0)
        with self.engine.connect() as db:
            return [_change(row, known, since or 0) for row in db.execute(query)]

    def cuts(self, limit: int) -> list[tuple[Cut, int]]:
        table = schema.cut
        stories = func.count(table.c.code.distinct())
        columns = (table.c.text, table.c.reason, func.min(table.c.url).label("url"), stories.label("stories"))
        query = (
            select(*columns).group_by(table.c.text, table.c.reason).order_by(stories.desc(), table.c.text).limit(limit)
        )
        with self.engine.connect() as db:
            rows = db.execute(query.limit(limit)).all()
        return [(Cut(url=row.url, text=row.text, reason=row.reason), row.stories) for row in rows]

    def labels(self) -> Mapping[str, str]:
        with self.engine.connect() as db:
            return _labels(db)

    def tally(self, by: TallyBy) -> Mapping[str, int]:
        with self.engine.connect() as db:
            return _tally(db, by, Choice())


def _where(query: Select[Any], choice: Choice) -> Select[Any]:
    story = schema.story.c
    conditions = [
        (choice.code, story.code == choice.code),
        (choice.lang, story.lang == choice.lang),
        (choice.section_key, story.section_key == choice.section_key),
        (choice.first_day, story.day >= choice.first_day),
        (choice.last_day, story.day <= choice.last_day),
    ]
    query = query.where(*(condition for asked, condition in conditions if asked))
    if choice.terms:
        low, high = choice.terms
        holds = select(schema.term.c.code).where(schema.term.c.term >= low, schema.term.c.term < high)
        query = query.where(story.code.in_(holds))
    return query


def _newest(query: Select[Any], choice: Choice) -> Select[Any]:
    query = _where(query, choice).order_by(schema.story.c.sort.desc(), schema.story.c.code)
    return query.limit(choice.newest) if choice.newest else query


def _tally(db: Connection, by: TallyBy, choice: Choice) -> dict[str, int]:
    column = _TALLY[by]
    query = _where(select(column, func.count()).group_by(column), choice)
    return {key: number for key, number in db.execute(query) if key}


def _job(db: Connection, key: SheetKey, want: Want, labels: Mapping[str, str]) -> Job:
    wires: tuple[bytes, ...] = ()
    codes: dict[str, str] = {}
    shown: dict[str, _Picture] = {}
    if want.stories is not None:
        rows = db.execute(_newest(select(schema.story.c.code, schema.story.c.wire), want.stories)).all()
        wires = tuple(row.wire for row in rows)
        for found in _codes(db, [row.code for row in rows]).values():
            codes |= found
        for pictures in _shown(db, [row.code for row in rows]).values():
            shown |= pictures
    briefs = _briefs(db, want.briefs) if want.briefs is not None else ()
    tally = _tally(db, want.tally, want.tally_of) if want.tally else {}
    gone = tuple(withdrawn(db)) if want.gone else ()
    return Job(
        key=key, stories=wires, briefs=briefs, tally=tally, labels=labels, codes=codes, pictures=shown, gone=gone
    )


def _briefs(db: Connection, choice: Choice) -> tuple[Brief, ...]:
    return tuple(brief_of(row) for row in db.execute(_newest(select(*BRIEF), choice)))


def _by_terms(
    db: Connection, wants: Sequence[tuple[SheetKey, Want]]
) -> dict[SheetKey, tuple[tuple[Brief, ...], dict[str, int]]]:
    """Newest stories and number by language for all sheets that want a range of terms, in one query.

    A shard costs little by itself, and there are thousands of them in a first edition.
    """
    asked = sorted(
        (want.briefs.terms, key, want.briefs.newest) for key, want in wants if want.briefs and want.briefs.terms
    )
    if not asked:
        return {}
    term, story = schema.term.c, schema.story.c
    ranges = or_(*(and_(term.term >= low, term.term < high) for (low, high), _, _ in asked))
    query = select(term.term, *BRIEF).join(schema.story, story.code == term.code).where(ranges)
    held: dict[SheetKey, dict[str, Any]] = {key: {} for _, key, _ in asked}
    lows = [low for (low, _), _, _ in asked]
    for row in db.execute(query.order_by(story.sort.desc(), story.code)):
        key = asked[bisect.bisect_right(lows, row.term) - 1][1]
        held[key].setdefault(row.code, row)  # a story may have several terms in one shard
    briefs: dict[str, Brief] = {}  # most stories are in several shards

    def brief(row: Any) -> Brief:  # noqa: ANN401
        return briefs.get(row.code) or briefs.setdefault(row.code, brief_of(row))

    return {
        key: (
            tuple(brief(row) for row in islice(held[key].values(), newest or None)),
            dict(Counter(row.lang for row in held[key].values())),
        )
        for _, key, newest in asked
    }


def _picture_job(db: Connection, key: SheetKey) -> Job:
    """A picture's own page: its bytes and the newest story that shows it."""
    picture, use, story, held = schema.picture.c, schema.picture_use.c, schema.story, schema.picture_bytes.c
    query = (
        select(schema.picture, held.avif, held.webp, story.c.wire)
        .join(schema.picture_bytes, held.key == picture.key)
        .join(schema.picture_use, use.url == picture.url)
        .join(story, story.c.code == use.code)
        .where(picture.pid == key.of)
        .order_by(story.c.sort.desc(), story.c.code)
        .limit(1)
    )
    row = db.execute(query).first()
    if row is None:
        return Job(key=key)
    encoded = (row.pid, row.width, row.height, row.colour_1, row.colour_2, row.avif, row.webp)
    return Job(key=key, stories=(row.wire,), pictures={row.url: encoded})


def _wires(db: Connection, codes: Sequence[str]) -> dict[str, bytes]:
    story = schema.story.c
    found: dict[str, bytes] = {}
    for part in chunks(codes):
        found |= dict(db.execute(select(story.code, story.wire).where(story.code.in_(part))).all())
    return found


def _codes(db: Connection, codes: Sequence[str]) -> dict[str, dict[str, str]]:
    """For each story the links of its text that lead to a story of the edition."""
    link, alias = schema.link.c, schema.alias.c
    found: dict[str, dict[str, str]] = {}
    for part in chunks(codes):
        joined = (
            select(link.code, link.href, alias.code.label("target"))
            .join(schema.alias, alias.key == link.key)
            .join(schema.story, schema.story.c.code == alias.code)
            .where(link.code.in_(part))
            .order_by(func.length(link.key))  # the whole URL is the surer key and overrides the path alone
        )
        for row in db.execute(joined):
            if row.target != row.code:
                found.setdefault(row.code, {})[row.href] = row.target
    return found


def _shown(db: Connection, codes: Sequence[str]) -> dict[str, dict[str, _Picture]]:
    """For each story its encoded pictures, without their bytes but with their sizes as length of the bytes."""
    picture, use, held = schema.picture.c, schema.picture_use.c, schema.picture_bytes.c
    found: dict[str, dict[str, _Picture]] = {}
    for part in chunks(codes):
        joined = (
            select(use.code, schema.picture)
            .join(schema.picture, picture.url == use.url)
            .join(schema.picture_bytes, held.key == picture.key)
            .where(use.code.in_(part))
        )
        for row in db.execute(joined):
            brief = (row.pid, row.width, row.height, row.colour_1, row.colour_2, b"", b"")
            found.setdefault(row.code, {})[row.url] = brief
    return found


def _labels(db: Connection) -> dict[str, str]:
    story = schema.story.c
    query = (
        select(story.section_key, func.max(story.section)).where(story.section_key != "").group_by(story.section_key)
    )
    return dict(db.execute(query).all())


def _note_files(db: Connection, sheets: Sequence[Sheeted], issue: int) -> list[str]:
    """Bring ``file`` up to date with these sheets; returns names that ended."""
    file = schema.file
    same_sheet = or_(*(and_(file.c.kind == sheet.key.kind, file.c.of == sheet.key.of) for sheet in sheets))
    held = {row.name: row for row in db.execute(select(file).where(same_sheet))}
    entries = {entry.name: entry for sheet in sheets for entry in sheet.entries}
    ended = [name for name, row in held.items() if name not in entries and not row.gone]
    rows = [_file_row(entry, held.get(entry.name), issue) for entry in entries.values()]
    changed = [row for row in rows if row is not None]
    for part in chunks(changed):
        db.execute(delete(file).where(file.c.name.in_([row["name"] for row in part])))
        db.execute(insert(file), part)
    for names in chunks(ended):
        db.execute(update(file).where(file.c.name.in_(names)).values(gone=True, changed=issue, digest="", size=0))
    return ended


def _file_row(entry: Entry, held: Any, issue: int) -> dict[str, object] | None:  # noqa: ANN401
    if held is not None and not held.gone and held.digest == entry.digest:
        return None
    # What comes back keeps the edition of its first life, since a mirror that lags may still have its old bytes; what
    # ended within this very release, which no mirror has seen, was never away.
    back = 0 if held is None else held.back
    if held is not None and held.gone and held.changed < issue:
        back = issue
    mapped = plain_name(entry.name) == entry.name
    return {
        "name": entry.name,
        "kind": entry.sheet.kind,
        "of": entry.sheet.of,
        "digest": entry.digest,
        "size": entry.size,
        "born": issue if held is None else held.born,
        "changed": issue,
        "gone": False,
        "key": key_of(entry.name).hex() if mapped else "",
        "copied": held.copied if held is not None else "",
        "back": back,
    }


def _change(row: Any, known: int, since: int) -> Change:  # noqa: ANN401
    """What a mirror lacks of a file, where it shows signing ``known`` and took ``since`` whole."""
    fresh = not row.gone and row.born > known
    back = not row.gone and not fresh and row.back > since
    return Change(name=row.name, digest=row.digest, size=row.size, fresh=fresh, gone=row.gone, back=back)


def _note_sheets(db: Connection, sheets: Sequence[Sheeted]) -> None:
    by_kind: dict[str, list[Sheeted]] = {}
    for sheet in sheets:
        by_kind.setdefault(sheet.key.kind, []).append(sheet)
    for kind, group in by_kind.items():
        for part in chunks(group):
            names = [sheet.key.of for sheet in part]
            for table in (schema.sheet, schema.dirty):
                db.execute(delete(table).where((table.c.kind == kind) & table.c.of.in_(names)))
            rows = [{"kind": kind, "of": sheet.key.of, "dense": sheet.dense} for sheet in part if sheet.entries]
            if rows:
                db.execute(insert(schema.sheet), rows)


def _note_cuts(db: Connection, sheets: Sequence[Sheeted]) -> None:
    stories = [sheet for sheet in sheets if sheet.key.kind == "story"]
    for part in chunks(stories):
        db.execute(delete(schema.cut).where(schema.cut.c.code.in_([sheet.key.of for sheet in part])))
        rows = [
            {"code": sheet.key.of, "place": place, "url": cut.url, "reason": cut.reason, "text": cut.text}
            for sheet in part
            for place, cut in enumerate(sheet.cuts)
        ]
        if rows:
            db.execute(insert(schema.cut), rows)
