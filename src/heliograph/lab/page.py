"""One response of the simulated newsroom, before it is sent: the same for a socket and for a call."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """``modified`` is when its content last changed; None for pages that say nothing of it."""

    body: bytes
    content_type: str
    status: int = 200
    modified: datetime | None = None
    headers: tuple[tuple[str, str], ...] = ()
    etag: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "etag", f'"{hashlib.sha256(self.body).hexdigest()[:20]}"')

    @property
    def last_modified(self) -> str:
        """The HTTP date of ``modified``, "" without one."""
        return format_datetime(self.modified.astimezone(UTC), usegmt=True) if self.modified else ""

    def unchanged(self, if_none_match: str, if_modified_since: str) -> bool:
        """Whether a client that holds these validators has this very page. The etag decides where there is one."""
        if self.status != 200:
            return False
        if if_none_match:
            return self.etag in {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
        if not if_modified_since or self.modified is None:
            return False
        try:
            return self.modified.replace(microsecond=0) <= parsedate_to_datetime(if_modified_since)
        except (ValueError, TypeError):
            return False
