"""A channel of Telegram, posted to by a bot; and a bot's subscribers.

Rule 1: a message goes out as it is given, without a preview of its links: the preview would be fetched from a mirror by
Telegram, and shown to all. Rule 2: what comes after a post (a pin) never makes the post fail. Rule 3: of subscribers no
note tells more than how many.
"""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp
from aiogram import methods, types
from aiogram.exceptions import TelegramBadRequest

from heliograph.adapters.channels.held import Held
from heliograph.adapters.channels.telegram_calls import Calls
from heliograph.adapters.channels.web import TIMEOUT
from heliograph.model.post import ChannelKind, Drawn, Entry, Fate, Health, Message, Sent
from heliograph.model.words import direction

CAPTION: Final = 1_024  # UTF-16 units of the text beside a picture
ALBUM: Final = 10  # pictures in one message
GAP: Final = 0.04  # seconds between two subscribers: below the thirty a second that a bot has
_TAG = re.compile(r"<[^>]*>")
_REMOTE = re.compile(r"(?:.*/)?(\d{1,18})")  # an id, or a link that an editor copied
_NO_PREVIEW = types.LinkPreviewOptions(is_disabled=True)


class RawMember(methods.GetChatMember):
    """A member as the JSON it is: a right that is new must not make the channel look sick."""

    __returning__ = dict[str, Any]


