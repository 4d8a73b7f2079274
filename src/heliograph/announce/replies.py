"""What readers' mail is answered: a story, the addresses of now, what became of a subscription.

Rule 1: an answer is plain text of at most ``MOST`` bytes, whole mail included, since who asked can be another than who
is answered. Rule 2: the news itself goes in, as much as there is room for; addresses die. Rule 3: nobody is subscribed
by one mail, since anybody can write it: he is asked at his address, and his answer subscribes him.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from heliograph.announce.letters import Question
from heliograph.announce.prose import Prose, plain
from heliograph.announce.text import clean, octets, pack
from heliograph.model.code import shown
from heliograph.model.edition import Brief
from heliograph.model.letter import Letter, Mark, sealed
from heliograph.model.story import Story
from heliograph.model.words import Words, interface

MOST: Final = 20_000  # bytes of a mail as it is sent
_ROOM: Final = 13_000  # bytes of its text: base64 makes four of three, and headers take their part
_MOST_HEADLINES, _MOST_MIRRORS = 12, 8
_MOST_TITLE: Final = 200  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Who answers: its name, the language it speaks if nobody asks for another, and where it can be read now."""

    title: str
    lang: str
    mirrors: tuple[str, ...] = ()  # addresses that end with a slash


def story(question: Question, told: Story, house: House) -> Letter:
    """A story in full, as far as there is room."""
    words = interface(told.lang, house.lang)
    prose = Prose(told)
    head = [_line(prose.title), f"{words.day(told.published)} · {shown(told.code)}"]
    foot = [*_addresses(words, house, f"a/{told.code}.html"), "--", _help(words)]
    more = words("There is more of this story than a mail has room for; the addresses below have it whole.")
    room = _ROOM - sum(octets(part) + 2 for part in (*head, *foot, more))
    body, whole = pack([prose.lead, *map(plain, prose.body)], [room], octets)
    return _letter(question, head[0], [*head, *body, "" if whole else more, *foot], told.lang)


def where(question: Question, house: House, newest: Sequence[Brief], missing: str = "") -> Letter:
    """The addresses of now and the newest headlines; ``missing`` is a code that no story has."""
    words = interface(question.lang, house.lang)
    parts = []
    if missing:
        parts.append(words("There is no story with the code {code}.", code=shown(missing)))
    parts += _addresses(words, house, "")
    headlines = [f"{shown(brief.code)}  {_line(brief.title)}" for brief in newest[:_MOST_HEADLINES]]
    if headlines:
        parts += [words("The newest stories:"), "\n".join(headlines)]
    return _letter(question, _re(question, house), [*parts, "--", _help(words)], words.lang)


def confirm(question: Question, house: House, mark: Mark, now: datetime) -> Letter:
    """Asks at the address itself whether the subscription is meant."""
    words = interface(question.lang, house.lang)
    id_ = sealed("c", f"{words.lang}-{now:%Y%m%d}", question.asker, mark)
    parts = [
        words("Somebody asked that the news of {title} be sent to this address.", title=_line(house.title)),
        words("Was it you? Then answer this mail as it is, and you are subscribed."),
        words("If not, do nothing: you will get no mail, and the address was not kept."),
    ]
    subject = words("Do you want the news of {title}?", title=_line(house.title))
    return _letter(question, f"{subject} ({id_})", parts, words.lang, id_)


def subscribed(question: Question, house: House) -> Letter:
    """Says that it worked."""
    words = interface(question.lang, house.lang)
    parts = [
        words("You are subscribed. The news comes to this address from now on."),
        *_addresses(words, house, ""),
        words("To end it, send a mail with the word “unsubscribe” to this address."),
        words("Your mail provider can see what we send you. Another one is safer if that is a danger to you."),
    ]
    return _letter(question, _re(question, house), parts, words.lang)


def unsubscribed(question: Question, house: House, mark: Mark, now: datetime) -> Letter:
    """Says that it is over, and how it is undone: another may have written in the reader's name."""
    words = interface(question.lang, house.lang)
    id_ = sealed("c", f"{words.lang}-{now:%Y%m%d}", question.asker, mark)
    parts = [
        words("The news comes to this address no more, and the address is erased."),
        words("Was that not you? Then answer this mail as it is, and you are subscribed again."),
    ]
    return _letter(question, _line(house.title), parts, words.lang, id_)


def full(question: Question, house: House) -> Letter:
    """Says that nobody more can subscribe."""
    words = interface(question.lang, house.lang)
    parts = [words("There is no room for more subscribers at the moment."), *_addresses(words, house, "")]
    return _letter(question, _re(question, house), parts, words.lang)


def probe(address: str, lang: str, house: House, mark: Mark, now: datetime) -> Letter:
    """Asks nothing: if it comes back, the address takes no mail any more, for only its server knows the id."""
    words = interface(lang, house.lang)
    parts = [
        words("A mail with the news could not be delivered to this address. If you read this, all is well again."),
        *_addresses(words, house, ""),
    ]
    id_ = sealed("p", f"{now:%Y%m%d}", address, mark)
    return Letter(to=address, subject=_line(house.title), text=_joined(parts), lang=words.lang, id=id_, returns=True)


def _addresses(words: Words, house: House, page: str) -> list[str]:
    if not house.mirrors:
        return []
    links = "\n".join(base + page for base in house.mirrors[:_MOST_MIRRORS])
    return [words("Where to read us now") + ":", links]


def _help(words: Words) -> str:
    return words("Answer with a story's code to get it by mail, or with the word “subscribe” to get the news each day.")


def _re(question: Question, house: House) -> str:
    if not question.subject:
        return _line(house.title)
    return question.subject if question.subject.lower().startswith("re:") else f"Re: {question.subject}"


def _letter(question: Question, subject: str, parts: Sequence[str], lang: str, id_: str = "") -> Letter:
    return Letter(
        to=question.asker,
        subject=subject,
        text=_joined(parts),
        lang=lang,
        id=id_,
        answers=question.id,
        references=question.references,
    )


def _joined(parts: Sequence[str]) -> str:
    return "\n\n".join(part for part in parts if part).replace("\n\n--\n\n", "\n\n-- \n")


def _line(text: str) -> str:
    return clean(text, lines=False)[:_MOST_TITLE]
