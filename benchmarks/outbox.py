"""A day of posting with everything that can go wrong: is anything said twice, or lost?

    python -m benchmarks.outbox [--seeds 100] [--first 0] [--jobs 2] [--stories 60] [--kills 20] [--share 0.2] [--json]

Each seed is a day: stories, corrections, withdrawals, a mirror that dies, and the evening's letter to subscribers, on
Telegram, Viber, Instagram, Facebook, a webhook and by mail. The real adapters speak over loopback to the strict
emulators, of whose calls a share meets a fault: the connection ends, no answer comes, a gateway answers, the answer is
nonsense, each before or after it was done. The process that sends is killed (SIGKILL) at random moments and begun anew.
An editor confirms what is held, and decides what is unclear by looking at the channel. At the end each post that
readers see is held against the plan. Time runs faster than in earnest, and where all wait for it, it jumps; nothing
else is different.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.newsday import Day


def measure(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Each seed's day, as they end; ``args.jobs`` at once."""
    with ProcessPoolExecutor(args.jobs, mp_context=multiprocessing.get_context("forkserver")) as pool:
        seeds = range(args.first, args.first + args.seeds)
        yield from (done.result() for done in as_completed([pool.submit(_day, seed, args) for seed in seeds]))


def _day(seed: int, args: argparse.Namespace) -> dict[str, Any]:
    multiprocessing.get_context("forkserver").set_forkserver_preload(["benchmarks.sender"])
    with tempfile.TemporaryDirectory(prefix="outbox-") as place:
        return {"seed": seed, **Day(Path(place), seed, args).run()}


def main() -> int:
    """Measure and print; 1 if anything was said twice, lost, or is not as planned."""
    args = _arguments()
    rows = list[dict[str, Any]]()
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("days", total=args.seeds)
        for row in measure(args):
            rows.append(row)
            bar.advance(task)
            for line in row["wrong"]:
                bar.console.print(f"seed {row['seed']}: {line}", markup=False)
    rows.sort(key=lambda row: int(row["seed"]))
    keys = [key for key in rows[0] if key not in ("seed", "wrong")]
    total = {key: sum(row[key] for row in rows) for key in keys}
    if args.json:
        days = [{key: value for key, value in row.items() if key != "wrong"} for row in rows]
        print(json.dumps({"in all": {"days": len(rows), **total}, "each day": days}, ensure_ascii=False))
    else:
        table = Table(title=f"{len(rows)} days of {args.stories} stories")
        table.add_column("")
        table.add_column("in all", justify="right")
        for key, value in total.items():
            table.add_row(key, f"{value:,}")
        Console().print(table)
    bad = total["twice"] + total["lost"] + total["not as planned"] + total["unsettled"] + total["failed"]
    return 1 if bad else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1), help="days at once")
    parser.add_argument("--stories", type=int, default=60)
    parser.add_argument("--corrections", type=int, default=10)
    parser.add_argument("--withdrawals", type=int, default=2)
    parser.add_argument("--readers", type=int, default=20, help="subscribers of the day, of Telegram and of mail each")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--share", type=float, default=0.2, help="of calls that meet a fault")
    parser.add_argument("--pace", type=float, default=0.25, help="seconds between two stories, on average")
    parser.add_argument("--patience", type=float, default=240.0, help="seconds for the end of a day")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
