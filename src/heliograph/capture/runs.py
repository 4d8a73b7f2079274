"""Stretches of text with marks, as a walk over a tree meets them, to the runs of a block.

Adjacent runs of one mark and link are one; white space is single across them, none at the edges or around a line break.
"""

from __future__ import annotations

from typing import NamedTuple

from heliograph.capture.text import BLANK
from heliograph.model.story import Mark, Run, Runs

Part = tuple[str, Mark, str]  # text, mark, link; the text "\n" alone is a line break
Parts = list[Part]
LINE_BREAK: Part = ("\n", "", "")
_SPACE = BLANK.replace("\n", "")


class _Joined(NamedTuple):
    """A run in the making; its pieces are joined at the end, so that many of them cost no more than their length."""

    pieces: list[str]
    mark: Mark
    href: str


def joined_mark(outer: Mark, inner: Mark) -> Mark:
    """One mark for an element within another: bold and italic join; code and raised text win over them."""
    if outer in ("b", "i", "bi"):
        return "bi" if inner in ("b", "i") and inner != outer else inner if inner not in ("b", "i") else outer
    return inner if outer == "" else outer


def runs_of(parts: Parts) -> Runs:
    """The runs of one block; several line breaks in a row are one."""
    if len(parts) == 1:  # most paragraphs
        text, mark, href = parts[0]
        text = text.strip(BLANK)
        return (Run(text, mark, href),) if text else ()
    joined: list[_Joined] = []
    edge = True  # nothing, a space or a line break stands before
    for text, mark, href in parts:
        if text == "\n":
            _trim_end(joined, _SPACE)
            if joined and joined[-1].pieces[-1] != "\n":
                joined[-1].pieces.append("\n")
            edge = True
            continue
        text = text.lstrip(BLANK) if edge else text
        if not text:
            continue
        edge = text[-1] in BLANK
        if joined and ((joined[-1].mark, joined[-1].href) == (mark, href) or not text.strip(BLANK)):
            joined[-1].pieces.append(text)
        else:
            joined.append(_Joined([text], mark, href))
    _trim_end(joined, BLANK)
    return tuple(Run("".join(one.pieces), one.mark, one.href) for one in joined)


def paragraphs_of(parts: Parts) -> list[Runs]:
    """The paragraphs of a stretch in which blank lines (two breaks in a row) stand for their ends."""
    if len(parts) < 3:
        return [runs] if (runs := runs_of(parts)) else []
    paragraphs: list[Parts] = [[]]
    breaks = 0
    for part in parts:
        if part[0] == "\n":
            breaks += 1
        elif part[0].strip(BLANK):
            if breaks > 1:
                paragraphs.append([])
            breaks = 0
        paragraphs[-1].append(part)
    return [runs for some in paragraphs if (runs := runs_of(some))]


def _trim_end(joined: list[_Joined], chars: str) -> None:
    """Takes ``chars`` off the end of what was joined so far."""
    while joined:
        pieces = joined[-1].pieces
        while pieces:
            pieces[-1] = pieces[-1].rstrip(chars)
            if pieces[-1]:
                return
            pieces.pop()
        joined.pop()
