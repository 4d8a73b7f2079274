"""All cases, one file for each group of the specification's table, in its order."""

from __future__ import annotations

from conformance.trust.case import Case
from conformance.trust.cases import (
    content,
    freshness,
    jsonform,
    keys,
    limits,
    mapform,
    names,
    releaselog,
    rollback,
    roots,
)

GROUPS = (content, names, freshness, rollback, keys, roots, mapform, jsonform, limits, releaselog)


def all_cases() -> list[Case]:
    """Every case."""
    return [case for group in GROUPS for case in group.cases()]
