"""Pages: a plain list of stories, or a crawl within given prefixes where a site has neither feed nor sitemap.

Rule 1: the crawl never leaves ``include`` (by default the folder of the source's URL). Rule 2: a link is a story, a
list of stories or neither, by the shape of its address, by the shapes of the others on the page and by its words; lists
are followed to ``source.depth``, stories are tips. Rule 3: traps end by construction: page numbers, calendars, session
marks, ever-deeper paths and queries are bounded here, the number of pages in ``sources.further``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

from heliograph.capture.charset import decode
from heliograph.capture.text import line
from heliograph.capture.tips import absolute, within
from heliograph.model import Answer, Ask, Found, Problem, Source, Tip
from heliograph.model.names import canonical_url

MAX_PAGES = 20_000  # lists of one crawl
MAX_NUMBER = 200  # of a numbered list's page
MAX_SEGMENTS = 9  # of a path
MAX_LINKS = 5_000  # looked at on one page
_MAX_LISTS = 300  # followed from one page
_MAX_QUERY = 2  # parameters of a list's address

_SESSION = re.compile(
    r"^(phpsessid|jsessionid|sid|sessionid|session_id|session|aspsessionid\w*|cfid|cftoken)$", re.IGNORECASE
)
_PATH_SESSION = re.compile(r";(jsessionid|sid|phpsessid)=[^/;]*", re.IGNORECASE)
_NUMBER_KEY = re.compile(r"^(page|p|paged|pg|pagen_\d+|start|offset|from|стр)$", re.IGNORECASE)
_NUMBER_PATH = re.compile(r"/(?:page|p|seite|str|стр)[/-]?(\d{1,9})/?$", re.IGNORECASE)
_CALENDAR = re.compile(r"/(events?-)?(c|k)alend[ae]r(io)?(?=/|$)|/datepicker", re.IGNORECASE)
_CALENDAR_KEY = re.compile(r"^(date|day|month|year|from_date|to_date|cal|calendar|tribe-bar-date)$", re.IGNORECASE)
_FILE = re.compile(
    r"\.(jpe?g|png|gif|webp|avif|svg|ico|css|js|json|xml|rss|atom|pdf|docx?|xlsx?|pptx?|zip|rar|7z|gz|mp[34]|m4[av]|ogg|"
    r"opus|wav|webm|avi|mov|woff2?|ttf|apk|exe|dmg|epub|fb2|txt|csv)$",
    re.IGNORECASE,
)
# Names of path segments. Services are neither stories nor followed; under the groups' folders stories do not live.
_SERVICES = frozenset(
    {
        "search", "login", "signin", "signup", "register", "logout", "account", "profile", "cart", "shop", "subscribe",
        "subscription", "newsletter", "contact", "contacts", "privacy", "terms", "policy", "cookies", "advertising",
        "reklama", "kontakty", "print", "amp", "comments", "comment", "share", "poll", "polls", "feed", "rss",
    }
)  # fmt: skip
_GROUPS = frozenset(
    {
        "tag", "tags", "label", "labels", "author", "authors", "writer", "people", "user", "users", "category",
        "categories", "cat",
    }
)  # fmt: skip
_LISTS = frozenset(
    {
        "topic", "topics", "theme", "themes", "section", "sections", "rubric", "rubrics", "archive", "archives", "page",
        "pages", "all", "latest", "news", "novosti", "novyny", "haber", "haberler", "index", "home", "main", "about",
        "about-us", "o-nas", "pro-nas",
    }
)  # fmt: skip
_DATED = re.compile(r"/(19|20)\d\d[/-](0?[1-9]|1[0-2])([/-](0?[1-9]|[12]\d|3[01]))?(?=/|-|$)")
_ENDING = re.compile(r"\.(s?html?|php|aspx?|jsp)$", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"\d{4,}")
_STORY_QUERY = re.compile(r"(id|p|newsid|news_id|article|story)=\d{3,}", re.IGNORECASE)
_INDEX = re.compile(r"(index|default)\.(s?html?|php|aspx?)", re.IGNORECASE)
_YEAR = re.compile(r"(19|20)\d\d")
_WORDS = re.compile(r"[-_]+")


class _Link(NamedTuple):
    url: str
    words: str  # its text on the page
    next: bool  # rel=next, or the text of a link to the next page


def start(source: Source) -> Found:
    """The stories of a plain list, else the page from which the crawl begins."""
    if source.urls:
        return Found(tips=tuple(Tip(url=canonical_url(url)) for url in source.urls))
    return Found(asks=(Ask(url=source.url),))


def prefixes(source: Source) -> tuple[str, ...]:
    """The prefixes that the crawl stays within."""
    return source.include or (urljoin(source.url, "."),)


def read(source: Source, ask: Ask, answer: Answer) -> Found:
    """Stories and further lists that one page links to."""
    allowed = prefixes(source)
    if not within(answer.url, allowed) and not within(answer.url, (source.url,)):
        what = f"leads to {answer.url[:200]}, outside of what may be crawled"
        remedy = "name that place in include, or leave it"
        return Found(problems=(Problem(where=ask.url, what=what, remedy=remedy, fatal=True),))
    if answer.media_type not in {"", "text/html", "application/xhtml+xml"}:
        what, remedy = f"is {answer.media_type[:60]}, not a web page", "leave it out with exclude"
        return Found(problems=(Problem(where=ask.url, what=what, remedy=remedy, fatal=True),))
    links = [link for link in _links(answer) if within(link.url, allowed) and not within(link.url, source.exclude)]
    common = _common_shapes(links)
    tips: dict[str, None] = {}
    lists: dict[str, int] = {}
    traps: dict[str, None] = {}
    for link in links:
        if link.url == answer.url or link.url == canonical_url(ask.url):
            continue
        if trap := _trap(link.url):
            traps[trap] = None
        elif link.next or _number(link.url):
            # The next page of a list is as deep as the list, else an archive would end after a few pages.
            lists.setdefault(link.url, ask.depth if _same_list(link.url, answer.url) else ask.depth + 1)
        elif _is_story(link, common):
            tips[link.url] = None
        elif _is_list(link.url):
            lists.setdefault(link.url, ask.depth + 1)
    if not tips and not links and not ask.depth:
        what, remedy = "has no links that may be followed", "widen include, or use a feed or sitemap"
        return Found(problems=(Problem(where=ask.url, what=what, remedy=remedy, fatal=True),))
    # A numbered page without a story is where an endless list ends. Tags and authors come last: sections lead further.
    wanted = [url for url, depth in lists.items() if depth <= source.depth and (tips or depth > ask.depth)]
    asks = [Ask(url=url, depth=lists[url]) for url in sorted(wanted, key=_is_group)]
    problems = tuple(Problem(where=source.url, what=trap, remedy="add it to exclude to silence this") for trap in traps)
    return Found(tips=tuple(Tip(url=url) for url in tips), asks=tuple(asks[:_MAX_LISTS]), problems=problems)


def _links(answer: Answer) -> Iterator[_Link]:
    """Each address the page links to, once, with the longest of its texts."""
    from heliograph.capture.tree import parse

    tree = parse(decode(answer).encode("utf-8", "replace"))
    named = tree.css_first("base[href]")
    base = absolute((named.attributes.get("href") or "") if named else "", answer.url) or answer.url
    found: dict[str, _Link] = {}
    for node in tree.css("a[href], link[rel=next][href]")[:MAX_LINKS]:
        url = _without_session(canonical_url(node.attributes.get("href") or "", base))
        if not url.startswith(("http://", "https://")):
            continue
        words = line(node.text()[:2_000]) if node.tag == "a" else ""
        following = "next" in (node.attributes.get("rel") or "").lower().split()
        known = found.get(url)
        if known:
            words, following = max(words, known.words, key=len), following or known.next
        found[url] = _Link(url, words, following)
    yield from found.values()


def _without_session(url: str) -> str:
    """``url`` without what a server puts in to tell visitors apart."""
    if ";" in url:
        url = _PATH_SESSION.sub("", url)
    head, mark, query = url.partition("?")
    if not mark:
        return url
    kept = [(key, value) for key, value in parse_qsl(query, keep_blank_values=True) if not _SESSION.match(key)]
    return f"{head}?{urlencode(kept)}" if kept else head


def _trap(url: str) -> str:
    """Why the address may be one of endlessly many, or "". The words are the same for all addresses of one trap."""
    parts = urlsplit(url)
    segments = _segments(url)
    words = Counter(segment for segment in segments if not segment.isdigit())
    place = f"{parts.scheme}://{parts.netloc}/{segments[0] if segments else ''}"
    if len(segments) > MAX_SEGMENTS or any(count > 2 for count in words.values()):
        return f"paths under {place} grow deeper and deeper: not followed"
    if _number(url) > MAX_NUMBER:
        return f"lists under {place} have more than {MAX_NUMBER} numbered pages: the others were not followed"
    keys = [key for key, _ in parse_qsl(parts.query, keep_blank_values=True)]
    if _CALENDAR.search(parts.path) or any(_CALENDAR_KEY.match(key) for key in keys):
        return f"there is a calendar under {place}: not followed"
    if len(keys) > _MAX_QUERY:
        return f"addresses under {place} have more than {_MAX_QUERY} parameters: not followed"
    return ""


def _number(url: str) -> int:
    """The page's number in its list, 0 for a page without one."""
    parts = urlsplit(url)
    if found := _NUMBER_PATH.search(parts.path):
        return int(found[1])
    for key, value in parse_qsl(parts.query):
        # WordPress' "?p=12345" is a story. Offsets count stories, of which a page has ten or more.
        if _NUMBER_KEY.match(key) and value.isascii() and value.isdigit() and (key != "p" or len(value) <= 3):
            return int(value[:9]) // (10 if key.lower() in {"start", "offset", "from"} else 1)
    return 0


