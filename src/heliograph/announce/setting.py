"""Lines: text broken so that it fills a box well, in the largest size that fits.

Rule 1: lines of a headline are about equally long, and none holds a single short word at its end. Rule 2: a word is not
broken while a smaller size can hold it, and never gets a hyphen. Rule 3: what does not fit in the smallest size ends in
"…" behind a whole word. Rule 4: a short word, such as a preposition, stands with the word that follows, and a dash with
the word before it.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

Measure = Callable[[str], float]  # of one line: its width
Sized = Callable[[int], Measure]  # of a size in pixels or points
_SHORT, _ORPHAN = 2, 6  # letters of what stands with the next word, of what never stands alone in a last line
_GLUED = "\u00a0"
_WIDOW = 0.45  # of the width: a word shorter than that does not stand alone in the last line of a headline
_STEPS = 12  # of the search for the width at which lines are equally long


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Room for text, in pixels or points. ``leading`` is the distance of two lines, ``gap`` that which two paragraphs
    have besides, both in sizes."""

    width: float
    height: float
    leading: float = 1.2
    gap: float = 0.0
    lines: int = 0  # at most so many; 0 as many as have room

    def holds(self, block: Block) -> bool:
        """Whether ``block`` has room in it."""
        return block.height <= self.height and not 0 < self.lines < len(block.lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Lines that were set. ``offsets`` are the tops of the lines below that of the block."""

    lines: tuple[str, ...]
    offsets: tuple[float, ...]
    size: int
    whole: bool = True  # nothing was left out

    @property
    def height(self) -> float:
        """From the top of the first line to the bottom of the last."""
        return self.offsets[-1] + self.size if self.offsets else 0.0


def fitted(
    paragraphs: Sequence[str], sized: Sized, box: Box, sizes: Sequence[int], *, end: Callable[[str], str], even: bool
) -> Block:
    """``paragraphs`` in the first of ``sizes``, which fall, that has room for all of them.

    ``end`` puts the sign of an omission behind a text. ``even`` is for headlines; other text is filled line by line.
    """
    atoms = [_atoms(one) for one in paragraphs if one.strip()]
    for size in sizes:
        measure = functools.cache(sized(size))
        if any(measure(atom) > box.width for one in atoms for atom in one):
            continue
        block = _block([_lines(one, measure, box.width, even=even) for one in atoms], box, size)
        if box.holds(block):
            return block
    return _cut(atoms, functools.cache(sized(sizes[-1])), box, sizes[-1], end)


def _block(paragraphs: list[list[str]], box: Box, size: int) -> Block:
    lines: list[str] = []
    offsets: list[float] = []
    for paragraph in paragraphs:
        for place, line in enumerate(paragraph):
            above = 0.0 if place or not lines else box.gap
            offsets.append(offsets[-1] + size * (box.leading + above) if lines else 0.0)
            lines.append(line)
    return Block(lines=tuple(lines), offsets=tuple(offsets), size=size)


def _cut(atoms: list[list[str]], measure: Measure, box: Box, size: int, end: Callable[[str], str]) -> Block:
    """The smallest size: words are broken where they must be, and what is too much is left out."""
    broken = [[piece for atom in one for piece in _pieces(atom, measure, box.width)] for one in atoms]
    block = _block([_filled(one, measure, box.width) for one in broken], box, size)
    if box.holds(block):
        return block
    lines = list(block.lines)
    while lines:
        lines.pop()
        words = lines[-1].split(" ") if lines else []
        while words and measure(end(" ".join(words))) > box.width:
            words.pop()
        shown = end(" ".join(words)) if words else ""
        kept = replace(block, lines=(*lines[:-1], shown), offsets=block.offsets[: len(lines)], whole=False)
        if shown and box.holds(kept):
            return kept
    return Block(lines=(), offsets=(), size=size, whole=False)


def _atoms(text: str) -> list[str]:
    """What no line break divides."""
    found: list[str] = []
    glue = False
    for word in text.split(" "):
        if not word:
            continue
        if found and (glue or word in {"—", "–", "-"}):
            found[-1] += _GLUED + word
        else:
            found.append(word)
        glue = len(word) <= _SHORT and word.isalpha() and len(found[-1]) < 24
    if len(found) > 2 and len(found[-1]) < _ORPHAN and len(found[-2]) < 24:
        found[-2:] = [found[-2] + _GLUED + found[-1]]
    return found


def _lines(atoms: list[str], measure: Measure, width: float, *, even: bool) -> list[str]:
    """Lines of at most ``width``; with ``even`` the narrowest that are as few."""
    lines = _filled(atoms, measure, width)
    if not even or len(lines) < 2:
        return lines
    even_lines = _evened(atoms, measure, width, len(lines))
    if lines[1:-1] and " " not in even_lines[-1] and measure(even_lines[-1]) < width * _WIDOW:
        together = [*atoms[:-2], _GLUED.join(atoms[-2:])]
        if measure(together[-1]) <= width and len(_filled(together, measure, width)) == len(lines):
            return _evened(together, measure, width, len(lines))
    return even_lines


def _evened(atoms: list[str], measure: Measure, width: float, count: int) -> list[str]:
    """The narrowest lines, of at most ``width``, that are no more than ``count``."""
    low, high = max(measure(atom) for atom in atoms), width
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if len(_filled(atoms, measure, middle)) <= count:
            high = middle
        else:
            low = middle
    return _filled(atoms, measure, high)


def _filled(atoms: list[str], measure: Measure, width: float) -> list[str]:
    """Each line as full as it can be; an atom that is wider than ``width`` stands alone."""
    lines: list[str] = []
    space, used = measure(" "), 0.0
    for atom in atoms:
        wide = measure(atom)
        if lines and used + space + wide <= width:
            lines[-1] += " " + atom
            used += space + wide
        else:
            lines.append(atom)
            used = wide
    return lines


def _pieces(atom: str, measure: Measure, width: float) -> list[str]:
    """An atom in pieces that fit: at what glued it, then anywhere but before a mark."""
    if measure(atom) <= width:
        return [atom]
    if _GLUED in atom:
        return [piece for part in atom.split(_GLUED) for piece in _pieces(part, measure, width)]
    found, used = [""], 0.0
    for char in atom:
        wide = measure(char)
        if found[-1] and used + wide > width and unicodedata.category(char) != "Mn":
            found.append("")
            used = 0.0
        found[-1] += char
        used += wide
    return found
