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

from heliograph.announce import compose, days, outbox
from heliograph.announce.outbox import PRIVATE, batch, readers
from heliograph.announce.planning import At, Plan, told_by
from heliograph.model import Run, Story
from heliograph.model.code import shown, story_code
from heliograph.model.post import WAITING, ChannelKind, Entry, State

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

    def mend(self, *told: Story, taken: Sequence[Story] = ()) -> Plan:
        rows = [row for row in self.rows.values() if self.at.rules.traits.audience or row.part < PRIVATE]
        there = frozenset(story.code for story in (*told, *taken))
        made, self.settled = days.mend(self.at, told, there, rows)
        return self.take(made + days.renew(self.at, DAY, told, [row for row in rows if row.state in WAITING]))

    def wait(self, **time: float) -> None:
        self.at = replace(self.at, now=self.at.now + timedelta(**time))

    def become(self, to: State, **by: Any) -> None:
        before = dict(self.rows)
        super().become(to, **by)
        changed = (number for number, row in self.rows.items() if row != before[number])
        self.rows |= {number: replace(self.rows[number], changed=self.at.now) for number in changed}

    @property
    def last(self) -> Entry:
        return list(self.rows.values())[-1]


@pytest.mark.parametrize(("hour", "planned"), [(19, 0), (20, 3), (22, 3), (23, 0)])
def test_the_day_is_told_in_its_evening_to_the_channel_and_each_batch(hour: int, planned: int) -> None:
    here = evening("telegram")
    made = days.day(replace(here, now=NOW.replace(hour=hour)), [one(1)], [batch(4, 1), batch(9, 1)])
    assert [row.part for row in made.fresh] == [0, batch(4, 1), batch(9, 1)][:planned]
    assert all(row.message.tells == (compose.tell(one(1), whole=False),) for row in made.fresh)


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
    box.rows[2] = replace(box.rows[2], state="dropped", by_hand=True)  # the editor said no
    assert box.mend(one(1), one(3)) == Plan()
    box.mend(one(1))  # of another one he was not asked
    assert box.states()[-1] == ("withdraw", 0, state)
    assert shown(one(3).code) in box.last.note
    assert shown(one(2).code) not in box.last.note


def test_a_post_whose_stories_are_back_is_not_taken_away() -> None:
    box = Days(evening("instagram"))
    box.tell(one(1), one(2), one(3))
    box.become("posted")
    box.mend(one(1), one(3))
    box.mend(one(1))  # the editor is told of both
    assert shown(one(2).code) in box.last.note
    assert shown(one(3).code) in box.last.note
    box.mend(one(1), one(2), one(3))
    assert box.states()[1:] == [("withdraw", 0, "dropped")]
    box.mend(one(1), one(2))
    assert box.states()[2:] == [("withdraw", 0, "held")]


def test_what_failed_is_planned_anew_or_a_person_is_asked() -> None:
    box = Days(evening("telegram"))
    box.tell(one(1), one(2))
    box.become("posted")
    box.mend(one(1))
    box.become("failed", act="edit")
    assert not box.settled
    box.mend(one(1))
    assert box.states()[2:] == [], "not at once"
    assert not box.settled
    box.wait(minutes=10)
    box.mend(one(1))
    assert box.states()[2:] == [("edit", 0, "queued")]
    box.become("posted", state="queued")
    assert box.mend(one(1)) == Plan()
    assert box.settled
    box = Days(evening("instagram"))
    box.tell(one(1), one(2))
    box.become("posted")
    box.mend(one(1))
    box.become("failed", act="withdraw")
    box.mend(one(1))
    assert box.states()[2:] == [("withdraw", 0, "hand")]


def test_a_provider_that_is_away_for_long_is_asked_less_and_less_unless_there_is_news() -> None:
    box, tries = Days(evening("facebook")), list[int]()
    box.tell(one(1), one(2), one(3))
    box.become("posted")
    for minute in range(0, 24 * 60, 10):
        if box.mend(one(1), one(3)).fresh:
            tries.append(minute)
        box.become("failed", state="queued")
        box.wait(minutes=10)
    assert tries == [0, 10, 30, 70, 150, 310, 630, 990, 1350]
    assert box.mend(one(1)).fresh, "another story goes: that is said at once"
    box.become("failed", state="queued")
    box.wait(minutes=10)
    assert box.mend(one(1)).fresh, "and counts its pauses anew"


