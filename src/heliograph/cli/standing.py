"""How channels stand: what their providers said of tokens, what waits, and what a person must decide."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from heliograph.config import Config
from heliograph.model.post import OPEN, TO_DECIDE, Health
from heliograph.ports import Journal

_ALARM = 14  # days before a token ends, from when it is told
_MOST = 10_000  # open entries that are counted
_COUNTED = (("waiting", "to send"), ("decide", "to decide"), ("failed", "failed"), ("questions", "readers wait"))
_NEVER = '{"works": true, "expires": "", "note": "", "at": ""}'


def keep_health(journal: Journal, name: str, health: Health, now: datetime) -> None:
    """Remember how a channel stands."""
    expires = health.expires.isoformat() if health.expires else ""
    kept = {"works": health.works, "expires": expires, "note": health.note, "at": now.isoformat()}
    journal.note(f"health {name}", json.dumps(kept, ensure_ascii=False))


def worries(name: str, health: Health, now: datetime) -> list[str]:
    """What an editor must know of a channel."""
    found = [] if health.works else [f"channel {name} cannot be posted to: {health.note}"]
    if health.expires is not None:
        left = (health.expires - now).total_seconds() / 86_400
        if left <= _ALARM:
            found.append(f"channel {name}: its token ends in {max(0, int(left))} days; get a new one")
    return found


def standing(config: Config, journal: Journal) -> list[dict[str, Any]]:
    """How each channel stands, for ``status``: its token, what waits, and what a person must decide."""
    pauses, found = journal.pauses(), []
    for table in config.channel:
        kept = json.loads(journal.recall(f"health {table.name}") or _NEVER)
        rows = journal.entries(channel=table.name, states=(*sorted(OPEN), "failed"), limit=_MOST)
        pause = pauses.get(table.name)
        found.append(
            {
                "name": table.name,
                "kind": table.kind,
                **kept,
                "waiting": sum(row.state in ("queued", "sending") for row in rows),
                "decide": sum(row.state in TO_DECIDE for row in rows),
                "failed": sum(row.state == "failed" for row in rows),
                "stopped": pause.note if pause is not None and pause.until is None else "",
                "questions": int(journal.recall(f"queue {table.name}") or 0),
            }
        )
    return found


def in_short(facts: Mapping[str, Any], now: datetime) -> str:
    """A channel of ``standing`` as a line."""
    said = [f"{facts[key]} {word}" for key, word in _COUNTED if facts[key]]
    expires = datetime.fromisoformat(facts["expires"]) if facts["expires"] else None
    said += worries(facts["name"], Health(works=facts["works"], expires=expires, note=facts["note"]), now)
    if facts["stopped"]:
        said.append(f"stopped: {facts['stopped']}; then: heliograph post resume {facts['name']}")
    return ", ".join(said) or ("well" if facts["at"] else "not looked at yet")
