"""What a reader asks a bot, and what he is answered.

Rule 1: whatever is typed has an answer: a command, a story's code in any form, an address of a story, else words to
look for. Rule 2: a button carries all it needs, the language too, since nothing is kept of who does not subscribe.
Rule 3: what a reader typed never comes back in an answer, so that no answer can be made to say what we did not write.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from html import escape
from itertools import pairwise
from typing import Final, Literal

from heliograph.announce import compose
from heliograph.announce.compose import Speaks
from heliograph.announce.rules import Facts, Rules
from heliograph.announce.text import clean, fit, units
from heliograph.model import Story
from heliograph.model.code import LENGTH, BadCode, parse_code, shown
from heliograph.model.edition import Brief
from heliograph.model.question import Button, Question, Reply
from heliograph.model.words import LANGUAGES, Words, own_name

PARTS: Final = 12  # messages that one story may take
Kind = Literal["start", "stop", "where", "daily", "lang", "story", "find"]
_COMMANDS: Final[dict[str, Kind]] = {
    "start": "start", "help": "start", "stop": "stop", "where": "where", "daily": "daily", "lang": "lang",
    "language": "lang",
}  # fmt: skip
_COMMAND = re.compile(r"/([a-z]{1,20})(?:@\w{1,40})?(?:\s+(.*))?", re.IGNORECASE | re.DOTALL)
_ADDRESS = re.compile(rf"/a/([0-9a-z]{{{LENGTH}}})(?:\.\d{{1,3}})?\.html", re.IGNORECASE)
_ON: Final = frozenset({"on", "yes", "1", "да", "так", "вкл", "увімк", "ebet", "آری", "بله"})
_OFF: Final = frozenset({"off", "no", "0", "нет", "ні", "выкл", "вимк", "yoq", "نه"})
_AROUND: Final = "#№/().,:;!?…«»\"'"  # what people put around a code
_LABEL: Final = 60  # UTF-16 units of a button's label
_HEADLINE: Final = 200
_TYPED: Final = 200  # characters of a question that are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A question, understood. ``of`` is a code, "on" or "off", a language, or words; ``lang`` that of a button."""

    kind: Kind
    of: str = ""
    lang: str = ""
    typed: str = ""  # where ``of`` is a code, the words that it may be as well
    spoilt: bool = False  # what was typed looks like a code with a wrong character


def wish(question: Question) -> Wish:
    """What ``question`` asks for. Any text is safe."""
    text = question.text[:_TYPED].strip()
    if question.press:
        return _pressed(text)
    if match := _COMMAND.fullmatch(text):
        rest = (match[2] or "").strip()
        kind = _COMMANDS.get(match[1].lower())
        if kind == "start" and rest:  # a deep link names what it is about
            return _named(rest)
        if kind == "daily":
            return Wish(kind="daily", of=_switch(rest))
        if kind is not None:
            return Wish(kind=kind, of=rest.lower() if kind == "lang" and rest.lower() in LANGUAGES else "")
        text = text.removeprefix("/")  # "/7K3VQ2M" is a code
    return _looked_for(text)


def _named(rest: str) -> Wish:
    return Wish(kind="where") if rest.lower() == "where" else _looked_for(rest)


def _looked_for(text: str) -> Wish:
    if match := _ADDRESS.search(text):
        text = match[1]
    parts = text.split()
    pairs = (" ".join(pair) for pair in pairwise(parts))
    for typed in (text, *(one for one in (*parts, *pairs) if any(char.isdigit() for char in one))):
        code = parse_code(typed.strip(_AROUND))
        if isinstance(code, str):
            return Wish(kind="story", of=code, typed=text)
    spoilt = parse_code(text)
    wrong = isinstance(spoilt, BadCode) and spoilt.reason == "check" and any(char.isdigit() for char in text)
    return Wish(kind="find", of=text, spoilt=wrong) if text else Wish(kind="start")


def _switch(said: str) -> str:
    word = said.lower()
    return "on" if word in _ON else "off" if word in _OFF else ""


def _pressed(data: str) -> Wish:
    kind, _, rest = data.partition(":")
    of, _, lang = rest.partition(":")
    lang = lang if lang in LANGUAGES else ""
    match kind:
        case "story" if isinstance(code := parse_code(of), str):
            return Wish(kind="story", of=code, lang=lang)
        case "daily" if of in ("on", "off"):
            return Wish(kind="daily", of=of, lang=lang)
        case "lang" if of in LANGUAGES:
            return Wish(kind="lang", of=of, lang=of)
        case "where" | "stop":
            return Wish(kind="where" if kind == "where" else "stop", lang=lang)
    return Wish(kind="start", lang=lang)


