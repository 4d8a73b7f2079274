"""Cards: the pictures that announce a story, drawn from its words alone.

Rule 1: the same card, style and shape give the same bytes. Rule 2: whatever the text is, a card comes out, within the
size that its shape allows. Rule 3: paper, ink and one accent, as on the pages: a name, a headline, a line at the foot.
Rule 4: a QR code stands on white, in whole pixels, with its quiet zone.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Literal

from heliograph.announce import glyphs, qr
from heliograph.announce.glyphs import Face
from heliograph.announce.joining import visual
from heliograph.announce.setting import Block, Box, Measure, fitted
from heliograph.model.post import Card
from heliograph.model.words import direction, interface

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

PAPER, INK, QUIET, WHITE = "#fdfcf8", "#1b1b18", "#5c5b55", "#ffffff"
_QUALITIES = (90, 80, 65, 45)
_MOST_TITLE, _MOST_TEXT, _MOST_LINE = 600, 3_000, 160  # characters: more has no room in the smallest sizes
_SHORT_TEXT = 220  # characters up to which a card without a title shows its text as a headline
_MARGIN = 76  # pixels
_LEAST_SQUARE = 4  # pixels of one square of a code


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """How large a card is, in pixels, and how many bytes it may have."""

    width: int
    height: int
    most: int


TALL = Shape(width=1080, height=1350, most=8_000_000)  # Instagram: 4:5, the tallest it takes; JPEG below 8 MiB
SQUARE = Shape(width=1080, height=1080, most=1_000_000)
WIDE = Shape(width=1200, height=675, most=1_000_000)  # Viber on iOS shows no more than 1 MB; Telegram takes it, too
SHAPES = {"tall": TALL, "square": SQUARE, "wide": WIDE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What the cards of one newsroom share. ``bold`` and ``plain`` are files of TrueType fonts.

    ``accent`` is "#rrggbb" and can be read on paper.
    """

    newsroom: str
    accent: str
    bold: bytes
    plain: bytes


def draw(card: Card, style: Style, shape: Shape = TALL) -> bytes:
    """The card as a JPEG of at most ``shape.most`` bytes.

    Raises:
        ConfigError: a font cannot be used.
    """
    canvas = _Canvas(style, shape, card.lang)
    top = canvas.head(style.newsroom)
    bottom = canvas.foot(card.foot)
    right = float(shape.width - _MARGIN)
    codes = [squares for text in card.codes[:3] if (squares := qr.squares(text))]
    if codes and shape.width > shape.height:
        right -= canvas.grid(codes, top, bottom)
    elif codes:
        bottom -= canvas.row(codes, bottom)
    canvas.body(card, top, bottom, right - _MARGIN)
    return _jpeg(canvas.picture, shape.most)


