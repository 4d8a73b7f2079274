"""Onion addresses as names."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.model import ConfigError
from heliograph.model.onions import is_address, is_onion, onion_base

TRUE = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion"  # the Tor Project's own site


def made(key: bytes) -> str:
    check = hashlib.sha3_256(b".onion checksum" + key + b"\x03").digest()[:2]
    return base64.b32encode(key + check + b"\x03").decode().lower() + ".onion"


@given(st.binary(min_size=32, max_size=32), st.integers(0, 55), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_typing_slip_shows(key: bytes, place: int, letter: str) -> None:
    address = made(key)
    assert is_address(address)
    slip = address[:place] + letter + address[place + 1 :]
    assert slip == address or not is_address(slip)


@pytest.mark.parametrize(
    "name", ["", "onion", ".onion", "x.onion", TRUE.upper(), f"www.{TRUE}", TRUE + ".", TRUE.replace("onion", "com")]
)
def test_what_is_no_address(name: str) -> None:
    assert is_address(TRUE)
    assert not is_address(name)


@pytest.mark.parametrize("name", ["x.onion", "onion", "A.ONION", "a.b.onion.", TRUE])
def test_names_below_onion_are_known_in_any_spelling(name: str) -> None:
    assert is_onion(name)


@pytest.mark.parametrize("name", ["", "onion.example", "onions", "x.onion.example", "127.0.0.1", "::1"])
def test_other_names_are_not(name: str) -> None:
    assert not is_onion(name)


@pytest.mark.parametrize(
    ("url", "base"),
    [
        (f"http://{TRUE}", ""),
        (f"http://{TRUE}/", ""),
        (f"https://{TRUE}/news", "news/"),
        (f"http://{TRUE}/a/b/", "a/b/"),
    ],
)
def test_a_base_ends_with_a_slash(url: str, base: str) -> None:
    assert onion_base(url, "--onion-location") == f"{url[: url.index(':')]}://{TRUE}/{base}"


@pytest.mark.parametrize(
    "url",
    [TRUE, f"ftp://{TRUE}/", "http://mirror.example/", f"http://{TRUE[1:]}/", f"http://{TRUE}/?q", f"http://{TRUE}/#x",
     f"http://a@{TRUE}/", f"http://{TRUE}:81/", f'http://{TRUE}/"', f"http://{TRUE}/a b", f"http://{TRUE}/\r\nX: y",
     f"http://{TRUE}/$x", f"http://{TRUE}/{{x}}", f"http://{TRUE}:x/", "http://["],
)  # fmt: skip
def test_what_is_no_base_is_refused_with_its_place(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        onion_base(url, "--onion-location")
    assert caught.value.where.startswith("--onion-location")
    assert caught.value.remedy
