"""What a channel shall say against what it has said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.announce.stories import FACTS, NOW, paragraph, rules, speaks, story

from heliograph.announce import plan
from heliograph.announce.planning import At, Plan
from heliograph.announce.rules import Facts
from heliograph.model import Run, Story
from heliograph.model.post import ChannelKind, Entry, State

LONG = "Предложение о том, что случилось. " * 200


def at(kind: ChannelKind = "telegram", facts: Facts = FACTS, **more: Any) -> At:
    now = more.pop("now", NOW)
    return At(rules=rules(kind, **more), now=now, facts=facts, speaks=speaks)


class Box:
    """An outbox in memory, with the journal's rules."""

    def __init__(self, at: At) -> None:
        self.at, self.rows = at, dict[int, Entry]()

    def take(self, made: Plan) -> Plan:
        for row in made.fresh:
            if not any(_key(one) == _key(row) for one in self.rows.values()):
                number = len(self.rows) + 1
                self.rows[number] = replace(row, id=number)
        for row in made.changed:
            if self.rows[row.id].state in ("held", "queued"):
                self.rows[row.id] = row
        return made

    def plan(self, *stories: Story, **more: Any) -> Plan:
        return self.take(plan.stories(self.at, stories, list(self.rows.values()), **more))

    def become(self, to: State, **by: Any) -> None:
        for number, row in self.rows.items():
            if all(getattr(row, key) == value for key, value in by.items()):
                remotes = row.remotes or (str(100 + number),) if to == "posted" else row.remotes
                self.rows[number] = replace(row, state=to, remotes=remotes)

    def states(self) -> list[tuple[str, int, str]]:
        return [(row.act, row.part, row.state) for row in self.rows.values()]


def _key(row: Entry) -> tuple[Any, ...]:
    return row.channel, row.topic, row.version, row.part, row.act


def newer(one: Story, *texts: str) -> Story:
    return replace(one, version=one.version + 1, blocks=tuple(paragraph(Run(text)) for text in texts))


def test_a_young_story_is_queued_part_by_part() -> None:
    box = Box(at())
    box.plan(story(LONG))
    assert box.states() == [("post", 0, "queued"), ("post", 1, "queued")]
    assert box.plan(story(LONG)) == Plan()


@pytest.mark.parametrize(
    ("ours", "more"),
    [
        (story("т", published=NOW - timedelta(hours=13)), {}),
        (story("т"), {"since": NOW + timedelta(minutes=1)}),
        (story("т", lang="uk"), {"language": "ru"}),
        (story("т"), {"sections": ("Политика",)}),
        (story("т"), {"says": frozenset({"where"})}),
    ],
)
def test_what_a_channel_does_not_take_is_not_queued_unless_an_editor_wants_it(
    ours: Story, more: dict[str, Any]
) -> None:
    box = Box(at(**more))
    assert box.plan(ours) == Plan()
    assert len(box.plan(ours, wanted=frozenset({ours.code})).fresh) == 1


def test_an_editor_confirms_where_the_rules_say_so_and_delay_counts_but_for_breaking_news() -> None:
    held = Box(at(confirm=frozenset({"stories"})))
    held.plan(story("т"))
    assert held.states() == [("post", 0, "held")]
    late = plan.stories(at(delay=timedelta(minutes=10), urgent=("молния",)), [story("т")], [])
    assert late.fresh[0].not_before == NOW + timedelta(minutes=10)
    breaking = plan.stories(at(delay=timedelta(minutes=10), urgent=("молния",)), [story("т", tags=("Молния",))], [])
    assert breaking.fresh[0].not_before is None
    assert breaking.fresh[0].urgent
    assert "Срочно" in breaking.fresh[0].message.text


def test_what_waits_takes_the_newest_text_in_its_place() -> None:
    box = Box(at())
    box.plan(story(LONG))
    box.plan(newer(story("т"), "Совсем коротко."))
    assert box.states() == [("post", 0, "queued"), ("post", 1, "dropped")]
    assert "Совсем коротко" in box.rows[1].message.text
    assert box.rows[1].told == 2


def test_what_is_posted_is_edited_part_by_part_where_it_differs() -> None:
    box = Box(at())
    ours = story(LONG, LONG)
    box.plan(ours)
    box.become("posted")
    changed = newer(ours, LONG, LONG[:-30] + " Поправка.")
    box.plan(changed)
    edits = [row for row in box.rows.values() if row.act == "edit"]
    assert [row.part for row in edits] == [max(row.part for row in box.rows.values())]
    assert edits[0].remotes == box.rows[edits[0].part + 1].remotes
    assert box.plan(changed) == Plan()


def test_a_story_that_became_shorter_loses_its_last_messages() -> None:
    box = Box(at())
    box.plan(story(LONG))
    box.become("posted")
    box.plan(newer(story("т"), "Коротко."))
    assert box.states()[2:] == [("edit", 0, "queued"), ("withdraw", 1, "queued")]


