"""A story as pages: ``a/<code>.html`` and, where it does not fit one response, ``a/<code>.2.html`` and so on.

Rule 1: nothing on the page loads by itself and nothing needs a script. Rule 2: a page says nothing of the edition it
was made for, so that a new edition leaves old stories' bytes alone; only while it is young does it name other mirrors.
Rule 3: the foot carries the story's code.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Sequence
from datetime import timedelta

from markupsafe import Markup

from heliograph.model.code import shown
from heliograph.model.edition import File, Material, SheetKey
from heliograph.model.names import section_key
from heliograph.model.story import Block, Paragraph, Run, Story, plain_text
from heliograph.model.words import Words, direction, interface
from heliograph.render import blocks, packer
from heliograph.render.look import Look
from heliograph.render.style import style
from heliograph.render.templating import markup, template

CARRIES = timedelta(days=2)  # for how long a story names other mirrors: after that nobody keeps its page current
_LANG = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,3}")
_CHARACTERS_A_MINUTE = 1_150  # some 180 words and their tags; counting characters is cheaper than counting words
_LONGEST_HEADING = 240  # characters; the rest of a longer title opens the text
_LONGEST_LABEL = 40  # characters of a section's name
_LONGEST_TITLE = 110  # characters in the browser's tab
_WORTH_TELLING = 600  # seconds between publication and an update before the page speaks of it
_STYLED = {
    "lead": ("<p class=l",),
    "heading": ("<h2", "<h3", "<h4"),
    "quote": ("<blockquote",),
    "table": ("<table",),
    "figure": ("<figure",),
    "picture": ("<div class=f style",),
    "embed": ("<p class=e",),
}


def story(key: SheetKey, material: Material, look: Look, dense: bool) -> tuple[File, ...]:
    """The pages of the one story in ``material``; none where the story is gone."""
    if not material.stories:
        return ()
    told = material.stories[0]
    words = interface(told.lang, look.lang)
    context = blocks.Context(words, material.codes, material.shown)
    heading, opening = _opening(told)
    pieces = blocks.pieces(opening, context)
    common = {
        "look": look,
        "foot": look.foot,
        "words": words,
        "up": "",
        "home": home_href(look, told.lang),
        "section": _section(told.lang, told.section),
        "label": blocks.clipped(told.section, _LONGEST_LABEL),
        "lang": lang_attributes(told.lang, words),
        "heading": heading,
        "time": markup(_time(told, words, look)),
        "facts": [words.many("{n} minute to read", "{n} minutes to read", _minutes(pieces)), *_bylines(told)],
        "code": shown(told.code),
    }

    young, path = material.issue.made - told.published < CARRIES, f"a/{told.code}.html"

    def page(texts: Sequence[str], number: int, total: int) -> str:
        body = "".join(texts)
        count = f" ({number}/{total})" if total > 1 else ""
        return template("story.html").render(
            common,
            title=f"{blocks.clipped(told.title, _LONGEST_TITLE)}{count} · {look.title}",
            css=style(look, _styles(body), rtl=words.rtl),
            number=number,
            parts=markup(part_links(f"{told.code}.html", number, total, words)),
            others=look.others(packer.part_path(path, number)) if young else (),
            onion=look.onion_page(packer.part_path(path, number)),
            body=markup(body),
        )

    return packer.pack(path, pieces, page, dense=dense)


def home_href(look: Look, lang: str) -> str:
    """From a page in ``a/`` to the front page in the reader's language."""
    return f"l/{lang}.html" if lang in look.languages and lang != look.lang else "../index.html"


def lang_attributes(lang: str, words: Words) -> Markup:
    """Attributes for text in ``lang`` on a page whose interface is in another language."""
    if lang == words.lang or not _LANG.fullmatch(lang):
        return markup("")
    turned = "" if direction(lang) == direction(words.lang) else f" dir={direction(lang)}"
    return markup(f' lang="{lang}"{turned}')


def part_links(name: str, number: int, total: int, words: Words) -> str:
    """Where the reader is among the parts of a page, and the ways to the parts beside it."""
    if total < 2:
        return ""
    said = [blocks.text(words("Part {n} of {total}", n=number, total=total))]
    for other, label in ((number - 1, "Previous part"), (number + 1, "Next part")):
        if 1 <= other <= total:
            said.append(f'<a href="{packer.part_path(name, other)}">{blocks.text(words(label))}</a>')
    return f"<nav class=s>{' · '.join(said)}</nav>"


def _opening(told: Story) -> tuple[str, list[Block]]:
    """The heading, and all blocks with the lead before them; what a hostile title has too much becomes text."""
    title = " ".join(told.title.split())
    heading = blocks.clipped(title, _LONGEST_HEADING)
    opening: list[Block] = [] if heading == title else [Paragraph(runs=(Run(title),))]
    body = list(told.blocks)
    first = " ".join(plain_text(body[0].runs).split()) if body and isinstance(body[0], Paragraph) else ""
    lead = " ".join(told.lead.split())
    if lead and first == lead:  # feeds often repeat the first paragraph as the summary
        del body[0]
    if lead and not (first != lead and first.startswith(lead.rstrip(".… "))):
        opening.append(blocks.Lead(runs=(Run(lead),)))
    return heading, opening + body


def _time(told: Story, words: Words, look: Look) -> str:
    zone = look.tz()
    published, updated = told.published.astimezone(zone), told.updated.astimezone(zone)
    said = words.moment(published)
    marked = f"<time datetime={published:%Y-%m-%d}>{blocks.text(said)}</time>"
    if not told.dated:
        return words("received {when}").replace("{when}", marked)
    if (updated - published).total_seconds() < _WORTH_TELLING:
        return marked
    when = words.clock(updated) if updated.date() == published.date() else words.moment(updated)
    return f"{marked}, {blocks.text(words('updated {when}', when=when))}"


@functools.lru_cache(maxsize=1024)
def _section(lang: str, label: str) -> str:
    return section_key(lang, label)


def _minutes(pieces: Sequence[packer.Piece]) -> int:
    return max(1, round(sum(len(piece.text) for piece in pieces) / _CHARACTERS_A_MINUTE))


def _bylines(told: Story) -> list[str]:
    names = blocks.clipped(", ".join(told.bylines[:20]))
    return [names] if names else []


def _styles(body: str) -> frozenset[str]:
    return frozenset(part for part, marks in _STYLED.items() if any(mark in body for mark in marks))
