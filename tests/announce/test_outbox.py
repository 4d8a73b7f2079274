"""The outbox's own rules: what is due, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.announce.stories import NOW, rules

from heliograph.announce.outbox import PRIVATE, TRIES, TRIES_OF_EDITS, after, batch, due, proved, readers, smaller
from heliograph.model.post import Act, Entry, Fate, Message, Pause, Sent, Topic

ONE, TWO = Topic("story", "aaaaaaa"), Topic("story", "bbbbbbb")


def entry(number: int, topic: Topic = ONE, **more: Any) -> Entry:
    made: dict[str, Any] = {
        "id": number, "channel": "ours", "topic": topic, "version": 1, "message": Message(text="т"), "digest": "d",
        "queued": NOW, "changed": NOW,
    }  # fmt: skip
    return Entry(**{**made, **more})


def first(
    *entries: Entry, now: datetime = NOW, pause: Pause | None = None, last: datetime | None = None, **more: Any
) -> int:
    """The id of what is due, 0 for nothing."""
    found = due(entries, rules(**more), pause, last, now).entry
    return found.id if found else 0


def test_what_came_first_goes_first() -> None:
    assert first(entry(1), entry(2, TWO)) == 1


@pytest.mark.parametrize("state", ["held", "unknown", "sending"])
def test_what_is_unclear_holds_up_only_what_is_about_the_same(state: Any) -> None:
    assert first(entry(1, state=state), entry(2, part=1), entry(3, TWO)) == 3


def test_an_edit_or_withdrawal_waits_for_no_post() -> None:
    assert first(entry(1, state="unknown"), entry(2, act="withdraw", remotes=("5",))) == 2


def test_subscribers_do_not_wait_for_each_other() -> None:
    day = Topic("day", "2026-11-22")
    assert first(entry(1, day, part=PRIVATE + 1, state="unknown"), entry(2, day, part=PRIVATE + 2)) == 2


def test_new_addresses_wait_for_no_older_ones() -> None:
    assert first(entry(1, Topic("where"), state="unknown"), entry(2, Topic("where"), version=2)) == 2


def test_a_delayed_part_keeps_its_place_and_lets_others_pass() -> None:
    later = NOW + timedelta(minutes=5)
    assert first(entry(1, not_before=later), entry(2, part=1), entry(3, TWO)) == 3
    assert due([entry(1, not_before=later), entry(2, part=1)], rules(), None, None, NOW).at == later


def test_quiet_hours_hold_all_but_what_is_urgent() -> None:
    quiet = {"quiet": (time(23), time(7)), "zone": "Europe/Kyiv"}
    night = datetime(2026, 11, 22, 22, 30, tzinfo=NOW.tzinfo)  # 00:30 in Kyiv
    assert first(entry(1), now=night, **quiet) == 0
    assert first(entry(1), entry(2, TWO, urgent=True), now=night, **quiet) == 2
    wakes = due([entry(1)], rules(**quiet), None, None, night).at
    assert wakes == datetime(2026, 11, 23, 5, 0, tzinfo=NOW.tzinfo)
    assert first(entry(1), now=wakes, **quiet) == 1


def test_a_channel_that_is_left_alone_says_nothing() -> None:
    until = NOW + timedelta(seconds=30)
    pause = Pause(channel="ours", until=until)
    assert due([entry(1)], rules(), pause, None, NOW).at == until
    assert first(entry(1), pause=pause, now=until) == 1
    assert due([entry(1)], rules(), Pause(channel="ours", until=None), None, NOW).at is None


def test_messages_keep_their_distance() -> None:
    assert first(entry(1), last=NOW - timedelta(seconds=1)) == 0
    assert first(entry(1), last=NOW - timedelta(seconds=3)) == 1
    assert first(entry(1, Topic("day", "d"), part=PRIVATE), last=NOW - timedelta(seconds=0.1)) == 1


@pytest.mark.parametrize(
    ("fate", "act", "state", "pauses"),
    [
        ("posted", "post", "posted", False),
        ("later", "post", "queued", True),
        ("refused", "post", "failed", False),
        ("stopped", "post", "queued", True),
        ("unknown", "post", "unknown", False),
        ("unknown", "edit", "queued", False),
        ("unknown", "withdraw", "queued", False),
        ("refused", "edit", "hand", False),
        ("refused", "withdraw", "failed", False),  # of a channel that edits: a notice follows
    ],
)
def test_what_becomes_of_an_answer(fate: Fate, act: Act, state: str, pauses: bool) -> None:
    sent = Sent(fate=fate, remotes=("7",) if fate == "posted" else (), wait=40.0)
    done, pause = after(entry(1, act=act, state="sending", attempt=1), sent, rules(), NOW)
    assert done.state == state
    assert (pause is not None) == pauses
    if fate == "later":
        assert pause is not None
        assert pause.until == NOW + timedelta(seconds=40)
    if fate == "stopped":
        assert pause is not None
        assert pause.until is None


def test_what_cannot_be_withdrawn_nor_edited_is_a_task_for_a_person() -> None:
    done, _ = after(entry(1, act="withdraw", state="sending"), Sent(fate="refused"), rules("instagram"), NOW)
    assert done.state == "hand"


@pytest.mark.parametrize(
    ("act", "kind", "most"),
    [
        ("edit", "story", TRIES_OF_EDITS),
        ("edit", "day", TRIES_OF_EDITS),
        ("edit", "where", TRIES),
        ("withdraw", "story", TRIES),
    ],
)
def test_what_has_no_clear_answer_is_given_up_the_sooner_the_more_can_take_its_place(
    act: Act, kind: Any, most: int
) -> None:
    tried = entry(1, act=act, topic=Topic(kind, "x"), state="sending", attempt=most - 1)
    assert after(tried, Sent(fate="unknown"), rules(), NOW)[0].state == "queued"
    assert after(replace(tried, attempt=most), Sent(fate="unknown"), rules(), NOW)[0].state == "failed"


def test_a_proof_settles_what_was_unclear() -> None:
    unclear = entry(1, state="unknown")
    there = proved(unclear, Sent(fate="posted", remotes=("9",)), NOW)
    assert there is not None
    assert (there.state, there.remotes) == ("posted", ("9",))
    missing = proved(unclear, Sent(fate="later"), NOW)
    assert missing is not None
    assert missing.state == "queued"
    assert proved(unclear, Sent(fate="unknown"), NOW) is None


@given(
    st.lists(
        st.builds(
            entry,
            st.just(0),
            st.sampled_from([ONE, TWO, Topic("where")]),
            state=st.sampled_from(["held", "queued", "sending", "unknown"]),
            act=st.sampled_from(["post", "edit", "withdraw"]),
            part=st.integers(0, 3),
            urgent=st.booleans(),
        ),
        max_size=12,
    )
)
def test_only_what_is_queued_is_ever_due_and_no_post_overtakes_its_own_story(rows: list[Entry]) -> None:
    rows = [replace(row, id=number) for number, row in enumerate(rows, start=1)]
    found = due(rows, rules(), None, None, NOW).entry
    if found is None:
        return
    assert found.state == "queued"
    if found.act == "post" and found.topic.kind == "story":
        earlier = [row for row in rows if row.id < found.id and row.topic == found.topic and row.act == "post"]
        assert not earlier


@given(st.integers(0, 3_999_000), st.integers(1, 500), st.integers(1, 500))
def test_smaller_batches_hold_each_subscriber_of_a_larger_one_once(first: int, size: int, now: int) -> None:
    part = batch(first, size)
    assert PRIVATE < part < 2**31  # as databases keep it
    assert readers(part, now) == (first, first + size - 1)
    made = smaller(entry(1, Topic("day", "d"), part=part), rules("mail", batch=now), NOW)
    if now >= size:
        assert made is None
        return
    assert made is not None
    assert [row.state for row in made.changed] == ["dropped"]
    reached = [readers(row.part, now) for row in made.fresh]
    assert [number for low, high in reached for number in range(low, high + 1)] == list(range(first, first + size))
    assert all(high - low < now for low, high in reached)
    assert all(smaller(row, rules("mail", batch=now), NOW) is None for row in made.fresh)


def test_a_batch_that_an_older_version_planned_counts_by_the_size_of_today() -> None:
    assert readers(PRIVATE + 3, 50) == (150, 199)
    assert smaller(entry(1, Topic("day", "d"), part=PRIVATE + 3), rules("mail", batch=5), NOW) is None
