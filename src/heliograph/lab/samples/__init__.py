"""Sample stories of an invented newsroom, for the simulated world and for tests.

Rule 1: everything in them is invented: the newsroom, the places, the people. Rule 2: each is the kind of text that
makes a press stumble: one sentence, a long read of several parts, a table, pictures and a player, a link through a
mirror that no longer exists, a report *about* a block. Rule 3: a story's time is relative to ``now``, so that a demo
is always fresh. The texts are Markdown files beside this one, with YAML front matter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import resources

import yaml
from markdown_it import MarkdownIt

DEAD_MIRROR = "https://d3adm1rr0r.cloudfront.net"  # invented; stories link through it as if it had once been alive
MEDIA = "/media/"  # where the newsroom serves pictures: /media/<name>.jpg

_FENCE = "---\n"
_OFFSET = re.compile(r"-(?:(?P<days>\d+)d)?(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One story as its author wrote it.

    ``path`` is the URL path on the newsroom's site. ``picture`` names the leading picture (``/media/<picture>.jpg``),
    "" without one; ``caption`` goes under it. ``markdown`` may hold HTML for figures and players.
    """

    title: str
    lead: str
    lang: str
    section: str
    author: str
    path: str
    published: datetime
    tags: tuple[str, ...]
    picture: str
    caption: str
    markdown: str


def samples(now: datetime) -> tuple[Sample, ...]:
    """All sample stories as of ``now`` (aware), newest first."""
    files = (entry for entry in resources.files(__name__).iterdir() if entry.name.endswith(".md"))
    stories = [_sample(entry.name, entry.read_text(encoding="utf-8"), now) for entry in files]
    return tuple(sorted(stories, key=lambda story: (story.published, story.path), reverse=True))


def html(sample: Sample) -> str:
    """The body of ``sample`` as the HTML a content management system would store: no title, lead or leading picture."""
    return str(MarkdownIt("commonmark", {"html": True}).enable("table").render(sample.markdown))


def _sample(name: str, text: str, now: datetime) -> Sample:
    """Read one file. Raises ValueError naming it: the files are ours, so a bad one is a mistake to mend."""
    start, head, body = text.split(_FENCE, 2)
    meta = yaml.safe_load(head)
    if start or not isinstance(meta, dict):
        raise ValueError(f"{name}: no front matter")
    tags = tuple(str(tag) for tag in meta.pop("tags"))
    published = now - _age(name, str(meta.pop("published")))
    words = {field: str(value) for field, value in meta.items()}
    return Sample(**words, published=published, tags=tags, markdown=body.strip() + "\n")


def _age(name: str, offset: str) -> timedelta:
    """How long before now: "-2h30m", "-1d4h", "-40d"."""
    match = _OFFSET.fullmatch(offset)
    if match is None or offset == "-":
        raise ValueError(f"{name}: published: {offset!r} is no offset such as -1d4h")
    return timedelta(**{unit: int(count) for unit, count in match.groupdict(default="0").items()})
