"""A page without a learnt template: which of its text is the article, by trafilatura, by JSON-LD, or by its prose.

Each of them only says which words are the article's; the blocks are then read from the page's own elements, which have
the links, pictures and quotations. trafilatura is imported here alone, takes 20 to 100 times as long as a template, and
is kept from pages on which it might not end.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from html import unescape
from typing import TYPE_CHECKING

from heliograph.capture import locate, markup, tree
from heliograph.capture.text import fold, lines
from heliograph.model import Block, Paragraph
from heliograph.model.story import Run, block_texts

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser

MAX_PAGE = 2_000_000  # bytes given to trafilatura
MAX_TAGS = 40_000  # "<" in such a page: 20,000 elements; at worst 10 s, measured
MAX_ITEMS, MAX_CELLS = 2_000, 8_000  # list items and table cells; its time grows with their square, to 1 s for these
_SENTENCE = 6  # words; what is shorter, and stands nowhere on the page as a paragraph, is a menu or a label
_FEW = 120  # words; from a shorter reading the more generous one is asked, too
_POOR = 0.2  # of the generous reading that the strict one must have to be believed
_WHOLE = 60  # words of a JSON-LD body that may be whole
_BETTER = 0.3  # by how much a reading must agree better with a whole JSON-LD body to be taken instead
_CUT_SHORT = re.compile(r"(?:\.\.\.|…|\[…\]|\[\.\.\.\])\s*\Z")
_TAG = re.compile(r"<[a-zA-Z/!][^<>]{0,2000}>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The article's blocks and how they were told: "trafilatura", "json-ld", or "" where it was a guess by prose."""

    blocks: tuple[Block, ...]
    method: str


def read(page: LexborHTMLParser, html: bytes, base: str, claimed: str = "", *, files: bool = False) -> Reading | None:
    """The article on ``page``; ``html`` is its source in UTF-8, ``claimed`` its JSON-LD ``articleBody``.

    None when nothing on it reads like one.
    """
    method, text = told(html, claimed)
    body = page.body
    if body is None:
        return None
    found = locate.locate(body, text) if text else locate.locate_prose(body)
    if found is not None:
        blocks = markup.blocks_in(found.root, base, skip=found.skip, mute=found.mute, files=files)
        if any(block_texts(blocks)):
            return Reading(blocks=blocks, method=method)
    if method == "json-ld":
        return Reading(blocks=claimed_blocks(claimed, base), method=method)
    blocks = markup.blocks(_extract(html, strict=True, form="html"), base) if len(text.split()) >= _SENTENCE else ()
    return Reading(blocks=blocks, method=method) if blocks else _marked(page, base)


def _marked(page: LexborHTMLParser, base: str) -> Reading | None:
    """What the page itself marks as its article: the last resort, for stories too short to be told by their prose."""
    for selector in ('[itemprop="articleBody"]', "article", "main"):
        node = page.css_first(selector)
        blocks = markup.blocks_in(node, base) if node is not None else ()
        if blocks:
            return Reading(blocks=blocks, method="")
    return None


def told(html: bytes, claimed: str = "") -> tuple[str, str]:
    """Which reader's word is taken for the article's text, and that text; ("", "") when none has any."""
    strict = _extract(html, strict=True)
    words = fold(strict).split()
    claim = plain(claimed)
    whole = _is_whole(claim)
    if len(words) < _FEW or (whole and _agreement(strict, claim) < 1 - _BETTER):
        generous = _extract(html, strict=False)
        confirmed = whole and _agreement(generous, claim) > _agreement(strict, claim) + _BETTER
        if confirmed or len(words) < _POOR * len(fold(generous).split()):
            strict = generous
    if whole and _agreement(strict, claim) < 0.5 and len(claim) > 0.8 * len(strict):
        return "json-ld", claim
    return ("trafilatura", strict) if strict else ("", "")


def claimed_blocks(claimed: str, base: str) -> tuple[Block, ...]:
    """The blocks of a JSON-LD ``articleBody``: HTML where somebody put some in, else a paragraph a line."""
    text = unescape(claimed)
    if _TAG.search(text):
        return markup.blocks(text, base)
    return tuple(Paragraph(runs=(Run(row),)) for row in lines(text)[: markup.MAX_BLOCKS])


def plain(claimed: str) -> str:
    """The text of an ``articleBody`` without markup and entities, a line a paragraph."""
    return "\n".join(lines(_TAG.sub("\n", unescape(claimed)))) if claimed else ""


def _is_whole(claim: str) -> bool:
    return len(claim.split()) >= _WHOLE and not _CUT_SHORT.search(claim)


def _agreement(one: str, other: str) -> float:
    """How alike two texts are: twice the shingles they share over all they have, 0 to 1."""
    a, b = (Counter(locate.shingles(fold(text).split())) for text in (one, other))
    return 2 * (a & b).total() / max(1, a.total() + b.total())


def _extract(html: bytes, *, strict: bool, form: str = "txt") -> str:
    """What trafilatura takes for the article, "" when it finds none or the page is too large for it."""
    if not _is_bearable(html):
        return ""
    import trafilatura

    source = html if tree.is_plain(html) else tree.tame(html)
    rich = form == "html"
    try:
        found = trafilatura.extract(
            source.decode("utf-8", "replace"),
            output_format=form,
            favor_precision=strict,
            include_comments=False,
            include_links=rich,
            include_images=rich,
            include_formatting=rich,
        )
    except Exception:  # noqa: BLE001  # a library of many parts, fed by strangers: whatever it raises, it found nothing
        return ""
    return found or ""


def _is_bearable(html: bytes) -> bool:
    """Whether trafilatura ends on ``html`` in bearable time."""
    if len(html) > MAX_PAGE or html.count(b"<") > MAX_TAGS:
        return False
    low = html.lower()
    return low.count(b"<li") <= MAX_ITEMS and low.count(b"<td") + low.count(b"<th") <= MAX_CELLS
