"""Tokens that expire: until when one is good, and a new one in its place.

Rule 1: a new token is whole on the disk before it takes the place of the old one, and its file stays its owner's alone.
Rule 2: what is noted about a token counts for that token only: one that a person put there later is as old as its file.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Final

from heliograph.adapters.channels.fates import mapping, number
from heliograph.adapters.channels.secret import secret
from heliograph.model import ConfigError

LONG: Final = timedelta(days=60)  # a long-lived token of Instagram
_MOST: Final = 1_000  # bytes of a note


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """Since when a token is there, and until when it is good."""

    given: datetime
    expires: datetime

    def due(self, now: datetime) -> bool:
        """Whether to ask for a new one: it is a day old, good still, and not for two weeks more."""
        return self.given + timedelta(hours=24) <= now < self.expires <= now + timedelta(days=14)


def life(path: Path) -> Life:
    """What is known of the token in ``path``.

    Raises:
        ConfigError: it cannot be used.
    """
    token = secret(path)
    try:
        with _note(path).open("rb") as file:
            noted = mapping(json.loads(file.read(_MOST)))
        if noted.get("of") == _mark(token):
            given, expires = number(noted.get("given")), number(noted.get("expires"))
            return Life(given=datetime.fromtimestamp(given, UTC), expires=datetime.fromtimestamp(expires, UTC))
    except (OSError, ValueError, OverflowError, RecursionError):
        pass  # there is none, or somebody wrote into it: the file's own time says enough
    try:
        given_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except (OSError, ValueError, OverflowError) as error:
        raise ConfigError("it has no time", where=str(path), remedy="put the token there anew") from error
    return Life(given=given_at, expires=given_at + LONG)


def renew(path: Path, token: str, now: datetime, seconds: int) -> None:
    """Put ``token`` in place of the one in ``path``; it is good for ``seconds``.

    Raises:
        ConfigError: it cannot be written; the old one stays.
    """
    noted = {"of": _mark(token), "given": int(now.timestamp()), "expires": int(now.timestamp()) + seconds}
    try:
        # the note first: until its token is there, it is about none
        _replace(_note(path), json.dumps(noted))
        _replace(path, f"{token}\n")
    except OSError as error:
        remedy = "give the user that runs heliograph the right to write that folder"
        what = f"a new token cannot be saved: {error.strerror}"
        raise ConfigError(what, where=str(path), remedy=remedy) from error


def _note(path: Path) -> Path:
    return path.with_name(f"{path.name}.life")


def _mark(token: str) -> str:
    return sha256(token.encode()).hexdigest()[:16]


def _replace(path: Path, text: str) -> None:
    path = path.resolve()  # where it is a link, what it names is replaced
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # its owner's alone
    scratch = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except BaseException:
        with suppress(OSError):
            scratch.unlink()
        raise
