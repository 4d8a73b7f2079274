"""``vantage forward``: what came into one drop goes on to another, sealed as it is."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from heliograph.adapters.reach import WebMirror
from heliograph.adapters.spool import MOST, Spool
from heliograph.cli.screen import out
from heliograph.flows.lookout import send


def forward(folder: Path, url: str, *, as_json: bool) -> int:
    """Post every message in ``folder`` to the drop of ``url``; 1 if some are left.

    Raises:
        ConfigError: ``url`` is no address.
        StoreError: the folder cannot be used.
    """
    box = Spool(folder)

    async def go() -> int:
        async with WebMirror(url) as mirror:
            return await send(box, [mirror], MOST)

    sent, left = asyncio.run(go()), len(box.names())
    if as_json:
        print(json.dumps({"sent": sent, "left": left}))
    else:
        out.print(f"passed on {sent:,}, {left:,} left")
    return 1 if left else 0
