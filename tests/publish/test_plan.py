"""What a mirror lacks, and in which order it gets it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph import publish
from heliograph.model import paths
from heliograph.model.ledger import Change

_NAMES = (
    "index.html index.html.br a/x.html a/y.html a/z.html.gz feed.xml now now.br tuf/timestamp.json "
    f"tuf/1.root.json tuf/7.snapshot.json o/00/{'1' * 62} edition/{'0' * 64}.head "
    "log/checkpoint log/tile/0/000.p/7"
)
names = st.sampled_from(_NAMES.split())
changes = st.lists(
    st.builds(
        Change, name=names, digest=st.sampled_from(["1", "2"]), size=st.just(1), fresh=st.booleans(), gone=st.booleans()
    ),
    unique_by=lambda change: change.name,
)


@pytest.mark.parametrize(
    ("shown", "done", "since"),
    [
        (None, None, None),  # empty, or another's
        (5, 5, 5),
        (7, 7, 7),
        (7, 6, 6),  # cut short after ``now`` was there
        (5, 7, 5),  # somebody put an old copy back
        (7, None, None),  # a copy from elsewhere: nobody knows whether it is whole
        (8, 7, None),  # a signing we never made: the journal is an old backup
        (7, 9, None),
    ],
)
def test_a_mirror_we_cannot_trust_to_know_is_compared_as_a_whole(
    shown: int | None, done: int | None, since: int | None
) -> None:
    assert publish.plan(shown, done, 7) == since


@given(changes, st.dictionaries(names | st.sampled_from(["readme.txt", ".git/x"]), st.sampled_from(["1", "2"])))
def test_repair_makes_the_mirror_equal_and_leaves_strangers_alone(edition: list[Change], held: dict[str, str]) -> None:
    after = dict(held)
    for change in publish.repair(edition, held):
        if change.gone:
            del after[change.name]
        else:
            assert change.fresh == (change.name not in held or "now" not in held)
            assert after.get(change.name) != change.digest
            after[change.name] = change.digest
    for wanted in edition:
        assert after.get(wanted.name) == (None if wanted.gone else wanted.digest)
    known = {wanted.name for wanted in edition}
    for name, digest in held.items():
        if name not in known:  # a page that is not ours goes, whatever else lies there stays
            assert after.get(name) == (digest if paths.fault(paths.plain_name(name)) else None)


@given(changes)
def test_new_names_then_signatures_then_the_pointer_then_changes_then_ends(edition: list[Change]) -> None:
    steps = publish.steps(edition)
    assert sorted((change for step in steps for change in step), key=str) == sorted(edition, key=str)

    def rank(change: Change) -> int:
        if change.gone:
            return 4
        if change.name in ("now", "now.br", "tuf/timestamp.json"):
            return 2
        if change.name == "log/checkpoint":
            return 1
        return 0 if change.fresh or change.name.startswith("log/") else 3

    ranks = [{rank(change) for change in step} for step in steps]
    assert all(len(found) == 1 for found in ranks)
    assert ranks == sorted(ranks, key=min)
    for step in steps:
        names_of = [change.name for change in step]
        if not step[0].gone:
            order = [2 if name.startswith("tuf/") else int(name.startswith("index.html")) for name in names_of]
            assert order == sorted(order) or "tuf/timestamp.json" in names_of
            assert "now" not in names_of[:-1]


def test_a_first_delivery_that_was_cut_short_opens_with_the_front_page_after_all_it_leads_to() -> None:
    def change(name: str, **more: bool) -> Change:
        return Change(name=name, digest="2", size=1, fresh=True, **more)

    edition = [change("a/search.html"), change("a/x.html", gone=True), change("index.html"), change("now")]
    told = publish.steps(publish.repair(edition, {"a/search.html": "1", "a/x.html": "1"}))
    assert [[one.name for one in step] for step in told] == [["a/search.html", "index.html"], ["now"], ["a/x.html"]]


def test_what_comes_back_is_there_before_anything_that_leads_to_it_and_not_before_the_pointer() -> None:
    def change(name: str, **more: bool) -> Change:
        return Change(name=name, digest=name, size=1, fresh=False, **more)

    told = publish.steps([change("a/d/index.html"), change("a/zzzzzzz.html", back=True), change("now")])
    assert [[one.name for one in step] for step in told] == [["now"], ["a/zzzzzzz.html"], ["a/d/index.html"]]
