"""What a reader's mail asks for, and whether it may be answered at all.

Rule 1: anybody can write anything in another's name; so nothing follows from a mail but one answer to the address it
came from, and what is more than that needs an id that only the owner of the address can know (``model.letter``).
Rule 2: machines are not answered (RFC 3834): not a null sender, not what says that it is automatic, not lists, not who
is called mailer-daemon and the like, not our own addresses, not what does not name us in To or Cc. Rule 3: no mail,
whatever it holds, raises; what cannot be read asks for nothing.

The standard library reads mail here in its older way: the newer one parses each header as it is asked for, and raises
on some of what strangers write.
"""

from __future__ import annotations

import binascii
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import errors, message_from_bytes, policy
from email.header import decode_header
from email.message import Message
from email.utils import getaddresses
from typing import Final, Literal

from heliograph.announce.text import clean
from heliograph.model.code import BadCode, parse_code
from heliograph.model.letter import SEALED, Envelope, Mark, plain_address, unsealed

Kind = Literal["code", "where", "subscribe", "confirm", "unsubscribe", "bounce", "none"]
MOST: Final = 200_000  # bytes of a mail
VALID: Final = 4  # days in which a subscription can be confirmed
_MOST_PARTS: Final = 60  # of a mail: the library nests one call in another for each
_MOST_TEXT, _MOST_HEADER = 4_000, 2_000  # characters that are looked at
_MOST_LINES: Final = 8  # of a mail's own text
_LASTING: Final = ("5.1.", "5.0.")  # the address is at fault; some servers say no more than that it failed
_MOST_FAILED: Final = 20  # recipients that one bounce may name

