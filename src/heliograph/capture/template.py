"""The site's own template: where this site keeps an article's body, title, lead, date, author and section.

It is learnt from a few pages that trafilatura reads well and applied with selectors alone, at nearly the cost of
parsing. A site has a few variants, the most frequent first. Each page is checked: where the learnt place holds too
little, mostly links, or less than what stands outside of it, the answer is None and the page is read the slow way.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, TypeGuard

from heliograph.capture import dates, markup, metadata
from heliograph.capture.text import line
from heliograph.model import Answer, Block
from heliograph.model.story import Heading, Listing, Paragraph, Quote, Runs, Table

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

SCHEMA = 1
MAX_VARIANTS = 12
MAX_NOISE = 60  # selectors of one variant
_MAX_JSON = 200_000  # characters
_MAX_SELECTOR = 300  # characters
_MAX_PARTS = 8  # containers that together hold one body
_PLENTY = 600  # characters; a body of that length needs no look at the rest of the page
_LINKED = 0.6  # of a body's characters; more than that in links is a list of links
_PROSE = 80  # characters of a paragraph that counts as prose
# The selectors that are learnt: elements by name, class, id and one attribute, at most three steps down.
_STEP = r"(?:[a-z][a-z0-9]*)?(?:[.#]-?[A-Za-z_][A-Za-z0-9_-]*|\[[a-z]+=\"[A-Za-z0-9_-]+\"\])*"
_SELECTOR = re.compile(rf"(?! )(?:{_STEP})(?: > (?! |\Z)(?:{_STEP})){{0,3}}\Z")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """One layout of the site. Selectors; "" where the site does not show the thing or declares it better."""

    body: str
    many: bool = False  # whether a page may have several such elements side by side
    noise: tuple[str, ...] = ()  # what in the body is not the article's text
    title: str = ""
    lead: str = ""
    date: str = ""
    author: str = ""
    section: str = ""
    outside: int = 0  # most characters of prose that stood outside of the body while learning


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """What was learnt of one site.

    ``heroes`` are file names of pictures, ``leads`` descriptions (folded), that several pages declare: they stand for
    the site and not for a story.
    """

    variants: tuple[Variant, ...]
    heroes: tuple[str, ...] = ()
    leads: tuple[str, ...] = ()

    def to_json(self) -> str:
        """For the journal; ``from_json`` is its inverse."""
        variants = [asdict(variant) for variant in self.variants]
        value = {"schema": SCHEMA, "variants": variants, "heroes": self.heroes, "leads": self.leads}
        return json.dumps(value, ensure_ascii=False)

    @staticmethod
    def from_json(text: str) -> Templates | None:
        """The templates, or None where ``text`` is of another version, damaged or hostile."""
        if len(text) > _MAX_JSON:
            return None
        try:
            raw = json.loads(text)
        except (ValueError, RecursionError):
            return None
        if not isinstance(raw, dict) or raw.get("schema") != SCHEMA:
            return None
        listed, heroes, leads = raw.get("variants"), raw.get("heroes"), raw.get("leads")
        if not isinstance(listed, list) or not 0 < len(listed) <= MAX_VARIANTS:
            return None
        variants = [_variant(one) for one in listed]
        if not all(variants) or not _are_texts(heroes) or not _are_texts(leads):
            return None
        found = tuple(variant for variant in variants if variant is not None)
        return Templates(variants=found, heroes=tuple(heroes), leads=tuple(leads))


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What a template found on one page. Empty where it found nothing."""

    blocks: tuple[Block, ...]
    title: str = ""
    lead: str = ""
    bylines: tuple[str, ...] = ()
    published: datetime | None = None
    section: str = ""


def learn(pages: Sequence[Answer]) -> Templates | None:
    """The templates of the site that ``pages`` are of (8 to 24 articles are good), or None if they share none."""
    from heliograph.capture import learning  # trafilatura takes a second to import, and most runs learn nothing

    return learning.learn(pages)


