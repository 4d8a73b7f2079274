"""Viber's channels: each limit at its edge, each status, and what is said after each way to fail."""

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
from tests.adapters.channels.meta import Clock, answering, entry, honest, patience, put, run

from heliograph.adapters.channels.viber import Viber
from heliograph.lab.channels import viber as lab
from heliograph.lab.channels.provider import DONE, FAULTS, Fault
from heliograph.lab.loopback import base, serving
from heliograph.model.post import Drawn, Fate, Message, Sent

PICTURE = Drawn(data=b"", url="https://cards.example/a/card.jpg?at=1")


@dataclass
class At:
    lab: lab.Viber
    channel: Viber
    clock: Clock
    token: Path
    calls: list[str]  # of the webhook

    async def say(self, text: str, *drawn: Drawn) -> Sent:
        return await self.channel.send(Message(text=text), drawn)


@asynccontextmanager
async def world(folder: Path, *, fault: str = "", status: int = 200) -> AsyncIterator[At]:
    """A channel whose webhook answers ``status``, without TLS."""
    clock, calls = Clock(), list[str]()

    async def hook(request: web.BaseRequest) -> web.StreamResponse:
        calls.append(json.loads(await request.read())["event"])
        return web.Response(status=status)

    service = lab.Viber(clock)
    service.terms.tls = False
    token = put(folder / "viber.token", service.token)
    async with serving(hook) as runner, service.running() as door:
        webhook = base(runner) + "/"
        async with Viber("viber", token=token, webhook=webhook, base=door + "/", timeout=patience(fault)) as channel:
            yield At(service, channel, clock, token, calls)


