"""A pen that writes on a page of PDF: text, addresses, QR codes. Places are points from the lower left corner.

Rule 1: fonts are embedded, and only the letters that are used. Rule 2: what runs from right to left is joined and
ordered before it is set, since PDF knows neither. Rule 3: an address is broken behind a slash or before another
mark of its own, so that a line that ends is never taken for its end, and no hyphen is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import date
from io import BytesIO
from typing import TYPE_CHECKING, Any

from heliograph.announce import glyphs, qr
from heliograph.announce.glyphs import Face
from heliograph.announce.joining import visual
from heliograph.announce.setting import Block, Box, Measure, fitted

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas

WIDTH, HEIGHT = 595.28, 841.89  # A4
MARGIN = 40.0
_MOST = 600  # characters of one text
_ASCENT = 0.93  # of a line, in sizes: where its letters stand below its top
_PARTS = re.compile(r"[.@-]?[^/.@-]*/*")
_BODY = range(11, 6, -1)


class Pen:
    """One page under way. ``close`` ends it."""

    def __init__(
        self, onto: BytesIO, bold: bytes, plain: bytes, *, rtl: bool, lang: str, title: str, day: date
    ) -> None:
        from reportlab.pdfgen.canvas import Canvas

        self.rtl = rtl
        self.faces: tuple[Face, Face] = (glyphs.face(plain), glyphs.face(bold))
        self._names = tuple(_registered(face) for face in self.faces)
        first: Any = self._names[0]  # the stubs of reportlab take the font's name for a number
        self._canvas: Canvas = Canvas(
            onto, (WIDTH, HEIGHT), invariant=1, pageCompression=1, initialFontName=first, lang=lang
        )
        self._canvas.setTitle(glyphs.shown(title, self.faces[0], 200))
        self._canvas.setCreator("heliograph")
        self._canvas.setDateFormatter(lambda *_: f"D:{day:%Y%m%d}000000Z")

    def close(self) -> None:
        """End the page and the file."""
        self._canvas.showPage()
        self._canvas.save()

    def text(self, text: str, top: float, *, bold: bool, sizes: Sequence[int], width: float, height: float) -> float:
        """A heading whose top is ``top``, as large as it has room; returns its height."""
        block = self._fit(text, Box(width=width, height=height, leading=1.15), sizes, bold=bold, even=True)
        self._set(block, MARGIN, top, width, bold=bold)
        return block.height

    def above(
        self, head: str, text: str, low: float, *, left: float = MARGIN, width: float = WIDTH - 2 * MARGIN
    ) -> float:
        """A paragraph under a small heading, that stands on ``low``; returns its height."""
        box = Box(width=width, height=5 * _BODY[0] * 1.3, leading=1.3)
        block = self._fit(text, box, _BODY, bold=False, even=False)
        self._set(block, left, low + block.height, width, bold=False)
        if not head:
            return block.height
        title = self._fit(head, Box(width=width, height=16, lines=1), range(12, 7, -1), bold=True, even=False)
        self._set(title, left, low + block.height + 4 + title.height, width, bold=True)
        return block.height + 4 + title.height

    def address(
        self, text: str, left: float, place: float, *, width: float, sizes: Sequence[int], height: float,
        centred: bool = False, up: float = 0.0,
    ) -> float:  # fmt: skip
        """Letters to type, from left to right; returns their height, of which ``up`` (0 to 1) is above ``place``."""
        face = self.faces[1]
        lines, size = self._broken(glyphs.shown(text, face, _MOST), width, sizes, height)
        used = size * (1 + 1.15 * (len(lines) - 1))
        top = place + used * up
        for number, line in enumerate(lines):
            wide = self._measure(face, size)(line)
            free = width - wide
            at = left + (free / 2 if centred else free if self.rtl else 0)
            self._write(line, at, top - size * (_ASCENT + 1.15 * number), size, bold=True)
        return used

    def upright(self, text: str, left: float, low: float, *, width: float, height: float, sizes: Sequence[int]) -> None:
        """An address turned by a quarter, that reads from below; ``width`` is along its lines."""
        lines, size = self._broken(glyphs.shown(text, self.faces[1], _MOST), width, sizes, height)
        spare = height - size * (1 + 1.15 * (len(lines) - 1))
        self._canvas.saveState()
        self._canvas.translate(left, low)
        self._canvas.rotate(90)
        for number, line in enumerate(lines):
            self._write(line, 0, -spare / 2 - size * (_ASCENT + 1.15 * number), size, bold=True)
        self._canvas.restoreState()

    def box(self, left: float, low: float, width: float, height: float, colour: str = "#000000") -> None:
        """A filled rectangle."""
        from reportlab.lib.colors import HexColor

        self._canvas.setFillColor(HexColor(colour))
        self._canvas.rect(left, low, width, height, stroke=0, fill=1)
        self._canvas.setFillColor(HexColor("#000000"))

    def dashes(self, lines: Iterable[tuple[float, float, float, float]]) -> None:
        """Where scissors go."""
        self._canvas.setLineWidth(0.6)
        self._canvas.setDash(3, 3)
        self._canvas.lines(list(lines))
        self._canvas.setDash()

    def code(self, squares: tuple[str, ...], left: float, low: float, side: float) -> None:
        """A QR code whose quiet zone is within ``side``."""
        step = side / (len(squares) + 2 * qr.QUIET)
        path = self._canvas.beginPath()
        for y, row in enumerate(squares, qr.QUIET + 1):
            for x, count in qr.runs(row):
                # a hair higher than the row, so that no printer leaves a white line between two
                path.rect(left + (x + qr.QUIET) * step, low + side - y * step, count * step, step * 1.02)
        self._canvas.drawPath(path, stroke=0, fill=1, fillMode=1)

    def _measure(self, face: Face, size: int) -> Measure:
        from reportlab.pdfbase.pdfmetrics import stringWidth

        name = self._names[self.faces.index(face)]
        return lambda text: stringWidth(self._ready(text, face), name, size)

    def _ready(self, text: str, face: Face) -> str:
        return visual(text, rtl=self.rtl, has=face.chars.__contains__)

    def _fit(self, text: str, box: Box, sizes: Sequence[int], *, bold: bool, even: bool) -> Block:
        face = self.faces[bold]
        line = glyphs.shown(text, face, _MOST)
        return fitted(
            [line], lambda size: self._measure(face, size), box, sizes, end=lambda t: glyphs.ended(t, face), even=even
        )

    def _set(self, block: Block, left: float, top: float, width: float, *, bold: bool) -> None:
        measure = self._measure(self.faces[bold], block.size)
        for line, offset in zip(block.lines, block.offsets, strict=True):
            at = left + (width - measure(line) if self.rtl else 0)
            self._write(
                self._ready(line, self.faces[bold]), at, top - offset - block.size * _ASCENT, block.size, bold=bold
            )

    def _write(self, line: str, left: float, baseline: float, size: float, *, bold: bool) -> None:
        self._canvas.setFont(self._names[bold], size)
        self._canvas.drawString(left, baseline, line)

    def _broken(self, text: str, width: float, sizes: Sequence[int], height: float) -> tuple[list[str], int]:
        """An address in lines, in the largest size that has room; in the smallest it is broken anywhere."""
        parts = [part for part in _PARTS.findall(text) if part]
        for size in sizes:
            measure = self._measure(self.faces[1], size)
            lines = _packed(parts, measure, width)
            fits = size * (1 + 1.15 * (len(lines) - 1)) <= height
            if fits and all(measure(line) <= width for line in lines):
                return lines, size
        return _packed(list(text), self._measure(self.faces[1], sizes[-1]), width), sizes[-1]


def _packed(parts: Sequence[str], measure: Measure, width: float) -> list[str]:
    lines: list[str] = []
    for part in parts:
        if lines and measure(lines[-1] + part) <= width:
            lines[-1] += part
        else:
            lines.append(part)
    return lines


def _registered(face: Face) -> str:
    """The font under a name that its bytes give; reportlab keeps such names for the life of the process."""
    from reportlab.pdfbase.pdfmetrics import getRegisteredFontNames, registerFont
    from reportlab.pdfbase.ttfonts import TTFont

    name = f"F{hashlib.sha256(face.data).hexdigest()[:16]}"
    if name not in getRegisteredFontNames():
        registerFont(TTFont(name, BytesIO(face.data)))
    return name
