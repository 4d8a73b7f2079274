"""A release behind the emulated CloudFront: raised, read through its edge by name and certificate, told, retired.

Everything stands in a lab: its resolver knows the names, its processes trust the edge's certificate, and the commands
know of neither.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.cli.room import configured
from tests.cli.test_commands import STORY

from benchmarks.clouds import PLACE, READER, Provider, provider
from heliograph.lab.world.plan import RESOLVER
from heliograph.model import Source

OTHER = 'url = "http://still-water.example/"\nprovider = "one"\n'  # the last mirror is never taken from readers
WATCH = f'anchors = []\nordinary = []\nresolver = "{RESOLVER[0]}:53"\ndoh = ""\n'


class Room:
    """A newsroom whose bucket is behind a provider's addresses."""

    def __init__(self, folder: Path, given: Provider) -> None:
        self.provider, self.texts = given, folder / "texts"
        self.texts.mkdir()
        for day in range(3):
            self.write(day)
        self.config = configured(folder / "room", "", Source(kind="folder", url=self.texts.as_uri()))
        self.root = self.config.parent / "keys" / "tuf" / "1.root.json"
        text = self.config.read_text(encoding="utf-8")
        text = text.replace('path = "mirrors/first"\n', f'path = "mirrors/first"\n{OTHER}')
        text = text.replace("[watch]\n", f"[watch]\n{WATCH}")
        text += f'\n[[mirror]]\nname = "bucket"\n{given.bucket}\n[[host]]\nname = "front"\n{given.host}'
        self.config.write_text(text, encoding="utf-8")

    def write(self, day: int, title: str = "Новость") -> None:
        text = STORY.format(title=f"{title} {day}", day=day)
        (self.texts / f"story-{day}.md").write_text(text, encoding="utf-8")

    def want(self, **changes: int) -> None:
        """Change the policy of the pool."""
        text = self.config.read_text(encoding="utf-8")
        lines = "".join(f"{name} = {value}\n" for name, value in changes.items())
        self.config.write_text(text.replace("[rotate]\n", f"[rotate]\n{lines}"), encoding="utf-8")

    def run(self, *words: str, code: int = 0) -> Any:
        done = self.provider.run(*words, "--json", "--config", self.config)
        assert done.returncode == code, done.stdout.decode() + done.stderr.decode()
        return json.loads(done.stdout)

    def serve(self) -> None:
        """The other mirror, by its name."""
        world = self.provider.world
        world.name("still-water.example", PLACE)
        self.provider.spawn("serve", self.config.parent / "mirrors" / "first", "--listen", "0.0.0.0:80")
        world.wait_for(PLACE, 80)

    def tell(self, *words: str) -> None:
        done = self.provider.run(*words, "--config", self.config)
        assert done.returncode == 0, done.stderr.decode()

    def rounds(self, number: int) -> list[str]:
        """So many rounds of the pool; the kinds of moves."""
        return [move["kind"] for _ in range(number) for move in self.run("mirrors", "rotate")["moves"]]

    def raised(self) -> dict[str, dict[str, Any]]:
        return {one["name"]: one for one in self.run("mirrors", "list")["mirrors"] if one["host"]}

    def verify(self, url: str) -> dict[str, Any]:
        """What a reader elsewhere finds there."""
        done = self.provider.run("verify", url, "--root", self.root, where=READER)
        told: dict[str, Any] = json.loads(done.stdout)
        return {**told, "exit": done.returncode}


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with provider(tmp_path / "provider") as given:
        yield Room(tmp_path, given)


@pytest.mark.needs_netns
@pytest.mark.timeout(600)
def test_a_release_behind_cloudfront_from_its_first_address_to_its_last(room: Room) -> None:
    told = room.run("publish")
    first, spent = told["finished"]["number"], {one["name"]: one["spent"] for one in told["mirrors"]}
    assert (spent["bucket"]["writes"] > first, spent["first"]["writes"]) == (True, 0)  # a folder costs nothing
    room.serve()
    assert room.rounds(1) == ["raise", "raise"]  # one to be told and a spare
    assert {one["status"] for one in room.provider.distributions} == {"InProgress"}
    assert sorted(room.rounds(3)) == ["promote", "ready", "ready"]
    assert sorted(one["phase"] for one in room.raised().values()) == ["live", "spare"]
    for one in room.raised().values():
        found = room.verify(one["url"])
        assert (found["exit"], found["verdict"], found["release"]) == (0, "verified", first)

    # readers are told of the live one, by a release that arrives there
    (live,) = [one["url"] for one in room.raised().values() if one["phase"] == "live"]
    room.write(0, "Исправлено")
    second = room.run("publish")["finished"]["number"]
    assert live in (room.config.parent / "mirrors" / "first" / "index.html").read_text(encoding="utf-8")
    assert room.verify(live)["release"] == first  # as long as caches keep the pointer, and whole
    room.provider.ask("advance", seconds=60)
    found = room.verify(live)
    assert (found["exit"], found["verdict"], found["release"]) == (0, "verified", second)

    # the watch knows what it reads there for the newsroom's own
    assert [one["kind"] for one in room.run("patrol")["findings"]] == ["well"] * 3

    room.want(min_live=1, spares=0, providers=1)
    for name in room.raised():
        room.tell("mirrors", "retire", name)
    assert room.rounds(1) == []
    assert [(one["enabled"], one["status"]) for one in room.provider.distributions] == [(False, "InProgress")] * 2
    assert room.verify(live)["exit"] == 0  # until that has arrived, whoever reads there reads on
    assert room.rounds(3) == ["ended", "ended"]
    assert room.provider.distributions == []
    assert room.verify(live)["code"] == "unavailable"
    assert {one["phase"] for one in room.raised().values()} == {"gone"}
    asked = {(name, code): count for name, code, count in room.provider.ask("state")["asked"]}
    assert [asked[f"{what}Distribution", ""] for what in ("Create", "Update", "Delete")] == [2, 2, 2]
    assert all(not code for _, code in asked), "nothing was refused: each step named the version it had just read"
