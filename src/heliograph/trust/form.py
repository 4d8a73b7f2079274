"""The only form in which signed metadata is read: release format, section "Form".

Rule 1: depth is checked before anything is parsed, so that brackets cannot exhaust the stack. Rule 2: what was parsed
is written again and must give the same bytes; this one comparison refuses double members, NaN, fractions, blanks, byte
order marks and whatever two parsers could read differently. Rule 3: signatures are over the OLPC canonical JSON of
``signed``, which is not the form of the file.
"""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

from securesystemslib.formats import encode_canonical

from heliograph.trust.refusal import RefusalError

MAX_DEPTH = 16
MAX_NUMBER = 2**53 - 1
_BYTES = re.compile(rb"[\x20-\x7e]*\Z")
# A string that never ends is taken to the end of the bytes, so that looking for strings costs one pass; the parser
# refuses it afterwards.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\\?\Z)')
_ESCAPE = re.compile(rb"\\(.)")
_BRACKETS = re.compile(rb"[\[{\]}]")


def parse(data: bytes, limit: int) -> Any:  # noqa: ANN401
    """The value that ``data``, of at most ``limit`` bytes, is the one form of.

    Raises:
        RefusalError: ``too-long`` or ``json``.
    """
    if len(data) > limit:
        raise RefusalError("too-long", f"{len(data):,} bytes or more; the limit is {limit:,}")
    if not _BYTES.match(data):
        raise RefusalError("json", "a byte that is neither printable ASCII")
    _check_escapes_and_depth(data)
    try:
        value = json.loads(data, parse_float=_no_number, parse_constant=_no_number, parse_int=_number)
    except ValueError as error:
        raise RefusalError("json", str(error)[:120]) from error
    if write(value) != data:
        raise RefusalError("json", "it is not written in the one form: sorted members, no blanks, plain numbers")
    if '"__proto__"' in data.decode("ascii") and _has_proto(value):
        raise RefusalError("json", "a member named __proto__")
    return value


def write(value: Any) -> bytes:  # noqa: ANN401
    """``value`` in the one form: members sorted, no blanks, ASCII."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def canonical(signed: Any) -> bytes:  # noqa: ANN401
    """What a signature is over: the OLPC canonical JSON of ``signed``."""
    return str(encode_canonical(signed)).encode("utf-8")


def _check_escapes_and_depth(data: bytes) -> None:
    for string in _STRING.finditer(data) if b"\\" in data else ():
        for escape in _ESCAPE.finditer(string[0]):
            if escape[1] not in (b'"', b"\\", b"n"):
                raise RefusalError("json", 'an escape other than \\" \\\\ \\n')
    depth = 0
    for bracket in _BRACKETS.finditer(_STRING.sub(b"", data)):
        depth += 1 if bracket[0] in b"[{" else -1
        if depth > MAX_DEPTH:
            raise RefusalError("json", f"nested deeper than {MAX_DEPTH}")


def _number(digits: str) -> int:
    if len(digits) > 16 or not 0 <= (number := int(digits)) <= MAX_NUMBER:
        raise ValueError("a number outside of 0 to 2^53-1")
    return number


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"not a plain number: {text[:20]}")


def _has_proto(value: Any) -> bool:  # noqa: ANN401
    if isinstance(value, dict):
        return "__proto__" in value or any(map(_has_proto, value.values()))
    return isinstance(value, list) and any(map(_has_proto, value))
