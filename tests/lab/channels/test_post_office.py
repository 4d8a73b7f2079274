"""The post office refuses what mail servers refuse, at the edge, and keeps what it has taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiosmtplib
import pytest

from heliograph.lab.channels.post_office import Limits, PostOffice

ANNA, NEWS = "anna@mail.example", "news@paper.example"
HEAD = b"From: news@paper.example\r\nSubject: x\r\n\r\n"


@asynccontextmanager
async def office(limits: Limits | None = None) -> AsyncIterator[tuple[PostOffice, aiosmtplib.SMTP]]:
    there = PostOffice(lambda: 0.0, limits=limits)
    async with there.running() as (host, port):
        talk = aiosmtplib.SMTP(hostname=host, port=port, start_tls=False, local_hostname="a.example")
        async with talk:
            yield there, talk


async def refused(talk: aiosmtplib.SMTP, to: list[str], data: bytes, **options: list[str]) -> int:
    """The code with which a mail is refused, 250 if it is taken."""
    try:
        await talk.sendmail(NEWS, to, data, **options)
    except aiosmtplib.SMTPRecipientsRefused as error:
        await talk.rset()
        return error.recipients[0].code
    except aiosmtplib.SMTPResponseException as error:
        await talk.rset()
        return error.code
    return 250


def test_lines_have_998_characters_at_most() -> None:
    async def run() -> None:
        async with office() as (there, talk):
            there.reader(ANNA)
            assert await refused(talk, [ANNA], HEAD + b"a" * 998 + b"\r\n") == 250
            assert await refused(talk, [ANNA], HEAD + b"a" * 1_000 + b"\r\n") == 500
            assert len(there.reader(ANNA).box) == 1

    asyncio.run(run())


def test_eight_bits_are_announced_or_refused() -> None:
    async def run() -> None:
        async with office() as (there, talk):
            there.reader(ANNA)
            data = HEAD + "Привет\r\n".encode()
            assert await refused(talk, [ANNA], data) == 554
            assert await refused(talk, [ANNA], data, mail_options=["BODY=8BITMIME"]) == 250

    asyncio.run(run())


@pytest.mark.parametrize("utf8", [True, False])
def test_addresses_in_other_letters_need_smtputf8(utf8: bool) -> None:
    async def run() -> None:
        async with office(Limits(utf8=utf8)) as (there, talk):
            there.reader("анна@mail.example")
            await talk.ehlo()
            assert talk.supports_extension("smtputf8") == utf8
            if utf8:
                await talk.mail(NEWS, options=["SMTPUTF8"], encoding="utf-8")
                await talk.rcpt("анна@mail.example", encoding="utf-8")
                await talk.data(HEAD)
                assert len(there.reader("анна@mail.example").box) == 1
            else:
                with pytest.raises(aiosmtplib.SMTPSenderRefused):
                    await talk.mail(NEWS, options=["SMTPUTF8"], encoding="utf-8")

    asyncio.run(run())


def test_a_local_part_has_64_characters_at_most() -> None:
    async def run() -> None:
        async with office() as (there, talk):
            there.reader("a" * 64 + "@mail.example")
            there.reader("a" * 65 + "@mail.example")
            assert await refused(talk, ["a" * 64 + "@mail.example"], HEAD) == 250
            assert await refused(talk, ["a" * 65 + "@mail.example"], HEAD) == 553

    asyncio.run(run())


def test_recipients_and_size_at_their_edges() -> None:
    async def run() -> None:
        names = [f"r{number}@mail.example" for number in range(101)]
        size = len(HEAD) + 2
        async with office(Limits(size=size)) as (there, talk):
            for name in names:
                there.reader(name)
            none, _ = await talk.sendmail(NEWS, names[:100], HEAD)
            assert none == {}
            over, _ = await talk.sendmail(NEWS, names, HEAD)
            assert {name: said.code for name, said in over.items()} == {names[100]: 452}
            assert await refused(talk, names[:1], HEAD + b"\r\n") == 250
            assert await refused(talk, names[:1], HEAD + b"a\r\n") == 552

    asyncio.run(run())


def test_what_cannot_be_delivered_comes_back_and_a_bounce_does_not() -> None:
    async def run() -> None:
        async with office(Limits(late=True)) as (there, talk):
            news = there.reader(NEWS)
            await talk.sendmail(NEWS, ["nobody@mail.example"], HEAD)
            await there.settle()
            (bounce,) = news.box
            assert bounce.sender == ""
            assert bounce.message.get_content_type() == "multipart/report"
            await talk.sendmail("", ["nobody@mail.example"], HEAD)
            await there.settle()
            assert len(news.box) == 1

    asyncio.run(run())


def test_two_machines_that_answer_each_other_are_noticed() -> None:
    async def run() -> None:
        async with office() as (there, _):
            there.reader(ANNA).manner = there.reader(NEWS).manner = "rude"
            with pytest.raises(RuntimeError, match="a mail loop"):
                await there.reader(ANNA).writes(NEWS, "hello")

    asyncio.run(run())


def test_what_readers_have_can_be_told() -> None:
    async def run() -> None:
        async with office() as (there, talk):
            there.reader(ANNA)
            await talk.sendmail(NEWS, [ANNA], HEAD + b"hello\r\n")
            assert there.dump() == {ANNA: [{"from": NEWS, "subject": "x", "text": "hello\n"}]}

    asyncio.run(run())
