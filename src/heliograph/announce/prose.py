"""A story as paragraphs, with marks that survive being cut into messages.

Rule 1: a mark is one private character, which text of strangers cannot hold since ``text.clean`` takes them out; it
has no length. Rule 2: markup is made last, from whole messages, and every tag that is open at a cut is closed there
and opened again in the next one. Rule 3: links of the newsroom's own site are text: that site is blocked.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape, unescape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from heliograph.announce.text import Measure, clean
from heliograph.model.code import shown
from heliograph.model.post import Message
from heliograph.model.story import (
    Block,
    Embed,
    Figure,
    Heading,
    Listing,
    Paragraph,
    Quote,
    Rule,
    Runs,
    Story,
    Table,
)
from heliograph.model.words import Words

_BOLD, _ITALIC, _CODE, _QUOTE, _END = "\ue000", "\ue001", "\ue002", "\ue003", "\ue00f"
_LINKS = 0xE100  # the first character that stands for a link
_MOST_LINKS = 0x1700  # of one story: what private characters there are
_MARKS = re.compile("[\ue000-\uf8ff]")
_TAGS = {_BOLD: "b", _ITALIC: "i", _CODE: "code", _QUOTE: "blockquote"}
_TRACKS = re.compile(r"^(utm_\w+|fbclid|gclid|yclid|mc_[ce]id|igshid|_openstat)$", re.IGNORECASE)
_ENTITIES = 100  # that Telegram shows in one message
_LONGEST_HREF = 512  # characters
_SCHEMES = ("http", "https", "mailto", "tg")


def plain(text: str) -> str:
    """``text`` without marks."""
    return _MARKS.sub("", text)


def unmarked(measure: Measure) -> Measure:
    """``measure`` of what readers see."""
    return lambda text: measure(plain(text))


def bold(text: str) -> str:
    """``text``, which is clean, in bold."""
    return f"{_BOLD}{text}{_END}" if text else ""


class Prose:
    """The paragraphs of one story, and where its links lead."""

    def __init__(self, story: Story, own: frozenset[str] = frozenset()) -> None:
        """``own`` are host names whose links are left out."""
        self._own, self._hrefs = own, list[str]()
        self.title = clean(story.title, lines=False)
        self.lead = clean(story.lead)
        self.bylines = clean(", ".join(story.bylines), lines=False)
        body = [self.text(block) for block in story.blocks if not isinstance(block, Figure)]
        if body and self.lead and plain(body[0]) == self.lead:
            del body[0]  # many sites begin their text with the lead
        self.body = tuple(body)

    def text(self, block: Block) -> str:
        """A block as one marked text; a picture that is not shown needs no caption."""
        match block:
            case Paragraph(runs=runs):
                return self.marked(runs)
            case Heading(runs=runs):
                return bold(clean(plain(self.marked(runs)), lines=False))
            case Listing(ordered=ordered, items=items):
                signs = (f"{place}. " if ordered else "• " for place in range(1, len(items) + 1))
                return "\n".join(sign + self.marked(item) for sign, item in zip(signs, items, strict=True))
            case Quote(runs=runs, source=source):
                said = self.marked(runs)
                return f"{_QUOTE}{said}{_END}" + (f"\n— {clean(source, lines=False)}" if source else "")
            case Table(rows=rows):
                return "\n".join(" · ".join(self.marked(cell) for cell in row) for row in rows)
            case Embed(title=title, href=href, provider=provider):
                return self._linked(clean(title or provider, lines=False), href)
            case Rule():
                return "* * *"
            case Figure():
                return ""

    def marked(self, runs: Runs) -> str:
        """Clean text with marks."""
        made = []
        for run in runs:
            text = clean(run.text)
            if not text:
                made.append(" " if run.text else "")
                continue
            # clean strips the ends, where a space parts this run from its neighbours
            before, after = (" " if run.text[0].isspace() else ""), (" " if run.text[-1].isspace() else "")
            for sign, among in ((_BOLD, ("b", "bi")), (_ITALIC, ("i", "bi")), (_CODE, ("code",))):
                text = f"{sign}{text}{_END}" if run.mark in among else text
            made.append(before + self._linked(text, run.href) + after)
        return re.sub(" {2,}", " ", "".join(made)).strip()

    def _linked(self, text: str, href: str) -> str:
        address = untracked(href)
        host = (urlsplit(address).hostname or "") if address else ""
        if not text or not address or host in self._own or len(self._hrefs) >= _MOST_LINKS:
            return text
        self._hrefs.append(address)
        return f"{chr(_LINKS + len(self._hrefs) - 1)}{text}{_END}"

    def lines(self, text: str) -> list[str]:
        """The lines of marked ``text``; what a mark has opened in one goes on in the next."""
        made, open_ = list[str](), ""
        for line in text.split("\n"):
            begun = open_
            for char in _MARKS.findall(line):
                open_ = open_[:-1] if char == _END else open_ + char
            made.append(begun + line + _END * len(open_))
        return made

    def html(self, messages: Sequence[str]) -> list[str]:
        """The messages in Telegram's HTML; what a mark has opened in one goes on in the next."""
        made, open_ = [], list[str]()
        for message in messages:
            text, open_ = self._tagged(message, open_)
            made.append(text)
        return made

    def _tagged(self, message: str, carried: Sequence[str]) -> tuple[str, list[str]]:
        out, open_, entities = list[str](), list[str](), 0
        for char in (*carried, *message):
            if char == _END:
                if open_:
                    out.append(_closing(open_.pop()))
            elif char in _TAGS or (ord(char) >= _LINKS and _MARKS.match(char)):
                entities += 1
                shown = entities <= _ENTITIES and char not in open_  # a tag within itself is refused
                open_.append(char if shown else "")
                out.append(self._opening(char) if shown else "")
            else:
                out.append(escape(char, quote=False))
        out += [_closing(char) for char in reversed(open_)]
        return "".join(out), [char for char in open_ if char]

    def _opening(self, char: str) -> str:
        if char in _TAGS:
            return f"<{_TAGS[char]}>"
        return f'<a href="{escape(self._hrefs[ord(char) - _LINKS])}">'


def _closing(char: str) -> str:
    return f"</{_TAGS.get(char, 'a')}>" if char else ""


def untracked(href: str) -> str:
    """A link without what follows its reader; "" where it is none that a post may carry."""
    href = clean(href, lines=False)
    try:
        parts = urlsplit(href)
        good = parts.scheme in _SCHEMES and (parts.hostname or parts.scheme in ("mailto", "tg"))
    except ValueError:
        return ""
    if not good or len(href) > _LONGEST_HREF or " " in href:
        return ""
    if not parts.query:
        return href
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKS.match(name)]
    same = len(kept) == len(parse_qsl(parts.query, keep_blank_values=True))
    return href if same else urlunsplit(parts._replace(query=urlencode(kept)))


def shown_text(message: Message) -> str:
    """A message as readers see it, without markup."""
    if not message.html:
        return message.text
    text = message.text.replace("</td><td>", " · ") if message.rich else message.text
    return unescape(re.sub("<[^<>]*>", "", text)).strip("\n")


def code_line(code: str, words: Words) -> str:
    """By what a story is found again."""
    return f"{words('Code of this story:')} {shown(code)}"
