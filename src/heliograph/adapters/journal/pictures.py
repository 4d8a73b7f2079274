"""The journal's book of pictures: each encoded once, by content, and kept with its bytes."""

from __future__ import annotations

from sqlalchemy import delete, func, insert, select

from heliograph.adapters.journal import schema
from heliograph.adapters.journal.base import Base, replace_rows
from heliograph.model import Shown


class PictureTables(Base):
    """See ``ports.PictureBook``."""

    def unseen(self, limit: int) -> list[tuple[str, str]]:
        use, picture, story = schema.picture_use.c, schema.picture.c, schema.story.c
        query = (
            select(use.url, func.min(use.code))
            .join(schema.story, story.code == use.code)
            .outerjoin(schema.picture, picture.url == use.url)
            .where(picture.url.is_(None))
            .group_by(use.url)
            .order_by(func.max(story.sort).desc(), use.url)
            .limit(limit)
        )
        with self.engine.connect() as db:
            return [(url, code) for url, code in db.execute(query)]

    def same_picture(self, key: str) -> Shown | None:
        picture, held = schema.picture.c, schema.picture_bytes.c
        query = (
            select(schema.picture, held.avif, held.webp)
            .join(schema.picture_bytes, held.key == picture.key)
            .where(picture.key == key)
            .limit(1)
        )
        with self.engine.connect() as db:
            row = db.execute(query).first()
        if row is None:
            return None
        colours = (row.colour_1, row.colour_2)
        return Shown(pid=row.pid, width=row.width, height=row.height, colours=colours, avif=row.avif, webp=row.webp)

    def keep_picture(self, url: str, key: str, shown: Shown | None, failure: str = "") -> list[str]:
        row = {
            "url": url,
            "key": key,
            "pid": shown.pid if shown else "",
            "width": shown.width if shown else 0,
            "height": shown.height if shown else 0,
            "colour_1": shown.colours[0] if shown else "",
            "colour_2": shown.colours[1] if shown else "",
            "failure": failure,
        }
        with self.writing.begin() as db:
            replace_rows(db, schema.picture, schema.picture.c.url, [row])
            if shown:
                held = schema.picture_bytes
                if not db.scalar(select(held.c.key).where(held.c.key == key)):
                    db.execute(delete(held).where(held.c.key == key))
                    db.execute(insert(held), [{"key": key, "avif": shown.avif, "webp": shown.webp}])
            use = schema.picture_use.c
            return sorted(db.scalars(select(use.code).where(use.url == url)))
