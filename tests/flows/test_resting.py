"""Mirrors that readers are no longer told of: while they stand they get each release, and their pages name live ones.

A link in somebody's chat is older than the block, so what rests is still read.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count

import anyio
import anyio.from_thread
import botocore.endpoint
import pytest
from aiohttp import web
from tests.flows.test_issue import page_of
from tests.flows.test_rotate import POOL, Room, phases
from tests.flows.test_site_mirror import Doors
from tests.flows.world import NOW, Make, World
from tests.lab.cloudfront_world import Clock, client, serving

from heliograph.adapters.reach import WebMirror
from heliograph.cli.hosts import raising
from heliograph.cli.mirrors import Outsider
from heliograph.flows.rotate import rotate
from heliograph.flows.verify import verify
from heliograph.lab.cloudfront import Cloud, Terms
from heliograph.lab.hosts import SimulatedHost
from heliograph.lab.loopback import base
from heliograph.lab.loopback import serving as answering
from heliograph.lab.piece import pieces
from heliograph.lab.readers import Reader
from heliograph.model import paths
from heliograph.model.sighting import Finding
from heliograph.ports import Reach
from heliograph.trust.chain import State

BUCKET = "edition.s3.eu-central-1.amazonaws.com"
FRONT = f"""
[[host]]
name = "front"
kind = "cloudfront"
bucket = "{BUCKET}"
access_control = "{{control}}"
credentials = "aws"
endpoint = "{{api}}"
"""
PULL = """
[[mirror]]
name = "friend"
kind = "pull"
url = "https://friend.example/"
provider = "a friend's"
"""


@pytest.fixture
def room(make: Make) -> Room:
    made = Room(make(pieces(NOW)[:6], more=POOL), [SimulatedHost(name="front", provider="aws")])
    made.world.publish()
    made.settle()
    return made


def test_a_mirror_that_rests_gets_each_release_and_its_pages_name_live_ones(room: Room) -> None:
    room.find(one="sni-rst")
    room.settle(2)
    assert phases(room)["one"] == "resting"
    story = replace(pieces(NOW)[7], published=room.world.now)
    room.world.newsroom.publish(story)
    report = room.world.publish()
    assert not report.failed
    held = room.world.mirrors[0].files
    assert held == room.world.mirrors[1].files
    new = page_of(story)
    for page in ("index.html", new):
        read = Reader(pinned=room.world.keys.files["tuf/1.root.json"]).read([held], page, room.world.now)
        assert read.verdict.verdict == "verified"
        assert f"https://two.example/{page.removeprefix('index.html')}" in held[page].decode()
        assert "//one.example" not in held[page].decode()
    assert "https://one.example/" not in held["a/mirrors.json"].decode()


def test_a_pulled_mirror_that_shows_an_old_release_rests_and_comes_back(make: Make) -> None:
    room = Room(make(pieces(NOW)[:3], more=POOL + PULL), [])
    room.world.publish()
    room.round()
    assert phases(room) == {"one": "live", "two": "live", "friend": "live"}

    def seen(kind: str, minutes: float) -> None:
        room.world.now += timedelta(minutes=minutes)
        with room.world.outside() as outside:
            found = replace(room.finding("https://friend.example/", "well"), kind=kind)
            outside.journal.conclude([found])

    seen("stale", 1)  # pages arrive, and they are old
    told = room.round()
    assert [(move.kind, move.mirror) for move in told.done] == [("rest", "friend")]
    assert told.done[0].reason == "stale in network here"
    room.world.publish()
    assert "friend.example" not in room.page("index.html")
    seen("well", 60)
    with room.world.outside() as outside:
        since = [replace(one, since=room.world.now - timedelta(hours=3)) for one in outside.journal.findings()]
        outside.journal.conclude(since)
    told = room.round(minutes=120)
    assert [(move.kind, move.mirror) for move in told.done] == [("return", "friend")]


class Front:
    """A newsroom whose first mirror is a bucket with CloudFront in front of it."""

    def __init__(self, world: World, host: Doors, clock: Clock) -> None:
        self.world, self.host, self.clock, self.names = world, host, clock, count()

    def round(self, minutes: float = 1) -> None:
        self.world.now += timedelta(minutes=minutes)
        self.clock.now += minutes * 60
        with self.world.outside() as outside:
            wired = replace(outside, hosts=(self.host,))
            told = anyio.run(rotate, wired, self.world.config, self.world.now, self.name, self.reach)
        assert told.problems == ()

    def name(self) -> str:
        return f"front{next(self.names)}"

    def reach(self, url: str) -> Reach:
        return Outsider(url)

    def stands(self) -> dict[str, tuple[str, str]]:
        with self.world.outside() as outside:
            return {one.name: (one.phase, one.url) for one in outside.journal.pool()}

    def block(self, *urls: str) -> None:
        now = self.world.now
        with self.world.outside() as outside:
            outside.journal.conclude(
                [
                    Finding(mirror=url, network="here", kind="sni-rst", strength="likely", since=now, seen=now,
                            readable=False)
                    for url in urls
                ]
            )  # fmt: skip

    def read(self, url: str, page: str) -> bytes:
        """What a reader of this address believes."""
        root = self.world.keys.files["tuf/1.root.json"]

        async def ask() -> bytes:
            async with WebMirror(url) as mirror:
                outcome = await verify([mirror], page, State(root=b""), root, self.world.now)
            assert outcome.verdict.verdict == "verified", outcome.verdict
            return outcome.body

        return anyio.run(ask)


@pytest.fixture
def front(make: Make, monkeypatch: pytest.MonkeyPatch) -> Iterator[Front]:
    monkeypatch.setattr(botocore.endpoint.time, "sleep", lambda _: None)
    worlds, clock = list[World](), Clock()

    async def bucket(request: web.BaseRequest) -> web.Response:
        name = request.path.strip("/")
        held = worlds[0].mirrors[0].files.get(name)
        return web.Response(status=200 if held else 404, body=held, headers={"Cache-Control": paths.lifetime(name)})

    with (
        serving(Cloud(Terms(polls=1), clock=clock)) as served,
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(answering(bucket)) as runner,
    ):
        served.cloud.origins.places[BUCKET] = base(runner)
        control = client(served.at.api).create_origin_access_control(
            OriginAccessControlConfig={
                "Name": "mirrors",
                "SigningProtocol": "sigv4",
                "SigningBehavior": "always",
                "OriginAccessControlOriginType": "s3",
            }
        )["OriginAccessControl"]["Id"]
        more = POOL + FRONT.format(control=control, api=served.at.api)
        worlds.append(make(pieces(NOW)[:3], more=more))
        keys = "[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = of-no-account\n"
        (worlds[0].folder / "aws").write_text(keys)
        (worlds[0].folder / "aws").chmod(0o600)
        with worlds[0].outside() as outside:
            (host,) = raising(worlds[0].config, outside.journal)
        worlds[0].publish()
        yield Front(worlds[0], Doors(host, served), clock)


@pytest.mark.timeout(300)
def test_a_raised_cloudfront_that_rests_shows_each_release_until_it_ends(front: Front) -> None:
    for _ in range(4):
        front.round()
    phase, url = front.stands()["front0"]
    assert phase == "spare"
    front.block("https://one.example/")
    front.round()
    assert front.stands()["front0"] == ("live", url)
    for _ in range(4):
        front.round()
    spare = front.stands()["front1"][1]
    front.block("https://one.example/", url)
    front.round()
    stands = front.stands()
    assert (stands["front0"][0], stands["front1"][0]) == ("resting", "live")

    story = replace(pieces(NOW)[4], published=front.world.now)
    front.world.newsroom.publish(story)
    front.world.publish()
    front.clock.now += 61  # what may change is kept for a minute
    new = page_of(story)
    for page in ("index.html", new):
        body = front.read(url, page).decode()
        assert f"{spare}{page.removeprefix('index.html')}" in body
        assert url not in body
    listed = json.loads(front.read(url, "a/mirrors.json"))
    assert {one["url"] for one in listed["mirrors"]} == {"https://two.example/", spare}

    front.round(minutes=60 * 24 * 4)
    assert front.stands()["front0"][0] == "ending"
    for _ in range(6):
        front.round()
    assert front.stands()["front0"][0] == "gone"
    with pytest.raises(AssertionError):
        front.read(url, "index.html")
