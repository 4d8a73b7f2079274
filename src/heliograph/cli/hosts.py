"""From a mirror's table of the configuration to the store that it names; what a kind needs is loaded with its use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from heliograph.adapters.folder import Folder
from heliograph.config import Config, FolderMirror, GivenHost, HostTable, MirrorTable
from heliograph.model import ConfigError
from heliograph.ports import Host, MirrorStore


def raising(config: Config) -> tuple[Host, ...]:
    """The hosts of the configuration.

    Raises:
        ConfigError: a file that a table names cannot be used.
    """
    return tuple(_host(config, table) for table in config.host)


def _host(config: Config, table: HostTable) -> Host:
    if isinstance(table, GivenHost):
        from heliograph.adapters.hosts.given import Given

        notes = config.state_folder / "hosts" / f"{table.name}.json"
        return Given(table.name, table.provider, table.urls, notes)
    from heliograph.adapters.hosts.cloudfront import Bucket, CloudFront, Site

    origin = (
        Bucket(domain=table.bucket, access_control=table.access_control)
        if table.bucket
        else Site(domain=table.site, secret_file=config.folder / table.secret)
    )
    return CloudFront(
        table.name,
        origin,
        most=table.most,
        credentials=config.folder / table.credentials if table.credentials else None,
        endpoint=table.endpoint,
    )


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
