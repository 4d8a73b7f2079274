"""A vantage and its newsroom: the token that a volunteer carries, the keys the newsroom keeps, the list between them.

Rule 1: a token holds the secret of one vantage and nothing of any other; the newsroom keeps the public half alone, so
whoever takes the newsroom's machine cannot speak as a vantage by what lies there in a file (he has the newsroom's own
key, though, and with that he can). Rule 2: a work list is signed by a key that signs nothing else, over words that no
other format has, so that no reader takes one for a release. Rule 3: a list is sealed to its vantage, and padded.
Format: docs/drop.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from heliograph.model import KeyFileError
from heliograph.model.lookout import WorkList, pack_list, unpack_list, web
from heliograph.trust import form
from heliograph.trust.refusal import RefusalError
from heliograph.trust.sealing import KEY, OVERHEAD, opened, public_of, seal

T = TypeVar("T")
TOKEN: Final = "heliograph-vantage/1"  # noqa: S105 - the name of a format
INBOX: Final = "heliograph-inbox/1"
ENTRY: Final = "heliograph-vantage-key/1"
MAX_FILE: Final = 4_096  # bytes of each of these
STEP: Final = 1_024  # bytes to which a list is padded
_SIGNATURE: Final = 64
_SIGNED: Final = b"heliograph/work/1 signed\n"
_INFO: Final = b"heliograph/work/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a volunteer carries. ``secret`` is the vantage's own key, the other keys are public halves."""

    name: str
    network: str
    country: str
    root: str  # fingerprint of the newsroom's first root, as people compare it
    inbox: bytes
    work: bytes
    secret: bytes
    drops: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """The newsroom's two keys for vantages: one opens reports, one signs work lists. Both are 32 secret bytes."""

    secret: bytes
    seed: bytes

    @property
    def public(self) -> bytes:
        """To which reports are sealed."""
        return public_of(self.secret)

    @property
    def work(self) -> bytes:
        """By which work lists are known."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()


def write_token(token: Token) -> bytes:
    """The text of a token, one line."""
    told: dict[str, Any] = {one.name: getattr(token, one.name) for one in fields(token)}
    told |= {name: told[name].hex() for name in ("inbox", "work", "secret")} | {"drops": list(token.drops)}
    return form.write({"format": TOKEN, **told})


def read_token(data: bytes, where: str) -> Token:
    """The token in the file ``where``.

    Raises:
        KeyFileError: it is none.
    """

    def make(told: dict[str, Any]) -> Token:
        return Token(
            name=_word(told["name"]),
            network=_word(told["network"]),
            country=_word(told["country"]),
            root=_word(told["root"]),
            inbox=_key(told["inbox"]),
            work=_key(told["work"]),
            secret=_key(told["secret"]),
            drops=tuple(web(url) for url in told["drops"]),
        )

    remedy = "ask the newsroom for another one: heliograph vantage new"
    return _read(data, TOKEN, where, make, "it is no whole token", remedy)


def write_inbox(inbox: Inbox) -> bytes:
    """The file of the newsroom's keys for vantages; whoever reads it can read reports."""
    return form.write({"format": INBOX, "secret": inbox.secret.hex(), "seed": inbox.seed.hex()}) + b"\n"


def read_inbox(data: bytes, where: str) -> Inbox:
    """The keys in the file ``where``.

    Raises:
        KeyFileError: they are not there.
    """
    remedy = "take it from a backup; without it no report can be opened"
    return _read(
        data, INBOX, where, lambda told: Inbox(secret=_key(told["secret"]), seed=_key(told["seed"])),
        "it holds no keys", remedy,
    )  # fmt: skip


def write_entry(secret: bytes) -> bytes:
    """What the newsroom keeps of a vantage: the public half of its key."""
    return form.write({"format": ENTRY, "key": public_of(secret).hex()}) + b"\n"


def read_entry(data: bytes, where: str) -> bytes:
    """The public key of a vantage in the file ``where``.

    Raises:
        KeyFileError: it is not there.
    """
    remedy = "take it from a backup, or give this vantage another token"
    return _read(data, ENTRY, where, lambda told: _key(told["key"]), "it holds no key", remedy)


def seal_list(work: WorkList, seed: bytes, vantage: bytes) -> bytes:
    """A work list, signed and sealed to the public key of its vantage; some kilobytes in steps of ``STEP``."""
    data = pack_list(work)
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(_SIGNED + data)
    plain = signature + len(data).to_bytes(2, "big") + data
    return seal(plain.ljust(-(-(len(plain) + OVERHEAD) // STEP) * STEP - OVERHEAD, b"\0"), vantage, _INFO)


def open_list(data: bytes, token: Token, now: datetime) -> WorkList:
    """The work list in ``data``, which is for this vantage, from this newsroom, and of ``now``.

    Raises:
        ValueError: one of these does not hold; says which.
    """
    plain = opened(data, token.secret, _INFO)
    if plain is None or len(plain) < _SIGNATURE + 2:
        raise ValueError("it is not sealed to this vantage")
    size = int.from_bytes(plain[_SIGNATURE : _SIGNATURE + 2], "big")
    signed = plain[_SIGNATURE + 2 : _SIGNATURE + 2 + size]
    try:
        Ed25519PublicKey.from_public_bytes(token.work).verify(plain[:_SIGNATURE], _SIGNED + signed)
    except InvalidSignature:
        raise ValueError("the newsroom did not sign it") from None
    work = unpack_list(signed)
    if (work.vantage, work.network) != (token.name, token.network):
        raise ValueError("it is for another vantage")
    if work.expires <= now:
        raise ValueError(f"it ended on {work.expires:%Y-%m-%d}")
    return work


def _read(data: bytes, kind: str, where: str, make: Callable[[dict[str, Any]], T], what: str, remedy: str) -> T:
    """What ``make`` makes of a file of this ``kind``; ``what`` is said where a part of it is missing or wrong.

    Raises:
        KeyFileError: it is not of this kind, or not whole.
    """
    try:
        told = form.parse(data.strip(), MAX_FILE)
    except RefusalError as refusal:
        raise KeyFileError("it is not what it should be", where=where, remedy=remedy) from refusal
    if not isinstance(told, dict) or told.pop("format", None) != kind:
        raise KeyFileError("it is not of this kind or version", where=where, remedy=remedy)
    try:
        return make(told)
    except (KeyError, TypeError, ValueError) as error:
        raise KeyFileError(what, where=where, remedy=remedy) from error


def _word(text: object) -> str:
    if not isinstance(text, str) or not 0 < len(text) <= 80:
        raise ValueError("not a word")
    return text


def _key(text: str) -> bytes:
    if len(text) != 2 * KEY:
        raise ValueError("not 64 hex digits")
    return bytes.fromhex(text)
