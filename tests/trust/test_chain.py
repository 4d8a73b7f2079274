"""What a reader believes after each step. The attacks are in ``test_conformance``; here are the rules between them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from conformance.trust import papers, signing
from conformance.trust.bases import HOUR, START, Base, base, rotated, second_root
from conformance.trust.cases.edits import put
from conformance.trust.papers import Change, Papers
from conformance.trust.signing import Circle, Pen

from heliograph.trust import chain as chain_module
from heliograph.trust.chain import Chain, State
from heliograph.trust.refusal import RefusalError

R1, R2, R3 = base("r1"), base("r2"), base("r3")
NOW = R3.time + HOUR


def fed(chain: Chain, of: Papers, *roots: bytes, changes: Mapping[str, Change] | None = None) -> Chain:
    """``chain`` after all of a release was put to it."""
    for root in roots:
        chain.next_root(root)
    chain.settle_root()
    made = of.signed(changes)
    chain.timestamp(made["timestamp"])
    chain.snapshot(made["snapshot"])
    chain.targets(made["targets"])
    chain.edition(made["edition"])
    chain.head(of.head)
    return chain


def cold(now: datetime = NOW) -> Chain:
    return Chain(State(root=R1.papers.roots[0]), now)


def after(of: Base, *roots: bytes) -> State:
    return fed(cold(of.time), of.papers, *roots).state(None)


def code_of(chain: Chain, of: Papers, *roots: bytes, changes: Mapping[str, Change] | None = None) -> str:
    """Why a release is refused, "" if it is believed."""
    try:
        fed(chain, of, *roots, changes=changes)
    except RefusalError as refusal:
        return refusal.code
    return ""


def test_a_release_is_believed_and_kept_whole() -> None:
    chain = fed(cold(), R2.papers)
    state = chain.state(NOW)
    made = R2.papers.signed()
    assert state == State(root=R2.papers.roots[0], head=R2.papers.head, probed=NOW, **made)
    assert (chain.stale, chain.warnings) == (False, [])
    assert [chain.version(role) for role in ("timestamp", "snapshot", "targets", "edition")] == [2, 2, 2, 2]
    assert chain.code("code/sw.js") != chain.code("code/reader.html") != chain.code("code/none.js") is None


def test_releases_follow_each_other_and_never_the_other_way() -> None:
    assert code_of(Chain(after(R1), NOW), R2.papers) == ""
    assert code_of(Chain(after(R2), NOW), R2.papers) == ""
    assert code_of(Chain(after(R2), NOW), R1.papers) == "rollback"


def test_a_refused_step_leaves_everything_as_it_was() -> None:
    chain = Chain(after(R1), NOW)
    chain.settle_root()
    made = R2.papers.signed()
    for wrong in (b"", made["snapshot"], R1.papers.signed({"timestamp": Change(pens=[])})["timestamp"]):
        with pytest.raises(RefusalError):
            chain.timestamp(wrong)
        assert chain.version("timestamp") == 0
    chain.timestamp(made["timestamp"])
    with pytest.raises(RefusalError):
        chain.snapshot(R1.papers.signed()["snapshot"])
    assert chain.version("snapshot") == 0
    chain.snapshot(made["snapshot"])
    with pytest.raises(RefusalError):
        chain.next_root(b"{}")
    assert chain.root.version == 1


def test_only_the_snapshot_that_was_named_is_told_to_be_it() -> None:
    chain = cold()
    chain.settle_root()
    made = R2.papers.signed()
    chain.timestamp(made["timestamp"])
    assert chain.is_named_snapshot(made["snapshot"])
    assert not chain.is_named_snapshot(made["snapshot"].replace(b'"sig":"', b'"sig":"0'))
    assert (chain.wanted_snapshot, chain.version("timestamp")) == (2, 2)


# ---------------------------------------------------------------- time


def test_a_head_from_the_future_moves_the_clock_and_expiry_is_judged_again() -> None:
    behind = START - timedelta(days=5 * 365)
    chain = fed(cold(behind), R2.papers)
    assert (chain.now, chain.warnings, chain.stale) == (R2.time, ["clock"], False)
    soon = {"timestamp": Change(edit=put(expires=papers.stamp(START)))}
    assert fed(cold(behind), R2.papers, changes=soon).stale


@pytest.mark.parametrize("role", ["root", "targets"])
def test_a_head_from_the_future_can_show_that_keys_have_expired(role: str) -> None:
    far = replace(R2.papers, head=R2.map.head(2, papers.stamp(START + timedelta(days=500))))
    roots = far.roots
    if role == "targets":
        lasting = Change(edit=put(expires=papers.stamp(START + timedelta(days=900))))
        roots = (papers.root(1, far.ring, START, change=lasting),)
    assert code_of(Chain(State(root=roots[0]), START), far) == f"{role}-expired"


def test_a_head_seen_before_sets_the_clock_without_warning() -> None:
    chain = Chain(after(R2), START - timedelta(days=900))
    assert (chain.now, chain.warnings) == (R2.time, [])


def test_a_time_that_was_set_is_kept_and_never_gives_better_than_stale() -> None:
    early = START - timedelta(days=30)
    chain = fed(Chain(after(R2), early, pinned_time=True), R2.papers)
    assert (chain.now, chain.stale, chain.warnings) == (early, True, [])


@pytest.mark.parametrize("role", ["timestamp", "snapshot", "edition"])
def test_what_is_signed_often_may_expire_and_is_stale_then(role: str) -> None:
    at_once = {role: Change(edit=put(expires=papers.stamp(NOW)))}
    assert fed(cold(), R2.papers, changes=at_once).stale
    later = {role: Change(edit=put(expires=papers.stamp(NOW + timedelta(seconds=1))))}
    assert not fed(cold(), R2.papers, changes=later).stale


# ---------------------------------------------------------------- rotations


def test_roots_follow_one_by_one() -> None:
    chain = cold()
    chain.next_root(second_root())
    assert chain.root.version == 2
    with pytest.raises(RefusalError, match="root-chain"):
        chain.next_root(second_root())
    assert code_of(cold(), R3.papers, second_root()) == ""
    assert code_of(cold(), R3.papers) == "signature"


def _raised(of: Papers, **versions: int) -> State:
    """The state of a reader to whom thieves have shown these versions."""
    high = replace(of, versions=replace(of.versions, **versions))
    return fed(cold(R2.time), high).state(None)


def test_a_new_online_key_makes_raised_versions_worthless_also_when_the_reader_stops_between() -> None:
    raised = _raised(R2.papers, timestamp=2**53 - 1, snapshot=2**53 - 1)
    assert code_of(Chain(raised, NOW), R2.papers) == "rollback"
    assert code_of(Chain(raised, NOW), R3.papers, second_root()) == ""
    chain = Chain(raised, NOW)
    chain.next_root(second_root())
    stored = chain.stored
    assert (stored.root, stored.timestamp, stored.snapshot) == (second_root(), b"", b"")
    assert stored.head == raised.head
    assert code_of(Chain(stored, NOW), R3.papers) == ""


def test_the_same_online_key_in_a_new_root_forgets_nothing() -> None:
    same = papers.root(2, signing.editors(), NOW)
    chain = Chain(after(R2), NOW)
    chain.next_root(same)
    assert replace(chain.stored, root=R2.papers.roots[0]) == after(R2)


def _after_theft_of_targets() -> tuple[State, Papers, bytes]:
    """Thieves held targets, edition and online: what a reader believed of them, and how the newsroom goes on."""
    thieves = replace(R2.papers.ring, edition=Circle((Pen("thief"), Pen("thief two")), 2))
    forged = replace(R2.papers, ring=thieves, head=R2.map.head(10**15, papers.stamp(R2.time)))
    state = _raised(forged, timestamp=2**53 - 1, snapshot=2**53 - 1, targets=2**53 - 1, edition=2**53 - 1)
    fresh = Circle(tuple(Pen(f"targets new {number}", token=True) for number in range(3)), 2)
    ring = replace(rotated(), targets=fresh)
    root = papers.root(2, ring, NOW, R2.papers.ring.root.signers)
    healed = replace(
        R3.papers, ring=ring, roots=(R1.papers.roots[0], root), versions=replace(R3.papers.versions, targets=3)
    )
    return state, healed, root


def test_new_targets_keys_make_an_edition_worthless_that_thieves_raised() -> None:
    state, healed, root = _after_theft_of_targets()
    assert code_of(Chain(state, NOW), healed, root) == ""


def test_the_same_when_the_reader_stops_between() -> None:
    state, healed, root = _after_theft_of_targets()
    chain = Chain(state, NOW)
    chain.next_root(root)
    assert chain.stored == State(root=root)
    assert code_of(Chain(chain.stored, NOW), healed) == ""


def test_new_edition_keys_forget_the_edition_and_nothing_else() -> None:
    other = Circle((Pen("edition new"), Pen("edition newer")), 2)
    about = replace(
        R2.papers,
        ring=replace(R2.papers.ring, edition=other),
        head=R2.map.head(1, papers.stamp(R2.time)),
        versions=replace(R2.papers.versions, targets=3, snapshot=3, timestamp=3),
    )
    assert code_of(Chain(after(R2), NOW), about) == ""
    assert code_of(Chain(after(R2), NOW), replace(about, versions=R1.papers.versions)) == "rollback"


# ---------------------------------------------------------------- state


@pytest.mark.parametrize("member", ["root", "timestamp", "snapshot", "targets", "edition", "head"])
@pytest.mark.parametrize("data", [b"x", b"{}", b"null", b"\xff" * 100_000])
def test_a_damaged_state_is_refused_at_once(member: str, data: bytes) -> None:
    with pytest.raises(RefusalError):
        Chain(replace(after(R2), **{member: data}), NOW)  # type: ignore[arg-type]


def test_a_root_that_its_own_keys_have_not_signed_is_no_pinned_root() -> None:
    with pytest.raises(RefusalError, match="root-chain"):
        Chain(State(root=papers.root(1, signing.editors(), START, signing.editors().root.pens[:2])), NOW)


def test_before_a_head_only_the_root_is_news() -> None:
    chain = Chain(after(R1), NOW)
    chain.next_root(second_root())
    chain.settle_root()
    assert chain.state(NOW) == replace(chain.stored, probed=NOW)
    assert chain.stored.targets == after(R1).targets


def test_no_reader_of_ours_runs_with_other_rules() -> None:
    source = Path(chain_module.__file__).parents[1]
    given = re.compile(r"Chain\([^)]*\brules=|roles\.Rules\(")
    users = {path.name for path in source.rglob("*.py") if given.search(path.read_text(encoding="utf-8"))}
    assert users == set()
    assert given.search((source.parents[1] / "tests/interop/tuf_client.py").read_text(encoding="utf-8"))
