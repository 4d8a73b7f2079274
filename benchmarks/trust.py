"""What trust costs: bytes a reader fetches to verify one article, time and bytes to sign one change, time to verify.

    python -m benchmarks.trust [--files 1000,100000,1000000] [--json]

Each size is a map of that many files, in memory, signed by the keys of one person, whose targets are older than the 30
days for which ``now`` carries them. A reader comes cold, with root and targets at hand, and reads one article by its
link; bytes are bodies, without the article itself. The whole map is built in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from rich.console import Console
from rich.table import Table

from heliograph.lab import keys as lab
from heliograph.lab.readers import Reader
from heliograph.model import paths
from heliograph.trust import edition_map, sign
from heliograph.trust.chain import State
from heliograph.trust.edition_map import Entry
from heliograph.trust.head import Head, write_head

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_LENGTH = 1_024  # bytes of each article
_SAMPLE = 200  # articles read
_CHANGES = 50  # articles changed, one after the other
_FRESH = 48
_GOALS = {1_000: 2_200, 100_000: 3_000, 1_000_000: 3_400}  # bytes, cold, by the release format's own budget


@dataclass
class Site:
    """A mirror in memory whose pages are made when they are asked for."""

    count: int
    bits: int
    objects: dict[bytes, bytes]
    root: bytes
    standing: sign.Standing
    files: dict[str, bytes]
    changed: dict[int, int]

    def get(self, name: str) -> bytes | None:
        """The file of this name."""
        if name.startswith("o/") and "." not in name:
            return self.objects.get(bytes.fromhex(name[2:4] + name[5:]))
        if name.startswith("a/") and name.endswith(".html"):
            number = int(name[2:-5])
            return page(number, self.changed.get(number, 0))
        return self.files.get(name)

    def __getitem__(self, name: str) -> bytes:
        found = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None


def page(number: int, version: int = 0) -> bytes:
    """The bytes of an article."""
    return f"{number} {version}".encode().ljust(_LENGTH)


def record(number: int, version: int = 0) -> bytes:
    """The map's record of an article."""
    entry = Entry(sha256(page(number, version)).digest(), _LENGTH)
    return edition_map.record(paths.key_of(f"a/{number}.html"), entry)


def shards(count: int, bits: int) -> Iterator[bytes]:
    """Every shard of a site of ``count`` articles."""
    rows = sorted(record(number) for number in range(count))
    groups: list[list[bytes]] = [[] for _ in range(1 << bits)]
    for row in rows:
        groups[edition_map.index_of(row, bits)].append(row)
    return map(edition_map.shard, groups)


def built(count: int) -> Site:
    """A site, signed."""
    bits = edition_map.bits_for(count)
    objects, root = {}, b""
    for name, data in edition_map.build(bits, shards(count, bits)):
        objects[name] = data
        root = name
    files = lab.folder(NOW)
    standing = sign.Standing(
        root=files["tuf/1.root.json"],
        targets=files["tuf/1.targets.json"],
        targets_since=NOW - timedelta(days=31),
    )
    site = Site(count, bits, objects, root, standing, {}, {})
    _release(site, NOW, range(_FRESH))
    return site


def _release(site: Site, now: datetime, fresh: range) -> None:
    """Sign the site as it is."""
    rows = b"".join(sorted(record(number, site.changed.get(number, 0)) for number in fresh))
    site.objects[sha256(rows).digest()] = rows
    head = Head(
        release=1 + len(site.changed),
        time=now,
        bits=site.bits,
        root=site.root,
        fresh=sha256(rows).digest(),
        fresh_length=len(rows),
        entries=site.count,
    )
    signers = {"online": [lab.key("online").signer], "edition": [lab.key("edition").signer]}
    site.standing = sign.release(site.standing, write_head(head), signers, now)
    site.files = sign.files(site.standing, now, [site.standing.root])


