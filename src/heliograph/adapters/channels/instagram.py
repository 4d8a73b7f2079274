"""A professional account of Instagram: pictures, since it takes no text alone.

A picture is handed in as an address that Instagram fetches (a container), looked at there, then published. Rule 1:
only the last step is seen by readers; whatever goes wrong before it is "later" or refused. Rule 2: who does not know
whether it was published keeps the container's number as "container:...", for it can be asked about. Rule 3: a caption
that is missing among the newest proves nothing; a container that is still unpublished after ten minutes does.
"""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Literal

import aiohttp
import anyio

from heliograph.adapters.channels import tokens
from heliograph.adapters.channels.fates import mapping, number, unseen
from heliograph.adapters.channels.graph import Graph, Reply, declared, gone_from, identity, rows, said_at, same
from heliograph.adapters.channels.held import Held
from heliograph.adapters.channels.web import TIMEOUT, plain
from heliograph.model import ConfigError
from heliograph.model.post import ChannelKind, Drawn, Entry, Health, Message, Sent

BASES: Final = {"instagram": "https://graph.instagram.com/", "facebook": "https://graph.facebook.com/"}
RIGHTS: Final = ("instagram_basic", "instagram_content_publish")
CLUE: Final = "container:"
_LOOKS: Final = 5  # times a minute apart: Meta asks for no more
_MINUTE: Final = 60.0  # seconds
_FULL: Final = 3_600.0  # seconds to wait where the day's number is reached: it is a rolling day
_SETTLED: Final = timedelta(minutes=10)  # no request of ours is under way for so long
_SKEW: Final = timedelta(minutes=5)  # between Meta's clock and ours
_NEWEST: Final = "50"  # posts that are looked through
_BY_HAND: Final = "Instagram does not let programs {}: do it by hand in the app"
_SUBCODE = re.compile(r"\b22\d{5}\b")
_TOKEN = re.compile(r"[\x21-\x7e]{1,4000}")


