"""Debian's ``ssh`` as rsync and git use it: one key, one list of host keys, no question asked; and what its words mean.

Rule 1: a server whose host key is not the one that was noted is never spoken to. Rule 2: nothing of the user's own
configuration of ssh has a say where a key is named.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from heliograph.adapters.hosts.command import Ended
from heliograph.adapters.hosts.objects import BusyError
from heliograph.model import StoreError

OTHER_KEY: Final = "the server shows another host key than the one that was noted: nothing was sent"
_OTHER_KEY_REMEDY = (
    "ask whoever runs the server whether its key was changed; only if it was, write the new one (ssh-keyscan) to {}"
)
_UNKNOWN_KEY = "the server's host key is not in the file of known hosts"
_UNKNOWN_KEY_REMEDY = "write the line that ssh-keyscan shows for it to {}, once you have compared it with the server's"
_NO_LOGIN = "the server does not let us in with this key"
NO_LOGIN_REMEDY: Final = "add the public key to ~/.ssh/authorized_keys of that user, there"
FULL: Final = "make room there, then publish again: what was written stays whole"


def command(key: Path | None, known_hosts: Path | None, *, port: int = 0, silence: int = 30) -> list[str]:
    """The words that start ssh; ``silence`` is after how many seconds without a sign of life it gives up."""
    options = ["BatchMode=yes", "StrictHostKeyChecking=yes", "UpdateHostKeys=no", "ClearAllForwardings=yes"]
    options += [f"ConnectTimeout={silence}", f"ServerAliveInterval={max(1, silence // 3)}", "ServerAliveCountMax=3"]
    options += ["LogLevel=ERROR"]
    if known_hosts is not None:
        options += [f"UserKnownHostsFile={_path(known_hosts)}", "GlobalKnownHostsFile=/dev/null"]
    if key is not None:
        options += [f"IdentityFile={_path(key)}", "IdentitiesOnly=yes", "IdentityAgent=none"]
        options += ["PreferredAuthentications=publickey"]
    words = ["ssh", *(["-F", "none"] if key is not None else []), *(["-p", str(port)] if port else [])]
    return words + [word for option in options for word in ("-o", option)]


def _path(path: Path) -> str:
    """``path`` as a value of an option, where spaces part and a percent sign begins a token."""
    return '"' + str(path.absolute()).replace("%", "%%") + '"'


def trouble(ended: Ended, where: str, known_hosts: Path | None) -> StoreError | None:
    """What went wrong between ssh and the server, told from ssh's words; None if it was something else."""
    words, file = ended.err, known_hosts or "~/.ssh/known_hosts"
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in words or "differs from the key for the IP" in words:
        return StoreError(OTHER_KEY, where=where, remedy=_OTHER_KEY_REMEDY.format(file))
    if "Host key verification failed" in words:
        return StoreError(_UNKNOWN_KEY, where=where, remedy=_UNKNOWN_KEY_REMEDY.format(file))
    if "Permission denied (" in words and "Permission denied (13)" not in words:
        return StoreError(_NO_LOGIN, where=where, remedy=NO_LOGIN_REMEDY)
    if _any(words, ("Load key", "invalid format")):
        return StoreError("the private key cannot be used", where=where, remedy="it must have no passphrase")
    if _any(words, _AWAY):
        return BusyError(f"the server cannot be reached: {ended.last_words}", where=where)
    return None


_AWAY: Sequence[str] = (
    "Connection refused",
    "Connection timed out",
    "Connection closed",
    "Connection reset",
    "Could not resolve hostname",
    "Name or service not known",
    "No route to host",
    "Network is unreachable",
    "not responding",
    "kex_exchange_identification",
    "closed by remote host",
)


def _any(words: str, signs: Sequence[str]) -> bool:
    return any(sign in words for sign in signs)


def other_key(where: str, known_hosts: Path, *, known: bool) -> StoreError:
    """The error for a server whose host key is not in ``known_hosts``; ``known`` if another one of it is."""
    if known:
        return StoreError(OTHER_KEY, where=where, remedy=_OTHER_KEY_REMEDY.format(known_hosts))
    return StoreError(_UNKNOWN_KEY, where=where, remedy=_UNKNOWN_KEY_REMEDY.format(known_hosts))


def no_login(where: str) -> StoreError:
    """The error for a key that the server does not take."""
    return StoreError(_NO_LOGIN, where=where, remedy=NO_LOGIN_REMEDY)
