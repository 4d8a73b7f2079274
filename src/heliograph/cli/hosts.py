"""From a mirror's table of the configuration to the store that it names; what a kind needs is loaded with its use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from heliograph.adapters.folder import Folder
from heliograph.config import Config, FolderMirror, MirrorTable
from heliograph.model import ConfigError
from heliograph.ports import MirrorStore


@asynccontextmanager
async def opened(config: Config, table: MirrorTable) -> AsyncIterator[MirrorStore]:
    """The place of ``table``; its connections end with the block.

    Raises:
        ConfigError: a file that the table names cannot be used.
    """
    if isinstance(table, FolderMirror):
        yield Folder(config.mirror_path(table), table.name)
        return
    raise ConfigError("mirrors of this kind are not built yet", where=f"mirror {table.name}")