def test_an_edit_that_failed_may_be_there_so_what_was_there_before_it_is_said_again() -> None:
    box = Days(evening("facebook"))
    box.tell(one(1), one(2))
    box.become("posted")
    box.mend(one(1))
    box.become("posted")
    box.mend(one(1), one(2))  # it is back, and no answer tells whether that is there now
    box.become("failed", state="queued")
    box.mend(one(1))
    assert box.states()[3:] == [("edit", 0, "queued")]
    assert "Статья 2" not in box.last.message.text


def other(story: Story, text: str) -> Story:
    return replace(story, version=story.version + 1, blocks=(paragraph(Run(text)),))


def test_after_a_letter_each_batch_gets_a_correction_that_an_editor_has_seen() -> None:
    box = Days(evening("mail", batch=5))
    early, late = batch(0, 5), batch(35, 5)
    box.tell(one(1), one(2), batches=[early, late])
    box.become("posted")
    assert box.mend(one(1), one(2)) == Plan()
    assert box.mend(one(1), replace(one(2), version=2, tags=("т",), section="Иное")) == Plan()  # no word of it changed
    newer = other(one(1), "Сказано верно.")
    box.mend(newer)
    assert box.states()[2:] == [("post", early, "held"), ("post", late, "held")]
    text = box.last.message.text
    assert "Сказано верно." in text
    assert shown(one(2).code) in text
    assert "Статья 2" not in text
    assert box.last.message.replies_to == "102"
    assert box.last.message.subject.startswith("Исправление. Полуостров")
    assert box.last.note.startswith(f"a correction of {shown(one(1).code)}, {shown(one(2).code)}:")
    assert box.mend(newer) == Plan()
    newest = other(newer, "Совсем верно.")
    box.mend(newest)  # one that waits is renewed
    assert len(box.rows) == 4
    assert "Совсем верно." in box.last.message.text
    box.become("posted", part=early)
    box.become("dropped", part=late, state="held")
    box.rows[4] = replace(box.rows[4], by_hand=True)  # as an editor drops it
    assert box.mend(newest) == Plan()
    box.mend(other(newest, "Ещё вернее."))
    assert box.states()[4:] == [("post", early, "held"), ("post", late, "held")]
    assert shown(one(2).code) not in box.last.message.text  # that was told, or left out by the editor


def test_what_is_said_once_more_is_another_mail_of_the_thread() -> None:
    box = Days(evening("mail", batch=5))
    box.tell(one(1), batches=[batch(0, 5)])
    box.become("posted")
    for version, text in enumerate(("Так.", "Текст 1.", "Так.", "Текст 1."), start=2):
        box.mend(replace(other(one(1), text), version=version))
        box.become("posted")
    mails = list(box.rows.values())[1:]
    assert [row.message.replies_to for row in mails] == ["101", "102", "103", "104"]
    assert len({(row.message.text, row.message.replies_to) for row in mails}) == 4


def test_a_correction_that_failed_or_was_overtaken_was_not_told() -> None:
    box = Days(evening("mail", batch=5))
    box.tell(one(1), one(2), one(3), batches=[batch(0, 5)])
    box.become("posted")
    box.mend(one(1), one(3))
    box.mend(one(1), one(2), one(3))
    assert (box.last.state, box.last.by_hand) == ("dropped", False)  # nothing is left of it
    box.mend(one(1), one(3))
    box.become("failed", state="held")
    box.mend(one(1))
    assert box.last.state == "held"
    assert shown(one(2).code) in box.last.message.text
    assert shown(one(3).code) in box.last.message.text


def test_what_an_editor_took_away_is_in_no_correction_and_not_called_withdrawn() -> None:
    box = Days(evening("mail", batch=5))
    box.tell(one(1), one(2), batches=[batch(0, 5)])
    box.become("posted")
    box.mend(other(one(1), "Верно."), taken=[other(one(2), "Тайное имя.")])
    assert "Тайное имя" not in box.last.message.text
    assert shown(one(2).code) not in box.last.message.text


