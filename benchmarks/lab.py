"""The lab: how fast its censor is, where the curtain stalls, and whether anything is left after many labs.

    python -m benchmarks.lab [--megabytes 40] [--cycles 200] [--repeats 5] [--json]

Throughput is one download over IPv4 without added delay; "direct" passes the lab's router only. "CPU" is what the
censor's process takes for a packet. The core alone is the box without sockets, fed the same packets from memory. A
stall is the raw bytes that a reader's socket got of 64 KB before silence. Each lab of the last table has two censors, a
host and processes that hide from their parent. Needs root or user namespaces.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track
from rich.table import Table

from heliograph.lab.censor import Box, Line, profile
from heliograph.lab.censor.packet import Direction
from heliograph.lab.world import World, missing

HOST = "203.0.113.10"
PROFILES = ("none", "curtain-16k:limit=900000000", "ru-2026-home:curtain-25p.limit=900000000")
CURTAINS = ("curtain-25p", "curtain-16k", "curtain-25p:limit=18", "curtain-25p:limit=32")
RTTS = (10, 40, 120)  # milliseconds
READ = """
import socket, sys
sock = socket.create_connection((sys.argv[1], 80), 5)
sock.sendall(f"GET /{sys.argv[2]} HTTP/1.1\\r\\nHost: news.example\\r\\n\\r\\n".encode())
sock.settimeout(1.0)
got = 0
try:
    while data := sock.recv(65536):
        got += len(data)
except TimeoutError:
    pass
print(got)
"""


def main() -> int:
    """Measure, print tables or JSON; 1 if something was left behind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--megabytes", type=int, default=40)
    parser.add_argument("--cycles", type=int, default=200)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    if reason := missing():
        print(f"no lab can be built here: {reason}", file=sys.stderr)
        return 1
    found: dict[str, Any] = {
        "throughput": {name.partition(":")[0]: throughput(name, args.megabytes) for name in PROFILES},
        "core alone": {name.partition(":")[0]: core(name) for name in PROFILES},
        "stalls of 64 KB, bytes": stalls(args.repeats),
        "labs": cycles(args.cycles),
    }
    found["throughput"]["direct"] = direct(args.megabytes)
    if args.json:
        print(json.dumps(found))
    else:
        show(found)
    return 1 if found["labs"]["processes left"] or found["labs"]["files left"] else 0


def throughput(name: str, megabytes: int) -> dict[str, float]:
    """One download through a censor."""
    with World({"home": name}, {"one": [HOST]}) as world:
        world.serve("one", "host", {})
        rate = _download(world, "home", megabytes)
        stats = world.box("home").stats()
        packets = stats["frames"]["up"] + stats["frames"]["down"]
        return {"Mbit/s": rate, "packets": packets, "CPU us/packet": 1e6 * stats["cpu"] / packets}


def direct(megabytes: int) -> dict[str, float]:
    """The same without a censor in between."""
    with World({}, {"one": [HOST], "two": ["203.0.113.20"]}) as world:
        world.serve("one", "host", {})
        return {"Mbit/s": _download(world, "two", megabytes)}


def _download(world: World, where: str, megabytes: int) -> float:
    size = megabytes * 1_000_000
    done = world.run(where, ["curl", "-s", "-o", "/dev/null", "-w", "%{speed_download}", f"http://{HOST}/{size}"])
    assert done.returncode == 0, done.stderr
    return float(done.stdout) * 8 / 1e6


