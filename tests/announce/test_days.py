"""The day of a channel: told once in its evening, and mended where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.announce.stories import NOW, paragraph, story
from tests.announce.test_plan import Box, at

from heliograph.announce import days
from heliograph.announce.outbox import PRIVATE
from heliograph.announce.planning import At, Plan
from heliograph.model import Run, Story
from heliograph.model.code import shown, story_code
from heliograph.model.post import ChannelKind, Entry, State

DAY = date(2026, 11, 22)
EDITS: tuple[ChannelKind, ...] = ("telegram", "facebook", "webhook")


def one(number: int, **more: Any) -> Story:
    url = f"https://peninsula.example/{number}"
    return story(f"Текст {number}.", url=url, code=story_code(url), title=f"Статья {number}", version=1, **more)


def evening(kind: ChannelKind, **more: Any) -> At:
    says = frozenset({"day"})
    return at(kind, now=NOW.replace(hour=20), zone="UTC", day_at=time(20), says=says, **more)


class Days(Box):
    """The outbox of one channel that tells the day."""

    def tell(self, *told: Story, batches: Sequence[int] = ()) -> Plan:
        return self.take(days.day(self.at, told, batches))

    def mend(self, *told: Story) -> Plan:
        rows = list(self.rows.values())
        made, self.whole = days.mend(self.at, DAY, told, {story.code: story for story in told}, rows)
        return self.take(made + days.renew(self.at, DAY, told, rows))

    @property
    def last(self) -> Entry:
        return list(self.rows.values())[-1]


@pytest.mark.parametrize(("hour", "planned"), [(19, 0), (20, 3), (22, 3), (23, 0)])
def test_the_day_is_told_in_its_evening_to_the_channel_and_each_batch(hour: int, planned: int) -> None:
    here = evening("telegram")
    made = days.day(replace(here, now=NOW.replace(hour=hour)), [one(1)], [4, 9])
    assert [row.part for row in made.fresh] == [0, PRIVATE + 4, PRIVATE + 9][:planned]
    assert all(row.message.tells == (f"{one(1).code}:1",) for row in made.fresh)


@pytest.mark.parametrize("kind", EDITS)
def test_a_day_that_is_out_is_edited_when_a_headline_changes_or_a_story_goes(kind: ChannelKind) -> None:
    box = Days(evening(kind))
    box.tell(one(1), one(2))
    box.become("posted")
    assert box.mend(one(1), one(2)) == Plan()
    assert box.mend(one(1), replace(one(2), version=2)) == Plan()  # its text: the day does not tell it
    better = replace(one(2), version=2, title="Лучше сказано")
    box.mend(one(1), better)
    assert box.last.act == "edit"
    assert box.last.remotes == ("101",)
    assert "Лучше сказано" in box.last.message.text
    box.mend(one(1))  # it waits, and is renewed
    assert box.states() == [("post", 0, "posted"), ("edit", 0, "queued")]
    assert "Лучше сказано" not in box.last.message.text
    box.become("posted")
    box.mend()
    assert box.states()[-1] == ("edit", 0, "queued")
    assert "Статья" not in box.last.message.text
    assert "Полуостров" in box.last.message.text
    box.become("posted")
    assert box.mend() == Plan()


@pytest.mark.parametrize(("kind", "state"), [("viber", "hand"), ("instagram", "held")])
def test_where_it_cannot_be_edited_a_person_takes_away_what_names_a_withdrawn_story(
    kind: ChannelKind, state: State
) -> None:
    box = Days(evening(kind))
    box.tell(one(1), one(2), one(3))
    box.become("posted")
    assert box.mend(one(1), one(2), replace(one(3), version=2, title="Лучше")) == Plan()
    box.mend(one(1), one(3))
    assert box.states() == [("post", 0, "posted"), ("withdraw", 0, state)]
    assert shown(one(2).code) in box.last.note
    assert box.last.remotes == ("101",)
    assert box.mend(one(1), one(3)) == Plan()
    assert box.mend(one(1)) == Plan()  # it is asked already
    box.become("dropped", act="withdraw")
    assert box.mend(one(1), one(3)) == Plan()  # the editor said no
    box.mend(one(1))  # of another one he was not asked
    assert box.states()[-1] == ("withdraw", 0, state)
    assert shown(one(3).code) in box.last.note
    assert shown(one(2).code) not in box.last.note


def test_after_a_letter_each_batch_gets_a_correction_that_an_editor_has_seen() -> None:
    box = Days(evening("mail", batch=5))
    box.tell(one(1), one(2), batches=[0, 7])
    box.become("posted")
    assert box.mend(one(1), one(2)) == Plan()
    newer = replace(one(1), version=2, blocks=(paragraph(Run("Сказано верно.")),))
    box.mend(newer)
    assert box.states()[2:] == [("post", PRIVATE, "held"), ("post", PRIVATE + 7, "held")]
    text = box.last.message.text
    assert "Сказано верно." in text
    assert shown(one(2).code) in text
    assert "Статья 2" not in text
    assert box.last.message.replies_to == "102"
    assert box.last.message.subject.startswith("Исправление. Полуостров")
    assert box.last.note.startswith(f"a correction of {shown(one(1).code)}, {shown(one(2).code)}:")
    assert box.mend(newer) == Plan()
    box.mend(replace(newer, version=3, blocks=(paragraph(Run("Совсем верно.")),)))  # one that waits is renewed
    assert len(box.rows) == 4
    assert "Совсем верно." in box.last.message.text
    box.become("posted", part=PRIVATE)
    box.become("dropped", part=PRIVATE + 7, state="held")
    assert box.mend(replace(newer, version=3)) == Plan()
    box.mend(replace(newer, version=4))
    assert box.states()[4:] == [("post", PRIVATE, "held"), ("post", PRIVATE + 7, "held")]
    assert shown(one(2).code) not in box.last.message.text  # that was told, or left out by the editor


def test_a_correction_whose_story_is_back_as_it_was_is_dropped() -> None:
    box = Days(evening("mail"))
    box.tell(one(1), one(2), batches=[0])
    box.become("posted")
    box.mend(one(1))
    assert "отозвана" in box.last.message.text.lower() or "снята" in box.last.message.text.lower()
    box.mend(one(1), one(2))
    assert box.last.state == "dropped"


def test_a_chat_that_got_the_day_is_not_written_to_again() -> None:
    box = Days(evening("telegram"))
    box.tell(one(1), one(2), batches=[4])
    box.become("posted")
    box.mend(one(1))
    assert box.states()[2:] == [("edit", 0, "queued")]


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_what_is_on_its_way_is_looked_at_again(state: State) -> None:
    box = Days(evening("mail", batch=5))
    box.tell(one(1), batches=[0, 1])
    box.become("posted", part=PRIVATE)
    box.become(state, part=PRIVATE + 1)
    box.mend()
    assert not box.whole
    assert box.states()[2:] == [("post", PRIVATE, "held")]
    box.become("posted", state=state)
    box.mend()
    assert box.whole
    assert box.states()[3:] == [("post", PRIVATE + 1, "held")]


def test_what_was_queued_by_an_older_version_tells_nothing() -> None:
    box = Days(evening("mail"))
    box.tell(one(1), batches=[0])
    box.rows = {number: replace(row, message=replace(row.message, tells=())) for number, row in box.rows.items()}
    box.become("posted")
    assert box.mend() == Plan()


STEPS = st.lists(
    st.sampled_from(["mend", "send", "lose", "fail", "drop", "confirm", "change", "withdraw", "return"]), max_size=25
)


@given(STEPS, st.sampled_from(["telegram", "viber", "instagram", "facebook", "webhook", "mail"]))
@settings(max_examples=200, deadline=None)
def test_whatever_happens_planning_ends_and_what_is_out_is_true_or_somebody_is_asked(
    steps: Sequence[str], kind: ChannelKind
) -> None:
    box, first, second, gone = Days(evening(kind, batch=5)), one(1), one(2), False
    box.tell(first, second, batches=[0] if kind == "mail" else [])
    box.become("posted")
    for step in [*steps, "mend"]:
        told = [first] if gone else [first, second]
        match step:
            case "mend":
                box.mend(*told)
                assert box.mend(*told) == Plan()
            case "send" | "lose" | "fail" | "drop":
                to: State = {"send": "posted", "lose": "unknown", "fail": "failed", "drop": "dropped"}[step]  # type: ignore[assignment]
                box.become(to, state="held" if step == "drop" else "queued")
            case "confirm":
                box.become("queued", state="held")
            case "change":
                first = replace(first, version=first.version + 1, title=f"Статья 1, {first.version}")
            case "withdraw" | "return":
                gone = step == "withdraw"
    last = box.last
    if last.state in ("unknown", "failed", "dropped", "queued", "held", "hand"):
        return  # somebody is asked, or was
    if kind in EDITS:
        assert ("Статья 2" in last.message.text) is not gone
        assert first.title in last.message.text
    if kind == "mail" and last.message.replies_to:
        assert days.versions([last]).get(first.code) == first.version


@given(st.lists(st.integers(1, 40), max_size=12, unique=True), st.sampled_from(["telegram", "mail", "viber"]))
@settings(max_examples=40, deadline=None)
def test_a_day_of_any_size_says_what_it_tells(numbers: list[int], kind: ChannelKind) -> None:
    here = evening(kind)
    told = [one(number, published=NOW - timedelta(minutes=number)) for number in numbers]
    for row in days.day(here, told, [0] if kind == "mail" else []).fresh:
        assert set(days.versions([row])) == {story.code for story in told if shown(story.code) in row.message.text}
