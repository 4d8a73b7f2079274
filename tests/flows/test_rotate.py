"""The pool in motion: hosts that are slow, refuse and are killed; pages that name what lives; people's own moves."""

from __future__ import annotations

import gzip
import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from typing import Literal

import anyio
import brotli
import pytest
from tests.flows.world import NOW, Make, World

from heliograph.flows import issue
from heliograph.flows.patrol import watched
from heliograph.flows.rotate import Rotated, former, outlook, rotate
from heliograph.lab.hosts import Killed, SimulatedHost, killed_at, refused
from heliograph.lab.piece import pieces
from heliograph.model import JournalBusyError
from heliograph.model.mirror import Mirror, Move
from heliograph.model.release import Ask, Got
from heliograph.model.sighting import Finding, Kind
from heliograph.ports import Outside

POOL = """
[edition]
pictures = false
[rotate]
min_live = 2
spares = 1
[[mirror]]
name = "one"
path = "mirrors/one"
url = "https://one.example/"
provider = "ours"
[[mirror]]
name = "two"
path = "mirrors/two"
url = "https://two.example/"
provider = "theirs"
"""


@dataclass
class Through:
    """``ports.Reach``: the newsroom's release, read through any address that stands."""

    data: bytes
    coding: Literal["", "br", "gzip"] = ""  # whatever was asked for, as a bucket does
    host: str = "x.example"
    place: str = "https://x.example/"

    async def get(self, ask: Ask) -> Got:
        assert ask.name == "now"
        data = {"": bytes, "br": brotli.compress, "gzip": gzip.compress}[self.coding](self.data)
        return Got(fate="whole", data=data, coding=self.coding) if self.data else Got(fate="unavailable")


@dataclass
class Room:
    """A newsroom with hosts."""

    world: World
    hosts: list[SimulatedHost]
    names: Iterator[int] = field(default_factory=count)
    works: bool = True
    coding: Literal["", "br", "gzip"] = ""

    def round(self, minutes: float = 1, *, dry: bool = False) -> Rotated:
        self.world.now += timedelta(minutes=minutes)
        shown = self.world.mirrors[0].files.get("now", b"") if self.works else b""
        with self.world.outside() as outside:
            wired = replace(outside, hosts=tuple(self.hosts))
            if dry:
                plan = outlook(outside.journal, self.world.config, wired.hosts, self.world.now)
                return Rotated(pool=(), plan=plan, done=(), listed=False, problems=())
            there = Through(shown, self.coding)
            return anyio.run(rotate, wired, self.world.config, self.world.now, self.name, lambda _: there)

    def name(self) -> str:
        return f"m{next(self.names)}"

    def pool(self) -> dict[str, Mirror]:
        with self.world.outside() as outside:
            return {mirror.name: mirror for mirror in outside.journal.pool()}

    def find(self, **kinds: Kind) -> None:
        """What the watch says now of mirrors by name; of the others nothing."""
        with self.world.outside() as outside:
            urls = {mirror.name: mirror.url for mirror in outside.journal.pool()}
            outside.journal.conclude([self.finding(urls[name], kind) for name, kind in kinds.items()])

    def finding(self, url: str, kind: Kind) -> Finding:
        now = self.world.now
        return Finding(
            mirror=url, network="here", kind=kind, strength="likely", since=now, seen=now, readable=kind == "well"
        )

    def settle(self, rounds: int = 12) -> None:
        for _ in range(rounds):
            self.round()

    def page(self, name: str) -> str:
        return self.world.mirrors[0].files[name].decode()


@pytest.fixture
def room(make: Make) -> Room:
    made = make(pieces(NOW)[:6], more=POOL)
    room = Room(made, [SimulatedHost(name="front", provider="aws"), SimulatedHost(name="other", provider="azure")])
    made.publish()
    return room


def phases(room: Room) -> dict[str, str]:
    return {name: mirror.phase for name, mirror in room.pool().items()}


def test_a_spare_is_raised_and_is_one_only_when_a_page_was_read_through_it(room: Room) -> None:
    first = room.round()
    assert [(move.kind, move.host) for move in first.done] == [("raise", "front")]
    assert not first.listed
    assert phases(room) == {"one": "live", "two": "live", "m0": "creating"}
    room.works = False
    room.settle(5)
    assert phases(room)["m0"] == "creating"  # its host says it is up, and nobody has seen it
    room.works = True
    assert [move.kind for move in room.round().done] == ["ready"]
    assert phases(room)["m0"] == "spare"
    assert room.settle() is None
    assert set(phases(room)) == {"one", "two", "m0"}


@pytest.mark.parametrize("coding", ["br", "gzip"])
def test_a_page_that_comes_in_the_one_form_that_a_bucket_has_is_read_too(
    room: Room, coding: Literal["br", "gzip"]
) -> None:
    room.coding = coding
    room.settle(6)
    assert "spare" in phases(room).values()


