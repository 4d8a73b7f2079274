"""Whole tools on the same site in the same run: heliograph, wget, HTTrack, Pelican, Hugo.

    python -m benchmarks.whole [--stories 1000] [--full] [--only wget,hugo] [--first] [--no-pictures]
        [--json]

Each tool makes its output from nothing, then once more with nothing changed, then once more with one story more.
heliograph publishes to two folder mirrors and is measured twice in one go: until the text edition stands on both (seen
from outside: their pointer files), and until all is done, pictures and denser packing included. The site is served by
nginx on loopback, without any round-trip time, so crawlers do better here than anywhere. Wall time on a shared machine
differs by up to three times from run to run: compare within one run, and trust processor time more.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from rich.console import Console
from rich.status import Status

from benchmarks import budget, peers
from benchmarks.frame import measure, python, tree
from benchmarks.outcome import STEPS, Outcome, Step, figures, raw, tables
from benchmarks.report import Section, number, show, to_plain
from benchmarks.sites import BenchError, Site, make, one_more_story, one_story_changed, served, work_folder

LIMITS = (900.0, 7_200.0)  # seconds allowed to heliograph for 1,000 and for 10,000 stories
_SECOND_MIRROR = '\n[[mirror]]\nname = "second"\npath = "mirrors/second"\n'


class Teller:
    """Tells on the terminal what is under way, and keeps one line for each thing that ended."""

    def __init__(self, console: Console, status: Status) -> None:
        self._console, self._status = console, status

    def begin(self, what: str) -> None:
        """``what`` is under way."""
        self._status.update(what)

    def end(self, what: str, step: Step) -> None:
        """``what`` ended thus."""
        mark = f", text after {number(step.usage.mark)} s" if step.usage.mark is not None else ""
        figures = f"{number(step.usage.wall)} s{mark}, {number(step.usage.cpu)} s CPU, {step.written:,} files written"
        self._console.print(f"{what:<34} {step.failure or figures}", markup=False, soft_wrap=True)


def run_peer(
    peer: peers.Peer, site: Site, folder: Path, env: Mapping[str, str], tell: Teller, steps_wanted: int = 3
) -> Outcome:
    """Measure ``peer`` in ``folder``, step by step until one fails or the first ``steps_wanted`` are done."""
    if peer.prepare:
        tell.begin(f"{peer.name}: writing its input")
        peer.prepare(site, folder)
    output = folder / peer.output
    steps: dict[str, Step] = {}
    for name in STEPS[:steps_wanted]:
        change: AbstractContextManager[object] = nullcontext()
        if name == "added" and peer.add:
            peer.add(site, folder)
        elif name == "added":
            change = one_more_story(site)
        with change:
            command = peer.first(site, folder) if name == "first" else peer.again(site, folder)
            tell.begin(what := f"{peer.name}, {site.stories:,} stories, {name}")
            steps[name] = _step(command, folder, [output], peer.limit(site.stories), peer.fine, env)
        tell.end(what, steps[name])
        if not steps[name].ok:
            break
    notes = (f"{peer.label}: {peer.note}",) if peer.note else ()
    return Outcome(name=peer.name, label=peer.label, stories=site.stories, steps=steps, notes=notes)


def run_heliograph(site: Site, folder: Path, date: str, env: Mapping[str, str], tell: Teller) -> Outcome:
    """Measure ``heliograph publish`` to two folder mirrors in ``folder``, and read every file of one of them.

    Raises BenchError if it cannot even be set up.
    """
    tell.begin("heliograph: init")
    publish = _set_up(site, folder, env)
    mirrors = [folder / "mirrors" / name for name in ("first", "second")]
    changes = {"added": one_more_story, "corrected": one_story_changed}
    steps: dict[str, Step] = {}
    faults: list[str] = []
    sections: tuple[Section, ...] = ()
    for name in STEPS:
        with changes[name](site) if name in changes else nullcontext():
            tell.begin(what := f"heliograph, {site.stories:,} stories, {name}")
            limit, marks = LIMITS[site.stories > 1_000], [mirror / "now" for mirror in mirrors]
            steps[name] = _step(publish, folder, mirrors, limit, frozenset({0}), env, marks)
        tell.end(what, steps[name])
        if not steps[name].ok:
            break
        faults += _differ(name, mirrors)
        if name == "first":
            tell.begin("heliograph: reading every file of a mirror")
            found = list(budget.check(mirrors[0]))
            faults += [f"{one.path}: {'; '.join(one.faults)}" for one in found if one.faults][:5]
            command = f"python -m benchmarks.whole --stories {site.stories} --only heliograph"
            sections = (budget.section(found, command, date, f"Byte budget, {site.stories:,} stories"),)
    return Outcome(
        name="heliograph",
        label="heliograph",
        stories=site.stories,
        steps=steps,
        faults=tuple(faults),
        sections=sections,
    )


def _set_up(site: Site, folder: Path, env: Mapping[str, str]) -> list[str | Path]:
    """A newsroom in ``folder`` with two mirrors; the command that publishes."""
    init = python("-m", "heliograph", "init", folder, "--source", f"{site.base}/sitemap.xml", "--title", "Vestnik")
    made = measure(init, env=env, limit=120)
    if not made.ok:
        raise BenchError(f"heliograph init failed: {made.err.strip()[-800:]}")
    config = folder / "heliograph.toml"
    with config.open("a", encoding="utf-8") as file:
        file.write(_SECOND_MIRROR)
    return python("-m", "heliograph", "publish", "--config", config, "--json")


def _step(
    command: Sequence[str | Path],
    folder: Path,
    outputs: Sequence[Path],
    limit: float,
    fine: frozenset[int],
    env: Mapping[str, str],
    marks: Sequence[Path] = (),
) -> Step:
    before = [tree(output) for output in outputs]
    os.sync()  # what an earlier tool left unwritten shall not be paid by this one
    usage = measure(command, cwd=folder, env=env, limit=limit, marks=marks)
    after = [tree(output) for output in outputs]
    return Step(
        usage=usage,
        ok=usage.code in fine and not usage.late,
        written=sum(len(now.written_since(then)) for now, then in zip(after, before, strict=True)),
        files=sum(len(now.files) for now in after),
        size=sum(now.size for now in after),
    )


def _differ(name: str, mirrors: Sequence[Path]) -> list[str]:
    """What is wrong if the two mirrors do not hold the same names and sizes."""
    first, second = ({(path, stamp.size) for path, stamp in tree(mirror).files.items()} for mirror in mirrors)
    return [f"heliograph, {name}: the two mirrors differ in {len(first ^ second):,} files"] if first != second else []


def run(
    sites: Sequence[Site], only: Sequence[str], date: str, tell: Teller, peer_steps: int = 3
) -> tuple[list[Outcome], list[str]]:
    """Measure every wanted tool on every site. Tools that cannot run here are told of, not silently left out."""
    outcomes, missing = [], []
    tell.begin("compiling Python's modules, so that no tool is measured doing it")
    env = peers.environment()
    for site in sites:
        work = work_folder() / f"run-{site.port}"
        with served(site):
            for name in ["heliograph", *(peer.name for peer in peers.PEERS)]:
                if only and name not in only:
                    continue
                shutil.rmtree(work, ignore_errors=True)
                work.mkdir(parents=True)
                try:
                    outcome = _run(name, site, work, date, env, tell, peer_steps)
                except BenchError as error:
                    missing.append(f"{name}, {site.stories:,} stories: {error}")
                    continue
                finally:
                    shutil.rmtree(work, ignore_errors=True)
                outcomes.append(outcome)
    return outcomes, missing


def _run(
    name: str, site: Site, work: Path, date: str, env: Mapping[str, str], tell: Teller, peer_steps: int
) -> Outcome:
    if name == "heliograph":
        return run_heliograph(site, work, date, env, tell)
    return run_peer(next(peer for peer in peers.PEERS if peer.name == name), site, work, env, tell, peer_steps)


def main() -> int:
    """Measure and print; 1 if a tool could not be measured."""
    args = _arguments()
    sizes = args.stories or ([1_000, 10_000] if args.full else [1_000])
    console, progress = Console(width=80, highlight=False), Console(stderr=True, highlight=False)
    command = "python -m benchmarks.whole " + " ".join(sys.argv[1:])
    command = command.replace(" --json", "").replace(f" --date {args.date}", "").strip()
    with progress.status("starting") as status:
        try:
            sites = []
            for stories in sizes:
                status.update(f"making the site of {stories:,} stories (kept for the next run)")
                sites.append(make(stories, pictures=not args.no_pictures))
            outcomes, missing = run(
                sites,
                args.only.split(",") if args.only else [],
                args.date,
                Teller(progress, status),
                peer_steps=1 if args.first else 3,
            )
        except BenchError as error:
            progress.print(f"error {error}", style="red", markup=False)
            return 1
    result = Section(
        name="Whole tools", date=args.date, tables=tables(outcomes, command), figures=figures(outcomes, command)
    )
    sections = [result, *(section for outcome in outcomes for section in outcome.sections)]
    for table in (table for section in sections for table in section.tables):
        show(table, console)
    for line in missing:
        progress.print(f"not measured: {line}", style="red", markup=False)
    if args.json:
        plain = [to_plain(section) for section in sections]
        print(json.dumps({"sections": plain, "raw": [raw(outcome) for outcome in outcomes]}, ensure_ascii=False))
    return 0 if not missing and all(outcome.ok for outcome in outcomes) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=int, action="append", help="size of the site; may be given again")
    parser.add_argument("--full", action="store_true", help="1,000 and 10,000 stories")
    parser.add_argument(
        "--only", default="", help="names, with commas: heliograph, wget, httrack, pelican, hugo, hugo-nav"
    )
    parser.add_argument("--first", action="store_true", help="other tools only from nothing, not a second time")
    parser.add_argument("--no-pictures", action="store_true", help="a site without pictures")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--date", default="", help="the date to put beside the figures")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
