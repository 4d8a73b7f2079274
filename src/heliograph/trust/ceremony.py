"""Roots and targets: how they are made, changed and carried to whoever must sign them. Release format, "Keys".

A change is planned as an unsigned file, a *request*. Whoever holds a key adds a signature to it, on a machine that need
not be online; a request with enough signatures is the next root or targets. Nothing takes effect before that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from securesystemslib.signer import Key, Signer
from tuf.api.exceptions import UnsignedMetadataError
from tuf.api.metadata import Metadata, Root, Targets

from heliograph.model import HeliographError, SignError
from heliograph.trust import form, roles, sign
from heliograph.trust.keys import SigningKey
from heliograph.trust.refusal import RefusalError
from heliograph.trust.sign import RoleKeys

RINGS = ("root", "targets", "online", "edition")  # what a key can be for
_HOLDER = {"root": "root", "targets": "root", "online": "root", "edition": "targets"}  # which file says so


def first(keys: Mapping[str, SigningKey], now: datetime) -> tuple[bytes, bytes]:
    """Root 1 and targets 1 of the layout for one person; ``keys`` has root, recovery, targets, edition and online."""
    who = {
        "root": RoleKeys(keys=(keys["root"].public, keys["recovery"].public)),
        "targets": RoleKeys(keys=(keys["targets"].public,)),
        "online": RoleKeys(keys=(keys["online"].public,)),
    }
    root = sign.signed(sign.root(1, who, now), [keys["root"].signer])
    edition = RoleKeys(keys=(keys["edition"].public,))
    return root, sign.signed(sign.targets(1, edition, now), [keys["targets"].signer])


def holder(ring: str) -> str:
    """The file that names the keys of ``ring``: "root" or "targets"."""
    return _HOLDER[ring]


def keys_of(root: bytes, targets: bytes) -> dict[str, RoleKeys]:
    """Whose signatures each ring needs now."""
    top, below = roles.read("root", root), roles.read("targets", targets)
    return {ring: ring_of(top if holder(ring) == "root" else below, ring) for ring in RINGS}


def ring_of(file: roles.File, ring: str) -> RoleKeys:
    """Whose signatures ``ring`` needs, according to the root or targets that says so."""
    source = file.metadata.signed
    assert isinstance(source, Root | Targets)
    delegated = source.get_delegated_role("timestamp" if ring == "online" else ring)
    return RoleKeys(keys=tuple(map(source.get_key, delegated.keyids)), threshold=delegated.threshold)


def with_key(who: RoleKeys, key: Key) -> RoleKeys:
    """``who`` and one more key.

    Raises:
        SignError: it is one of them already.
    """
    if key.keyid in {one.keyid for one in who.keys}:
        raise SignError("that key is there already")
    return replace(who, keys=(*who.keys, key))


def without_key(who: RoleKeys, keyid: str) -> RoleKeys:
    """``who`` without the key whose id begins with ``keyid``.

    Raises:
        SignError: no or several keys have that id, or too few would be left.
    """
    found = [key for key in who.keys if key.keyid.startswith(keyid)]
    if len(found) != 1:
        shown = ", ".join(key.keyid[:12] for key in who.keys)
        raise SignError(f"{len(found)} keys have an id that begins with {keyid!r}", remedy=f"there are: {shown}")
    if len(who.keys) <= who.threshold:
        raise SignError(
            f"{who.threshold} keys are needed and {len(who.keys)} are there", remedy="add another key first"
        )
    return replace(who, keys=tuple(key for key in who.keys if key is not found[0]))


def with_threshold(who: RoleKeys, threshold: int) -> RoleKeys:
    """``who`` with so many signatures needed.

    Raises:
        SignError: there are fewer keys.
    """
    if not 1 <= threshold <= len(who.keys):
        raise SignError(f"{len(who.keys)} keys cannot give {threshold} signatures", remedy="add keys first")
    return replace(who, threshold=threshold)


def check(who: Mapping[str, RoleKeys]) -> None:
    """Refuse rings with a key that readers would not count there, or that serves two of them.

    Raises:
        SignError: says which key.
    """
    seen: dict[bytes, str] = {}
    for ring, holders in who.items():
        for key in holders.keys:
            # compared as the key itself: the same one may be written down in two ways
            raw = roles.raw_key(key.to_dict(), "timestamp" if ring == "online" else ring)
            if not raw:
                what = f"key {key.keyid[:12]} is of the kind {key.scheme}, which does not count for {ring}"
                raise SignError(what, remedy="P-256 keys, as tokens have them, may sign root and targets only")
            if raw in seen:
                what = f"key {key.keyid[:12]} would serve {seen[raw]} and {ring}"
                raise SignError(what, remedy="make another key: on a token, in another slot of it")
            seen[raw] = ring


def next_root(before: bytes, who: Mapping[str, RoleKeys], now: datetime) -> bytes:
    """A request for the root after ``before``, unsigned."""
    version = roles.read("root", before).version + 1
    return form.write(sign.root(version, who, now).to_dict())


def next_targets(
    before: bytes,
    edition: RoleKeys,
    now: datetime,
    life: timedelta = sign.TARGETS_LIFE,
    code: Mapping[str, bytes] | None = None,
) -> bytes:
    """A request for the targets after ``before``, unsigned; of the reader's code only what ``code`` names changes."""
    old = roles.read("targets", before)
    made: Metadata[Any] = sign.targets(old.version + 1, edition, now, code, life)
    made.signed.targets = {**old.metadata.signed.targets, **made.signed.targets}
    return form.write(made.to_dict())


