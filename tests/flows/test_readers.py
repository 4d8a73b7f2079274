"""Readers who ask the bot: through the adapter and the emulated Telegram, on a clock that pauses move."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.adapters.channels.bots import Clock, token_file, until
from tests.flows.speaking import Speaking, a_story, speaking
from tests.flows.world import NOW

from heliograph.adapters.channels.telegram_readers import TelegramReaders
from heliograph.flows.announce import rules_of
from heliograph.flows.readers import Readers
from heliograph.lab.channels.telegram import Rate, Reader, Telegram
from heliograph.model.code import shown

TABLE = """
[[channel]]
name = "telegram"
kind = "telegram"
chat = "@peninsula_news"
token = "token"
"""
LONG = "Одно предложение, которое занимает место. " * 400


class Newsroom:
    """A newsroom with three stories, whose bot runs."""

    def __init__(self, here: Speaking, lab: Telegram, clock: Clock, readers: Readers) -> None:
        self.here, self.lab, self.clock, self.readers = here, lab, clock, readers

    def subscribers(self) -> list[tuple[str, str]]:
        return [(one.address, one.lang) for one in self.here.journal.subscribers("telegram")]


STORIES = tuple(
    replace(a_story(number, NOW - timedelta(hours=number), text), title=title)
    for number, title, text in (
        (1, "Мост открыли после ремонта", ""),
        (2, "Длинная история о море", LONG),
        (3, "Школы вернулись к занятиям <b>&", ""),
    )
)
BRIDGE, SEA, SCHOOLS = STORIES


@asynccontextmanager
async def newsroom(folder: Path, blank: Path) -> AsyncIterator[Newsroom]:
    clock = Clock()
    lab = Telegram(clock, patience=clock.patience)
    with speaking(folder, blank, TABLE, ()) as here:
        here.publish(*STORIES)
        here.mirrors("https://one.example/", "https://two.example/")
        (rules,) = rules_of(here.journal, here.config, here.now)
        async with lab.running() as door:
            bot = TelegramReaders(name="telegram", token=token_file(folder), endpoint=door)
            readers = Readers(here.journal, here.config, rules, bot, clock=clock, pause=clock.advance)
            task = asyncio.create_task(readers.run())
            try:
                yield Newsroom(here, lab, clock, readers)
                assert readers.failed == 0, readers.trouble
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await bot.aclose()


async def asked(reader: Reader, text: str, count: int = 1) -> list[str]:
    """What the bot says to that, in so many messages."""
    before = len(reader.sees())
    reader.says(text)
    return (await reader.hears(before + count))[before:]


# --- must show: everybody is answered within Telegram's limits ---


@pytest.mark.parametrize("quick", [True, False], ids=["one question", "three questions"])
def test_a_thousand_readers_who_ask_at_once_are_all_answered_within_the_limits(
    tmp_path: Path, blank_journal: Path, quick: bool
) -> None:
    count, each = (1_000, 1) if quick else (200, 3)

    async def main() -> None:
        async with newsroom(tmp_path, blank_journal) as room:
            readers = [room.lab.reader(number, "ru") for number in range(1, count + 1)]
            begun = room.clock()
            for _ in range(each):
                for reader in readers:
                    reader.says(BRIDGE.code)
            for reader in readers:
                (*_, last) = await reader.hears(each)
                assert "Мост открыли после ремонта" in last
            late = [one for one in room.lab.refusals if one[1] == 429]
            assert len(late) <= 5, late
            assert room.clock() - begun < 1.2 * count * each / 20  # seconds of Telegram's clock
            assert all(len(reader.sees()) == each for reader in readers)
            await until(lambda: not room.readers.turns)
            assert room.readers.answered == count * each
            assert room.here.journal.recall("queue telegram") == "0"
            assert room.lab.updates.lost == 0

    asyncio.run(main())


def test_a_flood_of_one_reader_starves_nobody(tmp_path: Path, blank_journal: Path) -> None:
    async def main() -> None:
        async with newsroom(tmp_path, blank_journal) as room:
            loud, quiet = room.lab.reader(1, "ru"), room.lab.reader(2, "ru")
            for _ in range(500):
                loud.says(SEA.code)
            quiet.says(BRIDGE.code)
            await quiet.hears(1)
            assert len(loud.sees()) <= 3 * 12
            assert room.readers.turns.dropped >= 400

    asyncio.run(main())


def test_when_telegram_wants_a_pause_it_has_it_and_nobody_is_forgotten(tmp_path: Path, blank_journal: Path) -> None:
    async def main() -> None:
        async with newsroom(tmp_path, blank_journal) as room:
            room.lab.limits.all = Rate(3, 10)
            readers = [room.lab.reader(number, "ru") for number in range(1, 13)]
            for reader in readers:
                reader.says("/where")
            for reader in readers:
                await reader.hears(1)
            assert [len(reader.sees()) for reader in readers] == [1] * 12
            late = [one for one in room.lab.refusals if one[1] == 429]
            assert 1 <= len(late) <= 40
            await until(lambda: not room.readers.turns)
            assert room.readers.trouble == ""

    asyncio.run(main())


# --- what readers ask ---


def test_a_code_in_any_form_brings_the_whole_story(tmp_path: Path, blank_journal: Path) -> None:
    code = BRIDGE.code
    forms = (
        code, code.upper(), shown(code), f"#{code}", f"/{code}", f"код {code}!", f"Код: {shown(code)}",
        f"https://one.example/a/{code}.html", f"https://one.example/a/{code}.2.html#top", f"/start {code}",
    )  # fmt: skip

    async def main() -> None:
        async with newsroom(tmp_path, blank_journal) as room:
            reader = room.lab.reader(7, "ru")
            for form in forms:
                (said,) = await asked(reader, form)
                assert said.startswith("Мост открыли после ремонта"), form
                assert "Это статья номер 1." in said
                assert f"https://one.example/a/{code}.html" in said

    asyncio.run(main())


def test_a_long_story_comes_in_parts_in_their_order(tmp_path: Path, blank_journal: Path) -> None:
    async def main() -> None:
        async with newsroom(tmp_path, blank_journal) as room:
            reader = room.lab.reader(7, "ru")
            begun = room.clock()
            reader.says(SEA.code)
            parts = await reader.hears(5)
            assert "".join(parts).count("Одно предложение, которое занимает место.") == 400
            assert parts[0].startswith("Длинная история о море")
            assert room.clock() - begun >= 4
            assert room.lab.refusals == []

    asyncio.run(main())


def test_words_bring_headlines_with_buttons_and_a_button_the_story(tmp_path: Path, blank_journal: Path) -> None:
    async def main() -> None:
        async with newsroom(tmp_path, blank_journal) as room:
            reader = room.lab.reader(7, "uk")
            (said,) = await asked(reader, "школа занятие")
            assert said == f"Школы вернулись к занятиям <b>&\n{shown(SCHOOLS.code)}"
            assert reader.buttons() == [f"{shown(SCHOOLS.code)} · Школы вернулись к занятиям <b>&"]
            press = reader.presses("Школы")
            assert "Это статья номер 3." in (await reader.hears(2))[1]
            await until(lambda: press in reader.answered)
            (none,) = await asked(reader, "жираф")
            assert none.startswith("Серед нових статей")
            (wrong,) = await asked(reader, BRIDGE.code[:-1] + ("0" if BRIDGE.code[-1] != "0" else "1"))
            assert wrong.startswith("У цьому коді один знак неправильний.")

    asyncio.run(main())


def test_where_names_the_mirrors_of_now_and_says_so_when_there_are_none(tmp_path: Path, blank_journal: Path) -> None:
    async def main() -> None:
        async with newsroom(tmp_path, blank_journal) as room:
            reader = room.lab.reader(7, "en")
            (said,) = await asked(reader, "/where")
            assert "https://one.example/" in said
            assert "https://two.example/" in said
            room.here.mirrors()
            await room.clock.advance(61)
            (said,) = await asked(reader, "/where@lab_news_bot")
            assert said.startswith("No address is known to work")

    asyncio.run(main())


def test_a_subscription_is_a_number_and_a_language_until_it_ends(tmp_path: Path, blank_journal: Path) -> None:
    async def main() -> None:
        async with newsroom(tmp_path, blank_journal) as room:
            reader, other = room.lab.reader(7, "fa"), room.lab.reader(8)
            await asked(reader, "/start")
            assert room.subscribers() == []
            reader.presses("خبرهای روز")
            await reader.hears(2)
            assert room.subscribers() == [("7", "fa")]
            await asked(reader, "/lang")
            reader.presses("Українська")
            assert (await reader.hears(4))[3] == "Відтепер цією мовою."
            assert room.subscribers() == [("7", "uk")]
            await asked(other, "/daily on")
            assert room.subscribers() == [("7", "uk"), ("8", "ru")]
            other.blocks()
            await until(lambda: len(room.subscribers()) == 1)
            await asked(reader, "/daily off")
            assert room.subscribers() == []
            await asked(reader, "/daily да")
            assert room.subscribers() == [("7", "fa")]  # the choice of before is forgotten, too
            await asked(reader, "/stop")
            assert room.subscribers() == []

    asyncio.run(main())


def test_a_reader_who_closed_the_chat_is_not_asked_for_again(tmp_path: Path, blank_journal: Path) -> None:
    async def main() -> None:
        async with newsroom(tmp_path, blank_journal) as room:
            reader = room.lab.reader(7, "ru")
            reader.says("/daily on")
            reader.chat.closed = True
            await until(lambda: room.lab.calls["sendMessage"] == 1 and not len(room.readers.turns))
            assert room.subscribers() == []

    asyncio.run(main())


def test_without_a_subscription_a_language_lives_in_the_buttons(tmp_path: Path, blank_journal: Path) -> None:
    async def main() -> None:
        async with newsroom(tmp_path, blank_journal) as room:
            reader = room.lab.reader(7, "ru")
            await asked(reader, "/start")
            reader.presses("Qırımtatarca")
            await reader.hears(2)
            reader.presses("Künniñ haberleri")
            await reader.hears(3)
            assert room.subscribers() == [("7", "crh")]
            assert room.lab.commands["uk"][0][0] == "where"

    asyncio.run(main())


# --- what goes wrong ---


def test_a_number_is_stored_and_what_was_taken_is_not_taken_again(tmp_path: Path, blank_journal: Path) -> None:
    async def main() -> None:
        async with newsroom(tmp_path, blank_journal) as room:
            reader = room.lab.reader(7, "ru")
            await asked(reader, "/daily on")
            newest = room.here.journal.offset("telegram")
            assert newest > 0
            room.lab.fail("gateway after", "garbage", "drop before")  # of the next polls
            await room.clock.advance(30)
            await asked(reader, "/where")
            assert len(reader.sees()) == 2
            assert room.here.journal.offset("telegram") == newest + 1

    asyncio.run(main())


def test_a_revoked_token_is_told_and_a_new_one_counts(tmp_path: Path, blank_journal: Path) -> None:
    async def main() -> None:
        async with newsroom(tmp_path, blank_journal) as room:
            reader = room.lab.reader(7, "ru")
            await asked(reader, "/where")
            fresh = "7000000001:lab-new-" + "z" * 30
            room.lab.revoke(fresh)
            await room.clock.advance(30)
            await until(lambda: "does not know this token" in room.readers.trouble)
            token_file(tmp_path, fresh)
            await asked(reader, "/where")
            await until(lambda: room.readers.trouble == "")

    asyncio.run(main())


def test_an_answer_that_cannot_be_made_costs_that_answer_alone(
    tmp_path: Path, blank_journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise AttributeError

    async def main() -> None:
        async with newsroom(tmp_path, blank_journal) as room:
            reader = room.lab.reader(7, "ru")
            with monkeypatch.context() as patched:
                patched.setattr("heliograph.announce.bot.story", broken)
                reader.says(BRIDGE.code)
                await until(lambda: room.readers.failed == 1)
            assert room.readers.trouble == "an answer could not be made: AttributeError"
            await asked(reader, "/where")
            await until(lambda: room.readers.trouble == "")
            room.readers.failed = 0

    asyncio.run(main())


def test_nothing_that_a_reader_says_is_logged(
    tmp_path: Path, blank_journal: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    async def main() -> None:
        async with newsroom(tmp_path, blank_journal) as room:
            reader = room.lab.reader(987_654_321, "ru")
            await asked(reader, "удивительное слово")
            room.lab.fail(None, "garbage", "drop after")
            await asked(reader, "удивительное слово")

    with caplog.at_level(logging.DEBUG):
        asyncio.run(main())
    out, err = capfd.readouterr()
    kept = [path.read_bytes().decode("latin-1") for path in tmp_path.rglob("journal.sqlite*")]
    assert kept
    for told in (caplog.text, out, err, *kept):
        assert "987654321" not in told
        assert "удивительное" not in told
        assert "удивительное".encode().decode("latin-1") not in told
