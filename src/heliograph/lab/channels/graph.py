"""Meta's Graph API: an account of Instagram and a page of Facebook, tokens that die, and a limit that is told.

Rule 1: what lacks a good token, a right or the proof of the app's secret is refused before anything else is looked at.
Rule 2: each answer tells how much of the limit is used. Rule 3: what is declared or throttled is refused without
anything done.
"""

from __future__ import annotations

import itertools
import json
import math
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from aiohttp import web

from heliograph.lab.channels.asked import Asked, asked
from heliograph.lab.channels.graph_error import GraphError, missing
from heliograph.lab.channels.instagram import Instagram
from heliograph.lab.channels.mac import mac, same
from heliograph.lab.channels.page import Page
from heliograph.lab.channels.provider import Provider, Reply

Kind = Literal["instagram", "page", "user"]
RIGHTS: Final[dict[Kind, frozenset[str]]] = {
    "instagram": frozenset({"instagram_business_basic", "instagram_business_content_publish"}),
    "page": frozenset({"pages_manage_posts", "pages_read_engagement", "instagram_basic", "instagram_content_publish"}),
    "user": frozenset({"pages_manage_posts", "pages_read_engagement", "instagram_basic", "instagram_content_publish"}),
}
_DAY: Final = 86_400.0  # seconds
_LONG: Final = 60 * _DAY
_VERSION: Final = re.compile(r"v\d{1,3}\.\d")
_LOOSE: Final = frozenset({"debug_token", "refresh_access_token", "access_token", "me"})


@dataclass(slots=True, kw_only=True)
class Token:
    """``dead`` is the subcode it is refused with: 458 to 467."""

    value: str
    kind: Kind
    given: float
    expires: float  # 0: never
    rights: frozenset[str]
    app: str
    short: bool = False
    dead: int = 0


@dataclass(slots=True, kw_only=True)
class Terms:
    """What is demanded, and what the documentation leaves open."""

    versions: frozenset[str] = field(default_factory=lambda: frozenset({"v24.0", "v25.0", "v26.0"}))
    engaged: int = 10  # users: 4,800 calls for each in a rolling day
    proof: bool = False  # whether appsecret_proof must be there; one that is there must be right
    self_inspection: bool = True  # whether a token may ask about itself
    refresh_age: float = _DAY  # seconds that a token must be old to be refreshed
    too_young: tuple[int, int] = (10, 0)


