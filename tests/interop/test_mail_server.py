"""A real mail server between the newsroom and its readers."""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

import aiosmtplib
import anyio
from tests.adapters.channels.post import mark
from tests.flows.world import NOW, Make
from tests.interop.exim import exim, need_exim

from heliograph.adapters.channels.door import Door
from heliograph.adapters.channels.mail import Mail
from heliograph.adapters.channels.smtp import Way
from heliograph.config.channels import MailChannel
from heliograph.flows.letters import answering
from heliograph.lab.loopback import free_port
from heliograph.lab.piece import pieces
from heliograph.model.code import shown
from heliograph.model.post import Message

NEWS, ANNA, GHOST = "news@paper.example", "anna@mail.example", "ghost@mail.example"
MORE = f'[edition]\npictures = false\n[[channel]]\nname = "letters"\nkind = "mail"\nsender = "{NEWS}"\n'


async def until(true: Callable[[], Awaitable[bool]]) -> None:
    """Look until it is true, a minute at most; another program makes it so, and tells nobody."""
    with anyio.fail_after(60):
        while not await true():  # noqa: ASYNC110
            await anyio.sleep(0.05)


def test_exim_carries_news_out_questions_in_and_bounces_back(make: Make) -> None:
    need_exim()
    place = TemporaryDirectory()  # pytest's own folders are closed to Exim's user
    post = Path(place.name)
    world = make(pieces(NOW)[:3], more=MORE)
    world.publish()
    table = world.config.channel[0]
    assert isinstance(table, MailChannel)
    port, numbers = free_port(), itertools.count()

    def box() -> list[EmailMessage]:
        files = sorted((post / "box" / "anna").glob("new/*"))
        return [cast(EmailMessage, message_from_bytes(file.read_bytes(), policy=default)) for file in files]

    async def has(count: int) -> bool:
        return len(box()) == count

    async def write(subject: str) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = ANNA, NEWS, subject, "<1@mail.example>"
        mail.set_content("Hello")
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False, local_hostname="a.example") as it:
            await it.send_message(mail, sender=ANNA, recipients=[NEWS])

    async def run() -> None:
        with world.outside() as outside:
            mail = Mail(
                "letters", sender=NEWS, title="Полуостров", way=Way(port=port), mark=mark, clock=lambda: world.now
            )  # fmt: skip
            door = Door("127.0.0.1", 0, NEWS)
            salt = lambda: b"%16d" % next(numbers)  # noqa: E731
            journal = outside.journal

            async def is_up() -> bool:
                return (await mail.health()).works

            async def is_erased() -> bool:
                return journal.subscriber("letters", GHOST) is None

            async with (
                answering(outside.journal, world.config, table, door, mail, mark, salt, lambda: world.now) as (_, lmtp),
                exim(post, port, lmtp),
            ):
                await until(is_up)
                code = next(iter(journal.briefs())).code
                await write(shown(code))
                await until(partial(has, 1))
                (story,) = box()
                assert story["Return-Path"] == "<>"
                assert story["In-Reply-To"] == "<1@mail.example>"
                assert shown(code) in story.get_content()

                for address in (ANNA, GHOST, "nobody@mail.example"):
                    journal.subscribe("letters", address, "ru")
                sent = await mail.send(
                    Message(text="Новости", subject="День", lang="ru"), to=[ANNA, GHOST, "nobody@mail.example"]
                )
                assert (sent.fate, sent.gone, sent.bounced) == ("posted", (), ("nobody@mail.example",))
                await until(partial(has, 2))
                news = next(one for one in box() if one["List-Id"])
                assert news["Return-Path"] == f"<{NEWS}>"
                assert GHOST.encode() not in bytes(news)
                # the bounce, the probe, the bounce of the probe
                await until(is_erased)
                assert journal.subscriber("letters", ANNA) is not None

    with place:
        anyio.run(run)
