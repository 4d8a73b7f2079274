"""A directory of a server, by rsync over SSH: a few runs of it for each step of a delivery.

Rule 1: only the files of a step travel, named one by one from a temporary tree, and only what is named is removed.
rsync itself writes each beside its place and renames it. Rule 2: since rsync sorts what it sends, the front page, and
then what names other files, go in runs of their own, after the rest of their step. Rule 3: files bear the time of that
run, so that what the server shows of them later tells whether they are still those.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Final

import anyio
import anyio.to_thread

from heliograph.adapters.hosts import command, names, ssh
from heliograph.adapters.hosts.command import Ended
from heliograph.adapters.hosts.held import Held
from heliograph.adapters.hosts.objects import MOST_READ, BusyError, again
from heliograph.model import ConfigError, StoreError, paths
from heliograph.model.ledger import Change
from heliograph.model.mirror import Spent

_FILES, _SIZE = 5_000, 64_000_000  # of one run
_PLAIN = re.compile(r"[A-Za-z0-9_./~@+,-]+")  # older versions of rsync hand the path to a shell there
_LISTED = re.compile(rb"-[\w+.-]{9,10} +([\d,.]+) (\d{4}/\d\d/\d\d \d\d:\d\d:\d\d) (.+)")
_FSYNC, _TOO_OLD = "--fsync", "unknown option"
_NO_PARENT: Final = "its parent directory is not there"
_MAKE_IT: Final = "make the directory, and let that user write there"
_REMEDIES: Final = (  # what rsync says, what that means, what to do
    ("No space left on device", "the disk there is full", ssh.FULL),
    ("Disk quota exceeded", "the quota there is used up", ssh.FULL),
    ("command not found", "rsync is not installed there", "install rsync on the server, or use kind = \"sftp\""),
    ("Permission denied (13)", "no right to write there", "give that user the right to write there"),
    ("Read-only file system", "the file system there is read-only", "mount it for writing, there"),
    ("mkdir", _NO_PARENT, _MAKE_IT),
    (_TOO_OLD, "rsync there is too old", "install version 3.1 or newer on the server"),
)  # fmt: skip
_VANISHED: Final = 24  # files that are named are not here: those to remove
_NOT_WRITTEN: Final = 11
_GONE: Final = "No such file or directory (2)"
_BUSY_CODES: Final = frozenset({5, 10, 12, 20, 30, 35, 255})  # the connection ended, or was never made


@dataclass(frozen=True, slots=True, kw_only=True)
class SshPlace:
    """A directory of a server and how it is entered."""

    host: str
    port: int
    user: str
    path: str
    key: Path
    known_hosts: Path


@dataclass(slots=True, kw_only=True)
class Rsync:
    """See ``ports.MirrorStore``. ``silence`` is after how many seconds a server counts as gone.

    Raises, when it is made:
        ConfigError: rsync or ssh is not there, others can read the key, or the path cannot be handed over.
    """

    name: str
    at: SshPlace
    place: str
    held: Held
    silence: int = 60
    pause: Callable[[float], Awaitable[None]] = anyio.sleep
    spent: Spent = field(default_factory=Spent)
    _syncs: bool = True  # the server's rsync brings files to its disk before it names them

    def __post_init__(self) -> None:
        command.needed("rsync", "rsync", f"mirror {self.name}")
        command.needed("ssh", "openssh-client", f"mirror {self.name}")
        names.secret(self.at.key, "the private key")
        names.readable(self.at.known_hosts, "the file of known hosts")
        if not _PLAIN.fullmatch(self.at.path) or self.at.path.startswith("-"):
            what = "a path for rsync has letters, digits and ./_-~@+, only"
            raise ConfigError(what, where=f"mirror {self.name}")

    async def read(self, name: str) -> bytes:
        names.checked(name, self.place)
        with tempfile.TemporaryDirectory(prefix="heliograph-") as folder:
            limit = f"--max-size={MOST_READ}"
            target = f"{folder}/file"
            ended = await self._again("--ignore-missing-args", limit, "--", self._far(name), target)
            self.spent += Spent(reads=1)
            if ended.code and _GONE not in ended.err:
                raise self._trouble(ended)
            return await anyio.to_thread.run_sync(_start_of, Path(target))

    async def listing(self) -> Mapping[str, str]:
        ended = await self._again("--list-only", "--no-h", "--recursive", "--", self._far(""))
        self.spent += Spent(lists=1)
        if ended.code and _GONE in ended.err:
            return {}  # the directory: the first delivery makes it
        if ended.code:
            raise self._trouble(ended)
        marks = _marks(ended.out.splitlines())
        if len(marks) > names.MOST_FILES:
            raise StoreError("there are too many files to be an edition's", where=self.place)
        return await anyio.to_thread.run_sync(self.held.digests, marks)

    def asks(self, steps: Sequence[Sequence[Change]]) -> Spent:
        there = [change for changes in steps for change in changes if not change.gone]
        ends = sum(change.gone for changes in steps for change in changes)
        return Spent(writes=len(there), deletes=ends, size=sum(change.size for change in there))

    async def apply(
        self, steps: Sequence[Sequence[Change]], read: Callable[[Change], bytes], done: Callable[[int], None]
    ) -> None:
        for changes in steps:
            for change in changes:
                names.checked(change.name, self.place)
            for part in _runs([change for change in changes if not change.gone]):
                await self._send(part, read, done)
            gone = [change.name for change in changes if change.gone]
            for start in range(0, len(gone), _FILES):
                await self._remove(gone[start : start + _FILES], done)

    async def _send(
        self, changes: Sequence[Change], read: Callable[[Change], bytes], done: Callable[[int], None]
    ) -> None:
        with tempfile.TemporaryDirectory(prefix="heliograph-") as folder:
            tree = Path(folder) / "tree"
            marks = await anyio.to_thread.run_sync(_laid, tree, changes, read)
            sizes = {change.name: change.size for change in changes}
            wanted, finished = set(sizes), set[str]()

            def heard(line: bytes) -> None:
                name = line.decode("ascii", "replace")
                if name in wanted and name not in finished:  # rsync names directories, too
                    finished.add(name)
                    done(1)

            files = self._list(folder, [change.name for change in changes])
            options = ("--times", "--perms", "--chmod=D755,F644", "--checksum", "--whole-file", "--out-format=%n")
            self.held.doubt(list(sizes))
            words = (*options, files, "--", f"{tree}/", self._far(""))
            ended = await self._again(*[_FSYNC] * self._syncs, *words, line=heard)
            if ended.code and self._syncs and _TOO_OLD in ended.err:  # before 3.2.4 there was no such option
                self._syncs = False
                ended = await self._again(*words, line=heard)
        self.spent += Spent(writes=len(finished), size=sum(sizes[name] for name in finished))
        if ended.code:
            raise await self._why(ended)
        self.held.note({change.name: (marks[change.name], {change.name: change.digest}) for change in changes})
        done(len(changes) - len(finished))  # what was there already

    async def _remove(self, gone: Sequence[str], done: Callable[[int], None]) -> None:
        """Remove these; their folders stay, because rsync could not tell before whether they are empty."""
        with tempfile.TemporaryDirectory(prefix="heliograph-") as folder:
            empty = Path(folder) / "tree"
            empty.mkdir()
            files = self._list(folder, gone)
            self.held.doubt(gone)
            options = ("--no-implied-dirs", "--delete-missing-args")
            ended = await self._again(*options, files, "--", f"{empty}/", self._far(""))
        if ended.code not in (0, _VANISHED) and _GONE not in ended.err:
            raise self._trouble(ended)
        self.spent += Spent(deletes=1)
        self.held.note({}, gone)
        done(len(gone))

    def _list(self, folder: str, wanted: Sequence[str]) -> str:
        """The option that names what is meant."""
        path = Path(folder) / "names"
        path.write_text("\n".join(wanted) + "\n", encoding="ascii")
        return f"--files-from={path}"

    def _far(self, name: str) -> str:
        return f"{self.at.user}@{self.at.host}:{self.at.path.rstrip('/') or '/'}/{name}"

    async def _again(self, *words: str, line: Callable[[bytes], None] | None = None) -> Ended:
        """Run rsync to an end that is not the network's fault, or to the last try."""

        async def once() -> Ended:
            ended = await self._run(words, line)
            if ended.code and isinstance(trouble := self._trouble(ended), BusyError):
                raise trouble
            return ended

        return await again(once, self.pause)

    async def _run(self, words: Sequence[str], line: Callable[[bytes], None] | None) -> Ended:
        shell = ssh.command(self.at.key, self.at.known_hosts, port=self.at.port, silence=self.silence)
        common = ["rsync", f"--timeout={self.silence}", "--outbuf=L", f"--rsh={' '.join(map(_quoted, shell))}"]
        return await command.run([*common, *words], {"HOME": "/nonexistent"}, line=line)

    async def _why(self, ended: Ended) -> StoreError:
        """What went wrong with writing. The words of the server are often lost, because the connection ends with them;
        so what can be seen from here is looked at."""
        if ended.code == _NOT_WRITTEN and self._named(ended) is None:
            above = f"{self.at.user}@{self.at.host}:{PurePosixPath(self.at.path).parent}/"
            looked = await self._again("--list-only", "--", above)
            if looked.code and _GONE in looked.err:
                return StoreError(_NO_PARENT, where=self.place, remedy=_MAKE_IT)
        return self._trouble(ended)

    def _named(self, ended: Ended) -> StoreError | None:
        """What the server's words say, where they are known."""
        found = ((what, remedy) for sign, what, remedy in _REMEDIES if sign in ended.err)
        return next((StoreError(what, where=self.place, remedy=remedy) for what, remedy in found), None)

    def _trouble(self, ended: Ended) -> StoreError:
        """What went wrong, and what mends it."""
        if (told := ssh.trouble(ended, self.place, self.at.known_hosts)) is not None:
            return told
        if (told := self._named(ended)) is not None:
            return told
        if ended.code == 127:  # a shell found no such program
            return StoreError("rsync is not installed there", where=self.place, remedy=_REMEDIES[2][2])
        if ended.code == _NOT_WRITTEN:  # its reason is often lost, see _why
            return StoreError("it cannot be written: the disk there may be full", where=self.place, remedy=ssh.FULL)
        kind = BusyError if ended.code in _BUSY_CODES or ended.code < 0 else StoreError
        return kind(f"rsync failed: {ended.last_words}", where=self.place)


