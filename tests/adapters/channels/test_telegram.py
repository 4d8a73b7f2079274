"""The channel of Telegram through aiogram, against the emulated Bot API: each limit at its edge, each way to fail."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.adapters.channels.bots import Here, heavy, here, jpeg, token_file

from heliograph.adapters.channels.telegram import TelegramChannel, caption_units
from heliograph.lab.channels.provider import DONE, Fault
from heliograph.lab.channels.telegram import TOKEN, Rate
from heliograph.model.post import Drawn, Message, Sent

SMILE = "\U0001f600"  # two UTF-16 units


def sent(folder: Path, text: str, *pictures: Drawn, html: bool = False) -> tuple[Sent, Here]:
    """One post in a new world."""

    async def main() -> tuple[Sent, Here]:
        async with here(folder) as world:
            return await world.send(text, *pictures, html=html), world

    return asyncio.run(main())


# --- limits, at their edge ---


@pytest.mark.parametrize(
    ("text", "html", "fits"),
    [
        ("a" * 4_096, False, True),
        ("a" * 4_097, False, False),
        (SMILE * 2_048, False, True),
        (SMILE * 2_048 + "a", False, False),
        ("<b>" + "&amp;" * 4_096 + "</b>", True, True),
        ("<b>" + "&amp;" * 4_097 + "</b>", True, False),
        ("", False, False),
        ("\u200b", False, False),
        ("<b></b>", True, False),
    ],
)
def test_a_message_has_1_to_4096_units_after_parsing(tmp_path: Path, text: str, html: bool, fits: bool) -> None:
    got, world = sent(tmp_path, text, html=html)
    assert got.fate == ("posted" if fits else "refused")
    assert len(world.chat.posts) == fits


def test_a_text_of_1024_units_goes_beside_a_picture_and_a_longer_one_without(tmp_path: Path) -> None:
    beside, world = sent(tmp_path, SMILE * 512, jpeg())
    assert beside.note == ""
    assert world.chat.posts[1].photo
    alone, world = sent(tmp_path, SMILE * 512 + "a", jpeg())
    assert alone.fate == "posted"
    assert "without the picture" in alone.note
    assert not world.chat.posts[1].photo


def test_an_album_has_up_to_ten_pictures(tmp_path: Path) -> None:
    ten, world = sent(tmp_path, "<b>x</b>", *[jpeg()] * 10, html=True)
    assert ten.remotes == tuple(map(str, range(1, 11)))
    assert [post.text for post in world.chat.posts.values()] == ["x", *[""] * 9]
    assert len({post.album for post in world.chat.posts.values()}) == 1
    eleven, world = sent(tmp_path, "x", *[jpeg()] * 11)
    assert eleven.fate == "refused"
    assert world.chat.posts == {}


@pytest.mark.parametrize(
    ("picture", "fits"),
    [
        (heavy(10_000_000), True),
        (heavy(10_000_001), False),
        (jpeg(9_500, 500), True),
        (jpeg(9_500, 501), False),
        (jpeg(2_000, 100), True),
        (jpeg(2_001, 100), False),
        (Drawn(data=b"GIF89a no picture"), False),
    ],
    ids=["10 MB", "over 10 MB", "10,000 pixels", "10,001 pixels", "20 to 1", "over 20 to 1", "none"],
)
def test_a_picture_is_bounded(tmp_path: Path, picture: Drawn, fits: bool) -> None:
    got, _ = sent(tmp_path, "x", picture)
    assert got.fate == ("posted" if fits else "refused")


@pytest.mark.parametrize(
    "markup", ["<x>a</x>", "<b>a", "a</b>", "<b>a</i>", "<b", "<", "<a href='x", "<span>a</span>", "<br>", "<!-- -->"]
)
def test_broken_markup_is_refused(tmp_path: Path, markup: str) -> None:
    got, world = sent(tmp_path, markup, html=True)
    assert got.fate == "refused"
    assert "can't parse entities" in got.note
    assert world.chat.posts == {}


def test_links_have_no_preview_and_plain_text_stays_plain(tmp_path: Path) -> None:
    got, world = sent(tmp_path, "<b>&amp; https://mirror.example/")
    assert got.fate == "posted"
    assert world.chat.posts[1].text == "<b>&amp; https://mirror.example/"
    assert world.chat.posts[1].quiet


# --- limits of rate ---


def test_one_a_second_and_twenty_a_minute_and_who_is_faster_is_told_how_long_to_wait(tmp_path: Path) -> None:
    async def main() -> None:
        async with here(tmp_path) as world:
            for number in range(20):
                assert (await world.adapter.send(Message(text=str(number)))).fate == "posted"
                await world.clock.advance(1)
            late = await world.adapter.send(Message(text="20"))
            assert (late.fate, late.wait) == ("later", 40)
            await world.clock.advance(39)
            assert (await world.adapter.send(Message(text="20"))).wait == 1
            await world.clock.advance(1)
            assert (await world.adapter.send(Message(text="20"))).fate == "posted"
            world.lab.limits.public = Rate(1_000, 60)
            hurried = await world.adapter.send(Message(text="21"))
            assert (hurried.fate, hurried.wait) == ("later", 1)
            assert world.texts() == [str(number) for number in range(21)]

    asyncio.run(main())


# --- rights and tokens ---


def test_who_may_not_post_is_stopped(tmp_path: Path) -> None:
    async def main() -> None:
        async with here(tmp_path) as world:
            world.chat.rights = frozenset({"can_edit_messages"})
            assert await world.send("x") == Sent(
                fate="stopped", note="Bad Request: need administrator rights in the channel chat"
            )
            assert not (await world.adapter.health()).works
            world.lab.kick(world.chat)
            got = await world.send("x")
            assert got == Sent(fate="stopped", note="Forbidden: bot was kicked from the channel chat")
            health = await world.adapter.health()
            assert (health.works, health.note) == (False, "Forbidden: bot was kicked from the channel chat")
            assert (await world.adapter.edit(["1"], Message(text="y"))).fate == "stopped"
            assert (await world.adapter.withdraw(["1"])).fate == "stopped"

    asyncio.run(main())


def test_a_revoked_token_stops_the_channel_and_a_new_one_in_the_file_counts_at_once(tmp_path: Path) -> None:
    async def main() -> None:
        async with here(tmp_path) as world:
            fresh = "7000000001:lab-new-" + "z" * 30
            world.lab.revoke(fresh)
            got = await world.send("x")
            assert got.fate == "stopped"
            assert not (await world.adapter.health()).works
            token_file(tmp_path, fresh)
            assert (await world.send("x")).fate == "posted"
            assert (await world.adapter.health()).works

    asyncio.run(main())


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ("", 0o600, "not one line"),
        ("7000000001", 0o600, "no token of a bot"),
        ("abc:def", 0o600, "no token of a bot"),
        (TOKEN + "\nmore", 0o600, "not one line"),
        ("7:" + "a" * 20_000, 0o600, "not one line"),
        ("7:ключ", 0o600, "not one line"),
        (TOKEN, 0o644, "others can read"),
        (None, 0o600, "cannot be read"),
    ],
)
def test_a_token_that_is_none_stops_the_channel(tmp_path: Path, text: str | None, mode: int, said: str) -> None:
    path = tmp_path / "token"
    if text is not None:
        path.write_text(text)
        path.chmod(mode)

    async def main() -> Sent:
        async with TelegramChannel(name="t", chat="@x", token=path, endpoint="http://127.0.0.1:9/") as channel:
            return await channel.send(Message(text="x"))

    got = asyncio.run(main())
    assert got.fate == "stopped"
    assert said in got.note
    assert "def" not in got.note
    assert TOKEN not in got.note


def test_a_channel_that_is_not_there_stops_and_a_group_that_moved_tells_its_new_number(tmp_path: Path) -> None:
    async def main() -> None:
        async with here(tmp_path, chat="-1005") as world:
            assert (await world.send("x")).fate == "stopped"
            group = world.lab.group("room", -1005)
            assert (await world.send("x")).fate == "posted"
            group.moved_to = -100987
            got = await world.send("x")
            assert got.fate == "stopped"
            assert "-100987" in got.note

    asyncio.run(main())


def test_health_tells_what_it_may_not(tmp_path: Path) -> None:
    async def main() -> None:
        async with here(tmp_path) as world:
            assert (await world.adapter.health()).note == "@lab_news_bot"
            world.chat.rights = frozenset({"can_post_messages"})
            health = await world.adapter.health()
            assert (health.works, health.note) == (True, "@lab_news_bot; it may not pin")
            world.chat.status = "creator"
            assert (await world.adapter.health()).works
            world.chat.status = "left"
            assert not (await world.adapter.health()).works

    asyncio.run(main())


# --- what goes wrong on the way ---


@pytest.mark.parametrize("fault", ["drop before", "drop after", "gateway before", "gateway after", "garbage"])
def test_what_may_have_been_done_is_unknown_and_asked_once(tmp_path: Path, fault: Fault) -> None:
    async def main() -> None:
        async with here(tmp_path) as world:
            world.lab.fail(fault)
            got = await world.send("x")
            assert got.fate == "unknown"
            assert world.lab.calls["sendMessage"] == 1
            assert len(world.chat.posts) == (fault in DONE)
            assert TOKEN not in got.note

    asyncio.run(main())


def test_an_answer_in_two_halves_is_an_answer(tmp_path: Path) -> None:
    async def main() -> None:
        async with here(tmp_path) as world:
            world.lab.fail("slow")
            assert (await world.send("x")).fate == "posted"

    asyncio.run(main())


def test_where_nothing_listens_nothing_was_sent(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        door = f"http://127.0.0.1:{closed.getsockname()[1]}/"

        async def main() -> Sent:
            channel = TelegramChannel(name="t", chat="@x", token=token_file(tmp_path), endpoint=door)
            async with channel:
                assert not (await channel.health()).works
                return await channel.send(Message(text="x"))

        got = asyncio.run(main())
    assert got.fate == "later"
    assert TOKEN not in got.note


# --- edits, pins, withdrawals, answers ---


def test_a_post_is_edited_and_what_is_so_already_is_done(tmp_path: Path) -> None:
    async def main() -> None:
        async with here(tmp_path) as world:
            first = await world.send("a")
            second = await world.send("b", jpeg())
            album = await world.send("c", jpeg(), jpeg())
            for posted, pictures in ((first, ()), (second, ()), (second, (jpeg(),)), (album, ()), (first, (jpeg(),))):
                got = await world.adapter.edit(posted.remotes, Message(text=f"new {len(pictures)}"), pictures)
                assert (got.fate, got.remotes, got.note) == ("posted", posted.remotes, "")
                got = await world.adapter.edit(posted.remotes, Message(text=f"new {len(pictures)}"), pictures)
                assert (got.fate, got.note) == ("posted", "it was so already")
            assert world.texts() == ["new 1", "new 1", "new 0", ""]
            assert (await world.adapter.edit(["99"], Message(text="x"))).fate == "refused"
            assert (await world.adapter.edit([], Message(text="x"))).fate == "refused"
            assert (await world.adapter.edit(first.remotes, Message(text="a" * 4_097))).fate == "refused"

    asyncio.run(main())


def test_an_editor_may_give_a_link_for_a_number(tmp_path: Path) -> None:
    async def main() -> None:
        async with here(tmp_path) as world:
            await world.send("a")
            for remote in ("https://t.me/peninsula_news/1", "t.me/c/1000000001/1", " 1 "):
                assert (await world.adapter.edit([remote], Message(text=remote.strip()))).fate == "posted"
            assert (await world.adapter.edit(["https://t.me/peninsula_news"], Message(text="x"))).fate == "refused"

    asyncio.run(main())


def test_a_pin_that_fails_leaves_the_post_posted(tmp_path: Path) -> None:
    async def main() -> None:
        async with here(tmp_path) as world:
            assert (await world.send("a", pin=True)).note == ""
            assert world.chat.pins == [1]
            world.chat.rights = frozenset({"can_post_messages"})
            got = await world.send("b", pin=True)
            assert (got.fate, got.remotes) == ("posted", ("2",))
            assert got.note.startswith("not pinned: Bad Request: not enough rights")
            world.lab.fail(None, "drop before")
            assert (await world.send("c", pin=True)).fate == "posted"

    asyncio.run(main())


def test_what_is_younger_than_two_days_is_deleted_and_what_is_gone_is_gone(tmp_path: Path) -> None:
    async def main() -> None:
        async with here(tmp_path) as world:
            old, young = await world.send("old"), await world.send("young", jpeg(), jpeg())
            await world.clock.advance(172_800 - 60)
            got = await world.adapter.withdraw(old.remotes)
            assert (got.fate, got.note) == ("refused", "Bad Request: message can't be deleted")
            await world.clock.advance(59)
            assert (await world.adapter.withdraw(young.remotes)).fate == "posted"
            assert (await world.adapter.withdraw(young.remotes)).fate == "posted"
            assert world.texts() == ["old"]
            assert (await world.adapter.withdraw(["no number"])).fate == "refused"

    asyncio.run(main())


def test_a_correction_answers_the_post_that_it_mends_or_stands_alone(tmp_path: Path) -> None:
    async def main() -> None:
        async with here(tmp_path) as world:
            first = await world.send("a")
            await world.clock.advance(60)
            await world.adapter.send(Message(text="b", replies_to=first.remotes[0]))
            await world.clock.advance(60)
            assert (await world.adapter.send(Message(text="c", replies_to="77"))).fate == "posted"
            assert [post.answers for post in world.chat.posts.values()] == [0, 1, 0]

    asyncio.run(main())


# --- subscribers ---


def test_subscribers_are_written_to_once_each_and_who_closed_the_chat_is_gone(tmp_path: Path) -> None:
    async def main() -> None:
        async with here(tmp_path) as world:
            readers = [world.lab.reader(number, "uk") for number in (1, 2, 3)]
            for one in readers:
                one.says("/start")
            readers[1].blocks()
            got = await world.adapter.send(Message(text="day"), (), ["1", "2", "3", "4"])
            assert (got.fate, got.gone, got.bounced) == ("posted", ("2", "4"), ())
            assert [one.sees() for one in readers] == [["day"], [], ["day"]]
            assert all(str(number) not in got.note for number in (3, 4))

    asyncio.run(main())


def test_a_round_that_is_stopped_by_the_limit_says_who_was_not_reached(tmp_path: Path) -> None:
    async def main() -> None:
        async with here(tmp_path) as world:
            for number in range(1, 5):
                world.lab.reader(number).says("/start")
            world.lab.limits.all = Rate(2, 600)
            got = await world.adapter.send(Message(text="day"), (), ["1", "2", "3", "4"])
            assert (got.fate, got.bounced, got.wait) == ("posted", ("3", "4"), 600)
            got = await world.adapter.send(Message(text="day"), (), ["3", "4"])
            assert (got.fate, got.bounced, got.wait) == ("later", (), 600)

    asyncio.run(main())


def test_one_who_may_have_got_it_is_unknown_and_not_written_to_again(tmp_path: Path) -> None:
    async def main() -> None:
        async with here(tmp_path) as world:
            reader = world.lab.reader(1)
            reader.says("/start")
            world.lab.fail("drop after")
            got = await world.adapter.send(Message(text="day"), (), ["1"])
            assert (got.fate, got.note) == ("unknown", "1 may have got it")
            assert reader.sees() == ["day"]

    asyncio.run(main())


# --- hostile text ---

PIECES = [
    "<",
    ">",
    "&",
    "&lt",
    "&#0;",
    "&#x10ffff;",
    "</b>",
    "<b>",
    "<a href=",
    SMILE,
    "\u202e",
    "\u200b",
    "\u0301",
    "\x00",
]
HOSTILE = st.lists(st.text(st.characters(codec="utf-8"), max_size=8) | st.sampled_from(PIECES), max_size=12).map(
    "".join
)


@settings(max_examples=60)
@given(text=HOSTILE)
def test_any_text_is_posted_or_refused_and_never_raises(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    got, world = sent(tmp_path_factory.mktemp("t"), text, html=True)
    assert got.fate in ("posted", "refused")
    assert len(world.chat.posts) == (got.fate == "posted")


@given(text=HOSTILE)
def test_a_caption_is_measured_as_telegram_measures(text: str) -> None:
    assert caption_units(Message(text=text)) == len(text.encode("utf-16-le")) // 2
