"""The methods by which a bot learns: of itself, of chats, of what readers said."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from heliograph.lab.channels.telegram.markup import units
from heliograph.lab.channels.telegram.refused import bad

if TYPE_CHECKING:
    from heliograph.lab.channels.telegram.given import Given
    from heliograph.lab.channels.telegram.service import Telegram

_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_LANG = re.compile(r"(?:[a-z]{2})?")
_MOST_COMMANDS, _MOST_DESCRIPTION, _MOST_WAIT = 100, 256, 50


async def get_me(lab: Telegram, args: Given) -> Any:  # noqa: ANN401 - JSON
    """The bot."""
    return {**lab.user(), "can_join_groups": True, "can_read_all_group_messages": False}


async def get_chat(lab: Telegram, args: Given) -> Any:  # noqa: ANN401 - JSON
    """A chat, and what is pinned there."""
    chat = lab.chat(args)
    if chat.kind != "private":
        chat.present()
    told = {**chat.named(), "accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": _NO_GIFTS}
    return told | ({"pinned_message": chat.message(chat.posts[chat.pins[-1]])} if chat.pins else {})


async def get_chat_member(lab: Telegram, args: Given) -> Any:  # noqa: ANN401 - JSON
    """The bot's own place in a chat, or that somebody else is there."""
    chat = lab.chat(args)
    if chat.kind != "private":
        chat.present()
    number = args.whole("user_id")
    if number == lab.user()["id"]:
        return chat.member(lab.user())
    if number not in lab.readers:
        raise bad("user not found")
    return {"status": "member", "user": {"id": number, "is_bot": False, "first_name": f"Reader {number}"}}


async def get_updates(lab: Telegram, args: Given) -> Any:  # noqa: ANN401 - JSON
    """What readers said since the last time."""
    limit, wait = args.whole("limit", 100), args.whole("timeout", 0)
    if not 1 <= limit <= 100:
        limit = 100
    allowed = args.json("allowed_updates")
    if allowed is not None and not isinstance(allowed, list):
        raise bad("can't parse allowed updates: expected an Array")
    return await lab.updates.get(args.whole("offset", 0), limit, min(max(wait, 0), _MOST_WAIT), allowed)


async def set_webhook(lab: Telegram, args: Given) -> bool:
    """Updates go there from now on; nothing is ever sent by this world."""
    url = args.text("url")
    if url and not url.startswith("https://"):
        raise bad("bad webhook: An HTTPS URL must be provided for webhook")
    lab.updates.webhook = url
    return True


async def delete_webhook(lab: Telegram, args: Given) -> bool:
    """Back to ``getUpdates``."""
    lab.updates.webhook = ""
    if args.flag("drop_pending_updates"):
        lab.updates.waiting.clear()
    return True


async def set_my_commands(lab: Telegram, args: Given) -> bool:
    """The list behind the button beside the line where people write."""
    commands, lang = args.json("commands"), args.text("language_code")
    if not isinstance(commands, list) or not all(isinstance(one, dict) for one in commands):
        raise bad("can't parse commands list")
    if len(commands) > _MOST_COMMANDS:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    if not _LANG.fullmatch(lang):
        raise bad("invalid language code specified")
    for one in commands:
        if not _COMMAND.fullmatch(str(one.get("command", ""))):
            raise bad("BOT_COMMAND_INVALID")
        if not 1 <= len(str(one.get("description", ""))) <= _MOST_DESCRIPTION:
            raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
    lab.commands[lang] = [(one["command"], one["description"]) for one in commands]
    return True


async def answer_callback_query(lab: Telegram, args: Given) -> bool:
    """End the waiting mark of a button, and show a line for a moment."""
    name, text = args.text("callback_query_id"), args.text("text")
    if name not in lab.presses or lab.clock() - lab.presses[name][1] > lab.limits.button_life:
        raise bad("query is too old and response timeout expired or query ID is invalid")
    if units(text) > lab.limits.toast:
        raise bad("MESSAGE_TOO_LONG")
    reader, _ = lab.presses.pop(name)
    reader.answered.add(name)
    if text:
        reader.toasts.append(text)
    await reader.notice()
    return True


_NO_GIFTS: Final = {
    "unlimited_gifts": False,
    "limited_gifts": False,
    "unique_gifts": False,
    "premium_subscription": False,
}
METHODS: Final = {
    "getMe": get_me,
    "getChat": get_chat,
    "getChatMember": get_chat_member,
    "getUpdates": get_updates,
    "setWebhook": set_webhook,
    "deleteWebhook": delete_webhook,
    "setMyCommands": set_my_commands,
    "answerCallbackQuery": answer_callback_query,
}
