"""A line of text as a pen sets it that knows neither joined letters nor right to left.

Rule 1: letters of Arabic script become those forms that Unicode has for them; the table is Unicode's own. Rule 2: order
follows the Unicode Bidirectional Algorithm (UAX 9) for text without embeddings, which ``glyphs.shown`` has taken out,
and without its rule N0. Rule 3: marks on a letter of Arabic script are left out, for only the font knows where they go;
what is written without them is read, too.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Callable, Mapping

_KINDS = {"<isolated>": 0, "<final>": 1, "<initial>": 2, "<medial>": 3}
_BLOCKS = (*range(0xFE70, 0xFF00), *range(0xFB50, 0xFE00))
_LIGATED = ("لا", "لأ", "لإ", "لآ")  # written as one
_TATWEEL, _APART = "\u0640", "\u200c"
_MIRROR = str.maketrans("()[]{}<>«»‹›", ")(][}{><»«›‹")
_STRONG = {"L": "L", "R": "R", "AL": "R"}


@functools.cache
def _forms() -> Mapping[str, tuple[str, ...]]:
    """The four forms of each letter, "" where there is none: alone, last, first, in the middle."""
    found: dict[str, list[str]] = {}
    for code in _BLOCKS:
        kind, *of = unicodedata.decomposition(chr(code)).split()[:4] or [""]
        letters = "".join(chr(int(one, 16)) for one in of)
        if kind in _KINDS and (len(of) == 1 or (letters in _LIGATED)):
            forms = found.setdefault(letters, ["", "", "", ""])
            forms[_KINDS[kind]] = forms[_KINDS[kind]] or chr(code)
    return {letters: tuple(forms) for letters, forms in found.items()}


def is_plain(text: str) -> bool:
    """Whether nothing in ``text`` runs from right to left."""
    return all(char < "\u0590" or unicodedata.bidirectional(char) not in {"R", "AL", "AN"} for char in text)


def visual(text: str, *, rtl: bool, has: Callable[[str], bool]) -> str:
    """``text``, one line, joined and from left to right; a form that the font lacks (``has``) stays the bare letter."""
    if is_plain(text) and not rtl:
        return text
    clusters = _joined(text, has)
    levels = _levels([unicodedata.bidirectional(one[0]) for one in clusters], 1 if rtl else 0)
    drawn = [one.translate(_MIRROR) if level % 2 else one for one, level in zip(clusters, levels, strict=True)]
    for level in range(max(levels, default=0), 0, -1):
        start = 0
        while start < len(drawn):
            end = start
            while end < len(drawn) and levels[end] >= level:
                end += 1
            drawn[start:end], levels[start:end] = drawn[start:end][::-1], levels[start:end][::-1]
            start = max(end, start + 1)
    return "".join(drawn)


def _joined(text: str, has: Callable[[str], bool]) -> list[str]:
    """Letters in the form that their neighbours ask for."""
    clusters = _clusters(text)
    made: list[str] = []
    for place, cluster in enumerate(clusters):
        if cluster == _APART:
            continue
        before = clusters[place - 1] if place else ""
        after = clusters[place + 1] if place + 1 < len(clusters) else ""
        first, last = _leans(before) and _takes(cluster), _leans(cluster) and _takes(after)
        if cluster[:2] in _LIGATED:
            joined = _forms()[cluster[:2]][first]
            # a font without the two as one has them side by side
            made += (
                [joined] if has(joined) else [_form(cluster[0], has, first, True), _form(cluster[1], has, True, False)]
            )
        elif cluster[0] in _forms():
            made.append(_form(cluster[0], has, first, last))
        else:
            made.append(cluster)
    return made


def _form(letter: str, has: Callable[[str], bool], first: bool, last: bool) -> str:
    form = _forms()[letter][first + 2 * last]
    return form if form and has(form) else letter


def _clusters(text: str) -> list[str]:
    """Letters with their marks; lam and alef are one, as they are written."""
    found: list[str] = []
    for char in text:
        onto = found and (unicodedata.category(char) == "Mn" or (found[-1] + char in _LIGATED))
        if onto:
            found[-1] += char
        else:
            found.append(char)
    return found


def _leans(cluster: str) -> bool:
    """Whether a letter joins the one that follows it."""
    if cluster[:2] in _LIGATED:
        return False
    return cluster[:1] == _TATWEEL or bool(_forms().get(cluster[:1], ("",) * 4)[2])


def _takes(cluster: str) -> bool:
    """Whether a letter joins the one before it."""
    return cluster[:1] == _TATWEEL or bool(_forms().get(cluster[:1], ("",) * 4)[1])


def _levels(kinds: list[str], base: int) -> list[int]:
    """The level of each place (UAX 9, rules W1 to W7, N1, N2, I1, I2, L1)."""
    outer = "R" if base else "L"
    types = _numbers(kinds, outer)
    place = 0
    while place < len(types):
        end = place
        while end < len(types) and types[end] not in {"L", "R", "EN", "AN"}:
            end += 1
        if end > place:
            sides = [_side(types[place - 1]) if place else outer, _side(types[end]) if end < len(types) else outer]
            types[place:end] = [sides[0] if sides[0] == sides[1] else outer] * (end - place)
        place = end + 1
    levels = [base + _RAISED[base][kind] for kind in types]
    for last in range(len(kinds) - 1, -1, -1):
        if kinds[last] not in {"WS", "S", "B"}:
            break
        levels[last] = base
    return levels


_RAISED = ({"L": 0, "R": 1, "EN": 2, "AN": 2}, {"L": 1, "R": 0, "EN": 1, "AN": 1})


def _side(kind: str) -> str:
    return "L" if kind == "L" else "R"  # numbers count as R for what stands beside them


def _numbers(kinds: list[str], outer: str) -> list[str]:
    """Rules W1 to W7: what numbers and what belongs to them are."""
    types: list[str] = []
    strong = outer
    for kind in kinds:  # W1, W2
        if kind == "NSM":
            types.append(types[-1] if types else outer)
            continue
        strong = kind if kind in _STRONG else strong
        types.append("AN" if kind == "EN" and strong == "AL" else kind)
    types = ["R" if kind == "AL" else kind for kind in types]  # W3
    for place in range(1, len(types) - 1):  # W4
        before, here, after = types[place - 1 : place + 2]
        if before == after and ((here == "ES" and before == "EN") or (here == "CS" and before in {"EN", "AN"})):
            types[place] = before
    for order in (range(len(types)), range(len(types) - 1, -1, -1)):  # W5
        near = ""
        for place in order:
            types[place] = "EN" if types[place] == "ET" and near == "EN" else types[place]
            near = types[place]
    types = ["ON" if kind in {"ES", "ET", "CS"} else kind for kind in types]  # W6
    strong = outer
    for place, kind in enumerate(types):  # W7
        strong = kind if kind in {"L", "R"} else strong
        types[place] = "L" if kind == "EN" and strong == "L" else kind
    return types
