"""``post``: what editors see and do of the outbox."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.panel import Panel
from rich.table import Table

from heliograph.announce.outbox import PRIVATE
from heliograph.announce.prose import shown_text
from heliograph.cli import speaking
from heliograph.cli.screen import err, out
from heliograph.cli.wiring import open_journal
from heliograph.config import Config, load
from heliograph.flows.announce import plan_asked, plan_away, preview_of, rules_of
from heliograph.model import ConfigError, JournalBusyError, Story
from heliograph.model.code import BadCode, parse_code, shown
from heliograph.model.post import OPEN, TO_DECIDE, Entry, State, Topic
from heliograph.ports import Journal

_WAIT = 60.0  # seconds in which a command sends what it queued
_STYLES: dict[State, str] = {
    "held": "cyan", "queued": "dim", "sending": "yellow", "posted": "green", "failed": "red", "unknown": "red",
    "hand": "yellow", "dropped": "dim",
}  # fmt: skip
_ASKS = {"held": "heliograph post confirm", "unknown": "heliograph post settle", "hand": "heliograph post settle"}


def preview(path: Path, code: str, channel: str, *, as_json: bool) -> int:
    """What a story would be on each channel, as it will look; nothing is queued."""
    config, story = load(path), _code(code)
    with open_journal(config) as journal:
        made = preview_of(journal, config, story, _now(), only=_known(config, channel))
    if not made:
        raise ConfigError("the edition holds no such story", where=code, remedy="see: heliograph status --find")
    if as_json:
        told = [
            {"channel": name, "messages": [_message(one.message) for one in drafts]} for name, drafts in made.items()
        ]
        print(json.dumps(told, ensure_ascii=False))
        return 0
    for name, drafts in made.items():
        for number, draft in enumerate(drafts, start=1):
            text = shown_text(draft.message)
            title = f"{name}, {number} of {len(drafts)}" if len(drafts) > 1 else name
            foot = f"{len(text):,} characters" + (
                f", {len(draft.message.cards)} pictures" if draft.message.cards else ""
            )
            out.print(
                Panel(escape(text), title=escape(title), subtitle=foot, title_align="left", subtitle_align="right")
            )
    return 0


def send(path: Path, code: str, channel: str, *, as_json: bool) -> int:
    """Post a story now, held, old or left out as it may be; 1 if it is not out."""
    config, story = load(path), _code(code)
    with open_journal(config) as journal:
        names = _names(config, channel)
        told = _held_by_the_edition(journal, story, code)
        rules = [one for one in rules_of(journal, config, _now()) if one.name in names and not one.traits.audience]
        if not rules:  # a message of its own would reach none of its subscribers, and count as posted
            remedy = "its subscribers get the story in the letter of the day"
            raise ConfigError("it is no public place", where=f"channel {channel or names[0]}", remedy=remedy)
        # an editor who names no channel means those that take such stories
        names = [one.name for one in rules if channel or one.takes(told)]
        for name in names:
            plan_asked(journal, config, _now(), story, name)
        return _sent(config, journal, names, [Topic("story", story)], as_json=as_json)


def edit(path: Path, code: str, channel: str, *, as_json: bool) -> int:
    """Bring what is posted of a story up to the story and the addresses of now; 1 if that is not done."""
    config, story = load(path), _code(code)
    with open_journal(config) as journal:
        names = _names(config, channel)
        _held_by_the_edition(journal, story, code)
        for name in names:
            plan_asked(journal, config, _now(), story, name, anew=True)
        return _sent(config, journal, names, [Topic("story", story)], as_json=as_json)


def withdraw(path: Path, code: str, channel: str, *, as_json: bool) -> int:
    """Take a story's posts away, and leave it so, though the edition has the story; 1 if something is still there."""
    config, story = load(path), _code(code)
    with open_journal(config) as journal:
        names = _names(config, channel)
        for name in names:
            plan_away(journal, config, _now(), story, name)
        return _sent(config, journal, names, [Topic("story", story)], as_json=as_json)


def outbox(path: Path, channel: str, *, every: bool, as_json: bool) -> int:
    """What waits, and what a person must decide; 1 if there is something of that."""
    config = load(path)
    with open_journal(config) as journal:
        name = _known(config, channel)
        rows = (
            journal.entries(channel=name) if every else journal.entries(channel=name, states=(*sorted(OPEN), "failed"))
        )
        pauses = journal.pauses()
    asks = [row for row in rows if row.state in TO_DECIDE]
    if as_json:
        told = {
            "entries": [{**speaking.as_object(row), "text": shown_text(row.message)} for row in rows],
            "pauses": [
                {"channel": one.channel, "until": one.until.isoformat() if one.until else "", "note": one.note}
                for one in pauses.values()
            ],
        }
        print(json.dumps(told, ensure_ascii=False))
        return 1 if asks else 0
    out.print(table_of(rows))
    for pause in pauses.values():
        until = f"until {pause.until:%H:%M:%S}" if pause.until else f"until: heliograph post resume {pause.channel}"
        out.print(f"[yellow]{escape(pause.channel)}[/] rests {escape(until)}: {escape(pause.note)}", soft_wrap=True)
    for state in sorted({row.state for row in asks}):
        out.print(f"{sum(row.state == state for row in asks)} {state}: {_ASKS[state]} ID", soft_wrap=True)
    return 1 if asks else 0


