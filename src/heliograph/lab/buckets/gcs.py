"""A bucket of Google Cloud Storage as its XML interface shows it, on loopback: strict where known emulators are not.

Rule 1: what Google would refuse is refused with its status and code, and what this file does not know is refused, too.
Rule 2: who calls is told by the claims of the token (its signature is not looked at). Rule 3: an object stored as gzip
is unpacked for whoever does not ask for gzip, as Google does ("decompressive transcoding"). Where the bucket is
``public``, reading needs no token.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import json
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import md5
from urllib.parse import unquote, urlsplit
from xml.sax.saxutils import escape

from aiohttp import web

from heliograph.lab.buckets.canned import refusal
from heliograph.lab.loopback import base, serving

_BIRTH = datetime(2026, 11, 22, tzinfo=UTC)  # of the bucket; each write is a second later
_LISTING = frozenset({"list-type", "prefix", "max-keys", "continuation-token"})
_STORED = ("Content-Type", "Content-Encoding", "Cache-Control")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """One object."""

    data: bytes
    headers: Mapping[str, str]
    generation: int

    @property
    def e_tag(self) -> str:
        """The MD5 of its bytes, quoted, as Google gives it for objects that were written in one piece."""
        return f'"{md5(self.data, usedforsecurity=False).hexdigest()}"'

    @property
    def modified(self) -> datetime:
        """When it was written."""
        return _BIRTH + timedelta(seconds=self.generation)


class GcsStub:
    """See above. ``account`` is the e-mail address of the service account that may write."""

    def __init__(self, bucket: str, account: str, *, public: bool = True, page: int = 1_000) -> None:
        self.bucket, self.account, self.public, self.page = bucket, account, public, page
        self.objects: dict[str, Stored] = {}
        self.counts: Counter[tuple[str, int]] = Counter()  # by method and status
        self._generation = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve on loopback; yields the base URL, without a final slash."""
        async with serving(self._serve, auto_decompress=False) as runner:
            yield base(runner)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = self._answer(request, await request.content.read())
        self.counts[request.method, answer.status] += 1
        return answer

    def _answer(self, request: web.BaseRequest, body: bytes) -> web.Response:
        bucket, _, key = unquote(urlsplit(request.raw_path).path).lstrip("/").partition("/")
        reads = bool(key) and request.method in {"GET", "HEAD"}
        if not (reads and self.public and "Authorization" not in request.headers) and (fault := self._denied(request)):
            return fault
        if bucket != self.bucket:
            return refusal(404, "NoSuchBucket")
        match request.method:
            case "GET" if not key:
                return self._list(request.query)
            case "GET" | "HEAD" if not request.query:
                return self._get(request, key)
            case "PUT" if key and not request.query:
                return self._put(request, key, body)
            case "DELETE" if key and not request.query:
                return web.Response(status=204) if self.objects.pop(key, None) else refusal(404, "NoSuchKey")
        return refusal(400, "InvalidArgument")

    def _denied(self, request: web.BaseRequest) -> web.Response | None:
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer":
            return refusal(401, "AuthenticationRequired")
        try:
            claims = json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))
        except (IndexError, ValueError, binascii.Error):
            return refusal(401, "AuthenticationRequired")
        return None if claims.get("iss") == self.account else refusal(403, "AccessDenied")

    def _put(self, request: web.BaseRequest, key: str, body: bytes) -> web.Response:
        before = self.objects.get(key)
        wanted = request.headers.get("x-goog-if-generation-match", "")
        if wanted and wanted != str(before.generation if before else 0):
            return refusal(412, "PreconditionFailed")
        self._generation += 1
        headers = {name: request.headers[name] for name in _STORED if name in request.headers}
        stored = self.objects[key] = Stored(data=body, headers=headers, generation=self._generation)
        return web.Response(headers={"ETag": stored.e_tag, "x-goog-generation": str(stored.generation)})

    def _get(self, request: web.BaseRequest, key: str) -> web.Response:
        stored = self.objects.get(key)
        if stored is None:
            return refusal(404, "NoSuchKey")
        data, headers = stored.data, {"Content-Type": "application/octet-stream", **stored.headers}
        headers |= {"ETag": stored.e_tag, "x-goog-generation": str(stored.generation)}
        headers["Last-Modified"] = format_datetime(stored.modified, usegmt=True)
        if headers.get("Content-Encoding") == "gzip" and "gzip" not in request.headers.get("Accept-Encoding", ""):
            data = gzip.decompress(data)
            headers["x-goog-stored-content-encoding"] = headers.pop("Content-Encoding")
        return web.Response(body=data, headers=headers)

    def _list(self, query: Mapping[str, str]) -> web.Response:
        if query.get("list-type") != "2" or not query.keys() <= _LISTING:
            return refusal(400, "InvalidArgument")
        after = query.get("continuation-token", "")
        names = sorted(name for name in self.objects if name.startswith(query.get("prefix", "")) and name > after)
        count = min(self.page, int(query.get("max-keys", self.page)))
        rows = "".join(_row(name, self.objects[name]) for name in names[:count])
        more = len(names) > count
        token = f"<NextContinuationToken>{escape(names[count - 1])}</NextContinuationToken>" if more else ""
        head = f"<Name>{self.bucket}</Name><IsTruncated>{str(more).lower()}</IsTruncated>{token}"
        text = f'<?xml version="1.0" encoding="UTF-8"?><ListBucketResult>{head}{rows}</ListBucketResult>'
        return web.Response(text=text, content_type="application/xml")


def _row(name: str, stored: Stored) -> str:
    parts = {
        "Key": name,
        "Generation": stored.generation,
        "LastModified": stored.modified.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "ETag": stored.e_tag,
        "Size": len(stored.data),
    }
    return (
        "<Contents>" + "".join(f"<{tag}>{escape(str(value))}</{tag}>" for tag, value in parts.items()) + "</Contents>"
    )
