"""Bytes become the file that was signed, or nothing, in whatever coding they came."""

from __future__ import annotations

import tracemalloc
import zlib
from hashlib import sha256

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.render import encode
from heliograph.trust import content
from heliograph.trust.edition_map import Entry
from heliograph.trust.refusal import RefusalError

PAGE = encode.file("a/x.html", ("<p>Мост открыт. " * 300).encode())
BODIES = {"": PAGE.body, "br": PAGE.brotli or b"", "gzip": PAGE.gzip or b""}
ENTRY = Entry(sha256(PAGE.body).digest(), len(PAGE.body))
CODINGS = st.sampled_from(["", "br", "gzip"])


def code_of(data: bytes, coding: str, entry: Entry = ENTRY) -> str:
    """Why ``data`` is refused, "" if it is the file."""
    try:
        assert sha256(content.check(data, coding, entry)).digest() == entry.digest
    except RefusalError as refusal:
        return refusal.code
    return ""


@pytest.mark.parametrize("coding", BODIES)
def test_an_honest_file_is_taken(coding: str) -> None:
    assert content.check(BODIES[coding], coding, ENTRY) == PAGE.body
    assert len(BODIES[coding]) <= content.encoded_limit(len(PAGE.body))


def test_a_host_that_has_undone_gzip_is_understood() -> None:
    assert code_of(PAGE.body, "gzip") == ""


@given(st.binary(max_size=500), CODINGS)
def test_any_bytes_are_refused(data: bytes, coding: str) -> None:
    assert code_of(data, coding) in ("length", "hash")


@given(st.data(), CODINGS)
def test_changed_bytes_are_refused_or_decode_to_the_file(data: st.DataObject, coding: str) -> None:
    body = bytearray(BODIES[coding])
    place = data.draw(st.integers(0, len(body) - 1))
    match data.draw(st.sampled_from(["flip", "cut", "insert"])):
        case "flip":
            body[place] ^= 1 << data.draw(st.integers(0, 7))
        case "cut":
            del body[place:]
        case _:
            body[place:place] = data.draw(st.binary(min_size=1, max_size=20))
    assert code_of(bytes(body), coding) in ("", "length", "hash")  # "" only with the true bytes, see code_of


@pytest.mark.parametrize("coding", ["br", "gzip"])
@pytest.mark.parametrize("size", [len(PAGE.body) + 1, 50_000_000])
def test_a_bomb_is_stopped_at_the_signed_length(coding: str, size: int) -> None:
    bomb = brotli.compress(bytes(size), quality=1) if coding == "br" else zlib.compress(bytes(size), wbits=31)
    tracemalloc.start()
    assert code_of(bomb, coding) == "length"
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 1_000_000


@pytest.mark.parametrize("coding", ["br", "gzip"])
def test_an_encoding_that_is_cut_off_is_refused(coding: str) -> None:
    whole = BODIES[coding]
    assert {code_of(whole[:cut], coding) for cut in range(2, len(whole))} <= {"length", "hash"}


def test_an_empty_body_is_no_file() -> None:
    assert {code_of(b"", coding) for coding in BODIES} == {"length"}


def test_bytes_of_the_right_length_must_have_the_hash() -> None:
    assert code_of(PAGE.body.swapcase(), "") == "hash"
    assert code_of(PAGE.body, "", Entry(bytes(32), len(PAGE.body))) == "hash"
    assert code_of(PAGE.body, "", Entry(ENTRY.digest, len(PAGE.body) - 1)) == "length"


def test_a_file_that_begins_like_gzip_is_taken_as_it_is_where_no_coding_was_sent() -> None:
    data = BODIES["gzip"]
    entry = Entry(sha256(data).digest(), len(data))
    assert content.check(data, "", entry) == data
    assert content.check(brotli.compress(data), "br", entry) == data


@pytest.mark.parametrize("coding", BODIES)
def test_what_has_no_hash_yet_is_decoded_up_to_its_room(coding: str) -> None:
    room = len(PAGE.body)
    assert content.decoded(BODIES[coding], coding, room) == PAGE.body
    assert content.decoded(BODIES[coding], coding, room - 1) is None
    assert content.decoded(PAGE.body, "gzip", room) == PAGE.body  # the host has undone it
    assert content.decoded(BODIES["gzip"], "", room) == BODIES["gzip"]


@given(st.binary(max_size=200), CODINGS)
def test_any_bytes_are_decoded_or_not(data: bytes, coding: str) -> None:
    found = content.decoded(data, coding, 100)
    assert found is None or len(found) <= 100
