"""Channels: a table for each place where the newsroom speaks to readers.

Rule 1: a secret is the path of a file that its owner alone may read. Rule 2: every address of a provider can be set, so
that a rehearsal in the lab, or a relay, stands in for it.
"""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Literal, TypeAlias
from urllib.parse import urlsplit

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from heliograph.config.fields import Base, Name, Span, Table, kind_or, seconds

_CLOCK = r"([01]\d|2[0-3]):[0-5]\d"
_HOURS = re.compile(rf"^({_CLOCK})-({_CLOCK})$")
_GRAPH = r"^v\d{1,3}\.\d$"
_MAIL = r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}$"
What: TypeAlias = Literal["stories", "day", "where"]


class _Channel(Table):
    """What all have."""

    name: Name = Field(description="Its nickname: small letters, digits, hyphens.")
    language: str = Field(
        default="", pattern=r"^([a-z]{2,3})?$", description="Only stories in this language; empty: all."
    )
    sections: tuple[str, ...] = Field(
        default=(), description='Only stories of these sections, as the newsroom labels them, such as "Политика".'
    )
    says: tuple[What, ...] = Field(
        default=("stories", "where"),
        description='"stories" each by itself, "day" the day in ten lines, "where" the addresses of now.',
    )
    confirm: tuple[What, ...] = Field(default=(), description="Of these, what waits until an editor confirms it.")
    delay: Span | Literal[""] = Field(
        default="", description="How long a story waits before it is posted; empty: it does not."
    )
    quiet: str = Field(
        default="", description='Hours without posts in the newsroom\'s zone, such as "23:00-07:00"; empty: none.'
    )
    urgent: tuple[str, ...] = Field(
        default=(), description="Sections or tags of breaking news: neither delay nor quiet hours hold it."
    )
    fresh: Span = Field(default="12h", description="No story is posted that was published longer ago.")
    day_at: str = Field(default="20:00", pattern=rf"^{_CLOCK}$", description='When "day" goes out, in that zone.')

    @field_validator("quiet")
    @classmethod
    def _are_hours(cls, value: str) -> str:
        if value and not _HOURS.match(value):
            raise ValueError('give two times of day, such as "23:00-07:00"')
        return value

    @property
    def delay_seconds(self) -> int:
        return seconds(self.delay) if self.delay else 0

    @property
    def fresh_seconds(self) -> int:
        return seconds(self.fresh)

    @property
    def quiet_hours(self) -> tuple[time, time] | None:
        match = _HOURS.match(self.quiet)
        return (time.fromisoformat(match[1]), time.fromisoformat(match[3])) if match else None


class TelegramChannel(_Channel):
    """A channel of Telegram, posted to by a bot."""

    kind: Literal["telegram"] = Field(description='"telegram": a channel of Telegram, posted to by a bot.')
    chat: str = Field(
        pattern=r"^(@[A-Za-z][A-Za-z0-9_]{3,31}|-?\d{1,20})$", description='The channel: "@name", or its number.'
    )
    token: str = Field(min_length=1, description="File with the bot's token.")
    parts: int = Field(default=4, ge=1, le=10, description="Messages that a story may take; the rest is on mirrors.")
    pictures: bool = Field(default=False, description="Whether a story begins with a card that shows its headline.")
    rich: bool = Field(
        default=False,
        description="Whether a story is one rich message of up to 32,768 characters, with headings, lists and tables; "
        "programs of before June 2026 show only that they are too old for it.",
    )
    readers: bool = Field(default=True, description="Whether the bot answers readers, too.")
    endpoint: Base = Field(default="https://api.telegram.org/", description="Address of the Bot API.")

    @model_validator(mode="after")
    def _is_one_form(self) -> TelegramChannel:
        if self.rich and self.pictures:
            raise ValueError("rich and pictures are two forms of a story: take one")
        return self


class ViberChannel(_Channel):
    """A channel of Viber."""

    kind: Literal["viber"] = Field(description='"viber": a channel of Viber.')
    token: str = Field(min_length=1, description="File with the channel's token.")
    webhook: Base = Field(
        description="Address that answers 200 to a POST of Viber's, which demands one before it takes posts, with a "
        "certificate that all trust. A mirror answers 405."
    )
    confirm: tuple[What, ...] = Field(
        default=("stories",), description="Of these, what waits until an editor confirms it: nothing can be deleted."
    )
    endpoint: Base = Field(default="https://chatapi.viber.com/", description="Address of the service.")


