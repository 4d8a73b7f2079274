"""mirror -> sighting -> verdict: one round from here, weighed with what other vantages reported.

targets -> look -> saw -> judge -> conclude
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final

import anyio

from heliograph import watch
from heliograph.config import Config, MirrorTable, Watch
from heliograph.flows.foreign import signed
from heliograph.flows.rotate import pool_of
from heliograph.model.mirror import MOST_PAGE, Mirror, SitePage
from heliograph.model.sighting import Content, Fetch, Finding, Outcome, Result, Sighting, Vantage
from heliograph.ports import Outside, PoolBook, ReleaseBook
from heliograph.watch.judge import AHEAD, MEMORY, MOST
from heliograph.watch.sensor import Hearsay, hear
from heliograph.watch.steps import Controls, Target

_NOTHING: Final[Mapping[str, bytes]] = MappingProxyType({})
LADDER = "ladder/"  # path of the test bodies of ``heliograph serve``
_AT_ONCE = 4  # mirrors looked at side by side; each look keeps its own pace
_LATE = timedelta(hours=1)  # after a release, until a mirror that does not have it shows an old one


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """A mirror that is looked at."""

    name: str
    url: str
    addresses: tuple[str, ...] = ()
    ladder: bool = False
    sensor: str = ""
    site: SitePage | None = None  # where it passes the newsroom's own site through


@dataclass(frozen=True, slots=True, kw_only=True)
class Patrol:
    """What one round saw, and what stands after it."""

    sightings: tuple[Sighting, ...]
    findings: tuple[Finding, ...]
    changed: tuple[Finding, ...]  # findings of another kind or strength than before, new ones among them
    misread: tuple[str, ...] = ()  # files of sensors that are none, a sentence each


async def patrol(
    outside: Outside,
    config: Config,
    now: datetime,
    chance: Callable[[], float],
    *,
    deep: bool = False,
    counted: Mapping[str, bytes] = _NOTHING,
) -> Patrol:
    """Look at every mirror that readers reach, and judge it with all that is known.

    ``chance`` gives numbers from 0 to 1 (1 excluded) for order and timing. ``counted`` holds the files of sensors, by
    the name of the mirror; they are not trusted.
    """
    journal, mirrors = outside.journal, watched(outside.journal, config)
    sightings = await _look(outside, config, mirrors, now, chance, deep=deep)
    journal.saw(sightings, now)

    heard, misread = _hear(mirrors, counted, now)
    before = journal.findings()
    urls = {mirror.url for mirror in mirrors}
    findings = watch.judge(
        [one for one in journal.sightings(now - MEMORY, now + AHEAD, MOST) if one.mirror in urls],
        now,
        roster=roster(config),
        before=[finding for finding in before if finding.mirror in urls],
        addresses={mirror.url: mirror.addresses for mirror in mirrors},
        heard=heard,
    )
    journal.conclude(findings)
    known = {(finding.mirror, finding.network, finding.kind, finding.strength) for finding in before}
    changed = [one for one in findings if (one.mirror, one.network, one.kind, one.strength) not in known]
    return Patrol(sightings=tuple(sightings), findings=findings, changed=tuple(changed), misread=tuple(misread))


def watched(journal: PoolBook, config: Config, *, told: bool = False) -> list[Watched]:
    """The mirrors to look at: those of the configuration that have an address, and those that hosts have raised.

    With ``told`` without those that no reader is told of: who gets that list may be the censor.
    """
    pool = {mirror.name: mirror for mirror in pool_of(journal, config)}
    known = {name for name, one in pool.items() if one.told is not None or not told}
    phases = {"live", "resting"} if told else {"creating", "spare", "live", "resting"}
    found = [as_set(one) for one in config.mirror if one.url and one.name in known]
    raised = (one for one in pool.values() if one.host and one.url and one.phase in phases and one.name in known)
    return found + [Watched(name=one.name, url=one.url, site=_site(config, one)) for one in raised]


def _site(config: Config, mirror: Mirror) -> SitePage | None:
    """How it is known, if it shows the site: that it does also when its host has left the configuration."""
    return config.site_page(mirror.host) or (SitePage(path="", text="") if mirror.site else None)


def as_set(table: MirrorTable) -> Watched:
    """A mirror as the configuration has it."""
    return Watched(name=table.name, url=table.url, addresses=table.addresses, ladder=table.ladder, sensor=table.sensor)


def _hear(mirrors: Sequence[Watched], counted: Mapping[str, bytes], now: datetime) -> tuple[list[Hearsay], list[str]]:
    """What the mirrors' sensors tell, and which files are none."""
    heard: list[Hearsay] = []
    misread = []
    for mirror in mirrors:
        if mirror.name in counted:
            try:
                heard += hear(counted[mirror.name], mirror=mirror.url, name=mirror.name, now=now, memory=MEMORY)
            except ValueError as err:
                misread.append(f"mirror {mirror.name}: {mirror.sensor} is no file of a sensor: {err}")
    return heard, misread


