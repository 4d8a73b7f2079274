"""The page of a rehearsal: what readers see of each channel, and a reader who asks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp

from heliograph.adapters.channels.door import Door
from heliograph.adapters.channels.mail import Mail
from heliograph.adapters.channels.smtp import Way
from heliograph.config import parse
from heliograph.config.channels import MailChannel
from heliograph.lab.channels.rehearsal import COLUMNS, MOST_ASKED, NEWS, READER, Rehearsal
from heliograph.model.letter import Envelope
from heliograph.model.post import Message

NOW = datetime(2026, 11, 26, 12, 0, tzinfo=UTC)
HEAD = '[newsroom]\ntitle = "П"\n'


def rehearsed(steps: Callable[[Rehearsal, str, aiohttp.ClientSession], Coroutine[Any, Any, None]]) -> None:
    """With the emulators up, and somebody at the page."""

    async def run() -> None:
        rehearsal = Rehearsal(lambda: 1_780_000_000.0)
        async with rehearsal.running() as door, aiohttp.ClientSession() as session:
            await steps(rehearsal, door, session)

    asyncio.run(run())


async def asked(session: aiohttp.ClientSession, door: str, how: str, text: str) -> str:
    """Fill in the form; the page that comes back."""
    async with session.post(f"{door}/ask", data={"how": how, "text": text}) as answer:
        assert answer.status == 200
        assert answer.url.path == "/"
        return await answer.text()


def test_what_a_reader_types_comes_to_the_bot_and_is_no_markup() -> None:
    async def steps(rehearsal: Rehearsal, door: str, session: aiohttp.ClientSession) -> None:
        page = await asked(session, door, "bot", "<script>где?</script>")
        assert "the bot is asked" in page
        (update,) = await rehearsal.telegram.updates.get(0, 100, 0, None)
        assert update["message"]["text"] == "<script>где?</script>"
        async with session.get(f"{door}/wall") as answer:
            wall = await answer.text()
        assert "chat with the bot: 1" in wall
        assert "<script>" not in wall
        assert "— &lt;script&gt;" in wall

    rehearsed(steps)


def test_mail_goes_in_at_the_newsrooms_door_and_without_one_the_page_says_so(tmp_path: Path) -> None:
    async def steps(rehearsal: Rehearsal, door: str, session: aiohttp.ClientSession) -> None:
        config = parse(HEAD + rehearsal.tables(tmp_path), tmp_path / "heliograph.toml")
        (table,) = [one for one in config.channel if isinstance(one, MailChannel)]
        assert "nobody takes mail in" in await asked(session, door, "mail", "где?")
        assert "nobody takes mail in" in await asked(session, door, "answer", "где?")
        host, _, port = table.listen.rpartition(":")
        taken: list[Envelope] = []

        async def take(envelope: Envelope) -> bool:
            taken.append(envelope)
            return True

        async with Door(host, int(port), table.sender).open(take):
            assert "the mail is written" in await asked(session, door, "mail", "где\r\nTo: x\r\n?" + "я" * 9_000)
        (envelope,) = taken
        assert envelope.sender == READER
        assert len(envelope.data) < 10 * MOST_ASKED

    rehearsed(steps)


def test_a_newsletter_is_seen_on_the_wall_and_in_the_readers_box(tmp_path: Path) -> None:
    async def steps(rehearsal: Rehearsal, door: str, session: aiohttp.ClientSession) -> None:
        config = parse(HEAD + rehearsal.tables(tmp_path), tmp_path / "heliograph.toml")
        (table,) = [one for one in config.channel if isinstance(one, MailChannel)]
        mail = Mail(
            "mail", sender=NEWS, title="П", way=Way(host=table.host, port=table.port), mark=lambda text: "m" * 20,
            clock=lambda: NOW,
        )  # fmt: skip
        other = rehearsal.office.reader("other@mail.example")
        sent = await mail.send(Message(text="Мост открыт.", subject="День"), to=[READER, other.address])
        assert sent.fate == "posted"
        seen = {name: [one.text for one in rehearsal.wall() if one.channel == name] for name in COLUMNS}
        assert seen["mail"] == seen[COLUMNS[-1]] == ["День\n\nМост открыт.\n"]

    rehearsed(steps)


@asynccontextmanager
async def unfair(share: float) -> AsyncIterator[Rehearsal]:
    rehearsal = Rehearsal(lambda: 1_780_000_000.0, share=share)
    async with rehearsal.running():
        yield rehearsal


def test_a_share_of_mails_meets_a_fault_at_the_office_and_none_without() -> None:
    async def run(share: float) -> int:
        async with unfair(share) as rehearsal:
            return sum(rehearsal.office.strikes() is not None for _ in range(400))

    assert asyncio.run(run(0.0)) == 0
    assert 40 <= asyncio.run(run(0.2)) <= 130


def test_the_page_gives_nothing_else() -> None:
    async def steps(_: Rehearsal, door: str, session: aiohttp.ClientSession) -> None:
        for path in ("/etc/passwd", "/wall/", "/ask", "/x.jpg"):
            async with session.get(door + path) as answer:
                assert answer.status == 404

    rehearsed(steps)
