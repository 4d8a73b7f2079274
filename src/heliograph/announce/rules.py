"""What a stage knows of a channel and of the newsroom: their rules and facts, free of any configuration file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from heliograph.announce.traits import TRAITS, Traits
from heliograph.model import Story
from heliograph.model.post import ChannelKind

What = Literal["stories", "day", "where"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The defaults are those of the configuration's tables ``[[channel]]``."""

    name: str
    kind: ChannelKind
    language: str = ""  # of stories; "" takes all
    voice: str = "en"  # language of what is said of no story
    sections: tuple[str, ...] = ()
    says: frozenset[What] = frozenset({"stories", "where"})
    confirm: frozenset[What] = frozenset()
    delay: timedelta = timedelta(0)
    quiet: tuple[time, time] | None = None
    urgent: tuple[str, ...] = ()  # sections or tags of breaking news
    fresh: timedelta = timedelta(hours=12)
    day_at: time = time(20, 0)
    zone: str = "UTC"
    parts: int = 4  # messages of one story
    pictures: bool = False  # a story begins with a card
    rich: bool = False  # a story is one rich message of Telegram
    slides: int = 4  # pictures of one story
    batch: int = 50  # subscribers in one request; 1 for chats
    since: datetime  # when the channel was set up: what is older is not posted

    @property
    def traits(self) -> Traits:
        """What channels of its kind can do."""
        return TRAITS[self.kind]

    def takes(self, story: Story) -> bool:
        """Whether stories like this one are posted here."""
        here = not self.sections or story.section.casefold() in {one.casefold() for one in self.sections}
        return here and (not self.language or story.lang.partition("-")[0] == self.language)

    def breaking(self, story: Story) -> bool:
        """Whether it is breaking news."""
        words = {one.casefold() for one in self.urgent}
        return bool(words & {one.casefold() for one in (story.section, *story.tags)})

    def wakes(self, now: datetime) -> datetime | None:
        """When quiet hours end, or None outside of them."""
        if self.quiet is None:
            return None
        begin, end = self.quiet
        local = now.astimezone(ZoneInfo(self.zone))
        clock = local.time()
        inside = begin <= clock < end if begin <= end else clock >= begin or clock < end
        if not inside:
            return None
        day = local.date() + (timedelta(days=1) if begin > end and clock >= begin else timedelta(0))
        return datetime.combine(day, end, ZoneInfo(self.zone)).astimezone(now.tzinfo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What posts may say of the newsroom now."""

    title: str
    mirrors: tuple[str, ...] = ()  # addresses that work, the best first, each with a slash at the end
    ways: tuple[tuple[str, str], ...] = ()  # other ways to read it: name and address
    own: frozenset[str] = frozenset()  # host names of its own site, which is blocked: links to it lead nowhere
    fingerprint: str = ""  # of the root key

    def link(self, code: str) -> str:
        """The story's address on the best mirror; "" where there is none."""
        return f"{self.mirrors[0]}a/{code}.html" if self.mirrors else ""
