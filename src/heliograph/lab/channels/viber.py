"""Viber's Channels Post API.

Rule 1: an error is an answer with status 200 that has another "status" in it. Rule 2: nothing is taken before a webhook
answered 200 over TLS. Rule 3: there is no way to change or delete a post. What Viber's documentation leaves open is a
field of ``Terms``.
"""

from __future__ import annotations

import itertools
import json
import re
import ssl
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web

from heliograph.lab.channels.asked import parsed
from heliograph.lab.channels.fetching import fetch
from heliograph.lab.channels.mac import mac
from heliograph.lab.channels.provider import Provider, Reply

WORDS: Final = {
    0: "ok", 1: "invalidUrl", 2: "invalidAuthToken", 3: "badData", 4: "missingData", 5: "receiverNotRegistered",
    6: "receiverNotSubscribed", 7: "publicAccountBlocked", 8: "publicAccountNotFound", 9: "publicAccountSuspended",
    10: "webhookNotSet", 11: "receiverNoSuitableDevice", 12: "tooManyRequests", 19: "broadcastTooLarge",
    20: "broadcastNotAllowed", 21: "unsupportedCountry", 23: "freeQuotaSpent", 24: "noBalance",
}  # fmt: skip
_METHODS: Final = frozenset({"set_webhook", "get_account_info", "post"})
_PICTURE: Final = re.compile(r"\.(jpe?g|png|gif)$", re.IGNORECASE)
_VIDEO: Final = re.compile(r"\.mp4$", re.IGNORECASE)


@dataclass(slots=True, kw_only=True)
class Terms:
    """Limits. Characters are code points."""

    text: int = 7_000  # characters
    caption: int = 768  # characters; older pages say 512 and 120
    json: int = 30_000  # bytes of a whole request; "30 KB"
    url: int = 2_000  # characters
    name: int = 28  # characters of sender.name
    picture: int = 1_000_000  # bytes: what phones of Apple show
    video: int = 26_000_000  # bytes
    video_seconds: int = 180
    file: int = 50_000_000  # bytes
    tls: bool = True  # whether the webhook must have a certificate that is trusted; on loopback it has none
    looks: bool = False  # whether pictures are fetched when they are posted
    header: bool = True  # whether X-Viber-Auth-Token is taken in place of auth_token
    wrong_from: int = 3  # the status for who is no super-admin
    per_minute: int = 0  # posts of a minute, 0 for any number


