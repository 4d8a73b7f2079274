"""Replay: three years in which real newsrooms' mirrors were blocked, with today's practice and with our policy.

    python -m benchmarks.replay [--sites NAME ...] [--json]

The trace is the public history of one list of mirrors (``mirror-lives.csv.gz`` of the test data): seven sites that lost
their mirrors to blocks, 1 July 2022 to 1 July 2025, https only. *Trace* is what was done: one mirror, replaced after it
broke. Every other row is ``heliograph.rotate`` itself, planning at each event. The n-th mirror that a site tells
readers of lives as long as the n-th of its trace, from the moment it is told; a spare does not age. The policy hears of
a death ``d`` later and a new mirror works ``r`` after it was asked for; it never sees the future.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import heapq
import json
import math
import os
import sys
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table as RichTable

from benchmarks.sites import BenchError
from heliograph.model.mirror import HostFacts, Mirror
from heliograph.model.sighting import Finding
from heliograph.rotate import Policy, hurt, moves

SEVEN: Final = (
    "currenttime.tv", "idelreal.org", "kavkazr.com", "ru.krymr.com", "severreal.org", "sibreal.org", "svoboda.org",
)  # fmt: skip
FIRST: Final = datetime(2022, 7, 1, tzinfo=UTC)
LAST: Final = datetime(2025, 7, 1, tzinfo=UTC)
STEP, BACK = timedelta(hours=2), timedelta(days=31)  # between samples; how long before the end they stop
AFTER: Final = {"1 h": 1, "24 h": 24, "7 d": 168, "30 d": 720}  # hours
NETWORK: Final = "readers"
NOTE: Final = (
    "list, return, code: share (%) of links that still lead to the story after that time: by any mirror that the page"
    " named; for a reader who comes back daily and takes the newest list; by the story's code at a mirror that works"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A mirror that readers were told of: from when, until when it worked, and until when they were told."""

    listed: datetime
    dead: datetime
    struck: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is compared."""

    live: int
    spares: int
    known: timedelta  # d
    raised: timedelta  # r
    providers: int = 3  # hosts of as many providers
    together: float = 0.0  # share of deaths that take all mirrors of their provider

    @property
    def name(self) -> str:
        told = f"{self.live} live, {self.spares} spare, d {_span(self.known)}, r {_span(self.raised)}"
        return told + (f", {self.providers} providers, {self.together:.0%} together" if self.together else "")


def traces(path: Path) -> dict[str, list[tuple[datetime, datetime]]]:
    """The https spans of each site, by their beginning; one that is open ends with the file."""
    found: dict[str, list[tuple[datetime, datetime]]] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["protocol"] == "https":
                first = datetime.fromtimestamp(int(row["listed_from"]), UTC)
                until = datetime.fromtimestamp(int(row["listed_until"]), UTC) if row["listed_until"] else LAST
                found.setdefault(row["site"], []).append((first, until))
    return found


def practice(spans: Sequence[tuple[datetime, datetime]]) -> list[Span]:
    """What was done, within the window."""
    inside = [(max(first, FIRST), until) for first, until in spans if until > FIRST and first < LAST]
    return [Span(listed=first, dead=until, struck=until) for first, until in inside]


@dataclass(slots=True)
class Replay:
    """One site under our policy."""

    setting: Setting
    lives: Sequence[timedelta]
    now: datetime = FIRST
    pool: tuple[Mirror, ...] = ()
    told: dict[str, datetime] = field(default_factory=dict)  # when readers first heard of a mirror
    dead: dict[str, datetime] = field(default_factory=dict)
    known: dict[str, datetime] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    events: list[tuple[datetime, int, str, str]] = field(default_factory=list)
    count: int = 0

    def run(self) -> list[Span]:
        """The spans of three years."""
        hosts = [
            HostFacts(name=f"host {number}", provider=f"provider {number}", most=10_000)
            for number in range(self.setting.providers)
        ]
        policy = Policy(
            min_live=self.setting.live,
            spares=self.setting.spares,
            providers=min(2, self.setting.live, self.setting.providers),
            most_a_day=1_000,
            most_a_month=10_000,
        )
        self._plan(policy, hosts)  # nothing is told before the window: what it begins with stands at once
        while self.events:
            self.now, _, what, name = heapq.heappop(self.events)
            if self.now >= LAST:
                break
            match what:
                case "ready":
                    self._set(name, phase="spare", since=self.now)
                case "dies":
                    self._dies(name)
                    continue
                case "known":
                    self.known[name] = self.now
            self._plan(policy, hosts)
        for mirror in self.pool:
            if mirror.phase == "live":
                self._struck(mirror.name, LAST)
        return self.spans

    def _plan(self, policy: Policy, hosts: Sequence[HostFacts]) -> None:
        self.pool = tuple(
            one for one in self.pool if one.phase != "ending" or one.since > self.now - timedelta(days=30)
        )
        urls = {one.url for one in self.pool}
        findings = [
            Finding(mirror=name, network=NETWORK, kind="tcp_ip", strength="likely", since=at, seen=at)
            for name, at in self.known.items()
            if name in urls
        ]
        self.pool = hurt(self.pool, findings, [NETWORK])
        plan = moves(self.pool, findings, policy, self.now, networks=[NETWORK], hosts=hosts)
        again = False
        for move in plan.moves:
            match move.kind:
                case "raise":
                    self._raise(move.host, hosts)
                    again = again or self.now == FIRST
                case "promote":
                    self._set(move.mirror, phase="live", since=self.now)
                    if move.mirror not in self.told:
                        self.told[move.mirror] = self.now
                        life = self.lives[(len(self.told) - 1) % len(self.lives)]
                        self._at(self.now + life, "dies", move.mirror)
                case "rest":
                    self._set(move.mirror, phase="resting", since=self.now)
                    self._struck(move.mirror, self.now)
                case "retire":
                    self._set(move.mirror, phase="ending", since=self.now)
        if again:
            self._plan(policy, hosts)

    def _raise(self, host: str, hosts: Sequence[HostFacts]) -> None:
        self.count += 1
        name = f"m{self.count}"
        provider = next(one.provider for one in hosts if one.name == host)
        early = self.now == FIRST
        new = Mirror(
            name=name,
            provider=provider,
            host=host,
            url=name,
            phase="spare" if early else "creating",
            since=self.now,
            born=self.now,
        )
        self.pool = (*self.pool, new)
        if not early:
            self._at(self.now + self.setting.raised, "ready", name)

    def _dies(self, name: str) -> None:
        """The end of a mirror, and by lot of all of its provider that readers know."""
        mirror = next((one for one in self.pool if one.name == name), None)
        if name in self.dead or mirror is None:
            return
        # a lot that is the same in each run: the golden ratio spreads evenly
        lot = (len(self.dead) * 0.618_033_988_75) % 1.0
        fall = [name]
        if lot < self.setting.together:
            fall += [
                one.name
                for one in self.pool
                if one.provider == mirror.provider and one.name in self.told and one.name not in self.dead
            ]
        for one in dict.fromkeys(fall):
            self.dead[one] = self.now
            self._at(self.now + self.setting.known, "known", one)

    def _struck(self, name: str, when: datetime) -> None:
        self.spans.append(Span(listed=self.told[name], dead=self.dead.get(name, LAST), struck=when))

    def _set(self, name: str, **more: object) -> None:
        self.pool = tuple(replace(one, **more) if one.name == name else one for one in self.pool)  # type: ignore[arg-type]

    def _at(self, when: datetime, what: str, name: str) -> None:
        self.count += 1
        heapq.heappush(self.events, (when, self.count, what, name))


# ---------------------------------------------------------------- what readers had


def gaps(spans: Iterable[Span]) -> list[timedelta]:
    """The times in the window in which no mirror that readers were told of worked."""
    found, until = [], FIRST
    for first, last in sorted((one.listed, min(one.dead, one.struck)) for one in spans):
        if first > until:
            found.append(min(first, LAST) - until)
        until = max(until, last)
    return [*found, LAST - until] if until < LAST else found


def survival(spans: Sequence[Span]) -> dict[str, dict[str, float]]:
    """Share of links read at a random moment that still lead somewhere after a time, by kind of link.

    *bare*: the address itself. *list*: any mirror that the page named. *return*: a reader who comes back every day and
    takes the newest list from any mirror known to him. *code*: the story's code, typed into any mirror that works then.
    """
    ordered = sorted(spans, key=lambda one: one.listed)
    starts = [one.listed for one in ordered]
    longest = max((one.struck - one.listed for one in ordered), default=timedelta())

    def named(when: datetime) -> list[Span]:
        low, high = bisect_right(starts, when - longest - STEP), bisect_right(starts, when)
        return [one for one in ordered[low:high] if one.struck > when]

    def works(one: Span, when: datetime) -> bool:
        return one.listed <= when < one.dead

    hits = {kind: dict.fromkeys(AFTER, 0.0) for kind in ("bare", "list", "return", "code")}
    samples, when = 0, FIRST
    while when < LAST - BACK:
        there = named(when)
        alive = [one for one in there if works(one, when)]
        if alive:
            samples += 1
            keeps = _returning(alive, when, named)
            for label, hours in AFTER.items():
                later = when + timedelta(hours=hours)
                hits["bare"][label] += sum(works(one, later) for one in alive) / len(alive)
                hits["list"][label] += any(works(one, later) for one in there)
                hits["return"][label] += keeps >= math.ceil(hours / 24)
                hits["code"][label] += any(works(one, later) for one in named(later))
        when += STEP
    return {kind: {label: value / max(1, samples) for label, value in found.items()} for kind, found in hits.items()}


def _returning(there: Sequence[Span], when: datetime, named: Any) -> int:  # noqa: ANN401
    """How many days in a row a reader who comes back every day finds a mirror that works; at most 30."""
    knows = list(there)
    for day in range(1, 31):
        later = when + timedelta(days=day)
        if not any(one.dead > later for one in knows):
            return day - 1
        knows = named(later)
    return 30


def figures(by_site: Mapping[str, Sequence[Span]]) -> dict[str, Any]:
    """All figures of one setting, over all sites."""
    all_gaps = {site: gaps(spans) for site, spans in by_site.items()}
    whole = (LAST - FIRST).total_seconds() * len(by_site)
    lost = sum(gap.total_seconds() for found in all_gaps.values() for gap in found)
    links = [survival(spans) for spans in by_site.values()]
    return {
        "gap hours": lost / 3_600,
        "gaps": sum(len(found) for found in all_gaps.values()),
        "longest gap, h": max(
            (gap.total_seconds() / 3_600 for found in all_gaps.values() for gap in found), default=0.0
        ),
        "live share": 1 - lost / whole,
        "mirrors": sum(len(spans) for spans in by_site.values()),
        "sites without gap": sum(not found for found in all_gaps.values()),
        "links": {
            kind: {label: sum(one[kind][label] for one in links) / len(links) for label in AFTER} for kind in links[0]
        },
    }


def one(site: str, spans: Sequence[tuple[datetime, datetime]], setting: Setting | None) -> list[Span]:
    """The spans of one site; of the trace itself without a setting."""
    if setting is None:
        return practice(spans)
    lives = [until - first for first, until in spans if first >= FIRST]
    return Replay(setting=setting, lives=lives).run()


DEFAULT: Final = Setting(live=3, spares=1, known=timedelta(minutes=15), raised=timedelta(minutes=20))


def settings() -> list[Setting]:
    """What the table compares."""
    minutes, hours = (lambda value: timedelta(minutes=value)), (lambda value: timedelta(hours=value))
    made = [
        Setting(live=live, spares=spares, known=minutes(15), raised=minutes(20))
        for live, spares in ((1, 0), (1, 1), (2, 0), (2, 1), (2, 3), (3, 0), (3, 1), (4, 1))
    ]
    made += [
        Setting(live=live, spares=1, known=known, raised=minutes(20))
        for live in (2, 3)
        for known in (minutes(1), hours(3))
    ]
    made += [
        Setting(live=3, spares=spares, known=minutes(15), raised=minutes(20), providers=providers, together=0.29)
        for providers, spares in ((1, 1), (2, 1), (3, 1), (3, 2))
    ]
    return made


def run(sites: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    """Every row of the table."""
    folder = Path(os.environ.get("HELIOGRAPH_TEST_DATA", str(Path(__file__).resolve().parents[2] / "shared")))
    path = folder / "data" / "mirror-lives.csv.gz"
    if not path.is_file():
        raise BenchError(
            f"no data/mirror-lives.csv.gz in {folder}; set HELIOGRAPH_TEST_DATA to the folder of test data"
        )
    found = traces(path)
    rows: list[tuple[str, dict[str, Any]]] = []
    with ProcessPoolExecutor(2) as workers:
        asked = [("trace: one, replaced after it broke", None), *((one.name, one) for one in settings())]
        told = workers.map(_row, [({site: found[site] for site in sites}, setting) for _, setting in asked])
        rows += zip((name for name, _ in asked), told, strict=True)
    return rows


def _row(asked: tuple[Mapping[str, Sequence[tuple[datetime, datetime]]], Setting | None]) -> dict[str, Any]:
    spans, setting = asked
    return figures({site: one(site, held, setting) for site, held in spans.items()})


def _span(value: timedelta) -> str:
    minutes = int(value.total_seconds() // 60)
    return f"{minutes // 60} h" if minutes >= 60 else f"{minutes} min"


def line(name: str, told: Mapping[str, Any]) -> dict[str, str | int | float]:
    """A row of the table: links as shares of 100."""
    links = told["links"]
    return {
        "policy": name,
        "gap hours": f"{told['gap hours']:.1f}",
        "gaps": told["gaps"],
        "live, %": f"{100 * told['live share']:.3f}",
        "mirrors": told["mirrors"],
        "sites without a gap": told["sites without gap"],
        **{f"list, {label}": f"{100 * links['list'][label]:.1f}" for label in AFTER},
        "return, 30 d": f"{100 * links['return']['30 d']:.1f}",
        "code, 7 d": f"{100 * links['code']['7 d']:.2f}",
        "code, 30 d": f"{100 * links['code']['30 d']:.2f}",
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sites", nargs="*", default=list(SEVEN))
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    try:
        rows = run(args.sites)
    except BenchError as error:
        print(error, file=sys.stderr)
        return 1
    lines = [line(name, told) for name, told in rows]
    if args.json:
        named = {"trace": rows[0][1], "three live and a spare": dict(rows)[DEFAULT.name]}
        print(json.dumps({"seven newsrooms, 21 site-years": lines, **named}))
        return 0
    shown = RichTable(title="Seven newsrooms, 21 site-years", box=None)
    for column in lines[0]:
        shown.add_column(column, justify="left" if column == "policy" else "right", overflow="fold")
    for one_line in lines:
        shown.add_row(*map(str, one_line.values()))
    console = Console(width=170)
    console.print(shown)
    console.print(NOTE)
    return 0


if __name__ == "__main__":
    sys.exit(main())
