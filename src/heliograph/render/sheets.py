"""Sheets: the units in which an edition is planned, rendered and replaced; here every kind of page is named once.

Rule 1: ``touched`` names all sheets that a change of one story may change, and no more than that change demands.
Rule 2: a sheet that has lost its stories gives no files. Rule 3: rendering reads nothing but its arguments, so that
the same material gives the same bytes on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime

from heliograph.model.edition import Brief, File, Issue, Material, Rendered, Select, SheetKey, Want
from heliograph.model.story import Block, Embed, Figure, Heading, Listing, Paragraph, Quote, Rule, Runs, Story, Table
from heliograph.model.trouble import Problem
from heliograph.render import feeds, lists, pictures, search, sitemap, story_page
from heliograph.render.look import Look
from heliograph.render.packer import BudgetError

Render = Callable[[SheetKey, Material, Look, bool], tuple[File, ...]]

_NEWEST_OF_SECTION = 80  # stories asked for; as many of them as fit are shown
_SEARCH_HASH_BITS = 32
_ONE_STORY = frozenset({"story", "picture"})  # kinds whose failure costs no other story's readers anything


def _feed(key: SheetKey, material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    return feeds.head(material, look, dense) if key.kind == "feed" else feeds.day(key, material, look, dense)


def _sitemap(key: SheetKey, material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    if key.kind == "sitemap":
        return sitemap.index(material, look, dense)
    return sitemap.month(key, material, look, dense)


def _search(key: SheetKey, material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    return search.shard(key, material, look, dense) if key.kind == "search" else search.page(material, look, dense)


_RENDER: dict[str, Render] = {
    "story": story_page.story,
    "front": lists.front,
    "section": lists.section,
    "section-month": lists.section_month,
    "day": lists.day,
    "month": lists.month,
    "archive": lists.archive,
    "about": lists.about,
    "missing": lists.missing,
    "mirrors": lists.mirrors,
    "robots": lists.robots,
    "feed": _feed,
    "feed-day": _feed,
    "sitemap": _sitemap,
    "sitemap-month": _sitemap,
    "search": _search,
    "search-page": _search,
    "picture": pictures.page,
}

KINDS: tuple[str, ...] = tuple(_RENDER)


# What can follow the text once there is an edition: documents that programs fetch now and then, and the search index,
# in which a story may be found a moment later than it stands on the front page.
LATER = frozenset({"feed", "feed-day", "sitemap", "sitemap-month", "search", "search-page"})


def touched(before: Brief | None, after: Brief | None, look: Look) -> frozenset[SheetKey]:
    """The sheets that change when a story appears (``before`` is None), changes, or goes (``after`` is None)."""
    briefs = [brief for brief in (before, after) if brief is not None]
    if not briefs:
        return frozenset()
    keys = {SheetKey("feed")}
    for brief in briefs:
        keys |= {SheetKey("story", brief.code), SheetKey("feed-day", brief.day)}
    if before is None or after is None or _listed(before) != _listed(after):
        for brief in briefs:
            keys.update(_lists_of(brief, look))
    elif before.updated != after.updated:
        keys.add(SheetKey("sitemap-month", after.day[:7]))
    return frozenset(keys)


def always() -> frozenset[SheetKey]:
    """The sheets that tell of the edition itself and so change with every edition."""
    return frozenset({SheetKey("about"), SheetKey("front")})


def standing(look: Look) -> frozenset[SheetKey]:
    """The sheets that exist whatever stories there are."""
    kinds = ("front", "archive", "about", "missing", "mirrors", "robots", "feed", "sitemap", "search-page")
    fronts = {SheetKey("front", lang) for lang in look.languages if lang != look.lang}
    return frozenset(SheetKey(kind) for kind in kinds) | fronts


def want(key: SheetKey, look: Look) -> Want:
    """What the sheet must be given."""
    match key.kind:
        case "story":
            return Want(stories=Select(code=key.of))
        case "front":
            # An edition in one language shows everything, also a story whose language was not recognised.
            lang = key.of or (look.lang if len(look.languages) > 1 else "")
            return Want(briefs=Select(lang=lang, newest=look.front), tally="section", tally_of=Select(lang=lang))
        case "section":
            newest = Select(section_key=key.of, newest=_NEWEST_OF_SECTION)
            return Want(briefs=newest, tally="month", tally_of=Select(section_key=key.of))
        case "section-month":
            section_key, _, month = key.of.rpartition("/")
            return Want(briefs=_month(month, section_key))
        case "day":
            return Want(briefs=Select(first_day=key.of, last_day=key.of))
        case "month":
            return Want(tally="day", tally_of=_month(key.of))
        case "archive":
            return Want(tally="month")
        case "about":
            return Want(tally="lang")
        case "missing" | "mirrors" | "robots":
            return Want()
        case _:
            return _foreign_want(key, look)


def links(story: Story) -> tuple[str, ...]:
    """The links in the story's text that may lead to other stories, each once, in reading order."""
    found = (run.href for block in story.blocks for runs in _runs(block) for run in runs)
    return tuple(dict.fromkeys(href for href in found if href[:4].lower() == "http"))


