"""edition -> release: the publisher's side of the signed metadata. Release format, sections "Roles" and "Publisher".

Rule 1: the same standing, head and ``now`` give the same bytes (Ed25519 draws no randomness). Rule 2: versions only
grow. Rule 3: a file is signed again only when it must be: the edition for a new head or near its end, the snapshot for
a new edition or targets, the timestamp each time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from securesystemslib.signer import Key
from securesystemslib.signer import Signer as Signer
from tuf.api.metadata import (
    DelegatedRole,
    Delegations,
    Metadata,
    MetaFile,
    Role,
    Root,
    Signed,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from heliograph.model import SignError, paths
from heliograph.trust import bundle, form, roles
from heliograph.trust.refusal import RefusalError
from heliograph.trust.roles import HEAD_TARGET, SPEC, File

ROOT_LIFE, TARGETS_LIFE = timedelta(days=365), timedelta(days=365)
SNAPSHOT_LIFE = EDITION_LIFE = timedelta(days=7)
SNAPSHOT_LEFT = timedelta(hours=72)  # signed again when no more is left
TIMESTAMP_LIFE = timedelta(hours=48)
TIMESTAMP_AGE = timedelta(hours=6)  # without news it is signed again after this
TARGETS_SHOWN = timedelta(days=30)  # how long ``now`` carries targets after it changed
ROOT_LEFT, TARGETS_LEFT = timedelta(days=120), timedelta(days=90)  # to be signed again from then on
_LIVES: Final[dict[roles.Role, timedelta]] = {
    "root": ROOT_LIFE,
    "targets": TARGETS_LIFE,
    "snapshot": SNAPSHOT_LIFE,
    "edition": EDITION_LIFE,
    "timestamp": TIMESTAMP_LIFE,
}
WARN_AT: Final = (1 / 3, 1 / 10)  # parts of a lifetime left at which the newsroom is warned

Signers = Mapping[str, Sequence[Signer]]  # by role; snapshot and timestamp are "online"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the newsroom has signed last, as exact bytes; b"" for what it has not signed yet."""

    root: bytes
    targets: bytes
    targets_since: datetime | None = None  # when this targets was first published; None if it has not been
    timestamp: bytes = b""
    snapshot: bytes = b""
    edition: bytes = b""
    head: bytes = b""

    def version(self, role: roles.Role) -> int:
        """The version of a role's file, 0 where there is none."""
        data: bytes = getattr(self, role)
        return roles.read(role, data).version if data else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleKeys:
    """Whose signatures a role needs, and how many of them."""

    keys: tuple[Key, ...]
    threshold: int = 1


def root(version: int, of: Mapping[str, RoleKeys], now: datetime, life: timedelta = ROOT_LIFE) -> Metadata[Any]:
    """An unsigned root; ``of`` has root, targets and online (for timestamp and snapshot)."""
    keys: dict[str, Key] = {}
    named = {}
    for name, who in (
        ("root", of["root"]), ("targets", of["targets"]), ("timestamp", of["online"]), ("snapshot", of["online"])
    ):  # fmt: skip
        keys.update({key.keyid: key for key in who.keys})
        named[name] = Role([key.keyid for key in who.keys], who.threshold)
    expires = _whole(now + life)
    return Metadata(
        Root(version=version, spec_version=SPEC, expires=expires, keys=keys, roles=named, consistent_snapshot=True)
    )


def targets(
    version: int,
    edition: RoleKeys,
    now: datetime,
    code: Mapping[str, bytes] | None = None,
    life: timedelta = TARGETS_LIFE,
) -> Metadata[Any]:
    """Unsigned targets that delegate the edition; ``code`` maps names of the reader's code to its bytes."""
    role = DelegatedRole("edition", [key.keyid for key in edition.keys], edition.threshold, True, ["edition/*"])
    files = {name: _target(name, data) for name, data in sorted((code or {}).items())}
    delegations = Delegations({key.keyid: key for key in edition.keys}, {"edition": role})
    return Metadata(
        Targets(version=version, spec_version=SPEC, expires=_whole(now + life), targets=files, delegations=delegations)
    )


def signed(metadata: Metadata[Any], signers: Sequence[Signer]) -> bytes:
    """``metadata`` in the form of the format, with the signatures of ``signers`` beside those it has."""
    for signer in signers:
        metadata.sign(signer, append=True)
    return form.write(metadata.to_dict())