class _Canvas:
    """One picture under way. Places run from the side where the language begins."""

    def __init__(self, style: Style, shape: Shape, lang: str) -> None:
        from PIL import features
        from PIL.Image import new
        from PIL.ImageDraw import Draw

        self.picture: Image = new("RGB", (shape.width, shape.height), PAPER)
        self.pen: ImageDraw = Draw(self.picture)
        self.shape, self.accent, self.words = shape, style.accent, interface(lang, "en")
        self.rtl = direction(lang) == "rtl"
        self.bold, self.plain = glyphs.face(style.bold), glyphs.face(style.plain)
        self._shapes = bool(features.check("raqm"))  # else letters of Arabic script are joined by us
        self._fonts: dict[tuple[Face, int], FreeTypeFont] = {}

    def font(self, face: Face, size: int) -> FreeTypeFont:
        from PIL import ImageFont

        if (face, size) not in self._fonts:
            engine = ImageFont.Layout.RAQM if self._shapes else ImageFont.Layout.BASIC
            self._fonts[face, size] = ImageFont.truetype(BytesIO(face.data), size, layout_engine=engine)
        return self._fonts[face, size]

    def measure(self, face: Face, size: int) -> Measure:
        font = self.font(face, size)
        return lambda text: font.getlength(self._ready(text, face), direction=self._way())

    def _way(self) -> Literal["rtl", "ltr"] | None:
        return ("rtl" if self.rtl else "ltr") if self._shapes else None

    def _ready(self, text: str, face: Face) -> str:
        return text if self._shapes else visual(text, rtl=self.rtl, has=face.chars.__contains__)

    def line(
        self, text: str, start: float, baseline: float, face: Face, size: int, colour: str = INK, *, end: bool = False
    ) -> None:
        """One line whose beginning, or ``end``, is ``start`` pixels from the side where the language begins."""
        place = self.shape.width - start if self.rtl else start
        anchor = "rs" if self.rtl != end else "ls"
        font = self.font(face, size)
        self.pen.text((place, baseline), self._ready(text, face), colour, font, anchor, direction=self._way())

    def set(self, block: Block, start: float, top: float, face: Face, colour: str = INK) -> float:
        """Lines of ``block`` from ``top`` on; where the next thing may begin."""
        for text, offset in zip(block.lines, block.offsets, strict=True):
            self.line(text, start, top + offset + block.size * 0.8, face, block.size, colour)
        return top + block.height

    def fit(self, texts: list[str], face: Face, box: Box, sizes: range, *, even: bool) -> Block:
        return fitted(
            texts, lambda size: self.measure(face, size), box, sizes, end=lambda t: glyphs.ended(t, face), even=even
        )

    def head(self, name: str) -> float:
        """The newsroom's name over a double rule; returns where the body begins."""
        width = self.shape.width - 2 * _MARGIN
        self.pen.rectangle((0, 0, self.shape.width, 15), self.accent)
        text = glyphs.shown(name, self.bold, _MOST_LINE)
        block = self.fit([text], self.bold, Box(width=width, height=50, lines=1), range(40, 23, -2), even=False)
        for line in block.lines:
            self.line(line, _MARGIN, 98, self.bold, block.size)
        self.pen.rectangle((_MARGIN, 122, _MARGIN + width - 1, 126), INK)
        self.pen.rectangle((_MARGIN, 131, _MARGIN + width - 1, 132), INK)
        return 132 + (52 if self.shape.height > 900 else 40)

    def foot(self, text: str) -> float:
        """One line at the lower edge; returns where the body ends."""
        edge, width = self.shape.height - 56, self.shape.width - 2 * _MARGIN
        line = glyphs.shown(text, self.plain, _MOST_LINE)
        if not line:
            return edge
        block = self.fit([line], self.plain, Box(width=width, height=40, lines=1), range(32, 23, -2), even=False)
        self.pen.rectangle((_MARGIN, edge - 52, _MARGIN + width - 1, edge - 51), QUIET)
        for one in block.lines:
            self.line(one, _MARGIN, edge - 4, self.plain, block.size, QUIET)
        return edge - 52 - 36

    def body(self, card: Card, top: float, bottom: float, width: float) -> None:
        """Label, headline and text between ``top`` and ``bottom``."""
        top = self.label(card.label, top, width)
        title = glyphs.shown(card.title, self.bold, _MOST_TITLE)
        pages = [glyphs.shown(one, self.plain, _MOST_TEXT) for one in card.text[:_MOST_TEXT].split("\n")]
        text = [one for one in pages if one]
        if not title and sum(map(len, text)) <= _SHORT_TEXT:
            title, text = glyphs.shown(" ".join(text), self.bold, _MOST_TITLE), []
        largest = 124 if self.shape.height > 900 else 84
        if not text:
            box = Box(width=width, height=bottom - top, leading=1.16)
            self.set(self.fit([title], self.bold, box, range(largest, 33, -2), even=True), _MARGIN, top, self.bold)
            return
        if title:
            box = Box(width=width, height=min(190, (bottom - top) / 3), leading=1.16, lines=3)
            head = self.fit([title], self.bold, box, range(54, 35, -2), even=True)
            top = self.set(head, _MARGIN, top, self.bold) + 40
        box = Box(width=width, height=bottom - top, leading=1.4, gap=0.5)
        self.set(self.fit(text, self.plain, box, range(42, 31, -1), even=False), _MARGIN, top, self.plain)

    def label(self, text: str, top: float, width: float) -> float:
        """A section in the accent; a correction and breaking news on a field of it, so that they are seen at once."""
        line = glyphs.shown(text, self.bold, _MOST_LINE)
        block = self.fit([line], self.bold, Box(width=width - 40, height=40, lines=1), range(34, 25, -2), even=False)
        if not block.lines:
            return top
        words, inset = self.words, 0
        if text in (words("Correction"), words("Breaking news")):
            wide = round(self.measure(self.bold, block.size)(block.lines[0])) + 40
            left = self.shape.width - _MARGIN - wide if self.rtl else _MARGIN
            self.pen.rectangle((left, top, left + wide, top + 58), self.accent)
            inset = 20
        colour = WHITE if inset else self.accent
        self.line(block.lines[0], _MARGIN + inset, top + (41 if inset else 28), self.bold, block.size, colour)
        return top + (58 if inset else 34) + 34

    def row(self, codes: list[tuple[str, ...]], bottom: float) -> float:
        """Codes side by side over ``bottom``; returns how much height they take."""
        width = self.shape.width - 2 * _MARGIN
        room = min(440, (width - 24 * (len(codes) - 1)) // len(codes), self.shape.height * 2 // 5)
        sides = [_side(squares, room) for squares in codes]
        left = _MARGIN
        for squares, side in zip(codes, sides, strict=True):
            if side:
                self.code(squares, self.shape.width - left - side if self.rtl else left, round(bottom) - side, side)
                left += side + 24
        return max(sides) + 40 if any(sides) else 0

    def grid(self, codes: list[tuple[str, ...]], top: float, bottom: float) -> float:
        """One code at the far side, or several, two in a column; returns how much width they take."""
        high = bottom - top
        room = min(340, high) if len(codes) == 1 else (high - 16) / 2
        wide = 0
        for first in range(0, len(codes), 2):
            pair = codes[first : first + 2]
            sides = [_side(squares, room) for squares in pair]
            for place, (squares, side) in enumerate(zip(pair, sides, strict=True)):
                left = _MARGIN + wide if self.rtl else self.shape.width - _MARGIN - wide - side
                if side:
                    self.code(squares, left, round(top + place * (room + 16)), side)
            wide += max(sides) + 16 if any(sides) else 0
        return wide + 32 if wide else 0

    def code(self, squares: tuple[str, ...], left: int, top: int, side: int) -> None:
        """A QR code with its quiet zone in a square of ``side`` pixels."""
        step = side // (len(squares) + 2 * qr.QUIET)
        self.pen.rectangle((left, top, left + side - 1, top + side - 1), WHITE)
        for y, row in enumerate(squares, qr.QUIET):
            for x, count in qr.runs(row):
                at = left + (x + qr.QUIET) * step, top + y * step
                self.pen.rectangle((*at, at[0] + count * step - 1, at[1] + step - 1), "#000000")


def _side(squares: tuple[str, ...], room: float) -> int:
    """The side of a code within ``room`` pixels, in whole pixels for each square; 0 if it would be too fine."""
    count = len(squares) + 2 * qr.QUIET
    step = int(room) // count
    return count * step if step >= _LEAST_SQUARE else 0


def _jpeg(picture: Image, most: int) -> bytes:
    """``picture`` as good as ``most`` bytes allow; every fourth pixel of colour would blur red letters."""
    data = b""
    for quality in _QUALITIES:
        made = BytesIO()
        picture.save(made, "JPEG", quality=quality, subsampling=0, optimize=True)
        data = made.getvalue()
        if len(data) <= most:
            break
    return data
