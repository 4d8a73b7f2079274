"""The plain webhook: what is sent, by whom, and what each answer means."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.adapters.channels.meta import Clock, answering, entry, honest, patience, put, run

from heliograph.adapters.channels.webhook import Webhook
from heliograph.lab.channels.provider import DONE, FAULTS, Fault
from heliograph.lab.channels.receiver import Receiver
from heliograph.lab.loopback import base, serving
from heliograph.model.post import Drawn, Fate, Message

TEXT = Message(text="Новина", lang="uk", subject="Заголовок", link="https://a.example/a/7k3m9qx.html")


@dataclass
class At:
    lab: Receiver
    channel: Webhook
    clock: Clock
    secret: Path


@asynccontextmanager
async def world(folder: Path, *, fault: str = "") -> AsyncIterator[At]:
    clock = Clock()
    lab = Receiver(clock, secret="shared-secret")
    secret = put(folder / "hook.secret", lab.secret)
    async with (
        lab.running() as door,
        Webhook("hook", url=door + "/in?from=us", secret=secret, timeout=patience(fault)) as channel,
    ):
        yield At(lab, channel, clock, secret)


def test_all_that_a_receiver_needs_is_there(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            sent = await at.channel.send(TEXT, [Drawn(data=b"x", alt="Прапор", url="https://a.example/p.jpg")])
            assert sent.fate == "posted"
            assert at.lab.kept[sent.remotes[0]] == {
                "id": sent.remotes[0], "act": "post", "text": "Новина", "lang": "uk", "subject": "Заголовок",
                "link": "https://a.example/a/7k3m9qx.html", "replies_to": "",
                "pictures": [{"url": "https://a.example/p.jpg", "alt": "Прапор"}],
            }  # fmt: skip
            changed = await at.channel.edit(sent.remotes, Message(text="Виправлено"))
            ended = await at.channel.withdraw(sent.remotes)
            assert (changed, ended.fate) == (sent, "posted")
            acts = [(row["act"], row.get("of")) for row in at.lab.dump()["kept"]]
            assert acts == [("post", None), ("edit", [*sent.remotes]), ("withdraw", [*sent.remotes])]

    run(body)


def test_the_same_again_has_the_same_id_and_another_has_another(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            at.lab.fail("drop after")
            assert (await at.channel.send(TEXT)).fate == "unknown"
            sent = await at.channel.send(TEXT)
            assert (list(at.lab.kept), at.lab.taken) == ([*sent.remotes], 2)
            assert (await at.channel.send(Message(text="Інша"))).remotes != sent.remotes

    run(body)


def test_the_body_is_signed_as_it_was_sent(tmp_path: Path) -> None:
    heard: list[tuple[bytes, str]] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        heard.append((await request.read(), request.headers.get("X-Heliograph-Signature", "")))
        return web.Response(status=200, body=b'{"id": "their-own"}')

    async def body() -> None:
        secret = put(tmp_path / "secret", "s3cret")
        async with serving(answer) as runner:
            async with Webhook("hook", url=base(runner), secret=secret) as channel:
                assert (await channel.send(TEXT)).remotes == ("their-own",)
            async with Webhook("hook", url=base(runner)) as channel:
                await channel.send(TEXT)

    run(body)
    (raw, signature), (_, none) = heard
    assert signature == "sha256=" + hmac.new(b"s3cret", raw, hashlib.sha256).hexdigest()
    assert none == ""
    assert "Новина".encode() in raw
    assert json.loads(raw)["text"] == "Новина"


def test_who_does_not_know_the_secret_is_refused(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            put(at.secret, "another")
            assert ((await at.channel.send(TEXT)).fate, at.lab.kept) == ("refused", {})
            at.secret.chmod(0o644)
            sent = await at.channel.send(TEXT)
            assert (sent.fate, "chmod 600" in sent.note, "another" in sent.note) == ("stopped", True, False)
            assert not (await at.channel.health()).works

    run(body)


@pytest.mark.parametrize(
    ("status", "headers", "fate", "wait"),
    [
        (200, {}, "posted", 0), (201, {}, "posted", 0), (204, {}, "posted", 0), (299, {}, "posted", 0),
        (301, {}, "refused", 0), (302, {}, "unknown", 0), (303, {}, "unknown", 0), (307, {}, "refused", 0),
        (308, {}, "refused", 0), (400, {}, "refused", 0), (404, {}, "refused", 0), (410, {}, "stopped", 0),
        (422, {}, "refused", 0), (429, {}, "later", 0), (429, {"Retry_After": "7"}, "later", 7),
        (500, {}, "unknown", 0), (502, {"Retry_After": "7"}, "unknown", 0), (503, {}, "unknown", 0),
        (503, {"Retry_After": "120"}, "later", 120), (503, {"Retry_After": "soon"}, "unknown", 0),
        (503, {"Retry_After": "999999999999"}, "later", 86_400), (503, {"Retry_After": "-1"}, "unknown", 0),
        (
            503,
            {"Date": "Thu, 26 Nov 2026 12:00:00 GMT", "Retry_After": "Thu, 26 Nov 2026 12:01:30 GMT"}, "later", 90,
        ),
        (
            503,
            {"Date": "Thu, 26 Nov 2026 12:00:00 GMT", "Retry_After": "Thu, 26 Nov 2026 11:00:00 GMT"}, "unknown", 0,
        ),
    ],
)  # fmt: skip
def test_each_answer_has_its_fate(status: int, headers: dict[str, str], fate: Fate, wait: float) -> None:
    async def body() -> None:
        async with answering(status, b"", **headers) as door, Webhook("hook", url=door) as channel:
            sent = await channel.send(TEXT)
            assert (sent.fate, sent.wait) == (fate, wait)

    run(body)


def test_nobody_there_is_later() -> None:
    async def body() -> None:
        for url in ("http://127.0.0.1:1/", "http://nowhere.invalid/"):
            async with Webhook("hook", url=url) as channel:
                assert (await channel.send(TEXT)).fate == "later"
                assert not (await channel.health()).works

    run(body)


@pytest.mark.parametrize(("status", "works"), [(200, True), (405, True), (410, False), (500, False)])
def test_health_asks_for_the_head(status: int, works: bool) -> None:
    async def body() -> None:
        async with answering(status) as door, Webhook("hook", url=door) as channel:
            assert (await channel.health()).works == works

    run(body)


def test_what_a_webhook_cannot_do(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            assert (await at.channel.proof(entry("Новина", at.clock))).fate == "unknown"
            assert (await at.channel.send(TEXT, to=("reader",))).fate == "refused"
            assert (await at.channel.send(Message(text="\ud83d"))).fate == "refused"
            assert not at.lab.kept

    run(body)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("act", ["send", "edit", "withdraw"])
def test_what_is_said_after_a_fault_is_true(tmp_path: Path, fault: Fault, act: str) -> None:
    async def body() -> None:
        async with world(tmp_path, fault=fault) as at:
            at.lab.fail(fault)
            if act == "send":
                sent = await at.channel.send(TEXT)
            elif act == "edit":
                sent = await at.channel.edit(("x",), TEXT)
            else:
                sent = await at.channel.withdraw(("x",))
            honest(sent, 0, at.lab.taken)
            # 200 with nonsense is a success here: nobody said that a webhook answers with JSON
            assert sent.fate == ("posted" if fault in {"slow", "garbage"} else "unknown")
            assert at.lab.taken == (fault in DONE)

    run(body)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=50), status=st.integers(200, 599), answer=st.binary(max_size=60))
def test_any_text_and_any_answer_end_in_a_fate(tmp_path: Path, text: str, status: int, answer: bytes) -> None:
    async def body() -> None:
        async with answering(status, answer) as door:
            secret = put(tmp_path / "secret", "s3cret")
            async with Webhook("hook", url=door, secret=secret) as channel:
                sent = await channel.send(Message(text=text))
                assert (sent.fate == "posted") == (200 <= status < 300)

    run(body)
