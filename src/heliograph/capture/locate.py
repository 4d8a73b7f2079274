"""Where on a page a known text stands: the element that holds it, and what lies between that is not of it.

The text comes from a reader that is slow or keeps no structure (trafilatura, JSON-LD); the page's own elements have
its links, pictures, quotations and tables. The page is flattened once into spots, one for each block-level element;
all that follows is sums over them, so that the time is linear in the page.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from heliograph.capture.cards import is_post
from heliograph.capture.elements import is_block, is_skipped, is_unit
from heliograph.capture.text import collapse, fold

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

SHINGLE = 4  # words
_AGREES = 0.6  # of a spot's shingles that the text must have
_ANCHOR = 6  # words of a spot that can tell where the text is; shorter ones occur anywhere
_FOUND = 0.6  # of the text's words that must be on the page
_TWIN = 40  # words of a second container that make it part of the text
_LINKED = 0.5  # of a spot's characters; more than that in links is navigation
_CAPTION = 60  # words with a picture that may be its caption
_MEDIA = "img,amp-img,iframe,video,audio"
_MAX_SPOTS = 20_000
_PROSE = frozenset(["p", "h2", "h3", "h4", "li"])
_UNITS = frozenset(["table", "ul", "ol", "blockquote"])


@dataclass(slots=True)
class Spot:
    """One block-level element: the text right in it, how much of that is links, and what it belongs to."""

    node: LexborNode
    parent: int  # index of the spot around it, -1 for the first
    tag: str
    pieces: list[str] = field(default_factory=list)
    length: int = 0  # characters of the text; of a unit, with all in it
    linked: int = 0  # how many of them are links
    words: list[str] = field(default_factory=list)  # folded
    unit: int = -1  # index of the table, list or quotation that is kept or left as a whole

    @property
    def text(self) -> str:
        return "".join(self.pieces).strip()

    @property
    def is_navigation(self) -> bool:
        return self.linked > _LINKED * self.length


class Reference:
    """A known text from which stretches are taken, each as often as it is there."""

    def __init__(self, text: str) -> None:
        rows = [tuple(fold(row).split()) for row in text.splitlines()]
        words = [word for row in rows for word in row]
        self.size = len(words)
        self._rows = Counter(row for row in rows if row)
        self._shingles = Counter(shingles(words))

    def has(self, words: list[str]) -> bool:
        """Whether the text has ``words``; a few words count only as a line of their own."""
        if len(words) <= SHINGLE:
            return self._rows[tuple(words)] > 0 if words else False
        found = shingles(words)
        return sum(self._shingles[one] > 0 for one in found) >= _AGREES * len(found)

    def take(self, words: list[str]) -> bool:
        """As ``has``, and what was found is used up."""
        if not self.has(words):
            return False
        if len(words) <= SHINGLE:
            self._rows[tuple(words)] -= 1
        else:
            self._shingles.subtract(shingles(words))
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Located:
    """The element that holds the text, and the ``mem_id`` of each element in it that does not belong.

    Those in ``mute`` may hold pictures of the article, yet no text of it.
    """

    root: LexborNode
    skip: frozenset[int]
    mute: frozenset[int]


def shingles(words: list[str]) -> list[tuple[str, ...]]:
    """Each stretch of four words; all of them where there are fewer."""
    if not words:
        return []
    return [tuple(words[at : at + SHINGLE]) for at in range(max(1, len(words) - SHINGLE + 1))]


def locate(body: LexborNode, text: str) -> Located | None:
    """Where ``text`` stands in ``body``; None when too little of it is there."""
    reference = Reference(text)
    spots = flatten(body)
    mark_units(spots)
    home = densest(spots, reference)
    kept = _kept(spots, reference, home)
    if sum(len(spots[at].words) for at in kept) < _FOUND * reference.size:
        return None
    anchors = [at for at in sorted(kept) if len(spots[at].words) >= _ANCHOR]
    if not anchors:
        return None
    kept |= _twins(spots, kept, anchors) | _enclosed(spots, kept, anchors)
    while len(kept) > 1 and spots[last := max(kept)].is_navigation:  # "read also" at the end
        kept.remove(last)
    return _around(spots, kept)


def locate_prose(body: LexborNode) -> Located | None:
    """Where the most paragraphs stand together, for pages of which no text is known."""
    spots = flatten(body)
    mark_units(spots)
    prose = {at for at, spot in enumerate(spots) if _is_prose(spot)}
    score = summed(spots, [len(spot.words) * (1 if at in prose else -1) for at, spot in enumerate(spots)])
    home = max(range(len(spots)), key=lambda at: (score[at], at))
    inside = within(spots, home)
    kept = {at for at in prose if inside[at]}
    anchors = sorted(at for at in kept if len(spots[at].words) >= _ANCHOR)
    if not anchors:
        return None
    return _around(spots, kept | _enclosed(spots, kept, anchors))


def _is_prose(spot: Spot) -> bool:
    return len(spot.words) >= _ANCHOR and not spot.is_navigation and spot.tag not in ("header", "footer", "figcaption")


def flatten(root: LexborNode) -> list[Spot]:
    """The spots of ``root`` in document order, itself first. What gives no text is left out with all in it."""
    spots = [Spot(node=root, parent=-1, tag=root.tag or "")]
    stack: list[tuple[LexborNode, int, bool]] = []
    node, at, in_link = root.child, 0, False
    while True:
        while node is None:
            if not stack:
                for spot in spots:
                    spot.length = len(spot.text)
                    spot.words = fold(spot.text).split() if spot.length else []
                return spots
            node, at, in_link = stack.pop()
        tag = node.tag or ""
        follows = node.next
        if tag == "-text":
            text = collapse(node.text_content or "")
            spots[at].pieces.append(text)
            spots[at].linked += len(text) if in_link else 0
            node = follows
            continue
        if is_skipped(node, tag) or len(spots) >= _MAX_SPOTS:
            node = follows
            continue
        if follows is not None:
            stack.append((follows, at, in_link))
        if is_block(tag):
            spots.append(Spot(node=node, parent=at, tag=tag))
            at = len(spots) - 1
        elif tag == "br":
            spots[at].pieces.append(" ")
        in_link = in_link or tag == "a"
        node = node.child


def mark_units(spots: list[Spot]) -> None:
    """Tells which tables, lists and quotations are kept or left whole, and gathers in them what is in their parts."""
    for at, spot in enumerate(spots):
        around = spots[spot.parent].unit if at else -1
        if around >= 0:
            unit = spots[around]
            unit.words += spot.words
            unit.length += spot.length
            unit.linked += spot.linked
            spot.unit, spot.words, spot.length, spot.linked = around, [], 0, 0
        elif spot.tag in _UNITS and is_unit(spot.node, spot.tag):
            spot.unit = at


def densest(spots: list[Spot], reference: Reference) -> int:
    """The element in which the words of the text most outnumber the others."""
    score = summed(spots, [len(spot.words) if reference.has(spot.words) else -len(spot.words) for spot in spots])
    return max(range(len(spots)), key=lambda at: (score[at], at))


def within(spots: list[Spot], home: int) -> list[bool]:
    """For each spot, whether it is ``home`` or in it."""
    inside = [at == home for at in range(len(spots))]
    for at in range(home + 1, len(spots)):
        inside[at] = inside[at] or inside[spots[at].parent]
    return inside


def _kept(spots: list[Spot], reference: Reference, home: int) -> set[int]:
    """The spots that hold the text: first those at home, then what is still missing from anywhere else."""
    inside = within(spots, home)
    weight: Counter[int] = Counter()  # of an element: words right in it that agree
    agreeing = [at for at, spot in enumerate(spots) if reference.has(spot.words)]
    for at in agreeing:
        weight[spots[at].parent] += len(spots[at].words)
    # Where a sentence stands twice, as in a teaser, it is the one among most others of the text.
    agreeing.sort(key=lambda at: (not inside[at], -weight[spots[at].parent], at))
    return {at for at in agreeing if (inside[at] or len(spots[at].words) > SHINGLE) and reference.take(spots[at].words)}


def _twins(spots: list[Spot], kept: set[int], anchors: list[int]) -> set[int]:
    """Prose in further containers of the same make: some sites cut an article in two around an advertisement."""
    weight: Counter[int] = Counter()
    for at in anchors:
        weight[spots[at].parent] += len(spots[at].words)
    home = weight.most_common(1)[0][0]
    if home < 0 or not (make := _make(spots[home])):
        return set()
    children: dict[int, list[int]] = {}
    for at, spot in enumerate(spots):
        if spot.tag == "p" and spot.parent != home and _make(spots[spot.parent]) == make:
            children.setdefault(spot.parent, []).append(at)
    found: set[int] = set()
    for some in children.values():
        if not kept.intersection(some) and sum(len(spots[at].words) for at in some) >= _TWIN:
            found.update(at for at in some if not spots[at].is_navigation)
    return found


def _make(spot: Spot) -> str:
    return f"{spot.tag} {spot.node.attributes.get('class') or ''}".strip() if spot.node.attributes.get("class") else ""


def _enclosed(spots: list[Spot], kept: set[int], anchors: list[int]) -> set[int]:
    """Prose that the known text lacks though it stands right between its paragraphs; and posts of social networks."""
    parents = {spots[at].parent for at in anchors}
    return {
        at
        for at in range(anchors[0], anchors[-1])
        if at not in kept and spots[at].words and (is_post(spots[at].node) if spots[at].tag == "blockquote" else
            spots[at].tag in _PROSE and spots[at].parent in parents and not spots[at].is_navigation)
    }  # fmt: skip


def _around(spots: list[Spot], kept: set[int]) -> Located:
    """The smallest element around all that is kept, and the largest ones in it that hold nothing of it."""
    count = summed(spots, [int(at in kept) for at in range(len(spots))])
    words = summed(spots, [len(spot.words) for spot in spots])
    linked = summed(spots, [spot.linked for spot in spots])
    signs = summed(spots, [spot.length for spot in spots])
    root = max(at for at in range(len(spots)) if count[at] == len(kept))
    inside, last = within(spots, root), max(kept)
    left = [False] * len(spots)
    skip: set[int] = set()
    mute: set[int] = set()
    for at, spot in enumerate(spots):
        if not inside[at] or at == root:
            continue
        left[at] = left[spot.parent] or (not count[at] and spot.unit in (-1, at))
        if not left[at] or left[spot.parent]:
            continue
        captioned = words[at] <= _CAPTION and linked[at] <= _LINKED * signs[at] and (spot.tag == "figure" or at < last)
        if not captioned or spot.node.css_first(_MEDIA) is None:
            skip.add(spot.node.mem_id)
        elif spot.tag != "figure":
            mute.add(spot.node.mem_id)
    return Located(root=spots[root].node, skip=frozenset(skip), mute=frozenset(mute))


def summed(spots: list[Spot], values: list[int]) -> list[int]:
    """Each value with those of all spots within."""
    total = list(values)
    for at in range(len(spots) - 1, 0, -1):
        total[spots[at].parent] += total[at]
    return total
