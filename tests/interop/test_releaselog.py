"""The release log is one of C2SP: Go's packages note and tlog open it, and find the same proofs in its tiles."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.interop.releases import lay

from heliograph.lab.keys import key
from heliograph.model import paths
from heliograph.trust import log, note
from heliograph.trust.head import Head, write_head
from heliograph.trust.log import Edge, Tile
from heliograph.trust.note import Checkpoint, LogPolicy

ORIGIN = "heliograph/abcde-fghij/2"
KEY = key("log", "interop")
POLICY = LogPolicy(origin=ORIGIN, key=KEY.raw)
SIZES = [1, 2, 7, 256, 300]
BEGINS = 3  # entries before this one are empty


def head(release: int) -> bytes:
    time = datetime(2026, 11, 22, tzinfo=UTC)
    root = log.leaf_hash(str(release).encode())
    return write_head(
        Head(release=release, time=time, bits=3, root=root, fresh=bytes(32), fresh_length=0, entries=release)
    )


def mirror(size: int) -> dict[str, bytes]:
    """The files of a log, extended one entry at a time as a newsroom does."""
    edge, files = Edge(), dict[str, bytes]()
    for index in range(size):
        growth = log.grown(edge, [head(index + 1) if index >= BEGINS or size < BEGINS else b""])
        edge = growth.edge
        files |= growth.files
    point = Checkpoint(origin=ORIGIN, size=size, root=edge.root)
    return {**files, paths.CHECKPOINT: note.write_checkpoint(point, KEY.seed)}


def asked(gotlog: str, folder: Path, old: Path | str, *indices: int, named: str = "") -> tuple[str, str]:
    """What Go says, and what it complains of."""
    words = [gotlog, "log", str(folder), named or POLICY.verifier.text, str(old), *map(str, indices)]
    run = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    assert bool(run.returncode) == bool(run.stderr)
    return run.stdout, run.stderr


def shown(what: str, number: int, proof: list[bytes]) -> str:
    return " ".join([f"{what} {number}", *(one.hex() for one in proof)])


@pytest.mark.parametrize("size", SIZES)
def test_go_opens_the_checkpoint_and_finds_our_proofs(gotlog: str, tmp_path: Path, size: int) -> None:
    files = mirror(size)
    lay(files, tmp_path / "mirror")
    indices = sorted({0, size // 2, size - 1})
    told, wrong = asked(gotlog, tmp_path / "mirror", "", *indices)
    assert wrong == ""

    def read(tile: Tile) -> bytes:
        return files[tile.name]

    def proof(index: int) -> list[bytes]:
        return [log.hash_of(span, size, read) for span in log.inclusion(index, size)]

    point = note.read_checkpoint(files[paths.CHECKPOINT], POLICY)
    assert told.splitlines() == [
        f"{size} entries under {point.root.hex()}",
        *(shown("entry", index, proof(index)) for index in indices),
    ]


@pytest.mark.parametrize(("old", "new"), [(3, 7), (4, 7), (7, 256), (7, 300), (256, 300)])
def test_go_finds_that_a_log_goes_on_from_an_earlier_one_and_not_from_another(
    gotlog: str, tmp_path: Path, old: int, new: int
) -> None:
    files = mirror(new)
    lay(files, tmp_path / "mirror")
    before, other = tmp_path / "before", tmp_path / "other"
    before.write_bytes(mirror(old)[paths.CHECKPOINT])
    other.write_bytes(note.write_checkpoint(Checkpoint(origin=ORIGIN, size=old, root=bytes(32)), KEY.seed))
    proof = [log.hash_of(span, new, lambda tile: files[tile.name]) for span in log.consistency(old, new)]
    assert asked(gotlog, tmp_path / "mirror", before)[0].splitlines()[1:] == [shown("begins", old, proof)]
    assert asked(gotlog, tmp_path / "mirror", other)[1] == "gotlog: invalid transparency proof\n"


def test_go_opens_a_checkpoint_that_witnesses_have_cosigned(gotlog: str, tmp_path: Path) -> None:
    files = mirror(7)
    line = base64.b64encode(b"name" + bytes(range(72))).decode()
    files[paths.CHECKPOINT] += f"— witness.example/north {line}\n".encode()
    lay(files, tmp_path)
    assert asked(gotlog, tmp_path, "", 6)[1] == ""
    assert note.read_checkpoint(files[paths.CHECKPOINT], POLICY).size == 7


def _tampered() -> Mapping[str, tuple[str, str]]:
    """What is changed of a log of 300, and how Go refuses it."""
    return {
        "checkpoint": (paths.CHECKPOINT, "gotlog: invalid signature for key"),
        "entries": ("log/tile/entries/001.p/44", "gotlog: entry 299: invalid transparency proof"),
        "leaves": ("log/tile/0/001.p/44", "gotlog: entry 299: "),
        "above": ("log/tile/1/000.p/1", "gotlog: entry 299: "),
    }


@pytest.mark.parametrize("what", _tampered())
def test_go_refuses_what_was_changed(gotlog: str, tmp_path: Path, what: str) -> None:
    name, refused = _tampered()[what]
    files = mirror(300)
    data = bytearray(files[name])
    data[-1 if what != "checkpoint" else len(ORIGIN) + 1] ^= 1
    files[name] = bytes(data)
    lay(files, tmp_path)
    assert asked(gotlog, tmp_path, "", 299)[1].startswith(refused)


def test_go_refuses_another_key(gotlog: str, tmp_path: Path) -> None:
    lay(mirror(2), tmp_path)
    other = LogPolicy(origin=ORIGIN, key=key("log", "other").raw).verifier.text
    assert asked(gotlog, tmp_path, "", named=other)[1].startswith("gotlog: note has no verifiable signatures")
