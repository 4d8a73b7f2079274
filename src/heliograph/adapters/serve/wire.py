"""The mirror's side of HTTP/1.1 as pure functions: a request head in, the head of the answer out. No file, no socket.

Rule 1: nothing in a request is decoded or repaired. A path that is not canonical names no file.
Rule 2: the Content-Type follows from the name alone; the answer from method, target and six header fields.
Rule 3: the head of an answer with a file of the edition stays within ``HEADER_ALLOWANCE``, because head and body have
6 KB together. So each policy is spelt as short as it goes, Onion-Location comes only where the whole answer keeps its
budget with it (``elsewhere``), and three fields are left out:

- Date. RFC 9110 (6.6.1) demands it of an origin with a clock and forbids it to one without. A mirror is the latter: an
  untrusted machine whose time nobody should rely on. Freshness is ``max-age``, which no wrong clock can spoil.
- Referrer-Policy. The pages load nothing and mark every outward link ``noreferrer``, which holds on dumb hosts, too.
- Permissions-Policy. Pages have no script that could ask for a permission.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

from heliograph.model import paths

MAX_HEAD: Final = 8_192  # bytes of a request head
MESSAGE: Final = 4_096  # bytes of a message for the drop
IDENTITY, BROTLI, GZIP = "", "br", "gzip"
LED: Final = b"led"  # the query of a reader whom another mirror has led here
SUFFIX: Final[Mapping[str, str]] = {IDENTITY: "", BROTLI: ".br", GZIP: ".gz"}


_OPAQUE = b"application/octet-stream"

# "No script, nothing from the network" in the fewest bytes: what a page may use is inline or a data: URL.
_PAGE_POLICY = "default-src data: 'unsafe-inline';script-src 'none'"
# The search page names its one script by digest in a policy of its own and fetches the index; this is the outer fence.
_SEARCH_POLICY = "default-src 'self' data: 'unsafe-inline'"
_POLICIES = {"html": _PAGE_POLICY, "svg": "default-src 'unsafe-inline';script-src 'none'", "xml": "default-src 'none'"}

_REASONS = {
    200: b"200 OK",
    202: b"202 Accepted",
    206: b"206 Partial Content",
    302: b"302 Found",
    304: b"304 Not Modified",
    400: b"400 Bad Request",
    404: b"404 Not Found",
    405: b"405 Method Not Allowed",
    406: b"406 Not Acceptable",
    416: b"416 Range Not Satisfiable",
    431: b"431 Request Header Fields Too Large",
    500: b"500 Internal Server Error",
    505: b"505 HTTP Version Not Supported",
}
_ALWAYS = (
    b"Connection: close\r\nX-Content-Type-Options: nosniff\r\nAccess-Control-Allow-Origin: *\r\nAlt-Svc: clear\r\n\r\n"
)


class Request(NamedTuple):
    """What an answer depends on. ``path`` is as the reader wrote it, perhaps not canonical."""

    head_only: bool
    path: str
    codings: tuple[str, ...]
    span: bytes  # Range, b"" if absent
    if_none_match: bytes
    if_range: bytes
    led: bool = False  # another mirror has led the reader here


class Label(NamedTuple):
    """The fields of a file's answers that do not depend on its bytes, each ended by CRLF."""

    content_type: bytes
    lifetime: bytes  # Cache-Control, and Vary where there are encodings
    coding: bytes  # Content-Encoding
    policy: bytes  # Content-Security-Policy


def canonical(path: str) -> bool:
    """Whether ``path`` may name a file of a mirror: a mapped file, a reserved name, or an encoding of either."""
    name = paths.plain_name(path)
    return paths.is_reserved(name) or not paths.fault(name)


def encodable(path: str) -> bool:
    """Whether encodings of ``path`` may lie beside it; pictures and what is an encoding itself have none."""
    ending = paths.extension(path)
    return ending not in paths.MEDIA_TYPES and ending not in {"gz", "br"}


def label(path: str, coding: str) -> Label:
    """The constant fields of the file at a canonical ``path``, sent in ``coding``."""
    ending = paths.extension(path)
    policy = "" if path == "reader.html" or path.startswith("code/") else _POLICIES.get(ending, "")
    if policy and path.startswith("a/search."):
        policy = _SEARCH_POLICY
    return Label(
        content_type=f"Content-Type: {paths.content_type(path)}\r\n".encode(),
        lifetime=f"Cache-Control: {paths.lifetime(path)}\r\n".encode()
        + (b"Vary: Accept-Encoding\r\n" if encodable(path) else b""),
        coding=f"Content-Encoding: {coding}\r\n".encode() if coding else b"",
        policy=f"Content-Security-Policy: {policy}\r\n".encode() if policy else b"",
    )


def is_page(path: str) -> bool:
    """Whether a canonical ``path`` is a page that people read: HTML, but not the reader's own code."""
    return paths.extension(path) == "html" and path != "reader.html" and not path.startswith("code/")


