"""What stands in chats, who may write there, and the readers who look at it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from heliograph.lab.channels.telegram.refused import Refused, bad, forbidden

if TYPE_CHECKING:
    from heliograph.lab.channels.telegram.service import Telegram

Kind = Literal["private", "channel", "supergroup"]
Status = Literal["creator", "administrator", "member", "left", "kicked"]
CHANNEL_RIGHTS: Final = frozenset({"can_post_messages", "can_edit_messages", "can_delete_messages"})
GROUP_RIGHTS: Final = frozenset({"can_pin_messages", "can_delete_messages"})
_EVERY_RIGHT: Final = (
    "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
    "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories",
    "can_edit_stories", "can_delete_stories", "can_send_welcome_messages",
)  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Post:
    """One message in a chat."""

    id: int
    date: float
    text: str = ""  # or the caption of a picture
    entities: tuple[dict[str, Any], ...] = ()
    rich: bool = False
    photo: int = 0  # bytes of its picture; 0 where there is none
    album: str = ""
    buttons: tuple[tuple[dict[str, Any], ...], ...] = ()
    answers: int = 0  # the message that it answers
    quiet: bool = True  # links show no preview
    edited: float = 0.0
    own: bool = True  # the bot's


@dataclass(slots=True, kw_only=True)
class Chat:
    """A chat, and the bot in it."""

    id: int
    kind: Kind
    title: str = ""
    username: str = ""
    status: Status = "administrator"
    rights: frozenset[str] = frozenset()
    posts: dict[int, Post] = field(default_factory=dict)
    pins: list[int] = field(default_factory=list)
    started: bool = False  # private: the reader has written, and has not closed the chat
    closed: bool = False
    moved_to: int = 0
    last: int = 0

    def named(self) -> dict[str, Any]:
        """As a message shows it."""
        told: dict[str, Any] = {"id": self.id, "type": self.kind}
        told |= {"first_name": self.title} if self.kind == "private" else {"title": self.title}
        return told | ({"username": self.username} if self.username else {})

    def admit(self) -> None:
        """Whether the bot may write here.

        Raises:
            Refused: it may not.
        """
        if self.moved_to:
            moved = {"migrate_to_chat_id": self.moved_to}
            raise Refused(400, "Bad Request: group chat was upgraded to a supergroup chat", moved)
        if self.kind == "private":
            if self.closed:
                raise forbidden("bot was blocked by the user")
            if not self.started:
                raise forbidden("bot can't initiate conversation with a user")
            return
        self.present()
        if self.kind == "channel" and not self.may("can_post_messages"):
            raise bad("need administrator rights in the channel chat")

    def present(self) -> None:
        """Whether the bot is in a group or a channel.

        Raises:
            Refused: it is not.
        """
        what = f"{self.kind} chat"
        if self.status == "kicked":
            raise forbidden(f"bot was kicked from the {what}")
        if self.status == "left":
            raise forbidden(f"bot is not a member of the {what}")

    def may(self, right: str) -> bool:
        """Whether the bot has a right of administrators."""
        return self.status == "creator" or (self.status == "administrator" and right in self.rights)

    def member(self, user: dict[str, Any]) -> dict[str, Any]:
        """The bot as ``getChatMember`` tells of it."""
        told: dict[str, Any] = {"status": self.status, "user": user}
        if self.status == "administrator":
            told |= {right: right in self.rights for right in _EVERY_RIGHT}
            own = CHANNEL_RIGHTS if self.kind == "channel" else GROUP_RIGHTS
            told |= {right: right in self.rights for right in own}
        if self.status == "creator":
            told |= {"is_anonymous": False}
        if self.status == "kicked":
            told |= {"until_date": 0}
        return told

    def add(self, post: Post) -> Post:
        """Keep a message under the next number."""
        self.last += 1
        post.id = self.last
        self.posts[post.id] = post
        return post

    def message(self, post: Post) -> dict[str, Any]:
        """A message as the API shows it."""
        told: dict[str, Any] = {"message_id": post.id, "date": int(post.date), "chat": self.named()}
        if post.photo:
            sized = {"file_id": f"photo-{self.id}-{post.id}", "file_unique_id": f"p{post.id}", "width": 1, "height": 1}
            told |= {"photo": [sized], "caption": post.text, "caption_entities": list(post.entities)}
        elif post.rich:
            blocks = [{"type": "paragraph", "text": line} for line in post.text.split("\n")]
            told |= {"rich_message": {"blocks": blocks}}
        else:
            told |= {"text": post.text, "entities": list(post.entities)}
        if post.album:
            told["media_group_id"] = post.album
        if post.edited:
            told["edit_date"] = int(post.edited)
        if post.buttons:
            told["reply_markup"] = {"inline_keyboard": [list(row) for row in post.buttons]}
        return told


class Reader:
    """A person in Telegram, with one chat with the bot. What is said comes to the bot as an update."""

    def __init__(self, lab: Telegram, chat: Chat, lang: str) -> None:
        self.id, self.lang, self.chat = chat.id, lang, chat
        self.toasts: list[str] = []  # what was shown for a moment beside a button
        self.answered: set[str] = set()  # presses whose waiting mark is gone
        self._lab = lab
        self._heard = asyncio.Condition()

    def says(self, text: str) -> None:
        """Write to the bot, which opens the chat."""
        self.chat.started, self.chat.closed = True, False
        post = self.chat.add(Post(id=0, date=self._lab.clock(), text=text, own=False))
        told = {**self.chat.message(post), "from": self._user()}
        self._lab.updates.add("message", told)

    def presses(self, label: str) -> str:
        """Press the newest button whose label has ``label`` in it; the name of the press."""
        for post in sorted(self.chat.posts.values(), key=lambda one: -one.id):
            for key in (key for row in post.buttons for key in row):
                if label in key["text"]:
                    return self._press(post, key.get("callback_data", ""))
        raise LookupError(f"no button says {label!r}")

    def _press(self, post: Post, data: str) -> str:
        name = self._lab.pressed(self)
        told = {"id": name, "from": self._user(), "message": self.chat.message(post), "data": data}
        self._lab.updates.add("callback_query", {**told, "chat_instance": str(self.id)})
        return name

    def blocks(self) -> None:
        """Close the chat, as people do who want to hear no more."""
        self.chat.closed = True
        bot = self._lab.user()
        told = {
            "chat": self.chat.named(),
            "from": self._user(),
            "date": int(self._lab.clock()),
            "old_chat_member": {"status": "member", "user": bot},
            "new_chat_member": {"status": "kicked", "user": bot, "until_date": 0},
        }
        self._lab.updates.add("my_chat_member", told)

    def sees(self) -> list[str]:
        """The texts of the bot's messages that stand in the chat."""
        return [post.text for post in self.chat.posts.values() if post.own]

    def buttons(self) -> list[str]:
        """The labels below the newest message of the bot."""
        own = [post for post in self.chat.posts.values() if post.own]
        return [key["text"] for row in own[-1].buttons for key in row] if own else []

    async def hears(self, count: int) -> list[str]:
        """Wait until there are so many messages of the bot; then their texts."""
        async with self._heard:
            await self._heard.wait_for(lambda: len(self.sees()) >= count)
        return self.sees()

    async def notice(self) -> None:
        """Something came: whoever waits looks again."""
        async with self._heard:
            self._heard.notify_all()

    def _user(self) -> dict[str, Any]:
        told = {"id": self.id, "is_bot": False, "first_name": f"Reader {self.id}"}
        return told | ({"language_code": self.lang} if self.lang else {})
