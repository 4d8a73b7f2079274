"""The signed files of a release: their limits, what each must hold, and who must have signed it.

Release format, sections "Form" and "Roles". ``read`` checks in the order the format demands: size, form, members and
types, key ids; ``verify`` counts signatures of distinct keys. Nothing here compares with what was seen before: that is
``chain``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, Final, Literal

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from tuf.api.metadata import Metadata, Root, Targets

from heliograph.trust import form
from heliograph.trust.head import MAX_HEAD, read_stamp
from heliograph.trust.refusal import RefusalError

Role = Literal["root", "timestamp", "snapshot", "targets", "edition"]
LIMITS: Final[dict[Role, int]] = {
    "root": 65_536,
    "timestamp": 4_096,
    "snapshot": 8_192,
    "targets": 65_536,
    "edition": 8_192,
}  # bytes
ROLES: Final[tuple[Role, ...]] = ("root", "timestamp", "snapshot", "targets", "edition")
SPEC: Final = "1.0.31"
HEAD_TARGET: Final = "edition/head"
CODE: Final = ("code/sw.js", "code/reader.html", "code/policy.json")
_TYPES: Final[dict[Role, str]] = {role: "targets" if role == "edition" else role for role in ROLES}
_TOP: Final = ("root", "timestamp", "snapshot", "targets")
_ECDSA_ROLES: Final = frozenset({"root", "targets"})
_ANY = re.compile(r"")
_HEX = re.compile(r"(?:[0-9a-f]{2})+\Z")
_HEX_64 = re.compile(r"[0-9a-f]{64}\Z")
_SPEC = re.compile(r"\d{1,4}\.\d{1,4}(?:\.\d{1,4})?\Z")
_ED25519, _P256 = ("ed25519", "ed25519"), ("ecdsa", "ecdsa-sha2-nistp256")
KNOWN: Final = (_ED25519, _P256)


RawKey = Callable[[dict[str, Any], str], bytes]  # from a key and a role to the key itself, b"" where it may not sign


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One signed file that has the form and the members of its role. Nobody has vouched for it yet."""

    role: Role
    data: bytes
    version: int
    expires: datetime
    signed: dict[str, Any]
    metadata: Metadata[Any]

    @property
    def payload(self) -> bytes:
        """What the signatures are over."""
        return form.canonical(self.signed)


def read(role: Role, data: bytes) -> File:
    """The file of ``role`` in ``data``.

    Raises:
        RefusalError: ``too-long``, ``json``, ``field``, ``format`` or ``keyid``.
    """
    value = form.parse(data, LIMITS[role])
    outer = _object(value, "not just signatures and signed", ("signatures", "signed"))
    signed = _object(outer["signed"], "signed is no object")
    _check_signatures(outer["signatures"])
    _need(signed.get("_type") == _TYPES[role], f"it is not of the role {role}")
    _check_common(signed)
    _CHECKS[role](signed)
    for keyid, key in _keys_in(role, signed).items():
        if keyid_of(key) != keyid:
            raise RefusalError("keyid", f"{role}: key {keyid[:12]}")
    try:
        metadata: Metadata[Any] = Metadata.from_dict(_without_unknown_keys(role, data))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RefusalError("field", f"{role}: {str(error)[:120]}") from error
    expires = read_stamp(signed["expires"])
    assert expires is not None
    return File(role=role, data=data, version=signed["version"], expires=expires, signed=signed, metadata=metadata)


def verify(file: File, delegator: File, raw: RawKey | None = None) -> None:
    """Whether enough distinct keys of ``delegator`` have signed ``file``; ``raw`` tells them apart (``raw_key``).

    Raises:
        RefusalError: ``signature``.
    """
    source = delegator.metadata.signed
    assert isinstance(source, Root | Targets)
    result = source.get_verification_result(file.role, file.payload, file.metadata.signatures)
    key_of = raw or raw_key
    keys = {key for keyid in result.signed if (key := key_of(key_dict(delegator, keyid), file.role))}
    if len(keys) < result.threshold:
        raise RefusalError("signature", f"{file.role} {file.version}: {len(keys)} of {result.threshold} signatures")


def key_dict(delegator: File, keyid: str) -> dict[str, Any]:
    """The key of this id in a root or a targets."""
    found: dict[str, Any] = _keys_in(delegator.role, delegator.signed)[keyid]
    return found


