"""WebSub: a hub is told that a feed has changed, and tells those who subscribed there.

Rule 1: no reader sees the request itself, so that it may be made again whatever became of it. Rule 2: a hub learns the
address of a mirror and nothing else; which feeds it carries is its own affair.
"""

from __future__ import annotations

from typing import Final

from heliograph.adapters.channels.held import Held
from heliograph.adapters.channels.web import Web
from heliograph.model.post import Sent

_MOST_WAIT: Final = 86_400.0  # seconds


class WebSub(Held):
    """See ``ports.Hub``."""

    def __init__(self, hub: str) -> None:
        """``hub`` is its address."""
        self._hub, self._web = hub, Web()
        super().__init__(self._web)

    async def tell(self, feed: str) -> Sent:
        """See ``ports.Hub``."""
        form = [("hub.mode", "publish"), ("hub.url", feed), ("hub.topic", feed)]  # old hubs know the one, new the other
        got = await self._web.ask("POST", self._hub, data=form)
        if 200 <= got.status < 300:
            return Sent(fate="posted")
        wait = got.headers.get("Retry-After", "")
        seconds = min(float(wait[:9]), _MOST_WAIT) if wait.isascii() and wait.isdigit() else 0.0
        if 400 <= got.status < 500 and got.status not in (408, 429):
            return Sent(fate="refused", note=f"the hub does not take it ({got.status})")
        return Sent(fate="later", wait=seconds, note=got.note or f"the hub answers {got.status}")
