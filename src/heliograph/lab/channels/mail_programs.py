"""What programs of readers and servers write: replies, out-of-office notes, bounces."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage, Message
from email.policy import default
from email.utils import format_datetime, parseaddr
from typing import Literal

Manner = Literal[
    "silent",
    "away",  # answers as RFC 3834 says
    "rude",  # answers everything at its From, and says of itself nothing
]


def local_time(seconds: float) -> datetime:
    """A moment from seconds since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def reply(mail: Message, own: str, text: str, subject: str, now: float) -> tuple[str, bytes]:
    """What "reply" in a mail program makes: to whom, and the mail, with the old one quoted."""
    to = parseaddr(str(mail.get("Reply-To") or mail["From"]))[1]
    made = EmailMessage(policy=default)
    made["From"], made["To"] = own, to
    made["Subject"] = subject or "Re: " + str(mail["Subject"])
    made["Date"] = format_datetime(local_time(now))
    made["Message-ID"] = f"<reply.{abs(hash((own, text, now)))}@{own.rpartition('@')[2]}>"
    made["In-Reply-To"] = str(mail["Message-ID"])
    made["References"] = " ".join(filter(None, (str(mail.get("References") or ""), str(mail["Message-ID"]))))
    body = mail.get_body(("plain",)) if isinstance(mail, EmailMessage) else None
    quoted = "".join(f"> {line}\n" for line in body.get_content().splitlines()) if body is not None else ""
    made.set_content(f"{text}\n\nOn Friday somebody wrote:\n{quoted}")
    return to, made.as_bytes()


def automatic(
    manner: Manner, sender: str, own: str, data: bytes, number: str, now: float
) -> tuple[str, str, bytes] | None:
    """What a program of the reader's answers by itself: sender, recipient and mail; None for nothing."""
    if manner == "silent":
        return None
    mail = message_from_bytes(data, policy=default)
    listed = any(name.lower().startswith("list-") for name in mail.keys())  # noqa: SIM118 - a mail is no dict
    if manner == "away" and (not sender or listed or str(mail.get("Auto-Submitted") or "no").lower() != "no"):
        return None
    to = sender if manner == "away" else parseaddr(str(mail["From"]))[1]
    made = EmailMessage(policy=default)
    made["From"], made["To"], made["Subject"] = own, to, "I am away: " + " ".join(str(mail["Subject"]).split())[:100]
    made["Date"] = format_datetime(local_time(now))
    made["Message-ID"] = f"<away.{number}@{own.rpartition('@')[2]}>"
    made["In-Reply-To"] = str(mail["Message-ID"])
    if manner == "away":
        made["Auto-Submitted"] = "auto-replied"
    made.set_content("I am away and shall read your mail when I am back.")
    return "" if manner == "away" else own, to, made.as_bytes()


def bounce(to: str, data: bytes, now: datetime, *, full: bool = False) -> bytes:
    """A delivery status notification (RFC 3464) about a mail to ``to``, with the mail's headers."""
    headers = data.replace(b"\r\n", b"\n").partition(b"\n\n")[0] + b"\n"
    status, why = ("5.2.2", "552 mailbox full") if full else ("5.1.1", "550 nobody of this name")
    lines = [
        "From: MAILER-DAEMON@post.example",
        "Subject: Undelivered Mail Returned to Sender",
        f"Date: {format_datetime(now)}",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="part"',
        "",
        "--part",
        "Content-Type: text/plain; charset=us-ascii",
        "",
        "I'm sorry to have to inform you that your message could not be delivered.",
        "",
        "--part",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; post.example",
        "",
        f"Final-Recipient: rfc822; {to}",
        "Action: failed",
        f"Status: {status}",
        f"Diagnostic-Code: smtp; {why}",
        "",
        "--part",
        "Content-Type: text/rfc822-headers",
        "",
    ]
    return "\r\n".join(lines).encode() + b"\r\n" + headers.replace(b"\n", b"\r\n") + b"\r\n--part--\r\n"
