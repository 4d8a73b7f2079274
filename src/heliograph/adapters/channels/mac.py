"""The one use of HMAC that channels demand: to prove that who asks holds a secret, too."""

from __future__ import annotations

import hashlib
import hmac


def mac(secret: str, data: bytes) -> str:
    """HMAC-SHA256 of ``data`` in hex."""
    return hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()