def keyids(delegator: File, role: str) -> frozenset[str]:
    """Ids of the keys that may sign ``role``."""
    source = delegator.metadata.signed
    assert isinstance(source, Root | Targets)
    return frozenset(source.get_delegated_role(role).keyids)


def keyid_of(key: dict[str, Any]) -> str:
    """The id that a key must have: SHA-256 of its canonical JSON."""
    return sha256(form.canonical({name: key[name] for name in ("keytype", "keyval", "scheme")})).hexdigest()


def version_named(file: File, name: str) -> int:
    """The version that a timestamp or snapshot names for ``name``, 0 where it names none."""
    entry = file.signed["meta"].get(name)
    return int(entry["version"]) if entry else 0


def named(file: File, target: str) -> tuple[int, bytes] | None:
    """Length and SHA-256 of ``target`` in a targets or an edition, or of the snapshot in a timestamp."""
    entry = file.signed["meta" if file.role == "timestamp" else "targets"].get(target)
    return (entry["length"], bytes.fromhex(entry["hashes"]["sha256"])) if entry else None


# ---------------------------------------------------------------- members and types


def _need(holds: bool, otherwise: str) -> None:
    if not holds:
        raise RefusalError("field", otherwise)


def _object(value: object, what: str, members: Collection[str] | None = None) -> dict[str, Any]:
    """``value``, which must be an object, with just these ``members`` if any are given."""
    if not isinstance(value, dict) or (members is not None and set(value) != set(members)):
        raise RefusalError("field", what)
    return value


