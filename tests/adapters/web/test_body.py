"""Encodings are undone within bounds, and their end is noticed."""

from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.adapters.web.body import MEMBERS, decoder
from heliograph.adapters.web.words import RefusedError

TEXT = "Мост открыли раньше срока. ".encode() * 200


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKERS = {"gzip": gzip.compress, "x-gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}


def decoded(coding: str, data: bytes, size: int = 1 << 20, room: int = 1 << 20) -> tuple[bytes, bool]:
    """What ``data`` decodes to, fed ``size`` bytes at a time, and whether its end was seen."""
    decode = decoder([coding])
    assert decode is not None
    out = b""
    for start in range(0, len(data), size):
        out += decode.feed(data[start : start + size], room - len(out))
        if len(out) >= room:
            break
    return out, decode.whole()


@pytest.mark.parametrize("coding", PACKERS)
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_each_encoding_gives_the_text_back(coding: str, size: int) -> None:
    assert decoded(coding, PACKERS[coding](TEXT), size) == (TEXT, True)


def test_deflate_without_its_wrapper_is_understood_too() -> None:
    assert decoded("deflate", raw_deflate(TEXT)) == (TEXT, True)


@pytest.mark.parametrize("coding", PACKERS)
def test_a_missing_end_is_noticed_wherever_it_is_cut(coding: str) -> None:
    packed = PACKERS[coding](TEXT)
    for cut in range(len(packed)):
        out, whole = decoded(coding, packed[:cut])
        assert not whole
        assert TEXT.startswith(out)


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_gzip_members_follow_one_another(size: int) -> None:
    assert decoded("gzip", gzip.compress(b"a") + gzip.compress(b"") + gzip.compress(b"b"), size) == (b"ab", True)


@pytest.mark.parametrize("size", [1, 1000])
def test_padding_behind_the_end_is_ignored(size: int) -> None:
    assert decoded("gzip", gzip.compress(b"a") + b"\0" * 50 + gzip.compress(b"b"), size) == (b"a", True)
    assert decoded("deflate", zlib.compress(b"a") + b"xyz", size) == (b"a", True)


def test_endless_empty_members_are_refused() -> None:
    assert decoded("gzip", gzip.compress(b"") * MEMBERS) == (b"", True)
    with pytest.raises(RefusedError, match="more than 16 gzip members"):
        decoded("gzip", gzip.compress(b"") * (MEMBERS + 1))


@pytest.mark.parametrize("coding", PACKERS)
def test_a_bomb_stops_at_the_room_there_is(coding: str) -> None:
    out, _ = decoded(coding, PACKERS[coding](b"\0" * 5_000_000), room=10_000)
    assert 10_000 <= len(out) <= 10_000 + 65_536


@pytest.mark.parametrize("fields", [[], [""], ["identity"], ["identity, ", " Identity"]])
def test_nothing_is_undone_where_nothing_was_done(fields: list[str]) -> None:
    assert decoder(fields) is None


@pytest.mark.parametrize("fields", [["zstd"], ["gzip", "gzip"], ["gzip, br"], ["x" * 1000]])
def test_what_we_did_not_ask_for_is_refused(fields: list[str]) -> None:
    with pytest.raises(RefusedError, match="a content encoding we did not ask for") as caught:
        decoder(fields)
    assert len(str(caught.value)) < 150


@given(coding=st.sampled_from(sorted(PACKERS)), data=st.binary(min_size=1, max_size=300), cut=st.integers(1, 300))
def test_any_bytes_decode_within_room_or_fail_as_broken(coding: str, data: bytes, cut: int) -> None:
    try:
        out, _ = decoded(coding, data, cut, room=1000)
    except (zlib.error, brotli.error, RefusedError):
        return
    assert len(out) <= 1000 + 65_536


@given(data=st.binary(max_size=2000), size=st.integers(1, 500), coding=st.sampled_from(sorted(PACKERS)))
def test_any_text_comes_back(data: bytes, size: int, coding: str) -> None:
    assert decoded(coding, PACKERS[coding](data), size) == (data, True)
