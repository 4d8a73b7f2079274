"""QR codes as squares of dark and light, for whoever draws them.

Rule 1: error correction M or better, so that a crease or a drop of rain does not matter. Rule 2: around a code stay
four squares of nothing (``QUIET``), as ISO/IEC 18004 asks. Rule 3: a text that makes a code too fine for a phone is
refused.
"""

from __future__ import annotations

import functools

import segno

QUIET = 4  # squares
MAX_TEXT = 300  # bytes; with more, a square of a code on a card is less than five pixels


@functools.lru_cache(maxsize=64)
def squares(text: str) -> tuple[str, ...]:
    """Rows of "1" (dark) and "0"; () for a text that is empty or longer than ``MAX_TEXT`` bytes of UTF-8.

    The quiet zone is not part of them.
    """
    clean = "".join(char for char in text if char.isprintable()).strip()
    if not clean or len(clean.encode("utf-8", "ignore")) > MAX_TEXT:
        return ()
    made = segno.make(clean.encode("utf-8", "ignore").decode(), micro=False, error="m")
    return tuple("".join("1" if square else "0" for square in row) for row in made.matrix)


def runs(row: str) -> list[tuple[int, int]]:
    """The dark stretches of a row: where each begins, and how many squares it has."""
    found, place = [], 0
    while (start := row.find("1", place)) >= 0:
        end = row.find("0", start)
        place = end if end >= 0 else len(row)
        found.append((start, place - start))
    return found
