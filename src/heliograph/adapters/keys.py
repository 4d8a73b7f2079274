"""The folder of the newsroom's keys, and of the roots and targets it has signed. See ``ports.KeyFolder``."""

from __future__ import annotations

import os
from pathlib import Path

from heliograph.model import KeyFileError

_MAX = 1_000_000  # bytes of one file


class Keys:
    """See ``ports.KeyFolder``. The folder is made with the first file, closed to everybody else."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self) -> list[str]:
        if not self.root.is_dir():
            return []
        return sorted(path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file())

    def read(self, name: str) -> bytes:
        path = self.root / name
        try:
            with path.open("rb") as file:
                return file.read(_MAX)
        except OSError as error:
            remedy = "take it from a backup, or make a new one: heliograph keys recover"
            raise KeyFileError(f"cannot be read: {error.strerror}", where=str(path), remedy=remedy) from error

    def write(self, name: str, data: bytes) -> None:
        path = self.root / name
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            scratch = path.with_name(f".{path.name}.part")
            descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            try:
                os.write(descriptor, data)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            try:
                os.link(scratch, path)  # unlike a rename, it fails where there is one already
            finally:
                scratch.unlink()
        except FileExistsError as error:
            remedy = "keys are never overwritten: move the old file away first"
            raise KeyFileError("there is one already", where=str(path), remedy=remedy) from error
        except OSError as error:
            raise KeyFileError(f"cannot be written: {error.strerror}", where=str(path)) from error

    def remove(self, name: str) -> None:
        try:
            (self.root / name).unlink(missing_ok=True)
        except OSError as error:
            raise KeyFileError(f"cannot be removed: {error.strerror}", where=str(self.root / name)) from error
