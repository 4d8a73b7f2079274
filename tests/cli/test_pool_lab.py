"""A mirror is blocked on one network, and readers there are told of another: real processes in the lab, no hand moves.

A newsroom with two live mirrors and one prepared, each at an address and a provider of its own, runs as the service
does. A volunteer in each of two networks of readers looks at the mirrors. Then one network's censor turns on a mirror.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.room import configured
from tests.cli.test_vantage import heliograph

from heliograph.lab.censor import Line
from heliograph.lab.world import Process, World

pytestmark = [pytest.mark.needs_netns, pytest.mark.timeout(900)]

PLACES = {"one": "203.0.113.10", "two": "198.51.100.20", "three": "192.0.2.30"}
URLS = {name: f"https://{name}.example/" for name in PLACES}
HOSTS = {"control.example": "192.0.2.40", "office.example": "192.0.2.50"}
ROOM = """
[newsroom]
title = "Полуостров"
[[source]]
kind = "folder"
url = "texts"
[watch]
name = "office"
network = "office"
every = "2s"
vantages_every = "1m"
drops = ["https://one.example/", "https://two.example/"]
spools = ["spool/one", "spool/two"]
anchors = []
ordinary = ["https://control.example/"]
resolver = ""
doh = ""
[[host]]
name = "ahead"
kind = "given"
provider = "of three"
urls = ["https://three.example/"]
"""
MIRROR = """
[[mirror]]
name = "{name}"
path = "mirrors/{name}"
{more}
"""
LIVE = 'url = "https://{name}.example/"\naddresses = ["{address}"]\nprovider = "of {name}"'


class Scene:
    """The newsroom at its office, three servers, and volunteers at home and in a café."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder, self.world = folder, world
        self.config = configured(folder, "https://peninsula.example")
        mirrors = [
            MIRROR.format(name=name, more=LIVE.format(name=name, address=PLACES[name]) if name != "three" else "")
            for name in PLACES
        ]
        self.config.write_text("".join([ROOM, *mirrors]), encoding="utf-8")
        (folder / "texts").mkdir()
        for number in range(3):
            text = f"Мост открыли {number}.\n\nПервый абзац рассказывает о мосте.\n"
            (folder / "texts" / f"{number}.txt").write_text(text, encoding="utf-8")
        heliograph("publish", "--json", "--config", self.config)
        self.tokens = {name: self._token(name, network) for name, network in (("anna", "home"), ("bob", "cafe"))}
        cert = world.certificate([*(f"{name}.example" for name in PLACES), "control.example"])
        for name, address in PLACES.items():
            drop = ["--drop", str(folder / "spool" / name)]
            self._serve(name, folder / "mirrors" / name, address, cert, *drop)
        self._serve("control", folder / "mirrors" / "one", HOSTS["control.example"], cert)
        for name in (*PLACES, "control"):
            world.wait_for(name, 443, timeout=60.0)
        self.service = self._started("office", "run", "--json", "--config", str(self.config))
        self.seen: dict[str, float] = {}  # lines of the service, and when they were first there

    def _token(self, name: str, network: str) -> Path:
        path = self.folder / f"{name}.token"
        path.write_text(heliograph("vantage", "new", name, "--network", network, "--config", self.config).stdout)
        return path

    def _serve(self, place: str, edition: Path, address: str, cert: str, *more: str) -> None:
        self._started(place, "serve", str(edition), "--listen", f"{address}:443", "--cert", cert, *more)

    def _started(self, where: str, *words: str) -> Process:
        return self.world.spawn(where, [sys.executable, "-m", "heliograph", *words], cwd=self.folder)

    def volunteers(self) -> dict[str, Process]:
        """Both at work, until the lab ends."""
        return {
            name: self._started({"anna": "home", "bob": "cafe"}[name], "vantage", "run", str(token), "--json")
            for name, token in self.tokens.items()
        }

    def told(self) -> list[tuple[float, dict[str, Any]]]:
        """What the service has said, each with when it was heard."""
        lines = self.service.output().decode().splitlines(keepends=True)
        for line in lines:
            if line.endswith("\n"):
                self.seen.setdefault(line, time.monotonic())
        return [(at, json.loads(line)) for line, at in self.seen.items()]

    def heard(self, wanted: Callable[[dict[str, Any]], object], patience: float) -> tuple[float, dict[str, Any]]:
        """The first that is ``wanted`` of what the service says."""
        until = time.monotonic() + patience
        while time.monotonic() < until:
            for at, one in self.told():
                if wanted(one):
                    return at, one
            assert self.service.poll() is None, self.service.errors().decode()
            time.sleep(0.1)
        pytest.fail(f"not heard: {self.told()[-8:]} {self.service.errors().decode()[-2_000:]}")

    def page(self, network: str, name: str) -> str:
        """The front page that a reader gets from a mirror; "" if none comes."""
        command = ["curl", "-sS", "--compressed", "--max-time", "5", URLS[name]]
        done = self.world.run(network, command, timeout=30.0)
        return done.stdout.decode() if done.returncode == 0 else ""


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    places = {**{name: [address] for name, address in PLACES.items()}, "control": [HOSTS["control.example"]]}
    names = {f"{name}.example": [name] for name in places}
    places["office"] = [HOSTS["office.example"]]
    with World({"home": "none", "cafe": "none"}, places, names=names, line=Line(rtt=0.04)) as world:
        yield Scene(tmp_path / "room", world)


