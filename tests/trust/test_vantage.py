"""Tokens, the newsroom's keys for vantages, and work lists that go through strangers' hands."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.model import KeyFileError
from heliograph.model.lookout import MOST_LIST, Sought, WorkList, pack_list
from heliograph.trust import form, vantage
from heliograph.trust.sealing import OVERHEAD, public_of, seal
from heliograph.trust.vantage import Inbox, Token, open_list, read_token, seal_list, write_token

NOW = datetime(2026, 11, 26, 8, tzinfo=UTC)
BOX = Inbox(secret=bytes(range(32)), seed=bytes(range(32, 64)))
ANNA = Token(
    name="anna",
    network="AS64500",
    country="RU",
    root="aaaaa-bbbbb-ccccc-ddddd-eeeeee",
    inbox=BOX.public,
    work=BOX.work,
    secret=bytes(range(64, 96)),
    drops=("https://mirror.example/",),
)
WORK = WorkList(
    vantage="anna",
    network="AS64500",
    made=NOW,
    expires=NOW + timedelta(days=14),
    every=1_200,
    deep=21_600,
    mirrors=(Sought(url="https://mirror.example/", addresses=("198.18.0.9",), ladder="ladder/"),),
    drops=("https://mirror.example/",),
    anchors=("https://ya.ru/",),
    resolver="8.8.8.8:53",
)
TO = public_of(ANNA.secret)


def test_a_token_comes_back_from_one_line_of_text() -> None:
    text = write_token(ANNA)
    assert read_token(text + b"\r\n", "x") == ANNA
    assert text.count(b"\n") == 0
    assert len(text) < 700  # a QR code of 100 modules


def test_a_token_holds_nothing_of_another_vantage_and_no_key_of_the_newsroom() -> None:
    text = write_token(ANNA)
    assert BOX.secret.hex().encode() not in text
    assert BOX.seed.hex().encode() not in text


@pytest.mark.parametrize(
    "wrong",
    [b"", b"{}", b"[]", write_token(ANNA)[:-20], write_token(ANNA).replace(b"vantage/1", b"vantage/9"), b"\xff" * 9],
)
def test_what_is_no_token_names_the_file_and_the_remedy(wrong: bytes) -> None:
    with pytest.raises(KeyFileError, match=r"anna\.token") as caught:
        read_token(wrong, "anna.token")
    assert "vantage new" in str(caught.value)


@given(st.binary(max_size=80), st.integers(0, 600))
def test_no_bytes_are_another_error(noise: bytes, at: int) -> None:
    text = write_token(ANNA)
    for data in (noise, text[:at] + noise + text[at + len(noise) :]):
        try:
            read_token(data, "x")
        except KeyFileError:
            continue


def test_the_newsrooms_files_come_back() -> None:
    assert vantage.read_inbox(vantage.write_inbox(BOX), "x") == BOX
    assert vantage.read_entry(vantage.write_entry(ANNA.secret), "x") == TO
    assert ANNA.secret.hex().encode() not in vantage.write_entry(ANNA.secret)
    for read, kind in ((vantage.read_inbox, vantage.INBOX), (vantage.read_entry, vantage.ENTRY)):
        for wrong in (
            b"{}",
            form.write({"format": kind}),
            form.write({"format": kind, "key": "0", "secret": "0", "seed": "0"}),
        ):
            with pytest.raises(KeyFileError):
                read(wrong, "x")


@pytest.mark.parametrize(
    "change",
    [{"name": ""}, {"network": 7}, {"root": "x" * 81}, {"drops": ["ftp://x/"]}, {"drops": 7}, {"secret": "ab"}],
)
def test_a_token_with_one_thing_wrong_is_none(change: dict[str, object]) -> None:
    text = form.write({**json.loads(write_token(ANNA)), **change})
    with pytest.raises(KeyFileError, match="no whole token"):
        read_token(text, "x")


def test_a_list_reaches_its_vantage_and_nobody_else() -> None:
    sealed = seal_list(WORK, BOX.seed, TO)
    assert open_list(sealed, ANNA, NOW) == WORK
    with pytest.raises(ValueError, match="not sealed to this vantage"):
        open_list(sealed, replace(ANNA, secret=BOX.secret), NOW)
    assert b"mirror" not in sealed


def test_a_list_is_refused_that_is_anothers_unsigned_or_over() -> None:
    with pytest.raises(ValueError, match="did not sign"):
        open_list(seal_list(WORK, bytes(32), TO), ANNA, NOW)
    with pytest.raises(ValueError, match="not sealed"):
        open_list(seal(b"short", TO, b"heliograph/work/1"), ANNA, NOW)
    with pytest.raises(ValueError, match="another vantage"):
        open_list(seal_list(replace(WORK, vantage="boris"), BOX.seed, TO), ANNA, NOW)
    with pytest.raises(ValueError, match="ended on 2026-12-10"):
        open_list(seal_list(WORK, BOX.seed, TO), ANNA, NOW + timedelta(days=14))


def test_a_list_says_little_by_its_length() -> None:
    sizes = set()
    for count in range(1, 30):
        mirrors = tuple(Sought(url=f"https://m{number}.example/") for number in range(count))
        if len(pack_list(work := replace(WORK, mirrors=mirrors))) <= MOST_LIST:
            sizes.add(len(seal_list(work, BOX.seed, TO)))
    assert sizes <= {1_024, 2_048, 3_072, 4_096, 5_120}


@given(st.binary(max_size=300))
def test_no_bytes_sealed_to_a_vantage_are_another_error(noise: bytes) -> None:
    for data in (
        noise,
        seal(noise, TO, b"heliograph/work/1"),
        seal(noise.ljust(OVERHEAD * 3), TO, b"heliograph/work/1"),
    ):
        with pytest.raises(ValueError):
            open_list(data, ANNA, NOW)
