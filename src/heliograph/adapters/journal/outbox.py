"""The journal's books of posts and of those who asked for them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any, get_args

from sqlalchemy import Connection, case, delete, exists, func, insert, or_, select, update

from heliograph.adapters.journal import schema
from heliograph.adapters.journal.base import Base, chunks, replace_rows, utc
from heliograph.model import Story
from heliograph.model.post import WAITING, Card, Entry, Message, Pause, State, Subscriber, Topic
from heliograph.model.wire import unpack

MOST_SUBSCRIBERS = 100_000  # of one channel: more is a flood, not readers
BOUNCES = 3  # in a row, after which an address is erased
_NUMBER, _MOST_NUMBER = "subscriber number", 3_500_000  # from there on numbers are given again; see outbox.batch
_OVER = ("posted", "failed", "dropped")
_DECIDED: tuple[State, ...] = ("held", "unknown", "failed", "hand", "queued", "dropped")  # what a person decides


class OutboxTables(Base):
    """See ``ports.OutboxBook``."""

    def stories(self, codes: Sequence[str]) -> list[Story]:
        table, found = schema.story.c, []
        with self.engine.connect() as db:
            for part in chunks(dict.fromkeys(codes)):
                query = select(table.wire, table.version, table.code).where(table.code.in_(part))
                rows = db.execute(query)
                found += [replace(unpack(row.wire), version=row.version, code=row.code) for row in rows]
        return sorted(found, key=lambda story: (story.published, story.code), reverse=True)

    def versions(self, codes: Sequence[str]) -> Mapping[str, int]:
        table, found = schema.story.c, dict[str, int]()
        with self.engine.connect() as db:
            for part in chunks(dict.fromkeys(codes)):
                found |= {
                    row.code: row.version
                    for row in db.execute(select(table.code, table.version).where(table.code.in_(part)))
                }
        return found

    def entries(
        self,
        *,
        channel: str = "",
        topics: Sequence[Topic] = (),
        states: Sequence[State] = (),
        ids: Sequence[int] = (),
        below: int = 0,
        mends: bool = True,
        limit: int = 0,
    ) -> list[Entry]:
        table = schema.outbox.c
        query = select(schema.outbox).order_by(table.id)
        query = query.where(table.channel == channel) if channel else query
        query = query.where(table.state.in_(states)) if states else query
        query = query.where(table.id.in_(ids)) if ids else query
        query = query.where(table.part < below) if below else query
        query = query if mends else query.where(or_(table.kind != "day", table.version == 1))
        query = query.limit(limit) if limit else query
        with self.engine.connect() as db:
            if not topics:
                return _entries(db, db.execute(query).all())
            rows = [
                row
                for part in chunks(topics, 200)
                for row in db.execute(query.where(or_(*((table.kind == t.kind) & (table.of == t.of) for t in part))))
            ]
            return _entries(db, sorted(rows, key=lambda row: int(row.id)))

    def told(self) -> Mapping[str, tuple[int, str]]:
        table, story = schema.outbox.c, schema.story.c
        counts = [func.sum(case((table.state == state, 1), else_=0)).label(state) for state in get_args(State)]
        query = (
            select(
                table.of, func.max(story.version).label("version"), func.max(table.changed).label("changed"), *counts
            )
            .select_from(schema.outbox.outerjoin(schema.story, story.code == table.of))
            .where(table.kind == "story")
            .group_by(table.of)
        )
        with self.engine.connect() as db:
            rows = db.execute(query).all()
        # two rows may change at one moment: then the number of rows in each state tells
        return {row.of: (row.version or 0, " ".join(map(str, row[2:]))) for row in rows}

    def queue(self, fresh: Sequence[Entry], changed: Sequence[Entry] = ()) -> int:
        table, added = schema.outbox, 0
        wordings = _wordings([*fresh, *changed])
        with self.writing.begin() as db:
            _keep(db, wordings)
            next_id = (db.scalar(select(func.max(table.c.id))) or 0) + 1
            for entry in fresh:
                if db.scalar(select(table.c.id).where(*_same(entry))) is None:
                    db.execute(insert(table).values(**_row(replace(entry, id=next_id), wordings)))
                    next_id, added = next_id + 1, added + 1
            for entry in changed:
                values = _row(entry, wordings)
                if entry.state in WAITING:  # a person may have confirmed it since it was read
                    del values["state"]
                begun = update(table).where(table.c.id == entry.id, table.c.state.in_(WAITING))
                db.execute(begun.values(**values))
        return added

    def begin(self, id: int, now: datetime) -> bool:  # noqa: A002
        table = schema.outbox
        wanted = update(table).where(table.c.id == id, table.c.state == "queued")
        with self.writing.begin() as db:
            done = db.execute(wanted.values(state="sending", attempt=table.c.attempt + 1, changed=utc(now)))
        return bool(done.rowcount == 1)

    def finish(self, entry: Entry, pause: Pause | None = None) -> None:
        table, wordings = schema.outbox, _wordings([entry])
        with self.writing.begin() as db:
            _keep(db, wordings)
            begun = update(table).where(table.c.id == entry.id, table.c.state.in_(("sending", "unknown")))
            db.execute(begun.values(**_row(entry, wordings)))
            if pause is not None:
                _pause(db, entry.channel, pause)

    def settle_entry(
        self,
        id: int,  # noqa: A002
        state: State,
        remotes: Sequence[str],
        note: str,
        now: datetime,
        was: Sequence[State] = _DECIDED,
    ) -> bool:
        table = schema.outbox
        wanted = update(table).where(table.c.id == id, table.c.state.in_(was))
        values: dict[str, Any] = {"state": state, "note": note, "changed": utc(now), "not_before": ""}
        if state == "dropped":
            values["by_hand"] = True
        if state == "queued":
            values["attempt"] = 0
        if remotes:
            values["remotes"] = json.dumps(list(remotes))
        with self.writing.begin() as db:
            return bool(db.execute(wanted.values(**values)).rowcount == 1)

    def recover(self, now: datetime) -> list[Entry]:
        table = schema.outbox
        with self.writing.begin() as db:
            rows = _entries(db, db.execute(select(table).where(table.c.state == "sending")).all())
            found = []
            for entry in rows:
                again = entry.act != "post"  # to edit or delete twice changes nothing
                note = "" if again else "heliograph ended while it was being sent"
                entry = replace(entry, state="queued" if again else "unknown", changed=now, note=note)
                values = {"state": entry.state, "changed": utc(now), "note": note}
                db.execute(update(table).where(table.c.id == entry.id).values(**values))
                found.append(entry)
        return found

    def pauses(self) -> Mapping[str, Pause]:
        with self.engine.connect() as db:
            return {row.channel: _paused(row) for row in db.execute(select(schema.pause))}

    def pause(self, channel: str, pause: Pause | None) -> None:
        with self.writing.begin() as db:
            _pause(db, channel, pause)

    def forget(self, before: datetime) -> int:
        table, later = schema.outbox.c, schema.outbox.alias().c
        same = (later.channel == table.channel) & (later.kind == table.kind) & (later.of == table.of)
        alive = later.state.not_in(_OVER) | (later.changed >= utc(before))
        # of one thing on one channel all rows go or none: edits and withdrawals need the post that they are about
        over = (table.kind != "where") & ~exists().where(same & alive)
        newer = exists().where(same & (later.id > table.id))
        edits = (table.kind == "where") & (table.act == "edit") & table.state.in_(_OVER) & (table.changed < utc(before))
        with self.writing.begin() as db:
            gone = int(db.execute(delete(schema.outbox).where(over | (edits & newer))).rowcount)
            used = exists().where(table.wording == schema.wording.c.digest)
            db.execute(delete(schema.wording).where(~used))
        return gone


class ReaderTables(Base):
    """See ``ports.ReaderBook``."""

    def subscribe(self, channel: str, address: str, lang: str) -> bool:
        table = schema.subscriber
        with self.writing.begin() as db:
            here = (table.c.channel == channel) & (table.c.address == address)
            if db.execute(update(table).where(here).values(lang=lang)).rowcount:
                return True
            if (db.scalar(select(func.count()).where(table.c.channel == channel)) or 0) >= MOST_SUBSCRIBERS:
                return False
            number = _next_number(db)
            db.execute(insert(table).values(id=number, channel=channel, address=address, lang=lang, failures=0))
        return True

    def unsubscribe(self, channel: str, address: str) -> bool:
        table = schema.subscriber.c
        with self.writing.begin() as db:
            here = (table.channel == channel) & (table.address == address)
            return bool(db.execute(delete(schema.subscriber).where(here)).rowcount)

    def subscriber(self, channel: str, address: str) -> Subscriber | None:
        table = schema.subscriber.c
        query = select(schema.subscriber).where(table.channel == channel, table.address == address)
        with self.engine.connect() as db:
            row = db.execute(query).mappings().first()
        return Subscriber(**row) if row else None

    def subscribers(self, channel: str, first: int = 0, last: int = 0) -> list[Subscriber]:
        table = schema.subscriber.c
        query = select(schema.subscriber).where(table.channel == channel, table.id >= first).order_by(table.id)
        if last:
            query = query.where(table.id <= last)
        with self.engine.connect() as db:
            return [Subscriber(**row) for row in db.execute(query).mappings()]

    def reached(self, channel: str, well: Sequence[str], bounced: Sequence[str], gone: Sequence[str]) -> None:
        table = schema.subscriber
        here = table.c.channel == channel
        with self.writing.begin() as db:
            for part in chunks(well):
                some = here & table.c.address.in_(part) & (table.c.failures > 0)
                db.execute(update(table).where(some).values(failures=0))
            for part in chunks(bounced):
                some = here & table.c.address.in_(part)
                db.execute(update(table).where(some).values(failures=table.c.failures + 1))
            for part in chunks(gone):
                db.execute(delete(table).where(here & table.c.address.in_(part)))
            db.execute(delete(table).where(here & (table.c.failures >= BOUNCES)))

    def offset(self, channel: str, to: int | None = None) -> int:
        key = f"offset {channel}"
        if to is not None:
            self.note(key, str(to))
        return int(self.recall(key) or 0)


def _next_number(db: Connection) -> int:
    """Of a new subscriber: none that another had, who was sent letters that may be corrected."""
    given = int(db.scalar(select(schema.note.c.value).where(schema.note.c.key == _NUMBER)) or 0)
    highest = db.scalar(select(func.max(schema.subscriber.c.id))) or 0
    number = 1 + (max(highest, given) if given < _MOST_NUMBER else highest)
    replace_rows(db, schema.note, schema.note.c.key, [{"key": _NUMBER, "value": str(number)}])
    return number


def _same(entry: Entry) -> tuple[Any, ...]:
    table = schema.outbox.c
    return (
        table.channel == entry.channel,
        table.kind == entry.topic.kind,
        table.of == entry.topic.of,
        table.version == entry.version,
        table.part == entry.part,
        table.act == entry.act,
    )


def _wordings(entries: Sequence[Entry]) -> dict[Message, tuple[str, str]]:
    """The messages of these entries, each once: its digest and its JSON."""
    made = {}
    for message in {entry.message for entry in entries}:
        text = json.dumps(asdict(message), ensure_ascii=False)
        made[message] = hashlib.sha256(text.encode()).hexdigest(), text
    return made


def _keep(db: Connection, wordings: Mapping[Message, tuple[str, str]]) -> None:
    """Insert the messages that are not there yet."""
    table, wanted = schema.wording, dict(wordings.values())
    for part in chunks(wanted):
        there = set(db.scalars(select(table.c.digest).where(table.c.digest.in_(part))))
        if lacking := [{"digest": digest, "message": wanted[digest]} for digest in part if digest not in there]:
            db.execute(insert(table), lacking)


def _row(entry: Entry, wordings: Mapping[Message, tuple[str, str]]) -> dict[str, Any]:
    return {
        "id": entry.id,
        "channel": entry.channel,
        "kind": entry.topic.kind,
        "of": entry.topic.of,
        "version": entry.version,
        "told": entry.told,
        "part": entry.part,
        "act": entry.act,
        "wording": wordings[entry.message][0],
        "digest": entry.digest,
        "state": entry.state,
        "urgent": entry.urgent,
        "attempt": entry.attempt,
        "remotes": json.dumps(list(entry.remotes)),
        "not_before": utc(entry.not_before) if entry.not_before else "",
        "queued": utc(entry.queued),
        "changed": utc(entry.changed),
        "note": entry.note,
        "by_hand": entry.by_hand,
    }


def _entries(db: Connection, rows: Sequence[Any]) -> list[Entry]:
    """Those that say the same share one message: letters are large."""
    table, messages = schema.wording.c, dict[str, Message]()
    for part in chunks(dict.fromkeys(row.wording for row in rows)):
        found = db.execute(select(table.digest, table.message).where(table.digest.in_(part)))
        messages |= {one.digest: _message(json.loads(one.message)) for one in found}
    return [_entry(row, messages[row.wording]) for row in rows]


def _entry(row: Any, message: Message) -> Entry:  # noqa: ANN401
    return Entry(
        id=row.id,
        channel=row.channel,
        topic=Topic(row.kind, row.of),
        version=row.version,
        told=row.told,
        part=row.part,
        act=row.act,
        message=message,
        digest=row.digest,
        state=row.state,
        urgent=row.urgent,
        attempt=row.attempt,
        remotes=tuple(json.loads(row.remotes)),
        not_before=_moment(row.not_before),
        queued=_at(row.queued),
        changed=_at(row.changed),
        note=row.note,
        by_hand=row.by_hand,
    )


def _message(given: dict[str, Any]) -> Message:
    cards = tuple(Card(**{**card, "codes": tuple(card["codes"])}) for card in given["cards"])
    return Message(**{**given, "cards": cards, "tells": tuple(given.get("tells", ()))})  # older rows have none


def _paused(row: Any) -> Pause:  # noqa: ANN401
    return Pause(channel=row.channel, until=_moment(row.until), note=row.note)


def _pause(db: Connection, channel: str, pause: Pause | None) -> None:
    table = schema.pause
    db.execute(delete(table).where(table.c.channel == channel))
    if pause is not None:
        until = utc(pause.until) if pause.until else ""
        db.execute(insert(table).values(channel=channel, until=until, note=pause.note))


def _moment(text: str) -> datetime | None:
    return _at(text) if text else None


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
