"""Full-text feeds: Atom (``feed.xml``, RFC 4287) and JSON Feed 1.1 (``a/feed.json``), paged back by day (RFC 5005).

Rule 1: the document readers subscribe to holds the newest stories in full, as many as fit, then summaries, as many as
fit. Rule 2: every story of the newest ``look.feed_days`` days that have stories is in the archive documents
``a/f/<day>.xml`` and ``.json``; each names the next older one. A day's documents are filled from its oldest story on,
numbered ``<day>.1.xml`` and so forth, the newest without a number, so that a new story changes that one alone. Rule 3:
a story too long for one response is there with its beginning and a link to read on. Rule 4: links are relative, since
the same bytes lie on every mirror; a story's id is its code, the same everywhere and for ever. Rule 5: times come from
stories and their withdrawals, never from a clock. Rule 6: what was withdrawn stands in the first document and says so.

There is no RSS: its links must be absolute, and the only absolute address a mirror's file can know is the blocked one.
Whatever reads RSS today reads Atom. A link forward in time (RFC 5005 allows it) would change a document that is full,
and is left out.
"""

from __future__ import annotations

import itertools
import json
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from heliograph.model.edition import Brief, File, Gone, Material, Select, SheetKey, Want
from heliograph.model.story import Block, Figure, Paragraph, Run, Story, plain_text
from heliograph.model.words import interface
from heliograph.render import blocks, encode, packer, tombs
from heliograph.render.look import Look
from heliograph.render.packer import BudgetError, Piece

_FULL = 10  # newest stories that are tried in full
_SUMMARIES = 60  # further ones that are tried as summaries
_LONGEST_TITLE, _LONGEST_LEAD, _LONGEST_NAME = 300, 400, 60  # characters
_BARE = 60  # characters of all that is left of a story that fits in no other way
_MOST_NAMES = 12  # bylines, and tags, of one story
# Share of the budget that a story alone in a document may take. Its links vary by some bytes, and 260 bytes below the
# budget lies a length that cannot be padded without another bucket (release format, "Padding").
_ROOMY = 0.93
_FIRST_RATE = 0.00011  # share of the budget that a character of news takes, for the first guess
_FULL_ENOUGH = 0.98
_SHORTEST = 200  # characters of HTML; a shorter beginning tells no more than the summary


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where a document of a feed lies: the ways from it to ``a/``, to the front page, and to other documents."""

    name: str  # its own file name
    up: str
    home: str
    older: str = ""
    current: str = ""  # from an archive document to the one readers subscribe to


@dataclass(frozen=True, slots=True)
class _Form:
    """One of the two formats: an entry from a story, its HTML and the way to ``a/``; a document from entries.

    ``tomb`` is the entry of a story that was withdrawn, with what is said of it.
    """

    extension: str
    entry: Callable[[Story | Brief, str, str], str]
    tomb: Callable[[Gone, str], str]
    document: Callable[[Sequence[str], _Place, Look, datetime], str]


def want(key: SheetKey, look: Look) -> Want:
    """The head: the newest stories; a day: its stories. Both: which days have any."""
    if key.kind == "feed":
        return Want(stories=Select(newest=_FULL), briefs=Select(newest=_FULL + _SUMMARIES), tally="day", gone=True)
    return Want(stories=Select(first_day=key.of, last_day=key.of), tally="day")


def chain(days: Iterable[str], look: Look) -> dict[str, str]:
    """The days that have archive documents, newest first, each with the next older one, "" for the oldest."""
    newest = sorted(days, reverse=True)[: look.feed_days]
    return dict(zip(newest, [*newest[1:], ""], strict=True)) if newest else {}


def shifted(before: Iterable[str], after: Iterable[str], look: Look) -> frozenset[SheetKey]:
    """The archive documents that change when other days have stories than before: all whose place in the chain does."""
    old, new = chain(before, look), chain(after, look)
    return frozenset(SheetKey("feed-day", day) for day in old.keys() | new.keys() if old.get(day) != new.get(day))


def head(material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    """``feed.xml`` and ``a/feed.json``."""
    newest = next(iter(chain(material.tally, look)), "")
    when = max((brief.updated for brief in material.briefs), default=material.issue.made)
    gone = tombs.said(tombs.recent(material.gone, when), look.lang)
    when = max((when, *(one.when for one, _ in gone))) if material.briefs else when
    atom = _Place(name="feed.xml", up="a/", home="index.html", older=_at("a/f/", newest, "xml"))
    other = _Place(name="feed.json", up="", home="../index.html", older=_at("f/", newest, "json"))
    made = (
        _Writer(_ATOM, "", atom, material, look, when, tuple(_ATOM.tomb(*one) for one in gone)).head(),
        _Writer(_JSON, "a/", other, material, look, when, tuple(_JSON.tomb(*one) for one in gone)).head(),
    )
    return tuple(encode.denser(one) for one in made) if dense else made


def day(key: SheetKey, material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    """The archive documents of one day; none for a day without stories or before the chain's end."""
    days = chain(material.tally, look)
    if key.of not in days or not material.stories:
        return ()
    when = max(story.updated for story in material.stories)
    made: list[File] = []
    for form, current in ((_ATOM, "../../feed.xml"), (_JSON, "../feed.json")):
        place = _Place(
            name=f"{key.of}.{form.extension}", up="../", home="../../index.html", current=current,
            older=_at("", days[key.of], form.extension),
        )  # fmt: skip
        made += _Writer(form, "a/f/", place, material, look, when).days()
    return tuple(encode.denser(one) for one in made) if dense else tuple(made)