def due(standing: Standing, now: datetime) -> bool:
    """Whether something must be signed although nothing changed."""
    if not standing.timestamp:
        return False
    timestamp = roles.read("timestamp", standing.timestamp)
    return _left("snapshot", standing.snapshot, now) <= SNAPSHOT_LEFT or (
        timestamp.expires - now <= TIMESTAMP_LIFE - TIMESTAMP_AGE
        or _left("edition", standing.edition, now) <= SNAPSHOT_LEFT
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Expiry:
    """When what was signed for a role expires; ``part`` is how much of its lifetime is left, at most 1."""

    role: roles.Role
    expires: datetime
    part: float

    @property
    def is_near(self) -> bool:
        """Whether the newsroom should hear of it: a third is left, or less."""
        return self.part <= WARN_AT[0]

    @property
    def is_urgent(self) -> bool:
        """Whether it must act now: a tenth is left, or less."""
        return self.part <= WARN_AT[1]


def expiries(standing: Standing, now: datetime) -> list[Expiry]:
    """When everything that is signed expires, in the order of the chain."""
    found = []
    for role, life in _LIVES.items():
        if data := getattr(standing, role):
            expires = roles.read(role, data).expires
            found.append(Expiry(role=role, expires=expires, part=(expires - now) / life))
    return found


def release(standing: Standing, head: bytes, signers: Signers, now: datetime) -> Standing:
    """Sign ``head``: what changes in the newsroom's standing.

    Raises:
        SignError: a key is missing, root or targets have expired, or a clock went back.
    """
    before = standing
    _check_current(standing, now)
    standing = replace(standing, targets_since=standing.targets_since or now)
    targets_file = roles.read("targets", standing.targets)
    if head != standing.head or _is_old("edition", standing.edition, targets_file, now):
        file = TargetFile(len(head), {"sha256": sha256(head).hexdigest()}, HEAD_TARGET)
        edition = Targets(
            version=standing.version("edition") + 1,
            spec_version=SPEC,
            expires=_whole(now + EDITION_LIFE),
            targets={HEAD_TARGET: file},
        )
        data = _sealed(edition, "edition", signers, targets_file)
        standing = replace(standing, edition=data, head=head)
    root_file = roles.read("root", standing.root)
    if _is_old("snapshot", standing.snapshot, root_file, now) or not _names_all(standing):
        meta = {f"{role}.json": MetaFile(version=standing.version(role)) for role in ("edition", "targets")}
        snapshot = Snapshot(
            version=standing.version("snapshot") + 1, spec_version=SPEC, expires=_whole(now + SNAPSHOT_LIFE), meta=meta
        )
        standing = replace(standing, snapshot=_sealed(snapshot, "snapshot", signers, root_file))
    named = MetaFile(
        version=standing.version("snapshot"),
        length=len(standing.snapshot),
        hashes={"sha256": sha256(standing.snapshot).hexdigest()},
    )
    timestamp = Timestamp(
        version=before.version("timestamp") + 1,
        spec_version=SPEC,
        expires=_whole(now + TIMESTAMP_LIFE),
        snapshot_meta=named,
    )
    return replace(standing, timestamp=_sealed(timestamp, "timestamp", signers, root_file))


def files(standing: Standing, now: datetime, roots: Sequence[bytes] = ()) -> dict[str, bytes]:
    """The metadata files of a mirror by name; ``roots`` are those that mirrors may lack."""
    found = {f"tuf/{roles.read('root', data).version}.root.json": data for data in roots}
    for role in ("targets", "edition", "snapshot"):
        found[f"tuf/{standing.version(role)}.{role}.json"] = getattr(standing, role)
    found[f"edition/{sha256(standing.head).hexdigest()}.head"] = standing.head
    found[paths.TIMESTAMP] = standing.timestamp
    now_bytes = bundle.join(
        bundle.Bundle(
            timestamp=standing.timestamp,
            snapshot=standing.snapshot,
            edition=standing.edition,
            targets=standing.targets if now - (standing.targets_since or now) <= TARGETS_SHOWN else b"",
            head=standing.head,
        )
    )
    encoded = {paths.POINTER + suffix: data for suffix, data in bundle.encodings(now_bytes).items()}
    return {**found, **encoded, paths.POINTER: now_bytes}


def _sealed(content: Signed, role: roles.Role, signers: Signers, delegator: File) -> bytes:
    """``content`` signed by every key at hand that may sign it.

    Raises:
        SignError: they are too few.
    """
    allowed = roles.keyids(delegator, role)
    ring = "online" if role in ("snapshot", "timestamp") else role
    able = [signer for signer in signers.get(ring, ()) if signer.public_key.keyid in allowed]
    data = signed(Metadata(content), able)
    try:
        roles.verify(roles.read(role, data), delegator)
    except RefusalError as refusal:
        remedy = f"put the {ring} key into the keys folder, or make a new one: heliograph keys rotate {ring}"
        raise SignError(f"the keys at hand may not sign the {role}: {refusal.what}", remedy=remedy) from refusal
    return data


def _check_current(standing: Standing, now: datetime) -> None:
    for role in ("root", "targets"):
        file = roles.read(role, getattr(standing, role))
        if file.expires <= now:
            what = f"the {role} expired on {file.expires:%Y-%m-%d}; readers refuse everything signed under it"
            raise SignError(what, remedy="check this machine's clock; else: heliograph keys renew")


def _is_old(role: roles.Role, data: bytes, delegator: File, now: datetime) -> bool:
    """Whether a file is missing, near its end, or signed by keys that count no more."""
    if _left(role, data, now) <= SNAPSHOT_LEFT:
        return True
    try:
        roles.verify(roles.read(role, data), delegator)
    except RefusalError:
        return True
    return False


def _names_all(standing: Standing) -> bool:
    """Whether the snapshot names the newest edition and targets."""
    file = roles.read("snapshot", standing.snapshot)
    return all(roles.version_named(file, f"{role}.json") == standing.version(role) for role in ("edition", "targets"))


def _left(role: roles.Role, data: bytes, now: datetime) -> timedelta:
    return roles.read(role, data).expires - now if data else timedelta(0)


def _target(name: str, data: bytes) -> TargetFile:
    return TargetFile(len(data), {"sha256": sha256(data).hexdigest()}, name)


def _whole(time: datetime) -> datetime:
    return time.replace(microsecond=0)
