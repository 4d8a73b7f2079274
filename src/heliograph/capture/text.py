"""Plain text of strangers made clean: no invisible characters, no runs of space, lengths bounded.

Rule 1: what a reader cannot see is not text. Zero-width and direction-changing characters can make a link or a name
read as something else, so they go; the joiners stay only where a script or an emoji needs them.
Rule 2: a no-break space is typography and stays; all other white space is one space.
Rule 3: every function here takes time linear in its input.
"""

from __future__ import annotations

import re
import unicodedata

# Default-ignorable, bidirectional and control characters. U+200C and U+200D are judged by what stands before them:
# Arabic and Indic scripts spell with both, emoji join with the latter. FE0F (emoji style) stays.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U000e0000-\U000e007f]"
    "|(?<![\u0600-\u0dff\ufb50-\ufefc])\u200c"
    "|(?<![\u0600-\u0dff\u2190-\u2bff\ufe0f\U0001f000-\U0001faff])\u200d"
)
_SPACES = re.compile("[ \t\n\r\x0b\x0c\x1c-\x1f\x85\u2028\u2029]{2,}|[\t\n\r\x0b\x0c\x1c-\x1f\x85\u2028\u2029]")
_FOLD = re.compile(r"[\W_]+")
_SENTENCE = re.compile(r"[.!?…]+[»”\")\]]*(?=\s|$)")
_LOOSE_END = " \n\u00a0,;:–—-"
BLANK = " \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\u00a0\u2000\u2001\u2002\u2003\u2009\u202f\u2028\u2029\u3000"


def collapse(text: str) -> str:
    """``text`` without invisible characters, white space as single spaces; edges keep one space if they had any."""
    if text.isspace() and "\u00a0" not in text:  # indentation between elements
        return " "
    # isprintable() is fast and says no to all but the fillers; a no-break space is wanted, yet not "printable".
    if "  " not in text and text.replace("\u00a0", "").isprintable() and (text.isascii() or not _has_filler(text)):
        return text
    return _SPACES.sub(" ", _INVISIBLE.sub("", text))


def _has_filler(text: str) -> bool:
    """Whether a character is in ``text`` that is printable to Unicode and blank to the eye."""
    return "\u034f" in text or "\u115f" in text or "\u1160" in text or "\u3164" in text or "\uffa0" in text


def line(text: str) -> str:
    """``text`` as one clean line without space at its edges."""
    return collapse(text).strip(BLANK)


def lines(text: str) -> list[str]:
    """The non-blank lines of ``text``, each clean."""
    return [clean for raw in text.splitlines() if (clean := line(raw))]


def clip(text: str, limit: int) -> str:
    """``text`` cut to ``limit`` characters at a word, with an ellipsis where something was cut."""
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    space = max(cut.rfind(" "), cut.rfind("\n"), cut.rfind("\u00a0"))
    if space > limit // 2:  # a single word longer than half the limit is cut inside
        cut = cut[:space]
    return cut.rstrip(_LOOSE_END) + "…"


def first_sentence(text: str) -> str:
    """The first sentence of ``text``: up to a full stop that follows at least 20 characters, else all of it."""
    for match in _SENTENCE.finditer(text[:1_000]):
        if match.end() >= 20:
            return text[: match.end()]
    return text


def fold(text: str) -> str:
    """``text`` for comparison: letters and digits only, case and compatibility forms folded, single spaces."""
    if not unicodedata.is_normalized("NFKC", text):
        text = unicodedata.normalize("NFKC", text)
    return _FOLD.sub(" ", text.casefold()).strip()
