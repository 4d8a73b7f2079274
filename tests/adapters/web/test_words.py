"""Failures read as one plain line each."""

from __future__ import annotations

import zlib

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey
from hypothesis import given
from hypothesis import strategies as st

from heliograph.adapters.web.words import PrivateAddressError, RefusedError, in_words, passing

KEY = ConnectionKey("news.example", 443, True, True, None, None, None)


@pytest.mark.parametrize(
    ("error", "words", "again"),
    [
        (RefusedError("larger than the limit"), "larger than the limit", False),
        (aiohttp.ClientConnectorDNSError(KEY, OSError("?")), "the host name does not resolve: news.example", True),
        (
            aiohttp.ClientConnectorDNSError(KEY, PrivateAddressError("?")),
            "leads to a private address: news.example",
            False,
        ),
        (aiohttp.ClientConnectorError(KEY, OSError(111, "x")), "cannot connect: Connection refused", True),
        (aiohttp.ClientConnectorError(KEY, OSError("odd")), "cannot connect: odd", True),
        (aiohttp.ConnectionTimeoutError(), "no connection in time", True),
        (aiohttp.SocketTimeoutError(), "it fell silent", True),
        (TimeoutError(), "no answer in time", True),
        (aiohttp.ClientPayloadError(), "the connection was cut in the middle of the body", True),
        (aiohttp.ServerDisconnectedError(), "the connection was closed without an answer", True),
        (aiohttp.ClientOSError(104, "reset"), "the connection was reset", True),
        (ConnectionResetError(), "the connection was reset", True),
        (zlib.error("bad"), "the compressed body is broken", False),
        (ValueError("odd\nthing"), "ValueError: 'odd thing'", False),
    ],
)
def test_each_failure_has_its_words_and_its_second_chance(error: Exception, words: str, again: bool) -> None:
    assert in_words(error) == words
    assert passing(error) is again


@given(text=st.text(max_size=1000))
def test_a_strangers_words_are_short_and_printable(text: str) -> None:
    words = in_words(ValueError(text))
    assert words.isprintable()
    assert len(words) < 300
