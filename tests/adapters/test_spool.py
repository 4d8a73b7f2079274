"""A folder of messages: idempotent, whole, bounded, and silent about when they came."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from heliograph.adapters.spool import MOST_SHEET, SIZE, Spool, drop_at
from heliograph.model import ConfigError, StoreError


def message(number: int) -> bytes:
    return hashlib.shake_128(str(number).encode()).digest(SIZE)


def test_the_same_message_twice_is_one_file_under_its_hash(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    assert spool.names() == []
    assert spool.take(message(1))
    assert spool.take(message(1))
    assert spool.names() == [hashlib.sha256(message(1)).hexdigest()]
    assert spool.read(spool.names()[0]) == message(1)
    spool.remove(spool.names()[0])
    spool.remove("0" * 64)
    assert spool.names() == []
    assert spool.read("0" * 64) == b""


@pytest.mark.parametrize("size", [0, 1, SIZE - 1, SIZE + 1])
def test_nothing_of_another_length_is_taken(tmp_path: Path, size: int) -> None:
    assert not Spool(tmp_path).take(b"x" * size)
    assert not (tmp_path / "in").exists()


def test_a_file_tells_the_day_and_no_more(tmp_path: Path) -> None:
    Spool(tmp_path, today=lambda: 20_783).take(message(1))
    (path,) = (tmp_path / "in").iterdir()
    assert path.stat().st_mtime == path.stat().st_atime == 20_783 * 86_400


def test_the_folder_never_grows_beyond_its_bound_and_the_oldest_day_goes_first(tmp_path: Path) -> None:
    old, new = Spool(tmp_path, most=32, today=lambda: 1), Spool(tmp_path, most=32, today=lambda: 2)
    for number in range(20):
        old.take(message(number))
    for number in range(20, 50):
        new.take(message(number))
        assert len(list((tmp_path / "in").iterdir())) <= 32
    held = set(new.names())
    assert {hashlib.sha256(message(number)).hexdigest() for number in range(45, 50)} <= held
    assert len(held & {hashlib.sha256(message(number)).hexdigest() for number in range(20)}) <= 3


def test_who_goes_is_drawn_by_lot(tmp_path: Path) -> None:
    left = []
    for name in ("a", "b", "c"):
        spool = Spool(tmp_path / name, most=64, today=lambda: 1)
        for number in range(64 + 1):
            spool.take(message(number))
        left.append(frozenset(spool.names()))
    assert len(set(left)) > 1  # the same by chance in less than one of 10^10 runs


def test_leftovers_of_a_run_that_was_killed_count_and_go(tmp_path: Path) -> None:
    spool = Spool(tmp_path, most=8)
    (tmp_path / "in").mkdir()
    for number in range(8):
        (tmp_path / "in" / f".left.{number}").write_bytes(b"half")
        os.utime(tmp_path / "in" / f".left.{number}", (0, 0))
    spool.take(message(1))
    assert spool.names() == [hashlib.sha256(message(1)).hexdigest()]
    assert len(list((tmp_path / "in").iterdir())) <= 8


def test_a_folder_that_cannot_be_used_names_itself(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    spool = Spool(tmp_path / "file")
    for use in (
        lambda: spool.take(message(1)),
        spool.names,
        lambda: spool.read("0" * 64),
        lambda: spool.remove("0" * 64),
        lambda: spool.publish({"ab" * 16: b"sealed"}),
    ):
        with pytest.raises(StoreError, match="file") as caught:
            use()
        assert caught.value.remedy
    assert spool.sheet("drop/" + "ab" * 16) == b""


def test_work_lists_are_found_by_name_and_nothing_else_is(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    name = "ab" * 16
    spool.publish({name: b"sealed", "cd" * 16: b"x" * (MOST_SHEET + 1)})
    assert spool.sheet(f"drop/{name}") == b"sealed"
    (tmp_path / "out" / "link").symlink_to(tmp_path / "secret")
    (tmp_path / "secret").write_bytes(b"secret")
    spool.take(message(1))
    for path in (f"drop/{'cd' * 16}", f"drop/{'ef' * 16}", "drop/link", "drop/../secret", f"drop/{spool.names()[0]}"):
        assert spool.sheet(path) == b""
    for path in ("drop", "drop/", name, f"a/{name}", f"drop/{name}/", f"drop/{name.upper()}", ""):
        assert spool.sheet(path) == b""
    spool.publish({})
    assert spool.sheet(f"drop/{name}") == b""


def test_a_drop_is_no_part_of_a_mirror(tmp_path: Path) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    for wrong in (mirror, mirror / "drop", tmp_path):
        with pytest.raises(ConfigError, match="in one another"):
            drop_at(wrong, beside=mirror)
    drop_at(tmp_path / "drop", beside=mirror)
    assert sorted(path.name for path in (tmp_path / "drop").iterdir()) == ["in", "out"]
    assert (tmp_path / "drop").stat().st_mode & 0o077 == 0
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ConfigError, match="cannot be used"):
        drop_at(tmp_path / "file", beside=mirror)
