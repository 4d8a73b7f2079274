"""A world for ``verdicts``: mirrors of every temper, and the real prober on both sides of a censor.

python -m benchmarks.vantages inside FOLDER     looks that are asked for in FOLDER, from the network this runs in
python -m benchmarks.vantages servers FOLDER    servers with faults; FOLDER has their certificates
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.cases import Case
from benchmarks.tls import Authority
from heliograph.lab.world import World
from heliograph.model.report import pack, unpack
from heliograph.model.sighting import Content, Finding, Sighting, Vantage
from heliograph.watch import Controls, Target, judge, probe

NAMES = ("news.example", "blocked.example", "throttled.example", "intercepted.example", "gone.example")
PLACES = {
    "ordinary": ["203.0.113.10"],
    "second": ["203.0.113.20"],
    "listed": ["192.0.2.10"],
    "gone": ["198.51.100.10"],
    "portal": ["203.0.113.99"],
}
WHERE = {"gone.example": "198.51.100.10"}  # all others are at the ordinary place
CONTROLS = Controls(
    anchors=("https://allowed.example/200",),
    ordinary=("https://mirror.example/200", "https://second.example/200"),
    name="innocent.example",
    large="https://allowed.example/65536",
    udp="192.0.2.53:53",
    doh="https://resolver.example/dns-query",
)
HERE = Vantage(name="inside", network="home")
OUTSIDE = Vantage(name="outside", network="free", outside=True)
PAGE = b'{"signed": "what a mirror shows as now"}' * 40
MODES = {8444: "hang", 8445: "slow", 8446: "expired", 8447: "503", 8448: "429"}  # ports of servers with faults
EVERY, SPREAD = 30.0, 0.3  # seconds between two looks of ``heliograph run``, and what chance adds to them
_START = datetime(2026, 11, 22, 8, 0, tzinfo=UTC)


# ---------------------------------------------------------------- a world and the probers in it


class Bench:
    """One world, with mirrors of every temper, and a prober on each side of the censor."""

    def __init__(self, shared: Path, number: int) -> None:
        self.shared, self.folder, self.number = shared, shared / str(number), number
        self.folder.mkdir()
        hosts = {"mirror.example": ["second"], "second.example": ["second"], "allowed.example": ["listed"]}
        mine = {name: [WHERE.get(name, "ordinary")] for name in NAMES}
        self.world = World(
            {"home": "none", "free": "none"},
            PLACES,
            names={**hosts, **mine, "resolver.example": ["resolver"]},
            seed=1_000 * number,
        )

    def __enter__(self) -> Bench:
        world = self.world.start()
        world.serve("portal", "host", {"certificate": world.certificate(["portal.example"])})  # which nobody trusts
        given = {
            "certificate": world.certificate(
                ["mirror.example", "second.example", "allowed.example", "resolver.example"]
            )
        }
        world.serve("resolver", "doh", {**given, "zone": world.zone()})
        for place in ("second", "listed"):
            world.serve(place, "host", given)
        serve = [sys.executable, "-m", "heliograph", "serve", str(self.shared / "edition")]
        for place in ("ordinary", "gone"):
            world.spawn(place, [*serve, "--listen", "0.0.0.0:443", "--cert", str(self.shared / "leaf.pem")])
            world.spawn(place, [*serve, "--listen", "0.0.0.0:80"])
            world.wait_for(place, 443, 120)
            world.wait_for(place, 80, 120)
        world.spawn("ordinary", [sys.executable, "-m", "benchmarks.vantages", "servers", str(self.shared)])
        for port in MODES:
            world.wait_for("ordinary", port, 120)
        for where in ("home", "free"):
            (self.folder / where).mkdir()
            world.spawn(where, [sys.executable, "-m", "benchmarks.vantages", "inside", str(self.folder / where)])
        return self

    def __exit__(self, *_: object) -> None:
        self.world.close()

    def run(self, case: Case, setting: str, seed: int) -> tuple[Finding | None, list[Sighting]]:
        """One case: looks outside and behind the censor, then the judge; a second round where a rule may not strike."""
        box, chance = self.world.box("home"), random.Random(f"{case.name} {setting} {seed}")
        home = replace(case.line, rtt=case.line.rtt * chance.choice((0.5, 1.0, 2.0)))
        box.line(home)
        self.world.box("free").line(replace(case.line, loss=min(case.line.loss, 0.01), rtt=min(case.line.rtt, 0.1)))
        core = setting.startswith("core ")
        if core:
            self._core(
                f"add table inet hole; add chain inet hole pass {{ type filter hook forward priority 0; }}; "
                f"add rule inet hole pass ip daddr 100.64.0.1 meta length > {setting[5:]} drop"
            )
        box.switch("none" if core else setting)
        findings: tuple[Finding, ...] = ()
        looks: list[Sighting] = []
        try:
            for turn in range(1 if "probability" not in setting or setting.endswith("=1.0") else 2):
                began = _START + turn * timedelta(seconds=EVERY)
                for where, vantage in (("free", OUTSIDE), ("home", HERE)):
                    burst = case.burst and where == "home"
                    look = self._look(where, vantage, case, seed + 1_000 * turn, deep=case.deep, burst=burst)
                    looks.append(replace(look, started=began))
                known = {case.url: addresses_of(case.url)}
                findings = judge(looks, began, roster=(HERE, OUTSIDE), before=findings, addresses=known)
        finally:
            box.switch("none")
            box.advance(1_000.0)  # no residue of this case in the next
            if core:
                self._core("delete table inet hole")
        return next((one for one in findings if one.network == "home"), None), looks

    def until(self, case: Case, setting: str, seed: int) -> float:
        """Seconds from the moment a rule sets in until the judge calls it likely; both sides look as ``run`` does."""
        chance = random.Random(f"{case.name} {seed}")
        box, told = self.world.box("home"), {"home": HERE, "free": OUTSIDE}
        for where in told:
            job = {"url": case.url, "deep": False, "burst": False, "seed": seed, "every": EVERY}
            _put(self.folder / where / "watch.job", json.dumps(job).encode())
        seen: list[Sighting] = []
        begin = time.monotonic() + EVERY + chance.random() * EVERY  # at any moment between two looks
        findings: tuple[Finding, ...] = ()
        struck = 0.0
        try:
            while True:
                for where, vantage in told.items():
                    for path in sorted((self.folder / where).glob("watch*.seen")):
                        look = unpack(path.read_bytes())
                        seen.append(replace(look, vantage=vantage.name, network=vantage.network))
                        path.unlink()
                now = datetime.now(UTC)  # noqa: TID251 - looks of this very moment
                where_true = {case.url: addresses_of(case.url)}
                findings = judge(seen, now, roster=(HERE, OUTSIDE), before=findings, addresses=where_true)
                right = [one for one in findings if one.network == "home" and one.kind in case.verdicts]
                if struck and right and right[0].strength != "suspicion":
                    return time.monotonic() - struck
                if struck and time.monotonic() > struck + 300:
                    return float("inf")
                if not struck and time.monotonic() > begin:
                    box.switch(setting)
                    struck = time.monotonic()
                time.sleep(0.05)
        finally:
            for where in told:
                (self.folder / where / "stop").touch()
            box.switch("none")
            box.advance(1_000.0)
            for where in told:
                while (self.folder / where / "stop").exists():
                    time.sleep(0.05)
                for path in (self.folder / where).glob("watch*"):
                    path.unlink()

    def _core(self, rules: str) -> None:
        done = self.world.run("core", ["nft", rules], timeout=20)
        assert done.returncode == 0, done.stderr

    def _look(self, where: str, vantage: Vantage, case: Case, seed: int, *, deep: bool, burst: bool) -> Sighting:
        place, name = self.folder / where, f"{time.monotonic_ns()}"
        job = {"url": case.url, "deep": deep, "burst": burst, "seed": seed}
        _put(place / f"{name}.job", json.dumps(job).encode())
        until = time.monotonic() + 300
        while not (done := place / f"{name}.seen").exists():
            if (asks := place / f"{name}.advance").exists():
                self.world.box(where).advance(float(asks.read_text()))
                asks.unlink()
            if time.monotonic() > until:
                raise TimeoutError(f"{case.name}: no look after five minutes")
            time.sleep(0.02)
        sighting = unpack(done.read_bytes())
        done.unlink()
        return replace(sighting, vantage=vantage.name, network=vantage.network)


def inside(folder: Path) -> None:
    """Within a network: make the looks that are asked for in ``folder``, until killed."""
    from heliograph.adapters.prober import Prober

    roots = folder / "roots.pem"
    roots.write_bytes(Path(os.environ["SSL_CERT_FILE"]).read_bytes() + (folder.parents[1] / "root.pem").read_bytes())

    async def look(job: dict[str, Any], name: str) -> bytes:
        async def pause(seconds: float) -> None:
            if seconds < 60:
                await asyncio.sleep(seconds)
                return
            _put(asks := folder / f"{name}.advance", str(seconds).encode())
            while asks.exists():  # noqa: ASYNC110 - the other side is another process
                await asyncio.sleep(0.02)

        chance, target = (
            random.Random(job["seed"]),
            Target(url=job["url"], addresses=addresses_of(job["url"]), ladder="ladder/"),
        )
        steps = probe(target, CONTROLS, chance.random, deep=job["deep"], burst=job["burst"])
        results = await Prober(authorities=roots, pause=pause).look(steps)
        pages = [one.outcome for one in results if one.check.tag.startswith("page") and one.outcome.status == 200]
        ours = bool(pages) and pages[0].opening == PAGE.decode()[:4_096]
        content: Content = "" if not pages else "current" if ours else "strange"
        started = datetime.now(UTC) if "every" in job else _START  # noqa: TID251 - a look of this very moment
        seen = Sighting(mirror=target.url, vantage="", network="", started=started, results=results, content=content)
        return pack(seen)

    while True:
        for path in sorted(folder.glob("*.job")):
            job = json.loads(path.read_bytes())
            path.unlink()
            if "every" in job:
                _watch(folder, job, look)
            else:
                _put(folder / f"{path.stem}.seen", asyncio.run(look(job, path.stem)))
        time.sleep(0.02)


def _watch(
    folder: Path, job: dict[str, Any], look: Callable[[dict[str, Any], str], Coroutine[Any, Any, bytes]]
) -> None:
    """Look again and again, as ``heliograph run`` does, until there is a file "stop"."""
    number, chance = 0, random.Random(job["seed"] + len(folder.name))
    while not (folder / "stop").exists():
        number += 1
        job["seed"] += 1_000
        _put(folder / f"watch{number:03}.seen", asyncio.run(look(job, "watch")))
        until = time.monotonic() + job["every"] * (1 + chance.random() * SPREAD)
        while time.monotonic() < until and not (folder / "stop").exists():
            time.sleep(0.05)
    (folder / "stop").unlink()


def servers(shared: Path) -> None:
    """Within a place: servers that hang, dawdle, refuse, or have let their certificate expire."""
    import ssl

    async def answer(mode: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            if mode == "hang":
                await asyncio.sleep(600)
            if mode in ("503", "429"):
                writer.write(f"HTTP/1.1 {mode} Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
            body = PAGE if mode == "expired" else PAGE * 40
            if mode in ("slow", "expired"):
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode())
            step = 200 if mode == "slow" else len(body)
            for start in range(0, len(body) if mode in ("slow", "expired") else 0, step):
                writer.write(body[start : start + step])
                await writer.drain()
                await asyncio.sleep(0.1 if mode == "slow" else 0)
            writer.close()
        except (OSError, asyncio.IncompleteReadError, ssl.SSLError):
            writer.close()

    async def main() -> None:
        for port, mode in MODES.items():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(shared / ("expired.pem" if mode == "expired" else "leaf.pem"))
            await asyncio.start_server(lambda r, w, mode=mode: answer(mode, r, w), "0.0.0.0", port, ssl=context)  # type: ignore[misc]
        await asyncio.Event().wait()

    asyncio.run(main())


def addresses_of(url: str) -> tuple[str, ...]:
    host = url.split("/")[2].partition(":")[0]
    return (WHERE.get(host, "203.0.113.10"),)


def _put(path: Path, data: bytes) -> None:
    other = path.with_suffix(".part")
    other.write_bytes(data)
    other.rename(path)


def shared_files(place: Path) -> Path:
    """The files of every world: an edition, certificates and their root."""
    place.chmod(0o755)
    (place / "edition").mkdir()
    (place / "edition/now").write_bytes(PAGE)
    (place / "edition/index.html").write_bytes(b"<p>")
    authority = Authority(place, datetime.now(UTC), depth=6)  # noqa: TID251 - real handshakes
    authority.leaf(*NAMES).rename(place / "leaf.pem")
    authority.leaf(*NAMES, days=-3).rename(place / "expired.pem")
    return place


if __name__ == "__main__":
    {"inside": inside, "servers": servers}[sys.argv[1]](Path(sys.argv[2]))
