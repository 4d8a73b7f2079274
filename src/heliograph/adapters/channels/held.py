"""What all channels over the web share: one client, closed with them."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from heliograph.adapters.channels.web import Web


class Held:
    """Close it with ``aclose`` or use it as ``async with``; it may be used again afterwards."""

    def __init__(self, web: Web) -> None:
        self._held = web

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._held.aclose()
