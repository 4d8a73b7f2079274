"""docs/operating/webhook.md against the code: its fields, its answers, and the example of a receiver."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.adapters.channels.meta import answering, put, run
from tests.test_docs import ROOT, fenced

from heliograph.adapters.channels.webhook import SIGNATURE, Webhook
from heliograph.lab.loopback import base, serving
from heliograph.model.post import Drawn, Message, Sent

DOCUMENT = ROOT / "docs" / "operating" / "webhook.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")


def heard(folder: Path) -> list[tuple[bytes, str]]:
    """The bodies and signatures of a post, an edit and a withdrawal."""
    found: list[tuple[bytes, str]] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        found.append((await request.read(), request.headers[SIGNATURE]))
        return web.Response()

    async def body() -> None:
        secret = put(folder / "secret", "shared")
        async with serving(answer) as runner, Webhook("hook", url=base(runner), secret=secret) as channel:
            message = Message(text="Новина")
            made = (await channel.send(message, [Drawn(data=b"", url="https://a.example/a.jpg")])).remotes
            await channel.edit(made, message)
            await channel.withdraw(made)

    run(body)
    return found


def test_the_fields_are_those_that_are_sent(tmp_path: Path) -> None:
    told = set(re.findall(r"^\| `([a-z_]+)` \|", TEXT, re.MULTILINE))
    posted, edited, withdrawn = (set(json.loads(body)) for body, _ in heard(tmp_path))
    assert edited == told
    assert posted == told - {"of"}
    assert withdrawn == {"id", "act", "of"}


def test_the_example_tells_who_sends(tmp_path: Path) -> None:
    names: dict[str, Any] = {}
    (code,) = [block.text for block in fenced(DOCUMENT) if block.language == "python"]
    exec(code, names)
    for body, signature in heard(tmp_path):
        assert names["is_ours"]("shared", body, signature)
        assert not names["is_ours"]("other", body, signature)
        assert not names["is_ours"]("shared", body + b" ", signature)


@pytest.mark.parametrize(
    ("words", "statuses", "fate"),
    [
        ("posted", (200, 204), "posted"),
        ("asked again, after that time", (429, 503), "later"),
        ("nothing more is sent on this channel until a person lets it go on", (410,), "stopped"),
        ("refused; it is not asked again", (400, 404, 301, 307, 308), "refused"),
        ("it may have been taken: an editor decides, nothing is sent again by itself", (302, 500, 502), "unknown"),
    ],
)
def test_each_row_of_answers_is_so(words: str, statuses: tuple[int, ...], fate: str) -> None:
    assert f"| {words} |" in TEXT

    async def one(status: int) -> Sent:
        async with answering(status, b"", Retry_After="5") as door, Webhook("hook", url=door) as channel:
            return await channel.send(Message(text="Новина"))

    for status in statuses:
        assert run(lambda status=status: one(status)).fate == fate
