"""What a volunteer's copy no longer needs is removed, when the newest release is wholly there.

Rule 1: only what a run has put there, or has found there as a part of a release it copied, is remembered; nothing else
is ever removed. Rule 2: a file is removed only if it is still what its name says. Rule 3: roots stay for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from heliograph.model import paths
from heliograph.model.ledger import Change
from heliograph.model.release import Part
from heliograph.ports import MirrorStore
from heliograph.trust import edition_map, roles
from heliograph.trust.head import MAX_HEAD
from heliograph.trust.refusal import RefusalError

_TUF: tuple[roles.Role, ...] = ("snapshot", "targets", "edition")


def signed_parts(names: Iterable[str]) -> dict[str, Part]:
    """Those of the names of a release's metadata that a later release does without."""
    return {
        name: Part(kind="signed")
        for name in names
        if paths.is_reserved(name) and paths.is_immutable(name) and not name.endswith(".root.json")
    }


async def removals(copy: MirrorStore, names: Iterable[str], held: Mapping[str, str]) -> list[Change]:
    """The changes that remove ``names`` from ``copy``, as far as they are there and still what they were.

    Raises:
        StoreError: the copy cannot be read.
    """
    return [
        Change(name=name, digest="", size=0, fresh=False, gone=True)
        for name in names
        if name in held and is_part(name, await copy.read(name), held[name])
    ]


def is_part(name: str, data: bytes, digest: str) -> bool:
    """Whether ``data``, of this SHA-256 (hex), is what a release would have put under ``name``."""
    folder, _, rest = name.partition("/")
    if not paths.is_reserved(name):
        return False
    if folder == "edition":
        return len(data) <= MAX_HEAD and rest == f"{digest}.head"
    if folder == "o":
        own = rest.replace("/", "")
        return own in (digest, edition_map.leaf_hash(data).hex()) or _is_tile(data, own)
    version, _, role = rest.removesuffix(".json").partition(".")
    return folder == "tuf" and any(one == role and _is_file(one, data, version) for one in _TUF)


def _is_tile(data: bytes, own: str) -> bool:
    return any(edition_map.is_tile(data, bytes.fromhex(own), width) for width in range(1, 5))


def _is_file(role: roles.Role, data: bytes, version: str) -> bool:
    try:
        return str(roles.read(role, data).version) == version
    except RefusalError:
        return False
