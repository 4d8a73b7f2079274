"""Mail as bytes: the full text first as plain text, then the same as simple HTML, then a one-file edition.

Rule 1: no header comes from outside without ``one_line``, so that nobody writes a header of his own. Rule 2: everything
is in seven bits, so that no server on the way has to change, and thereby unsign, it. Rule 3: HTML holds the text, links
and nothing that is loaded.
"""

from __future__ import annotations

import html
import re
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Final

POLICY: Final = SMTP.clone(cte_type="7bit")
_RIGHT_TO_LEFT: Final = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
_MOST_SUBJECT: Final = 250  # characters
_ID: Final = re.compile(r"<[^<>\s@\x00-\x1f\x7f-\U0010ffff]{1,200}@[^<>\s@\x00-\x1f\x7f-\U0010ffff]{1,200}>")
_LINK: Final = re.compile(r"https?://[^\s<>\"'«»]+")
_JOINERS: Final = "\u200c\u200d"
_HEADING: Final = re.compile(r"([^\n]{1,400})\n={3,80}")  # a line that is underlined
_AFTER: Final = ".,;:!?)]}…"  # what stands after an address and is no part of it
_PAGE: Final = (
    '<!doctype html><html lang="{lang}" dir="{dir}"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width"><title>{title}</title></head>'
    '<body style="max-width:38em;margin:0 auto;padding:1em;font:17px/1.5 Georgia,serif;'
    'color:#1b1b18;background:#fdfcf8;overflow-wrap:break-word">\n{body}\n</body></html>\n'
)


def one_line(text: str, most: int = _MOST_SUBJECT) -> str:
    """Text that is safe in a header: characters that show and single spaces, at most ``most`` of them."""
    # line ends of all kinds, surrogates and controls go; joiners stay, which Persian cannot do without
    kept = "".join(char if char.isprintable() or char in _JOINERS else " " for char in text)
    # the library decodes what looks like an encoded word, and a line end may be in there
    return " ".join(kept.replace("=?", "= ?").split())[:most].strip()


def ids(text: str) -> tuple[str, ...]:
    """The Message-IDs in a text, as they may stand in a header; the last ten of them."""
    return tuple(_ID.findall(text))[-10:]


def base(sender: str, title: str, subject: str, id: str, now: datetime) -> EmailMessage:  # noqa: A002
    """A mail with what all of ours have; ``id`` is the whole Message-ID."""
    mail = EmailMessage(policy=POLICY)
    mail["From"] = _named(title, sender)
    mail["Subject"] = one_line(subject) or one_line(title) or sender
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = id
    return mail


def write(mail: EmailMessage, text: str, lang: str, *, rich: bool = True) -> None:
    """Put the text in, plain, and with ``rich`` as HTML too."""
    whole = _whole(text)
    mail.set_content(whole)
    mail["Content-Language"] = lang
    if rich:
        mail.add_alternative(page(whole, lang, str(mail["Subject"])), subtype="html")


def attach(mail: EmailMessage, name: str, data: bytes) -> None:
    """Put a one-file edition in."""
    mail.add_attachment(data, maintype="text", subtype="html", filename=one_line(name, 60))


def page(text: str, lang: str, title: str) -> str:
    """The text as HTML: its paragraphs, its line ends, its links, and lines that are underlined as headings."""
    parts = [part.strip("\n") for part in re.split(r"\n[ \t]*\n", text) if part.strip()]
    made = []
    for number, part in enumerate(parts):
        if not number and " ".join(part.split()) == " ".join(title.split()):
            made.append(f'<h1 style="font-size:1.5em;line-height:1.2">{html.escape(part)}</h1>')
        elif heading := _HEADING.fullmatch(part):
            made.append(f'<h2 style="font-size:1.25em;line-height:1.25">{_linked(heading[1])}</h2>')
        else:
            made.append(f"<p>{_linked(part)}</p>")
    direction = "rtl" if lang.partition("-")[0] in _RIGHT_TO_LEFT else "ltr"
    return _PAGE.format(lang=html.escape(lang), dir=direction, title=html.escape(title), body="\n".join(made))


def _linked(text: str) -> str:
    made, last = "", 0
    for found in _LINK.finditer(text):
        url = found[0].rstrip(_AFTER)
        link = f'<a href="{html.escape(url)}">{html.escape(url)}</a>'
        made += html.escape(text[last : found.start()]) + link
        last = found.start() + len(url)
    return (made + html.escape(text[last:])).replace("\n", "<br>\n")


def _whole(text: str) -> str:
    """Text that every mail program can show: no control characters, no halves of characters, one line end."""
    clean = re.sub(r"\r\n?|[\x0b\x0c\x1c-\x1e\x85\u2028\u2029]", "\n", text)
    clean = re.sub(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]", "", clean)
    return clean.strip("\n") + "\n"


def _named(title: str, address: str) -> Address:
    return Address(display_name=one_line(title, 60), addr_spec=address)
