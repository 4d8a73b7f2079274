"""What a reader believes, and how new bytes may change it: steps 2 to 7 of the release format, without any fetching.

Rule 1: bytes are fed in the order of the chain: roots, timestamp, snapshot, targets, edition, head. Each step is
checked against the one before and against what was believed earlier. Rule 2: a refused step leaves everything as it
was. Rule 3: expiry of timestamp, snapshot and edition makes an edition stale and no more; that of root and targets,
which say whose keys count, is never forgiven. Rule 4: time is an argument; the head's own time only moves it forward.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Literal

from heliograph.trust import roles
from heliograph.trust.head import Head, read_head
from heliograph.trust.refusal import RefusalError
from heliograph.trust.roles import File

MAX_ROOT_STEPS = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """What a reader keeps between runs: exact bytes, b"" for what it has not seen. Release format, section "State".

    Only auditors ask for the ``checkpoint`` of the release log; a reader hands on the one that it was given.
    """

    root: bytes
    timestamp: bytes = b""
    snapshot: bytes = b""
    targets: bytes = b""
    edition: bytes = b""
    head: bytes = b""
    checkpoint: bytes = b""
    probed: datetime | None = None  # the last complete probe for new roots


class Chain:
    """The trusted set of one run.

    ``now`` is the latest of the reader's clock and the time it was built; what the stored head says of time is
    added here. With ``pinned_time`` it is taken as it is (``--at``).
    """

    def __init__(
        self, state: State, now: datetime, *, pinned_time: bool = False, rules: roles.Rules = roles.FORMAT
    ) -> None:
        """Believe ``state``, whose root is the pinned or the stored one.

        Raises:
            RefusalError: the state itself is not in the format. The caller falls back to the pinned root.
        """
        self._rules = rules
        self._kept = self._before = _Before.of(state, rules)
        self._pinned_time = pinned_time
        self.now = now
        if self._before.head is not None and not pinned_time:
            self.now = max(now, self._before.head[1].time)
        self.warnings: list[str] = []
        self.root = rules.read("root", state.root)
        self._verify_root(self.root, self.root)
        self._first_root = self.root
        self._steps = 0
        self._timestamp: File | None = None
        self._snapshot: File | None = None
        self._targets: File | None = None
        self._edition: File | None = None
        self._head: tuple[bytes, Head] | None = None
        self._settled = False

    def copy(self) -> Chain:
        """The same beliefs, to be changed apart from these."""
        other = copy(self)
        other.warnings = list(self.warnings)
        return other

    # ------------------------------------------------------------ roots

    def next_root(self, data: bytes) -> None:
        """Believe ``data`` as the next root.

        Raises:
            RefusalError: as ``roles.read``, or ``root-chain`` where it does not follow.
        """
        if self._steps >= MAX_ROOT_STEPS:
            raise RefusalError("root-chain", f"more than {MAX_ROOT_STEPS} roots in one run")
        candidate = self._rules.read("root", data)
        if candidate.version != self.root.version + 1:
            raise RefusalError("root-chain", f"root {candidate.version} does not follow {self.root.version}")
        self._verify_root(candidate, self.root)
        self._verify_root(candidate, candidate)
        self.root, self._steps = candidate, self._steps + 1
        self._before = self._forgotten()

    def _forgotten(self) -> _Before:
        """What was kept, less what a rotation from the first root to the newest made worthless."""
        old, new, before = self._first_root, self.root, self._kept
        if any(roles.keyids(old, role) != roles.keyids(new, role) for role in ("timestamp", "snapshot")):
            before = replace(before, timestamp=None, snapshot=None)
        if roles.keyids(old, "targets") != roles.keyids(new, "targets"):
            before = replace(before, targets=None)
        return before

    def settle_root(self) -> None:
        """No newer root is known.

        Raises:
            RefusalError: ``root-expired``.
        """
        if self.root.expires <= self.now:
            raise RefusalError("root-expired", f"root {self.root.version} expired on {self.root.expires:%Y-%m-%d}")
        self._settled = True

    # ------------------------------------------------------------ timestamp to head

    def timestamp(self, data: bytes) -> None:
        """Believe ``data`` as the newest timestamp.

        Raises:
            RefusalError: one of the file, ``signature``, ``rollback`` or ``equivocation``.
        """
        assert self._settled
        file = self._signed_by(self.root, "timestamp", data)
        before = self._before.timestamp
        if before is not None:
            _not_below("timestamp", file.version, before.version)
            _not_below("snapshot", _snapshot_of(file), _snapshot_of(before))
            if file.version == before.version and file.signed != before.signed:
                raise RefusalError("equivocation", f"two timestamps of version {file.version}")
        self._timestamp = file

    def snapshot(self, data: bytes) -> None:
        """Believe ``data`` as the snapshot that the timestamp names.

        Raises:
            RefusalError: ``mix``, one of the file, ``signature`` or ``rollback``.
        """
        assert self._timestamp is not None
        _matches(data, self._rules.pins(self._timestamp, "snapshot.json"), "snapshot")
        file = self._signed_by(self.root, "snapshot", data)
        if file.version != _snapshot_of(self._timestamp):
            raise RefusalError(
                "mix", f"snapshot {file.version} where the timestamp names {_snapshot_of(self._timestamp)}"
            )
        before = self._before.snapshot
        for name in before.signed["meta"] if before is not None else ():
            assert before is not None
            _not_below(name, roles.version_named(file, name), roles.version_named(before, name))
        if not all(roles.version_named(file, name) for name in self._rules.must_name):
            raise RefusalError("field", f"a snapshot names {' and '.join(self._rules.must_name)}")
        self._snapshot = file

    def targets(self, data: bytes) -> None:
        """Believe ``data`` as the targets that the snapshot names.

        Raises:
            RefusalError: one of the file, ``signature``, ``mix``, ``rollback`` or ``targets-expired``.
        """
        assert self._snapshot is not None
        _matches(data, self._rules.pins(self._snapshot, "targets.json"), "targets")
        file = self._signed_by(self.root, "targets", data)
        _is_named(file, self._snapshot, "targets.json")
        if self._before.targets is not None:
            _not_below("targets", file.version, self._before.targets.version)
        # compared with what was kept even where a rotation made its version worthless: thieves of the targets keys
        # may have raised the edition with keys that this file does not name any more
        kept = self._kept.targets if self._rules.has_edition else None
        if kept is not None and roles.keyids(kept, "edition") != roles.keyids(file, "edition"):
            self._before = replace(self._before, edition=None, head=None)
        self._targets = file
        self._check_targets_date()

    def edition(self, data: bytes) -> None:
        """Believe ``data`` as the edition that the snapshot names.

        Raises:
            RefusalError: one of the file, ``signature``, ``mix`` or ``rollback``.
        """
        assert self._snapshot is not None
        assert self._targets is not None
        file = self._signed_by(self._targets, "edition", data)
        _is_named(file, self._snapshot, "edition.json")
        if self._before.edition is not None:
            _not_below("edition", file.version, self._before.edition.version)
        self._edition = file

    def head(self, data: bytes) -> Head:
        """Believe ``data`` as the head that the edition names.

        Raises:
            RefusalError: ``mix``, ``head``, ``format``, ``rollback`` or ``equivocation``; ``root-expired`` or
                ``targets-expired`` where its time moves ours past that.
        """
        assert self._edition is not None
        wanted = roles.named(self._edition, roles.HEAD_TARGET)
        assert wanted is not None  # ``read`` refuses an edition without
        _matches(data, wanted, "head")
        head = read_head(data)
        if self._before.head is not None:
            _not_below("release", head.release, self._before.head[1].release)
            if head.release == self._before.head[1].release and data != self._before.head[0]:
                raise RefusalError("equivocation", f"two heads of release {head.release}")
        self._head = (data, head)
        if head.time > self.now and not self._pinned_time:
            self.now = head.time
            self.warnings.append("clock")
            if self.root.expires <= self.now:
                raise RefusalError("root-expired")
            self._check_targets_date()
        return head

    # ------------------------------------------------------------ what is asked next

    @property
    def stored(self) -> State:
        """The state this run began with, less what a rotation made worthless.

        Without its targets nobody could tell later whether an edition's keys still count, so they go together.
        """
        before = self._before
        if self._kept.targets is not None and before.targets is None:
            before = replace(before, edition=None, head=None)

        def data(file: File | None) -> bytes:
            return file.data if file is not None else b""

        return State(
            root=self.root.data,
            timestamp=data(before.timestamp),
            snapshot=data(before.snapshot),
            targets=data(before.targets),
            edition=data(before.edition),
            head=before.head[0] if before.head is not None else b"",
        )

    def version(self, role: Literal["timestamp", "snapshot", "targets", "edition"]) -> int:
        """The version of a file that was believed in this run, 0 before that."""
        file: File | None = getattr(self, f"_{role}")
        return file.version if file is not None else 0

    @property
    def wanted_snapshot(self) -> int:
        """The version of the snapshot that the timestamp names."""
        assert self._timestamp is not None
        return _snapshot_of(self._timestamp)

    def is_named_snapshot(self, data: bytes) -> bool:
        """Whether ``data`` has the length and the hash that the timestamp names."""
        assert self._timestamp is not None
        return (len(data), sha256(data).digest()) == roles.named(self._timestamp, "snapshot.json")

    @property
    def wanted_targets(self) -> int:
        """The version of the targets that the snapshot names."""
        assert self._snapshot is not None
        return roles.version_named(self._snapshot, "targets.json")

    @property
    def wanted_edition(self) -> int:
        """The version of the edition that the snapshot names."""
        assert self._snapshot is not None
        return roles.version_named(self._snapshot, "edition.json")

    @property
    def wanted_head(self) -> bytes:
        """The SHA-256 of the head that the edition names."""
        assert self._edition is not None
        found = roles.named(self._edition, roles.HEAD_TARGET)
        assert found is not None
        return found[1]

    def code(self, target: str) -> tuple[int, bytes] | None:
        """Length and SHA-256 of a file of the reader's code, None where the newsroom has none."""
        assert self._targets is not None
        return roles.named(self._targets, target)

    @property
    def stale(self) -> bool:
        """Whether what was believed is authentic but old."""
        files = (self._timestamp, self._snapshot, self._edition)
        return self._pinned_time or any(file is not None and file.expires <= self.now for file in files)

    def state(self, probed: datetime | None) -> State:
        """What to keep: all of this run where it came to a head, else only the newest root."""
        if self._head is None:
            return replace(self.stored, probed=probed)
        assert self._timestamp is not None
        assert self._snapshot is not None
        assert self._targets is not None
        assert self._edition is not None
        return State(
            root=self.root.data,
            timestamp=self._timestamp.data,
            snapshot=self._snapshot.data,
            targets=self._targets.data,
            edition=self._edition.data,
            head=self._head[0],
            probed=probed,
        )

    def _signed_by(self, delegator: File, role: roles.Role, data: bytes) -> File:
        """The file of ``role`` in ``data``, which ``delegator`` vouches for."""
        file = self._rules.read(role, data)
        roles.verify(file, delegator, self._rules.raw_key)
        return file

    def _verify_root(self, candidate: File, delegator: File) -> None:
        try:
            roles.verify(candidate, delegator, self._rules.raw_key)
        except RefusalError as refusal:
            raise RefusalError("root-chain", refusal.what) from refusal

    def _check_targets_date(self) -> None:
        assert self._targets is not None
        if self._targets.expires <= self.now:
            raise RefusalError("targets-expired", f"the keys' list expired on {self._targets.expires:%Y-%m-%d}")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """A ``State``, read."""

    timestamp: File | None
    snapshot: File | None
    targets: File | None
    edition: File | None
    head: tuple[bytes, Head] | None

    @classmethod
    def of(cls, state: State, rules: roles.Rules) -> _Before:
        return cls(
            timestamp=rules.read("timestamp", state.timestamp) if state.timestamp else None,
            snapshot=rules.read("snapshot", state.snapshot) if state.snapshot else None,
            targets=rules.read("targets", state.targets) if state.targets else None,
            edition=rules.read("edition", state.edition) if state.edition else None,
            head=(state.head, read_head(state.head)) if state.head else None,
        )


def _snapshot_of(timestamp: File) -> int:
    return roles.version_named(timestamp, "snapshot.json")


def _not_below(what: str, new: int, old: int) -> None:
    if new < old:
        raise RefusalError("rollback", f"{what} {new}, after {old} was seen")


def _matches(data: bytes, wanted: tuple[int | None, bytes | None], what: str) -> None:
    """Refuse ``data`` whose length or hash is not the ``wanted``, as far as these are given."""
    length, digest = wanted
    if (length is not None and len(data) != length) or (digest is not None and sha256(data).digest() != digest):
        raise RefusalError("mix", f"the {what} is not the one that was named")


def _is_named(file: File, snapshot: File, name: str) -> None:
    named = roles.version_named(snapshot, name)
    if file.version != named:
        raise RefusalError("mix", f"{file.role} {file.version} where the snapshot names {named}")
