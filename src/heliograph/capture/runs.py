"""Stretches of text with marks, as a walk over a tree meets them, to the runs of a block.

Adjacent runs of one mark and link are one; white space is single across them, none at the edges or around a line break.
"""

from __future__ import annotations

from heliograph.capture.text import BLANK
from heliograph.model.story import Mark, Run, Runs

Part = tuple[str, Mark, str]  # text, mark, link; the text "\n" alone is a line break
Parts = list[Part]
LINE_BREAK: Part = ("\n", "", "")


def runs_of(parts: Parts) -> Runs:
    """The runs of one block; several line breaks in a row are one."""
    if len(parts) == 1:  # most paragraphs
        text, mark, href = parts[0]
        text = text.strip(BLANK)
        return (Run(text, mark, href),) if text else ()
    joined: list[list[str]] = []
    edge = True  # nothing, a space or a line break stands before
    for text, mark, href in parts:
        if text == "\n":
            _trim_end(joined)
            if joined and not joined[-1][0].endswith("\n"):
                joined[-1][0] += "\n"
            edge = True
            continue
        text = text.lstrip(BLANK) if edge else text
        if not text:
            continue
        edge = text[-1] in BLANK
        if joined and (joined[-1][1:] == [mark, href] or not text.strip(BLANK)):
            joined[-1][0] += text
        else:
            joined.append([text, mark, href])
    _trim_end(joined, BLANK)
    return tuple(Run(text, mark, href) for text, mark, href in joined)  # type: ignore[arg-type]  # marks came as Mark


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


def _trim_end(joined: list[list[str]], chars: str = BLANK.replace("\n", "")) -> None:
    while joined:
        joined[-1][0] = joined[-1][0].rstrip(chars)
        if joined[-1][0]:
            return
        joined.pop()
