"""One release on every kind of place: what counts as right, and the ways that fail on purpose."""

from __future__ import annotations

import random
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.request import urlopen

import aiohttp
import anyio
import pytest
from tests.adapters.hosts.peers import asked, authorized_by_anybody

from benchmarks import blows, edges, faulty, fronts, hosts, hurt, rooms
from benchmarks.places import heliograph, place
from heliograph.lab.buckets import Answering

GOOD = hosts.Row(kind="s3", files=9, writes=(9, 0, 3), seconds=(2.0, 1.0), verdicts=("verified", "verified"))


def row(**changes: object) -> hurt.Row:
    made = hurt.Row(kind="s3", blow="kill -9", wanted=3, blows=3, right=3, after=3)
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def test_a_place_is_right_where_strangers_verify_and_nothing_is_written_twice() -> None:
    assert GOOD.ok
    assert len(GOOD.cells()) == len(hosts.COLUMNS)
    stale = ("verified", "verified, release 2 only")
    wrote = hosts.Row(kind="s3", files=9, writes=(9, 1, 3), seconds=(2.0, 1.0), verdicts=GOOD.verdicts)
    assert not wrote.ok
    assert not hosts.Row(kind="s3", files=9, writes=(9, 0, 3), seconds=(2.0, 1.0), verdicts=stale).ok


@pytest.mark.parametrize(
    "changes", [{"blows": 0}, {"doubts": ["x"]}, {"left": ["x"]}, {"right": 2}, {"right": 0, "after": 0}]
)
def test_blows_are_borne_only_where_there_were_some_and_nothing_is_left(changes: dict[str, object]) -> None:
    assert row().ok
    assert not row(**changes).ok
    assert len(row(**changes).cells()) == len(hurt.COLUMNS)


@contextmanager
def echoing() -> Iterator[int]:
    """A server that answers each piece with itself."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    link = listener.accept()[0]
                    with link, suppress(OSError):
                        while data := link.recv(65_536):
                            link.sendall(data)

        threading.Thread(target=serve, daemon=True).start()
        yield int(listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)


def carried(port: int, size: int) -> int:
    """How many bytes came back of so many sent."""
    got = 0
    with socket.create_connection(("127.0.0.1", port), timeout=20) as link, suppress(OSError):
        while got < size:
            link.sendall(bytes(1_024))
            if not (data := link.recv(65_536)):
                break
            got += len(data)
    return got


def test_a_line_is_cut_only_while_it_is_asked_for() -> None:
    with echoing() as port, blows.cutting(port, random.Random(1)) as (near, on, count):
        assert carried(near, 1 << 20) >= 1 << 20
        assert count[0] == 0
        on.set()
        assert carried(near, 1 << 20) < 1 << 20
        assert count[0] == 1


def test_a_host_fails_in_four_ways_only_while_it_is_asked_to() -> None:
    async def all_of_it() -> None:
        behind = Answering(status=200)
        async with behind.running() as url, aiohttp.ClientSession() as session:
            with blows.failing(int(url.rpartition(":")[2]), random.Random(1)) as (near, on, count):

                async def ask() -> int:
                    try:
                        async with session.post(f"http://127.0.0.1:{near}/x") as answer:  # a GET would be asked again
                            return answer.status
                    except aiohttp.ClientError:
                        return 0

                assert {await ask() for _ in range(100)} == {200}
                assert (count[0], behind.requests) == (0, 100)
                on.set()
                seen = [await ask() for _ in range(400)]
                on.clear()
        assert set(seen) == {200, 0, 500, 503}
        assert count[0] == sum(status != 200 for status in seen)

    anyio.run(all_of_it)


def test_a_folder_and_a_repository_are_shown_to_anybody(tmp_path: Path, git_program: str, sshd_program: str) -> None:
    with place("folder", tmp_path / "folder") as at:
        assert (at.held(), at.more(), asked("GET", at.url)[0]) == (set(), [], 404)
        (tmp_path / "folder" / "site" / "index.html").write_text("here")
        assert (at.held(), asked("GET", at.url)[0]) == ({"index.html"}, 200)
    with place("git", tmp_path / "git") as at:
        assert (at.held(), at.more(), asked("GET", at.url)[0]) == (set(), [], 404)


def test_commands_of_a_benchmark_run_from_the_code_as_it_was_when_it_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = tmp_path / "heliograph"
    code.mkdir()
    (code / "__init__.py").touch()
    (code / "__main__.py").write_text("print('before')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def told() -> str:
        return rooms.here(heliograph("publish")).stdout.decode().strip()

    with rooms.frozen(tmp_path / "copy", code):
        assert told() == "before"
        (code / "__main__.py").write_text("print('after')")  # somebody works on it meanwhile
        assert told() == "before"
    assert told() == "after"


@pytest.mark.parametrize(
    "changes", [{"blows": 0}, {"unknown": ["x"]}, {"left": ["x"]}, {"right": 2}, {"right": 0, "after": 0}]
)
def test_addresses_bear_blows_only_where_each_was_known_and_none_is_left(changes: dict[str, object]) -> None:
    made = edges.Row(blow="kill -9", wanted=3, blows=3, right=3, after=3)
    assert made.ok
    assert len(made.cells()) == len(edges.COLUMNS)
    for name, value in changes.items():
        setattr(made, name, value)
    assert not made.ok


def test_blows_on_the_strict_store_of_the_lab_are_counted_and_borne(tmp_path: Path) -> None:
    for found in faulty.results(tmp_path / "work", 2):
        made = hurt.Row(kind=hurt.LAB, wanted=2, **found._asdict())
        assert made.ok
        assert (made.blows, made.first) == (2, 1) or made.first > 1
        assert made.looks > 0


def test_a_bucket_behind_the_edge_is_read_as_its_cache_has_it_until_that_forgets(tmp_path: Path) -> None:
    with place(fronts.FRONT, tmp_path / "front", hurt.KINDS) as at:
        endpoint = re.findall(r'endpoint = "([^"]+)"', at.table)[0]
        bucket = f"{endpoint}{at_bucket(at.table)}/robots.txt"
        for text in (b"one", b"two"):
            assert asked("PUT", bucket, {**authorized_by_anybody(), "Cache-Control": "max-age=60"}, text)[0] == 200
            with urlopen(f"{at.url}robots.txt") as answer:
                assert answer.read() == b"one"
        at.forget()
        with urlopen(f"{at.url}robots.txt") as answer:
            assert answer.read() == b"two"
        assert at.held() == {"robots.txt"}


def at_bucket(table: str) -> str:
    return str(re.findall(r'bucket = "([^"]+)"', table)[0])
