"""A post office on loopback: a strict server for outgoing mail, mailboxes of readers, and the way back.

Rule 1: what RFC 5321 and its extensions let a server refuse is refused, each limit a setting. Rule 2: mail goes where
it is addressed: to a reader's mailbox, or in at the newsroom's door; nothing leaves the machine. Rule 3: a reader's
programs answer by themselves, well-behaved or not, so that a loop shows as mail without end. Rule 4: a fault is named
before the mail that it hits, or comes by chance, and says whether it was taken.
"""

from __future__ import annotations

import asyncio
import random
import ssl
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime
from typing import Any, Literal, cast

import aiosmtplib
import dkim
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from heliograph.lab.channels import mail_programs
from heliograph.lab.channels.mail_programs import Manner, local_time

Wrong = Literal[
    "greylist",  # 451 to every recipient, nothing was done
    "busy",  # 421 in place of 354, and the line ends
    "drop before",  # the line ends at DATA
    "drop within",  # the line ends when the mail has come, and it was thrown away
    "later",  # 451 after the dot
    "content",  # 554 after the dot
    "drop after",  # it was taken, and the line ends before 250
    "stall after",  # it was taken, and no answer comes
    "garbage after",  # it was taken, and the answer is nonsense
]
_TAKEN: frozenset[Wrong] = frozenset({"drop after", "stall after", "garbage after"})
_BY_CHANCE: tuple[Wrong, ...] = ("greylist", "busy", "drop before", "drop within", "later", *sorted(_TAKEN))
_MOST_CARRIED = 300  # mails that one mail sets off: more is a loop that a test must see
_LOCAL_PART = 64  # characters (RFC 5321, 4.5.3.1.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What this server takes. Figures are least ones of RFC 5321, or common ones where it has none."""

    size: int = 10_000_000  # bytes of a mail
    recipients: int = 100
    utf8: bool = True  # SMTPUTF8 (RFC 6531)
    login: Mapping[str, str] = field(default_factory=dict)  # passwords by user; empty: nobody needs to log in
    senders: frozenset[str] = frozenset()  # who may send; empty: anybody
    relay: bool = True  # False: 554 5.7.1 to every recipient
    detail: bool = True  # whether replies have enhanced status codes (RFC 2034)
    late: bool = False  # unknown recipients are taken, and bounce


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail in a mailbox. ``signed`` is what its DKIM signature proves: None where there is none."""

    sender: str  # of the envelope; "" for the null sender
    data: bytes
    signed: bool | None

    @property
    def message(self) -> EmailMessage:
        """As the standard library reads it."""
        return message_from_bytes(self.data, policy=default)

    @property
    def text(self) -> str:
        """Its plain text."""
        part = self.message.get_body(("plain",))
        return str(part.get_content()).replace("\r\n", "\n") if isinstance(part, EmailMessage) else ""


class Reader:
    """Somebody with a mailbox of this office."""

    def __init__(self, office: PostOffice, address: str) -> None:
        self.address, self.box = address, list[Mail]()
        self.full = False
        self.manner: Manner = "silent"
        self._office = office

    def reads(self) -> Mail:
        """The newest mail."""
        return self.box[-1]

    async def writes(self, to: str, subject: str, text: str = "", **headers: str) -> None:
        """Write a mail; it has arrived on return, and whatever it set off is over."""
        mail = self._mail(to, subject, text)
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        await self._office.post(self.address, to, mail.as_bytes())

    async def answers(self, mail: Mail, text: str = "", subject: str = "") -> None:
        """Press "reply" in a mail program, and write."""
        to, made = mail_programs.reply(mail.message, self.address, text, subject, self._office.clock())
        await self._office.post(self.address, to, made)

    def _mail(self, to: str, subject: str, text: str) -> EmailMessage:
        mail = EmailMessage(policy=default)
        mail["From"], mail["To"], mail["Subject"] = self.address, to, subject
        mail["Date"] = format_datetime(local_time(self._office.clock()))
        mail["Message-ID"] = f"<{self._office.number()}@{self.address.rpartition('@')[2]}>"
        mail.set_content(text)
        return mail


class PostOffice:
    """The office. Readers are those asked for by ``reader``; anybody else is 550 5.1.1."""

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
        at_once: bool = False,
        names: Mapping[str, str] | None = None,
        seed: int = 0,
    ) -> None:
        """``clock`` gives seconds since 1970; with ``tls`` STARTTLS is demanded, or TLS ``at_once``.

        ``names`` are DKIM's keys as DNS has them, by name with a final dot. ``seed`` is that of its chance.
        """
        self.clock, self.limits, self.tls, self.at_once = clock, limits or Limits(), tls, at_once
        self.calls: Counter[str] = Counter()  # of commands, for tests
        self.struck: list[Wrong] = []
        self.carried = 0
        self.share = 0.0  # of mails that something goes wrong with, by chance
        self._chance = random.Random(seed)  # noqa: S311 - chance, no secret
        self._names = dict(names or {})
        self._wrong: deque[Wrong | None] = deque()
        self._readers: dict[str, Reader] = {}
        self._doors: dict[str, tuple[str, int]] = {}
        self._waiting: deque[tuple[str, str, bytes]] = deque()
        self._talks: set[_Talk] = set()
        self._mails = 0

    def reader(self, address: str) -> Reader:
        """The reader of this address, with a mailbox from now on."""
        return self._readers.setdefault(address.lower(), Reader(self, address))

    @property
    def readers(self) -> tuple[Reader, ...]:
        """All of them."""
        return tuple(self._readers.values())

    def deliver(self, address: str, host: str, port: int) -> None:
        """Mail to this address is handed in there, by SMTP."""
        self._doors[address.lower()] = (host, port)

    def fail(self, *wrong: Wrong | None) -> None:
        """What the next mails meet, one each; None is no fault."""
        self._wrong.extend(wrong)

    def dump(self) -> dict[str, Any]:
        """What readers have, as JSON can hold it."""
        return {
            reader.address: [
                {"from": mail.sender, "subject": str(mail.message["Subject"]), "text": mail.text} for mail in reader.box
            ]
            for reader in self._readers.values()
        }

    def number(self) -> str:
        """A name for a mail that no other has."""
        self._mails += 1
        return f"{self._mails}.{int(self.clock())}"

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[tuple[str, int]]:
        """Behind a port of loopback; gives address and port."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: _Talk(self, self._talks, loop), "127.0.0.1", port, ssl=self.tls if self.at_once else None
        )
        try:
            host, there = server.sockets[0].getsockname()[:2]
            yield host, there
        finally:
            server.close()
            for talk in tuple(self._talks):
                talk.cut()
            await server.wait_closed()

    async def post(self, sender: str, to: str, data: bytes) -> None:
        """Carry a mail where it is addressed, and what that sets off, until nothing is under way."""
        self._waiting.append((sender, to, data))
        await self.settle()

    async def settle(self) -> None:
        """Carry what waits: mail that programs of readers wrote, and bounces.

        Raises:
            RuntimeError: it does not end.
        """
        before = self.carried
        while self._waiting:
            self.carried += 1
            if self.carried - before > _MOST_CARRIED:
                raise RuntimeError("a mail loop: two machines answer each other")
            sender, to, data = self._waiting.popleft()
            await self._carry(sender, to, data)

    async def _carry(self, sender: str, to: str, data: bytes) -> None:
        if to.lower() in self._doors:
            host, port = self._doors[to.lower()]
            client = aiosmtplib.SMTP(hostname=host, port=port, start_tls=False, local_hostname="localhost", timeout=20)
            async with client:
                await client.sendmail(sender, [to], data)
        elif to.lower() in self._readers:
            self.put(sender, to, data)
        elif sender:  # a bounce has the null sender, and nothing ever answers that
            self._waiting.append(("", sender, mail_programs.bounce(to, data, local_time(self.clock()))))

    def put(self, sender: str, to: str, data: bytes) -> None:
        """Lay a mail into a mailbox; the reader's programs see it."""
        reader = self._readers.get(to.lower())
        if reader is None or reader.full:
            if sender:
                bounced = mail_programs.bounce(to, data, local_time(self.clock()), full=reader is not None)
                self._waiting.append(("", sender, bounced))
            return
        reader.box.append(Mail(sender=sender, data=data, signed=self._signed(data)))
        answer = mail_programs.automatic(reader.manner, sender, reader.address, data, self.number(), self.clock())
        if answer is not None:
            self._waiting.append(answer)

    def take(self, sender: str, to: list[str], data: bytes) -> None:
        """What the server has taken goes into mailboxes; answers to it wait for ``settle``."""
        for one in to:
            if one.lower() in self._doors:
                self._waiting.append((sender, one, data))
            elif one.lower() in self._readers or sender:  # what bounces with the null sender ends here
                self.put(sender, one, data)

    def knows(self, address: str) -> bool:
        """Whether mail to it can be taken."""
        return address.lower() in self._readers or address.lower() in self._doors

    def is_full(self, address: str) -> bool:
        """Whether its mailbox takes nothing more."""
        return address.lower() in self._readers and self._readers[address.lower()].full

    def strikes(self) -> Wrong | None:
        """What the mail that begins now meets."""
        if self._wrong:
            wrong = self._wrong.popleft()
        else:
            wrong = self._chance.choice(_BY_CHANCE) if self._chance.random() < self.share else None
        if wrong is not None:
            self.struck.append(wrong)
        return wrong

    def _signed(self, data: bytes) -> bool | None:
        if b"dkim-signature:" not in data.partition(b"\r\n\r\n")[0].lower():
            return None

        def name(asked: bytes | str, timeout: int = 0) -> bytes | None:
            found = self._names.get(asked.decode() if isinstance(asked, bytes) else asked)
            return found.encode() if found is not None else None

        try:
            return bool(dkim.verify(data, dnsfunc=name))
        except (dkim.DKIMException, ValueError, TypeError, IndexError):
            return False


