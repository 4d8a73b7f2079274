"""One article: what a source told of it and the page behind it, to a story.

The body is, in this order: what the source itself carries; the page at the place learnt for its site; JSON-LD
``articleBody`` or trafilatura's word for which of the page's text is the article. JSON-LD alone is plain text without
links, pictures and quotations, so it is used as a witness: where it has clearly more than the learnt place gave, that
place was wrong on this page. A file of the operator's own is taken as it is.
"""

from __future__ import annotations

import codecs
import functools
import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from heliograph.capture import cards, charset, links, markup, metadata, readable, template, tree
from heliograph.capture.charset import decode
from heliograph.capture.metadata import Metadata
from heliograph.capture.settle import Raw, settle
from heliograph.capture.template import Applied, Templates
from heliograph.capture.text import fold, lines
from heliograph.model import Answer, Block, Figure, Paragraph, Picture, Problem, Story, Tip
from heliograph.model.names import canonical_url
from heliograph.model.story import Run, block_texts

if TYPE_CHECKING:
    from collections.abc import Callable

    from selectolax.lexbor import LexborHTMLParser, LexborNode

__all__ = ["Reading", "decode", "fuller", "read"]

MAX_PAGE = 16_000_000  # bytes
MAX_MARKDOWN = 3_000_000  # characters
_FULLER = 1.25  # times the text of a feed from which the page is worth fetching
_WITNESS = 1.25  # times the text at the learnt place that JSON-LD must have to speak against it
_WITNESS_LEAST = 400  # characters
_PAGES = frozenset(["", "text/html", "application/xhtml+xml", "application/xml", "text/xml", "text/plain"])
_GAP = re.compile(r"\n[ \t]*\n")

_BROKEN = "\ufffd"
_MAX_FIGURES = 12  # of a page in which its leading picture is looked for

Method = Literal["feed", "json-ld", "template", "trafilatura", "file"]
_TEMPLATE: Method = "template"
_TRAFILATURA: Method = "trafilatura"
_JSON_LD: Method = "json-ld"


@dataclass(frozen=True, slots=True)
class Reading:
    """A story, or None where there was none to read; how it was read; and what was wrong with it."""

    story: Story | None
    method: Method
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Setting:
    """What holds for all stories of one pass over a source."""

    templates: Templates | None
    now: datetime
    zone: str
    lang: str

    def reading(self, raw: Raw, method: Method, problems: tuple[Problem, ...] = ()) -> Reading:
        story, more = settle(raw, self.now, self.lang)
        return Reading(story=story, method=method, problems=problems + more)


def read(
    tip: Tip, answer: Answer | None, templates: Templates | None, now: datetime, zone: str, default_lang: str
) -> Reading:
    """The story that ``tip`` tells of; ``answer`` is the page behind it, or None. Never raises.

    Where the tip has a body and there is a page, too, the page is taken if it has clearly more text. ``zone`` (IANA)
    is that of dates without one, ``default_lang`` the language of a text that does not show its own.
    """
    setting = _Setting(templates=templates, now=now, zone=zone, lang=default_lang)
    carried = _carried(tip, setting) if tip.body_kind else None
    if answer is None:
        return carried or _summary(tip, setting)
    page = _page(tip, answer, setting)
    if carried is None or carried.story is None:
        return page
    return page if page.story is not None and fuller(carried.story, page.story) else carried


def fuller(tip_story: Story, page_story: Story) -> bool:
    """Whether the page has clearly more text than the feed, so that links are worth following."""
    return _length(page_story.blocks) >= _FULLER * max(1, _length(tip_story.blocks))


def _length(blocks: tuple[Block, ...]) -> int:
    return sum(map(len, block_texts(blocks)))


# ---------------------------------------------------------------- what the source carries


