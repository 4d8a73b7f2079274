"""A folder on this machine: Markdown with YAML front matter, HTML pages and plain text.

Rule 1: the operator's own directories never reach an edition: a story's URL is the one its front matter names, else
``file:///`` and the path inside the folder. Rule 2: nothing outside the folder is named, whatever a file name, a link
or a picture says. Rule 3: a draft is treated as withdrawn, and carries no text that could slip out.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from heliograph.capture import dates
from heliograph.capture.charset import decode
from heliograph.capture.language import primary
from heliograph.capture.text import clip, line
from heliograph.capture.tips import digest
from heliograph.model import Answer, Ask, Found, Problem, Source, Tip
from heliograph.model.names import canonical_url, segment

MAX_DEPTH = 20  # folders within folders
MAX_HEAD = 16_384  # characters of front matter
_MAX_NESTED = 100  # brackets in it: PyYAML's time grows with the square of their depth
MAX_TITLE = 160  # characters of a title made from a sentence, or of a line that may be one
_KINDS = {"md": "markdown", "markdown": "markdown", "html": "page", "htm": "page", "xhtml": "page", "txt": "text"}
_PICTURES = frozenset({"jpg", "jpeg", "png", "webp", "gif", "avif"})
_WRAP = 100  # characters; a text of shorter lines may have been wrapped by hand

_HEAD = re.compile(r"---[ \t]*\n(.{0,16384}?)\n(?:---|\.\.\.)[ \t]*(?:\n|$)", re.DOTALL)
_DATED_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})[-_]")
_HEADING = re.compile(r"\s*#[ \t]+([^\n]{1,1000}?)[ \t]*#*[ \t]*(?:\n|$)")
_UNDERLINED = re.compile(r"\s*([^\n#>*-][^\n]{0,1000})\n=+[ \t]*(?:\n|$)")
_MARKUP = re.compile(r"[*_`]{1,3}|!?\[([^\[\]]{0,300})\]\([^()]{0,500}\)")
# No class may step over the mark that opens the next picture, so that each is looked at once.
_MARKDOWN_PICTURE = re.compile(r"(!\[[^\[\]\n]{0,500}\]\(\s{0,4}<?)([^()\s<>]{1,500})")
_HTML_PICTURE = re.compile(
    r"""(<img\b[^<>]{0,2000}?\s(?:data-)?src\s{0,4}=\s{0,4}["']?)([^"'\s<>]{1,500})""", re.IGNORECASE
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:|//")
_ENDS = re.compile(r"[.!?…:;»”\")]\s*$")
_SENTENCE_END = re.compile(r"[.!?…]+[»”\")\]]*\s+(?=[^\W\d_a-zа-яёіїєґ]|[«„“\"(—–-]|\d)")
# A full stop after one of these, or after a single letter, ends no sentence.
_SHORT = re.compile(
    r"(?:^|[\s(«\"])(?:\w|гг?|ул|пр|им|тыс|млн|млрд|руб|грн|коп|см|др|пр|т\.\s?[деп]|н\.\s?э|англ|рр|вул|ім|тис|св|стр|"
    r"mr|mrs|ms|dr|st|no|vs|jr|sr|prof|gen|col|lt|sgt|rep|sen|gov|inc|ltd|co|u\.s|e\.g|i\.e)\.$",
    re.IGNORECASE,
)


def start(source: Source) -> Found:
    """The folder, or the one file that the source names."""
    return Found(asks=(Ask(url=source.url),))


def read(source: Source, ask: Ask, answer: Answer) -> Found:
    """The stories and sub-folders that one folder lists."""
    if answer.media_type != "inode/directory":
        return _single(source, ask, answer)
    try:
        entries = json.loads(answer.body)
    except (ValueError, RecursionError):
        entries = None
    if not isinstance(entries, list):
        what, remedy = "its list of files cannot be read", "look at the folder's permissions"
        return Found(problems=(Problem(where=ask.url, what=what, remedy=remedy, fatal=True),))
    tips: list[Tip] = []
    asks: list[Ask] = []
    for entry in entries:
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not _is_plain(name):
            continue
        url = f"{ask.url.rstrip('/')}/{_quoted(name)}"
        if entry.get("folder"):
            asks.append(Ask(url=url + "/", depth=ask.depth + 1))
        elif _extension(name) in _KINDS:
            stamp = entry.get("stamp")
            tips.append(Tip(url=url, stamp=stamp if isinstance(stamp, str) else ""))
    if asks and ask.depth >= MAX_DEPTH:
        what, remedy = f"folders within folders are read {MAX_DEPTH} deep", "make the tree flatter"
        return Found(tips=tuple(tips), problems=(Problem(where=ask.url, what=what, remedy=remedy),))
    return Found(tips=tuple(tips), asks=tuple(asks))


def _single(source: Source, ask: Ask, answer: Answer) -> Found:
    if _extension(source.url) in _KINDS:
        return Found(tips=(Tip(url=ask.url, stamp=answer.etag or digest(decode(answer))),))
    what = "is neither a folder nor a file of Markdown, HTML or plain text"
    remedy = "give a folder, or a file whose name ends in .md, .html or .txt"
    return Found(problems=(Problem(where=ask.url, what=what, remedy=remedy, fatal=True),))


def _is_plain(name: str) -> bool:
    """Whether a name is one of a file in this folder, and not hidden."""
    return bool(name) and not name.startswith(".") and not set(name) & set("/\\\0")


def _quoted(path: str) -> str:
    return quote(path, safe="/", errors="surrogateescape")


def _extension(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name else ""


# ---------------------------------------------------------------- one file


def opened(source: Source, tip: Tip, answer: Answer, zone: str = "UTC") -> tuple[Tip, tuple[Problem, ...]]:
    """``tip`` with what its file holds, under the URL it has in the edition.

    ``zone`` (IANA) is where a date without a zone is meant. A draft or withdrawn file comes back with ``withdrawn`` set
    and without text.
    """
    if answer.status == 304:
        return tip, ()
    inside = _inside(source, tip.url)
    if inside is None or answer.status != 200:
        what = (
            answer.failure or f"could not be read ({answer.status})" if inside is not None else "is outside the folder"
        )
        return replace(tip, body="", body_kind=""), (Problem(where=tip.url, what=what),)
    place = _Place(source, tip.url, inside)
    text = decode(answer).replace("\r\n", "\n").replace("\r", "\n").removeprefix("\ufeff")
    kind = _KINDS.get(_extension(inside), "text")
    if kind == "page":
        body = _HTML_PICTURE.sub(place.picture, text)
        return replace(tip, url=place.url({}), body=body, body_kind="page"), tuple(place.problems)
    head, text = _front_matter(text, place)
    told = _told(head, place, zone)
    if told.withdrawn:
        return replace(told, stamp=tip.stamp), tuple(place.problems)
    if kind == "markdown":
        title, body = told.title or _heading(text), _MARKDOWN_PICTURE.sub(place.picture, text)
        told = replace(told, title=title, body=body, body_kind="markdown")
    else:
        title, body = _titled(text, told.title)
        told = replace(told, title=title, body=body, body_kind="text")
    return replace(told, stamp=tip.stamp), tuple(place.problems)


def _inside(source: Source, url: str) -> str | None:
    """The path of ``url`` inside the source's folder, quoted; None if it is not in there."""
    own, path = urlsplit(source.url).path, urlsplit(url).path
    if path == own:  # the source is this one file
        return path.rpartition("/")[2]
    root = own.rstrip("/") + "/"
    return path[len(root) :] if path.startswith(root) and ".." not in path.split("/") else None


class _Place:
    """Where a file lies: its name inside the folder, and what its pictures' relative addresses mean."""

    def __init__(self, source: Source, url: str, inside: str) -> None:
        self.where, self.inside = url, inside
        self.problems: list[Problem] = []
        self._root = url[: len(url) - len(inside)]

    def problem(self, what: str, remedy: str = "") -> None:
        if len(self.problems) < 20:
            self.problems.append(Problem(where=self.where, what=what, remedy=remedy))

    def url(self, head: Mapping[str, Any]) -> str:
        """The story's URL in the edition."""
        named = _word(head, "url", "canonical_url", "permalink")
        if named:
            web = canonical_url(named)
            if web.startswith("http"):
                return web
            self.problem(f"url {named[:80]!r} is no web address", "give the story's full address, or leave url out")
        folder = self.inside.rpartition("/")[0]
        slug = _word(head, "slug")
        if slug:
            return "file:///" + (f"{folder}/" if folder else "") + segment(slug, 80)
        return "file:///" + self.inside

    def picture(self, found: re.Match[str]) -> str:
        """A picture's mark-up with its relative address made absolute; an address outside the folder is emptied."""
        resolved = self.resolve(found[2])
        return found[0] if resolved is None else found[1] + resolved

    def resolve(self, address: str) -> str | None:
        """The file URL of a picture in the folder, "" for what may not be shown, None for an address elsewhere."""
        if _SCHEME.match(address):
            return "" if address[:5].lower() == "file:" else None
        path = unquote(address.partition("?")[0].partition("#")[0])
        parts = [] if path.startswith("/") else unquote(self.inside).split("/")[:-1]
        for part in path.split("/"):
            if part == ".." and not parts:
                self.problem(f"picture {address[:80]!r} lies outside the folder", "move it into the folder")
                return ""
            if part == "..":
                parts.pop()
            elif part not in {"", "."}:
                parts.append(part)
        if _extension(path) not in _PICTURES or any(not _is_plain(part) for part in parts):
            self.problem(f"{address[:80]!r} is no picture", "use a JPEG, PNG, WebP, GIF or AVIF file")
            return ""
        return self._root + _quoted("/".join(parts))


# ---------------------------------------------------------------- front matter


def _front_matter(text: str, place: _Place) -> tuple[dict[str, Any], str]:
    """The fields before the text, and the text."""
    if not text.startswith("---"):
        return {}, text
    found = _HEAD.match(text)
    if not found:
        if re.match(r"---[ \t]*\n\s*[\w-]+[ \t]*:", text[:200]):
            place.problem(f"its front matter has no end within {MAX_HEAD:,} characters", "end it with a line ---")
        return {}, text
    rest = text[found.end() :]
    if found[1].count("[") + found[1].count("{") > _MAX_NESTED:
        place.problem("its front matter has more brackets than a story's fields need", "write lists one item a line")
        return {}, rest
    import yaml

    try:
        # Every scalar stays text: a date or number that YAML cannot hold must not cost the story.
        fields = _plain_loader()(found[1]).get_single_data()
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        place.problem(f"its front matter cannot be read: {line(str(error))[:160]}", "put values with : in quotes")
        return {}, rest
    return (fields if isinstance(fields, dict) else {}), rest


@functools.cache
def _plain_loader() -> type[Any]:
    import yaml

    class Plain(yaml.BaseLoader):
        """YAML without types, tags and aliases: an alias of an alias of an alias is how a YAML bomb grows."""

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
            if self.check_event(yaml.AliasEvent):
                raise yaml.YAMLError("aliases (*name) are not read")
            return super().compose_node(parent, index)

    return Plain


def _told(head: Mapping[str, Any], place: _Place, zone: str) -> Tip:
    """What the front matter says of the story."""
    url = place.url(head)
    if any(_word(head, key).lower() in {"true", "yes", "on", "1"} for key in ("draft", "withdrawn")):
        return Tip(url=url, withdrawn=True)
    published = _date(head, ("date", "published", "pubdate", "publishdate"), place, zone)
    named = _DATED_NAME.match(unquote(place.inside).rpartition("/")[2])
    if published is None and named:
        published = dates.parse(named[1], zone)
    picture = _word(head, "picture", "image", "cover", "thumbnail")
    resolved = place.resolve(picture) if picture else ""
    return Tip(
        url=url,
        title=_word(head, "title"),
        lead=_word(head, "lead", "description", "summary", "excerpt"),
        lang=primary(_word(head, "lang", "language")),
        section=next(iter(_list(head, "section", "category", "categories", "rubric")), ""),
        bylines=tuple(_list(head, "authors", "author", "by")),
        tags=tuple(_list(head, "tags", "keywords"))[:20],
        published=published,
        updated=_date(head, ("updated", "modified", "lastmod"), place, zone),
        picture=(canonical_url(picture) if resolved is None else resolved),
    )


def _word(head: Mapping[str, Any], *keys: str) -> str:
    """The first of ``keys`` that has a text."""
    for key in keys:
        value = head.get(key)
        if isinstance(value, str) and value.strip():
            return line(value[:20_000])[:5_000]
    return ""


def _list(head: Mapping[str, Any], *keys: str) -> Iterator[str]:
    """The texts of the first of ``keys`` that is there: a list, a list of {name: ...}, or words between commas."""
    for key in keys:
        value = head.get(key)
        if isinstance(value, str) and value.strip():
            value = value.split(",")
        if isinstance(value, list) and value:
            for item in value[:50]:
                text = item.get("name") if isinstance(item, dict) else item
                if isinstance(text, str) and text.strip():
                    yield line(text[:1_000])[:200]
            return


def _date(head: Mapping[str, Any], keys: tuple[str, ...], place: _Place, zone: str) -> datetime | None:
    written = _word(head, *keys)
    found = dates.parse(written, zone) if written else None
    if written and found is None:
        place.problem(f"{keys[0]} {written[:60]!r} is no date", "write it as 2026-11-20 or 2026-11-20 09:30")
    return found


# ---------------------------------------------------------------- titles and paragraphs


def _heading(text: str) -> str:
    """The title that a Markdown text begins with, "" if it begins otherwise."""
    found = _HEADING.match(text) or _UNDERLINED.match(text)
    return line(_MARKUP.sub(r"\1", found[1])) if found else ""


def _titled(text: str, title: str) -> tuple[str, str]:
    """The title and the text of a plain file, paragraphs apart by a blank line.

    A short line without a full stop, set off by a blank line, is the title and leaves the text. Else the first
    sentence is, and stays in the text.
    """
    groups = [group for group in re.split(r"\n[ \t\f\v]*\n\s*", text.strip()) if group.strip()]
    paragraphs = [paragraph for group in groups for paragraph in _paragraphs(group)]
    if title or not paragraphs:
        return title, "\n\n".join(paragraphs)
    first = line(paragraphs[0])
    alone = len(groups) > 1 and "\n" not in groups[0].strip()
    if alone and len(first) <= MAX_TITLE and not re.search(r"[.…:;,]$", first):
        return first, "\n\n".join(paragraphs[1:])
    return clip(_sentence(first), MAX_TITLE), "\n\n".join(paragraphs)


def _paragraphs(group: str) -> Iterator[str]:
    """One paragraph for lines wrapped by hand, else one for each line."""
    lines = [text for raw in group.splitlines() if (text := raw.strip())]
    running_on = sum(not _ENDS.search(text) for text in lines[:-1])
    if len(lines) > 1 and max(map(len, lines)) <= _WRAP and running_on * 2 >= len(lines) - 1:
        yield " ".join(lines)
    else:
        yield from lines


def _sentence(text: str) -> str:
    """The first sentence of ``text``."""
    for end in _SENTENCE_END.finditer(text[:2_000]):
        sentence = text[: end.end()].rstrip()
        if len(sentence) >= 20 and not _SHORT.search(sentence):
            return sentence
    return text