def _number(value: object, least: int, what: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise RefusalError("field", what)
    return value


def _text(value: object, form_of_it: re.Pattern[str], what: str) -> str:
    if not isinstance(value, str) or not form_of_it.match(value):
        raise RefusalError("field", what)
    return value


def _check_signatures(signatures: object) -> None:
    if not isinstance(signatures, list):
        raise RefusalError("field", "signatures is no list")
    seen: set[str] = set()
    for one in signatures:
        pair = _object(one, "a signature is not just keyid and sig", ("keyid", "sig"))
        keyid = _text(pair["keyid"], _HEX_64, "the keyid of a signature")
        _text(pair["sig"], _HEX, "sig is no lower-case hex")
        _need(keyid not in seen, "two signatures of one keyid")
        seen.add(keyid)


def _check_common(signed: dict[str, Any]) -> None:
    spec = _text(signed.get("spec_version"), _SPEC, "spec_version")
    if spec.partition(".")[0] != "1":
        raise RefusalError("format", f"it follows TUF {spec}")
    _number(signed.get("version"), 1, "version")
    expires = signed.get("expires")
    _need(isinstance(expires, str) and read_stamp(expires) is not None, "expires is no date of the format")


def _check_keys(keys: object) -> dict[str, Any]:
    found = _object(keys, "keys")
    for keyid, one in found.items():
        _text(keyid, _HEX_64, "a keyid is not 64 hex digits")
        key = _object(one, "a key is no object")
        values = _object(key.get("keyval"), "a key without keyval")
        kind = tuple(_text(key.get(name), _ANY, f"a key without {name}") for name in ("keytype", "scheme"))
        if kind in KNOWN:
            _object(values, "keyval holds more than public", ("public",))
            _text(values["public"], _HEX_64 if kind == _ED25519 else _ANY, "a public key is not what its scheme says")
    return found


def _check_role(role: dict[str, Any], keys: dict[str, Any]) -> None:
    ids = role.get("keyids")
    if not isinstance(ids, list) or not all(isinstance(keyid, str) for keyid in ids):
        raise RefusalError("field", "keyids")
    _need(len(set(ids)) == len(ids) and all(keyid in keys for keyid in ids), "keyids that are double or unknown")
    most = "threshold is not between 1 and the number of keys"
    _need(_number(role.get("threshold"), 1, most) <= len(ids), most)


def _check_root(signed: dict[str, Any]) -> None:
    _need(signed.get("consistent_snapshot") is True, "consistent_snapshot")
    keys = _check_keys(signed.get("keys"))
    for role in _object(signed.get("roles"), "roles", _TOP).values():
        _check_role(_object(role, "a role is no object"), keys)


def _check_hashed(entry: object) -> dict[str, Any]:
    file = _object(entry, "a file is no object")
    _number(file.get("length"), 0, "a file without length")
    hashes = _object(file.get("hashes"), "a file without hashes.sha256 alone", ("sha256",))
    _text(hashes["sha256"], _HEX_64, "a hash is not 64 hex digits")
    return file


def _check_timestamp(signed: dict[str, Any]) -> None:
    meta = _object(signed.get("meta"), "meta is not snapshot.json alone", ("snapshot.json",))
    _number(_check_hashed(meta["snapshot.json"]).get("version"), 1, "the version of the snapshot")


def _check_snapshot(signed: dict[str, Any]) -> None:
    for name, entry in _object(signed.get("meta"), "meta").items():
        what = f"the version of {name[:40]}"
        _number(_object(entry, what).get("version"), 1, what)


def _check_targets(signed: dict[str, Any]) -> None:
    targets = _object(signed.get("targets"), "targets")
    _need(set(targets) <= set(CODE), "targets other than the reader's code")
    for entry in targets.values():
        _check_hashed(entry)
    delegations = _object(signed.get("delegations"), "delegations", ("keys", "roles"))
    keys, delegated = _check_keys(delegations["keys"]), delegations["roles"]
    if not isinstance(delegated, list) or len(delegated) != 1:
        raise RefusalError("field", "not one delegation")
    role = _object(delegated[0], "a delegation is no object")
    _need(role.get("name") == "edition" and role.get("paths") == ["edition/*"], "the delegation is not edition/*")
    _need(role.get("terminating") is True, "the delegation is not terminating")
    _check_role(role, keys)


def _check_edition(signed: dict[str, Any]) -> None:
    _need("delegations" not in signed, "an edition that delegates")
    targets = _object(signed.get("targets"), "an edition names edition/head and nothing else", (HEAD_TARGET,))
    _need(_check_hashed(targets[HEAD_TARGET])["length"] <= MAX_HEAD, "the head is too long")


_CHECKS: Final = {
    "root": _check_root,
    "timestamp": _check_timestamp,
    "snapshot": _check_snapshot,
    "targets": _check_targets,
    "edition": _check_edition,
}


# ---------------------------------------------------------------- keys


def _keys_in(role: Role, signed: dict[str, Any]) -> dict[str, Any]:
    """The keys of a root or a targets whose members were checked; elsewhere members of such names mean nothing."""
    holder = signed if role == "root" else signed["delegations"] if role == "targets" else {"keys": {}}
    found: dict[str, Any] = holder["keys"]
    return found


def _is_known(key: dict[str, Any]) -> bool:
    return (key["keytype"], key["scheme"]) in KNOWN


def _without_unknown_keys(role: Role, data: bytes) -> dict[str, Any]:
    """A second reading for python-tuf, which takes its input apart and refuses unknown schemes; keys of such may be
    listed and count for nothing."""
    value: dict[str, Any] = json.loads(data)
    keys = _keys_in(role, value["signed"])
    for keyid in [keyid for keyid, key in keys.items() if not _is_known(key)]:
        del keys[keyid]
    return value


def raw_key(key: dict[str, Any], role: str) -> bytes:
    """The key itself, however it was written down, b"" where its kind may not sign ``role``."""
    kind = (key["keytype"], key["scheme"])
    if kind == _ED25519:
        return bytes.fromhex(key["keyval"]["public"])
    if kind == _P256 and role in _ECDSA_ROLES:
        return load_pem_public_key(key["keyval"]["public"].encode("ascii")).public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
    return b""


# ---------------------------------------------------------------- what is demanded


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a reader demands of files beyond the workflow of TUF.

    ``FORMAT`` is what every reader of a release uses. The public test suite for TUF clients writes other files, with
    blanks, with other keys and roles, and runs the same workflow with other rules; nothing else may.
    """

    read: Callable[[Role, bytes], File]
    raw_key: RawKey
    pins: Callable[[File, str], tuple[int | None, bytes | None]]  # length and SHA-256 that a file names for another
    must_name: tuple[str, ...] = ("edition.json", "targets.json")  # of a snapshot
    has_edition: bool = True  # targets delegate it


def pins(file: File, name: str) -> tuple[int | None, bytes | None]:
    """Length and SHA-256 that a timestamp names for the snapshot; a snapshot names versions only."""
    if file.role != "timestamp":
        return None, None
    found = named(file, name)
    assert found is not None  # ``read`` refuses a timestamp without
    return found


FORMAT: Final = Rules(read=read, raw_key=raw_key, pins=pins)
