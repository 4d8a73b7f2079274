"""Mail of readers handed in, by LMTP and by SMTP: taken, refused, and never noted down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiosmtplib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heliograph.adapters.channels import door as module
from heliograph.adapters.channels.door import Door, loggers
from heliograph.model.letter import Envelope

NEWS, ANNA = "news@paper.example", "anna@mail.example"


class Desk:
    """Takes what comes, or does what it is told."""

    def __init__(self) -> None:
        self.came: list[Envelope] = []
        self.does: bool | Exception = True

    async def take(self, envelope: Envelope) -> bool:
        self.came.append(envelope)
        if isinstance(self.does, Exception):
            raise self.does
        return self.does


@asynccontextmanager
async def client(desk: Desk) -> AsyncIterator[aiosmtplib.SMTP]:
    async with Door("127.0.0.1", 0, NEWS).open(desk.take) as (host, port):
        talk = aiosmtplib.SMTP(hostname=host, port=port, start_tls=False, local_hostname="localhost")
        async with talk:
            yield talk


@pytest.mark.parametrize(("sender", "as_"), [(ANNA, ANNA), ("", ""), ("Anna@MAIL.example", "Anna@mail.example")])
def test_a_mail_is_taken_and_the_null_sender_is_nothing(sender: str, as_: str) -> None:
    async def run() -> None:
        desk = Desk()
        async with client(desk) as talk:
            await talk.sendmail(sender, ["NEWS@paper.example"], b"Subject: where\r\n\r\nhello\r\n")
        assert desk.came == [Envelope(sender=as_, to=NEWS, data=b"Subject: where\r\n\r\nhello\r\n")]

    asyncio.run(run())


def test_what_cannot_be_dealt_with_is_left_with_who_brought_it() -> None:
    async def run() -> None:
        desk = Desk()
        async with client(desk) as talk:
            for does in (False, ValueError("anna@mail.example wrote this")):
                desk.does = does
                with pytest.raises(aiosmtplib.SMTPDataError) as caught:
                    await talk.sendmail(ANNA, [NEWS], b"Subject: where\r\n\r\n")
                assert (caught.value.code, caught.value.message) == (451, "4.3.0 not now")

    asyncio.run(run())


def test_only_mail_to_the_one_address_is_taken_and_one_at_a_time() -> None:
    async def run() -> None:
        desk = Desk()
        async with client(desk) as talk:
            with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
                await talk.sendmail(ANNA, ["other@paper.example"], b"\r\n")
            refused, _ = await talk.sendmail(ANNA, [NEWS, NEWS], b"\r\n")
            assert refused[NEWS].code == 452
        assert len(desk.came) == 1

    asyncio.run(run())


def test_size_at_its_edge() -> None:
    async def run() -> None:
        desk = Desk()
        async with client(desk) as talk:
            line = b"a" * 98 + b"\r\n"
            whole = line * (module.MOST // 100)
            assert (await talk.sendmail(ANNA, [NEWS], whole))[0] == {}
            await talk.mail(ANNA)  # without saying how large it is
            await talk.rcpt(NEWS)
            with pytest.raises(aiosmtplib.SMTPDataError) as caught:
                await talk.data(whole + b"\r\n")
            assert caught.value.code == 552
        assert len(desk.came) == 1

    asyncio.run(run())


def test_it_speaks_lmtp_as_a_mail_server_does() -> None:
    async def run() -> None:
        desk = Desk()
        async with Door("127.0.0.1", 0, NEWS).open(desk.take) as (host, port):
            reader, writer = await asyncio.open_connection(host, port)
            said = [await reader.readline()]
            for line in ("LHLO mta", f"MAIL FROM:<{ANNA}>", f"RCPT TO:<{NEWS}>", "DATA", "Subject: x\r\n\r\nhi\r\n."):
                writer.write(line.encode() + b"\r\n")
                while (answer := await reader.readline())[3:4] == b"-":
                    pass
                said.append(answer)
            writer.close()
        assert [line[:3] for line in said] == [b"220", b"250", b"250", b"250", b"354", b"250"]
        assert desk.came[0].data == b"Subject: x\r\n\r\nhi\r\n"

    asyncio.run(run())


def test_nothing_of_a_reader_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    before = [logger.disabled for logger in loggers()]

    async def run() -> None:
        desk = Desk()
        async with client(desk) as talk:
            await talk.sendmail(ANNA, [NEWS], b"Subject: where\r\n\r\n")
            desk.does = RuntimeError("anna@mail.example")
            with pytest.raises(aiosmtplib.SMTPDataError):
                await talk.sendmail(ANNA, [NEWS], b"Subject: secret\r\n\r\n")

    asyncio.run(run())
    for hidden in ("anna", "127.0.0.1", "secret"):
        assert hidden not in caplog.text
    assert [logger.disabled for logger in loggers()] == before


def test_too_many_connections_are_sent_away() -> None:
    async def run() -> None:
        async with Door("127.0.0.1", 0, NEWS).open(Desk().take) as (host, port):
            held = []
            for _ in range(module._AT_ONCE):
                reader, writer = await asyncio.open_connection(host, port)
                assert (await reader.readline()).startswith(b"220")
                held.append(writer)
            reader, writer = await asyncio.open_connection(host, port)
            assert await reader.read() == b"421 too many connections\r\n"
            for one in (*held, writer):
                one.close()

    asyncio.run(run())


COMMANDS = [
    b"LHLO x", b"EHLO x", b"MAIL FROM:<>", b"RCPT TO:<news@paper.example>", b"DATA", b".", b"AUTH PLAIN =",
    b"STARTTLS", b"PROXY x",
]  # fmt: skip


@settings(max_examples=40)
@given(st.lists(st.binary(max_size=60) | st.sampled_from(COMMANDS), max_size=8))
def test_no_talk_breaks_the_door(lines: list[bytes]) -> None:
    async def run() -> None:
        desk = Desk()
        async with Door("127.0.0.1", 0, NEWS).open(desk.take) as (host, port):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(b"".join(line + b"\r\n" for line in lines) + b"\r\n.\r\nQUIT\r\n")
            writer.write_eof()
            await reader.read()
            writer.close()
            async with aiosmtplib.SMTP(hostname=host, port=port, start_tls=False, local_hostname="localhost") as talk:
                await talk.sendmail(ANNA, [NEWS], b"Subject: x\r\n\r\n")
        assert desk.came[-1].sender == ANNA

    asyncio.run(run())
