"""Rich messages as Telegram takes them: HTML of blocks, counted in characters, blocks, depth and columns.

Rule 1: only HTML is taken in this world, not Markdown and not blocks as JSON. Rule 2: whatever its documentation does
not name is refused. Rule 3: readers see blocks one under another, and cells of a row beside each other.

Source: core.telegram.org/bots/api, "Rich message formatting options", read in November 2026.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Final

from heliograph.lab.channels.telegram.markup import Formatted, is_blank, units
from heliograph.lab.channels.telegram.refused import Refused, bad

if TYPE_CHECKING:
    from heliograph.lab.channels.telegram.service import Telegram

LEAVES: Final = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "td", "th", "blockquote", "pre", "footer"})
AROUND: Final = {"li": {"ul", "ol"}, "tr": {"table"}, "td": {"tr"}, "th": {"tr"}}
INLINE: Final = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "s": "strikethrough",
    "code": "code", "a": "text_link", "mark": "marked", "sub": "subscript", "sup": "superscript",
}  # fmt: skip
_COUNTED: Final = LEAVES - {"td", "th"} | {"ul", "ol", "table", "tr", "hr"}
_MOST_RAW: Final = 300_000  # characters with markup


@dataclass(slots=True)
class _Seen:
    text: list[str] = field(default_factory=list)
    entities: list[dict[str, Any]] = field(default_factory=list)
    blocks: int = 0
    depth: int = 0
    columns: int = 0


class _Reader(HTMLParser):
    """Strict: what is opened is closed in turn, and text stands in a block."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen, self._open = _Seen(), list[tuple[str, int, str]]()
        self._cells = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in LEAVES | INLINE.keys() | {"ul", "ol", "table", "tr", "hr"}:
            raise bad(f'can\'t parse rich message: unsupported start tag "{tag}"')
        around = self._open[-1][0] if self._open else ""
        if tag in AROUND and around not in AROUND[tag]:
            raise bad(f'can\'t parse rich message: tag "{tag}" stands in none of its own')
        if tag not in AROUND and tag not in INLINE and around not in ("", "li", "blockquote"):
            raise bad(f'can\'t parse rich message: tag "{tag}" must not be in "{around}"')
        if tag in INLINE and not self._leaf():
            raise bad("can't parse rich message: text outside of a block")
        self.seen.blocks += tag in _COUNTED
        self._cells = 0 if tag == "tr" else self._cells + (tag in ("td", "th"))
        self.seen.columns = max(self.seen.columns, self._cells)
        if tag == "hr":
            self.seen.text.append("\n")
            return
        self._open.append((tag, self._length(), given.get("href", "")))
        self.seen.depth = max(self.seen.depth, len(self._open))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "hr":
            raise bad(f'can\'t parse rich message: tag "{tag}" must not be empty')
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1][0] != tag:
            raise bad(f'can\'t parse rich message: unexpected end tag "{tag}"')
        _, at, link = self._open.pop()
        length = self._length() - at
        if tag in INLINE and length:
            more = {"url": link} if tag == "a" else {}
            self.seen.entities.append({"type": INLINE[tag], "offset": at, "length": length, **more})
        if tag in ("td", "th"):
            self.seen.text.append(" · ")
        elif tag in LEAVES | {"tr"}:
            if tag == "tr" and self.seen.text and self.seen.text[-1] == " · ":
                self.seen.text.pop()
            self.seen.text.append("\n")

    def handle_data(self, data: str) -> None:
        if self._leaf():
            self.seen.text.append(" ".join(data.split("\n")))
        elif not data.isspace():
            raise bad("can't parse rich message: text outside of a block")

    def handle_comment(self, data: str) -> None:
        raise bad("can't parse rich message: a comment")

    def handle_decl(self, decl: str) -> None:
        raise bad("can't parse rich message: a declaration")

    def unknown_decl(self, data: str) -> None:
        raise bad("can't parse rich message: a declaration")

    def handle_pi(self, data: str) -> None:
        raise bad("can't parse rich message: an instruction")

    def whole(self) -> None:
        """Nothing may be open at the end."""
        if self._open:
            raise bad(f'can\'t parse rich message: tag "{self._open[-1][0]}" is not closed')

    def _leaf(self) -> bool:
        return any(tag in LEAVES for tag, _, _ in self._open)

    def _length(self) -> int:
        return units("".join(self.seen.text))


def rich_of(lab: Telegram, given: object) -> Formatted:
    """What a rich message shows.

    Raises:
        Refused: it is empty, broken, or larger than one may be.
    """
    if not isinstance(given, dict):
        raise bad("rich message is empty")
    forms = [name for name in ("html", "markdown", "blocks") if given.get(name)]
    if len(forms) != 1:
        raise bad("exactly one of html, markdown and blocks must be specified")
    source = given["html"] if forms == ["html"] else None
    if not isinstance(source, str):
        raise bad(f"{forms[0]} is not taken in this world")
    if len(source) > _MOST_RAW:
        raise bad("rich message is too long")
    reader = _Reader()
    try:
        reader.feed(source)
        reader.close()
    except (AssertionError, ValueError) as error:  # of the standard library, on some nonsense
        raise bad("can't parse rich message") from error
    reader.whole()
    seen, limits = reader.seen, lab.limits
    text = "".join(seen.text).strip("\n")
    if is_blank(text):
        raise bad("rich message is empty")
    for what, there, most in (
        ("long", units(text.replace("\n", "")), limits.rich_text), ("many blocks", seen.blocks, limits.rich_blocks),
        ("deep", seen.depth, limits.rich_depth), ("wide a table", seen.columns, limits.rich_columns),
    ):  # fmt: skip
        if there > most:
            raise Refused(400, f"Bad Request: rich message is too {what}: {there} of {most}")
    return Formatted(text=text, entities=tuple(sorted(seen.entities, key=lambda one: (one["offset"], -one["length"]))))
