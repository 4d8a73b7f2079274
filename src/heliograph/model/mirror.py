"""Mirrors as a newsroom has them: what writing to one took, how an address of a host stands."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

StandState = Literal["absent", "creating", "up", "ending", "gone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What was asked of a host, in its own units of account; nothing of it where the host is this machine."""

    writes: int = 0  # objects put, renamed or copied; commits
    deletes: int = 0
    reads: int = 0
    lists: int = 0  # pages of a listing
    size: int = 0  # bytes sent

    def __add__(self, other: Spent) -> Spent:
        return Spent(**{field.name: getattr(self, field.name) + getattr(other, field.name) for field in fields(self)})

    def __sub__(self, other: Spent) -> Spent:
        return Spent(**{field.name: getattr(self, field.name) - getattr(other, field.name) for field in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """How one address of a host stands."""

    id: str  # ours, random, of small letters and digits; never the newsroom's name
    state: StandState
    url: str = ""  # its base, with a slash at the end, once it is known
    handle: str = ""  # how the host calls it
    note: str = ""  # what the host said, for people
