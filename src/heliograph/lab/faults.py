"""What can be wrong with a newsroom's server, one function for each way.

A fault takes the request and the healthy page, and answers in its own manner. ``Newsroom.fail`` puts it before a path.
Those that never end do so only when the client goes away or the newsroom closes.
"""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct
import zlib
from collections.abc import Awaitable, Callable, Iterator

from aiohttp import web

from heliograph.lab.page import Page

Fault = Callable[[web.BaseRequest, Page], Awaitable[web.StreamResponse]]

_MEBIBYTE = 1 << 20


def status(code: int, *, retry_after: str = "") -> Fault:
    """Answers ``code`` and a line of text."""

    async def fault(request: web.BaseRequest, page: Page) -> web.StreamResponse:
        headers = {"Retry-After": retry_after} if retry_after else {}
        return web.Response(status=code, text=f"{code}\n", headers=headers)

    return fault


def reset() -> Fault:
    """Half of the page, then a TCP reset."""
    return _half(lambda request: _abort(request))


def cut() -> Fault:
    """Half of the page, then an orderly end of the connection, as if that were all."""
    return _half(lambda request: _close(request))


def stall() -> Fault:
    """Half of the page, then silence."""

    async def silence(request: web.BaseRequest) -> None:
        await asyncio.Event().wait()

    return _half(silence)


def drip(seconds: float) -> Fault:
    """The page, one byte each ``seconds``."""

    async def fault(request: web.BaseRequest, page: Page) -> web.StreamResponse:
        response = await _begin(request, page, length=len(page.body))
        for byte in page.body:
            await response.write(bytes([byte]))
            await asyncio.sleep(seconds)
        return response

    return fault


def endless() -> Fault:
    """A body without end, in chunks."""

    async def fault(request: web.BaseRequest, page: Page) -> web.StreamResponse:
        response = await _begin(request, page)
        while True:
            await response.write(page.body or b"<p>")

    return fault


def huge(mebibytes: int) -> Fault:
    """The page with so much more of the same behind it, its length declared."""

    async def fault(request: web.BaseRequest, page: Page) -> web.StreamResponse:
        response = await _begin(request, page, length=len(page.body) + mebibytes * _MEBIBYTE)
        await response.write(page.body)
        filler = (b"<p>more of the same</p>" * (_MEBIBYTE // 20))[:_MEBIBYTE]
        for _ in range(mebibytes):
            await response.write(filler)
        return response

    return fault


def bomb(mebibytes: int) -> Fault:
    """A page of zero bytes, compressed about a thousandfold."""

    async def fault(request: web.BaseRequest, page: Page) -> web.StreamResponse:
        response = await _begin(request, page, encoding="gzip")
        for piece in _zeros(mebibytes):
            await response.write(piece)
        return response

    return fault


def cut_gzip() -> Fault:
    """The compressed page without its last third, in a whole response."""

    async def fault(request: web.BaseRequest, page: Page) -> web.StreamResponse:
        packed = gzip.compress(page.body, mtime=0)
        body = packed[: len(packed) * 2 // 3]
        return web.Response(body=body, headers={"Content-Type": page.content_type, "Content-Encoding": "gzip"})

    return fault


def mislabel(charset: str) -> Fault:
    """The page as it is, under a header that declares another charset."""

    async def fault(request: web.BaseRequest, page: Page) -> web.StreamResponse:
        media_type = page.content_type.partition(";")[0]
        return web.Response(body=page.body, headers={"Content-Type": f"{media_type}; charset={charset}"})

    return fault


def instead(body: bytes, content_type: str = "text/html; charset=utf-8") -> Fault:
    """Something else in place of the page, with status 200: a login form for a feed, say."""

    async def fault(request: web.BaseRequest, page: Page) -> web.StreamResponse:
        return web.Response(body=body, headers={"Content-Type": content_type})

    return fault


def deep(tags: int) -> Fault:
    """A page of so many tags, each within the one before."""
    return instead(b"<!DOCTYPE html><html><body>" + b"<div>" * tags + b"text")


def entity_bomb() -> Fault:
    """A feed whose entities multiply to some gigabytes."""
    levels = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 10))
    doctype = f'<!DOCTYPE rss [<!ENTITY e0 "boom">{levels}]>'
    feed = f'<?xml version="1.0"?>{doctype}<rss version="2.0"><channel><title>&e9;</title></channel></rss>'
    return instead(feed.encode(), "application/rss+xml")


def redirect(location: str, code: int = 302) -> Fault:
    """Sends the client elsewhere; to the same path, it sends it round in circles."""

    async def fault(request: web.BaseRequest, page: Page) -> web.StreamResponse:
        return web.Response(status=code, headers={"Location": location})

    return fault


def _half(then: Callable[[web.BaseRequest], Awaitable[None]]) -> Fault:
    """The header with the whole page's length, half of its bytes, then ``then``."""

    async def fault(request: web.BaseRequest, page: Page) -> web.StreamResponse:
        response = await _begin(request, page, length=len(page.body))
        await response.write(page.body[: len(page.body) // 2])
        await then(request)
        return response

    return fault


async def _begin(
    request: web.BaseRequest, page: Page, *, length: int | None = None, encoding: str = ""
) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": page.content_type})
    if encoding:
        response.headers["Content-Encoding"] = encoding
    if length is None:
        response.enable_chunked_encoding()
    else:
        response.content_length = length
    await response.prepare(request)
    return response


async def _abort(request: web.BaseRequest) -> None:
    await asyncio.sleep(0)
    if request.transport is not None:
        handle = request.transport.get_extra_info("socket")
        # With a linger time of zero the system sends a reset in place of an orderly end.
        handle.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        request.transport.abort()


async def _close(request: web.BaseRequest) -> None:
    if request.transport is not None:
        request.transport.close()


def _zeros(mebibytes: int) -> Iterator[bytes]:
    """A gzip stream of zeros without its trailer: after a full flush each mebibyte packs to the same bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = b"\0" * _MEBIBYTE
    first = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    further = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    yield b"\x1f\x8b\x08\0\0\0\0\0\x02\xff" + first
    for _ in range(mebibytes - 1):
        yield further
