"""The methods that change what stands in a chat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from heliograph.lab.channels.telegram.chats import Chat, Post
from heliograph.lab.channels.telegram.markup import Formatted
from heliograph.lab.channels.telegram.posting import buttons_of, caption_of, text_of
from heliograph.lab.channels.telegram.refused import bad
from heliograph.lab.channels.telegram.richly import rich_of

if TYPE_CHECKING:
    from heliograph.lab.channels.telegram.given import Given
    from heliograph.lab.channels.telegram.service import Telegram

_SAME = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content "
    "and reply markup of the message"
)
_MOST_IDS = 100


async def edit_text(lab: Telegram, args: Given) -> Any:  # noqa: ANN401 - JSON
    """Another text in place of one."""
    chat, post = _found(lab, args)
    if post.photo:
        raise bad("there is no text in the message to edit")
    rich = args.json("rich_message")
    if rich is not None and args.text("text"):
        raise bad("text and rich_message must not be specified together")
    said = rich_of(lab, rich) if rich is not None else text_of(lab, args.text("text"), args.text("parse_mode"))
    return await _changed(lab, args, chat, post, said, rich=rich is not None)


async def edit_caption(lab: Telegram, args: Given) -> Any:  # noqa: ANN401 - JSON
    """Another text beside a picture."""
    chat, post = _found(lab, args)
    if not post.photo:
        raise bad("there is no caption in the message to edit")
    return await _changed(lab, args, chat, post, caption_of(lab, args.text("caption"), args.text("parse_mode")))


async def delete_message(lab: Telegram, args: Given) -> bool:
    """One message of less than 48 hours."""
    chat = lab.chat(args)
    if chat.kind != "private":
        chat.present()
    post = chat.posts.get(args.whole("message_id"))
    if post is None:
        raise bad("message to delete not found")
    _deletable(lab, chat, post)
    _delete(chat, post)
    return True


async def delete_messages(lab: Telegram, args: Given) -> bool:
    """Up to a hundred; those that are not there are passed over."""
    chat = lab.chat(args)
    if chat.kind != "private":
        chat.present()
    ids = args.json("message_ids")
    if not isinstance(ids, list) or not ids or not all(isinstance(one, int) for one in ids):
        raise bad("message identifiers are not specified")
    if len(ids) > _MOST_IDS:
        raise bad("too many message identifiers specified")
    posts = [chat.posts[one] for one in ids if one in chat.posts]
    for post in posts:
        _deletable(lab, chat, post)
    for post in posts:
        _delete(chat, post)
    return True


async def pin(lab: Telegram, args: Given) -> bool:
    """A message at the head of the chat."""
    chat, post = _pinnable(lab, args)
    if post is None:
        raise bad("message to pin not found")
    chat.pins = [one for one in chat.pins if one != post.id] + [post.id]
    return True


async def unpin(lab: Telegram, args: Given) -> bool:
    """One there no more; the newest where none is named."""
    chat, post = _pinnable(lab, args)
    if args.text("message_id") and (post is None or post.id not in chat.pins):
        raise bad("message to unpin not found")
    chat.pins = [one for one in chat.pins[: None if post else -1] if post is None or one != post.id]
    return True


def _found(lab: Telegram, args: Given) -> tuple[Chat, Post]:
    chat = lab.chat(args)
    chat.admit()
    post = chat.posts.get(args.whole("message_id"))
    if post is None:
        raise bad("message to edit not found")
    if not post.own and not chat.may("can_edit_messages"):
        raise bad("message can't be edited")
    return chat, post


async def _changed(lab: Telegram, args: Given, chat: Chat, post: Post, said: Formatted, *, rich: bool = False) -> Any:  # noqa: ANN401 - JSON
    buttons = buttons_of(lab, args)
    if (said.text, said.entities, buttons, rich) == (post.text, post.entities, post.buttons, post.rich):
        raise bad(_SAME)
    post.rich = rich
    post.text, post.entities, post.buttons, post.edited = said.text, said.entities, buttons, lab.clock()
    await lab.notice(chat)
    return chat.message(post)


def _deletable(lab: Telegram, chat: Chat, post: Post) -> None:
    needed = "can_delete_messages" if chat.kind != "channel" or not post.own else "can_post_messages"
    own = chat.kind == "private" or (chat.kind == "supergroup" and post.own)
    if not own and not chat.may(needed) and not chat.may("can_delete_messages"):
        raise bad("message can't be deleted")
    if lab.clock() - post.date >= lab.limits.deletable:
        raise bad("message can't be deleted")


def _delete(chat: Chat, post: Post) -> None:
    del chat.posts[post.id]
    chat.pins = [one for one in chat.pins if one != post.id]


def _pinnable(lab: Telegram, args: Given) -> tuple[Chat, Post | None]:
    chat = lab.chat(args)
    if chat.kind != "private":
        chat.present()
        if not chat.may("can_edit_messages" if chat.kind == "channel" else "can_pin_messages"):
            raise bad("not enough rights to manage pinned messages in the chat")
    return chat, chat.posts.get(args.whole("message_id", 0))


METHODS: Final = {
    "editMessageText": edit_text,
    "editMessageCaption": edit_caption,
    "deleteMessage": delete_message,
    "deleteMessages": delete_messages,
    "pinChatMessage": pin,
    "unpinChatMessage": unpin,
}
