"""One mail handed to a server by SMTP, and what came of it.

Rule 1: until the dot that ends the mail has left, nothing was done, whatever fails. Rule 2: from then on only an answer
tells: 4xx and 5xx say that it was not taken; a line that breaks, silence and nonsense say nothing, and it may be taken.
Rule 3: what a server says may name readers, so that notes hold its codes alone. Rule 4: a server that refuses everybody
is wrong about the channel, not about the readers: none of them is erased for it.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import aiosmtplib

from heliograph.adapters.channels.secret import secret
from heliograph.model import ConfigError
from heliograph.model.post import Fate, Sent

Step = Literal["connection", "encryption", "login", "sender", "recipients", "start of the mail", "end of the mail"]
_GOODBYE: Final = 5.0
_DETAIL: Final = re.compile(r"([245]\.\d{1,3}\.\d{1,3})(?!\S)")
_NOBODY: Final = ("5.1.1", "5.1.10")  # no such mailbox; a domain that takes no mail
_TOO_MANY: Final = "4.5.3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How the server for outgoing mail is reached. ``authority`` replaces the authorities of the system.

    ``reply`` and ``taken`` are seconds that are waited for an answer, and for the one to a whole mail, which some
    servers scan first.
    """

    host: str = "127.0.0.1"
    port: int = 25
    security: Literal["none", "starttls", "tls"] = "none"
    user: str = ""
    password: Path | None = None
    authority: Path | None = None
    reply: float = 30.0
    taken: float = 120.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """What a server said to one recipient."""

    code: int
    detail: str  # its enhanced status code (RFC 3463), ""


async def hand_over(way: Way, sender: str, to: Sequence[str], data: bytes) -> Sent:
    """Hand a mail over in one transaction; ``sender`` "" is the null sender. Never raises but for cancellation."""
    return await _talk(way, sender, to, data)


async def look(way: Way) -> Sent:
    """Whether the server would take mail: "posted" if all goes well as far as login."""
    return await _talk(way, "", (), None)


def audience(to: Sequence[str], refused: Mapping[str, Refusal]) -> Sent | None:
    """What refusals of recipients mean: None where some were taken and the mail shall go out, else what came of it."""
    if any(one.detail == _TOO_MANY for one in refused.values()):
        taken = len(to) - len(refused)
        return Sent(fate="stopped", note=f"the server takes {taken} recipients at once: set batch = {max(taken, 1)}")
    if len(refused) < len(to):
        return None
    note = _note("recipients", next(iter(refused.values())))
    if any(one.code < 500 for one in refused.values()):
        return Sent(fate="later", note=note)
    if all(one.detail.startswith("5.7.") for one in refused.values()) or not all(map(_unreachable, refused.values())):
        return Sent(fate="stopped", note=note)
    gone, bounced = losses(to, refused)
    return Sent(fate="refused", gone=gone, bounced=bounced, note=note)


