"""What a reader of a signed release asks of mirrors, what he is told, and how long the parts of a release are kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

VerdictKind = Literal["verified", "stale", "withdrawn", "refused"]
PartKind = Literal["object", "signed", "copy"]
# After a part has left the newest release. Objects and metadata one day longer than snapshot and edition live; content
# copies as long as a timestamp does.
KEPT: Final[Mapping[PartKind, timedelta]] = {
    "object": timedelta(days=8),
    "signed": timedelta(days=8),
    "copy": timedelta(hours=48),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file that the release format adds to a mirror: a part of the map, metadata, or a content copy.

    ``of`` is the path that a content copy is of; ``since`` is when it was first found that the newest release does not
    need the file, None while it does.
    """

    kind: PartKind
    of: str = ""
    since: datetime | None = None


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
