"""A mirror that passes the newsroom's own site through: raised, watched, listed and ranked as what it is."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count

import anyio
import anyio.from_thread
import botocore.endpoint
import pytest
from aiohttp import web
from tests.flows.world import NOW, Make, World
from tests.lab.cloudfront_world import Clock, Serving, serving

from heliograph.adapters.hosts.cloudfront import CloudFront
from heliograph.adapters.prober import Prober
from heliograph.cli.hosts import raising
from heliograph.cli.mirrors import Outsider
from heliograph.flows import lookout, vantages
from heliograph.flows.announce import facts_of
from heliograph.flows.patrol import patrol
from heliograph.flows.rotate import Rotated, rotate
from heliograph.flows.verify import verify
from heliograph.lab.cloudfront import Cloud, Terms
from heliograph.lab.loopback import base
from heliograph.lab.loopback import serving as answering
from heliograph.lab.piece import pieces
from heliograph.model.lookout import Sought, WorkList
from heliograph.model.mirror import Mirror, Stand
from heliograph.model.sighting import Finding, Sighting
from heliograph.ports import Host
from heliograph.trust.chain import State
from heliograph.trust.vantage import open_list

SECRET = "5e5a3e0fb1d24cbb9f6d"
POOL = """
[edition]
pictures = false
[watch]
network = "here"
anchors = []
ordinary = []
resolver = ""
doh = ""
drops = ["https://drop.example/"]
[rotate]
min_live = 2
spares = 0
[[mirror]]
name = "one"
path = "mirrors/one"
url = "{one}"
provider = "ours"
[[vantage]]
name = "anna"
network = "home"
[[host]]
name = "far"
kind = "cloudfront-site"
site = "https://www.peninsula.example/"
secret = "secret"
page = "about/"
credentials = "aws"
endpoint = "{api}"
"""


@dataclass
class Site:
    """The newsroom's server: heavy pages, for whoever has the secret."""

    title: str = "<title>Мы &mdash; ПОЛУОСТРОВ\n</title>"
    weight: int = 40_000  # times five bytes
    status: int = 200
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append((request.path, request.headers.get("X-Mirror-Key", "")))
        if self.asked[-1][1] != SECRET:
            return web.Response(status=403)
        return web.Response(status=self.status, text=self.title + "news " * self.weight, content_type="text/html")


class Doors:
    """``ports.Host``: a real CloudFront host whose addresses are the doors of the emulated edge on loopback."""

    def __init__(self, host: Host, served: Serving) -> None:
        self._host, self._served = host, served
        self.name, self.provider, self.site = host.name, host.provider, host.site
        self.doors: dict[str, str] = {}

    @property
    def most(self) -> int:
        return self._host.most

    async def stands(self) -> tuple[Stand, ...]:
        return await self._host.stands()

    async def raise_(self, id: str) -> Stand:  # noqa: A002 - the port's name for it
        stand = await self._host.raise_(id)
        domain = stand.url.removeprefix("https://").rstrip("/")
        if domain not in self.doors:
            door = await anyio.to_thread.run_sync(self._served.do, lambda: self._served.cloud.door(domain))
            self.doors[domain] = door + "/"
        return replace(stand, url=self.doors[domain])

    async def retire(self, id: str) -> Stand:  # noqa: A002 - the port's name for it
        return await self._host.retire(id)


@dataclass
class Room:
    world: World
    site: Site
    host: Doors
    served: Serving
    clock: Clock
    names: Iterator[int] = field(default_factory=count)

    def round(self) -> Rotated:
        self.world.now += timedelta(minutes=1)
        with self.world.outside() as outside:
            wired = replace(outside, hosts=(self.host,))
            name = f"site{next(self.names)}"
            return anyio.run(rotate, wired, self.world.config, self.world.now, lambda: name, Outsider)

    def look(self, url: str) -> Finding:
        """What stands of one mirror after another look at all of them."""
        self.world.now += timedelta(minutes=1)

        async def act() -> Finding:
            with self.world.outside() as outside:
                found = await patrol(replace(outside, prober=prober()), self.world.config, self.world.now, lambda: 0.0)
            return next(one for one in found.findings if one.mirror == url)

        return anyio.run(act)

    def pool(self) -> dict[str, Mirror]:
        with self.world.outside() as outside:
            return {one.host or one.name: one for one in outside.journal.pool()}


def prober() -> Prober:
    async def at_once(_: float) -> None:
        return None

    return Prober(pause=at_once)


