"""From a mirror's table of the configuration to the store that it names; what a kind needs is loaded with its use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

from heliograph.adapters.folder import Folder
from heliograph.adapters.hosts.held import Held
from heliograph.adapters.hosts.objects import Bin, Objects
from heliograph.config import (
    Config,
    FolderMirror,
    GitMirror,
    MirrorTable,
    RsyncMirror,
    SftpMirror,
    WebdavMirror,
)
from heliograph.model import ConfigError
from heliograph.ports import MirrorStore


@asynccontextmanager
async def opened(config: Config, table: MirrorTable) -> AsyncIterator[MirrorStore]:
    """The place of ``table``; its connections end with the block.

    Raises:
        ConfigError: a file that the table names cannot be used.
    """
    match table:
        case FolderMirror():
            yield Folder(config.mirror_path(table), table.name)
        case SftpMirror():
            from heliograph.adapters.hosts.sftp import SftpBin

            key, known_hosts = _file(config, table.key), _file(config, table.known_hosts)
            async with SftpBin(
                table.host,
                table.port,
                table.user,
                table.path,
                key,
                known_hosts,
                place=table.place,
                parallel=table.parallel,
            ) as bin_:
                yield _beside(config, table, bin_)
        case RsyncMirror():
            yield _rsync(config, table)
        case WebdavMirror():
            from heliograph.adapters.hosts.webdav import WebdavBin

            credentials = _file(config, table.credentials) if table.credentials else None
            async with WebdavBin(table.address, credentials, place=table.place, parallel=table.parallel) as bin_:
                yield _beside(config, table, bin_)
        case GitMirror():
            yield _git(config, table)
        case _:
            raise ConfigError("mirrors of this kind are not built yet", where=f"mirror {table.name}")


def _beside(config: Config, table: SftpMirror | WebdavMirror, bin_: Bin) -> Objects:
    """A mirror where encodings lie beside their page."""
    return Objects(name=table.name, bin=bin_, held=_held(config, table), coded=False, parallel=table.parallel)


def _rsync(config: Config, table: RsyncMirror) -> MirrorStore:
    from heliograph.adapters.hosts.rsync import Rsync, SshPlace

    at = SshPlace(
        host=table.host, port=table.port, user=table.user, path=table.path, key=_file(config, table.key),
        known_hosts=_file(config, table.known_hosts),
    )  # fmt: skip
    return Rsync(name=table.name, at=at, place=table.place, held=_held(config, table))


def _git(config: Config, table: GitMirror) -> MirrorStore:
    from heliograph.adapters.hosts.git import GitPages, Repository

    key, known_hosts, credentials = (
        _file(config, value) if value else None for value in (table.key, table.known_hosts, table.credentials)
    )
    at = Repository(remote=table.remote, branch=table.branch, key=key, known_hosts=known_hosts, credentials=credentials)
    return GitPages(
        name=table.name, at=at, place=table.place, folder=_state(config, table, "git"), held=_held(config, table),
        clock=lambda: datetime.now(UTC),  # noqa: TID251 - the edge, where the clock is
    )  # fmt: skip


def _held(config: Config, table: MirrorTable) -> Held:
    return Held(_state(config, table, "held"))


def _state(config: Config, table: MirrorTable, what: str) -> Path:
    """What this machine remembers of a mirror: it may be removed, and is then learnt once more."""
    return config.state_folder / "hosts" / f"{table.name}.{what}"


def _file(config: Config, path: str) -> Path:
    """A file that a table names."""
    return config.folder / Path(path).expanduser()
