"""Onion addresses, version 3, as names (rend-spec-v3, section 6): 56 characters that are the service's public key."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Final
from urllib.parse import urlsplit

from heliograph.model.errors import ConfigError

_LABEL: Final = re.compile(r"[a-z2-7]{56}")
_PATH: Final = re.compile(r"(?:/[A-Za-z0-9._~-]+)*/?")  # nothing that a header or a configuration would misread


def is_onion(host: str) -> bool:
    """Whether ``host`` is a name that DNS must never be asked for (RFC 7686), well formed or not."""
    return host.rstrip(".").lower().rpartition(".")[2] == "onion"


def is_address(host: str) -> bool:
    """Whether ``host`` is a whole onion address; a typing slip shows, since it has a checksum."""
    label, _, rest = host.partition(".")
    if rest != "onion" or not _LABEL.fullmatch(label):
        return False
    raw = base64.b32decode(label.upper())
    key, check, version = raw[:32], raw[32:34], raw[34:]
    return version == b"\x03" and hashlib.sha3_256(b".onion checksum" + key + version).digest()[:2] == check


def onion_base(url: str, where: str) -> str:
    """``url`` of an onion mirror with its last slash, as the start of its pages' addresses.

    Raises:
        ConfigError: it is none.
    """
    remedy = "write it as http://<56 characters>.onion/, as heliograph serve --onion tells it"
    try:
        parts = urlsplit(url)
        host, plain = parts.hostname or "", not (parts.query or parts.fragment or parts.username or parts.port)
    except ValueError:
        host, plain = "", False
    if not plain or parts.scheme not in ("http", "https") or not _PATH.fullmatch(parts.path):
        raise ConfigError("it is no address of an onion mirror", where=f"{where} {url}", remedy=remedy)
    if not is_address(host):
        raise ConfigError("it is no onion address, or one with a typing slip", where=f"{where} {url}", remedy=remedy)
    return f"{parts.scheme}://{host}{parts.path.rstrip('/')}/"
