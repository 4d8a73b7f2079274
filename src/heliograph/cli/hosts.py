"""From tables of the configuration to the stores and hosts that they name; what a kind needs is loaded with its use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from heliograph.adapters.folder import Folder
from heliograph.config import (
    AzureMirror,
    CloudFrontSiteHost,
    Config,
    FolderMirror,
    GcsMirror,
    GitMirror,
    GivenHost,
    HostTable,
    RsyncMirror,
    S3Mirror,
    SftpMirror,
    StoreTable,
    WebdavMirror,
)
from heliograph.flows.rotate import former
from heliograph.ports import Host, Journal, MirrorStore

if TYPE_CHECKING:
    from heliograph.adapters.hosts.held import Held
    from heliograph.adapters.hosts.objects import Bin, Objects


def raising(config: Config, journal: Journal) -> tuple[Host, ...]:
    """The hosts of the configuration; ``journal`` knows what they have raised.

    Raises:
        ConfigError: a file that a table names cannot be used.
    """
    return tuple(_host(config, table, journal) for table in config.host)


def _host(config: Config, table: HostTable, journal: Journal) -> Host:
    if isinstance(table, GivenHost):
        from heliograph.adapters.hosts.given import Given

        notes = _state(config, table.name, "json")
        return Given(table.name, table.provider, table.urls, notes, lambda: former(journal, table.name))
    from heliograph.adapters.hosts.cloudfront import Bucket, CloudFront, Site

    origin: Bucket | Site
    if isinstance(table, CloudFrontSiteHost):
        origin = Site(
            domain=table.domain,
            port=table.port,
            secret_file=config.file(table.secret),
            cache_policy=table.cache_policy,
        )
    else:
        origin = Bucket(domain=table.bucket, access_control=table.access_control)
    return CloudFront(
        table.name,
        origin,
        site=config.site_page(table.name),
        mark=table.name,  # two hosts of one account are told apart by it
        most=table.most,
        credentials=config.file(table.credentials) if table.credentials else None,
        endpoint=table.endpoint,
    )


@asynccontextmanager
async def opened(config: Config, table: StoreTable) -> AsyncIterator[MirrorStore]:
    """The place of ``table``; its connections end with the block.

    Raises:
        ConfigError: a file that the table names cannot be used.
    """
    match table:
        case FolderMirror():
            yield Folder(config.mirror_path(table), table.name)
        case S3Mirror() | AzureMirror() | GcsMirror():
            yield _objects(config, table, bucket(config, table), coded=True)
        case SftpMirror():
            from heliograph.adapters.hosts.sftp import SftpBin

            async with SftpBin(
                table.host,
                table.port,
                table.user,
                table.path,
                config.file(table.key),
                config.file(table.known_hosts),
                place=table.place,
                parallel=table.parallel,
            ) as server:
                yield _objects(config, table, server, coded=False)
        case RsyncMirror():
            yield _rsync(config, table)
        case WebdavMirror():
            from heliograph.adapters.hosts.webdav import WebdavBin

            credentials = config.file(table.credentials) if table.credentials else None
            async with WebdavBin(table.address, credentials, place=table.place, parallel=table.parallel) as folder:
                yield _objects(config, table, folder, coded=False)
        case GitMirror():
            yield _git(config, table)


def _objects(
    config: Config, table: S3Mirror | AzureMirror | GcsMirror | SftpMirror | WebdavMirror, at: Bin, *, coded: bool
) -> Objects:
    from heliograph.adapters.hosts.objects import Objects

    return Objects(name=table.name, bin=at, held=_held(config, table), coded=coded, parallel=table.parallel)


def bucket(config: Config, table: S3Mirror | AzureMirror | GcsMirror) -> Bin:
    """The bucket of ``table``, whose objects are put and deleted one by one."""
    from heliograph.adapters.hosts import buckets  # loaded here: a newsroom of folders starts sooner without it

    credentials = config.file(table.credentials) if table.credentials else None
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


def _rsync(config: Config, table: RsyncMirror) -> MirrorStore:
    from heliograph.adapters.hosts.rsync import Rsync, SshPlace

    at = SshPlace(
        host=table.host,
        port=table.port,
        user=table.user,
        path=table.path,
        key=config.file(table.key),
        known_hosts=config.file(table.known_hosts),
    )
    return Rsync(name=table.name, at=at, place=table.place, held=_held(config, table))


def _git(config: Config, table: GitMirror) -> MirrorStore:
    from heliograph.adapters.hosts.git import GitPages, Repository

    key, known_hosts, credentials = (
        config.file(value) if value else None for value in (table.key, table.known_hosts, table.credentials)
    )
    return GitPages(
        name=table.name,
        at=Repository(
            remote=table.remote, branch=table.branch, key=key, known_hosts=known_hosts, credentials=credentials
        ),
        place=table.place,
        folder=_state(config, table.name, "git"),
        held=_held(config, table),
        clock=lambda: datetime.now(UTC),  # noqa: TID251 - the edge, where the clock is
    )


def _held(config: Config, table: StoreTable) -> Held:
    from heliograph.adapters.hosts.held import Held

    return Held(_state(config, table.name, "held"))


def _state(config: Config, name: str, what: str) -> Path:
    """What this machine remembers of a mirror or a host."""
    return config.state_folder / "hosts" / f"{name}.{what}"
