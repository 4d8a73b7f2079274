"""What an auditor believes of a mirror's log: nothing that was changed, cut, forked or left out; never a traceback."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.lab.readers import Host, Reply, drive
from heliograph.model import paths
from heliograph.trust import log, logcheck, note
from heliograph.trust.head import Head, write_head
from heliograph.trust.log import Edge
from heliograph.trust.note import Checkpoint, LogPolicy
from heliograph.trust.refusal import RefusalError

ORIGIN, SEED = "heliograph/abcde/2", b"\1" * 32
POLICY = LogPolicy(origin=ORIGIN, key=note.Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw())
MOST = 520  # releases: two full tiles and some


@cache
def head(release: int, of: str = "") -> bytes:
    """The head of a release of the newsroom, or of somebody else's."""
    root = log.leaf_hash(f"{of} {release}".encode())
    time = datetime(2026, 1, 1, tzinfo=UTC)
    return write_head(
        Head(release=release, time=time, bits=1, root=root, fresh=bytes(32), fresh_length=0, entries=release)
    )


def signed(edge: Edge) -> bytes:
    return note.write_checkpoint(Checkpoint(origin=ORIGIN, size=edge.size, root=edge.root), SEED)


@cache
def mirror(size: int, fork: int = MOST, begins: int = 0) -> Mapping[str, bytes]:
    """A mirror of a log of ``size`` entries that is somebody else's from ``fork`` on, and empty before ``begins``."""
    entries = [b"" if at < begins else head(at + 1, "other" if at >= fork else "") for at in range(size)]
    growth = log.grown(Edge(), entries)
    return {**growth.files, paths.CHECKPOINT: signed(growth.edge)}


def look(files: Mapping[str, bytes] | Host, release: int, before: bytes = b"", shown: bytes = b"") -> str:
    """Why a mirror is refused that shows ``release``, "" if it is not."""
    host = files if isinstance(files, Host) else Host(files=files)
    try:
        found = drive(logcheck.look(POLICY, shown or head(release), before), host.get)
    except RefusalError as refusal:
        return f"{refusal.code}: {refusal.what}"
    assert found == host.files[paths.CHECKPOINT]
    return ""


def point(size: int, fork: int = MOST) -> bytes:
    return mirror(size, fork)[paths.CHECKPOINT]


SIZES = [1, 2, 3, 255, 256, 257, 300, 511, 512, 513]


