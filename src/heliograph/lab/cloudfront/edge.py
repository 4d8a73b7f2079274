"""The edge of the network: each distribution answers under its domain, from its origin or its cache.

Rule 1: a name answers only when its distribution is enabled and has arrived; one that does not resolve ends the
connection without a word. Rule 2: everything counts as https; TLS is spoken where a way in has a certificate.
Rule 3: what a censor or the provider does to one distribution is a switch: ``block``, ``freeze``, ``mend``. Rule 4: how
many bytes a connection has carried is counted by bodies and headers as we write them, a few dozen bytes short of the
wire.
"""

from __future__ import annotations

import asyncio
import gzip
import re
import socket
import struct
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Literal
from weakref import WeakKeyDictionary

import brotli
from aiohttp import web
from multidict import CIMultiDict

from heliograph.lab.cloudfront import cache
from heliograph.lab.cloudfront.account import Account, Distribution
from heliograph.lab.cloudfront.cache import Cache, Page
from heliograph.lab.cloudfront.origin import Origins
from heliograph.lab.cloudfront.shapes import Fields

_PACKED = range(1_000, 10_000_000)  # bytes of what is compressed on the way
_TEXT = re.compile(r"(text/|application/(json|javascript|xml|[a-z.+-]*\+(xml|json))|image/svg)")
_RANGE = re.compile(r"bytes=([0-9]{1,9})-([0-9]{0,9})")
_CURTAIN = 16_384  # bytes a connection carries before it freezes, where nothing else is said


class Edge:
    """Serves the distributions of an account."""

    def __init__(self, account: Account, origins: Origins) -> None:
        self._account, self._origins = account, origins
        self.counts: Counter[tuple[str, int]] = Counter()  # by domain and status; 0: no answer, or not a whole one
        self._cache = Cache()
        self._switches: dict[str, int] = {}  # by domain: bytes that a connection carries; -1 resets it at once
        self._carried: WeakKeyDictionary[asyncio.BaseTransport, int] = WeakKeyDictionary()

    def block(self, domain: str) -> None:
        """Reset every connection to it."""
        self._switches[domain] = -1

    def freeze(self, domain: str, after: int = _CURTAIN) -> None:
        """Let each connection to it carry so many bytes, then fall silent."""
        self._switches[domain] = after

    def mend(self, domain: str) -> None:
        """Neither block nor freeze it any more."""
        self._switches.pop(domain, None)

    async def serve(self, request: web.BaseRequest, domain: str) -> web.StreamResponse:
        """Answer a viewer who asks for ``domain``."""
        found = self._account.at(domain)
        now = self._account.clock()
        config = found.served(now) if found else None
        switch = self._switches.get(domain)
        if found is None or config is None or switch == -1:
            self.counts[domain, 0] += 1
            return _end(request, reset=switch == -1)
        page = await self._page(request, found, config, now)
        response = _response(request, page)
        if switch is not None and await self._frozen(request, response, switch):
            self.counts[domain, 0] += 1
            await asyncio.Event().wait()
        self.counts[domain, response.status] += 1
        return response

    async def _page(self, request: web.BaseRequest, found: Distribution, config: Fields, now: float) -> Page:
        path = request.rel_url.raw_path
        behavior = next(
            (one for one in config["CacheBehaviors"]["Items"] if cache.matches(one["PathPattern"], path)),
            config["DefaultCacheBehavior"],
        )
        if request.method not in behavior["AllowedMethods"]["Items"]:
            return _trouble(403, "this method is not allowed here")
        if path == "/" and config["DefaultRootObject"]:
            path = "/" + config["DefaultRootObject"]
        by, queries = cache.policy(behavior), request.rel_url.raw_query_string
        coding = cache.codings(request.headers) if by.compressed else ""
        key = (found.id, request.method, path, queries if by.queries else "", coding)
        kept, keeps = None, request.method in behavior["AllowedMethods"]["CachedMethods"]["Items"]
        if keeps:
            kept = self._cache.get(key, found.invalidations.values(), now)
        if kept is not None and now < kept.until:
            return _labelled(kept, "Hit from cloudfront", int(now - kept.stored))
        page = await self._origins.fetch(request, config, behavior, path, coding)
        if kept is not None and page.status >= 500:
            return _labelled(kept, "Error from cloudfront", int(now - kept.stored))
        if behavior["Compress"]:
            page = _packed(page, coding)
        seconds = cache.lifetime(page, by) if keeps else 0
        if seconds:
            self._cache.put(key, replace(page, stored=now, until=now + seconds))
        return _labelled(page, "Miss from cloudfront" if page.status < 500 else "Error from cloudfront", 0)

    async def _frozen(self, request: web.BaseRequest, response: web.Response, limit: int) -> bool:
        """Count what the connection carries; where that is too much, send what still passes."""
        transport = request.transport
        if transport is None:
            return True
        body = response.body if isinstance(response.body, bytes) and request.method != "HEAD" else b""
        head = 20 + sum(len(name) + len(value) + 4 for name, value in response.headers.items())
        before = self._carried.get(transport, 0)
        self._carried[transport] = before + head + len(body)
        if before + head + len(body) <= limit:
            return False
        if before + head < limit:
            begun = web.StreamResponse(status=response.status, headers=response.headers)
            begun.content_length = len(body)
            await begun.prepare(request)
            await begun.write(body[: limit - before - head])
        return True


