"""Verdicts: every rule of the lab, and ordinary faults, looked at by the real prober; what was found against what was.

    python -m benchmarks.verdicts [--seeds 20] [--first 0] [--worlds 12] [--only NAME] [--json]

Each case has three settings and, of each, so many seeds; the seed decides loss, jitter, round trip, the order of checks
and which connections a rule strikes. A look is made behind the censor and one outside, both go to the judge, and its
finding for the censored network is the verdict. Nothing is hurried but the two minutes of rule D2, for which the
censor's clock is set forward. Needs root or user namespaces.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from benchmarks.cases import FAULTS, RULES, STOPPING, Case
from benchmarks.vantages import Bench, addresses_of, shared_files
from heliograph.lab.censor import profile
from heliograph.lab.world import missing
from heliograph.model.sighting import Finding, Sighting
from heliograph.watch import diagnose


def times(seeds: int, worlds: int) -> dict[str, list[float]]:
    """For each rule that stops pages, seconds from its beginning to a likely verdict."""
    cases = [case for case in RULES if case.name in STOPPING]
    jobs = [(case, seed) for seed in range(seeds) for case in cases]
    found: dict[str, list[float]] = {case.name: [] for case in cases}
    rest, lock = iter(jobs), threading.Lock()
    with tempfile.TemporaryDirectory(prefix="verdicts-") as place:
        shared = shared_files(Path(place))

        def work(number: int) -> None:
            with Bench(shared, number) as bench:
                while True:
                    with lock:
                        job = next(rest, None)
                    if job is None:
                        return
                    case, seed = job
                    setting = "curtain-16k:limit=5000" if case.name == "curtain-16k" else case.settings[0]
                    seconds = bench.until(case, setting, seed)
                    with lock:
                        found[case.name].append(seconds)

        with ThreadPoolExecutor(worlds) as pool:
            for done in [pool.submit(work, number) for number in range(worlds)]:
                done.result()
    return found


def measure(
    cases: Sequence[Case], seeds: range, worlds: int, minutes: float, trace: Path | None = None
) -> list[dict[str, Any]]:
    """Every case, setting and seed, spread over so many worlds; one row for each case."""
    jobs: list[tuple[Case, str, int]] = [
        (case, setting, seed) for seed in seeds for case in cases for setting in case.settings
    ]
    rows = {case.name: {"case": case.name, "right": case.verdicts, "seen": Counter[str](), "sure": 0} for case in cases}
    rest, lock = iter(jobs), threading.Lock()
    until = time.monotonic() + 60 * minutes
    with tempfile.TemporaryDirectory(prefix="verdicts-") as place, Progress(console=Console(stderr=True)) as bar:
        shared = shared_files(Path(place))
        task = bar.add_task("looks", total=len(jobs))

        def work(number: int) -> None:
            with Bench(shared, number) as bench:
                while True:
                    with lock:
                        job = next(rest, None)
                    if job is None or time.monotonic() > until:
                        return
                    case, setting, seed = job
                    try:
                        finding, looks = bench.run(case, setting, seed)
                        kind = finding.kind if finding else ""
                    except TimeoutError:  # told as what it is, and counted as wrong
                        finding, looks, kind = None, [], "no look in five minutes"
                    with lock:
                        row: Any = rows[case.name]
                        row["seen"][kind] += 1
                        row["sure"] += finding is not None and finding.strength != "suspicion"
                        bar.advance(task)
                        if trace and kind not in case.verdicts:
                            _trace(trace, case, setting, seed, finding, looks)

        with ThreadPoolExecutor(worlds) as pool:
            for done in [pool.submit(work, number) for number in range(worlds)]:
                done.result()
    return list(rows.values())


def _trace(path: Path, case: Case, setting: str, seed: int, finding: Finding | None, looks: Sequence[Sighting]) -> None:
    """What was seen where the verdict was wrong."""
    with path.open("a", encoding="utf-8") as file:
        file.write(f"== {case.name} | {setting} | seed {seed}: {finding}\n")
        for look in looks:
            file.write(f"  {look.vantage}: {diagnose(look, addresses=addresses_of(case.url))}\n")
            for one in look.results:
                out = one.outcome
                file.write(
                    f"    {one.check.tag:<22} {out.failure or 'ok':<24} {out.stage:<8} {out.status} rx {out.received}"
                    f" body {out.body} tx {out.sent} acked {out.acked} seg {out.segments} un {out.unacked}"
                    f" re {out.retransmits} rtt {out.rtt:.3f} hello {out.hello:.3f} first {out.first:.3f}"
                    f" sil {out.silence:.1f} {out.started:.1f}-{out.ended:.1f} {' '.join(out.addresses)}\n"
                )


def table(title: str, rows: Sequence[Mapping[str, Any]]) -> Table:
    """One line for each case."""
    made = Table(title=title)
    for column in ("case", "looks", "right, %", "verdicts"):
        made.add_column(column, justify="left" if column in ("case", "verdicts") else "right")
    for row in map(plain, rows):
        made.add_row(*(f"{value:.0f}" if isinstance(value, float) else str(value) for value in row.values()))
    return made


def main() -> int:
    """Measure and print; 1 if fewer than 95 % are right or an ordinary fault was called blocking."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed, to go on with a former run")
    parser.add_argument("--worlds", type=int, default=12, help="side by side; most of the time is waiting")
    parser.add_argument("--minutes", type=float, default=600.0, help="end sooner, with fewer seeds of the last cases")
    parser.add_argument("--only", default="", help="names of cases, with commas")
    parser.add_argument("--trace", type=Path, help="a file for what was seen where the verdict was wrong")
    parser.add_argument("--times", type=int, default=0, help="also seconds to a likely verdict, so often for each rule")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if reason := missing():
        print(f"no lab can be built here: {reason}", file=sys.stderr)
        return 1
    for case in (*RULES, *FAULTS):
        for setting in case.settings:
            assert setting.startswith("core ") or profile(setting)
    only = args.only.split(",") if args.only else []
    wanted = [[case for case in cases if not only or case.name in only] for cases in (RULES, FAULTS)]
    seeds = range(args.first, args.first + args.seeds)
    rows = measure([*wanted[0], *wanted[1]], seeds, args.worlds, args.minutes, args.trace)
    rules, faults = rows[: len(wanted[0])], rows[len(wanted[0]) :]
    right, looks = _right(rules)
    wrong = sum(sum(row["seen"].values()) for row in faults) - _right(faults)[0]
    whole: dict[str, Any] = {
        "rules of a censor": [plain(row) for row in rules],
        "ordinary faults": [plain(row) for row in faults],
        "verdicts": {"looks": looks, "right": right, "right, share": right / looks if looks else 1.0},
        "ordinary faults called blocking": {"looks": sum(sum(row["seen"].values()) for row in faults), "wrong": wrong},
    }
    if args.times:
        whole["seconds from the first block to a likely verdict"] = seconds(times(args.times, args.worlds))
    if args.json:
        print(json.dumps(whole))
    else:
        console = Console(width=100)
        console.print(table("rules of a censor", rules), table("ordinary faults", faults))
        console.print(f"{right} of {looks} verdicts right; {wrong} ordinary faults called blocking")
        for row in whole.get("seconds from the first block to a likely verdict", ()):
            console.print(f"{row['rule']:<16} {row['median']:6.1f} s, at most {row['longest']:6.1f} s")
    return 0 if right >= 0.95 * looks and not wrong else 1


def plain(row: Mapping[str, Any]) -> dict[str, str | int | float]:
    """A row as it is shown: one case, how often it was looked at, and what was said."""
    looks = sum(row["seen"].values())
    right = sum(count for kind, count in row["seen"].items() if kind in row["right"])
    seen = ", ".join(f"{kind or 'none'} {count}" for kind, count in Counter(row["seen"]).most_common())
    return {"case": row["case"], "looks": looks, "right, %": 100 * right / max(1, looks), "verdicts": seen}


def seconds(found: Mapping[str, Sequence[float]]) -> list[dict[str, str | int | float]]:
    """For each rule and for all, how long it took."""
    every = {**found, "all": [one for times in found.values() for one in times]}
    return [
        {"rule": name, "times": len(times), "median": statistics.median(times), "longest": max(times)}
        for name, times in every.items()
        if times
    ]


def _right(rows: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
    right = sum(count for row in rows for kind, count in row["seen"].items() if kind in row["right"])
    return right, sum(sum(row["seen"].values()) for row in rows)


if __name__ == "__main__":
    sys.exit(main())
