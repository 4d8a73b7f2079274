"""The journal's book of posts: each row once, nothing begun twice, and what a crash leaves behind."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from heliograph.adapters.journal import SqlJournal, schema
from heliograph.adapters.journal.outbox import BOUNCES
from heliograph.flows.work import drafted
from heliograph.model import Paragraph, Run, Story
from heliograph.model.code import story_code
from heliograph.model.ledger import Outcome
from heliograph.model.post import Card, Entry, Message, Pause, Topic

NOW = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


def entry(part: int = 0, **more: Any) -> Entry:
    made: dict[str, Any] = {
        "channel": "tg", "topic": Topic("story", "7k3vq2m"), "version": 1, "part": part,
        "message": Message(text=f"часть {part}", cards=(Card(title="т", codes=("a", "b")),)), "digest": "d",
        "queued": NOW, "changed": NOW,
    }  # fmt: skip
    return Entry(**{**made, **more})


def publish(journal: SqlJournal, text: str) -> Story:
    url = "https://peninsula.example/1"
    body = (Paragraph(runs=(Run(text),)),)
    made = Story(url=url, code=story_code(url), lang="ru", title="т", blocks=body, published=NOW, updated=NOW)
    admissions = journal.admit([drafted(made, (), "UTC")])
    journal.settle(admissions, [Outcome(url=url, fate="kept")], (), NOW)
    return made


def test_rows_come_back_as_they_were_given_in_their_order(journal: SqlJournal) -> None:
    given_ = [entry(2), entry(0, urgent=True, not_before=NOW), entry(1, remotes=("5", "6"), note="н", by_hand=True)]
    assert journal.queue(given_) == 3
    assert journal.entries() == [replace(one, id=number) for number, one in enumerate(given_, start=1)]
    assert [one.part for one in journal.entries(limit=2)] == [2, 0]
    assert journal.entries(channel="fb") == []
    assert [one.id for one in journal.entries(topics=[Topic("story", "7k3vq2m")], ids=[2])] == [2]


def test_a_row_is_there_once(journal: SqlJournal) -> None:
    assert journal.queue([entry(), entry(), entry(act="edit")]) == 2
    assert journal.queue([entry(message=Message(text="другое"))]) == 0
    assert journal.entries()[0].message.text == "часть 0"


def test_only_what_nobody_has_begun_is_changed(journal: SqlJournal) -> None:
    journal.queue([entry(0), entry(1)])
    assert journal.begin(1, NOW)
    journal.queue([], [entry(0, id=1, note="x"), entry(1, id=2, note="x")])
    assert [one.note for one in journal.entries()] == ["", "x"]


def test_nothing_is_begun_twice(journal: SqlJournal) -> None:
    journal.queue([entry()])
    assert journal.begin(1, NOW)
    assert not journal.begin(1, NOW)
    assert journal.entries()[0].attempt == 1


def _begin(url: str, folder: Path, won: Any) -> None:
    with SqlJournal(url, folder) as journal:
        for number in range(1, 21):
            if journal.begin(number, NOW):
                won.put(number)


def test_two_processes_never_begin_the_same(journal: SqlJournal) -> None:
    journal.queue([entry(part) for part in range(20)])
    context = multiprocessing.get_context("spawn")
    won = context.Queue()
    both = [context.Process(target=_begin, args=(journal.url, journal.folder, won)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert sorted(won.get() for _ in range(20)) == list(range(1, 21))
    assert won.empty()


def test_after_a_crash_a_post_is_unclear_and_what_may_be_repeated_is_queued(journal: SqlJournal) -> None:
    journal.queue([entry(), entry(act="edit"), entry(act="withdraw"), entry(1)])
    for number in (1, 2, 3):
        journal.begin(number, NOW)
    before = journal.entries()
    found = journal.recover(NOW)
    rows = journal.entries()
    assert [one.state for one in rows] == ["unknown", "queued", "queued", "queued"]
    assert found == rows[:3]
    changed = [replace(now, state=was.state, note=was.note) for now, was in zip(rows, before, strict=True)]
    assert changed == before, "and nothing else of them is another"


def test_what_came_of_it_and_the_pause_are_kept_together(journal: SqlJournal) -> None:
    journal.queue([entry()])
    journal.begin(1, NOW)
    pause = Pause(channel="tg", until=NOW + timedelta(seconds=40), note="slower")
    journal.finish(replace(journal.entries()[0], state="queued"), pause)
    assert journal.pauses() == {"tg": pause}
    journal.pause("tg", Pause(channel="tg", until=None, note="token"))
    assert journal.pauses()["tg"].until is None
    journal.pause("tg", None)
    assert journal.pauses() == {}


def test_a_person_decides_only_what_is_open(journal: SqlJournal) -> None:
    journal.queue([entry()])
    journal.begin(1, NOW)
    assert not journal.settle_entry(1, "posted", ["9"], "", NOW)
    journal.recover(NOW)
    assert journal.settle_entry(1, "posted", ["9"], "there", NOW)
    assert journal.entries()[0].remotes == ("9",)
    assert not journal.settle_entry(1, "queued", (), "", NOW)
    journal.queue([entry(act="edit")])
    journal.begin(2, NOW)
    journal.finish(replace(journal.entries()[1], state="failed"))
    assert journal.settle_entry(2, "queued", (), "", NOW)
    assert journal.entries()[1].attempt == 0


def test_stories_that_are_told_of_and_their_changes(journal: SqlJournal) -> None:
    ours = publish(journal, "Раз.")
    topic = Topic("story", ours.code)
    journal.queue([entry(topic=topic), entry(topic=Topic("where"))])
    first = journal.told()
    assert first == journal.told()
    assert first[ours.code][0] == 1
    journal.begin(1, NOW)  # at the same moment
    second = journal.told()
    assert second != first
    publish(journal, "Два.")
    assert journal.told()[ours.code][0] == 2
    (now,) = journal.stories([ours.code, "nothing"])
    assert (now.version, now.blocks) == (2, (Paragraph(runs=(Run("Два."),)),))
    assert journal.versions([ours.code, "nothing", ours.code]) == {ours.code: 2}
    journal.withdraw([ours.code], (), NOW)
    assert journal.told()[ours.code][0] == 0
    assert journal.stories([ours.code]) == []
    assert journal.versions([ours.code]) == {}


def test_only_what_is_over_is_forgotten_and_of_one_thing_all_or_nothing(journal: SqlJournal) -> None:
    topics = [Topic("story", f"000000{n}") for n in range(3)]
    where = Topic("where")
    journal.queue([entry(topic=one) for one in topics] + [entry(topic=topics[0], act="edit"), entry(topic=where)])
    for number, state in ((1, "posted"), (2, "failed"), (3, "hand"), (5, "posted")):
        journal.begin(number, NOW)
        journal.finish(replace(journal.entries(ids=[number])[0], state=state))  # type: ignore[arg-type]
    later = NOW + timedelta(seconds=1)
    assert journal.forget(NOW) == 0
    assert journal.forget(later) == 1  # the edit waits, so its post stays; where to read is never forgotten
    assert [one.id for one in journal.entries()] == [1, 3, 4, 5]
    journal.begin(4, NOW)
    journal.finish(replace(journal.entries(ids=[4])[0], state="posted"))
    assert journal.forget(later) == 2


def test_a_plan_does_not_take_back_what_a_person_has_confirmed(journal: SqlJournal) -> None:
    journal.queue([entry(state="held")])
    (read,) = journal.entries()
    assert journal.settle_entry(1, "queued", (), "", NOW, ("held",))
    journal.queue([], [replace(read, note="newer")])
    (row,) = journal.entries()
    assert (row.state, row.note) == ("queued", "newer")
    assert not journal.settle_entry(1, "queued", (), "", NOW, ("held",))


def test_subscribers_are_an_address_and_a_language_and_can_be_erased(journal: SqlJournal) -> None:
    assert journal.subscribe("mail", "a@example.org", "ru")
    assert journal.subscribe("mail", "b@example.org", "uk")
    assert journal.subscribe("mail", "a@example.org", "en")
    assert [(one.address, one.lang) for one in journal.subscribers("mail")] == [
        ("a@example.org", "en"),
        ("b@example.org", "uk"),
    ]
    assert [one.address for one in journal.subscribers("mail", 2, 2)] == ["b@example.org"]
    assert journal.subscribers("tg") == []
    assert journal.unsubscribe("mail", "a@example.org")
    assert not journal.unsubscribe("mail", "a@example.org")


def test_three_bounces_in_a_row_erase_an_address_and_one_letter_that_arrives_counts_anew(journal: SqlJournal) -> None:
    for address in ("a@example.org", "b@example.org", "c@example.org"):
        journal.subscribe("mail", address, "ru")
    for turn in range(BOUNCES):
        well = ["b@example.org"] if turn == 1 else []
        bounced = ["a@example.org", *([] if turn == 1 else ["b@example.org"])]
        journal.reached("mail", well, bounced, ["c@example.org"] if turn == 0 else [])
    assert [one.address for one in journal.subscribers("mail")] == ["b@example.org"]


def test_the_newest_question_is_remembered(journal: SqlJournal) -> None:
    assert journal.offset("tg") == 0
    assert journal.offset("tg", 812) == 812
    assert journal.offset("tg") == 812


@given(st.text(), st.text(st.characters(exclude_characters="\0")))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_comes_back(journal: SqlJournal, text: str, note: str) -> None:
    number = len(journal.entries())
    given_ = entry(number, message=Message(text=text, subject=note), note=note)
    journal.queue([given_])
    assert journal.entries(ids=[number + 1]) == [replace(given_, id=number + 1)]


def wordings(journal: SqlJournal) -> int:
    with journal.engine.connect() as db:
        return db.scalar(select(func.count()).select_from(schema.wording)) or 0


def test_a_letter_to_many_is_kept_once_and_goes_with_the_last_who_says_it(journal: SqlJournal) -> None:
    letter, old = Message(text="письмо " * 20_000), NOW - timedelta(days=90)
    journal.queue([entry(part, message=replace(letter), topic=Topic("day", "2026-11-22")) for part in range(500)])
    journal.queue([entry(7, message=replace(letter), changed=old), entry(8, changed=old)])
    assert wordings(journal) == 2
    first, *others = journal.entries()
    assert {id(one.message) for one in others[:-1]} == {id(first.message)}, "and read once"
    journal.queue((), [replace(others[-1], message=Message(text="newer"))])
    for one in (7, 8):
        journal.settle_entry(500 + one - 6, "dropped", (), "", old)
    assert journal.forget(NOW) == 2
    assert wordings(journal) == 1
    assert journal.entries()[-1].message == letter


def _write(url: str, folder: Path, name: str, together: Any) -> None:
    with SqlJournal(url, folder) as journal:
        together.wait()
        for part in range(60):
            journal.queue([entry(part, channel=name)])
            journal.note(name, str(part))


def test_processes_that_read_and_write_at_once_wait_for_each_other(journal: SqlJournal) -> None:
    context = multiprocessing.get_context("spawn")
    names = ("one", "two", "three")
    together = context.Barrier(len(names))
    writers = [context.Process(target=_write, args=(journal.url, journal.folder, name, together)) for name in names]
    for process in writers:
        process.start()
    for process in writers:
        process.join()
    assert [process.exitcode for process in writers] == [0, 0, 0]
    assert len({row.id for row in journal.entries()}) == 180
