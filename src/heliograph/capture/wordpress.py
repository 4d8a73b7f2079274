"""WordPress: its REST interface (``/wp-json/wp/v2/posts``) and its export file (WXR).

Rule 1: only what a visitor could read is taken: published, without a password. Rule 2: ``modified_gmt`` is the stamp,
so that a post is read again when its text changed. Rule 3: an export is streamed; its raw text gets the paragraphs
that WordPress itself would make when it shows a post.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from heliograph.capture.charset import decode
from heliograph.capture.language import primary
from heliograph.capture.text import line
from heliograph.capture.tips import MAX_TEXT, absolute, moment, plain
from heliograph.capture.xmlsafe import Field, Record, stream
from heliograph.model import Answer, Ask, Found, Problem, Source, Tip
from heliograph.model.names import canonical_url

PER_PAGE = 100  # posts; the most that WordPress allows
MAX_PAGES = 1_000
LIMIT = 67_108_864  # bytes; a hundred long posts with what is embedded, or an export
MAX_ITEMS = 50_000  # of one export
_POSTS = "wp/v2/posts"
_EMBED = "author,wp:term,wp:featuredmedia"
_ITEM = frozenset(
    {
        "title", "link", "pubDate", "creator", "encoded", "post_id", "post_date_gmt", "post_modified_gmt", "status",
        "post_type", "post_password", "attachment_url", "category", "postmeta/meta_key", "postmeta/meta_value",
    }
)  # fmt: skip
_FIELDS = {"item": _ITEM, "author": frozenset({"author_login", "author_display_name"})}
_SHORTCODE = re.compile(r"\[/?(?:caption|gallery|embed|video|audio|playlist|vc_\w+|et_pb_\w+)\b[^\[\]]{0,2000}\]")
_EMBEDDED = re.compile(r"\[embed[^\[\]]{0,200}\]\s{0,20}(https?://[^\s\[\]<>\"]{1,1000})\s{0,20}\[/embed\]")
_BLOCK_START = re.compile(
    r"\s*<(?:/?(?:p|div|h[1-6]|ul|ol|li|table|thead|tbody|tr|td|th|blockquote|figure|figcaption|pre|hr|iframe|section|"
    r"article|aside|details|dl|dt|dd)\b|!--)",
    re.IGNORECASE,
)
_TRASHED = re.compile(r"__trashed(?:-\d+)?(?=/?$)")


def start(source: Source) -> Found:
    """The first page of posts, or the export."""
    if _is_export(source.url):
        return Found(asks=(Ask(url=source.url, limit=LIMIT),))
    return Found(asks=(Ask(url=_page(source.url, 1), limit=LIMIT),))


def is_past_the_end(source: Source, ask: Ask, answer: Answer) -> bool:
    """Whether the answer is WordPress' way to say that there are no more pages, which is no trouble."""
    return answer.status in {400, 404} and ask.depth > 0 and not _is_export(source.url)


def read(source: Source, ask: Ask, answer: Answer) -> Found:
    """The posts of one page and the ask for the next, or those of an export."""
    text = decode(answer)
    if _is_export(source.url) or text[:200].lstrip().startswith("<?xml"):
        return _export(ask, text)
    try:
        posts = json.loads(text)
    except (ValueError, RecursionError):
        posts = None
    if not isinstance(posts, list):
        what = "does not answer as WordPress' list of posts"
        remedy = "give the site's address, see whether /wp-json/ is switched off there, or use a feed or sitemap"
        return Found(problems=(Problem(where=ask.url, what=what, remedy=remedy, fatal=True),))
    tips = tuple(tip for post in posts[:PER_PAGE] if isinstance(post, dict) and (tip := _tip(post, answer.url)))
    number = _number(ask.url)
    wanted = not source.newest or number * PER_PAGE < source.newest
    if len(posts) >= PER_PAGE and wanted and number < MAX_PAGES:
        return Found(tips=tips, asks=(Ask(url=_page(source.url, number + 1), depth=number, limit=LIMIT),))
    return Found(tips=tips)


def _is_export(url: str) -> bool:
    return urlsplit(url).path.lower().endswith((".xml", ".wxr"))


def _page(url: str, number: int) -> str:
    """The address of a page of posts, for the site's address, its ``/wp-json/`` or that of its posts."""
    parts = urlsplit(url)
    if any(key == "rest_route" for key, _ in parse_qsl(parts.query)):  # a site without readable addresses
        path, query = parts.path, [("rest_route", f"/{_POSTS}")]
    else:
        before, mark, _ = parts.path.partition("/wp-json")
        path, query = f"{before if mark else parts.path.rstrip('/')}/wp-json/{_POSTS}", []
    query += [("per_page", str(PER_PAGE)), ("page", str(number)), ("_embed", _EMBED)]
    return urlunsplit((parts.scheme, parts.netloc, path, urlencode(query, safe=":,/"), ""))


def _number(url: str) -> int:
    value = dict(parse_qsl(urlsplit(url).query)).get("page", "1")
    return int(value[:6]) if value.isascii() and value.isdigit() else 1


# ---------------------------------------------------------------- REST


