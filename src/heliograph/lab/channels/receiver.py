"""Whoever takes news from a webhook: checks who sends it, and keeps each thing once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from aiohttp import web

from heliograph.lab.channels.asked import parsed
from heliograph.lab.channels.mac import mac, same
from heliograph.lab.channels.provider import Provider, Reply


class Receiver(Provider):
    """``kept`` holds what was taken, by id. With ``secret`` what is not signed with it is refused (401)."""

    def __init__(self, clock: Callable[[], float], seed: int = 0, *, secret: str = "") -> None:
        super().__init__(clock, seed)
        self.secret = secret
        self.kept: dict[str, dict[str, Any]] = {}
        self.taken = 0  # requests, the same ones again included
        self._said: deque[Reply] = deque()

    def declare(self, status: int, **headers: str) -> None:
        """What the next call answers, without doing anything."""
        self._said.append(Reply({}, status, {name.replace("_", "-"): value for name, value in headers.items()}))

    def named(self, request: web.BaseRequest) -> str:
        """See ``Provider``."""
        return "take" if request.method == "POST" else ""

    async def answer(self, request: web.BaseRequest, body: bytes) -> Reply:
        """See ``Provider``."""
        if self._said:
            return self._said.popleft()
        if request.method != "POST":
            return Reply(b"", 405)
        signature = request.headers.get("X-Heliograph-Signature", "")
        if self.secret and not same(signature, "sha256=" + mac(self.secret, body)):
            return Reply({}, 401)
        given = parsed(body)
        name = given.get("id")
        if not isinstance(name, str):
            return Reply({}, 400)
        self.taken += 1
        self.kept.pop(name, None)  # what comes again is the newest
        self.kept[name] = given
        return Reply({}, 202)

    def dump(self) -> dict[str, Any]:
        """See ``Provider``."""
        return {"kept": list(self.kept.values())}
