"""Pages that lead to stories: fronts, sections, days, months, the archive; and about, 404 and robots.txt.

Rule 1: lists are cut by day and by section and month, so that a new story changes a handful of small files.
Rule 2: a page of newest stories shows as many as fit one response; what does not fit is found by day, and no story
is reachable only through a script. Rule 3: only the pages of ``sheets.always`` tell the edition's number.
Rule 4: mirrors ask search engines to stay away: an index of mirrors would serve a censor first.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date

from heliograph.model.code import shown, story_code
from heliograph.model.edition import Brief, File, Material, SheetKey
from heliograph.model.words import Words, interface, own_name, words
from heliograph.render import encode, packer
from heliograph.render.blocks import attribute, clipped, safe_href, text
from heliograph.render.look import Link, Look
from heliograph.render.packer import Piece
from heliograph.render.story_page import home_href, lang_attributes, part_links
from heliograph.render.style import style
from heliograph.render.templating import markup, template

_LONGEST_TITLE = 160  # characters of a story's title in a list
_LONGEST_LEAD = 240
_LONGEST_LABEL = 40
_NAV_SECTIONS = 10
_NAV_MONTHS = 6
MIRRORS_FORMAT = "heliograph-mirrors/1"
_EXAMPLE = story_code("https://example.org/")

Links = list[tuple[str, str]]


def front(key: SheetKey, material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    """The newest stories in one language: ``index.html`` in the edition's own, ``a/l/<lang>.html`` in others."""
    lang = key.of or look.lang
    said = interface(lang, look.lang)
    path, up = (f"a/l/{key.of}.html", "../") if key.of else ("index.html", "a/")
    page = _page(
        look,
        said,
        up,
        title=look.title,
        masthead=True,
        nav=[*_sections(material, look, lang, up), *_ways(said, up), *_tongues(look, key.of, up)],
        more=[(f"{up}d/index.html", said("Older news"))],
        feed="feed.xml" if not key.of else "",
        note=_front_note(key, material, look, said),
        others=look.others("" if path == "index.html" else path),
        onion=look.onion_page("" if path == "index.html" else path),
    )
    pieces = _front_pieces(material.briefs, look, said, up)
    made, _ = packer.fill(path, pieces, lambda texts: page(texts, 1, 1), dense=dense)
    return (made,)


