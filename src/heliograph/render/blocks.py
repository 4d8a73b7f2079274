"""A story's blocks as HTML, and as pieces a page can be split between.

Rule 1: everything from a story is escaped here, character by character; nothing of it is ever taken as markup.
Rule 2: a link leaves only with a scheme of the short list, whatever capture let through; a link to a story of the
edition becomes that story's page. Rule 3: end tags that HTML lets out are left out, because they travel.
Rule 4: a block that does not fit a page is cut at a sentence, else at a word, else at a character.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from heliograph.model.edition import BROTLI_BODY, Shown
from heliograph.model.story import (
    Block,
    Embed,
    Figure,
    Heading,
    Listing,
    Paragraph,
    Quote,
    Rule,
    Run,
    Runs,
    Table,
    plain_text,
)
from heliograph.model.words import Words
from heliograph.render.packer import Piece

_LINK = re.compile(r"(?:https?://|mailto:|tel:|tg:)[^\s<>\"'`\\]+", re.IGNORECASE)
_COLOUR = re.compile(r"#[0-9a-f]{6}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufdd0-\ufdef\ufffe\uffff]")
# Each run of marks is looked at once only: a line of nothing but dots must not cost the square of its length.
_SENTENCE_END = re.compile(r"(?<![.!?…؟。])[.!?…؟。]++[»”\"')\]]*+\s++")
_MARKS = {"b": ("<b>", "</b>"), "i": ("<i>", "</i>"), "bi": ("<b><i>", "</i></b>"), "code": ("<code>", "</code>"),
          "sub": ("<sub>", "</sub>"), "sup": ("<sup>", "</sup>")}  # fmt: skip
_LONGEST = 24_000  # characters of text in one piece: no page holds more, and cutting stays linear in a story's length
_LONGEST_HREF = 1_000  # bytes; a longer address would take a page for itself
_LONGEST_LABEL = 120  # characters of a credit, a card's title or the name of a quotation's source
_LONGEST_HEAD = 400  # characters of a table's head; a longer one is not repeated on further parts
_KILOBYTES = BROTLI_BODY // 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead(Paragraph):
    """The paragraph under the title."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Continued(Listing):
    """The further items of a numbered list that was cut."""

    start: int = 1


@dataclass(frozen=True, slots=True)
class Context:
    """What blocks need to know of their page, which lies in the folder ``a/``."""

    words: Words
    codes: Mapping[str, str]
    shown: Mapping[str, Shown]


def pieces(blocks: Iterable[Block], context: Context) -> list[Piece]:
    """The blocks in order as pieces for the packer."""
    found: list[Piece] = []
    for block in blocks:
        while (size := length(block)) > _LONGEST:
            first, rest = split(block, _LONGEST / size)
            found.append(_piece((first,), context))
            if rest is None:
                break
            block = rest
        else:
            found.append(_piece((block,), context))
    return found


def html(block: Block, context: Context) -> str:
    """One block as HTML."""
    match block:
        case Lead(runs=runs):
            return f"<p class=l>{run_html(runs, context)}"
        case Paragraph(runs=runs):
            return f"<p>{run_html(runs, context)}"
        case Heading(level=level, runs=runs):
            tag = f"h{min(max(level, 2), 4)}"
            return f"<{tag}>{run_html(runs, context)}</{tag}>"
        case Listing(ordered=ordered, items=items):
            tag = "ol" if ordered else "ul"
            start = f" start={block.start}" if isinstance(block, _Continued) else ""
            return f"<{tag}{start}>{''.join(f'<li>{run_html(item, context)}' for item in items)}</{tag}>"
        case Quote(runs=runs, source=source):
            cite = f"<p class=s>{text(clipped(source))}" if source else ""
            return f"<blockquote>{run_html(runs, context)}{cite}</blockquote>"
        case Table():
            return _table(block, context)
        case Figure():
            return _figure(block, context)
        case Embed():
            return _embed(block)
        case Rule():
            return "<hr>"


def run_html(runs: Runs, context: Context) -> str:
    """Runs as HTML, escaped."""
    return "".join([_run(run, context) for run in runs])


