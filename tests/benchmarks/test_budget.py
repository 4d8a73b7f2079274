"""The proof of the byte budget finds each way a file can break it."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from benchmarks import budget
from heliograph.render import encode


@pytest.fixture
def mirror(tmp_path: Path) -> Path:
    """A mirror of three files that are in order."""
    pages = {
        "index.html": b"<!doctype html><p>front</p>",
        "a/7k3vq2m.html": "<!doctype html><p>Мост открыт</p>".encode() * 40,
        "a/i/x1.webp": b"RIFF" + os.urandom(900),
    }
    for path, content in pages.items():
        made = encode.file(path, content)
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(made.body)
        for suffix, data in (("br", made.brotli), ("gz", made.gzip)):
            if data is not None:
                (tmp_path / f"{path}.{suffix}").write_bytes(data)
    (tmp_path / "now").write_text("edition/0\n")
    (tmp_path / ".part").write_bytes(b"x" * 9_999)
    return tmp_path


def faults(folder: Path) -> dict[str, str]:
    return {one.path: "; ".join(one.faults) for one in budget.check(folder) if one.faults}


def test_a_mirror_in_order_has_no_fault_and_hidden_files_do_not_count(mirror: Path) -> None:
    found = {one.path: one for one in budget.check(mirror)}
    assert sorted(found) == ["a/7k3vq2m.html", "a/i/x1.webp", "index.html", "now"]
    assert faults(mirror) == {}
    assert found["index.html"].wire == 1_024 + 350
    assert not found["now"].mapped


def test_each_broken_rule_is_named(mirror: Path) -> None:
    story = mirror / "a/7k3vq2m.html"
    for suffix, damage, said in (
        (".br", lambda data: data + os.urandom(5_120), "over 6,144"),
        (".gz", lambda data: data + b"\0" * 6_144, "over 7,168"),
        (".br", lambda data: data + b"\0", "not a multiple"),
        (".br", lambda data: data[:-24] + b"\0" * 24, ".br"),
        (".gz", lambda data: gzip.compress(b"another page"), "decodes to other bytes"),
        (".gz", lambda data: data[: len(data) // 2], "does not decode"),
        ("", lambda data: data + b" ", "decodes to other bytes"),
        ("", lambda data: data[:-1], "not a multiple"),
    ):
        file = story.with_name(story.name + suffix)
        kept = file.read_bytes()
        file.write_bytes(damage(kept))
        assert said in faults(mirror)["a/7k3vq2m.html"]
        file.write_bytes(kept)
    assert faults(mirror) == {}


def test_a_missing_encoding_and_a_large_picture_are_named(mirror: Path) -> None:
    (mirror / "index.html.br").unlink()
    (mirror / "a/i/x1.webp").write_bytes(b"\0" * 6_144)
    (mirror / "o").mkdir()
    (mirror / "o/tile").write_bytes(b"\0" * 5_795)
    assert faults(mirror) == {
        "index.html": "has no .br",
        "a/i/x1.webp": "6,494 B on the wire, over 6,144",
        "o/tile": "5,795 B of its own",
    }


def test_the_report_counts_every_file_and_names_the_largest(mirror: Path) -> None:
    result = budget.section(list(budget.check(mirror)), "again", "2026-11-22")
    wire, sizes = result.tables
    assert wire.rows[0] == ("as browsers get it", 3, 1_374, 1_374, 1_374, 6_144)
    assert wire.rows[1][1] == 2
    assert "largest: a/7k3vq2m.html, 1,374 B on the wire" in wire.notes
    assert sizes.rows == (("1 KiB", 3, "100.0%"),)
    assert result.figures[0].goal == "<= 6,144 B"


@pytest.mark.parametrize(("broken", "code"), [(False, 0), (True, 1)])
def test_the_command_fails_exactly_when_a_file_is_not_in_order(
    mirror: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], broken: bool, code: int
) -> None:
    if broken:
        (mirror / "index.html.gz").unlink()
    monkeypatch.setattr("sys.argv", ["budget", str(mirror), "--json"])
    assert budget.main() == code
    assert ('"faulty": ["index.html"]' in capsys.readouterr().out) == broken


def test_an_empty_folder_proves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["budget", str(tmp_path)])
    assert budget.main() == 1
