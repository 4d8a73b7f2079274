"""Bytes of a page to text, whatever its header claims.

Order: byte order mark; valid UTF-8 with anything beyond ASCII is UTF-8, since no other charset's prose happens to be;
then what the header and the page declare; then, for Cyrillic, the charset under which the letters are the frequent
ones. UTF-8 with a few broken sequences stays UTF-8. Nothing raises; what cannot be read becomes U+FFFD.
"""

from __future__ import annotations

import codecs
import re

from heliograph.model import Answer

_DECLARED = re.compile(rb"""(?:charset|encoding)\s{0,4}=\s{0,4}["']?\s{0,4}([A-Za-z0-9_:.-]{2,40})""")
_HEAD = 4_096  # bytes in which a page must declare its charset
_SAMPLE = 65_536  # bytes looked at to tell Cyrillic charsets apart

# Labels of the Encoding Standard to Python's codecs. Any other label, among them Python's text transforms, is ignored.
_CODECS = {
    "utf-8": "utf-8", "utf8": "utf-8", "unicode-1-1-utf-8": "utf-8",
    "utf-16": "utf-16", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be",
    "windows-1251": "cp1251", "cp1251": "cp1251", "cp-1251": "cp1251", "win-1251": "cp1251", "x-cp1251": "cp1251",
    "koi8-r": "koi8-r", "koi8": "koi8-r", "koi8-u": "koi8-u", "koi8-ru": "koi8-u",
    "iso-8859-5": "iso8859-5", "ibm866": "cp866", "cp866": "cp866", "x-mac-cyrillic": "mac-cyrillic",
    "iso-8859-1": "cp1252", "latin1": "cp1252", "us-ascii": "cp1252", "ascii": "cp1252", "windows-1252": "cp1252",
    "iso-8859-2": "iso8859-2", "windows-1250": "cp1250", "iso-8859-9": "cp1254", "windows-1254": "cp1254",
    "iso-8859-15": "iso8859-15", "windows-1253": "cp1253", "windows-1255": "cp1255", "windows-1256": "cp1256",
    "iso-8859-6": "iso8859-6", "windows-1257": "cp1257", "gbk": "gb18030", "gb2312": "gb18030", "gb18030": "gb18030",
    "big5": "big5", "shift_jis": "cp932", "euc-jp": "euc-jp", "euc-kr": "cp949",
}  # fmt: skip
_CYRILLIC = ("cp1251", "koi8-u", "iso8859-5", "cp866")
_MISTAKEN = frozenset([*_CYRILLIC, "koi8-r", "cp1252", "utf-8", ""])  # declared, yet often something Cyrillic
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_FREQUENT = frozenset("оеаинтсрвлкмдпуяыьгзбчйхіїє")
_HIGH = re.compile(rb"[\x80-\xff]+")
_PROSE = 0.6  # of the letters that are frequent ones in any Cyrillic prose
_SURER = 0.02  # by how much another charset must do better than the declared one


def decode(answer: Answer) -> str:
    """The text of ``answer``. Never raises."""
    body = answer.body
    for bom, codec in _BOMS:
        if body.startswith(bom):
            return body[len(bom) :].decode(codec, "replace")
    if body.isascii():
        return body.decode("ascii")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        pass
    declared = _codec(answer.charset) or declared_in(body)
    if declared.startswith("utf-16"):
        return body.decode(declared, "replace")
    if _mostly_utf8(body):
        return body.decode("utf-8", "replace")
    if declared not in _MISTAKEN:
        return body.decode(declared, "replace")
    return body.decode(_cyrillic(body, declared), "replace")


def is_utf8(answer: Answer) -> bool:
    """Whether nothing speaks against UTF-8, judged by declarations alone: cheap, to be verified on what was read."""
    head = answer.body[:_HEAD]
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return False
    if _codec(answer.charset) not in ("utf-8", ""):
        return False
    at = max(0, head.find(b"charset"))  # a search for it costs more than all else here
    return _codec_of(_DECLARED.search(head[at:] if at else head.lower())) in ("utf-8", "")


def declared_in(body: bytes) -> str:
    """The codec that the page itself names, or ""."""
    return _codec_of(_DECLARED.search(body[:_HEAD]))


def _codec_of(match: re.Match[bytes] | None) -> str:
    return _codec(match[1].decode("ascii")) if match else ""


def _codec(label: str) -> str:
    return _CODECS.get(label.strip().strip("\"'").lower(), "")


def _mostly_utf8(body: bytes) -> bool:
    """Whether ``body`` is UTF-8 with a few broken places: cut at a limit, or a foreign widget pasted in."""
    text = body.decode("utf-8", "replace")
    broken = text.count("\ufffd")
    beyond = len(text) - len(text.encode("ascii", "ignore"))
    return broken * 20 < beyond


def _cyrillic(body: bytes, declared: str) -> str:
    """The Cyrillic charset that makes the frequent letters frequent, or the declared one where none does."""
    fallback = declared if declared not in ("", "utf-8") else "cp1252"
    high = _HIGH.findall(body[:_SAMPLE])
    words = b"".join(run for run in high if len(run) > 1)
    if 2 * len(words) < sum(map(len, high)):  # accents within Latin words, not words of such letters
        return fallback
    best, most = fallback, _likeness(words, fallback) + _SURER
    for codec in _CYRILLIC:
        likeness = _likeness(words, codec)
        if likeness > max(most, _PROSE):
            best, most = codec, likeness
    return best


def _likeness(sample: bytes, codec: str) -> float:
    """Which part of the letters beyond ASCII are frequent small Cyrillic ones."""
    text = sample.decode(codec, "ignore")
    return sum(char in _FREQUENT for char in text) / max(1, len(text))
