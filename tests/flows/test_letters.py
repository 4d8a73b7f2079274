"""Readers write to the newsroom, through a post office, a door and back; the journal keeps no more than it must."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import anyio
import pytest
from tests.adapters.channels.post import mark
from tests.flows.world import NOW, Make, World

from heliograph.adapters.channels.door import Door
from heliograph.adapters.channels.mail import Mail
from heliograph.adapters.channels.smtp import Way
from heliograph.announce import replies
from heliograph.config.channels import MailChannel
from heliograph.flows.letters import answering
from heliograph.lab.channels.mail_programs import bounce
from heliograph.lab.channels.post_office import Limits, PostOffice
from heliograph.lab.piece import pieces
from heliograph.model.code import shown
from heliograph.model.post import Message
from heliograph.ports import Outside

NEWS, ANNA, BORIS = "news@paper.example", "anna@mail.example", "boris@mail.example"
MORE = f"""[edition]
pictures = false
[[mirror]]
name = "one"
kind = "folder"
path = "mirrors/one"
url = "https://one.example/"
[[channel]]
name = "letters"
kind = "mail"
sender = "{NEWS}"
"""


@dataclass
class Street:
    """The newsroom's letterbox and the post office, wired as they are in service."""

    office: PostOffice
    mail: Mail
    outside: Outside
    now: datetime = NOW

    def subscribers(self) -> list[tuple[str, str]]:
        return [(one.address, one.lang) for one in self.outside.journal.subscribers("letters")]


@asynccontextmanager
async def street(world: World, limits: Limits | None = None) -> AsyncIterator[Street]:
    table = world.config.channel[0]
    assert isinstance(table, MailChannel)
    numbers = itertools.count()
    with world.outside() as outside:
        made: list[Street] = []
        office = PostOffice(lambda: made[0].now.timestamp() if made else 0.0, limits=limits)
        async with office.running() as (host, port):
            mail = Mail(
                "letters", sender=NEWS, title="Полуостров", way=Way(host=host, port=port), mark=mark,
                clock=lambda: made[0].now,
            )  # fmt: skip
            made.append(Street(office, mail, outside, world.now))
            box = Door("127.0.0.1", 0, NEWS)
            salt = lambda: b"%16d" % next(numbers)  # noqa: E731
            async with answering(
                outside.journal, world.config, table, box, mail, mark, salt, lambda: made[0].now
            ) as place:
                office.deliver(NEWS, *place)
                yield made[0]


@pytest.fixture
def world(make: Make) -> World:
    made = make(pieces(NOW)[:6], more=MORE)
    made.publish()
    return made


def walk(world: World, steps: Callable[[Street], Coroutine[Any, Any, None]], limits: Limits | None = None) -> None:
    """Walk down the street."""

    async def run() -> None:
        async with street(world, limits) as there:
            await steps(there)

    anyio.run(run)


def test_any_mail_is_answered_with_addresses_and_headlines(world: World) -> None:
    async def steps(there: Street) -> None:
        anna = there.office.reader(ANNA)
        await anna.writes(NEWS, "Где вы?", "Добрый день!")
        (mail,) = anna.box
        assert mail.sender == ""
        assert mail.message["Subject"] == "Re: Где вы?"
        assert mail.message["Auto-Submitted"] == "auto-replied"
        assert "https://one.example/" in mail.text
        newest = next(iter(there.outside.journal.briefs()))
        assert shown(newest.code) in mail.text
        assert len(mail.data) <= replies.MOST

    walk(world, steps)


def test_a_code_brings_the_story_and_an_unknown_one_says_so(world: World) -> None:
    async def steps(there: Street) -> None:
        anna = there.office.reader(ANNA)
        for brief in there.outside.journal.briefs():
            await anna.writes(NEWS, shown(brief.code))
            told = anna.reads()
            assert told.message["Subject"] == brief.title
            assert f"https://one.example/a/{brief.code}.html" in told.text
            assert len(told.data) <= replies.MOST
        await anna.writes(NEWS, "000 0000")
        assert "Статьи с кодом 000 0000 нет." in anna.reads().text

    walk(world, steps)


def test_a_subscription_counts_only_after_its_owner_answered(world: World) -> None:
    async def steps(there: Street) -> None:
        anna, boris = there.office.reader(ANNA), there.office.reader(BORIS)
        await anna.writes(NEWS, "Подписка")
        assert there.subscribers() == []
        question = anna.reads()
        await boris.answers(question)  # who stole the mail, or guessed at it, subscribes not even himself
        assert there.subscribers() == []
        await anna.answers(question)
        assert there.subscribers() == [(ANNA, "ru")]
        assert "Вы подписаны" in anna.reads().text
        await anna.writes(NEWS, "отписаться")
        assert there.subscribers() == []
        await anna.answers(anna.reads())  # it was not she who wrote it
        assert there.subscribers() == [(ANNA, "ru")]

    walk(world, steps)


