"""``lab channels``: a rehearsal of posting, on this machine alone."""

from __future__ import annotations

import asyncio
import errno
import time
from pathlib import Path

from heliograph.cli.screen import out
from heliograph.cli.service import over_on_signal
from heliograph.lab.channels.rehearsal import Rehearsal
from heliograph.model import StoreError


def run(folder: Path, port: int, *, share: float, seed: int) -> int:
    """Until SIGTERM or SIGINT.

    Raises:
        StoreError: the port is taken, or the folder cannot be written.
    """
    return asyncio.run(_run(folder, port, share, seed))


async def _run(folder: Path, port: int, share: float, seed: int) -> int:
    over = over_on_signal()
    rehearsal = Rehearsal(time.time, seed=seed, share=share)
    try:
        async with rehearsal.running(port) as door:
            tables = rehearsal.tables(folder)  # makes the folder
            (folder / "channels.toml").write_text(tables, encoding="utf-8")
            out.print(f"all posts   {door}/", soft_wrap=True)
            out.print(f"tables      {folder / 'channels.toml'}: put them into a heliograph.toml", soft_wrap=True)
            out.print("            then: heliograph run, or heliograph post send CODE", soft_wrap=True)
            await over.wait()
    except OSError as error:
        taken = error.errno == errno.EADDRINUSE
        where = f"port {port}" if taken else str(folder)
        raise StoreError(f"{error.strerror}", where=where, remedy="give another --port" if taken else "") from error
    shown = len(rehearsal.wall())
    out.print(f"{shown} posts were there at the end")
    return 0
