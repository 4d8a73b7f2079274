"""A sheet for a wall: where a newsroom is read now, on one page A4, with tabs to tear off.

Rule 1: black on white, so that a copier makes another one of it; the accent is one stripe. Rule 2: every address stands
there as a QR code and in letters to type. Rule 3: the same words give the same bytes: the only date is the one given.
Rule 4: a tab has the address and nothing else, since who is found with it should not have to explain a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO

from heliograph.announce import qr
from heliograph.announce.sheet import HEIGHT, MARGIN, WIDTH, Pen
from heliograph.model.code import shown
from heliograph.model.words import Words, interface

MOST_ADDRESSES = 4
_TABS, _TAB = 9, 116.0  # how many, and how high, in points
_EDGE = 17.0  # what printers leave white
_INNER = WIDTH - 2 * MARGIN
_GAP = 14.0
_LETTERS = 44.0  # of height under a code, for its address


@dataclass(frozen=True, slots=True, kw_only=True)
class Poster:
    """What a sheet says. Whatever is "" is left out.

    ``addresses`` are base URLs of mirrors, the best first; only the first ``MOST_ADDRESSES`` are shown. ``code`` is
    that of a story, for an example. ``day`` is when all of this was true.
    """

    newsroom: str
    lang: str
    day: date
    addresses: tuple[str, ...] = ()
    code: str = ""
    mail: str = ""
    bot: str = ""  # "@name"
    onion: str = ""
    fingerprint: str = ""


def draw(poster: Poster, *, accent: str, bold: bytes, plain: bytes) -> bytes:
    """The sheet as a PDF of one page. ``bold`` and ``plain`` are files of TrueType fonts.

    Raises:
        ConfigError: a font cannot be used.
    """
    words = interface(poster.lang, "en")
    made = BytesIO()
    pen = Pen(made, bold, plain, rtl=words.rtl, lang=words.lang, title=poster.newsroom, day=poster.day)
    usable = [url for url in poster.addresses if qr.squares(url)][:MOST_ADDRESSES]
    top = _head(pen, poster.newsroom, words, accent)
    low = _tabs(pen, usable[0]) if usable else MARGIN
    for part in (_dated, _key, _ways, _code):  # from below, so that the addresses get all that is left
        low = part(pen, poster, words, low)
    _addresses(pen, usable, top, low)
    pen.close()
    return made.getvalue()


def bare(url: str) -> str:
    """``url`` as people type it: a browser adds "https://" and the slash."""
    text = url.removeprefix("https://")
    return text.removesuffix("/") if text.removeprefix("http://").count("/") == 1 else text


def _head(pen: Pen, newsroom: str, words: Words, accent: str) -> float:
    """Name and heading; returns where the addresses may begin, from below."""
    pen.box(0, HEIGHT - 10, WIDTH, 10, accent)
    top = HEIGHT - 34
    top -= pen.text(newsroom, top, bold=True, sizes=range(40, 19, -1), width=_INNER, height=92)
    top -= 8
    pen.box(MARGIN, top - 2.4, _INNER, 2.4)
    pen.box(MARGIN, top - 5, _INNER, 0.7)
    top -= 14
    top -= pen.text(words("How to read us now"), top, bold=True, sizes=range(30, 17, -1), width=_INNER, height=40)
    hint = words("Point your phone’s camera at a square, or type the address beside it.")
    top -= 9
    top -= pen.text(hint, top, bold=False, sizes=range(13, 9, -1), width=_INNER, height=34)
    return top - _GAP


def _addresses(pen: Pen, addresses: Sequence[str], top: float, low: float) -> None:
    """Codes with their addresses in the room between ``top`` and ``low``, as large as they can be."""
    if not addresses:
        return
    columns, rows = min(2, len(addresses)), -(-len(addresses) // 2)
    wide, high = (_INNER - _GAP * (columns - 1)) / columns, (top - low - _GAP * (rows - 1)) / rows
    under, beside = min(wide, high - _LETTERS, 250.0), min(wide / 2, high)
    side = max(under, beside)
    for place, url in enumerate(addresses):
        column = columns - 1 - place % columns if pen.rtl else place % columns
        left, upper = MARGIN + column * (wide + _GAP), top - (place // columns) * (high + _GAP)
        if beside > under:
            rest = wide - side - 2
            at = (left, left + side + 2) if not pen.rtl else (left + rest + 2, left)
            pen.address(bare(url), at[1], upper - side / 2, width=rest, sizes=range(17, 6, -1), height=side, up=0.5)
            pen.code(qr.squares(url), at[0], upper - side, side)
        else:
            pen.code(qr.squares(url), left + (wide - side) / 2, upper - side, side)
            sizes = range(24 if columns == 1 else 17, 6, -1)
            pen.address(bare(url), left, upper - side, width=wide, sizes=sizes, height=_LETTERS, centred=True)


def _code(pen: Pen, poster: Poster, words: Words, low: float) -> float:
    """How a story is found by its code, over ``low``; returns where the next thing may stand."""
    if not poster.code:
        return low
    told = words(
        "Every story has a code of seven characters, such as {code}. It is the same on every mirror and never changes. "
        "Type it into the search of any mirror, or add {path} to the mirror’s address.",
        code=shown(poster.code).replace(" ", "\u00a0"),
        path=f"a/{poster.code}.html",
    )
    return low + pen.above(words("Story codes"), told, low) + _GAP


def _ways(pen: Pen, poster: Poster, words: Words, low: float) -> float:
    """Mail, Telegram and Tor, each a line: what it is, the address, what it does."""
    mail, bot = (
        words("By mail: write anything, and the answer brings the addresses of the day"),
        words("In Telegram: our bot answers with addresses and news"),
    )
    tor = words("With Tor Browser: an address that nobody can block or take away")
    told = [(tor, bare(poster.onion)), (bot, poster.bot), (mail, poster.mail)]
    for what, value in (one for one in told if one[1]):
        low += pen.address(value, MARGIN, low, width=_INNER, sizes=range(16, 6, -1), height=22, up=1) + 2
        low += pen.above("", what, low) + 7
    return low + (_GAP - 7 if any(value for _, value in told) else 0)


def _key(pen: Pen, poster: Poster, words: Words, low: float) -> float:
    """The fingerprint of the root key, as a code and as text."""
    squares = qr.squares(poster.fingerprint)
    if not squares:
        return low
    side = 62.0
    pen.code(squares, WIDTH - MARGIN - side if not pen.rtl else MARGIN, low, side)
    width = _INNER - side - _GAP
    left = MARGIN if not pen.rtl else MARGIN + side + _GAP
    told = words("Whoever compares the fingerprint of our key knows that a mirror is ours, and not a forgery.")
    used = 4 + pen.address(poster.fingerprint, left, low + 4, width=width, sizes=range(14, 7, -1), height=20, up=1)
    pen.above(words("The fingerprint of our key"), told, low + used + 3, left=left, width=width)
    return low + side + _GAP


def _dated(pen: Pen, poster: Poster, words: Words, low: float) -> float:
    told = words("This sheet is of {date}. Addresses change: ask us for a newer one.", date=words.day(poster.day))
    return low + pen.above("", told, low) + _GAP


def _tabs(pen: Pen, url: str) -> float:
    """The strip to tear off at the lower edge; returns where the sheet begins above it."""
    wide = (WIDTH - 2 * _EDGE) / _TABS
    pen.dashes([(0, _TAB, WIDTH, _TAB), *((_EDGE + wide * n, 0, _EDGE + wide * n, _TAB) for n in range(1, _TABS))])
    for place in range(_TABS):
        left, width = _EDGE + wide * place + 5, _TAB - _EDGE - 8
        pen.upright(bare(url), left, _EDGE, width=width, height=wide - 10, sizes=range(13, 4, -1))
    return _TAB + _GAP
