"""Telegram of the lab, with a clock that a test moves, and the adapter that posts to it."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from PIL import Image

from heliograph.adapters.channels.telegram import TelegramChannel
from heliograph.lab.channels.telegram import TOKEN, Chat, Telegram
from heliograph.model.post import Drawn, Message, Sent


class Clock:
    """Seconds since 1970, moved by hand; whoever waits for a moment goes on when it comes."""

    def __init__(self, start: float = 1_790_000_000.0) -> None:
        self.now = start
        self._moved = asyncio.Condition()

    def __call__(self) -> float:
        return self.now

    async def advance(self, seconds: float) -> None:
        """Move it, and let whoever waited for that go on."""
        self.now += seconds
        async with self._moved:
            self._moved.notify_all()
        await asyncio.sleep(0)

    async def patience(self, seconds: float) -> None:
        """Wait until the clock was moved that far."""
        until = self.now + seconds
        async with self._moved:
            await self._moved.wait_for(lambda: self.now >= until)


async def until(holds: Callable[[], bool]) -> None:
    """Let everything else run until that is so; the test's time limit ends it."""
    while not holds():  # noqa: ASYNC110 - what is waited for is a client's state, which tells nobody
        await asyncio.sleep(0)


def token_file(folder: Path, token: str = TOKEN) -> Path:
    path = folder / "token"
    path.touch(mode=0o600)
    path.write_text(f"{token}\n")
    return path


class Here:
    """The emulator, its clock, a channel and the adapter."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.lab = Telegram(self.clock, patience=self.clock.patience)
        self.chat: Chat = self.lab.channel("peninsula_news")
        self.adapter: TelegramChannel

    async def send(self, text: str, *pictures: Drawn, html: bool = False, pin: bool = False) -> Sent:
        """Post after a pause that is long enough for any limit."""
        await self.clock.advance(60)
        return await self.adapter.send(Message(text=text, html=html, pin=pin), pictures)

    def texts(self) -> list[str]:
        return [post.text for post in self.chat.posts.values()]


@asynccontextmanager
async def here(folder: Path, chat: str = "@peninsula_news") -> AsyncIterator[Here]:
    """All of it, while its block runs."""
    made = Here(folder)
    async with made.lab.running() as door:
        made.adapter = TelegramChannel(
            name="telegram", chat=chat, token=token_file(folder), endpoint=f"{door}/", pause=made.clock.advance
        )
        async with made.adapter:
            yield made


def jpeg(width: int = 8, height: int = 8) -> Drawn:
    out = io.BytesIO()
    Image.new("RGB", (width, height), "navy").save(out, "JPEG")
    return Drawn(data=out.getvalue(), alt="navy")


def heavy(size: int) -> Drawn:
    """A picture of exactly so many bytes."""
    data = jpeg().data
    return Drawn(data=data + os.urandom(size - len(data)))
