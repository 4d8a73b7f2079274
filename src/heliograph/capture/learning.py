"""Learning a site's template from a few of its pages.

Rule 1: a selector is believed for what it finds on several pages, never for its name alone.
Rule 2: the body is the smallest element that holds the text which trafilatura tells, the same selector on all pages of
a variant; variants are taken greedily, the one that explains most pages first.
Rule 3: what is no text in the body is known by what it does over the pages: it is never in the article's text, or says
the same on each, or is nothing but links. Pictures, quotations, tables and headings are not taken for boilerplate.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from heliograph.capture import charset, links, metadata, noise, readable, template, tree
from heliograph.capture.locate import Reference, Spot, densest, flatten, mark_units, summed, within
from heliograph.capture.metadata import Metadata, same_text
from heliograph.capture.template import MAX_VARIANTS, Templates, Variant
from heliograph.capture.text import fold, line
from heliograph.model import Answer

if TYPE_CHECKING:
    from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_PAGES = 40
_FEW_WORDS = 60  # of a page's text; shorter ones teach nothing sure
_TIGHT = 0.85  # of the text that the smallest element must hold to be the body
_HOLDS = 0.8  # of the text that a selector's element must hold on a page
_MOSTLY = 0.8  # of the pages on which something must hold
_PRECISE = 0.5  # of the words in a body that must be text
_SOME = 0.3
_SHARED = 0.2  # of the pages that declare the same picture or description
_LEAD = (30, 1_500)  # characters
_NAME, _LABEL = 80, 40  # characters of an author line, of a section's label
_MAX_CANDIDATES = 60
_TITLES = "h1,[itemprop=headline],[class*=title],[class*=headline]"
_DATES = "time,[itemprop*=date],[class*=date],[class*=time],[class*=publish]"
_AUTHORS = "[rel=author],[itemprop=author],[class*=author],[class*=byline]"
_SECTIONS = "[itemprop=articleSection],[class*=rubric],[class*=category],[class*=section],[class*=breadcrumb] a"
_PROSE = frozenset(["p", "li", "blockquote", "h2", "h3", "h4", "figure", "table", "ul", "ol"])
_STABLE = re.compile(r"-?[A-Za-z_][A-Za-z0-9_-]{1,60}\Z")
_FAR_AHEAD = datetime(2100, 1, 1, tzinfo=UTC)  # learning looks at places, not at dates


@dataclass(slots=True)
class Page:
    """One page to learn from, read once: its tree, its text by trafilatura, and where that text is."""

    tree: LexborHTMLParser
    meta: Metadata
    spots: list[Spot]
    at: dict[int, int]  # mem_id of a spot's element to its index
    good: list[int]  # words in and below each spot that are of the text
    bad: list[int]  # words in and below each spot that are not
    home: int
    at_home: frozenset[int]  # indices of the spots in and including ``home``

    def holds(self, nodes: Sequence[LexborNode]) -> tuple[float, float]:
        """Which part of the text ``nodes`` hold, and which part of their words is text."""
        some = [self.at[node.mem_id] for node in nodes if node.mem_id in self.at]
        good, bad = sum(self.good[one] for one in some), sum(self.bad[one] for one in some)
        return good / max(1, self.good[0]), good / max(1, good + bad)


def learn(answers: Sequence[Answer]) -> Templates | None:
    """The templates of the site that ``answers`` are pages of; None if no place is theirs in common."""
    pages = [page for answer in answers[:MAX_PAGES] if (page := _page(answer)) is not None]
    least = 3 if len(pages) >= 8 else 2
    variants: list[Variant] = []
    left = list(range(len(pages)))
    candidates = sorted({selector for page in pages for selector in _selectors(page)})
    found = {selector: _support(selector, pages) for selector in candidates}
    while left and len(variants) < MAX_VARIANTS:
        best = max(found, key=lambda one: _rank(one, found[one], left), default="")
        if not best or len(set(found[best]) & set(left)) < least:
            break
        mine = [pages[at] for at in left if at in found[best]]
        variants.append(_variant(best, mine))
        left = [at for at in left if at not in found[best]]
    if not variants:
        return None
    heroes = _shared(pages, lambda meta: links.file_name(meta.hero.url) if meta.hero else "")
    return Templates(variants=tuple(variants), heroes=heroes, leads=_shared(pages, lambda meta: fold(meta.lead)))


# ---------------------------------------------------------------- reading the pages


def _page(answer: Answer) -> Page | None:
    if answer.status != 200 or not answer.body:
        return None
    html = charset.decode(answer).encode("utf-8", "replace")
    page = tree.parse(html)
    if page.body is None:
        return None
    meta, _ = metadata.read(page, answer.url, now=_FAR_AHEAD, zone="UTC")
    _, text = readable.told(html, meta.body)
    reference = Reference(text)
    if reference.size < _FEW_WORDS:
        return None
    spots = flatten(page.body)
    mark_units(spots)
    has = [reference.has(spot.words) for spot in spots]
    good = summed(spots, [len(spot.words) if has[at] else 0 for at, spot in enumerate(spots)])
    bad = summed(spots, [0 if has[at] else len(spot.words) for at, spot in enumerate(spots)])
    home = _tight(spots, good, densest(spots, reference))
    places = {spot.node.mem_id: at for at, spot in enumerate(spots)}
    inside = frozenset(at for at, is_inside in enumerate(within(spots, home)) if is_inside)
    return Page(tree=page, meta=meta, spots=spots, at=places, good=good, bad=bad, home=home, at_home=inside)


def _tight(spots: list[Spot], good: list[int], home: int) -> int:
    """The smallest element in ``home`` that holds nearly all of its text."""
    children: dict[int, list[int]] = {}
    for at, spot in enumerate(spots):
        children.setdefault(spot.parent, []).append(at)
    least = _TIGHT * good[home]
    while best := [at for at in children.get(home, ()) if good[at] >= least and spots[at].unit < 0]:
        home = best[0]
    return home


# ---------------------------------------------------------------- the body


def _selectors(page: Page) -> set[str]:
    """Ways to name the element that holds a page's text: by itself, or as the child of what is around it."""
    node = page.spots[page.home].node
    own = _names(node)
    found = {name for name in own | _parts(page) if _is_telling(name)}
    steps = ""
    around = node.parent
    for _ in range(2):
        if around is None:
            break
        outer = [name for name in _names(around) if _is_telling(name)]
        found.update(f"{name} > {steps}{inner}" for name in outer for inner in own)
        steps = f"{around.tag} > {steps}"
        around = around.parent
    return {selector for selector in found if template.is_selector(selector)}


