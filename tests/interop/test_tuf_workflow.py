"""Our verifier keeps to the workflow of TUF, seen as the public conformance suite sees a client: by three commands.

The scenarios are those of the suite's list: rotation of roots, expiry, rollback, thresholds, lengths and hashes.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from securesystemslib.signer import CryptoSigner
from tests.interop.conftest import Web
from tests.interop.tuf_bench import ALL, NOW, TOP, Bench
from tuf.api.metadata import MetaFile


@pytest.fixture
def bench(web: Web, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return Bench(web, tmp_path)


# --- the course of things


def test_a_first_refresh_asks_in_the_order_of_the_workflow_and_keeps_the_exact_bytes(bench: Bench) -> None:
    assert bench.refresh()
    assert bench.asked() == ["2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"]
    assert bench.versions() == (1, 1, 1, 1)
    for role, name in zip(ALL, ("1.root", "1.targets", "1.snapshot", "timestamp"), strict=True):
        kept = (bench.metadata / f"{role}.json").read_bytes()
        assert kept == (bench.repo.folder / "metadata" / f"{name}.json").read_bytes()
    assert bench.refresh()
    assert bench.asked() == ["2.root.json", "timestamp.json"]  # the rest is here


@pytest.mark.parametrize("broken", [lambda value: value["signed"].pop("version"), lambda value: _forge(value)])
def test_a_first_root_that_is_none_asks_for_nothing(bench: Bench, broken: Any) -> None:
    value = json.loads((bench.metadata / "root.json").read_bytes())
    broken(value)
    (bench.metadata / "root.json").write_text(json.dumps(value), encoding="utf-8")
    assert not bench.refresh()
    assert bench.asked() == []


def test_members_that_nobody_knows_are_covered_by_the_signature(bench: Bench) -> None:
    bench.repo.root.unrecognized_fields["more"] = {"a": [1, 2]}
    bench.repo.root.roles["root"].unrecognized_fields["more"] = "x"
    bench.repo.publish("root")
    assert bench.refresh()
    assert bench.versions()[0] == 2


def test_damaged_memory_is_as_good_as_none(bench: Bench) -> None:
    bench.refresh()
    (bench.metadata / "timestamp.json").write_bytes(b"{")
    (bench.metadata / "snapshot.json").write_bytes(b"\0")
    assert bench.refresh()
    assert bench.versions() == (1, 1, 1, 1)


# --- roots

KEYS = [CryptoSigner.generate_ed25519() for _ in range(10)]
# each root as keys, threshold and who signs; the last entry is the version that the client must end with
ROTATIONS = {
    "a new key, signed by both": ([([1], 1, [1]), ([2], 1, [1, 2]), ([2], 1, [2])], 3),
    "strangers sign along": ([([1], 1, [5, 1]), ([2], 1, [5, 2, 1, 6]), ([2], 1, [6, 2])], 3),
    "other three of five each time": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 2, 3, 4], 3, [1, 3, 4])], 2),
    "one of five is replaced": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 1, 4])], 2),
    "all five are replaced": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([5, 6, 7, 8, 9], 3, [0, 2, 4, 5, 6, 7])], 2),
    "the threshold is raised": ([([1, 2, 3], 1, [1]), ([1, 2, 3], 2, [1, 2])], 2),
    "the threshold is lowered": ([([1, 2, 3], 2, [1, 2]), ([1, 2, 3], 1, [1, 2]), ([1, 2, 3], 1, [3])], 3),
    "without the old key": ([([1], 1, [1]), ([2], 1, [2, 3])], 1),
    "without the new key": ([([1], 1, [1]), ([2], 1, [1, 3])], 1),
    "two of three old ones": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 4, 5])], 1),
    "two of three new ones": ([([0, 1, 2, 3, 4], 3, [0, 2, 4]), ([0, 1, 3, 4, 5], 3, [0, 2, 4])], 1),
    "the raised threshold is not met": ([([1, 2, 3], 1, [1]), ([1, 2, 3], 2, [2])], 1),
    "the old threshold is not met": ([([1, 2, 3], 2, [1, 2]), ([1, 2, 3], 1, [1])], 1),
    "good, then bad": ([([1], 1, [1]), ([2], 1, [1, 2]), ([3], 1, [3])], 2),
}


@pytest.mark.parametrize("name", ROTATIONS)
def test_roots_follow_each_other_by_the_old_and_the_new_threshold(bench: Bench, name: str) -> None:
    versions, last = ROTATIONS[name]
    bench.repo.root.version = 0
    for keys, threshold, signers in versions:
        role = bench.repo.root.roles["root"]
        role.keyids.clear()
        role.threshold = threshold
        for key in keys:
            bench.repo.root.add_key(KEYS[key].public_key, "root")
        bench.repo.signers["root"] = [KEYS[signer] for signer in signers]
        bench.repo.publish("root")
    bench.init()
    assert bench.refresh() == (last == len(versions))
    assert bench.versions()[0] == last


@pytest.mark.parametrize("role", TOP)
@pytest.mark.parametrize(
    ("keys", "threshold", "signers", "good"),
    [
        ([2], 1, [2], True),
        ([1], 1, [5, 1, 6], True),
        ([0, 1, 2, 3, 4], 3, [2, 3, 4], True),
        ([2], 1, [1, 5], False),
        ([0, 1, 3, 4, 5], 3, [0, 2, 4], False),
        ([0, 1, 3, 4, 5], 3, [0, 4], False),
        ([0, 1], 3, [0, 1], False),  # more signatures are asked for than there are keys
    ],
)
def test_keys_of_other_roles_are_those_that_the_newest_root_names(
    bench: Bench, role: str, keys: list[int], threshold: int, signers: list[int], good: bool
) -> None:
    bench.refresh()
    of = bench.repo.root.roles[role]
    of.keyids.clear()
    of.threshold = threshold
    for key in keys:
        bench.repo.root.add_key(KEYS[key].public_key, role)
    bench.repo.signers[role] = [KEYS[signer] for signer in signers]
    bench.repo.publish("root", *TOP)
    assert bench.refresh() == good
    assert bench.versions()[0] == 2
    assert bench.versions()[ALL.index(role)] == (2 if good else 1)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_keys_of_every_kind_of_the_specification(bench: Bench, kind: str) -> None:
    signer = bench.repo.add_key("root", getattr(CryptoSigner, f"generate_{kind}")())
    bench.repo.root.roles["root"].threshold = 2
    bench.repo.publish("root")
    assert bench.refresh()
    bench.repo.publish("root", edit=lambda value: _forge(value, signer.public_key.keyid))
    assert not bench.refresh()
    assert bench.versions()[0] == 2


# --- thresholds


def test_one_key_under_many_ids_counts_once(bench: Bench) -> None:
    signer = CryptoSigner.generate_ecdsa()
    for number in range(5):
        public = signer.public_key.to_dict()
        alias = type(signer.public_key).from_dict(f"{number:064x}", public)
        bench.repo.root.add_key(alias, "timestamp")
        bench.repo.signers["timestamp"].append(CryptoSigner(signer._private_key, alias))
    bench.repo.root.roles["timestamp"].threshold = 3
    bench.repo.publish("root", *TOP)
    assert not bench.refresh()
    assert bench.versions() == (2, 0, 0, 0)


def test_one_signature_many_times_is_refused(bench: Bench) -> None:
    bench.repo.publish("snapshot", edit=lambda value: value["signatures"].append(value["signatures"][0]))
    bench.repo.publish("timestamp")
    assert not bench.refresh()
    assert bench.versions()[2] == 0


def test_a_bad_signature_beside_enough_good_ones_is_surplus(bench: Bench) -> None:
    bench.repo.add_key("timestamp")
    bench.repo.publish("root")
    bench.repo.publish("timestamp", edit=_forge)
    assert bench.refresh()


@pytest.mark.parametrize("role", TOP)
def test_a_file_without_signatures_is_refused(bench: Bench, role: str) -> None:
    bench.repo.publish(*TOP)
    bench.repo.publish(role, version=3, edit=lambda value: value["signatures"].clear())
    bench.repo.publish(*TOP[TOP.index(role) + 1 :], version=3)
    assert not bench.refresh()
    believed = dict(zip(ALL, bench.versions(), strict=True))
    order = ("root", "timestamp", "snapshot", "targets")
    assert all(believed[before] for before in order[: order.index(role)])  # all before it, and nothing from it on
    assert not any(believed[after] for after in order[order.index(role) :])


# --- expiry


def expire(bench: Bench, role: str) -> None:
    getattr(bench.repo, role).expires = NOW - timedelta(days=1)


def test_an_expired_root_is_kept_and_nothing_after_it_believed(bench: Bench) -> None:
    bench.refresh()
    expire(bench, "root")
    bench.repo.publish(*ALL)
    assert not bench.refresh()
    assert bench.versions() == (2, 1, 1, 1)


def test_an_expired_root_on_the_way_to_a_good_one_does_no_harm(bench: Bench) -> None:
    expire(bench, "root")
    bench.repo.publish("root")
    bench.repo.root.expires = NOW + timedelta(days=30)
    bench.repo.publish("root")
    assert bench.refresh()
    assert bench.versions()[0] == 3


@pytest.mark.parametrize("role", TOP)
def test_an_expired_file_is_not_believed(bench: Bench, role: str) -> None:
    bench.refresh()
    expire(bench, role)
    bench.repo.publish(*TOP)
    assert not bench.refresh()
    believed = dict(zip(ALL, bench.versions(), strict=True))
    assert believed[role] == 1
    assert all(believed[before] == 2 for before in TOP[TOP.index(role) + 1 :])


@pytest.mark.parametrize("role", TOP)
def test_what_expired_here_is_still_good_to_go_on_from(bench: Bench, role: str) -> None:
    getattr(bench.repo, role).expires = NOW + timedelta(days=7)
    bench.repo.publish(*TOP)
    assert bench.refresh()
    bench.now = NOW + timedelta(days=18)
    assert not bench.refresh()
    getattr(bench.repo, role).expires = NOW + timedelta(days=21)
    bench.repo.publish(*TOP)
    assert bench.refresh()
    assert bench.versions()[1:] == (3, 3, 3)


# --- rollback


@pytest.mark.parametrize("hashes", [False, True])
@pytest.mark.parametrize("role", TOP)
def test_an_older_version_is_refused(bench: Bench, role: str, hashes: bool) -> None:
    bench.repo.hashes = hashes
    bench.repo.publish(*TOP)
    assert bench.refresh()
    bench.repo.publish(role, version=1)
    bench.repo.publish(*TOP[TOP.index(role) + 1 :])
    bench.asked()
    assert not bench.refresh()
    assert bench.versions()[1:3] == (2, 2)
    if role != "targets":  # the timestamp shows it already
        assert bench.asked()[-1] == "timestamp.json"
        assert bench.versions()[3] == 2


def test_a_role_that_leaves_the_snapshot_is_refused(bench: Bench) -> None:
    bench.repo.snapshot.meta["more.json"] = bench.repo.snapshot.meta["targets.json"]
    bench.repo.publish("snapshot", "timestamp")
    assert bench.refresh()
    del bench.repo.snapshot.meta["more.json"]
    bench.repo.publish("snapshot", "timestamp")
    assert not bench.refresh()
    assert bench.versions()[2] == 2


@pytest.mark.parametrize("rotated", [("timestamp",), ("snapshot", "timestamp")])
def test_new_keys_undo_a_push_to_a_high_version(bench: Bench, rotated: tuple[str, ...]) -> None:
    role = rotated[0]
    bench.repo.publish(role, version=2**53 - 1)
    if role == "snapshot":
        bench.repo.publish("timestamp")
    assert bench.refresh()
    for one in rotated:
        bench.repo.rotate(one)
    bench.repo.publish("root")
    bench.repo.publish(role, version=1)
    if role == "snapshot":
        bench.repo.publish("timestamp", version=1)
    assert bench.refresh()
    assert bench.versions()[ALL.index(role)] == 1


def test_a_new_key_of_the_snapshot_undoes_a_push_of_targets_and_of_what_they_delegate(bench: Bench) -> None:
    bench.repo.snapshot.meta["more.json"] = MetaFile(7)
    bench.repo.publish("targets", version=100)
    bench.repo.publish("snapshot", "timestamp")
    assert bench.refresh()
    bench.repo.rotate("snapshot")
    del bench.repo.snapshot.meta["more.json"]
    bench.repo.publish("root")
    bench.repo.publish("targets", version=1)
    bench.repo.publish("snapshot", "timestamp")
    assert bench.refresh()
    assert bench.versions()[1] == 1


def test_another_timestamp_of_the_same_version_is_passed_over(bench: Bench) -> None:
    bench.refresh()
    before = (bench.metadata / "timestamp.json").read_bytes()
    bench.repo.publish("snapshot")
    bench.repo.publish("timestamp", version=1)
    bench.asked()
    assert bench.refresh()
    assert bench.asked()[-1] == "timestamp.json"  # and no snapshot 2
    assert (bench.metadata / "timestamp.json").read_bytes() == before
    bench.now = NOW + timedelta(days=31)
    assert not bench.refresh()


def test_targets_that_no_snapshot_names_are_not_asked_for(bench: Bench) -> None:
    bench.refresh()
    bench.repo.publish("targets")
    bench.asked()
    assert bench.refresh()
    assert bench.asked() == ["2.root.json", "timestamp.json"]
    assert bench.versions()[1] == 1


# --- lengths and hashes


@pytest.mark.parametrize("role", ["snapshot", "targets"])
def test_a_version_other_than_the_named_is_refused(bench: Bench, role: str) -> None:
    bench.refresh()
    bench.repo.publish(*TOP)
    current = bench.repo.folder / "metadata" / f"2.{role}.json"
    current.write_bytes((bench.repo.folder / "metadata" / f"1.{role}.json").read_bytes())
    assert not bench.refresh()
    assert bench.versions()[ALL.index(role)] == 1


@pytest.mark.parametrize("role", ["snapshot", "targets"])
@pytest.mark.parametrize(("old", "new"), [(b"\n ", b"\n\t"), (b"{\n", b"{ \n")])
def test_bytes_other_than_the_named_are_refused_although_signed(
    bench: Bench, role: str, old: bytes, new: bytes
) -> None:
    bench.repo.hashes = True
    bench.repo.publish(*TOP)
    assert bench.refresh()
    bench.repo.publish(*TOP)
    bench.repo.spoil(f"3.{role}.json", old, new)  # blanks are under no signature
    assert not bench.refresh()
    assert bench.versions()[ALL.index(role)] == 2


def test_a_target_is_kept_once_and_only_as_it_was_named(bench: Bench) -> None:
    for name, data in (("one.txt", b"one"), ("deep/er/two.txt", b"two")):
        bench.repo.add_target(name, data)
    bench.repo.publish(*TOP)
    assert bench.refresh()
    assert bench.had() == []
    assert bench.download("one.txt")
    assert bench.download("deep/er/two.txt")
    assert sorted(bench.had()) == [b"one", b"two"]
    bench.web.asked.clear()
    assert bench.download("one.txt")
    assert not [path for path in bench.web.asked if "/targets/" in path]
    assert not bench.download("three.txt")


@pytest.mark.parametrize("other", [b"other bytes", b"the right bytes and more", b"the right", b"the right bytez"])
def test_other_bytes_of_a_target_are_not_kept(bench: Bench, other: bytes) -> None:
    bench.repo.add_target("one.txt", b"the right bytes")
    bench.repo.publish(*TOP)
    bench.repo.lay("one.txt", bench.repo.targets.targets["one.txt"].hashes["sha256"], other)
    assert not bench.download("one.txt")
    assert bench.had() == []


def test_a_target_that_changes_replaces_what_was_kept(bench: Bench) -> None:
    for number in range(3):
        bench.repo.add_target("one.txt", b"version %d" % number)
        bench.repo.publish(*TOP)
        assert bench.download("one.txt")
        assert bench.had() == [b"version %d" % number]


@pytest.mark.parametrize(("hashes", "good"), [(("sha256", "sha512"), True), (("sha512",), False)])
def test_targets_are_known_by_sha256(bench: Bench, hashes: tuple[str, ...], good: bool) -> None:
    bench.repo.add_target("one.txt", b"one", hashes)
    bench.repo.publish(*TOP)
    assert bench.download("one.txt") == good


def _forge(value: dict[str, Any], keyid: str = "") -> None:
    """Another signature in place of the one of ``keyid``, or of the first."""
    for one in value["signatures"]:
        if one["keyid"] == keyid or not keyid:
            one["sig"] = f"{one['sig'][:-8]}{'0' * 8}"
            return
    raise AssertionError(keyid)
