"""A page of Facebook.

Rule 1: a text that is among the page's own posts proves that it was posted; one that is missing there proves nothing,
since Facebook may still be at it, or may have changed it. Rule 2: "the same text as the newest post" (506) is no
refusal: it may be the post of an attempt before.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Final

import aiohttp

from heliograph.adapters.channels.graph import Graph, Reply, gone_from, identity, rows, said_at, same
from heliograph.adapters.channels.held import Held
from heliograph.adapters.channels.web import TIMEOUT
from heliograph.model.post import ChannelKind, Drawn, Entry, Health, Message, Sent

RIGHTS: Final = ("pages_manage_posts", "pages_read_engagement")
_SKEW: Final = timedelta(minutes=5)  # between Meta's clock and ours
_NEWEST: Final = "100"  # posts that are looked through
_ADDRESS: Final = re.compile(  # of a post, as a browser shows it
    r"https://(?:[a-z]{1,9}\.)?facebook\.com/(?:[^/?#]{1,80}/posts/(?:[^/?#]{1,300}/)?(?P<post>\d{1,40})/?(?:[?#].*)?"
    r"|(?:permalink|story)\.php\?story_fbid=(?P<story>\d{1,40})(?:[&#].*)?)"
)


class Facebook(Held):
    """See ``ports.Channel``, and ``Held`` for its end."""

    kind: ChannelKind = "facebook"

    def __init__(
        self, name: str, *, page: str, token: Path, secret: Path | None = None,
        base: str = "https://graph.facebook.com/", version: str = "v26.0", timeout: aiohttp.ClientTimeout = TIMEOUT,
    ) -> None:  # fmt: skip
        """``page`` is its number, ``token`` the file with the page's token, ``secret`` that with the app's secret."""
        self.name, self._page = name, page
        self._graph = Graph(base, version, token, secret, timeout)
        super().__init__(self._graph.web)

    async def send(self, message: Message, pictures: Sequence[Drawn] = (), to: Sequence[str] = ()) -> Sent:
        """See ``ports.Channel``. A picture goes along as bytes; with one, the link must stand in the text."""
        if to:
            return Sent(fate="refused", note="a page has no subscribers that can be written to")
        if len(pictures) > 1:
            return Sent(fate="refused", note="a post of a page takes one picture")
        if pictures:
            alt = {"alt_text_custom": pictures[0].alt} if pictures[0].alt else {}
            fields = {"caption": message.text, **alt}
            reply = await self._graph.ask("POST", f"{self._page}/photos", fields, seen=True, picture=pictures[0].data)
        else:
            fields = {"message": message.text, **({"link": message.link} if message.link else {})}
            reply = await self._graph.ask("POST", f"{self._page}/feed", fields, seen=True)
        if reply.sent is not None:
            return reply.sent
        made = identity(reply.said.get("post_id")) or identity(reply.said.get("id"))
        if not made:
            return Sent(fate="unknown", note="an answer without the post's number")
        return Sent(fate="posted", remotes=(made,), wait=reply.wait)

    async def edit(self, remotes: Sequence[str], message: Message, pictures: Sequence[Drawn] = ()) -> Sent:
        """See ``ports.Channel``. The text alone is replaced: a picture and a link stay."""
        if not (post := self._one(remotes)):
            return Sent(fate="refused", note="it is not known which post this is: mend it by hand on the page")
        return _done(await self._graph.ask("POST", post, {"message": message.text}, seen=True), remotes)

    async def withdraw(self, remotes: Sequence[str]) -> Sent:
        """See ``ports.Channel``."""
        if not (post := self._one(remotes)):
            return Sent(fate="refused", note="it is not known which post this is: delete it by hand on the page")
        reply = await self._graph.ask("DELETE", post, seen=True)
        if reply.gone and _address(remotes):  # who typed it may have typed it wrong
            return Sent(fate="refused", note="no post of this page has this address: look whether it is gone")
        # a deletion whose answer was lost is told so when it is asked for again
        return (await self._missing(post) if reply.gone else None) or _done(reply, remotes)

    async def proof(self, entry: Entry) -> Sent:
        """See ``ports.Channel``."""
        post = self._one(entry.remotes)
        if entry.act == "post":
            return await self._listed(entry)
        if not post:
            return Sent(fate="unknown", note="it is not known which post this is")
        reply = await self._graph.ask("GET", post, {"fields": "id,message"})
        if entry.act == "withdraw" and reply.gone and not _address(entry.remotes):
            missing = await self._missing(post)
            if missing and missing.fate == "posted":
                return missing
        if reply.sent is not None:
            return Sent(fate="unknown", remotes=entry.remotes, wait=reply.wait, note=reply.sent.note)
        if entry.act == "edit" and same(reply.said.get("message"), entry.message.text):
            return Sent(fate="posted", remotes=entry.remotes)
        # to ask for the same edit or deletion again does no harm, so this need not be certain
        return Sent(fate="later", remotes=entry.remotes, note="it is there as it was")

    async def health(self) -> Health:
        """See ``ports.Channel``. Where the token may not ask about itself, when it expires is not known."""
        told = await self._graph.inspect(*RIGHTS)
        if told is not None and not told.works:
            return told
        reply = await self._graph.ask("GET", self._page, {"fields": "id,name"})
        if reply.sent is not None:
            return Health(works=False, expires=told.expires if told else None, note=reply.sent.note)
        if told is None:
            return Health(works=True, note="when the token expires is not known: Meta does not tell this token")
        return told

    async def _listed(self, entry: Entry) -> Sent:
        """Whether the page's own posts since the entry was queued hold its text."""
        # not since the last change: after a crash that is the time of the restart, later than the post
        since = entry.queued - _SKEW
        fields = {"fields": "id,message,created_time", "since": str(int(since.timestamp())), "limit": _NEWEST}
        reply = await self._graph.ask("GET", f"{self._page}/published_posts", fields)
        if reply.sent is not None:
            return Sent(fate="unknown", remotes=entry.remotes, wait=reply.wait, note=reply.sent.note)
        for post in rows(reply.said):
            made, at = identity(post.get("id")), said_at(post.get("created_time"))
            if made and at is not None and at >= since and same(post.get("message"), entry.message.text):
                return Sent(fate="posted", remotes=(made,))
        note = "the page does not list it, which proves nothing: look there"
        return Sent(fate="unknown", remotes=entry.remotes, note=note)

    async def _missing(self, post: str) -> Sent | None:
        """Whether the token sees the page's newest posts, and not this one among them; see ``gone_from``."""
        fields = {"fields": "id", "limit": _NEWEST}
        reply = await self._graph.ask("GET", f"{self._page}/published_posts", fields)
        return gone_from(reply, post)

    def _one(self, remotes: Sequence[str]) -> str:
        """The post's number; of an address that an editor copied, too, where that has one. "" for anything else."""
        if match := _address(remotes):
            return f"{self._page}_{match['post'] or match['story']}"
        return identity(remotes[0].strip()) if len(remotes) == 1 else ""


def _address(remotes: Sequence[str]) -> re.Match[str] | None:
    """What an editor typed or copied in place of a number."""
    return _ADDRESS.fullmatch(remotes[0].strip()) if len(remotes) == 1 else None


def _done(reply: Reply, remotes: Sequence[str]) -> Sent:
    """What came of an edit or a deletion."""
    if reply.denied:
        # that this post is none of ours is no reason to stop: whether the token is good shows when the next is sent
        return Sent(fate="refused", note="Facebook does not allow this for this post: do it by hand on the page")
    if reply.sent is not None:
        return reply.sent
    if reply.said.get("success") is not True:
        return Sent(fate="unknown", note="an answer that does not say whether it was done")
    return Sent(fate="posted", remotes=tuple(remotes), wait=reply.wait)
