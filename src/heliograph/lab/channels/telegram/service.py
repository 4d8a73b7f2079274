"""The Bot API of one bot: its methods, as clients call them over HTTP."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final

from aiohttp import web

from heliograph.lab.channels.provider import Provider, Reply
from heliograph.lab.channels.telegram import asking, changing, posting
from heliograph.lab.channels.telegram.buckets import Buckets, Limits, Rate
from heliograph.lab.channels.telegram.chats import CHANNEL_RIGHTS, Chat, Reader
from heliograph.lab.channels.telegram.given import Given, given
from heliograph.lab.channels.telegram.refused import Refused, bad, too_many
from heliograph.lab.channels.telegram.updates import Updates

TOKEN: Final = "7000000001:lab-ABCDEFGHIJKLMNOPQRSTUVWXYZ01234"  # noqa: S105 - of a bot that is nowhere
_PATH = re.compile(r"/bot([^/]+)/([A-Za-z]+)")
_TOKEN = re.compile(r"\d{3,20}:[A-Za-z0-9_-]{10,64}")
Method = Callable[["Telegram", Given], Awaitable[Any]]
METHODS: Final[dict[str, Method]] = {**posting.METHODS, **changing.METHODS, **asking.METHODS}


class Telegram(Provider):
    """One bot, the channels it is in, and readers who write to it.

    ``clock`` gives seconds since 1970. ``patience`` is how a long poll waits when nothing comes; with a clock that a
    test moves, give one that waits for it.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        token: str = TOKEN,
        username: str = "lab_news_bot",
        seed: int = 0,
        patience: Callable[[float], Awaitable[object]] = asyncio.sleep,
        limits: Limits | None = None,
    ) -> None:
        super().__init__(clock, seed)
        self.token, self.username = token, username
        self.limits = limits or Limits()
        self.chats: dict[int, Chat] = {}
        self.readers: dict[int, Reader] = {}
        self.updates = Updates(clock, patience, lambda: self.limits.kept)
        self.commands: dict[str, list[tuple[str, str]]] = {}
        self.presses: dict[str, tuple[Reader, float]] = {}  # that nobody has answered
        self.refusals: list[tuple[str, int, str]] = []  # method, code, why
        self.buckets = Buckets()
        self.albums = 0
        self._presses = 0

    # --- what a test does to the world ---

    def channel(self, username: str, id_: int = -1_001_000_000_001, rights: Iterable[str] = CHANNEL_RIGHTS) -> Chat:
        """A channel "@username" in which the bot has these rights."""
        chat = Chat(id=id_, kind="channel", title=username, username=username, rights=frozenset(rights))
        self.chats[id_] = chat
        return chat

    def group(self, title: str, id_: int, rights: Iterable[str] = ()) -> Chat:
        """A group in which the bot is an ordinary member, or an administrator with these rights."""
        given_ = frozenset(rights)
        status: Any = "administrator" if given_ else "member"
        chat = Chat(id=id_, kind="supergroup", title=title, status=status, rights=given_)
        self.chats[id_] = chat
        return chat

    def reader(self, id_: int, lang: str = "") -> Reader:
        """A person, who has not written to the bot yet."""
        chat = Chat(id=id_, kind="private", title=f"Reader {id_}", status="member")
        self.chats[id_] = chat
        self.readers[id_] = Reader(self, chat, lang)
        return self.readers[id_]

    def kick(self, chat: Chat) -> None:
        """Throw the bot out."""
        chat.status = "kicked"

    def revoke(self, token: str) -> None:
        """Another token from now on, as BotFather gives one."""
        self.token = token

    # --- what methods need ---

    def user(self) -> dict[str, Any]:
        """The bot as a user."""
        number = int(self.token.partition(":")[0])
        return {"id": number, "is_bot": True, "first_name": "Lab", "username": self.username}

    def chat(self, args: Given, name: str = "chat_id") -> Chat:
        """The chat that a call names.

        Raises:
            Refused: the bot does not know it.
        """
        said = args.text(name)
        if not said:
            raise bad("chat_id is empty")
        for chat in self.chats.values():
            if said == str(chat.id) or (chat.username and said.lower() == f"@{chat.username}".lower()):
                return chat
        raise bad("chat not found")

    def spend(self, chat: Chat) -> None:
        """Count one message to ``chat``.

        Raises:
            Refused: there were too many.
        """
        wanted: dict[str, Rate] = {"all": self.limits.all, f"chat {chat.id}": self.limits.chat}
        if chat.kind != "private":
            wanted[f"public {chat.id}"] = self.limits.public
        if wait := self.buckets.take(wanted, self.clock()):
            raise too_many(wait)

    def pressed(self, reader: Reader) -> str:
        """A button was pressed; how the press is called."""
        self._presses += 1
        name = f"press-{self._presses}"
        self.presses[name] = (reader, self.clock())
        return name

    async def notice(self, chat: Chat) -> None:
        """The reader of ``chat`` looks at it."""
        if chat.id in self.readers:
            await self.readers[chat.id].notice()

    # --- Provider ---

    def named(self, request: web.BaseRequest) -> str:
        match = _PATH.fullmatch(request.path)
        return _CALLED.get(match[2].lower(), "") if match else ""

    async def answer(self, request: web.BaseRequest, body: bytes) -> Reply:
        name = self.named(request)
        try:
            self._admit(request, name)
            args = given(request.headers.get("Content-Type", ""), request.query, body)
            return Reply({"ok": True, "result": await METHODS[name](self, args)})
        except Refused as no:
            self.refusals.append((name, no.code, no.description))
            told: dict[str, Any] = {"ok": False, "error_code": no.code, "description": no.description}
            headers = {"Retry-After": str(no.parameters["retry_after"])} if "retry_after" in no.parameters else {}
            return Reply(told | ({"parameters": no.parameters} if no.parameters else {}), no.code, headers)

    def _admit(self, request: web.BaseRequest, name: str) -> None:
        match = _PATH.fullmatch(request.path)
        if match is None or not _TOKEN.fullmatch(match[1]):
            raise Refused(404, "Not Found")
        if match[1] != self.token:
            raise Refused(401, "Unauthorized")
        if not name:
            raise Refused(404, "Not Found: method not found")

    def dump(self) -> dict[str, Any]:
        return {
            "chats": {
                chat.username or str(chat.id): {
                    "messages": [chat.message(post) for post in chat.posts.values()],
                    "pinned": list(chat.pins),
                }
                for chat in self.chats.values()
            },
            "updates": len(self.updates.waiting),
            "commands": self.commands,
        }


_CALLED: Final = {name.lower(): name for name in METHODS}  # Telegram takes any case
