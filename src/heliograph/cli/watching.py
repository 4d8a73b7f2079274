"""``monitor``: look at mirrors as an auditor, remember what was seen, and say what is wrong."""

from __future__ import annotations

import asyncio
import json
import os
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from rich.markup import escape

from heliograph.adapters.reach import Way, reach
from heliograph.cli import tor
from heliograph.cli.screen import err, out
from heliograph.cli.verifying import as_object, packed, read_root, unpacked
from heliograph.flows.monitor import Watched, monitor
from heliograph.model import ConfigError
from heliograph.trust.chain import State
from heliograph.trust.sight import is_sound

_FILE, _FORMAT = "monitor.json", "heliograph-monitor/1"
_MAX = 100_000_000  # bytes of a state
_INDENT = 10  # columns before what is said of a mirror

Kept = Literal["none", "new", "kept", "damaged"]


def run(sources: Sequence[str], root: Path, *, state: Path | None, paced: bool, socks: str, as_json: bool) -> int:
    """One round over ``sources``; the exit code.

    Raises:
        ConfigError: a source, the root or the state folder cannot be used.
    """
    pinned = read_root(root)
    now = datetime.now(UTC)  # noqa: TID251 - the command line is where time comes from
    how, kept = _load(state, now)
    watched = asyncio.run(_run(sources, kept, pinned, now, paced=paced, way=tor.way(socks)))
    _save(state, watched.kept)
    if as_json:
        print(json.dumps(_object(watched, how)))
    else:
        _show(watched)
    return 1 if watched.findings else 2 if watched.stale else 0


async def _run(
    sources: Sequence[str],
    kept: Mapping[str, State],
    pinned: bytes,
    now: datetime,
    *,
    paced: bool,
    way: Way | None,
) -> Watched:
    async with AsyncExitStack() as stack:
        mirrors = [reach(_settled(source), paced=paced, way=way) for source in sources]
        places = [mirror.place for mirror in mirrors]
        if twice := [place for place in places if places.count(place) > 1]:
            raise ConfigError("it is named twice", where=twice[0], remedy="name each mirror once")
        for mirror in mirrors:
            await stack.enter_async_context(mirror)
        return await monitor(mirrors, kept, pinned, now)


def _settled(source: str) -> str:
    """``source`` with one spelling for a folder, wherever the command is called: what was seen is kept under it."""
    is_web = urlsplit(source).scheme in ("http", "https")
    return source if is_web else str(Path(source.removeprefix("file://")).resolve())


# ---------------------------------------------------------------- what is said


def _object(watched: Watched, how: Kept) -> dict[str, Any]:
    point = watched.point
    verdict = "refused" if watched.findings else "authentic-but-stale" if watched.stale else "verified"
    return {
        "verdict": verdict,
        "release": watched.release,
        "log": {"origin": point.origin, "size": point.size, "root": point.root.hex()} if point else None,
        "state": how,
        "mirrors": [
            {"place": place, **as_object(one.verdict), "size": one.point.size if one.point else None}
            for place, one in watched.sights.items()
        ],
        "findings": [asdict(finding) for finding in watched.findings],
    }


def _show(watched: Watched) -> None:
    for place, one in watched.sights.items():
        verdict = one.verdict
        if verdict.verdict == "refused":
            out.print(f"mirror    {escape(place)}\n          [red]refused: {verdict.code}[/]", soft_wrap=True)
            continue
        what = f"release {verdict.release:,} of {verdict.time:%Y-%m-%d %H:%M} UTC"
        what += f", log {one.point.size:,}" if one.point else ""
        behind = ", [yellow]behind[/]" if verdict.release < watched.release else ""
        old = ", [yellow]authentic but old[/]" if verdict.stale else ""
        out.print(f"mirror    {escape(place)}\n          {what}{behind}{old}", soft_wrap=True)
    point = watched.point
    out.print(f"log       {escape(point.origin)}" if point else "log       none", soft_wrap=True)
    for finding in watched.findings:
        told = textwrap.wrap(f"{finding.code}: {finding.what}", max(out.width - _INDENT, 40), break_long_words=False)
        below = "".join(f"\n{' ' * _INDENT}{escape(line)}" for line in (*told[1:], *finding.places))
        out.print(f"[red]finding[/]   {escape(told[0])}{below}", soft_wrap=True)
    count = len(watched.findings)
    out.print(f"[red]{count} findings[/]: tell the newsroom" if count else "[green]nothing wrong was found[/]")


# ---------------------------------------------------------------- what is kept


def _load(folder: Path | None, now: datetime) -> tuple[Kept, dict[str, State]]:
    """What the last round kept. What is damaged is put aside, and said: a thief may have done it.

    Raises:
        ConfigError: it cannot be read, or not be put aside.
    """
    if folder is None:
        return "none", {}
    path = folder / _FILE
    try:
        with path.open("rb") as file:
            data = file.read(_MAX)
    except FileNotFoundError:
        return "new", {}
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=f"--state {folder}") from error
    kept = _states(data, now)
    if kept is not None:
        return "kept", kept
    aside = path.with_name(f"{_FILE}.damaged")
    try:
        path.replace(aside)
    except OSError as error:
        raise ConfigError(f"is damaged, and cannot be put aside: {error.strerror}", where=str(path)) from error
    what = f"{path} is damaged and was put aside as {aside.name}: nothing is compared with what was seen before"
    err.print(f"[bold yellow]state[/] {escape(what)}", soft_wrap=True)
    return "damaged", {}


def _states(data: bytes, now: datetime) -> dict[str, State] | None:
    """The states in a file, None where it is damaged anywhere."""
    try:
        value = json.loads(data)
        found = {place: unpacked(one) for place, one in value["mirrors"].items()}
        sound = value["format"] == _FORMAT and all(is_sound(one, now) for one in found.values())
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return found if sound else None


def _save(folder: Path | None, kept: Mapping[str, State]) -> None:
    """Keep ``kept`` as one unit.

    Raises:
        ConfigError: it cannot be written.
    """
    if folder is None:
        return
    value = {"format": _FORMAT, "mirrors": {place: packed(state) for place, state in kept.items()}}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = folder / f".{_FILE}"
        with scratch.open("w", encoding="utf-8") as file:
            json.dump(value, file)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(folder / _FILE)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=f"--state {folder}") from error
