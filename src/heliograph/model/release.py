"""What a reader of a signed release asks of mirrors, and what he is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

VerdictKind = Literal["verified", "stale", "withdrawn", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Whether a page, or a whole mirror, is the newsroom's and of now.

    ``code`` is the reason of a refusal (``trust.refusal.REASONS``), ``what`` says more of it. ``stale`` means authentic
    but old; with ``present`` False the map proves that the path is in no current edition.
    """

    verdict: VerdictKind
    code: str = ""
    path: str = ""
    release: int = 0
    time: datetime | None = None
    stale: bool = False
    present: bool = True
    warn: tuple[str, ...] = ()
    what: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Fetch ``name`` from mirror number ``mirror``, at most ``limit`` bytes as they travel.

    ``codings`` may be accepted where the host offers them; without any the bytes are wanted as they lie there.
    """

    mirror: int
    name: str
    limit: int
    codings: tuple[Literal["br", "gzip"], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """What came: ``whole`` bytes, ``missing`` (404), ``long`` (over the limit), or ``unavailable`` in any other way."""

    fate: Literal["whole", "missing", "long", "unavailable"]
    data: bytes = b""
    coding: Literal["", "br", "gzip"] = ""
