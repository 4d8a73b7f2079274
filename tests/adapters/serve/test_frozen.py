"""A mirror behind real curtains: what it keeps of frozen readers, and what its sensor tells of the curtain."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from heliograph.lab.censor import Line
from heliograph.lab.world import World
from heliograph.model.census import unpack
from heliograph.watch.sensor import spikes

pytestmark = pytest.mark.needs_netns
HERE = Path(__file__).parent
MIRROR = "203.0.113.10"
FROZEN = 1_000
WITHIN = 60.0  # seconds
LITTLE = 8 << 20  # bytes that a process may keep of a rush


def until(true: Callable[[], bool], seconds: float, what: Callable[[], object]) -> None:
    """Wait for something to be true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, what()
        time.sleep(0.05)


def start(
    world: World, folder: Path, report: Path, user_timeout: int, *sensing: object
) -> Callable[[], dict[str, int]]:
    """The mirror, and what it says of itself."""
    words = [folder, 80, report, user_timeout, *sensing]
    world.spawn("one", [sys.executable, HERE / "mirror.py", *map(str, words)])
    world.wait_for("one", 80)
    until(report.exists, 20, lambda: "no report")
    return lambda: dict(json.loads(report.read_text()))


def crowd(world: World, network: str, path: str, count: int, at_once: int, silence: float) -> list[int]:
    """How many bytes each reader got."""
    words = [MIRROR, 80, path, count, at_once, silence]
    done = world.run(network, [sys.executable, "-ISB", HERE / "crowd.py", *map(str, words)], timeout=200)
    assert done.returncode == 0, done.stderr.decode()
    return list(json.loads(done.stdout))


@pytest.mark.parametrize(("path", "watching"), [("/index.html", False), ("/index.html", True), ("/a/huge.mp4", True)])
def test_after_a_thousand_frozen_connections_all_is_as_before(
    edition: Path, tmp_path: Path, path: str, watching: bool
) -> None:
    with (edition / "a/huge.mp4").open("wb") as file:
        file.truncate(32 << 20)
    with World({"home": "curtain-16k:limit=2000"}, {"one": [MIRROR]}, line=Line(rtt=0.02)) as world:
        sensing = (tmp_path / "sensor.json", 10 * FROZEN, f"home={world.addresses('home')[0]}")
        said = start(world, edition, tmp_path / "report", 4_000, *(sensing if watching else ()))
        assert min(crowd(world, "home", "/robots.txt", 20, 20, 1.0)) > 1_024
        asked = 20
        if path == "/a/huge.mp4":  # a slice waits in memory for each, and the allocator keeps some of the first rush
            crowd(world, "home", path, FROZEN, FROZEN, 3.0)
            asked += FROZEN
        until(lambda: said()["2xx"] == asked and said()["sockets"] == said()["watched"] == 0, WITHIN, said)
        before = said()
        got = crowd(world, "home", path, FROZEN, FROZEN, 3.0)
        assert len(got) == FROZEN
        assert max(got) <= 2_000
        end = time.monotonic() + WITHIN
        until(lambda: said()["2xx"] == FROZEN + asked, end - time.monotonic(), said)
        until(lambda: said()["sockets"] == said()["open"] == said()["watched"] == 0, end - time.monotonic(), said)
        after = said()
        assert after["handles"] <= before["handles"]
        assert after["resident"] - before["resident"] < LITTLE
        assert after["failed"] == 0
        assert world.box("home").stats()["rules"]["curtain-16k"]["connections"] >= FROZEN


def test_the_sensor_shows_where_each_curtain_falls_and_none_where_there_is_none(edition: Path, tmp_path: Path) -> None:
    censors = {"home": "curtain-16k", "mobile": "curtain-25p", "free": "none"}
    many = {"home": 60, "mobile": 60, "free": 120}
    place = tmp_path / "sensor.json"
    with World(censors, {"one": [MIRROR]}, line=Line(rtt=0.04)) as world:
        networks = [f"{name}={world.addresses(name)[0]}" for name in censors]
        said = start(world, edition, tmp_path / "report", 8_000, place, sum(many.values()), *networks)
        got: dict[str, Any] = {name: crowd(world, name, "/ladder/64", many[name], 20, 3.0) for name in censors}
        until(lambda: bool(unpack(place.read_bytes()).days), WITHIN, said)
    (day,) = unpack(place.read_bytes()).days
    found = {spike.network: spike for spike in spikes(day)}
    assert set(found) == {"home", "mobile"}
    for name, spike in found.items():
        assert abs(spike.threshold - statistics.median(got[name])) <= 1_500, (name, day.cells, got[name])
        assert spike.controls == 1
    assert min(got["free"]) > 65_536
    assert [cell.end for cell in day.cells if cell.network == "free"] == ["whole"]
    for address in {address for name in censors for address in world.addresses(name)}:
        assert address.encode() not in place.read_bytes()
