"""Secrets of channels: each a file with one line that its owner alone may read.

Rule 1: it is read when it is needed, so that a new one counts at once. Rule 2: no message holds it; it names the file.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

from heliograph.model import ConfigError

_MOST: Final = 10_000  # bytes: tokens have a few hundred
_OTHERS: Final = 0o077


def secret(path: Path) -> str:
    """The one line of ``path``.

    Raises:
        ConfigError: it cannot be read, others can read it, or it holds anything but one printable line.
    """
    remedy = "put the secret there, in one line"
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & _OTHERS:
                raise ConfigError("others can read this secret", where=str(path), remedy=f"chmod 600 {path}")
            data = file.read(_MOST + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path), remedy=remedy) from error
    text = data.decode("ascii", "replace").strip()
    if len(data) > _MOST or not text.isascii() or not text.isprintable() or not text:
        # not chained: an error of decoding might quote it
        raise ConfigError("this is not one line of text", where=str(path), remedy=remedy)
    return text
