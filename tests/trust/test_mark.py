"""Marks on mail: the same for the same text and key, and nobody's else."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.model.letter import SEALED, sealed, unsealed
from heliograph.trust.mark import KEY, marker


def test_a_known_mark() -> None:
    # printf where | openssl dgst -sha256 -mac HMAC -macopt hexkey:$(printf '00%.0s' $(seq 32)) -binary | base32
    assert marker(bytes(KEY))("where") == "upixajgidr6ylstxzzp7"


@given(st.binary(min_size=KEY, max_size=KEY), st.binary(min_size=KEY, max_size=KEY), st.text(), st.text())
def test_another_key_or_text_makes_another_mark(one: bytes, other: bytes, text: str, more: str) -> None:
    mark = marker(one)
    assert re.fullmatch("[a-z2-7]{20}", mark(text))
    assert mark(text) == marker(one)(text)
    assert (mark(text) == marker(other)(text)) == (one == other)
    assert (mark(text) == mark(text + more)) == (not more)


@pytest.mark.parametrize("length", [0, KEY - 1, KEY + 1])
def test_a_key_of_another_length_is_none(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        marker(bytes(length))


def test_ids_are_sealed_with_it() -> None:
    mark = marker(bytes(KEY))
    id_ = sealed("c", "ru-20261126", "anna@mail.example", mark)
    assert SEALED.fullmatch(id_)
    assert unsealed(id_, "c", "anna@mail.example", mark) == "ru-20261126"
    assert unsealed(id_, "c", "anna@mail.example", marker(bytes([1] * KEY))) == ""
