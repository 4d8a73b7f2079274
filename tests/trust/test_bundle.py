"""``now`` in pieces and together."""

from __future__ import annotations

import pytest
from conformance.trust.bases import NAMES, base
from hypothesis import given
from hypothesis import strategies as st

from heliograph.trust import bundle
from heliograph.trust.bundle import MAX_BUNDLE, Bundle

LINES = st.binary(max_size=50).map(lambda data: data.replace(b"\n", b" "))
BUNDLES = st.builds(
    Bundle,
    timestamp=LINES,
    snapshot=LINES,
    edition=LINES,
    targets=st.just(b"") | LINES.map(lambda data: b"{" + data),
    head=st.binary(max_size=200).filter(lambda data: not data.startswith(b"{")),
)


@given(BUNDLES)
def test_what_was_joined_is_split_again(pieces: Bundle) -> None:
    assert bundle.split(bundle.join(pieces)) == pieces


@given(st.binary(max_size=300) | st.text('\n{}a"', max_size=40).map(str.encode))
def test_any_bytes_are_no_bundle_or_come_together_again(data: bytes) -> None:
    pieces = bundle.split(data)
    assert pieces is None or bundle.join(pieces) == data


@pytest.mark.parametrize("data", [b"", b"\n\n", b"a\nb\nc", b"a\nb\nc\n{targets without head"])
def test_too_few_pieces_are_no_bundle(data: bytes) -> None:
    assert bundle.split(data) is None


def test_a_bundle_has_a_limit() -> None:
    assert bundle.split(b"a\nb\nc\n" + b"d" * (MAX_BUNDLE - 6)) is not None
    assert bundle.split(b"a\nb\nc\n" + b"d" * (MAX_BUNDLE - 5)) is None


@pytest.mark.parametrize("name", NAMES)
def test_the_bundle_of_a_release_holds_its_files(name: str) -> None:
    of = base(name)
    assert bundle.split(of.files["now"]) == Bundle(**of.papers.signed(), head=of.papers.head)