def measured(count: int) -> dict[str, Any]:
    """Everything of one size."""
    site = built(count)
    chance = random.Random(count)
    pinned = site.standing.root
    cold, parts, seconds = [], [], []
    for number in chance.sample(range(_FRESH, count), _SAMPLE):
        known = State(root=pinned, targets=site.standing.targets, probed=NOW)
        reader = Reader(pinned=pinned, state=known)
        started = time.perf_counter()
        outcome = reader.read([site], f"a/{number}.html", NOW)  # type: ignore[list-item]
        seconds.append(time.perf_counter() - started)
        assert outcome.verdict.verdict == "verified", outcome
        cold.append(reader.received - _LENGTH)
        parts.append(len([name for name in reader.asked if name.startswith("o/")]))
    changes = [_change(site, number) for number in chance.sample(range(count), _CHANGES)]
    return {
        "files": count,
        "bits of the shards": site.bits,
        "objects on the way to an article": statistics.mean(parts),
        "bytes, cold, mean": statistics.mean(cold),
        "bytes, cold, 95 %": statistics.quantiles(cold, n=20)[-1],
        "goal": _GOALS.get(count, ""),
        "verify, ms, median": 1_000 * statistics.median(seconds),
        "one change: objects": statistics.mean(change[0] for change in changes),
        "one change: bytes": statistics.mean(change[1] for change in changes),
        "one change: map, ms": 1_000 * statistics.median(change[2] for change in changes),
        "one change: sign, ms": 1_000 * statistics.median(change[3] for change in changes),
        **_whole(count),
    }


def _change(site: Site, number: int) -> tuple[int, int, float, float]:
    """One article changed: objects and bytes to upload without the article, seconds for the map and for signing."""
    site.changed[number] = site.changed.get(number, 0) + 1
    index = edition_map.index_of(paths.key_of(f"a/{number}.html"), site.bits)
    name = site.root
    for step in edition_map.walk(index, site.bits):
        name = site.objects[name][32 * step.slot : 32 * step.slot + 32]
    rows = edition_map.records_in(site.objects[name], index, site.bits)
    renewed = record(number, site.changed[number])
    rows = [renewed if row[:16] == renewed[:16] else row for row in rows]
    started = time.perf_counter()
    tree = edition_map.update(site.objects.__getitem__, site.bits, site.root, {index: edition_map.shard(rows)})
    mapped = time.perf_counter()
    site.objects.update(tree.objects)
    site.root = tree.root
    before = site.files
    _release(site, NOW + timedelta(minutes=len(site.changed)), range(_FRESH))
    signed = time.perf_counter()
    metadata = {key: data for key, data in site.files.items() if before.get(key) != data}
    size = sum(len(data) for _, data in tree.objects) + sum(map(len, metadata.values()))
    return len(tree.objects) + len(metadata), size, mapped - started, signed - mapped


def _whole(count: int) -> dict[str, float]:
    """Seconds and megabytes to build the whole map, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.trust", "--build", str(count)]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(run.stdout)
    return found


def _build(count: int) -> None:
    import tracemalloc

    bits = edition_map.bits_for(count)
    given = list(shards(count, bits))
    started = time.perf_counter()
    for _ in edition_map.build(bits, given):
        pass
    took = time.perf_counter() - started
    tracemalloc.start()  # a second time, since it slows; what is counted is the tree, not the records it is made from
    for _ in edition_map.build(bits, given):
        pass
    grown = tracemalloc.get_traced_memory()[1]
    print(json.dumps({"whole map: s": took, "whole map: MB more": grown / 1e6}))


def main() -> int:
    """Measure every size that was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", default="1000,100000,1000000", help="how many, with commas")
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--build", type=int, default=0, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.build:
        _build(args.build)
        return 0
    console = Console(stderr=args.json, width=100)
    rows = []
    with console.status("measuring") as status:
        for count in map(int, args.files.split(",")):
            status.update(f"measuring {count:,} files")
            rows.append(measured(count))
    table = Table("", *[f"{row['files']:,} files" for row in rows], title="What trust costs")
    for name in list(rows[0])[1:]:
        table.add_row(name, *[f"{row[name]:,.3g}" if isinstance(row[name], float) else str(row[name]) for row in rows])
    console.print(table)
    if args.json:
        print(json.dumps({f"{row['files']:,} files": {key: row[key] for key in list(row)[1:]} for row in rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
