"""HTML of any stranger to blocks of plain text with marks.

Rule 1: only text, links, pictures and cards come through; what a browser would not show as text gives none (scripts,
styles, templates, forms, drawings, hidden elements).
Rule 2: text is never lost for its markup: text right in a ``div`` is a paragraph, a table used for layout is unwrapped,
a list of whole sections is read as sections. Struck-out text is no longer the author's and goes.
Rule 3: one walk without recursion, each node looked at once.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from heliograph.capture import cards, elements, links, tables, tree
from heliograph.capture.elements import BLOCK, LINK, MARK, SKIP
from heliograph.capture.runs import LINE_BREAK, Parts, joined_mark, paragraphs_of, runs_of
from heliograph.capture.text import BLANK, clip, collapse, line
from heliograph.model import Block, Embed, Figure, Heading, Listing, Paragraph, Quote, Rule
from heliograph.model.story import Mark, Run, Runs, plain_text

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

MAX_BLOCKS = 5_000
MAX_PICTURES = 500
MAX_CAPTION = 1_000  # characters
MAX_SOURCE = 300
_MAX_WITHIN = 12  # unwrapped lists, tables, ... within each other that are still looked into

_MARKS: dict[str, Mark] = {
    "b": "b", "strong": "b", "i": "i", "em": "i", "cite": "i", "var": "i", "dfn": "i",
    "code": "code", "kbd": "code", "samp": "code", "tt": "code", "sub": "sub", "sup": "sup",
}  # fmt: skip
_MARK_NAMED: dict[str, Mark] = {"": "", "b": "b", "i": "i", "bi": "bi", "code": "code", "sub": "sub", "sup": "sup"}
_LEVELS = {"h1": 2, "h2": 2, "h3": 3, "h4": 4, "h5": 4, "h6": 4}
_CAPTION_CLASS = re.compile(
    r"caption|credit|copyright|photo-?(?:desc|info|author|source)|image-?(?:desc|info)|podpis", re.IGNORECASE
)


def blocks(fragment: str, base: str, *, files: bool = False) -> tuple[Block, ...]:
    """The blocks of an HTML fragment; ``base`` is the URL its links are relative to. Never raises.

    ``files`` admits pictures with ``file:`` URLs, for a folder the operator named.
    """
    body = tree.parse_fragment(fragment).body
    return blocks_in(body, base, files=files) if body is not None else ()


def blocks_in(
    root: LexborNode,
    base: str,
    *,
    skip: Collection[int] = frozenset(),
    mute: Collection[int] = frozenset(),
    files: bool = False,
) -> tuple[Block, ...]:
    """The blocks within ``root``, without the elements whose ``mem_id`` is in ``skip``.

    Of those in ``mute`` only pictures with their captions and cards are taken, no other text.
    """
    walk = _Walk(base, skip, mute, files)
    walk.over(root)
    return walk.finished()


class _Walk:
    """One walk over a tree: what is open around the node, and what was read so far.

    ``parts`` collects the text at hand. ``sink`` tells what takes it at the end of an element: "" a paragraph, else the
    list, quotation, heading or caption that is open; inside of one, the ends of other elements are line breaks.
    """

    def __init__(self, base: str, skip: Collection[int], mute: Collection[int], files: bool) -> None:
        self.base, self.skip, self.mute, self.files = base, skip, mute, files
        self.muted_at = 0  # depth of the muted element around the node
        self.blocks: list[Block] = []
        self.parts: Parts = []
        self.mark: Mark = ""
        self.href = ""
        self.sink = ""
        self.pre = False
        self.items: list[Runs] = []
        self.source = ""  # of the quotation that is open
        self.aside: Parts = []  # its text, while its source is read
        self.late: list[Block] = []  # pictures and cards met within a stretch of text; they follow it
        self.pictures = 0
        self.within = 0  # unwrapped structures around the node
        self.caption_for = 0  # index of the figure a following caption belongs to, plus one

    # ------------------------------------------------------------ the walk

    def over(self, root: LexborNode) -> None:
        node = root.child
        stack: list[tuple[LexborNode, int, str, str]] = []
        skip, kinds, blocks = self.skip, elements.KINDS, self.blocks
        while True:
            while node is None:
                if not stack:
                    return
                if len(stack) == self.muted_at:
                    self.muted_at = 0  # leaves the muted element
                node, kind, name, was = stack.pop()
                self._leave(kind, name, was)
                node = node.next
            name = node.tag or ""
            if name == "-text":
                self._text(node.text_content or "")
                node = node.next
                continue
            kind = kinds.get(name, -1)
            if kind == SKIP or (skip and node.mem_id in skip) or len(blocks) >= MAX_BLOCKS:
                node = node.next
                continue
            attributes = node.attributes
            if (attributes and elements.is_hidden(attributes)) or (kind == BLOCK and self._is_plain(node)):
                node = node.next
                continue
            kind, was = self._enter(node, kind, name, attributes)
            child = node.child if kind != SKIP else None
            if child is None:
                if kind != SKIP:
                    self._leave(kind, name, was)
                node = node.next
            else:
                stack.append((node, kind, name, was))
                if self.mute and not self.muted_at and node.mem_id in self.mute:
                    self.muted_at = len(stack)
                node = child

    def _is_plain(self, node: LexborNode) -> bool:
        """Whether ``node`` was a paragraph of nothing but text, read at once: a third of the time for half of all."""
        if self.sink or self.muted_at or self.caption_for or self._is_after_card():
            return False
        child = node.child
        if child is None or child.next is not None:
            return False
        if child.tag == "span" and not child.attributes:
            child = child.child
            if child is None or child.next is not None:
                return False
        if child.tag != "-text":
            return False
        if self.parts or self.late:
            self._end_paragraph()
        if text := collapse(child.text_content or "").strip(BLANK):
            self.blocks.append(Paragraph(runs=(Run(text, self.mark, self.href),)))
        return True

    def finished(self) -> tuple[Block, ...]:
        self._end_paragraph()
        while self.blocks and isinstance(self.blocks[-1], Rule):
            self.blocks.pop()
        return tuple(self.blocks[:MAX_BLOCKS])

    def _text(self, text: str) -> None:
        if self.muted_at and self.sink != "caption":
            return
        if self.pre:
            for number, row in enumerate(text.split("\n")):
                if number:
                    self.parts.append(LINE_BREAK)
                self.parts.append((collapse(row), self.mark, self.href))
        elif (text := collapse(text)) and (text != " " or self.parts):
            self.parts.append((text, self.mark, self.href))

    # ------------------------------------------------------------ elements

    def _enter(self, node: LexborNode, kind: int, name: str, attributes: dict[str, str | None]) -> tuple[int, str]:
        """Opens an element. Returns its kind as it was taken (``SKIP`` when all is done) and what to restore."""
        if kind == elements.FORM and (self.within >= _MAX_WITHIN or not elements.holds_page(node)):
            return SKIP, ""
        if kind in (BLOCK, elements.FORM):
            self._boundary()
            if kind == elements.FORM:
                return self._unwrapped()
            if self.sink == "quote" and name == "footer" and self.parts:
                self.aside, self.parts = self.parts, []
                return kind, "source"
            if self.caption_for and not self.sink and self._is_caption(node, name, attributes):
                self.sink = "caption"
                return kind, "caption"
        elif kind == LINK:
            was, self.href = self.href, links.link(self.base, attributes.get("href") or "") or self.href
            return kind, was
        elif kind == MARK:
            was = self.mark
            self.mark = joined_mark(was, _MARKS[name])
            return kind, was
        elif kind == elements.BREAK:
            self.parts.append(LINE_BREAK)
            return SKIP, ""
        elif kind == elements.Q:
            self.parts.append(("“", self.mark, self.href))
        elif kind in elements.STRUCTURES:
            return self._enter_structure(node, kind, name)
        elif kind in elements.LEAVES:
            return self._leaf(node, kind)
        return kind, ""

    def _enter_structure(self, node: LexborNode, kind: int, name: str) -> tuple[int, str]:
        """Opens a heading, list, item, quotation or preformatted text: where its text goes from here on."""
        self._boundary()
        if kind == elements.PRE:
            was, self.mark, self.pre = self.mark, "code", True
            return kind, was
        if kind == elements.ITEM:
            if self.sink == "list":
                self._end_item()
            return BLOCK, ""
        if self.sink:  # a structure within a structure is lines of the outer one
            return BLOCK, ""
        if kind == elements.HEAD:
            self.sink = "heading"
        elif self.within >= _MAX_WITHIN:
            return BLOCK, ""
        elif not elements.is_unit(node, name):
            return self._unwrapped()
        elif kind == elements.LIST:
            self.sink = "list"
        elif card := cards.social(node, self.base):
            self.late.append(card)  # after the post's text, which a reader has here even if the network is blocked
            self.sink = "quote"
        else:
            self.sink = "quote"
        return kind, name

    def _unwrapped(self) -> tuple[int, str]:
        """A structure that only lays out what is in it: its parts are read as if it were not there."""
        self.within += 1
        return BLOCK, "unwrapped"

    def _leaf(self, node: LexborNode, kind: int) -> tuple[int, str]:
        """Takes a picture, card, table or rule whole; answers ``BLOCK`` for what is to be walked into after all."""
        if kind == elements.IMAGE:
            self._image(node)
        elif kind == elements.RULE:
            self._boundary()
            if not self.sink and self.blocks and not isinstance(self.blocks[-1], Rule):
                self.blocks.append(Rule())
        elif kind == elements.CARD:
            if card := cards.player(node, self.base):
                self._add(card)
        elif kind == elements.TABLE:
            self._boundary()
            read = None if self.sink or self.within >= _MAX_WITHIN else tables.read(node, self._cell)
            if read is None:
                return self._unwrapped()
            self.blocks.extend(read)
        else:
            self._boundary()
            figures = cards.figures(node, self.base, files=self.files) if self.within < _MAX_WITHIN else []
            if not figures:
                return self._unwrapped()
            for block in figures:
                self._add(block)
        return SKIP, ""

    def _cell(self, node: LexborNode) -> tuple[Runs, list[Block]]:
        """One table cell, read as lines, and the pictures in it."""
        walk = _Walk(self.base, self.skip, self.mute, self.files)
        walk.sink = "cell"
        walk.over(node)
        return walk._taken(), walk.late

    def _image(self, node: LexborNode) -> None:
        if emoji := cards.emoji(node):
            self.parts.append((emoji, self.mark, self.href))
        elif self.pictures < MAX_PICTURES and (picture := cards.picture_of(node, self.base, files=self.files)):
            self.pictures += 1
            self._add(Figure(picture=picture))

    def _leave(self, kind: int, name: str, was: str) -> None:
        if kind == BLOCK:
            if was == "caption":
                self._end_caption()
            elif was == "source":
                self.source = plain_text(self._taken()).replace("\n", " ")
                self.parts, self.aside = self.aside, []
            else:
                self._boundary()
                self.within -= was == "unwrapped"
        elif kind == LINK:
            self.href = was
        elif kind == MARK:
            self.mark = _MARK_NAMED[was]
        elif kind == elements.Q:
            self.parts.append(("”", self.mark, self.href))
        elif kind == elements.PRE:
            self._boundary()
            self.mark, self.pre = _MARK_NAMED[was], False
        elif kind == elements.HEAD:
            self._end_heading(_LEVELS[name])
        elif kind == elements.LIST:
            self._end_list(ordered=name == "ol")
        elif kind == elements.QUOTE:
            self._end_quote()

    # ------------------------------------------------------------ ends of things

    def _boundary(self) -> None:
        """A block begins or ends: a new paragraph, or a new line of what is open."""
        if not self.sink:
            if len(self.parts) == 1 and not self.late and not self._is_after_card():  # nearly all paragraphs
                if runs := self._taken():
                    self.caption_for = 0
                    self.blocks.append(Paragraph(runs=runs))
            elif self.parts or self.late:
                self._end_paragraph()
        elif self.parts:
            self.parts.append(LINE_BREAK)

    def _taken(self) -> Runs:
        runs = runs_of(self.parts)
        self.parts = []
        return runs

    def _is_after_card(self) -> bool:
        return bool(self.blocks) and isinstance(self.blocks[-1], Embed)

    def _end_paragraph(self) -> None:
        paragraphs, self.parts = paragraphs_of(self.parts), []
        if paragraphs and self._is_after_card() and cards.is_apology(plain_text(paragraphs[0])):
            del paragraphs[0]
        if paragraphs:
            self.caption_for = 0
            self.blocks.extend(Paragraph(runs=runs) for runs in paragraphs)
        self._release()

    def _end_heading(self, level: int) -> None:
        self.sink = ""
        if runs := tuple(replace(run, text=run.text.replace("\n", " ")) for run in self._taken()):
            self.blocks.append(Heading(level=level, runs=runs))
        self._release()

    def _end_item(self) -> None:
        if runs := self._taken():
            self.items.append(runs)

    def _end_list(self, *, ordered: bool) -> None:
        self._end_item()
        self.sink = ""
        if self.items:
            self.blocks.append(Listing(ordered=ordered, items=tuple(self.items)))
            self.items = []
        self._release()

    def _end_quote(self) -> None:
        self.sink = ""
        source, self.source = self.source, ""
        if runs := self._taken():
            self.blocks.append(Quote(runs=runs, source=clip(source, MAX_SOURCE)))
        self._release()

    def _end_caption(self) -> None:
        self.sink = ""
        runs, at, self.caption_for = self._taken(), self.caption_for - 1, 0
        figure = self.blocks[at] if 0 <= at < len(self.blocks) else None
        if isinstance(figure, Figure) and runs:
            self.blocks[at] = replace(figure, caption=runs)
        self._release()

    def _release(self) -> None:
        """Pictures and cards that were met within the text now follow it."""
        for block in self.late:
            self._append(block)
        self.late = []

    def _add(self, block: Block) -> None:
        if self.parts or self.sink:
            self.late.append(block)
        else:
            self._append(block)

    def _append(self, block: Block) -> None:
        last = self.blocks[-1] if self.blocks else None
        if isinstance(block, Figure) and isinstance(last, Figure) and last.picture.url == block.picture.url:
            return  # the same picture for old browsers
        if isinstance(block, Embed) and isinstance(last, Embed) and last.href == block.href:
            return
        self.blocks.append(block)
        if isinstance(block, Figure) and not block.caption:
            self.caption_for = len(self.blocks)

    def _is_caption(self, node: LexborNode, name: str, attributes: dict[str, str | None]) -> bool:
        """Whether this element names the picture right before it. Only one is looked into, or nested ones cost much."""
        if self.caption_for != len(self.blocks):
            return False
        if name != "figcaption" and not _CAPTION_CLASS.search(attributes.get("class") or ""):
            return False
        if node.css_first("img,p + p") is None and len(line(node.text())) <= MAX_CAPTION:
            return True
        self.caption_for = 0
        return False
