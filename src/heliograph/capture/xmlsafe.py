"""XML of a stranger, made safe before a parser sees it.

Rule 1: no document type with an internal subset, no entity declaration: that is where entity bombs and external
entities live, and no feed, sitemap or export needs them. Rule 2: nothing is ever fetched. Rule 3: work and memory
grow with the size of the body and no faster, whatever is in it: depth, elements and tags are counted. Rule 4: a
document that breaks off gives what stood before the break, and says so.

The streaming reader is expat, not lxml's ``iterparse``: both read a sitemap of 50,000 addresses in the same time, but
``iterparse`` keeps every element that nobody asked for (10 million ``<a/>`` took over a gigabyte).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from html.entities import html5
from typing import TYPE_CHECKING, NamedTuple
from xml.parsers import expat  # nothing is resolved or fetched: see ``_Records``

if TYPE_CHECKING:
    from lxml.etree import _Element

MAX_DEPTH = 200  # elements within elements; libxml2 stops at 256
MAX_ELEMENTS = 3_000_000  # of one streamed document
MAX_TAGS = 100_000  # tags of a document that is held as a tree; feedparser needs 50 to 90 microseconds for each
MAX_AMPERSANDS = 500_000  # in a document that is worth mending; each costs two microseconds

# Characters that XML 1.0 forbids, and the byte order mark wherever two files were glued together.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ufeff\ud800-\udfff]")
_AMPERSAND = re.compile(r"&(#[0-9]{1,7};|#[xX][0-9A-Fa-f]{1,6};|[A-Za-z][A-Za-z0-9]{0,31};)?")
_ENTITIES = "declares entities of its own, which is how entity bombs work"
_XML_ENTITIES = {"&lt;", "&gt;", "&amp;", "&quot;", "&apos;"}


class Field(NamedTuple):
    """One element inside a record: its path of names without prefix, its own name with prefix, attributes, text."""

    path: str  # "loc", "news/title"
    name: str  # "news:title"
    attributes: dict[str, str]
    text: str


Record = tuple[Field, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Streamed:
    """What a streamed document held: (record's name without prefix, its fields); ``trouble`` is "" for a whole one."""

    root: str
    records: tuple[tuple[str, Record], ...]
    trouble: str = ""


def refused(text: str) -> str:
    """Why a document may not reach a parser that builds a tree, or ""."""
    _, trouble = _prolog(text)
    if not trouble and text.count("<") > MAX_TAGS and _tags(text) > MAX_TAGS:
        trouble = f"has more than {MAX_TAGS:,} tags"
    return trouble


def _tags(text: str) -> int:
    """How often "<" stands outside of CDATA sections."""
    count, at = 0, 0
    while (start := text.find("<![CDATA[", at)) >= 0:
        count += text.count("<", at, start)
        at = text.find("]]>", start)
        if at < 0:
            return count
    return count + text.count("<", at)


def _prolog(text: str) -> tuple[int, str]:
    """Where the root element begins, and why what stands before it is refused, or ""."""
    at = 0
    while (at := text.find("<", at)) >= 0:
        if text.startswith("<!--", at):
            end = text.find("-->", at + 4)
        elif text.startswith("<?", at):
            end = text.find("?>", at)
        elif text.startswith("<!", at):
            end = text.find(">", at)
            if "[" in text[at:end] or text[at + 2 : at + 9].upper() != "DOCTYPE":
                return at, _ENTITIES
        else:
            return at, ""
        if end < 0:
            break
        at = end + 1
    return len(text), "is not XML"


def well_formed(text: str) -> tuple[bytes, str]:
    """``text`` as well-formed UTF-8 XML without document type, comments and instructions, and what was wrong with it.

    Gives ``b""`` where nothing can be read. The caller has asked ``refused`` before.
    """
    from lxml import etree

    text = text[_prolog(text)[0] :]  # without declaration, document type and everything else before the root
    trouble = ""
    for recover in (False, True):
        parser = etree.XMLParser(
            recover=recover,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
            strip_cdata=False,
            encoding="utf-8",
        )
        try:
            root = etree.fromstring((repaired(text) if recover else text).encode("utf-8", "replace"), parser)
        except (etree.XMLSyntaxError, ValueError, AssertionError) as error:
            trouble = trouble or f"is not well-formed XML ({str(error)[:120]})"
            continue
        if root is None:
            return b"", trouble
        _unescape(root)
        return etree.tostring(root, encoding="utf-8"), trouble
    return b"", trouble


def _unescape(root: _Element) -> None:
    """Write text that holds markup as CDATA: feedparser is called once for each escaped character otherwise."""
    from lxml import etree

    for element in root.iter(etree.Element):
        text = element.text
        if text and ("<" in text or "&" in text) and "]]>" not in text:
            element.text = etree.CDATA(text)


def repaired(text: str) -> str:
    """``text`` with the commonest faults mended: bare ampersands, HTML's names for characters, control characters."""
    text = _FORBIDDEN.sub("", text)
    if text.count("&") > MAX_AMPERSANDS:
        return text
    pieces: list[str] = []
    at = 0
    while at < len(text):
        start = text.find("<![CDATA[", at)
        end = text.find("]]>", start) if start >= 0 else -1
        outside = text[at : start if end >= 0 else len(text)]
        pieces.append(_AMPERSAND.sub(_mended, outside))
        if end < 0:
            break
        pieces.append(text[start : end + 3])
        at = end + 3
    return "".join(pieces)


def _mended(found: re.Match[str]) -> str:
    name = found[0]
    if name in _XML_ENTITIES:
        return name
    if name.startswith("&#"):
        number = int(name[3:-1], 16) if name[2] in "xX" else int(name[2:-1])
        allowed = (
            number in {9, 10, 13} or 32 <= number < 0xD800 or 0xE000 <= number < 0xFFFE or 0xFFFF < number < 0x110000
        )
        return name if allowed else ""
    char = html5.get(name[1:], "")
    return char if char and not set(char) & set("<>&\"'") else "&amp;" + name[1:]


def stream(text: str, wanted: Mapping[str, frozenset[str]], most: int) -> Streamed:
    """The elements named in ``wanted`` (without prefix) as flat records, at most ``most`` of them.

    ``wanted`` maps each name to the paths of the fields that are kept ("loc", "news/title").
    """
    first = _run(text, wanted, most)
    if not first.trouble or first.trouble == _ENTITIES:
        return first
    second = _run(repaired(text), wanted, most)
    # The first trouble is told even if the repair worked: somebody should mend the generator.
    better = second if len(second.records) > len(first.records) else first
    return Streamed(root=first.root or second.root, records=better.records, trouble=first.trouble)


class _EnoughError(Exception):
    """Ends the parse from within a handler."""


def _run(text: str, wanted: Mapping[str, frozenset[str]], most: int) -> Streamed:
    handler = _Records(wanted, most)
    parser = expat.ParserCreate("utf-8")  # overrules what the document declares: the text is decoded already
    parser.buffer_text = True
    parser.buffer_size = 65_536
    parser.StartElementHandler = handler.start
    parser.EndElementHandler = handler.end
    parser.CharacterDataHandler = handler.text.append
    parser.StartDoctypeDeclHandler = handler.doctype
    parser.EntityDeclHandler = handler.entity
    trouble = ""
    try:
        # In one piece: expat before 2.6 takes quadratic time for a long token that arrives in pieces.
        parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as error:
        trouble = f"is not well-formed XML ({str(error)[:120]})"
    except _EnoughError as error:
        trouble = str(error)
    return Streamed(root=handler.root, records=tuple(handler.found), trouble=trouble)


class _Records:
    """Expat's handlers: they keep the record being read and nothing else."""

    def __init__(self, wanted: Mapping[str, frozenset[str]], most: int) -> None:
        self.wanted, self.most = wanted, most
        self.root = ""
        self.found: list[tuple[str, Record]] = []
        self.text: list[str] = []
        self._locals: dict[str, str] = {}  # names without prefix, of which a document has few
        self._stack: list[str] = []
        self._attributes: list[dict[str, str]] = []  # of the elements inside the record
        self._fields: list[Field] | None = None
        self._kept: frozenset[str] = frozenset()
        self._base = 0  # depth of the record being read
        self._elements = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        local = self._locals.get(name) or self._named(name)
        stack = self._stack
        stack.append(local)
        self._elements += 1
        if self._elements > MAX_ELEMENTS or len(stack) > MAX_DEPTH:
            raise _EnoughError(f"has more than {MAX_ELEMENTS:,} elements or nests them deeper than {MAX_DEPTH}")
        self.text.clear()
        if self._fields is not None:
            self._attributes.append(attributes)
        elif local in self.wanted:
            self._fields, self._base, self._kept = [], len(stack), self.wanted[local]

    def _named(self, name: str) -> str:
        local = name.rpartition(":")[2]
        self.root = self.root or local
        if len(self._locals) < 1_000:
            self._locals[name] = local
        return local

    def end(self, name: str) -> None:
        stack = self._stack
        local = stack.pop()
        fields = self._fields
        if fields is None:
            return
        depth = len(stack) - self._base
        if depth < 0:
            self.found.append((local, tuple(fields)))
            self._fields = None
            if len(self.found) >= self.most:
                raise _EnoughError(f"lists more than {self.most:,}: the rest was not read")
        else:
            attributes = self._attributes.pop()
            path = "/".join([*stack[self._base :], local]) if depth else local
            if path in self._kept:
                fields.append(Field(path, name, attributes, "".join(self.text).strip()))
        self.text.clear()

    def doctype(self, _name: str, _system: str | None, _public: str | None, has_internal_subset: bool) -> None:
        if has_internal_subset:
            raise _EnoughError(_ENTITIES)

    def entity(self, *_: object) -> None:
        raise _EnoughError(_ENTITIES)
