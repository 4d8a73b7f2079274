"""A directory of this machine: the stage where rendered files wait, and the simplest mirror.

Rule 1: a file is written beside the tree under a temporary name and renamed into place, so that whoever reads meets the
old or the new bytes, never a part. Rule 2: a step of a delivery begins only when the disk has taken the one before it.
Rule 3: names are checked against the folder; nothing is ever written or removed outside of it.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio.to_thread

from heliograph.model import StoreError
from heliograph.model.ledger import Change, Laid
from heliograph.model.mirror import Spent

_MOST_READ = 1_000_000  # bytes of a mirror's file that are looked at
_STEP = 64  # files between two reports of progress
_REMEDY = {
    errno.ENOSPC: "the disk is full: make room, then run it again; what was written stays whole",
    errno.EDQUOT: "the quota is used up: make room, then run it again; what was written stays whole",
    errno.EACCES: "give the user that runs heliograph the right to write there",
    errno.EROFS: "the file system is read-only: mount it for writing",
    errno.ENOTDIR: "a file is in the way: move it, or choose another directory",
}


class Folder:
    """See ``ports.Stage`` and ``ports.MirrorStore``."""

    def __init__(self, root: Path, name: str = "stage") -> None:
        self.root, self.name, self.place = root, name, str(root)
        self.spent = Spent()  # nothing: it is this machine's own
        self._made: set[str] = set()
        self._temporary: Path | None = None

    def put(self, files: Sequence[tuple[str, bytes]]) -> None:
        for name, data in files:
            self._write(name, data)

    def get(self, name: str) -> bytes:
        try:
            return self._path(name).read_bytes()
        except OSError as err:
            raise self._error(err, name) from err

    def copy(self, pairs: Sequence[tuple[str, str]]) -> tuple[Laid, ...]:
        laid = []
        for name, other in pairs:
            try:
                data = self._path(name).read_bytes()
            except FileNotFoundError:
                continue
            except OSError as err:
                raise self._error(err, name) from err
            self._write(other, data)
            laid.append(Laid(name=other, digest=hashlib.sha256(data).hexdigest(), size=len(data)))
        return tuple(laid)

    def remove(self, names: Sequence[str]) -> None:
        for name in names:
            self._unlink(name)

    async def read(self, name: str) -> bytes:
        def start() -> bytes:
            with self._path(name).open("rb") as file:
                return file.read(_MOST_READ)

        try:
            return await anyio.to_thread.run_sync(start)
        except FileNotFoundError:
            return b""
        except OSError as err:
            raise self._error(err, name) from err

    async def listing(self) -> Mapping[str, str]:
        return await anyio.to_thread.run_sync(self._digests)

    def asks(self, steps: Sequence[Sequence[Change]]) -> Spent:
        return Spent()

    async def apply(
        self, steps: Sequence[Sequence[Change]], read: Callable[[Change], bytes], done: Callable[[int], None]
    ) -> None:
        for place, changes in enumerate(steps):
            if place:
                await anyio.to_thread.run_sync(os.sync)  # one flush for all files costs less than one per file
            for start in range(0, len(changes), _STEP):
                part = changes[start : start + _STEP]
                await anyio.to_thread.run_sync(self._apply_part, part, read)
                done(len(part))

    def _apply_part(self, part: Sequence[Change], read: Callable[[Change], bytes]) -> None:
        for change in part:
            if change.gone:
                self._unlink(change.name)
            else:
                self._write(change.name, read(change))

    def _path(self, name: str) -> Path:
        # names come from our own journal, but a damaged journal must not write outside the folder
        if name.startswith(("/", ".")) or "/." in name or "\\" in name or "\0" in name or not name:
            raise StoreError(f"not a name of an edition: {name!r:.80}", where=f"mirror {self.name}")
        return self.root / name

    def _write(self, name: str, data: bytes) -> None:
        path = self._path(name)
        try:
            folder = os.path.dirname(path)  # noqa: PTH120 - the hot path: three pathlib calls cost more than the write
            if folder not in self._made:
                os.makedirs(folder, exist_ok=True)  # noqa: PTH103
                self._made.add(folder)
            temporary = f"{self._scratch()}/{os.getpid()}.{abs(hash(name)):x}"
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[os.write(descriptor, rest) :]
            finally:
                os.close(descriptor)
            os.rename(temporary, path)  # noqa: PTH104
        except OSError as err:
            raise self._error(err, name) from err

    def _unlink(self, name: str) -> None:
        path = self._path(name)
        try:
            path.unlink(missing_ok=True)
            for parent in path.parents:
                if parent == self.root:
                    break
                parent.rmdir()  # only if empty
                self._made.discard(str(parent))
        except OSError as err:
            if err.errno not in {errno.ENOTEMPTY, errno.ENOENT, errno.EEXIST}:
                raise self._error(err, name) from err

    def _scratch(self) -> str:
        """The folder of temporary names: beside the tree, or inside it where that is another file system."""
        if self._temporary is None:
            self.root.mkdir(parents=True, exist_ok=True)
            beside = self.root.with_name(f".{self.root.name}.part")
            try:
                beside.mkdir(exist_ok=True)
                other = beside.stat().st_dev != self.root.stat().st_dev
            except PermissionError:
                other = True
            if other:
                beside = self.root / ".part"
                beside.mkdir(exist_ok=True)
            for left in beside.iterdir():
                if not _running(left.name.partition(".")[0]):  # of a run that was killed
                    left.unlink(missing_ok=True)
            self._temporary = beside
        return str(self._temporary)

    def _digests(self) -> dict[str, str]:
        def walk(folder: str, prefix: str) -> Iterator[tuple[str, str]]:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name.startswith(".") or entry.is_symlink():
                        continue
                    if entry.is_dir():
                        yield from walk(entry.path, f"{prefix}{entry.name}/")
                    elif entry.is_file():
                        yield f"{prefix}{entry.name}", entry.path

        def digest(item: tuple[str, str]) -> tuple[str, str]:
            name, path = item
            return name, hashlib.sha256(Path(path).read_bytes()).hexdigest()

        if not self.root.is_dir():
            return {}
        try:
            with ThreadPoolExecutor(2) as threads:
                return dict(threads.map(digest, walk(str(self.root), "")))
        except OSError as err:
            raise self._error(err, str(err.filename or "")) from err

    def _error(self, err: OSError, name: str) -> StoreError:
        remedy = _REMEDY.get(err.errno or 0, "")
        return StoreError(f"{err.strerror or err} ({name})", where=f"mirror {self.name}, {self.root}", remedy=remedy)


def _running(pid: str) -> bool:
    """Whether a process of this number is there, so that its temporary file is not taken away under it."""
    return pid.isdigit() and Path(f"/proc/{pid}").exists()
