"""What readers ask a bot, and what they are answered.

Rule 1: nothing of a reader is here but the number of his chat, and that ends with the answer. Rule 2: a question's text
is hostile, and is neither kept nor logged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from heliograph.model.post import Sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A message to the bot, a button of it that was pressed, or that its chat was closed."""

    number: int  # growing, but for jumps
    chat: str
    text: str = field(default="", repr=False)  # or the data of the button
    press: str = ""  # how the press of a button is called; "" for a message
    lang: str = ""  # of the reader's app
    left: bool = False  # the reader wants to hear no more


class Button(NamedTuple):
    """A button below a message: ``data`` comes back as a question."""

    label: str
    data: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One message of an answer, HTML of Telegram's few tags; each row of buttons is a tuple."""

    html: str
    buttons: tuple[tuple[Button, ...], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Questions that came in. ``newest`` is the last number that was looked at, questions or not; 0 if there is none.

    ``failure`` says why there may be more.
    """

    questions: tuple[Question, ...] = ()
    newest: int = 0
    failure: Sent | None = None
