"""DKIM: the newsroom's signature on its mail, by which servers on the way tell it from forgeries (RFC 6376).

Rule 1: the key is read at each mail, so that a new one counts at once; a file that others can read is refused.
Rule 2: signed are also headers that are not there, so that nobody adds one of these names.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

import dkim

from heliograph.model import ConfigError

_MOST: Final = 20_000  # bytes of a key
_OTHERS: Final = 0o077
_SIGNED: Final = (
    b"from", b"to", b"subject", b"date", b"message-id", b"in-reply-to", b"references", b"mime-version",
    b"content-type", b"content-transfer-encoding", b"list-id", b"list-unsubscribe", b"list-unsubscribe-post",
    b"auto-submitted",
)  # fmt: skip
_SEALED: Final = (b"from", b"to", b"cc", b"subject", b"date", b"reply-to", b"message-id", b"list-unsubscribe")


def signed(mail: bytes, key: Path, selector: str, domain: str) -> bytes:
    """``mail`` with a signature above its headers.

    Raises:
        ConfigError: the file cannot be read, others can read it, or it is no RSA key in PEM.
    """
    remedy = f"make one: openssl genrsa -out {key} 2048"
    try:
        with key.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & _OTHERS:
                raise ConfigError("others can read this key", where=str(key), remedy=f"chmod 600 {key}")
            pem = file.read(_MOST)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(key), remedy=remedy) from error
    present = {line.partition(b":")[0].lower() for line in mail.partition(b"\r\n\r\n")[0].split(b"\r\n")}
    headers = [name for name in _SIGNED if name in present] + list(_SEALED)
    try:
        header = dkim.sign(
            mail,
            selector.encode(),
            domain.encode(),
            pem,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=headers,
        )
    except (dkim.DKIMException, ValueError, IndexError, TypeError) as error:
        # not chained: the error might quote the key
        raise ConfigError(f"this is no RSA key in PEM: {type(error).__name__}", where=str(key), remedy=remedy) from None
    return bytes(header) + mail
