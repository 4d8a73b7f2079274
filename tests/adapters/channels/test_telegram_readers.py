"""A bot's questions: updates as Telegram gives them, and as nobody should."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.channels.bots import Clock, token_file, until

from heliograph.adapters.channels.telegram_readers import MOST_TEXT, TelegramReaders, read_updates
from heliograph.lab.channels.telegram import TOKEN, Telegram
from heliograph.model.question import Asked, Button, Question, Reply


@asynccontextmanager
async def bot(folder: Path) -> AsyncIterator[tuple[TelegramReaders, Telegram, Clock]]:
    clock = Clock()
    lab = Telegram(clock, patience=clock.patience)
    async with lab.running() as door:
        made = TelegramReaders(name="telegram", token=token_file(folder), endpoint=f"{door}/")
        try:
            yield made, lab, clock
        finally:
            await made.aclose()


def test_questions_come_once_each_and_what_is_not_acknowledged_comes_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with bot(tmp_path) as (made, lab, _):
            reader = lab.reader(7, "uk")
            reader.says("/start")
            reader.says("мост")
            first = await made.questions(0, 0)
            assert [(one.chat, one.text, one.lang) for one in first.questions] == [
                ("7", "/start", "uk"),
                ("7", "мост", "uk"),
            ]
            assert await made.questions(0, 0) == first
            rest = await made.questions(first.questions[0].number, 0)
            assert [one.text for one in rest.questions] == ["мост"]
            assert await made.questions(first.newest, 0) == Asked()

    asyncio.run(main())


def test_a_long_poll_ends_with_the_first_question_or_with_its_time(tmp_path: Path) -> None:
    async def main() -> None:
        async with bot(tmp_path) as (made, lab, clock):
            waiting = asyncio.create_task(made.questions(0, 25))
            await until(lambda: lab.calls["getUpdates"] == 1)
            lab.reader(7).says("x")
            assert len((await waiting).questions) == 1
            waiting = asyncio.create_task(made.questions(70_000_001, 25))
            await until(lambda: lab.calls["getUpdates"] == 2 and not lab.updates.waiting)
            while not waiting.done():
                await clock.advance(25)
            assert (await waiting) == Asked()

    asyncio.run(main())


def test_a_webhook_that_somebody_set_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        async with bot(tmp_path) as (made, lab, _):
            lab.updates.webhook = "https://x.example/"
            got = await made.questions(0, 0)
            assert got.failure is not None
            assert "webhook is active" in got.failure.note

    asyncio.run(main())


def test_buttons_come_back_are_acknowledged_and_a_closed_chat_is_told(tmp_path: Path) -> None:
    async def main() -> None:
        async with bot(tmp_path) as (made, lab, clock):
            reader = lab.reader(7)
            reader.says("/start")
            reply = Reply(html="<b>a</b>", buttons=((Button("One", "story:x"), Button("Two", "y" * 64)),))
            assert (await made.answer("7", reply)).fate == "posted"
            assert reader.buttons() == ["One", "Two"]
            press = reader.presses("Two")
            (_, pressed) = (await made.questions(0, 0)).questions
            assert (pressed.text, pressed.press) == ("y" * 64, press)
            assert (await made.acknowledge(press, "a" * 300)).fate == "posted"
            assert reader.toasts == ["a" * 200]
            assert (await made.acknowledge(press)).fate == "refused"
            reader.blocks()
            (closed,) = (await made.questions(pressed.number, 0)).questions
            assert closed == Question(number=pressed.number + 1, chat="7", left=True)
            await clock.advance(5)
            assert (await made.answer("7", reply)).gone == ("7",)
            assert (await made.answer("8", reply)).gone == ("8",)

    asyncio.run(main())


def test_commands_are_named_by_language(tmp_path: Path) -> None:
    async def main() -> None:
        async with bot(tmp_path) as (made, lab, _):
            assert (await made.introduce({"": [("where", "w" * 256)], "uk": [("where", "Де")]})).fate == "posted"
            assert lab.commands == {"": [("where", "w" * 256)], "uk": [("where", "Де")]}
            assert (await made.introduce({"": [("where", "w" * 257)]})).fate == "refused"
            assert (await made.introduce({"crh": [("where", "Qayda")]})).fate == "refused"

    asyncio.run(main())


def test_a_revoked_token_is_a_failure_that_does_not_tell_it(tmp_path: Path) -> None:
    async def main() -> None:
        async with bot(tmp_path) as (made, lab, _):
            lab.revoke("7000000001:" + "n" * 35)
            got = await made.questions(0, 0)
            assert got.failure is not None
            assert got.failure.fate == "stopped"
            assert TOKEN not in got.failure.note

    asyncio.run(main())


# --- updates that are none ---


def message(**more: Any) -> dict[str, Any]:
    chat = {"id": 7, "type": "private"}
    return {"update_id": 5, "message": {"chat": chat, "text": "x", "from": {"language_code": "uk-UA"}, **more}}


def test_an_update_is_read() -> None:
    (got,) = read_updates([message()]).questions
    assert got == Question(number=5, chat="7", text="x", lang="uk")


@pytest.mark.parametrize(
    "update",
    [
        message(chat={"id": -100, "type": "supergroup"}),
        message(chat={"id": -7, "type": "private"}),
        message(chat={"id": "7", "type": "private"}),
        message(chat=None),
        {"update_id": 5},
        {"update_id": 5, "message": 3, "callback_query": []},
        {"update_id": 5, "my_chat_member": {"chat": {"id": 7, "type": "private"}, "new_chat_member": {}}},
    ],
)
def test_what_is_no_question_is_passed_over_and_its_number_counts(update: dict[str, Any]) -> None:
    assert read_updates([update]) == Asked(newest=5)


def test_the_number_follows_telegram_when_it_begins_anew() -> None:
    assert read_updates([{**message(), "update_id": 9_000}, {**message(), "update_id": 12}]).newest == 12


def test_a_question_is_cut_and_half_a_character_does_no_harm() -> None:
    (got,) = read_updates([message(text="я" * 5_000)]).questions
    assert len(got.text) == MOST_TEXT
    (got,) = read_updates([message(text="\ud83d")]).questions
    assert got.text.encode()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["update_id", "message", "callback_query", "my_chat_member", "chat", "id", "type", "from",
                             "text", "data", "language_code", "new_chat_member", "status"]), inner, max_size=5
        )
    ),
    max_leaves=20,
)  # fmt: skip


@given(JSON | st.lists(JSON, max_size=4))
def test_any_json_is_read(updates: object) -> None:
    got = read_updates(updates)
    assert got.failure is None
    assert all(one.chat.isdigit() for one in got.questions)