def welcome(facts: Facts, words: Words) -> Reply:
    """What the bot does."""
    commands = "\n".join(f"/{name} — {escape(what, quote=False)}" for name, what in commands_in(words))
    lines = (
        f"<b>{_said(facts.title)}</b>",
        _said(words("Send the code of a story, or words to look for: the story comes here as a whole.")),
        commands,
        _said(
            words(
                "Nothing is kept of who you are and what you ask. A subscription keeps this chat's number and language."
            )
        ),
    )
    first = (
        _button(words("Where to read us now"), "where:", words),
        _button(words("The day's news, daily"), "daily:on", words),
    )
    return Reply(html="\n\n".join(lines), buttons=(*((one,) for one in first), *_tongues()))


def where(rules: Rules, facts: Facts, words: Words, speaks: Speaks) -> Reply:
    """The addresses of now; without any, what goes on without them."""
    if not facts.mirrors:
        said = words("No address is known to work at this moment. Stories come here as a whole: send a code or words.")
        return Reply(html=_said(said))
    told = compose.where(replace(rules, voice=words.lang), facts, speaks)
    return Reply(html=told.message.text)


def story(story: Story, rules: Rules, facts: Facts, speaks: Speaks) -> tuple[Reply, ...]:
    """One story as a whole, in up to ``PARTS`` messages."""
    drafts = compose.story(story, replace(rules, pictures=False, rich=False), facts, speaks, parts=PARTS)
    return tuple(Reply(html=draft.message.text) for draft in drafts)


def found(briefs: Sequence[Brief], words: Words, *, spoilt: bool = False) -> Reply:
    """Headlines with their codes as buttons; or that there are none."""
    wrong = words("One character of this code is wrong. Compare it with the code you were given.")
    if not briefs:
        none = words("Nothing among the newest stories with these words. Try others, or send the code of a story.")
        return Reply(html=_said(wrong if spoilt else none))
    titles = [fit(clean(one.title, lines=False), _HEADLINE, units) for one in briefs]
    listed = "\n\n".join(f"{_said(title)}\n{shown(one.code)}" for title, one in zip(titles, briefs, strict=True))
    keys = tuple(
        (_button(f"{shown(one.code)} · {title}", f"story:{one.code}", words),)
        for title, one in zip(titles, briefs, strict=True)
    )
    return Reply(html=f"{_said(wrong)}\n\n{listed}" if spoilt else listed, buttons=keys)


def daily(words: Words, *, on: bool, room: bool = True) -> Reply:
    """That a subscription began or ended; without ``room`` that it did not begin."""
    if not on:
        return Reply(html=_said(words("Nothing comes without being asked any more. This chat's number is erased.")))
    if not room:
        return Reply(html=_said(words("There is no room for more subscribers now. Try again on another day.")))
    said = words("Once a day you get the day in ten lines. This chat's number and your language are kept until /stop.")
    return Reply(html=_said(said), buttons=((_button(words("No more"), "daily:off", words),),))


def asks_daily(words: Words) -> Reply:
    """On or off?"""
    keys = (_button(words("Yes"), "daily:on", words), _button(words("No more"), "daily:off", words))
    return Reply(html=_said(words("The day's news, daily")), buttons=(keys,))


def stopped(words: Words) -> Reply:
    """The end."""
    return Reply(html=_said(words("This is the end: nothing of you is kept here. Whoever writes again is answered.")))


def language(words: Words, *, kept: bool) -> Reply:
    """That another language is spoken now; or, where nothing is kept, which buttons speak it."""
    said = (
        words("From now on in this language.") if kept else words("Here in this language. It is kept for subscribers.")
    )
    first = (
        _button(words("Where to read us now"), "where:", words),
        _button(words("The day's news, daily"), "daily:on", words),
    )
    return Reply(html=_said(said), buttons=tuple((one,) for one in (first[:1] if kept else first)))


def asks_language(words: Words) -> Reply:
    """Which language?"""
    return Reply(html=_said(words("Which language?")), buttons=_tongues())


def place(ahead: int, words: Words) -> str:
    """Shown beside a button for a moment when the queue is long."""
    return words.many(
        "{n} reader is before you. The answer comes.", "{n} readers are before you. The answer comes.", ahead
    )


def commands_in(words: Words) -> tuple[tuple[str, str], ...]:
    """The commands and what they do."""
    return (
        ("where", words("Where to read us now")),
        ("daily", words("The day's news, daily")),
        ("lang", words("Language")),
        ("stop", words("End everything, and erase this chat's number")),
    )


def _button(label: str, data: str, words: Words) -> Button:
    said = fit(clean(label, lines=False), _LABEL, units)
    return Button(said, f"{data}:{words.lang}")


def _tongues() -> tuple[tuple[Button, ...], ...]:
    keys = tuple(Button(own_name(lang), f"lang:{lang}") for lang in LANGUAGES)
    return (keys[:3], keys[3:])


def _said(text: str) -> str:
    return escape(clean(text), quote=False)
