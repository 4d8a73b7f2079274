"""A newsroom's mail channel and a post office beside it."""

from __future__ import annotations

import base64
import hashlib
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from heliograph.adapters.channels.mail import Mail
from heliograph.adapters.channels.smtp import Way
from heliograph.lab.channels.post_office import Limits, PostOffice
from heliograph.lab.world.papers import certificate
from heliograph.model.post import Message

NEWS = "news@paper.example"
NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
MESSAGE = Message(text="Мост открыт\n\nМост через реку открыли вчера.\n\nhttps://one.example/a/1.html",
                  subject="Мост открыт", lang="ru")  # fmt: skip


def mark(text: str) -> str:
    """Marks as a newsroom makes them, with a key that stands here."""
    return base64.b32encode(hashlib.sha256(b"key" + text.encode("utf-8", "replace")).digest()).decode()[:20].lower()


@dataclass(frozen=True)
class Post:
    mail: Mail
    office: PostOffice


@asynccontextmanager
async def post(
    limits: Limits | None = None,
    *,
    tls: Path | None = None,
    at_once: bool = False,
    names: dict[str, str] | None = None,
    way: dict[str, Any] | None = None,
    **mail: Any,
) -> AsyncIterator[Post]:
    """An office that runs, and the channel that hands its mail in there."""
    context = None
    if tls is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
    office = PostOffice(NOW.timestamp, limits=limits, tls=context, at_once=at_once, names=names)
    async with office.running() as (host, port):
        given = {"host": host, "port": port, **(way or {})}
        settings: dict[str, Any] = {"sender": NEWS, "title": "The Paper", "mark": mark, "clock": lambda: NOW, **mail}
        yield Post(Mail("mail", way=Way(**given), **settings), office)


@cache
def paper(folder: Path) -> tuple[Path, Path]:
    """A certificate of localhost with its key, and alone."""
    file = folder / "post.pem"
    return file, certificate(["localhost"], file, "The Lab")


def dkim_key(folder: Path, form: str = "traditional") -> tuple[Path, dict[str, str]]:
    """A key of 2,048 bits, and the name in DNS that shows its other half."""
    key = folder / "dkim.pem"
    command = ["openssl", "genrsa", *(["-traditional"] if form == "traditional" else []), "-out", str(key), "2048"]
    subprocess.run(command, check=True, capture_output=True)
    key.chmod(0o600)
    shown = subprocess.run(
        ["openssl", "rsa", "-in", str(key), "-pubout", "-outform", "DER"], check=True, capture_output=True
    ).stdout
    return key, {"mail._domainkey.paper.example.": f"v=DKIM1; k=rsa; p={base64.b64encode(shown).decode()}"}
