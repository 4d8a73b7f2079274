"""Ports meet adapters here, and nowhere else."""

from __future__ import annotations

import functools
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

from heliograph import __version__
from heliograph.adapters.folder import Folder
from heliograph.adapters.journal import SqlJournal
from heliograph.adapters.keys import Keys
from heliograph.adapters.local import LocalSources
from heliograph.adapters.web import Patience, WebSources
from heliograph.adapters.workers import Workers
from heliograph.cli.hosts import opened, raising
from heliograph.config import Config
from heliograph.flows.work import follows, learn_templates
from heliograph.model import Answer, Ask
from heliograph.model.sighting import Result, Steps
from heliograph.ports import Outside, Prober, Watcher

_IN_ALL = 16  # connections to all origins together
_PRELOAD = ["heliograph.flows.work"]


class Routed:
    """``ports.Sources`` by scheme: the web, or this machine's own files."""

    def __init__(self, web: WebSources, local: LocalSources) -> None:
        self._web, self._local = web, local

    async def fetch(self, ask: Ask) -> Answer:
        """See ``ports.Sources``."""
        return await (self._local if urlsplit(ask.url).scheme == "file" else self._web).fetch(ask)


class _Here:
    """``ports.Prober`` from this machine, loaded when it is first used: a pass that publishes starts sooner."""

    async def look(self, steps: Steps) -> tuple[Result, ...]:
        """See ``ports.Prober``."""
        return await self._prober.look(steps)

    @functools.cached_property
    def _prober(self) -> Prober:
        from heliograph.adapters.prober import Prober as Real  # reads the system's certificates, once

        return Real()


def open_journal(config: Config) -> SqlJournal:
    """The journal of this newsroom; made if there is none.

    Raises:
        HeliographError: it cannot be opened.
    """
    return SqlJournal(config.journal_url, config.state_folder)


@asynccontextmanager
async def outside(config: Config, watcher: Watcher) -> AsyncIterator[Outside]:
    """Everything a flow asks of the world, for one pass or many.

    Raises:
        HeliographError: the journal cannot be opened.
    """
    cores = config.state.workers or len(os.sched_getaffinity(0))
    own = [source.url for source in config.sources()]
    web = WebSources(
        agent=f"{config.capture.agent} heliograph/{__version__}",
        own=own,
        per_origin=config.capture.connections,
        in_all=max(_IN_ALL, config.capture.connections),
        patience=Patience(silence=config.capture.timeout_seconds),
        proxy=config.capture.proxy,
    )
    workers = Workers(cores, _PRELOAD, heavy=(learn_templates, follows))
    try:
        with open_journal(config) as journal:
            async with web, AsyncExitStack() as stack:
                yield Outside(
                    sources=Routed(web, LocalSources(own)),
                    journal=journal,
                    stage=Folder(config.state_folder / "edition"),
                    keys=Keys(config.keys_folder),
                    mirrors=tuple([await stack.enter_async_context(opened(config, one)) for one in config.stores]),
                    hosts=raising(config, journal),
                    prober=_Here(),
                    workers=workers,
                    watcher=watcher,
                    cores=cores,
                )
    finally:
        workers.shutdown(wait=True, cancel_futures=True)