@dataclass(frozen=True, slots=True)
class _Writer:
    """Fills documents of one format, as many entries in each as fit."""

    form: _Form
    folder: str
    place: _Place
    material: Material
    look: Look
    when: datetime
    tombs: tuple[str, ...] = ()  # entries that stand there whatever fits beside them

    def head(self) -> File:
        """Stories in full, then summaries."""
        stories = self.material.stories
        full = [self.in_full(story) for story in stories]
        count = self.filled(full, stories, self.place, self.place, _FIRST_RATE)[1] if full else 0
        told = {story.code for story in stories[:count]}
        short = [
            Piece(self.form.entry(brief, "", self.place.up)) for brief in self.material.briefs if brief.code not in told
        ]
        path = self.folder + self.place.name
        return packer.fill(path, short, lambda more: self.document([*full[:count], *more], self.place, self.when))[0]

    def days(self) -> list[File]:
        """Every story in full, the documents filled from the oldest on."""
        stories = self.material.stories[::-1]
        entries = [self.in_full(story) for story in stories]
        files: list[File] = []
        start, rate, older = 0, _FIRST_RATE, self.place.older
        while start < len(entries):
            within, last = self.full_part(len(files) + 1, older), replace(self.place, older=older)
            made, count, rate = self.filled(entries[start:], stories[start:], within, last, rate)
            files.append(made)
            start, older = start + count, within.name
        return files

    def filled(
        self, entries: list[str], stories: Sequence[Story], within: _Place, last: _Place, rate: float
    ) -> tuple[File, int, float]:
        """A document with as many of the leading entries as fit, their number, and what a character of them took.

        Where the first does not fit by itself, ``entries`` gets its beginning in its place.
        """
        count, shortened = _that_may_fit(entries, rate), False
        while True:
            place = last if count == len(entries) else within
            tried = self.attempt(entries[:count], place, stories[:count])
            if tried.file:
                return tried.file, count, tried.load / sum(map(len, entries[:count]))
            if count == 1:
                if shortened:
                    raise BudgetError("a feed has no room for a story", where=self.folder + place.name)
                entries[0], shortened = self.that_fits(stories[0], within), True
            count = max(1, min(count - 1, int(count / tried.load)))

    def full_part(self, number: int, older: str) -> _Place:
        """The place of a document of a day that has a newer one after it."""
        stem = self.place.name.removesuffix(self.form.extension)
        return replace(self.place, name=f"{stem}{number}.{self.form.extension}", older=older)

    def attempt(self, entries: Sequence[str], place: _Place, stories: Sequence[Story]) -> encode.Attempt:
        # an archive document, once full, must not change with the stories after it
        texts, when = (
            (entries[::-1], max(story.updated for story in stories)) if place.current else (entries, self.when)
        )
        document = self.document(texts, place, when)
        return encode.attempt(self.folder + place.name, document.encode("utf-8", "replace"))

    def document(self, texts: Sequence[str], place: _Place, when: datetime) -> str:
        return self.form.document([*texts, *self.tombs], place, self.look, when)

    def in_full(self, story: Story) -> str:
        return self.form.entry(story, self.html(_told(story), story), self.place.up)

    def that_fits(self, story: Story, place: _Place) -> str:
        """The entry of a story that is too long for a document of its own: as much as fits, and the way to the rest.

        Raises BudgetError when not even its title fits.
        """
        said = blocks.text(interface(story.lang, self.look.lang)("Read on"))
        read_on = f'<p><a href="{self.place.up}{story.code}.html">{said}</a>'
        told, more = _told(story), ""
        while len(html := self.html(told, story)) >= _SHORTEST or not more:
            entry = self.form.entry(story, html + more, self.place.up)
            load = self.attempt([entry], place, [story]).load
            if load <= _ROOMY:
                return entry
            told, more = _beginning(told, min(0.9, 0.95 * _ROOMY / load)), read_on
        bare = replace(story, title=blocks.clipped(story.title, _BARE), lead="", section="", bylines=(), tags=())
        for shorter in (story, bare):
            entry = self.form.entry(shorter, "", self.place.up)
            if self.attempt([entry], place, [story]).load <= _ROOMY:
                return entry
        raise BudgetError("a feed has no room for a story", where=self.folder + place.name)

    def html(self, told: Sequence[Block], story: Story) -> str:
        up = self.place.up
        codes = {href: up + code for href, code in self.material.codes.items()}
        context = blocks.Context(interface(story.lang, self.look.lang), codes, {})
        page = f"{up}{story.code}.html"
        return "".join(
            _figure(block, page, context) if isinstance(block, Figure) else blocks.html(block, context)
            for block in told
        )


