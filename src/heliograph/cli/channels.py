"""From tables ``[[channel]]`` to the channels that they name; what a kind needs is loaded with its use."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from heliograph.adapters.keys import Keys
from heliograph.config import (
    ChannelTable,
    Config,
    FacebookChannel,
    InstagramChannel,
    MailChannel,
    TelegramChannel,
    ViberChannel,
    WebhookChannel,
)
from heliograph.model import HeliographError
from heliograph.ports import Channel, Journal
from heliograph.trust.mark import KEY, marker

if TYPE_CHECKING:
    from heliograph.adapters.channels.mail import Mail

_MARKS: Final = "mail.key"  # among the newsroom's keys, though it signs no news


@asynccontextmanager
async def opened(config: Config, journal: Journal, table: ChannelTable) -> AsyncIterator[Channel]:
    """The channel of ``table``; its connections end with the block.

    Raises:
        ConfigError: a file that the table names cannot be used.
    """
    match table:
        case TelegramChannel():
            from heliograph.adapters.channels.telegram import TelegramChannel as Telegram

            token = config.file(table.token)
            async with Telegram(name=table.name, chat=table.chat, token=token, endpoint=table.endpoint) as channel:
                yield channel
        case ViberChannel():
            from heliograph.adapters.channels.viber import Viber

            token = config.file(table.token)
            async with Viber(table.name, token=token, webhook=table.webhook, base=table.endpoint) as viber:
                yield viber
        case InstagramChannel():
            from heliograph.adapters.channels.instagram import Instagram

            async with Instagram(
                table.name,
                account=table.account,
                token=config.file(table.token),
                login=table.login,
                secret=_maybe(config, table.secret),
                base=table.endpoint,
                version=table.version,
            ) as instagram:
                yield instagram
        case FacebookChannel():
            from heliograph.adapters.channels.facebook import Facebook

            async with Facebook(
                table.name,
                page=table.page,
                token=config.file(table.token),
                secret=_maybe(config, table.secret),
                base=table.endpoint,
                version=table.version,
            ) as facebook:
                yield facebook
        case MailChannel():
            yield mail(config, journal, table)
        case WebhookChannel():
            from heliograph.adapters.channels.webhook import Webhook

            async with Webhook(table.name, url=table.url, secret=_maybe(config, table.secret)) as webhook:
                yield webhook


def mail(config: Config, journal: Journal, table: MailChannel) -> Mail:
    """The newsletter and the answers of ``table``.

    Raises:
        KeyFileError: the key of its marks cannot be read or written.
    """
    from heliograph.adapters.channels import smtp
    from heliograph.adapters.channels.mail import Mail
    from heliograph.flows.announce import one_file

    way = smtp.Way(
        host=table.host,
        port=table.port,
        security=table.security,
        user=table.user,
        password=_maybe(config, table.password),
        authority=_maybe(config, table.authority),
    )

    def edition(what: str) -> bytes:
        try:
            return one_file(journal, config, what)
        except HeliographError:  # a mail without its attachment is better than none
            return b""

    return Mail(
        table.name,
        sender=table.sender,
        title=config.newsroom.title,
        way=way,
        mark=marks(config),
        clock=lambda: datetime.now(UTC),  # noqa: TID251 - the edge, where the clock is
        dkim=_maybe(config, table.dkim),
        selector=table.selector,
        edition=edition,
    )


def marks(config: Config) -> Callable[[str], str]:
    """Makes marks on mail of ours, with a key that is made when it is first needed.

    Raises:
        KeyFileError: the key cannot be read or written.
    """
    keys = Keys(config.keys_folder)
    if _MARKS not in keys.names():
        keys.write(_MARKS, secrets.token_bytes(KEY))
    return marker(keys.read(_MARKS))


def _maybe(config: Config, path: str) -> Path | None:
    return config.file(path) if path else None
