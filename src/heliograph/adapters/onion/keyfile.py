"""The file with an onion service's key: two lines, the key as tor writes it, and the address that follows from it.

Rule 1: it is made once, for its owner alone, and never replaced: who has the key has the address, and without it the
address is lost for ever. Rule 2: what others can read is not used.
"""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path
from typing import Final, NamedTuple

from heliograph.model.errors import ConfigError
from heliograph.model.onions import is_address

_KEY: Final = re.compile(r"ED25519-V3:[A-Za-z0-9+/]{86}==")
_MOST: Final = 1_024  # bytes
_OTHER = "name the file that heliograph serve --onion once made, or a new one"


class Kept(NamedTuple):
    """A key and its address, "" where the file has the key alone."""

    key: str
    address: str


def read(file: Path) -> Kept | None:
    """What is in ``file``; None if there is none yet.

    Raises:
        ConfigError: it cannot be used.
    """
    where = f"--onion {file}"
    try:
        with file.open("rb") as opened:
            found = os.fstat(opened.fileno())
            data = opened.read(_MOST + 1) if stat.S_ISREG(found.st_mode) else b""
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=where, remedy=_OTHER) from error
    lines = data.decode("latin-1").split()
    whole = 1 <= len(lines) <= 2 and _KEY.fullmatch(lines[0]) and all(is_address(line) for line in lines[1:])
    if not whole or len(data) > _MOST:
        raise ConfigError("it holds no key of an onion service", where=where, remedy=_OTHER)
    if stat.S_IMODE(found.st_mode) & 0o077:
        remedy = f"whoever read it can take the address over; if nobody did: chmod 600 {file}"
        raise ConfigError("others can read the key", where=where, remedy=remedy)
    return Kept(lines[0], lines[1] if lines[1:] else "")


def write(file: Path, kept: Kept) -> None:
    """Make ``file``; durable on return.

    Raises:
        ConfigError: there is one already, or it cannot be written.
    """
    where = f"--onion {file}"
    scratch = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(descriptor, f"{kept.key}\n{kept.address}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            os.link(scratch, file)  # unlike a rename, it fails where there is one already
        finally:
            scratch.unlink()
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except FileExistsError as error:
        raise ConfigError("another program made it just now", where=where, remedy="start again") from error
    except OSError as error:
        remedy = "name a file in a folder that can be written and is kept"
        raise ConfigError(f"cannot be written: {error.strerror}", where=where, remedy=remedy) from error