def elsewhere(base: str, path: str) -> bytes:
    """The field that offers Tor Browser the page at a canonical ``path`` on the onion mirror at ``base``; b"" if none.

    Only a whole 200 has it, and only one that is within ``WIRE_BUDGET`` together with it.
    """
    return f"Onion-Location: {base}{path}\r\n".encode("ascii") if base and is_page(path) else b""


def file_head(status: int, of: Label, length: int, etag: bytes, more: bytes = b"") -> bytes:
    """The head of an answer with a whole file: 200, or 404 with the edition's own page (then without ``etag``)."""
    tag = b"ETag: %b\r\n" % etag if etag else b""
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n%b%b%b%b%b%b" % (
        _REASONS[status], of.content_type, length, of.coding, of.lifetime, tag, of.policy, more, _ALWAYS,
    )  # fmt: skip


def part_head(of: Label, span: range, whole: int, etag: bytes) -> bytes:
    """The head of a 206. It shows no page by itself, so it carries no policy for one and stays as short as a 200."""
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\nContent-Range: bytes %d-%d/%d\r\n%b%bETag: %b\r\n%b" % (
        _REASONS[206], of.content_type, len(span), span.start, span.stop - 1, whole,
        of.coding, of.lifetime, etag, _ALWAYS,
    )  # fmt: skip


def unchanged_head(of: Label, etag: bytes) -> bytes:
    """A 304: only what updates the copy that the reader holds."""
    return b"HTTP/1.1 %b\r\n%bETag: %b\r\n%b" % (_REASONS[304], of.lifetime, etag, _ALWAYS)


_RUNG = re.compile(r"ladder/([1-9]|[1-5][0-9]|6[0-4])")


def rung(path: str) -> int:
    """The bytes of the test body that ``path`` asks for, up to 64 KiB; 0 if it asks for none.

    Test bodies are no part of an edition. They are what the prober measures a curtain with, on its request alone.
    """
    found = _RUNG.fullmatch(path)
    return int(found[1]) * 1_024 if found else 0


