"""Marks on mail of ours, so that answers and bounces of it can be told from inventions without keeping anything.

A mark proves nothing to readers and signs no news. Its key is a secret of 32 bytes of the newsroom's own: who has it
can confirm subscriptions of others and erase them, and no more.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable

KEY = 32  # bytes
_BYTES = 12.5  # 100 bits: 20 characters of base32


def marker(key: bytes) -> Callable[[str], str]:
    """Makes marks: HMAC-SHA256 of a text, its first 100 bits as 20 small characters of base32.

    Raises:
        ValueError: the key has not 32 bytes.
    """
    if len(key) != KEY:
        raise ValueError(f"a key of marks has {KEY} bytes, not {len(key)}")

    def mark(text: str) -> str:
        digest = hmac.digest(key, text.encode("utf-8", "replace"), "sha256")
        return base64.b32encode(digest).decode()[: int(_BYTES * 8 / 5)].lower()

    return mark
