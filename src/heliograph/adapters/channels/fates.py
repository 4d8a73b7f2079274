"""What an answer means where its provider says no more than HTTP does.

Rule 1: "later" and "refused" are said only where it is certain that nothing was done. Rule 2: what no reader would see
is never "unknown": it may be asked again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any, Final

from heliograph.adapters.channels.web import Got, plain
from heliograph.model import ConfigError
from heliograph.model.post import Sent

MOST_WAIT: Final = 86_400.0  # seconds: who asks for more is asked again after a day
_MOVED: Final = frozenset({301, 307, 308})  # nothing was done; after 302 and 303 it may have been


def by_status(got: Got) -> Sent:
    """The fate of a post by its status alone; a success is "posted"."""
    status, wait = got.status, retry_after(got.headers)
    if not status:
        return Sent(fate=got.fate, note=got.note)
    if 200 <= status < 300:
        return Sent(fate="posted")
    if status == 429:
        return Sent(fate="later", wait=wait, note="it takes no more for now (429)")
    if status == 503 and wait:
        return Sent(fate="later", wait=wait, note="it takes nothing for now (503)")
    if status == 410:
        return Sent(fate="stopped", note="it is there no more (410)")
    if 400 <= status < 500:
        return Sent(fate="refused", note=f"it does not take this ({status})")
    if status in _MOVED:
        return Sent(fate="refused", note=f"it is elsewhere now ({status}): write the address where it is")
    return Sent(fate="unknown", note=f"an answer that does not tell whether it was done ({status})")


def unseen(sent: Sent) -> Sent:
    """The same, of a request that no reader sees the effect of."""
    return replace(sent, fate="later") if sent.fate == "unknown" else sent


def unusable(error: ConfigError) -> Sent:
    """Without its secret a channel says nothing until somebody mends the file."""
    return Sent(fate="stopped", note=plain(error))


def unsendable() -> Sent:
    """A text that cannot be written in UTF-8."""
    return Sent(fate="refused", note="the text holds half a character, which cannot be sent")


def compact(fields: Mapping[str, Any]) -> bytes | None:
    """``fields`` as JSON in UTF-8, which is half as long as escapes for Cyrillic; None where that cannot be written."""
    try:
        return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return None


def mapping(value: object) -> dict[str, Any]:
    """``value`` where it is an object of JSON, else an empty one."""
    return value if isinstance(value, dict) else {}


def number(value: object) -> int:
    """``value`` where it is a whole number of JSON, else 0."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def retry_after(headers: Mapping[str, str]) -> float:
    """For how many seconds an answer asks to be left alone; 0 where it does not say so in a form that is known."""
    given = {name.lower(): value for name, value in headers.items()}
    text = given.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), MOST_WAIT)
    try:
        # by the clock of who answered, since ours may be another one
        later = parsedate_to_datetime(text) - parsedate_to_datetime(given.get("date", ""))
        return min(max(later.total_seconds(), 0.0), MOST_WAIT)
    except (ValueError, TypeError, OverflowError):
        return 0.0
