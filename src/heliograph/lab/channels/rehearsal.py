"""All emulated channels at once, with what a newsroom's configuration needs to speak to them, and a page to look at.

On the page a reader can ask the bot and write mail, and see what he is answered.

Rule 1: nothing leaves this machine. Rule 2: what the configuration names is what a real one would name; only addresses
differ.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiosmtplib import SMTPConnectError, SMTPException

from heliograph.lab.channels import wall
from heliograph.lab.channels.graph import Graph
from heliograph.lab.channels.post_office import Mail, PostOffice
from heliograph.lab.channels.provider import Provider
from heliograph.lab.channels.receiver import Receiver
from heliograph.lab.channels.telegram import Telegram
from heliograph.lab.channels.viber import Viber
from heliograph.lab.channels.wall import Post
from heliograph.lab.loopback import base, free_port, serving

COLUMNS = ("telegram", "viber", "instagram", "facebook", "webhook", "mail", "chat with the bot", "mailbox of a reader")
NEWS, READER = "news@rehearsal.example", "reader@mail.example"
MOST_ASKED = 4_000  # characters of what is typed into the page


class Rehearsal:
    """The emulators. ``share`` of all calls meets a fault, as chance has it."""

    def __init__(self, clock: Callable[[], float], *, seed: int = 0, share: float = 0.0) -> None:
        self.telegram, self.viber = Telegram(clock, seed=seed), Viber(clock, seed)
        self.graph, self.receiver = Graph(clock, seed), Receiver(clock, seed, secret="rehearsal")  # noqa: S106
        self.viber.terms.tls = False
        self.chat = self.telegram.channel("rehearsal")
        self.chat.rights |= {"can_pin_messages"}
        self.office = PostOffice(clock, seed=seed)
        self.office.share = share
        self.asker, self.mailbox = self.telegram.reader(1), self.office.reader(READER)
        self.pictures: dict[str, bytes] = {}
        self.door = ""  # where the page is; it answers webhooks, too
        self._post = self._letters = 0  # ports: where mail is handed over, and where the newsroom takes it in
        self._note = ""  # what came of the last question
        self._page_token, self._gram_token = self.graph.issue("page"), self.graph.issue("instagram")
        for provider in self.providers:
            provider.share = share

    @property
    def providers(self) -> tuple[Provider, ...]:
        """Every emulator that speaks HTTP; the other one is ``office``."""
        return self.telegram, self.viber, self.graph, self.receiver

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[str]:
        """All of them behind ports of loopback; gives the address of the page, which is at ``port``."""
        async with AsyncExitStack() as stack:
            for provider in self.providers:
                await stack.enter_async_context(provider.running())
            _, self._post = await stack.enter_async_context(self.office.running())
            self._letters = free_port()
            self.office.deliver(NEWS, "127.0.0.1", self._letters)
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
        made: list[dict[str, str | int]] = [
            {"name": "telegram", "kind": "telegram", "chat": "@rehearsal", "token": f"{at}/telegram",
             "endpoint": f"{self.telegram.door}/"},
            {"name": "viber", "kind": "viber", "token": f"{at}/viber", "webhook": f"{self.door}/",
             "endpoint": f"{self.viber.door}/"},
            {"name": "instagram", "kind": "instagram", "account": self.graph.instagram.id, "token": f"{at}/instagram",
             "endpoint": f"{self.graph.door}/"},
            {"name": "facebook", "kind": "facebook", "page": self.graph.page.id, "token": f"{at}/facebook",
             "secret": f"{at}/facebook-app", "endpoint": f"{self.graph.door}/"},
            {"name": "webhook", "kind": "webhook", "url": f"{self.receiver.door}/", "secret": f"{at}/webhook"},
            {"name": "mail", "kind": "mail", "sender": NEWS, "port": self._post,
             "listen": f"127.0.0.1:{self._letters}"},
        ]  # fmt: skip
        return "\n".join(
            "[[channel]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in table.items())
            for table in made
        )

    def wall(self) -> list[Post]:
        """What readers see now, channel by channel."""
        pins = set(self.chat.pins)  # copies throughout: somebody may look from another thread
        posts = [
            Post(channel="telegram", remote=str(post.id), text=post.text, pinned=post.id in pins)
            for post in list(self.chat.posts.values())
        ]
        posts += [
            Post(channel="viber", remote=str(post["token"]), text=str(post.get("text", "")))
            for post in list(self.viber.posts)
        ]
        posts += [_of(post, "instagram", "caption") for post in list(self.graph.instagram.posts)]
        posts += [_of(post, "facebook", "message") for post in list(self.graph.page.seen)]
        posts += [Post(channel="webhook", remote=name, text=text) for name, text in self._taken().items()]
        posts += [Post(channel="mail", remote=name, text=text) for name, text in self._newsletters().items()]
        posts += [
            Post(channel=COLUMNS[-2], remote=str(post.id), text=f"{'' if post.own else '— '}{post.text}")
            for post in list(self.asker.chat.posts.values())
        ]
        return posts + [
            Post(channel=COLUMNS[-1], remote=str(at), text=_letter(mail))
            for at, mail in enumerate(list(self.mailbox.box))
        ]

    def _newsletters(self) -> dict[str, str]:
        """What came to many, by its Message-ID."""
        mails = (mail for reader in self.office.readers for mail in list(reader.box))
        return {str(mail.message["Message-ID"]): _letter(mail) for mail in mails if mail.message["List-Id"]}

    def _taken(self) -> dict[str, str]:
        """What a receiver shows who does as he is told."""
        shown: dict[str, str] = {}
        for given in list(self.receiver.kept.values()):
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

    async def ask(self, how: str, text: str) -> str:
        """Write to the "bot", write a "mail", or "answer" the newest; what there is to say of it."""
        text = text[:MOST_ASKED]
        if how == "bot":
            self.asker.says(text or "/start")
            return "the bot is asked: heliograph run must be up"
        try:
            if how == "answer" and self.mailbox.box:
                await self.mailbox.answers(self.mailbox.reads(), text)
            else:
                await self.mailbox.writes(NEWS, " ".join(text.split()))
        except (OSError, SMTPConnectError):
            return "nobody takes mail in for the newsroom: heliograph run must be up"
        except SMTPException as error:
            return f"the newsroom's door refuses it: {error}"
        except RuntimeError as error:
            return str(error)
        return "the mail is written"

    async def _look(self, request: web.BaseRequest) -> web.StreamResponse:
        match request.method, request.path:
            case "POST", "/ask":
                said = await request.post()
                self._note = await self.ask(str(said.get("how", "")), str(said.get("text", "")))
                return web.Response(status=303, headers={"Location": "/"})
            case "POST", _:  # Viber asks whether somebody is there
                return web.Response()
            case "PUT", _:
                return web.Response(text=self.shelve(await request.read()))
            case _, "/":
                return web.Response(text=wall.page(self._note), content_type="text/html")
            case _, "/wall":
                return web.Response(text=wall.wall(self.wall(), COLUMNS), content_type="text/html")
            case _, path if path in self.pictures:
                return web.Response(body=self.pictures[path], content_type="image/jpeg")
            case _:
                return web.Response(status=404)


def _of(post: dict[str, Any], channel: str, text: str) -> Post:
    return Post(channel=channel, remote=str(post.get("id", "")), text=str(post.get(text, "")))


def _letter(mail: Mail) -> str:
    return f"{mail.message['Subject']}\n\n{mail.text}"