def test_a_blocked_mirror_leaves_the_pages_and_a_live_one_is_named_in_one_round_and_one_pass(room: Room) -> None:
    room.settle()
    room.world.publish()
    assert "two.example" in room.page("index.html")
    young = next(
        name
        for name in room.world.mirrors[0].files
        if name.startswith("a/") and b"one.example/a/" in room.world.mirrors[0].files[name]
    )
    room.find(one="sni-rst")
    told = room.round()
    assert [move.kind for move in told.done] == ["promote", "rest", "raise"]
    assert told.listed
    assert "2 live mirrors" in told.done[0].reason
    assert told.done[1].reason == "sni-rst in network here"
    room.world.publish()
    for page in ("index.html", "404.html", young):
        assert "m0.aws.example" in room.page(page), page
        assert "one.example" not in room.page(page), page
    listed = json.loads(room.page("a/mirrors.json"))
    assert {one["url"] for one in listed["mirrors"]} == {"https://two.example/", "https://m0.aws.example/"}
    assert "m0.aws.example" in room.page("a/mirrors.html")
    with room.world.outside() as outside:
        kinds = [note.move.kind for note in outside.journal.history(9)]
    assert kinds[:3] == ["raise", "rest", "promote"]


def test_old_stories_do_not_keep_addresses_that_died(room: Room) -> None:
    room.round()
    room.world.publish()
    room.world.now += timedelta(days=30)
    room.find(one="tcp_ip")
    room.settle()
    room.world.publish()
    held = room.world.mirrors[0].files
    assert not [name for name, data in held.items() if b"//one.example" in data and name.startswith("a/")]


def test_a_dry_run_tells_and_does_nothing(room: Room) -> None:
    before = phases(room)
    told = room.round(dry=True)
    assert [move.kind for move in told.plan.moves] == ["raise"]
    assert told.done == ()
    assert phases(room) == before
    assert room.hosts[0].calls == []


@pytest.mark.parametrize("when", ["fault", "after"])
def test_killed_at_every_call_nothing_is_made_twice_and_nothing_is_left_that_costs(make: Make, when: str) -> None:
    for number in range(1, 12):
        made = make(pieces(NOW)[:1], more=POOL, folder=f"{when}{number}")
        made.publish()
        room = Room(made, [SimulatedHost(name="front", provider="aws", slow=1)])
        setattr(room.hosts[0], when, killed_at(number))
        blocked = False
        for _ in range(14):
            try:
                room.round()
            except BaseExceptionGroup as ends:
                if ends.split(Killed)[1] is not None:
                    raise
                continue
            if "m0" in room.pool() and room.pool()["m0"].phase == "spare" and not blocked:
                room.find(one="tcp_ip")
                blocked = True
        paid, pool = room.hosts[0].paid, room.pool()
        assert paid == {name for name, one in pool.items() if one.host and one.phase not in ("gone", "lost")}
        assert sorted(one.phase for one in pool.values()) == ["live", "live", "resting", "spare"]


def test_a_host_that_refuses_for_an_hour_holds_nobody_else_up(room: Room) -> None:
    room.hosts[0].fault = refused(60)
    told = room.round()
    assert "503" in told.problems[0].what
    room.find(one="tcp_ip")
    done = [move for _ in range(8) for move in room.round().done]
    assert {move.host for move in done if move.kind == "ready"} == {"other"}
    assert [one.phase for one in room.pool().values()].count("live") >= 2
    for _ in range(60):
        room.round()
    assert room.hosts[0].paid <= set(room.pool())


def test_what_never_works_is_given_up_and_taken_down(room: Room) -> None:
    room.works = False
    room.round()
    room.settle(3)
    told = room.round(minutes=121)
    assert ("retire", "m0") in [(move.kind, move.mirror) for move in told.done]
    room.works = True
    room.settle()
    assert phases(room)["m0"] == "gone"
    assert "m0" not in room.hosts[0].paid


def test_what_its_host_has_lost_is_replaced_and_what_nobody_knows_is_told(room: Room) -> None:
    room.settle()
    room.hosts[0].held["m0"] = ("gone", 0)
    room.hosts[0].held["stranger"] = ("up", 0)
    told = room.round(minutes=61)
    assert ("lost", "m0") in [(move.kind, move.mirror) for move in told.done]
    assert "stranger" in told.problems[0].what
    room.settle()
    assert sorted(phases(room).values()) == ["live", "live", "lost", "spare"]


def test_a_spare_is_told_to_no_vantage_not_even_when_it_rests(room: Room) -> None:
    room.settle()
    for phase in ("spare", "resting"):
        with room.world.outside() as outside:
            assert room.pool()["m0"].phase == phase
            urls = {one.url for one in watched(outside.journal, room.world.config, told=True)}
            assert urls == {"https://one.example/", "https://two.example/"}
            assert len(watched(outside.journal, room.world.config)) >= 3
        room.find(m0="origin-down")
        room.round()


def test_a_host_that_knows_none_of_ours_any_more_moves_nothing(room: Room) -> None:
    room.settle()
    room.find(one="tcp_ip")
    room.settle()
    assert sorted(phases(room).values()) == ["live", "live", "resting", "spare"]
    for host in room.hosts:
        host.held.clear()  # another account
    room.world.now += timedelta(minutes=61)
    room.find(m0="well", m1="well")
    told = room.round(minutes=0)
    assert [move.kind for move in told.done if move.kind == "lost"] == []
    assert any("is it another account" in problem.remedy for problem in told.problems)


