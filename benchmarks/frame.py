"""Runs a command and measures what the whole process tree took; tells what changed in a folder meanwhile.

Rule 1: processor time is the kernel's own count (``wait4``), of the command and of every descendant, also of those it
did not wait for: they become children of the benchmark when their parent ends (``PR_SET_CHILD_SUBREAPER``).
Rule 2: memory is sampled: the proportional set size, summed over the tree, so that pages shared by workers count once.
A peak shorter than the interval can be missed; the largest single process comes from the kernel's high-water mark.
Rule 3: a command that runs too long is ended with its whole session, and says so in its figures. Nothing else is ever
signalled. Linux only: it reads ``/proc``.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

INTERVAL = 0.05  # seconds between two looks at the memory of the tree
MARK_INTERVAL = 0.005  # seconds between two looks at marked files
GRACE = 5.0  # seconds that what a command leaves behind may take to end by itself
TAIL = 4_000  # characters kept of a command's error output
_CHILD_SUBREAPER = 36  # PR_SET_CHILD_SUBREAPER of linux/prctl.h


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one command took."""

    wall: float  # seconds
    cpu: float  # seconds, user and system, all processes
    memory: int  # bytes, peak of the tree's summed proportional set size
    process: int  # bytes, high-water mark of the largest single process
    code: int  # exit status; negative is the signal that ended it
    late: bool  # ended here because it ran longer than allowed
    others: float = 0.0  # share of the machine's processor time that everything else took meanwhile
    mark: float | None = None  # seconds until every marked path had appeared or been replaced
    mark_cpu: float | None = None  # seconds of processor time until then
    out: str = ""  # standard output, whole
    err: str = ""  # the end of standard error

    @property
    def ok(self) -> bool:
        """True if the command ended by itself and reported success."""
        return self.code == 0 and not self.late


def measure(
    command: Sequence[str | Path],
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    limit: float = 600.0,
    marks: Sequence[Path] = (),
) -> Usage:
    """Run ``command`` to its end, at most ``limit`` seconds, and measure it. ``env`` is added to the environment.

    ``marks`` are files whose appearance or replacement tells, from outside, when the command got somewhere.

    Raises OSError if the command cannot be started at all.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, _adopting():
        before = {path: _identity(path) for path in marks}
        busy, ticks = _machine_ticks()
        start = time.perf_counter()
        child = subprocess.Popen(
            [os.fspath(part) for part in command],
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,  # so that it can be ended whole
        )
        watch = _Watch(child.pid, start, limit, before)
        watch.start()
        try:
            # Waits without reaping: the process id stays ours until the watcher, which may signal it, has stopped.
            os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
            wall = time.perf_counter() - start
        except BaseException:
            _end(child.pid)
            raise
        finally:
            watch.stop()
            left = _reap_orphans(child.pid)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = os.waitstatus_to_exitcode(status)
        busy_now, ticks_now = _machine_ticks()
        cpu = usage.ru_utime + usage.ru_stime + left
        ours = cpu * os.sysconf("SC_CLK_TCK")
        out.seek(0)
        err.seek(0)
        return Usage(
            wall=wall,
            cpu=cpu,
            memory=watch.memory,
            process=watch.process,
            code=child.returncode,
            late=watch.late,
            others=max(0.0, busy_now - busy - ours) / max(1, ticks_now - ticks),
            mark=watch.mark,
            mark_cpu=watch.mark_cpu,
            out=out.read().decode("utf-8", "replace"),
            err=err.read().decode("utf-8", "replace")[-TAIL:],
        )


@contextmanager
def _adopting() -> Iterator[None]:
    """While this lasts, orphans among our descendants become our children, so that they can be waited for."""
    prctl = ctypes.CDLL(None).prctl
    prctl(_CHILD_SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(_CHILD_SUBREAPER, 0, 0, 0, 0)


def _reap_orphans(session: int) -> float:
    """Wait for what the ended leader of ``session`` left behind; end what lingers. Seconds of processor time of it."""
    cpu, end = 0.0, time.monotonic() + GRACE
    while orphans := [pid for pid in _below(os.getpid()) if pid != session and _session(pid) == session]:
        for pid in orphans:
            if time.monotonic() > end:
                os.kill(pid, signal.SIGKILL)  # our own child and not reaped, so it cannot be anybody else
            done, _, usage = os.wait4(pid, os.WNOHANG)
            cpu += usage.ru_utime + usage.ru_stime if done else 0.0
        time.sleep(0.005)
    return cpu


def _session(pid: int) -> int:
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return 0


def _machine_ticks() -> tuple[int, int]:
    """Clock ticks of all processors since the machine started: busy (time stolen by its host too), and all."""
    words = [int(word) for word in _read("/proc/stat").partition("\n")[0].split()[1:9]]
    return sum(words) - sum(words[3:5]), sum(words)  # less idle and waiting for the disk


_Identity = tuple[int, int] | None  # inode and change time; None where there is no file


def _identity(path: Path) -> _Identity:
    try:
        info = path.stat()
    except OSError:
        return None
    return info.st_ino, info.st_ctime_ns


class _Watch(threading.Thread):
    """Looks at a tree until told to stop; ends its session when the time is up."""

    def __init__(self, pid: int, start: float, limit: float, before: Mapping[Path, _Identity]) -> None:
        super().__init__(daemon=True)
        self.memory = self.process = 0
        self.late = False
        self.mark: float | None = None
        self.mark_cpu: float | None = None
        self._pid, self._start, self._limit = pid, start, limit
        self._waiting = dict(before)
        self._done = threading.Event()

    def run(self) -> None:
        due = 0.0
        while True:
            now = time.perf_counter()
            if now >= due:
                self._look_at_memory()
                due = now + INTERVAL
            self._look_at_marks()
            if self._done.wait(MARK_INTERVAL if self._waiting else INTERVAL):
                self._look_at_marks()  # what came within the last interval counts
                return
            if now - self._start > self._limit:
                self.late = True
                _end(self._pid)
                return

    def stop(self) -> None:
        self._done.set()
        self.join()

    def _look_at_memory(self) -> None:
        pids = [self._pid, *descendants(self._pid)]
        self.memory = max(self.memory, sum(_kilobytes(f"/proc/{pid}/smaps_rollup", "Pss:") for pid in pids) * 1_024)
        self.process = max([self.process, *(_kilobytes(f"/proc/{pid}/status", "VmHWM:") * 1_024 for pid in pids)])

    def _look_at_marks(self) -> None:
        if not self._waiting:
            return
        for path in [path for path, before in self._waiting.items() if _identity(path) not in (None, before)]:
            del self._waiting[path]
        if not self._waiting:
            self.mark = time.perf_counter() - self._start
            self.mark_cpu = sum(_cpu(pid) for pid in (self._pid, *descendants(self._pid)))


def _cpu(pid: int) -> float:
    """Seconds of processor time of ``pid`` and of the children it has waited for."""
    words = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    return sum(map(int, words[11:15])) / os.sysconf("SC_CLK_TCK") if len(words) > 14 else 0.0


def _end(pid: int) -> None:
    """Kill the session that ``pid`` leads. Only called while ``pid`` is not reaped, so it cannot be anybody else's."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:  # it ended in this very moment
        return


