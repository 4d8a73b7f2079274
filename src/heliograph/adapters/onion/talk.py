"""The control protocol's replies (control-spec, section 2.3) as values. No socket, no clock.

Rule 1: whoever is at the other end may send anything; what is no reply raises ``TalkError``, and at most ``MOST`` bytes
are held at any moment. Rule 2: how the bytes are cut does not matter.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

LINE: Final = 8_192  # bytes
MOST: Final = 65_536  # bytes of one reply
EVENT: Final = 650  # the status of what nobody asked for
_HEAD: Final = re.compile(r"([0-9]{3})([ +-])(.*)", re.DOTALL)
_QUOTED: Final = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESCAPE: Final = re.compile(r"\\([0-7]{1,3}|.)")
_LETTERS: Final = {"n": "\n", "r": "\r", "t": "\t"}


class TalkError(ValueError):
    """What came is no reply."""


class Reply(NamedTuple):
    """A status, and the lines after it; a line with data has them after a line break."""

    status: int
    lines: tuple[str, ...]

    @property
    def good(self) -> bool:
        """Whether it was done."""
        return self.status == 250

    @property
    def last(self) -> str:
        """What a refusal says."""
        return self.lines[-1]


class Ear:
    """Turns the bytes of one connection into replies."""

    def __init__(self) -> None:
        self._rest = b""
        self._status = 0  # of the reply under way, 0 between two
        self._lines: list[str] = []
        self._size = 0  # bytes of its lines
        self._data: list[str] | None = None  # lines of the data under way

    @property
    def held(self) -> int:
        """Bytes that wait for their end."""
        return len(self._rest) + self._size

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that end with ``data``.

        Raises:
            TalkError: it is none, or too long.
        """
        *lines, self._rest = (self._rest + data).split(b"\r\n")
        found = []
        for line in lines:
            reply = self._take(line)
            if reply is not None:
                found.append(reply)
        if len(self._rest) > LINE:
            raise TalkError("a line without end")
        return found

    def _take(self, line: bytes) -> Reply | None:
        self._size += len(line)
        if len(line) > LINE or self._size > MOST:
            raise TalkError("a reply without end")
        text = line.decode("latin-1")  # total; what is not ASCII is in no word that we know
        if self._data is not None:
            if text != ".":
                self._data.append(text.removeprefix("."))
                return None
            self._lines[-1] = "\n".join([self._lines[-1], *self._data])
            self._data = None
            return None
        head = _HEAD.fullmatch(text)
        if head is None or self._status not in (0, int(head[1])):
            raise TalkError("no line of a reply")
        self._status = int(head[1])
        self._lines.append(head[3])
        if head[2] == "+":
            self._data = []
        if head[2] != " ":
            return None
        reply = Reply(self._status, tuple(self._lines))
        self._status, self._lines, self._size = 0, [], 0
        return reply


class Offer(NamedTuple):
    """How a tor wants to be shown that one may command it."""

    methods: frozenset[str]
    cookie: str  # the path of the cookie's file, "" if there is none


def offer(reply: Reply) -> Offer:
    """What the answer to PROTOCOLINFO says."""
    for line in reply.lines:
        name, _, rest = line.partition(" ")
        if name == "AUTH":
            methods, _, more = rest.removeprefix("METHODS=").partition(" ")
            quoted = _QUOTED.match(more.removeprefix("COOKIEFILE="))
            return Offer(frozenset(methods.split(",")), _plain(quoted[1]) if quoted else "")
    raise TalkError("no word of how to authenticate")


def values(reply: Reply) -> dict[str, str]:
    """The ``name=value`` pairs of a reply, whether they stand one or several on a line."""
    found = {}
    for line in reply.lines:
        for word in line.split(" ") if "\n" not in line else [line]:
            name, equals, value = word.partition("=")
            if equals:
                found[name] = value.removeprefix("\n")
    return found


def quoted(text: str) -> str:
    """``text`` as a word of a command."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _plain(text: str) -> str:
    """Without the escapes of a quoted word; bytes beyond ASCII are those of the file system."""
    raw = _ESCAPE.sub(lambda found: _one(found[1]), text)
    return raw.encode("latin-1").decode("utf-8", "surrogateescape")


def _one(escape: str) -> str:
    return chr(int(escape, 8) & 0xFF) if escape[0] in "01234567" else _LETTERS.get(escape, escape)
