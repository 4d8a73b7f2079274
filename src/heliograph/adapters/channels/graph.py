"""Meta's Graph API, as Instagram and Facebook share it: how it is asked, and what its errors mean for a post.

Rule 1: codes decide, never words, and no word of an answer goes into a note: it may quote the token. Rule 2: an error
that is not known is a refusal, for it was declared; one that Meta calls its own is "unknown" where readers would see
what was done. Rule 3: a 5xx is "unknown" whatever it says.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp

from heliograph.adapters.channels.fates import (
    MOST_WAIT,
    by_status,
    mapping,
    number,
    unseen,
    unsendable,
    unusable,
)
from heliograph.adapters.channels.mac import mac
from heliograph.adapters.channels.secret import secret
from heliograph.adapters.channels.web import TIMEOUT, Got, Web
from heliograph.model import ConfigError
from heliograph.model.post import Fate, Health, Sent

GONE: Final = frozenset({(100, 33), (803, 0)})  # not there, or not for us: Meta does not say which
_DAY_CAP: Final = 3_600.0  # seconds: the day is a rolling one, so that each hour may free a post
_ID = re.compile(r"[0-9]{1,40}(?:_[0-9]{1,40})?")
_USAGE: Final = "x-business-use-case-usage"
_THROTTLED: Final = frozenset({4, 17, 32, 341, 613, *range(80_000, 80_015)})
_FATES: Final[Mapping[tuple[int, int], tuple[Fate, float, str]]] = {
    (-2, 2207003): ("later", 0, "Instagram could not fetch the picture in time"),
    (-2, 2207020): ("later", 0, "the picture has expired there: it is handed in again"),
    (-1, 0): ("unknown", 0, "Instagram had an error of its own"),
    (-1, 2207001): ("unknown", 0, "Instagram had an error of its own"),
    (-1, 2207032): ("unknown", 0, "Instagram could not make the post"),
    (1, 0): ("unknown", 0, "Meta had an error of its own"),
    (2, 0): ("unknown", 0, "Meta's service was not there for a moment"),
    (4, 2207051): ("stopped", 0, "Instagram takes this for spam: look at the account in the app"),
    (9, 2207042): ("later", _DAY_CAP, "no more posts today: the account's daily number is reached"),
    (10, 0): ("stopped", 0, "the token lacks a right: make one with all that the manual names"),
    (24, 2207006): ("stopped", 0, "Instagram does not show the picture to this token: look at its rights"),
    (24, 2207008): ("later", 30, "the picture waited too long there: it is handed in again"),
    (25, 2207050): ("stopped", 0, "Instagram has restricted the account: look at it in the app"),
    (100, 2207023): ("refused", 0, "Instagram does not know this type of media"),
    (100, 2207040): ("refused", 0, "more than 20 accounts are named"),
    (102, 0): ("stopped", 0, "the token is dead: make a new one"),
    (138, 0): ("refused", 0, "robots.txt of the picture's host bans Instagram from fetching it"),
    (190, 0): ("stopped", 0, "the token is dead: make a new one"),
    (368, 0): ("stopped", 0, "Meta has blocked the account for what it calls abuse: look at it in the app"),
    (506, 0): ("unknown", 0, "Facebook says that the newest post has the same text: it may be this one"),
    (9004, 2207052): ("later", 0, "Instagram cannot fetch the picture: look at the host that holds it"),
    (9007, 2207027): ("later", 60, "Instagram has not looked at the picture yet"),
    (36000, 2207004): ("refused", 0, "the picture has more than 8 MiB"),
    (36001, 2207005): ("refused", 0, "the picture is no JPEG that Instagram takes"),
    (36003, 2207009): ("refused", 0, "the picture is too narrow or too wide (4:5 to 1.91:1)"),
    (36004, 2207010): ("refused", 0, "the text is too long for Instagram, or has too many hashtags"),
    (1609005, 0): ("refused", 0, "Facebook cannot fetch the page of the link"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What was said, or in ``sent`` why nothing was; ``code`` is then the error's code and subcode, (0, 0) if none."""

    said: Mapping[str, Any] = field(default_factory=dict)
    sent: Sent | None = None
    code: tuple[int, int] = (0, 0)
    wait: float = 0.0  # seconds that the usage headers ask for

    @property
    def denied(self) -> bool:
        """Whether it may not be done: the token lacks the right for it, or this account or post is not of that kind."""
        return self.code[0] in {3, 10, 100, *range(200, 300)}

    @property
    def gone(self) -> bool:
        """Whether what was asked for is not there, or not to be seen with this token."""
        return self.code in GONE


