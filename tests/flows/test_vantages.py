"""From a volunteer's machine to the journal: lists there, reports back, and all that is refused on the way."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.flows.world import NOW, Make, World

from heliograph.flows import lookout, vantages
from heliograph.flows.patrol import patrol
from heliograph.flows.vantages import Collected
from heliograph.lab.piece import pieces
from heliograph.lab.vantage import SimulatedVantage, Weather
from heliograph.model import ConfigError, KeyFileError
from heliograph.model.lookout import pack_reports
from heliograph.model.release import Ask, Got
from heliograph.model.sighting import Fetch, Outcome, Result, Sighting
from heliograph.trust import drop, sealing
from heliograph.trust.vantage import Token

MIRROR = "https://mirror.example/"
ROOM = f"""
[edition]
pictures = false
[watch]
network = "office"
drops = ["https://drop.example/"]
ordinary = ["https://one.example/"]
[[mirror]]
name = "one"
path = "mirrors/one"
url = "{MIRROR}"
addresses = ["198.18.0.9"]
[[mirror]]
name = "two"
path = "mirrors/two"
url = "https://two.example/"
[[vantage]]
name = "anna"
network = "home"
[[vantage]]
name = "boris"
network = "home"
mirrors = ["one"]
"""


@dataclass
class Box:
    """``ports.Mailbox`` in memory."""

    held: dict[str, bytes] = field(default_factory=dict)

    def take(self, message: bytes) -> bool:
        self.held[str(len(self.held))] = message
        return True

    def names(self) -> list[str]:
        return list(self.held)

    def read(self, name: str) -> bytes:
        return self.held[name]

    def remove(self, name: str) -> None:
        del self.held[name]


@dataclass
class Dropping:
    """``ports.Reach`` and ``ports.Line``: a mirror with a drop, or one that is down."""

    sheets: dict[str, bytes] = field(default_factory=dict)
    up: bool = True
    got: list[bytes] = field(default_factory=list)
    host: str = "drop.example"
    place: str = "https://drop.example/"

    async def get(self, ask: Ask) -> Got:
        if not self.up:
            return Got(fate="unavailable")
        data = self.sheets.get(ask.name.removeprefix("drop/"))
        return Got(fate="missing") if data is None else Got(fate="whole", data=data)

    async def post(self, message: bytes) -> bool:
        if self.up:
            self.got.append(message)
        return self.up


def drawn(seed: int) -> Callable[[int], bytes]:
    return random.Random(seed).randbytes


@pytest.fixture
def room(make: Make) -> World:
    return make(pieces(NOW)[:2], more=ROOM)


def invited(room: World, name: str = "anna") -> Token:
    return vantages.invite(room.keys, room.config, name, "home", "ZZ", drawn(len(name)))


def seen(vantage: str = "anna", when: datetime = NOW, **more: str) -> Sighting:
    page = Result(check=Fetch(ip="198.18.0.9", tag="page"), outcome=Outcome(stage="http", status=200, answers=1))
    sighting = Sighting(mirror=MIRROR, vantage=vantage, network="home", started=when, results=(page,))
    return replace(sighting, **more)  # type: ignore[arg-type]


def report(token: Token, *sightings: Sighting, when: datetime = NOW, number: int = 0) -> bytes:
    (payload,) = pack_reports(when, sightings, drop.PAYLOAD)
    return drop.report(payload, token.secret, token.inbox, number.to_bytes(16, "big"))


def lists(room: World) -> dict[str, bytes]:
    with room.outside() as outside:
        return vantages.lists(outside.journal, room.keys, room.config, NOW)


def collected(room: World, *messages: bytes, when: datetime = NOW) -> Collected:
    box = Box({str(number): message for number, message in enumerate(messages)})
    with room.outside() as outside:
        got = vantages.collect(outside.journal, room.keys, room.config, [box], when)
    assert box.names() == []
    return got


def test_a_list_there_a_report_back_and_a_verdict(room: World) -> None:
    token = invited(room)
    mirror = Dropping(lists(room))
    fetched = anyio.run(lookout.fetch_list, [mirror], token, NOW, None)
    assert fetched.work is not None
    assert [one.url for one in fetched.work.mirrors] == [MIRROR, "https://two.example/"]

    sightings: list[Sighting] = []
    prober = SimulatedVantage(weather=Weather())

    async def look() -> None:
        assert fetched.work is not None
        await lookout.look(prober, fetched.work, lambda: NOW, random.Random(1).random, sightings.append, deep=False)

    anyio.run(look)
    assert {one.mirror for one in sightings} == {MIRROR, "https://two.example/"}
    waiting = Box()
    assert lookout.seal(sightings, token, NOW, drawn(7), waiting) == len(waiting.held) == 1
    assert anyio.run(lookout.send, waiting, [Dropping(up=False), mirror], 24) == 1
    assert waiting.names() == []

    got = collected(room, *mirror.got)
    assert (got.sightings, dict(got.vantages), dict(got.refused)) == (2, {"anna": 1}, {})
    with room.outside() as outside:
        stands = anyio.run(patrol, outside, room.config, NOW, random.Random(1).random)
    assert {(one.mirror, one.network) for one in stands.findings} >= {(MIRROR, "home"), (MIRROR, "office")}


def test_reports_wait_until_a_mirror_takes_them_and_a_dead_one_is_asked_once() -> None:
    waiting = Box({str(number): bytes(4_096) for number in range(5)})
    dead = Dropping(up=False)
    assert anyio.run(lookout.send, waiting, [dead], 24) == 0
    assert len(waiting.names()) == 5
    alive = Dropping()
    assert anyio.run(lookout.send, waiting, [dead, alive], 3) == 3
    assert len(waiting.names()) == 2
    assert len(alive.got) == 3


def test_each_vantage_is_told_of_its_own_mirrors_alone(room: World) -> None:
    invited(room, "anna")
    boris = invited(room, "boris")
    sheets = lists(room)
    assert len(sheets) == 2 * 15
    assert len(set(sheets.values())) == len(sheets)
    assert {len(data) for data in sheets.values()} <= {1_024, 2_048}
    fetched = anyio.run(lookout.fetch_list, [Dropping(sheets)], boris, NOW, None)
    assert fetched.work is not None
    assert [one.url for one in fetched.work.mirrors] == [MIRROR]


@pytest.mark.parametrize("days", [-1, 0, 1, 7, 13])
def test_a_list_is_found_for_two_weeks_and_with_a_clock_that_is_a_day_wrong(room: World, days: int) -> None:
    token = invited(room)
    mirror = Dropping(lists(room))
    assert anyio.run(lookout.fetch_list, [mirror], token, NOW + timedelta(days=days), None).work is not None


def test_a_list_that_is_old_missing_or_over_is_not_believed(room: World) -> None:
    token = invited(room)
    sheets = lists(room)
    for mirror, when, newest, fault in (
        (Dropping(sheets), NOW, NOW + timedelta(minutes=1), "older than the one before"),
        (Dropping(), NOW, None, "no list there"),
        (Dropping(up=False), NOW, None, "no answer"),
        (Dropping(sheets), NOW + timedelta(days=14), None, "it ended on"),
        (Dropping(dict.fromkeys(sheets, b"noise")), NOW, None, "not sealed to this vantage"),
    ):
        got = anyio.run(lookout.fetch_list, [mirror], token, when, newest)
        assert got.work is None
        assert fault in "; ".join(got.faults)
    good = anyio.run(lookout.fetch_list, [Dropping(up=False), Dropping(sheets)], token, NOW, NOW)
    assert good.work is not None


def test_what_is_not_authentic_new_and_ours_is_refused_and_counted(room: World) -> None:
    anna, boris = invited(room), invited(room, "boris")
    stranger = replace(anna, secret=bytes(range(32)))
    other = replace(anna, inbox=sealing.public_of(bytes(range(32))))
    late, early = NOW - timedelta(days=8), NOW + timedelta(minutes=6)
    body = drop.read(report(anna, seen()), vantages.inbox(room.keys).secret)
    assert body is not None
    forged = drop.message(drop.REPORT, body[1][:-1] + b"!", anna.inbox)
    once = report(anna, seen())
    got = collected(
        room,
        once,
        once,
        b"short",
        bytes(4_097),
        bytes(4_096),
        once[:-1] + bytes([once[-1] ^ 1]),
        report(other, seen()),
        drop.message(2, b"a reader's", anna.inbox),
        report(stranger, seen()),
        forged,
        report(boris, seen("anna"), number=1),
        report(anna, seen(network="AS64500"), number=2),
        report(anna, seen(mirror="https://elsewhere.example/"), number=3),
        report(anna, seen(when=late), when=late, number=4),
        report(anna, seen(when=early), when=early, number=5),
        report(anna, seen(when=early), number=6),
        drop.report(b"noise", anna.secret, anna.inbox, bytes([7] * 16)),
    )
    assert (got.messages, got.sightings) == (17, 1)
    assert dict(got.refused) == {
        "replayed": 1,
        "size": 2,
        "sealed": 3,
        "kind": 1,
        "unknown": 1,
        "forged": 1,
        "vantage": 2,
        "mirror": 1,
        "time": 3,
        "report": 1,
    }
    again = collected(room, once, when=NOW + timedelta(days=6))
    assert dict(again.refused) == {"replayed": 1}
    assert dict(collected(room, once, when=NOW + timedelta(days=30)).refused) == {"replayed": 1}
    assert dict(collected(room, once, when=NOW + timedelta(days=31)).refused) == {"time": 1}


def test_one_vantage_cannot_flood_the_journal(room: World) -> None:
    anna = invited(room)
    messages = [report(anna, seen(when=NOW - timedelta(minutes=n)), number=n) for n in range(vantages.MOST_OF_ONE + 5)]
    got = collected(room, *messages)
    assert (got.sightings, dict(got.refused)) == (vantages.MOST_OF_ONE, {"many": 5})


def test_what_a_page_is_the_newsroom_says(room: World) -> None:
    from hashlib import sha256

    anna = invited(room)
    room.publish()
    pointer = room.mirrors[0].files["now"]
    page = Outcome(stage="http", status=200, answers=1, digest=sha256(pointer).hexdigest())
    lying = replace(
        seen(), results=(Result(check=Fetch(ip="198.18.0.9", tag="page"), outcome=page),), content="strange"
    )
    collected(room, report(anna, lying), report(anna, seen(content="current"), number=1), when=room.now)
    with room.outside() as outside:
        assert sorted(one.content for one in outside.journal.sightings(NOW)) == ["", "current"]


@given(st.lists(st.binary(max_size=5_000), max_size=5))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_of_a_stranger_end_a_collection(room: World, messages: list[bytes]) -> None:
    if not any(name.startswith("drop/") for name in room.keys.names()):
        invited(room)
    anna = vantages.inbox(room.keys)
    sealed = [drop.message(drop.REPORT, message[: drop.ROOM], anna.public) for message in messages]
    got = collected(room, *messages, *sealed)
    assert got.sightings == 0
    assert sum(got.refused.values()) == got.messages == 2 * len(messages)


def test_a_vantage_that_was_removed_is_unknown_and_gets_no_list(room: World) -> None:
    anna = invited(room)
    vantages.forget(room.keys, "anna")
    assert dict(collected(room, report(anna, seen())).refused) == {"unknown": 1}
    assert lists(room) == {}
    with pytest.raises(KeyFileError, match="no such vantage"):
        vantages.forget(room.keys, "anna")
    invited(room)


def test_what_is_missing_is_named_with_its_remedy(room: World, make: Make) -> None:
    with pytest.raises(KeyFileError, match="heliograph vantage new"):
        vantages.inbox(room.keys)
    closed = make(pieces(NOW)[:1], more=ROOM.replace('drops = ["https://drop.example/"]', ""), folder="closed")
    with pytest.raises(ConfigError, match="serve DIR --drop FOLDER"):
        invited(closed)
    invited(room)
    with pytest.raises(AssertionError):
        invited(room)  # the folder in memory asserts that no key is overwritten
    many = "".join(
        f'[[mirror]]\nname = "m{n}"\npath = "m/{n}"\nurl = "https://{"x" * 60}{n}.example/"\n' for n in range(60)
    )
    big = make(pieces(NOW)[:1], more=ROOM + many, folder="big")
    invited(big)
    with pytest.raises(ConfigError, match="fewer mirrors"):
        lists(big)


def test_what_no_list_may_hold_is_told_to_the_newsroom_and_not_found_out_by_the_vantage(make: Make) -> None:
    room = make(pieces(NOW)[:1], more=ROOM.replace("[[mirror]]", 'resolver = "dns.example"\n[[mirror]]', 1))
    invited(room)
    with pytest.raises(ConfigError, match=r"vantage anna: its work list: .*dns\.example"):
        lists(room)


def test_a_clock_that_is_wrong_is_said_to_be(room: World) -> None:
    anna = invited(room)
    hour = NOW + timedelta(hours=1)
    got = collected(room, report(anna, seen(when=hour), when=hour))
    assert (dict(got.refused), dict(got.vantages)) == ({"time": 1}, {"anna": 1})
