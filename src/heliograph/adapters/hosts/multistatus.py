"""What a WebDAV server answers to PROPFIND, read as it comes. Not trusted: any byte of it may be hostile.

Rule 1: a document type, with which entities come, ends the reading; nothing outside is ever fetched. Rule 2: nothing
grows with what a single field holds. RFC 4918, sections 13 and 14.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from xml.parsers import expat

from heliograph.model import StoreError

_LONGEST: Final = 4_096  # characters of a field
_DEEPEST: Final = 32  # elements in one another
_MOST: Final = 5_000_000  # entries
_DAV: Final = "DAV: "
_FIELDS: Final = frozenset({"href", "status", "getetag", "getcontentlength", "getlastmodified"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file or folder as the server shows it."""

    href: str
    folder: bool
    mark: str  # changes with its bytes; "" where the server shows nothing that would


class Reading:
    """One answer."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self._open: list[str] = []
        self._text: list[str] = []
        self._size = 0
        self._href, self._held, self._props = "", dict[str, str](), dict[str, str]()
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters

    def feed(self, data: bytes, where: str, *, last: bool = False) -> None:
        """Read on. Raises StoreError."""
        try:
            self._parser.Parse(data, last)
        except (expat.ExpatError, ValueError) as error:
            raise StoreError(f"the server's listing cannot be read: {error}"[:300], where=where) from error

    def end(self, where: str) -> None:
        """That was all. Raises StoreError."""
        self.feed(b"", where, last=True)

    def _doctype(self, *_: object) -> None:
        raise ValueError("it has a document type")

    def _start(self, name: str, _: dict[str, str]) -> None:
        self._open.append(name.removeprefix(_DAV) if name.startswith(_DAV) else "")
        if len(self._open) > _DEEPEST:
            raise ValueError("it is nested too deeply")
        self._text, self._size = [], 0
        match self._open[-1]:
            case "response":
                self._href, self._props = "", {}
            case "propstat":
                self._held = {}
            case "collection" if "resourcetype" in self._open:
                self._held["collection"] = "yes"

    def _characters(self, text: str) -> None:
        if self._open[-1] in _FIELDS and self._size < _LONGEST:
            self._text.append(text[: _LONGEST - self._size])
            self._size += len(self._text[-1])

    def _end(self, _: str) -> None:
        name = self._open.pop()
        text = "".join(self._text).strip()
        self._text, self._size = [], 0
        match name:
            case "href" if self._open[-1:] == ["response"]:
                self._href = self._href or text
            case "propstat":
                if " 200" in self._held.get("status", " 200"):
                    self._props |= self._held
            case "response":
                self._entry()
            case _ if name in _FIELDS and "propstat" in self._open:
                self._held[name] = text

    def _entry(self) -> None:
        if len(self.entries) >= _MOST:
            raise ValueError("it has too many entries")
        props = self._props
        # Apache calls a tag weak while the file is younger than a second
        mark = props.get("getetag", "").removeprefix("W/")
        if not mark and props.get("getlastmodified"):
            mark = f"{props.get('getcontentlength', '')}-{props['getlastmodified']}"
        self.entries.append(Entry(href=self._href, folder="collection" in props, mark=mark))
