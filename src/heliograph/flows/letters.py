"""A reader's mail is read, obeyed and answered, and nothing of it is kept but a subscription that was confirmed.

mail -> question -> a story | the addresses | a subscription asked, made or ended -> answer
bounce of a newsletter -> a probe to that address -> bounce of the probe -> erased
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import islice

from heliograph.announce import letters, replies
from heliograph.announce.letters import Question
from heliograph.announce.pace import Answering, Pace
from heliograph.announce.replies import House
from heliograph.config import Config
from heliograph.config.channels import MailChannel
from heliograph.flows.house import addresses, as_published
from heliograph.model.letter import Envelope, Letter, Mark
from heliograph.ports import Journal, Letterbox, Postman

_LOOKED_AT = 60  # newest stories, among which those in the reader's language are named


@asynccontextmanager
async def answering(
    journal: Journal,
    config: Config,
    table: MailChannel,
    box: Letterbox,
    postman: Postman,
    mark: Mark,
    salt: Callable[[], bytes],
    clock: Callable[[], datetime],
) -> AsyncIterator[tuple[str, int]]:
    """Answer what is handed in while the block lasts; gives the address and port of the letterbox.

    Raises:
        OSError: its port cannot be had.
    """
    pace = Pace(salt=salt)

    async def take(envelope: Envelope) -> bool:
        return await letter(journal, config, table, postman, pace, envelope, mark, clock())

    async with box.open(take) as place:
        yield place


async def letter(
    journal: Journal,
    config: Config,
    table: MailChannel,
    postman: Postman,
    pace: Pace,
    envelope: Envelope,
    mark: Mark,
    now: datetime,
) -> bool:
    """Deal with one mail; False where it cannot be answered now, and shall be brought again."""
    question = letters.ask(envelope, frozenset({table.sender.lower()}), mark, now)
    if question.kind == "none":
        return True
    room = config.newsroom
    house = House(title=room.title, lang=table.language or room.language, mirrors=addresses(journal, config))
    if question.kind == "bounce":
        return await _bounced(journal, table.name, house, postman, pace, question, mark, now)
    sort: Answering = "confirm" if question.kind == "subscribe" else "answer"
    if question.kind == "unsubscribe":
        journal.unsubscribe(table.name, question.asker)
    if question.quiet or not pace.may(sort, question.asker, now):
        return True
    answer = _answer(journal, config, table.name, house, question, mark, now)
    return await _send(postman, pace, sort, answer)


def _answer(
    journal: Journal, config: Config, name: str, house: House, question: Question, mark: Mark, now: datetime
) -> Letter:
    match question.kind:
        case "code":
            found = as_published(journal, config, [question.code])
            if found:
                return replies.story(question, found[0], house)
            return replies.where(question, house, [], missing=question.code)
        case "subscribe":
            return replies.confirm(question, house, mark, now)
        case "confirm":
            taken = journal.subscribe(name, question.asker, question.lang)
            return replies.subscribed(question, house) if taken else replies.full(question, house)
        case "unsubscribe":
            return replies.unsubscribed(question, house, mark, now)
        case _:
            newest = list(islice(journal.briefs(), _LOOKED_AT))
            lang = question.lang or house.lang
            return replies.where(question, house, [one for one in newest if one.lang == lang] or newest)


async def _bounced(
    journal: Journal,
    name: str,
    house: House,
    postman: Postman,
    pace: Pace,
    question: Question,
    mark: Mark,
    now: datetime,
) -> bool:
    """A bounce of a newsletter proves little, since all who got it know its id; that of a probe is the server's own."""
    if question.probe:
        journal.reached(
            name, (), () if question.lasting else question.failed, question.failed if question.lasting else ()
        )
        return True
    for address in question.failed:
        reader = journal.subscriber(name, address)
        if reader is not None and pace.may("probe", address, now):
            await _send(postman, pace, "probe", replies.probe(address, reader.lang, house, mark, now))
    return True


async def _send(postman: Postman, pace: Pace, sort: Answering, answer: Letter) -> bool:
    sent = await postman.answer(answer)
    if sent.fate in ("later", "stopped"):
        pace.undo(sort, answer.to)
        return False
    return True
