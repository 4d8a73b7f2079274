"""Names and files that a place elsewhere is trusted with, looked at before they are used.

Rule 1: a name is that of a file of an edition, so that nothing outside of its folder is ever written or removed, and no
program takes it for an option. Rule 2: a secret that others of this machine can read is none.
"""

from __future__ import annotations

import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from heliograph.model import ConfigError, StoreError

DEPTH: Final = 16  # folders below one another; an edition has 12 at most
MOST_FILES: Final = 5_000_000  # of one place
_SEGMENT = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_NAME = re.compile(rf"{_SEGMENT}(?:/{_SEGMENT}){{0,{DEPTH - 1}}}")
_LONGEST = 300


def is_name(name: str) -> bool:
    """Whether a file of an edition could be called so: no hidden part, no way up, nothing a shell would read."""
    return len(name) <= _LONGEST and _NAME.fullmatch(name) is not None


def checked(name: str, where: str) -> str:
    """``name``, if it is one.

    Raises:
        StoreError: it is none.
    """
    if not is_name(name):
        raise StoreError(f"not a name of an edition: {name!r:.80}", where=where)
    return name


def folders(names: Iterable[str]) -> list[str]:
    """The folders of these names, the deepest first."""
    found = set()
    for name in names:
        while name := name.rpartition("/")[0]:
            found.add(name)
    return sorted(found, key=lambda folder: (-folder.count("/"), folder))


def secret(path: Path, what: str) -> Path:
    """``path``, if it is a file that its owner alone can read.

    Raises:
        ConfigError: it is not.
    """
    facts = readable(path, what).stat()
    if facts.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        remedy = f"run chmod 600 {path}; if others use this machine, make a new one and end the old"
        raise ConfigError(f"others can read {what}", where=str(path), remedy=remedy)
    return path


def readable(path: Path, what: str) -> Path:
    """``path``, if it is a file that can be read.

    Raises:
        ConfigError: it is not.
    """
    try:
        with path.open("rb"):
            return path
    except OSError as error:
        raise ConfigError(f"{what} cannot be read: {error.strerror or error}", where=str(path)) from error