class _Talk(SMTP):
    """One connection to the office."""

    def __init__(self, office: PostOffice, talks: set[_Talk], loop: asyncio.AbstractEventLoop) -> None:
        self.office, self.wrong, self._talks = office, cast("Wrong | None", None), talks
        limits = office.limits
        super().__init__(
            _Desk(office),
            data_size_limit=limits.size,
            enable_SMTPUTF8=limits.utf8,
            hostname="post.example",
            ident="ready",
            tls_context=office.tls if not office.at_once else None,
            require_starttls=office.tls is not None and not office.at_once,
            auth_required=bool(limits.login) and office.tls is not None,
            auth_require_tls=not office.at_once,
            authenticator=self._login,
            loop=loop,
        )
        self.local_part_limit = _LOCAL_PART

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._talks.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._talks.discard(self)
        super().connection_lost(error)

    def cut(self) -> None:
        """End the line now."""
        if isinstance(self.transport, asyncio.Transport):
            self.transport.abort()

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802 - the library's naming
        if self.wrong == "busy":
            await self.push("421 4.3.2 closing")
            self.cut()
        elif self.wrong == "drop before":
            self.cut()
        else:
            await super().smtp_DATA(arg)

    def _login(self, _: SMTP, __: Session, ___: Envelope, ____: str, data: object) -> AuthResult:
        known = self.office.limits.login
        if isinstance(data, LoginPassword) and known.get(data.login.decode("utf-8", "replace")):
            wanted = known[data.login.decode()].encode()
            return AuthResult(success=data.password == wanted, handled=False)
        return AuthResult(success=False, handled=False)