def test_a_bomb_of_subscriptions_is_one_mail_and_nothing_kept(world: World) -> None:
    async def steps(there: Street) -> None:
        anna = there.office.reader(ANNA)
        for _ in range(30):
            await anna.writes(NEWS, "subscribe")  # in her name
        assert len(anna.box) == 1
        assert there.subscribers() == []
        there.now += timedelta(days=10)
        await anna.answers(anna.box[0])  # too late: she is asked again, nothing else
        assert there.subscribers() == []

    walk(world, steps)


@pytest.mark.parametrize("manner", ["away", "rude"])
def test_machines_of_readers_do_not_make_a_loop(world: World, manner: Any) -> None:
    async def steps(there: Street) -> None:
        anna = there.office.reader(ANNA)
        anna.manner = manner
        await anna.writes(NEWS, "where")
        assert there.office.carried <= 25
        assert len(anna.box) == (1 if manner == "away" else 10)
        there.outside.journal.subscribe("letters", ANNA, "ru")
        carried, asked = there.office.carried, len(anna.box)
        await there.mail.send(Message(text="t", subject="s"), to=[ANNA])
        await there.office.settle()
        assert len(anna.box) == asked + 1  # the news; a rude machine is answered no more today
        assert there.office.carried - carried <= 1
        assert there.subscribers() == [(ANNA, "ru")]

    walk(world, steps)


def test_an_address_that_bounces_is_erased_after_a_probe_and_a_forged_bounce_erases_nobody(world: World) -> None:
    async def steps(there: Street) -> None:
        anna, boris = there.office.reader(ANNA), there.office.reader(BORIS)
        journal = there.outside.journal
        for address in (ANNA, BORIS, "gone@mail.example"):
            journal.subscribe("letters", address, "ru")
        sent = await there.mail.send(Message(text="t", subject="s"), to=[ANNA, BORIS, "gone@mail.example"])
        assert sent.fate == "posted"
        await there.office.settle()  # the bounce, the probe, its bounce
        assert {address for address, _ in there.subscribers()} == {ANNA, BORIS}

        # boris got the newsletter, so he knows its id: he forges a bounce in anna's name
        for _ in range(5):
            await there.office.post("", NEWS, bounce(ANNA, boris.box[0].data, there.now))
        assert {address for address, _ in there.subscribers()} == {ANNA, BORIS}
        (probe,) = anna.box[1:]
        assert "не дошло" in probe.text
        # and one of the probe, whose id he does not know
        forged = anna.box[0].data.replace(b"<n.", b"<p.")
        await there.office.post("", NEWS, bounce(ANNA, forged, there.now))
        assert {address for address, _ in there.subscribers()} == {ANNA, BORIS}
        # a stranger is not written to, whatever a bounce says of him
        vera = there.office.reader("vera@mail.example")
        await there.office.post("", NEWS, bounce("vera@mail.example", boris.box[0].data, there.now))
        assert vera.box == []

    walk(world, steps, Limits(late=True))


def test_a_full_mailbox_is_no_reason_to_erase_at_once(world: World) -> None:
    async def steps(there: Street) -> None:
        there.office.reader(ANNA).full = True
        there.outside.journal.subscribe("letters", ANNA, "ru")
        await there.mail.send(Message(text="t", subject="s"), to=[ANNA])
        await there.office.settle()
        (reader,) = there.outside.journal.subscribers("letters")
        assert reader.failures == 1

    walk(world, steps, Limits(late=True))


def test_what_cannot_be_answered_now_stays_with_the_server_and_costs_no_turn(world: World) -> None:
    async def steps(there: Street) -> None:
        anna = there.office.reader(ANNA)
        there.office.fail("greylist")
        with pytest.raises(Exception, match="not now"):
            await anna.writes(NEWS, "subscribe")
        assert anna.box == []
        await anna.writes(NEWS, "subscribe")  # the server brings it again
        assert len(anna.box) == 1

    walk(world, steps)


def test_a_button_of_a_provider_unsubscribes_in_silence(world: World) -> None:
    async def steps(there: Street) -> None:
        anna = there.office.reader(ANNA)
        there.outside.journal.subscribe("letters", ANNA, "ru")
        await there.mail.send(Message(text="t", subject="s"), to=[ANNA])
        address = str(anna.reads().message["List-Unsubscribe"]).strip(" <>").removeprefix("mailto:")
        to, _, subject = address.partition("?subject=")
        await anna.writes(to, subject, Auto_Submitted="auto-generated")
        assert there.subscribers() == []
        assert len(anna.box) == 1

    walk(world, steps)


def test_nothing_of_who_asks_is_left_on_disk(world: World) -> None:
    async def steps(there: Street) -> None:
        anna = there.office.reader(ANNA)
        for subject in ("where", "000 0000", "subscribe", "unsubscribe"):
            await anna.writes(NEWS, subject)
        assert len(anna.box) == 4

    walk(world, steps)
    held = [path for path in Path(world.config.state_folder).rglob("*") if path.is_file()]
    assert held
    assert not [path for path in held if b"anna" in path.read_bytes()]
