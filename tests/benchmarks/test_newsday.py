"""The judge of a posting day: a day without faults is right, and each thing that could be wrong with it is seen."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import pytest

from benchmarks.newsday import Day
from heliograph.model import plain_text
from heliograph.model.code import shown

ARGS = argparse.Namespace(
    stories=12, corrections=2, withdrawals=1, readers=6, kills=0, share=0.0, pace=0.05, patience=120.0
)


def twice_in_public(day: Day) -> Callable[[], None]:
    """Readers see a post that no entry knows of."""
    chat = day.rehearsal.chat
    post = next(iter(chat.posts.values()))
    chat.posts[90_001] = post
    return lambda: chat.posts.pop(90_001, None) and None


def twice_by_two_entries(day: Day) -> Callable[[], None]:
    """The same text twice on Viber."""
    posts = day.rehearsal.viber.posts
    posts.append({**next(post for post in posts if "Новость" in str(post.get("text"))), "token": "90002"})
    return lambda: posts.pop() and None


def lost(day: Day) -> Callable[[], None]:
    """A post that the outbox calls posted is not there."""
    posts = day.rehearsal.chat.posts
    number = next(iter(posts))
    post = posts.pop(number)
    return lambda: posts.update({number: post})


def cut(day: Day) -> Callable[[], None]:
    """The end of a text is missing on the page of Facebook."""
    post = next(one for one in day.rehearsal.graph.page.seen if "версия" in str(one["message"]))
    whole = post["message"]
    post["message"] = str(whole).replace("4-й из тех", "")
    return lambda: post.update({"message": whole})


def still_there(day: Day) -> Callable[[], None]:
    """Of a withdrawn story a part stands that does not bear its code."""
    long = max(day.stories, key=lambda story: len(plain_text(story.blocks[0].runs)))  # type: ignore[union-attr]
    rows = [row for row in day.journal.entries(channel="telegram", states=("posted",)) if row.topic.of == long.code]
    assert len(rows) > 1
    last = int(max(rows, key=lambda row: row.part).remotes[0])
    place, post = day.stories.index(long), day.rehearsal.chat.posts.pop(last)
    day.gone.append(day.stories.pop(place))

    def undo() -> None:
        day.stories.insert(place, day.gone.pop())
        day.rehearsal.chat.posts[last] = post

    return undo


def no_letter(day: Day) -> Callable[[], None]:
    """One subscriber has no letter, and is no subscriber any more."""
    address = "reader3@mail.example"
    box = day.rehearsal.office.reader(address).box
    mails, box[:] = list(box), []
    day.journal.unsubscribe("mail", address)
    return lambda: box.extend(mails)


def no_correction(day: Day) -> Callable[[], None]:
    """A subscriber has the letter, and not what mends it."""
    box = day.rehearsal.office.reader("reader2@mail.example").box
    mail = box.pop()
    return lambda: box.append(mail)


def wrong_correction(day: Day) -> Callable[[], None]:
    """The correction is about another story."""
    was = day.late
    day.late = day.stories[0] if day.stories[0] is not was[0] else day.stories[1], was[1]
    return lambda: setattr(day, "late", was)


def old_day(day: Day) -> Callable[[], None]:
    """The day's post still names what was withdrawn after it."""
    post = next(
        one for one in day.rehearsal.graph.page.seen if "22 " in str(one["message"]) and "•" in str(one["message"])
    )
    was = post["message"]
    post["message"] = f"{was}\n{shown(day.late[1].code)}"
    return lambda: post.update({"message": was})


def nobody_asked(day: Day) -> Callable[[], None]:
    """On Viber the day names what was withdrawn, and no task says so."""
    (task,) = [row for row in day.journal.entries(channel="viber", states=("hand",)) if row.topic.kind == "day"]
    now = day.clock.moment()
    day.journal.settle_entry(task.id, "dropped", (), "", now)
    return lambda: day.journal.settle_entry(task.id, "hand", task.remotes, task.note, now) and None


def two_letters(day: Day) -> Callable[[], None]:
    """Another has it twice."""
    box = day.rehearsal.office.reader("reader5@mail.example").box
    box.append(box[0])
    return lambda: box.pop() and None


TAMPERS: dict[str, tuple[Callable[[Day], Callable[[], None]], str]] = {
    tamper.__name__: (tamper, key)
    for tamper, key in (
        (twice_in_public, "twice"), (twice_by_two_entries, "twice"), (lost, "lost"), (cut, "not as planned"),
        (still_there, "not as planned"),
        (two_letters, "twice"), (no_letter, "lost"), (no_correction, "lost"), (wrong_correction, "not as planned"),
        (old_day, "not as planned"), (nobody_asked, "not as planned"),
    )
}  # fmt: skip


class Doubted(Day):
    """A day that is judged as it was, and with each thing made wrong."""

    def _judged(self) -> dict[str, Any]:
        self.found = {"whole": super()._judged()}
        for name, (tamper, _) in TAMPERS.items():
            undo = tamper(self)
            self.found[name] = super()._judged()
            undo()
        return self.found["whole"]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    day = Doubted(tmp_path_factory.mktemp("day"), 7, ARGS)
    day.run()
    return day.found


def test_a_day_without_faults_is_right(found: dict[str, dict[str, Any]]) -> None:
    whole = found["whole"]
    assert [whole[key] for key in ("twice", "lost", "not as planned", "unsettled", "failed")] == [0, 0, 0, 0, 0]
    assert whole["posts"] > 60
    assert whole["faults"] == 0


@pytest.mark.parametrize("name", TAMPERS)
def test_what_is_wrong_is_seen(found: dict[str, dict[str, Any]], name: str) -> None:
    assert found[name][TAMPERS[name][1]] >= 1
