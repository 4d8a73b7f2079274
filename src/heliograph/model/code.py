"""Story codes: seven characters that name a story on every mirror for ever, sayable and typeable.

Six characters carry 30 bits of SHA-256 of the canonical URL; the seventh is a check character. The alphabet is
Crockford's base32. The check is a linear code over GF(32): each place has its own non-zero weight, so that any one
wrong character and any swap of two characters is noticed.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
LENGTH = 7
_VALUE = {char: value for value, char in enumerate(ALPHABET)}
# What people write for a digit or letter: Crockford's own confusions, and the Cyrillic letters that look the same.
_LOOKALIKE = str.maketrans("oilавекмнорстхузі", "011abekmh0pctxy31")
_SEPARATORS = str.maketrans("", "", " \u00a0\u202f-–—.·_")


@dataclass(frozen=True, slots=True)
class BadCode:
    """Why a typed text is no story code: ``length``, ``character`` or ``check``."""

    reason: str
    text: str


def story_code(url: str, attempt: int = 0) -> str:
    """The code of the story at canonical ``url``, lower case.

    ``attempt`` counts collisions: the journal asks again with 1, 2, ... when another URL already holds the code.
    """
    seed = url if attempt == 0 else f"{url}\n{attempt}"
    number = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:4], "big") >> 2
    digits = [(number >> shift) & 31 for shift in range(25, -1, -5)]
    return "".join(ALPHABET[digit] for digit in [*digits, _check(digits)])


def parse_code(text: str) -> str | BadCode:
    """The canonical code somebody typed or spoke, or what is wrong with it. Any text is safe."""
    folded = text.strip().lower().translate(_SEPARATORS).translate(_LOOKALIKE)
    if len(folded) != LENGTH:
        return BadCode("length", text)
    if any(char not in _VALUE for char in folded):
        return BadCode("character", text)
    digits = [_VALUE[char] for char in folded]
    if _check(digits[:-1]) != digits[-1]:
        return BadCode("check", text)
    return folded


def shown(code: str) -> str:
    """The code as people see it: upper case, a space after three characters ("7K3 VQ2M")."""
    return f"{code[:3]} {code[3:]}".upper()


def _times(a: int, b: int) -> int:
    """Product in GF(32) modulo x^5 + x^2 + 1."""
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 32:
            a ^= 0b100101
        b >>= 1
    return product


def _check(digits: list[int]) -> int:
    total = 0
    weight = 2  # powers of the generator 2: distinct and non-zero, so that single errors and swaps show
    for digit in digits:
        total ^= _times(digit, weight)
        weight = _times(weight, 2)
    return total
