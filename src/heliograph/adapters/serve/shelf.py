"""A mirror's folder as ready answers: the files that are asked for are kept whole in bounded memory.

Rule 1: an answer is one whole file, old or new. A kept file is shown only while the file in the folder is the same one
(one ``stat``), so a publisher who replaces files by renaming them is seen at once.
Rule 2: nothing outside of the folder, no link and nothing but regular files is ever opened.
Rule 3: readers share the bytes; what a reader costs does not depend on the size of the file.
"""

from __future__ import annotations

import functools
import os
import stat
from base64 import urlsafe_b64encode
from collections import OrderedDict
from hashlib import blake2b, shake_256
from pathlib import Path
from typing import Final, NamedTuple

from heliograph.adapters.serve import onward, wire
from heliograph.model.edition import WIRE_BUDGET

SLICE: Final = 65_536  # bytes; a larger file is not kept but sent in slices of this size
_OVERHEAD = 1_024  # bytes that a kept file costs besides its own
_NOT_THERE = (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError)


class Sheet(NamedTuple):
    """A file ready to be sent, and the mark that tells whether the folder still holds the same one."""

    answer: bytes  # the whole 200: head and, if the file is no longer than SLICE, body
    head: int  # bytes of the head in it
    size: int  # bytes of the file
    etag: bytes
    label: wire.Label
    place: str
    mark: tuple[int, int, int]


class Rest(NamedTuple):
    """What of a long file is still to be sent; whoever holds it closes ``file``."""

    file: int
    start: int
    stop: int


class Reply(NamedTuple):
    """An answer: bytes to be sent at once, then perhaps the rest of a long file."""

    data: bytes
    status: int
    rest: Rest | None = None


