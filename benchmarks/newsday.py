"""One day of a newsroom that posts: who writes, confirms, decides what is unclear, kills, and judges."""

from __future__ import annotations

import argparse
import json
import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.sender import START, Sender, clock
from heliograph.adapters.journal import SqlJournal
from heliograph.announce import compose, outbox
from heliograph.announce.outbox import PRIVATE
from heliograph.announce.prose import shown_text
from heliograph.config import parse
from heliograph.flows.announce import Memory, facts_of, plan_posts, rules_for, rules_of, speaker
from heliograph.flows.house import as_published
from heliograph.flows.work import drafted
from heliograph.lab.channels.rehearsal import Rehearsal
from heliograph.lab.channels.wall import Post
from heliograph.lab.loopback import in_thread
from heliograph.model import Paragraph, Run, Story, plain_text
from heliograph.model.code import shown, story_code
from heliograph.model.ledger import Outcome
from heliograph.model.mirror import Mirror
from heliograph.model.post import Entry, Message, Topic

PUBLIC = ("telegram", "viber", "instagram", "facebook", "webhook")
PERSONAL = ("telegram", "mail")  # where the day goes to each subscriber
EDITS = ("telegram", "facebook", "webhook")
WHERE = (*EDITS, "viber")  # which tell addresses
LINES = 10  # stories that a day names in public
UNCLEAR = timedelta(minutes=3)  # after that an editor looks: longer than the sender asks the channel by itself
BATCH = 5  # subscribers in one mail
EVENING = START.replace(hour=19, minute=59, second=50)
NAMES = ("мост", "паром", "школа", "суд", "вода", "рынок", "музей", "шторм", "порт", "хлеб", "свет", "дорога", "театр")
SENTENCE = "Дело «{0}» началось утром, и вот что о нём говорит {1}-й из тех, кто его видел."
CONFIG = """
[newsroom]
title = "Полуостров"
language = "ru"
home = "https://peninsula.example/"
"""