def _parts(page: Page) -> set[str]:
    """What the children have in common that together hold the text: some sites cut a body in several."""
    held: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for at in range(page.home + 1, len(page.spots)):
        spot = page.spots[at]
        if spot.parent == page.home and spot.tag not in _PROSE and page.good[at]:
            for name in _names(spot.node):
                held[name] += page.good[at]
                times[name] += 1
    return {name for name in held if times[name] > 1 and held[name] >= _TIGHT * page.good[page.home]}


def _is_telling(name: str) -> bool:
    """Whether a simple selector says more than what any page has."""
    return any(mark in name for mark in ".#[") or name in ("article", "main")


def _names(node: LexborNode) -> set[str]:
    """Simple selectors that match ``node``: name, id, ``itemprop``, each class."""
    tag, attributes = node.tag or "", node.attributes
    found = {tag}
    for token in (attributes.get("class") or "").split()[:12]:
        if _STABLE.match(token):
            found.add(f"{tag}.{token}")
    if _STABLE.match(attributes.get("id") or ""):
        found.add(f"#{attributes['id']}")
    if _STABLE.match(attributes.get("itemprop") or ""):
        found.add(f'[itemprop="{attributes["itemprop"]}"]')
    return found


def _support(selector: str, pages: Sequence[Page]) -> dict[int, float]:
    """The pages on which ``selector`` finds the body, each with how precisely; {} where it misleads on others."""
    right: dict[int, float] = {}
    wrong = 0
    for number, page in enumerate(pages):
        nodes = page.tree.css(selector)
        if not nodes:
            continue
        holds, precise = page.holds(nodes)
        if template.together(nodes) and holds >= _HOLDS and precise >= _PRECISE:
            right[number] = precise
        else:
            wrong += 1
    return right if wrong * 5 <= len(right) else {}


