"""The journal's book of the pool: every mirror as it stands, and every move with its reason."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import delete, func, insert, select

from heliograph.adapters.journal import schema
from heliograph.adapters.journal.base import Base, chunks, replace_rows, utc
from heliograph.model.mirror import Mirror, Move, MoveNote, plain

_TIMES = ("since", "born", "hurt", "pinned", "told")


class PoolTables(Base):
    """See ``ports.PoolBook``."""

    def pool(self) -> tuple[Mirror, ...]:
        with self.engine.connect() as db:
            query = select(schema.mirror.c.data).order_by(schema.mirror.c.name)
            return tuple(_mirror(data) for data in db.scalars(query))

    def keep(self, mirrors: Sequence[Mirror], moves: Sequence[Move], now: datetime, gone: Sequence[str] = ()) -> None:
        rows = [{"name": one.name, "data": json.dumps(plain(one), ensure_ascii=False)} for one in mirrors]
        with self.writing.begin() as db:
            before = {one.name: one.phase for one in self._held(db, [move.mirror for move in moves])}
            number = db.scalar(select(func.max(schema.move.c.number))) or 0
            told = [
                {
                    "number": number + place,
                    "at": utc(now),
                    "kind": move.kind,
                    "mirror": move.mirror,
                    "host": move.host,
                    "reason": move.reason,
                    "before": before.get(move.mirror, ""),
                }
                for place, move in enumerate(moves, start=1)
            ]
            replace_rows(db, schema.mirror, schema.mirror.c.name, rows)
            for part in chunks(gone):
                db.execute(delete(schema.mirror).where(schema.mirror.c.name.in_(part)))
            if told:
                db.execute(insert(schema.move), told)

    def history(self, limit: int) -> list[MoveNote]:
        query = select(schema.move).order_by(schema.move.c.number.desc()).limit(limit)
        with self.engine.connect() as db:
            return [_moved(row) for row in db.execute(query)]

    def _held(self, db: Any, names: Sequence[str]) -> list[Mirror]:  # noqa: ANN401
        table = schema.mirror.c
        return [
            _mirror(data)
            for part in chunks(list(dict.fromkeys(names)))
            for data in db.scalars(select(table.data).where(table.name.in_(part)))
        ]


def _mirror(data: str) -> Mirror:
    given: dict[str, Any] = json.loads(data)
    times = {name: datetime.fromisoformat(given[name]) if given.get(name) else None for name in _TIMES}
    return Mirror(**{**given, **times})


def _moved(row: Any) -> MoveNote:  # noqa: ANN401
    move = Move(kind=row.kind, mirror=row.mirror, host=row.host, reason=row.reason)
    at = datetime.fromisoformat(row.at).replace(tzinfo=UTC)
    return MoveNote(number=row.number, at=at, move=move, before=row.before or None)
