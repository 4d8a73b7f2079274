"""``sync``: a volunteer's copy from any mirrors, verified before anything is replaced."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

from rich.markup import escape

from heliograph.adapters.folder import Folder
from heliograph.adapters.reach import reach
from heliograph.cli.screen import Bars, Stopwatch, err, out
from heliograph.cli.verifying import as_object, load_state, read_root, save_state
from heliograph.flows.sync import Synced, sync

_EXIT = {"verified": 0, "stale": 2, "refused": 1, "withdrawn": 1}


def run(sources: Sequence[str], folder: Path, root: Path, *, paced: bool, as_json: bool) -> int:
    """Bring ``folder`` to the newest release of ``sources``; the exit code."""
    pinned = read_root(root)
    watcher = Stopwatch() if as_json else Bars()
    with watcher:
        result = asyncio.run(_run(sources, folder, pinned, watcher, paced=paced))
    verdict = result.verdict
    if as_json:
        figures = {"files": result.files, "fetched": result.fetched, "written": result.written}
        print(json.dumps({**as_object(verdict), **figures, "unnamed": result.unnamed, "log": result.log}))
    elif _EXIT[verdict.verdict] == 1:
        err.print(f"[red]not copied[/]: {verdict.what or verdict.code}; {folder} is what it was", soft_wrap=True)
    else:
        old = " [yellow](authentic, but old)[/]" if verdict.stale else ""
        out.print(f"release   {verdict.release:,} of {verdict.time:%Y-%m-%d %H:%M} UTC{old}: {result.files:,} files")
        out.print(f"fetched   {result.fetched:,}; written {result.written:,}")
        out.print(f"Next: heliograph serve {folder}", soft_wrap=True)
    if result.unnamed:
        err.print(f"[yellow]{result.unnamed:,} files are in the map, but no page names them[/]; they were left out")
    if result.log:
        err.print(f"[yellow]the release log was left out[/]: {escape(result.log)}", soft_wrap=True)
    return max(_EXIT[verdict.verdict], 1 if result.unnamed or result.log else 0)


async def _run(sources: Sequence[str], folder: Path, pinned: bytes, watcher: Stopwatch, *, paced: bool) -> Synced:
    kept = folder.with_name(f".{folder.name}.seen")
    now = datetime.now(UTC)  # noqa: TID251 - the command line is where time comes from
    async with AsyncExitStack() as stack:
        mirrors = [reach(source, paced=paced) for source in sources]
        for mirror in mirrors:
            await stack.enter_async_context(mirror)
        waiting = Folder(folder.with_name(f".{folder.name}.sync"))
        result = await sync(mirrors, Folder(folder, folder.name), waiting, load_state(kept), pinned, now, watcher)
    if _EXIT[result.verdict.verdict] != 1:
        save_state(kept, result.state)
    return result
