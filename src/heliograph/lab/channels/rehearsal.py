"""All emulated channels at once, with what a newsroom's configuration needs to speak to them, and a page to look at.

Rule 1: nothing leaves this machine. Rule 2: what the configuration names is what a real one would name; only addresses
differ.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from aiohttp import web

from heliograph.lab.channels.graph import Graph
from heliograph.lab.channels.provider import Provider
from heliograph.lab.channels.receiver import Receiver
from heliograph.lab.channels.telegram import Telegram
from heliograph.lab.channels.viber import Viber
from heliograph.lab.loopback import base, serving

_STYLE = (
    "body{font:16px/1.45 sans-serif;max-width:72rem;margin:1rem auto;padding:0 1rem;background:#fdfcf8;color:#1b1b18}"
    "main{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(20rem,1fr))}"
    "article{border-top:1px solid #ccc;padding:.5rem 0;white-space:pre-wrap;overflow-wrap:anywhere}h2{font-size:1rem}"
    "@media(prefers-color-scheme:dark){body{background:#161614;color:#e9e7df}article{border-color:#444}}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One post as readers see it now."""

    channel: str
    remote: str
    text: str
    pinned: bool = False


class Rehearsal:
    """The emulators. ``share`` of all calls meets a fault, as chance has it."""

    def __init__(self, clock: Callable[[], float], *, seed: int = 0, share: float = 0.0) -> None:
        self.telegram, self.viber = Telegram(clock, seed=seed), Viber(clock, seed)
        self.graph, self.receiver = Graph(clock, seed), Receiver(clock, seed, secret="rehearsal")  # noqa: S106
        self.viber.terms.tls = False
        self.chat = self.telegram.channel("rehearsal")
        self.chat.rights |= {"can_pin_messages"}
        self.pictures: dict[str, bytes] = {}
        self.door = ""  # where the page is; it answers webhooks, too
        self._page_token, self._gram_token = self.graph.issue("page"), self.graph.issue("instagram")
        for provider in self.providers:
            provider.share = share

    @property
    def providers(self) -> tuple[Provider, ...]:
        """Every emulator."""
        return self.telegram, self.viber, self.graph, self.receiver

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[str]:
        """All of them behind ports of loopback; gives the address of the page, which is at ``port``."""
        async with AsyncExitStack() as stack:
            for provider in self.providers:
                await stack.enter_async_context(provider.running())
            runner = await stack.enter_async_context(serving(self._look, port))
            self.door = base(runner)
            yield self.door

    def tables(self, folder: Path) -> str:
        """The tables ``[[channel]]`` for a newsroom's configuration; tokens are written into ``folder``."""
        folder.mkdir(parents=True, exist_ok=True)
        token = {
            "telegram": self.telegram.token, "viber": self.viber.token, "instagram": self._gram_token,
            "facebook": self._page_token, "facebook-app": self.graph.secret, "webhook": self.receiver.secret,
        }  # fmt: skip
        for name, text in token.items():
            path = folder / name
            path.touch(mode=0o600)
            path.write_text(f"{text}\n", encoding="utf-8")
        at = folder.resolve()
        made = [
            {"name": "telegram", "kind": "telegram", "chat": "@rehearsal", "token": f"{at}/telegram",
             "endpoint": f"{self.telegram.door}/"},
            {"name": "viber", "kind": "viber", "token": f"{at}/viber", "webhook": f"{self.door}/",
             "endpoint": f"{self.viber.door}/"},
            {"name": "instagram", "kind": "instagram", "account": self.graph.instagram.id, "token": f"{at}/instagram",
             "endpoint": f"{self.graph.door}/"},
            {"name": "facebook", "kind": "facebook", "page": self.graph.page.id, "token": f"{at}/facebook",
             "secret": f"{at}/facebook-app", "endpoint": f"{self.graph.door}/"},
            {"name": "webhook", "kind": "webhook", "url": f"{self.receiver.door}/", "secret": f"{at}/webhook"},
        ]  # fmt: skip
        return "\n".join(
            "[[channel]]\n" + "".join(f'{key} = "{value}"\n' for key, value in table.items()) for table in made
        )

    def wall(self) -> list[Post]:
        """What readers see now, channel by channel."""
        pins = set(self.chat.pins)
        posts = [
            Post(channel="telegram", remote=str(post.id), text=post.text, pinned=post.id in pins)
            for post in self.chat.posts.values()
        ]
        posts += [
            Post(channel="viber", remote=str(post["token"]), text=str(post.get("text", "")))
            for post in self.viber.posts
        ]
        posts += [_of(post, "instagram", "caption") for post in self.graph.instagram.posts]
        posts += [_of(post, "facebook", "message") for post in self.graph.page.seen]
        return posts + [Post(channel="webhook", remote=name, text=text) for name, text in self._taken().items()]

    def _taken(self) -> dict[str, str]:
        """What a receiver shows who does as he is told."""
        shown: dict[str, str] = {}
        for given in self.receiver.kept.values():
            act, of = given.get("act"), [one for one in given.get("of", ()) if one in shown]
            for name in [str(given["id"])] if act == "post" else of:
                if act == "withdraw":
                    del shown[name]
                else:
                    shown[name] = str(given.get("text", ""))
        return shown

    def shelve(self, data: bytes) -> str:
        """Lay a picture where the emulators can fetch it; its address."""
        name = f"/{secrets.token_hex(8)}.jpg"
        self.pictures[name] = data
        return f"{self.door}{name}"

    async def _look(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "POST":  # Viber asks whether somebody is there
            return web.Response()
        if request.method == "PUT":
            return web.Response(text=self.shelve(await request.read()))
        if request.path in self.pictures:
            return web.Response(body=self.pictures[request.path], content_type="image/jpeg")
        if request.path != "/":
            return web.Response(status=404)
        return web.Response(text=self._page(), content_type="text/html")

    def _page(self) -> str:
        wall, columns = self.wall(), []
        for name in ("telegram", "viber", "instagram", "facebook", "webhook"):
            mine = [post for post in reversed(wall) if post.channel == name]
            posts = "".join(f"<article>{'📌 ' if one.pinned else ''}{escape(one.text)}</article>" for one in mine)
            columns.append(f"<section><h2>{name}: {len(mine)}</h2>{posts}</section>")
        head = '<!doctype html><meta charset=utf-8><meta name=viewport content="width=device-width">'
        refresh = '<meta http-equiv=refresh content=3><title>Rehearsal</title><link rel=icon href="data:,">'
        return f"{head}{refresh}<style>{_STYLE}</style><main>{''.join(columns)}</main>"


def _of(post: dict[str, Any], channel: str, text: str) -> Post:
    return Post(channel=channel, remote=str(post.get("id", "")), text=str(post.get(text, "")))