def descendants(pid: int) -> list[int]:
    """The process ids below ``pid`` at this moment, in no order."""
    found: list[int] = []
    ahead = [pid]
    while ahead:
        children = _below(ahead.pop())
        found += children
        ahead += children
    return found


def _below(pid: int) -> list[int]:
    """The children of ``pid``, the quick way where the kernel has it."""
    quick = Path(f"/proc/self/task/{os.getpid()}/children").exists()
    return _children(pid) if quick else _by_parent().get(pid, [])


def _children(pid: int) -> list[int]:
    """The processes that any thread of ``pid`` started."""
    return [int(word) for task in Path(f"/proc/{pid}/task").glob("*/children") for word in _read(task).split()]


def _by_parent() -> dict[int, list[int]]:
    """All processes by their parent: 50 times as dear as ``_children`` on a machine with 90 processes."""
    below: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        words = _read(stat).rpartition(")")[2].split()  # the name before it may hold anything
        if len(words) > 1:
            below.setdefault(int(words[1]), []).append(int(stat.parent.name))
    return below


def _read(path: str | Path) -> str:
    """A file of /proc; "" when its process is gone."""
    try:
        return Path(path).read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""


def _kilobytes(path: str, field_name: str) -> int:
    for line in _read(path).splitlines():
        if line.startswith(field_name):
            return int(line.split()[1])
    return 0


class Stamp(NamedTuple):
    """Enough to see that a file was written, even with the same bytes."""

    size: int
    inode: int
    changed: int  # nanoseconds; the kernel's change time, which no tool can set back


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """The files of a folder at one moment, by path relative to it."""

    files: Mapping[str, Stamp] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(stamp.size for stamp in self.files.values())

    def written_since(self, before: Tree) -> tuple[str, ...]:
        """Paths that are new or were written again, sorted."""
        return tuple(sorted(path for path, stamp in self.files.items() if before.files.get(path) != stamp))

    def gone_since(self, before: Tree) -> tuple[str, ...]:
        """Paths that are no longer there, sorted."""
        return tuple(sorted(before.files.keys() - self.files.keys()))


def tree(folder: Path) -> Tree:
    """What ``folder`` holds; empty if there is no such folder. Symbolic links are not followed."""
    return Tree(files=dict(_walk(str(folder), "")))


def _walk(folder: str, prefix: str) -> Iterator[tuple[str, Stamp]]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, f"{prefix}{entry.name}/")
        else:
            info = entry.stat(follow_symlinks=False)
            yield prefix + entry.name, Stamp(info.st_size, info.st_ino, info.st_ctime_ns)


def last_json(text: str) -> dict[str, Any]:
    """The JSON object on the last line of ``text`` that holds one; {} if none does."""
    for line in reversed(text.splitlines()):
        if line.lstrip().startswith("{"):
            try:
                value = json.loads(line)
            except ValueError:
                continue
            if isinstance(value, dict):
                return value
    return {}


def python(*arguments: str | Path) -> list[str | Path]:
    """The command that runs this same Python, as the benchmarks' own parts are run."""
    return [sys.executable, *arguments]
