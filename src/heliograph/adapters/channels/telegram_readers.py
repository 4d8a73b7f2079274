"""A bot of Telegram that readers ask: their questions come in by long polling, so that no door is open to the Internet.

Rule 1: an update that cannot be read is passed over, so that one of them never stops the bot; whatever it is, its
number counts. Rule 2: only private chats are heard. Rule 3: no more is taken of an update than what an answer needs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiogram import methods, types

from heliograph.adapters.channels.held import Held
from heliograph.adapters.channels.telegram_calls import Calls
from heliograph.model.post import Sent
from heliograph.model.question import Asked, Question, Reply

MOST_TEXT: Final = 500  # characters of a question: a code, an address, some words
MOST_UPDATES: Final = 100  # in one answer, as Telegram allows
_TOAST: Final = 200  # characters beside a button that was pressed
_HEARD: Final = ["message", "callback_query", "my_chat_member"]
_NO_PREVIEW = types.LinkPreviewOptions(is_disabled=True)


class RawUpdates(methods.GetUpdates):
    """Updates as the JSON they are: aiogram would refuse all of them for one it does not know."""

    __returning__ = list[Any]


class TelegramReaders(Held):
    """See ``ports.Bot``."""

    def __init__(self, *, name: str, token: Path, endpoint: str = "https://api.telegram.org/") -> None:
        """``token`` is a file."""
        self.name = name
        self._calls = Calls(token, endpoint)
        super().__init__(self._calls.web)

    async def questions(self, after: int, wait: int) -> Asked:
        limits = aiohttp.ClientTimeout(total=wait + 30, sock_connect=5, sock_read=wait + 20)
        ask = RawUpdates(
            offset=after + 1 if after else None, limit=MOST_UPDATES, timeout=wait, allowed_updates=list(_HEARD)
        )
        try:
            updates: Any = await self._calls(ask, limits)
        except Exception as error:  # noqa: BLE001 - the port's promise
            return Asked(failure=self._calls.sorted_out(error))
        return read_updates(updates)

    async def answer(self, chat: str, reply: Reply) -> Sent:
        keys = [
            [types.InlineKeyboardButton(text=label, callback_data=data) for label, data in row] for row in reply.buttons
        ]
        markup = types.InlineKeyboardMarkup(inline_keyboard=keys) if keys else None
        message = methods.SendMessage(
            chat_id=chat, text=reply.html, parse_mode="HTML", link_preview_options=_NO_PREVIEW, reply_markup=markup
        )
        try:
            await self._calls(message)
        except Exception as error:  # noqa: BLE001 - the port's promise
            sent = self._calls.sorted_out(error, reader=True)
            return Sent(fate=sent.fate, wait=sent.wait, note=sent.note, gone=(chat,) if sent.gone else ())
        return Sent(fate="posted")

    async def acknowledge(self, press: str, text: str = "") -> Sent:
        try:
            await self._calls(methods.AnswerCallbackQuery(callback_query_id=press, text=text[:_TOAST] or None))
        except Exception as error:  # noqa: BLE001 - the port's promise
            return self._calls.sorted_out(error, reader=True)
        return Sent(fate="posted")

    async def introduce(self, commands: Mapping[str, Sequence[tuple[str, str]]]) -> Sent:
        for lang, told in commands.items():
            listed = [types.BotCommand(command=name, description=what) for name, what in told]
            try:
                await self._calls(methods.SetMyCommands(commands=listed, language_code=lang or None))
            except Exception as error:  # noqa: BLE001 - the port's promise
                return self._calls.sorted_out(error, reader=True)
        return Sent(fate="posted")


def read_updates(updates: object) -> Asked:
    """The questions among ``updates``, JSON as Telegram gave it; anything else in them is passed over."""
    found, newest = [], 0
    for update in updates[:MOST_UPDATES] if isinstance(updates, list) else []:
        number = _whole(_of(update, "update_id"))
        if number is None:
            continue
        newest = number  # not the highest: after a quiet week Telegram begins anew anywhere
        question = _question(number, update)
        if question is not None:
            found.append(question)
    return Asked(questions=tuple(found), newest=newest)


def _question(number: int, update: object) -> Question | None:
    message, press, closed = (_of(update, kind) for kind in ("message", "callback_query", "my_chat_member"))
    chat = _private(message) or _private(_of(press, "message")) or _private(closed)
    if not chat:
        return None
    if closed is not None:
        left = _of(_of(closed, "new_chat_member"), "status") in ("kicked", "left")
        return Question(number=number, chat=chat, left=True) if left else None
    asked = message if message is not None else press
    text, lang = _of(asked, "text" if message is not None else "data"), _of(_of(asked, "from"), "language_code")
    id_ = _of(press, "id")
    return Question(
        number=number,
        chat=chat,
        text=_text(text, MOST_TEXT),
        press=_text(id_, 100),
        lang=_text(lang, 12).partition("-")[0].lower(),
    )


def _private(message: object) -> str:
    """The number of the private chat that ``message`` is from, "" if it is from none."""
    chat = _of(message, "chat")
    number = _whole(_of(chat, "id"))
    return str(number) if number is not None and number > 0 and _of(chat, "type") == "private" else ""


def _of(given: object, key: str) -> object:
    return given.get(key) if isinstance(given, dict) else None


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 52 else None


def _text(value: object, most: int) -> str:
    return value[:most].encode("utf-8", "replace").decode() if isinstance(value, str) else ""
