"""``probe``: one look from here at each address, as a line for people or an OONI measurement for scripts."""

from __future__ import annotations

import asyncio
import json
import random
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from heliograph import __version__
from heliograph.adapters.prober import Prober
from heliograph.cli.screen import err, out
from heliograph.config import Config, Watch, load
from heliograph.flows import patrol
from heliograph.model import ConfigError
from heliograph.model.onions import is_onion
from heliograph.model.sighting import Diagnosis, Sighting
from heliograph.watch import Controls, Target, diagnose, probe
from heliograph.watch.ooni import to_ooni

_AT_ONCE = 3  # mirrors looked at side by side; each keeps to its own pace


def run(
    urls: Sequence[str],
    config: Path,
    *,
    addresses: Sequence[str],
    deep: bool,
    burst: bool,
    authorities: Path | None,
    as_json: bool,
) -> int:
    """Look and tell; 1 if a page of one of them does not arrive."""
    settings = load(config) if config.exists() else None
    targets = [_target(url, settings, addresses) for url in urls]
    given = patrol.controls(settings.watch if settings else Watch())
    network = settings.watch.network if settings else "here"
    found = asyncio.run(_look(targets, given, network, deep=deep, burst=burst, authorities=authorities, quiet=as_json))
    for sighting, diagnosis in found:
        if as_json:
            print(json.dumps(to_ooni(sighting, diagnosis, version=__version__), ensure_ascii=False))
        else:
            _tell(sighting, diagnosis)
    return 0 if all(diagnosis.readable for _, diagnosis in found) else 1


async def _look(
    targets: Sequence[Target],
    given: Controls,
    network: str,
    *,
    deep: bool,
    burst: bool,
    authorities: Path | None,
    quiet: bool,
) -> list[tuple[Sighting, Diagnosis]]:
    prober, gate = Prober(authorities=authorities), asyncio.Semaphore(_AT_ONCE)
    chance = random.SystemRandom().random

    async def one(target: Target) -> tuple[Sighting, Diagnosis]:
        async with gate:
            started = datetime.now(UTC)  # noqa: TID251 - the command line is where time comes from
            results = await prober.look(probe(target, given, chance, deep=deep, burst=burst))
        sighting = Sighting(mirror=target.url, vantage="here", network=network, started=started, results=results)
        return sighting, diagnose(sighting, addresses=target.addresses)

    looks = asyncio.gather(*(one(target) for target in targets))
    if quiet:
        return await looks
    what = "two minutes, because of --burst" if burst else "a second if all is well, half a minute if not"
    with err.status(f"looking at {len(targets)} mirrors: {what}"):
        return await looks


def _target(url: str, settings: Config | None, addresses: Sequence[str]) -> Target:
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine:
        raise ConfigError("it is no address of a mirror", where=url, remedy="give https://…/")
    if is_onion(parts.hostname or ""):
        remedy = "what is blocked is Tor, not an onion service; whether it serves: heliograph verify --socks"
        raise ConfigError("an onion address is not probed: DNS must not be asked for it", where=url, remedy=remedy)
    base = url if url.endswith("/") else url + "/"
    known = next((mirror for mirror in settings.mirror if mirror.url == base), None) if settings else None
    if known is None:
        return Target(url=base, addresses=tuple(addresses), ladder=patrol.LADDER)
    watched = patrol.target(patrol.as_set(known))
    return replace(watched, addresses=tuple(addresses)) if addresses else watched


def _tell(sighting: Sighting, diagnosis: Diagnosis) -> None:
    """Two or three lines: pages arrive or not, the verdict, and what was seen."""
    style = "green" if diagnosis.kind == "well" else "yellow" if diagnosis.readable else "red"
    mark = "arrives" if diagnosis.readable else "fails  "
    out.print(f"{mark}  {sighting.mirror}", style=style, markup=False, soft_wrap=True)
    for line in (said(diagnosis), *(diagnosis.evidence or (_pace(sighting),))):
        out.print(textwrap.indent(textwrap.fill(line, out.width - 9), " " * 9), markup=False, highlight=False)


def said(diagnosis: Diagnosis) -> str:
    """The verdict with its number, such as "curtain (25 packets)"."""
    if diagnosis.threshold:
        return f"{diagnosis.kind} ({diagnosis.threshold:,} {diagnosis.unit})"
    if diagnosis.rate:
        return f"{diagnosis.kind} ({diagnosis.rate:,} B/s)"
    return diagnosis.kind if diagnosis.controlled or diagnosis.kind == "well" else f"{diagnosis.kind}, without controls"


def _pace(sighting: Sighting) -> str:
    pages = [one.outcome for one in sighting.results if one.check.tag == "page" and one.outcome.ok]
    if not pages:
        return ""
    seconds = pages[0].ended - pages[0].started
    return f"a page in {seconds * 1_000:.0f} ms, {pages[0].received:,} bytes, round trip {pages[0].rtt * 1_000:.0f} ms"
