"""Text as a font can show it: cleaned of what turns, hides or stacks letters, and of what the font has no glyph for.

Rule 1: any text is safe, and costs no more than the first characters that can matter. Rule 2: a character that the
font lacks is replaced by one that says the same, else left out: an empty box is never drawn. Rule 3: pictures in text
(emoji) are left out, since a font has them in one colour or not at all.
"""

from __future__ import annotations

import functools
import re
import struct
import unicodedata
from dataclasses import dataclass
from io import BytesIO

from heliograph.model.errors import ConfigError

MAX_FONT = 32_000_000  # bytes
_JOINER = "\u200c"  # keeps two letters of Arabic script apart: Persian needs it, and it shows nothing
_MARKS = 2  # on one letter: more is a flood
_PICTURES = 0x2300  # from here on, what Unicode calls "other symbols" are pictures
_FAR = 0x1F000  # and everything from here to the next plane
_VARIANT = re.compile("[\u180b-\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]")
_SAME = {
    "\u00a0": " ", "\u202f": " ", "\u2009": " ", "\u2011": "-", "\u2010": "-", "\u2012": "–", "\u2212": "–", "–": "-",
    "—": "–", "…": "...", "«": '"', "»": '"', "“": '"', "”": '"', "„": '"', "‘": "'", "’": "'", "ʼ": "’", "ʹ": "’",
    "′": "'", "″": '"', "•": "·", "№": "No", "₽": "руб.", "₴": "грн", "€": "EUR", "×": "x", "→": "->",
    "ك": "ک", "ي": "ی", "ک": "ك", "ی": "ي",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A TrueType font, and the characters that it has."""

    data: bytes
    chars: frozenset[str]


@functools.lru_cache(maxsize=4)
def face(data: bytes) -> Face:
    """The font in the file ``data``, at most ``MAX_FONT`` bytes.

    Raises:
        ConfigError: it is no TrueType font.
    """
    from PIL import ImageFont
    from reportlab.pdfbase.ttfonts import TTFError, TTFontFile

    remedy = "name another one in [announce] font, a file that ends in .ttf"
    if len(data) > MAX_FONT:
        raise ConfigError(f"the font has {len(data):,} bytes; at most {MAX_FONT:,} are read", remedy=remedy)
    try:
        ImageFont.truetype(BytesIO(data), 20).getlength("x")
        glyphs = TTFontFile(BytesIO(data)).charToGlyph
    except (
        TTFError,
        OSError,
        ValueError,
        TypeError,
        ArithmeticError,
        LookupError,
        AttributeError,
        struct.error,
    ) as error:
        raise ConfigError("the font is no TrueType font that can be embedded", remedy=remedy) from error
    return Face(data, frozenset(chr(char) for char, glyph in glyphs.items() if glyph and 0 <= char < 0x110000))


def shown(text: str, font: Face, most: int) -> str:
    """At most ``most`` characters of ``text`` in one line, of those that ``font`` has; "…" where more was there.

    Newlines of the text are spaces. It is cut at the end of a word where one is near.
    """
    words = " ".join(word for word in _kept(text[: 4 * most], font).split(" ") if word).strip()
    if len(words) <= most and len(text) <= 4 * most:
        return words
    head = words[: most - 1]
    end = head.rfind(" ")
    cut = head[:end] if len(words) > most and end > most // 2 else head
    return ended(cut, font)


def ended(text: str, font: Face) -> str:
    """``text`` with "…", or three dots, behind its last word."""
    bare = text.rstrip(" ,;:.…!?-–—«(„“\u00a0\"'")
    return bare + ("…" if "…" in font.chars else "...") if bare else ""


def _kept(text: str, font: Face) -> str:
    found: list[str] = []
    marks = 0
    for char in unicodedata.normalize("NFC", text):
        if unicodedata.category(char) == "Mn":
            # a mark needs something to stand on; those that choose a variant of a letter show nothing
            stands = found and found[-1].strip()
            if stands and marks < _MARKS and char in font.chars and not _VARIANT.match(char):
                found.append(char)
                marks += 1
            continue
        marks = 0
        found.append(_one(char, font))
    return _apart("".join(found))


def _one(char: str, font: Face) -> str:
    """``char``, or what stands for it, or nothing."""
    category = unicodedata.category(char)
    if char.isspace() or category in {"Cc", "Zl", "Zp"}:
        return "\u00a0" if char in "\u00a0\u202f" and "\u00a0" in font.chars else " "
    if char == _JOINER:
        return char
    if category[0] == "C" or category == "Me" or _is_picture(char, category):
        return ""
    if char in font.chars:
        return char
    for other in (_SAME.get(char, ""), *_plain(char)):
        if other and all(one in font.chars for one in other):
            return other
    return ""


def _is_picture(char: str, category: str) -> bool:
    code = ord(char)
    return _FAR <= code < 0x20000 or code >= 0xE0000 or (category in {"So", "Sk"} and code >= _PICTURES)


def _plain(char: str) -> tuple[str, str]:
    """What ``char`` is made of, and that without its marks."""
    parts = unicodedata.normalize("NFKD", char)
    return parts, "".join(part for part in parts if unicodedata.category(part) != "Mn")


def _apart(text: str) -> str:
    """``text`` with the zero-width non-joiner only between two letters that it may keep apart."""
    if _JOINER not in text:
        return text
    parts = [part for part in text.split(_JOINER) if part]
    joined = parts[0] if parts else ""
    for part in parts[1:]:
        both = unicodedata.bidirectional(joined[-1]) == "AL" == unicodedata.bidirectional(part[0])
        joined += (_JOINER if both else "") + part
    return joined
