"""Addresses that were prepared: each is used once, whatever is lost, cut short or damaged."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heliograph.adapters.hosts.given import Given
from heliograph.model import QuotaError, StoreError
from heliograph.model.mirror import Stand

URLS = tuple(f"https://{name}.example/" for name in ("one", "two", "three"))


def host(folder: Path, **former: tuple[str, bool]) -> Given:
    return Given("ahead", "theirs", URLS, folder / "state" / "ahead.json", lambda: former)


def raised(at: Given, name: str) -> Stand:
    return anyio.run(at.raise_, name)


def test_each_address_is_used_once_and_an_id_keeps_its_own(tmp_path: Path) -> None:
    assert [raised(host(tmp_path), name).url for name in ("aaaa", "bbbb", "aaaa")] == [URLS[0], URLS[1], URLS[0]]
    assert anyio.run(host(tmp_path).retire, "aaaa").state == "gone"
    assert [one.id for one in anyio.run(host(tmp_path).stands)] == ["bbbb"]
    assert host(tmp_path).most == 2
    assert raised(host(tmp_path), "aaaa").state == "gone"
    assert raised(host(tmp_path), "cccc").url == URLS[2]
    with pytest.raises(QuotaError, match="all 3 prepared addresses are used"):
        raised(host(tmp_path), "dddd")


def test_a_lost_file_hands_out_nothing_that_was_used(tmp_path: Path) -> None:
    at = host(tmp_path, aaaa=(URLS[0], False), bbbb=(URLS[1], True))
    assert [(one.id, one.url) for one in anyio.run(at.stands)] == [("bbbb", URLS[1])]
    assert at.most == 2
    assert raised(at, "cccc").url == URLS[2]
    assert raised(at, "bbbb") == Stand(id="bbbb", state="up", url=URLS[1])
    with pytest.raises(QuotaError):
        raised(at, "dddd")
    assert len(json.loads((tmp_path / "state" / "ahead.json").read_bytes())) == 3  # and the file is whole again


def test_what_the_file_says_counts_more_than_what_the_pool_remembers(tmp_path: Path) -> None:
    raised(host(tmp_path), "aaaa")
    anyio.run(host(tmp_path).retire, "aaaa")
    assert anyio.run(host(tmp_path, aaaa=(URLS[0], True)).stands) == ()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=80) | st.sampled_from([b"[]", b"{", b'{"a": 1}', b'{"a": [1]}', b"[" * 9_999, b"null"]))
def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path, data: bytes) -> None:
    notes = tmp_path / "state" / "ahead.json"
    notes.parent.mkdir(exist_ok=True)
    notes.write_bytes(data)
    told: list[str] = []
    try:
        raised(host(tmp_path), "aaaa")
    except StoreError as error:
        told.append(str(error))
    after = notes.read_bytes()
    assert str(notes) in told[0] if told else isinstance(json.loads(after), dict)
    assert after == data or not told
