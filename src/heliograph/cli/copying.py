"""``sync``: a volunteer's copy from any mirrors, verified before anything is replaced."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from rich.markup import escape

from heliograph.adapters.folder import Folder
from heliograph.adapters.reach import Way, reach
from heliograph.cli import tor
from heliograph.cli.screen import Bars, Stopwatch, err, out
from heliograph.cli.verifying import as_object, load_state, read_root, save_state
from heliograph.flows.sync import Synced, sync
from heliograph.model import ConfigError
from heliograph.model.release import KEPT, Part

_PARTS = "parts.json"
_EXIT = {"verified": 0, "stale": 2, "refused": 1, "withdrawn": 1}


def run(sources: Sequence[str], folder: Path, root: Path, *, paced: bool, keep: bool, socks: str, as_json: bool) -> int:
    """Bring ``folder`` to the newest release of ``sources``; the exit code."""
    pinned = read_root(root)
    watcher, way = Stopwatch() if as_json else Bars(), tor.way(socks)
    with watcher:
        result = asyncio.run(_run(sources, folder, pinned, watcher, paced=paced, keep=keep, way=way))
    verdict = result.verdict
    if as_json:
        figures = {"files": result.files, "fetched": result.fetched, "written": result.written}
        figures |= {"removed": result.removed}
        print(json.dumps({**as_object(verdict), **figures, "unnamed": result.unnamed, "log": result.log}))
    elif _EXIT[verdict.verdict] == 1:
        err.print(f"[red]not copied[/]: {verdict.what or verdict.code}; {folder} is what it was", soft_wrap=True)
    else:
        old = " [yellow](authentic, but old)[/]" if verdict.stale else ""
        out.print(f"release   {verdict.release:,} of {verdict.time:%Y-%m-%d %H:%M} UTC{old}: {result.files:,} files")
        out.print(f"fetched   {result.fetched:,}; written {result.written:,}")
        if result.removed:
            out.print(f"removed   {result.removed:,} parts of old releases")
        out.print(f"Next: heliograph serve {folder}", soft_wrap=True)
    if result.unnamed:
        err.print(f"[yellow]{result.unnamed:,} files are in the map, but no page names them[/]; they were left out")
    if result.log:
        err.print(f"[yellow]the release log was left out[/]: {escape(result.log)}", soft_wrap=True)
    return max(_EXIT[verdict.verdict], 1 if result.unnamed or result.log else 0)


async def _run(
    sources: Sequence[str],
    folder: Path,
    pinned: bytes,
    watcher: Stopwatch,
    *,
    paced: bool,
    keep: bool,
    way: Way | None,
) -> Synced:
    kept = folder.with_name(f".{folder.name}.seen")
    now = datetime.now(UTC)  # noqa: TID251 - the command line is where time comes from
    async with AsyncExitStack() as stack:
        mirrors = [reach(source, paced=paced, way=way) for source in sources]
        for mirror in mirrors:
            await stack.enter_async_context(mirror)
        waiting = Folder(folder.with_name(f".{folder.name}.sync"))
        copy, state, parts = Folder(folder, folder.name), load_state(kept), _load_parts(kept)
        result = await sync(mirrors, copy, waiting, state, pinned, now, watcher, parts, keep=keep)
    if _EXIT[result.verdict.verdict] != 1:
        save_state(kept, result.state)
        _save_parts(kept, result.parts)
    return result


def _load_parts(folder: Path) -> dict[str, Part]:
    """What the last run knew of the parts of releases; nothing where that is missing or damaged, and then they stay."""
    try:
        rows = json.loads((folder / _PARTS).read_bytes())
        return {
            str(name): Part(
                kind=kind, of=str(of), since=datetime.fromisoformat(since).astimezone(UTC) if since else None
            )
            for name, (kind, of, since) in rows.items()
            if kind in KEPT
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def _save_parts(folder: Path, parts: Mapping[str, Part]) -> None:
    """Keep ``parts`` in ``folder`` as one unit.

    Raises:
        ConfigError: it cannot be written.
    """
    rows = {name: (one.kind, one.of, one.since.isoformat() if one.since else "") for name, one in parts.items()}
    try:
        scratch = folder / f".{_PARTS}"
        scratch.write_text(json.dumps(rows), encoding="utf-8")
        scratch.replace(folder / _PARTS)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=str(folder)) from error