class Viber(Provider):
    """A channel with one super-admin; ``posts`` is what its readers see."""

    def __init__(
        self,
        clock: Callable[[], float],
        seed: int = 0,
        *,
        token: str = "4453b6ac12345678-e02c5f12174805f9-daec9cbb5448c51f",  # noqa: S107 - opens nothing but this
    ) -> None:
        super().__init__(clock, seed)
        self.terms = Terms()
        self.token = token
        self.admin = "01234567890A="
        self.members = [
            {"id": "98765432109B=", "name": "Mira", "role": "admin"},
            {"id": self.admin, "name": "Editor", "role": "superadmin"},
        ]
        self.webhook = ""
        self.trust: ssl.SSLContext | bool = True  # what a webhook's certificate is held against; True: what all trust
        self.posts: list[dict[str, Any]] = []
        self._said: deque[int] = deque()
        self._numbers = itertools.count(4_912_661_846_655_238_145)

    def declare(self, *statuses: int) -> None:
        """What the next calls answer, one each, without doing anything; 0 for what they would answer."""
        self._said.extend(statuses)

    def named(self, request: web.BaseRequest) -> str:
        """See ``Provider``."""
        name = request.path.removeprefix("/pa/")
        return name if request.path.startswith("/pa/") and name in _METHODS else ""

    async def answer(self, request: web.BaseRequest, body: bytes) -> Reply:
        """See ``Provider``."""
        name = self.named(request)
        if not name or request.method != "POST":
            return Reply(b"", 404)
        if len(body) > self.terms.json:
            return _status(3)
        given = parsed(body)
        if not given:
            return _status(3)
        token = given.get("auth_token") or (self.terms.header and request.headers.get("X-Viber-Auth-Token")) or None
        if token is None:
            return _status(4)
        if token != self.token:
            return _status(2)
        if self._said and (status := self._said.popleft()):
            return _status(status)
        if name == "set_webhook":
            return await self._set_webhook(given.get("url"))
        if name == "get_account_info":
            return Reply(
                {"status": 0, "status_message": "ok", "id": "pa:75346594275468546724", "name": "Півострів",
                 "webhook": self.webhook, "members": self.members, "subscribers_count": 35}
            )  # fmt: skip
        return await self._post(given)

    def dump(self) -> dict[str, Any]:
        """See ``Provider``."""
        return {"webhook": self.webhook, "posts": self.posts}

    async def _set_webhook(self, url: object) -> Reply:
        if not isinstance(url, str):
            return _status(4)
        if url == "":  # the documented way to take it out
            self.webhook = ""
            return _status(0)
        if len(url) > self.terms.url or (self.terms.tls and urlsplit(url).scheme != "https"):
            return _status(1)
        event = {"event": "webhook", "timestamp": int(self.clock() * 1000), "message_token": next(self._numbers)}
        body = json.dumps(event).encode()
        headers = {"Content-Type": "application/json", "X-Viber-Content-Signature": mac(self.token, body)}
        try:
            timeout = aiohttp.ClientTimeout(total=5)
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.post(url, data=body, headers=headers, allow_redirects=False, ssl=self.trust) as answer,
            ):
                well = answer.status == 200
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError):
            well = False
        if not well:
            return _status(1)
        self.webhook = url
        return Reply({"status": 0, "status_message": "ok", "event_types": ["subscribed", "unsubscribed", "message"]})

    async def _post(self, given: dict[str, Any]) -> Reply:
        if not self.webhook:
            return _status(10)
        if given.get("from") != self.admin:
            return _status(self.terms.wrong_from if given.get("from") else 4)
        minute = [post for post in self.posts if post["at"] > self.clock() - 60]
        if self.terms.per_minute and len(minute) >= self.terms.per_minute:
            return _status(12)
        if status := await self._wrong(given):
            return _status(status)
        number = next(self._numbers)
        kept = {key: value for key, value in given.items() if key not in {"auth_token", "from"}}
        self.posts.append({**kept, "token": number, "at": self.clock()})
        return Reply({"status": 0, "status_message": "ok", "message_token": number})

    async def _wrong(self, given: dict[str, Any]) -> int:
        """The status of what is not taken, 0 where all is well."""
        terms, kind = self.terms, given.get("type")
        text, media, sender = given.get("text", ""), given.get("media"), given.get("sender", {})
        if not isinstance(text, str) or not isinstance(sender, dict) or len(str(sender.get("name", ""))) > terms.name:
            return 3
        if kind == "text":
            return 4 if not text else 3 if len(text) > terms.text else 0
        if kind not in {"picture", "video", "file", "url"}:
            return 3
        if not isinstance(media, str) or not media:
            return 4
        if len(media) > terms.url or urlsplit(media).scheme not in {"http", "https"}:
            return 1
        path = urlsplit(media).path
        if kind == "picture":
            return 3 if len(text) > terms.caption else 1 if not _PICTURE.search(path) else await self._looked(media)
        if kind == "video":
            length, size = given.get("duration", 0), given.get("size")
            if not isinstance(size, int) or not isinstance(length, int):
                return 4
            return 1 if not _VIDEO.search(path) else 3 if size > terms.video or length > terms.video_seconds else 0
        if kind == "file":
            size, name = given.get("size"), given.get("file_name")
            if not isinstance(size, int) or not isinstance(name, str):
                return 4
            return 3 if size > terms.file or name.lower().endswith(".apk") else 0
        return 0

    async def _looked(self, media: str) -> int:
        if not self.terms.looks:
            return 0
        found = await fetch(media, agent="Viber", most=self.terms.picture, seconds=5)
        return 1 if found.trouble == "unreachable" else 3 if found.trouble else 0


def _status(status: int) -> Reply:
    return Reply({"status": status, "status_message": WORDS.get(status, "generalError")})
