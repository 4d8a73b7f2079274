"""The emulated Bot API: each limit at its edge, as a plain HTTP client meets it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.adapters.channels.bots import Clock, until

from heliograph.lab.channels.telegram import TOKEN, Telegram
from heliograph.lab.channels.telegram.buckets import Buckets, Rate
from heliograph.lab.channels.telegram.given import given as told
from heliograph.lab.channels.telegram.markup import formatted, units
from heliograph.lab.channels.telegram.refused import Refused

T = TypeVar("T")
Call = Callable[..., Awaitable[dict[str, Any]]]


def in_lab(do: Callable[[Telegram, Call, Clock], Awaitable[None]]) -> None:
    """Run ``do`` with an emulator, a client that sends JSON, and the clock."""

    async def main() -> None:
        clock = Clock()
        lab = Telegram(clock, patience=clock.patience)
        async with lab.running() as door, aiohttp.ClientSession() as session:

            async def call(method: str, token: str = TOKEN, **fields: Any) -> dict[str, Any]:
                async with session.post(f"{door}/bot{token}/{method}", json=fields) as response:
                    answer: dict[str, Any] = await response.json()
                    assert answer["ok"] == (response.status == 200)
                    return answer

            await do(lab, call, clock)

    asyncio.run(main())


def unless_refused(do: Callable[[], T], why: str) -> T | None:
    """What ``do`` gives, or None where it is refused for that reason."""
    try:
        return do()
    except Refused as no:
        if why in no.description:
            return None
        raise


def refused(answer: dict[str, Any], code: int, said: str) -> None:
    assert not answer["ok"]
    assert answer["error_code"] == code
    assert said in answer["description"]


def test_tokens_and_methods() -> None:
    async def do(_: Telegram, call: Call, __: Clock) -> None:
        assert (await call("getMe"))["result"]["username"] == "lab_news_bot"
        assert (await call("GETME"))["ok"]
        refused(await call("getMe", token="7:short"), 404, "Not Found")
        refused(await call("getMe", token="7000000001:" + "x" * 35), 401, "Unauthorized")
        refused(await call("sendPaidMedia"), 404, "method not found")

    in_lab(do)


@pytest.mark.parametrize(
    ("keys", "fault"),
    [
        ([[{"text": "a", "callback_data": "я" * 32}]], ""),
        ([[{"text": "a", "callback_data": "я" * 32 + "a"}]], "BUTTON_DATA_INVALID"),
        ([[{"text": "a", "callback_data": ""}]], "BUTTON_DATA_INVALID"),
        ([[{"text": "a"}]], "BUTTON_TYPE_INVALID"),
        ([[{"text": " ", "callback_data": "a"}]], "text buttons are unallowed"),
        ([[{"text": "a", "url": "javascript:x"}]], "BUTTON_URL_INVALID"),
        ([[{"text": "a", "callback_data": "a"}] * 10] * 10, ""),
        ([[{"text": "a", "callback_data": "a"}] * 10] * 10 + [[{"text": "a", "callback_data": "a"}]], "too long"),
        ("x", "object expected"),
    ],
)
def test_buttons(keys: Any, fault: str) -> None:
    async def do(lab: Telegram, call: Call, _: Clock) -> None:
        lab.channel("news")
        got = await call("sendMessage", chat_id="@News", text="x", reply_markup={"inline_keyboard": keys})
        if fault:
            refused(got, 400, fault)
        else:
            assert got["result"]["reply_markup"]["inline_keyboard"] == keys

    in_lab(do)


def test_deletes_of_up_to_a_hundred_and_of_less_than_two_days() -> None:
    async def do(lab: Telegram, call: Call, clock: Clock) -> None:
        chat = lab.channel("news")
        await call("sendMessage", chat_id=chat.id, text="old")
        assert (await call("deleteMessages", chat_id=chat.id, message_ids=[*range(2, 102)]))["ok"]
        refused(await call("deleteMessages", chat_id=chat.id, message_ids=[*range(1, 102)]), 400, "too many")
        refused(await call("deleteMessages", chat_id=chat.id, message_ids=[]), 400, "not specified")
        refused(await call("deleteMessage", chat_id=chat.id, message_id=2), 400, "message to delete not found")
        await clock.advance(172_800)
        refused(await call("deleteMessage", chat_id=chat.id, message_id=1), 400, "message can't be deleted")
        refused(await call("deleteMessages", chat_id=chat.id, message_ids=[1]), 400, "message can't be deleted")
        await clock.advance(-1)
        assert (await call("deleteMessage", chat_id=chat.id, message_id=1))["ok"]
        chat.rights = frozenset()
        assert chat.posts == {}

    in_lab(do)


def test_an_edit_must_change_something() -> None:
    async def do(lab: Telegram, call: Call, _: Clock) -> None:
        chat = lab.channel("news")
        await call("sendMessage", chat_id=chat.id, text="<b>a</b>", parse_mode="HTML")
        same = await call(
            "editMessageText", chat_id=chat.id, message_id=1, text=" <strong>a</strong>", parse_mode="HTML"
        )
        refused(same, 400, "message is not modified")
        assert (await call("editMessageText", chat_id=chat.id, message_id=1, text="a"))["ok"]
        refused(await call("editMessageCaption", chat_id=chat.id, message_id=1, caption="a"), 400, "no caption")
        refused(await call("editMessageText", chat_id=chat.id, message_id=2, text="a"), 400, "not found")

    in_lab(do)


def test_pins_need_a_right_and_a_message() -> None:
    async def do(lab: Telegram, call: Call, _: Clock) -> None:
        chat = lab.channel("news")
        await call("sendMessage", chat_id=chat.id, text="a")
        assert (await call("pinChatMessage", chat_id=chat.id, message_id=1))["ok"]
        assert (await call("getChat", chat_id=chat.id))["result"]["pinned_message"]["text"] == "a"
        refused(await call("pinChatMessage", chat_id=chat.id, message_id=2), 400, "message to pin not found")
        assert (await call("unpinChatMessage", chat_id=chat.id, message_id=1))["ok"]
        refused(await call("unpinChatMessage", chat_id=chat.id, message_id=1), 400, "message to unpin not found")
        chat.rights = frozenset({"can_post_messages"})
        refused(await call("pinChatMessage", chat_id=chat.id, message_id=1), 400, "not enough rights")
        group = lab.group("room", -5)
        refused(await call("pinChatMessage", chat_id=group.id, message_id=1), 400, "not enough rights")

    in_lab(do)


def test_a_bot_writes_first_to_nobody() -> None:
    async def do(lab: Telegram, call: Call, clock: Clock) -> None:
        reader = lab.reader(7)
        refused(await call("sendMessage", chat_id=7, text="x"), 403, "can't initiate conversation")
        reader.says("/start")
        assert (await call("sendMessage", chat_id=7, text="x"))["ok"]
        await clock.advance(1)
        reader.blocks()
        refused(await call("sendMessage", chat_id=7, text="x"), 403, "bot was blocked by the user")
        refused(await call("sendMessage", chat_id=8, text="x"), 400, "chat not found")

    in_lab(do)


def test_rates_of_a_chat_of_a_channel_and_of_all() -> None:
    async def do(lab: Telegram, call: Call, clock: Clock) -> None:
        for number in range(1, 32):
            lab.reader(number).says("/start")
        for number in range(1, 31):
            assert (await call("sendMessage", chat_id=number, text="x"))["ok"]
        got = await call("sendMessage", chat_id=31, text="x")
        refused(got, 429, "Too Many Requests: retry after 1")
        assert got["parameters"] == {"retry_after": 1}
        await clock.advance(1)
        assert (await call("sendMessage", chat_id=31, text="x"))["ok"]
        refused(await call("sendMessage", chat_id=31, text="x"), 429, "retry after 1")
        chat = lab.channel("news")
        for _ in range(20):
            await clock.advance(1)
            assert (await call("sendMessage", chat_id=chat.id, text="x"))["ok"]
        await clock.advance(1)
        refused(await call("sendMessage", chat_id=chat.id, text="x"), 429, "retry after 40")

    in_lab(do)


def test_updates_are_kept_a_day_and_are_for_one_listener() -> None:
    async def do(lab: Telegram, call: Call, clock: Clock) -> None:
        reader = lab.reader(7)
        for number in range(101):
            reader.says(str(number))
        assert len((await call("getUpdates"))["result"]) == 100
        assert len((await call("getUpdates", limit=1))["result"]) == 1
        (last,) = (await call("getUpdates", offset=-1))["result"]
        assert last["message"]["text"] == "100"
        first = asyncio.ensure_future(call("getUpdates", offset=last["update_id"] + 1, timeout=50))
        await until(lambda: lab.calls["getUpdates"] == 4)
        second = asyncio.ensure_future(call("getUpdates", offset=last["update_id"] + 1, timeout=50))
        refused(await first, 409, "terminated by other getUpdates request")
        reader.says("new")
        assert [one["message"]["text"] for one in (await second)["result"]] == ["new"]
        await clock.advance(86_400)
        assert len((await call("getUpdates"))["result"]) == 1
        await clock.advance(1)
        assert (await call("getUpdates"))["result"] == []
        assert lab.updates.lost == 1

    in_lab(do)


def test_a_webhook_and_polling_exclude_each_other() -> None:
    async def do(_: Telegram, call: Call, __: Clock) -> None:
        refused(await call("setWebhook", url="http://x.example/"), 400, "HTTPS")
        assert (await call("setWebhook", url="https://x.example/"))["ok"]
        refused(await call("getUpdates"), 409, "webhook is active")
        assert (await call("deleteWebhook", drop_pending_updates=True))["ok"]
        assert (await call("getUpdates"))["ok"]

    in_lab(do)


def test_a_press_is_answered_once_in_time_and_briefly() -> None:
    async def do(lab: Telegram, call: Call, clock: Clock) -> None:
        reader = lab.reader(7)
        reader.says("/start")
        keys = {"inline_keyboard": [[{"text": "Go", "callback_data": "x"}]]}
        await call("sendMessage", chat_id=7, text="x", reply_markup=json.dumps(keys))
        with pytest.raises(LookupError):
            reader.presses("Stop")
        press = reader.presses("Go")
        refused(await call("answerCallbackQuery", callback_query_id=press, text="a" * 201), 400, "MESSAGE_TOO_LONG")
        assert (await call("answerCallbackQuery", callback_query_id=press, text="a" * 200))["ok"]
        refused(await call("answerCallbackQuery", callback_query_id=press), 400, "query is too old")
        late = reader.presses("Go")
        await clock.advance(901)
        refused(await call("answerCallbackQuery", callback_query_id=late), 400, "query is too old")

    in_lab(do)


def test_commands() -> None:
    async def do(lab: Telegram, call: Call, _: Clock) -> None:
        good = {"command": "where", "description": "x" * 256}
        assert (await call("setMyCommands", commands=[good] * 100, language_code="uk"))["ok"]
        assert len(lab.commands["uk"]) == 100
        refused(await call("setMyCommands", commands=[good] * 101), 400, "TOO_MUCH")
        refused(await call("setMyCommands", commands=[{**good, "command": "Where"}]), 400, "COMMAND_INVALID")
        refused(await call("setMyCommands", commands=[{**good, "command": "w" * 33}]), 400, "COMMAND_INVALID")
        refused(await call("setMyCommands", commands=[{**good, "description": "x" * 257}]), 400, "DESCRIPTION")
        refused(await call("setMyCommands", commands="x"), 400, "can't parse")

    in_lab(do)


def test_a_picture_by_address_is_not_fetched_in_this_world() -> None:
    async def do(lab: Telegram, call: Call, _: Clock) -> None:
        lab.channel("news")
        refused(await call("sendPhoto", chat_id="@news", photo="https://x.example/a.jpg"), 400, "no photo")
        refused(await call("sendMediaGroup", chat_id="@news", media=[]), 400, "at least 2")
        refused(await call("sendMediaGroup", chat_id="@news", media="x"), 400, "can't parse media")

    in_lab(do)


def test_a_dump_is_what_readers_see() -> None:
    async def do(lab: Telegram, call: Call, _: Clock) -> None:
        lab.channel("news")
        await call("sendMessage", chat_id="@news", text="<b>a</b>", parse_mode="HTML")
        seen = json.loads(json.dumps(lab.dump()))["chats"]["news"]
        assert [one["text"] for one in seen["messages"]] == ["a"]

    in_lab(do)


# --- markup ---


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("a &lt;b&gt; &amp;amp; &quot;", 'a <b> &amp; "', []),
        ("&nbsp;&#1071;&#x42f;&#0;&#xd800;", "&nbsp;ЯЯ&#0;&#xd800;", []),
        ("😀<b>😀</b>", "😀😀", [("bold", 2, 2)]),
        ("<B>a<i>b</i></B>", "ab", [("bold", 0, 2), ("italic", 1, 1)]),
        ('<a href="https://x.example/?a=1&amp;b=2">x</a>', "x", [("text_link", 0, 1)]),
        ('<a href="javascript:x">x</a>', "x", []),
        ("<a href='https://x.example'>x</a>", "x", [("text_link", 0, 1)]),
        ('<span class="tg-spoiler">x</span>', "x", [("spoiler", 0, 1)]),
        ("<blockquote expandable>x</blockquote>", "x", [("blockquote", 0, 1)]),
        ("  <b> a </b>  ", "a", [("bold", 0, 1)]),
        ("<b></b>a", "a", []),
        ("a\u202eb\rc\x00d", "abc d", []),
    ],
)
def test_markup_is_parsed(source: str, text: str, entities: list[tuple[str, int, int]]) -> None:
    got = formatted(source, "HTML")
    assert got.text == text
    assert [(one["type"], one["offset"], one["length"]) for one in got.entities] == entities


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("a<x>", 'Unsupported start tag "x" at byte offset 1'),
        ("я<x>", 'Unsupported start tag "x" at byte offset 2'),
        ("<b>a", 'Can\'t find end tag corresponding to start tag "b"'),
        ("a</b>", "Unexpected end tag at byte offset 1"),
        ("<b>a</i>", 'expected "</b>", found "</i>"'),
        ("<b", "Unclosed start tag"),
        ("<b>a</b", "Unclosed end tag"),
        ("<span>a</span>", "tg-spoiler"),
        ("a < b", "Unclosed start tag"),
        ("a < b >", 'Unsupported start tag ""'),
    ],
)
def test_markup_that_is_broken_is_refused(source: str, why: str) -> None:
    with pytest.raises(Refused) as no:
        formatted(source, "HTML")
    assert why in no.value.description
    assert no.value.code == 400


PIECES = st.sampled_from(["<b>", "</b>", "<a href='https://x.example'>", "</a>", "<", ">", "&lt;", "&", "😀", "\u202e"])


@given(st.lists(PIECES | st.text(max_size=5), max_size=12).map("".join))
def test_any_markup_is_parsed_or_refused_and_entities_lie_within_the_text(source: str) -> None:
    got = unless_refused(lambda: formatted(source, "HTML"), "can't parse entities")
    if got is None:
        return
    for one in got.entities:
        assert 0 <= one["offset"] < one["offset"] + one["length"] <= units(got.text)


@settings(max_examples=200)
@given(
    kind=st.sampled_from(["application/json", "multipart/form-data; boundary=x", "multipart/form-data", "", "text/x"]),
    body=st.binary(max_size=60)
    | st.sampled_from([b"--x\r\n", b'--x\r\nname="a"\r\n\r\nb\r\n--x--', b"[" * 9_000, b'{"a":"\\ud800"}']),
)
def test_any_request_is_read_or_refused(kind: str, body: bytes) -> None:
    got = unless_refused(lambda: told(kind, {}, body), "can't parse the request")
    if got is None:
        return
    for read in (got.text, got.file):
        read("a")


@given(st.lists(st.floats(0, 2), max_size=60), st.integers(1, 5))
def test_no_span_holds_more_than_its_rate(gaps: list[float], most: int) -> None:
    buckets, now, taken = Buckets(), 0.0, list[float]()
    for gap in gaps:
        now += gap
        if buckets.take({"x": Rate(most, 3.0)}, now) == 0:
            taken.append(now)
    for first, later in zip(taken, taken[most:], strict=False):
        assert later - first >= 3.0 - 1e-5
