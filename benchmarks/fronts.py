"""CloudFront's part of ``hosts``: a release read through the emulated edge, and the life of an address at each API."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from tests.adapters.hosts import peers
from tests.lab.cloudfront_world import KEYS, serving

from benchmarks.clouds import BUCKET, CONTROL, ORIGIN, PLACE, READER, Provider, provider
from benchmarks.places import Place, s3
from benchmarks.report import Table, Value
from benchmarks.rooms import Room, said
from benchmarks.sites import BenchError, Site, one_story_changed
from heliograph.adapters.hosts.cloudfront import Bucket, CloudFront
from heliograph.lab.cloudfront import Cloud, Terms
from heliograph.model.mirror import Stand

FRONT: Final = "cloudfront"
ROUNDS: Final = 12  # of the pool, until what was asked for must be so
ENVIRON: Final = {name.upper(): value for name, value in KEYS.items()}
WANTED: Final = "\nmin_live = 2\nspares = 0\n"  # of the pool
NO_MORE: Final = "\nmin_live = 1\nproviders = 1\nspares = 0\n"
# beside it another mirror, because the last one is never taken from readers
MIRRORS: Final = """path = "mirrors/first"
url = "https://still-water.example/"
provider = "one"
[[mirror]]
name = "bucket"
{bucket}
[[host]]
name = "front"
{host}"""


def room_at(base: Room, given: Provider, folder: Path, wanted: str = WANTED) -> Room:
    """A copy of ``base`` that publishes to a bucket with addresses in front of it, and lives at the provider's."""
    mirrors = MIRRORS.format(bucket=given.bucket, host=given.host)
    room = base.copy(folder, mirrors, lambda words: given.world.run(PLACE, words))
    text = room.config.read_text(encoding="utf-8")
    assert text.count("\n[rotate]\n") == 1
    room.config.write_text(text.replace("\n[rotate]\n", f"\n[rotate]{wanted}"), encoding="utf-8")
    return room


def pool(room: Room) -> dict[str, dict[str, Any]]:
    """The addresses that hosts were asked for, by name."""
    done = room.run([sys.executable, "-m", "heliograph", "mirrors", "list", "--json", "--config", str(room.config)])
    if done.returncode:
        raise BenchError(f"heliograph mirrors list ended with {done.returncode}: {done.stderr.decode().strip()[-500:]}")
    return {one["name"]: one for one in json.loads(done.stdout)["mirrors"] if one["host"]}


def rotate(room: Room, over: Callable[[], bool], rounds: int = ROUNDS) -> int:
    """Rounds of the pool until ``over``; how many. Raises BenchError where it does not come to that."""
    for number in range(rounds):
        if over():
            return number
        room.run([sys.executable, "-m", "heliograph", "mirrors", "rotate", "--config", str(room.config)])
    if not over():
        raise BenchError(f"the pool is not as it should be after {rounds} rounds: {pool(room)}")
    return rounds


def is_live(room: Room) -> bool:
    """Whether readers are told of an address."""
    return any(one["phase"] == "live" for one in pool(room).values())


def want(room: Room, wanted: str, instead: str) -> None:
    """Want another pool than before."""
    text = room.config.read_text(encoding="utf-8")
    assert text.count(f"\n[rotate]{instead}") == 1
    room.config.write_text(text.replace(f"\n[rotate]{instead}", f"\n[rotate]{wanted}"), encoding="utf-8")


def retire(room: Room, wanted: str = WANTED) -> None:
    """Take all addresses down, and want no more."""
    want(room, NO_MORE, wanted)
    for name, one in pool(room).items():
        if one["phase"] not in ("gone", "lost", "ending"):
            room.run([sys.executable, "-m", "heliograph", "mirrors", "retire", name, "--config", str(room.config)])


