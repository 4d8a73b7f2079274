"""A vantage at work, on a volunteer's machine: list -> look -> sealed reports -> drop.

Rule 1: mirrors are looked at one after the other, by lot, at the prober's own pace. Rule 2: what was seen is sealed at
once; nothing that can be read stays on the machine but its token. Rule 3: without a list that the newsroom signed and
that has not ended, nothing is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from heliograph import watch
from heliograph.flows.patrol import page_of, site_target
from heliograph.model.lookout import POINTER, Sought, WorkList, pack_reports
from heliograph.model.release import Ask
from heliograph.model.sighting import Sighting
from heliograph.ports import Line, Mailbox, Prober, Reach
from heliograph.trust import bundle, drop
from heliograph.trust.sealing import shared
from heliograph.trust.vantage import Token, open_list
from heliograph.watch.steps import Controls, Target

MOST_SHEET = 5_120  # bytes of a sealed list
_DAY = timedelta(days=1)
_EPOCH = 719_163  # date.toordinal() of 1970-01-01


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """A work list, and the sealed bytes it came in; what was wrong with others."""

    work: WorkList | None = None
    data: bytes = b""
    faults: tuple[str, ...] = ()


def day_of(moment: datetime) -> int:
    """Days since 1970."""
    return moment.toordinal() - _EPOCH


async def fetch_list(mirrors: Sequence[Reach], token: Token, now: datetime, newest: datetime | None) -> Fetched:
    """The first list that any of ``mirrors`` has for this vantage; none made before ``newest`` is believed.

    The clock here may be wrong by a day: names of yesterday and tomorrow are tried after today's.
    """
    common, faults = shared(token.secret, token.inbox), []
    for mirror in mirrors:
        for day in (now, now - _DAY, now + _DAY):
            name = drop.place(common, day_of(day))
            got = await mirror.get(Ask(mirror=0, name=f"drop/{name}", limit=MOST_SHEET))
            if got.fate == "missing":
                continue
            if got.fate != "whole":
                faults.append(f"{mirror.place}: no answer")
                break
            try:
                work = open_list(got.data, token, now)
            except ValueError as error:
                faults.append(f"{mirror.place}: {error}")
                continue
            if newest is not None and work.made < newest:
                faults.append(f"{mirror.place}: it is older than the one before")
                continue
            return Fetched(work=work, data=got.data, faults=tuple(faults))
        else:
            faults.append(f"{mirror.place}: no list there")
    return Fetched(faults=tuple(faults))


async def look(
    prober: Prober,
    work: WorkList,
    clock: Callable[[], datetime],
    chance: Callable[[], float],
    seen: Callable[[Sighting], None],
    *,
    deep: bool,
) -> None:
    """One round over the mirrors of ``work``; each sighting goes to ``seen`` when it is made."""
    given = Controls(
        anchors=work.anchors,
        ordinary=work.ordinary,
        name=work.innocent,
        large=work.large,
        udp=work.resolver,
        doh=work.doh,
    )
    for mirror in sorted(work.mirrors, key=lambda _: chance()):
        started = clock()
        results = await prober.look(watch.probe(_target(mirror), given, chance, deep=deep))
        page = page_of(results)
        signed = mirror.page == POINTER
        strange = signed and page is not None and bundle.split(page.opening.encode("utf-8", "replace")) is None
        seen(
            Sighting(
                mirror=mirror.url,
                vantage=work.vantage,
                network=work.network,
                started=started,
                results=results,
                content="strange" if strange else "",  # the rest is told by the newsroom, which knows its pages
            )
        )


def seal(
    sightings: Sequence[Sighting], token: Token, now: datetime, entropy: Callable[[int], bytes], out: Mailbox
) -> int:
    """Lay ``sightings`` into ``out`` as sealed reports; how many.

    Raises:
        StoreError: ``out`` cannot be written.
    """
    payloads = pack_reports(now, sightings, drop.PAYLOAD)
    for payload in payloads:
        out.take(drop.report(payload, token.secret, token.inbox, entropy(drop.NUMBER)))
    return len(payloads)


async def send(out: Mailbox, lines: Sequence[Line], most: int) -> int:
    """Post up to ``most`` messages of ``out``, each to the first of ``lines`` that takes it; how many went.

    A line that fails is not tried again in this round.

    Raises:
        StoreError: ``out`` cannot be used.
    """
    working, sent = list(lines), 0
    for name in out.names()[:most]:
        message = out.read(name)
        if len(message) != drop.MESSAGE:  # cut off when the power went: of no use to anybody
            out.remove(name)
            continue
        while working:
            if await working[0].post(message):
                out.remove(name)
                sent += 1
                break
            working.pop(0)
    return sent


def _target(mirror: Sought) -> Target:
    if mirror.page != POINTER:
        return site_target(mirror.url, mirror.page)
    return Target(url=mirror.url, addresses=mirror.addresses, ladder=mirror.ladder)