def _same_list(url: str, other: str) -> bool:
    """Whether two addresses are pages of one list: the same path but for the number."""
    return _NUMBER_PATH.sub("", urlsplit(url).path).rstrip("/") == _NUMBER_PATH.sub("", urlsplit(other).path).rstrip(
        "/"
    )


def _shape(url: str) -> str:
    """What addresses of one kind have in common: "/ru/*/9/9/w" for "/ru/politika/2026/11/a-long-name"."""
    parts, segments = urlsplit(url), _segments(url)
    drawn = []
    for place, segment in enumerate(segments):
        if segment.isdigit():
            drawn.append("9")
        elif place == len(segments) - 1:
            drawn.append("w" if len(_ENDING.sub("", segment)) >= 12 or any(map(str.isdigit, segment)) else "s")
        else:
            drawn.append(segment if place == 0 else "*")
    keys = "&".join(sorted(key for key, _ in parse_qsl(parts.query, keep_blank_values=True)))
    return f"{parts.netloc}/{'/'.join(drawn)}?{keys}"


def _common_shapes(links: Iterable[_Link]) -> frozenset[str]:
    """Shapes that many links with the words of a headline share: on a list of stories, those are the stories."""
    counts = Counter(_shape(link.url) for link in links if len(link.words.split()) >= 4)
    return frozenset(shape for shape, count in counts.items() if count >= 5)


