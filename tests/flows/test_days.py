"""The day's posts and letters stay true after they are out: on every kind of channel, with faults and kills."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.flows.speaking import Speaking, a_story, run, speaking
from tests.flows.test_announce import confirm, decide, end, no_post_twice, versioned
from tests.flows.world import NOW

from heliograph.flows.announce import Memory, plan_away
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
            read.extend(topic for topic in by.get("topics", ()) if topic.kind == "day")
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
        assert not here.rows(channel="vb", state="hand")
        held = here.rows(channel="post", state="held")
        assert len(held) == 2
        assert all("Исправление" in row.message.subject and second.title in row.message.text for row in held)


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
