"""Answers of the Graph API, and of whoever stands in its place: any of them ends in a fate."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.adapters.channels.meta import Clock, answering, entry, put, run

from heliograph.adapters.channels.facebook import Facebook
from heliograph.adapters.channels.graph import Reply, gone_from, identity, moment, read, said_at, waiting
from heliograph.adapters.channels.instagram import Instagram
from heliograph.adapters.channels.viber import Viber
from heliograph.adapters.channels.web import Got
from heliograph.adapters.channels.webhook import Webhook
from heliograph.lab.loopback import base, serving
from heliograph.model.post import Drawn, Message, Sent
from heliograph.ports import Channel

PICTURE = Drawn(data=b"\xff\xd8\xff", url="https://a.example/a.jpg")
SECRET = "EAAB-secret-token-0123456789"
LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.just("FINISHED")
KEYS = ["id", "post_id", "error", "code", "error_subcode", "data", "status_code", "status", "success", "is_transient"]
KEYS += ["config", "quota_total", "access_token", "expires_in", "is_valid", "scopes", "expires_at", "message"]
ANSWERS = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner), max_leaves=15
)


@dataclass
class Four:
    channels: tuple[Channel, ...]
    clock: Clock

    async def everything(self) -> None:
        """Every method of each; what is told must be sound, whatever was answered."""
        row = entry("Новина", self.clock, remotes=("container:1",))
        message = Message(text="Новина")
        for one in self.channels:
            sent = [
                await one.send(message, (PICTURE,)), await one.edit(("1",), message), await one.withdraw(("1",)),
                await one.proof(row),
            ]  # fmt: skip
            told = await one.health()
            for answer in sent:
                assert answer.fate in {"posted", "later", "refused", "stopped", "unknown"}
                assert 0 <= answer.wait <= 86_400
                assert SECRET not in repr(answer)
                assert len(answer.note) <= 400
            assert SECRET not in repr(told)


@asynccontextmanager
async def four(folder: Path, door: str) -> AsyncIterator[Four]:
    """All channels before one address."""
    clock = Clock()
    token = put(folder / "token", SECRET)
    async with (
        Facebook("f", page="1", token=token, base=door) as facebook,
        Instagram("i", account="1", token=token, base=door, pause=clock.sleep, clock=clock) as instagram,
        Viber("v", token=token, webhook="https://a.example/", base=door) as viber,
        Webhook("w", url=door, secret=token) as webhook,
    ):
        yield Four((facebook, instagram, viber, webhook), clock)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answer=ANSWERS, status=st.sampled_from([200, 200, 200, 204, 302, 400, 401, 429, 500, 503]))
def test_any_json_ends_in_a_fate(tmp_path: Path, answer: object, status: int) -> None:
    async def body() -> None:
        async with answering(status, json.dumps(answer).encode()) as door, four(tmp_path, door) as all_:
            await all_.everything()

    run(body)


DEEP = b"[" * 100_000
QUOTES = json.dumps({"error": {"code": 190, "message": SECRET, "error_user_msg": SECRET, "type": SECRET}}).encode()
ECHO = json.dumps(
    {"id": SECRET, "post_id": SECRET, "data": [{"id": SECRET, "message": SECRET}], "status": SECRET}
).encode()


@pytest.mark.parametrize(
    "answer",
    [b"", b"\xff\xfe", b"null", DEEP, b'{"id":' + b"1" * 5_000 + b"}", b'{"id": NaN}', QUOTES, ECHO, b'{"a":1}' * 3],
)
@pytest.mark.parametrize("status", [200, 400])
def test_hostile_bytes_end_in_a_fate(tmp_path: Path, answer: bytes, status: int) -> None:
    async def body() -> None:
        async with answering(status, answer) as door, four(tmp_path, door) as all_:
            await all_.everything()

    run(body)


@pytest.mark.parametrize("length", [1_000_000_000, 0])
def test_a_body_without_end_is_not_read_to_its_end(tmp_path: Path, length: int) -> None:
    """``length`` is what is promised, 0 for no promise; no more is kept than an answer may have."""
    given_: list[int] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = length or None
        if not length:
            response.enable_chunked_encoding()
        await response.prepare(request)
        for _ in range(15_000):
            await response.write(bytes(65_536))
            given_.append(65_536)
        return response

    async def body() -> None:
        async with serving(answer) as runner, four(tmp_path, base(runner)) as all_:
            message = Message(text="Новина")
            for one in all_.channels:
                given_.clear()
                sent = await one.send(message, (PICTURE,))
                assert sent.fate in {"unknown", "later"}
                assert sum(given_) < 50_000_000

    run(body)


@given(body=st.binary(max_size=300), status=st.integers(0, 599))
def test_any_bytes_are_read(body: bytes, status: int) -> None:
    reply = read(Got(status=status, body=body))
    assert reply.sent is None or reply.sent.fate != "posted" or 200 <= status < 300


@given(text=st.text(max_size=200) | ANSWERS.map(json.dumps))
def test_any_usage_is_read(text: str) -> None:
    assert 0 <= waiting({"X-Business-Use-Case-Usage": text}) <= 86_400


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ('{"1": [{"estimated_time_to_regain_access": 5}, {"estimated_time_to_regain_access": 7}]}', 420),
        ('{"1": [{"estimated_time_to_regain_access": 99999999}]}', 86_400),
        ('{"1": [{"estimated_time_to_regain_access": -5}]}', 0),
        ('{"1": [{"estimated_time_to_regain_access": true}]}', 0),
        ('{"1": {"estimated_time_to_regain_access": 5}}', 0),
        ("[]", 0),
    ],
)
def test_minutes_until_access_is_regained(text: str, wait: float) -> None:
    assert waiting({"x-business-use-case-usage": text}) == wait


@pytest.mark.parametrize(
    ("listed", "fate", "wait"),
    [
        (Reply(said={"data": [{"id": "2"}]}), "posted", 0),
        (Reply(said={"data": []}), "posted", 0),
        (Reply(said={"data": [{"id": "2"}, {"id": "1"}]}), None, 0),
        (Reply(said={}), None, 0),
        (Reply(sent=Sent(fate="stopped")), None, 0),
        (Reply(sent=Sent(fate="refused")), None, 0),
        (Reply(sent=Sent(fate="later", wait=60.0)), "later", 60),
        (Reply(sent=Sent(fate="later")), "unknown", 0),
        (Reply(sent=Sent(fate="unknown")), "unknown", 0),
    ],
)
def test_what_a_list_tells_of_a_deletion(listed: Reply, fate: str | None, wait: float) -> None:
    told = gone_from(listed, "1")
    assert (told.fate if told else None, told.wait if told else 0) == (fate, wait)


@given(st.one_of(LEAVES, st.lists(LEAVES, max_size=2)))
def test_an_id_is_digits_or_nothing(value: object) -> None:
    assert identity(value) == "" or identity(value).replace("_", "", 1).isdigit()
    assert said_at(value) is None or isinstance(value, str)
    if isinstance(value, int):
        assert moment(value) is None or value > 0
