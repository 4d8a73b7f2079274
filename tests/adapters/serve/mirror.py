"""A mirror in the lab that says of itself what no reader can see. Each second it replaces its report.

mirror.py FOLDER PORT REPORT USER_TIMEOUT [FILE ENOUGH NETWORK=ADDRESS...]

With a FILE it has a sensor; once ENOUGH connections are counted its wall clock goes on by a day: then FILE is written.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

from heliograph.adapters.serve import MirrorServer, listening
from heliograph.adapters.serve.book import Book
from heliograph.adapters.serve.networks import Networks, one_for_all
from heliograph.adapters.serve.sensor import Sensor
from heliograph.adapters.serve.workers import _runner, _silent

_ENDED = {"06", "0A"}  # TIME_WAIT is a note of the kernel's, LISTEN is us


class Apart(Networks):
    """Networks of one reader each: the lab's lie in one /24, narrower than a table may be."""

    def __init__(self, *given: str) -> None:
        empty = one_for_all()
        super().__init__(tuple(one.partition("=")[0] for one in given), empty._four, empty._six)
        self._addresses = [one.partition("=")[2] for one in given]

    def number(self, address: str) -> int:
        return self._addresses.index(address.removeprefix("::ffff:"))


def sockets() -> int:
    """TCP sockets of this place that are neither listening nor over, in any process or in none."""
    lines = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/self/net", name).read_text().splitlines()]
    return sum(words[3] not in _ENDED for words in lines if words[0] != "sl")


def report(server: MirrorServer, sensor: Sensor | None) -> dict[str, int]:
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    handles = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - without the one it needs itself
    watched = len(sensor.watched) if sensor is not None else 0
    return {"sockets": sockets(), "handles": handles, "resident": resident, "watched": watched, **server.status()}


async def main(folder: Path, port: int, place: Path, user_timeout: int, *rest: str) -> None:
    asyncio.get_running_loop().set_exception_handler(_silent)
    sensor = None
    if rest:
        ahead, networks = [0.0], Apart(*rest[2:])
        book = Book(path=Path(rest[0]), names=networks.names, share=1.0, wall=lambda: time.time() + ahead[0])
        book.open()

        def settle(now: float) -> None:
            if sum(book._counts.values()) >= int(rest[1]):
                ahead[0] += 86_400.0
            book.settle(now)

        sensor = Sensor(networks=networks, share=1.0, count=book.count, then=settle)
    server = MirrorServer(folder, sensor=sensor)
    await server.start_on(listening("", port, user_timeout=user_timeout))
    while True:
        place.with_suffix(".new").write_text(json.dumps(report(server, sensor)))
        place.with_suffix(".new").replace(place)
        await asyncio.sleep(0.5)


if __name__ == "__main__":
    with _runner() as runner:
        runner.run(main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:]))
