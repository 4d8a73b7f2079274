"""Keys that cannot be copied: tokens, and other places that sign by themselves and are named by an address (URI).

The addresses are those of securesystemslib: ``hsm:`` is any PKCS#11 token, ``file2:`` a PEM file, others are services
for keys. Rule 1: what they need beyond securesystemslib is optional, and its absence an error that names it. Rule 2: a
secret is asked for once and never tried twice, since a token locks itself after a few wrong ones. Rule 3: a signature
is checked before it is given out.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from securesystemslib.exceptions import Error, UnsupportedLibraryError
from securesystemslib.signer import SIGNER_FOR_URI_SCHEME, HSMSigner, Key, Signature, Signer, SSlibKey

from heliograph.model import KeyFileError

Secret = Callable[[str], str]  # from what is asked for, such as "pin", to the answer
MODULE: Final = "PYKCS11LIB"  # the environment variable that securesystemslib reads
_INSTALL_HSM: Final = "install it: pip install 'heliograph[hsm]'"
_NO_MODULE: Final = (
    f"set {MODULE} to the library that came with the token, such as /usr/lib/x86_64-linux-gnu/opensc-pkcs11.so"
)
_SIGNS: Final = (
    "name the key as hsm:NUMBER?label=TOKEN; the number is its CKA_ID, 2 for the signature slot of a PIV card"
)
_PINS: Final = {
    "PinIncorrect": ("the PIN is wrong", "try again, but not often: a token locks itself after a few wrong PINs"),
    "PinInvalid": ("that is no PIN of the token", "try again, but not often: a token locks itself"),
    "PinLenRange": ("the PIN is too short or too long", "try again, but not often: a token locks itself"),
    "PinLocked": ("the PIN is locked", "unlock it with the tools that came with the token, or use another holder's"),
    "PinExpired": ("the PIN has expired", "set a new one with the tools that came with the token"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A key that signs where it lies. ``uri`` names it again, now with the token's label where it has one."""

    uri: str
    signer: Signer

    @property
    def public(self) -> Key:
        """Its public half."""
        return self.signer.public_key


class _Guarded(Signer):
    """A signer whose failures are told in our words, and whose signatures are tried before they are given out."""

    def __init__(self, inner: Signer, uri: str) -> None:
        self._inner, self._uri = inner, uri

    @property
    def public_key(self) -> Key:
        return self._inner.public_key

    @classmethod
    def from_priv_key_uri(cls, priv_key_uri: str, public_key: Key, secrets_handler: Secret | None = None) -> Signer:
        raise NotImplementedError

    def sign(self, payload: bytes) -> Signature:
        try:
            signature = self._inner.sign(payload)
            # a worn or a false token must show here, not on the readers' side
            self.public_key.verify_signature(signature, payload)
        except (ValueError, TypeError, OSError, RuntimeError, Error) as error:
            raise _told(error, self._uri) from error
        return signature


def connect(uri: str, secret: Secret, public: Key | None = None) -> Token:
    """The key at ``uri``; ``public`` is its public half, which ``hsm:`` and ``file2:`` say themselves.

    ``secret`` is asked when the key signs, and before that only where the token hides even its public key.

    Raises:
        KeyFileError: it cannot be reached, is of a kind that the release format does not know, a library is missing, or
            ``public`` is needed.
    """
    secret = _once(secret)
    try:
        scheme = urlsplit(uri).scheme
        if scheme not in SIGNER_FOR_URI_SCHEME:
            known = ", ".join(f"{name}:" for name in sorted(SIGNER_FOR_URI_SCHEME))
            raise KeyFileError("no address of a key", where=uri, remedy=f"it begins with one of {known}")
        if scheme == HSMSigner.SCHEME:
            uri, own = _hsm(uri, secret)
        elif scheme == "file2":
            own = _pem(uri)
        elif public is None:
            remedy = "give the file with its public key: --public FILE"
            raise KeyFileError("the public half of this key is not known", where=uri, remedy=remedy)
        else:
            own = public
        return Token(uri=uri, signer=_Guarded(Signer.from_priv_key_uri(uri, own, secret), uri))
    except (ValueError, TypeError, OSError, RuntimeError, Error, UnsupportedAlgorithm) as error:
        raise _told(error, uri) from error


def _hsm(uri: str, secret: Secret) -> tuple[str, Key]:
    """The address with the token's label, and the public key that the token shows."""
    parts = urlsplit(uri)
    if not parts.path.isdigit() and parts.path:
        raise KeyFileError(f"{parts.path!r} is no number of a key", where=uri, remedy=_SIGNS)
    label = dict(parse_qsl(parts.query)).get("label")
    found: tuple[str, Key] = HSMSigner.import_(int(parts.path) if parts.path else None, label, secret)
    return found


def _pem(uri: str) -> Key:
    """The public half of the key in a PEM file, of which the signer reads only the private one."""
    path = Path(os.environ.get("CRYPTO_SIGNER_PATH_PREFIX", ""), urlsplit(uri).path)
    public = load_pem_private_key(path.read_bytes(), None).public_key()
    if not isinstance(public, Ed25519PublicKey | EllipticCurvePublicKey):
        raise KeyFileError("it is neither an Ed25519 nor a P-256 key", where=uri, remedy="make one of these kinds")
    return SSlibKey.from_crypto(public)


def _once(secret: Secret) -> Secret:
    """``secret``, asked once for each thing it is asked."""
    known: dict[str, str] = {}

    def ask(what: str) -> str:
        if what not in known:
            known[what] = secret(what)
        return known[what]

    return ask


def _told(error: Exception, uri: str) -> KeyFileError:
    """What went wrong at the address ``uri``, and the remedy."""
    kind = type(error).__name__  # PKCS#11 errors mostly say no more, and their module need not be there
    if isinstance(error, UnsupportedLibraryError):
        mend = _INSTALL_HSM if uri.startswith("hsm:") else "install it beside heliograph"
        return KeyFileError(f"a library for this kind of key is missing ({error})", where=uri, remedy=mend)
    if kind in _PINS:
        what, mend = _PINS[kind]
        return KeyFileError(what, where=uri, remedy=mend)
    if MODULE in str(error):
        return KeyFileError("the library of the token is not known", where=uri, remedy=_NO_MODULE)
    if "while loading" in str(error) or kind == "GeneralError":
        what = f"the library of the token, {os.environ.get(MODULE, '')}, cannot be used ({error or kind})"
        return KeyFileError(what, where=uri, remedy=_NO_MODULE)
    remedy = _SIGNS if uri.startswith("hsm:") else "see that the key is there and of the kind Ed25519 or P-256"
    return KeyFileError(f"the key cannot be used: {error or kind}", where=uri, remedy=remedy)
