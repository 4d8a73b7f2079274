"""Stories by words: what a reader typed, looked for among the newest ones.

Rule 1: words are compared without case, accents and endings: a word is found by its first letters. Rule 2: a story
that has all words comes before one that has some; then what the title says counts more than the lead; then the newest.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from heliograph.model.edition import Brief

NEWEST: Final = 2_000  # stories that are looked through
MOST: Final = 10  # that are found
_WORDS: Final = 8  # of a question
_LONGEST: Final = 2_000  # characters of one field that are looked at
_SHORTEST, _STEM = 3, 4  # letters of a word worth finding; of a stem
_WORD = re.compile(r"[^\W_]+")
_ALIKE = str.maketrans({"ı": "i", "ґ": "г", "ي": "ی", "ك": "ک", "ё": "е"})
_TITLE, _LABEL, _LEAD = 5, 3, 1  # what a word counts for, by where it stands


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A story as it is looked through: each field folded, each word with a space before it."""

    brief: Brief
    title: str
    labels: str
    lead: str


def lines(briefs: Iterable[Brief]) -> tuple[Line, ...]:
    """``briefs``, newest first, made ready. Take ``NEWEST`` of them."""
    return tuple(
        Line(
            brief=one,
            title=_spaced(one.title),
            labels=_spaced(" ".join((one.section, *one.tags[:50], *one.bylines[:20]))),
            lead=_spaced(one.lead),
        )
        for one in briefs
    )


def seek(lines: Sequence[Line], text: str) -> list[Brief]:
    """The best ``MOST`` stories for what somebody typed; none where no word is worth finding."""
    stems = list(dict.fromkeys(f" {_stem(word)}" for word in _words(text) if len(word) >= _SHORTEST))[:_WORDS]
    found = []
    for place, line in enumerate(lines):
        counts = [_count(line, stem) for stem in stems]
        if any(counts):
            found.append((-sum(map(bool, counts)), -sum(counts), place, line.brief))
    found.sort(key=lambda one: one[:3])
    whole = [one for one in found if -one[0] == len(stems)]
    return [one[3] for one in (whole or found)[:MOST]]


def _count(line: Line, stem: str) -> int:
    return _TITLE * (stem in line.title) + _LABEL * (stem in line.labels) + _LEAD * (stem in line.lead)


def _stem(word: str) -> str:
    """Without what may be an ending: three letters at most, and four are left."""
    return word if word.isdigit() else word[: max(_STEM, len(word) - 3)]


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFD", text[:_LONGEST].lower())
    plain = "".join(char for char in folded if not unicodedata.combining(char) and char not in "'’ʼ`\u200c\u200d")
    return _WORD.findall(plain.translate(_ALIKE))


def _spaced(text: str) -> str:
    return "".join(f" {word}" for word in _words(text))
