"""The metadata of a release, as an honest publisher signs it, or changed at any point on the way.

The files name each other upwards: head, edition, snapshot, timestamp. So a change below is carried into everything
above it, and what comes out is validly signed unless the change says otherwise.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from conformance.trust.signing import Circle, Pen, Ring, Value, signatures, written

SPEC = "1.0.31"
DAY = timedelta(days=1)
LIVES = {"root": 365 * DAY, "targets": 180 * DAY, "edition": 7 * DAY, "snapshot": 7 * DAY, "timestamp": 2 * DAY}
ORDER = ("targets", "edition", "snapshot", "timestamp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is done to one file: to its content before it is signed, to who signs, to the signatures, to the bytes."""

    edit: Callable[[Value], None] = lambda _: None
    pens: Sequence[Pen] | None = None
    marks: Callable[[list[Value]], list[Value]] = lambda marks: marks
    raw: Callable[[bytes], bytes] = lambda data: data


HONEST = Change()
Changes = Mapping[str, Change]


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The version of each file."""

    targets: int = 1
    edition: int = 1
    snapshot: int = 1
    timestamp: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """All that is signed for one release. ``since`` is when targets was signed, ``time`` when the rest was."""

    ring: Ring
    roots: tuple[bytes, ...]
    head: bytes
    versions: Versions
    time: datetime
    since: datetime
    code: Mapping[str, bytes] = field(default_factory=dict)
    targets_life: timedelta = LIVES["targets"]

    def signed(self, changes: Changes | None = None) -> dict[str, bytes]:
        """The exact bytes of each role's file."""
        changes = changes or {}
        made: dict[str, bytes] = {}
        for role in ORDER:
            change = changes.get(role, HONEST)
            content = getattr(self, f"_{role}")(made)
            change.edit(content)
            circle: Circle = getattr(self.ring, "online" if role in ("snapshot", "timestamp") else role)
            pens = circle.signers if change.pens is None else change.pens
            marks = change.marks(signatures(content, pens))
            made[role] = change.raw(written({"signatures": marks, "signed": content}))
        return made

    def files(self, changes: Changes | None = None, *, pointer: bool = True) -> dict[str, bytes]:
        """Everything by its name on a mirror; without ``pointer`` only the single files."""
        made = self.signed(changes)
        files = {f"tuf/{number}.root.json": data for number, data in enumerate(self.roots, 1)}
        for role in ("targets", "edition", "snapshot"):
            files[f"tuf/{getattr(self.versions, role)}.{role}.json"] = made[role]
        files["tuf/timestamp.json"] = made["timestamp"]
        files[f"edition/{sha256(self.head).hexdigest()}.head"] = self.head
        if pointer:
            files["now"] = self.pointer(made)
        return files

    def pointer(self, made: Mapping[str, bytes]) -> bytes:
        """The bundle of these files, whatever they hold."""
        pieces = [made["timestamp"], made["snapshot"], made["edition"], made["targets"], self.head]
        return b"\n".join(pieces)

    # ------------------------------------------------------------ contents

    def _targets(self, made: Mapping[str, bytes]) -> Value:
        role = {**self.ring.edition.role, "name": "edition", "paths": ["edition/*"], "terminating": True}
        return {
            "_type": "targets",
            "delegations": {"keys": self.ring.edition.keys, "roles": [role]},
            "expires": stamp(self.since + self.targets_life),
            "spec_version": SPEC,
            "targets": {name: file_entry(data) for name, data in self.code.items()},
            "version": self.versions.targets,
        }

    def _edition(self, made: Mapping[str, bytes]) -> Value:
        return {
            "_type": "targets",
            "expires": stamp(self.time + LIVES["edition"]),
            "spec_version": SPEC,
            "targets": {"edition/head": file_entry(self.head)},
            "version": self.versions.edition,
        }

    def _snapshot(self, made: Mapping[str, bytes]) -> Value:
        return {
            "_type": "snapshot",
            "expires": stamp(self.time + LIVES["snapshot"]),
            "meta": {f"{role}.json": {"version": getattr(self.versions, role)} for role in ("edition", "targets")},
            "spec_version": SPEC,
            "version": self.versions.snapshot,
        }

    def _timestamp(self, made: Mapping[str, bytes]) -> Value:
        return {
            "_type": "timestamp",
            "expires": stamp(self.time + LIVES["timestamp"]),
            "meta": {"snapshot.json": {**file_entry(made["snapshot"]), "version": self.versions.snapshot}},
            "spec_version": SPEC,
            "version": self.versions.timestamp,
        }


def root(version: int, ring: Ring, time: datetime, pens: Sequence[Pen] = (), change: Change = HONEST) -> bytes:
    """A root that names the keys of ``ring``; ``pens`` sign it, by default those of its own root role."""
    online = ring.online.role
    content: Value = {
        "_type": "root",
        "consistent_snapshot": True,
        "expires": stamp(time + LIVES["root"]),
        "keys": {**ring.root.keys, **ring.targets.keys, **ring.online.keys},
        "roles": {
            "root": ring.root.role,
            "snapshot": online,
            "targets": ring.targets.role,
            "timestamp": copy.deepcopy(online),
        },
        "spec_version": SPEC,
        "version": version,
    }
    change.edit(content)
    marks = change.marks(signatures(content, pens or ring.root.signers))
    return change.raw(written({"signatures": marks, "signed": content}))


def file_entry(data: bytes) -> Value:
    """How a file names another: by length and hash."""
    return {"hashes": {"sha256": sha256(data).hexdigest()}, "length": len(data)}


def stamp(time: datetime) -> str:
    """``time`` as the format writes it."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