def test_the_webhook_is_set_once_and_the_post_is_there(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            first, second = await at.say("Перша новина"), await at.say("Друга")
            assert first.fate == second.fate == "posted"
            assert first.remotes != second.remotes
            assert [post["text"] for post in at.lab.dump()["posts"]] == ["Перша новина", "Друга"]
            assert at.calls == ["webhook"]
            assert at.lab.calls["get_account_info"] == at.lab.calls["set_webhook"] == 1

    run(body)


def test_nothing_is_taken_before_a_webhook(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            at.channel._admins[at.lab.token] = at.lab.admin  # as if it had been set
            sent = await at.say("Новина")
            assert sent.fate == "later"
            assert "(10)" in sent.note
            assert (await at.say("Новина")).fate == "posted"  # the next attempt sets it

    run(body)


def test_a_webhook_that_is_lost_again_and_again_stops_the_channel(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            at.lab.declare(0, 0, 10)  # info and webhook go well, the post does not
            assert (await at.say("Новина")).fate == "stopped"
            assert not at.lab.posts

    run(body)


@pytest.mark.parametrize("status", [204, 301, 404, 500])
def test_a_webhook_that_does_not_answer_200_stops_the_channel(tmp_path: Path, status: int) -> None:
    async def body() -> None:
        async with world(tmp_path, status=status) as at:
            sent = await at.say("Новина")
            assert (sent.fate, at.lab.posts) == ("stopped", [])
            assert "webhook" in sent.note

    run(body)


def test_another_webhook_of_the_configuration_counts_at_once(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            at.lab.webhook = "https://old.example/"
            assert (await at.say("Новина")).fate == "posted"
            assert at.lab.webhook == at.channel._webhook

    run(body)


@pytest.mark.parametrize(
    ("text", "drawn", "taken"),
    [
        ("я" * 7_000, (), True),
        ("я" * 7_001, (), False),
        ("", (), False),
        ("я" * 768, (PICTURE,), True),
        ("я" * 769, (PICTURE,), False),
        ("", (PICTURE,), True),
        ("я", (Drawn(data=b"", url="https://cards.example/card"),), False),
        ("я", (Drawn(data=b"", url="https://cards.example/card?name=a.jpg"),), False),
        ("я", (Drawn(data=b"", url="https://cards.example/card.webp"),), False),
        ("я", (Drawn(data=b"", url="https://cards.example/card.PNG"),), True),
        ("я", (Drawn(data=b"", url="https://cards.example/" + "a" * 1_974 + ".jpg"),), True),
        ("я", (Drawn(data=b"", url="https://cards.example/" + "a" * 1_975 + ".jpg"),), False),
        ("я", (Drawn(data=b""),), False),
        ("я", (PICTURE, PICTURE), False),
    ],
)
def test_each_limit_at_its_edge(tmp_path: Path, text: str, drawn: tuple[Drawn, ...], taken: bool) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            sent = await at.say(text, *drawn)
            assert sent.fate == ("posted" if taken else "refused"), sent
            assert len(at.lab.posts) == taken

    run(body)


@pytest.mark.parametrize("over", [0, 1])
def test_the_whole_request_has_a_limit_in_bytes(tmp_path: Path, over: int) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            assert (await at.say("x")).fate == "posted"
            fields = {"auth_token": at.lab.token, "from": at.lab.admin, "type": "text", "text": ""}
            at.lab.terms.json = len(json.dumps(fields, separators=(",", ":"))) + 4 * 5_000 - over
            assert (await at.say("😀" * 5_000)).fate == ("refused" if over else "posted")

    run(body)


def test_seven_thousand_letters_of_four_bytes_fit(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            assert (await at.say("😀" * 7_000)).fate == "posted"

    run(body)


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        (1, "refused"), (2, "stopped"), (3, "refused"), (4, "refused"), (5, "refused"), (6, "refused"),
        (7, "stopped"), (8, "stopped"), (9, "stopped"), (10, "later"), (11, "refused"), (12, "later"),
        (19, "refused"), (20, "refused"), (21, "stopped"), (23, "stopped"), (24, "stopped"), (99, "refused"),
    ],
)  # fmt: skip
def test_each_status_has_its_fate(tmp_path: Path, status: int, fate: Fate) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            await at.say("Перша")
            at.lab.declare(status)
            sent = await at.say("Друга")
            assert (sent.fate, len(at.lab.posts)) == (fate, 1)
            assert f"({status})" in sent.note
            assert bool(sent.wait) == (status == 12)

    run(body)


def test_too_many_requests_wait_longer_each_time_until_one_is_taken(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            at.lab.terms.per_minute = 1
            assert (await at.say("1")).wait == 0
            assert [(await at.say("2")).wait for _ in range(8)] == [60, 120, 240, 480, 960, 1920, 3600, 3600]
            at.clock.now += 60
            assert (await at.say("2")).fate == "posted"
            assert (await at.say("3")).wait == 60

    run(body)


def test_a_new_token_counts_at_once(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            await at.say("1")
            at.lab.token = "fresh-token-of-the-channel"
            assert (await at.say("2")).fate == "stopped"
            put(at.token, at.lab.token)
            assert (await at.say("3")).fate == "posted"

    run(body)


def test_without_a_super_admin_nothing_is_posted(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            at.lab.members = at.lab.members[:1]
            assert (await at.say("Новина")).fate == "stopped"
            assert not (await at.channel.health()).works

    run(body)


def test_health_is_told(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            assert (await at.channel.health()).works
            for status in (2, 9):
                at.lab.declare(status)
                told = await at.channel.health()
                assert not told.works
                assert f"({status})" in told.note
            at.token.chmod(0o644)
            assert "chmod 600" in (await at.channel.health()).note
            assert (await at.say("Новина")).fate == "stopped"

    run(body)


def test_what_viber_cannot_do_is_a_task_for_a_person(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            sent = await at.say("Новина")
            for told in (
                await at.channel.edit(sent.remotes, Message(text="інша")),
                await at.channel.withdraw(sent.remotes),
            ):
                assert told.fate == "refused"
                assert "by hand" in told.note
            assert (await at.channel.proof(entry("Новина", at.clock))).fate == "unknown"
            assert (await at.channel.send(Message(text="я"), to=("reader",))).fate == "refused"
            assert at.lab.calls["post"] == 1

    run(body)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("step", [0, 1, 2])
def test_what_is_said_after_a_fault_is_true(tmp_path: Path, fault: Fault, step: int) -> None:
    async def body() -> None:
        async with world(tmp_path, fault=fault) as at:
            at.lab.fail(*[None] * step, fault)
            sent = await at.say("Новина")
            honest(sent, 0, len(at.lab.posts))
            assert at.lab.struck == [(("get_account_info", "set_webhook", "post")[step], fault)]
            if step < 2:
                assert sent.fate == ("posted" if fault == "slow" else "later")
            elif fault != "slow":
                assert (sent.fate, len(at.lab.posts)) == ("unknown", fault in DONE)

    run(body)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body_=st.one_of(
    st.binary(max_size=200),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["status", "members", "id", "role", "webhook", "message_token"]), inner),
        max_leaves=12,
    ).map(lambda value: json.dumps(value).encode()),
))  # fmt: skip
def test_any_answer_ends_in_a_fate(tmp_path: Path, body_: bytes) -> None:
    async def body() -> None:
        async with answering(200, body_) as door:
            token = put(tmp_path / "token", "secret-token-of-viber")
            async with Viber("viber", token=token, webhook="https://a.example/", base=door) as channel:
                channel._admins["secret-token-of-viber"] = "admin"
                sent = await channel.send(Message(text="Новина"))
                assert sent.fate in {"posted", "later", "refused", "stopped", "unknown"}
                await channel.send(Message(text="Новина"))  # from the first step again where a status was told
                await channel.health()

    run(body)


def test_a_lone_half_of_a_character_is_refused(tmp_path: Path) -> None:
    async def body() -> None:
        async with world(tmp_path) as at:
            assert (await at.say("\ud83d")).fate == "refused"

    run(body)