def section(key: SheetKey, material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    """A section's newest stories, and the list of its months."""
    if not material.briefs:
        return ()
    lang, _, slug = key.of.partition("/")
    said = interface(lang, look.lang)
    label = _label(material, key.of)
    months = sorted(material.tally, reverse=True)
    near = [(f"{slug}/{month}.html", _month(said, month)) for month in months[:_NAV_MONTHS]]
    page = _page(
        look, said, "../../", title=label, heading=label, nav=_ways(said, "../../"),
        more=[*near, (f"{slug}/index.html", said("All months"))],
    )  # fmt: skip
    pieces = [_item(brief, look, said, "../../", day=True) for brief in material.briefs]
    newest, _ = packer.fill(f"a/t/{key.of}.html", pieces, lambda texts: page(texts, 1, 1), dense=dense)
    nav = [(f"../{slug}.html", label), *_ways(said, "../../../")]
    every = _page(look, said, "../../../", title=f"{label}: {said('By month')}", heading=label, nav=nav)
    return newest, *packer.pack(
        f"a/t/{key.of}/index.html", _month_pieces(material, said, ""), _named(every, "index.html"), dense=dense
    )


def section_month(key: SheetKey, material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    """One month of a section, in as many parts as it takes."""
    if not material.briefs:
        return ()
    of, _, month = key.of.rpartition("/")
    lang, _, slug = of.partition("/")
    said = interface(lang, look.lang)
    label = _label(material, of)
    heading = f"{label}: {_month(said, month)}"
    nav = [(f"../{slug}.html", label), *_ways(said, "../../../")]
    page = _page(look, said, "../../../", title=heading, heading=heading, nav=nav)
    pieces = [_item(brief, look, said, "../../../", day=True) for brief in material.briefs]
    return packer.pack(f"a/t/{key.of}.html", pieces, _named(page, f"{month}.html"), dense=dense)


def day(key: SheetKey, material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    """Everything of one day, grouped by language where there is more than one."""
    if not material.briefs:
        return ()
    said = interface(look.lang, "en")
    heading = said.day(date.fromisoformat(key.of))
    nav = [(f"{key.of[:7]}.html", _month(said, key.of[:7])), *_ways(said, "../")]
    page = _page(look, said, "../", title=heading, heading=heading, nav=nav)
    return packer.pack(
        f"a/d/{key.of}.html", _day_pieces(material.briefs, look, said), _named(page, f"{key.of}.html"), dense=dense
    )


def month(key: SheetKey, material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    """The days of one month, newest first, with how many stories each has."""
    if not material.tally:
        return ()
    said = interface(look.lang, "en")
    heading = _month(said, key.of)
    page = _page(look, said, "../", title=heading, heading=heading, nav=_ways(said, "../"))
    pieces = [
        _counted(f"{found}.html", said.day(date.fromisoformat(found), year=False), material.tally[found], said)
        for found in sorted(material.tally, reverse=True)
    ]
    return packer.pack(f"a/d/{key.of}.html", pieces, _named(page, f"{key.of}.html"), dense=dense)


def archive(key: SheetKey, material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    """All months, by year: from here every story is reached without a script."""
    said = interface(look.lang, "en")
    nav = [("../search.html", said("Search"))]
    page = _page(look, said, "../", title=said("Archive"), heading=said("By day"), nav=nav)
    pieces = _month_pieces(material, said, "") or [Piece(f"<li>{text(said('No stories yet.'))}")]
    return packer.pack("a/d/index.html", pieces, _named(page, "index.html"), dense=dense)


def about(key: SheetKey, material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    """What this edition is, in each of its languages; the page that names the edition."""
    said = interface(look.lang, "en")
    page = _page(look, said, "", title=said("About this edition"), nav=_ways(said, ""), bare=True)
    pieces = [
        Piece(_section_in(tongue, said, part))
        for tongue in _interfaces(look)
        for part in _about(tongue, material, look)
    ]
    if len(look.foot) < len(look.links):
        ways = "".join(
            f'<li><a href="{attribute(link.url)}" rel=noreferrer>{text(link.name)}</a>' for link in look.links
        )
        pieces.insert(1, Piece(f"<h2>{text(said('Other ways to read us:'))}</h2><ul>{ways}</ul>"))
    return packer.pack("a/about.html", pieces, _named(page, "about.html"), dense=dense)


def missing(key: SheetKey, material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    """404.html. A host shows it in place of any page, mostly of a story's, so its links start in the folder ``a/``."""
    said = interface(look.lang, "en")
    page = _page(
        look, said, "../a/", title=said("There is no such page"), nav=_ways(said, "../a/"), bare=True,
        others=look.others(""),
    )  # fmt: skip
    pieces = []
    for tongue in _interfaces(look):
        told = "".join(
            f"<p>{text(tongue(line))}"
            for line in (
                "The story may have been withdrawn, or there is a mistake in the address.",
                "Do you have a story's code? Type it into the search.",
            )
        )
        link = f'<p><a href="../a/{attribute(home_href(look, tongue.lang))}">{text(tongue("Front page"))}</a>'
        pieces.append(Piece(_section_in(tongue, said, f"<h1>{text(tongue('There is no such page'))}</h1>{told}{link}")))
    made, _ = packer.fill("404.html", pieces, lambda texts: page(texts, 1, 1), dense=dense)
    return (made,)


def mirrors(key: SheetKey, material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    """The list of mirrors, for people and for programs; nothing where there is none."""
    if not look.mirrors and not look.sites:
        return ()
    said = interface(look.lang, "en")
    note = text(said("our whole site: heavier, and not signed"))
    page = _page(look, said, "", title=said("Where to read us"), heading=said("Where to read us"), nav=_ways(said, ""))
    pieces = [Piece(_address(url)) for url in look.mirrors]
    pieces += [Piece(f"{_address(url)} ({note})") for url in look.sites]
    listed = {"mirrors": [{"url": url} for url in look.mirrors], "sites": [{"url": url} for url in look.sites]}
    plain = json.dumps({"format": MIRRORS_FORMAT, **listed}, indent=0)
    shown = packer.pack("a/mirrors.html", pieces, _named(page, "mirrors.html"), dense=dense)
    return (*shown, encode.file("a/mirrors.json", plain.encode(), dense=dense))


def _address(url: str) -> str:
    return f'<li><a href="{attribute(url)}" rel=noreferrer>{text(url.partition("://")[2].rstrip("/"))}</a>'


def robots(key: SheetKey, material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    """robots.txt (rule 4)."""
    # Crawlers keep out, but for those that fetch a card for a post: it lies in s/ for an hour
    return (encode.file("robots.txt", b"User-agent: *\nAllow: /s/\nDisallow: /\n", dense=dense),)


def _page(
    look: Look, said: Words, up: str, *, title: str, nav: Links, heading: str = "", masthead: bool = False,
    bare: bool = False, more: Links | None = None, feed: str = "", note: str = "", name: str = "",
    others: Sequence[Link] = (), onion: str = "",
) -> Callable[..., str]:  # fmt: skip
    """A function that writes a page around its pieces. ``up`` leads from the page to the folder ``a/``."""

    def page(texts: Sequence[str], number: int, total: int, name: str = "") -> str:
        body = "".join(texts)
        if not bare:
            body = f"<ul>{body}</ul>".replace("<ul></ul>", "")
        count = f" ({number}/{total})" if total > 1 else ""
        return template("list.html").render(
            look=look,
            foot=look.foot,
            others=others,
            onion=onion,
            words=said,
            up=up,
            home=up + home_href(look, said.lang),
            title=f"{title}{count}" + ("" if masthead else f" · {look.title}"),
            css=style(look, frozenset({"list"}), rtl=said.rtl),
            feed=feed,
            masthead=masthead,
            nav=nav,
            heading=heading,
            parts=markup(part_links(name, number, total, said)),
            body=markup(body),
            more=more or [],
            note=note,
        )

    return page


def _named(page: Callable[..., str], name: str) -> packer.Page:
    """``page`` for a list of several parts, the first of which has the file name ``name``."""
    return lambda texts, number, total: page(texts, number, total, name)


def _front_pieces(briefs: Sequence[Brief], look: Look, said: Words, up: str) -> list[Piece]:
    if not briefs:
        return [Piece(f"<li>{text(said('No stories yet.'))}")]
    pieces = [_opener(brief, look, said, up) for brief in briefs[: look.leads]]
    before = ""
    for brief in briefs[look.leads :]:
        item = _item(brief, look, said, up)
        if brief.day != before:
            heading = text(said.day(date.fromisoformat(brief.day), year=False))
            item = Piece(f"</ul><h2 class=d>{heading}</h2><ul>{item.text}")
        before = brief.day
        pieces.append(item)
    return pieces


def _day_pieces(briefs: Sequence[Brief], look: Look, said: Words) -> list[Piece]:
    langs = list(dict.fromkeys((look.lang, *look.languages, *sorted({brief.lang for brief in briefs}))))
    groups = [[brief for brief in briefs if brief.lang == lang] for lang in langs]
    pieces = []
    several = sum(1 for group in groups if group) > 1
    for lang, group in zip(langs, groups, strict=True):
        for place, brief in enumerate(group):
            item = _item(brief, look, said, "../")
            if several and place == 0:
                name = f"</ul><h2 class=d{lang_attributes(lang, said)}>{text(own_name(lang))}</h2><ul>"
                item = Piece(name + item.text)
            pieces.append(item)
    return pieces


def _opener(brief: Brief, look: Look, said: Words, up: str) -> Piece:
    """One of the first stories of a front page: with its lead."""
    when = said.moment(brief.published.astimezone(look.tz()))
    facts = " · ".join(text(part) for part in (when, clipped(brief.section, _LONGEST_LABEL)) if part)
    lead = clipped(brief.lead, _LONGEST_LEAD)
    told = f"<p>{text(lead)}" if lead else ""
    lang = lang_attributes(brief.lang, said)
    return Piece(f"<li{lang}><h2>{_title(brief, up)}</h2><p class=s>{facts}{told}")


def _item(brief: Brief, look: Look, said: Words, up: str, *, day: bool = False) -> Piece:
    when = brief.published.astimezone(look.tz())
    told = f"{said.day(when, year=False)}, {said.clock(when)}" if day else said.clock(when)
    return Piece(f"<li{lang_attributes(brief.lang, said)}>{_title(brief, up)} <small>{text(told)}</small>")


def _title(brief: Brief, up: str) -> str:
    title = text(clipped(brief.title, _LONGEST_TITLE)) or shown(brief.code)
    return f'<a href="{up}{attribute(brief.code)}.html">{title}</a>'


def _month_pieces(material: Material, said: Words, folder: str) -> list[Piece]:
    """Months with their counts, newest first, under their years."""
    pieces = []
    before = ""
    for found in sorted(material.tally, reverse=True):
        item = _counted(f"{folder}{found}.html", said.month_name(int(found[5:7])), material.tally[found], said)
        if found[:4] != before:
            item = Piece(f"</ul><h2 class=d>{said.digits(found[:4])}</h2><ul>{item.text}")
        before = found[:4]
        pieces.append(item)
    return pieces


def _counted(href: str, label: str, count: int, said: Words) -> Piece:
    told = text(said.many("{n} story", "{n} stories", count))
    return Piece(f'<li><a href="{attribute(href)}">{text(label)}</a> <small>{told}</small>')


def _month(said: Words, month: str) -> str:
    return said.month(int(month[:4]), int(month[5:7]))


def _label(material: Material, key: str) -> str:
    """A section's name as the newsroom writes it."""
    return clipped(material.labels.get(key, ""), _LONGEST_LABEL) or key.rpartition("/")[2]


def _sections(material: Material, look: Look, lang: str, up: str) -> Links:
    """The sections of a front page: those the look names, in its order, then the largest others."""
    named = [item.key for item in look.nav if item.lang == lang and item.key in material.tally]
    rest = sorted(material.tally.items(), key=lambda found: (-found[1], found[0]))
    keys = list(dict.fromkeys([*named, *(key for key, _ in rest)]))[:_NAV_SECTIONS]
    labels = {item.key: item.label for item in look.nav}
    return [(f"{up}t/{key}.html", labels.get(key) or _label(material, key)) for key in keys]


def _ways(said: Words, up: str) -> Links:
    """The ways to every story that need no list of sections."""
    return [(f"{up}d/index.html", said("By day")), (f"{up}search.html", said("Search"))]


def _tongues(look: Look, here: str, up: str) -> Links:
    """From a front page to those in the other languages."""
    return [
        (up + home_href(look, lang) if lang != look.lang else f"{up}../index.html", own_name(lang))
        for lang in dict.fromkeys((look.lang, *look.languages))
        if lang != (here or look.lang)
    ]


def _front_note(key: SheetKey, material: Material, look: Look, said: Words) -> str:
    hint = said("Do you have a story's code? Type it into the search.")
    if key.of:
        return hint
    when = said.moment(material.issue.made.astimezone(look.tz()))
    return f"{hint} {said('Edition {number}, {when}.', number=material.issue.number, when=when)}"


def _interfaces(look: Look) -> list[Words]:
    """Words for each language of the edition, its own first, no interface twice."""
    found = dict.fromkeys(interface(lang, look.lang).lang for lang in (look.lang, *look.languages))
    return [words(lang) for lang in found]


def _section_in(tongue: Words, said: Words, body: str) -> str:
    """``body`` in a language that may not be the page's."""
    attributes = lang_attributes(tongue.lang, said)
    return f"<div{attributes}>{body}</div>" if attributes else body


def _about(said: Words, material: Material, look: Look) -> Iterable[str]:
    """The about page in one language, as pieces of HTML."""
    made = material.issue
    when = said.moment(made.made.astimezone(look.tz()))
    count = sum(material.tally.values()) or made.stories
    held = said.many(
        "Edition {number} of {when} holds {n} story.", "Edition {number} of {when} holds {n} stories.", count,
        number=made.number, when=when,
    )  # fmt: skip
    light = said(
        "This is a light edition of {title}. Its pages are small, so that they load on a poor line too,"
        " and where our site is blocked.",
        title=look.title,
    )
    home = safe_href(look.home)
    own = (
        f'<p>{text(said("Our own site:"))} <a href="{attribute(home)}" rel=noreferrer>{text(home)}</a>' if home else ""
    )
    yield f"<h1>{text(said('About this edition'))}</h1><p>{text(light)}<p>{text(held)}{own}"
    codes = said(
        "Every story has a code of seven characters, such as {code}. It is the same on every mirror and never changes."
        " Type it into the search of any mirror, or add {path} to the mirror’s address.",
        code="{0}",
        path="{1}",
    )
    codes = text(codes).format(f"<b>{shown(_EXAMPLE)}</b>", f"<code>a/{_EXAMPLE}.html</code>")
    yield f"<h2>{text(said('Story codes'))}</h2><p>{codes}"
    load = said(
        "No page loads anything by itself, and none but the search needs a script."
        " Pictures come only when you ask for them."
    )
    trust = said(
        "Pages carry no signature yet: whoever runs a mirror could change them. If something looks wrong,"
        " compare it with another mirror or with one of our channels."
    )
    yield f"<h2>{text(said('Your traffic and your trust'))}</h2><p>{text(load)}<p>{text(trust)}"
    yield (f'<p>{text(said("For feed readers:"))} <a href="../feed.xml">Atom</a> · <a href="feed.json">JSON Feed</a>')
