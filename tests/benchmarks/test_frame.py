"""Measuring commands: what counts, what is seen from outside, and that nothing outlives its time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import frame

BUSY = "import time\nwhile time.process_time() < {}: pass\n"


def python(code: str, *arguments: str) -> list[str]:
    return [sys.executable, "-c", code, *arguments]


def test_measure_gives_output_status_and_wall_time() -> None:
    usage = frame.measure(python("import sys; print('so'); print('but', file=sys.stderr); sys.exit(3)"))
    assert (usage.out, usage.err, usage.code, usage.late, usage.ok) == ("so\n", "but\n", 3, False, False)
    assert usage.wall > 0


def test_measure_runs_in_the_folder_and_environment_given(tmp_path: Path) -> None:
    usage = frame.measure(
        python("import os; print(os.getcwd(), os.environ['LAMP'], 'PATH' in os.environ)"),
        cwd=tmp_path,
        env={"LAMP": "lit"},
    )
    assert usage.out.split() == [str(tmp_path.resolve()), "lit", "True"]


def test_processor_time_of_grandchildren_counts() -> None:
    inner = BUSY.format(0.2)
    usage = frame.measure(python(f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}])"))
    assert usage.ok
    assert usage.cpu >= 0.2
    assert 0 <= usage.others <= 1


def test_processor_time_of_what_a_command_leaves_behind_counts() -> None:
    inner = BUSY.format(0.3)
    usage = frame.measure(
        python(f"import os, subprocess, sys; subprocess.Popen([sys.executable, '-c', {inner!r}]); os._exit(0)")
    )
    assert usage.ok
    assert usage.cpu >= 0.3


def test_what_lingers_after_a_command_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame, "GRACE", 0.1)
    usage = frame.measure(["sh", "-c", "sleep 600 & echo $!"])
    assert usage.ok
    assert not Path(f"/proc/{int(usage.out)}").exists()


def test_other_children_of_the_benchmark_are_left_alone() -> None:
    with family() as (shell, cat):
        frame.measure(["true"])
        assert frame.descendants(shell) == [cat]


def test_memory_is_summed_over_the_tree_and_the_largest_process_told() -> None:
    hold = "block = bytearray(b'x') * 40_000_000\n" + BUSY.format(0.4)
    code = (
        "import subprocess, sys\n"
        f"both = [subprocess.Popen([sys.executable, '-c', {hold!r}]) for _ in range(2)]\n"
        "sys.exit(sum(one.wait() for one in both))"
    )
    usage = frame.measure(python(code))
    assert usage.ok
    assert usage.memory > 80_000_000
    assert 40_000_000 < usage.process < usage.memory


def test_a_command_that_takes_too_long_is_ended_with_all_it_started() -> None:
    usage = frame.measure(["sh", "-c", "sleep 600 & echo $!; wait"], limit=0.3)
    assert (usage.late, usage.ok, usage.code) == (True, False, -signal.SIGKILL)
    stat = Path(f"/proc/{int(usage.out)}/stat")
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] in {"Z", "X"}


def test_a_command_that_is_not_there_is_an_error_of_the_caller() -> None:
    with pytest.raises(OSError, match="no-such-command"):
        frame.measure(["/no-such-command"])


def test_a_mark_is_reached_when_every_path_appeared_or_was_replaced(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("before")
    code = (
        "import os, pathlib, sys\n"
        "pathlib.Path(sys.argv[1]).write_text('x')\n"
        "pathlib.Path(sys.argv[2] + '.part').write_text('after'); os.replace(sys.argv[2] + '.part', sys.argv[2])"
    )
    usage = frame.measure(python(code, str(new), str(old)), marks=[new, old])
    assert usage.mark is not None
    assert 0 < usage.mark <= usage.wall + 1
    assert usage.mark_cpu is not None


def test_a_mark_is_not_reached_while_one_path_is_as_before(tmp_path: Path) -> None:
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_text("before")
    usage = frame.measure(["touch", new], marks=[new, old])
    assert usage.ok
    assert (usage.mark, usage.mark_cpu) == (None, None)


@contextmanager
def family() -> Iterator[tuple[int, int]]:
    """A shell and its one child, both waiting."""
    with subprocess.Popen(["sh", "-c", "cat; true"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as shell:
        assert shell.stdin is not None
        assert shell.stdout is not None
        shell.stdin.write(b"there\n")
        shell.stdin.flush()
        assert shell.stdout.readline() == b"there\n"  # so the child is there, too
        cat = Path(f"/proc/{shell.pid}/task/{shell.pid}/children").read_text().split()
        yield shell.pid, int(cat[0])


def test_descendants_are_found_by_both_ways_the_kernel_offers() -> None:
    with family() as (shell, cat):
        assert frame.descendants(shell) == [cat]
        assert frame._by_parent()[shell] == [cat]
        assert cat in frame.descendants(os.getpid())


def test_a_process_that_is_gone_has_no_descendants() -> None:
    with family() as (shell, _):
        pass
    assert frame.descendants(shell) == []


def test_tree_tells_new_written_and_gone_files(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    for name, text in (("a/kept", "1"), ("a/again", "22"), ("gone", "333")):
        (tmp_path / name).write_text(text)
    before = frame.tree(tmp_path)
    assert before.size == 6
    (tmp_path / "part").write_text("22")
    (tmp_path / "part").replace(tmp_path / "a/again")  # the same bytes, but written
    (tmp_path / "gone").unlink()
    (tmp_path / "new").write_text("4")
    after = frame.tree(tmp_path)
    assert after.written_since(before) == ("a/again", "new")
    assert after.gone_since(before) == ("gone",)
    assert after.written_since(after) == ()


def test_tree_does_not_follow_links_and_takes_a_missing_folder_as_empty(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in/out").symlink_to(tmp_path)
    assert list(frame.tree(tmp_path / "in").files) == ["out"]
    assert frame.tree(tmp_path / "none").files == {}


def test_last_json_takes_the_last_line_that_holds_an_object() -> None:
    text = 'table\n{"a": 1}\n{broken\n[1]\n  {"a": 2}\nthe end\n'
    assert frame.last_json(text) == {"a": 2}
    assert frame.last_json("no object\n{") == {}


@given(st.dictionaries(st.text(), st.integers() | st.text()), st.text(alphabet=st.characters(blacklist_characters="{")))
def test_last_json_finds_any_object_after_any_text(value: dict[str, object], before: str) -> None:
    assert frame.last_json(f"{before}\n{json.dumps(value)}\n") == value
