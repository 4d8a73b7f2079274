"""The wire form of a story: JSON of arrays, zlib-packed, as the journal keeps it and worker processes receive it.

Blocks are arrays that start with a letter: p paragraph, h heading, l list, q quote, t table, f figure, e embed, r rule.
Runs are strings, or ``[text, mark, href]`` where they carry something. Reading is strict: bytes this version did not
write raise ``ValueError``.
"""

from __future__ import annotations

import json
import zlib
from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from typing import Any

from heliograph.model.source import Tip
from heliograph.model.story import (
    Block,
    Embed,
    Figure,
    Heading,
    Listing,
    Paragraph,
    Picture,
    Quote,
    Rule,
    Run,
    Runs,
    Story,
    Table,
)

_Json = Any  # what json.loads gives: its shape is what this module checks
MAX_STORY = 64_000_000  # bytes of JSON of one story; more is not ours


def pack(story: Story) -> bytes:
    """The wire bytes of ``story``."""
    return zlib.compress(_dumps(_story(story)).encode("utf-8", "surrogatepass"), 1)


def unpack(data: bytes) -> Story:
    """The story in ``data``.

    Raises:
        ValueError: ``data`` is not what ``pack`` writes.
    """
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(data, MAX_STORY)
        return _read_story(json.loads(text))
    except (zlib.error, KeyError, TypeError, IndexError, UnicodeDecodeError) as err:
        raise ValueError(f"no story in these bytes: {err}") from err


def digest(story: Story) -> str:
    """What the newsroom would call "the same text": SHA-256 of all but version, aliases and where it was found."""
    fields = _story(story)
    for key in ("version", "aliases", "source", "code"):
        del fields[key]
    if not story.dated:  # a date that heliograph made up must not make a new version
        del fields["published"], fields["updated"]
    return sha256(_dumps(fields).encode("utf-8", "surrogatepass")).hexdigest()


def pack_tip(tip: Tip) -> bytes:
    """The wire bytes of ``tip``."""
    fields = {key: value for key, value in asdict(tip).items() if value}
    for key in ("published", "updated"):
        if key in fields:
            fields[key] = fields[key].isoformat()
    return zlib.compress(_dumps(fields).encode("utf-8", "surrogatepass"), 1)


def unpack_tip(data: bytes) -> Tip:
    """The tip in ``data``, as ``pack_tip`` wrote it."""
    fields = json.loads(zlib.decompress(data))
    for key in ("published", "updated"):
        if key in fields:
            fields[key] = datetime.fromisoformat(fields[key])
    for key in ("bylines", "tags"):
        if key in fields:
            fields[key] = tuple(fields[key])
    return Tip(**{"url": "", **fields})


def _dumps(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _story(story: Story) -> dict[str, _Json]:
    return {
        "url": story.url,
        "code": story.code,
        "lang": story.lang,
        "title": story.title,
        "lead": story.lead,
        "blocks": [_block(block) for block in story.blocks],
        "published": story.published.isoformat(),
        "updated": story.updated.isoformat(),
        "bylines": story.bylines,
        "section": story.section,
        "tags": story.tags,
        "aliases": story.aliases,
        "source": story.source,
        "dated": story.dated,
        "version": story.version,
    }


def _runs(runs: Runs) -> list[_Json]:
    return [[run.text, run.mark, run.href] if run.mark or run.href else run.text for run in runs]


def _block(block: Block) -> list[_Json]:
    match block:
        case Paragraph(runs=runs):
            return ["p", _runs(runs)]
        case Heading(level=level, runs=runs):
            return ["h", level, _runs(runs)]
        case Listing(ordered=ordered, items=items):
            return ["l", ordered, [_runs(item) for item in items]]
        case Quote(runs=runs, source=source):
            return ["q", _runs(runs), source]
        case Table(rows=rows, head=head):
            return ["t", head, [[_runs(cell) for cell in row] for row in rows]]
        case Figure(picture=picture, caption=caption, credit=credit):
            return ["f", picture.url, picture.alt, picture.width, picture.height, _runs(caption), credit]
        case Embed(href=href, title=title, provider=provider):
            return ["e", href, title, provider]
        case Rule():
            return ["r"]


def _read_runs(value: _Json) -> Runs:
    return tuple(Run(run) if isinstance(run, str) else Run(*run) for run in value)


def _read_block(value: list[_Json]) -> Block:
    match value:
        case ["p", runs]:
            return Paragraph(runs=_read_runs(runs))
        case ["h", int(level), runs]:
            return Heading(level=level, runs=_read_runs(runs))
        case ["l", bool(ordered), items]:
            return Listing(ordered=ordered, items=tuple(_read_runs(item) for item in items))
        case ["q", runs, str(source)]:
            return Quote(runs=_read_runs(runs), source=source)
        case ["t", bool(head), rows]:
            return Table(head=head, rows=tuple(tuple(_read_runs(cell) for cell in row) for row in rows))
        case ["f", str(url), str(alt), int(width), int(height), caption, str(credit)]:
            picture = Picture(url=url, alt=alt, width=width, height=height)
            return Figure(picture=picture, caption=_read_runs(caption), credit=credit)
        case ["e", str(href), str(title), str(provider)]:
            return Embed(href=href, title=title, provider=provider)
        case ["r"]:
            return Rule()
    raise ValueError(f"unknown block {value!r:.60}")


def _read_story(fields: dict[str, _Json]) -> Story:
    return Story(
        url=fields["url"],
        code=fields["code"],
        lang=fields["lang"],
        title=fields["title"],
        lead=fields["lead"],
        blocks=tuple(_read_block(block) for block in fields["blocks"]),
        published=datetime.fromisoformat(fields["published"]),
        updated=datetime.fromisoformat(fields["updated"]),
        bylines=tuple(fields["bylines"]),
        section=fields["section"],
        tags=tuple(fields["tags"]),
        aliases=tuple(fields["aliases"]),
        source=fields["source"],
        dated=fields["dated"],
        version=fields["version"],
    )