def test_a_change_while_it_is_being_posted_is_an_edit_afterwards() -> None:
    box = Box(at())
    box.plan(story("т"))
    box.become("sending")
    changed = newer(story("т"), "Новое.")
    assert box.plan(changed) == Plan()
    box.become("posted")
    box.plan(changed)
    assert box.states() == [("post", 0, "posted"), ("edit", 0, "queued")]


def test_a_channel_without_edits_gets_a_correction_that_waits_for_an_editor() -> None:
    box = Box(at("viber"))
    box.plan(story("т"))
    box.become("posted")
    box.plan(newer(story("т"), "Новое."))
    correction = box.rows[2]
    assert (correction.act, correction.state) == ("post", "held")
    assert correction.message.text.startswith("Исправление")
    assert correction.message.replies_to == box.rows[1].remotes[0]
    box.plan(newer(newer(story("т"), "Новое."), "Ещё новее."))
    assert "Ещё новее" in box.rows[2].message.text
    assert len(box.rows) == 2


def test_a_version_with_the_same_words_is_no_correction() -> None:
    for kind in ("telegram", "viber"):
        box = Box(at(kind))  # type: ignore[arg-type]
        box.plan(story("т"))
        box.become("posted")
        assert box.plan(replace(story("т"), version=5, tags=("ещё",))) == Plan()


@pytest.mark.parametrize(
    ("kind", "expected"), [("telegram", ("withdraw", 0, "queued")), ("viber", ("withdraw", 0, "hand"))]
)
def test_a_withdrawn_story_goes_away_or_a_person_is_asked(kind: ChannelKind, expected: tuple[str, int, str]) -> None:
    box = Box(at(kind))
    box.plan(story("т"))
    box.become("posted")
    box.plan()
    assert box.states() == [("post", 0, "posted"), expected]
    assert box.plan() == Plan()


def test_what_is_too_old_to_be_deleted_says_that_it_was_withdrawn() -> None:
    box = Box(at())
    box.plan(story("т"))
    box.become("posted")
    box.plan()
    box.become("failed", act="withdraw")
    box.plan()
    assert box.states()[2] == ("edit", 0, "queued")
    assert "отозвана" in box.rows[3].message.text
    assert box.plan() == Plan()
    box.become("posted", act="edit")
    box.plan(replace(story("т"), version=2))  # and back
    assert box.states()[3] == ("edit", 0, "queued")
    assert "Мост" in box.rows[4].message.text


def test_a_withdrawn_story_that_waits_never_goes_out_and_an_unclear_one_is_taken_back_when_it_is_clear() -> None:
    box = Box(at())
    box.plan(story("т"))
    box.plan()
    assert box.states() == [("post", 0, "dropped")]
    box = Box(at())
    box.plan(story("т"))
    box.become("unknown")
    assert box.plan() == Plan()
    box.become("posted")
    box.plan()
    assert box.states()[1] == ("withdraw", 0, "queued")


def test_what_was_withdrawn_and_is_back_waits_for_an_editor() -> None:
    box = Box(at())
    box.plan(story("т"))
    box.become("posted")
    box.plan()
    box.become("posted", act="withdraw")
    box.plan(replace(story("т"), version=2))
    assert box.states()[2] == ("post", 0, "held")


def test_what_an_editor_took_away_stays_away() -> None:
    box = Box(at())
    ours = story("т")
    box.plan(ours)
    box.become("posted")
    taken = frozenset({ours.code})
    box.plan(ours, taken=taken)
    assert box.states()[1] == ("withdraw", 0, "queued")
    for _ in range(2):
        assert box.plan(ours, taken=taken) == Plan()
        assert box.plan(newer(ours, "Новое."), taken=taken) == Plan()
        box.become("posted", act="withdraw")
    box.plan(newer(ours, "Новое."), wanted=taken)
    assert box.states()[2] == ("post", 0, "queued")
    assert "Новое" in box.rows[3].message.text


def test_parts_behind_one_that_was_refused_are_dropped() -> None:
    box = Box(at())
    box.plan(story(LONG, LONG))
    box.become("posted", part=0)
    box.become("failed", part=1)
    box.take(plan.orphans(list(box.rows.values()), NOW))
    assert box.states()[2:] == [("post", part, "dropped") for part in range(2, len(box.rows))]


def test_anew_brings_new_addresses_into_old_posts() -> None:
    box = Box(at())
    box.plan(story("т"))
    box.become("posted")
    box.at = at(facts=replace(FACTS, mirrors=("https://new.example/",)))
    assert box.plan(story("т")) == Plan()
    box.plan(story("т"), anew=frozenset({story().code}))
    assert "https://new.example/" in box.rows[2].message.text


