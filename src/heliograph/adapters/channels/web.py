"""How providers are asked: one client, its time limits, and what each way to fail means for a post.

Rule 1: a request that may have arrived is never made again here. aiohttp itself repeats only what is neither POST nor
PATCH, so a post is a POST. Rule 2: an answer has a size limit and a time limit. Rule 3: no address goes into a note,
since some providers want their token in it.

    TLS, DNS, refused, stalled before a connection   "later": nothing was sent
    no answer, cut off, 5xx, an answer nobody can read   "unknown": it may be done
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Final, Self

import aiohttp

from heliograph.model.post import Fate

TIMEOUT: Final = aiohttp.ClientTimeout(total=30, sock_connect=5, sock_read=20)  # seconds
MOST_ANSWER: Final = 1_000_000  # bytes
MOST_NOTE: Final = 300  # characters of a provider's own words


class TooLargeError(aiohttp.ClientError):
    """An answer is larger than any that a provider would give."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """An answer, or with status 0 why there is none, and what that means for a post."""

    status: int = 0
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    fate: Fate = "unknown"  # where there is no answer: "later" or "unknown"
    note: str = ""

    def json(self) -> Any:  # noqa: ANN401 - it may be anything
        """The body as JSON, None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None


class Web:
    """Use it as ``async with Web() as web``, or close it with ``aclose``; the connections are made when needed."""

    def __init__(self, timeout: aiohttp.ClientTimeout = TIMEOUT, most: int = MOST_ANSWER) -> None:
        """``most`` bytes of an answer are taken."""
        self._timeout, self._most = timeout, most
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections. It may be used again."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def ask(
        self,
        method: str,
        url: str,
        *,
        data: Any = None,  # noqa: ANN401 - what aiohttp takes
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Got:
        """Ask once. Never raises but for cancellation. A dict as ``data`` is sent as JSON."""
        try:
            return await self.exchange(method, url, data=data, headers=headers, params=params)
        except Exception as error:  # noqa: BLE001 - the promise of every channel: nothing of the outside is raised
            fate, note = failure(error)
            return Got(fate=fate, note=note)

    async def exchange(
        self,
        method: str,
        url: str,
        *,
        data: Any = None,  # noqa: ANN401 - what aiohttp takes
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        timeout: aiohttp.ClientTimeout | None = None,  # noqa: ASYNC109 - aiohttp's own
    ) -> Got:
        """The same, for who sorts errors by himself.

        Raises:
            TooLargeError: the answer is larger than ``most``.
            aiohttp.ClientError: there is none; see ``failure``.
            TimeoutError: there is none in time.
        """
        if self._session is None:
            connector = aiohttp.TCPConnector(ttl_dns_cache=60, limit=32)
            jar = aiohttp.DummyCookieJar()
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=jar, trust_env=False)
        form = {"json": data} if isinstance(data, dict) else {"data": data}
        async with self._session.request(
            method,
            url,
            headers=headers,
            params=params,
            timeout=timeout or self._timeout,
            allow_redirects=False,  # a redirected post would be a second one
            **form,
        ) as response:
            body = await _bounded(response, self._most)
            return Got(status=response.status, body=body, headers=dict(response.headers))


async def _bounded(response: aiohttp.ClientResponse, most: int) -> bytes:
    body = bytearray()
    async for piece in response.content.iter_any():
        body += piece
        if len(body) > most:
            raise TooLargeError
    return bytes(body)


def failure(error: BaseException) -> tuple[Fate, str]:
    """What an exception in place of an answer means for a post, and how to tell it to people."""
    match error:
        case aiohttp.ClientConnectorDNSError():
            return "later", "the provider's name is not found"
        case aiohttp.ClientConnectorCertificateError() | aiohttp.ServerFingerprintMismatch():
            return "later", "the provider's certificate is not good"
        case aiohttp.ConnectionTimeoutError():
            return "later", "no connection in time"
        case aiohttp.InvalidURL():
            return "later", "the provider's address is none"
        case aiohttp.ClientConnectorError():
            return "later", "no connection: " + (error.os_error.strerror or "refused")
        case TooLargeError():
            return "unknown", "the answer is too large"
        case aiohttp.ServerDisconnectedError() | ConnectionError():
            return "unknown", "the connection ended without an answer"
        case TimeoutError():
            return "unknown", "no answer in time"
        case aiohttp.ClientPayloadError():
            return "unknown", "the answer broke off"
    return "unknown", f"no answer: {type(error).__name__}"


def plain(text: object, *secrets: str) -> str:
    """A provider's own words for a note: one line, not long, without any of ``secrets``."""
    said = str(text)[: 10 * MOST_NOTE]
    for one in secrets:
        said = said.replace(one, "***") if one else said
    return " ".join("".join(char if char.isprintable() else " " for char in said).split())[:MOST_NOTE]
