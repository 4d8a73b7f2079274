"""A story as one rich message of Telegram: headings, lists, quotations and tables, whole in the chat.

Rule 1: what a reader sees is cut between blocks, or in the last one at the end of a sentence; a list or a table that is
begun is closed. Rule 2: a block counts as Telegram counts it: lists, their items, tables and rows are one each.

Source of the limits: core.telegram.org/bots/api, "Rich message limits", read in November 2026.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Final

from heliograph.announce.prose import Prose, bold, plain
from heliograph.announce.text import clean, split, units
from heliograph.model.story import Figure, Heading, Listing, Quote, Rule, Story, Table

CHARACTERS: Final = 32_768
BLOCKS: Final = 500
COLUMNS: Final = 20
_LEAST: Final = 200  # characters: a shorter beginning of a block is not worth a cut
_KEPT: Final = 6  # blocks that are kept for the foot
_FOOT: Final = 1_000  # characters that it may take, whatever address is in it


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """What is not divided but by a cut: a block, an item of a list or a row of a table; texts bear marks."""

    tag: str
    texts: tuple[str, ...]
    within: tuple[int, str] = (0, "")  # the list or table that it is in: its place in the story, its tag

    @property
    def units(self) -> int:
        """UTF-16 units that a reader sees of it."""
        return sum(units(plain(text)) + 1 for text in self.texts)


def rich(story: Story, prose: Prose, title: str, foot: str, link: str, more: str) -> tuple[str, str]:
    """The message in Telegram's HTML, and what of it matters; ``more`` stands where not all of it found room."""
    end = [Piece(tag="p", texts=(line,)) for line in foot.split("\n") if line and line != link]
    head = [Piece(tag="h2", texts=(title,)), *(Piece(tag="p", texts=(bold(line),)) for line in prose.lead.split("\n"))]
    kept, all_of_it = _fitting([*head, *_pieces(story, prose)], CHARACTERS - _FOOT)
    text = _html(kept, prose)
    if not all_of_it:
        end.insert(0, Piece(tag="p", texts=(f"{more} ↓",)))
    last = f'<p><a href="{escape(link)}">{escape(link, quote=False)}</a></p>' if link else ""
    return text + _html(end, prose) + last, text


def _pieces(story: Story, prose: Prose) -> Iterator[Piece]:
    begins = next((place for place, block in enumerate(story.blocks, 1) if not isinstance(block, Figure)), 0)
    for place, block in enumerate(story.blocks, 1):
        match block:
            case Heading(level=level, runs=runs):
                yield Piece(tag=f"h{min(6, level + 1)}", texts=(clean(plain(prose.marked(runs)), lines=False),))
            case Listing(ordered=ordered, items=items):
                for item in items:
                    yield Piece(tag="li", texts=(_flat(prose.marked(item)),), within=(place, "ol" if ordered else "ul"))
            case Table(rows=rows) if max(map(len, rows), default=0) <= COLUMNS:
                for row in rows:
                    yield Piece(
                        tag="tr", texts=tuple(_flat(prose.marked(cell)) for cell in row), within=(place, "table")
                    )
            case Table(rows=rows):  # too wide for one
                for row in rows:
                    yield Piece(tag="p", texts=(" · ".join(_flat(prose.marked(cell)) for cell in row),))
            case Quote(runs=runs, source=source):
                yield Piece(tag="blockquote", texts=(_flat(prose.marked(runs)),))
                if source:
                    yield Piece(tag="p", texts=(f"— {clean(source, lines=False)}",))
            case Rule():
                yield Piece(tag="hr", texts=())
            case Figure():
                pass  # a picture that is not shown needs no caption
            case _:
                said = prose.text(block)
                if place == begins and plain(said) == prose.lead:
                    continue  # many sites begin their text with the lead
                yield from (Piece(tag="p", texts=(line,)) for line in prose.lines(said))


def _flat(text: str) -> str:
    return text.replace("\n", " ")


def _fitting(pieces: Sequence[Piece], room: int) -> tuple[list[Piece], bool]:
    """As many pieces as have room, and whether that is all of them."""
    kept, blocks, within = list[Piece](), BLOCKS - _KEPT, (0, "")
    for piece in pieces:
        if piece.tag != "hr" and not any(plain(text).strip() for text in piece.texts):
            continue
        blocks -= 1 + (piece.within != within and piece.within[0] > 0) + (piece.tag == "blockquote")
        within = piece.within
        if blocks < 0:
            return kept, False
        if piece.units > room:
            if len(piece.texts) == 1 and room >= _LEAST:
                begun, _ = split(piece.texts[0], room - 1, lambda text: units(plain(text)))
                kept += [Piece(tag=piece.tag, texts=(begun,), within=piece.within)] if plain(begun) else []
            return kept, False
        kept.append(piece)
        room -= piece.units
    return kept, True


def _html(pieces: Sequence[Piece], prose: Prose) -> str:
    made = list[str]()
    for (_, around), group in groupby(pieces, lambda piece: piece.within):
        inner = "\n".join(_tagged(piece, prose) for piece in group)
        made.append(f"<{around}>{inner}</{around}>\n" if around else f"{inner}\n")
    return "".join(made)


def _tagged(piece: Piece, prose: Prose) -> str:
    if piece.tag == "hr":
        return "<hr/>"
    said = ["".join(prose.html([text])) for text in piece.texts]
    inner = "".join(f"<td>{text}</td>" for text in said) if piece.tag == "tr" else said[0]
    return f"<{piece.tag}>{inner}</{piece.tag}>"
