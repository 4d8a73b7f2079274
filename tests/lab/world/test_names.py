"""What the lab's name server answers, as a resolver's library reads it."""

from __future__ import annotations

import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.lab.world.names import respond

ZONE = {"*.cdn.example": ["192.0.2.1"], "own.cdn.example": ["192.0.2.2"], "plain.example": ["192.0.2.3"]}


def asked(name: str) -> tuple[str, list[str]]:
    """The code, and the addresses."""
    told = respond(dns.message.make_query(name, "A").to_wire(), ZONE)
    assert told is not None
    answer = dns.message.from_wire(told)
    return dns.rcode.to_text(answer.rcode()), [str(item) for part in answer.answer for item in part]


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("plain.example", "192.0.2.3"),
        ("own.cdn.example", "192.0.2.2"),
        ("any.cdn.example", "192.0.2.1"),
        ("ANY.cdn.example", "192.0.2.1"),
    ],
)
def test_a_name_means_its_own_line_or_that_of_all_its_kind(name: str, address: str) -> None:
    assert asked(name) == ("NOERROR", [address])


@pytest.mark.parametrize("name", ["cdn.example", "one.any.cdn.example", "other.example", "x.plain.example"])
def test_what_has_no_line_does_not_exist(name: str) -> None:
    assert asked(name) == ("NXDOMAIN", [])


@given(st.binary(max_size=300))
def test_any_bytes_are_answered_or_not(data: bytes) -> None:
    told = respond(data, ZONE)
    assert told is None or told[:2] == data[:2]
