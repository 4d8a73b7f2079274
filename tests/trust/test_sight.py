"""One look at one mirror: what is kept of it, what it is refused for, and which state is one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from conformance.trust.bases import HOUR, base, second_root
from conformance.trust.releaselog import Log, with_log

from heliograph.lab.readers import Host, Reply, drive
from heliograph.trust import sight
from heliograph.trust.chain import State
from heliograph.trust.sight import Sight

R1, R2, R3 = base("r1"), base("r2"), base("r3")
ROOT = R2.papers.roots[0]
NOW = R2.time + HOUR
LOG = Log(entries=(R1.papers.head, R2.papers.head))
FILES = {**R2.files, **with_log(R2, LOG)}
NOTHING = State(root=b"")


def look(*mirrors: Host, state: State = NOTHING, pinned: bytes = ROOT) -> Sight:
    hosts = [f"mirror-{place}" for place in range(len(mirrors))]
    return drive(sight.look(state, pinned, hosts, NOW), lambda ask: mirrors[ask.mirror].get(ask))


def test_an_honest_mirror_is_kept_with_its_log() -> None:
    seen = look(Host(files=FILES))
    assert (seen.verdict.verdict, seen.verdict.release) == ("verified", 2)
    assert seen.point is not None
    assert (seen.point.size, seen.state.checkpoint) == (2, FILES["log/checkpoint"])
    assert seen.shown == replace(seen.state, checkpoint=b"")
    again = look(Host(files=FILES), state=seen.state)
    assert (again.verdict.verdict, again.state) == ("verified", seen.state)


def test_without_a_log_there_is_no_point_and_what_was_seen_of_one_stays() -> None:
    seen = look(Host(files=R2.files), state=replace(look(Host(files=R2.files)).state, checkpoint=b"c\n1\n\n"))
    assert (seen.verdict.verdict, seen.log, seen.point, seen.state.checkpoint) == ("verified", None, None, b"c\n1\n\n")


def test_a_mirror_that_is_refused_for_its_log_still_shows_a_signed_head() -> None:
    seen = look(Host(files={**FILES, "log/checkpoint": b""}))
    assert (seen.verdict.verdict, seen.verdict.code) == ("refused", "log")
    assert seen.shown is not None
    assert seen.shown.head == R2.papers.head
    assert seen.state.head == b""  # and nothing of it is believed
    assert seen.point is None


def test_a_root_of_another_mirror_counts_and_a_false_one_is_charged_to_who_shows_it() -> None:
    newer = Host(files={"tuf/2.root.json": second_root()})
    assert look(Host(files=FILES), newer).verdict.code == "signature"  # r2 is signed with the key that root 2 revokes
    false = Host(files={**FILES, "tuf/2.root.json": R1.papers.roots[0]})
    assert look(false).verdict.code == "root-chain"
    assert look(Host(files=FILES), false).verdict.verdict == "verified"


def test_a_pinned_root_that_is_none_is_said() -> None:
    assert look(Host(files=FILES), pinned=b"{}").verdict.verdict == "refused"


def test_a_mirror_that_does_not_answer_is_unavailable() -> None:
    replies = dict.fromkeys([*FILES, "tuf/2.root.json"], Reply(status=500))
    seen = look(Host(files=FILES, replies=replies), state=State(root=ROOT))
    assert (seen.verdict.code, seen.shown, seen.state.root) == ("unavailable", None, ROOT)


@pytest.mark.parametrize(
    ("changed", "sound"),
    [
        ({}, True), ({"checkpoint": b""}, True), ({"checkpoint": b"x"}, False), ({"root": b""}, False),
        ({"head": b"x"}, False), ({"timestamp": b"{}"}, False), ({"targets": b""}, True),
    ],
)  # fmt: skip
def test_a_state_is_sound_or_not(changed: dict[str, bytes], sound: bool) -> None:
    state = replace(look(Host(files=FILES)).state, **changed)  # type: ignore[arg-type]
    assert sight.is_sound(state, NOW) is sound