class Graph:
    """One account's way to the Graph API; ``base`` is the address of a provider, a relay or the lab."""

    def __init__(
        self, base: str, version: str, token: Path, proof: Path | None = None, timeout: aiohttp.ClientTimeout = TIMEOUT
    ) -> None:
        """``token`` and ``proof``, the app's secret, are files; ``version`` is such as "v26.0"."""
        self._base, self._version = base.rstrip("/"), version
        self.token, self._proof = token, proof
        self.web = Web(timeout)

    async def ask(
        self, method: str, path: str, fields: Mapping[str, str] | None = None, *, seen: bool = False,
        versioned: bool = True, picture: bytes = b"", inspect: bool = False,
    ) -> Reply:  # fmt: skip
        """Ask once. ``seen``: readers see what it does. ``inspect`` gives the token as what is asked about, too."""
        try:
            token = secret(self.token)
            sent: dict[str, str] = {**(fields or {}), "access_token": token}
            if self._proof is not None:
                sent["appsecret_proof"] = mac(secret(self._proof), token.encode())
            if inspect:
                sent["input_token"] = token
            query = urlencode(sent)
        except ConfigError as error:
            return Reply(sent=unusable(error))
        except UnicodeEncodeError:
            return Reply(sent=unsendable())
        url = f"{self._base}/{self._version}/{path}" if versioned else f"{self._base}/{path}"
        # a post on a connection that its other side has just given up would be "unknown" for nothing
        headers = {"Connection": "close"}
        if method != "POST":
            got = await self.web.ask(method, f"{url}?{query}", headers=headers)
        elif picture:
            form = aiohttp.FormData(sent)
            form.add_field("source", picture, filename="picture.jpg", content_type="image/jpeg")
            got = await self.web.ask(method, url, data=form, headers=headers)
        else:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            got = await self.web.ask(method, url, data=query.encode(), headers=headers)
        reply = read(got)
        return reply if seen or reply.sent is None else Reply(sent=unseen(reply.sent), code=reply.code, wait=reply.wait)

    async def inspect(self, *rights: str) -> Health | None:
        """What Meta says of the token, and whether it has ``rights``; None where this token may not ask."""
        reply = await self.ask("GET", "debug_token", inspect=True)
        if reply.sent is not None:
            return (
                None
                if reply.sent.fate == "refused" or reply.code[0] == 10
                else Health(works=False, note=reply.sent.note)
            )
        data = mapping(reply.said.get("data"))
        if not data:
            return None
        expires = moment(number(data.get("expires_at")))
        if data.get("is_valid") is not True:
            return Health(works=False, expires=expires, note="the token is dead: make a new one")
        scopes = data.get("scopes")
        lacks = [one for one in rights if isinstance(scopes, list) and one not in scopes]
        note = f"the token lacks the right {', '.join(lacks)}" if lacks else ""
        return Health(works=not lacks, expires=expires, note=note)


def read(got: Got) -> Reply:
    """What an answer comes to."""
    wait = waiting(got.headers)
    by_http = by_status(got)
    if not got.status or got.status >= 500:
        return Reply(sent=by_http, wait=wait)
    said = got.json()
    error = mapping(mapping(said).get("error"))
    code = (number(error.get("code")), number(error.get("error_subcode")))
    if code[0]:
        return Reply(sent=_declared(code, transient=error.get("is_transient") is True, wait=wait), code=code, wait=wait)
    if by_http.fate != "posted":
        return Reply(sent=by_http, wait=wait)
    if not isinstance(said, dict) or "error" in said:
        return Reply(sent=Sent(fate="unknown", note="an answer that makes no sense"), wait=wait)
    return Reply(said=said, wait=wait)


def _declared(code: tuple[int, int], *, transient: bool, wait: float) -> Sent:
    known = _FATES.get(code) or _FATES.get((code[0], 0))
    told = f" ({code[0]}/{code[1]})" if code[1] else f" ({code[0]})"
    if known is None and code[0] in _THROTTLED:
        return Sent(fate="later", wait=wait, note=f"Meta takes no more for now{told}")
    if known is None and 200 <= code[0] < 300:
        known = _FATES[10, 0]
    if known is None and transient:
        known = _FATES[2, 0]
    fate, least, note = known or ("refused", 0.0, "Meta does not take this")
    return Sent(fate=fate, wait=max(wait, least) if fate == "later" else 0.0, note=note + told)


def declared(subcode: int) -> Sent | None:
    """The fate of an error of which the subcode alone is told; None where it is not known."""
    code = next((code for code in _FATES if code[1] == subcode), None)
    return _declared(code, transient=False, wait=0.0) if code else None


def waiting(headers: Mapping[str, str]) -> float:
    """Seconds until access is regained, as the usage headers say (in minutes); 0 where they do not."""
    text = next((value for name, value in headers.items() if name.lower() == _USAGE), "")
    uses = mapping(Got(body=text.encode(errors="replace")).json())
    found = [
        number(mapping(use).get("estimated_time_to_regain_access"))
        for listed in uses.values() if isinstance(listed, list) for use in listed
    ]  # fmt: skip
    return min(max([0.0, *(60.0 * max(0, min(one, 10_000)) for one in found)]), MOST_WAIT)


def identity(value: object) -> str:
    """An id as Meta gives one, "" for anything else: it becomes part of an address."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text if isinstance(text, str) and _ID.fullmatch(text) else ""


def rows(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What a list of the Graph API holds."""
    listed = said.get("data")
    return [mapping(row) for row in listed] if isinstance(listed, list) else []


def gone_from(listed: Reply, name: str) -> Sent | None:
    """What a list of posts tells of a deletion of ``name``: who may see the others and does not see it, knows it gone.

    "posted" where it is gone; "later" or "unknown" where there was no list this time; None where the list holds it,
    or is not for us.
    """
    if listed.sent is None:
        there = any(identity(row.get("id")) == name for row in rows(listed.said))
        known = isinstance(listed.said.get("data"), list) and not there
        return Sent(fate="posted", remotes=(name,), note="it is not there any more") if known else None
    if listed.sent.fate == "later" and listed.sent.wait:
        return listed.sent
    unseen_yet = listed.sent.fate in ("later", "unknown")
    return Sent(fate="unknown", note="whether it is gone could not be seen") if unseen_yet else None


def moment(seconds: int) -> datetime | None:
    """A time of Meta's, None for 0 (never) and for what is none."""
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None


def said_at(value: object) -> datetime | None:
    """A time as the Graph API writes it, such as 2026-11-26T12:00:00+0000."""
    try:
        return datetime.strptime(str(value)[:40], "%Y-%m-%dT%H:%M:%S%z")
    except ValueError:
        return None


def same(one: object, other: str) -> bool:
    """Whether two texts are the same to a reader: Meta may change spaces and composed letters."""
    return isinstance(one, str) and _folded(one) == _folded(other)


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())
