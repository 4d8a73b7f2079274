"""The journal's book of stories: what sources told, what was captured, who links to whom."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, literal, select, update

from heliograph.adapters.journal import schema
from heliograph.adapters.journal.base import Base, chunks, replace_rows, utc, words_of
from heliograph.model import Brief, SheetKey, Tip
from heliograph.model.code import story_code
from heliograph.model.edition import Gone
from heliograph.model.ledger import Admission, Draft, Fetch, Outcome
from heliograph.model.wire import pack_tip, unpack_tip

BRIEF: tuple[Any, ...] = tuple(
    column for column in schema.story.c if column.name not in {"wire", "digest", "source", "sort", "version"}
)
_PAGE = 1_000  # stories in memory at once when all are read
_WITHDRAWN = "withdrawn"  # the note of what was withdrawn lately
_REMEMBERED, _MOST_WITHDRAWN = timedelta(days=60), 200  # more than feeds show of it


class StoryTables(Base):
    """See ``ports.StoryBook``."""

    def fetches(self, urls: Sequence[str]) -> Mapping[str, Fetch]:
        found: dict[str, Fetch] = {}
        with self.engine.connect() as db:
            for part in chunks(urls):
                for row in db.execute(select(schema.fetch).where(schema.fetch.c.url.in_(part))):
                    checked = datetime.fromisoformat(row.checked) if row.checked else None
                    found[row.url] = Fetch(url=row.url, etag=row.etag, modified=row.modified, checked=checked)
        return found

    def listed(self, source: str, fetch: Fetch, tips: Sequence[Tip], *, whole: bool) -> int:
        tip = schema.tip
        with self.writing.begin() as db:
            here = (tip.c.source == source) & (tip.c.index_url == fetch.url)
            known = dict(db.execute(select(tip.c.url, tip.c.stamp).where(here)).all())
            strange = [told.url for told in tips if told.url not in known]
            for part in chunks(strange):  # told by another index of the same source before
                where = (tip.c.source == source) & tip.c.url.in_(part)
                known |= dict(db.execute(select(tip.c.url, tip.c.stamp).where(where)).all())
            news = [
                (place, told) for place, told in enumerate(tips) if not told.stamp or known.get(told.url) != told.stamp
            ]
            rows = [_tip_row(source, fetch.url, place, told) for place, told in news]
            for some in chunks(rows):
                urls = [row["url"] for row in some]
                db.execute(delete(tip).where((tip.c.source == source) & tip.c.url.in_(urls)))
                db.execute(insert(tip), some)
            waiting = len(rows)
            if whole:
                told_urls = {told.url for told in tips}
                lost = [url for url in known if url not in told_urls]
                for part in chunks(lost):
                    db.execute(
                        update(tip).where(here & tip.c.url.in_(part)).values(waits=True, stamp="lost", index_url="")
                    )
                waiting += len(lost)
            _remember(db, [fetch])
        return waiting

    def waiting(self, source: str, limit: int, skip: int = 0) -> list[Tip]:
        tip = schema.tip
        query = select(tip.c.data).where((tip.c.source == source) & tip.c.waits)
        query = query.order_by(tip.c.rank.desc(), tip.c.url).limit(limit).offset(skip)
        with self.engine.connect() as db:
            return [unpack_tip(row.data) for row in db.execute(query)]

    def admit(self, drafts: Sequence[Draft]) -> list[Admission]:
        newest: dict[str, Draft] = {}
        for draft in drafts:  # two drafts of one URL in a batch: the fuller text stands
            other = newest.get(draft.brief.url)
            if other is None or other.brief.words <= draft.brief.words:
                newest[draft.brief.url] = draft
        admissions: list[Admission] = []
        with self.engine.connect() as db:
            known = {row.url: row for row in _rows_of(db, schema.story.c.url, [*newest])}
            strange = [url for url in newest if url not in known]
            codes = _free_codes(db, strange)
            archived = _archived(db, list(codes.values()))
            for url, draft in newest.items():
                if url in codes:
                    after = _recode(draft.brief, codes[url])
                    number = archived.get(after.code, 0) + 1
                    admissions.append(Admission(fate="kept", before=None, after=after, draft=draft, version=number))
                    continue
                row = known[url]
                poorer = row.source != draft.source and draft.brief.words <= row.words
                same = row.digest == draft.digest or poorer
                admissions.append(
                    Admission(
                        fate="same" if same else "kept",
                        before=brief_of(row),
                        after=_recode(draft.brief, row.code),
                        draft=draft,
                        version=row.version if same else row.version + 1,
                    )
                )
        return admissions

    def settle(
        self, admissions: Sequence[Admission], outcomes: Sequence[Outcome], dirty: Iterable[SheetKey], now: datetime
    ) -> None:
        kept = [admission for admission in admissions if admission.fate == "kept"]
        with self.writing.begin() as db:
            _retire(db, [admission.after.code for admission in kept if admission.before is not None], now)
            if kept:
                _insert_stories(db, kept)
                _bury(db, (), now, back=[admission.after.code for admission in kept])
            _insert_aliases(db, admissions)
            mark_dirty(db, {*dirty, *_pictures_of(db, [admission.after.code for admission in kept])})
            _remember(db, [outcome.fetch for outcome in outcomes if outcome.fetch])
            ended = [outcome.url for outcome in outcomes if outcome.fate != "failed"]
            for part in chunks(ended):
                db.execute(update(schema.tip).where(schema.tip.c.url.in_(part)).values(waits=False))

    def known(self, urls: Sequence[str]) -> list[Brief]:
        with self.engine.connect() as db:
            codes: set[str] = set()
            for part in chunks(urls):
                codes |= set(db.scalars(select(schema.alias.c.code).where(schema.alias.c.key.in_(part))))
                codes |= set(db.scalars(select(schema.story.c.code).where(schema.story.c.url.in_(part))))
            return [brief_of(row) for row in _rows_of(db, schema.story.c.code, sorted(codes))]

    def by_code(self, codes: Sequence[str]) -> list[Brief]:
        """The stories with these codes."""
        with self.engine.connect() as db:
            return [brief_of(row) for row in _rows_of(db, schema.story.c.code, codes)]

    def codes_since(self, day: str) -> list[str]:
        with self.engine.connect() as db:
            return list(db.scalars(select(schema.story.c.code).where(schema.story.c.day >= day)))

    def withdraw(self, codes: Sequence[str], dirty: Iterable[SheetKey], now: datetime) -> None:
        with self.writing.begin() as db:
            _bury(db, codes, now)
            _retire(db, codes, now)
            for part in chunks(codes):
                db.execute(delete(schema.alias).where(schema.alias.c.code.in_(part)))
            mark_dirty(db, dirty)

    def linkers(self, codes: Sequence[str]) -> list[str]:
        link, alias = schema.link, schema.alias
        found: set[str] = set()
        with self.engine.connect() as db:
            for part in chunks(codes):
                joined = select(link.c.code).join(alias, alias.c.key == link.c.key).where(alias.c.code.in_(part))
                found |= set(db.scalars(joined.distinct()))
        return sorted(found - set(codes))

    def briefs(self) -> Iterator[Brief]:
        last = ("", "")
        while True:
            query = (
                select(*BRIEF, schema.story.c.sort)
                .order_by(schema.story.c.sort.desc(), schema.story.c.code)
                .limit(_PAGE)
            )
            if last[1]:
                sort, code = schema.story.c.sort, schema.story.c.code
                query = query.where((sort < last[0]) | ((sort == last[0]) & (code > last[1])))
            with self.engine.connect() as db:
                rows: list[Any] = list(db.execute(query))
            if not rows:
                return
            yield from (brief_of(row) for row in rows)
            last = (rows[-1].sort, rows[-1].code)

    def edge_counts(self, least: int) -> tuple[Mapping[str, int], int]:
        count = schema.edge_count
        with self.engine.connect() as db:
            rows = db.execute(select(count.c.edge, count.c.stories).where(count.c.stories >= least)).all()
            return dict(rows), db.scalar(select(func.count()).select_from(schema.story)) or 0

    def with_edges(self, edges: Iterable[str]) -> list[str]:
        found: set[str] = set()
        with self.engine.connect() as db:
            for part in chunks(edges):
                found |= set(db.scalars(select(schema.edge.c.code).where(schema.edge.c.edge.in_(part)).distinct()))
        return sorted(found)


def brief_of(row: Row[Any]) -> Brief:
    """The brief in a row that has the columns ``BRIEF``."""
    return Brief(
        code=row.code,
        url=row.url,
        lang=row.lang,
        title=row.title,
        lead=row.lead,
        section=row.section,
        published=datetime.fromisoformat(row.published),
        updated=datetime.fromisoformat(row.updated),
        section_key=row.section_key,
        day=row.day,
        words=row.words,
        bylines=words_of(row.bylines),
        tags=words_of(row.tags),
    )


def mark_dirty(db: Connection, keys: Iterable[SheetKey]) -> None:
    """Mark sheets within a transaction."""
    table = schema.dirty
    for part in chunks(sorted(set(keys))):
        by_kind: dict[str, list[str]] = {}
        for kind, of in part:
            by_kind.setdefault(kind, []).append(of)
        for kind, names in by_kind.items():
            db.execute(delete(table).where((table.c.kind == kind) & table.c.of.in_(names)))
        db.execute(insert(table), [{"kind": kind, "of": of} for kind, of in part])


def _tip_row(source: str, index_url: str, place: int, told: Tip) -> dict[str, object]:
    # the date where the source gives one, else the place in the index, which by custom is newest first
    dated = told.updated or told.published
    rank = utc(dated) if dated else f"0{10**9 - place:010d}"
    return {
        "source": source,
        "url": told.url,
        "stamp": told.stamp,
        "index_url": index_url,
        "waits": True,
        "rank": rank,
        "data": pack_tip(told),
    }


def _remember(db: Connection, fetches: Sequence[Fetch]) -> None:
    rows = {
        fetch.url: {
            "url": fetch.url,
            "etag": fetch.etag,
            "modified": fetch.modified,
            "checked": fetch.checked.astimezone(UTC).isoformat() if fetch.checked else "",
        }
        for fetch in fetches
    }
    replace_rows(db, schema.fetch, schema.fetch.c.url, list(rows.values()))


def _rows_of(db: Connection, column: Any, values: Sequence[str]) -> list[Row[Any]]:  # noqa: ANN401
    columns = [*BRIEF, schema.story.c.digest, schema.story.c.version, schema.story.c.source]
    return [row for part in chunks(values) for row in db.execute(select(*columns).where(column.in_(part)))]


def _free_codes(db: Connection, urls: Sequence[str]) -> dict[str, str]:
    """For each new URL the first of its codes that no other story holds."""
    codes = {url: story_code(url) for url in urls}
    held: set[str] = set()
    for part in chunks(codes.values()):
        held |= set(db.scalars(select(schema.story.c.code).where(schema.story.c.code.in_(part))))
    for url, code in codes.items():
        attempt = 0
        while code in held:  # once in a billion pairs: the next attempt is asked for by itself
            attempt += 1
            code = story_code(url, attempt)
            if db.scalar(select(schema.story.c.code).where(schema.story.c.code == code)):
                held.add(code)
        held.add(code)
        codes[url] = code
    return codes


def _archived(db: Connection, codes: Sequence[str]) -> dict[str, int]:
    """The newest archived version of stories that were withdrawn before."""
    old = schema.version.c
    found: dict[str, int] = {}
    for part in chunks(codes):
        query = select(old.code, func.max(old.version)).where(old.code.in_(part)).group_by(old.code)
        found |= dict(db.execute(query).all())
    return found


def _recode(brief: Brief, code: str) -> Brief:
    return brief if brief.code == code else replace(brief, code=code)


def _insert_stories(db: Connection, kept: Sequence[Admission]) -> None:
    """Every table that hangs on a story, in bulk."""
    rows: list[dict[str, object]] = []
    counts: Counter[str] = Counter()
    hangs: dict[Any, list[dict[str, object]]] = {
        schema.link: [], schema.edge: [], schema.term: [], schema.picture_use: [],
    }  # fmt: skip
    for admission in kept:
        brief, draft = admission.after, admission.draft
        rows.append(_story_row(admission))
        hangs[schema.link] += [{"code": brief.code, "href": href, "key": key} for href, key in sorted(set(draft.links))]
        hangs[schema.edge] += [{"code": brief.code, "edge": edge} for edge in sorted(set(draft.edges))]
        hangs[schema.term] += [{"code": brief.code, "term": term} for term in draft.terms]
        hangs[schema.picture_use] += [{"code": brief.code, "url": url} for url in sorted(set(draft.pictures))]
        counts.update(set(draft.edges))
    db.execute(insert(schema.story), rows)
    for table, lines in hangs.items():
        if lines:
            db.execute(insert(table), lines)
    _count_edges(db, counts)


def _pictures_of(db: Connection, codes: Sequence[str]) -> set[SheetKey]:
    """The pages of the encoded pictures that these stories show: they come and go with the stories."""
    use, picture = schema.picture_use.c, schema.picture.c
    found: set[SheetKey] = set()
    for part in chunks(codes):
        pids = select(picture.pid).join(schema.picture_use, use.url == picture.url).where(use.code.in_(part))
        found |= {SheetKey("picture", pid) for pid in db.scalars(pids.distinct()) if pid}
    return found


def _story_row(admission: Admission) -> dict[str, object]:
    brief, draft = admission.after, admission.draft
    return {
        "code": brief.code,
        "url": brief.url,
        "lang": brief.lang,
        "title": brief.title,
        "lead": brief.lead,
        "section": brief.section,
        "section_key": brief.section_key,
        "published": brief.published.isoformat(),
        "updated": brief.updated.isoformat(),
        "sort": utc(brief.published),
        "day": brief.day,
        "words": brief.words,
        "bylines": json.dumps(brief.bylines, ensure_ascii=False),
        "tags": json.dumps(brief.tags, ensure_ascii=False),
        "version": admission.version,
        "digest": draft.digest,
        "source": draft.source,
        "wire": draft.wire,
    }


def _insert_aliases(db: Connection, admissions: Sequence[Admission]) -> None:
    wanted = {key: admission.after.code for admission in admissions for key in admission.draft.keys}
    taken: set[str] = set()
    for part in chunks(wanted):
        taken |= set(db.scalars(select(schema.alias.c.key).where(schema.alias.c.key.in_(part))))
    fresh = [{"key": key, "code": code} for key, code in wanted.items() if key not in taken]
    if fresh:
        db.execute(insert(schema.alias), fresh)


def _count_edges(db: Connection, counts: Mapping[str, int]) -> None:
    table = schema.edge_count
    for part in chunks(counts):
        known = dict(db.execute(select(table.c.edge, table.c.stories).where(table.c.edge.in_(part))).all())
        rows = [{"edge": edge, "stories": known.get(edge, 0) + counts[edge]} for edge in part]
        db.execute(delete(table).where(table.c.edge.in_(part)))
        db.execute(insert(table), rows)


def withdrawn(db: Connection) -> list[Gone]:
    """What was withdrawn lately, the newest first."""
    found = db.scalar(select(schema.note.c.value).where(schema.note.c.key == _WITHDRAWN))
    return [Gone(code, lang, datetime.fromisoformat(when)) for code, lang, when in json.loads(found or "[]")]


def _bury(db: Connection, codes: Sequence[str], now: datetime, back: Iterable[str] = ()) -> None:
    """Note what is withdrawn and forget what comes back or was withdrawn long ago."""
    before = withdrawn(db)
    out = {*back, *codes}
    langs: dict[str, str] = {}
    for part in chunks(codes):
        query = select(schema.story.c.code, schema.story.c.lang).where(schema.story.c.code.in_(part))
        langs |= dict(db.execute(query).all())
    after = [Gone(code, lang, now) for code, lang in sorted(langs.items())]
    after += [one for one in before if one.code not in out and one.when > now - _REMEMBERED]
    if after != before:
        told = json.dumps([(one.code, one.lang, one.when.isoformat()) for one in after[:_MOST_WITHDRAWN]])
        replace_rows(db, schema.note, schema.note.c.key, [{"key": _WITHDRAWN, "value": told}])


def _retire(db: Connection, codes: Sequence[str], now: datetime) -> None:
    """Move stories to the old versions and take out all that hangs on them, but for aliases."""
    old = schema.story.c
    for part in chunks(codes):
        kept = select(old.code, old.version, old.digest, literal(utc(now)), old.wire).where(old.code.in_(part))
        db.execute(insert(schema.version).from_select(["code", "version", "digest", "noted", "wire"], kept))
        mark_dirty(db, _pictures_of(db, part))
        edges = list(db.scalars(select(schema.edge.c.edge).where(schema.edge.c.code.in_(part))))
        _count_edges(db, {edge: -number for edge, number in Counter(edges).items()})
        for table in (schema.link, schema.edge, schema.term, schema.picture_use, schema.cut, schema.story):
            db.execute(delete(table).where(table.c.code.in_(part)))
