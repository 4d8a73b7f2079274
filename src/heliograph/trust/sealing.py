"""Bytes that only one key opens: HPKE (RFC 9180), mode base, single shot.

DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305; what goes out is the 32 bytes of a key made for this one
message, then the ciphertext with its tag of 16. Rule 1: ``info`` says what the bytes are, so that what was sealed for
one purpose opens for no other. Rule 2: the key of a message is drawn by the library, which alone can forget it at once;
so sealing is the one act of this package that does not repeat. Format: docs/drop.md.
"""

from __future__ import annotations

from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

KEY: Final = 32  # bytes of a key, secret or public
OVERHEAD: Final = 48  # bytes that sealing adds


def seal(data: bytes, public: bytes, info: bytes) -> bytes:
    """``data`` for whoever has the secret half of ``public``.

    Raises:
        ValueError: ``public`` is no key.
    """
    return _suite().encrypt(data, X25519PublicKey.from_public_bytes(public), info)


def opened(data: bytes, secret: bytes, info: bytes) -> bytes | None:
    """What was sealed; None where it was for another key or purpose, or was changed."""
    try:
        return _suite().decrypt(data, X25519PrivateKey.from_private_bytes(secret), info)
    except (InvalidTag, ValueError):
        return None


def public_of(secret: bytes) -> bytes:
    """The public half of a secret."""
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def shared(secret: bytes, public: bytes) -> bytes:
    """The 32 bytes that two keys have in common, the same from either side; to be hashed before use.

    Raises:
        ValueError: ``public`` is no key, or one that gives everybody the same.
    """
    return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))


def _suite() -> Suite:
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
