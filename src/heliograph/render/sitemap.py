"""Sitemaps: ``a/sitemap.xml`` names the months, ``a/m/<month>.xml`` the stories of one, for tools that walk a mirror.

Rule 1: ``loc`` is relative (``../7k3vq2m.html``). The protocol asks for an absolute address on the same host, which
no file can tell that is the same on every mirror; the origin's address would be absolute, but a reader of the sitemap
would drop it as a foreign host or walk into the blocked site. What resolves ``loc`` against the sitemap's own address,
as links are resolved everywhere else, walks the mirror it found the sitemap on.
Rule 2: the story's address at its origin, where that is a web address, is the link with ``rel="canonical"`` beside it:
so a list of the newsroom's own addresses can be mapped to stories.
Rule 3: a file of a month has ``ENTRIES`` stories, counted from the month's oldest, so that a new story changes the last
file alone and the index knows from the counts how many there are; long addresses are left out where they would make a
file too large.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC

from heliograph.model.edition import Brief, File, Material, Select, SheetKey, Want
from heliograph.render import blocks, encode, packer
from heliograph.render.look import Look
from heliograph.render.packer import BudgetError, Piece

ENTRIES = 50
_LONGEST = (2_000, 120, 0)  # characters of an origin's address, the shorter limits only where needed
_PATH = "a/sitemap.xml"
_HEAD = '<?xml version="1.0" encoding="utf-8"?>\n'
_SPACES = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def want(key: SheetKey, look: Look) -> Want:
    """How many stories each month has; for a month its stories."""
    if key.kind == "sitemap":
        return Want(tally="month")
    return Want(briefs=Select(first_day=f"{key.of}-01", last_day=f"{key.of}-31"))


def index(material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    """The files of all months, newest first; where they are too many for one response, the index has parts itself."""
    names = [
        packer.part_path(f"m/{month}.xml", number)
        for month in sorted(material.tally, reverse=True)
        for number in range(1, -(-material.tally[month] // ENTRIES) + 1)
    ]

    def page(texts: Sequence[str], number: int, total: int) -> str:
        further = range(2, total + 1) if number == 1 else ()
        parts = (_loc("sitemap", packer.part_path("sitemap.xml", part)) for part in further)
        return f"{_HEAD}<sitemapindex {_SPACES}>{''.join(parts)}{''.join(texts)}</sitemapindex>"

    return packer.pack(_PATH, [Piece(_loc("sitemap", name)) for name in names], page, dense=dense)


def month(key: SheetKey, material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    """The stories of one month."""
    briefs = material.briefs[::-1]
    groups = [briefs[start : start + ENTRIES] for start in range(0, len(briefs), ENTRIES)]
    made = [_file(packer.part_path(f"a/m/{key.of}.xml", number), group) for number, group in enumerate(groups, 1)]
    return tuple(encode.denser(one) for one in made) if dense else tuple(made)


def _file(path: str, briefs: Sequence[Brief]) -> File:
    for longest in _LONGEST:
        urls = "".join(_url(brief, longest) for brief in briefs)
        content = f'{_HEAD}<urlset {_SPACES} xmlns:xhtml="http://www.w3.org/1999/xhtml">{urls}</urlset>'
        made = encode.attempt(path, content.encode("utf-8", "replace"), rescue=True).file
        if made:
            return made
    raise BudgetError("a sitemap does not fit", where=path)


def _url(brief: Brief, longest: int) -> str:
    origin = blocks.safe_href(brief.url) if brief.url.startswith("http") and len(brief.url) <= longest else ""
    link = f'<xhtml:link rel="canonical" href="{blocks.attribute(origin)}"/>' if origin else ""
    changed = f"<lastmod>{brief.updated.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}</lastmod>"
    return _loc("url", f"../{brief.code}.html", changed + link)


def _loc(element: str, address: str, more: str = "") -> str:
    return f"<{element}><loc>{address}</loc>{more}</{element}>\n"
