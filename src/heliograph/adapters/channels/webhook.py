"""Anything that takes plain JSON over HTTP.

Rule 1: what is sent has an id made of its content, so that a receiver that gets the same twice can tell. Rule 2: with a
secret, the header X-Heliograph-Signature holds "sha256=" and the HMAC-SHA256 of the body as it was sent. Rule 3: 2xx is
posted; 4xx is refused, but for 429 (later) and 410 (nothing more is sent until a person acts); 503 with Retry-After is
later; all else may have been done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import aiohttp

from heliograph.adapters.channels.fates import by_status, compact, mapping, unsendable, unusable
from heliograph.adapters.channels.held import Held
from heliograph.adapters.channels.mac import mac
from heliograph.adapters.channels.secret import secret
from heliograph.adapters.channels.web import TIMEOUT, Web
from heliograph.model import ConfigError
from heliograph.model.post import ChannelKind, Drawn, Entry, Health, Message, Sent

SIGNATURE: Final = "X-Heliograph-Signature"
_LONGEST_ID: Final = 200  # characters


class Webhook(Held):
    """See ``ports.Channel``, and ``Held`` for its end."""

    kind: ChannelKind = "webhook"

    def __init__(
        self, name: str, *, url: str, secret: Path | None = None, timeout: aiohttp.ClientTimeout = TIMEOUT
    ) -> None:
        """``secret`` is a file, None where nothing is signed."""
        self.name, self._url, self._secret = name, url, secret
        self._web = Web(timeout)
        super().__init__(self._web)

    async def send(self, message: Message, pictures: Sequence[Drawn] = (), to: Sequence[str] = ()) -> Sent:
        """See ``ports.Channel``. Pictures go along as their addresses, where they have one."""
        if to:
            return Sent(fate="refused", note="a webhook has no subscribers")
        return await self._post("post", _content(message, pictures), ())

    async def edit(self, remotes: Sequence[str], message: Message, pictures: Sequence[Drawn] = ()) -> Sent:
        """See ``ports.Channel``."""
        return await self._post("edit", _content(message, pictures), remotes)

    async def withdraw(self, remotes: Sequence[str]) -> Sent:
        """See ``ports.Channel``."""
        return await self._post("withdraw", {}, remotes)

    async def proof(self, entry: Entry) -> Sent:
        """There is none."""
        note = "a webhook cannot be asked what it was given: look there"
        return Sent(fate="unknown", remotes=entry.remotes, note=note)

    async def health(self) -> Health:
        """See ``ports.Channel``. Asks for the address's head: any answer but 410 and 5xx shows that it is there."""
        try:
            if self._secret is not None:
                secret(self._secret)
        except ConfigError as error:
            return Health(works=False, note=unusable(error).note)
        got = await self._web.ask("HEAD", self._url, headers={"Connection": "close"})
        works = 200 <= got.status < 500 and got.status != 410
        return Health(works=works, note="" if works else by_status(got).note)

    async def _post(self, act: str, content: Mapping[str, Any], remotes: Sequence[str]) -> Sent:
        fields: dict[str, Any] = {"act": act, **content, **({"of": list(remotes)} if remotes else {})}
        bare = compact(fields)
        own = sha256(bare or b"").hexdigest()[:32]
        body = compact({"id": own, **fields})
        if body is None:
            return unsendable()
        # a post on a connection that its other side has just given up would be "unknown" for nothing
        headers = {"Content-Type": "application/json; charset=utf-8", "Connection": "close"}
        try:
            key = secret(self._secret) if self._secret is not None else ""
        except ConfigError as error:
            return unusable(error)
        if key:
            headers[SIGNATURE] = "sha256=" + mac(key, body)
        got = await self._web.ask("POST", self._url, data=body, headers=headers)
        sent = by_status(got)
        if sent.fate != "posted":
            return sent
        made = mapping(got.json()).get("id")
        named = isinstance(made, str) and made.isprintable() and 0 < len(made) <= _LONGEST_ID
        if key and key in str(made):  # whoever knows it could write it into the journal so
            named = False
        return Sent(fate="posted", remotes=(str(made) if named else own,) if act == "post" else tuple(remotes))


def _content(message: Message, pictures: Sequence[Drawn]) -> dict[str, Any]:
    shown = [{"url": picture.url, "alt": picture.alt} for picture in pictures if picture.url]
    fields = {"text": message.text, "lang": message.lang, "subject": message.subject, "link": message.link}
    return {**fields, "replies_to": message.replies_to, "pictures": shown}
