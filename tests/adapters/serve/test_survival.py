"""An edition behind censors, from our server and from others that we configured: a short form of the benchmark."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import product
from typing import Any

import pytest

from benchmarks.grounds import SERVERS, Grounds, Server, build, read, rows
from heliograph.lab.world import World, need

pytestmark = pytest.mark.needs_netns

CENSORS = [row.name for row in rows(("curtain-25p", "curtain-16k", "tls-burst", "ru-2026-home", "ru-2026-mobile"))]
PROGRAMS = {"serve": "sh", "nginx": "nginx", "caddy": "caddy", "usual": "nginx"}
INSTALLED = [one for one in SERVERS if shutil.which(PROGRAMS.get(one.name, "none of these"), path=need.path())]
OURS = [one for one in INSTALLED if not one.usual]
USUAL = [one for one in INSTALLED if one.usual]
Seen = Mapping[tuple[str, str], list[dict[str, Any]]]


@pytest.fixture(scope="module")
def world(grounds: Grounds) -> Iterator[World]:
    """A network behind each censor, all servers in their places."""
    with ExitStack() as stack:
        yield build(stack, grounds, rows(CENSORS), INSTALLED, 0.02)


@pytest.fixture(scope="module")
def seen(world: World, grounds: Grounds) -> Seen:
    """What became of the visits, by censor and server; they mostly wait, so all at once."""

    def one(pair: tuple[str, Server]) -> list[dict[str, Any]]:
        censor, server = pair
        return read(world, f"r{CENSORS.index(censor)}", server, grounds, grounds.visits, silence=4.0)

    pairs = list(product(CENSORS, INSTALLED))
    with ThreadPoolExecutor(4) as pool:
        return {(censor, server.name): told for (censor, server), told in zip(pairs, pool.map(one, pairs), strict=True)}


@pytest.mark.parametrize("server", OURS, ids=lambda server: server.name)
@pytest.mark.parametrize("censor", CENSORS)
def test_every_page_arrives(world: World, grounds: Grounds, seen: Seen, censor: str, server: Server) -> None:
    told, network = seen[censor, server.name], f"r{CENSORS.index(censor)}"
    for _ in range(2):  # a segment sent twice counts twice, and on a busy machine that happens
        if any(one["lost"] for one in told):
            world.box(network).advance(500.0)
            told = read(world, network, server, grounds, grounds.visits, silence=4.0)
    assert [one["lost"] for one in told] == [""] * 4
    assert [one["connections"] for one in told] == [1, 1, 3, 2], "one connection for each page"


@pytest.mark.parametrize("server", USUAL, ids=lambda server: server.name)
@pytest.mark.parametrize("censor", CENSORS)
def test_a_usual_site_does_not(seen: Seen, censor: str, server: Server) -> None:
    assert seen[censor, server.name][0]["lost"]


def test_a_script_that_reads_three_parts_at_once_stays_below_the_rule_against_bursts(world: World, seen: Seen) -> None:
    names = world.box(f"r{CENSORS.index('curtain-16k')}").stats()["names"]
    assert all(names[server.host]["most_within_window"] == 3 for server in OURS)
