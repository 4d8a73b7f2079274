"""What plans are made of: one channel at one moment, the entries it writes, and the changes they come to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, NamedTuple

from heliograph.announce import compose
from heliograph.announce.compose import Draft, Label, Speaks
from heliograph.announce.rules import Facts, Rules, What
from heliograph.model import Story
from heliograph.model.post import Act, Entry, State, Topic

BY_HAND: Final = "delete it in the provider's app, then: heliograph post settle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Changes of the outbox."""

    fresh: tuple[Entry, ...] = ()
    changed: tuple[Entry, ...] = ()

    def __add__(self, other: Plan) -> Plan:
        return Plan(fresh=self.fresh + other.fresh, changed=self.changed + other.changed)


@dataclass(frozen=True, slots=True, kw_only=True)
class At:
    """One channel at one moment."""

    rules: Rules
    now: datetime
    facts: Facts
    speaks: Speaks

    def drafts(self, story: Story, *, parts: int = 0) -> tuple[Draft, ...]:
        """What the story is here now."""
        label: Label = "breaking" if self.rules.breaking(story) else ""
        return compose.story(story, self.rules, self.facts, self.speaks, label=label, parts=parts)

    def notice(self, topic: Topic, lang: str) -> Draft:
        """What stands where a story was that cannot be deleted."""
        return compose.withdrawn(self.rules, topic.of, self.speaks, lang)

    def first_state(self, what: What) -> State:
        """Whether an editor looks at it first."""
        return "held" if what in self.rules.confirm else "queued"

    def dropped(self, row: Entry, why: str) -> Entry:
        """The entry, which nobody shall do any more."""
        return replace(row, state="dropped", changed=self.now, note=why)

    def withdrawal(self, post: Entry, version: int, state: State, note: str) -> Entry:
        """A new entry that takes ``post`` away."""
        return replace(
            post, id=0, act="withdraw", version=version, state=state, note=note, urgent=True, attempt=0,
            not_before=None, queued=self.now, changed=self.now, by_hand=False,
        )  # fmt: skip

    def entry(
        self,
        topic: Topic,
        story: Story | None,
        draft: Draft,
        *,
        version: int = 0,
        part: int = 0,
        act: Act = "post",
        state: State = "queued",
        urgent: bool = False,
    ) -> Entry:
        """A new entry of this channel; without ``version`` it is that of the story."""
        told = story.version if story else 0
        return Entry(
            channel=self.rules.name,
            topic=topic,
            version=version or told,
            told=told,
            part=part,
            act=act,
            message=draft.message,
            digest=draft.digest,
            state=state,
            urgent=urgent,
            queued=self.now,
            changed=self.now,
        )


class Told(NamedTuple):
    """What an entry tells of a story."""

    version: int
    digest: str  # see ``compose.tell``


def told_by(row: Entry) -> dict[str, Told]:
    """What an entry about a day tells, by the story's code."""
    parts = (one.split(":") for one in row.message.tells)
    return {code: Told(int(version), digest) for code, version, digest in parts}


def is_first(row: Entry) -> bool:
    """Whether it is the day itself, and not what mends it."""
    return row.act == "post" and row.version == 1