def apply(templates: Templates, page: LexborHTMLParser, base: str, zone: str) -> Applied | None:
    """What the first fitting variant finds on ``page``; None when none passes the check."""
    for variant in templates.variants:
        parts = _parts(variant, page)
        if not parts:
            continue
        noise = ",".join(variant.noise)
        skip = {node.mem_id for part in parts for node in part.css(noise)} if noise else set()
        blocks = tuple(block for part in parts for block in markup.blocks_in(part, base, skip=skip))
        title = _text_at(page, variant.title)
        if _is_right(variant, page, parts, blocks):
            return Applied(
                blocks=blocks,
                title=title,
                lead=_text_at(page, variant.lead),
                bylines=metadata.names([_text_at(page, variant.author)]) if variant.author else (),
                published=_date_at(page, variant.date, zone),
                section=_text_at(page, variant.section),
            )
    return None


def _parts(variant: Variant, page: LexborHTMLParser) -> list[LexborNode]:
    """The elements that hold the body; [] where the page is of another layout."""
    if not variant.many:
        node = page.css_first(variant.body)  # stops at the first, which css() does not
        return [node] if node is not None else []
    parts = page.css(variant.body)
    return parts if parts and together(parts) else []


def together(parts: Sequence[LexborNode]) -> bool:
    """Whether the elements a selector found are one body: a single one, or brothers that a page splits it into."""
    if len(parts) == 1:
        return True
    parents = {part.parent.mem_id if part.parent is not None else 0 for part in parts}
    return len(parts) <= _MAX_PARTS and len(parents) == 1


def prose_outside(page: LexborHTMLParser, parts: Sequence[LexborNode]) -> int:
    """How many characters of long, unlinked paragraphs ``page`` has that are not in ``parts``."""
    inside = {node.mem_id for part in parts for node in part.css("p")}
    total = 0
    for node in page.css("p"):
        if node.mem_id in inside:
            continue
        length = len(line(node.text()))
        linked = sum(len(link.text()) for link in node.css("a"))
        total += length if length >= _PROSE and linked * 2 < length else 0
    return total


# ---------------------------------------------------------------- one page


def _is_right(variant: Variant, page: LexborHTMLParser, parts: Sequence[LexborNode], blocks: tuple[Block, ...]) -> bool:
    length = linked = 0
    for runs in _all_runs(blocks):
        for run in runs:
            length += len(run.text)
            linked += len(run.text) if run.href else 0
    if not length or linked > _LINKED * length:
        return False
    return length >= _PLENTY or prose_outside(page, parts) <= variant.outside + 2 * length + _PROSE


def _all_runs(blocks: tuple[Block, ...]) -> list[Runs]:
    found: list[Runs] = []
    for block in blocks:
        match block:
            case Paragraph(runs=runs) | Heading(runs=runs) | Quote(runs=runs):
                found.append(runs)
            case Listing(items=items):
                found += items
            case Table(rows=rows):
                found += [cell for row in rows for cell in row]
            case _:
                pass
    return found


def _text_at(page: LexborHTMLParser, selector: str) -> str:
    node = page.css_first(selector) if selector else None
    return line(node.text(separator=" ")) if node is not None else ""


def _date_at(page: LexborHTMLParser, selector: str, zone: str) -> datetime | None:
    node = page.css_first(selector) if selector else None
    return date_of(node, zone) if node is not None else None


def date_of(node: LexborNode, zone: str) -> datetime | None:
    """The date an element shows or carries."""
    attributes = node.attributes
    declared = attributes.get("datetime") or attributes.get("content") or ""
    return dates.parse(declared, zone) or dates.parse(line(node.text(separator=" ")), zone)


# ---------------------------------------------------------------- reading JSON back


def _variant(raw: object) -> Variant | None:
    if not isinstance(raw, dict) or set(raw) != {field.name for field in fields(Variant)}:
        return None
    noise, outside, many = raw["noise"], raw["outside"], raw["many"]
    if not _are_texts(noise) or len(noise) > MAX_NOISE or type(outside) is not int or outside < 0:
        return None
    if not isinstance(many, bool):
        return None
    single = {name: raw[name] for name in ("body", "title", "lead", "date", "author", "section")}
    if not _are_texts(list(single.values())) or not single["body"]:
        return None
    if not all(is_selector(selector) for selector in [*single.values(), *noise]):
        return None
    return Variant(noise=tuple(noise), outside=outside, many=many, **single)


def _are_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def is_selector(text: str) -> bool:
    """Whether ``text`` is within the small grammar of learnt selectors, or ""."""
    return len(text) <= _MAX_SELECTOR and _SELECTOR.match(text) is not None