_WORDS: Final[tuple[tuple[Kind, str, str], ...]] = (
    ("where", "en", "where mirrors addresses"),
    ("where", "ru", "где зеркала адреса"),
    ("where", "uk", "де дзеркала адреси"),
    ("where", "crh", "qayda къайда кузьгю küzgü"),
    ("where", "fa", "کجا آینه نشانی"),
    ("subscribe", "en", "subscribe"),
    ("subscribe", "ru", "подписаться подписка подпишите подписать"),
    ("subscribe", "uk", "підписатися підписатись підписка підпишіть"),
    ("subscribe", "crh", "abune yazılmaq язылмакъ"),
    ("subscribe", "fa", "اشتراک عضویت"),
    ("unsubscribe", "en", "unsubscribe stop"),
    ("unsubscribe", "ru", "отписаться отписка отпишите стоп"),
    ("unsubscribe", "uk", "відписатися відписатись відписка відпишіть"),
    ("unsubscribe", "crh", "vazgeçmek вазгечмек"),
    ("unsubscribe", "fa", "لغو"),
)
_ASKED: Final = {word: (kind, lang) for kind, lang, words in _WORDS for word in words.split()}
_WORD: Final = re.compile(r"[^\W\d_]{2,20}")
_TYPED: Final = re.compile(r"(?<![^\W_])[0-9A-Za-zА-Яа-яІі]{3}[ \u00a0-]?[0-9A-Za-zА-Яа-яІі]{4}(?![^\W_])")
_ANSWER: Final = re.compile(r"\w{1,6}(\[\d+\])?:", re.UNICODE)  # Re:, Отв:, پاسخ:
_DOMAIN_ID: Final = re.compile(r"<[^<>\s\x00-\x1f\x7f-\U0010ffff]{1,250}>")
_MACHINES: Final = re.compile(
    r"(mailer-daemon|postmaster|nobody|root|daemon|no[-_.]?reply|do[-_.]?not[-_.]?reply|bounces?|listserv|majordomo)"
    r"([-+=].*)?|owner-.*|.*-(request|owner|bounces?|return|relay)",
    re.IGNORECASE | re.DOTALL,
)
_CYRILLIC: Final = re.compile(r"[Ѐ-ӿ]")
_ONLY: Final = (
    ("uk", re.compile(r"[іїєґІЇЄҐ]")),
    ("ru", re.compile(r"[ыэёъЫЭЁЪ]")),
    ("fa", re.compile(r"[\u0600-\u06ff]")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a mail asks for.

    ``asker`` is where an answer goes. ``quiet``: it is obeyed, and nothing is answered. ``why`` says why nothing is
    done, without anything of the mail. ``failed`` are the recipients whom a bounce of our own mail names;
    ``probe`` is whether that mail asked just this, and ``lasting`` whether the address is at fault, not its mailbox.
    """

    kind: Kind
    asker: str = ""
    code: str = ""
    lang: str = ""
    subject: str = ""
    id: str = ""
    references: tuple[str, ...] = ()
    quiet: bool = False
    why: str = ""
    failed: tuple[str, ...] = ()
    probe: bool = False
    lasting: bool = False


def ask(envelope: Envelope, own: frozenset[str], mark: Mark, now: datetime) -> Question:
    """What the mail asks for. ``own`` are our addresses in small letters. Never raises."""
    if len(envelope.data) > MOST:
        return _nothing("too large")
    if envelope.data.count(b"\n--") > _MOST_PARTS or envelope.data.lower().count(b"content-type") > 3 * _MOST_PARTS:
        return _nothing("too many parts")
    try:
        mail = message_from_bytes(envelope.data, policy=policy.compat32)
        if mail.get_content_type() == "multipart/report":
            return _bounce(mail, envelope, mark, now)
        return _question(mail, envelope, own, mark, now)
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, errors.MessageError):
        return _nothing("cannot be read")  # the library was led astray


def machine(mail: Message, sender: str, own: frozenset[str]) -> str:
    """Why this mail is not from a person who waits for an answer, "" if it may be."""
    if not sender:
        return "null sender"
    if sender.lower() in own:
        return "our own address"
    if _MACHINES.fullmatch(sender.rpartition("@")[0]):
        return "a machine's name"
    auto = _raw(mail, "Auto-Submitted").partition(";")[0].strip().lower()
    if auto not in ("", "no"):
        return "automatic"
    if any(name.lower().startswith("list-") for name in mail.keys()):  # noqa: SIM118 - a mail is no dict
        return "a list"
    if _raw(mail, "Precedence").strip().lower() in ("bulk", "list", "junk", "auto_reply"):
        return "bulk"
    if any(_raw(mail, name) for name in ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress")):
        return "automatic"
    if _raw(mail, "X-Spam-Flag").strip().lower() == "yes":
        return "spam"
    named = [address.lower() for _, address in getaddresses([_raw(mail, "To"), _raw(mail, "Cc")])]
    return "" if own & set(named) else "not addressed to us"


def _question(mail: Message, envelope: Envelope, own: frozenset[str], mark: Mark, now: datetime) -> Question:
    why = machine(mail, envelope.sender, own)
    subject, lines = _decoded(_raw(mail, "Subject")), _own_lines(mail)
    kind, lang, code = _wish(subject, lines)
    lang = lang or _language(" ".join((subject, *lines)))
    asker, subject = envelope.sender, subject[:200]
    if why == "automatic" and kind == "unsubscribe":  # some providers write it for the reader when he presses a button
        return Question(kind="unsubscribe", asker=asker, lang=lang, quiet=True)
    if why:
        return _nothing(why)
    id_ = next(iter(_DOMAIN_ID.findall(_raw(mail, "Message-ID"))), "")
    earlier = tuple(_DOMAIN_ID.findall(_raw(mail, "References")))[-9:]
    answered = " ".join((_raw(mail, "In-Reply-To"), *earlier, subject))
    if given := _confirmed(answered, asker, mark, now):
        # the subject of an answer is ours, whatever words it has
        own_subject = "" if _ANSWER.match(subject) else subject
        if _wish(own_subject, lines)[0] != "unsubscribe":
            kind, lang = "confirm", given
    return Question(kind=kind, asker=asker, code=code, lang=lang, subject=subject, id=id_, references=earlier)


def _wish(subject: str, lines: list[str]) -> tuple[Kind, str, str]:
    """The wish, the language it was told in, and the code of a story. The subject counts before the text."""
    for line in (subject, *lines):
        for word in _WORD.findall(line.lower()):
            if word in _ASKED and _ASKED[word][0] != "where":  # "where can I unsubscribe?"
                return (*_ASKED[word], "")
        if code := _code(line):
            return "code", "", code
        for word in _WORD.findall(line.lower()):
            if word in _ASKED:
                return (*_ASKED[word], "")
    return "where", "", ""


def _code(line: str) -> str:
    """A story's code in this line; words that happen to be codes are none, unless they stand alone."""
    for found in _TYPED.finditer(line):
        code = parse_code(found[0])
        sure = any(char.isdigit() for char in found[0]) or found[0] == line.strip()
        if sure and not isinstance(code, BadCode):
            return code
    return ""


def _confirmed(text: str, asker: str, mark: Mark, now: datetime) -> str:
    """The language of a subscription that this address was asked about in the last days, "" if it was not."""
    for found in SEALED.finditer(text):
        lang, _, day = unsealed(found[0], "c", asker, mark).rpartition("-")
        if lang and day in days(now):
            return lang
    return ""


def days(now: datetime) -> tuple[str, ...]:
    """The days whose questions can still be answered, as ids have them; the first is today."""
    return tuple(f"{now - timedelta(days=back):%Y%m%d}" for back in range(VALID))


def _bounce(mail: Message, envelope: Envelope, mark: Mark, now: datetime) -> Question:
    """Who could not be reached, if this is a report (RFC 3464) about a mail of ours."""
    if envelope.sender:
        return _nothing("a report with a sender")
    ids, failed = "", dict[str, str]()
    for part in _parts(mail):
        kind = part.get_content_type()
        if kind in ("text/rfc822-headers", "message/rfc822", "message/rfc822-headers", "message/global-headers"):
            ids += _header_of(part)
        elif kind == "message/delivery-status":
            failed.update(_failed(part))
    some = tuple(address for address in failed if address)[:_MOST_FAILED]
    if len(some) == 1 and unsealed(ids, "p", some[0], mark) in days(now):
        return Question(kind="bounce", failed=some, probe=True, lasting=failed[some[0]].startswith(_LASTING))
    if some and unsealed(ids, "n", "", mark):
        return Question(kind="bounce", failed=some)
    return _nothing("a report about no mail of ours")


def _header_of(part: Message) -> str:
    """The Message-ID of the mail that a report gives back."""
    inner = part.get_payload()
    if isinstance(inner, list):
        return " ".join(_raw(one, "Message-ID") for one in inner[:2] if isinstance(one, Message))
    text = str(inner)[:50_000].replace("\r\n", "\n")
    return _raw(message_from_bytes(text.encode("utf-8", "replace"), policy=policy.compat32), "Message-ID")


def _failed(part: Message) -> Iterator[tuple[str, str]]:
    """The recipients for whom a report says that it failed for good, and why: each has a block of its own."""
    blocks = part.get_payload()
    for block in blocks[: 2 * _MOST_FAILED] if isinstance(blocks, list) else []:
        if not isinstance(block, Message) or _raw(block, "Action").strip().lower() != "failed":
            continue
        if not (status := _raw(block, "Status").strip()).startswith("5."):
            continue
        named = _raw(block, "Original-Recipient") or _raw(block, "Final-Recipient")
        yield plain_address(named.rpartition(";")[2]), status


def _own_lines(mail: Message) -> list[str]:
    """The first lines of the text that the sender wrote himself, without quotations."""
    text = ""
    for part in _parts(mail):
        kind = part.get_content_type()
        if kind in ("text/plain", "text/html") and not part.get_filename():
            text = _text(part)
            if kind == "text/html":
                text = html.unescape(re.sub(r"<[^<>]{0,2000}>", "\n", text[: 10 * _MOST_TEXT]))
            if text.strip():
                break
    lines = [line.strip() for line in text[:_MOST_TEXT].splitlines()]
    own = []
    for line in lines:
        if line == "--" or line.startswith(("-----Original", "________")):
            break
        if line and not line.startswith(">"):
            own.append(line[:300])
    return own[:_MOST_LINES]


def _text(part: Message) -> str:
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    try:
        return data[: 20 * _MOST_TEXT].decode(part.get_content_charset() or "utf-8", "replace")
    except (LookupError, ValueError):  # a charset that there is none of
        return data[: 20 * _MOST_TEXT].decode("utf-8", "replace")


def _parts(mail: Message) -> Iterator[Message]:
    """The parts of a mail, outer ones first, none of the mails within it."""
    waiting, seen = [mail], 0
    while waiting and seen < _MOST_PARTS:
        part, seen = waiting.pop(0), seen + 1
        yield part
        inner = part.get_payload()
        if isinstance(inner, list) and part.get_content_maintype() == "multipart":
            waiting += [one for one in inner if isinstance(one, Message)]


def _raw(mail: Message, name: str) -> str:
    """A header as it stands there, on one line, "" if there is none."""
    return " ".join(str(mail.get(name) or "").split())[:_MOST_HEADER]


def _decoded(text: str) -> str:
    """A header's encoded words as text."""
    try:
        pieces = decode_header(text)
    except (errors.HeaderParseError, binascii.Error, ValueError):
        return text
    said = ""
    for piece, charset in pieces:
        if isinstance(piece, str):
            said += piece
            continue
        try:
            said += piece.decode(charset or "ascii", "replace")
        except (LookupError, ValueError):
            said += piece.decode("utf-8", "replace")
    return clean(said, lines=False)


def _language(text: str) -> str:
    """The language of a text by letters that only one of ours has, "" if none tells."""
    for lang, only in _ONLY:
        if only.search(text):
            return lang
    return "ru" if _CYRILLIC.search(text) else ""


def _nothing(why: str) -> Question:
    return Question(kind="none", why=why)
