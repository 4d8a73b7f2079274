"""What a mirror lacks, and in which order it gets it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph import publish
from heliograph.model import Issue
from heliograph.model.ledger import Change
from heliograph.publish import Pointer

ISSUE = Issue(number=7, made=datetime(2026, 11, 22, 8, 0, tzinfo=UTC), stories=3, files=9, written=2, gone=1)
OURS = "0123456789abcdef"
names = st.sampled_from(["index.html", "index.html.br", "a/x.html", "a/y.html", "a/z.html.gz", "feed.xml"])
changes = st.lists(
    st.builds(
        Change, name=names, digest=st.sampled_from(["1", "2"]), size=st.just(1), fresh=st.booleans(), gone=st.booleans()
    ),
    unique_by=lambda change: change.name,
)


def test_a_pointer_is_read_back() -> None:
    assert publish.read_pointer(publish.write_pointer(ISSUE, OURS)) == Pointer(number=7, journal=OURS)


@given(st.binary(max_size=400))
def test_any_other_bytes_are_no_pointer(data: bytes) -> None:
    assert publish.read_pointer(data) is None


@pytest.mark.parametrize(
    ("pointer", "since"),
    [
        (None, None),
        (Pointer(number=5, journal=OURS), 5),
        (Pointer(number=7, journal=OURS), 7),
        (Pointer(number=8, journal=OURS), None),  # an edition we never made: the journal is an old backup
        (Pointer(number=5, journal="f" * 16), None),
    ],
)
def test_a_mirror_we_cannot_trust_to_know_is_compared_as_a_whole(pointer: Pointer | None, since: int | None) -> None:
    assert publish.plan(pointer, ISSUE, OURS) == since


@given(changes, st.dictionaries(names, st.sampled_from(["1", "2"])))
def test_repair_makes_the_mirror_equal_and_leaves_strangers_alone(edition: list[Change], held: dict[str, str]) -> None:
    after = dict(held)
    for change in publish.repair(edition, held):
        if change.gone:
            del after[change.name]
        else:
            assert change.fresh == (change.name not in held)
            assert after.get(change.name) != change.digest
            after[change.name] = change.digest
    for wanted in edition:
        assert after.get(wanted.name) == (None if wanted.gone else wanted.digest)
    known = {wanted.name for wanted in edition}
    assert {name: digest for name, digest in after.items() if name not in known} == {
        name: digest for name, digest in held.items() if name not in known
    }


@given(changes)
def test_new_names_first_then_changes_then_the_front_page_then_ends(edition: list[Change]) -> None:
    order = publish.ordered(edition)
    assert sorted(order, key=str) == sorted(edition, key=str)
    ranks = [
        3 if change.gone else 2 if change.name.startswith("index.html") else 0 if change.fresh else 1
        for change in order
    ]
    assert ranks == sorted(ranks)
