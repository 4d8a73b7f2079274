"""The emulated CloudFront in a network of its own, as a provider: with names, certificates and a bucket behind it.

    python -m benchmarks.clouds FOLDER CERTIFICATE

is the process in there: the API on a port of its own loopback, the edge on port 443 of its address, and a line of
control at FOLDER/control, since a socket in a folder is reached from every network. ``Provider`` is the side of whoever
starts it: commands run there get names and trust from the lab, and know of nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from tests.adapters.hosts.peers import make_bucket

from heliograph.lab.cloudfront import Cloud, Terms, faults
from heliograph.lab.world import LabError, Process, World

ADDRESS: Final = "18.64.0.10"  # one of Amazon's, in the lab alone: the prober takes those for documentation for lies
PLACE, READER = "provider", "home"
API, S3, EDGE = 8_001, 8_002, 443  # ports
BUCKET: Final = "d7k3vq2m"
ORIGIN: Final = f"{BUCKET}.s3.us-east-1.amazonaws.com"
FAULTS: Final = {
    "answer lost": faults.done_then_dropped(),
    "request lost": faults.dropped(),
    "throttled": faults.refused("Throttling"),
    "out of order": faults.gateway(503),
}
CONTROL: Final = {
    "Name": "mirrors",
    "Description": "",
    "SigningProtocol": "sigv4",
    "SigningBehavior": "always",
    "OriginAccessControlOriginType": "s3",
}
_KEYS: Final = "[default]\naws_access_key_id = AKIAEXAMPLE\naws_secret_access_key = of-no-account\n"


# --- the process in there


class _Control:
    """What the other side may ask of a cloud, one line of JSON for each question and each answer."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud, self._ahead = cloud, 0.0
        self._gate, self._waiting = asyncio.Event(), False

    def now(self) -> float:
        """The cloud's clock: it stands still until it is set forward, so that caches keep what they have till then."""
        return self._ahead

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        while line := await reader.readline():
            writer.write(json.dumps(self._done(json.loads(line))).encode() + b"\n")
            await writer.drain()
        writer.close()

    async def _wait(self) -> None:
        self._waiting, gate = True, self._gate
        while not gate.is_set():
            with contextlib.suppress(asyncio.CancelledError):  # whoever asked is gone, and it is done all the same
                await gate.wait()
        self._waiting = False

    def _done(self, given: dict[str, Any]) -> dict[str, Any]:
        cloud = self._cloud
        match given["do"]:
            case "fail":
                cloud.fail(given["operation"], FAULTS[given["fault"]], times=given["times"])
            case "hold":  # the next call of this operation waits at the gate, and is done when that is opened
                self._gate = asyncio.Event()
                cloud.fail(given["operation"], faults.slow(self._wait), times=1)
            case "open":
                self._gate.set()
            case "mend":
                cloud.mend()
            case "advance":
                self._ahead += given["seconds"]
            case "terms":
                cloud.account.terms = replace(cloud.account.terms, **given["terms"])
            case "control":
                return {"id": cloud.account.create_control(dict(CONTROL)).id}
        now, asked = cloud.account.clock(), sorted(cloud.asked.items())
        return {
            "distributions": [
                {
                    "id": one.id,
                    "domain": one.domain,
                    "reference": one.current.config["CallerReference"],
                    "enabled": one.current.config["Enabled"],
                    "status": one.status(now),
                }
                for one in cloud.account.distributions.values()
            ],
            "made": cloud.account.made,
            "waiting": self._waiting,
            "asked": [[*operation, count] for operation, count in asked],
        }


async def _main(folder: Path, certificate: Path) -> None:
    make_bucket(f"http://127.0.0.1:{S3}", BUCKET)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    origins = {ORIGIN: f"http://127.0.0.1:{S3}"}  # which bucket is meant, the Host header says
    cloud = Cloud(Terms(), origins=origins)
    control = _Control(cloud)
    cloud.account.clock = control.now
    async with cloud.running(API):
        await cloud.listen("0.0.0.0", EDGE, tls)
        async with await asyncio.start_unix_server(control.serve, folder / "control") as server:
            await server.serve_forever()


# --- the side of whoever starts it


@dataclass(slots=True, kw_only=True)
class Provider:
    """A provider that runs. ``folder`` is its own; ``control`` is the id of an access control for its bucket."""

    world: World
    folder: Path
    control: str = ""

    def ask(self, do: str, **given: object) -> dict[str, Any]:
        """Ask or tell the cloud something: see ``_Control``; returns what it holds then."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(30)
            sock.connect(str(self.folder / "control"))
            sock.sendall(json.dumps({"do": do, **given}).encode() + b"\n")
            with sock.makefile("rb") as lines:
                told: dict[str, Any] = json.loads(lines.readline())
                return told

    @property
    def distributions(self) -> list[dict[str, Any]]:
        """What costs."""
        found: list[dict[str, Any]] = self.ask("state")["distributions"]
        return found

    def command(self, *words: str | Path) -> list[str]:
        """A command of heliograph, for ``spawn``."""
        return [sys.executable, "-m", "heliograph", *map(str, words)]

    def run(self, *words: str | Path, where: str = PLACE) -> subprocess.CompletedProcess[bytes]:
        """Run a command of heliograph there, or in the network of a reader."""
        return self.world.run(where, self.command(*words), timeout=600)

    def spawn(self, *words: str | Path) -> Process:
        """Start a command of heliograph there."""
        return self.world.spawn(PLACE, self.command(*words))

    @property
    def bucket(self) -> str:
        """The ``[[mirror]]`` that fills its bucket, without its name."""
        place = f'bucket = "{BUCKET}"\nendpoint = "http://127.0.0.1:{S3}/"\n'
        return f'kind = "s3"\n{place}credentials = "{self.folder / "keys"}"\n'

    @property
    def host(self) -> str:
        """The ``[[host]]`` that raises addresses in front of it, without its name."""
        place = f'bucket = "{ORIGIN}"\naccess_control = "{self.control}"\nendpoint = "http://127.0.0.1:{API}"\n'
        return f'kind = "cloudfront"\n{place}credentials = "{self.folder / "keys"}"\n'


@contextmanager
def provider(folder: Path) -> Iterator[Provider]:
    """A provider on this machine: S3 (moto) and CloudFront (the lab's), both gone with the block. Raises LabError."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "keys").write_text(_KEYS, encoding="utf-8")
    (folder / "keys").chmod(0o600)
    names = {"*.cloudfront.net": [PLACE]}
    with World({READER: "none"}, {PLACE: [ADDRESS]}, names=names) as world:
        moto = shutil.which("moto_server", path=str(Path(sys.executable).parent)) or "moto_server"
        world.spawn(PLACE, [moto, "-H", "127.0.0.1", "-p", str(S3)])
        certificate = world.certificate(["*.cloudfront.net"])
        world.wait_for(PLACE, S3, 120)
        own = world.spawn(PLACE, [sys.executable, "-m", "benchmarks.clouds", str(folder), certificate])
        try:
            world.wait_for(PLACE, EDGE, 60)
        except LabError as error:
            own.kill()
            own.wait()
            raise LabError("the provider did not start", where="lab", remedy=own.errors().decode()) from error
        made = Provider(world=world, folder=folder)
        made.control = made.ask("control")["id"]
        yield made


if __name__ == "__main__":
    os.umask(0o077)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_main(Path(sys.argv[1]), Path(sys.argv[2])))
