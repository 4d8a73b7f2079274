"""The journal's book of the watch: sightings as they came, findings as they stand."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, func, insert, select

from heliograph.adapters.journal import schema
from heliograph.adapters.journal.base import Base, chunks, utc
from heliograph.model.report import pack, unpack
from heliograph.model.sighting import Finding, Sighting

_KEPT = timedelta(days=7)


class WatchTables(Base):
    """See ``ports.WatchBook``."""

    def saw(self, sightings: Iterable[Sighting], now: datetime) -> int:
        rows = {}
        for one in sightings:
            data = pack(one)
            digest = sha256(data).hexdigest()
            rows[digest] = {
                "digest": digest,
                "mirror": one.mirror,
                "vantage": one.vantage,
                "started": utc(one.started),
                "data": data,
            }
        table, new = schema.sighting, 0
        with self.writing.begin() as db:
            db.execute(delete(table).where(table.c.started < utc(now - _KEPT)))
            for part in chunks(rows):
                known = set(db.scalars(select(table.c.digest).where(table.c.digest.in_(part))))
                fresh = [rows[digest] for digest in part if digest not in known]
                new += len(fresh)
                if fresh:
                    db.execute(insert(table), fresh)
        return new

    def sightings(self, since: datetime, until: datetime | None = None, newest: int = 0) -> list[Sighting]:
        table = schema.sighting.c
        place = func.row_number().over(
            partition_by=(table.mirror, table.vantage), order_by=(table.started.desc(), table.digest)
        )
        wanted = select(table.data, table.started, table.digest, place.label("place")).where(
            table.started >= utc(since)
        )
        if until is not None:
            wanted = wanted.where(table.started <= utc(until))
        held = wanted.subquery().c
        query = select(held.data).order_by(held.started, held.digest)
        if newest:
            query = query.where(held.place <= newest)
        with self.engine.connect() as db:
            return [unpack(data) for data in db.scalars(query)]

    def findings(self) -> list[Finding]:
        table = schema.finding
        with self.engine.connect() as db:
            return [
                _finding(data) for data in db.scalars(select(table.c.data).order_by(table.c.mirror, table.c.network))
            ]

    def conclude(self, findings: Sequence[Finding]) -> None:
        rows = [{"mirror": one.mirror, "network": one.network, "data": _data(one)} for one in findings]
        with self.writing.begin() as db:
            db.execute(delete(schema.finding))
            if rows:
                db.execute(insert(schema.finding), rows)


def _data(finding: Finding) -> str:
    fields = asdict(finding)
    for moment in ("since", "seen"):
        fields[moment] = fields[moment].astimezone(UTC).isoformat()
    return json.dumps(fields, ensure_ascii=False)


def _finding(data: str) -> Finding:
    fields = json.loads(data)
    for moment in ("since", "seen"):
        fields[moment] = datetime.fromisoformat(fields[moment])
    for words in ("vantages", "evidence"):
        fields[words] = tuple(fields[words])
    return Finding(**fields)
