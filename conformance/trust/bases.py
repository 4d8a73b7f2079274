"""The honest mirrors that cases start from.

r1    layout (b), the first release
r2    corrects and withdraws a page, adds one, brings new code for readers; what r1 left is still there
r3    root 2 has a new ``online`` key, and one page is corrected
deep  layout (a), a map of two levels of tiles
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from hashlib import sha256

from conformance.trust import papers, signing, site
from conformance.trust.papers import Papers, Versions, stamp
from conformance.trust.signing import Circle, Pen
from conformance.trust.site import Map

START = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
NAMES = ("r1", "r2", "r3", "deep")


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """A whole mirror, and what it was made of. ``pages`` are the mapped files as they lie there."""

    name: str
    release: int
    papers: Papers
    map: Map
    pages: Mapping[str, bytes] = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def time(self) -> datetime:
        """When it was signed."""
        return self.papers.time


@cache
def base(name: str) -> Base:
    """The base of this name."""
    return {"r1": _r1, "r2": _r2, "r3": _r3, "deep": _deep}[name]()


def with_head(of: Base, head: bytes) -> Papers:
    """The papers of ``of`` about another head."""
    return replace(of.papers, head=head)


def with_map(of: Base, other: Map, **head: str | int) -> dict[str, bytes]:
    """The files that differ when ``of`` is signed over another map; ``head`` replaces lines of the head."""
    made = other.head(of.release, stamp(of.time), **head)
    return {**other.objects(), **with_head(of, made).files()}


def tip(of: Base) -> str:
    """The name of its head."""
    return f"edition/{sha256(of.papers.head).hexdigest()}.head"


def rotated() -> signing.Ring:
    """Layout (b) after a new ``online`` key."""
    return replace(signing.editors(), online=Circle((Pen("online, second"),)))


def second_root() -> bytes:
    """Root 2 of layout (b)."""
    return papers.root(2, rotated(), START + 12 * HOUR)


# ---------------------------------------------------------------- how they are made


def _r1() -> Base:
    ring = signing.editors()
    contents = site.pages(1)
    pages = {path: site.laid(path, content)[path] for path, content in contents.items()}
    made = site.mapped(3, pages, site.FRESH)
    about = Papers(
        ring=ring,
        roots=(papers.root(1, ring, START - HOUR),),
        head=made.head(1, stamp(START)),
        versions=Versions(),
        time=START,
        since=START - HOUR,
        code=site.CODE_1,
    )
    return _finished("r1", 1, about, made, contents, {})


def _r2() -> Base:
    before = base("r1")
    time = START + 6 * HOUR
    contents = site.pages(2)
    pages = {path: site.laid(path, content)[path] for path, content in contents.items()}
    made = site.mapped(3, pages, (*site.FRESH, site.ADDED))
    about = replace(
        before.papers,
        head=made.head(2, stamp(time)),
        versions=Versions(targets=2, edition=2, snapshot=2, timestamp=2),
        time=time,
        since=time,
        code=site.CODE_2,
    )
    return _finished("r2", 2, about, made, contents, _left(before, contents))


def _r3() -> Base:
    before = base("r2")
    time = START + 12 * HOUR
    contents = site.pages(3)
    pages = {path: site.laid(path, content)[path] for path, content in contents.items()}
    made = site.mapped(3, pages, (*site.FRESH, site.ADDED, site.CHANGED_LAST))
    about = replace(
        before.papers,
        ring=rotated(),
        roots=(*before.papers.roots, second_root()),
        head=made.head(3, stamp(time)),
        versions=Versions(targets=2, edition=3, snapshot=3, timestamp=3),
        time=time,
    )
    return _finished("r3", 3, about, made, contents, _left(before, contents))


def _deep() -> Base:
    ring = signing.one_person()
    contents = site.deep_pages()
    pages = {path: site.laid(path, content)[path] for path, content in contents.items()}
    made = site.mapped(5, pages, ("index.html",))
    about = Papers(
        ring=ring,
        roots=(papers.root(1, ring, START - HOUR),),
        head=made.head(1, stamp(START)),
        versions=Versions(),
        time=START,
        since=START - HOUR,
        targets_life=papers.LIVES["root"],
    )
    return _finished("deep", 1, about, made, contents, {})


def _left(before: Base, contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """What stays of the mirror ``before``, and content copies of what changed on it."""
    files = {name: data for name, data in before.files.items() if not _is_of(name, before.pages.keys() - contents)}
    for path, content in contents.items():
        if path in before.pages and site.laid(path, content)[path] != before.pages[path]:
            files |= site.copies(path, content)
    return files


def _is_of(name: str, paths: set[str]) -> bool:
    return name.removesuffix(".br").removesuffix(".gz") in paths


def _finished(
    name: str, release: int, about: Papers, made: Map, contents: Mapping[str, bytes], left: Mapping[str, bytes]
) -> Base:
    files = dict(left) | made.objects() | about.files()
    pages = {}
    for path, content in contents.items():
        laid = site.laid(path, content)
        files |= laid
        pages[path] = laid[path]
    for target, data in about.code.items():
        short = target.removeprefix("code/")
        files[f"code/{sha256(data).hexdigest()}.{short}"] = data
        if short != "policy.json":
            files[short] = data
    return Base(name=name, release=release, papers=about, map=made, pages=pages, files=files)
