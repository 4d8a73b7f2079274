"""Sources: what to ask first, and what an answer tells.

Rule 1: nothing raises; an answer that cannot be used is a Problem, fatal where it is the source's own. Rule 2: a tip
leaves here with a canonical URL, inside ``include`` and outside ``exclude``, once for each URL. Rule 3: a source on the
web never tells of files, and no answer tells of more than ``MAX_TIPS`` stories and ``MAX_ASKS`` further asks.
Rule 4: reading one answer needs no other. What concerns all of them, such as the size of a crawl, is ``further``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from urllib.parse import urljoin

from heliograph.capture import feed, folder, pages, sitemap, wordpress
from heliograph.capture.tips import absolute, merged, newest_first, within
from heliograph.model import Answer, Ask, Found, Problem, Source, Tip
from heliograph.model.names import canonical_url

MAX_TIPS = 200_000
MAX_ASKS = 2_000
MAX_PROBLEMS = 100
# Asks of one source in one pass. A sitemap index may name 50,000 sitemaps; no newsroom has that many.
MAX_TOTAL = {
    "feed": feed.MAX_ARCHIVES + 1,
    "sitemap": 5_000,
    "pages": pages.MAX_PAGES,
    "folder": 50_000,
    "wordpress": wordpress.MAX_PAGES,
}
_STATUS = {
    401: ("asks for a password", "give an address that everybody can read"),
    403: ("is forbidden to us", "let our User-Agent through at the site's protection service"),
    404: ("is not there", "check the address"),
    410: ("is gone for good", "check the address"),
    429: ("says that we ask too often", "lower the number of connections"),
}


def start(source: Source) -> Found:
    """The first asks of a source, or its tips where it is a plain list."""
    match source.kind:
        case "feed":
            found = feed.start(source)
        case "sitemap":
            found = sitemap.start(source)
        case "pages":
            found = pages.start(source)
        case "folder":
            found = folder.start(source)
        case "wordpress":
            found = wordpress.start(source)
    return _admitted(source, source.url, found)


def read(source: Source, ask: Ask, answer: Answer) -> Found:
    """What ``answer`` to ``ask`` tells of stories and of further places to ask."""
    own = ask.depth == 0 or (source.kind == "feed" and ask.depth == 1)  # 1: the feed that the source's page names
    if answer.status == 304:
        return Found()
    if not 200 <= answer.status < 300:
        if source.kind == "wordpress" and wordpress.is_past_the_end(source, ask, answer):
            return Found()
        return Found(problems=(_unanswered(ask, answer, fatal=own),))
    match source.kind:
        case "feed":
            found = feed.read(source, ask, answer)
        case "sitemap":
            found = sitemap.read(source, ask, answer)
        case "pages":
            found = pages.read(source, ask, answer)
        case "folder":
            found = folder.read(source, ask, answer)
        case "wordpress":
            found = wordpress.read(source, ask, answer)
    admitted = _admitted(source, ask.url, found)
    if own:
        return admitted
    return replace(admitted, problems=tuple(replace(problem, fatal=False) for problem in admitted.problems))


def further(source: Source, asked: Collection[str], found: Found) -> Found:
    """``found`` without what was asked already (``asked``: URLs) and without what goes beyond the source's total."""
    room = max(0, MAX_TOTAL[source.kind] - len(asked))
    new = [ask for ask in found.asks if ask.url not in asked]
    if len(new) <= room:
        return replace(found, asks=tuple(new))
    what = f"leads to more than {MAX_TOTAL[source.kind]:,} pages: the others were not asked"
    problem = Problem(where=source.url, what=what, remedy="narrow include, or name traps in exclude")
    return replace(found, asks=tuple(new[:room]), problems=(*found.problems, problem))


def _unanswered(ask: Ask, answer: Answer, *, fatal: bool) -> Problem:
    if answer.status == 0:
        what, remedy = answer.failure or "did not answer", "see whether it opens in a browser on this machine"
    elif answer.status >= 500:
        what, remedy = (
            f"answers {answer.status}: the server has a fault",
            "try again later, or look at the server's log",
        )
    else:
        words, remedy = _STATUS.get(answer.status, ("cannot be used", "check the address"))
        what = f"answers {answer.status}: it {words}"
    return Problem(where=ask.url, what=what, remedy=remedy, fatal=fatal)


def _admitted(source: Source, where: str, found: Found) -> Found:
    """``found`` held to the rules above."""
    problems = list(found.problems)
    tips, conflicts = merged(_proper(source, where, found.tips[:MAX_TIPS], problems))
    problems += conflicts
    if source.newest and len(tips) > source.newest:
        tips = tuple(newest_first(tips)[: source.newest])
    asks = tuple({ask.url: ask for ask in found.asks if _may_ask(source, ask)}.values())
    if len(asks) > MAX_ASKS or len(found.tips) > MAX_TIPS:
        what = f"names more than {MAX_TIPS:,} stories or {MAX_ASKS:,} further places: the rest was not taken"
        problems.append(Problem(where=where, what=what, remedy="split it"))
    if len(problems) > MAX_PROBLEMS:
        rest = len(problems) - MAX_PROBLEMS
        problems = [*problems[:MAX_PROBLEMS], Problem(where=where, what=f"and {rest} problems more")]
    return Found(tips=tips, asks=asks[:MAX_ASKS], problems=tuple(problems))


def _proper(source: Source, where: str, tips: Iterable[Tip], problems: list[Problem]) -> Iterator[Tip]:
    """Tips with canonical addresses that the source may tell of; what is dropped for its address is told once."""
    local = source.kind == "folder"
    include = [_absolute(source, prefix) for prefix in source.include]
    exclude = [_absolute(source, prefix) for prefix in source.exclude]
    bad: list[str] = []
    for tip in tips:
        url = canonical_url(tip.url)
        if not url or url.startswith("file:") is not local:
            bad.append(tip.url)
        elif not (include and not within(url, include)) and not within(url, exclude):
            yield tip if url == tip.url else replace(tip, url=url)
    if bad:
        example = next(filter(None, bad), "")[:120]
        what = f"{len(bad)} of its stories have no usable address" + (f", such as {example!r}" if example else "")
        problems.append(Problem(where=where, what=what, remedy="addresses begin with https:// or http://"))


def _absolute(source: Source, prefix: str) -> str:
    """A prefix as its operator wrote it, in full or from the source's folder on, spelt as canonical URLs are."""
    try:
        joined = urljoin(source.url.rstrip("/") + "/" if source.kind == "folder" else source.url, prefix)
    except ValueError:
        return prefix
    # "https://example.org" names the host alone; as canonical URL it gains its "/", which is right too.
    return canonical_url(joined) or joined


def _may_ask(source: Source, ask: Ask) -> bool:
    """A folder leads to its own folders, a source on the web to the web; an export on this machine only to itself."""
    if source.url.startswith("file:"):
        return ask.url.startswith(source.url)
    return bool(absolute(ask.url, source.url))
