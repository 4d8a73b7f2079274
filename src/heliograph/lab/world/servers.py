"""The lab's own servers, by kind. Each is given its settings and a line of control, and serves until that ends."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from typing import Any

from heliograph.lab.world import doh, gate, host, names

SERVERS: dict[str, Callable[[Mapping[str, Any], socket.socket], None]] = {
    "names": names.serve,
    "host": host.serve,
    "doh": doh.serve,
    "gate": gate.serve,
}
