"""The methods that put something into a chat."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any, Final

from PIL import Image, UnidentifiedImageError

from heliograph.lab.channels.telegram.chats import Chat, Post
from heliograph.lab.channels.telegram.markup import Formatted, formatted, is_blank, units
from heliograph.lab.channels.telegram.refused import Refused, bad
from heliograph.lab.channels.telegram.richly import rich_of

if TYPE_CHECKING:
    from heliograph.lab.channels.telegram.given import Given
    from heliograph.lab.channels.telegram.service import Telegram

_MOST_RAW: Final = 100_000  # characters with markup: nobody parses more


async def send_message(lab: Telegram, args: Given) -> Any:  # noqa: ANN401 - JSON
    """Text of 1 to 4,096 units."""
    chat = lab.chat(args)
    chat.admit()
    said = text_of(lab, args.text("text"), args.text("parse_mode"))
    return await _put(lab, args, chat, said)


async def send_rich_message(lab: Telegram, args: Given) -> Any:  # noqa: ANN401 - JSON
    """A rich message; it has no preview of links, and so no option for one."""
    chat = lab.chat(args)
    chat.admit()
    return await _put(lab, args, chat, rich_of(lab, args.json("rich_message")), rich=True)


async def send_photo(lab: Telegram, args: Given) -> Any:  # noqa: ANN401 - JSON
    """One uploaded picture with a caption of up to 1,024 units."""
    chat = lab.chat(args)
    chat.admit()
    size = photo_of(lab, args.file("photo"))
    said = caption_of(lab, args.text("caption"), args.text("parse_mode"))
    return await _put(lab, args, chat, said, size)


async def _put(lab: Telegram, args: Given, chat: Chat, said: Formatted, photo: int = 0, *, rich: bool = False) -> Any:  # noqa: ANN401 - JSON
    buttons, answers = buttons_of(lab, args), _answered(chat, args)
    lab.spend(chat)
    post = Post(
        id=0,
        date=lab.clock(),
        text=said.text,
        entities=said.entities,
        rich=rich,
        photo=photo,
        buttons=buttons,
        answers=answers,
        quiet=rich or bool(photo) or quiet(args),
    )
    chat.add(post)
    await lab.notice(chat)
    return chat.message(post)


async def send_media_group(lab: Telegram, args: Given) -> Any:  # noqa: ANN401 - JSON
    """Two to ten uploaded pictures."""
    chat = lab.chat(args)
    chat.admit()
    media = args.json("media")
    least, most = lab.limits.album
    if not isinstance(media, list) or not all(isinstance(one, dict) for one in media):
        raise bad("can't parse media: expected an Array of InputMedia")
    if len(media) < least:
        raise bad("media group must include at least 2 items")
    if len(media) > most:
        raise bad("too many messages to send as an album")
    posts = []
    for one in media:
        if one.get("type") != "photo":
            raise bad("wrong type of media")  # this world shows pictures only
        size = photo_of(lab, args.attached(str(one.get("media", ""))))
        said = caption_of(lab, str(one.get("caption") or ""), str(one.get("parse_mode") or ""))
        posts.append(Post(id=0, date=lab.clock(), text=said.text, entities=said.entities, photo=size))
    answers = _answered(chat, args)
    lab.spend(chat)
    lab.albums += 1
    for post in posts:
        post.album, post.answers = f"album-{lab.albums}", answers
        chat.add(post)
    await lab.notice(chat)
    return [chat.message(post) for post in posts]


def text_of(lab: Telegram, text: str, mode: str) -> Formatted:
    """The text of a message.

    Raises:
        Refused: it is empty, too long or broken.
    """
    if len(text) > _MOST_RAW:
        raise bad("message is too long")
    said = formatted(text, mode)
    if is_blank(said.text):
        raise bad("message text is empty")
    if units(said.text) > lab.limits.text:
        raise bad("message is too long")
    return said


def caption_of(lab: Telegram, text: str, mode: str) -> Formatted:
    """The text beside a picture.

    Raises:
        Refused: it is too long or broken.
    """
    said = formatted(text[:_MOST_RAW], mode)
    if len(text) > _MOST_RAW or units(said.text) > lab.limits.caption:
        raise bad("message caption is too long")
    return said


def photo_of(lab: Telegram, data: bytes | None) -> int:
    """The size of an uploaded picture.

    Raises:
        Refused: it is none that the API takes.
    """
    if not data:
        raise bad("there is no photo in the request")
    if len(data) > lab.limits.photo:
        raise Refused(413, "Request Entity Too Large")
    try:
        with Image.open(io.BytesIO(data)) as image:
            width, height = image.size
    except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
        raise bad("IMAGE_PROCESS_FAILED") from None
    if width + height > lab.limits.photo_sides or max(width, height) > lab.limits.photo_ratio * min(width, height):
        raise bad("PHOTO_INVALID_DIMENSIONS")
    return len(data)


def buttons_of(lab: Telegram, args: Given) -> tuple[tuple[dict[str, Any], ...], ...]:
    """The inline keyboard.

    Raises:
        Refused: a button is too much, or does nothing.
    """
    told = args.json("reply_markup")
    rows = told.get("inline_keyboard") if isinstance(told, dict) else None
    if rows is None:
        return ()
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad("object expected as reply markup")
    if sum(map(len, rows)) > lab.limits.buttons:
        raise bad("reply markup is too long")
    for key in (key for row in rows for key in row):
        if not isinstance(key, dict) or not str(key.get("text") or "").strip():
            raise bad("text buttons are unallowed in the inline keyboard")
        data, url = key.get("callback_data"), key.get("url")
        if (data is None) == (url is None):
            raise bad("BUTTON_TYPE_INVALID")
        if data is not None and not 1 <= len(str(data).encode()) <= lab.limits.button_data:
            raise bad("BUTTON_DATA_INVALID")
        if url is not None and not str(url).startswith(("https://", "http://", "tg://")):
            raise bad("BUTTON_URL_INVALID")
    return tuple(tuple(row) for row in rows)


def quiet(args: Given) -> bool:
    """Whether links are shown without a preview."""
    told = args.json("link_preview_options")
    return isinstance(told, dict) and told.get("is_disabled") in (True, "true")


def _answered(chat: Chat, args: Given) -> int:
    told = args.json("reply_parameters")
    if not isinstance(told, dict):
        return 0
    try:
        number = int(told.get("message_id") or 0)
    except (TypeError, ValueError):
        raise bad(f"can't parse reply parameters: {json.dumps(told)[:80]}") from None
    if number in chat.posts:
        return number
    if told.get("allow_sending_without_reply") in (True, "true"):
        return 0
    raise bad("message to be replied not found")


METHODS: Final = {
    "sendMessage": send_message,
    "sendRichMessage": send_rich_message,
    "sendPhoto": send_photo,
    "sendMediaGroup": send_media_group,
}
