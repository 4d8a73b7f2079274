"""Signed notes, and the checkpoints of a log that are written as such: C2SP signed-note, tlog-checkpoint, -cosignature.

    <origin>              the log's name
    <entries>             how many there are
    <root, base64>
                          an empty line, then one line for each signature:
    — <name> <base64 of 4 bytes of the key's id and the signature>

Rule 1: a line by a key that nobody asked about counts for nothing and does no harm. Rule 2: the line of a key that was
asked about must be right. Rule 3: a witness counts once, by its key, whatever it is called. Every refusal has the code
``log``.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from heliograph.trust.edition_map import HASH
from heliograph.trust.log import MAX_SIZE
from heliograph.trust.refusal import RefusalError

MAX_CHECKPOINT: Final = 16_384  # bytes
ED25519, WITNESS = 1, 4  # kinds of keys: a log's own, and one that cosigns with a time
KEY: Final = 32  # bytes of a public key
_SIGNATURE = 64  # bytes
_TIME = 8  # bytes of the time in a cosignature
_DASH = "— "
_MOST = 100  # signatures that are looked at
_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")
_NAME = re.compile(r"[!-*,-~]{1,200}")  # printable ASCII without blank and plus
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verifier:
    """A public key under a name. ``kind`` other than the two above is a key that nobody here can check."""

    name: str
    key: bytes
    kind: int = ED25519

    @property
    def id(self) -> bytes:
        """Its four bytes in a signature's line."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.key).digest()[:4]

    @property
    def text(self) -> str:
        """How such keys are handed around: name, id in hex, kind and key in base64."""
        return f"{self.name}+{self.id.hex()}+{_encoded(bytes([self.kind]) + self.key)}"

    def accepts(self, text: bytes, signature: bytes) -> bool:
        """Whether ``signature`` is its own over ``text``."""
        if self.kind == WITNESS and len(signature) == _TIME + _SIGNATURE:
            time = int.from_bytes(signature[:_TIME], "big")
            text, signature = b"cosignature/v1\ntime %d\n%b" % (time, text), signature[_TIME:]
        elif self.kind != ED25519:
            return False
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


def verifier(text: str) -> Verifier:
    """The key that ``text`` hands around.

    Raises:
        ValueError: it is none.
    """
    name, _, rest = text.partition("+")
    identity, _, coded = rest.partition("+")
    data = _decoded(coded)
    if not is_name(name) or not data or (data[0] in (ED25519, WITNESS) and len(data) != 1 + KEY):
        raise ValueError("no key of a signed note")
    found = Verifier(name=name, key=data[1:], kind=data[0])
    if found.id.hex() != identity:
        raise ValueError("the id of a key is not its own")
    return found


def is_name(text: str) -> bool:
    """Whether a log or a key may be called ``text``."""
    return _NAME.fullmatch(text) is not None


def signed(text: bytes, name: str, seed: bytes) -> bytes:
    """The note with ``text``, which ends in LF, signed by the Ed25519 key of ``seed`` under ``name``."""
    private = Ed25519PrivateKey.from_private_bytes(seed)
    who = Verifier(name=name, key=private.public_key().public_bytes_raw())
    return text + b"\n" + f"{_DASH}{name} {_encoded(who.id + private.sign(text))}\n".encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A note that nobody has checked: its text, and the lines under it as name, key id, signature."""

    text: bytes
    lines: tuple[tuple[str, bytes, bytes], ...]

    def is_by(self, who: Verifier) -> bool:
        """Whether ``who`` has signed it.

        Raises:
            RefusalError: a line says so, and it is false.
        """
        found = [signature for name, key, signature in self.lines if (name, key) == (who.name, who.id)]
        if found and not all(who.accepts(self.text, signature) for signature in found):
            raise RefusalError("log", f"a signature of {who.name} is false")
        return bool(found)


def opened(data: bytes) -> Note:
    """The note in ``data``.

    Raises:
        RefusalError: it is none.
    """
    if len(data) > MAX_CHECKPOINT:
        raise RefusalError("log", f"a checkpoint of more than {MAX_CHECKPOINT:,} bytes")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        whole = ""
    text, parted, rest = whole.rpartition("\n\n")
    lines = rest.split("\n")
    if not parted or _CONTROL.search(whole) or lines.pop() or not 1 <= len(lines) <= _MOST:
        raise RefusalError("log", "a checkpoint is no signed note")
    return Note(text=f"{text}\n".encode(), lines=tuple(map(_line, lines)))


def _line(line: str) -> tuple[str, bytes, bytes]:
    name, _, coded = line.removeprefix(_DASH).partition(" ")
    data = _decoded(coded)
    if not line.startswith(_DASH) or not name or "+" in name or len(data) < 5:
        raise RefusalError("log", "a line under a checkpoint is no signature")
    return name, data[:4], data[4:]


# ---------------------------------------------------------------- checkpoints


@dataclass(frozen=True, slots=True, kw_only=True)
class LogPolicy:
    """Whose log it is: its name, its key, and how many of which witnesses must have cosigned each checkpoint."""

    origin: str
    key: bytes = field(repr=False)
    witnesses: tuple[Verifier, ...] = ()
    quorum: int = 0

    @property
    def verifier(self) -> Verifier:
        """The key under the log's name."""
        return Verifier(name=self.origin, key=self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A log at one size."""

    origin: str
    size: int
    root: bytes


def write_checkpoint(point: Checkpoint, seed: bytes) -> bytes:
    """The signed bytes of ``point``; the same each time."""
    return signed(f"{point.origin}\n{point.size}\n{_encoded(point.root)}\n".encode(), point.origin, seed)


def read_checkpoint(data: bytes, policy: LogPolicy) -> Checkpoint:
    """The checkpoint in ``data``, which the log of ``policy`` has signed, and enough of its witnesses.

    Raises:
        RefusalError: it is none.
    """
    note = opened(data)
    if not note.is_by(policy.verifier):
        raise RefusalError("log", "the key that the policy names has not signed the checkpoint")
    found = _checkpoint(note.text)
    if found.origin != policy.origin:
        raise RefusalError("log", f"it is a checkpoint of {found.origin}, not of {policy.origin}")
    by = {one.key for one in policy.witnesses if one.kind == WITNESS and note.is_by(one)}
    if len(by) < policy.quorum:
        raise RefusalError("log", f"{len(by)} of {policy.quorum} witnesses have signed the checkpoint")
    return found


def _checkpoint(text: bytes) -> Checkpoint:
    origin, size, coded, *more = text.decode().split("\n")[:-1] + [""] * 3
    root = _decoded(coded)
    if not origin or not _SIZE.fullmatch(size) or len(root) != HASH or "" in more[:-3] or int(size) > MAX_SIZE:
        raise RefusalError("log", "a checkpoint has not the lines of one")
    return Checkpoint(origin=origin, size=int(size), root=root)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decoded(text: str) -> bytes:
    """What ``text`` is the one base64 of, b"" for anything else."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return data if _encoded(data) == text else b""
