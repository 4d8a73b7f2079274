"""How an edge asks an origin. Not trusted: an answer is bounded in size and time.

Origins are named in configurations by real host names; ``places`` says which loopback server stands for each.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping

import aiohttp
from aiohttp import web
from yarl import URL

from heliograph.lab.cloudfront.cache import Page
from heliograph.lab.cloudfront.catalogue import REQUEST_POLICIES
from heliograph.lab.cloudfront.shapes import Fields

MAX_ANSWER = 8 << 20  # bytes; the real service takes more, no mirror needs it
MAX_QUESTION = 1 << 20  # bytes of a body on its way to an origin
_HOPS = frozenset(
    [
        "connection",
        "content-length",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "accept-encoding",
    ]
)
_NOT_BACK = frozenset(
    ["connection", "keep-alive", "transfer-encoding", "content-length", "trailer", "upgrade", "proxy-authenticate"]
)


class Origins:
    """Asks origins. Use it as long as ``session`` is open."""

    def __init__(self, places: Mapping[str, str]) -> None:
        self.places = dict(places)  # base URLs, without a slash at the end, by host name
        self.counts: Counter[tuple[str, str]] = Counter()  # by host name and path
        self.session: aiohttp.ClientSession | None = None

    async def fetch(self, request: web.BaseRequest, config: Fields, behavior: Fields, path: str, coding: str) -> Page:
        """The origin's answer; 502 or 504 where there is none."""
        origin = next(one for one in config["Origins"]["Items"] if one["Id"] == behavior["TargetOriginId"])
        base = self.places.get(origin["DomainName"])
        if base is None or self.session is None:
            return _trouble(502, "the origin's name does not resolve")
        forwards = behavior.get("OriginRequestPolicyId") in REQUEST_POLICIES
        legacy = behavior.get("ForwardedValues")
        query = request.rel_url.raw_query_string if forwards or (legacy and legacy["QueryString"]) else ""
        self.counts[origin["DomainName"], path] += 1
        body = bytearray()
        async for piece in request.content.iter_any():
            body += piece
            if len(body) > MAX_QUESTION:
                return _trouble(413, "the body is too large")
        target = base + origin["OriginPath"] + path + (f"?{query}" if query else "")
        headers = _headers(request, origin, coding, forwards=forwards)
        wait = aiohttp.ClientTimeout(
            total=None,
            sock_connect=origin["ConnectionTimeout"],
            sock_read=origin.get("CustomOriginConfig", {}).get("OriginReadTimeout", 30),
        )
        try:
            asked = self.session.request(
                request.method,
                URL(target, encoded=True),
                headers=headers,
                data=bytes(body) or None,
                allow_redirects=False,
                timeout=wait,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            )
            async with asked as answer:
                data = bytearray()
                async for piece in answer.content.iter_any():
                    data += piece
                    if len(data) > MAX_ANSWER:
                        return _trouble(502, "the origin's answer is too large")
                kept = tuple((key, value) for key, value in answer.headers.items() if key.lower() not in _NOT_BACK)
                return Page(status=answer.status, headers=kept, body=bytes(data))
        except TimeoutError:
            return _trouble(504, "the origin does not answer")
        except (aiohttp.ClientError, ValueError, OSError, asyncio.IncompleteReadError):
            return _trouble(502, "the origin cannot be reached")


def _headers(request: web.BaseRequest, origin: Fields, coding: str, *, forwards: bool) -> dict[str, str]:
    """What the origin is told: of the viewer little or all but the host, as the policy says, and what it is owed."""
    told = {"User-Agent": "Amazon CloudFront"}
    if forwards:
        told = {key: value for key, value in request.headers.items() if key.lower() not in _HOPS}
        told.pop("If-None-Match", None)  # the edge's own business, like ranges
        told.pop("Range", None)
    for header in origin["CustomHeaders"]["Items"]:
        told[header["HeaderName"]] = header["HeaderValue"]
    if coding:
        told["Accept-Encoding"] = coding
    if origin["OriginAccessControlId"]:
        told["Authorization"] = f"AWS4-HMAC-SHA256 Credential=emulated/{origin['OriginAccessControlId']}"
    peer = request.remote or "127.0.0.1"
    told["X-Forwarded-For"] = f"{told['X-Forwarded-For']}, {peer}" if "X-Forwarded-For" in told else peer
    told["Via"] = "1.1 emulated.cloudfront.net (CloudFront)"
    told["Host"] = origin["DomainName"]
    return told


def _trouble(status: int, what: str) -> Page:
    return Page(status=status, headers=(("Content-Type", "text/html"),), body=f"<h1>{status}</h1>{what}".encode())
