"""A newsroom's key folder whose keys everybody knows: for tests and rehearsals, never for news."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from heliograph.flows import keyring
from heliograph.trust import ceremony, keys, readercode, roles
from heliograph.trust.keys import KeyRole, SigningKey
from heliograph.trust.note import LogPolicy
from heliograph.trust.policy import TARGET, with_log

ROLES: tuple[KeyRole, ...] = ("root", "recovery", "targets", "edition", "online")


def key(role: KeyRole, seed: str = "lab") -> SigningKey:
    """The key of ``role`` that follows from ``seed``."""
    return SigningKey(role=role, seed=sha256(f"heliograph lab {seed} {role}".encode()).digest())


def folder(now: datetime, seed: str = "lab") -> dict[str, bytes]:
    """The files of a key folder made at ``now``; the offline keys are not in it."""
    root, targets = ceremony.first({role: key(role, seed) for role in ROLES}, now)
    online = {keyring.file_of(one): keys.bare(one) for one in (key("online", seed), key("edition", seed))}
    return {
        **online,
        "tuf/1.root.json": root,
        "tuf/1.targets.json": targets,
    }


def with_a_log(files: dict[str, bytes], now: datetime, origin: str = "heliograph/lab/2") -> dict[str, bytes]:
    """A key folder of ``folder`` and what ``heliograph keys log`` adds to it: a key, a policy, the next targets."""
    one = key("log", origin)
    policy = with_log(b"", LogPolicy(origin=origin, key=one.raw))
    version = max(int(name.split(".")[0].removeprefix("tuf/")) for name in files if name.endswith(".targets.json"))
    before = files[f"tuf/{version}.targets.json"]
    edition = ceremony.keys_of(files["tuf/1.root.json"], before)["edition"]
    request = ceremony.next_targets(before, edition, now, code={TARGET: policy})
    targets = ceremony.signed_by(request, [key("targets").signer])
    named = roles.named(roles.read("targets", targets), TARGET)
    assert named is not None
    return {
        **files,
        keyring.file_of(one): keys.bare(one),
        readercode.name_of(TARGET, named[1]): policy,
        f"tuf/{version + 1}.targets.json": targets,
    }


class MemoryKeys:
    """See ``ports.KeyFolder``."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.files = files

    def names(self) -> list[str]:
        """See ``ports.KeyFolder``."""
        return sorted(self.files)

    def read(self, name: str) -> bytes:
        """See ``ports.KeyFolder``."""
        return self.files[name]

    def write(self, name: str, data: bytes) -> None:
        """See ``ports.KeyFolder``."""
        assert name not in self.files, name
        self.files[name] = data

    def remove(self, name: str) -> None:
        """See ``ports.KeyFolder``."""
        self.files.pop(name, None)