def text(value: str) -> str:
    """``value`` for a place between tags."""
    if not value.isprintable():  # most text is, and the question is cheap
        value = _CONTROL.sub("", value)
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def attribute(value: str) -> str:
    """``value`` for a place within double quotes."""
    return text(value).replace('"', "&quot;").replace("\n", " ")


def clipped(value: str, limit: int = _LONGEST_LABEL) -> str:
    """``value`` on one line, shortened to ``limit`` characters at a word."""
    line = " ".join(value[: 4 * limit].split())
    if len(line) <= limit:
        return line
    return line[: place_to_cut(line, limit - 1)].rstrip(" ,;:-—") + "…"


def safe_href(href: str) -> str:
    """``href`` if a page may link to it, else ""."""
    return href if _LINK.fullmatch(href) and len(href.encode("utf-8", "replace")) <= _LONGEST_HREF else ""


def place_to_cut(line: str, limit: int) -> int:
    """Where to cut ``line`` within its first ``limit`` characters: after a sentence, else a word, else anywhere."""
    if len(line) <= limit:
        return len(line)
    window = line[max(0, limit // 2) : limit + 1]
    ends = [found.end() for found in _SENTENCE_END.finditer(window) if found.end() <= limit - limit // 2]
    if ends:
        return limit // 2 + ends[-1]
    space = line.rfind(" ", max(1, limit // 2), limit)
    if space > 0:
        return space + 1
    place = max(1, limit)
    for _ in range(16):  # keep accents with their letter, but not for ever
        if place <= 1 or not unicodedata.combining(line[place]):
            break
        place -= 1
    return place


def split(block: Block, share: float) -> tuple[Block, Block | None]:
    """``block`` as two, the first with about ``share`` of it; (block, None) where there is nothing to cut."""
    match block:
        case Paragraph(runs=runs):
            head, tail = _cut_runs(runs, share)
            return (replace(block, runs=head), replace(block, runs=tail)) if tail else (block, None)
        case Quote(runs=runs):
            head, tail = _cut_runs(runs, share)
            return (replace(block, runs=head, source=""), replace(block, runs=tail)) if tail else (block, None)
        case Heading(runs=runs):
            head, tail = _cut_runs(runs, share)
            return (replace(block, runs=head), Paragraph(runs=tail)) if tail else (block, None)
        case Figure(caption=caption):
            head, tail = _cut_runs(caption, share)
            return (replace(block, caption=head), Paragraph(runs=tail)) if tail else (block, None)
        case Listing():
            return _split_list(block, share)
        case Table():
            return _split_table(block, share)
        case Embed() | Rule():
            return block, None


def _piece(blocks: tuple[Block, ...], context: Context) -> Piece:
    def cut(limit: int) -> tuple[Piece, Piece] | None:
        if len(blocks) > 1:
            return _piece(blocks[:1], context), _piece(blocks[1:], context)
        first, rest = split(blocks[0], limit / max(len(written), 1))
        return None if rest is None else (_piece((first,), context), _piece((rest,), context))

    written = "".join(html(block, context) for block in blocks)
    return Piece(written, cut, keep=isinstance(blocks[0], Heading))


def length(block: Block) -> int:
    """Characters of text in ``block``."""
    match block:
        case Paragraph(runs=runs) | Quote(runs=runs) | Heading(runs=runs) | Figure(caption=runs):
            return sum(len(run.text) for run in runs)
        case Listing(items=items):
            return sum(len(run.text) for item in items for run in item)
        case Table(rows=rows):
            return sum(len(run.text) for row in rows for cell in row for run in cell)
        case Embed() | Rule():
            return 0


def _cut_runs(runs: Runs, share: float) -> tuple[Runs, Runs]:
    """``runs`` in two at about ``share`` of their text; the second is () where they cannot be cut."""
    line = plain_text(runs)
    if len(line) < 2:
        return runs, ()
    place = min(max(1, place_to_cut(line, max(1, int(len(line) * share)))), len(line) - 1)
    before: list[Run] = []
    for index, run in enumerate(runs):
        if len(run.text) > place:
            cut = (replace(run, text=run.text[:place]),) if place else ()
            return (*before, *cut), (replace(run, text=run.text[place:].lstrip(" ")), *runs[index + 1 :])
        before.append(run)
        place -= len(run.text)
    return runs, ()


def _split_list(block: Listing, share: float) -> tuple[Block, Block | None]:
    if len(block.items) > 1:
        count = min(max(1, int(len(block.items) * share)), len(block.items) - 1)
        rest: Listing = replace(block, items=block.items[count:])
        if block.ordered:
            before = block.start if isinstance(block, _Continued) else 1
            rest = _Continued(ordered=True, items=rest.items, start=before + count)
        return replace(block, items=block.items[:count]), rest
    head, tail = _cut_runs(block.items[0], share) if block.items else ((), ())
    return (replace(block, items=(head,)), Paragraph(runs=tail)) if tail else (block, None)


def _split_table(block: Table, share: float) -> tuple[Block, Block | None]:
    """Rows go to the second part under the same head; a single row that is too long is read out as paragraphs."""
    repeats = (
        block.head and sum(len(run.text) for row in block.rows[:1] for cell in row for run in cell) <= _LONGEST_HEAD
    )
    head = block.rows[:1] if repeats else ()
    rows = block.rows[len(head) :]
    if len(rows) > 1:
        count = min(max(1, int(len(rows) * share)), len(rows) - 1)
        first = replace(block, rows=(*head, *rows[:count]))
        return first, Table(rows=(*head, *rows[count:]), head=repeats)
    joined = tuple(run for row in block.rows for cell in row for run in (*cell, Run("\n")))
    first_part, rest = split(Paragraph(runs=joined), share)
    return (block, None) if rest is None else (first_part, rest)


@functools.cache
def _tags(mark: str) -> tuple[str, str]:
    return _MARKS.get(mark, ("", ""))


def _run(run: Run, context: Context) -> str:
    written = text(run.text)
    if "\n" in written:
        written = written.replace("\n", "<br>")
    if run.mark:
        start, end = _tags(run.mark)
        written = f"{start}{written}{end}"
    if not run.href:
        return written
    code = context.codes.get(run.href)
    if code:
        return f'<a href="{attribute(code)}.html">{written}</a>'
    href = safe_href(run.href)
    if not href:
        return written
    return f'<a href="{attribute(href)}"{_manners(href)}>{written}</a>'


def _manners(href: str) -> str:
    # A mirror's address must not reach the sites that a story links to.
    return " rel=noreferrer" if href[:4].lower() == "http" else ""


def _table(block: Table, context: Context) -> str:
    written = []
    for number, row in enumerate(block.rows):
        tag = "th" if block.head and number == 0 else "td"
        written.append("<tr>" + "".join(f"<{tag}>{run_html(cell, context)}" for cell in row))
    return f"<div class=t><table>{''.join(written)}</table></div>"


def _figure(block: Figure, context: Context) -> str:
    """A placeholder in the picture's own colours; its bytes come only when the reader asks for them."""
    shown = context.shown.get(block.picture.url)
    alt = text(clipped(block.picture.alt))
    if shown and all(_COLOUR.fullmatch(colour) for colour in shown.colours):
        label = context.words("Show picture, {n} KB", n=_KILOBYTES)
        inner = f'<a href="i/{attribute(shown.pid)}.html">{text(label)}</a>'
        start = f'<div class=f style="background:linear-gradient(135deg,{",".join(map(_short, shown.colours))})">'
    else:
        inner, start = alt or text(context.words("Picture")), "<div class=f>"
    caption = run_html(block.caption, context) or (alt if shown else "")
    credit = text(clipped(block.credit))
    below = " · ".join(part for part in (caption, credit) if part)
    return f"<figure>{start}{inner}</div>{f'<figcaption class=s>{below}</figcaption>' if below else ''}</figure>"


def _short(colour: str) -> str:
    """ "#9aa7a0" as "#9aa": the eye does not miss the rest in a placeholder, and the page is shorter."""
    return f"#{colour[1]}{colour[3]}{colour[5]}"


def _embed(block: Embed) -> str:
    href = safe_href(block.href)
    provider = text(clipped(block.provider, 60))
    title = text(clipped(block.title)) or provider or text(clipped(block.href, 60))
    link = f'<a href="{attribute(href)}"{_manners(href)}>{title}</a>' if href else title
    return f"<p class=e>{link}{f'<br><span class=s>{provider}</span>' if provider and provider != title else ''}"