class Day:
    """One seed."""

    def __init__(self, folder: Path, seed: int, args: argparse.Namespace) -> None:
        self.chance, self.args = random.Random(seed), args
        self.clock = clock()
        self.rehearsal = Rehearsal(self.clock, seed=seed)
        self.rehearsal.graph.instagram.terms.posts = 2 * args.stories  # a busy account's
        self.folder, self.text = folder, ""
        self.counts: Counter[str] = Counter()
        self.stories: list[Story] = []
        self.gone: list[Story] = []

    def run(self) -> dict[str, Any]:
        """The whole day; what came of it."""
        with in_thread(self.rehearsal.running()) as door:
            self.text = CONFIG + self.rehearsal.tables(self.folder / "tokens") + f"batch = {BATCH}\n"
            for name in PUBLIC:
                says = json.dumps(["stories", "day", *(["where"] if name in WHERE else [])])
                self.text = self.text.replace(f'kind = "{name}"\n', f'kind = "{name}"\nsays = {says}\n')
            config = parse(self.text, self.folder / "heliograph.toml")
            with (
                SqlJournal(config.journal_url, config.state_folder) as journal,
                Sender(self.text, self.folder, door, self.clock) as sender,
            ):
                self.config, self.journal = config, journal
                self._mirrors("https://one.example/", "https://two.example/")
                rules_of(journal, config, self.clock.moment())
                self._subscribe()
                for service in self._services():
                    service.share = self.args.share
                late = self.args.kills // 4
                self._publish(sender, self.args.kills - late)
                self._end(sender)
                self.clock.skip((EVENING - self.clock.moment()).total_seconds())
                for _ in range(late - late // 2):
                    sender.kill(self.chance.uniform(0.2, 1.0))
                self._end(sender)
                self._afterwards(sender, late // 2)
                sender.stop()
                self.counts["kills"] = sender.kills
                return self._judged()

    def _services(self) -> tuple[Any, ...]:
        return (*self.rehearsal.providers, self.rehearsal.office)

    def _subscribe(self) -> None:
        """Readers who get the day by themselves."""
        for number in range(1, self.args.readers + 1):
            self.rehearsal.office.reader(f"reader{number}@mail.example")
            self.journal.subscribe("mail", f"reader{number}@mail.example", "ru")
            self.rehearsal.telegram.reader(number, "ru").chat.started = True
            self.journal.subscribe("telegram", str(number), "ru")
        self.readers = {name: self.journal.subscribers(name) for name in PERSONAL}  # nobody leaves during the day

    def _publish(self, sender: Sender, kills: int) -> None:
        """Stories by and by, corrections and withdrawals between them, kills at any moment."""
        count = self.args.stories
        corrected = set(self.chance.sample(range(count // 6, count), self.args.corrections))
        withdrawn = set(self.chance.sample(range(count // 6, count), self.args.withdrawals))
        killed = Counter(self.chance.randrange(count) for _ in range(kills))
        for number in range(count):
            time.sleep(self.chance.uniform(0.0, 2 * self.args.pace))
            long = number % 9 == 4
            self.stories.append(_story(number, self.clock.moment(), 110 if long else 5))
            self._save(self.stories[-1])
            if number in corrected:
                which = self.chance.randrange(max(0, len(self.stories) - 5), len(self.stories))
                self.stories[which] = _newer(self.stories[which])
                self._save(self.stories[which])
            if number in withdrawn:
                out = self.stories.pop(self.chance.randrange(max(0, len(self.stories) - 5), len(self.stories)))
                self.gone.append(out)
                self.journal.withdraw([out.code], (), self.clock.moment())
            if number == count // 2:
                self._mirrors("https://two.example/", "https://three.example/")
            for _ in range(killed[number]):
                sender.kill(self.chance.uniform(0.05, 0.6))
            self._confirm()

    def _afterwards(self, sender: Sender, kills: int) -> None:
        """The letters are out, and then a story is corrected and another withdrawn."""
        self.at_evening = list(self.stories), list(self.gone)
        gone, better = self.chance.sample(range(len(self.stories) - LINES, len(self.stories)), 2)
        self.late = _newer(self.stories[better]), self.stories[gone]
        self.stories[better] = self.late[0]
        self.gone.append(self.stories.pop(gone))
        self._save(self.late[0])
        self.journal.withdraw([self.late[1].code], (), self.clock.moment())
        for _ in range(kills):
            self._confirm()
            sender.kill(self.chance.uniform(0.1, 0.6))
        self._end(sender)

    def _end(self, sender: Sender) -> None:
        """Until nothing is left to do, with an editor at hand. Where all wait for the clock, it goes on at once."""
        until, quiet = time.monotonic() + self.args.patience, 0
        while quiet < 3 and time.monotonic() < until:
            time.sleep(0.5)
            sender.look()
            did = self._confirm() + self._decide()
            if self.journal.entries(states=("queued", "sending", "held", "unknown"), limit=1):
                quiet = 0
                self._hurry()
                continue
            did += plan_posts(self.journal, self.config, self.clock.moment(), Memory())  # is all planned?
            quiet = 0 if did else quiet + 1

    def _hurry(self) -> None:
        now, moments, pauses = self.clock.moment(), list[datetime](), self.journal.pauses()
        for table in self.config.channel:
            rules = rules_for(self.journal, self.config, table.name, now)
            open_ = self.journal.entries(channel=table.name, states=("queued", "sending", "unknown", "held"))
            open_.sort(key=lambda row: row.id)
            next_ = outbox.due(open_, rules, pauses.get(table.name), None, now)
            if next_.entry or any(row.state in ("sending", "held") for row in open_):
                return
            moments += [next_.at] if next_.at else []
            moments += [row.changed + UNCLEAR for row in open_ if row.state == "unknown"]
        seconds = (min(moments, default=now) - now).total_seconds()
        if seconds > 10:
            self.clock.skip(seconds)

    def _confirm(self) -> int:
        held = self.journal.entries(states=("held",))
        done = [self.journal.settle_entry(row.id, "queued", (), "", self.clock.moment()) for row in held]
        self.counts["confirmed by the editor"] += sum(done)
        return sum(done)

    def _decide(self) -> int:
        """What is unclear for longer than any channel is asked: the editor looks at the channel."""
        old = self.clock.moment() - UNCLEAR
        unclear = [row for row in self.journal.entries(states=("unknown",)) if row.changed < old]
        wall = self.rehearsal.wall() if unclear else []
        for row in unclear:
            found = self._to_person(row) if row.part >= PRIVATE else self._in_public(row, wall)
            state: Any = "posted" if found else "queued"
            done = self.journal.settle_entry(row.id, state, found[:1] or [""], "looked", self.clock.moment())
            self.counts["decided by the editor"] += done
        return len(unclear)

    def _in_public(self, row: Entry, wall: Sequence[Post]) -> list[str]:
        """The numbers of posts that say this, and that no other entry claims."""
        known = {
            remote
            for other in self.journal.entries(channel=row.channel)
            for remote in other.remotes
            if other.part < PRIVATE
        }
        mine = [one for one in wall if one.channel == row.channel and one.remote not in known]
        return [one.remote for one in mine if one.text == shown_text(row.message)]

    def _to_person(self, row: Entry) -> list[str]:
        """Names of the messages by which the first of a batch has this; who gets a batch gets it by one mail."""
        for one in self.journal.subscribers(row.channel, *outbox.readers(row.part, 1)):
            return [name for name, text in self._had(row.channel, one.address) if text == _sent(row)]
        return []

    def _had(self, channel: str, address: str) -> list[tuple[str, str]]:
        """What one subscriber was sent: names and texts."""
        if channel == "telegram":
            posts = list(self.rehearsal.telegram.readers[int(address)].chat.posts.values())
            return [(str(post.id), post.text) for post in posts if post.own]
        box = self.rehearsal.office.reader(address).box
        return [(str(mail.message["Message-ID"]), f"{mail.message['Subject']}\n{mail.text.strip()}") for mail in box]

    # --- what came of it ---

    def _judged(self) -> dict[str, Any]:
        wall, rows = self.rehearsal.wall(), self.journal.entries()
        twice, lost, wrong = 0, 0, list[str]()
        for name in PUBLIC:
            seen = [post for post in wall if post.channel == name]
            mine = [row for row in rows if row.channel == name and row.part < PRIVATE]
            taken = {
                remote for row in mine if row.act == "withdraw" and row.state == "posted" for remote in row.remotes
            }
            posted = [row for row in mine if row.act == "post" and row.state == "posted"]
            claimed = Counter(row.remotes[0] for row in posted if row.remotes)
            twice += sum(post.remote not in claimed for post in seen) + sum(n - 1 for n in claimed.values())
            told = Counter(post.text for post in seen if not post.pinned)  # two rows that say the same, both posted
            codes = [shown(story.code) for story in self.stories]
            twice += sum(count - 1 for text, count in told.items() if any(code in text for code in codes))
            there = {post.remote for post in seen}
            lost += sum(row.remotes[0] not in there for row in posted if row.remotes and row.remotes[0] not in taken)
            wrong += self._against_plan(name, seen, mine)
        for name in PERSONAL:
            counts = self._people(name, rows)
            twice, lost, wrong = twice + counts[0], lost + counts[1], wrong + counts[2]
        left, failed = Counter(row.state for row in rows), [row for row in rows if row.state == "failed"]
        struck = sum(len(service.struck) for service in self._services())
        return {
            "posts": sum(row.act == "post" and row.state == "posted" for row in rows),
            "calls": sum(sum(provider.calls.values()) for provider in self.rehearsal.providers),
            "mails": self.rehearsal.office.calls["MAIL"],
            "faults": struck,
            "kills": self.counts["kills"],
            "twice": twice,
            "lost": lost,
            "not as planned": len(wrong),
            "unsettled": left["queued"] + left["sending"] + left["unknown"] + left["held"],
            "failed": len(failed),
            **{key: self.counts[key] for key in ("confirmed by the editor", "decided by the editor")},
            "wrong": [*wrong[:5], *(f"{row.channel}: {row.topic}, {row.act} failed: {row.note}" for row in failed[:5])],
        }

    def _against_plan(self, name: str, seen: Sequence[Post], rows: Sequence[Entry]) -> list[str]:
        """Where what readers see is not what they should."""
        rules = rules_for(self.journal, self.config, name, self.clock.moment())
        facts, speaks = facts_of(self.journal, self.config), speaker(self.config)
        texts, wrong = {post.remote: post.text for post in seen}, []
        for story in as_published(self.journal, self.config, [one.code for one in self.stories]):
            mine = [row for row in rows if row.topic == Topic("story", story.code) and row.act == "post"]
            posted = sorted((row for row in mine if row.state == "posted"), key=lambda row: (row.part, row.id))
            shown_ = [texts[row.remotes[0]] for row in posted if row.remotes and row.remotes[0] in texts]
            parts = len({row.part for row in posted})
            labels: tuple[compose.Label, ...] = ("",) if name in EDITS else ("", "correction")
            forms = [
                [_bare(draft.message) for draft in compose.story(story, rules, facts, speaks, label=label, parts=parts)]
                for label in labels
            ]
            newest = shown_ if name in EDITS else shown_[-1:]
            if [_bare(Message(text=text)) for text in newest] not in forms:
                wrong.append(f"{name}: {story.title} version {story.version}")
        hands = {remote for row in rows if row.state == "hand" for remote in row.remotes}
        for story in self.gone:
            mine = [row for row in rows if row.topic == Topic("story", story.code) and row.act == "post"]
            if any(remote in texts and remote not in hands for row in mine for remote in row.remotes):
                wrong.append(f"{name}: {story.title} was withdrawn, and is there")
        if "where" in rules.says and not any("three.example" in text for text in texts.values()):
            wrong.append(f"{name}: the new address is not told")
        return wrong + self._day_in_public(name, texts, rows)

    def _day_in_public(self, name: str, texts: Mapping[str, str], rows: Sequence[Entry]) -> list[str]:
        """Where the day's post is not what it should be after one of its stories was withdrawn."""
        about = [row for row in rows if row.topic.kind == "day"]
        posts = [row for row in about if row.act == "post" and row.state == "posted"]
        if len(posts) != 1:
            return [f"{name}: {len(posts)} posts tell the day"]
        text = texts.get(posts[0].remotes[0], "")
        evening, _ = self.at_evening
        newest = sorted(evening, key=lambda story: story.published, reverse=True)[:LINES]
        left = {story.code for story in newest} - {self.late[1].code}
        if name in EDITS:
            named = {story.code for story in (*evening, *self.gone) if shown(story.code) in text}
            return [] if named == left else [f"{name}: the day names {sorted(named ^ left)} wrongly"]
        asked = any(row.act == "withdraw" and row.state == "hand" for row in about)
        if asked or shown(self.late[1].code) not in text:  # one that was sent late never named it
            return []
        return [f"{name}: nobody is asked to take the day away: {[(row.act, row.state) for row in about]}"]

    def _people(self, name: str, rows: Sequence[Entry]) -> tuple[int, int, list[str]]:
        """Of the day as subscribers got it: how often twice, how often not at all, and what is wrong."""
        twice, lost, wrong = 0, 0, list[str]()
        about = [row for row in rows if row.channel == name and row.topic.kind == "day" and row.part >= PRIVATE]
        days = {_sent(row) for row in about if not row.message.replies_to}
        mends = {_sent(row) for row in about if row.message.replies_to}
        batches = {one.id // (BATCH if name == "mail" else 1) for one in self.readers[name]}
        if (count := sum(not row.message.replies_to for row in about)) != len(batches):
            wrong.append(f"{name}: {count} messages tell the day, not {len(batches)}")
        for one in self.readers[name]:
            had = [text for _, text in self._had(name, one.address)]
            told, mended = [text for text in had if text in days], [text for text in had if text in mends]
            twice += max(0, len(told) - 1) + max(0, len(mended) - 1) + len(had) - len(told) - len(mended)
            # a letter that was sent late tells the stories as they were after the evening, and needs no correction
            old = name == "mail" and any(self._is_the_day(text, *self.at_evening, whole=True) for text in told)
            lost += (not told) + (old and not mended)
            stories, gone = self.at_evening if old or name != "mail" else (self.stories, self.gone)
            if not all(self._is_the_day(text, stories, gone, whole=name == "mail") for text in told):
                wrong.append(f"{name}: the day of {one.address} is not whole, or tells what was withdrawn")
            if (mended and not old) or not all(self._is_the_correction(text) for text in mended):
                wrong.append(f"{name}: the correction to {one.address} does not say what changed")
        return twice, lost, wrong

    def _is_the_day(self, text: str, stories: Sequence[Story], gone: Sequence[Story], *, whole: bool) -> bool:
        bodies = [_body(story) for story in stories] if whole else []
        return all(body in text for body in bodies) and not any(shown(story.code) in text for story in gone)

    def _is_the_correction(self, text: str) -> bool:
        newer, gone = self.late
        others = [story for story in self.stories if story is not newer]
        told = _body(newer) in text and shown(gone.code) in text
        return told and gone.title not in text and not any(shown(story.code) in text for story in others)

    def _save(self, story: Story) -> None:
        draft = drafted(story, (), "UTC")
        outcomes = [Outcome(url=story.url, fate="kept")]
        self.journal.settle(self.journal.admit([draft]), outcomes, (), self.clock.moment())

    def _mirrors(self, *urls: str) -> None:
        now = self.clock.moment()
        known = {mirror.url: mirror.name for mirror in self.journal.pool()}
        fresh = [
            Mirror(name=f"m{abs(hash(url))}", provider=url, host="lab", url=url, phase="live", since=now, born=now)
            for url in urls
            if url not in known
        ]
        self.journal.keep(fresh, [], now, [name for url, name in known.items() if url not in urls])


def _story(number: int, at: datetime, sentences: int) -> Story:
    url, name = f"https://peninsula.example/{number}", NAMES[number % len(NAMES)] + f" {number}"
    made = Story(
        url=url, code=story_code(url), lang="ru", title=f"Новость о деле «{name}»", lead=f"Коротко: {name}.",
        published=at, updated=at, section="Общество", blocks=(),
    )  # fmt: skip
    body = " ".join(SENTENCE.format(name, number) for number in range(sentences))
    return replace(made, blocks=(Paragraph(runs=(Run(f"{_mark(made)} {body}"),)),))


def _newer(story: Story) -> Story:
    newer = replace(story, version=story.version + 1)
    return replace(newer, blocks=(Paragraph(runs=(Run(_body(story).replace(_mark(story), _mark(newer))),)),))


def _mark(story: Story) -> str:
    """What only this version of this story says."""
    return f"{story.title}, версия {story.version}."


def _body(story: Story) -> str:
    return " ".join(plain_text(block.runs) for block in story.blocks if isinstance(block, Paragraph))


def _bare(message: Message) -> str:
    """What is read, but for addresses: those were other ones when it was posted."""
    return "\n".join(line for line in shown_text(message).split("\n") if ".example/" not in line).strip()


def _sent(row: Entry) -> str:
    """What a reader sees of an entry that went to him alone."""
    if row.channel == "mail":
        return f"{row.message.subject}\n{row.message.text.strip()}"
    return shown_text(row.message)