def signed_by(request: bytes, signers: Sequence[Signer]) -> bytes:
    """``request`` with further signatures beside those it has; a signer who has signed already changes nothing.

    Raises:
        SignError: it is no request, or a key does not sign.
        HeliographError: as a signer says itself why it does not.
    """
    file = opened(request)
    metadata = file.metadata
    for signer in signers:
        try:
            metadata.sign(signer, append=True)
        except UnsignedMetadataError as error:  # python-tuf puts every failure of a signer into its own words
            if isinstance(error.__cause__, HeliographError):
                raise error.__cause__ from error
            raise SignError(f"key {signer.public_key.keyid[:12]} does not sign: {error.__cause__ or error}") from error
    return form.write(metadata.to_dict())


def opened(request: bytes) -> roles.File:
    """The root or targets in ``request``, whoever signed it.

    Raises:
        SignError: it is neither.
    """
    for role in ("root", "targets"):
        try:
            return roles.read(role, request.strip())
        except RefusalError as refusal:
            if refusal.code != "field" or role == "targets":
                what = refusal.what
    raise SignError(f"it is no request of heliograph keys: {what}", remedy="name a file that keys request wrote")


def missing(request: bytes, root: bytes) -> list[str]:
    """What ``request`` still lacks to be the next root or targets, in words; nothing where it is whole."""
    file, before = opened(request), roles.read("root", root)
    by = [("the keys of now", before)] + ([("its own keys", file)] if file.role == "root" else [])
    lacks = []
    for whose, delegator in by:
        try:
            roles.verify(file, delegator)
        except RefusalError as refusal:
            lacks.append(f"{whose}: {refusal.what.partition(': ')[2]}")
    return lacks


def described(request: bytes, root: bytes, targets: bytes) -> list[str]:
    """What would change, line by line, for whoever is asked to sign: keys, thresholds, expiry."""
    file = opened(request)
    old = keys_of(root, targets)
    new = keys_of(request, targets) if file.role == "root" else keys_of(root, request)
    before = roles.read(file.role, root if file.role == "root" else targets)
    lines = [
        f"{file.role} {before.version} -> {file.version}, expires {before.expires:%Y-%m-%d} -> {file.expires:%Y-%m-%d}"
    ]
    for ring in RINGS:
        ids, then = ({key.keyid[:12] for key in who[ring].keys} for who in (new, old))
        lines += [f"{ring}: key {keyid} is added" for keyid in sorted(ids - then)]
        lines += [f"{ring}: key {keyid} counts no more" for keyid in sorted(then - ids)]
        if new[ring].threshold != old[ring].threshold:
            lines.append(f"{ring}: {old[ring].threshold} -> {new[ring].threshold} signatures are needed")
    if file.role == "targets":
        for target in roles.CODE:
            now, was = (roles.named(one, target) for one in (file, before))
            if now is not None and now != was:
                lines.append(f"{target}: {now[1].hex()[:12]} is {'another' if was else 'added'}")
    return lines
