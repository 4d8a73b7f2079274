"""What can be wrong with the API, one function for each way. ``Cloud.fail`` puts it before an operation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from heliograph.lab.cloudfront import replies
from heliograph.lab.cloudfront.refusals import Refusal
from heliograph.lab.cloudfront.replies import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to a call in place of, or beside, what it asks for."""

    reply: Reply | None = None  # the answer, in place of doing anything
    drop: Literal["", "before", "after"] = ""  # the connection ends before, or after, the call was done
    wait: Callable[[], Awaitable[object]] | None = None  # done first; the call is done after it


def refused(code: str, message: str = "refused on demand") -> Fault:
    """Says no with this code: "ExpiredToken", "Throttling", "ServiceUnavailable"."""
    return Fault(reply=replies.refused(Refusal(code, message)))


def gateway(status: int = 503) -> Fault:
    """An answer that is not the API's but of something before it: no XML."""
    page = b"<html><body><h1>Service Unavailable</h1></body></html>"
    return Fault(reply=Reply(status=status, body=page, code=str(status)))


def dropped() -> Fault:
    """The connection ends, and nothing was done."""
    return Fault(drop="before")


def done_then_dropped() -> Fault:
    """The connection ends after the call was done: whoever asked does not know."""
    return Fault(drop="after")


def slow(wait: Callable[[], Awaitable[object]]) -> Fault:
    """Begins only when ``wait`` is over."""
    return Fault(wait=wait)


def silent() -> Fault:
    """Never answers, and does nothing."""
    return Fault(wait=lambda: asyncio.Event().wait())