def _carried(tip: Tip, setting: _Setting) -> Reading:
    """The story from the tip alone."""
    if tip.body_kind == "page":
        return _file_page(tip, setting)
    if tip.body_kind == "html":
        return setting.reading(_raw(tip, markup.blocks(tip.body, tip.url)), "feed")
    if tip.body_kind == "markdown":
        return setting.reading(_raw(tip, markup.blocks(_html_of(tip.body), tip.url, files=True)), "file")
    return setting.reading(_raw(tip, _paragraphs(tip.body)), "file")


def _summary(tip: Tip, setting: _Setting, problems: tuple[Problem, ...] = ()) -> Reading:
    """What a source says of a story whose text it does not carry."""
    return setting.reading(_raw(tip, ()), "feed", problems)


def _file_page(tip: Tip, setting: _Setting) -> Reading:
    """An HTML file of the operator's own: its article, its main part or all of it; a saved page is read as one."""
    html = tip.body.encode("utf-8", "replace")
    page = tree.parse(html)
    meta, problems = metadata.read(page, tip.url, now=setting.now, zone=setting.zone)
    nodes = [page.css_first(selector) for selector in ("article", "main", "body")]
    if page.css_first("nav,aside,footer") is None:
        blocks = next((read for node in nodes if node and (read := markup.blocks_in(node, tip.url, files=True))), ())
    else:
        found = readable.read(page, html, tip.url, meta.body, files=True)
        blocks = found.blocks if found else ()
    raw = _merged(tip, meta, blocks, _tip_picture(tip))
    return setting.reading(replace(raw, url=canonical_url(tip.url) or tip.url, aliases=()), "file", problems)


def _raw(tip: Tip, blocks: tuple[Block, ...]) -> Raw:
    return Raw(
        url=canonical_url(tip.url) or tip.url,
        title=tip.title,
        blocks=blocks,
        lead=tip.lead,
        bylines=tip.bylines,
        section=tip.section,
        tags=tip.tags,
        langs=(tip.lang,),
        published=tip.published,
        updated=tip.updated,
        hero=_tip_picture(tip),
    )


def _tip_picture(tip: Tip) -> Figure | None:
    files = tip.body_kind in ("markdown", "page", "text")  # only a folder's stories come so
    url = links.picture(tip.url, tip.picture, files=files) if tip.picture else ""
    return Figure(picture=Picture(url=url)) if url else None


def _html_of(source: str) -> str:
    return _markdown()(source[:MAX_MARKDOWN])


@functools.cache
def _markdown() -> Callable[[str], str]:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.validateLink = lambda url: True  # type: ignore[method-assign]  # ``links`` judges each, pictures' files, too
    return parser.render


def _paragraphs(text: str) -> tuple[Block, ...]:
    """Plain text: a paragraph between blank lines, or a line where there are none."""
    groups = _GAP.split(text)
    rows = ["\n".join(lines(group)) for group in groups] if len(groups) > 1 else lines(text)
    return tuple(Paragraph(runs=(Run(row),)) for row in rows if row)[: markup.MAX_BLOCKS]


# ---------------------------------------------------------------- the page


def _page(tip: Tip, answer: Answer, setting: _Setting) -> Reading:
    if trouble := _trouble(answer):
        problem = Problem(where=tip.url, what=trouble, remedy="open the address in a browser; it is tried again")
        return Reading(story=None, method="trafilatura", problems=(problem,))
    url = answer.url or tip.url
    if not charset.is_utf8(answer):
        return _from_html(tip, decode(answer).encode("utf-8", "replace"), url, setting)
    reading = _from_html(tip, answer.body.removeprefix(codecs.BOM_UTF8), url, setting)
    if reading.story is not None and _is_broken(reading.story):
        # It was taken for UTF-8 unseen, which saves a look at every byte of nearly every page; this one is not.
        return _from_html(tip, decode(answer).encode("utf-8", "replace"), url, setting)
    return reading


