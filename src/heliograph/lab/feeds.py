"""What the simulated newsroom offers to machines: feeds, sitemaps, the WordPress REST endpoint, robots.txt."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from html import escape

from heliograph.lab.pages import Site, full_text
from heliograph.lab.phrases import PHRASES
from heliograph.lab.piece import Piece

PER_FEED = 20
PER_SITEMAP = 1_000
_NEWS = 100  # stories in the news sitemap


def rss(site: Site, lang: str, pieces: Sequence[Piece]) -> str:
    """RSS 2.0 with summaries only, as most newsrooms have it."""
    items = "".join(
        f'<item><title>{escape(piece.title)}</title><link>{site.base}{piece.path}</link><guid isPermaLink="true">'
        f"{site.base}{piece.path}</guid><pubDate>{format_datetime(piece.published)}</pubDate>"
        f"<dc:creator>{escape(piece.author)}</dc:creator><category>{escape(piece.section)}</category>"
        f"<description>{escape(piece.lead)}</description>{_enclosure(site, piece)}</item>"
        for piece in pieces[: PER_FEED * 2]
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>'
        f"<title>{_outlet(lang)}</title><link>{site.base}/</link><description>{_outlet(lang)}</description>"
        f"{f'<language>{lang}</language>' if lang else ''}{items}</channel></rss>"
    )


def atom(site: Site, path: str, lang: str, pieces: Sequence[Piece], page: int) -> str:
    """Full-text Atom, in pages linked as RFC 5005 says."""
    shown = pieces[(page - 1) * PER_FEED : page * PER_FEED]
    entries = "".join(
        f'<entry xml:lang="{piece.lang}"><id>{site.base}{piece.path}</id><title>{escape(piece.title)}</title>'
        f'<link rel="alternate" type="text/html" href="{site.base}{piece.path}"/>'
        f"<published>{_iso(piece.published)}</published><updated>{_iso(piece.updated)}</updated>"
        f'<author><name>{escape(piece.author)}</name></author><category term="{escape(piece.section)}"/>'
        f'<summary>{escape(piece.lead)}</summary><content type="html">{escape(full_text(site, piece))}</content>'
        "</entry>"
        for piece in shown
    )
    onward = f'<link rel="next" href="{site.base}{path}?page={page + 1}"/>' if len(pieces) > page * PER_FEED else ""
    newest = _iso(max((piece.updated for piece in pieces), default=datetime(2020, 1, 1, tzinfo=UTC)))
    return (
        f'<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><id>{site.base}{path}</id>'
        f'<title>{_outlet(lang)}</title><updated>{newest}</updated><link rel="self" href="{site.base}{path}"/>{onward}'
        f"{entries}</feed>"
    )


def json_feed(site: Site, path: str, lang: str, pieces: Sequence[Piece]) -> str:
    """JSON Feed 1.1."""
    items = [
        {
            "id": site.base + piece.path,
            "url": site.base + piece.path,
            "title": piece.title,
            "summary": piece.lead,
            "content_html": full_text(site, piece),
            "date_published": _iso(piece.published),
            "date_modified": _iso(piece.updated),
            "language": piece.lang,
            "authors": [{"name": piece.author}],
            "tags": [piece.section, *piece.tags],
            **({"image": f"{site.base}/media/{piece.picture}.jpg"} if piece.picture else {}),
        }
        for piece in pieces[:PER_FEED]
    ]
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": _outlet(lang),
        "home_page_url": f"{site.base}/",
        "feed_url": site.base + path,
        "items": items,
    }
    return json.dumps(feed, ensure_ascii=False)


def sitemap_index(site: Site) -> str:
    """The sitemap index: the archive's parts (compressed) and the news sitemap."""
    parts = "".join(
        f"<sitemap><loc>{site.base}/sitemap-{number}.xml.gz</loc></sitemap>"
        for number in range(1, -(-len(site.pieces) // PER_SITEMAP) + 1)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        f"{parts}<sitemap><loc>{site.base}/news-sitemap.xml</loc></sitemap></sitemapindex>"
    )


def sitemap_part(site: Site, number: int) -> bytes | None:
    """Part ``number`` (from 1) of the archive, gzip-compressed as a file; None if there is none."""
    shown = site.pieces[(number - 1) * PER_SITEMAP : number * PER_SITEMAP] if number > 0 else ()
    rows = "".join(
        f"<url><loc>{site.base}{piece.path}</loc><lastmod>{_iso(piece.updated)}</lastmod></url>" for piece in shown
    )
    text = (
        '<?xml version="1.0" encoding="utf-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">'
        f"{rows}</urlset>"
    )
    return gzip.compress(text.encode(), mtime=0) if shown else None


def news_sitemap(site: Site) -> str:
    """The newest stories with the fields of the news extension."""
    rows = "".join(
        f"<url><loc>{site.base}{piece.path}</loc><lastmod>{_iso(piece.updated)}</lastmod><news:news><news:publication>"
        f"<news:name>{_outlet(piece.lang)}</news:name><news:language>{piece.lang}</news:language></news:publication>"
        f"<news:publication_date>{_iso(piece.published)}</news:publication_date><news:title>{escape(piece.title)}"
        "</news:title></news:news></url>"
        for piece in site.pieces[:_NEWS]
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" '
        f'xmlns:news="http://www.google.com/schemas/sitemap-news/0.9">{rows}</urlset>'
    )


def wordpress(site: Site, page: int, per_page: int) -> tuple[int, str, int]:
    """Status, JSON and number of pages of ``/wp-json/wp/v2/posts``; behind the last page WordPress answers 400."""
    pages = max(1, -(-len(site.pieces) // per_page))
    if not 1 <= page <= pages:
        error = {"code": "rest_post_invalid_page_number", "message": "no such page", "data": {"status": 400}}
        return 400, json.dumps(error), pages
    shown = site.pieces[(page - 1) * per_page : page * per_page]
    first = len(site.pieces) - (page - 1) * per_page
    return 200, json.dumps([_post(site, piece, first - row) for row, piece in enumerate(shown)]), pages


def robots(site: Site) -> str:
    """Everybody may read; here is the map."""
    return f"User-agent: *\nAllow: /\n\nSitemap: {site.base}/sitemap.xml\n"


def _post(site: Site, piece: Piece, number: int) -> dict[str, object]:
    terms: list[list[dict[str, str]]] = [
        [{"taxonomy": "category", "name": piece.section}] if piece.section else [],
        [{"taxonomy": "post_tag", "name": tag} for tag in piece.tags],
    ]
    embedded: dict[str, object] = {"author": [{"name": piece.author}], "wp:term": terms}
    if piece.picture:
        embedded["wp:featuredmedia"] = [
            {"source_url": f"{site.base}/media/{piece.picture}.jpg", "alt_text": piece.caption, "media_type": "image"}
        ]
    return {
        "id": number,
        "date": f"{piece.published:%Y-%m-%dT%H:%M:%S}",
        "date_gmt": f"{piece.published.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
        "modified_gmt": f"{piece.updated.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
        "slug": piece.path.rsplit("/", 1)[-1],
        "status": "publish",
        "type": "post",
        "link": site.base + piece.path,
        "title": {"rendered": escape(piece.title)},
        "content": {"rendered": full_text(site, piece), "protected": False},
        "excerpt": {"rendered": f"<p>{escape(piece.lead)}</p>", "protected": False},
        "_embedded": embedded,
    }


def _enclosure(site: Site, piece: Piece) -> str:
    if not piece.picture:
        return ""
    return f'<enclosure url="{site.base}/media/{piece.picture}.jpg" type="image/jpeg" length="0"/>'


def _outlet(lang: str) -> str:
    return PHRASES[lang].outlet if lang in PHRASES else PHRASES["en"].outlet


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
