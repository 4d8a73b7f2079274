"""A host that gives one answer to everything, or none: what a provider's refusal does to us.

``Answering(status=403, code="AccessDenied")`` refuses in the form in which object stores do; with ``behind`` only the
first ``times`` requests are answered so and the rest is handed on, under the path that ``rewrite`` gives it; with
status 0 it takes the request and stays silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import web

from heliograph.lab.loopback import base, serving

_HOP = {"Host", "Content-Length", "Transfer-Encoding", "Connection"}


class Answering:
    """See above. ``requests`` counts what was asked."""

    def __init__(
        self,
        *,
        status: int,
        code: str = "",
        times: int = 1_000_000,
        behind: str = "",
        rewrite: Callable[[str], str] = lambda path: path,
    ) -> None:
        self.status, self.code, self.times, self.behind, self.rewrite = status, code, times, behind, rewrite
        self.requests = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve on loopback; yields the base URL, without a final slash."""
        async with serving(self._serve, auto_decompress=False) as runner:
            yield base(runner)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.requests += 1
        body = await request.content.read()
        if self.requests > self.times:
            return await self._hand_on(request, body)
        if not self.status:
            await asyncio.Event().wait()
        return refusal(self.status, self.code)

    async def _hand_on(self, request: web.BaseRequest, body: bytes) -> web.Response:
        # the host of the request stays: it is signed
        headers = {name: value for name, value in request.headers.items() if name not in _HOP - {"Host"}}
        async with (
            aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=["Content-Type", "User-Agent"]) as session,
            session.request(
                request.method, self.behind + self.rewrite(request.raw_path), data=body, headers=headers
            ) as answer,
        ):
            kept = {name: value for name, value in answer.headers.items() if name not in _HOP}
            return web.Response(status=answer.status, body=await answer.read(), headers=kept)


def refusal(status: int, code: str) -> web.Response:
    """An error as object stores word it."""
    text = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>canned</Message></Error>'
    return web.Response(status=status, text=text, content_type="application/xml")