class Instagram(Held):
    """See ``ports.Channel``, and ``Held`` for its end."""

    kind: ChannelKind = "instagram"

    def __init__(
        self, name: str, *, account: str, token: Path, login: Literal["instagram", "facebook"] = "instagram",
        secret: Path | None = None, base: str = "", version: str = "v26.0", timeout: aiohttp.ClientTimeout = TIMEOUT,
        pause: Callable[[float], Awaitable[None]] = anyio.sleep, clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """``account`` is its number, ``token`` the file with the long-lived token, ``secret`` that of the app's secret.

        ``pause`` waits that many seconds, ``clock`` gives seconds since 1970.
        """
        self.name, self._account, self._login = name, account, login
        self._graph = Graph(base or BASES[login], version, token, secret, timeout)
        super().__init__(self._graph.web)
        self._pause, self._clock = pause, clock

    async def send(self, message: Message, pictures: Sequence[Drawn] = (), to: Sequence[str] = ()) -> Sent:
        """See ``ports.Channel``. May take five minutes, while Instagram looks at the pictures."""
        if to:
            return Sent(fate="refused", note="Instagram has no subscribers that can be written to")
        if not pictures or not all(picture.url for picture in pictures):
            return Sent(fate="refused", note="Instagram takes pictures only, each at an address that it can fetch")
        made = await self._full() or await self._handed_in(message.text, pictures)
        return made if isinstance(made, Sent) else await self._published(made)

    async def edit(self, remotes: Sequence[str], message: Message, pictures: Sequence[Drawn] = ()) -> Sent:
        """It cannot be done."""
        return Sent(fate="refused", note=_BY_HAND.format("change a post"))

    async def withdraw(self, remotes: Sequence[str]) -> Sent:
        """See ``ports.Channel``. Some accounts can do it: whether this one can is found out by asking."""
        media = identity(remotes[0]) if len(remotes) == 1 else ""
        if not media:
            return Sent(fate="refused", note="it is not known which post this is: delete it by hand in the app")
        reply = await self._graph.ask("DELETE", media, seen=True)
        if reply.sent is None:
            done = reply.said.get("success") is True or identity(reply.said.get("deleted_id")) == media
            note = "" if done else "an answer that does not say whether it was done"
            return Sent(fate="posted" if done else "unknown", remotes=(media,) if done else (), note=note)
        if reply.denied or reply.gone:  # said of what is not there, too
            return await self._missing(media) or Sent(fate="refused", note=_BY_HAND.format("delete this post"))
        return reply.sent

    async def proof(self, entry: Entry) -> Sent:
        """See ``ports.Channel``."""
        if entry.act == "edit":
            return Sent(fate="refused", note=_BY_HAND.format("change a post"))
        remote = entry.remotes[0] if len(entry.remotes) == 1 else ""
        unknown = Sent(fate="unknown", remotes=entry.remotes, note="look in the app whether it is there")
        if entry.act == "withdraw":
            missing = await self._missing(identity(remote)) if identity(remote) else None
            return missing if missing and missing.fate == "posted" else unknown
        clue = identity(remote.removeprefix(CLUE)) if remote.startswith(CLUE) else ""
        known = await self._container(clue, entry) if clue else None
        if known is not None and known.fate == "later":
            return known
        found = await self._captioned(entry)
        if found:
            return Sent(fate="posted", remotes=(found,))
        # without its number a post cannot be deleted later: while that may still be learnt, it is asked for again
        return unknown if found is None else known or unknown

    async def health(self) -> Health:
        """See ``ports.Channel``. A token of Instagram's own login is renewed when it is time."""
        if self._login == "facebook":
            told = await self._graph.inspect(*RIGHTS)
            if told is not None and not told.works:
                return told
            expires, note = (told.expires, told.note) if told else (None, "when the token expires is not known")
        else:
            try:
                expires, note = await self._renewed()
            except ConfigError as error:
                return Health(works=False, note=plain(error))
        reply = await self._graph.ask("GET", self._account, {"fields": "id,username"})
        return Health(works=reply.sent is None, expires=expires, note=reply.sent.note if reply.sent else note)

    async def _full(self) -> Sent | None:
        """Whether the account may post nothing more today; None where it may."""
        fields = {"fields": "quota_usage,config"}
        reply = await self._graph.ask("GET", f"{self._account}/content_publishing_limit", fields)
        if reply.sent is not None:
            return reply.sent
        row = next(iter(rows(reply.said)), {})
        most = number(mapping(row.get("config")).get("quota_total"))
        if most and number(row.get("quota_usage")) >= most:
            return Sent(fate="later", wait=_FULL, note=f"no more posts today: {most} are allowed")
        return None

    async def _handed_in(self, caption: str, pictures: Sequence[Drawn]) -> str | Sent:
        """The number of a container that is ready to be published."""
        alone = len(pictures) == 1
        children: list[str] = []
        for picture in pictures:
            fields = {"image_url": picture.url, **({"alt_text": picture.alt} if picture.alt else {})}
            made = await self._made({**fields, **({"caption": caption} if alone else {"is_carousel_item": "true"})})
            if isinstance(made, Sent):
                return made
            children.append(made)
        if (failed := await self._ready(children)) is not None:
            return failed
        if alone:
            return children[0]
        made = await self._made({"media_type": "CAROUSEL", "children": ",".join(children), "caption": caption})
        if isinstance(made, Sent):
            return made
        return await self._ready([made]) or made

    async def _made(self, fields: dict[str, str]) -> str | Sent:
        reply = await self._graph.ask("POST", f"{self._account}/media", fields)
        if reply.sent is not None:
            return reply.sent
        made = identity(reply.said.get("id"))
        return made or Sent(fate="later", note="an answer without the picture's number")

    async def _ready(self, containers: Sequence[str]) -> Sent | None:
        """Wait until Instagram has looked at all of them; None when it has."""
        left = list(containers)
        for look in range(_LOOKS + 1):
            if look:
                await self._pause(_MINUTE)
            for one in list(left):
                reply = await self._graph.ask("GET", one, {"fields": "status_code,status"})
                if reply.sent is not None:
                    return reply.sent
                status = reply.said.get("status_code")
                if status == "FINISHED":
                    left.remove(one)
                elif status != "IN_PROGRESS":
                    return _spoilt(reply)
            if not left:
                return None
        return Sent(fate="later", note="Instagram has not looked at the picture for five minutes")

    async def _published(self, container: str) -> Sent:
        reply = await self._graph.ask("POST", f"{self._account}/media_publish", {"creation_id": container}, seen=True)
        clue = (f"{CLUE}{container}",)
        if reply.sent is not None:
            return replace(reply.sent, remotes=clue) if reply.sent.fate == "unknown" else reply.sent
        made = identity(reply.said.get("id"))
        if not made:
            return Sent(fate="unknown", remotes=clue, note="an answer without the post's number")
        return Sent(fate="posted", remotes=(made,), wait=reply.wait)

    async def _container(self, container: str, entry: Entry) -> Sent | None:
        """What the container says of an entry: there, or certainly not there; None where it says neither."""
        reply = await self._graph.ask("GET", container, {"fields": "status_code,status"})
        status = str(reply.said.get("status_code"))
        if status == "PUBLISHED":
            return Sent(fate="posted", remotes=entry.remotes)
        over = datetime.fromtimestamp(self._clock(), UTC) - entry.changed >= _SETTLED
        if status in {"EXPIRED", "ERROR"} or (status in {"FINISHED", "IN_PROGRESS"} and over):
            return Sent(fate="later", note="Instagram has the picture and did not publish it")
        return None

    async def _captioned(self, entry: Entry) -> str | None:
        """The number of the newest post since the entry was queued that has its text; "" where there is none.

        None where Instagram did not answer.
        """
        fields = {"fields": "id,caption,timestamp", "limit": _NEWEST}
        reply = await self._graph.ask("GET", f"{self._account}/media", fields)
        if reply.sent is not None:
            return None
        # not since the last change: after a crash that is the time of the restart, later than the post
        since = entry.queued - _SKEW
        for row in rows(reply.said):
            made, at = identity(row.get("id")), said_at(row.get("timestamp"))
            if made and at is not None and at >= since and same(row.get("caption"), entry.message.text):
                return made
        return ""

    async def _missing(self, media: str) -> Sent | None:
        """Whether it is not there, though the account's others can be seen; see ``gone_from``."""
        reply = await self._graph.ask("GET", media, {"fields": "id"})
        if reply.gone:
            reply = await self._graph.ask("GET", f"{self._account}/media", {"fields": "id", "limit": _NEWEST})
        return gone_from(reply, media)

    async def _renewed(self) -> tuple[datetime, str]:
        """Until when the token is good, after it was renewed if it is time. Raises ConfigError."""
        now = datetime.fromtimestamp(self._clock(), UTC)
        known = tokens.life(self._graph.token)
        if not known.due(now):
            return known.expires, ""
        fields = {"grant_type": "ig_refresh_token"}
        reply = await self._graph.ask("GET", "refresh_access_token", fields, versioned=False)
        token, seconds = reply.said.get("access_token"), number(reply.said.get("expires_in"))
        if not isinstance(token, str) or not _TOKEN.fullmatch(token) or not 0 < seconds < 400 * 86_400:
            why = reply.sent.note if reply.sent else "an answer without one"
            return known.expires, f"the token could not be renewed: {why}"
        try:
            tokens.renew(self._graph.token, token, now, seconds)
        except ConfigError as error:
            return known.expires, plain(error)
        return now + timedelta(seconds=seconds), ""


def _spoilt(reply: Reply) -> Sent:
    """A container that comes to nothing."""
    status = reply.said.get("status")
    match = _SUBCODE.search(status) if isinstance(status, str) else None
    if match and (sent := declared(int(match[0]))) is not None:
        return unseen(sent)
    if reply.said.get("status_code") == "ERROR":
        return Sent(fate="refused", note="Instagram cannot use the picture")
    return Sent(fate="later", note="the picture waited too long there, or Instagram does not say how far it is")
