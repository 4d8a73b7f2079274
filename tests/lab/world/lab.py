"""A lab with one reader and one web host, for tests."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from heliograph.lab.censor import Line
from heliograph.lab.world import World

PROBE = Path(__file__).with_name("probe.py")
HOST, HOST6, BLOCKED = "203.0.113.10", "2001:db8:c::10", "198.51.100.10"
HEAD = len("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 65536\r\nConnection: close\r\n\r\n")
NAMES = {
    "news.example": ["one"],
    "blocked.example": ["one"],
    "other.example": ["one"],
    "resolver.example": ["resolver"],
}


class Lab(World):
    """``Lab("curtain-25p", rtt=0.04)``: network "home" behind that censor, "free" behind none, a web host "one"."""

    def __init__(self, *profiles: str, rtt: float = 0.0, loss: float = 0.0, secure: bool = False) -> None:
        networks = {"home" if not number else f"home{number}": text for number, text in enumerate(profiles)}
        places = {"one": [HOST, HOST6], "gone": [BLOCKED]}
        super().__init__(networks, places, names=NAMES, line=Line(rtt=rtt, loss=loss))
        self._secure = secure

    def start(self) -> Lab:
        super().start()
        given: dict[str, Any] = {}
        if self._secure:
            given = {"certificate": self.certificate(list(NAMES))}
        for place in ("one", "gone"):
            self.serve(place, "host", given)
        return self

    def probe(self, *words: object, network: str = "home") -> Any:
        done = self.run(network, [sys.executable, "-ISB", PROBE, *map(str, words)], timeout=60.0)
        assert done.returncode == 0, done.stderr.decode()
        return json.loads(done.stdout)

    def get(self, size: int, how: str = "", *, address: str = HOST) -> dict[str, Any]:
        told: dict[str, Any] = self.probe("get", address, 80, f"/{size}{how}")
        return told