def _start_of(path: Path) -> bytes:
    return path.read_bytes()[:MOST_READ] if path.is_file() and not path.is_symlink() else b""


def _runs(changes: Sequence[Change]) -> Iterator[Sequence[Change]]:
    """``changes`` in runs, in the order that a delivery needs; see rule 2."""
    turns = sorted({paths.turn(change.name) for change in changes})
    for group in ([change for change in changes if paths.turn(change.name) == turn] for turn in turns):
        part: list[Change] = []
        size = 0
        for change in group:
            part.append(change)
            size += change.size
            if len(part) >= _FILES or size >= _SIZE:
                yield part
                part, size = [], 0
        if part:
            yield part


def _laid(tree: Path, changes: Sequence[Change], read: Callable[[Change], bytes]) -> dict[str, str]:
    """Write the files of ``changes`` below ``tree``; the mark of each as the server will show it."""
    marks = {}
    for change in changes:
        path = tree / change.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(read(change))
        facts = path.stat()
        os.utime(path, (int(facts.st_mtime), int(facts.st_mtime)))  # a server may keep whole seconds only
        marks[change.name] = _mark(facts.st_size, int(facts.st_mtime))
    return marks


def _mark(size: int, seconds: int) -> str:
    return f"{size}-{datetime.fromtimestamp(seconds, UTC):%Y/%m/%d %H:%M:%S}"


def _marks(lines: Sequence[bytes]) -> dict[str, str]:
    """What a listing tells of the files of an edition; other lines are left out."""
    found = {}
    for line in lines:
        match = _LISTED.fullmatch(line)
        name = match[3].decode("ascii", "replace") if match else ""
        if match and names.is_name(name):
            found[name] = f"{int(match[1].translate(None, b',.'))}-{match[2].decode()}"
    return found


def _quoted(word: str) -> str:
    """``word`` as rsync takes it in the command of a remote shell."""
    return "'" + word.replace("'", "''") + "'"
