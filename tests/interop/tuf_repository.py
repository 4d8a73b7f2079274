"""A plain TUF repository that lies about whatever a test wants: python-tuf's metadata, written as others write it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner
from tuf.api.metadata import (
    TOP_LEVEL_ROLE_NAMES,
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)
from tuf.api.serialization.json import JSONSerializer

Edit = Callable[[dict[str, Any]], None]  # of a file after it was signed


class Repository:
    """Metadata and targets in a folder, for any static host. Versions grow with each ``publish`` unless set."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self.folder, self.now = folder, now
        until = now + timedelta(days=30)
        self.root, self.timestamp = Root(expires=until), Timestamp(expires=until)
        self.snapshot, self.targets = Snapshot(expires=until), Targets(expires=until)
        self.signers: dict[str, list[CryptoSigner]] = {role: [] for role in TOP_LEVEL_ROLE_NAMES}
        for signed in (self.root, self.timestamp, self.snapshot, self.targets):
            signed.version = 0  # python-tuf makes none without a version
        self.hashes = False  # whether snapshot and timestamp name lengths and hashes
        for role in TOP_LEVEL_ROLE_NAMES:
            self.add_key(role)
        self.publish("root", "targets", "snapshot", "timestamp")

    def add_key(self, role: str, signer: CryptoSigner | None = None) -> CryptoSigner:
        """One key more for ``role``, which signs from now on."""
        signer = signer or CryptoSigner.generate_ecdsa()
        self.root.add_key(signer.public_key, role)
        self.signers[role].append(signer)
        return signer

    def rotate(self, role: str) -> None:
        """A new key in place of those of ``role``."""
        self.root.roles[role].keyids.clear()
        self.signers[role].clear()
        self.add_key(role)

    def add_target(self, name: str, data: bytes, hashes: tuple[str, ...] = ("sha256",)) -> None:
        """A target and its entry in targets."""
        made = TargetFile.from_data(name, data, list(hashes))
        self.targets.targets[name] = made
        for digest in made.hashes.values():
            self.lay(name, digest, data)

    def lay(self, name: str, digest: str, data: bytes) -> None:
        """Serve ``data`` under the name of a target, whatever targets say of it."""
        before, slash, last = name.rpartition("/")
        path = self.folder / "targets" / f"{before}{slash}{digest}.{last}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def publish(self, *roles: str, version: int = 0, edit: Edit | None = None) -> None:
        """Sign and serve ``roles`` in this order, as the next version or as ``version``; what names them follows."""
        for role in roles:
            signed = getattr(self, role)
            signed.version = version or signed.version + 1
            metadata: Metadata[Any] = Metadata(signed)
            for signer in self.signers[role]:
                metadata.sign(signer, append=True)
            data = metadata.to_bytes(JSONSerializer(compact=False))
            if edit is not None:
                value = json.loads(data)
                edit(value)
                data = json.dumps(value, indent=2).encode()
            self._serve(role, signed.version, data)

    def _serve(self, role: str, version: int, data: bytes) -> None:
        name = f"{role}.json" if role == "timestamp" else f"{version}.{role}.json"
        path = self.folder / "metadata" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        named = MetaFile(version)
        if self.hashes:
            named = MetaFile.from_data(version, data, ["sha256"])
        if role == "snapshot":
            self.timestamp.snapshot_meta = named
        elif role == "targets":
            self.snapshot.meta["targets.json"] = named

    def spoil(self, name: str, old: bytes = b'"version"', new: bytes = b'"Version"') -> None:
        """Other bytes in a served file of metadata; the length stays, if those of ``old`` and ``new`` are the same."""
        path = self.folder / "metadata" / name
        data = path.read_bytes()
        assert old in data
        path.write_bytes(data.replace(old, new))
