"""Cards on their way to a channel: drawn in the newsroom's fonts, and laid where a provider can fetch them."""

from __future__ import annotations

import asyncio
import functools
import json
import secrets
from datetime import UTC, datetime, timedelta
from typing import Final

from heliograph.adapters.folder import Folder
from heliograph.announce import cards
from heliograph.announce.cards import SHAPES, Style
from heliograph.cli import fonts
from heliograph.cli.hosts import bucket
from heliograph.config import AzureMirror, Config, FolderMirror, GcsMirror, MirrorTable, S3Mirror
from heliograph.flows.announce import Art
from heliograph.model import ConfigError
from heliograph.model.post import Card
from heliograph.ports import Journal

_KEEP: Final = timedelta(hours=1)  # that a card lies there: a container lives for a day, its picture is fetched at once
_NOTE: Final = "shelf"
_WIDE: Final = frozenset({"telegram", "viber", "facebook", "webhook"})


def art_of(config: Config, journal: Journal) -> Art:
    """How cards of this newsroom are drawn and laid out."""
    drawer = _Drawer(config)
    return Art(draw=drawer.draw, shelve=Shelf(config, journal).lay)


class _Drawer:
    """Fonts are read when the first card is drawn: most newsrooms need none."""

    def __init__(self, config: Config) -> None:
        self._config = config

    def draw(self, card: Card, kind: str) -> bytes:
        return cards.draw(card, self._style, SHAPES["wide" if kind in _WIDE else "tall"])

    @functools.cached_property
    def _style(self) -> Style:
        return fonts.style(self._config)


class Shelf:
    """A part of a mirror's place where cards lie for an hour, under names that nobody can guess."""

    def __init__(self, config: Config, journal: Journal) -> None:
        self._config, self._journal, self._one_by_one = config, journal, asyncio.Lock()

    async def lay(self, data: bytes) -> str:
        """The address of a card; "" where there is no shelf.

        Raises:
            StoreError: it cannot be laid there.
            ConfigError: the mirror that is named cannot hold one.
        """
        if not self._config.announce.shelf:
            return ""
        table = next(one for one in self._config.mirror if one.name == self._config.announce.shelf)
        if not table.url:
            remedy = "give it the url where anybody reaches it"
            raise ConfigError("cards that lie there have no address", where=f"mirror {table.name}", remedy=remedy)
        async with self._one_by_one:
            now = datetime.now(UTC)  # noqa: TID251 - the edge, where the clock is
            lying: dict[str, str] = json.loads(self._journal.recall(_NOTE) or "{}")
            old = [name for name, until in lying.items() if datetime.fromisoformat(until) < now]
            name = f"s/{secrets.token_hex(12)}.jpg"
            lying[name] = (now + _KEEP).isoformat()
            self._journal.note(_NOTE, json.dumps(lying))  # first, so that nothing lies there that nobody knows of
            await self._place(table, name, data, old)
            self._journal.note(_NOTE, json.dumps({key: until for key, until in lying.items() if key not in old}))
        return table.url + name

    async def _place(self, table: MirrorTable, name: str, data: bytes, old: list[str]) -> None:
        match table:
            case FolderMirror():
                folder = Folder(self._config.mirror_path(table))
                folder.put([(name, data)])
                folder.remove(old)
            case S3Mirror() | AzureMirror() | GcsMirror():
                from heliograph.adapters.hosts.objects import Put

                place = bucket(self._config, table)
                await place.put(Put(key=name, data=data, content_type="image/jpeg", cache_control="max-age=3600"))
                await place.delete(old)
            case _:
                remedy = "name a mirror in [announce] shelf whose kind is folder, s3, azure or gcs"
                raise ConfigError("cards cannot lie there", where=f"mirror {table.name}", remedy=remedy)
