"""How Telegram is asked, and what each of its answers means: aiogram's methods over the client of all channels.

Rule 1: what aiogram raises is sorted here and nowhere else. Rule 2: only what a provider declares as refused is
refused; a gateway's page, nonsense and silence are "unknown". Rule 3: the token is in the address of each request, so
that no address is told.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar, cast

import aiohttp
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import TelegramMethod
from aiogram.methods.base import TelegramType
from aiogram.utils.token import TokenValidationError

from heliograph.adapters.channels.fates import MOST_WAIT
from heliograph.adapters.channels.secret import secret
from heliograph.adapters.channels.web import TIMEOUT, Web, failure, plain
from heliograph.model import ConfigError
from heliograph.model.post import Sent

_T = TypeVar("_T")
_RIGHTS = ("rights", "chat_write_forbidden", "chat_admin_required", "chat not found", "have no write access")
_NOBODY = ("chat not found", "peer_id_invalid", "user not found", "user is deactivated")


class Calls:
    """Asks the Bot API at ``endpoint`` with the token in the file ``token``, as it is at each call."""

    def __init__(self, token: Path, endpoint: str, timeout: aiohttp.ClientTimeout = TIMEOUT) -> None:
        self._token, self.web = token, Web(timeout)
        self._session = _Session(self.web, endpoint)
        self._last = ""  # the token of the last call, to be kept out of notes

    async def __call__(self, method: TelegramMethod[_T], timeout: aiohttp.ClientTimeout | None = None) -> _T:  # noqa: ASYNC109
        """What Telegram answers.

        Raises:
            ConfigError: the token cannot be read, or is none.
            AiogramError: see ``sorted_out``.
        """
        self._last = secret(self._token)
        try:
            bot = Bot(self._last, session=self._session)
        except TokenValidationError:
            # not chained: it is about the token
            remedy = "put the line there that BotFather gave: digits, a colon, letters"
            raise ConfigError("this is no token of a bot", where=str(self._token), remedy=remedy) from None
        return await bot(method, request_timeout=cast(Any, timeout))

    def sorted_out(self, error: Exception, *, reader: bool = False) -> Sent:
        """What ``error`` means; with ``reader`` it was a message to one reader, else to the newsroom's channel."""
        sent = _fate(error, reader=reader)
        return Sent(fate=sent.fate, wait=sent.wait, note=plain(sent.note, self._last), gone=sent.gone)


class _Session(AiohttpSession):
    """aiogram's own, over a client that bounds what an answer may be and follows no redirect."""

    def __init__(self, web: Web, endpoint: str) -> None:
        super().__init__(api=TelegramAPIServer.from_base(endpoint))
        self._client = web

    async def make_request(
        self,
        bot: Bot,
        method: TelegramMethod[TelegramType],
        timeout: Any = None,  # noqa: ANN401, ASYNC109 - aiogram says int, and passes on what it is given
    ) -> TelegramType:
        url = self.api.api_url(token=bot.token, method=method.__api_method__)
        form = self.build_form_data(bot=bot, method=method)
        try:
            got = await self._client.exchange("POST", url, data=form, timeout=timeout)
        except (aiohttp.ClientError, OSError) as error:
            raise TelegramNetworkError(method=method, message=type(error).__name__) from error
        text = got.body.decode("utf-8", "replace")
        answer = self.check_response(bot=bot, method=method, status_code=got.status, content=text)
        return cast(TelegramType, answer.result)

    async def close(self) -> None:
        await self._client.aclose()


def _fate(error: Exception, *, reader: bool) -> Sent:
    match error:
        case ConfigError():
            return Sent(fate="stopped", note=f"{error.where}: {error.what}")
        case TelegramRetryAfter():
            wait = min(max(error.retry_after, 1), int(MOST_WAIT))
            return Sent(fate="later", wait=wait, note=f"Telegram wants a pause of {wait} seconds")
        case TelegramMigrateToChat():
            number = error.migrate_to_chat_id
            return Sent(fate="stopped", note=f"the group is a supergroup now: set chat to {number}")
        case TelegramUnauthorizedError() | TelegramNotFound():
            return Sent(fate="stopped", note=f"Telegram does not know this token: {error.message}")
        case TelegramForbiddenError() if reader:
            return Sent(fate="refused", note="the reader has closed the chat", gone=("reader",))
        case TelegramForbiddenError():
            return Sent(fate="stopped", note=error.message)
        case TelegramBadRequest() if reader and _says(error, _NOBODY):
            return Sent(fate="refused", note="there is no such reader", gone=("reader",))
        case TelegramBadRequest() if not reader and _says(error, _RIGHTS):
            return Sent(fate="stopped", note=error.message)
        case TelegramBadRequest() | TelegramEntityTooLarge() | TelegramConflictError():
            return Sent(fate="refused", note=error.message)
    return _unsure(error)


def _unsure(error: Exception) -> Sent:
    match error:
        case TelegramNetworkError():
            fate, note = failure(error.__cause__ or error)
            return Sent(fate=fate, note=note)
        case TelegramServerError():
            return Sent(fate="unknown", note=f"Telegram failed: {error.message}")
        case ClientDecodeError():
            return Sent(fate="unknown", note="an answer that nobody can read")
        case TelegramAPIError():
            return Sent(fate="unknown", note=error.message)
        case AiogramError():
            return Sent(fate="unknown", note=type(error).__name__)
    fate, note = failure(error)
    return Sent(fate=fate, note=note)


def _says(error: TelegramAPIError, words: tuple[str, ...]) -> bool:
    said = error.message.lower()
    return any(one in said for one in words)
