"""Changes of keys, from the wish to files in the key folder. Release format, sections "Keys" and "Recovery".

A change becomes one or two requests: of root, of targets, or both. What the offline keys at hand can sign is signed at
once; a request that lacks signatures is carried to whoever has the others and comes back by ``take``. The key folder
only ever gains files that the chain of trust accepts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from heliograph.flows import keyring
from heliograph.model import KeyFileError, SignError
from heliograph.ports import KeyFolder
from heliograph.trust import ceremony, keys, readercode
from heliograph.trust.keys import SigningKey
from heliograph.trust.policy import TARGET
from heliograph.trust.sign import RoleKeys

Unlock = Callable[[str, bytes], SigningKey | None]  # name and bytes of a locked file; None leaves it locked
Keep = Callable[[SigningKey], None]  # writes the file of a new key


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A planned change: the requests it takes, and the key files that come with it."""

    requests: tuple[bytes, ...]
    new: tuple[SigningKey, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """A request that cannot take effect yet."""

    name: str  # "root-2" or "targets-3"
    request: bytes
    lacks: tuple[str, ...]


def rotated(folder: KeyFolder, fresh: Sequence[SigningKey], held: Collection[str], now: datetime) -> Change:
    """``fresh`` keys in place of those of their rings that are ``held`` here (key ids), which then count no more."""
    standing = keyring.standing(folder, "")
    who = ceremony.keys_of(standing.root, standing.targets)
    rings: dict[str, RoleKeys] = {}
    for key in fresh:
        others = tuple(one for one in who[key.role].keys if one.keyid not in held)
        rings[key.role] = replace(who[key.role], keys=(*others, key.public))
    return _changed(folder, rings, now, tuple(fresh))


def changed(folder: KeyFolder, ring: str, to: Callable[[RoleKeys], RoleKeys], now: datetime) -> Change:
    """``ring`` as ``to`` makes it: a key more, a key less, another threshold.

    Raises:
        SignError: a key of it serves another ring, or is of a kind that does not count there.
    """
    standing = keyring.standing(folder, "")
    return _changed(folder, {ring: to(ceremony.keys_of(standing.root, standing.targets)[ring])}, now)


def renewed(folder: KeyFolder, now: datetime) -> Change:
    """The same keys, root and targets with new dates."""
    standing = keyring.standing(folder, "")
    who = ceremony.keys_of(standing.root, standing.targets)
    return Change(
        requests=(
            ceremony.next_root(standing.root, who, now),
            ceremony.next_targets(standing.targets, who["edition"], now),
        )
    )


def with_policy(folder: KeyFolder, policy: bytes, now: datetime, new: tuple[SigningKey, ...] = ()) -> Change:
    """Targets that name another policy, whose file is put beside them; ``new`` is the key of a log that it names."""
    standing = keyring.standing(folder, "")
    name = readercode.name_of(TARGET, sha256(policy).digest())
    if name not in folder.names():  # public, and named by nothing yet
        folder.write(name, policy)
    edition = ceremony.keys_of(standing.root, standing.targets)["edition"]
    return Change(requests=(ceremony.next_targets(standing.targets, edition, now, code={TARGET: policy}),), new=new)


def signed(folder: KeyFolder, change: Change, old: Sequence[SigningKey], keep: Keep) -> list[Pending]:
    """Sign what the ``old`` keys at hand can sign, and take what is whole; what is not is left to others.

    New keys are kept before anything that names them.

    Raises:
        KeyFileError: a key cannot be read, its passphrase is wrong, or a file cannot be written.
        SignError: a request does not follow from what there is.
    """
    for key in change.new:
        keep(key)
    signers = [key.signer for key in (*old, *change.new)]
    pending = []
    for request in change.requests:
        whole = ceremony.signed_by(request, signers)
        left = take(folder, whole)
        if left is not None:
            pending.append(left)
    return pending


def take(folder: KeyFolder, request: bytes) -> Pending | None:
    """Put a request into effect if it has all signatures; else say what it lacks.

    Raises:
        SignError: it is no request, or one for another version than the next.
        KeyFileError: it cannot be written.
    """
    file = ceremony.opened(request)
    standing = keyring.standing(folder, "")
    expected = standing.version(file.role) + 1
    if file.version != expected:
        remedy = "make the request anew" if file.version < expected else "import the one before it first"
        raise SignError(f"it is {file.role} {file.version}; the next one is {expected}", remedy=remedy)
    lacks = ceremony.missing(request, standing.root)
    name = f"{file.role}-{file.version}"
    if lacks:
        return Pending(name=name, request=request, lacks=tuple(lacks))
    folder.write(f"tuf/{file.version}.{file.role}.json", request.strip())
    return None


def _changed(
    folder: KeyFolder, rings: Mapping[str, RoleKeys], now: datetime, new: tuple[SigningKey, ...] = ()
) -> Change:
    """The requests that bring ``rings`` about: targets first, so that no root names what targets contradicts."""
    standing = keyring.standing(folder, "")
    who = {**ceremony.keys_of(standing.root, standing.targets), **rings}
    ceremony.check(who)
    requests = []
    # Who signs targets is said by root, so new targets keys need a targets signed by them, too.
    if {ceremony.holder(ring) for ring in rings} & {"root"}:
        requests.append(ceremony.next_root(standing.root, who, now))
    if "edition" in rings or "targets" in rings:
        requests.append(ceremony.next_targets(standing.targets, who["edition"], now))
    return Change(requests=tuple(requests), new=new)


def offline_keys(offline: KeyFolder, unlock: Unlock) -> list[SigningKey]:
    """The root, recovery and targets keys in a folder, as far as ``unlock`` opens them.

    Raises:
        KeyFileError: there is none, or one cannot be unlocked.
    """
    found = []
    for name in offline.names():
        if name.endswith(".json") and "/" not in name:
            data = offline.read(name)
            key = unlock(name, data) if keys.is_locked(data, name) else None
            found += [key] if key else []
    if not found:
        remedy = "insert the stick with the folder `offline` and name it with --offline"
        raise KeyFileError("no offline key is here", remedy=remedy)
    return found
