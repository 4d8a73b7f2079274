"""Bytes of a page to a tree, in time and memory that grow with the page and not with its square.

An HTML parser that follows the standard can be made to take hours or all memory: by depth (each tag looks up the stack
of open elements), by attributes (each is compared with its siblings) and by unclosed formatting (``<b>`` is opened
again in every paragraph). Small pages cannot do much harm and are parsed as they are. The others are first rewritten:
tags are read as the standard tokenises them and written again with a bounded depth, without what holds no text
(scripts, styles, comments, drawings). JSON-LD stays.
"""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser

SMALL_TAGS = 1_500  # "<" in a page that needs no second look: at worst 0.5 s and 200 MB, measured
PLAIN_TAGS = 8_000  # "<" in a page that is parsed as it is: at worst 0.2 s by depth
SMALL_BYTES = 131_072  # length of such pages: at worst 2 s for one tag with 30,000 attributes
PLAIN_BYTES = 1_048_576
_REOPENED = 1_000_000  # formatting tags times all tags: the most elements that unclosed formatting can make
MAX_DEPTH = 250  # elements; pages of newsrooms stay below 60
MAX_TAGS = 200_000  # of a page; what follows is left unread, for memory's sake
MAX_FORMATTING = 16  # unclosed formatting elements
MAX_TAG = 1_024  # bytes of a tag that is copied as it is; from a longer one only attributes in _KEPT
_MAX_VALUE = 16_384  # bytes of one attribute's value in such a tag

_ONE_ATTRIBUTE = (
    rb"[ \t\n\r\f/]*+[^ \t\n\r\f/>][^ \t\n\r\f/>=]*+"
    rb"(?:[ \t\n\r\f]*+=[ \t\n\r\f]*+(?:\"[^\"]*+\"|'[^']*+'|[^ \t\n\r\f>\"'][^ \t\n\r\f>]*+)?+)?+"
)
_TAG = re.compile(rb"<(/?)([a-zA-Z][^ \t\n\r\f/>]*+)((?:" + _ONE_ATTRIBUTE + rb")*+)[ \t\n\r\f/]*+>")
_CROWDED = re.compile(rb"<[a-zA-Z][^ \t\n\r\f/>]*+(?:" + _ONE_ATTRIBUTE + rb"){400}")
_FORMATTING_TAG = re.compile(rb"<(?:b|i|s|u|em|tt|big|code|font|nobr|small|strong|strike)[ \t\n\r\f/>]", re.IGNORECASE)
_START = re.compile(rb"<[a-zA-Z/!?]")
_ATTRIBUTE = re.compile(
    rb"([a-zA-Z][a-zA-Z0-9:_-]{0,40})[ \t\n\r\f]*+(?:=[ \t\n\r\f]*+(?:\"([^\"]*+)\"|'([^']*+)'|([^ \t\n\r\f>\"']++)))"
)
_KEPT = frozenset(
    b"alt aria-hidden class cite content data-src data-srcset datetime dir height hidden href id itemprop lang name "
    b"property rel role src srcset style title type width".split()
)
_NO_TEXT = frozenset(b"script style svg math textarea xmp noembed noframes title".split())
_DROPPED = frozenset(b"plaintext select option optgroup button frameset".split())
_VOID = frozenset(b"area base br col embed frame hr img input link meta param source track wbr".split())
# These close each other by themselves, so an unclosed one adds no depth.
_IMPLIED = frozenset(b"p li dt dd td th tr tbody thead tfoot colgroup rb rt rp".split())
# ``a`` and ``nobr`` close their like and need no bound.
_FORMATTING = frozenset(b"b i s u em tt big code font small strong strike".split())
_JSON_LD = re.compile(rb"application/ld\+json", re.IGNORECASE)


def parse(html: bytes) -> LexborHTMLParser:
    """The tree of ``html``, UTF-8. Any bytes are safe; a wrong sequence becomes U+FFFD."""
    return LexborHTMLParser(html if is_plain(html) else tame(html))


def parse_fragment(html: str) -> LexborHTMLParser:
    """The tree of a fragment as feeds carry it."""
    return parse(b"<!DOCTYPE html><body>" + html.encode("utf-8", "replace"))