def live_at_each_move(history: list[dict[str, Any]]) -> list[int]:
    """How many mirrors readers were told of after each move, from the two of the beginning. The oldest move is last."""
    live, counts = {"one", "two"}, [2]
    for note in reversed(history):
        live = live | {note["mirror"]} if note["kind"] == "promote" else live
        live = live - {note["mirror"]} if note["kind"] in ("rest", "retire", "lost", "ended", "return") else live
        counts.append(len(live))
    return counts


@pytest.mark.parametrize(
    ("censor", "kind"),
    [("sni-rst:names=one.example", "sni-rst"), (f"ip-blackhole:to={PLACES['one']}/32", "tcp_ip")],
)
def test_readers_of_a_network_are_led_round_a_mirror_that_is_blocked_there(
    scene: Scene, censor: str, kind: str
) -> None:
    scene.heard(lambda one: one.get("move", {}).get("kind") == "ready", 120.0)
    volunteers = scene.volunteers()
    for network in ("home", "cafe"):
        scene.heard(lambda one, where=network: is_found(one, "one", where, "well"), 120.0)
    assert URLS["one"] in scene.page("home", "two")
    assert URLS["three"] not in scene.page("home", "two"), "a spare that nobody is told of"

    began = time.monotonic()
    scene.world.box("home").switch(censor)
    assert scene.page("home", "one") == ""
    verdict, found = scene.heard(lambda one: is_found(one, "one", "home", kind), 300.0)
    assert found["finding"]["strength"] in ("likely", "confirmed")
    until = time.monotonic() + 60.0
    while URLS["three"] not in (page := scene.page("home", "two")) and time.monotonic() < until:
        time.sleep(0.2)
    told = time.monotonic()
    assert URLS["three"] in page
    assert URLS["one"] not in page, "a mirror that does not work there"
    assert URLS["two"] in scene.page("home", "three"), "the same edition, from the mirror that was named"
    print(f"{kind}: {verdict - began:.0f} s until likely, {told - verdict:.1f} s more until pages name a live one")

    listed = json.loads(heliograph("mirrors", "list", "--json", "--config", scene.config).stdout)
    assert [one["kind"] for one in reversed(listed["moves"])] == ["raise", "ready", "promote", "rest"]
    assert min(live_at_each_move(listed["moves"])) == 2, "never fewer than min_live"
    assert {one["url"]: one["phase"] for one in listed["mirrors"]} == {
        URLS["one"]: "resting",
        URLS["two"]: "live",
        URLS["three"]: "live",
    }
    shown = heliograph("mirrors", "list", "--config", scene.config).stdout
    assert "promote" in shown
    assert f"{kind} in network home" in " ".join(shown.split())
    assert scene.page("cafe", "one"), "it is blocked at home only"
    assert all(one.poll() is None for one in volunteers.values())


def is_found(said: dict[str, Any], mirror: str, network: str, kind: str) -> bool:
    """Whether this is the finding that ``mirror`` is ``kind`` in ``network``."""
    told = said.get("finding", {})
    return (told.get("mirror"), told.get("network"), told.get("kind")) == (URLS[mirror], network, kind)
