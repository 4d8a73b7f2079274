"""Bodies of answers without their encoding: what a bucket sends whoever asks, and what a stranger may send."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Sequence
from hashlib import sha256

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.prober.test_line import Ask, plain, saying

from heliograph.adapters.prober.coding import _MOST, Unpacked

POINTER = b'{"signed": "what a mirror shows as now"}' * 60
PACK: dict[str, Callable[[bytes], bytes]] = {
    "br": brotli.compress,
    "gzip": gzip.compress,
    "X-GZIP": gzip.compress,
    "": lambda data: data,
    "identity": lambda data: data,
    "zstd": lambda data: data,
}


def fed(coding: str, pieces: Sequence[bytes]) -> bytes:
    unpacked = Unpacked(coding)
    return b"".join(unpacked.feed(piece) for piece in pieces)


@pytest.mark.parametrize("coding", PACK)
def test_an_answer_that_came_in_an_encoding_is_known_by_what_it_holds(ask: Ask, coding: str) -> None:
    body = PACK[coding](POINTER)
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nContent-Encoding: {coding}\r\nConnection: close\r\n\r\n"
    got = ask(plain(), saying(head.encode() + body))
    assert (got.failure, got.body) == ("", len(body))  # bytes are counted as they came
    assert got.digest == sha256(POINTER).hexdigest()
    assert got.opening.encode() == POINTER[:4_096]


@pytest.mark.parametrize("coding", ["br", "gzip"])
@given(data=st.binary(max_size=5_000), size=st.integers(1, 700))
def test_it_is_undone_in_any_pieces(coding: str, data: bytes, size: int) -> None:
    packed = PACK[coding](data)
    assert fed(coding, [packed[start : start + size] for start in range(0, len(packed), size)]) == data


@given(coding=st.sampled_from(["br", "gzip", "deflate", " BR "]) | st.text(), pieces=st.lists(st.binary(max_size=200)))
def test_any_bytes_come_to_bytes(coding: str, pieces: list[bytes]) -> None:
    assert len(fed(coding, pieces)) <= _MOST + 200 * len(pieces)


@pytest.mark.parametrize("coding", ["br", "gzip"])
def test_a_bomb_is_undone_to_its_first_mebibyte(coding: str) -> None:
    packed = PACK[coding](bytes(64 << 20))
    assert fed(coding, [packed[start : start + 4_096] for start in range(0, len(packed), 4_096)]) == bytes(_MOST)


def test_what_breaks_off_in_the_middle_counts_from_there_as_it_came() -> None:
    assert fed("gzip", [b"no gzip at all", b" and more"]) == b"no gzip at all and more"
