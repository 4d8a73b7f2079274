"""A mirror leaves the directory while the service runs: after how many seconds does each channel tell the others?

    python -m benchmarks.moved [--times 10] [--json]

A newsroom with two mirrors runs ``heliograph run`` against the emulated channels. One mirror is taken out by hand
(``heliograph mirrors rest``), then told again (``promote``), and so on. Seconds are the clock's, from the move in the
journal until the post of addresses that readers see on a channel is the one of now: an edit of the pinned post where a
channel can edit, a new post elsewhere. Where nothing can be edited, ten minutes lie between two such posts; the
benchmark dates the former one an hour back.
"""

from __future__ import annotations

import argparse
import json
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from rich.console import Console

from benchmarks.places import heliograph
from benchmarks.report import Figure, Section, Table, show, to_plain
from benchmarks.rooms import FIRST, Room, begun, here
from benchmarks.sites import BenchError
from heliograph.cli.wiring import open_journal
from heliograph.config import load
from heliograph.lab.channels.rehearsal import Rehearsal
from heliograph.lab.loopback import in_thread
from heliograph.model.post import Topic

CHANNELS = ("telegram", "viber", "facebook", "webhook")  # those that tell addresses unless they are told not to
PATIENCE = 120.0  # seconds until what is not told counts as never told
GOAL = 60.0  # seconds
STORY = "---\ntitle: The bridge is open\ndate: 2026-11-20\n---\n\nThe bridge over the river was opened.\n"
SECOND = '\n[[mirror]]\nname = "second"\nkind = "folder"\npath = "mirrors/second"\nurl = "https://two.example/"\n'


def newsroom(folder: Path, rehearsal: Rehearsal) -> Room:
    """One that has published to two mirrors, and may speak on every channel."""
    (folder / "texts").mkdir()
    (folder / "texts" / "bridge.md").write_text(STORY, encoding="utf-8")
    room = begun(folder / "room", str(folder / "texts"))
    text = room.config.read_text(encoding="utf-8")
    text = text.replace(FIRST, f'{FIRST}url = "https://one.example/"\n') + SECOND
    room.config.write_text(text + rehearsal.tables(folder / "tokens"), encoding="utf-8")
    room.publish()
    return room


@contextmanager
def running(room: Room) -> Iterator[None]:
    """The service. Raises BenchError if it does not end as it should."""
    service = subprocess.Popen(
        heliograph("run", "--config", room.config), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        service.send_signal(signal.SIGTERM)
        if service.wait(PATIENCE):
            raise BenchError(f"heliograph run ended with {service.returncode}")


def told(rehearsal: Rehearsal, channel: str) -> set[str]:
    """The addresses in the newest post of addresses on a channel."""
    posts = [post.text for post in rehearsal.wall() if post.channel == channel and ".example/" in post.text]
    return {name for name in ("one", "two") if posts and f"{name}.example/" in posts[-1]}


def waits(rehearsal: Rehearsal, wanted: set[str], since: float) -> dict[str, float]:
    """Seconds from ``since`` until each channel tells the ``wanted`` addresses and no others."""
    found: dict[str, float] = {}
    while len(found) < len(CHANNELS) and time.time() < since + PATIENCE:
        for channel in CHANNELS:
            if channel not in found and told(rehearsal, channel) == wanted:
                found[channel] = time.time() - since
        time.sleep(0.02)
    if missing := [channel for channel in CHANNELS if channel not in found]:
        raise BenchError(f"never told the addresses of now: {', '.join(missing)}")
    return found


def moved(room: Room, act: str) -> float:
    """Move the first mirror; when it was moved, as the journal says (seconds since 1970)."""
    with open_journal(load(room.config)) as journal:
        while journal.entries(topics=[Topic("where")], states=("queued", "sending"), limit=1):
            time.sleep(0.05)  # readers see it a moment before the service knows that they do
        for row in journal.entries(topics=[Topic("where")], states=("posted",)):
            journal.settle_entry(row.id, row.state, (), row.note, row.changed - timedelta(hours=1), ("posted",))
    done = here(heliograph("mirrors", act, "first", "--config", room.config))
    if done.returncode:
        raise BenchError(f"heliograph mirrors {act} failed: {done.stderr.decode()[-500:]}")
    with open_journal(load(room.config)) as journal:
        return journal.history(1)[0].at.timestamp()


def measure(times: int) -> dict[str, list[float]]:
    """Seconds by channel, ``times`` of each."""
    found: dict[str, list[float]] = {channel: [] for channel in CHANNELS}
    rehearsal = Rehearsal(time.time)
    with tempfile.TemporaryDirectory(prefix="moved-") as place, in_thread(rehearsal.running()):
        room = newsroom(Path(place), rehearsal)
        with running(room):
            waits(rehearsal, {"one", "two"}, time.time())
            for number in range(times):
                act = "promote" if number % 2 else "rest"
                wanted = {"one", "two"} if number % 2 else {"two"}
                for channel, seconds in waits(rehearsal, wanted, moved(room, act)).items():
                    found[channel].append(seconds)
    return found


def section(found: dict[str, list[float]], command: str) -> Section:
    """The table and the README's line."""
    every = [one for times in found.values() for one in times]
    table = Table(
        title="Seconds from a move of the pool until readers of a channel see the addresses of now",
        columns=("channel", "moves", "median, s", "longest, s"),
        rows=tuple((name, len(times), statistics.median(times), max(times)) for name, times in found.items()),
        command=command,
    )
    figure = Figure(
        what="a mirror is out: until every channel tells the others",
        value=f"{statistics.median(every):.1f} s, at most {max(every):.1f} s",
        goal=f"<= {GOAL:.0f} s",
        beside="",
        command=command,
    )
    return Section(name="A mirror moves", date="", tables=(table,), figures=(figure,))


def main() -> int:
    """Measure and print; 1 if a channel was later than a minute."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=10, help="moves of the pool")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    try:
        found = measure(args.times)
    except BenchError as error:
        Console(stderr=True).print(f"error {error}", style="red", markup=False)
        return 1
    made = section(found, f"python -m benchmarks.moved --times {args.times}")
    if args.json:
        print(json.dumps({"sections": [to_plain(made)]}, ensure_ascii=False))
    else:
        show(made.tables[0], Console(width=80, highlight=False))
    return 0 if max(one for times in found.values() for one in times) < GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