def _rank(selector: str, support: dict[int, float], left: Iterable[int]) -> tuple[int, float, bool, int, int, str]:
    """More pages first, then the tighter element, then a name that says what it is, then the shorter one."""
    mine = [support[at] for at in left if at in support]
    precise = round(sum(mine) / max(1, len(mine)), 2)
    return len(mine), precise, "itemprop" in selector, -selector.count(">"), -len(selector), selector


def _variant(body: str, pages: Sequence[Page]) -> Variant:
    """All that is learnt of the pages whose body is at ``body``."""
    outside = max(template.prose_outside(page.tree, page.tree.css(body)) for page in pages)
    return Variant(
        body=body,
        many=any(len(page.tree.css(body)) > 1 for page in pages),
        noise=noise.learn(body, pages),
        title=_field(pages, _TITLES, _is_title, _MOSTLY),
        lead=_field(pages, "", _is_lead, _SOME),
        date="" if all(page.meta.published for page in pages) else _field(pages, _DATES, _is_date, _MOSTLY),
        author="" if all(page.meta.bylines for page in pages) else _field(pages, _AUTHORS, _is_author, _SOME),
        section="" if all(page.meta.section for page in pages) else _field(pages, _SECTIONS, _is_section, _MOSTLY),
        outside=outside,
    )


# ---------------------------------------------------------------- title, lead, date, author, section


def _field(pages: Sequence[Page], where: str, accept: Callable[[Page, LexborNode], bool], least: float) -> str:
    """The shortest selector whose first element is accepted on most pages, on at least the part ``least`` of them.

    Candidates are the elements that ``where`` finds, or all spots before the body when it is "".
    """
    votes: Counter[str] = Counter()
    for page in pages:
        nodes = page.tree.css(where)[:_MAX_CANDIDATES] if where else _before_body(page)
        votes.update({name for node in nodes if accept(page, node) for name in _names(node) if _is_named(name)})
    best, most = "", 0
    for name, _ in sorted(votes.items(), key=lambda pair: (-pair[1], len(pair[0]), pair[0]))[:_MAX_CANDIDATES]:
        firsts = [(page, node) for page in pages if (node := page.tree.css_first(name)) is not None]
        right = sum(accept(page, node) for page, node in firsts)
        texts = {fold(node.text()) for _, node in firsts}
        # What says the same on all pages is no field of an article.
        if right > most and right >= least * len(pages) and right >= _MOSTLY * len(firsts) and len(texts) > 1:
            best, most = name, right
    return best


def _is_named(name: str) -> bool:
    return _is_telling(name) or name in ("h1", "time")


def _before_body(page: Page) -> list[LexborNode]:
    return [
        spot.node for spot in page.spots[1 : page.home] if spot.words and spot.tag not in ("figcaption", "li", "h1")
    ]


def _is_title(page: Page, node: LexborNode) -> bool:
    return same_text(line(node.text(separator=" ")), page.meta.title)


def _is_lead(page: Page, node: LexborNode) -> bool:
    at = page.at.get(node.mem_id)
    text = line(node.text(separator=" "))
    if at is None or at in page.at_home or not _LEAD[0] <= len(text) <= _LEAD[1] or page.spots[at].is_navigation:
        return False
    is_text = page.good[at] > page.bad[at] or fold(text) == fold(page.meta.lead)
    return is_text and not same_text(text, page.meta.title)


def _is_date(page: Page, node: LexborNode) -> bool:
    return template.date_of(node, "UTC") is not None


def _is_author(page: Page, node: LexborNode) -> bool:
    text = line(node.text(separator=" "))
    return 2 <= len(text) <= _NAME and bool(metadata.names([text]))


def _is_section(page: Page, node: LexborNode) -> bool:
    text = line(node.text(separator=" "))
    return 2 <= len(text) <= _LABEL and not any(map(str.isdigit, text))


def _shared(pages: Sequence[Page], said: Callable[[Metadata], str]) -> tuple[str, ...]:
    """What several pages declare alike: it is of the site and not of a story."""
    counts = Counter(said(page.meta) for page in pages)
    return tuple(sorted(one for one, count in counts.items() if one and count >= max(3, _SHARED * len(pages))))
