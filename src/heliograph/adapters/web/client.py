"""Asks web servers, with turns per origin, time limits, retries and redirects."""

from __future__ import annotations

import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import Self

import aiohttp
from yarl import URL

from heliograph.adapters.web.body import decoder
from heliograph.adapters.web.guard import Place, PublicOnly, admit, onward, place, web_address
from heliograph.adapters.web.words import RefusedError, in_words, passing
from heliograph.model import Answer, Ask

REDIRECTS = 5
LONGEST_PAUSE = 60.0  # seconds; whoever asks us to wait longer is asked again in the next pass
FIRST_PAUSE = 0.5  # seconds; the most before the second try, doubled for each further one
FUSE = 20  # tries in a row to which an origin gave no answer at all, before it is left alone
REST = 60.0  # seconds for which it is left alone
FIELD = 16_384  # bytes of one header field; some sites send long policies
ENCODED_EXTRA = 65_536  # bytes; no honest encoding is longer than the text it encodes by more than this
MANY_ORIGINS = 1_000
TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504, *range(520, 531)})  # 520 to 530 are Cloudflare's
OVERLOADED = frozenset({429, 503})
REDIRECTED = frozenset({301, 302, 303, 307, 308})

_MEDIA = re.compile(r"[a-z0-9!#$&^_.+-]{1,60}/[a-z0-9!#$&^_.+-]{1,60}")
_CHARSET = re.compile(r"""charset\s*=\s*["']?([A-Za-z0-9._:+-]{1,40})""", re.IGNORECASE)
_PRINTABLE = re.compile(r"[\x20-\x7e]{1,1024}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long one try may take, in seconds. A body has ``whole`` plus one second for each ``rate`` bytes."""

    connect: float = 10
    silence: float = 20  # without a single byte
    whole: float = 30
    rate: int = 16_384
    ask: float = 120  # no further try begins after so long


class WebSources:
    """Use it as ``async with WebSources(...) as web``: one event loop, any number of tasks.

    ``own`` are the URLs the operator configured: only their hosts and ports may lie on a private address. ``proxy`` is
    an ``http://`` URL or ""; through a proxy it is the proxy that resolves names, so that only literal private
    addresses are refused here. ``pause``, ``rng`` and ``clock`` (monotonic seconds) are given by tests.
    """

    def __init__(
        self,
        *,
        agent: str,
        own: Iterable[str] = (),
        per_origin: int = 4,
        in_all: int = 16,
        tries: int = 4,
        patience: Patience | None = None,
        proxy: str = "",
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        rng: random.Random | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._agent, self._proxy = agent, proxy or None
        self._own = frozenset(place(URL(url)) for url in [*own, *([proxy] if proxy else [])])
        self._per_origin, self._tries = per_origin, tries
        self._patience = patience or Patience()
        self._pause, self._rng, self._clock = pause, rng or random.SystemRandom(), clock
        self._origins: dict[Place, _Origin] = {}
        self._turns = asyncio.Semaphore(in_all)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            limit=0,  # the semaphores limit, so that no time limit counts the waiting for a turn
            resolver=PublicOnly(self._own),
            ttl_dns_cache=60,
            keepalive_timeout=10,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": self._agent, "Accept": "*/*", "Accept-Encoding": "br, gzip"},
            timeout=aiohttp.ClientTimeout(
                total=None, sock_connect=self._patience.connect, sock_read=self._patience.silence
            ),
            auto_decompress=False,
            max_field_size=FIELD,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def fetch(self, ask: Ask) -> Answer:
        """Ask once, with retries and redirects. Never raises but for cancellation."""
        try:
            return await self._follow(ask)
        except Exception as error:  # noqa: BLE001 - the port's promise: nothing of the outside world is raised
            return Answer(url=ask.url, status=0, failure=in_words(error))

    async def _follow(self, ask: Ask) -> Answer:
        begun = self._clock()
        url = web_address(ask.url)
        for hop in range(REDIRECTS + 1):
            admit(url, self._own)
            reply = await self._persist(url, ask, begun)
            if not reply.location:
                return reply.answer(ask, str(url) if hop else ask.url)
            url = onward(url, reply.location)
        raise RefusedError(f"redirected more than {REDIRECTS} times")

    async def _persist(self, url: URL, ask: Ask, begun: float) -> _Reply:
        """The reply to one URL after at most ``tries`` tries.

        An origin that says it is overloaded keeps the turn while we wait, so that our other requests to it wait too.
        """
        attempt = 0
        with self._origin(url) as origin:
            while True:
                attempt += 1
                final = attempt >= self._tries or self._clock() - begun > self._patience.ask
                async with origin.turns, self._turns:
                    origin.check(self._clock())
                    try:
                        reply = await self._once(url, ask, origin)
                    except Exception as error:
                        if final or not passing(error):
                            raise RefusedError(
                                in_words(error) + (f" ({attempt} tries)" if attempt > 1 else "")
                            ) from error
                        wait = self._jitter(attempt)
                    else:
                        wait = reply.wanted_pause + self._jitter(attempt)
                        if final or reply.status not in TRANSIENT or reply.wanted_pause > LONGEST_PAUSE:
                            return reply
                        if reply.status in OVERLOADED:
                            await self._pause(wait)
                            continue
                await self._pause(wait)

    def _jitter(self, attempt: int) -> float:
        """Full jitter: anywhere from nothing to the doubled pause, so that many requests do not come back at once."""
        return self._rng.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1)))

    def _origin(self, url: URL) -> _Origin:
        key = place(url)
        if key not in self._origins:
            if len(self._origins) >= MANY_ORIGINS:
                self._origins = {key: origin for key, origin in self._origins.items() if origin.users}
            self._origins[key] = _Origin(url.host or "", self._per_origin)
        return self._origins[key]

    async def _once(self, url: URL, ask: Ask, origin: _Origin) -> _Reply:
        """One request, one reply, its body read only where it is wanted."""
        started = self._clock()
        try:
            response = await self._head(url, ask)
        except (aiohttp.ClientConnectionError, TimeoutError):
            origin.missed(self._clock())
            raise
        origin.unanswered = 0
        async with response:
            status, headers = response.status, response.headers
            if not 200 <= status <= 599:
                raise RefusedError(f"answered with a status that HTTP does not have: {status}")
            if status == 206:
                raise RefusedError("sent a part, although the whole was asked for")
            if status == 304 and not (ask.etag or ask.modified):
                raise RefusedError("answered that nothing changed, although nothing was held")
            body = await self._body(response, ask.limit, started) if 200 <= status < 300 else b""
            return _Reply(
                status=status,
                body=body,
                content_type=headers.get("Content-Type", ""),
                etag=_clean(headers.get("ETag", "")),
                modified=_clean(headers.get("Last-Modified", "")),
                location=headers.get("Location", "") if status in REDIRECTED else "",
                wanted_pause=_retry_after(headers.get("Retry-After", ""), headers.get("Date", "")),
            )

    async def _head(self, url: URL, ask: Ask) -> aiohttp.ClientResponse:
        if self._session is None:
            raise RefusedError("asked outside of its 'async with' block")
        headers = {}
        if etag := _clean(ask.etag):
            headers["If-None-Match"] = etag
        if modified := _clean(ask.modified):
            headers["If-Modified-Since"] = modified
        async with asyncio.timeout(self._patience.whole):
            return await self._session.get(url, headers=headers, allow_redirects=False, proxy=self._proxy)

    async def _body(self, response: aiohttp.ClientResponse, limit: int, started: float) -> bytes:
        """The decoded body. Stops at the first byte over ``limit``, or when it comes too slowly."""
        decode = decoder(response.headers.getall("Content-Encoding", []))
        too_large = RefusedError(f"larger than the limit of {limit:,} bytes")
        if decode is None and (response.content_length or 0) > limit:
            raise too_large
        parts: list[bytes] = []
        size = received = 0
        while chunk := await response.content.readany():
            received += len(chunk)
            part = decode.feed(chunk, limit + 1 - size) if decode else chunk
            size += len(part)
            if size > limit or received > limit + ENCODED_EXTRA:
                raise too_large
            parts.append(part)
            if self._clock() > started + self._patience.whole + received / self._patience.rate:
                raise RefusedError(f"too slow: {received:,} bytes in {self._clock() - started:.0f} s")
        if decode and received and not decode.whole():
            raise RefusedError("the compressed body is cut off")
        return parts[0] if len(parts) == 1 else b"".join(parts)


class _Origin:
    """One host and port: its turns, and how it has answered lately."""

    __slots__ = ("_host", "_rests_until", "turns", "unanswered", "users")

    def __init__(self, host: str, turns: int) -> None:
        self._host = host
        self._rests_until = float("-inf")
        self.turns = asyncio.Semaphore(turns)
        self.users = 0
        self.unanswered = 0

    def __enter__(self) -> Self:
        self.users += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.users -= 1

    def check(self, clock: float) -> None:
        """Refuse at once while the origin rests: ten thousand pages of a dead site must not take a day to fail."""
        if clock < self._rests_until:
            raise RefusedError(f"{self._host} gave no answer {FUSE} times in a row; left alone for a minute")

    def missed(self, clock: float) -> None:
        """A try brought no answer at all."""
        self.unanswered += 1
        if self.unanswered >= FUSE:
            self._rests_until = clock + REST


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reply:
    """What one request brought. ``wanted_pause`` is the Retry-After in seconds, 0 without one."""

    status: int
    body: bytes
    content_type: str
    etag: str
    modified: str
    location: str
    wanted_pause: float

    def answer(self, ask: Ask, url: str) -> Answer:
        media_type, charset = _media(self.content_type)
        unchanged = self.status == 304  # such a reply may leave out what it confirms
        return Answer(
            url=url,
            status=self.status,
            body=self.body,
            media_type=media_type,
            charset=charset,
            etag=self.etag or (ask.etag if unchanged else ""),
            modified=self.modified or (ask.modified if unchanged else ""),
        )


def _clean(value: str) -> str:
    """A header value that can be stored and sent back as it is, or ""."""
    return value if _PRINTABLE.fullmatch(value) else ""


def _media(content_type: str) -> tuple[str, str]:
    """Media type and charset as declared. ``inode/...`` is how folders answer; a web server may not pose as one."""
    kind, _, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    charset = _CHARSET.search(parameters[:1000])
    known = _MEDIA.fullmatch(kind) and not kind.startswith("inode/")
    return (kind if known else "", charset[1] if charset else "")


def _retry_after(value: str, date: str) -> float:
    """Seconds to wait, 0 if the server does not say. A date is read against the server's own clock."""
    if not value:
        return 0.0
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    with suppress(ValueError, TypeError, OverflowError):
        return max(0.0, (parsedate_to_datetime(value) - parsedate_to_datetime(date)).total_seconds())
    return 0.0