class TelegramChannel(Held):
    """Posts to ``chat`` ("@name" or a number) through the Bot API at ``endpoint``."""

    kind: ChannelKind = "telegram"

    def __init__(
        self,
        *,
        name: str,
        chat: str,
        token: Path,
        endpoint: str = "https://api.telegram.org/",
        timeout: aiohttp.ClientTimeout = TIMEOUT,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """``token`` is a file; ``pause`` is what is done between two subscribers, for so many seconds."""
        self.name, self._chat, self._pause = name, chat, pause
        self._calls = Calls(token, endpoint, timeout)
        super().__init__(self._calls.web)

    async def send(self, message: Message, pictures: Sequence[Drawn] = (), to: Sequence[str] = ()) -> Sent:
        if to:
            return await self._tell(message, to)
        sent = await self._post(self._chat, message, pictures)
        if sent.fate == "posted" and message.pin:
            return await self._pin(sent)
        return sent

    async def edit(self, remotes: Sequence[str], message: Message, pictures: Sequence[Drawn] = ()) -> Sent:
        """The first of ``remotes`` bears the text. A picture stays as it is."""
        ids = _ids(remotes)
        if not ids:
            return Sent(fate="refused", note="it is not known which message to change")
        sent = Sent(fate="unknown")
        for method in self._edits(ids[0], message, beside=bool(pictures)):
            try:
                await self._calls(method)
            except Exception as error:  # noqa: BLE001 - the port's promise
                said = error.message if isinstance(error, TelegramBadRequest) else ""
                if "message is not modified" in said:
                    return Sent(fate="posted", remotes=tuple(remotes), note="it was so already")
                sent = self._calls.sorted_out(error)
                if "there is no" not in said:  # "no text", "no caption in the message to edit": the other one
                    return sent
            else:
                return Sent(fate="posted", remotes=tuple(remotes))
        return sent

    def _edits(
        self, id: int, message: Message, *, beside: bool  # noqa: A002
    ) -> tuple[methods.EditMessageText | methods.EditMessageCaption, ...]:  # fmt: skip
        """The ways to change a message, the likely one first; ``beside`` a picture it is a caption."""
        if message.rich:
            return (methods.EditMessageText(chat_id=self._chat, message_id=id, rich_message=_rich(message)),)
        mode = "HTML" if message.html else None
        text = methods.EditMessageText(
            chat_id=self._chat,
            message_id=id,
            text=message.text,
            parse_mode=mode,
            link_preview_options=_NO_PREVIEW,
        )
        caption = methods.EditMessageCaption(chat_id=self._chat, message_id=id, caption=message.text, parse_mode=mode)
        return (caption, text) if beside else (text, caption)

    async def withdraw(self, remotes: Sequence[str]) -> Sent:
        """What is older than 48 hours Telegram refuses to delete: it can only be edited."""
        ids = _ids(remotes)
        if not ids:
            return Sent(fate="refused", note="it is not known which message to delete")
        try:
            await self._calls(methods.DeleteMessages(chat_id=self._chat, message_ids=ids))
        except TelegramBadRequest as error:
            if "message to delete not found" in error.message:
                return Sent(fate="posted", note="it was not there")
            return self._calls.sorted_out(error)
        except Exception as error:  # noqa: BLE001 - the port's promise
            return self._calls.sorted_out(error)
        return Sent(fate="posted", remotes=tuple(remotes))

    async def proof(self, entry: Entry) -> Sent:
        """Never known: a bot is told nothing of what stands in its own channel."""
        return Sent(fate="unknown", note="Telegram does not tell a bot what stands in its channel: look there")

    async def health(self) -> Health:
        try:
            me = await self._calls(methods.GetMe())
            member: Any = await self._calls(RawMember(chat_id=self._chat, user_id=me.id))
        except Exception as error:  # noqa: BLE001 - the port's promise
            return Health(works=False, note=self._calls.sorted_out(error).note)
        member = member if isinstance(member, dict) else {}
        status = str(member.get("status", ""))
        if status == "creator" or (status == "administrator" and "can_post_messages" not in member):  # a group's
            return Health(works=True, note=f"@{me.username}")
        if status != "administrator" or not member.get("can_post_messages"):
            return Health(works=False, note=f"@{me.username} may not post there: make it an administrator who may")
        lacks = [told for right, told in (("can_edit_messages", "pin"),) if not member.get(right)]
        note = f"@{me.username}" + "".join(f"; it may not {one}" for one in lacks)
        return Health(works=True, note=note)

    async def _post(self, chat: str, message: Message, pictures: Sequence[Drawn], *, reader: bool = False) -> Sent:
        beside = pictures if caption_units(message) <= CAPTION else ()
        try:
            ids = await self._request(chat, message, beside)
        except Exception as error:  # noqa: BLE001 - the port's promise
            return self._calls.sorted_out(error, reader=reader)
        note = "" if len(beside) == len(pictures) else "without the picture: the text is longer than one may have"
        return Sent(fate="posted", remotes=tuple(map(str, ids)), note=note)

    async def _request(self, chat: str, message: Message, pictures: Sequence[Drawn]) -> list[int]:
        reply = None
        if ids := _ids([message.replies_to]):
            reply = types.ReplyParameters(message_id=ids[0], allow_sending_without_reply=True)
        if message.rich:
            rich = methods.SendRichMessage(chat_id=chat, rich_message=_rich(message), reply_parameters=reply)
            return [(await self._calls(rich)).message_id]
        mode = "HTML" if message.html else None
        files = [types.BufferedInputFile(one.data, f"{number}.jpg") for number, one in enumerate(pictures, 1)]
        if not files:
            text = methods.SendMessage(
                chat_id=chat,
                text=message.text,
                parse_mode=mode,
                link_preview_options=_NO_PREVIEW,
                reply_parameters=reply,
            )
            return [(await self._calls(text)).message_id]
        if len(files) == 1:
            photo = methods.SendPhoto(
                chat_id=chat, photo=files[0], caption=message.text, parse_mode=mode, reply_parameters=reply
            )
            return [(await self._calls(photo)).message_id]
        media: list[Any] = [
            types.InputMediaPhoto(media=file, caption=None if place else message.text, parse_mode=mode)
            for place, file in enumerate(files)
        ]
        album = methods.SendMediaGroup(chat_id=chat, media=media, reply_parameters=reply)
        return [one.message_id for one in await self._calls(album)]

    async def _pin(self, sent: Sent) -> Sent:
        pin = methods.PinChatMessage(chat_id=self._chat, message_id=int(sent.remotes[0]), disable_notification=True)
        try:
            await self._calls(pin)
        except Exception as error:  # noqa: BLE001 - the port's promise
            note = f"not pinned: {self._calls.sorted_out(error).note}"
            return Sent(fate="posted", remotes=sent.remotes, note="; ".join(filter(None, (sent.note, note))))
        return sent

    async def _tell(self, message: Message, to: Sequence[str]) -> Sent:
        """To each subscriber once. What ends the round before anybody was reached is told as it is.

        "posted" is a round that went on to its end, or was broken off after some were reached: ``bounced`` were not.
        """
        gone: list[str] = []
        missed = unsure = 0
        for place, chat in enumerate(to):
            if place:
                await self._pause(GAP)
            one = await self._post(chat, message, (), reader=True)
            if one.fate in ("later", "stopped"):
                if place == 0:
                    return one
                left = tuple(to[place:])
                note = f"{len(left)} of {len(to)} were not reached: {one.note}"
                return Sent(fate="posted", wait=one.wait, note=note, gone=tuple(gone), bounced=left)
            gone += [chat] if one.gone else []
            missed += one.fate == "refused" and not one.gone
            unsure += one.fate == "unknown"
        told = [f"{len(gone)} have closed the chat"] if gone else []
        told += [f"{missed} were refused"] if missed else []
        told += [f"{unsure} may have got it"] if unsure else []
        fate: Fate = "refused" if missed == len(to) else "unknown" if unsure == len(to) else "posted"
        return Sent(fate=fate, note="; ".join(told), gone=tuple(gone))


def caption_units(message: Message) -> int:
    """How long Telegram finds the text: UTF-16 units, without markup."""
    text = html.unescape(_TAG.sub("", message.text)) if message.html else message.text
    return len(text.encode("utf-16-le", "replace")) // 2


def _rich(message: Message) -> types.InputRichMessage:
    """Strangers wrote the text: what looks like a name or a command in it is none."""
    return types.InputRichMessage(
        html=message.text, is_rtl=direction(message.lang) == "rtl" or None, skip_entity_detection=True
    )


def _ids(remotes: Sequence[str]) -> list[int]:
    return [int(match[1]) for one in remotes if (match := _REMOTE.fullmatch(one.strip()))]