def _segments(url: str) -> list[str]:
    return [segment for segment in urlsplit(url).path.split("/") if segment]


def _is_list(url: str) -> bool:
    segments = _segments(url)
    return not (segments and (_FILE.search(segments[-1]) or any(name.lower() in _SERVICES for name in segments)))


def _is_group(url: str) -> bool:
    return any(name.lower() in _GROUPS for name in _segments(url))


def _is_story(link: _Link, common: frozenset[str]) -> bool:
    """Whether the link is more likely a story than a list: two points or more."""
    parts, segments = urlsplit(link.url), _segments(link.url)
    if not _is_list(link.url) or _is_group(link.url):
        return False
    if _STORY_QUERY.fullmatch(parts.query):
        return True
    if segments and _INDEX.fullmatch(segments[-1]):
        segments.pop()  # the folder is the name
    name, dated = _ENDING.sub("", segments[-1]) if segments else "", _DATED.search(parts.path)
    if not name or name.lower() in _LISTS or _YEAR.fullmatch(name) or (dated and name.isdigit() and len(name) <= 4):
        return False  # the front page, a named list, or an archive by year, month or day
    words, said = sum(map(bool, _WORDS.split(name))), len(link.words.split())
    score = 2 if words >= 4 or len(name) >= 25 else 1 if words == 3 else 0
    score += 2 if _LONG_NUMBER.search(name) else 0
    score += 2 if dated else 0
    score += 2 if _shape(link.url) in common else 0
    score += 1 if _ENDING.search(segments[-1]) else 0
    score += 1 if said >= 4 else -1 if 0 < said <= 2 else 0
    score -= 1 if parts.query else 0
    return score >= 2
