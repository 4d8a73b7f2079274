"""The reader's code and the policy on a mirror: what targets names is there, and nothing else is. For auditors."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from heliograph.model.release import Ask, Got
from heliograph.trust import edition_map, roles
from heliograph.trust.policy import TARGET, Policy, read_policy
from heliograph.trust.refusal import RefusalError
from heliograph.trust.run import whole
from heliograph.trust.visit import Visit

_COPIES: Final = {"code/sw.js": "sw.js", "code/reader.html": "reader.html"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """What was found to be as it must be: how many files, and the newsroom's policy."""

    files: int
    policy: Policy


def name_of(target: str, digest: bytes) -> str:
    """Where a file of the reader's code lies."""
    return f"code/{digest.hex()}.{target.removeprefix('code/')}"


def check(visit: Visit) -> Generator[Ask, Got, Code]:
    """Demand of the mirror of ``visit``, whose targets are believed, all code that they name, and none besides.

    Raises:
        RefusalError: ``code`` or ``unavailable``; any code of ``read_policy`` where the newsroom signed a bad policy.
    """
    files, policy = 0, Policy()
    for target in roles.CODE:
        named = visit.chain.code(target)
        copy = _COPIES.get(target)
        if named is None:
            unsigned = copy and (yield Ask(mirror=visit.mirror, name=copy, limit=0)).fate
            if unsigned and unsigned not in ("missing", "unavailable"):
                raise RefusalError("code", f"{copy} is there, and the newsroom has not signed any")
            continue
        length, digest = named
        name = name_of(target, digest)
        data = yield from _fetched(visit, name, min(length, edition_map.MAX_LENGTH), "code")
        if len(data) != length or sha256(data).digest() != digest:
            raise RefusalError("code", f"{name} is not what was signed")
        files += 1
        if copy:
            yield from same(visit, copy, data, "code")
            files += 1
        if target == TARGET:
            policy = read_policy(data)
    return Code(files=files, policy=policy)


def same(visit: Visit, name: str, data: bytes, code: str) -> Generator[Ask, Got, None]:
    """Demand that ``name`` holds ``data``.

    Raises:
        RefusalError: ``unavailable``, or ``code``.
    """
    if (yield from _fetched(visit, name, len(data), code)) != data:
        raise RefusalError(code, f"{name} differs from what it must be")


def _fetched(visit: Visit, name: str, limit: int, long: str) -> Generator[Ask, Got, bytes]:
    """The bytes of ``name``; refused with ``long`` where it has more than ``limit``."""
    got = yield Ask(mirror=visit.mirror, name=name, limit=limit)
    if got.fate == "long":
        raise RefusalError(long, f"{name} has more than {limit:,} bytes")
    return whole(got, name, limit)
