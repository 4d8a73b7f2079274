"""Splits what a sheet shows into files that each keep the byte budget, by measured compressed size.

Rule 1: a page that fits whole is compressed once, and that compression is the file.
Rule 2: where it does not fit, the parts are of about equal length, so that no reader fetches a last part of one line.
Rule 3: a piece is cut only where it does not fit a part by itself.
Rule 4: the split follows from quality 9 alone, so that a dense pass never moves text from one file to another.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from heliograph.model.edition import BROTLI_BODY, File
from heliograph.model.errors import HeliographError
from heliograph.render import encode

_ROUNDS = 6  # of splitting again when the number of parts came out differently from what the pages said
_MARGIN = 0.97  # aim a little below the budget: a second try costs more than the bytes left over
_LEAST_CUT = 300  # characters; a shorter beginning of a cut piece waits for the next part
_KEPT = 2  # headings at most that move to the next part with their text; a text of headings only must move on
_FIRST_GUESS = 0.35  # compressed bytes per character of a text too long to be measured whole

Page = Callable[[Sequence[str], int, int], str]
"""The whole content of part ``number`` of ``total``, given the texts of the pieces on it."""


class BudgetError(HeliographError):
    """A page cannot be made small enough, whatever is left out of it."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A fragment of a page as it is written there.

    ``cut(limit)`` gives the piece as two, the first with about ``limit`` characters at most, or None where it cannot
    be cut any further. ``keep`` asks that the piece is not the last one of a part (a heading).
    """

    text: str
    cut: Callable[[int], tuple[Piece, Piece] | None] | None = None
    keep: bool = False


def part_path(path: str, number: int) -> str:
    """The path of part ``number``: "a/x.html", "a/x.2.html", "a/x.3.html"."""
    stem, _, extension = path.rpartition(".")
    return path if number == 1 else f"{stem}.{number}.{extension}"


def pack(path: str, pieces: Sequence[Piece], page: Page, *, dense: bool = False) -> tuple[File, ...]:
    """All ``pieces`` in as few files as keep the budget: ``path`` and its further parts.

    Raises BudgetError when a page is too large even with the least possible on it.
    """
    whole = encode.attempt(path, page([piece.text for piece in pieces], 1, 1).encode("utf-8", "replace"), rescue=True)
    files = (whole.file,) if whole.file else _split(path, pieces, page, whole.load)
    return tuple(encode.denser(made) for made in files) if dense else files


def fill(
    path: str, pieces: Sequence[Piece], page: Callable[[Sequence[str]], str], *, dense: bool = False
) -> tuple[File, int]:
    """One file with as many of the leading ``pieces`` as fit, and how many those are. Pieces are not cut."""
    texts = [piece.text for piece in pieces]
    best, known, too_many, count = None, 0, len(texts) + 1, len(texts)
    while known + 1 < too_many or best is None:
        tried = encode.attempt(path, page(texts[:count]).encode("utf-8", "replace"), rescue=count == 0)
        if tried.file:
            best, known = tried.file, count
        elif count == 0:
            raise _too_large(path)
        else:
            too_many = count
        guess = int(count / tried.load * _MARGIN) if tried.load > 1 else (known + too_many) // 2
        count = min(max(guess, known + 1 if best else 0), too_many - 1)
    return (encode.denser(best) if dense else best), known


@dataclass(slots=True)
class _Room:
    """How much a part holds, learnt from every page that was measured."""

    chrome: float  # load of a page without any piece
    characters: float  # estimate of what fits beside it

    def learn(self, characters: int, load: float) -> None:
        share = max(load - self.chrome, 0.001)
        estimate = characters * (1 - self.chrome) / share * _MARGIN
        self.characters = min(estimate, self.characters * 2)


def _split(path: str, pieces: Sequence[Piece], page: Page, load: float) -> tuple[File, ...]:
    bare = encode.attempt(path, page([], 1, 2).encode("utf-8", "replace"))
    if bare.file is None:
        raise _too_large(path)
    length = sum(len(piece.text) for piece in pieces)
    room = _Room(bare.load, BROTLI_BODY / _FIRST_GUESS)
    room.characters = min(room.characters, length)
    room.learn(length, load)
    total = max(2, math.ceil(length / room.characters))
    for _ in range(_ROUNDS):
        groups, files = _spread(path, pieces, page, room, total)
        settled = tuple(files) if len(groups) == total else _settle(path, groups, page) if len(groups) < total else None
        if settled:
            return settled
        # A little above the least number, the equal shares fit and the count comes out as said.
        total = max(len(groups), math.ceil(total * 1.02))
    settled = _settle(path, groups, page)
    if settled is None:
        raise _too_large(path)
    return settled


def _settle(path: str, groups: list[list[Piece]], page: Page) -> tuple[File, ...] | None:
    """``groups`` written with their true number; None if that makes a part too large."""
    files = []
    for number, group in enumerate(groups, 1):
        content = page([piece.text for piece in group], number, len(groups)).encode("utf-8", "replace")
        tried = encode.attempt(part_path(path, number), content, rescue=True)
        if tried.file is None:
            return None
        files.append(tried.file)
    return tuple(files)


def _spread(
    path: str, pieces: Sequence[Piece], page: Page, room: _Room, total: int
) -> tuple[list[list[Piece]], list[File]]:
    """Lay ``pieces`` out on parts that say "of ``total``"; the count of parts may still come out differently."""
    waiting = list(reversed(pieces))  # a stack, the next piece last
    rest = sum(len(piece.text) for piece in pieces)
    groups: list[list[Piece]] = []
    files: list[File] = []
    while waiting:
        share = rest / max(total - len(groups), 1)
        group, made = _one_part(path, waiting, page, room, share, len(groups) + 1, total)
        rest -= sum(len(piece.text) for piece in group)
        groups.append(group)
        files.append(made)
    return groups, files


def _one_part(
    path: str, waiting: list[Piece], page: Page, room: _Room, share: float, number: int, total: int
) -> tuple[list[Piece], File]:
    """Move from ``waiting`` to a part what it holds: about ``share`` characters, less if that does not fit."""
    target = part_path(path, number)
    limit, before = room.characters, math.inf
    while True:
        taken, group, left = _take(waiting, min(share, limit), limit)
        length = sum(len(piece.text) for piece in group)
        tried = encode.attempt(target, page([piece.text for piece in group], number, total).encode("utf-8", "replace"))
        room.learn(length, tried.load)
        if tried.file:
            del waiting[len(waiting) - taken :]
            waiting.extend(left)
            return group, tried.file
        if length >= before:  # what is left is one piece that does not get any smaller
            raise _too_large(target)
        limit, before = min(room.characters, length * _MARGIN), length


def _take(waiting: Sequence[Piece], aim: float, limit: float) -> tuple[int, list[Piece], list[Piece]]:
    """The next pieces whose length is nearest to ``aim`` and within ``limit``, at least one.

    Tells how many pieces of ``waiting`` are used up, which pieces make the group, and what is left of a piece that
    was cut because no part can hold it, its next piece last.
    """
    group: list[Piece] = []
    length = 0
    for piece in reversed(waiting):
        longer = length + len(piece.text)
        if len(piece.text) > limit and piece.cut and (not group or aim - length > _LEAST_CUT):
            first, rest = _cut_down(piece, max(1, int(aim - length)))
            if rest:
                return len(group) + 1, [*group, first], rest
        if group and (longer > limit or longer - aim > aim - length):
            break
        group.append(piece)
        length = longer
    for _ in range(_KEPT):
        if len(group) > 1 and group[-1].keep and len(group) < len(waiting):
            group.pop()
    return len(group), group, []


def _cut_down(piece: Piece, limit: int) -> tuple[Piece, list[Piece]]:
    """The beginning of ``piece``, about ``limit`` characters at most if that can be, and the rest, next piece last."""
    rest: list[Piece] = []
    while len(piece.text) > limit and piece.cut:
        halves = piece.cut(limit)
        if halves is None or len(halves[0].text) >= len(piece.text):
            break
        piece = halves[0]
        rest.append(halves[1])
    return piece, rest


def _too_large(path: str) -> BudgetError:
    return BudgetError(
        "what every page carries leaves no room for its text",
        where=path,
        remedy="Shorten the newsroom's title, or name fewer or shorter channels and sections.",
    )