def test_an_edit_that_failed_is_asked_for_again_when_an_editor_wants_it() -> None:
    box = Box(at())
    box.plan(story("т"))
    box.become("posted")
    better = newer(story("т"), "лучше")
    box.plan(better)
    box.become("failed", act="edit")
    assert box.plan(better) == Plan()
    box.plan(better, anew=frozenset({better.code}))
    assert box.states()[2:] == [("edit", 0, "queued")]
    box.become("failed", state="queued")
    box.plan(better, wanted=frozenset({better.code}))
    assert box.states()[3:] == [("edit", 0, "queued")]


def addressed(box: Box) -> Plan:
    return box.take(plan.where(box.at, list(box.rows.values())))


def test_addresses_are_posted_once_and_then_edited_in_their_place() -> None:
    box = Box(at())
    addressed(box)
    box.become("posted")
    assert addressed(box) == Plan()
    box.at = at(facts=replace(FACTS, mirrors=FACTS.mirrors[1:]))
    addressed(box)
    assert box.states() == [("post", 0, "posted"), ("edit", 0, "queued")]
    box.become("failed", act="edit")  # somebody has deleted the post
    addressed(box)
    assert box.states()[2] == ("post", 0, "queued")


def test_where_nothing_can_be_edited_addresses_are_posted_anew_but_not_at_every_flap() -> None:
    box = Box(at("viber"))
    addressed(box)
    box.become("posted")
    box.at = at("viber", facts=replace(FACTS, mirrors=FACTS.mirrors[1:]))
    assert addressed(box) == Plan()
    box.at = replace(box.at, now=NOW + plan.CALM)
    addressed(box)
    assert box.states() == [("post", 0, "posted"), ("post", 0, "queued")]


def test_without_a_mirror_nothing_is_said_of_addresses() -> None:
    assert plan.where(at(facts=Facts(title="П")), []) == Plan()


STEPS: st.SearchStrategy[Sequence[str]] = st.lists(
    st.sampled_from(["plan", "send", "fail", "lose", "settle", "change", "withdraw", "return", "confirm"]), max_size=25
)


@given(STEPS, st.sampled_from(["telegram", "viber", "instagram", "facebook"]))
@settings(max_examples=150)
def test_whatever_happens_no_part_is_posted_twice_and_planning_ends(steps: Sequence[str], kind: ChannelKind) -> None:
    box, ours, gone = Box(at(kind)), story("Первое.", LONG), False
    for number, step in enumerate(steps):
        told = [] if gone else [ours]
        match step:
            case "plan":
                box.plan(*told)
            case "send" | "fail" | "lose":
                state: State = {"send": "posted", "fail": "failed", "lose": "unknown"}[step]  # type: ignore[assignment]
                waiting = next((row for row in box.rows.values() if row.state == "queued"), None)
                if waiting:
                    state = "queued" if state == "unknown" and waiting.act != "post" else state
                    box.become(state, id=waiting.id)
            case "settle":
                box.become("posted", state="unknown")
            case "confirm":
                box.become("queued", state="held")
            case "change":
                ours = newer(ours, f"Шаг {number}.", LONG)
            case "withdraw":
                gone = True
            case "return" if gone:
                ours, gone = replace(ours, version=ours.version + 1), False
    told = [] if gone else [ours]
    for _ in range(6):
        box.plan(*told)
    assert box.plan(*told) == Plan()
    standing = [row for row in box.rows.values() if row.act == "post" and row.state == "posted"]
    taken = {(row.part, row.version) for row in box.rows.values() if row.act == "withdraw"}
    left = [row for row in standing if (row.part, row.version) not in taken]
    if kind in ("telegram", "facebook"):
        assert len({row.part for row in left}) == len(left)
    if gone:
        assert left == []


FORMS: tuple[dict[str, bool], ...] = ({}, {"rich": True}, {"pictures": True})


@pytest.mark.parametrize("before", FORMS)
@pytest.mark.parametrize("after", FORMS)
def test_a_new_form_of_stories_changes_nothing_that_stands(before: dict[str, bool], after: dict[str, bool]) -> None:
    box, ours = Box(at(**before)), story(LONG)
    box.plan(ours)
    box.become("posted")
    parts = len(box.rows)
    box.at = at(**after)
    assert box.plan(ours) == Plan()
    made = box.plan(newer(ours, "Сначала: " + LONG))
    assert {row.act for row in made.fresh} == {"edit"}
    assert {row.message.rich for row in made.fresh} == {before.get("rich", False)}
    assert all(row.part < parts for row in made.fresh)
    first = made.fresh[0].message
    assert bool(first.cards) == before.get("pictures", False)
    assert {row.message.rich for row in Box(box.at).plan(ours).fresh} == {after.get("rich", False)}
