"""What stands in an article's body and is not its text: insets, share bars, advertisements, fallbacks of players.

Known by what a selector's elements do over several pages, see rule 3 of ``learning``. An element with a picture or a
player of its own is not cut; the words in it may be.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from heliograph.capture.locate import Spot
from heliograph.capture.template import MAX_NOISE
from heliograph.capture.text import fold

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

_NEVER_TEXT = 0.1  # of an element's words that may be the article's
_LINKED = 0.6  # of its characters that are links, in boxes of links
_SAME = 0.34  # of its occurrences that may differ in words where it always says the same
_OPENING = 2  # words by which a box of links announces itself ("Read also:")
_MOSTLY = 0.8
_MEDIA = "img,amp-img,iframe,video,audio,blockquote,table"
_BARE = frozenset(["aside", "footer", "section", "header"])  # names that say enough without a class
# Never cut for not being in the text: the readers that tell the text leave these out as they please.
_STRUCTURE = frozenset(["figure", "figcaption", "blockquote", "table", "h2", "h3", "h4", "p", "pre", "ul", "ol"])
_STABLE = re.compile(r"-?[A-Za-z_][A-Za-z0-9_-]{1,60}\Z")
_ADVERTISING = re.compile(r"(?:^|[-_])(?:ads?|adv|advert\w*|adfox|banner|sponsor\w*)(?:[-_]|\Z)", re.IGNORECASE)


class Read(Protocol):
    """What is known of a page: its tree and spots, the words of each that are text and that are not."""

    tree: LexborHTMLParser
    spots: list[Spot]
    at: dict[int, int]
    good: list[int]
    bad: list[int]


@dataclass(slots=True)
class _Tally:
    """What the elements of one selector did over all pages."""

    pages: set[int] = field(default_factory=set)
    count: int = 0
    good: int = 0
    bad: int = 0
    characters: int = 0
    linked: int = 0
    media: int = 0
    texts: Counter[str] = field(default_factory=Counter)
    openings: Counter[str] = field(default_factory=Counter)


def learn(body: str, pages: Sequence[Read]) -> tuple[str, ...]:
    """Selectors of what is to be left out within ``body``, the largest first, none within another."""
    tallies: dict[str, _Tally] = {}
    found: dict[str, set[tuple[int, int]]] = {}
    for number, page in enumerate(pages):
        for at in _inside(page, body):
            for name in _names(page.spots[at]):
                _count(tallies.setdefault(name, _Tally()), page, number, at)
                found.setdefault(name, set()).add((number, at))
    chosen = [name for name, tally in tallies.items() if _is_noise(name, tally)]
    chosen.sort(key=lambda name: (-(tallies[name].good + tallies[name].bad), -tallies[name].count, name))
    covered: set[tuple[int, int]] = set()
    kept: list[str] = []
    for name in chosen[: 4 * MAX_NOISE]:
        if not found[name] <= covered:
            kept.append(name)
            covered |= {(number, at) for number, top in found[name] for at in _below(pages[number].spots, top)}
    return tuple(kept[:MAX_NOISE])


def _inside(page: Read, body: str) -> list[int]:
    """The spots within the body that are looked at by themselves: not those within a list, table or quotation."""
    tops = {page.at[node.mem_id] for node in page.tree.css(body) if node.mem_id in page.at}
    inside = [False] * len(page.spots)
    for at, spot in enumerate(page.spots):
        inside[at] = at > 0 and (spot.parent in tops or inside[spot.parent])
    return [at for at, spot in enumerate(page.spots) if inside[at] and at not in tops and spot.unit in (-1, at)]


def _below(spots: list[Spot], top: int) -> list[int]:
    below = [top]
    known = {top}
    for at in range(top + 1, len(spots)):
        if spots[at].parent not in known:
            if spots[at].parent < top:
                break
            continue
        known.add(at)
        below.append(at)
    return below


def _names(spot: Spot) -> list[str]:
    tokens = (spot.node.attributes.get("class") or "").split()[:12]
    names = [f"{spot.tag}.{token}" for token in dict.fromkeys(tokens) if _STABLE.match(token)]
    return [*names, spot.tag] if spot.tag in _BARE else names


def _count(tally: _Tally, page: Read, number: int, at: int) -> None:
    node = page.spots[at].node
    text = node.text(separator=" ")
    folded = fold(text)
    tally.pages.add(number)
    tally.count += 1
    tally.good += page.good[at]
    tally.bad += page.bad[at]
    tally.characters += len(text)
    tally.linked += sum(len(link.text(separator=" ")) for link in node.css("a"))
    tally.media += node.css_first(_MEDIA) is not None
    tally.texts[folded] += 1
    tally.openings[" ".join(folded.split()[:_OPENING])] += 1


def _is_noise(name: str, tally: _Tally) -> bool:
    tag, _, token = name.partition(".")
    if len(tally.pages) < 2:
        return False
    linked = tally.linked >= _LINKED * max(1, tally.characters)
    if _ADVERTISING.search(token) and tally.good <= tally.bad:
        return True
    if tally.media * 3 > tally.count and not linked:
        return False
    words = tally.good + tally.bad
    if not words:
        return False
    says_same = tally.count >= 3 and len(tally.texts) <= max(1, _SAME * tally.count)
    announced = tally.openings.most_common(1)[0][1] >= _MOSTLY * tally.count
    if says_same or (linked and announced and len(tally.pages) >= 3):
        return True
    return tag not in _STRUCTURE and tally.good <= _NEVER_TEXT * words
