"""From tables ``[[channel]]`` to the channels that they name; what a kind needs is loaded with its use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

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
from heliograph.model import ConfigError
from heliograph.ports import Channel


@asynccontextmanager
async def opened(config: Config, table: ChannelTable) -> AsyncIterator[Channel]:
    """The channel of ``table``; its connections end with the block.

    Raises:
        ConfigError: a file that the table names cannot be used.
    """
    match table:
        case TelegramChannel():
            from heliograph.adapters.channels.telegram import TelegramChannel as Telegram

            token = secret_file(config, table.token)
            async with Telegram(name=table.name, chat=table.chat, token=token, endpoint=table.endpoint) as channel:
                yield channel
        case ViberChannel():
            from heliograph.adapters.channels.viber import Viber

            token = secret_file(config, table.token)
            async with Viber(table.name, token=token, webhook=table.webhook, base=table.endpoint) as viber:
                yield viber
        case InstagramChannel():
            from heliograph.adapters.channels.instagram import Instagram

            async with Instagram(
                table.name,
                account=table.account,
                token=secret_file(config, table.token),
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
                token=secret_file(config, table.token),
                secret=_maybe(config, table.secret),
                base=table.endpoint,
                version=table.version,
            ) as facebook:
                yield facebook
        case MailChannel():
            raise ConfigError("mail is not wired yet", where=f"channel {table.name}")
        case WebhookChannel():
            from heliograph.adapters.channels.webhook import Webhook

            async with Webhook(table.name, url=table.url, secret=_maybe(config, table.secret)) as webhook:
                yield webhook


def _maybe(config: Config, path: str) -> Path | None:
    return secret_file(config, path) if path else None


def secret_file(config: Config, path: str) -> Path:
    """A file that a table names, relative to the configuration's folder."""
    return (config.folder / Path(path).expanduser()).resolve()
