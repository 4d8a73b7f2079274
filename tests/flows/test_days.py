"""The day's posts and letters stay true after they are out: on every kind of channel, with faults and kills."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.flows.speaking import CONFIG, Speaking, a_story, run, speaking
from tests.flows.test_announce import confirm, decide, end, no_post_twice, versioned
from tests.flows.world import NOW

from heliograph.announce.outbox import readers
from heliograph.config import parse
from heliograph.flows import announce
from heliograph.flows import days as flow
from heliograph.flows.announce import Memory, one_file, plan_asked, plan_away
from heliograph.flows.days import AGAIN, LETTERS_AGAIN, batches
from heliograph.lab.channels.simulated import SimulatedChannel
from heliograph.model import Story
from heliograph.model.code import shown
from heliograph.model.post import Topic

TABLES = """
[[channel]]
name = "tg"
kind = "telegram"
chat = "@peninsula"
token = "tg"
says = ["day"]
[[channel]]
name = "fb"
kind = "facebook"
page = "1"
token = "fb"
says = ["day"]
[[channel]]
name = "vb"
kind = "viber"
token = "vb"
webhook = "https://hook.example/"
says = ["day"]
confirm = []
[[channel]]
name = "ig"
kind = "instagram"
account = "1"
token = "ig"
says = ["day"]
confirm = []
[[channel]]
name = "post"
kind = "mail"
sender = "news@peninsula.example"
host = "127.0.0.1"
user = "news"
password = "keys/smtp"
says = ["day"]
batch = 2
"""
CHANNELS = ("tg", "fb", "vb", "ig", "post")


def channels(share: float = 0.0, seed: int = 0) -> list[SimulatedChannel]:
    cannot: dict[str, Any] = {"edits": False, "withdraws": False}
    return [
        SimulatedChannel("tg", "telegram", share, seed),
        SimulatedChannel("fb", "facebook", share, seed, proves=True),
        SimulatedChannel("vb", "viber", share, seed, **cannot),
        SimulatedChannel("ig", "instagram", share, seed, edits=False, proves=True),
        SimulatedChannel("post", "mail", share, seed, **cannot),
    ]


@contextmanager
def evening(
    tmp_path: Path, blank_journal: Path, *stories: Story, share: float = 0.0, seed: int = 0
) -> Iterator[Speaking]:
    """The day is out everywhere."""
    with speaking(tmp_path, blank_journal, TABLES, channels(share, seed)) as here:
        here.mirrors("https://one.example/", "https://two.example/")
        for number in range(3):
            here.journal.subscribe("post", f"reader{number}@mail.example", "ru")
        here.publish(*stories)
        here.now = here.now.replace(hour=20, minute=1)

        async def out() -> None:
            here.plan()
            for _ in range(40):  # not until the next evening
                await here.settle(60.0)
                decide(here)

        run(out)
        assert not here.rows(state="queued")
        yield here


def texts(here: Speaking, name: str) -> list[str]:
    return [one.message.text for one in here.seen(name)]


@pytest.mark.parametrize(("share", "seed"), [(0.0, 0), *((0.3, seed) for seed in range(1, 9))])
def test_a_withdrawn_story_is_told_by_no_day_that_is_out(
    tmp_path: Path, blank_journal: Path, share: float, seed: int
) -> None:
    first, second, third = (a_story(number, NOW - timedelta(hours=number)) for number in (1, 2, 3))
    with evening(tmp_path, blank_journal, first, second, third, share=share, seed=seed) as here:
        assert all(all(second.title in text for text in texts(here, name)) for name in CHANNELS)
        assert len(texts(here, "post")) == 2
        better = replace(versioned(first, 2, "Так вернее."), title="Лучше сказано")
        here.publish(better)
        here.withdraw(second)
        run(lambda: end(here))
        no_post_twice(here)
        for name in ("tg", "fb"):
            (text,) = texts(here, name)
            assert second.title not in text, name
            assert "Лучше сказано" in text, name
            assert third.title in text, name
        (task,) = here.rows(channel="vb", state="hand")
        assert task.remotes == (here.seen("vb")[0].remote,)
        assert shown(second.code) in task.note
        assert texts(here, "ig") == []  # the editor agreed
        letters = [one for one in here.seen("post") if one.message.replies_to]
        assert sorted(one.message.replies_to for one in letters) == sorted(
            one.remote for one in here.seen("post") if not one.message.replies_to
        )
        assert sorted(address for one in letters for address in one.to) == [f"reader{n}@mail.example" for n in range(3)]
        assert all("Так вернее." in one.message.text for one in letters)
        assert all(second.title not in one.message.text for one in letters)
        assert all(shown(second.code) in one.message.text for one in letters)


def test_a_pass_that_finds_nothing_changed_reads_no_letters(
    tmp_path: Path, blank_journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = a_story(1, NOW), a_story(2, NOW)
    with evening(tmp_path, blank_journal, first, second) as here:
        read: list[Any] = []
        entries = here.journal.entries

        def noted(**by: Any) -> Any:
            read.extend(topic for topic in by.get("topics", ()) if topic.kind == "day" and not by.get("limit"))
            return entries(**by)

        monkeypatch.setattr(here.journal, "entries", noted)
        here.memory = Memory()  # as another process
        assert here.plan() == 0
        here.publish(a_story(3, here.now))  # of tomorrow
        here.plan()
        assert read == []
        here.withdraw(second)
        here.plan()
        assert set(read) == {Topic("day", here.now.date().isoformat())}
        read.clear()
        here.plan()
        assert read == []
        here.now += timedelta(days=8)
        here.plan()  # what waited about that day is dropped
        read.clear()
        here.withdraw(first)
        here.plan()
        assert read == []  # nobody reads a day of last week


def test_a_pass_that_ends_before_it_has_noted_what_it_looked_at_is_made_again(
    tmp_path: Path, blank_journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = a_story(1, NOW), a_story(2, NOW)
    with evening(tmp_path, blank_journal, first, second) as here:
        here.withdraw(second)

        def killed(*_: Any) -> None:
            raise OSError("killed")

        for method in ("queue", "note"):
            with monkeypatch.context() as patch:
                patch.setattr(here.journal, method, killed)
                with pytest.raises(OSError, match="killed"):
                    here.plan()
        here.plan()
        here.plan()
        assert len(here.rows(channel="tg", act="edit")) == 1
        assert len(here.rows(channel="post", state="held")) == 2


def test_what_changes_while_the_day_is_being_sent_is_mended_afterwards(tmp_path: Path, blank_journal: Path) -> None:
    first, second = a_story(1, NOW), a_story(2, NOW)
    with speaking(tmp_path, blank_journal, TABLES, channels()) as here:
        here.publish(first, second)
        here.now = here.now.replace(hour=20, minute=1)
        here.plan()
        (row,) = here.rows(channel="tg")
        assert here.journal.begin(row.id, here.now)
        here.withdraw(second)
        here.plan()
        here.journal.finish(replace(row, state="posted", remotes=("tg-1",)))
        assert not here.rows(channel="tg", act="edit")
        here.now += AGAIN
        here.plan()
        (edit,) = here.rows(channel="tg", act="edit")
        assert second.title not in edit.message.text


def test_a_story_that_an_editor_takes_away_from_one_channel_leaves_its_day(tmp_path: Path, blank_journal: Path) -> None:
    first, second = a_story(1, NOW), a_story(2, NOW)
    with evening(tmp_path, blank_journal, first, second) as here:
        plan_away(here.journal, here.config, here.now, second.code, "tg")
        run(lambda: here.settle(600.0))
        assert second.title not in texts(here, "tg")[0]
        assert second.title in texts(here, "fb")[0]
        assert not here.rows(state="held")


def test_a_story_of_another_time_now_is_not_said_to_be_withdrawn(tmp_path: Path, blank_journal: Path) -> None:
    first, second = a_story(1, NOW), a_story(2, NOW)
    with evening(tmp_path, blank_journal, first, second) as here:
        here.publish(replace(second, version=2, published=NOW - timedelta(days=30)))
        here.plan()
        assert not here.rows(state="hand")
        assert not here.rows(state="held")
        assert all(second.title in row.message.text for row in here.rows(channel="tg"))


def test_a_story_that_is_back_is_told_again(tmp_path: Path, blank_journal: Path) -> None:
    first, second = a_story(1, NOW), a_story(2, NOW)
    with evening(tmp_path, blank_journal, first, second) as here:
        here.withdraw(first, second)
        run(lambda: here.settle(60.0))
        assert len(here.rows(channel="post", state="held")) == 2
        assert not any(one.title in text for one in (first, second) for text in texts(here, "tg") + texts(here, "fb"))
        here.publish(first, second)
        run(lambda: here.settle(60.0))
        assert not here.rows(state="held")
        for name in ("tg", "fb"):
            assert all(one.title in texts(here, name)[0] for one in (first, second))
        plan_away(here.journal, here.config, here.now, second.code, "tg")
        run(lambda: here.settle(60.0))
        plan_asked(here.journal, here.config, here.now, second.code, "tg")
        run(lambda: here.settle(60.0))
        assert second.title in next(text for text in texts(here, "tg") if first.title in text)


def test_what_is_withdrawn_while_a_plan_is_made_is_in_the_next_one(
    tmp_path: Path, blank_journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, third = (a_story(number, NOW) for number in (1, 2, 3))
    with evening(tmp_path, blank_journal, first, second, third) as here:
        here.withdraw(second)
        real, late = flow.as_published, [third]

        def published(*given: Any) -> list[Story]:
            stories = real(*given)
            if late and any(story.code == third.code for story in stories):
                here.withdraw(late.pop())
            return stories

        monkeypatch.setattr(flow, "as_published", published)
        run(lambda: here.settle(60.0))
        assert not any(third.title in text for name in ("tg", "fb") for text in texts(here, name))


def test_a_correction_that_waited_for_a_week_goes_to_nobody(tmp_path: Path, blank_journal: Path) -> None:
    first, second = a_story(1, NOW), a_story(2, NOW)
    with evening(tmp_path, blank_journal, first, second) as here:
        here.now += timedelta(days=6)
        here.publish(versioned(second, 2, "Имя, которого не надо называть."))
        here.plan()
        assert len(here.rows(channel="post", state="held")) == 2
        here.now += timedelta(days=2)
        here.withdraw(second)
        here.plan()
        assert confirm(here) == 0
        assert len(here.rows(channel="post", state="dropped", note="it waited for a week")) == 2


@pytest.mark.parametrize("after", ["queue", "days tg", "day tg"])
def test_a_day_whose_plan_was_cut_short_is_looked_after_too(
    tmp_path: Path, blank_journal: Path, monkeypatch: pytest.MonkeyPatch, after: str
) -> None:
    first, second = a_story(1, NOW), a_story(2, NOW)
    with speaking(tmp_path, blank_journal, TABLES, channels()) as here:
        here.publish(first, second)
        here.now = here.now.replace(hour=20, minute=1)
        real = here.journal.note

        def note(key: str, value: str) -> None:
            if after != "queue":
                real(key, value)
            if after in ("queue", key):
                raise OSError("killed")

        with monkeypatch.context() as patch:
            patch.setattr(here.journal, "note", note)
            with pytest.raises(OSError, match="killed"):
                here.plan()
        (row,) = here.rows(channel="tg")
        here.journal.begin(row.id, here.now)
        here.journal.finish(replace(row, state="posted", remotes=("tg-1",)))
        here.withdraw(second)
        here.plan()
        here.plan()
        (edit,) = here.rows(channel="tg", act="edit")
        assert second.title not in edit.message.text


def test_the_one_file_edition_of_a_letter_holds_what_it_tells(tmp_path: Path, blank_journal: Path) -> None:
    first, second = a_story(1, NOW), a_story(2, NOW)
    late = a_story(3, NOW.replace(hour=22) - timedelta(days=1))  # yesterday, after its letter
    tomorrow = a_story(4, NOW.replace(hour=20))
    with speaking(tmp_path, blank_journal, TABLES, channels()) as here:
        here.publish(first, second, late, tomorrow)
        plan_away(here.journal, here.config, here.now, second.code, "post")
        here.journal.subscribe("post", "reader@mail.example", "ru")
        here.now = here.now.replace(hour=20, minute=1)
        here.plan()
        (row,) = here.rows(channel="post")
        data = one_file(here.journal, here.config, row.message.attached).decode()
        assert [one.title in data for one in (first, second, late, tomorrow)] == [True, False, True, False]
        here.withdraw(late)
        assert late.title not in one_file(here.journal, here.config, row.message.attached).decode()


@pytest.mark.parametrize("held", [False, True])
def test_smaller_batches_while_letters_wait_reach_each_reader_once(
    tmp_path: Path, blank_journal: Path, *, held: bool
) -> None:
    """As when the server takes fewer recipients than was thought, and says so."""
    text = TABLES.replace("batch = 2", "batch = 10" + ('\nconfirm = ["day"]' if held else ""))
    with speaking(tmp_path, blank_journal, text, channels()) as here:
        for number in range(23):
            here.journal.subscribe("post", f"reader{number}@mail.example", "ru")
        here.publish(a_story(1, NOW))
        here.now = here.now.replace(hour=20, minute=1)
        here.plan()
        assert len(here.rows(channel="post")) == 3
        here.config = parse(CONFIG + text.replace("batch = 10", "batch = 4"), here.config.folder / "heliograph.toml")
        here.journal.subscribe("post", "later@mail.example", "ru")
        confirm(here)
        run(lambda: here.settle(600.0))
        sent = [list(one.to) for one in here.seen("post")]
        assert max(map(len, sent)) == 4
        assert sorted(address for to in sent for address in to) == sorted(
            f"reader{number}@mail.example" for number in range(23)
        )
        here.config = parse(CONFIG + text.replace("batch = 10", "batch = 7"), here.config.folder / "heliograph.toml")
        here.withdraw(a_story(1, NOW))
        here.plan()
        confirm(here)
        run(lambda: here.settle(600.0))
        mended = [address for one in here.seen("post") if one.message.replies_to for address in one.to]
        assert sorted(mended) == sorted(f"reader{number}@mail.example" for number in range(23))


def test_the_batches_of_subscribers_hold_each_of_them_once() -> None:
    numbers = [1, 2, 49, 50, 120, 121]
    reached = [readers(part, 50) for part in batches(numbers, 50)]
    assert reached == [(0, 49), (50, 99), (100, 121)]
    assert batches([], 50) == []
    assert [readers(part, 1) for part in batches([7, 9], 1)] == [(7, 7), (9, 9)]


def test_a_story_taken_away_and_then_withdrawn_is_withdrawn(tmp_path: Path, blank_journal: Path) -> None:
    """As in an emergency: first away from every channel, then out of the edition."""
    first, second = a_story(1, NOW), a_story(2, NOW)
    with evening(tmp_path, blank_journal, first, second) as here:
        for name in CHANNELS:
            plan_away(here.journal, here.config, here.now, second.code, name)
        run(lambda: here.settle(60.0))
        assert not here.rows(channel="post", state="held")
        here.withdraw(second)
        here.plan()
        held = here.rows(channel="post", state="held")
        assert len(held) == 2
        assert all(shown(second.code) in row.message.text for row in held)


def test_a_correction_that_the_server_refused_is_asked_about_again(tmp_path: Path, blank_journal: Path) -> None:
    first, second = a_story(1, NOW), a_story(2, NOW)
    with evening(tmp_path, blank_journal, first, second) as here:
        here.withdraw(second)
        here.plan()
        here.channels["post"].refuse = lambda _: "554 no"
        for row in here.rows(channel="post", state="held"):
            here.journal.settle_entry(row.id, "queued", (), "", here.now)
        run(lambda: here.settle(60.0))
        assert len(here.rows(channel="post", state="failed")) == 2
        here.channels["post"].refuse = lambda _: ""
        here.now += LETTERS_AGAIN
        here.plan()
        assert len(here.rows(channel="post", state="held")) == 2


def test_corrections_that_wait_hold_up_no_plan(
    tmp_path: Path, blank_journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = a_story(1, NOW), a_story(2, NOW)
    with evening(tmp_path, blank_journal, first, second) as here:
        here.withdraw(second)
        here.plan()
        monkeypatch.setattr(announce, "_LOOKED_AT", 2)
        tomorrow = [a_story(number, here.now + timedelta(hours=1)) for number in (3, 4)]
        here.config = parse(CONFIG + TABLES + 'confirm = ["day"]\n', here.config.folder / "heliograph.toml")
        here.publish(*tomorrow)
        here.now += timedelta(days=1)
        for name in ("tg", "fb", "vb", "ig"):
            here.journal.note(f"day {name}", here.now.date().isoformat())  # they say nothing that evening
        here.plan()
        here.withdraw(tomorrow[0])
        here.plan()
        waiting = [row for row in here.rows(channel="post", state="held") if not row.message.replies_to]
        assert len(waiting) == 2
        assert not any(tomorrow[0].title in row.message.text for row in waiting)


def test_who_subscribes_later_has_a_number_of_his_own(tmp_path: Path, blank_journal: Path) -> None:
    first, second = a_story(1, NOW), a_story(2, NOW)
    with evening(tmp_path, blank_journal, first, second) as here:
        here.journal.unsubscribe("post", "reader2@mail.example")
        here.journal.subscribe("post", "new@mail.example", "ru")
        here.withdraw(second)
        here.plan()
        confirm(here)
        run(lambda: here.settle(60.0))
        got = {address for one in here.seen("post") if one.message.replies_to for address in one.to}
        assert got == {"reader0@mail.example", "reader1@mail.example"}


def test_a_correction_that_nobody_wants_is_not_asked_about_again(tmp_path: Path, blank_journal: Path) -> None:
    first, second = a_story(1, NOW), a_story(2, NOW)
    with evening(tmp_path, blank_journal, first, second) as here:
        here.publish(versioned(first, 2))
        here.plan()
        for row in here.rows(channel="post", state="held"):
            here.journal.settle_entry(row.id, "dropped", (), "", here.now)
        here.plan()
        assert not here.rows(state="held")
        here.publish(versioned(first, 3))
        here.plan()
        assert confirm(here) == 2
