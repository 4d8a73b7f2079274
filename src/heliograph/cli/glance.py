"""``status``: where the newsroom stands, from the journal and the mirrors' pointers alone."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.table import Table

from heliograph.adapters.journal import SqlJournal
from heliograph.adapters.keys import Keys
from heliograph.cli import patrolling, standing
from heliograph.cli.cost import as_month
from heliograph.cli.hosts import opened, raising
from heliograph.cli.screen import out
from heliograph.cli.wiring import open_journal
from heliograph.config import Config, load
from heliograph.flows import keyring, logbook
from heliograph.flows.bill import read as read_bill
from heliograph.flows.house import told
from heliograph.flows.rotate import outlook
from heliograph.model import ConfigError, Problem, SignError, StoreError, paths
from heliograph.model.code import BadCode, parse_code, shown
from heliograph.model.names import link_keys

CODE_FAULTS = {
    "length": "a code has seven characters",
    "character": "that letter is in no code",
    "check": "the check character does not fit: one character is wrong, or two changed places",
}


def status(path: Path, *, as_json: bool, find: str) -> int:
    """Print where things stand; 1 if a mirror is behind or the last pass had failures."""
    config = load(path)
    with open_journal(config) as journal:
        if find:
            return _find(journal, find, as_json=as_json)
        facts = asyncio.run(_facts(config, journal))
    if as_json:
        print(json.dumps(facts, ensure_ascii=False))
    else:
        _show(facts)
    return 0 if facts["ok"] else 1


async def _facts(config: Config, journal: SqlJournal) -> dict[str, Any]:
    latest, now = journal.latest(), datetime.now(UTC)  # noqa: TID251 - the command line is where time comes from
    mirrors = []
    for table in config.stores:
        try:
            async with opened(config, table) as store:
                pointer, fault = await store.read(paths.POINTER), ""
        except StoreError as error:
            pointer, fault = b"", error.what
        shown = journal.signed_as(sha256(pointer).hexdigest()) if pointer else None
        number = shown.number if shown else 0
        month = as_month(read_bill(journal, config.mirror_place(table), now), table.ceiling)
        mirrors.append(
            {
                "name": table.name,
                "path": config.mirror_place(table),
                "edition": number,
                "fault": fault,
                "month": month,
            }
        )
    problems = json.loads(journal.recall("last") or "[]")
    problems = [problem for problem in problems if problem["where"] != "keys"] + _keys(config, journal)
    current = all(mirror["edition"] == (latest.number if latest else 0) for mirror in mirrors)
    return {
        "ok": current and not any(problem["fatal"] for problem in problems),
        "newsroom": config.newsroom.title,
        "edition": None if latest is None else {"number": latest.number, "made": latest.made.isoformat()},
        "stories": latest.stories if latest else 0,
        "files": latest.files if latest else 0,
        "languages": dict(journal.tally("lang")),
        "mirrors": mirrors,
        "told": [{"name": one.name, "url": one.url, "site": one.site} for one in told(journal, config)],
        "lacks": _lacks(config, journal, now),
        "watch": [patrolling.as_object(finding) for finding in journal.findings()],
        "channels": standing.standing(config, journal),
        "waiting": len(journal.dirty()),
        "cut": [{"text": cut.text, "reason": cut.reason, "stories": count} for cut, count in journal.cuts(5)],
        "problems": problems,
    }


def _lacks(config: Config, journal: SqlJournal, now: datetime) -> list[str]:
    """What the policy of the pool wants in vain; nothing where there is no pool."""
    if not config.host and not any(table.url for table in config.mirror):
        return []
    try:
        return list(outlook(journal, config, raising(config, journal), now).lacks)
    except ConfigError as error:  # what a host names cannot be used
        return [f"{error.where}: {error.what}"]


def _keys(config: Config, journal: SqlJournal) -> list[dict[str, Any]]:
    """What there is to say of the keys, as of now and not of the last pass."""
    try:
        folder = Keys(config.keys_folder)
        doubts = keyring.doubts(folder, journal.recall(keyring.STANDING), datetime.now(UTC))  # noqa: TID251
        doubts += logbook.doubts(folder, on=config.trust.log)
    except SignError as error:
        return [asdict(Problem(where="keys", what=error.what, remedy=error.remedy, fatal=True))]
    return [asdict(doubt) for doubt in doubts]


def _show(facts: dict[str, Any]) -> None:
    made = facts["edition"]
    current = sum(mirror["edition"] == (made or {"number": 0})["number"] for mirror in facts["mirrors"])
    if made is None:
        out.print(f"{escape(facts['newsroom'])} has not published yet. Next: heliograph publish")
        return
    when = made["made"][:16].replace("T", " ")
    out.print(f"{escape(facts['newsroom'])}: {current} of {len(facts['mirrors'])} mirrors up to date.")
    out.print(f"edition   {made['number']:,} of {when} UTC, {facts['stories']:,} stories in {facts['files']:,} files")
    table = Table(box=None, pad_edge=False)
    for column in ("mirror", "edition", "state", "where"):
        table.add_column(column, justify="right" if column == "edition" else "left", overflow="fold")
    for mirror in facts["mirrors"]:
        here = mirror["edition"] == made["number"]
        state = f"[red]{escape(mirror['fault'])}[/]" if mirror["fault"] else "up to date" if here else "[red]behind[/]"
        table.add_row(mirror["name"], f"{mirror['edition']:,}", state, escape(mirror["path"]))
    out.print(table)
    for one in facts["told"]:
        out.print(f"told      {escape(one['url'])}{' (site)' if one['site'] else ''}", soft_wrap=True)
    for lack in facts["lacks"]:
        out.print(f"[yellow]lacks[/]     {escape(lack)}", soft_wrap=True)
    if facts["watch"]:
        out.print(patrolling.matrix(facts["watch"], datetime.now(UTC)))  # noqa: TID251
    paid = [(one["name"], one["month"]["dollars"]) for one in facts["mirrors"] if one["month"]["dollars"]]
    if paid:
        out.print(f"uploads   {', '.join(f'{name} ${cost:,.2f}' for name, cost in paid)} this month", soft_wrap=True)
    now = datetime.now(UTC)  # noqa: TID251
    for channel in facts["channels"]:
        out.print(f"channel   {escape(channel['name'])}: {escape(standing.in_short(channel, now))}", soft_wrap=True)
    languages = ", ".join(f"{lang} {count:,}" for lang, count in sorted(facts["languages"].items()))
    out.print(f"languages {languages or 'none'}")
    for cut in facts["cut"]:
        out.print(f"cut       {cut['stories']:,} x “{escape(cut['text'][:56])}” ({cut['reason']})", soft_wrap=True)
    for problem in facts["problems"][:8]:
        out.print(f"problem   {escape(problem['where'])}: {escape(problem['what'])}", soft_wrap=True)
    if facts["waiting"]:
        out.print(f"{facts['waiting']:,} sheets wait to be rendered: heliograph publish")


def _find(journal: SqlJournal, text: str, *, as_json: bool) -> int:
    """Resolve a code or an address as the search box and the bots do.

    Raises:
        ConfigError: the text is a code with a fault; says which.
    """
    keys: list[str] = []
    code = parse_code(text)
    if isinstance(code, BadCode):
        if "/" not in text:
            raise ConfigError(
                CODE_FAULTS[code.reason], where=f"--find {text}", remedy="compare it with the page it is from"
            )
        keys = list(link_keys(text))
    else:
        keys = [code]
    briefs = journal.known(keys) or journal.by_code(keys)
    if as_json:
        found = [
            {"code": brief.code, "url": brief.url, "title": brief.title, "path": f"a/{brief.code}.html"}
            for brief in briefs
        ]
        print(json.dumps(found, ensure_ascii=False))
    for brief in () if as_json else briefs:
        out.print(
            f"{shown(brief.code)}  a/{brief.code}.html  {escape(brief.title)}\n         {brief.url}", soft_wrap=True
        )
    if not briefs and not as_json:
        out.print("no story of this edition")
    return 0 if briefs else 1
