"""The one use of HMAC of emulated channels: what a client has to prove, and what it is proved by."""

from __future__ import annotations

import hashlib
import hmac


def mac(secret: str, data: bytes) -> str:
    """HMAC-SHA256 of ``data`` in hex."""
    return hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()


def same(one: str, other: str) -> bool:
    """Whether two proofs are the same, in a time that tells nothing."""
    return hmac.compare_digest(one.encode(errors="replace"), other.encode(errors="replace"))
