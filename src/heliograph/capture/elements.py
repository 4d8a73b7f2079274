"""What each element of HTML is to a reader: text, a mark, a structure, or nothing. One table for all walks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from selectolax.lexbor import LexborNode

SKIP, BLOCK, MARK, LINK, BREAK, HEAD, LIST, ITEM, QUOTE, PRE, TABLE, FIGURE, IMAGE, CARD, RULE, Q, FORM = range(17)
_NAMES = {
    SKIP: "script style template svg object head title button input select textarea canvas map nav menu dialog "
    "datalist frameset rp param track source area link meta base del s strike applet progress meter -comment",
    BLOCK: "p div section article main header footer aside address center details summary fieldset dl dt dd body html "
    "hgroup figcaption legend td th tr tbody thead tfoot caption noscript",
    MARK: "b strong i em cite var dfn code kbd samp tt sub sup",
    HEAD: "h1 h2 h3 h4 h5 h6",
    CARD: "iframe video audio embed",
    PRE: "pre listing xmp",
    LIST: "ul ol",
    IMAGE: "img amp-img",
    LINK: "a",
    BREAK: "br",
    ITEM: "li",
    QUOTE: "blockquote",
    TABLE: "table",
    FIGURE: "figure",
    RULE: "hr",
    Q: "q",
    FORM: "form",
}
KINDS = {name: kind for kind, names in _NAMES.items() for name in names.split()}
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_HIDDEN_CLASS = re.compile(r"(?:^|\s)(?:sr-only|visually-?hidden|screen-reader-text|assistive-text)(?:\s|$)")
# A form, list, quotation or table with these inside is a way of laying out a page.
_PAGE_IN_FORM = "h1,article,p + p + p"
_SECTIONS_IN_LIST = "h1,h2,h3,h4,blockquote,figure,table,pre,p + p + p,iframe"
_SECTIONS_IN_QUOTE = "h2,h3,table,figure,iframe,article"
_SECTIONS = {"ul": _SECTIONS_IN_LIST, "ol": _SECTIONS_IN_LIST, "blockquote": _SECTIONS_IN_QUOTE}


_LAYOUT_TABLE = "h1,h2,h3,ul,ol,blockquote,figure,iframe,p + p + p"
STRUCTURES = frozenset([HEAD, LIST, ITEM, QUOTE, PRE])
BLOCK_KINDS = frozenset([BLOCK, FORM, TABLE, FIGURE, *STRUCTURES])
LEAVES = frozenset([IMAGE, CARD, TABLE, FIGURE, RULE])


def kind_of(tag: str) -> int:
    """The kind of an element of that name; -1 for inline ones that mean nothing."""
    return KINDS.get(tag, -1)


def is_block(tag: str) -> bool:
    """Whether an element of that name begins and ends blocks."""
    return KINDS.get(tag, -1) in BLOCK_KINDS


def is_skipped(node: LexborNode, tag: str) -> bool:
    """Whether an element gives no text: by its name, or a form, unless a whole page stands in it (old ASP.NET)."""
    kind = KINDS.get(tag, -1)
    return kind == SKIP or (kind == FORM and not holds_page(node)) or is_hidden(node.attributes)


def holds_page(form: LexborNode) -> bool:
    """Whether a form is only what old frameworks wrap every page in."""
    return form.css_first(_PAGE_IN_FORM) is not None


def is_unit(node: LexborNode, tag: str) -> bool:
    """Whether a list, quotation or table is one thing to read, and not a way to lay out a page."""
    if tag == "table":
        if node.attributes.get("role") in ("presentation", "none"):
            return False
        return len(node.css("table")) == 1 and node.css_first(_LAYOUT_TABLE) is None  # css() counts the table itself
    sections = _SECTIONS.get(tag)
    return sections is not None and node.css_first(sections) is None


def is_hidden(attributes: dict[str, str | None]) -> bool:
    """Whether an element says of itself that it is not shown."""
    if "hidden" in attributes or attributes.get("aria-hidden") == "true":
        return True
    style = attributes.get("style")
    if style and _HIDDEN_STYLE.search(style):
        return True
    classes = attributes.get("class")
    # One of these words is in each hiding class; to look for them costs a fraction of the pattern.
    if not classes or not ("hidden" in classes or "sr-" in classes or "reader" in classes or "assistive" in classes):
        return False
    return _HIDDEN_CLASS.search(classes) is not None
