"""Files that commands write for people."""

from __future__ import annotations

import os
from pathlib import Path

from heliograph.model import ConfigError


def write_whole(file: Path, data: bytes) -> None:
    """Write ``file`` whole or not at all.

    Raises:
        ConfigError: it cannot be written.
    """
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        draft.write_bytes(data)
        draft.replace(file)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(file)) from error
