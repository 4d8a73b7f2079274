"""The pool at the command line and in the service: a mirror falls, and pages name a live one by themselves."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.cli.reader import mirrored, serving
from tests.cli.room import configured

from heliograph.cli.wiring import open_journal
from heliograph.config import load
from heliograph.lab.newsroom import Newsroom
from heliograph.lab.piece import pieces

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
MIRRORS = ("one", "two", "three")


def heliograph(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "heliograph", *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


class Pool:
    """A newsroom with two mirrors that readers are told of, and a prepared address."""

    def __init__(self, folder: Path, site: str, stack: ExitStack) -> None:
        self.config = configured(folder, site, mirrors=MIRRORS)
        self.folders = {name: self.config.parent / "mirrors" / name for name in MIRRORS}
        for place in self.folders.values():
            place.mkdir(parents=True, exist_ok=True)
        self.stops = {name: ExitStack() for name in MIRRORS}
        self.urls = {name: self.stops[name].enter_context(mirrored(place)) for name, place in self.folders.items()}
        for stop in self.stops.values():
            stack.callback(stop.close)
        text = self.config.read_text(encoding="utf-8")
        for name in ("one", "two"):
            path = f'path = "mirrors/{name}"\n'
            assert path in text
            text = text.replace(path, f'{path}url = "{self.urls[name]}"\nprovider = "of {name}"\n')
        watch = f'every = "1s"\nanchors = []\nordinary = ["{site}/"]\nresolver = ""\ndoh = ""\n'
        text = text.replace("[watch]\n", f"[watch]\n{watch}").replace("[rotate]\n", '[rotate]\ncalm = "1s"\n')
        text += f'''
[[host]]
name = "ahead"
kind = "given"
provider = "of three"
urls = ["{self.urls["three"]}"]
'''
        self.config.write_text(text, encoding="utf-8")

    def run(self, *words: str) -> Any:
        done = heliograph("mirrors", *words, "--json", "--config", str(self.config))
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def phases(self) -> dict[str, str]:
        told = self.run("list")
        return {one["url"]: one["phase"] for one in told["mirrors"]}


@pytest.fixture
def pool(tmp_path: Path) -> Iterator[Pool]:
    with ExitStack() as stack:
        site = stack.enter_context(serving(Newsroom(list(pieces(NOW))[:4])))
        made = Pool(tmp_path / "room", site, stack)
        published = heliograph("publish", "--json", "--config", str(made.config))
        assert published.returncode == 0, published.stderr
        yield made


@pytest.mark.timeout(300)
def test_a_spare_is_made_ready_shown_moved_by_hand_and_taken_back(pool: Pool) -> None:
    one, three = pool.urls["one"], pool.urls["three"]
    cost = {one["name"]: one for one in pool.run("cost")["mirrors"]}
    assert cost.keys() == set(MIRRORS)
    assert cost["one"]["next"]["writes"] == cost["one"]["month"]["dollars"] == 0  # folders, and up to date
    assert cost["one"]["fits"]
    dry = pool.run("rotate", "--dry-run")
    assert (dry["done"], [move["kind"] for move in dry["moves"]]) == (False, ["raise"])
    pool.run("rotate")
    assert [move["kind"] for move in pool.run("rotate")["moves"]] == ["ready"]
    assert pool.phases() == {one: "live", pool.urls["two"]: "live", three: "spare"}
    rested = heliograph("mirrors", "rest", "one", "--config", str(pool.config))
    assert rested.returncode == 0, rested.stderr
    assert [move["kind"] for move in pool.run("rotate")["moves"]] == ["promote"]
    back = heliograph("mirrors", "undo", "--config", str(pool.config))
    assert back.returncode == 0, back.stderr
    assert pool.phases()[three] == "spare"
    shown = heliograph("mirrors", "list", "--config", str(pool.config))
    assert "somebody asked for it" in shown.stdout
    assert "undone: promote" in shown.stdout
    assert max(map(len, shown.stdout.splitlines()[:4])) <= 80


def test_status_says_who_is_told_and_what_is_lacking(pool: Pool) -> None:
    def status(*words: str) -> subprocess.CompletedProcess[str]:
        return heliograph("status", *words, "--config", str(pool.config))

    facts = json.loads(status("--json").stdout)
    assert {one["url"] for one in facts["told"]} == {pool.urls["one"], pool.urls["two"]}
    assert facts["lacks"] == []  # a prepared address can make a spare
    text = pool.config.read_text(encoding="utf-8").replace("[rotate]\n", "[rotate]\nmin_live = 4\nproviders = 1\n")
    pool.config.write_text(text, encoding="utf-8")
    facts = json.loads(status("--json").stdout)
    (lack,) = facts["lacks"]
    assert "2 of 4 live mirrors, and no host has room" in lack
    told = status()
    assert f"told      {pool.urls['one']}" in told.stdout
    assert f"lacks     {lack}" in told.stdout
    assert pool.phases().keys() == {pool.urls["one"], pool.urls["two"]}  # nothing was asked of a host
    assert not (pool.config.parent / "state" / "hosts" / "ahead.json").exists()


def test_a_policy_that_cannot_be_met_is_told_by_each_round_with_what_is_missing(pool: Pool) -> None:
    text = pool.config.read_text(encoding="utf-8").replace("[rotate]\n", "[rotate]\nmin_live = 4\nproviders = 3\n")
    pool.config.write_text(text, encoding="utf-8")
    for words in (["--dry-run"], []):
        done = heliograph("mirrors", "rotate", *words, "--json", "--config", str(pool.config))
        assert done.returncode == 1
        lacks = json.loads(done.stdout)["lacks"]
        assert any(
            "2 of 4 live mirrors, and no host has room: raise its `most`, or add a [[host]]" in one for one in lacks
        )
    told = heliograph("mirrors", "rotate", "--config", str(pool.config))
    assert told.returncode == 1
    assert "lacks" in told.stdout
    assert "of 4 live mirrors" in told.stdout


def test_of_two_rounds_at_once_the_second_says_who_is_at_work_and_asks_no_host(pool: Pool) -> None:
    notes = pool.config.parent / "state" / "hosts" / "ahead.json"
    with open_journal(load(pool.config)) as journal, journal.hold("heliograph mirrors", what="rounds"):
        done = heliograph("mirrors", "rotate", "--json", "--config", str(pool.config))
        assert (done.returncode, done.stdout) == (1, "")
        assert "held by heliograph mirrors" in done.stderr
        assert "Traceback" not in done.stderr
        assert not notes.exists()
    pool.run("rotate")
    assert notes.exists()


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("retire", "one"), "no host has raised it"),
        (("rest", "nobody"), "no such mirror"),
        (("add", "nowhere"), "hosts are: ahead"),
        (("undo",), "no move that could be taken back"),
        (("adopt", "nobody"), "mirrors are: one, three, two"),
    ],
)
def test_what_cannot_be_done_says_why(pool: Pool, words: tuple[str, ...], what: str) -> None:
    done = heliograph("mirrors", *words, "--config", str(pool.config))
    assert done.returncode == 2
    assert what in done.stderr


@pytest.mark.timeout(300)
def test_the_service_names_a_live_mirror_with_no_hand_on_the_keyboard(pool: Pool) -> None:
    log: list[dict[str, Any]] = []
    ready = threading.Event()
    fallen = threading.Event()
    front = pool.folders["two"] / "index.html"
    command = [sys.executable, "-m", "heliograph", "run", "--json", "--config", str(pool.config)]
    service = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def listen() -> None:
        assert service.stdout is not None
        for line in service.stdout:
            log.append({**json.loads(line), "at": time.monotonic()})
            if log[-1].get("move", {}).get("kind") == "ready":
                ready.set()
            if log[-1].get("move", {}).get("kind") == "rest":
                fallen.set()

    reading = threading.Thread(target=listen)
    reading.start()
    try:
        assert ready.wait(120), "no spare"
        pool.stops["one"].close()  # its server is gone
        assert fallen.wait(60), f"nothing was moved: {log[-6:]}"
        until = time.monotonic() + 60
        while time.monotonic() < until and pool.urls["three"] not in front.read_text(encoding="utf-8"):
            time.sleep(0.1)
        told, page = time.monotonic(), front.read_text(encoding="utf-8")
        assert pool.urls["three"] in page
        assert pool.urls["one"] not in page
    finally:
        service.terminate()
        service.communicate(timeout=60)
        reading.join()
    moves = [one["move"]["kind"] for one in log if "move" in one]
    assert moves[:4] == ["raise", "ready", "promote", "rest"]
    verdict = next(one["at"] for one in log if one.get("finding", {}).get("kind") in ("origin-down", "tcp_ip"))
    print(f"from the verdict to pages that name a live mirror: {told - verdict:.1f} s")
