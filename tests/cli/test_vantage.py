"""``heliograph vantage`` from both ends: a newsroom, a mirror with a drop, and a volunteer on loopback."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.cli.room import configured

from heliograph.adapters.reach import WebMirror
from heliograph.adapters.serve import MirrorServer
from heliograph.adapters.spool import Spool
from heliograph.cli import main
from heliograph.config import load


class Done(NamedTuple):
    """What a command said."""

    stdout: str
    stderr: str


def heliograph(*words: str | Path, code: int = 0) -> Done:
    """Run a command within this process: a dozen of them take less time than one start."""
    told, complained = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["heliograph", *map(str, words)]
    got: object = 0
    try:
        with redirect_stdout(told), redirect_stderr(complained):
            main()
    except SystemExit as end:
        got = end.code or 0
    finally:
        sys.argv = before
    assert got == code, told.getvalue() + complained.getvalue()
    return Done(told.getvalue(), complained.getvalue())


WATCH = """
[newsroom]
title = "Полуостров"
[[mirror]]
name = "one"
path = "mirror"
url = "{url}"
[watch]
name = "office"
network = "office"
drops = ["{url}"]
spools = ["spool"]
anchors = []
ordinary = ["{url}"]
resolver = ""
doh = ""
"""


@dataclass
class Place:
    """A newsroom whose one mirror has a drop; all of it on this machine."""

    config: Path
    url: str

    @property
    def spool(self) -> Spool:
        return Spool(self.config.parent / "spool")

    def vantage(self, *words: str | Path, code: int = 0) -> Done:
        return heliograph("vantage", *words, "--config", self.config, code=code)

    def token(self, folder: Path, name: str = "anna") -> Path:
        path = folder / f"{name}.token"
        path.write_text(self.vantage("new", name, "--network", "loopback").stdout, encoding="ascii")
        return path


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    folder = tmp_path / "room"
    config = configured(folder, "https://peninsula.example")
    (folder / "mirror").mkdir()
    (folder / "mirror" / "now").write_bytes(b"{}\n{}\n{}\nx")
    loop = asyncio.new_event_loop()
    server = MirrorServer(folder / "mirror", drop=Spool(folder / "spool"))
    loop.run_until_complete(server.start())
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.port}/"
    config.write_text(WATCH.format(url=url), encoding="utf-8")
    yield Place(config, url)
    asyncio.run_coroutine_threadsafe(server.stop(0.1), loop).result()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


def test_a_volunteer_measures_and_the_newsroom_hears_of_it(place: Place, tmp_path: Path) -> None:
    token = place.token(tmp_path)
    table = load(place.config).vantage[0]
    assert (table.name, table.network) == ("anna", "loopback")
    assert json.loads(place.vantage("list", "--json").stdout)["vantages"][0]["heard"] is None
    assert "1 vantages, 15 files" in place.vantage("lists", place.spool.root).stdout

    run = heliograph("vantage", "run", token, "--once")
    assert run.stdout.startswith("vantage   anna in loopback, for the newsroom with the fingerprint\n")
    assert f"\narrives  {place.url}  well\n" in run.stdout
    assert "1 seen, 1 reports sent, 0 wait; list until" in run.stdout
    assert max(map(len, run.stdout.splitlines())) <= 80
    assert [len(place.spool.read(name)) for name in place.spool.names()] == [4_096]

    got = json.loads(place.vantage("collect", "--json").stdout)
    assert got == {"messages": 1, "sightings": 1, "vantages": {"anna": 1}, "refused": {}}
    assert place.spool.names() == []
    assert json.loads(place.vantage("list", "--json").stdout)["vantages"][0]["heard"]
    told = json.loads(heliograph("patrol", "--json", "--config", place.config, code=1).stdout)
    assert {one["network"] for one in told["findings"]} == {"loopback", "office"}


def test_a_patrol_reads_what_came_in_and_lays_out_lists_once_a_day(place: Place, tmp_path: Path) -> None:
    assert heliograph("patrol", "--json", "--config", place.config, code=1).stderr == ""  # no vantage, nothing to do
    place.token(tmp_path)
    place.spool.take(b"x" * 4_096)
    heliograph("patrol", "--json", "--config", place.config, code=1)
    assert place.spool.names() == []
    first = {path.name: path.read_bytes() for path in (place.spool.root / "out").iterdir()}
    assert len(first) == 15
    heliograph("patrol", "--json", "--config", place.config, code=1)
    assert {path.name: path.read_bytes() for path in (place.spool.root / "out").iterdir()} == first
    place.token(tmp_path, "boris")
    heliograph("patrol", "--json", "--config", place.config, code=1)
    assert len(list((place.spool.root / "out").iterdir())) == 30


def test_what_lies_on_a_volunteers_machine_can_be_read_by_nobody_but_the_token(place: Place, tmp_path: Path) -> None:
    token = place.token(tmp_path)
    place.vantage("lists", place.spool.root)
    (tmp_path / "file").write_bytes(b"")
    heliograph("vantage", "run", token, "--once", "--report", "http://127.0.0.1:9/", "--json", code=1)
    state = tmp_path / "anna.token.state"
    assert state.stat().st_mode & 0o077 == 0
    held = {path.name: path.read_bytes() for path in state.rglob("*") if path.is_file()}
    assert len(held) == 3
    for name, data in held.items():
        assert name == "rounds.json" or b"127.0.0.1" not in data
        assert b"anna" not in data


def test_days_offline_then_everything_goes_out(place: Place, tmp_path: Path) -> None:
    token = place.token(tmp_path)
    place.vantage("lists", place.spool.root)
    first = heliograph("vantage", "run", token, "--once", "--report", "http://127.0.0.1:9/", "--json", code=1)
    assert json.loads(first.stdout)["waiting"] == 1
    Spool(place.spool.root).publish({})  # no list to be had any more: the last one goes on
    again = json.loads(heliograph("vantage", "run", token, "--once", "--json").stdout)
    assert (again["seen"], again["sent"], again["waiting"]) == ({}, 1, 0)  # no second look within a minute
    assert again["list_until"]
    assert json.loads(place.vantage("collect", "--json").stdout)["sightings"] == 1


def test_by_stick_and_by_mail(place: Place, tmp_path: Path) -> None:
    token = place.token(tmp_path)
    place.vantage("lists", place.spool.root)
    work = min((place.spool.root / "out").iterdir())
    carried = tmp_path / "work"
    carried.write_bytes(work.read_bytes())
    place.spool.publish({})
    stick = tmp_path / "stick"
    heliograph("vantage", "run", token, "--once", "--work", carried, "--report", stick)
    assert json.loads(place.vantage("collect", stick, "--json").stdout)["sightings"] == 1

    other = tmp_path / "other"
    mail = heliograph("vantage", "run", token, "--once", "--work", carried, "--report", "-", "--state", other).stdout
    assert mail.startswith("-----BEGIN MESSAGE-----\n")
    (tmp_path / "mail.txt").write_text(f"> Hello,\n{mail}", encoding="ascii")
    for refused, new in (({}, 1), ({"replayed": 1}, 0)):
        got = json.loads(place.vantage("collect", tmp_path / "mail.txt", "--json").stdout)
        assert (got["refused"], got["sightings"]) == (refused, new)


def test_a_drop_is_passed_on(place: Place, tmp_path: Path) -> None:
    far = Spool(tmp_path / "far")
    far.take(b"x" * 4_096)
    assert json.loads(heliograph("vantage", "forward", far.root, "http://127.0.0.1:9/", "--json", code=1).stdout) == {
        "sent": 0,
        "left": 1,
    }
    assert heliograph("vantage", "forward", far.root, place.url).stdout == "passed on 1, 0 left\n"
    place.token(tmp_path)
    told = place.vantage("collect").stdout
    assert "1 messages, 0 new sightings" in told
    assert "refused   1 that are not for this newsroom, or were changed" in told
    assert max(map(len, told.splitlines())) <= 80


def test_a_lost_phone_is_heard_no_more(place: Place, tmp_path: Path) -> None:
    token = place.token(tmp_path)
    place.vantage("lists", place.spool.root)
    heliograph("vantage", "run", token, "--once")
    assert "believed no more" in place.vantage("remove", "anna").stdout
    assert json.loads(place.vantage("collect", "--json").stdout)["refused"] == {"unknown": 1}
    assert "0 vantages, 0 files" in place.vantage("lists", place.spool.root).stdout
    assert "no list" in heliograph("vantage", "run", token, "--once", "--state", tmp_path / "x", code=1).stderr
    assert place.token(tmp_path).read_bytes() != b""  # another token under the same name
    assert len(load(place.config).vantage) == 1


def test_sigterm_ends_it_cleanly(place: Place, tmp_path: Path) -> None:
    token = place.token(tmp_path)
    place.vantage("lists", place.spool.root)
    command = [sys.executable, "-m", "heliograph", "vantage", "run", str(token), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        assert json.loads(run.stdout.readline())["sent"] == 1
        run.send_signal(signal.SIGTERM)
        assert run.wait(30) == 0
        assert run.stderr.read() == ""


def test_two_at_once_would_look_too_often(place: Place, tmp_path: Path) -> None:
    token = place.token(tmp_path)
    place.vantage("lists", place.spool.root)
    command = [sys.executable, "-m", "heliograph", "vantage", "run", str(token), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ) as first:
        assert first.stdout is not None
        assert first.stdout.readline()
        said = heliograph("vantage", "run", token, "--once", code=2).stderr
        assert "two at once look too often" in said.replace("\n", " ")
        first.terminate()
    assert first.returncode == 0


def test_nothing_on_the_line_names_the_newsroom_or_this_program() -> None:
    heard: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.readuntil(b"\r\n\r\n"))
        if heard[-1].startswith(b"POST"):
            heard.append(await reader.readexactly(4_096))
        writer.write(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async def post() -> int:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server, WebMirror(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/") as line:
            assert await line.post(b"x" * 4_096)
            return int(server.sockets[0].getsockname()[1])

    port = asyncio.run(post())
    head = heard[0].decode().split("\r\n")
    assert head[0] == "POST /drop HTTP/1.1"
    assert min(head[1:-2]).startswith("Accept-Encoding: ")
    assert sorted(head[1:-2])[1:] == [
        "Accept: */*",
        "Connection: close",
        "Content-Length: 4096",
        "Content-Type: application/octet-stream",
        f"Host: 127.0.0.1:{port}",
        "User-Agent: Mozilla/5.0",
    ]


def test_what_is_damaged_on_the_volunteers_machine_is_made_good(place: Place, tmp_path: Path) -> None:
    token = place.token(tmp_path)
    place.vantage("lists", place.spool.root)
    state = tmp_path / "anna.token.state"
    (state / "in").mkdir(parents=True)
    (state / "work").write_bytes(b"noise")
    (state / "rounds.json").write_bytes(b"[]")
    (state / "in" / ("0" * 64)).write_bytes(b"cut")
    told = json.loads(heliograph("vantage", "run", token, "--once", "--json").stdout)
    assert (told["sent"], told["waiting"]) == (1, 0)
    (tmp_path / "file").write_bytes(b"")
    Spool(state).take(b"x" * 4_096)
    assert "file" in heliograph("vantage", "run", token, "--once", "--report", tmp_path / "file", code=1).stderr
    assert "--state" in heliograph("vantage", "run", token, "--state", tmp_path / "file" / "x", code=2).stderr
    assert "no address" in heliograph("vantage", "run", token, "--report", "https://", code=2).stderr


def test_people_are_shown_who_measures(place: Place, tmp_path: Path) -> None:
    assert "No vantages yet" in place.vantage("list").stdout
    place.token(tmp_path)
    shown = place.vantage("list").stdout
    assert "anna" in shown
    assert "not within a week" in shown
    assert max(map(len, shown.splitlines())) <= 80
    place.config.write_text(
        place.config.read_text(encoding="utf-8").replace('spools = ["spool"]', ""), encoding="utf-8"
    )
    assert "watch.spools" in place.vantage("collect", code=2).stderr
    assert "cannot be read" in place.vantage("collect", tmp_path / "none", code=1).stderr


def test_a_token_as_a_qr_code_fits_the_screen(place: Place) -> None:
    shown = place.vantage("new", "boris", "--qr").stdout
    assert max(map(len, shown.splitlines())) <= 110  # wider than 80: a code cannot be folded
    assert "secret" not in shown


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["new", "Anna"], "vantage"),
        (["new", "anna", "--country", "ru"], "country"),
        (["new", "anna", "--network", "a b"], "network"),
        (["new", "anna", "--network", "дом"], "--network"),
        (["remove", "nobody"], "no such vantage"),
        (["collect", "."], "heliograph vantage new"),
        (["lists", "x"], "heliograph vantage new"),
    ],
)
def test_wrong_usage_says_what_to_do_and_makes_nothing(place: Place, words: list[str], said: str) -> None:
    before = place.config.read_bytes()
    assert said in place.vantage(*words, code=2).stderr
    assert place.config.read_bytes() == before
    assert not (place.config.parent / "keys" / "drop").exists()


def test_what_is_no_token_or_no_list_is_named(place: Place, tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(b"\x00\xff")
    assert "noise: it is not what it should be" in heliograph("vantage", "run", tmp_path / "noise", code=2).stderr
    assert "no such file" in heliograph("vantage", "run", tmp_path / "none", code=2).stderr.lower()
    token = place.token(tmp_path)
    got = heliograph("vantage", "run", token, "--once", "--work", tmp_path / "noise", code=1)
    assert "not sealed to this vantage" in got.stderr.replace("\n", " ")