def test_what_is_forged_rests_until_people_promote_it(room: Room) -> None:
    room.settle()
    room.find(one="forged")
    assert [move.kind for move in room.round().done][-2:] == ["rest", "promote"] or phases(room)["one"] == "resting"
    room.find(one="well")
    room.settle(4)
    room.round(minutes=60 * 24)
    assert phases(room)["one"] == "resting"


def test_a_spare_that_does_not_work_is_none(room: Room) -> None:
    room.settle()
    room.find(m0="tcp_ip")
    assert [move.kind for move in room.round().done] == ["rest", "raise"]


def test_a_mirror_that_leaves_the_configuration_leaves_the_pool(room: Room) -> None:
    room.settle()
    config = room.world.config
    room.world.config = config.model_copy(update={"mirror": config.mirror[:1]})
    told = room.round()
    assert phases(room)["two"] == "gone"
    assert told.listed


def test_addresses_of_mirrors_that_the_pool_has_forgotten_are_remembered(room: Room) -> None:
    room.settle()
    url = room.pool()["m0"].url
    room.find(m0="tcp_ip")
    room.settle()
    for _ in range(5):
        room.round(minutes=60 * 24 * 4)
        room.find(m0="tcp_ip")
    room.round(minutes=60 * 24 * 32)
    assert "m0" not in room.pool()
    with room.world.outside() as outside:
        known = former(outside.journal, "front")
    assert known["m0"] == (url, False)
    assert all(known[name][1] for name, one in room.pool().items() if one.host == "front" and one.phase == "spare")


@dataclass
class Slow:
    """A room whose first host answers when it is let."""

    room: Room
    asked: anyio.Event = field(default_factory=anyio.Event)
    let: anyio.Event = field(default_factory=anyio.Event)

    async def wait(self) -> None:
        self.asked.set()
        await self.let.wait()

    async def round(self, outside: Outside, done: list[Rotated]) -> None:
        world, shown = self.room.world, self.room.world.mirrors[0].files["now"]
        wired = replace(outside, hosts=tuple(self.room.hosts))
        done.append(await rotate(wired, world.config, world.now, self.room.name, lambda _: Through(shown)))

    def during(self, act: Callable[[Outside], Awaitable[None]]) -> Rotated:
        """Do ``act`` while a round waits for the host; what came of the round."""
        done: list[Rotated] = []

        async def both() -> None:
            self.asked, self.let = anyio.Event(), anyio.Event()
            self.room.hosts[0].wait = self.wait
            with self.room.world.outside() as first, self.room.world.outside() as second:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self.round, first, done)
                    with anyio.fail_after(60):
                        await self.asked.wait()
                    await act(second)
                    self.let.set()

        self.room.world.now += timedelta(minutes=1)
        anyio.run(both)
        self.room.hosts[0].wait = None
        return done[0]


def test_a_slow_host_keeps_no_pass_waiting(room: Room) -> None:
    room.round()
    room.world.newsroom.publish(pieces(NOW)[7])

    async def publish(outside: Outside) -> None:
        report = await issue(outside, room.world.config, room.world.now)
        assert (report.failed, report.gathered.new) == (False, 1)

    told = Slow(room).during(publish)
    assert [move.kind for move in told.done] == []
    assert phases(room)["m0"] == "creating"
    room.round()
    assert phases(room)["m0"] == "spare"


def test_of_two_rounds_at_once_one_is_sent_away_and_nothing_is_made_twice(room: Room) -> None:
    async def another(outside: Outside) -> None:
        with pytest.raises(JournalBusyError, match="held by heliograph mirrors"):
            await Slow(room).round(outside, [])

    for _ in range(2):  # it is asked for, and it is looked how far it is
        Slow(room).during(another)
    room.settle(3)
    assert sorted(phases(room).values()) == ["live", "live", "spare"]
    assert room.hosts[0].paid | room.hosts[1].paid == {"m0"}


def test_what_people_do_while_a_host_is_asked_stands(room: Room) -> None:
    room.round()
    room.round()

    async def retire(outside: Outside) -> None:
        with outside.journal.hold("somebody"):
            mirror = next(one for one in outside.journal.pool() if one.name == "m0")
            move = Move(kind="retire", mirror="m0", host="front", reason="somebody asked for it")
            outside.journal.keep([replace(mirror, phase="ending")], [move], room.world.now)

    told = Slow(room).during(retire)
    assert "ready" not in [move.kind for move in told.done]
    assert phases(room)["m0"] == "ending"
    room.settle()
    assert phases(room)["m0"] == "gone"
    assert "m0" not in room.hosts[0].paid


def test_a_pass_under_way_lets_a_round_wait_or_come_back(room: Room) -> None:
    with room.world.outside() as outside, outside.journal.hold("heliograph publish"):
        with pytest.raises(JournalBusyError, match="held by heliograph publish"):
            room.round()
        assert phases(room) == {}  # nothing was asked for that is not noted
    assert room.hosts[0].paid == set()
    assert [move.kind for move in room.round().done] == ["raise"]