def _that_may_fit(entries: Sequence[str], rate: float) -> int:
    """How many of the leading entries fit a document, at ``rate`` of the budget a character; at least one."""
    loads = itertools.accumulate(len(entry) * rate for entry in entries)
    return max(1, sum(1 for load in loads if load <= _FULL_ENOUGH))


def _told(story: Story) -> tuple[Block, ...]:
    """Lead and blocks; a lead that only repeats the beginning of the text is left out."""
    first = story.blocks[0] if story.blocks else None
    opening = " ".join(plain_text(first.runs).split()) if isinstance(first, Paragraph) else ""
    lead = " ".join(story.lead.split())
    if not lead or opening.startswith(lead.rstrip(".… ")):
        return story.blocks
    return (Paragraph(runs=(Run(lead, "b"),)), *story.blocks)


def _figure(block: Figure, page: str, context: blocks.Context) -> str:
    """A picture as its caption and a link to the story's page, where it can be asked for.

    Not the picture, which a feed reader would load unasked; nor its own page, which may come later than the feed.
    """
    caption = blocks.run_html(block.caption, context) or blocks.text(blocks.clipped(block.picture.alt))
    link = f'<a href="{page}">{blocks.text(context.words("Picture"))}</a>'
    parts = [part for part in (link, caption, blocks.text(blocks.clipped(block.credit))) if part]
    return f"<p>{' · '.join(parts)}"


def _beginning(told: Sequence[Block], share: float) -> tuple[Block, ...]:
    """The first ``share`` of the text of ``told``; the block on the border is cut at a sentence or word."""
    room = share * sum(blocks.length(block) for block in told)
    kept: list[Block] = []
    for block in told:
        length = blocks.length(block)
        if length > room:
            head, rest = blocks.split(block, room / length)
            return (*kept, head) if rest else tuple(kept)
        kept.append(block)
        room -= length
    return tuple(kept[:-1])  # nothing but blocks without text