def core(name: str, packets: int = 60_000) -> dict[str, float]:
    """A download's packets shown to a box in memory: two segments down, one ACK up."""
    box = Box(profile(name))
    ether, tail = b"\2\0\0\0\0\1\2\0\0\0\0\2\x08\0", bytes(12)

    def frame(way: Direction, seq: int, flags: int, size: int) -> bytes:
        length = (52 + size).to_bytes(2)
        ends = b"\x64\x40\0\1\xcb\0\x71\x0a" if way == "up" else b"\xcb\0\x71\x0a\x64\x40\0\1"
        ports = b"\x9c\x40\0\x50" if way == "up" else b"\0\x50\x9c\x40"
        head = b"\x45\0" + length + b"\0\0\0\0\x40\6\0\0" + ends + ports + seq.to_bytes(4) + bytes(4)
        return ether + head + bytes([0x80, flags]) + b"\xff\xff\0\0\0\0" + tail + bytes(size)

    box.handle(0.0, "up", frame("up", 1, 2, 0))
    box.handle(0.0, "down", frame("down", 1, 18, 0))
    down: tuple[Direction, bytes] = ("down", frame("down", 2, 16, 1_448))
    shown: list[tuple[Direction, bytes]] = [("up", frame("up", 2, 16, 0)), down, down]
    start = time.perf_counter()
    for number in range(packets // 3):
        for way, data in shown:
            box.handle(number * 1e-4, way, data)
    seconds = time.perf_counter() - start
    return {"packets/s": packets / seconds, "us/packet": 1e6 * seconds / packets}


def stalls(repeats: int) -> list[dict[str, Any]]:
    """Where 64 KB in one write, and in two, come to a halt."""
    found = []
    for name in track(CURTAINS, description="stalls", transient=True):
        for rtt in RTTS:
            with World({"home": name}, {"one": [HOST]}, line=Line(rtt=rtt / 1_000)) as world:
                world.serve("one", "host", {})
                row: dict[str, Any] = {"rule": name, "RTT ms": rtt}
                for how in ("one write", "split"):
                    path = "65536?split" if how == "split" else "65536"
                    done = [world.run("home", [sys.executable, "-IS", "-c", READ, HOST, path]) for _ in range(repeats)]
                    sizes = sorted(int(one.stdout) for one in done)
                    row[how] = statistics.mode(sizes)
                    row[f"{how}, range"] = f"{sizes[0]}-{sizes[-1]}"
                found.append(row)
    return found


def cycles(count: int) -> dict[str, float]:
    """Build and end ``count`` labs; what they left."""
    mark = uuid.uuid4().hex
    with tempfile.TemporaryDirectory() as folder:
        before = {name: os.environ.get(name) for name in ("TMPDIR", "HELIOGRAPH_MARK")}
        os.environ |= {"TMPDIR": folder, "HELIOGRAPH_MARK": mark}
        tempfile.tempdir = None  # so that it is looked up again
        networks, start = len(_networks()), time.perf_counter()
        try:
            for _ in track(range(count), description="labs", transient=True):
                with World({"home": "curtain-25p", "by": "by"}, {"one": [HOST]}) as world:
                    world.serve("one", "host", {})
                    world.run("home", ["sh", "-c", "setsid sleep 1000 &"])
        finally:
            for name, value in before.items():
                os.environ.pop(name) if value is None else os.environ.__setitem__(name, value)
            tempfile.tempdir = None
        seconds = time.perf_counter() - start
        return {
            "labs": count,
            "ms each": 1_000 * seconds / count,
            "processes left": _marked(mark),
            "namespaces left": max(0, len(_networks()) - networks),
            "files left": len(list(Path(folder).iterdir())),
        }


def _marked(mark: str) -> int:
    found = 0
    for entry in Path("/proc").iterdir():
        try:
            found += entry.name.isdecimal() and mark.encode() in (entry / "environ").read_bytes()
        except OSError:  # ended while we looked
            continue
    return found


def _networks() -> set[str]:
    """The network namespaces that any process is in."""
    found = set()
    for entry in Path("/proc").glob("[0-9]*/ns/net"):
        try:
            found.add(str(entry.readlink()))
        except OSError:
            continue
    return found


def show(found: dict[str, Any]) -> None:
    """The figures as tables."""
    console = Console(width=100)
    for title, value in found.items():
        table = Table(title=title)
        rows = (
            value
            if isinstance(value, list)
            else [{"": name, **row} for name, row in value.items() if isinstance(row, dict)]
        )
        rows = rows or [value]
        columns = list(dict.fromkeys(name for row in rows for name in row))
        for column in columns:
            table.add_column(column, justify="left" if column in ("", "rule") else "right")
        for row in rows:
            shown = [row.get(name, "") for name in columns]
            table.add_row(*(f"{one:,.1f}" if isinstance(one, float) else str(one) for one in shown))
        console.print(table)


if __name__ == "__main__":
    sys.exit(main())
