"""Letters: mail of readers as it was handed in, what is answered, and names of our own mail that nobody can invent.

Rule 1: of a reader nothing is kept but what is in a letter that is being answered. Rule 2: mail counts as an answer to
ours, or as a bounce of ours, only if it names a Message-ID that ``sealed`` made; anybody can write anything else.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Mark: TypeAlias = Callable[[str], str]  # a keyed digest of a text: 20 characters of base32, the same for the same text
Sort = Literal[
    "n",  # news, to a batch of subscribers
    "c",  # asks whether a subscription is meant
    "p",  # asks whether an address still takes mail
    "a",  # any other answer
]
_MARK = r"[a-z2-7]{20}"
SEALED = re.compile(rf"([ncpa])\.([a-z0-9-]{{1,64}})\.({_MARK})")
# The plain form alone, of ASCII: what it shuts out, such as quotes and spaces, is rare in real addresses.
_ADDRESS = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?=[A-Za-z0-9.-]{1,190}\Z)([A-Za-z0-9-]{1,63}\.)*[A-Za-z0-9-]{1,63}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """A mail as it was handed in: ``sender`` is "" for the null sender, however the other side wrote that."""

    sender: str
    to: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A mail to one reader, mostly in answer to his own. ``text`` is plain and fits; ``sealed`` made ``id``.

    ``returns``: it has our sender, so that a server that cannot deliver it says so; all others have the null sender.
    """

    to: str
    subject: str
    text: str
    lang: str = "en"
    id: str = ""
    answers: str = ""  # Message-ID of his mail, with its angle brackets
    references: tuple[str, ...] = ()
    returns: bool = False


def is_address(text: str) -> bool:
    """Whether mail can be sent there: the plain form of RFC 5321 in ASCII, at most 254 characters."""
    return _ADDRESS.fullmatch(text) is not None


def plain_address(text: str) -> str:
    """One address as it is compared and kept: without angle brackets, the domain in small letters; "" if it is none."""
    bare = text.strip().removeprefix("<").removesuffix(">").strip()
    local, _, domain = bare.rpartition("@")
    return f"{local}@{domain.lower()}" if is_address(bare) else ""


def sealed(sort: Sort, of: str, about: str, mark: Mark) -> str:
    """What comes before the @ of a Message-ID: ``of`` can be read from it, ``about`` (an address) cannot."""
    return f"{sort}.{of}.{mark(_said(sort, of, about))}"


def unsealed(text: str, sort: Sort, about: str, mark: Mark) -> str:
    """The ``of`` of an id that ``sealed`` made of this sort and about this; "" for anything else."""
    for found in SEALED.finditer(text):
        # compared plainly: whoever guesses 100 bits by mail does not do so by the time that a comparison takes
        if found[1] == sort and mark(_said(found[1], found[2], about)) == found[3]:
            return found[2]
    return ""


def _said(sort: str, of: str, about: str) -> str:
    return f"letter\n{sort}\n{of}\n{about.lower()}"
