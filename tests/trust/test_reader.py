"""One page, read from good and bad mirrors: which is asked, what is shown, what is kept."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import sha256

import pytest
from conformance.trust import papers, site
from conformance.trust.bases import HOUR, base, second_root
from conformance.trust.cases.edits import put
from conformance.trust.papers import Change
from hypothesis import given
from hypothesis import strategies as st

from heliograph.lab.readers import Host, Mirror, Reader, Reply, drive
from heliograph.trust import reader
from heliograph.trust.chain import State

R1, R2, R3 = base("r1"), base("r2"), base("r3")
PAGE = site.PLAIN
NOW = R2.time + HOUR
LATE = R2.time + timedelta(hours=50)
BAD = Host(files={**R2.files, PAGE: R2.pages[site.TWIN]}, name="bad", chooses=False)


def cold() -> Reader:
    return Reader(pinned=R1.papers.roots[0])


def warm(*, now: datetime = NOW) -> Reader:
    found = cold()
    found.read([R2.files, R2.files], "index.html", now)
    found.asked.clear()
    return found


def alone(files: Mapping[str, bytes]) -> Mirror:
    """A mirror that hands out only what is there."""
    return Host(files=files, name="alone", chooses=False)


# ---------------------------------------------------------------- which mirror


def test_the_first_good_mirror_is_read_and_bad_ones_are_charged() -> None:
    outcome = cold().read([BAD, R2.files], PAGE, NOW)
    assert (outcome.verdict.verdict, outcome.body, outcome.charges) == ("verified", R2.pages[PAGE], ((0, "hash"),))


def test_no_more_than_three_mirrors_are_tried_and_the_first_fault_is_told() -> None:
    outcome = cold().read([BAD, {}, replace(BAD, name="as bad"), R2.files], PAGE, NOW)
    assert (outcome.verdict.verdict, outcome.verdict.code) == ("refused", "hash")
    assert outcome.charges == ((0, "hash"), (1, "unavailable"), (2, "hash"))
    assert outcome.body == b""


def test_what_is_told_is_the_fault_of_the_first_mirror_though_another_was_charged_before() -> None:
    outcome = cold().read([BAD, {**R2.files, "tuf/2.root.json": b"{}"}], PAGE, NOW)
    assert (outcome.verdict.code, outcome.charges) == ("hash", ((0, "hash"), (1, "field")))


def test_without_mirrors_nothing_is_available() -> None:
    assert cold().read([], PAGE, NOW).verdict.code == "unavailable"


def test_a_request_that_is_no_path_asks_nobody() -> None:
    somebody = cold()
    verdict = somebody.read([R2.files], "a/../now", NOW).verdict
    assert (verdict.verdict, verdict.code, somebody.asked) == ("refused", "path", [])


@given(st.text(max_size=40) | st.text("a/.?#%\\\0html", max_size=30).map(lambda text: f"a/{text}"))
def test_no_request_raises_anything(request: str) -> None:
    assert cold().read([R2.files], request, NOW).verdict.verdict in ("refused", "withdrawn", "verified")


@pytest.mark.parametrize("root", [b"", b"{}", papers.root(1, R1.papers.ring, R1.time, R1.papers.ring.root.pens[:2])])
def test_a_root_that_is_none_gives_a_verdict_too(root: bytes) -> None:
    somebody = Reader(pinned=root)
    assert somebody.read([R2.files], PAGE, NOW).verdict.verdict == "refused"
    assert somebody.audit(R2.files, NOW, []).verdict.verdict == "refused"
    assert somebody.asked == []


# ---------------------------------------------------------------- what is fetched


def test_a_warm_reader_of_the_same_release_fetches_the_pointer_and_the_way() -> None:
    somebody = warm()
    assert somebody.read([R2.files], "a/news.html", NOW).verdict.verdict == "verified"
    assert [name for name in somebody.asked if name.startswith("tuf/")] == []


def test_a_page_that_changes_under_the_reader_is_read_from_the_new_release() -> None:
    pointers = itertools.chain([R1.files["now"]], itertools.repeat(R2.files["now"]))

    class Moving(dict[str, bytes]):
        """r2, whose pointer was still that of r1 when it was asked for first."""

        def get(self, name: str, default: bytes | None = None) -> bytes | None:  # type: ignore[override]
            return next(pointers) if name == "now" else super().get(name, default)

    outcome = cold().read([Moving(R2.files)], "a/news.html", NOW)
    assert (outcome.verdict.verdict, outcome.verdict.release, outcome.charges) == ("verified", 2, ())


@pytest.mark.parametrize("suffix", [".br", ".gz"])
def test_a_host_with_encodings_only_is_read(suffix: str) -> None:
    files = {name: data for name, data in R2.files.items() if not name.startswith(PAGE) or name == PAGE + suffix}
    assert cold().read([alone(files)], PAGE, NOW).body == R2.pages[PAGE]


def test_a_picture_is_never_asked_for_in_an_encoding() -> None:
    somebody = cold()
    somebody.read([{name: data for name, data in R2.files.items() if name != "a/bridge.png"}], "a/bridge.png", NOW)
    assert not [name for name in somebody.asked if name.endswith((".br", ".gz"))]
    assert cold().read([R2.files], "a/bridge.png", NOW).body == R2.pages["a/bridge.png"]


def test_a_reader_may_take_less_than_the_format_allows() -> None:
    run = reader.read("a/tower.html", State(root=b""), R1.papers.roots[0], ["a"], NOW, largest=1_000)
    assert drive(run, Host(files=R2.files).get).verdict.code == "too-long"


def test_the_more_telling_of_two_faults_is_told() -> None:
    copied = site.object_name(sha256(R2.pages[PAGE]).digest())
    gone = {name: data for name, data in R2.files.items() if not name.startswith(PAGE)}
    verdict = cold().read([{**gone, copied: b"forged"}], PAGE, NOW).verdict
    assert (verdict.code, PAGE in cold().read([gone], PAGE, NOW).verdict.what) == ("length", True)


# ---------------------------------------------------------------- stale


def test_a_stale_page_is_shown_only_after_the_others_were_asked() -> None:
    somebody = cold()
    outcome = somebody.read([R2.files, {}, R1.files], PAGE, LATE)
    assert (outcome.verdict.verdict, outcome.verdict.stale, outcome.verdict.release) == ("stale", True, 2)
    assert outcome.body == R2.pages[PAGE]
    assert outcome.charges == ((1, "unavailable"),)


def test_before_a_stale_verdict_new_roots_are_asked_for() -> None:
    somebody = warm(now=LATE - HOUR)
    outcome = somebody.read([R2.files, R2.files], PAGE, LATE)
    assert (outcome.verdict.verdict, outcome.verdict.warn) == ("stale", ())
    assert somebody.asked.count("tuf/2.root.json") == 2
    assert outcome.state.probed == LATE


def test_a_page_is_not_stale_but_refused_when_its_keys_count_no_more() -> None:
    """The probe that a stale verdict waits for finds a root in which the mirror's keys are revoked."""
    only_root = {"tuf/2.root.json": second_root()}
    outcome = warm(now=LATE - HOUR).read([R2.files, only_root], PAGE, LATE)
    assert (outcome.verdict.verdict, outcome.verdict.code, outcome.body) == ("refused", "signature", b"")
    assert outcome.state.root == second_root()
    assert outcome.state.timestamp == b""