def roster(config: Config) -> tuple[Vantage, ...]:
    """Who measures: this machine, and whom the configuration names."""
    here = Vantage(name=config.watch.name, network=config.watch.network, outside=config.watch.outside)
    others = (
        Vantage(
            name=table.name,
            network=table.network,
            country=table.country,
            weight=table.weight,
            outside=table.outside,
        )
        for table in config.vantage
    )
    return (here, *others)


def controls(table: Watch) -> Controls:
    """What mirrors are compared with, as configured."""
    return Controls(
        anchors=table.anchors,
        ordinary=table.ordinary,
        name=table.innocent,
        large=table.large,
        udp=table.resolver,
        doh=table.doh,
    )


def target(mirror: Watched) -> Target:
    """A mirror as it is looked at."""
    if mirror.site is not None:
        return site_target(mirror.url, mirror.site.path)
    return Target(url=mirror.url, addresses=mirror.addresses, ladder=LADDER if mirror.ladder else "")


def site_target(url: str, page: str) -> Target:
    """A mirror of the newsroom's own site as it is looked at: its page may be a heavy one."""
    return Target(url=url, path=page, limit=MOST_PAGE)


async def _look(
    outside: Outside,
    config: Config,
    mirrors: Sequence[Watched],
    now: datetime,
    chance: Callable[[], float],
    *,
    deep: bool,
) -> list[Sighting]:
    found: dict[str, Sighting] = {}
    gate = anyio.Semaphore(_AT_ONCE)
    given = controls(config.watch)

    async def one(mirror: Watched) -> None:
        async with gate:
            results = await outside.prober.look(watch.probe(target(mirror), given, chance, deep=deep))
        sighting = Sighting(
            mirror=mirror.url,
            vantage=config.watch.name,
            network=config.watch.network,
            started=now,
            results=results,
        )
        # what a site shows is signed by nobody: whether a page arrives is all that can be told of it
        known = _content(outside, results, now) if mirror.site is None else ""
        found[mirror.url] = replace(sighting, content=known)
        outside.watcher.step("patrol", 1)

    outside.watcher.begin("patrol", len(mirrors))
    async with anyio.create_task_group() as tasks:
        for mirror in sorted(mirrors, key=lambda _: chance()):
            tasks.start_soon(one, mirror)
    outside.watcher.end("patrol")
    return [found[mirror.url] for mirror in mirrors]


def _content(outside: Outside, results: Sequence[Result], now: datetime) -> Content:
    """What the page of a look is to this newsroom."""
    page = page_of(results)
    if page is None:
        return ""
    known = shown_as(outside.journal, page.digest, now)
    return known or ("old" if signed(outside, page.opening.encode()) else "strange")


def shown_as(journal: ReleaseBook, digest: str, when: datetime) -> Content:
    """What a page of this SHA-256 (hex) was ``when`` it was seen; "" where the journal does not know it."""
    latest, shown = journal.latest(), journal.signed_as(digest)
    if shown is None or latest is None:
        return ""
    return "old" if shown.serial < latest.serial and latest.made < when - _LATE else "current"


def page_of(results: Sequence[Result]) -> Outcome | None:
    """The page of a look, if it came whole."""
    for one in results:
        if isinstance(one.check, Fetch) and one.check.tag.startswith("page") and one.outcome.status == 200:
            return one.outcome if one.outcome.ok else None
    return None
