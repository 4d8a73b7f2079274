"""A day of news on every kind of channel, while calls fail and the process is killed."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.flows.speaking import ART, CONFIG, Speaking, a_story, run, speaking
from tests.flows.world import NOW

from heliograph.announce import compose
from heliograph.config import parse
from heliograph.flows import announce
from heliograph.flows.announce import Memory, facts_of, plan_asked, plan_away, rules_for, rules_of, say_next, speaker
from heliograph.lab.channels.simulated import SimulatedChannel
from heliograph.model import Paragraph, Run, Story
from heliograph.model.post import Entry, Topic

LONG = "Предложение, которое кое-что говорит о деле, и ещё одно слово. " * 160
TABLES = """
[[channel]]
name = "tg"
kind = "telegram"
chat = "@peninsula"
token = "tg"
[[channel]]
name = "fb"
kind = "facebook"
page = "1"
token = "fb"
[[channel]]
name = "vb"
kind = "viber"
token = "vb"
webhook = "https://hook.example/"
says = ["stories", "where"]
[[channel]]
name = "ig"
kind = "instagram"
account = "1"
token = "ig"
[[channel]]
name = "hook"
kind = "webhook"
url = "https://hook.example/in"
says = ["stories"]
"""
EDITS = ("tg", "fb", "hook")


def channels(share: float = 0.0, seed: int = 0) -> list[SimulatedChannel]:
    return [
        SimulatedChannel("tg", "telegram", share, seed),
        SimulatedChannel("fb", "facebook", share, seed, proves=True),
        SimulatedChannel("vb", "viber", share, seed, edits=False, withdraws=False),
        SimulatedChannel("ig", "instagram", share, seed, edits=False, proves=True),
        SimulatedChannel("hook", "webhook", share, seed),
    ]


@contextmanager
def room(tmp_path: Path, blank_journal: Path, share: float = 0.0, seed: int = 0) -> Iterator[Speaking]:
    with speaking(tmp_path, blank_journal, TABLES, channels(share, seed)) as made:
        made.mirrors("https://one.example/", "https://two.example/")
        yield made


def confirm(here: Speaking) -> int:
    """An editor says yes to all that waits for him."""
    held = here.rows(state="held")
    return sum(here.journal.settle_entry(row.id, "queued", (), "", here.now) for row in held)


def decide(here: Speaking) -> int:
    """An editor looks at each channel, and says of each unclear post whether it is there."""
    unclear = here.rows(state="unknown")
    for row in unclear:
        known = {remote for other in here.rows(channel=row.channel, act="post") for remote in other.remotes}
        there = [one for one in here.channels[row.channel].posts if one.remote not in known]
        found = [one.remote for one in there if one.message.text == row.message.text]
        state = "posted" if found else "queued"
        assert here.journal.settle_entry(row.id, state, found[:1], "looked", here.now)  # type: ignore[arg-type]
    return len(unclear)


async def end(here: Speaking) -> Counter[str]:
    """Until nothing is left to do, with an editor at hand; what he had to do."""
    done: Counter[str] = Counter()
    while True:
        await here.settle()
        did = {"confirmed": confirm(here), "decided": decide(here)}
        done.update(did)
        if not any(did.values()):
            return done


def no_post_twice(here: Speaking) -> None:
    """Each post that readers ever saw belongs to one row, and each row that is posted has its post."""
    for name, channel in here.channels.items():
        rows = here.rows(channel=name, act="post", state="posted")
        claimed = [remote for row in rows for remote in row.remotes]
        assert sorted(claimed) == sorted(one.remote for one in channel.posts), name


def as_planned(here: Speaking, stories: list[Story], gone: list[Story]) -> None:
    """Readers see every story as it is now, and none that was withdrawn."""
    speaks, facts = speaker(here.config), facts_of(here.journal, here.config)
    for rules in rules_of(here.journal, here.config, here.now):
        seen = {one.remote: one.message.text for one in here.seen(rules.name)}
        rows = here.journal.entries(channel=rules.name)
        for story in stories:
            mine = [row for row in rows if row.topic == Topic("story", story.code)]
            posts = sorted(
                (r for r in mine if r.act == "post" and r.state == "posted"), key=lambda row: (row.part, row.id)
            )
            shown = [seen[remote] for row in posts for remote in row.remotes if remote in seen]
            drafts = compose.story(story, rules, facts, speaks, parts=len({row.part for row in posts}))
            if rules.name in EDITS:
                assert len(shown) == len(drafts), (rules.name, story.code)
                assert (
                    all(draft.core in text for draft, text in zip(drafts, shown, strict=True))
                    or rules.kind != "telegram"
                )
                assert any(plain_end(story) in text for text in shown), (rules.name, story.code)
            else:
                assert sum("Исправление" not in text for text in shown) == 1
                assert plain_end(story) in shown[-1]
        for story in gone:
            hands = [row for row in rows if row.topic.of == story.code and row.state == "hand"]
            left = [text for text in seen.values() if compose.shown(story.code) in text]
            assert not left or (rules.name == "vb" and len(hands) == len(left))


def plain_end(story: Story) -> str:
    """Something that only this version says."""
    return f"Версия {story.version}."


def versioned(story: Story, version: int, text: str = "") -> Story:
    runs = (Run(f"Версия {version}. {text}".strip()),)
    return replace(story, version=version, blocks=(Paragraph(runs=runs), *story.blocks[1:]))


@pytest.mark.parametrize("seed", range(3))
def test_a_day_with_faults_and_kills_ends_as_planned(tmp_path: Path, blank_journal: Path, seed: int) -> None:
    chance = random.Random(seed)
    with room(tmp_path, blank_journal, 0.2, seed) as here:

        async def day() -> None:
            stories = []
            for number in range(12):
                here.now += timedelta(minutes=chance.randint(0, 20))
                text = LONG if number % 7 == 0 else ""
                stories.append(versioned(a_story(number, here.now), 1, text))
                here.publish(stories[-1])
                await here.settle(chance.choice((0.0, 30.0, 600.0)))
                if number % 5 == 4:  # a correction of one of the last ones, perhaps while it is being posted
                    which = chance.randrange(max(0, number - 3), number + 1)
                    stories[which] = versioned(stories[which], stories[which].version + 1)
                    here.publish(stories[which])
                    confirm(here)
            gone = [stories.pop(chance.randrange(len(stories))) for _ in range(2)]
            here.withdraw(*gone)
            await end(here)
            no_post_twice(here)
            assert here.kills > 3
            assert not here.rows(state="sending")
            for channel in here.channels.values():
                assert channel.posts
            as_planned(here, stories, gone)
            assert here.plan() == 0

        run(day)


def test_nothing_is_said_twice_when_nothing_changes(tmp_path: Path, blank_journal: Path) -> None:
    with room(tmp_path, blank_journal) as here:

        async def do() -> None:
            here.publish(a_story(1, here.now))
            await end(here)
            before = {name: len(channel.posts) for name, channel in here.channels.items()}
            here.memory = type(here.memory)()
            await end(here)
            assert {name: len(channel.posts) for name, channel in here.channels.items()} == before

        run(do)


def test_a_new_channel_begins_with_what_is_published_from_then_on(tmp_path: Path, blank_journal: Path) -> None:
    with room(tmp_path, blank_journal) as here:
        here.publish(a_story(1, NOW - timedelta(hours=1)), a_story(2, NOW + timedelta(seconds=1)))
        here.now += timedelta(minutes=1)
        here.plan()
        assert {row.topic.of for row in here.rows() if row.topic.kind == "story"} == {a_story(2, NOW).code}


def test_a_dead_mirror_is_told_within_the_minute_and_waiting_posts_name_the_live_one(
    tmp_path: Path, blank_journal: Path
) -> None:
    with room(tmp_path, blank_journal) as here:

        async def do() -> None:
            await end(here)
            (pinned,) = here.seen("tg")
            assert pinned.message.pin
            assert "https://one.example/" in pinned.message.text
            here.now += timedelta(minutes=30)
            here.publish(a_story(1, here.now))
            here.plan()
            moved = here.now
            here.mirrors("https://two.example/", "https://three.example/")
            await here.settle(60.0)
            assert here.now - moved <= timedelta(seconds=60)
            for name in ("tg", "fb", "vb"):
                addressed = [one for one in here.seen(name) if "three.example" in one.message.text]
                assert addressed, name
                assert all("one.example" not in one.message.text for one in here.seen(name) if name != "vb"), name
            assert here.seen("tg")[0].edits == 1

        run(do)


def test_an_unclear_post_is_never_sent_again_by_itself(tmp_path: Path, blank_journal: Path) -> None:
    with room(tmp_path, blank_journal) as here:
        here.channels["tg"].endings, here.channels["tg"].share = ("lost after",), 1.0

        async def do() -> None:
            here.publish(a_story(1, here.now))
            await here.settle()
            await here.settle()
            unclear: list[Entry] = here.rows(channel="tg", state="unknown")
            assert len(unclear) == 2  # the story, and where to read
            assert len(here.channels["tg"].posts) == 2

        run(do)


def test_a_story_withdrawn_before_it_went_out_never_goes_out(tmp_path: Path, blank_journal: Path) -> None:
    with room(tmp_path, blank_journal) as here:

        async def do() -> None:
            story = a_story(1, here.now)
            here.publish(story)
            here.plan()
            here.withdraw(story)
            await end(here)
            assert all(
                compose.shown(story.code) not in one.message.text for ch in here.channels.values() for one in ch.posts
            )

        run(do)


def on_telegram(here: Speaking) -> list[str]:
    """What stands in the channel but the addresses."""
    return [one.message.text for one in here.seen("tg") if not one.message.pin]


def test_old_posts_are_forgotten_with_their_edits_and_addresses_never(tmp_path: Path, blank_journal: Path) -> None:
    with room(tmp_path, blank_journal) as here:

        async def do() -> None:
            story = versioned(a_story(1, here.now), 1)
            here.publish(story)
            await end(here)
            here.now += timedelta(days=5)
            here.publish(versioned(story, 2))
            await end(here)
            for days in (36, 5):
                here.now += timedelta(days=days)
                here.journal.forget(here.now - timedelta(days=40))
                here.plan()
            await end(here)
            assert len([one for one in here.seen("tg") if one.message.pin]) == 1

        run(do)


def test_a_correction_arrives_after_an_editors_edit(tmp_path: Path, blank_journal: Path) -> None:
    with room(tmp_path, blank_journal) as here:

        async def do() -> None:
            story = versioned(a_story(1, here.now), 1)
            here.publish(story)
            await end(here)
            here.mirrors("https://two.example/", "https://three.example/")
            plan_asked(here.journal, here.config, here.now, story.code, "tg", anew=True)
            await end(here)
            assert "https://one.example/" not in on_telegram(here)[0]
            here.publish(versioned(story, 2))
            await end(here)
            assert "Версия 2" in on_telegram(here)[0]

        run(do)


def test_a_story_that_comes_and_goes_is_corrected_and_withdrawn_in_the_end(tmp_path: Path, blank_journal: Path) -> None:
    with room(tmp_path, blank_journal) as here:

        async def do() -> None:
            story = versioned(a_story(1, here.now), 1)
            here.publish(story)
            await end(here)
            for version in (2, 3):
                here.withdraw(story)
                here.plan()  # and it is back before that was done
                story = versioned(story, version)
                here.publish(story)
                here.plan()
            await end(here)
            assert "Версия 3" in on_telegram(here)[0]
            here.withdraw(story)
            await end(here)
            assert on_telegram(here) == []

        run(do)


def test_what_changes_while_a_plan_is_made_is_seen_by_the_next(
    tmp_path: Path, blank_journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with room(tmp_path, blank_journal) as here:

        async def do() -> None:
            story = a_story(1, here.now)
            here.publish(story)
            await end(here)
            here.memory = Memory()
            real = announce.as_published

            def slow(*given: Any) -> list[Story]:
                found = real(*given)
                here.withdraw(story)
                return found

            with monkeypatch.context() as patch:
                patch.setattr(announce, "as_published", slow)
                here.plan()
            await end(here)
            assert on_telegram(here) == []

        run(do)


def test_what_an_editor_takes_away_while_it_is_sent_goes_away_afterwards(tmp_path: Path, blank_journal: Path) -> None:
    with room(tmp_path, blank_journal) as here:

        async def do() -> None:
            story = a_story(1, here.now)
            here.publish(story)
            here.plan()
            (row,) = here.rows(channel="tg", topic=Topic("story", story.code))
            here.journal.begin(row.id, here.now)
            plan_away(here.journal, here.config, here.now, story.code, "tg")
            here.journal.recover(here.now)
            here.journal.settle_entry(row.id, "posted", ["tg-9"], "", here.now)
            here.plan()
            assert [one.act for one in here.rows(channel="tg", topic=row.topic)] == ["post", "withdraw"]
            plan_asked(here.journal, here.config, here.now, story.code, "tg")
            await end(here)
            assert len(on_telegram(here)) == 1  # sent again because an editor wanted it

        run(do)


def test_a_thousand_that_nobody_confirms_silence_no_channel(tmp_path: Path, blank_journal: Path) -> None:
    with room(tmp_path, blank_journal) as here:

        async def do() -> None:
            here.plan()
            (first,) = here.rows(channel="vb")
            held = [replace(first, topic=Topic("story", f"{n:07d}"), state="held") for n in range(1_100)]
            here.journal.queue(held)
            last = replace(first, topic=Topic("story", "zzzzzzz"))
            here.journal.queue([last])
            rules = rules_for(here.journal, here.config, "vb", here.now)
            for _ in range(2):
                here.now += timedelta(minutes=1)
                await say_next(here.journal, rules, here.channels["vb"], lambda: here.now, here.memory, ART)
            assert len(here.seen("vb")) == 2

        run(do)


def test_news_that_nobody_confirmed_for_days_is_not_posted_by_one_keystroke(
    tmp_path: Path, blank_journal: Path
) -> None:
    with room(tmp_path, blank_journal) as here:
        here.publish(a_story(1, here.now))
        here.plan()
        assert len(here.rows(channel="vb", state="held")) == 1
        here.now += timedelta(days=2)
        here.plan()
        assert not here.rows(channel="vb", state="held")


def test_a_channel_that_is_gone_from_the_configuration_leaves_a_task_for_its_posts(
    tmp_path: Path, blank_journal: Path
) -> None:
    with room(tmp_path, blank_journal) as here:

        async def do() -> None:
            story = a_story(1, here.now)
            here.publish(story)
            await end(here)
            tables = TABLES.replace('name = "tg"', 'name = "other"')
            here.config = parse(CONFIG + tables, here.config.folder / "heliograph.toml")
            here.withdraw(story)
            here.plan()
            (task,) = here.rows(channel="tg", state="hand")
            assert "not configured any more" in task.note

        run(do)


def test_a_day_that_waits_tells_of_no_story_that_was_withdrawn(tmp_path: Path, blank_journal: Path) -> None:
    tables = TABLES.replace('token = "tg"', 'token = "tg"\nsays = ["day"]\nconfirm = ["day"]')
    with speaking(tmp_path, blank_journal, tables, channels()) as here:
        gone, stays = a_story(1, here.now), a_story(2, here.now)
        here.publish(gone, stays)
        here.now = here.now.replace(hour=20, minute=1)
        here.plan()
        (day,) = here.rows(channel="tg", state="held")
        assert gone.title in day.message.text
        here.withdraw(gone)
        here.plan()
        (day,) = here.rows(channel="tg", state="held")
        assert gone.title not in day.message.text
        here.withdraw(stays)
        here.plan()
        assert not here.rows(channel="tg", state="held")


def test_a_plan_that_could_not_be_kept_is_made_again(
    tmp_path: Path, blank_journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with room(tmp_path, blank_journal) as here:
        here.plan()
        story = a_story(1, here.now)
        here.publish(story)

        def locked(*_: Any) -> int:
            raise OSError("the database is away")

        with monkeypatch.context() as patch:
            patch.setattr(here.journal, "queue", locked)
            with pytest.raises(OSError, match="away"):
                here.plan()
        here.plan()
        assert here.rows(channel="tg", topic=Topic("story", story.code))