def test_a_stale_mirror_that_shows_a_bad_root_is_left_out() -> None:
    outcome = warm(now=LATE - HOUR).read([{**R2.files, "tuf/2.root.json": b"{}"}, {}], PAGE, LATE)
    assert (outcome.verdict.verdict, outcome.verdict.code, outcome.body) == ("refused", "field", b"")


def test_a_mirror_refused_for_its_signatures_is_not_asked_again_after_it_showed_a_bad_root() -> None:
    revoked = {**R3.files, "tuf/2.root.json": b"{}"}
    outcome = warm().read([revoked, R3.files], PAGE, R3.time + HOUR)
    assert (outcome.verdict.verdict, outcome.charges) == ("verified", ((0, "field"),))


def test_a_page_that_is_withdrawn_and_old_is_stale_and_absent() -> None:
    verdict = cold().read([R2.files], site.WITHDRAWN, LATE).verdict
    assert (verdict.verdict, verdict.present, verdict.stale) == ("stale", False, True)


# ---------------------------------------------------------------- state


def test_what_was_read_is_kept() -> None:
    state = cold().read([R2.files, R2.files], PAGE, NOW).state
    assert state == State(root=R2.papers.roots[0], head=R2.papers.head, probed=NOW, **R2.papers.signed())
    assert reader.numbered(state)[0] == (("release", 2), R2.papers.head)


def test_a_refused_mirror_changes_nothing_that_is_kept() -> None:
    somebody = warm()
    before = somebody.state
    for mirror in (R1.files, BAD, {}):
        assert somebody.read([mirror], PAGE, NOW).verdict.verdict == "refused"
        assert somebody.state == before


def test_a_damaged_state_costs_no_more_than_being_new() -> None:
    somebody = warm()
    somebody.state = replace(somebody.state, head=b"x", timestamp=b"[")
    assert somebody.read([R2.files], PAGE, NOW).verdict.verdict == "verified"


def test_a_set_time_gives_stale_at_best() -> None:
    run = reader.read(PAGE, State(root=b""), R1.papers.roots[0], ["a", "b"], R2.time, pinned_time=True)
    assert drive(run, Host(files=R2.files).get).verdict.verdict == "stale"


def test_a_host_that_answers_nothing_in_time_is_unavailable() -> None:
    silent = Host(files=R2.files, replies=dict.fromkeys(R2.files, Reply(pause=60)), name="silent")
    assert cold().read([silent], PAGE, NOW).verdict.code == "unavailable"
    later = {"timestamp": Change(edit=put(expires=papers.stamp(LATE + HOUR)))}
    renewed = {**R2.files, **R2.papers.files(later)}
    assert cold().read([silent, renewed], PAGE, LATE).verdict.verdict == "verified"
