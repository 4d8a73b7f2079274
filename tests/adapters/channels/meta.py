"""What tests of Viber, Instagram, Facebook and webhooks share: a clock, files of secrets, pictures on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import TypeVar

import aiohttp
import anyio
from aiohttp import web
from PIL import Image

from heliograph.adapters.channels.web import TIMEOUT
from heliograph.lab.loopback import base, serving
from heliograph.model.post import Act, Drawn, Entry, Message, Sent, Topic

START = 1_790_000_000.0
QUICK = aiohttp.ClientTimeout(total=0.8)  # where an answer never comes
T = TypeVar("T")


class Clock:
    """Stands still unless it is moved; ``sleep`` moves it."""

    def __init__(self) -> None:
        self.now = START
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    @property
    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.now, UTC)


def run(body: Callable[[], Awaitable[T]]) -> T:
    return anyio.run(body)


def patience(fault: str) -> aiohttp.ClientTimeout:
    """As long as in earnest, unless an answer never comes."""
    return QUICK if fault.startswith("stall") else TIMEOUT


def put(path: Path, text: str) -> Path:
    """A file that its owner alone may read."""
    path.write_text(text + "\n")
    path.chmod(0o600)
    return path


def entry(text: str, clock: Clock, *, act: Act = "post", remotes: tuple[str, ...] = ()) -> Entry:
    """A row of the outbox that is unknown."""
    return Entry(
        id=1, channel="x", topic=Topic("story", "7K3M9QX"), version=1, act=act, message=Message(text=text),
        digest="0" * 64, state="unknown", remotes=remotes, queued=clock.moment, changed=clock.moment,
    )  # fmt: skip


@cache
def jpeg(width: int, height: int, size: int = 0) -> bytes:
    """A picture; with ``size`` exactly so many bytes, what follows its end being no part of it."""
    out = BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(out, "JPEG", quality=30)
    data = out.getvalue()
    return data + bytes(size - len(data)) if size else data


@cache
def png(width: int, height: int) -> bytes:
    out = BytesIO()
    Image.new("RGB", (width, height)).save(out, "PNG")
    return out.getvalue()


@dataclass
class Pictures:
    """A host whose paths say what it gives: /1080x1350.jpg."""

    door: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    silent: set[str] = field(default_factory=set)

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path in self.silent:
            await anyio.sleep_forever()
        data = self.files.get(request.path)
        return web.Response(status=404) if data is None else web.Response(body=data)

    def jpeg(self, width: int = 1080, height: int = 1350, size: int = 0, alt: str = "") -> Drawn:
        data = jpeg(width, height, size)
        return self.add(f"/{width}x{height}.{size}.jpg", data, alt)

    def add(self, path: str, data: bytes, alt: str = "") -> Drawn:
        self.files[path] = data
        return Drawn(data=data, alt=alt, url=self.door + path)


@asynccontextmanager
async def pictures() -> AsyncIterator[Pictures]:
    made = Pictures()
    async with serving(made.answer) as runner:
        made.door = base(runner)
        yield made


@asynccontextmanager
async def answering(status: int = 200, body: bytes = b"", **headers: str) -> AsyncIterator[str]:
    """An address that answers everything with these bytes."""

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, body=body, headers=given)

    async with serving(answer) as runner:
        yield base(runner)


def honest(sent: Sent, before: int, after: int) -> None:
    """What is certain is true, by the number of posts before and after."""
    done = after - before
    assert done in {0, 1}, "never twice"
    if sent.fate == "posted":
        assert done == 1
    if sent.fate in {"later", "refused", "stopped"}:
        assert done == 0
