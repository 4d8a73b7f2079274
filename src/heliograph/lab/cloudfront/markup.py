"""XML of a request, read as a tree of elements, and XML of an answer.

Rule 1: no document type, so that no entity is ever declared; nothing is fetched. Rule 2: bytes, elements and depth are
bounded before a tree is built. Rule 3: UTF-8 only, and one namespace, which may be left out.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from xml.parsers import expat  # nothing is resolved or fetched: see ``_Tree``
from xml.sax.saxutils import escape

from heliograph.lab.cloudfront.refusals import Refusal

NAMESPACE = "http://cloudfront.amazonaws.com/doc/2020-05-31/"
MAX_BODY = 2 << 20  # bytes; the largest batch of paths in use is far below
MAX_ELEMENTS = 20_000
MAX_DEPTH = 24  # a configuration nests eight deep

_UNPRINTABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True)
class Element:
    """One element; ``text`` is all its own characters, joined."""

    name: str
    text: str = ""
    children: list[Element] = field(default_factory=list)


def parse(body: bytes) -> Element:
    """The root element of a request.

    Raises:
        Refusal: there is none, it is too large, or it is not well-formed.
    """
    if not body:
        raise Refusal("MissingBody", "the call needs a body")
    if len(body) > MAX_BODY:
        raise Refusal("RequestEntityTooLarge", f"the body is larger than {MAX_BODY:,} bytes")
    tree = _Tree()
    try:
        tree.parser.Parse(body, True)
    except expat.ExpatError as error:
        raise Refusal("MalformedXML", f"not well-formed, line {error.lineno}") from None
    assert tree.root is not None, "a document that expat finds well-formed has a root"
    return tree.root


def element(name: str, *inside: str) -> str:
    """An element of ready-made XML."""
    return f"<{name}>{''.join(inside)}</{name}>"


def text(name: str, value: object) -> str:
    """An element of text; what XML cannot carry becomes a question mark."""
    clean = _UNPRINTABLE.sub("?", str(value))
    return element(name, escape(clean, {"\r": "&#13;"}))


def document(root: str) -> bytes:
    """An answer whose root element is ``root``, put into the namespace."""
    name, _, rest = root.partition(">")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{name} xmlns="{NAMESPACE}">{rest}'.encode()


class _Tree:
    """Builds the tree, and stops at what no request needs."""

    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._count = 0
        # The encoding is given, so that a declaration in the document cannot name another one.
        self.parser = expat.ParserCreate("utf-8", " ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def _doctype(self, *_: object) -> None:
        raise Refusal("MalformedXML", "a document type is not accepted")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        self._count += 1
        if space not in ("", NAMESPACE) or attributes:
            raise Refusal("MalformedXML", f"the element {local[:40]} has attributes or another namespace")
        if self._count > MAX_ELEMENTS or len(self._open) >= MAX_DEPTH:
            raise Refusal("MalformedXML", f"more than {MAX_ELEMENTS:,} elements, or deeper than {MAX_DEPTH}")
        made = Element(local)
        if self._open:
            self._open[-1].children.append(made)
        else:
            self.root = made
        self._open.append(made)

    def _end(self, name: str) -> None:
        self._open.pop()

    def _characters(self, data: str) -> None:
        if self._open:
            self._open[-1].text += data