class Shelf:
    """The files of one mirror folder, by path and encoding."""

    def __init__(self, folder: Path, *, memory: int, onion: str = "", retired: str = "") -> None:
        self._root = str(folder)
        self._onion = onion  # where Tor Browser finds the same pages, with its last slash
        self._retired = retired  # its own address, if its newsroom does not name it any more
        self._memory = memory
        self._used = 0
        self._kept: OrderedDict[tuple[str, str], Sheet] = OrderedDict()

    def reply(self, request: wire.Request) -> Reply:
        """The answer to ``request``. Raises OSError when the folder itself fails."""
        if size := wire.rung(request.path):
            head = wire.rung_head(size)
            return Reply(head if request.head_only else head + noise()[:size], 200)
        if self._retired and onward.leads_on(request) and (base := self._onward()):
            return Reply(wire.onward(base, request.path), 302)
        sheet = self._find(request.path, request.codings)
        if sheet is None:
            return self._missing(request)
        if request.if_none_match and wire.matches(request.if_none_match, sheet.etag):
            return Reply(wire.unchanged_head(sheet.label, sheet.etag), 304)
        if request.head_only:
            return Reply(sheet.answer[: sheet.head], 200)
        if request.span and (not request.if_range or request.if_range == sheet.etag):
            span = wire.span_of(request.span, sheet.size)
            if span is not None:
                return self._part(sheet, span)
        return self._whole(sheet)

    @property
    def used(self) -> int:
        """Bytes of memory that the kept files take."""
        return self._used

    def _onward(self) -> str:
        """The mirror that pages are to be had from, "" if they are shown here."""
        listed = self._find(onward.LIST, (wire.IDENTITY,))
        if listed is None or listed.size > min(SLICE, onward.MAX_LIST):
            return ""
        return onward.target(listed.answer[listed.head :], self._retired)

    def _whole(self, sheet: Sheet) -> Reply:
        if sheet.size <= SLICE:
            return Reply(sheet.answer, 200)
        file = _open(sheet.place)
        if _mark(os.fstat(file)) != sheet.mark:  # replaced since its head was made; rare enough to be an error
            os.close(file)
            raise OSError
        return Reply(sheet.answer, 200, Rest(file, 0, sheet.size))

    def _part(self, sheet: Sheet, span: range) -> Reply:
        if not span:
            return Reply(wire.beyond(sheet.size), 416)
        head = wire.part_head(sheet.label, span, sheet.size, sheet.etag)
        if sheet.size > SLICE:
            rest = self._whole(sheet).rest
            return Reply(head, 206, rest and Rest(rest.file, span.start, span.stop))
        return Reply(head + sheet.answer[sheet.head + span.start : sheet.head + span.stop], 206)

    def _missing(self, request: wire.Request) -> Reply:
        """404 with the edition's own page for it, if there is one; 406 if only the encoding is missing."""
        if wire.IDENTITY not in request.codings and self._find(request.path, (wire.IDENTITY,)):
            return Reply(wire.bare(406), 406)
        sheet = self._find("404.html", request.codings)
        if sheet is None or sheet.size > SLICE:
            return Reply(wire.bare(404), 404)
        head = wire.file_head(404, sheet.label, sheet.size, b"")
        return Reply(head if request.head_only else head + sheet.answer[sheet.head :], 404)

    def _find(self, path: str, codings: tuple[str, ...]) -> Sheet | None:
        for coding in codings:
            sheet = self._kept.get((path, coding))
            if sheet is not None:
                if self._current(sheet):
                    self._kept.move_to_end((path, coding))
                    return sheet
                self._drop(path, coding)
            sheet = self._load(path, coding)
            if sheet is not None:
                self._keep(path, coding, sheet)
                return sheet
        return None

    def _current(self, sheet: Sheet) -> bool:
        try:
            return _mark(os.stat(sheet.place)) == sheet.mark  # noqa: PTH116 - for each request; a Path costs as much again
        except OSError:
            return False

    def _load(self, path: str, coding: str) -> Sheet | None:
        if not wire.canonical(path) or (coding and not wire.encodable(path)):
            return None
        place = f"{self._root}/{path}{wire.SUFFIX[coding]}"
        try:
            Path(place).stat()  # first, because where a mirror has no encodings this is the usual end
            if coding:
                Path(self._root, path).stat()  # an encoding whose file is gone is a leftover
            if os.path.realpath(place) != os.path.realpath(self._root) + place[len(self._root) :]:
                return None  # a link on the way
            file = _open(place)
        except _NOT_THERE:
            return None
        try:
            found = os.fstat(file)
            if not stat.S_ISREG(found.st_mode):
                return None
            return _sheet(file, found, place, wire.label(path, coding), wire.elsewhere(self._onion, path))
        finally:
            os.close(file)

    def _keep(self, path: str, coding: str, sheet: Sheet) -> None:
        self._kept[path, coding] = sheet
        self._used += len(sheet.answer) + _OVERHEAD
        while self._used > self._memory and len(self._kept) > 1:
            self._drop(*next(iter(self._kept)))

    def _drop(self, path: str, coding: str) -> None:
        self._used -= len(self._kept.pop((path, coding)).answer) + _OVERHEAD


def _sheet(file: int, found: os.stat_result, place: str, label: wire.Label, more: bytes) -> Sheet:
    size, kept = found.st_size, found.st_size <= SLICE
    body = os.read(file, size + 1) if kept else b""
    if kept and len(body) != size:
        raise OSError("file changed while it was read")
    mark = _mark(found)
    # Of a kept file the tag is its digest, the same in each worker; a long one is told by its place on the disk.
    etag = b'"%b"' % urlsafe_b64encode(blake2b(body if kept else repr(mark).encode(), digest_size=6).digest())
    head = wire.file_head(200, label, size, etag)
    if more and len(head) + len(more) + size <= WIRE_BUDGET:
        head = wire.file_head(200, label, size, etag, more)
    return Sheet(head + body, len(head), size, etag, label, place, mark)


@functools.cache
def noise() -> bytes:
    """Bytes that nothing on the way can make smaller, always the same."""
    return shake_256(b"heliograph/ladder").digest(SLICE)


def _open(place: str) -> int:
    # NONBLOCK: opening a named pipe must not wait for its writer.
    return os.open(place, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY)


def _mark(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_ctime_ns, found.st_size