def _end(request: web.BaseRequest, *, reset: bool) -> web.StreamResponse:
    """End the connection without an answer."""
    if request.transport is not None:
        if reset:
            # With a linger time of zero the system sends a reset in place of an orderly end.
            handle = request.transport.get_extra_info("socket")
            if handle is not None:
                handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()
    return web.Response(status=502)


def _response(request: web.BaseRequest, page: Page) -> web.Response:
    headers = CIMultiDict(page.headers)  # a site may set several cookies
    etag, wanted = page.header("etag"), request.headers.get("If-None-Match", "")
    if page.status == 200 and etag and etag.removeprefix("W/") in wanted:
        return web.Response(status=304, headers=headers)
    part = _RANGE.fullmatch(request.headers.get("Range", ""))
    if page.status != 200 or request.method != "GET" or part is None:
        return web.Response(status=page.status, body=page.body, headers=headers)
    start, size = int(part[1]), len(page.body)
    end = min(int(part[2]) if part[2] else size, size - 1)
    if start > end:
        return web.Response(status=416, headers={"Content-Range": f"bytes */{size}"})
    headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    return web.Response(status=206, body=page.body[start : end + 1], headers=headers)


def _labelled(page: Page, what: str, age: int) -> Page:
    added = (("X-Cache", what), ("Via", "1.1 emulated.cloudfront.net (CloudFront)"))
    aged = (("Age", str(age)),) if what.startswith("Hit") else ()
    return replace(page, headers=(*page.headers, *added, *aged))


def _packed(page: Page, coding: str) -> Page:
    kind, size = page.header("content-type"), len(page.body)
    if page.status != 200 or page.header("content-encoding") or size not in _PACKED or not _TEXT.match(kind):
        return page
    pack: Mapping[Literal["br", "gzip"], Callable[[bytes], bytes]] = {
        "br": lambda body: brotli.compress(body, quality=5),
        "gzip": lambda body: gzip.compress(body, 5, mtime=0),
    }
    for name, make in pack.items():
        if name in coding.split(","):
            kept = tuple(
                ("ETag", "W/" + v.removeprefix("W/")) if k.lower() == "etag" else (k, v) for k, v in page.headers
            )
            return replace(page, body=make(page.body), headers=(*kept, ("Content-Encoding", name)))
    return page


def _trouble(status: int, what: str) -> Page:
    return Page(status=status, headers=(("Content-Type", "text/html"),), body=f"<h1>{status}</h1>{what}".encode())
