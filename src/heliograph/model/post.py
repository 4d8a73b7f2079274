"""Posts: what a channel is given to say, how far it is in the outbox, and what a channel answered.

Rule 1: an entry is one part of one version of one thing on one channel, and there is one row of it. Rule 2: what may
be there already is never sent again by itself: it is ``unknown`` until a person or a proof says more.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

ChannelKind = Literal["telegram", "viber", "instagram", "facebook", "mail", "webhook"]
Act = Literal["post", "edit", "withdraw"]
State = Literal[
    "held",  # waits until an editor confirms it
    "queued",
    "sending",  # noted before the request leaves; after a crash it is unknown
    "posted",  # or edited, or withdrawn: what the act says
    "failed",  # the provider certainly refused it
    "unknown",  # it may be there; an editor decides
    "hand",  # the channel cannot do it: a person does it in the provider's app
    "dropped",  # nobody shall do it any more
]
Fate = Literal[
    "posted",
    "later",  # certainly not done, and may be asked again
    "refused",  # certainly not done, and never will be
    "stopped",  # certainly not done, and nothing on this channel will be until a person acts
    "unknown",  # may have been done
]
WAITING: tuple[State, ...] = ("held", "queued")  # nobody has begun these
TO_DECIDE: tuple[State, ...] = ("held", "unknown", "hand")  # a person is asked
OPEN: frozenset[State] = frozenset({"held", "queued", "sending", "unknown", "hand"})  # what somebody still waits for


class Topic(NamedTuple):
    """What a post is about."""

    kind: Literal["story", "day", "where"]
    of: str = ""  # a story's code, an ISO date, ""

    def __str__(self) -> str:
        return f"{self.kind} {self.of}".rstrip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A picture that is drawn when it is sent: a headline, or codes to point a phone at.

    ``text`` is the headline or a page of a carousel; ``foot`` one line under it; ``codes`` are texts for QR codes, at
    most three.
    """

    title: str
    text: str = ""
    label: str = ""  # a section, or "Correction"
    foot: str = ""
    lang: str = "en"
    codes: tuple[str, ...] = ()
    alt: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What is sent, fitted to its channel already.

    ``text`` is plain, or HTML of Telegram's tags where ``html``; ``subject`` and ``attached`` are of mail,
    ``link`` of Facebook and of webhooks, ``cards`` of channels of pictures.
    """

    text: str
    html: bool = False
    rich: bool = False  # HTML of Telegram's rich messages
    lang: str = "en"
    subject: str = ""
    link: str = ""
    cards: tuple[Card, ...] = ()
    pin: bool = False
    replies_to: str = ""  # what the channel called an earlier post that this one mends
    attached: str = ""  # whose one-file edition goes with a mail: a story's code, or a day and the codes it tells
    tells: tuple[str, ...] = ()  # of a day: the stories in it, each "code:version:digest of what is told of it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One row of the outbox."""

    id: int = 0  # given by the journal, growing: the order on a channel
    channel: str
    topic: Topic
    version: int  # of the row: that of the story, or a later number where there is a row of that already
    told: int = 0  # the story's version that the message is from
    part: int = 0  # of a post in several messages, or of an audience in several batches
    act: Act = "post"
    message: Message
    digest: str  # SHA-256 (hex) of what matters of the message: links to mirrors do not
    state: State = "queued"
    urgent: bool = False  # neither delay nor quiet hours hold it
    attempt: int = 0
    remotes: tuple[
        str, ...
    ] = ()  # how the channel calls what is there; of an edit, what it edits; of an unknown, a clue
    not_before: datetime | None = None
    queued: datetime
    changed: datetime
    note: str = ""  # what went wrong, or why a person is asked
    by_hand: bool = False  # an editor wants it so: no plan changes it


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A card as bytes of a JPEG; ``url`` where a channel fetches it for itself."""

    data: bytes
    alt: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of one request to a channel.

    ``wait`` is how many seconds the channel wants to be left alone, 0 where it does not say; ``note`` is for people
    and holds no secret and no reader.
    """

    fate: Fate
    remotes: tuple[str, ...] = ()
    wait: float = 0.0
    note: str = ""
    gone: tuple[str, ...] = ()  # of an audience, those who are not to be written to again
    bounced: tuple[str, ...] = ()  # and those who could not be reached now, though nothing was wrong with the message


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether a channel may be used, as its provider says."""

    works: bool
    expires: datetime | None = None  # of its token
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Until when a channel is left alone. ``until`` None: until a person lets it go on."""

    channel: str
    until: datetime | None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """A reader who asked for the day's news: an address or a chat, and nothing else about him."""

    id: int
    channel: str
    address: str  # of mail, or a chat id
    lang: str
    failures: int = 0