def losses(to: Sequence[str], refused: Mapping[str, Refusal]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Who of ``to`` is gone for good, and who could not be reached now."""
    sure = len(to) == 1 or len(refused) < len(to)  # a server that knows nobody of many has lost its own list
    gone = tuple(one for one in to if one in refused and sure and refused[one].detail in _NOBODY)
    return gone, tuple(one for one in to if one in refused and one not in gone)


async def _talk(way: Way, sender: str, to: Sequence[str], data: bytes | None) -> Sent:
    talk = _Talk(way, sender.rpartition("@")[2])
    try:
        return await talk.whole(sender, to, data)
    except ConfigError as error:
        return Sent(fate="stopped", note=f"{error.where}: {error.what}")
    except aiosmtplib.SMTPResponseException as error:
        return talk.refused(error.code, error.message)
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        return talk.broken(error)
    finally:
        talk.end()


class _Talk:
    """One connection. ``at`` is the step that is under way."""

    def __init__(self, way: Way, name: str) -> None:
        self.way, self.at = way, "connection"
        self._name = name if re.fullmatch(r"[A-Za-z0-9.-]{1,190}", name) else "localhost"
        self._client: aiosmtplib.SMTP | None = None

    async def whole(self, sender: str, to: Sequence[str], data: bytes | None) -> Sent:
        client = await self._enter()
        if data is None:
            await self._leave(client)
            return Sent(fate="posted")
        wide = not all(map(str.isascii, (sender, *to)))
        if wide and not client.supports_extension("smtputf8"):
            return Sent(fate="refused", bounced=tuple(to), note="the server takes no addresses but of ASCII")
        self.at = "sender"
        options = [f"SIZE={len(data)}"] if client.supports_extension("size") else []
        await client.mail(sender, options=[*options, "SMTPUTF8"] if wide else options, encoding="utf-8")
        self.at = "recipients"
        refused: dict[str, Refusal] = {}
        for one in to:
            try:
                await client.rcpt(one, encoding="utf-8")
            except aiosmtplib.SMTPRecipientRefused as error:
                if error.code == 421:  # the server goes away
                    raise
                refused[one] = Refusal(error.code, _detail(error.message))
        if (end := audience(to, refused)) is not None:
            await self._leave(client)
            return end
        await self._hand(client, data)
        await self._leave(client)
        gone, bounced = losses(to, refused)
        return Sent(fate="posted", gone=gone, bounced=bounced)

    async def _enter(self) -> aiosmtplib.SMTP:
        way = self.way
        password = secret(way.password) if way.user and way.password else ""
        context = None if way.security == "none" else _context(way.authority)
        client = self._client = aiosmtplib.SMTP(
            hostname=way.host, port=way.port, local_hostname=self._name, timeout=way.reply,
            use_tls=way.security == "tls", start_tls=False, tls_context=context,
        )  # fmt: skip
        await client.connect()
        await client.ehlo()
        if way.security == "starttls":
            self.at = "encryption"
            await client.starttls()  # refuses where it is not offered: somebody on the way may have taken it out
            await client.ehlo()
        if way.user:
            self.at = "login"
            await client.login(way.user, password)
        return client

    async def _hand(self, client: aiosmtplib.SMTP, data: bytes) -> None:
        self.at = "start of the mail"
        begun = await client.execute_command(b"DATA")
        if begun.code != 354:
            raise aiosmtplib.SMTPDataError(begun.code, begun.message)
        protocol = client.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("the server has gone")
        stuffed = re.sub(rb"(?m)^\.", b"..", data)
        protocol.write(stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n")
        self.at = "end of the mail"
        protocol.write(b".\r\n")
        taken = await protocol.read_response(timeout=self.way.taken)
        if taken.code // 100 != 2:
            raise aiosmtplib.SMTPDataError(taken.code, taken.message)

    async def _leave(self, client: aiosmtplib.SMTP) -> None:
        with suppress(aiosmtplib.SMTPException, OSError):  # what was said before counts
            await client.quit(timeout=_GOODBYE)

    def refused(self, code: int, text: str) -> Sent:
        """What an answer means that is no yes."""
        refusal = Refusal(code, _detail(text))
        if not 400 <= code <= 599:
            return Sent(fate="unknown" if self.at == "end of the mail" else "later", note=_note(self.at, refusal))
        fate: Fate = "later"
        if code >= 500:
            size = code == 552 or refusal.detail == "5.3.4"
            whole = self.at in ("start of the mail", "end of the mail") or (self.at == "sender" and size)
            fate = "refused" if whole else "stopped"
        return Sent(fate=fate, note=_note(self.at, refusal))

    def broken(self, error: Exception) -> Sent:
        """What a line means that broke, or a server that cannot do what it must."""
        why = f"{type(error).__name__} at the {self.at}"
        if self.at == "login" and not isinstance(error, OSError):  # it offers none
            return Sent(fate="stopped", note=why)
        return Sent(fate="unknown" if self.at == "end of the mail" else "later", note=why)

    def end(self) -> None:
        if self._client is not None:
            self._client.close()


def _context(authority: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(authority) if authority else None)
    except (OSError, ssl.SSLError) as error:
        remedy = "put a certificate there, in PEM"
        raise ConfigError("this is no certificate of an authority", where=str(authority), remedy=remedy) from error


def _unreachable(one: Refusal) -> bool:
    """Whether a refusal is about the recipient: his mailbox or his address."""
    return one.detail.startswith(("5.1.", "5.2.")) or (not one.detail and one.code in (550, 551, 552, 553))


def _detail(text: str) -> str:
    found = _DETAIL.match(text.lstrip())
    return found[1] if found else ""


def _note(at: str, refusal: Refusal) -> str:
    return f"{refusal.code} {refusal.detail}".rstrip() + f" at the {at}"