@pytest.fixture
def room(make: Make, monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    monkeypatch.setattr(botocore.endpoint.time, "sleep", lambda _: None)
    site, clock, worlds = Site(), Clock(), list[World]()

    async def edition(request: web.BaseRequest) -> web.Response:
        held = worlds[0].mirrors[0].files.get(request.path.strip("/"))
        return web.Response(status=200 if held else 404, body=held)

    with (
        serving(Cloud(Terms(polls=1), clock=clock)) as served,
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(answering(site)) as runner,
        portal.wrap_async_context_manager(answering(edition)) as one,
    ):
        served.cloud.origins.places["www.peninsula.example"] = base(runner)
        world = make(pieces(NOW)[:3], more=POOL.replace("{api}", served.at.api).replace("{one}", base(one) + "/"))
        worlds.append(world)
        (world.folder / "secret").write_text(SECRET + "\n")
        keys = "[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = of-no-account\n"
        (world.folder / "aws").write_text(keys)
        for name in ("secret", "aws"):
            (world.folder / name).chmod(0o600)
        with world.outside() as outside:
            (host,) = raising(world.config, outside.journal)
        assert isinstance(host, CloudFront)
        world.publish()
        yield Room(world, site, Doors(host, served), served, clock)


@pytest.mark.timeout(300)
def test_the_site_is_raised_read_told_apart_from_the_edition_and_watched(room: Room) -> None:
    room.site.status = 502
    for _ in range(4):
        room.round()
    assert room.pool()["far"].phase == "creating"  # its edge is up, and shows an error
    room.site.status, room.site.title = 200, "<title>Another site</title>"
    room.round()
    assert room.pool()["far"].phase == "creating"
    room.site.title = Site.title
    room.clock.now += 200_000  # the edge keeps a page for a day where its origin says nothing
    room.round()
    far = room.pool()["far"]
    assert (far.phase, far.site) == ("live", True)
    assert {path for path, _ in room.site.asked} == {"/about/"}
    assert {key for _, key in room.site.asked} == {SECRET}

    for _ in range(3):
        finding = room.look(far.url)
    assert (finding.kind, finding.readable) == ("well", True)  # no release is there, and that is no fault of it

    plan = room.round().plan
    assert plan.moves == ()
    assert plan.lacks == (
        "network home has 1 of 2 live mirrors that show the signed edition, and no host that shows the edition has "
        "room: add a [[host]] or a [[mirror]]",
    )
    room.world.publish()
    listed = json.loads(room.world.mirrors[0].files["a/mirrors.json"])
    assert listed["mirrors"] == [{"url": room.pool()["one"].url}]
    assert listed["sites"] == [{"url": far.url}]
    told = room.world.mirrors[0].files["a/mirrors.html"].decode()
    assert "наш сайт целиком: тяжелее и без подписи" in told
    with room.world.outside() as outside:
        assert facts_of(outside.journal, room.world.config).mirrors == (room.pool()["one"].url,)
    assert far.url not in room.world.mirrors[0].files["index.html"].decode()  # its pages are not there


@pytest.mark.timeout(300)
def test_a_site_that_is_down_is_rested_like_any_other(room: Room) -> None:
    for _ in range(5):
        room.round()
        room.clock.now += 200_000
    far = room.pool()["far"]
    assert far.phase == "live"
    room.site.status = 403  # its secret was changed: for an error of another kind the edge shows what it has kept
    room.clock.now += 200_000
    for _ in range(3):
        finding = room.look(far.url)
    assert (finding.kind, finding.readable) == ("origin-down", False)
    assert ("rest", far.name) in [(move.kind, move.mirror) for move in room.round().done]
    room.site.status = 200
    room.clock.now += 200_000
    for _ in range(3):
        finding = room.look(far.url)
    assert finding.kind == "well"


@pytest.mark.timeout(300)
def test_nobody_takes_it_for_an_edition(room: Room) -> None:
    for _ in range(5):
        room.round()
        room.clock.now += 200_000
    url, room.site.weight = room.pool()["far"].url, 100
    root = room.world.keys.read("tuf/1.root.json")
    outcome = anyio.run(verify, [Outsider(url)], "index.html", State(root=root), root, room.world.now)
    assert outcome.verdict.verdict == "refused"

    token = vantages.invite(room.world.keys, room.world.config, "anna", "home", "ZZ", random.Random(1).randbytes)
    with room.world.outside() as outside:
        sealed = vantages.lists(outside.journal, room.world.keys, room.world.config, room.world.now)
    given = [open_list(data, token, room.world.now) for data in sealed.values()]
    assert {one.url: one.page for one in given[0].mirrors} == {room.pool()["one"].url: "now", url: "about/"}

    work = WorkList(
        vantage="anna", network="home", made=NOW, expires=NOW, every=60, deep=60,
        mirrors=(Sought(url=url, page="about/"), Sought(url=url)),
    )  # fmt: skip
    seen: list[Sighting] = []
    anyio.run(lambda: lookout.look(prober(), work, lambda: NOW, lambda: 0.0, seen.append, deep=False))
    assert [one.content for one in seen] == ["", "strange"]  # the second list says that it is an edition