@pytest.mark.parametrize("size", SIZES)
def test_a_log_that_grew_is_believed_from_whatever_was_seen_before(size: int) -> None:
    for before in [0, *(one for one in SIZES if one <= size)]:
        for release in {1, size, max(1, before), max(1, size // 2)}:
            assert look(mirror(size), release, point(before) if before else b"") == ""


@pytest.mark.parametrize("size", SIZES)
def test_a_log_that_shrank_or_was_forked_is_refused(size: int) -> None:
    for before in (one for one in SIZES if one > size):
        assert "were seen before" in look(mirror(size), size, point(before))
    for before in (one for one in SIZES if one <= size):
        for fork in {0, before - 1, before // 2}:
            assert "not those that were seen before" in look(mirror(size), size, point(before, fork))


def test_only_what_is_new_is_asked_for() -> None:
    host, asked = Host(files=mirror(513)), []
    drive(logcheck.look(POLICY, head(513), point(512)), lambda ask: asked.append(ask.name) or host.get(ask))  # type: ignore[func-returns-value]
    assert asked == ["log/checkpoint", "log/tile/1/000.p/2", "log/tile/entries/002.p/1"]


def test_a_head_that_is_not_in_the_log_is_refused() -> None:
    assert "is not in the log, which has 300 entries" in look(mirror(300), 301)
    for before in (b"", point(300)):
        assert "two heads of release 300" in look(mirror(300), 300, before, head(300, "other"))
        assert "two heads of release 7" in look(mirror(300), 7, before, head(7, "other"))


def test_an_entry_that_was_seen_long_ago_is_proven_again() -> None:
    other = mirror(300, 0)["log/tile/entries/000"]
    files = {**mirror(300), "log/tile/entries/000": other}
    assert "entry 6 is not the one that was signed" in look(files, 7, point(300), head(7, "other"))
    assert "entry 6 is not the one that was signed" in look(files, 7, point(300))
    cut = {**mirror(300), "log/tile/0/000": mirror(300)["log/tile/0/000"][:-1]}
    assert "log/tile/0/000 has 8,191 bytes, not 8,192" in look(cut, 7, point(300))


def test_an_entry_in_the_wrong_place_is_refused() -> None:
    entries = [head(1), head(3), head(3)]
    growth = log.grown(Edge(), entries)
    files = {**growth.files, paths.CHECKPOINT: signed(growth.edge)}
    assert "entry 1 of the log is the head of release 3" in look(files, 3)


def test_a_log_may_begin_late_and_nothing_may_be_left_out_after_that() -> None:
    late = mirror(300, begins=270)
    assert look(late, 300) == ""
    assert look(late, 271, late[paths.CHECKPOINT]) == ""
    assert "release 270 is not in the log" in look(late, 270)
    assert "release 270 is not in the log" in look(late, 270, late[paths.CHECKPOINT])
    for gap in (1, 255, 256, 299):
        entries = [b"" if at == gap else head(at + 1) for at in range(300)]
        growth = log.grown(Edge(), entries)
        files = {**growth.files, paths.CHECKPOINT: signed(growth.edge)}
        assert f"entry {gap} of the log is no head" in look(files, 300 if gap < 299 else 299)


def test_a_log_that_is_given_up_for_another_one_is_compared_with_nothing() -> None:
    other = note.write_checkpoint(Checkpoint(origin="o/1", size=999, root=bytes(32)), SEED)
    assert look(mirror(3), 3, other) == ""
    assert look(mirror(3), 3, b"damaged") == ""
    assert "were seen before" in look(mirror(3), 3, point(513))


def test_an_answer_that_did_not_come_is_no_accusation() -> None:
    for name in (paths.CHECKPOINT, "log/tile/entries/000.p/3", "log/tile/0/000.p/3"):
        host = Host(files=mirror(3), replies={name: Reply(status=503)})
        assert look(host, 3, point(2)) == f"unavailable: {name}"
    missing = {name: data for name, data in mirror(3).items() if not name.startswith("log/tile/0/")}
    assert look(missing, 3) == ""  # who has seen nothing reads all entries, and needs no tile
    assert look(missing, 3, point(2)) == "log: there is no log/tile/0/000.p/3"


def test_a_size_without_end_is_not_followed() -> None:
    files = {paths.CHECKPOINT: note.write_checkpoint(Checkpoint(origin=ORIGIN, size=2**50, root=bytes(32)), SEED)}
    assert "at most 4,194,304 are read" in look(files, 3)


# ---------------------------------------------------------------- two mirrors, and all of a log


def follows(older: bytes, newer: Mapping[str, bytes]) -> str:
    points = [note.read_checkpoint(data, POLICY) for data in (older, newer[paths.CHECKPOINT])]
    try:
        drive(logcheck.follows(*points), Host(files=newer).get)
    except RefusalError as refusal:
        return refusal.what
    return ""


def test_mirrors_that_lag_are_told_from_mirrors_that_lie() -> None:
    for older in SIZES:
        for newer in (one for one in SIZES if one >= older):
            assert follows(point(older), mirror(newer)) == ""
            assert "does not go on from" in follows(point(older, older // 2), mirror(newer))
    nothing = note.write_checkpoint(Checkpoint(origin=ORIGIN, size=0, root=bytes(32)), SEED)
    assert follows(nothing, mirror(3)) == ""


@pytest.mark.parametrize("size", SIZES)
def test_a_whole_log_is_read_back_and_can_be_extended(size: int) -> None:
    files = mirror(size)
    whole = drive(logcheck.read_back(note.read_checkpoint(point(size), POLICY)), Host(files=files).get)
    assert {**whole.files, paths.CHECKPOINT: point(size)} == files
    assert set(whole.files) == {tile.name for tile in log.names(size)}
    assert signed(log.grown(whole.edge, [head(size + 1)]).edge) == point(size + 1)


def test_a_log_that_is_damaged_is_not_read_back() -> None:
    files = {**mirror(300), "log/tile/entries/000": mirror(300, 0)["log/tile/entries/000"]}
    with pytest.raises(RefusalError, match="are not those that were signed"):
        drive(logcheck.read_back(note.read_checkpoint(point(300), POLICY)), Host(files=files).get)


# ---------------------------------------------------------------- tampering


def _changed(chance: random.Random, data: bytes) -> bytes:
    """``data`` with a bit turned, a piece cut out, doubled, or of another file."""
    at, end = sorted((chance.randint(0, len(data)), chance.randint(0, len(data))))
    other = chance.choice([*mirror(300, 0).values(), *mirror(257).values(), b"", bytes(32)])
    turned = bytearray(data)
    turned[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return chance.choice([bytes(turned), data[:at] + data[end:], data[:end] + data[at:], other, data[:at] + other])


@settings(max_examples=300)
@given(st.integers(0, 2**32), st.sampled_from([3, 257, 300, 512]), st.sampled_from([0, 2, 256, 257]))
def test_a_log_that_was_changed_anywhere_is_never_believed(seed: int, size: int, before: int) -> None:
    """Whatever an auditor needed is as it was, or he refuses; what he does not need may be anything."""
    chance = random.Random(seed)
    files = dict(mirror(size))
    for name in chance.sample(sorted(files), chance.randint(1, 2)):
        files[name] = _changed(chance, files[name])
    if chance.random() < 0.2:
        del files[chance.choice(sorted(files))]
    before = min(before, size)
    asked: dict[str, bytes | None] = {}

    def get(ask: object) -> object:
        got = Host(files=files).get(ask)  # type: ignore[arg-type]
        asked[ask.name] = got.data if got.fate == "whole" else None  # type: ignore[attr-defined]
        return got

    try:
        drive(logcheck.look(POLICY, head(size), point(before) if before else b""), get)  # type: ignore[arg-type]
    except RefusalError as refusal:
        code = refusal.code
    else:
        code = ""
        needed = {name: data for name, data in asked.items() if name.startswith("log/tile/entries")}
        new = {name: data for name, data in needed.items() if data != mirror(size)[name]}
        # of a bundle that was begun before, the entries that were seen then are not looked at again
        assert not new or before % 256
    assert code in ("", "log")


@settings(max_examples=200)
@given(st.integers(0, 2**32), st.sampled_from([257, 300, 512]))
def test_a_checkpoint_that_was_changed_is_never_believed(seed: int, size: int) -> None:
    chance = random.Random(seed)
    files = dict(mirror(size))
    files[paths.CHECKPOINT] = _changed(chance, files[paths.CHECKPOINT])
    told = look(files, size) if files[paths.CHECKPOINT] != point(size) else "log"
    assert told.startswith("log")
