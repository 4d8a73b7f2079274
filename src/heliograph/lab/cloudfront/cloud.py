"""The servers: the API on one port of this machine, the edge on another, and more doors to the edge on demand."""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import NamedTuple

import aiohttp
from aiohttp import web
from multidict import CIMultiDictProxy

from heliograph.lab.cloudfront import replies
from heliograph.lab.cloudfront.account import Account
from heliograph.lab.cloudfront.api import Api, Call
from heliograph.lab.cloudfront.edge import Edge
from heliograph.lab.cloudfront.faults import Fault
from heliograph.lab.cloudfront.markup import MAX_BODY
from heliograph.lab.cloudfront.origin import Origins
from heliograph.lab.cloudfront.refusals import Refusal
from heliograph.lab.cloudfront.replies import Reply
from heliograph.lab.cloudfront.terms import Terms
from heliograph.lab.loopback import base, serving


class Running(NamedTuple):
    """Base URLs, without a slash at the end."""

    api: str  # what boto3 gets as endpoint_url
    edge: str  # answers for every distribution, by the Host header


class Cloud:
    """A provider on this machine. ``origins`` says which base URL stands for an origin's host name."""

    def __init__(
        self,
        terms: Terms | None = None,
        *,
        origins: Mapping[str, str] | None = None,
        clock: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self.account = Account(terms or Terms(), clock)
        self.origins = Origins(origins or {})
        self.edge = Edge(self.account, self.origins)
        self.asked: Counter[tuple[str, str]] = Counter()  # by operation, and code of the refusal or ""
        self._api = Api(self.account)
        self._faults: dict[str, tuple[Fault, int]] = {}
        self._doors: dict[int, str] = {}  # by port
        self._runner: web.ServerRunner | None = None

    def fail(self, operation: str, fault: Fault, *, times: int = 0) -> None:
        """Put ``fault`` before an operation ("" is every one): for so many calls, or (0) until mended."""
        self._faults[operation] = (fault, times)

    def mend(self, operation: str = "") -> None:
        """Take out the fault of this operation, or ("") all of them."""
        self._faults = {key: fault for key, fault in self._faults.items() if operation and key != operation}

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[Running]:
        """Serve on loopback; the API on this port, 0 for a free one."""
        timeless = aiohttp.TCPConnector(force_close=True)
        async with (
            aiohttp.ClientSession(
                connector=timeless, auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()
            ) as self.origins.session,
            serving(self._serve_api, port) as api,
            serving(self._serve_edge) as edge,
        ):
            self._runner = edge
            try:
                yield Running(base(api), base(edge))
            finally:
                self._runner, self.origins.session = None, None
                self._doors.clear()

    async def door(self, domain: str) -> str:
        """A base URL that is this distribution's alone, for readers who send no Host header of their own choice."""
        assert self._runner is not None, "use it within running()"
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._doors[self._runner.addresses[-1][1]] = domain
        return base(self._runner)

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None = None) -> int:
        """One more way to all distributions, by the Host header, with TLS if given: on an address of this machine, at
        this port or (0) a free one, which is returned."""
        assert self._runner is not None, "use it within running()"
        await web.TCPSite(self._runner, host, port, ssl_context=tls).start()
        return int(self._runner.addresses[-1][1])

    async def _serve_edge(self, request: web.BaseRequest) -> web.StreamResponse:
        transport = request.transport
        port = transport.get_extra_info("sockname")[1] if transport else 0
        host = request.headers.get("Host", "").rpartition(":")[0] or request.headers.get("Host", "")
        return await self.edge.serve(request, self._doors.get(port, host.lower()))

    async def _serve_api(self, request: web.BaseRequest) -> web.StreamResponse:
        body = bytearray()
        async for piece in request.content.iter_any():
            body += piece
            if len(body) > MAX_BODY:
                return self._reply("", replies.refused(Refusal("RequestEntityTooLarge", "the body is too large")))
        call = Call(
            method=request.method,
            path=request.rel_url.raw_path,
            query=dict(request.rel_url.query),
            headers=_lowered(request.headers),
            body=bytes(body),
        )
        name = self._api.name(call)
        fault = self._fault(name)
        if fault is not None:
            if fault.wait is not None:
                await fault.wait()
            if fault.drop == "after":
                self._api.answer(call)
            if fault.drop:
                self.asked[name, "dropped"] += 1
                if request.transport is not None:
                    request.transport.abort()
                return web.Response(status=500)
            if fault.reply is not None:
                return self._reply(name, fault.reply)
        return self._reply(name, self._api.answer(call))

    def _reply(self, name: str, reply: Reply) -> web.Response:
        self.asked[name, reply.code] += 1
        headers = dict(reply.headers)
        if reply.body:
            headers["Content-Type"] = "text/xml"
        return web.Response(status=reply.status, body=reply.body or None, headers=headers)

    def _fault(self, name: str) -> Fault | None:
        key = name if name in self._faults else ""
        if key not in self._faults:
            return None
        fault, times = self._faults[key]
        if times == 1:
            del self._faults[key]
        elif times > 1:
            self._faults[key] = (fault, times - 1)
        return fault


def _lowered(headers: CIMultiDictProxy[str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}
