"""A round over the mirrors: looks from here, reports from elsewhere, and what stands afterwards."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta
from functools import partial

import anyio
from tests.flows.world import NOW, Make, World

from heliograph.flows.patrol import Patrol, patrol
from heliograph.lab.piece import pieces
from heliograph.lab.vantage import SimulatedVantage, Weather
from heliograph.model.census import Cell, Census, Day, pack
from heliograph.model.sighting import Finding, Result, Sighting, Steps
from heliograph.watch import Controls, Target, probe

MIRROR = "https://mirror.example/"
WATCHED = f"""
[watch]
network = "office"
ordinary = ["https://one.example/"]
[[mirror]]
name = "one"
path = "mirrors/one"
url = "{MIRROR}"
addresses = ["198.18.0.9"]
[[vantage]]
name = "anna"
network = "home"
[[vantage]]
name = "boris"
network = "home"
"""


class Showing(SimulatedVantage):
    """A vantage whose pages are those of a mirror in memory."""

    page = b""

    async def look(self, steps: Steps) -> tuple[Result, ...]:
        from hashlib import sha256

        results = await super().look(steps)
        digest, text = sha256(self.page).hexdigest(), self.page.decode("utf-8", "replace")[:4_096]
        return tuple(
            replace(one, outcome=replace(one.outcome, digest=digest, opening=text))
            if one.outcome.status == 200 and one.check.tag.startswith("page")
            else one
            for one in results
        )


def watched(make: Make) -> World:
    made = make(pieces(NOW)[:2], more="[edition]\npictures = false\n" + WATCHED)
    made.vantage = Showing(weather=Weather())
    return made


def round_of(world: World, minutes: int = 1, *, deep: bool = False, **more: object) -> Patrol:
    world.now += timedelta(minutes=minutes)
    if isinstance(world.vantage, Showing):
        world.vantage.page = world.mirrors[0].files.get("now", b"")
    with world.outside() as outside:
        return anyio.run(partial(patrol, deep=deep, **more), outside, world.config, world.now, random.Random(1).random)


def report(world: World, vantage: str, weather: Weather) -> None:
    """What a volunteer saw just now, as it comes in."""
    simulated = SimulatedVantage(weather=weather)
    target = Target(url=MIRROR, addresses=("198.18.0.9",))
    given = Controls(ordinary=("https://one.example/",), name="innocent.example")
    results = anyio.run(simulated.look, probe(target, given, random.Random(1).random))
    with world.outside() as outside:
        seen = Sighting(mirror=MIRROR, vantage=vantage, network="home", started=world.now, results=results)
        assert outside.journal.saw([seen], world.now) == 1


def kinds(seen: Patrol) -> dict[str, tuple[str, str]]:
    return {finding.network: (finding.kind, finding.strength) for finding in seen.findings}


def test_a_mirror_that_is_well_is_told_once(make: Make) -> None:
    world = watched(make)
    world.publish()
    first = round_of(world)
    assert kinds(first) == {"office": ("well", "confirmed")}
    assert [finding.kind for finding in first.changed] == ["well"]
    assert round_of(world).changed == ()


def test_reports_from_a_network_are_weighed_with_the_look_from_here(make: Make) -> None:
    world = watched(make)
    world.publish()
    report(world, "anna", Weather(drop_name=True))
    assert kinds(round_of(world)) == {"office": ("well", "confirmed"), "home": ("sni-drop", "likely")}
    report(world, "boris", Weather(drop_name=True))
    assert kinds(round_of(world))["home"] == ("sni-drop", "confirmed")


def test_a_dead_server_is_no_block_anywhere(make: Make) -> None:
    world = watched(make)
    world.publish()
    world.vantage = SimulatedVantage(weather=Weather(up=False))
    report(world, "anna", Weather(up=False))
    found = kinds(round_of(world))
    assert found["home"][0] == "origin-down"
    with world.outside() as outside:
        assert not any(finding.blocked for finding in outside.journal.findings() if finding.network == "home")


def test_what_the_mirror_shows_is_held_against_the_journal(make: Make) -> None:
    world = watched(make)
    world.publish()
    old = world.mirrors[0].files["now"]
    world.newsroom.edit(world.newsroom.pieces[0].path, world.now, title="Исправленный заголовок")
    world.publish()
    world.mirrors[0].files["now"] = old
    assert kinds(round_of(world))["office"][0] == "well"  # a release takes its time to get there
    assert kinds(round_of(world, 180))["office"][0] == "well"  # one look does not turn a finding
    assert kinds(round_of(world))["office"][0] == "stale"
    world.mirrors[0].files["now"] = b"not ours\n"
    round_of(world)
    assert kinds(round_of(world))["office"][0] == "forged"


def test_what_a_mirror_counts_itself_is_heard_and_blocks_nothing(make: Make) -> None:
    world = watched(make)
    world.publish()
    cells = (
        Cell(network="AS64500", end="frozen", kib=14, count=70),
        Cell(network="AS64500", end="whole", kib=5, count=300),
        Cell(network="AS64501", end="whole", kib=64, count=300),
        Cell(network="home", end="frozen", kib=5, count=70),
    )
    counted = {"one": pack(Census(sample=1.0, days=(Day(day=(NOW - timedelta(days=1)).date(), cells=cells),)))}
    report(world, "anna", Weather())
    seen = round_of(world, counted=counted)
    assert kinds(seen) == {
        "office": ("well", "confirmed"),
        "home": ("well", "confirmed"),
        "AS64500": ("curtain", "suspicion"),
    }
    assert not any(finding.blocked for finding in seen.findings)
    assert {finding.vantages for finding in seen.changed} >= {("sensor:one:AS64500",)}
    with world.outside() as outside:
        assert {one.vantage for one in outside.journal.sightings(NOW - timedelta(days=9))} == {"here", "anna"}
    seen = round_of(world, counted={"one": b"<html>", "two": b"of no mirror"})
    (told,) = seen.misread
    assert "mirror one" in told


def test_a_mirror_that_is_taken_out_of_the_configuration_is_forgotten(make: Make) -> None:
    world = watched(make)
    world.publish()
    round_of(world)
    world.config = world.config.model_copy(update={"mirror": ()})
    assert round_of(world).findings == ()
    with world.outside() as outside:
        assert outside.journal.findings() == []


def test_findings_survive_the_process(make: Make) -> None:
    world = watched(make)
    world.publish()
    seen = round_of(world)
    with world.outside() as outside:
        held: list[Finding] = outside.journal.findings()
    assert held == [replace(one, seen=one.seen.replace(microsecond=0)) for one in seen.findings]
