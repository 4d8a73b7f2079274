"""A hub is told of an edition; what it answers is sorted."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from heliograph.adapters.channels.websub import WebSub
from heliograph.lab.loopback import base, serving
from heliograph.model.post import Fate, Sent

FEED = "https://one.example/feed.xml?a=1&b=ю"


async def tell(status: int, headers: dict[str, str]) -> tuple[Sent, list[dict[str, str]]]:
    """What comes of it at a hub that answers so, and what it was told."""
    told: list[dict[str, str]] = []

    async def hub(request: web.BaseRequest) -> web.StreamResponse:
        assert request.method == "POST"
        assert request.path == "/hub/"
        told.append({str(name): str(value) for name, value in (await request.post()).items()})
        return web.Response(status=status, headers=headers)

    async with serving(hub) as runner, WebSub(f"{base(runner)}/hub/") as there:
        return await there.tell(FEED), told


@pytest.mark.parametrize(
    ("status", "headers", "fate", "wait"),
    [
        (204, {}, "posted", 0), (202, {}, "posted", 0), (400, {}, "refused", 0), (404, {}, "refused", 0),
        (429, {"Retry-After": "60"}, "later", 60), (503, {"Retry-After": "9999999999"}, "later", 86_400),
        (500, {"Retry-After": "Tue, 01 Dec"}, "later", 0), (302, {"Location": "/hub/"}, "later", 0),
    ],
)  # fmt: skip
def test_what_a_hub_answers(status: int, headers: dict[str, str], fate: Fate, wait: float) -> None:
    sent, told = asyncio.run(tell(status, headers))
    assert (sent.fate, sent.wait) == (fate, wait)
    assert told == [{"hub.mode": "publish", "hub.url": FEED, "hub.topic": FEED}]


def test_a_hub_that_is_not_there_is_asked_later() -> None:
    async def run() -> Sent:
        async with serving(lambda _: asyncio.sleep(0, web.Response())) as runner:
            address = base(runner)
        async with WebSub(address) as there:
            return await there.tell(FEED)

    assert asyncio.run(run()).fate == "later"
