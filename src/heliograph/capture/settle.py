"""The last step of capture: what was read of a story, in bounds and without repetitions, becomes the ``Story``.

A repeated title, a lead that is the first paragraph again, a hero picture that is in the body already: each is told
once. Nothing is dropped silently: what is clipped is a ``Problem``.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from heliograph.capture import language, links
from heliograph.capture.markup import MAX_BLOCKS
from heliograph.capture.text import clip, first_sentence, fold, line
from heliograph.model import Block, Figure, Heading, Paragraph, Picture, Problem, Story
from heliograph.model.code import story_code
from heliograph.model.story import block_texts, plain_text

MAX_TITLE, MAX_LEAD = 300, 1_000  # characters
MAX_SENTENCE = 160  # characters of a title made from the first sentence
AHEAD = timedelta(days=1)
_FIRST_WORD = re.compile(r"\w+")
_NEAR_TOP = 3  # blocks in which a title or lead is repeated


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A story as it was read: unbounded, with repetitions. ``langs`` are declarations, the best first."""

    url: str
    title: str
    blocks: tuple[Block, ...]
    lead: str = ""
    bylines: tuple[str, ...] = ()
    section: str = ""
    tags: tuple[str, ...] = ()
    langs: tuple[str, ...] = ()
    published: datetime | None = None
    updated: datetime | None = None
    hero: Figure | None = None
    aliases: tuple[str, ...] = ()


def settle(raw: Raw, now: datetime, default_lang: str) -> tuple[Story | None, tuple[Problem, ...]]:
    """The story, or None with a problem where there is neither title nor text."""
    problems: list[Problem] = []
    title = line(raw.title) or _from_text(raw.blocks)
    if not title:
        what = "it has neither a title nor text"
        return None, (Problem(where=raw.url, what=what, remedy="look at the page; leave it out if it is no story"),)
    blocks = without_title(raw.blocks, title)
    lead = _lead(raw.lead, title, blocks)
    if raw.hero is not None and not _shows(blocks, raw.hero.picture):
        blocks = (raw.hero, *blocks)
    if len(blocks) >= MAX_BLOCKS:
        blocks = blocks[:MAX_BLOCKS]
        problems.append(Problem(where=raw.url, what=f"it has {MAX_BLOCKS:,} blocks or more; what follows is left out"))
    for name, text, limit in (("title", title, MAX_TITLE), ("lead", lead, MAX_LEAD)):
        if len(text) > limit:
            what = f"its {name} has {len(text):,} characters; clipped to {limit:,}"
            problems.append(Problem(where=raw.url, what=what, remedy=f"shorten the {name} on the site"))
    published = _past(raw.published, now, raw.url, problems)
    updated = _past(raw.updated, now, raw.url, problems)
    first = published or updated or now
    story = Story(
        url=raw.url,
        code=story_code(raw.url),
        lang=_lang(raw.langs, title, blocks, default_lang),
        title=clip(title, MAX_TITLE),
        blocks=blocks,
        published=first,
        updated=max(first, updated or first),
        lead=clip(lead, MAX_LEAD),
        bylines=raw.bylines,
        section=raw.section,
        tags=raw.tags,
        aliases=raw.aliases,
        dated=bool(published or updated),
    )
    return story, tuple(problems)


def without_title(blocks: tuple[Block, ...], title: str) -> tuple[Block, ...]:
    """``blocks`` without the title that a page repeats above its text."""
    for at, block in enumerate(blocks[:_NEAR_TOP]):
        if isinstance(block, Heading | Paragraph) and len(blocks) > 1:
            text = plain_text(block.runs)
            if len(text) <= 2 * len(title) and fold(text) == fold(title):
                return blocks[:at] + blocks[at + 1 :]
    return blocks


def _from_text(blocks: Sequence[Block]) -> str:
    for text in block_texts(tuple(blocks)):
        if clean := line(text):
            return clip(first_sentence(clean), MAX_SENTENCE)
    return ""


def _lead(raw: str, title: str, blocks: tuple[Block, ...]) -> str:
    """The lead, or "" where it only repeats the title or the beginning of the text."""
    lead = line(raw)
    start = _FIRST_WORD.search(lead)
    if start is None or fold(lead) == fold(title):
        return ""
    for text in block_texts(blocks[:_NEAR_TOP]):
        first = _FIRST_WORD.search(text)
        if first and first[0].casefold() == start[0].casefold() and fold(text[: len(lead) + 20]).startswith(fold(lead)):
            return ""
    return lead


def _shows(blocks: Collection[Block], picture: Picture) -> bool:
    name = links.file_name(picture.url)
    return any(isinstance(block, Figure) and links.file_name(block.picture.url) == name for block in blocks)


def _past(found: datetime | None, now: datetime, url: str, problems: list[Problem]) -> datetime | None:
    if found is None or found <= now + AHEAD:
        return found
    if not any("lies ahead" in problem.what for problem in problems):
        what = f"its date {found.isoformat()} lies ahead; taken as unknown"
        problems.append(Problem(where=url, what=what, remedy="correct the date on the site"))
    return None


def _lang(declared: Sequence[str], title: str, blocks: tuple[Block, ...], default: str) -> str:
    sample = title
    for text in block_texts(blocks):
        if len(sample) >= language.SAMPLE:
            break
        sample += "\n" + text
    return language.choose(next(filter(None, declared), ""), sample, default)
