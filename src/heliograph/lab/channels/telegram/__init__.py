"""Telegram's Bot API on this machine, strict: ``Telegram``, with readers who ask, press buttons and close the chat.

Limits are those of its documentation; those that are common knowledge only are fields of ``Limits``. Not here:
Markdown, rich messages with media or as blocks, files other than pictures, and webhooks that are called.
"""

from heliograph.lab.channels.telegram.buckets import Limits, Rate
from heliograph.lab.channels.telegram.chats import CHANNEL_RIGHTS, Chat, Post, Reader
from heliograph.lab.channels.telegram.service import TOKEN, Telegram

__all__ = ["CHANNEL_RIGHTS", "TOKEN", "Chat", "Limits", "Post", "Rate", "Reader", "Telegram"]
