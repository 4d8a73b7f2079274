"""Tables: data as rows of cells; what is a table only for its looks is told apart, to be read as text."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from heliograph.capture import elements
from heliograph.model import Block, Paragraph, Table
from heliograph.model.story import Run, Runs, plain_text

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

MAX_ROWS, MAX_CELLS = 200, 20
_MAX_TABLES = 25  # parts of one long table
_LONG_CELL = 800  # characters; data does not speak at such length

Inline = Callable[["LexborNode"], tuple[Runs, list[Block]]]


def read(table: LexborNode, inline: Inline) -> list[Block] | None:
    """The table with its caption before and its pictures after it; None when it is there for layout.

    ``inline`` reads one cell. A table of more than 200 rows becomes several; cells beyond the twentieth join it.
    """
    if not elements.is_unit(table, "table"):
        return None
    rows = list(table.css("tr"))[: MAX_ROWS * _MAX_TABLES]
    if len(rows) < 2:
        return None
    grid: list[tuple[Runs, ...]] = []
    heads: list[bool] = []
    late: list[Block] = []
    pending: dict[int, int] = {}  # column to the rows that a cell above still covers
    for row in rows:
        cells, head = _cells(row, inline, pending, late)
        if any(cells):
            grid.append(cells)
            heads.append(head)
    width = max((len(row) for row in grid), default=0)
    if len(grid) < 2 or width < 2 or any(len(plain_text(cell)) > _LONG_CELL for row in grid for cell in row):
        return None
    full = [row + ((),) * (width - len(row)) for row in grid]
    caption = table.css_first("caption")
    before: list[Block] = [Paragraph(runs=runs)] if caption and (runs := inline(caption)[0]) else []
    parts = [full[at : at + MAX_ROWS] for at in range(0, len(full), MAX_ROWS)]
    return [*before, *(Table(rows=tuple(part), head=heads[0] and not at) for at, part in enumerate(parts)), *late]


def _cells(
    row: LexborNode, inline: Inline, pending: dict[int, int], late: list[Block]
) -> tuple[tuple[Runs, ...], bool]:
    """The cells of one row, with empty ones where a cell spans; and whether all of it are heads."""
    cells: list[Runs] = []
    beyond: list[str] = []  # the text of cells after the last that a table may have
    head = True
    cell = row.child
    while cell is not None:
        if cell.tag in ("td", "th"):
            head = head and cell.tag == "th"
            runs, blocks = inline(cell)
            late.extend(blocks)
            _covered(cells, pending)
            if len(cells) >= MAX_CELLS:
                beyond.append(plain_text(runs))
            else:
                _put(cell, cells, runs, pending)
        cell = cell.next
    _covered(cells, pending)
    if any(beyond):
        cells[-1] = (*cells[-1], Run(" · " + " · ".join(filter(None, beyond))))
    return tuple(cells), head and bool(cells)


def _covered(cells: list[Runs], pending: dict[int, int]) -> None:
    while left := pending.get(len(cells)):
        pending[len(cells)] = left - 1
        cells.append(())


def _put(cell: LexborNode, cells: list[Runs], runs: Runs, pending: dict[int, int]) -> None:
    down = _span(cell, "rowspan", MAX_ROWS)
    for number in range(min(_span(cell, "colspan", MAX_CELLS), MAX_CELLS - len(cells))):
        if down > 1:
            pending[len(cells)] = down - 1
        cells.append(() if number else runs)


def _span(cell: LexborNode, name: str, most: int) -> int:
    value = (cell.attributes.get(name) or "").strip()
    return min(most, max(1, int(value))) if value.isascii() and value.isdigit() and len(value) < 6 else 1