def _trouble(answer: Answer) -> str:
    """Why an answer is no page, or ""."""
    if answer.status != 200:
        return answer.failure or f"the site answered {answer.status}"
    if answer.media_type not in _PAGES:
        return f"it is no page but {answer.media_type[:60]}"
    if len(answer.body) > MAX_PAGE:
        return f"the page has {len(answer.body):,} bytes; the limit is {MAX_PAGE:,}"
    return "" if answer.body else "the page is empty"


def _is_broken(story: Story) -> bool:
    return _BROKEN in story.title or any(_BROKEN in text for text in block_texts(story.blocks))


def _from_html(tip: Tip, html: bytes, url: str, setting: _Setting) -> Reading:
    page = tree.parse(html)
    base = metadata.base_of(page, url)
    meta, problems = metadata.read(page, url, now=setting.now, zone=setting.zone)
    applied = template.apply(setting.templates, page, base, setting.zone) if setting.templates else None
    blocks, method = (applied.blocks, _TEMPLATE) if applied else ((), _TRAFILATURA)
    if applied is None or _speaks_against(meta.body, blocks):
        found = readable.read(page, html, base, meta.body)
        if found is not None and _length(found.blocks) > _length(blocks):
            blocks, method = found.blocks, _JSON_LD if found.method == "json-ld" else _TRAFILATURA
    if not blocks:
        problem = Problem(where=tip.url, what="no article was found on the page", remedy="exclude it if it is none")
        return _summary(tip, setting, (problem,)) if tip.title else Reading(None, method, (*problems, problem))
    raw = _merged(tip, meta, blocks, _hero(page, meta, base, setting.templates), applied, setting.templates)
    return setting.reading(raw, method, problems)


def _speaks_against(claimed: str, blocks: tuple[Block, ...]) -> bool:
    """Whether JSON-LD has clearly more text than the learnt place gave."""
    if not claimed:
        return False
    least = _WITNESS * _length(blocks) + _WITNESS_LEAST
    return len(claimed) > least and len(readable.plain(claimed)) > least


def _merged(
    tip: Tip,
    meta: Metadata,
    blocks: tuple[Block, ...],
    hero: Figure | None,
    applied: Applied | None = None,
    templates: Templates | None = None,
) -> Raw:
    """One story of what the page shows, what it declares and what the source said, believed in this order."""
    shown = applied or Applied(blocks=())
    declared = "" if shown.lead or meta.lead.endswith(("…", "...")) else meta.lead
    if declared and templates and templates.leads and fold(declared) in templates.leads:
        declared = ""
    own = canonical_url(tip.url) or tip.url
    return Raw(
        url=meta.url,
        title=shown.title or meta.title or tip.title,
        blocks=blocks,
        lead=shown.lead or declared or tip.lead,
        bylines=meta.bylines or shown.bylines or tip.bylines,
        section=meta.section or shown.section or tip.section,
        tags=meta.tags or tip.tags,
        langs=(meta.lang, tip.lang),
        published=meta.published or shown.published or tip.published,
        updated=meta.updated or tip.updated,
        hero=hero or _tip_picture(tip),
        aliases=() if own == meta.url else (own,),
    )


def _hero(page: LexborHTMLParser, meta: Metadata, base: str, templates: Templates | None) -> Figure | None:
    """The picture a page puts forward, with the caption it has there; none that stands for the whole site."""
    if meta.hero is None:
        return None
    name = links.file_name(meta.hero.url)
    if templates and name in templates.heroes:
        return None
    first = page.css_first("figure")
    if first is None:
        return Figure(picture=meta.hero)
    found = _figure_of(first, name, base)
    rest = page.css("figure")[1:_MAX_FIGURES] if found is None else ()
    return found or next((same for node in rest if (same := _figure_of(node, name, base))), Figure(picture=meta.hero))


def _figure_of(figure: LexborNode, name: str, base: str) -> Figure | None:
    """The first picture of ``figure`` if its file is called ``name``."""
    first = next((block for block in cards.figures(figure, base) if isinstance(block, Figure)), None)
    return first if first is not None and links.file_name(first.picture.url) == name else None
