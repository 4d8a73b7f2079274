"""A folder takes an edition whole, file by file, and says clearly why it cannot."""

from __future__ import annotations

import errno
import hashlib
import os
import pickle
from pathlib import Path

import anyio
import pytest

from heliograph.adapters.folder import Folder
from heliograph.model import StoreError
from heliograph.model.ledger import Change


def change(name: str, *, gone: bool = False) -> Change:
    return Change(name=name, digest="", size=1, fresh=True, gone=gone)


def test_files_are_written_listed_and_removed(tmp_path: Path) -> None:
    mirror = Folder(tmp_path / "mirror", "m")
    done: list[int] = []
    steps = [[change("a/d/x.html")], [change("index.html")]]
    anyio.run(mirror.apply, steps, lambda one: one.name.encode(), done.append)
    assert sum(done) == 2
    assert anyio.run(mirror.listing) == {
        name: hashlib.sha256(name.encode()).hexdigest() for name in ("a/d/x.html", "index.html")
    }
    anyio.run(mirror.apply, [[change("a/d/x.html", gone=True)]], lambda _: b"", done.append)
    assert [path.name for path in mirror.root.iterdir()] == ["index.html"]  # the emptied folders went too


def test_a_step_begins_when_the_disk_has_the_one_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror, flushed = Folder(tmp_path / "mirror", "m"), []
    monkeypatch.setattr(os, "sync", lambda: flushed.append(sorted(path.name for path in mirror.root.rglob("*.*"))))
    anyio.run(mirror.apply, [[change("a/x.html")], [change("now.x")]], lambda one: one.name.encode(), lambda _: None)
    assert flushed == [["x.html"]]


def test_a_file_of_a_mirror_is_read_and_one_that_is_not_there_is_empty(tmp_path: Path) -> None:
    mirror = Folder(tmp_path / "mirror", "m")
    assert anyio.run(mirror.read, "now") == b""
    mirror.put([("now", b"edition")])
    assert anyio.run(mirror.read, "now") == b"edition"


def test_copies_are_told_and_what_is_missing_is_left_out(tmp_path: Path) -> None:
    stage = Folder(tmp_path / "stage")
    stage.put([("a/x.html", b"text")])
    laid = stage.copy([("a/x.html", "o/00/11"), ("a/x.html.br", "o/00/11.br")])
    assert [(one.name, one.size) for one in laid] == [("o/00/11", 4)]
    assert stage.get("o/00/11") == b"text"


def test_nothing_temporary_is_left_in_the_tree_and_leftovers_of_a_killed_run_go(tmp_path: Path) -> None:
    scratch = tmp_path / ".mirror.part"
    scratch.mkdir()
    (scratch / "4194999.abc").write_bytes(b"half")
    (scratch / f"{os.getpid()}.abc").write_bytes(b"of a run that is alive")
    mirror = Folder(tmp_path / "mirror", "m")
    mirror.put([("a/x.html", b"x")])
    assert [path.name for path in scratch.iterdir()] == [f"{os.getpid()}.abc"]
    assert sorted(path.name for path in mirror.root.rglob("*")) == ["a", "x.html"]


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", ".hidden", "a/.x", "a\\x", "a\0x", ""])
def test_a_name_that_leads_outside_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(StoreError, match="not a name"):
        Folder(tmp_path / "mirror").put([(name, b"")])


def test_a_full_disk_is_told_and_the_old_file_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = Folder(tmp_path / "mirror", "m")
    mirror.put([("a/x.html", b"old")])

    def full(_descriptor: int, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(StoreError, match="make room"):
        mirror.put([("a/x.html", b"new")])
    assert mirror.get("a/x.html") == b"old"


def test_a_short_write_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: real(descriptor, bytes(data)[:3]))
    mirror = Folder(tmp_path / "mirror", "m")
    mirror.put([("a/x.html", b"0123456789")])
    assert mirror.get("a/x.html") == b"0123456789"


def test_a_file_in_the_way_of_a_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "mirror").mkdir()
    (tmp_path / "mirror" / "a").write_text("in the way")
    with pytest.raises(StoreError, match="mirror m"):
        Folder(tmp_path / "mirror", "m").put([("a/x.html", b"")])


def test_a_missing_file_of_the_stage_is_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"a/none\.html"):
        Folder(tmp_path).get("a/none.html")


def test_it_travels_to_worker_processes(tmp_path: Path) -> None:
    stage = pickle.loads(pickle.dumps(Folder(tmp_path / "stage")))
    stage.put([("x.html", b"x")])
    assert (tmp_path / "stage" / "x.html").read_bytes() == b"x"


def test_links_and_hidden_files_are_not_listed(tmp_path: Path) -> None:
    (tmp_path / ".secret").write_text("x")
    (tmp_path / "link.html").symlink_to("/etc/hostname")
    (tmp_path / "real.html").write_text("x")
    assert list(anyio.run(Folder(tmp_path).listing)) == ["real.html"]
