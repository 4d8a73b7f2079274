"""Where the edition is served from: the addresses that hosts raise for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

StandState = Literal["absent", "creating", "up", "ending", "gone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """How one address of a host stands."""

    id: str  # ours, random, of small letters and digits; never the newsroom's name
    state: StandState
    url: str = ""  # its base, with a slash at the end, once it is known
    handle: str = ""  # how the host calls it
    note: str = ""  # what the host said, for people
