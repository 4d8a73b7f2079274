"""Text of strangers made safe to post, measured as a channel measures it, and cut where a reader would stop.

Rule 1: what turns the direction of a line, hides, or piles up marks is taken out; what a script needs (joiners of
Persian, of emoji) stays. Rule 2: a cut falls at the end of a sentence, else between words, else between characters as
readers see them, never inside one.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence

Measure = Callable[[str], int]

MOST = 400_000  # characters that are looked at: more is no story
_PILE = 3  # marks over one letter; more is made to cover other lines
_TURNS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # which way a line runs
_HIDES = "\u00ad\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffc\U000e0000-\U000e0fff"  # what nobody sees
_CONTROL = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f"
_NONE = "\ud800-\uf8ff\ufdd0-\ufdef\ufffe\uffff\U000f0000-\U0010ffff"  # halves, private ones, no characters at all
_OUT = re.compile(f"[{_CONTROL}{_NONE}{_TURNS}{_HIDES}]")
_BREAKS = re.compile("\r\n?|[\u0085\u2028\u2029]")
_SPACES = re.compile("[ \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")
_LOOSE_JOINERS = re.compile("(?<![^\\s])[\u200c\u200d]+|[\u200c\u200d]+(?![^\\s])|[\u200c\u200d]{2,}")
_SENTENCE_END = re.compile(r"(?<![.!?…؟。])[.!?…؟。]++[»”\"')\]\ue00f]*+(?=\s)")  # or a mark of prose.py
_FLAGS = re.compile("[\U0001f1e6-\U0001f1ff]*$")  # two of these letters are a flag
_LEAST = 0.5  # of the room: a sentence that ends sooner leaves too much of it empty
_ELLIPSIS = "…"


def units(text: str) -> int:
    """Length in UTF-16 code units, which is how Telegram counts."""
    return len(text) + sum(1 for char in text if ord(char) > 0xFFFF)


def octets(text: str) -> int:
    """Length in bytes of UTF-8."""
    return len(text.encode("utf-8", "replace"))


def clean(text: str, *, lines: bool = True) -> str:
    """``text`` in NFC without what would deceive; one space between words; line breaks as spaces unless ``lines``."""
    text = _BREAKS.sub("\n", text[:MOST])
    text = unicodedata.normalize("NFC", _OUT.sub("", text))
    text = "".join(_thinned(text))
    text = _SPACES.sub(" ", text if lines else text.replace("\n", " "))
    text = _LOOSE_JOINERS.sub("", text)
    if not lines:
        return text.strip()
    return re.sub("\n{3,}", "\n\n", "\n".join(line.strip() for line in text.split("\n"))).strip()


def _thinned(text: str) -> Iterator[str]:
    """Without marks that pile up over one letter."""
    piled = 0
    for char in text:
        piled = piled + 1 if unicodedata.category(char) in ("Mn", "Me") else 0
        if piled <= _PILE:
            yield char


def fit(text: str, room: int, measure: Measure = len) -> str:
    """``text`` if it fits, else as much of it as does: whole sentences, else words and an ellipsis. "" in no room."""
    if measure(text) <= room:
        return text
    kept, _ = split(text, room, measure)
    if kept and _SENTENCE_END.search(kept[-4:] + " "):
        return kept
    kept, _ = split(text, room - measure(_ELLIPSIS), measure)
    return kept.rstrip(" ,;:–—-") + _ELLIPSIS if kept else ""


def split(text: str, room: int, measure: Measure = len) -> tuple[str, str]:
    """As much of ``text`` as has room, and the rest; both stripped. Of no room, all is rest."""
    if measure(text) <= room:
        return text, ""
    end = _longest(text, room, measure)
    if end <= 0:
        return "", text
    window = text[: end + 1]  # with the space after it, which shows that a sentence or a word ends
    sentence = max((match.end() for match in _SENTENCE_END.finditer(window) if match.end() <= end), default=0)
    break_ = window.rfind("\n", 0, end + 1)
    if max(sentence, break_) >= end * _LEAST:
        end = max(sentence, break_)
    elif (space := window.rfind(" ")) >= end * _LEAST / 2:
        end = space
    else:
        end = _whole(text, end)
    return text[:end].rstrip(), text[end:].lstrip()


def _longest(text: str, room: int, measure: Measure) -> int:
    """How many characters of ``text`` have room; ``measure`` grows with its text."""
    low, high = 0, min(len(text), max(0, room))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if measure(text[:middle]) <= room else (low, middle - 1)
    return low


def _whole(text: str, end: int) -> int:
    """``end``, or before it, where no character as readers see it is torn."""
    start = end
    while 0 < end < len(text) and end > start - 40 and _belongs(text, end):
        end -= 1
    return end if end > 0 and (end == len(text) or not _belongs(text, end)) else start


def _belongs(text: str, at: int) -> bool:
    """Whether the character at ``at`` is drawn into the one before it."""
    left, right = text[at - 1], text[at]
    joined = unicodedata.category(right) in ("Mn", "Me", "Mc") or right in "\u200c\u200d\ufe0f"
    skin = "\U0001f3fb" <= right <= "\U0001f3ff"
    flags = len(_FLAGS.search(text[max(0, at - 40) : at])[0]) if _FLAGS.match(right) else 0  # type: ignore[index]
    return joined or left in "\u200c\u200d" or skin or flags % 2 == 1


def pack(paragraphs: Sequence[str], rooms: Sequence[int], measure: Measure = len) -> tuple[list[str], bool]:
    """Paragraphs in at most ``len(rooms)`` messages, each with its room; and whether all of them found a place.

    A paragraph that fits nowhere whole is split; between two in one message stands an empty line.
    """
    made: list[str] = []
    rest = [one for one in paragraphs if one]
    for room in rooms:
        if not rest:
            break
        text = ""
        while rest:
            gap = "\n\n" if text else ""
            if measure(text + gap + rest[0]) <= room:
                text += gap + rest.pop(0)
                continue
            left = room - measure(text + gap)
            if not text or left >= room * _LEAST:  # half of a message empty is worse than a paragraph in two
                head, tail = split(rest[0], left, measure)
                if head:
                    text += gap + head
                    rest[0] = tail
            break
        if not text:
            break
        made.append(text)
    return made, not rest