class InstagramChannel(_Channel):
    """A professional account of Instagram."""

    kind: Literal["instagram"] = Field(description='"instagram": a professional account of Instagram.')
    account: str = Field(pattern=r"^\d{1,30}$", description="The account's number.")
    token: str = Field(min_length=1, description="File with the long-lived token.")
    login: Literal["instagram", "facebook"] = Field(
        default="instagram", description="By which login the token was had; the two have different addresses."
    )
    secret: str = Field(
        default="", description="File with the app's secret, which proves a token of Facebook's login; empty: none."
    )
    slides: int = Field(default=4, ge=1, le=10, description="Pictures that a long story may take.")
    confirm: tuple[What, ...] = Field(
        default=("stories",), description="Of these, what waits until an editor confirms it: nothing can be edited."
    )
    says: tuple[What, ...] = Field(default=("stories",), description='"stories", "day" or "where", as pictures.')
    endpoint: Base = Field(default="", description="Address of the service; empty: that of the login.")
    version: str = Field(default="v26.0", pattern=_GRAPH, description="Version of the Graph API.")


class FacebookChannel(_Channel):
    """A page of Facebook."""

    kind: Literal["facebook"] = Field(description='"facebook": a page of Facebook.')
    page: str = Field(pattern=r"^\d{1,30}$", description="The page's number.")
    token: str = Field(min_length=1, description="File with the page's token.")
    secret: str = Field(default="", description="File with the app's secret, which proves the token; empty: none.")
    endpoint: Base = Field(default="https://graph.facebook.com/", description="Address of the service.")
    version: str = Field(default="v26.0", pattern=_GRAPH, description="Version of the Graph API.")


class MailChannel(_Channel):
    """A newsletter, and an address that answers."""

    kind: Literal["mail"] = Field(description='"mail": a newsletter, and an address that answers.')
    sender: str = Field(pattern=_MAIL, description="The address that it comes from, and that readers write to.")
    host: str = Field(default="127.0.0.1", description="The server that takes outgoing mail.")
    port: int = Field(default=25, ge=1, le=65_535, description="Its port.")
    security: Literal["none", "starttls", "tls"] = Field(
        default="none", description='"none" only on this machine; "starttls" and "tls" demand a good certificate.'
    )
    authority: str = Field(
        default="", description="File with the certificate of an authority of one's own; empty: those of the system."
    )
    user: str = Field(default="", description="Who logs in there; empty: nobody.")
    password: str = Field(default="", description="File with the password.")
    dkim: str = Field(default="", description="File with the private key that signs mail; empty: the server signs.")
    selector: str = Field(default="mail", pattern=r"^[A-Za-z0-9-]{1,63}$", description="DKIM selector of that key.")
    listen: str = Field(
        default="", description='Where mail of readers is handed in by LMTP, such as "127.0.0.1:8024"; empty: nowhere.'
    )
    batch: int = Field(default=50, ge=1, le=500, description="Subscribers in one transaction.")
    says: tuple[Literal["day"], ...] = Field(default=("day",), description='"day": the day\'s stories, whole.')

    @field_validator("listen")
    @classmethod
    def _is_place(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if value and (not host or not port.isdigit()):
            raise ValueError('give an address and a port, such as "127.0.0.1:8024"')
        return value

    @model_validator(mode="after")
    def _is_private(self) -> MailChannel:
        local = self.host == "localhost" or self.host == "::1" or self.host.startswith("127.")
        if self.security == "none" and not local:
            raise ValueError(
                'security = "none" only with a server on this machine: readers stand in each mail; '
                'set security = "starttls" or "tls"'
            )
        if self.user and not self.password:
            raise ValueError("user needs a password: name its file")
        return self


class WebhookChannel(_Channel):
    """Anything that takes plain JSON over HTTP."""

    kind: Literal["webhook"] = Field(description='"webhook": anything that takes plain JSON over HTTP.')
    url: str = Field(description="Where posts are sent.")
    secret: str = Field(default="", description="File with a secret; a HMAC made with it goes along. Empty: none.")

    @field_validator("url")
    @classmethod
    def _is_web(cls, value: str) -> str:
        return _web(value)


ChannelTable: TypeAlias = Annotated[
    Annotated[TelegramChannel, Tag("telegram")]
    | Annotated[ViberChannel, Tag("viber")]
    | Annotated[InstagramChannel, Tag("instagram")]
    | Annotated[FacebookChannel, Tag("facebook")]
    | Annotated[MailChannel, Tag("mail")]
    | Annotated[WebhookChannel, Tag("webhook")],
    Discriminator(kind_or("")),
]


class Announce(Table):
    """How posts look."""

    font: str = Field(
        default="", description="A bold TrueType font for cards and posters; empty: DejaVu, where Debian has it."
    )
    bot: str = Field(
        default="", pattern=r"^(@[A-Za-z][A-Za-z0-9_]{3,31})?$", description='Telegram bot that posters name: "@name".'
    )
    hub: str = Field(
        default="", description="A WebSub hub that is told of each new edition, and that feeds name; empty: none."
    )
    shelf: str = Field(
        default="",
        description="Name of a mirror that holds cards for an hour, since Instagram and Viber fetch them by URL.",
    )

    @field_validator("hub")
    @classmethod
    def _is_web(cls, value: str) -> str:
        return _web(value) if value else ""


def _web(value: str) -> str:
    if urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname:
        raise ValueError("give an address that starts with https:// or http://")
    return value
