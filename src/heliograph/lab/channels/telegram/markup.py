"""Text as Telegram takes it: its few HTML tags, lengths in UTF-16 units, and what it removes.

Rule 1: whatever it would not parse is refused, with the place in bytes. Rule 2: limits hold for what is left after
parsing. Rule 3: an entity begins and ends in UTF-16 units, so an emoji counts two.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any, Final

from heliograph.lab.channels.telegram.refused import Refused, bad

TAGS: Final = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "code": "code", "pre": "pre",
    "a": "text_link", "blockquote": "blockquote", "tg-spoiler": "spoiler", "span": "spoiler",
}  # fmt: skip
_ENTITY = re.compile(r"&(?:#(?:[xX]([0-9a-fA-F]{1,8})|([0-9]{1,9}))|(lt|gt|amp|quot));?")
_NAMED: Final = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_START = re.compile(r"<([^\s>]*)")
_ATTRIBUTE = re.compile(r"""\s*([^\s=>"'/]+)(?:=("[^"]*"|'[^']*'|[a-zA-Z0-9.\-]+))?""")
_END = re.compile(r"</([^\s>]*)\s*>")
_LINK = re.compile(r"(?:https?|tg|tonsite)://[^\s]+|mailto:[^\s]+", re.IGNORECASE)
_DROPPED = re.compile("[\r\u2028-\u202e\u033f\u0333\u030a]")  # overrides of direction, marks that pile up
_BLANKED = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f]")
_UNSEEN: Final = "\u2800\u3164\u115f\u1160\uffa0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Formatted:
    """Plain text, and what is marked in it."""

    text: str
    entities: tuple[dict[str, Any], ...] = ()


@dataclass(slots=True)
class _Open:
    tag: str
    at: int  # UTF-16 units before it
    link: str = ""


def units(text: str) -> int:
    """Length in UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def formatted(text: str, mode: str) -> Formatted:
    """``text`` as it is kept, without spaces around it; ``mode`` is "HTML" or "".

    Raises:
        Refused: it cannot be parsed.
    """
    if mode not in ("", "HTML"):
        raise bad("unsupported parse_mode")  # this world has no Markdown
    whole = _parsed(_cleaned(text)) if mode else Formatted(text=_cleaned(text))
    left = len(whole.text) - len(whole.text.lstrip())
    kept = whole.text.strip()
    entities = []
    for one in whole.entities:
        begin = max(one["offset"] - units(whole.text[:left]), 0)
        end = min(one["offset"] + one["length"] - units(whole.text[:left]), units(kept))
        if end > begin:
            entities.append({**one, "offset": begin, "length": end - begin})
    return Formatted(text=kept, entities=tuple(sorted(entities, key=lambda one: (one["offset"], -one["length"]))))


def is_blank(text: str) -> bool:
    """Whether nobody would see anything of it."""
    return all(unicodedata.category(char)[0] in "ZC" or char in _UNSEEN for char in text)


def _cleaned(text: str) -> str:
    return _BLANKED.sub(" ", _DROPPED.sub("", text))


def _parsed(source: str) -> Formatted:
    out: list[str] = []
    length, place = 0, 0
    stack: list[_Open] = []
    entities: list[dict[str, Any]] = []

    def put(piece: str) -> None:
        nonlocal length
        out.append(piece)
        length += units(piece)

    while place < len(source):
        char = source[place]
        if char == "&" and (match := _ENTITY.match(source, place)) and (meant := _decoded(match)):
            put(meant)
            place = match.end()
        elif char != "<":
            put(char)
            place += 1
        elif source.startswith("</", place):
            place = _close(source, place, stack, entities, length)
        else:
            opened, place = _opened(source, place, length)
            stack.append(opened)
    if stack:
        raise _broken(f'Can\'t find end tag corresponding to start tag "{stack[-1].tag}"')
    return Formatted(text="".join(out), entities=tuple(entities))


def _opened(source: str, place: int, length: int) -> tuple[_Open, int]:
    match = _START.match(source, place)
    tag = (match[1] if match else "").lower()
    at = len(source[:place].encode("utf-8", "surrogatepass"))
    end = source.find(">", place)
    if end < 0:
        raise _broken(f"Unclosed start tag at byte offset {at}")
    if tag not in TAGS:
        raise _broken(f'Unsupported start tag "{tag}" at byte offset {at}')
    position = place + 1 + len(tag)
    given: dict[str, str] = {}
    while not source[position:].lstrip().startswith(">"):
        found = _ATTRIBUTE.match(source, position)
        if found is None or found.end() == position:
            raise _broken(f'Empty attribute name in the tag "{tag}" at byte offset {at}')
        value = found[2] or ""
        given[found[1].lower()] = _ENTITY.sub(lambda one: _decoded(one) or one[0], value.strip("\"'"))
        position = found.end()
        if position >= len(source):
            raise _broken(f"Unclosed start tag at byte offset {at}")
    if tag == "span" and given.get("class") != "tg-spoiler":
        raise _broken(f'Tag "span" must have class "tg-spoiler" at byte offset {at}')
    return _Open(tag, length, given.get("href", "")), source.index(">", position) + 1


def _close(source: str, place: int, stack: list[_Open], entities: list[dict[str, Any]], length: int) -> int:
    at = len(source[:place].encode("utf-8", "surrogatepass"))
    if not stack:
        raise _broken(f"Unexpected end tag at byte offset {at}")
    match = _END.match(source, place)
    if match is None:
        raise _broken(f"Unclosed end tag at byte offset {at}")
    last = stack.pop()
    if match[1] and match[1].lower() != last.tag:
        raise _broken(f'Unmatched end tag at byte offset {at}, expected "</{last.tag}>", found "</{match[1].lower()}>"')
    made: dict[str, Any] = {"type": TAGS[last.tag], "offset": last.at, "length": length - last.at}
    if last.tag == "a":
        if not _LINK.fullmatch(last.link):
            return match.end()  # what is no link is plain text
        made["url"] = last.link
    if made["length"]:
        entities.append(made)
    return match.end()


def _decoded(match: re.Match[str]) -> str:
    """The character that is meant, "" where there is none: then it stays as it is written."""
    if match[3]:
        return _NAMED[match[3]]
    point = int(match[1], 16) if match[1] else int(match[2])
    return chr(point) if 0 < point < 0x110000 and not 0xD800 <= point < 0xE000 else ""


def _broken(why: str) -> Refused:
    return bad(f"can't parse entities: {why}")
