"""A day of posting with everything that can go wrong: is anything said twice, or lost?

    python -m benchmarks.outbox [--seeds 100] [--first 0] [--jobs 4] [--stories 60] [--kills 20] [--share 0.2]
        [--keep FILE] [--json]

With ``--keep`` each day is noted in a file as it ends, and a run that was broken off goes on from there.

Each seed is a day: stories, corrections, withdrawals, a mirror that dies, the day in ten lines, the evening's letter
to subscribers, and after these a correction and a withdrawal, on Telegram, Viber, Instagram, Facebook, a webhook and
by mail. The real adapters speak over loopback to the strict emulators, of whose calls a share meets a fault: the
connection ends, no answer comes, a gateway answers, the answer is nonsense, each before or after it was done. The
process that sends is killed (SIGKILL) at random moments and begun anew. An editor confirms what is held, and decides
what is unclear by looking at the channel. At the end each post that readers see is held against the plan. Time runs
faster than in earnest, and where all wait for it, it jumps; nothing else is different.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress

from benchmarks.newsday import Day
from benchmarks.report import Figure, Section, Table, show, to_plain

BAD = ("twice", "lost", "not as planned", "unsettled", "failed")


def measure(args: argparse.Namespace, known: Collection[int]) -> Iterator[dict[str, Any]]:
    """Each seed's day that is not ``known``, as they end; ``args.jobs`` at once."""
    seeds = [seed for seed in range(args.first, args.first + args.seeds) if seed not in known]
    with ProcessPoolExecutor(args.jobs, mp_context=multiprocessing.get_context("forkserver")) as pool:
        try:
            yield from (done.result() for done in as_completed([pool.submit(_day, seed, args) for seed in seeds]))
        finally:
            pool.shutdown(cancel_futures=True)


def kept(args: argparse.Namespace) -> list[dict[str, Any]]:
    """The days of these settings that ``args.keep`` holds."""
    if not args.keep or not args.keep.exists():
        return []
    lines = [json.loads(line) for line in args.keep.read_text(encoding="utf-8").splitlines()]
    wanted = range(args.first, args.first + args.seeds)
    return [line["day"] for line in lines if line["of"] == _settings(args) and line["day"]["seed"] in wanted]


def _settings(args: argparse.Namespace) -> list[float]:
    return [args.stories, args.corrections, args.withdrawals, args.readers, args.kills, args.share]


def _day(seed: int, args: argparse.Namespace) -> dict[str, Any]:
    multiprocessing.get_context("forkserver").set_forkserver_preload(["benchmarks.sender"])
    with tempfile.TemporaryDirectory(prefix="outbox-") as place:
        return {"seed": seed, **Day(Path(place), seed, args).run()}


def main() -> int:
    """Measure and print; 1 if anything was said twice, lost, or is not as planned."""
    args = _arguments()
    rows = kept(args)
    with Progress(console=Console(stderr=True)) as bar:
        task = bar.add_task("days", total=args.seeds, completed=len(rows))
        for row in measure(args, {row["seed"] for row in rows}):
            rows.append(row)
            if args.keep:
                with args.keep.open("a", encoding="utf-8") as file:
                    print(json.dumps({"of": _settings(args), "day": row}, ensure_ascii=False), file=file)
            bar.advance(task)
            for line in row["wrong"]:
                bar.console.print(f"seed {row['seed']}: {line}", markup=False)
    rows.sort(key=lambda row: int(row["seed"]))
    total = totals(rows)
    made = section(total, args)
    if args.json:
        print(json.dumps({"sections": [to_plain(made)], "each day": rows}, ensure_ascii=False))
    else:
        show(made.tables[0], Console(width=80, highlight=False))
    return 1 if any(total[key] for key in BAD) else 0


def totals(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """What all days come to."""
    keys = [key for key in rows[0] if key not in ("seed", "wrong")]
    return {"days": len(rows), **{key: sum(row[key] for row in rows) for key in keys}}


def section(total: Mapping[str, int], args: argparse.Namespace) -> Section:
    """The table and the README's line."""
    command = f"python -m benchmarks.outbox --seeds {args.seeds}"
    table = Table(
        title=f"Days of {args.stories} stories on six channels, {args.share:.0%} of calls failing",
        columns=("", "in all"),
        rows=tuple(total.items()),
        command=command,
        notes=(
            f"a day: {args.corrections} corrections, {args.withdrawals} withdrawals, a mirror that dies, the evening's "
            f"letter to {args.readers} subscribers by mail and as many of Telegram, {args.kills} kill -9; after the "
            "letters a story is corrected and another withdrawn, and the day's posts and letters must follow",
            "lost: what the outbox calls posted, and no reader sees; not as planned: readers see something else",
        ),
    )
    bad = ", ".join(str(total[key]) for key in ("twice", "lost", "not as planned"))
    figure = Figure(
        what=f"posts said twice, lost, not as planned; {args.share:.0%} of calls failing, {args.kills} kill -9 a day",
        value=f"{bad} of {total['posts']:,} in {total['days']} days",
        goal="0",
        beside="",
        command=command,
    )
    return Section(name="Days of posting", date="", tables=(table,), figures=(figure,))


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
    parser.add_argument("--keep", type=Path, help="note days there, and leave out those that it holds")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())