def test_of_a_long_correction_what_was_withdrawn_is_never_cut_off() -> None:
    box = Days(evening("mail", batch=5))
    box.tell(one(1), one(2), one(3), one(4), batches=[batch(0, 5)])
    box.become("posted")
    long = [
        replace(one(n), version=2, blocks=tuple(paragraph(Run(f"{n} и слово. " * 200)) for _ in range(70)))
        for n in (1, 3, 4)
    ]
    box.mend(*long)
    assert shown(one(2).code) in box.last.message.text
    assert shown(one(4).code) not in box.last.message.text  # there was no room
    box.become("posted", state="held")
    box.mend(*long)
    assert shown(one(4).code) in box.last.message.text
    assert shown(one(1).code) not in box.last.message.text
    box.become("posted", state="held")
    assert box.mend(*long) == Plan()


def test_smaller_batches_are_corrected_by_themselves_and_nobody_twice() -> None:
    box = Days(evening("mail", batch=5))
    box.tell(one(1), one(2), batches=[batch(0, 5)])
    box.become("posted")
    box.mend(one(1))
    box.at = replace(box.at, rules=replace(box.at.rules, batch=2))
    made = outbox.smaller(box.last, box.at.rules, NOW)
    assert made is not None
    box.take(made)
    assert [readers(row.part, 2) for row in list(box.rows.values())[2:]] == [(0, 1), (2, 3), (4, 4)]
    assert box.rows[2].state == "dropped"
    box.become("posted", part=batch(0, 2))
    newer = other(one(1), "Верно.")
    box.mend(newer)
    first, second, third, again = list(box.rows.values())[2:]
    assert shown(one(2).code) not in again.message.text  # the first two were told of that one already
    assert readers(again.part, 2) == (0, 1)
    assert all("Верно." in row.message.text and shown(one(2).code) in row.message.text for row in (second, third))
    assert "Верно." in again.message.text
    assert "Верно." not in first.message.text
    assert box.mend(newer) == Plan()


def test_a_batch_that_nobody_got_is_not_corrected() -> None:
    box = Days(evening("mail", batch=5))
    box.tell(one(1), batches=[batch(0, 5)])
    box.rows = {number: replace(row, state="posted", remotes=()) for number, row in box.rows.items()}
    assert box.mend() == Plan()


def test_a_chat_that_got_the_day_is_not_written_to_again() -> None:
    box = Days(evening("telegram"))
    box.tell(one(1), one(2), batches=[batch(4, 1)])
    box.become("posted")
    box.become("unknown", part=batch(4, 1))
    box.mend(one(1))
    assert box.states()[2:] == [("edit", 0, "queued")]
    box.become("posted", state="queued")
    assert box.mend(one(1)) == Plan()
    assert box.settled


@pytest.mark.parametrize("state", ["sending", "unknown"])
def test_what_is_on_its_way_is_looked_at_again(state: State) -> None:
    box = Days(evening("mail", batch=5))
    early, late = batch(0, 5), batch(5, 5)
    box.tell(one(1), batches=[early, late])
    box.become("posted", part=early)
    box.become(state, part=late)
    box.mend()
    assert not box.settled
    assert box.states()[2:] == [("post", early, "held")]
    box.become("posted", state=state)
    box.mend()
    assert box.states()[3:] == [("post", late, "held")]
    assert not box.settled
    box.become("posted")
    box.mend()
    assert box.settled


def test_what_was_queued_by_an_older_version_is_renewed_while_it_waits_and_left_alone_when_it_is_out() -> None:
    box = Days(evening("mail", batch=5))
    box.tell(one(1), batches=[batch(0, 5)])
    box.rows = {number: replace(row, message=replace(row.message, tells=())) for number, row in box.rows.items()}
    box.mend(one(1))
    assert days.codes(box.rows.values()) == [one(1).code]
    box.rows = {number: replace(row, message=replace(row.message, tells=())) for number, row in box.rows.items()}
    box.become("posted")
    assert box.mend() == Plan()


def test_what_was_told_does_not_hang_on_the_hour_of_today() -> None:
    box = Days(evening("telegram"))
    box.tell(one(1), one(2))
    box.become("posted")
    box.at = replace(box.at, rules=replace(box.at.rules, day_at=time(7)))
    box.mend(replace(one(1), version=2, title="Лучше"), one(2))
    assert "Статья 2" in box.last.message.text
    assert "Лучше" in box.last.message.text


def test_a_story_whose_text_changed_without_a_version_is_not_corrected() -> None:
    """As when a line of the house turns out to be furniture, and is cut from every story."""
    box = Days(evening("mail", batch=5))
    box.tell(one(1), one(2), batches=[batch(0, 5)])
    box.become("posted")
    assert box.mend(replace(other(one(1), "Без строки."), version=1), one(2)) == Plan()