def measured(base: Room, site: Site, work: Path) -> dict[str, Any]:
    """A release through the edge, from the first address to the last: the fields of a row."""
    with provider(work / "provider") as given:
        serve = [sys.executable, "-m", "http.server", "-d", str(site.www), "-b", "127.0.0.1", str(site.port)]
        given.world.spawn(PLACE, serve)
        given.world.wait_for(PLACE, site.port)
        room = room_at(base, given, work / "room")
        passes = [room.publish()]
        rotate(room, lambda: is_live(room))
        (url,) = [one["url"] for one in pool(room).values()]
        reader = Room(folder=room.folder, run=lambda words: given.world.run(READER, words))
        passes.append(room.publish())  # readers are told of it: the list is part of the release
        given.ask("advance", seconds=60)
        first = said(room, reader.verify(url))
        files = len(room.files(Place(kind="s3", table="", url=url, held=set, coded=True)))
        passes.append(room.publish())
        with one_story_changed(site):
            passes.append(room.publish())
            given.ask("advance", seconds=60)
            last = said(room, reader.verify(url))
        retire(room)
        rotate(room, lambda: not given.distributions)
    writes = [one.writes("bucket") for one in passes]
    return {
        "files": files,
        "writes": (writes[0], writes[2], writes[3]),
        "seconds": (passes[0].seconds, passes[3].seconds),
        "verdicts": (first, last),
    }


# --- a bucket with an address in front, without names and certificates


@contextmanager
def front(work: Path) -> Iterator[Place]:
    """A bucket that is written to as it is, and read through the lab's edge, with what that keeps in its cache."""
    ahead = [0.0]  # seconds that the provider's clock goes before ours
    with s3(work) as bucket:
        origin = bucket.url.removesuffix(f"/{BUCKET}/")  # which bucket is meant, the Host header says
        cloud = Cloud(Terms(), origins={ORIGIN: origin}, clock=lambda: time.monotonic() + ahead[0])
        with serving(cloud) as served:
            control = cloud.account.create_control(dict(CONTROL)).id
            host = CloudFront(
                "far", Bucket(domain=ORIGIN, access_control=control), endpoint=served.at.api, environ=ENVIRON
            )
            asyncio.run(_looks(host.raise_, "aaaa", "up"))
            (domain,) = [one.domain for one in cloud.account.distributions.values()]
            url = served.do(lambda: cloud.door(domain))

            def forget() -> None:
                ahead[0] += 61.0  # pointer and pages are kept for a minute

            yield replace(bucket, kind=FRONT, url=f"{url}/", forget=forget)


# --- the API alone


def addresses(command: str) -> Table:
    """The life of three addresses at moto's CloudFront and at the strict one."""
    rows: list[tuple[Value, ...]] = []
    with peers.moto() as url:
        rows.append(("moto", *asyncio.run(_life(url, "E2QWRUHAPOMQZL"))))
    cloud = Cloud(Terms(polls=2, tail=1))
    with serving(cloud) as served:
        rows.append(("the lab's", *asyncio.run(_life(served.at.api, cloud.account.create_control(dict(CONTROL)).id))))
    return Table(
        title="Three addresses of CloudFront: made, switched off, deleted",
        columns=("API", "up", "looks until up", "looks until gone", "left"),
        rows=tuple(rows),
        command=command,
        notes=("moto serves no content, and deletes what is still on; the lab's refuses what Amazon refuses",),
    )


async def _life(endpoint: str, control: str) -> tuple[Value, ...]:
    origin, names = Bucket(domain=ORIGIN, access_control=control), ("aaaa", "bbbb", "cccc")
    host = CloudFront("far", origin, endpoint=endpoint, environ=ENVIRON)
    up = [await _looks(host.raise_, name, "up") for name in names]
    standing = len(await host.stands())
    gone = [await _looks(host.retire, name, "gone") for name in names]
    left = len(await CloudFront("far", origin, endpoint=endpoint, environ=ENVIRON).stands())
    return standing, max(up), max(gone), left


async def _looks(ask: Callable[[str], Awaitable[Stand]], name: str, wanted: str) -> int:
    for number in range(1, ROUNDS + 1):
        if (await ask(name)).state == wanted:
            return number
    raise BenchError(f"address {name} is not {wanted} after {ROUNDS} looks")
