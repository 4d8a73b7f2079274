"""Mail: a newsletter to batches of subscribers, and answers to single readers.

Rule 1: a batch is one mail in one transaction; subscribers stand in the envelope alone, and nobody sees another.
Rule 2: the same message has the same Message-ID, whoever gets it, so that mailboxes drop one that is sent again by an
editor's decision, and an answer or a bounce of it can be told from an invention. Rule 3: an answer has the null sender
and says that it is automatic, so that no machine answers it. Rule 4: of a reader, nothing goes into a note.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import datetime
from email.message import EmailMessage
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from heliograph.adapters.channels import mime, smtp
from heliograph.adapters.channels.signing import signed
from heliograph.model import ConfigError
from heliograph.model.letter import Letter, Mark, is_address, sealed
from heliograph.model.post import ChannelKind, Drawn, Entry, Health, Message, Sent

MOST: Final = 20_000_000  # bytes of a mail: servers rarely take more than 25 MB


class Mail:
    """See ``ports.Channel`` and ``ports.Postman``."""

    kind: ChannelKind = "mail"

    def __init__(
        self,
        name: str,
        *,
        sender: str,
        title: str,
        way: smtp.Way,
        mark: Mark,
        clock: Callable[[], datetime],
        dkim: Path | None = None,
        selector: str = "mail",
        edition: Callable[[str], bytes] | None = None,
        one_click: Callable[[str], str] | None = None,
    ) -> None:
        """``sender`` is the newsroom's address, ``title`` its name, ``clock`` gives an aware datetime.

        ``edition`` gives the one-file edition that ``Message.attached`` names, b"" where there is none; it must not
        raise. ``one_click`` gives the https address that unsubscribes this reader by one POST (RFC 8058): it is named
        only where a batch is one reader, since the address says which.
        """
        self.name = name
        self._sender, self._title, self._way, self._mark, self._clock = sender, title, way, mark, clock
        self._dkim, self._selector, self._edition, self._one_click = dkim, selector, edition, one_click
        self._domain = sender.rpartition("@")[2]

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """There is nothing to close: each mail has a connection of its own."""

    async def send(self, message: Message, pictures: Sequence[Drawn] = (), to: Sequence[str] = ()) -> Sent:
        """See ``ports.Channel``; what no mail can be sent to is ``gone``. Pictures are not sent: mail is text."""
        if not to:
            return Sent(fate="posted", note="nobody is left to send it to")
        gone = tuple(one for one in to if not is_address(one))
        here = tuple(one for one in to if is_address(one))
        if not here:
            return Sent(fate="refused", gone=gone, note="no address of these can be sent to")
        try:
            id_, data = self._newsletter(message, here)
        except ConfigError as error:
            return Sent(fate="stopped", note=f"{error.where}: {error.what}")
        if len(data) > MOST:
            return Sent(fate="refused", note=f"the mail has {len(data):,} bytes; at most {MOST:,} are sent")
        return _with(await smtp.hand_over(self._way, self._sender, here, data), id_, gone)

    async def answer(self, letter: Letter) -> Sent:
        """See ``ports.Postman``."""
        if not is_address(letter.to):
            return Sent(fate="refused", note="the address cannot be answered")
        id_ = f"<{letter.id or sealed('a', self._digest(repr(letter)), '', self._mark)}@{self._domain}>"
        mail = mime.base(self._sender, self._title, letter.subject, id_, self._clock())
        sender = self._sender if letter.returns else ""
        mail["To"] = letter.to
        mail["Auto-Submitted"] = "auto-replied" if letter.answers else "auto-generated"
        mail["X-Auto-Response-Suppress"] = "All"  # what some servers heed in its place
        if answered := mime.ids(letter.answers):
            mail["In-Reply-To"] = answered[-1]
            mail["References"] = " ".join(dict.fromkeys((*mime.ids(" ".join(letter.references)), answered[-1])))
        mime.write(mail, letter.text, letter.lang, rich=False)
        try:
            return _with(await smtp.hand_over(self._way, sender, (letter.to,), self._bytes(mail)), id_)
        except ConfigError as error:
            return Sent(fate="stopped", note=f"{error.where}: {error.what}")

    async def edit(self, remotes: Sequence[str], message: Message, pictures: Sequence[Drawn] = ()) -> Sent:
        """A mail cannot be changed; a correction is another mail whose ``replies_to`` names it."""
        return Sent(fate="refused", note="a mail cannot be changed: a correction is another mail")

    async def withdraw(self, remotes: Sequence[str]) -> Sent:
        """Nor taken back."""
        return Sent(fate="refused", note="a mail cannot be taken back: a notice is another mail")

    async def proof(self, entry: Entry) -> Sent:
        """No server tells what became of a mail."""
        return Sent(fate="unknown", remotes=entry.remotes)

    async def health(self) -> Health:
        """Whether the server lets us in, and the key signs."""
        try:
            self._bytes(mime.base(self._sender, self._title, "", f"<a@{self._domain}>", self._clock()))
        except ConfigError as error:
            return Health(works=False, note=f"{error.where}: {error.what}")
        sent = await smtp.look(self._way)
        return Health(works=sent.fate == "posted", note=sent.note)

    def _newsletter(self, message: Message, to: Sequence[str]) -> tuple[str, bytes]:
        said = {name: value for name, value in asdict(message).items() if name != "tells"}  # that is for us alone
        id_ = f"<{sealed('n', self._digest(repr(said)), '', self._mark)}@{self._domain}>"
        mail = mime.base(self._sender, self._title, message.subject, id_, self._clock())
        mail["To"] = mail["From"]  # the list's own address: subscribers are not disclosed to each other
        mail["Auto-Submitted"] = "auto-generated"
        mail["Precedence"] = "list"
        mail["List-Id"] = f"{mime.one_line(self._title, 60).translate(_NO_BRACKETS)} <{self.name}.{self._domain}>"
        ways = [f"<mailto:{self._sender}?subject=unsubscribe>"]
        if self._one_click is not None and len(to) == 1:
            ways.insert(0, f"<{mime.one_line(self._one_click(to[0]), 900).translate(_NO_BRACKETS)}>")
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        mail["List-Unsubscribe"] = ", ".join(ways)
        if mended := mime.ids(message.replies_to):
            mail["In-Reply-To"] = mended[-1]
            mail["References"] = " ".join(mended)
        mime.write(mail, message.text, message.lang)
        if message.attached and self._edition is not None and (data := self._edition(message.attached)):
            mime.attach(mail, f"{message.attached.split()[0]}.html", data)
        return id_, self._bytes(mail)

    def _bytes(self, mail: EmailMessage) -> bytes:
        data = mail.as_bytes(policy=mime.POLICY)
        return signed(data, self._dkim, self._selector, self._domain) if self._dkim else data

    def _digest(self, text: str) -> str:
        return hashlib.sha256(f"{self.name}\n{text}".encode("utf-8", "replace")).hexdigest()[:20]


_NO_BRACKETS: Final = str.maketrans("", "", '<>"\\()')


def _with(sent: Sent, id: str, gone: tuple[str, ...] = ()) -> Sent:  # noqa: A002
    """``sent`` with how the mail is called where it is, or may be, out."""
    remotes = (id,) if sent.fate in ("posted", "unknown") else ()
    return Sent(
        fate=sent.fate, remotes=remotes, wait=sent.wait, note=sent.note, gone=gone + sent.gone, bounced=sent.bounced
    )