def table_of(rows: Sequence[Entry]) -> Table:
    """Entries, one a line."""
    table = Table(box=None, pad_edge=False)
    for column in ("id", "channel", "what", "state", "says"):
        table.add_column(
            column, justify="right" if column == "id" else "left", overflow="ellipsis", no_wrap=column != "says"
        )
    for row in rows:
        about = shown(row.topic.of) if row.topic.kind == "story" else str(row.topic)
        part = f" {row.part + 1}" if row.part and row.part < PRIVATE else ""
        style = _STYLES[row.state]
        says = row.note or shown_text(row.message).replace("\n", " ")[:60]
        table.add_row(
            str(row.id), escape(row.channel), f"{row.act} {about}{part}", f"[{style}]{row.state}[/]", escape(says)
        )
    return table


def confirm(path: Path, ids: Sequence[int], *, every: bool) -> int:
    """Let held entries go out; 1 if one of them is not held."""
    config = load(path)
    with open_journal(config) as journal:
        held = journal.entries(states=("held",))
        wanted = {row.id for row in held if row.act != "withdraw"} if every else set(ids)
        done = {number for number in wanted if journal.settle_entry(number, "queued", (), "", _now(), ("held",))}
        for number in sorted(wanted - done):
            err.print(f"{number}: is not held", markup=False)
    out.print(f"{len(done)} confirmed")
    away = [row.id for row in held if row.act == "withdraw" and row.id not in wanted]
    if every and away:
        out.print(f"would take posts away, confirm by number: {' '.join(map(str, away))}", soft_wrap=True)
    return 1 if wanted - done else 0


def settle(path: Path, number: int, state: State, remote: str) -> int:
    """What a person found out about an entry."""
    config = load(path)
    with open_journal(config) as journal:
        rows = journal.entries(ids=[number])
        if not rows:
            raise ConfigError("there is no such entry", where=str(number), remedy="see: heliograph post outbox")
        (row,) = rows
        if row.state not in ("unknown", "hand", "failed", "held", "queued"):
            raise ConfigError(f"it is {row.state}, and nothing is to be decided", where=f"entry {number}")
        if row.state == "unknown" and state == "posted" and row.act == "post" and not remote:
            remedy = "give --there the post's address or number, so that it can be edited and withdrawn later"
            raise ConfigError("which post is it?", where=f"entry {number}", remedy=remedy)
        journal.settle_entry(number, state, [remote] if remote else row.remotes, "an editor says so", _now())
        out.print(speaking.in_words(replace(row, state=state, note="an editor says so")), markup=False)
    return 0


def resume(path: Path, channel: str) -> int:
    """Let a channel go on that was stopped."""
    config = load(path)
    with open_journal(config) as journal:
        journal.pause(_known(config, channel), None)
    out.print(f"{channel} goes on", markup=False)
    return 0


def _sent(config: Config, journal: Journal, names: Sequence[str], topics: Sequence[Topic], *, as_json: bool) -> int:
    """Send what is queued, or leave it to the service that runs; what became of it."""
    try:
        asyncio.run(speaking.say_now(config, journal, names, _WAIT))
        later = ""
    except JournalBusyError:
        later = "heliograph run sends it"
    rows = [row for row in journal.entries(topics=topics) if row.channel in names]
    if as_json:
        print(json.dumps([speaking.as_object(row) for row in rows], ensure_ascii=False))
    else:
        out.print(table_of(rows))
        if later:
            out.print(later)
    return 0 if later or all(row.state in ("posted", "dropped") for row in rows) else 1


def _names(config: Config, channel: str) -> list[str]:
    """The one channel that is named, or all."""
    return [channel] if _known(config, channel) else [table.name for table in config.channel]


def _known(config: Config, channel: str) -> str:
    names = [table.name for table in config.channel]
    if channel and channel not in names:
        remedy = f"channels here: {', '.join(names)}" if names else "add a table [[channel]]"
        raise ConfigError("there is no such channel", where=channel, remedy=remedy)
    if not names:
        raise ConfigError("there is no channel", remedy="add a table [[channel]]; see docs/operating/posts.md")
    return channel


def _held_by_the_edition(journal: Journal, story: str, code: str) -> Story:
    """The story: what was withdrawn is never posted, whoever asks."""
    found = journal.stories([story])
    if not found:
        raise ConfigError("the edition holds no such story", where=code, remedy="see: heliograph status --find")
    return found[0]


def _code(text: str) -> str:
    code = parse_code(text)
    if isinstance(code, BadCode):
        raise ConfigError("is no story code", where=text, remedy="a code has seven characters, such as 7K3 VQ2M")
    return code


def _message(message: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "text": message.text, "html": message.html, "rich": message.rich, "subject": message.subject,
        "link": message.link, "pictures": len(message.cards),
    }  # fmt: skip


def _now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the command line is where time comes from