def test_a_headline_stands_with_its_code_or_not_at_all() -> None:
    heads = [f"Что сказал министр {n} о деле полуострова сегодня?" for n in range(10)]
    told = [replace(one(n + 1), title=f"{head} И что ему ответили люди") for n, head in enumerate(heads)]
    (row,) = days.day(evening("instagram"), told, []).fresh
    for head, teller in zip(heads, told, strict=True):
        assert (head in row.message.text) == (shown(teller.code) in row.message.text)
    assert 1 < len(days.codes([row])) < 10


def test_a_story_that_no_letter_can_hold_is_corrected_once() -> None:
    huge = replace(one(1), blocks=tuple(paragraph(Run("Слово и дело. " * 200)) for _ in range(200)))
    box = Days(evening("mail", batch=5))
    box.tell(huge, one(2), batches=[batch(0, 5)])
    assert one(2).code in days.codes([box.last])
    box.become("posted")
    huge = replace(huge, version=2, title="Иначе")
    box.mend(huge, one(2))
    box.become("posted")
    assert box.mend(huge, one(2)) == Plan()


DONE = ["mend", "send", "lose", "fail", "drop", "confirm", "change", "withdraw", "return", "wait"]
STEPS = st.lists(st.sampled_from(DONE), max_size=25)


@given(STEPS, st.sampled_from(["telegram", "viber", "instagram", "facebook", "webhook", "mail"]))
@settings(max_examples=200)
def test_whatever_happens_planning_ends_and_what_is_out_is_true_or_somebody_is_asked(
    steps: Sequence[str], kind: ChannelKind
) -> None:
    box, first, second, gone = Days(evening(kind, batch=5)), one(1), one(2), False
    box.tell(first, second, batches=[batch(0, 5)] if kind == "mail" else [])
    box.become("posted")
    for step in [*steps, "wait", "mend"]:
        told = [first] if gone else [first, second]
        match step:
            case "wait":
                box.wait(hours=6)
            case "mend":
                box.mend(*told)
                assert box.mend(*told) == Plan()
            case "send" | "lose" | "fail":
                to: State = {"send": "posted", "lose": "unknown", "fail": "failed"}[step]  # type: ignore[assignment]
                box.become(to, state="queued")
            case "drop":
                held = {number: row for number, row in box.rows.items() if row.state == "held"}
                box.rows |= {number: replace(row, state="dropped", by_hand=True) for number, row in held.items()}
            case "confirm":
                box.become("queued", state="held")
            case "change":
                first = replace(first, version=first.version + 1, title=f"Статья 1, {first.version}")
            case "withdraw" | "return":
                gone = step == "withdraw"
    asked = {"unknown", "queued", "held", "hand"}
    if any(row.state in asked or (row.state == "dropped" and row.by_hand) for row in box.rows.values()):
        return  # somebody is asked, or has said no
    there = [row for row in box.rows.values() if row.state == "posted"]
    if kind in EDITS:
        assert ("Статья 2" in there[-1].message.text) is not gone
        assert first.title in there[-1].message.text
    elif kind == "mail":
        told_last = told_by(there[-1])
        assert compose.tell(first, whole=True).endswith(told_last[first.code].digest)
        assert not gone or second.code not in told_last
    elif gone:
        assert there[-1].act == "withdraw"


@given(st.lists(st.integers(1, 40), max_size=12, unique=True), st.sampled_from(["telegram", "mail", "viber"]))
@settings(max_examples=40)
def test_a_day_of_any_size_says_what_it_tells(numbers: list[int], kind: ChannelKind) -> None:
    here = evening(kind)
    told = [one(number, published=NOW - timedelta(minutes=number)) for number in numbers]
    for row in days.day(here, told, [batch(0, 5)] if kind == "mail" else []).fresh:
        assert set(days.codes([row])) == {story.code for story in told if shown(story.code) in row.message.text}


def test_a_day_tells_what_found_room() -> None:
    told = [replace(one(n), title=f"Статья {n}: " + "подробный заголовок о том, что было " * 5) for n in range(1, 11)]
    (row,) = days.day(evening("instagram"), told, []).fresh
    named = {story.code for story in told if shown(story.code) in row.message.text}
    assert set(days.codes([row])) == named
    assert len(named) < len(told)