class _Desk:
    """What is said to each command; the names are those that the library calls."""

    def __init__(self, office: PostOffice) -> None:
        self.office = office

    async def handle_MAIL(self, talk: _Talk, _: Session, envelope: Envelope, sender: str, options: list[str]) -> str:  # noqa: N802
        self.office.calls["MAIL"] += 1
        talk.wrong = self.office.strikes()
        bare = "" if sender == "<>" else sender
        allowed = self.office.limits.senders
        if bare and allowed and bare not in allowed:
            return self._said("553 5.7.1 not a sender of yours")
        envelope.mail_from = sender
        envelope.mail_options.extend(options)
        return self._said("250 2.1.0 good")

    async def handle_RCPT(self, talk: _Talk, _: Session, envelope: Envelope, address: str, options: list[str]) -> str:  # noqa: N802
        self.office.calls["RCPT"] += 1
        limits = self.office.limits
        if talk.wrong == "greylist":
            return self._said("451 4.7.1 come back later")
        if len(envelope.rcpt_tos) >= limits.recipients:
            return self._said("452 4.5.3 too many recipients")
        if not limits.relay:
            return self._said(f"554 5.7.1 <{address}>: relay access denied")
        if not self.office.knows(address) and not limits.late:
            return self._said(f"550 5.1.1 <{address}>: nobody of this name")
        if self.office.is_full(address) and not limits.late:
            return self._said(f"552 5.2.2 <{address}>: mailbox full")
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return self._said("250 2.1.5 good")

    async def handle_DATA(self, talk: _Talk, _: Session, envelope: Envelope) -> str:  # noqa: N802
        self.office.calls["DATA"] += 1
        data = envelope.content if isinstance(envelope.content, bytes) else b""
        sender = "" if envelope.mail_from == "<>" else envelope.mail_from or ""
        if any(byte > 127 for byte in data) and "BODY=8BITMIME" not in envelope.mail_options:
            return self._said("554 5.6.1 eight bits, and nobody said so")
        wrong = talk.wrong
        if wrong in ("later", "content"):
            return self._said("451 4.3.0 not now" if wrong == "later" else "554 5.7.1 this is no mail for us")
        if wrong is None or wrong in _TAKEN:
            self.office.take(sender, list(envelope.rcpt_tos), data)
        if wrong in ("drop within", "drop after"):
            talk.cut()
        elif wrong == "stall after":
            await asyncio.Event().wait()  # until the other side goes away
        return "what?" if wrong == "garbage after" else self._said("250 2.0.0 taken")

    def _said(self, text: str) -> str:
        """``text``, without its enhanced status code where this server has none."""
        if self.office.limits.detail:
            return text
        code, _, rest = text.partition(" ")
        return f"{code} {rest.partition(' ')[2]}"
