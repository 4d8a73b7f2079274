"""The edition's map is a plain tree of RFC 6962: libraries not ours find the same root, and believe our paths."""

from __future__ import annotations

import subprocess
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pymerkle  # type: ignore[import-untyped]
import pytest
from sigstore._internal.merkle import verify_merkle_inclusion
from sigstore.errors import VerificationError
from tests.interop.conftest import Shelf
from tests.interop.releases import Release, inclusion, lay, shards

from heliograph.model import paths
from heliograph.trust.edition_map import EMPTY_SHARD


@pytest.fixture(params=["one", "two"])
def release(request: pytest.FixtureRequest, shelf: Shelf) -> Release:
    """Each release of each newsroom."""
    found: Release = getattr(shelf, request.param)
    return found


def test_the_maps_of_these_tests_have_what_maps_can_have(shelf: Shelf) -> None:
    assert [one.head.bits for one in (shelf.one, shelf.two)] == {"person": [3, 3], "editors": [5, 5]}[shelf.office.name]
    assert EMPTY_SHARD in shards(shelf.two)
    assert shelf.one.head.root != shelf.two.head.root


# ---------------------------------------------------------------- pymerkle


def test_pymerkle_finds_the_root_of_the_head_and_our_paths(release: Release) -> None:
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    tree.append_entries(shards(release))
    assert tree.get_root() == release.head.root
    size = 1 << release.head.bits
    for index in range(size):
        shard, path = inclusion(release, index)
        proof = tree.prove_inclusion(index + 1)
        leaf = tree.hash_buff(shard)
        assert proof.path == [leaf, *path]
        pymerkle.verify_inclusion(leaf, release.head.root, proof, index=index + 1, size=size)


def test_pymerkle_refuses_a_changed_shard(release: Release) -> None:
    found = shards(release)
    tree = pymerkle.InmemoryTree(algorithm="sha256")
    tree.append_entries(found)
    changed = _flipped(found[2])
    with pytest.raises(pymerkle.InvalidProof, match="Base hash does not match"):
        pymerkle.verify_inclusion(tree.hash_buff(changed), release.head.root, tree.prove_inclusion(3))
    other = pymerkle.InmemoryTree(algorithm="sha256")
    other.append_entries([*found[:2], changed, *found[3:]])
    assert other.get_root() != release.head.root
    with pytest.raises(pymerkle.InvalidProof, match="State does not match"):
        pymerkle.verify_inclusion(other.hash_buff(changed), release.head.root, other.prove_inclusion(3))


# ---------------------------------------------------------------- sigstore


def test_sigstore_finds_every_shard_included(release: Release) -> None:
    for index in range(1 << release.head.bits):
        shard, path = inclusion(release, index)
        verify_merkle_inclusion(_entry(release, index, shard, path))


def test_sigstore_refuses_a_changed_shard_another_place_and_a_changed_path(release: Release) -> None:
    shard, path = inclusion(release, 2)
    for index, body, hashes in (
        (2, _flipped(shard), path),
        (3, shard, path),
        (2, shard, [_flipped(path[0]), *path[1:]]),
    ):
        with pytest.raises(VerificationError, match="invalid root hash"):
            verify_merkle_inclusion(_entry(release, index, body, hashes))


def _entry(release: Release, index: int, shard: bytes, path: list[bytes]) -> Any:
    """A shard in the shape of an entry of sigstore's log: what its check of inclusion looks at, and no more."""
    proof = SimpleNamespace(log_index=index, tree_size=1 << release.head.bits, hashes=path, root_hash=release.head.root)
    return SimpleNamespace(_inner=SimpleNamespace(inclusion_proof=proof, canonicalized_body=shard))


# ---------------------------------------------------------------- Go


def test_go_finds_every_shard_and_the_root_of_the_head(gotlog: str, shelf: Shelf, release: Release) -> None:
    name = "one" if release is shelf.one else "two"
    run = subprocess.run(
        [gotlog, str(shelf.folder(name)), release.head_name], capture_output=True, text=True, check=False, timeout=60
    )
    assert run.stderr == ""
    assert run.stdout == f"{1 << release.head.bits} shards under {release.head.root.hex()}\n"


def test_go_refuses_a_changed_shard_and_a_changed_tile(gotlog: str, release: Release, tmp_path: Path) -> None:
    index = next(at for at, shard in enumerate(shards(release)) if shard != EMPTY_SHARD)  # whose name is its own
    shard, path = inclusion(release, index)
    shard_name = paths.object_name(sha256(b"\0" + shard).hexdigest())
    tile_name, tile = next((name, data) for name, data in release.files.items() if path[0] in data)
    for name, changed in (
        ("", b""),
        (shard_name, _flipped(shard)),
        (tile_name, tile.replace(path[0], _flipped(path[0]))),
    ):
        files = {**release.files, name: changed} if name else release.files
        place = tmp_path / (name.replace("/", "-") or "honest")
        lay({one: data for one, data in files.items() if one.startswith(("o/", "edition/"))}, place)
        command = [gotlog, str(place), release.head_name, str(index)]
        run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        refused = f"gotlog: shard {index}: invalid transparency proof\n"
        assert (run.returncode, run.stderr) == ((1, refused) if name else (0, ""))


def _flipped(data: bytes) -> bytes:
    """``data`` with one bit changed."""
    return data[:-1] + bytes([data[-1] ^ 1])