def sheet(key: SheetKey, material: Material, look: Look, *, dense: bool = False) -> Rendered:
    """Render one sheet.

    Raises:
        BudgetError: what all pages carry is too large; the newsroom must shorten it.
    """
    return Rendered(key=key, files=_RENDER[key.kind](key, material, look, dense))


def batch(work: Sequence[tuple[SheetKey, Material]], look: Look, dense: bool) -> list[Rendered]:
    """Render many sheets, in a worker process. A story that cannot be rendered becomes a problem, and the rest go on.

    A list that cannot be rendered is another matter: without files it would vanish from every mirror, so that
    failure ends the batch, as does a page frame that leaves no room for text.
    """
    done = []
    for key, material in work:
        try:
            done.append(sheet(key, material, look, dense=dense))
        except Exception as error:  # one hostile story must not stop the edition, whatever it breaks
            if key.kind not in _ONE_STORY or (isinstance(error, BudgetError) and not _leaves_room(look)):
                raise
            done.append(Rendered(key=key, files=(), problems=(_failure(key, material, error),)))
    return done


def _leaves_room(look: Look) -> bool:
    """Whether the frame of this look's pages has room for a story at all."""
    first = datetime(2000, 1, 1, tzinfo=UTC)
    told = Story(url="", code="0" * 7, lang=look.lang, title="", blocks=(), published=first, updated=first)
    issue = Issue(number=0, made=first, stories=0, files=0, written=0, gone=0)
    try:
        story_page.story(SheetKey("story", told.code), Material(issue=issue, stories=(told,)), look, False)
    except BudgetError:
        return False
    return True


def _failure(key: SheetKey, material: Material, error: Exception) -> Problem:
    where = material.stories[0].url if material.stories else f"{key.kind} {key.of}"
    return Problem(
        where=where,
        what=f"the {key.kind} could not be made into a page: {type(error).__name__}: {error}",
        remedy="Please report this with the page's address; the rest of the edition is not affected.",
    )


def _listed(brief: Brief) -> tuple[object, ...]:
    """All of a brief that lists, the search index and feeds' summaries show."""
    return (
        brief.code, brief.url, brief.lang, brief.title, brief.lead, brief.section, brief.section_key,
        brief.published, brief.day, brief.bylines, brief.tags,
    )  # fmt: skip


def _lists_of(brief: Brief, look: Look) -> Iterator[SheetKey]:
    month = brief.day[:7]
    yield SheetKey("front", brief.lang if brief.lang in look.languages and brief.lang != look.lang else "")
    yield SheetKey("day", brief.day)
    yield SheetKey("month", month)
    yield SheetKey("archive")
    yield SheetKey("sitemap")
    yield SheetKey("sitemap-month", month)
    if brief.section_key:
        yield SheetKey("section", brief.section_key)
        yield SheetKey("section-month", f"{brief.section_key}/{month}")
    for term in search.terms(brief):
        yield SheetKey("search", format(term >> (_SEARCH_HASH_BITS - look.search_bits), "x"))


def _month(month: str, section_key: str = "") -> Select:
    return Select(section_key=section_key, first_day=f"{month}-01", last_day=f"{month}-31")


def _foreign_want(key: SheetKey, look: Look) -> Want:
    wants = {
        "feed": feeds.want, "feed-day": feeds.want, "sitemap": sitemap.want, "sitemap-month": sitemap.want,
        "search": search.want, "search-page": search.want, "picture": pictures.want,
    }  # fmt: skip
    return wants[key.kind](key, look)


def _runs(block: Block) -> tuple[Runs, ...]:
    match block:
        case Paragraph(runs=runs) | Heading(runs=runs) | Quote(runs=runs) | Figure(caption=runs):
            return (runs,)
        case Listing(items=items):
            return items
        case Table(rows=rows):
            return tuple(cell for row in rows for cell in row)
        case Embed() | Rule():
            return ()
