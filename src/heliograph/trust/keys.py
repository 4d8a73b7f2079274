"""Keys: files that hold them, words that protect them, the fingerprint that people compare.

Release format, section "Keys". Rule 1: no key serves two roles. Rule 2: a root, recovery or targets key is never
written without a passphrase. Rule 3: randomness is an argument, so that tests and test keys repeat.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, Literal, get_args

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from securesystemslib.signer import CryptoSigner
from securesystemslib.signer import Key as Key

from heliograph.model import KeyFileError
from heliograph.trust import form, roles
from heliograph.trust.refusal import RefusalError

KeyRole = Literal["root", "recovery", "targets", "edition", "online", "log"]
OFFLINE: Final = frozenset({"root", "recovery", "targets"})
FORMAT: Final = "heliograph-key/1"
SEED, SALT, NONCE = 32, 16, 12  # bytes
LEAST_PASSPHRASE = 12  # characters
MAX_FILE = 4_096  # bytes
WORDS = 6  # of a generated passphrase, 16 bits each
_N, _R, _P = 131_072, 8, 1  # scrypt: 128 MB and a third of a second for each guess
_SCRYPT: Final = {"name": "scrypt", "n": _N, "r": _R, "p": _P}
_CONSONANTS, _VOWELS = "bdfghjklmnprstvz", "aiou"
_GROUPS = (5, 5, 5, 5, 6)  # characters of a fingerprint as people read it


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key and the role it was made for."""

    role: KeyRole
    seed: bytes

    @property
    def signer(self) -> CryptoSigner:
        """What signs with it."""
        return CryptoSigner(Ed25519PrivateKey.from_private_bytes(self.seed))

    @property
    def public(self) -> Key:
        """Its public half."""
        return self.signer.public_key

    @property
    def raw(self) -> bytes:
        """The 32 bytes of its public half, as signed notes name keys."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()

    @property
    def keyid(self) -> str:
        """Its id: SHA-256 of the canonical JSON of its public half."""
        return self.public.keyid


def lock(key: SigningKey, passphrase: str, randomness: bytes) -> bytes:
    """The file of ``key`` under ``passphrase``; ``randomness`` is ``SALT`` + ``NONCE`` fresh bytes.

    Raises:
        KeyFileError: the passphrase is too short.
    """
    check_passphrase(passphrase)
    salt, nonce = randomness[:SALT], randomness[SALT : SALT + NONCE]
    outer = {**_outer(key), "kdf": {**_SCRYPT, "salt": salt.hex()}, "nonce": nonce.hex()}
    data = ChaCha20Poly1305(_derived(passphrase, salt)).encrypt(nonce, key.seed, form.write(outer))
    return form.write({**outer, "data": data.hex()}) + b"\n"


def bare(key: SigningKey) -> bytes:
    """The file of a key that must sign without anybody near; whoever reads it has the key."""
    assert key.role not in OFFLINE
    return form.write({**_outer(key), "kdf": {"name": "none"}, "data": key.seed.hex()}) + b"\n"


def is_locked(data: bytes, where: str) -> bool:
    """Whether a key file asks for a passphrase.

    Raises:
        KeyFileError: it is no key file.
    """
    return bool(_opened(data, where)["kdf"] != {"name": "none"})


def unlock(data: bytes, passphrase: str, where: str) -> SigningKey:
    """The key in the file ``data``, whose name is ``where``.

    Raises:
        KeyFileError: it is no key file, was changed, or the passphrase is wrong.
    """
    value = _opened(data, where)
    outer = {name: part for name, part in value.items() if name != "data"}
    try:
        sealed = bytes.fromhex(value["data"])
        if value["kdf"] == {"name": "none"}:
            seed = sealed
        else:
            salt, nonce = bytes.fromhex(value["kdf"]["salt"]), bytes.fromhex(value["nonce"])
            seed = ChaCha20Poly1305(_derived(passphrase, salt)).decrypt(nonce, sealed, form.write(outer))
    except InvalidTag as error:
        remedy = "try again; if it is lost, the recovery key and its code do the same"
        raise KeyFileError("the passphrase is wrong, or the file was changed", where=where, remedy=remedy) from error
    except (ValueError, TypeError, KeyError) as error:
        raise KeyFileError("it is no whole key file", where=where, remedy="take it from a backup") from error
    if len(seed) != SEED:
        raise KeyFileError("it holds no key", where=where, remedy="take it from a backup")
    key = SigningKey(role=value["role"], seed=seed)
    if key.keyid != value.get("keyid"):
        raise KeyFileError("it holds another key than it says", where=where, remedy="take it from a backup")
    return key


def public_from(data: bytes) -> Key:
    """The public key in the JSON of one.

    Raises:
        ValueError: it is none of a scheme that this format knows.
    """
    try:
        value = json.loads(data)
        known = (value["keytype"], value["scheme"]) in roles.KNOWN
        if not known or not isinstance(value["keyval"]["public"], str) or len(value["keyval"]) > 1:
            raise ValueError("no public key")
        return Key.from_dict(roles.keyid_of(value), value)
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError("no public key") from error


def check_passphrase(passphrase: str) -> None:
    """Refuse one that is guessed too soon.

    Raises:
        KeyFileError: it has fewer than ``LEAST_PASSPHRASE`` characters.
    """
    if len(passphrase.strip()) < LEAST_PASSPHRASE:
        what = f"the passphrase has fewer than {LEAST_PASSPHRASE} characters"
        raise KeyFileError(what, remedy="take a longer one, or leave it out: six words are then made for you")


def words(entropy: bytes) -> str:
    """``entropy`` as sayable words of five letters, two bytes each, with hyphens between them."""
    return "-".join(_word(int.from_bytes(entropy[at : at + 2], "big")) for at in range(0, len(entropy), 2))


def fingerprint(first_root: bytes) -> str:
    """What people compare: 26 characters of base32 of the hash of ``tuf/1.root.json``, in five groups."""
    text = base64.b32encode(sha256(first_root).digest()).decode().lower()[:26]
    groups, at = [], 0
    for size in _GROUPS:
        groups.append(text[at : at + size])
        at += size
    return "-".join(groups)


def fingerprint_words(first_root: bytes) -> str:
    """The same as eight words to be said on the telephone: the first 128 bits of the hash."""
    return words(sha256(first_root).digest()[:16])


def _word(number: int) -> str:
    """16 bits as consonant, vowel, consonant, vowel, consonant: 4, 2, 4, 2 and 4 bits."""
    return (
        _CONSONANTS[number >> 12 & 15] + _VOWELS[number >> 10 & 3] + _CONSONANTS[number >> 6 & 15]
        + _VOWELS[number >> 4 & 3] + _CONSONANTS[number & 15]
    )  # fmt: skip


def _outer(key: SigningKey) -> dict[str, str]:
    return {"format": FORMAT, "role": key.role, "keyid": key.keyid}


def _derived(passphrase: str, salt: bytes) -> bytes:
    kdf = Scrypt(salt=salt, length=32, n=_N, r=_R, p=_P)
    return kdf.derive(passphrase.strip().encode("utf-8"))


def _opened(data: bytes, where: str) -> dict[str, Any]:
    remedy = "name a file that heliograph keys made, or take it from a backup"
    try:
        value = form.parse(data.rstrip(b"\n"), MAX_FILE)
    except RefusalError as refusal:
        raise KeyFileError("it is no key file", where=where, remedy=remedy) from refusal
    if not isinstance(value, dict) or value.get("format") != FORMAT or value.get("role") not in get_args(KeyRole):
        raise KeyFileError("it is no key file of this version", where=where, remedy=remedy)
    kdf = value.get("kdf")
    known = isinstance(kdf, dict) and (kdf == {"name": "none"} or {**kdf, "salt": ""} == {**_SCRYPT, "salt": ""})
    if not known or (kdf == {"name": "none"} and value["role"] in OFFLINE):
        raise KeyFileError("it is protected in a way that is not allowed", where=where, remedy=remedy)
    return value
