"""Stories, facts and rules for tests of announcing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from heliograph.announce.rules import Facts, Rules
from heliograph.model import Block, Paragraph, Run, Story
from heliograph.model.code import story_code
from heliograph.model.post import ChannelKind
from heliograph.model.words import Words, interface

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
FACTS = Facts(
    title="Полуостров",
    mirrors=("https://still-water.example/", "https://blue-door.example/"),
    ways=(("Telegram", "https://t.me/peninsula"),),
    own=frozenset({"peninsula.example"}),
)
KINDS: tuple[ChannelKind, ...] = ("telegram", "viber", "instagram", "facebook", "mail", "webhook")


def speaks(lang: str) -> Words:
    return interface(lang, "en")


def rules(kind: ChannelKind = "telegram", **more: Any) -> Rules:
    return Rules(**{"name": "ours", "kind": kind, "voice": "ru", "since": NOW.replace(day=1), **more})


def paragraph(*runs: Run | str) -> Paragraph:
    return Paragraph(runs=tuple(Run(one) if isinstance(one, str) else one for one in runs))


def story(*blocks: Block | str, **more: Any) -> Story:
    url = "https://peninsula.example/bridge"
    made: dict[str, Any] = {
        "url": url,
        "code": story_code(url),
        "lang": "ru",
        "title": "Мост закрыли на ремонт",
        "lead": "Объезд займёт час.",
        "blocks": tuple(paragraph(one) if isinstance(one, str) else one for one in blocks),
        "published": NOW,
        "updated": NOW,
        "section": "Город",
    }
    return Story(**{**made, **more})
