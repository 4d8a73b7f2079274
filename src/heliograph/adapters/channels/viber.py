"""A channel of Viber.

Viber takes a post only from a channel that has a webhook, and in the name of its super-admin. Rule 1: both are seen to
before the first post of a token, and nothing of that is seen by readers. Rule 2: an error is an answer with status 200
and another "status" in it. Rule 3: what is posted can neither be changed, nor deleted, nor looked up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp

from heliograph.adapters.channels.fates import by_status, compact, mapping, number, unseen, unsendable, unusable
from heliograph.adapters.channels.held import Held
from heliograph.adapters.channels.secret import secret
from heliograph.adapters.channels.web import TIMEOUT, Web
from heliograph.model import ConfigError
from heliograph.model.post import ChannelKind, Drawn, Entry, Fate, Health, Message, Sent

_FIRST_WAIT: Final = 60.0  # seconds after "too many requests", doubled each time: Viber does not say how long
_LONGEST_WAIT: Final = 3_600.0
_NO_WEBHOOK: Final = 10
_TOO_MANY: Final = 12
_STATUSES: Final[Mapping[int, tuple[Fate, str]]] = {
    1: ("refused", "it does not take the picture's address"),
    2: ("stopped", "the token is wrong: copy it anew from the channel's developer tools"),
    3: ("refused", "it does not take this post"),
    4: ("refused", "the post lacks something"),
    5: ("refused", "the receiver is not there"),
    6: ("refused", "the receiver has not subscribed"),
    7: ("stopped", "the channel is blocked"),
    8: ("stopped", "there is no such channel"),
    9: ("stopped", "the channel is suspended"),
    _NO_WEBHOOK: ("later", "the channel has lost its webhook: it is set again"),
    _TOO_MANY: ("later", "it takes no more for now"),
    19: ("refused", "a broadcast is too large"),
    20: ("refused", "a broadcast is not allowed"),
    21: ("stopped", "the channel is not allowed in this country"),
    23: ("stopped", "the free messages are spent"),
    24: ("stopped", "the account has no money left"),
}
_BY_HAND: Final = "Viber lets nobody {} a post from outside: do it by hand in the app"


class Viber(Held):
    """See ``ports.Channel``, and ``Held`` for its end."""

    kind: ChannelKind = "viber"

    def __init__(
        self, name: str, *, token: Path, webhook: str, base: str = "https://chatapi.viber.com/",
        timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> None:  # fmt: skip
        """``token`` is the file with the channel's token, ``webhook`` an address that answers 200 to Viber."""
        self.name = name
        self._token, self._webhook, self._base = token, webhook, base.rstrip("/")
        self._web = Web(timeout)
        super().__init__(self._web)
        self._admins: dict[str, str] = {}  # by token: who posts, where that is known and a webhook is set
        self._wait = _FIRST_WAIT

    async def send(self, message: Message, pictures: Sequence[Drawn] = (), to: Sequence[str] = ()) -> Sent:
        """See ``ports.Channel``. A picture must have an address whose path ends in .jpg, .png or .gif."""
        if to:
            return Sent(fate="refused", note="a channel has no subscribers that can be written to")
        if len(pictures) > 1 or not all(picture.url for picture in pictures):
            return Sent(fate="refused", note="a post takes one picture, at an address that Viber can fetch")
        try:
            token = secret(self._token)
        except ConfigError as error:
            return unusable(error)
        fresh = token not in self._admins
        admin = await self._ready(token) if fresh else self._admins[token]
        if isinstance(admin, Sent):
            return unseen(admin)
        shown = {"type": "picture", "media": pictures[0].url} if pictures else {"type": "text"}
        said = await self._call("post", {"auth_token": token, "from": admin, **shown, "text": message.text})
        if isinstance(said, Sent):
            return said
        status = number(said["status"])
        if status:
            self._admins.pop(token, None)  # whatever was known may be so no more
        if status == _NO_WEBHOOK and fresh:
            return Sent(fate="stopped", note="Viber says that there is no webhook just after it was set (10)")
        if status:
            return self._refused(status)
        self._wait = _FIRST_WAIT
        made = number(said.get("message_token"))
        return Sent(fate="posted", remotes=(str(made),) if made else ())

    async def edit(self, remotes: Sequence[str], message: Message, pictures: Sequence[Drawn] = ()) -> Sent:
        """It cannot be done."""
        return Sent(fate="refused", note=_BY_HAND.format("change"))

    async def withdraw(self, remotes: Sequence[str]) -> Sent:
        """It cannot be done."""
        return Sent(fate="refused", note=_BY_HAND.format("delete"))

    async def proof(self, entry: Entry) -> Sent:
        """There is none."""
        note = "Viber does not tell what stands in a channel: look in the app"
        return Sent(fate="unknown", remotes=entry.remotes, note=note)

    async def health(self) -> Health:
        """See ``ports.Channel``. Tokens of channels do not expire."""
        try:
            token = secret(self._token)
        except ConfigError as error:
            return Health(works=False, note=unusable(error).note)
        said = await self._call("get_account_info", {"auth_token": token})
        if isinstance(said, Sent):
            return Health(works=False, note=said.note)
        status = number(said["status"])
        if status == _NO_WEBHOOK:
            return Health(works=True, note="the webhook is set before the first post")
        if status:
            return Health(works=False, note=self._refused(status).note)
        works = bool(_admin(said))
        return Health(works=works, note="" if works else _NO_ADMIN)

    async def _ready(self, token: str) -> str | Sent:
        """The super-admin's id, after the webhook is as it shall be; or why there is none."""
        info = await self._call("get_account_info", {"auth_token": token})
        if isinstance(info, Sent):
            return info
        if number(info["status"]) == _NO_WEBHOOK or (not info["status"] and info.get("webhook") != self._webhook):
            set_ = await self._call("set_webhook", {"auth_token": token, "url": self._webhook})
            if isinstance(set_, Sent):
                return set_
            if number(set_["status"]) == 1:
                note = "Viber does not get 200 from the webhook: name an address that answers it (1)"
                return Sent(fate="stopped", note=note)
            if set_["status"]:
                return self._refused(number(set_["status"]))
        if number(info["status"]) == _NO_WEBHOOK:
            info = await self._call("get_account_info", {"auth_token": token})
            if isinstance(info, Sent):
                return info
        if info["status"]:
            return self._refused(number(info["status"]))
        if not (admin := _admin(info)):
            return Sent(fate="stopped", note=_NO_ADMIN)
        self._admins = {token: admin}
        return admin

    async def _call(self, method: str, fields: Mapping[str, Any]) -> dict[str, Any] | Sent:
        """What Viber said, whole numbers in "status"; or what it means that it said nothing."""
        body = compact(fields)
        if body is None:
            return unsendable()
        # a post on a connection that its other side has just given up would be "unknown" for nothing
        headers = {"Content-Type": "application/json", "Connection": "close"}
        got = await self._web.ask("POST", f"{self._base}/pa/{method}", data=body, headers=headers)
        sent = by_status(got)
        if sent.fate != "posted":
            return sent
        said = mapping(got.json())
        status = said.get("status")
        if not isinstance(status, int) or isinstance(status, bool):
            return Sent(fate="unknown", note="an answer that makes no sense")
        return said

    def _refused(self, status: int) -> Sent:
        fate, note = _STATUSES.get(status, ("refused", "it does not take this"))
        wait = 0.0
        if status == _TOO_MANY:
            wait, self._wait = self._wait, min(2 * self._wait, _LONGEST_WAIT)
        return Sent(fate=fate, wait=wait, note=f"Viber: {note} ({status})"[:300])


_NO_ADMIN: Final = "Viber names no super-admin of the channel, in whose name posts are made"


def _admin(info: Mapping[str, Any]) -> str:
    """The id of the first super-admin, "" where none is named."""
    members = info.get("members")
    for member in members if isinstance(members, list) else []:
        role, found = mapping(member).get("role"), mapping(member).get("id")
        if isinstance(role, str) and isinstance(found, str) and found and role.lower().replace("-", "") == "superadmin":
            return found
    return ""
