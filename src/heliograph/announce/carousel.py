"""A long story as several cards: its headline, its text in readable pages, and where to read on.

Rule 1: no page holds more than its room in a readable size, judged without a font, so that a plan needs none. Rule 2: a
page ends with a paragraph where it can, else with a sentence, else with a word. Rule 3: what has no room ends in "…",
and the last card says where the rest is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from heliograph.model.code import shown
from heliograph.model.post import Card
from heliograph.model.story import Story, block_texts
from heliograph.model.words import interface

PAGE = 620  # characters of a page: some 40 in a line of 42 pixels on a card of 1,080
_BREAK = 40  # what the end of a paragraph costs, in characters
_END = re.compile(r"(?<=[.!?…؟])[\"»”)]*\s+")
_SOFT = 0.6  # a sentence is begun on a page that is filled less than this, though its end goes on the next one


def of_story(story: Story, *, link: str = "", most: int = 1) -> tuple[Card, ...]:
    """The cards of ``story``, at most ``most`` of them; see ``carousel``."""
    words = interface(story.lang, "en")
    head = Card(
        title=story.title,
        label=story.section,
        foot=words("Story code {code}", code=shown(story.code)),
        lang=story.lang,
        alt=story.title,
    )
    return carousel(head, tuple(block_texts(story.blocks)), code=story.code, link=link, most=most)


def carousel(head: Card, paragraphs: Sequence[str], *, code: str, link: str = "", most: int = 10) -> tuple[Card, ...]:
    """``head`` and the text of a story as at most ``most`` cards, which is 1 to 10.

    ``head`` has the title, the label and the foot; ``link`` is where the story is on a mirror that lives, or "". A
    story that ``most`` does not hold is cut; the last card names its ``code`` in any case, unless ``most`` is 1.
    """
    if most < 2:
        return (replace(head, codes=(link,) if link else ()),)
    words = interface(head.lang, "en")
    pages = _pages([" ".join(one.split()) for one in paragraphs], most - 2)
    total = len(pages) + 2
    middle = [
        replace(head, title="", text=page, label=words.digits(f"{number} / {total}"), alt=page)
        for number, page in enumerate(pages, 2)
    ]
    path = f"a/{code}.html"
    told = words(
        "Every story has a code of seven characters, such as {code}. It is the same on every mirror and never changes. "
        "Type it into the search of any mirror, or add {path} to the mirror’s address.",
        code=shown(code),
        path=path,
    )
    last = replace(
        head,
        title=words("The whole story: code {code}", code=shown(code)),
        text=told,
        label=words.digits(f"{total} / {total}"),
        codes=(link,) if link else (),
        alt=told,
    )
    return (head, *middle, last)


def _pages(paragraphs: Sequence[str], most: int) -> list[str]:
    """Texts of at most ``PAGE`` characters; paragraphs are divided by newlines."""
    pages: list[list[str]] = [[]]
    used = 0
    rest = list(reversed([one for one in paragraphs if one]))
    while rest and len(pages) <= most:
        text = rest.pop()
        room = PAGE - used - (_BREAK if pages[-1] else 0)
        if len(text) <= room:
            pages[-1].append(text)
            used = PAGE - room + len(text)
            continue
        head, tail = _split(text, room, must=not pages[-1], may=used < PAGE * _SOFT)
        if head:
            pages[-1].append(head)
        rest.append(tail)
        pages.append([])
        used = 0
    whole = not rest and len(pages) <= most
    kept = ["\n".join(page) for page in pages[:most] if page]
    if not whole and kept:
        kept[-1] = kept[-1].rstrip(" .,;:!?…") + "…"
    return kept


def _split(text: str, room: int, *, must: bool, may: bool) -> tuple[str, str]:
    """``text`` parted at the last sentence that ends within ``room``; by words only where it ``must``, or ``may``."""
    ends = [found.end() for found in _END.finditer(text, 0, max(room, 0)) if found.end() <= room]
    at = ends[-1] if ends else 0
    if not at and (must or (may and room > PAGE // 4)):
        at = text.rfind(" ", 0, room) + 1 or (room if must else 0)
    return text[:at].rstrip(), text[at:]