def rung_head(length: int) -> bytes:
    """The head of an answer with a test body."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\nCache-Control: no-store\r\n%b" % (
        _OPAQUE, length, _ALWAYS,
    )  # fmt: skip


def sheet_head(length: int) -> bytes:
    """The head of an answer with a work list, which is for one reader and ends within days."""
    return b"HTTP/1.1 200 OK\r\nContent-Type: %b\r\nContent-Length: %d\r\nCache-Control: no-store\r\n%b" % (
        _OPAQUE, length, _ALWAYS,
    )  # fmt: skip


def bare(status: int, extra: bytes = b"") -> bytes:
    """A whole answer without a body."""
    return b"HTTP/1.1 %b\r\nContent-Length: 0\r\n%b%b" % (_REASONS[status], extra, _ALWAYS)


def onward(base: str, path: str) -> bytes:
    """A 302 to the page at a canonical ``path`` on the mirror at ``base``, with the mark that leads no further."""
    return bare(302, b"Location: %b%b?%b\r\n" % (base.encode("ascii"), path.encode("ascii"), LED))


def beyond(whole: int) -> bytes:
    """A 416: the file has ``whole`` bytes and none of those asked for."""
    return bare(416, b"Content-Range: bytes */%d\r\n" % whole)


_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_BAD_REQUEST, _TOO_LONG = bare(400), bare(431)
_NOT_ALLOWED = bare(405, b"Allow: GET, HEAD\r\n")
_OTHER_VERSION = bare(505)


def head_end(received: bytes) -> int:
    """Where the request head in ``received`` ends, the empty line included; 0 while it is not complete."""
    return received.find(b"\r\n\r\n") + 4 if b"\r\n\r\n" in received else 0


def hopeless(received: bytes) -> bytes:
    """The answer to an unfinished head that cannot become a request any more; b"" while there is hope."""
    if len(received) > MAX_HEAD:
        return _TOO_LONG
    return _BAD_REQUEST if b"\n\n" in received or b"\0" in received else b""


TAKEN: Final = bare(202)  # whatever was posted, and whatever became of it


def is_posted(head: bytes) -> bool:
    """Whether a complete head posts to the drop."""
    words = head[: head.find(b"\r\n")].split(b" ")
    return len(words) == 3 and words[0] == b"POST" and _path(words[1]) == "drop"


def is_message(head: bytes) -> bool:
    """Whether what follows such a head has the one length of a message, and says so plainly."""
    folded = head.lower()
    lengths = folded.count(b"\r\ncontent-length:")
    plain = lengths == 1 and b"\r\ntransfer-encoding:" not in folded
    return plain and _field(head, folded, b"\r\ncontent-length:") == b"%d" % MESSAGE


def request(head: bytes) -> Request | bytes:
    """The request that a complete head makes, or the whole answer that refuses it.

    It is as lenient as one request for each connection allows: there is no second one to be smuggled in.
    """
    if len(head) > MAX_HEAD:
        return _TOO_LONG
    end = head.find(b"\r\n")
    words = head[:end].split(b" ")
    if len(words) != 3:
        return _BAD_REQUEST
    method, target, version = words
    if version not in (b"HTTP/1.1", b"HTTP/1.0"):
        return _OTHER_VERSION if version.startswith(b"HTTP/") else _BAD_REQUEST
    if method not in (b"GET", b"HEAD"):
        return _NOT_ALLOWED if _TOKEN.fullmatch(method) else _BAD_REQUEST
    fields = head[end:]
    folded = fields.lower()
    hosts = folded.count(b"\r\nhost:")
    path = _path(target)
    if path is None or hosts > 1 or (not hosts and version == b"HTTP/1.1"):
        return _BAD_REQUEST
    span = if_none_match = if_range = b""
    if b"\r\nif-" in folded:
        if_none_match = _field(fields, folded, b"\r\nif-none-match:")
        if_range = _field(fields, folded, b"\r\nif-range:")
    if b"\r\nrange:" in folded:
        span = _field(fields, folded, b"\r\nrange:")
    accepted = _field(fields, folded, b"\r\naccept-encoding:")
    led = b"?" in target and target.partition(b"#")[0].partition(b"?")[2] == LED
    return Request(method == b"HEAD", path, codings(accepted), span, if_none_match, if_range, led)


def _field(fields: bytes, folded: bytes, name: bytes) -> bytes:
    start = folded.find(name)
    if start < 0:
        return b""
    start += len(name)
    return fields[start : fields.find(b"\r\n", start)].strip(b" \t")


def _path(target: bytes) -> str | None:
    """The path a request target asks for, without base and query; None if it is in no form a mirror answers."""
    if not target.startswith(b"/"):
        scheme, found, rest = target.partition(b"://")
        if not found or scheme.lower() not in (b"http", b"https"):
            return None
        target = rest[len(rest.split(b"/")[0].split(b"?")[0].split(b"#")[0]) :]
    if b"?" in target or b"#" in target:
        target = target.split(b"#")[0].split(b"?")[0]
    path = target[1:].decode("latin-1")  # total; no letter beyond ASCII is canonical
    return path + "index.html" if not path or path.endswith("/") else path


_ALL, _ZIPPED, _PLAIN = (BROTLI, GZIP, IDENTITY), (GZIP, IDENTITY), (IDENTITY,)
_USUAL = {
    b"": _PLAIN,
    b"identity": _PLAIN,
    b"gzip": _ZIPPED,
    b"gzip, deflate": _ZIPPED,
    b"gzip, deflate, br": _ALL,
    b"gzip, deflate, br, zstd": _ALL,
}  # what browsers and tools send; anything else is parsed
_WEIGHT = re.compile(rb"q=(?:(1)(?:\.0{0,3})?|0(?:\.([0-9]{0,3}))?)")


def codings(accepted: bytes) -> tuple[str, ...]:
    """The encodings that an Accept-Encoding field allows, best first (RFC 9110, 12.5.3); with equal weights ours first.

    Identity comes last unless the field names it. Empty when nothing a mirror has is acceptable.
    """
    usual = _USUAL.get(accepted)
    if usual is not None:
        return usual
    weights: dict[bytes, float] = {}
    for item in accepted.lower().split(b",")[:32]:
        name, _, parameters = item.partition(b";")
        weights[name.strip()] = _weight(parameters.strip())
    others = weights.get(b"*")
    ranked = {
        BROTLI: weights.get(b"br", others or 0),
        GZIP: weights.get(b"gzip", weights.get(b"x-gzip", others or 0)),
        IDENTITY: weights.get(b"identity", 0.1 if others is None else others),
    }
    return tuple(sorted((name for name, weight in ranked.items() if weight > 0), key=lambda name: -ranked[name]))


def _weight(parameters: bytes) -> float:
    """Thousandths; a weight that cannot be read counts as a refusal."""
    if not parameters:
        return 1000
    match = _WEIGHT.fullmatch(parameters.replace(b" ", b""))
    if not match:
        return 0
    return 1000 if match[1] else int((match[2] or b"").ljust(3, b"0"))


_RANGE = re.compile(rb"bytes[ \t]*=[ \t]*(?:([0-9]{1,18})-([0-9]{1,18})?|-([0-9]{1,18}))", re.IGNORECASE)


def span_of(asked: bytes, whole: int) -> range | None:
    """The bytes that one Range field asks for; empty if the file has none of them, None if the field is to be ignored.

    Several ranges are ignored (RFC 9110, 14.2 allows it): the answer would be longer than the file.
    """
    match = _RANGE.fullmatch(asked)
    if not match:
        return None
    first, last, suffix = match.groups()
    if suffix is not None:
        return range(max(0, whole - int(suffix)), whole)
    if last is not None and int(last) < int(first):
        return None
    return range(int(first), min(whole, int(last) + 1 if last is not None else whole))


def matches(field: bytes, etag: bytes) -> bool:
    """Whether an If-None-Match field names ``etag``, by weak comparison (RFC 9110, 13.1.2)."""
    return field == b"*" or etag in (item.strip().removeprefix(b"W/") for item in field.split(b","))
