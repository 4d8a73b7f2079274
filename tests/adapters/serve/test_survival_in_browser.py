"""An edition behind censors, read with Chromium: a short form of the benchmark's second half.

What a browser does that the plain reader does not: it opens connections ahead of need, offers HTTP/2, sends hellos of
two segments with a post-quantum share, resumes sessions, keeps a cache, and shows what it got.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from benchmarks.grounds import IN_CHROMIUM, Grounds, Server, build, read, rows, serve_config, tcp
from heliograph.adapters.serve.server import PATIENCE
from heliograph.lab.censor import Line
from heliograph.lab.world import World, need

pytest.importorskip("playwright.sync_api")
pytestmark = [pytest.mark.needs_netns, pytest.mark.browser, pytest.mark.usefixtures("chromium")]

CENSORS = [row.name for row in rows(("curtain-25p", "tls-burst", "ru-2026-home", "curtain-upload-5k"))]
BOTH = ("curtain-25p", "tls-burst")  # what together shapes every server; the others are for ours
PROGRAMS = {"serve": "sh", "nginx": "nginx", "caddy": "caddy", "kept": "nginx"}
INSTALLED = [one for one in IN_CHROMIUM if shutil.which(PROGRAMS[one.kind], path=need.path())]
NO_ANSWER = 1_500  # bytes from the server at most, where a session was resumed and nothing asked
OURS = [one for one in INSTALLED if one.kind != "kept"]


@pytest.fixture(scope="module")
def world(grounds: Grounds) -> Iterator[World]:
    with ExitStack() as stack:
        yield build(stack, grounds, rows(CENSORS), INSTALLED, 0.02)


def visited(world: World, grounds: Grounds, censor: str, server: Server, **more: float) -> list[dict[str, Any]]:
    """The four visits; again where something was lost, for a segment sent twice counts twice."""
    network = f"r{CENSORS.index(censor)}"
    told = read(world, network, server, grounds, grounds.visits, **more)
    for _ in range(2):
        if any(one["lost"] for one in told) and not more:
            world.box(network).advance(500.0)
            told = read(world, network, server, grounds, grounds.visits)
    return told


@pytest.mark.parametrize(
    ("censor", "server"),
    [(censor, one) for censor in CENSORS for one in OURS if one.kind == "serve" or censor in BOTH],
    ids=lambda given: getattr(given, "name", given),
)
def test_every_page_arrives(world: World, grounds: Grounds, censor: str, server: Server) -> None:
    told = visited(world, grounds, censor, server)
    assert [one["lost"] for one in told] == [""] * 4
    assert {spoken for one in told for spoken in one["spoken"]} == {"http/1.1"}, "whatever else was offered"
    made = tcp(world, f"r{CENSORS.index(censor)}", server)
    most = max(sum(one["packets"].values()) for one in made)
    print(f"{told[0]['connections']} connections, at most {most} packets")


def test_it_asks_for_nothing_but_pages(world: World, grounds: Grounds) -> None:
    network, server = f"r{CENSORS.index('curtain-upload-5k')}", INSTALLED[0]
    before = len(tcp(world, network, server))
    told = read(world, network, server, grounds, grounds.visits)
    assert [one["lost"] for one in told] == [""] * 4
    made = tcp(world, network, server)[before:]
    answered = [one for one in made if one["payload"].get("down", 0) > NO_ANSWER]
    asked = {path for visit in grounds.visits for path in visit}
    assert len(answered) == len(asked), "no icon, and the page that comes twice is kept"
    assert len(made) > len(answered), "one connection is always open ahead of need"


@pytest.mark.parametrize("server", OURS, ids=lambda server: server.name)
def test_who_reads_for_longer_than_a_server_waits_gets_the_next_page(
    world: World, grounds: Grounds, server: Server
) -> None:
    """What was opened ahead is closed by then, so the page comes over a connection that is younger than the pause.

    How many Chromium opens ahead, and whether the last is under way before it is closed, is a matter of moments.
    """
    network = f"r{CENSORS.index('curtain-upload-5k')}"
    before = len(tcp(world, network, server))
    told = read(world, network, server, grounds, grounds.visits[:2], pause=PATIENCE + 1.0)
    assert [one["lost"] for one in told] == [""] * 2
    made = tcp(world, network, server)[before:]
    young = [one["payload"]["down"] for one in made if one["began"] - made[0]["began"] > PATIENCE]
    assert max(young, default=0) > NO_ANSWER, "it came over one that was left over"


@pytest.mark.skipif(len(INSTALLED) == len(OURS), reason="nginx is not installed: apt-get install nginx-light")
def test_the_same_files_over_kept_connections_do_not(world: World, grounds: Grounds) -> None:
    told = visited(world, grounds, "curtain-25p", INSTALLED[-1], patience=8.0)
    assert "silence" in [one["lost"] for one in told]


def test_a_mirror_of_two_addresses_is_read_at_the_one_that_is_left(grounds: Grounds, tmp_path: Path) -> None:
    server, six = INSTALLED[0], "2001:db8:c::10"
    places, names = {"one": [server.address, six]}, {server.host: ["one"]}
    with World({"home": f"ip-blackhole:to={six}/128"}, places, names=names, line=Line(rtt=0.02)) as world:
        world.spawn("one", serve_config(server, grounds, tmp_path), cwd=tmp_path)
        world.wait_for("one", 443)
        told = read(world, "home", server, grounds, grounds.visits)
        assert [one["lost"] for one in told] == [""] * 4
        stats = world.box("home").stats()
    assert any(one["server"] == f"[{six}]:443" for one in stats["connections"]), "it was tried, and lost in silence"
    assert stats["names"][server.host]["most_within_window"] <= 3, "trying both makes no more hellos"
