"""From a mirror's table of the configuration to the store that it names; what a kind needs is loaded with its use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from heliograph.adapters.folder import Folder
from heliograph.adapters.hosts.held import Held
from heliograph.adapters.hosts.objects import Bin, Objects
from heliograph.config import AzureMirror, Config, FolderMirror, GcsMirror, GivenHost, HostTable, MirrorTable, S3Mirror
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
        credentials=_file(config, table.credentials),
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
    if isinstance(table, S3Mirror | AzureMirror | GcsMirror):
        held = Held(config.state_folder / "hosts" / f"{table.name}.sqlite")
        yield Objects(name=table.name, bin=_bucket(config, table), held=held, coded=True, parallel=table.parallel)
        return
    raise ConfigError("mirrors of this kind are not built yet", where=f"mirror {table.name}")


def _bucket(config: Config, table: S3Mirror | AzureMirror | GcsMirror) -> Bin:
    from heliograph.adapters.hosts import buckets  # loaded here: a newsroom of folders starts sooner without it

    credentials = _file(config, table.credentials)
    match table:
        case S3Mirror():
            return buckets.S3Bin(
                bucket=table.bucket,
                prefix=table.prefix,
                endpoint=table.endpoint,
                region=table.region,
                credentials=credentials,
            )
        case AzureMirror():
            return buckets.AzureBin(
                account=table.account,
                container=table.container,
                prefix=table.prefix,
                endpoint=table.endpoint,
                credentials=credentials,
            )
        case _:
            return buckets.GcsBin(
                bucket=table.bucket, prefix=table.prefix, endpoint=table.endpoint, credentials=credentials
            )


def _file(config: Config, path: str) -> Path | None:
    """A file that a table names, relative to the configuration's folder; None where it names none."""
    return (config.folder / path).resolve() if path else None