def is_plain(html: bytes) -> bool:
    """Whether a parser can have ``html`` as it is. Looks only as closely as its size asks for."""
    tags = html.count(b"<")
    if tags > PLAIN_TAGS or len(html) > PLAIN_BYTES:
        return False
    if tags > SMALL_TAGS and len(_FORMATTING_TAG.findall(html)) * tags > _REOPENED:
        return False
    return len(html) <= SMALL_BYTES or _CROWDED.search(html) is None


def tame(html: bytes) -> bytes:
    """``html`` rewritten so that no parser needs long for it. Text, links, pictures and JSON-LD stay."""
    out: list[bytes] = []
    open_tags: dict[bytes, int] = {}
    unclosed: set[bytes] = set()  # raw-text elements known to have no end, so that it is looked for only once
    pos = 0
    while (start := _START.search(html, pos)) is not None:
        if len(out) > 2 * MAX_TAGS:
            return b"".join(out)
        at = start.start()
        out.append(html[pos:at].replace(b"<", b"&lt;"))
        match = _TAG.match(html, at)
        if match is None:
            pos = _after_no_tag(html, at)
            continue
        pos = match.end()
        name = match[2].lower()
        if name in _NO_TEXT:
            if not match[1]:
                text, pos = _raw_text(html, match, name, unclosed)
                out.append(text)
        elif name not in _DROPPED:
            out.append(_balanced(match, name, open_tags))
    out.append(html[pos:].replace(b"<", b"&lt;"))
    return b"".join(out)


def _balanced(match: re.Match[bytes], name: bytes, open_tags: dict[bytes, int]) -> bytes:
    """The tag as it is written, or nothing where it would go too deep or close what is not open."""
    closing = bool(match[1])
    if name in _VOID or name in _IMPLIED:
        return b"</" + name + b">" if closing else _written(match, name)
    limit, group = (MAX_FORMATTING, b"<formatting>") if name in _FORMATTING else (MAX_DEPTH, b"<all>")
    if closing:
        if not open_tags.get(name):
            return b""
        open_tags[name] -= 1
        open_tags[group] -= 1
        return b"</" + name + b">"
    if open_tags.get(group, 0) >= limit:
        return b""
    open_tags[name] = open_tags.get(name, 0) + 1
    open_tags[group] = open_tags.get(group, 0) + 1
    return _written(match, name)


def _after_no_tag(html: bytes, at: int) -> int:
    """Where to go on after what begins like a tag and is none: a comment, a declaration, or a tag without end."""
    if html.startswith(b"<!--", at):
        end = html.find(b"-->", at + 2) + 3
        return end if end > 2 else len(html)
    # the standard drops a tag without end with all that follows
    end = 0 if html[at + 1 : at + 2].isalpha() else html.find(b">", at) + 1
    return end or len(html)


def _raw_text(html: bytes, match: re.Match[bytes], name: bytes, unclosed: set[bytes]) -> tuple[bytes, int]:
    """What to write for an element whose content is no markup, and where it ends."""
    closing = (
        None
        if name in unclosed
        else re.compile(rb"</" + name + rb"(?=[ \t\n\r\f/>])[^>]*+>", re.IGNORECASE).search(html, match.end())
    )
    if closing is None:
        unclosed.add(name)
        return b"", match.end()
    content = html[match.end() : closing.start()]
    if name == b"title":
        return b"<title>" + content.replace(b"<", b"&lt;") + b"</title>", closing.end()
    if name == b"script" and _JSON_LD.search(match[3]):
        # "\u003c" is the same character to a JSON parser and no tag to an HTML parser
        return b'<script type="application/ld+json">' + content.replace(b"<", b"\\u003c") + b"</script>", closing.end()
    return b"", closing.end()


def _written(match: re.Match[bytes], name: bytes) -> bytes:
    if match.end() - match.start() <= MAX_TAG:
        return match[0]
    kept = [
        b" " + key + b'="' + value.replace(b'"', b"&quot;") + b'"'
        for key, double, single, bare in _ATTRIBUTE.findall(match[3])
        if key.lower() in _KEPT and len(value := double or single or bare) <= _MAX_VALUE
    ]
    return b"<" + name + b"".join(kept[: len(_KEPT)]) + b">"