def _tip(post: dict[str, Any], base: str) -> Tip | None:
    """One post; None for one that a visitor could not read."""
    content = _dict(post.get("content"))
    url = canonical_url(_text(post.get("link")), base) if _text(post.get("link")) else ""
    if not url or post.get("status", "publish") != "publish" or content.get("protected"):
        return None
    embedded = _dict(post.get("_embedded"))
    categories, tags = _terms(embedded)
    modified = _text(post.get("modified_gmt")) or _text(post.get("modified"))
    excerpt = plain(_rendered(post.get("excerpt")))
    body = _rendered(content)
    return Tip(
        url=url,
        stamp=modified[:40],
        title=plain(_rendered(post.get("title"))),
        # WordPress cuts an excerpt out of the text where nobody wrote one.
        lead="" if re.search(r"(\[…\]|…|\[\.\.\.\])\W*$", excerpt) else excerpt,
        lang=primary(_text(post.get("lang"))),
        section=categories[0] if categories else "",
        bylines=tuple(_author_names(embedded)),
        tags=tuple(dict.fromkeys([*categories[1:], *tags]))[:20],
        published=moment(_text(post.get("date_gmt")) or _text(post.get("date"))),
        updated=moment(modified),
        picture=_picture(embedded, base),
        body=body[:MAX_TEXT],
        body_kind="html" if body.strip() else "",
    )


def _rendered(value: object) -> str:
    return _text(_dict(value).get("rendered"))


def _terms(embedded: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Names of categories and of tags."""
    found: dict[str, list[str]] = {"category": [], "post_tag": []}
    for group in _list(embedded.get("wp:term")):
        for term in _list(group):
            name = plain(_text(_dict(term).get("name")), 100)
            kind = _text(_dict(term).get("taxonomy"))
            if name and kind in found and len(found[kind]) < 20:
                found[kind].append(name)
    return found["category"], found["post_tag"]


def _author_names(embedded: dict[str, Any]) -> Iterator[str]:
    for author in _list(embedded.get("author"))[:10]:
        if name := plain(_text(_dict(author).get("name")), 200):
            yield name


def _picture(embedded: dict[str, Any], base: str) -> str:
    for media in _list(embedded.get("wp:featuredmedia"))[:1]:
        if address := _text(_dict(media).get("source_url")):
            return absolute(address, base)
    return ""


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


# ---------------------------------------------------------------- export


def _export(ask: Ask, text: str) -> Found:
    document = stream(text, _FIELDS, MAX_ITEMS)
    problems: list[Problem] = []
    items = [record for name, record in document.records if name == "item"]
    if document.trouble or not items:
        what = f"the export {document.trouble or 'holds no posts'}"
        remedy = "export the posts again (Tools, Export), in several files if it is large"
        problems.append(Problem(where=ask.url, what=what, remedy=remedy, fatal=not items))
    names = dict(_display_names(record for name, record in document.records if name == "author"))
    pictures = {
        _field(item, "post_id"): _field(item, "attachment_url") for item in items if _field(item, "attachment_url")
    }
    tips = tuple(tip for item in items if (tip := _exported(item, names, pictures)))
    return Found(tips=tips, problems=tuple(problems))


def _display_names(authors: Iterator[Record]) -> Iterator[tuple[str, str]]:
    for author in authors:
        yield _field(author, "author_login"), _field(author, "author_display_name")


def _exported(item: Record, names: dict[str, str], pictures: dict[str, str]) -> Tip | None:
    """One item of an export; None for what is no public story."""
    status = _field(item, "status")
    url = canonical_url(_TRASHED.sub("", _field(item, "link")))
    if _field(item, "post_type") not in {"post", "page"} or not url.startswith("http"):
        return None
    if status == "trash":
        return Tip(url=url, withdrawn=True, stamp="trash")
    if status != "publish" or _field(item, "post_password"):
        return None
    categories = [line(field.text[:200]) for field in item if field.path == "category" and _is(field, "category")]
    tags = [line(field.text[:200]) for field in item if field.path == "category" and _is(field, "post_tag")]
    body = _paragraphs(_named(item, "content:encoded"))
    modified = _field(item, "post_modified_gmt")
    author = _field(item, "creator")
    return Tip(
        url=url,
        stamp=modified[:40],
        title=plain(_field(item, "title")),
        lead=plain(_named(item, "excerpt:encoded")),
        section=next((name for name in categories if name.lower() != "uncategorized"), ""),
        bylines=tuple(filter(None, [line(names.get(author, "")) or line(author)])),
        tags=tuple(dict.fromkeys([*categories[1:], *tags]))[:20],
        published=moment(_field(item, "post_date_gmt")) or moment(_field(item, "pubDate")),
        updated=moment(modified),
        picture=absolute(pictures.get(_thumbnail(item), ""), url) if pictures.get(_thumbnail(item)) else "",
        body=body[:MAX_TEXT],
        body_kind="html" if body else "",
    )


def _is(field: Field, domain: str) -> bool:
    return field.attributes.get("domain", "category") == domain and bool(field.text)


def _field(record: Record, path: str) -> str:
    for field in record:
        if field.path == path:
            return field.text
    return ""


def _named(record: Record, name: str) -> str:
    for field in record:
        if field.name == name:
            return field.text
    return ""


def _thumbnail(item: Record) -> str:
    """The number of the leading picture: the value after the key "_thumbnail_id"."""
    key = ""
    for field in item:
        if field.path == "postmeta/meta_key":
            key = field.text
        elif field.path == "postmeta/meta_value" and key == "_thumbnail_id":
            return field.text
    return ""


def _paragraphs(text: str) -> str:
    """Raw post text with paragraphs where its author left blank lines, as WordPress shows it."""
    text = _SHORTCODE.sub("", _EMBEDDED.sub(r'<p><a href="\1">\1</a></p>', text.replace("\r\n", "\n"))).strip()
    if "<!-- wp:" in text or "\n" not in text:  # block editor: paragraphs are marked up already
        return text
    parts = [part.strip() for part in re.split(r"\n[ \t]*\n", text)]
    return "\n".join(part if _BLOCK_START.match(part) else f"<p>{_broken(part)}</p>" for part in parts if part)


def _broken(part: str) -> str:
    return part.replace("\n", "<br>\n")