def _atom_entry(story: Story | Brief, html: str, up: str) -> str:
    via = blocks.safe_href(story.url)
    said = [
        f'<entry xml:lang="{blocks.attribute(story.lang)}"><id>{_id(story)}</id>'
        f"<title>{blocks.text(_title(story))}</title>"
        f'<link href="{up}{story.code}.html"/>',
        f'<link rel="via" href="{blocks.attribute(via)}"/>' if via else "",
        f"<published>{_stamp(story.published)}</published><updated>{_stamp(story.updated)}</updated>",
        *(f"<author><name>{blocks.text(name)}</name></author>" for name in _names(story.bylines)),
        *(f'<category term="{blocks.attribute(name)}"/>' for name in _names((story.section, *story.tags))),
        f'<content type="html">{blocks.text(html)}</content>' if html else "",
        f"<summary>{blocks.text(_lead(story))}</summary>" if not html else "",
    ]
    return "".join(said) + "</entry>\n"


def _atom_tomb(gone: Gone, said: str) -> str:
    return (
        f'<entry xml:lang="{blocks.attribute(gone.lang)}"><id>{_urn(gone.code)}</id><title>{blocks.text(said)}</title>'
        f"<updated>{_stamp(gone.when)}</updated><content>{blocks.text(said)}</content></entry>\n"
    )


def _atom(texts: Sequence[str], place: _Place, look: Look, when: datetime) -> str:
    links = [("self", place.name), ("alternate", place.home), ("current", place.current)]
    links += [("prev-archive", place.older), ("hub", "" if place.current else blocks.attribute(look.hub))]
    title = blocks.text(look.title)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<feed xmlns="http://www.w3.org/2005/Atom"'
        f' xml:lang="{look.lang}"><title>{title}</title><id>{_feed_id(look)}</id><updated>{_stamp(when)}</updated>'
        f"<author><name>{title}</name></author>"
        + "".join(f'<link rel="{rel}" href="{href}"/>' for rel, href in links if href)
        + ('<archive xmlns="http://purl.org/syndication/history/1.0"/>' if place.current else "")
        + "\n"
        + "".join(texts)
        + "</feed>"
    )


def _json_item(story: Story | Brief, html: str, up: str) -> str:
    item: dict[str, object] = {
        "id": _id(story),
        "url": f"{up}{story.code}.html",
        "external_url": blocks.safe_href(story.url),
        "title": _title(story),
        "language": story.lang,
        "date_published": _stamp(story.published),
        "date_modified": _stamp(story.updated),
        "authors": [{"name": name} for name in _names(story.bylines)],
        "tags": _names((story.section, *story.tags)),
        "content_html" if html else "content_text": html or _lead(story),
    }
    return _dumped({key: value for key, value in item.items() if value or key == "content_text"})


def _json_tomb(gone: Gone, said: str) -> str:
    return _dumped(
        {
            "id": _urn(gone.code),
            "title": said,
            "language": gone.lang,
            "date_modified": _stamp(gone.when),
            "content_text": said,
        }
    )


def _json(texts: Sequence[str], place: _Place, look: Look, when: datetime) -> str:
    feed: dict[str, object] = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": look.title,
        "language": look.lang,
        "home_page_url": place.home,
        "feed_url": place.name,
        "next_url": place.older,
        "hubs": [{"type": "WebSub", "url": look.hub}] if look.hub and not place.current else [],
    }
    top = _dumped({key: value for key, value in feed.items() if value})
    items = ",\n".join(texts)
    return f'{top[:-1]},"items":[\n{items}]}}'


_ATOM = _Form("xml", _atom_entry, _atom_tomb, _atom)
_JSON = _Form("json", _json_item, _json_tomb, _json)


def _dumped(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _at(folder: str, day: str, extension: str) -> str:
    return f"{folder}{day}.{extension}" if day else ""


def _id(story: Story | Brief) -> str:
    return _urn(story.code)


def _urn(code: str) -> str:
    return f"urn:heliograph:{code}"


def _feed_id(look: Look) -> str:
    """The same for every document of a newsroom's feed, and another for another newsroom's."""
    return uuid.uuid5(uuid.NAMESPACE_URL, look.home or look.title).urn


def _title(story: Story | Brief) -> str:
    return blocks.clipped(story.title, _LONGEST_TITLE) or story.code.upper()


def _lead(story: Story | Brief) -> str:
    return blocks.clipped(story.lead, _LONGEST_LEAD)


def _names(names: Iterable[str]) -> list[str]:
    clipped = (blocks.clipped(name, _LONGEST_NAME) for name in names)
    return [name for name in dict.fromkeys(clipped) if name][:_MOST_NAMES]


def _stamp(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