class Graph(Provider):
    """See above. ``issue`` makes tokens."""

    def __init__(self, clock: Callable[[], float], seed: int = 0) -> None:
        super().__init__(clock, seed)
        self.terms = Terms()
        self.secret = "5f0c1e2d3a4b59687766554433221100"  # noqa: S105 - of an app that is not there
        self.app = "1234567890123456"
        self.instagram, self.page = Instagram(clock), Page(clock)
        self.tokens: dict[str, Token] = {}
        self._asked: deque[float] = deque()
        self._declared: deque[tuple[str, GraphError]] = deque()
        self._throttled: tuple[int, float] = (0, 0.0)
        self._numbers = itertools.count(1)

    def issue(
        self, kind: Kind, *, life: float | None = None, lacks: str = "", app: str = "", short: bool = False
    ) -> str:
        """A token; it lives 60 days, an hour if ``short``, and that of a page for ever."""
        seconds = life if life is not None else 0 if kind == "page" else 3_600 if short else _LONG
        value = f"{'IGAA' if kind == 'instagram' else 'EAAB'}{next(self._numbers):06d}ZCk7xqYv0LmN4pRsT8uWd2bF6hJ"
        now = self.clock()
        self.tokens[value] = Token(
            value=value, kind=kind, given=now, expires=now + seconds if seconds else 0, rights=RIGHTS[kind] - {lacks},
            app=app or self.app, short=short,
        )  # fmt: skip
        return value

    def kill(self, value: str, subcode: int = 460) -> None:
        """The token is good no more."""
        self.tokens[value].dead = subcode

    def declare(self, code: int, subcode: int = 0, *, on: str = "", status: int = 400, transient: bool = False) -> None:
        """The next call, or the next that is named ``on``, is refused so; nothing is done."""
        self._declared.append((on, GraphError(code, subcode, "on demand", status=status, transient=transient)))

    def throttle(self, code: int, minutes: float) -> None:
        """Everything is refused with that code until the clock has moved on so far."""
        self._throttled = (code, self.clock() + 60 * minutes)

    def named(self, request: web.BaseRequest) -> str:
        """The method and the edge, such as "POST media_publish"; "GET node" for a thing by its number."""
        parts = _parts(request.path)
        if not parts:
            return ""
        return f"{request.method} {parts[-1] if len(parts) == 2 or parts[0] in _LOOSE else 'node'}"

    async def answer(self, request: web.BaseRequest, body: bytes) -> Reply:
        """See ``Provider``."""
        now = self.clock()
        while self._asked and self._asked[0] <= now - _DAY:
            self._asked.popleft()
        self._asked.append(now)
        given = asked(request, body)
        wait, token = 0.0, None
        try:
            token = self._token(request, given)
            wait = self._limit(token)
            self._refuse(self.named(request))
            reply = Reply(await self._do(request.method, request.path, given, token))
        except GraphError as error:
            if error.code in {4, 17, 32, 613, 80001, 80002}:
                wait = max(wait, self._throttled[1] - now, 0.0)
            reply = error.reply()
        return replace(reply, headers=self._usage(token, wait))

    def dump(self) -> dict[str, Any]:
        """See ``Provider``."""
        return {"instagram": self.instagram.posts, "page": self.page.seen}

    def _token(self, request: web.BaseRequest, given: Asked) -> Token:
        parts = request.path.strip("/").split("/")
        if _VERSION.fullmatch(parts[0]) and parts[0] not in self.terms.versions:
            raise GraphError(2635, 0, "You are calling an unknown or a deprecated version of the API")
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        value = given.fields.get("access_token") or bearer
        if not value:
            raise GraphError(
                2500, 0, "An active access token must be used to query information about the current user."
            )
        token = self.tokens.get(value)
        if token is None:
            # as Meta does: the answer quotes what it was given
            raise GraphError(190, 0, f"Malformed access token {value}")
        if token.dead:
            raise GraphError(190, token.dead, "Error validating access token")
        if token.expires and self.clock() >= token.expires:
            raise GraphError(190, 463, "Error validating access token: Session has expired")
        proof = given.fields.get("appsecret_proof", "")
        if self.terms.proof and not proof:
            raise GraphError(100, 0, "API calls from the server require an appsecret_proof argument")
        if proof and not same(proof, mac(self.secret, value.encode())):
            raise GraphError(100, 0, "Invalid appsecret_proof provided in the API argument")
        return token

    def _limit(self, token: Token) -> float:
        """Seconds until access is regained. Raises GraphError where there is no access now."""
        code, until = self._throttled
        if self.clock() < until:
            raise GraphError(code, 0, "Application request limit reached", status=400)
        if len(self._asked) > 4_800 * self.terms.engaged:
            self._throttled = (80001 if token.kind == "page" else 80002, self._asked[0] + _DAY)
            raise GraphError(self._throttled[0], 0, "There have been too many calls")
        return 0.0

    def _refuse(self, name: str) -> None:
        for at, (on, error) in enumerate(self._declared):
            if on in {"", name}:
                del self._declared[at]
                raise error

    async def _do(self, method: str, path: str, given: Asked, token: Token) -> Any:  # noqa: ANN401 - JSON
        parts = _parts(path)
        fields = given.fields
        if parts == ["debug_token"] and method == "GET":
            return {"data": self._inspected(fields, token)}
        if parts in (["refresh_access_token"], ["access_token"]) and method == "GET":
            return self._renewed(parts[0], fields, token)
        if parts == ["me"]:
            parts = [self.instagram.id if token.kind == "instagram" else self.page.id]
        if len(parts) == 2 and parts[0] == self.page.id:
            self._may_page(method, token)
            return await self.page.edge(method, parts[1], fields, given.files, token.app)
        if len(parts) == 2 and parts[0] == self.instagram.id:
            self._may_instagram(method, token)
            return await self.instagram.edge(method, parts[1], fields)
        if len(parts) != 1:
            raise GraphError(2500, 0, f"Unknown path components: /{'/'.join(parts[1:])}")
        if parts[0].startswith(self.page.id):
            self._may_page(method, token)
            return self.page.node(method, parts[0], fields, token.app)
        if token.kind == "page" and parts[0] not in self.instagram.containers and not parts[0].isdigit():
            raise missing(method, parts[0])
        self._may_instagram("GET", token)
        return self.instagram.node(method, parts[0], fields, may_delete="instagram_manage_contents" in token.rights)

    def _may_page(self, method: str, token: Token) -> None:
        if token.kind != "page" or (method != "GET" and "pages_manage_posts" not in token.rights):
            raise GraphError(200, 0, "This takes a page's token with pages_manage_posts and pages_read_engagement")
        if "pages_read_engagement" not in token.rights:
            raise GraphError(10, 0, "This takes the right pages_read_engagement")

    def _may_instagram(self, method: str, token: Token) -> None:
        basic, publish = (
            ("instagram_business_basic", "instagram_business_content_publish")
            if token.kind == "instagram" else ("instagram_basic", "instagram_content_publish")
        )  # fmt: skip
        if basic not in token.rights or (method == "POST" and publish not in token.rights):
            raise GraphError(10, 0, "Application does not have permission for this action")

    def _inspected(self, fields: dict[str, str], token: Token) -> dict[str, Any]:
        if not self.terms.self_inspection:
            raise GraphError(100, 0, "You must provide an app access token, or a developer's token")
        other = self.tokens.get(fields.get("input_token", ""))
        if other is None or other.app != token.app:
            return {"is_valid": False, "scopes": [], "error": {"code": 190, "message": "Invalid OAuth access token."}}
        ended = bool(other.dead) or bool(other.expires and self.clock() >= other.expires)
        return {
            "app_id": other.app, "type": other.kind.upper(), "is_valid": not ended, "issued_at": int(other.given),
            "expires_at": int(other.expires), "scopes": sorted(other.rights), "profile_id": self.page.id,
        }  # fmt: skip

    def _renewed(self, name: str, fields: dict[str, str], token: Token) -> dict[str, Any]:
        if token.kind != "instagram":
            raise GraphError(100, 0, "This takes a token of Instagram's login")
        if name == "access_token":
            if fields.get("grant_type") != "ig_exchange_token" or fields.get("client_secret") != self.secret:
                raise GraphError(101, 0, "Error validating application")
            if not token.short:
                raise GraphError(100, 0, "This takes a token that lives an hour")
        else:
            if fields.get("grant_type") != "ig_refresh_token" or token.short:
                raise GraphError(100, 0, "This takes a long-lived token and grant_type=ig_refresh_token")
            if self.clock() - token.given < self.terms.refresh_age:
                raise GraphError(*self.terms.too_young, "The token must be a day old")
        made = self.issue("instagram")
        return {"access_token": made, "token_type": "bearer", "expires_in": int(_LONG)}

    def _usage(self, token: Token | None, wait: float) -> dict[str, str]:
        share = min(100, 100 * len(self._asked) // (4_800 * self.terms.engaged))
        use = {"call_count": share, "total_cputime": share, "total_time": share}
        headers = {"X-App-Usage": json.dumps(use)}
        if token is not None:
            of, kind = (self.page.id, "pages") if token.kind == "page" else (self.instagram.id, "instagram")
            row = {**use, "type": kind, "estimated_time_to_regain_access": math.ceil(wait / 60)}
            headers["X-Business-Use-Case-Usage"] = json.dumps({of: [row]})
            if token.kind == "page":
                headers["X-Page-Usage"] = json.dumps(use)
        return headers


def _parts(path: str) -> list[str]:
    parts = [part for part in path.split("/") if part]
    return parts[1:] if parts and _VERSION.fullmatch(parts[0]) else parts
