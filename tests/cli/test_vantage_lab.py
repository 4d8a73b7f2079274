"""A volunteer behind the censor: a mirror is measured there, and the report comes through the curtain it tells of."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.room import configured
from tests.cli.test_vantage import heliograph

from heliograph.adapters.spool import MOST_SHEET, Spool
from heliograph.lab.censor import Line
from heliograph.lab.world import World

pytestmark = pytest.mark.needs_netns

HOST, URL = "203.0.113.10", "https://mirror.example/"
ROOM = f"""
[newsroom]
title = "Полуостров"
[watch]
name = "office"
network = "office"
drops = ["{URL}"]
spools = ["spool"]
anchors = []
ordinary = ["https://control.example/"]
resolver = ""
doh = ""
[[mirror]]
name = "one"
path = "mirror"
url = "{URL}"
addresses = ["{HOST}"]
"""


class Scene:
    """A newsroom, its mirror in the world, and a volunteer at home behind ``profile``."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder, self.world = folder, world
        self.config = configured(folder, "https://peninsula.example")
        self.config.write_text(ROOM, encoding="utf-8")
        (folder / "mirror").mkdir()
        (folder / "mirror" / "now").write_bytes(b"{}\n{}\n{}\nx")
        (folder / "mirror" / "index.html").write_bytes(b"<p>" * 300)
        cert = world.certificate(["mirror.example", "control.example"])
        command = [sys.executable, "-m", "heliograph", "serve", str(folder / "mirror"), "--listen", f"{HOST}:443"]
        world.spawn("one", [*command, "--cert", cert, "--drop", str(folder / "spool")])
        self.token = folder / "anna.token"
        text = heliograph("vantage", "new", "anna", "--network", "home", "--config", self.config).stdout
        self.token.write_text(text, encoding="ascii")
        world.wait_for("one", 443, timeout=60.0)
        heliograph("vantage", "lists", folder / "spool", "--config", self.config)

    def measured(self) -> dict[str, Any]:
        command = [sys.executable, "-m", "heliograph", "vantage", "run", str(self.token), "--once", "--deep", "--json"]
        done = self.world.run("home", command, timeout=200.0)
        assert done.returncode == 0, done.stderr.decode()
        told: dict[str, Any] = json.loads(done.stdout)
        return told

    def collected(self) -> dict[str, Any]:
        got: dict[str, Any] = json.loads(heliograph("vantage", "collect", "--json", "--config", self.config).stdout)
        return got


def built(profile: str) -> World:
    names = {"mirror.example": ["one"], "control.example": ["one"]}
    return World({"home": profile}, {"one": [HOST]}, names=names, line=Line(rtt=0.04))


def test_a_report_comes_through_the_curtain_that_it_tells_of(tmp_path: Path) -> None:
    with built("ru-2026-home") as world:
        scene = Scene(tmp_path / "room", world)
        told = scene.measured()
        assert (told["seen"], told["waiting"]) == ({URL: "curtain"}, 0)
        assert told["sent"] >= 1
        fates = {one["fate"] for one in world.box("home").stats()["connections"]}
        assert "freeze" in fates, "there was a curtain to come through"
    spool = Spool(scene.folder / "spool")
    assert {len(spool.read(name)) for name in spool.names()} == {4_096}
    got = scene.collected()
    assert (got["sightings"], got["refused"]) == (1, {})


@pytest.mark.parametrize("profile", ["curtain-25p", "curtain-16k", "curtain-upload-5k"])
def test_a_message_and_a_list_of_any_size_pass_in_one_connection_each(tmp_path: Path, profile: str) -> None:
    with built(profile) as world:
        scene = Scene(tmp_path / "room", world)
        waiting, there = Spool(tmp_path / "waiting"), Spool(scene.folder / "spool")
        for number in range(3):
            waiting.take(bytes([number]) * 4_096)
        kept, name = waiting.names(), "ab" * 16
        there.publish({name: b"\xff" * MOST_SHEET})
        command = [sys.executable, "-m", "heliograph", "vantage", "forward", str(waiting.root), URL]
        done = world.run("home", command, timeout=100.0)
        assert done.returncode == 0, done.stderr.decode()
        assert there.names() == kept
        got = world.run("home", ["curl", "-sS", "-m", "20", f"{URL}drop/{name}"])
        assert len(got.stdout) == MOST_SHEET, got.stderr.decode()
        flows = [one for one in world.box("home").stats()["connections"] if one["transport"] == "tcp"]
        assert [one["fate"] for one in flows] == ["passed"] * 4
