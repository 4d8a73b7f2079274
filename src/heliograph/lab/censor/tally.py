"""What a box did, as numbers: per rule, per connection, per name. With no rule it is a mere meter."""

from __future__ import annotations

from collections import Counter, defaultdict, deque
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, Final

from heliograph.lab.censor.flow import Flow

_MOST_FINISHED: Final = 20_000  # connections kept after they left the table


class Tally:
    """Counts; ``report`` is ready for JSON."""

    def __init__(self, rules: Sequence[str], *, hello_window: float) -> None:
        self._window = hello_window
        self._rules: dict[str, Counter[str]] = {name: Counter() for name in rules}
        self._gone: deque[dict[str, Any]] = deque(maxlen=_MOST_FINISHED)
        self._recent: defaultdict[str, deque[float]] = defaultdict(deque)
        self._hellos: Counter[str] = Counter()
        self._burst: Counter[str] = Counter()
        self.frames: Counter[str] = Counter()

    def rules(self, names: Sequence[str]) -> None:
        """Count for these rules, too, from now on."""
        for name in names:
            self._rules.setdefault(name, Counter())

    def did(self, rule: str, what: str, times: int = 1) -> None:
        """A rule did something."""
        self._rules[rule][what] += times

    def hello(self, name: str, now: float) -> None:
        """A connection showed its ClientHello."""
        recent = self._recent[name]
        recent.append(now)
        while recent[0] <= now - self._window:
            recent.popleft()
        self._hellos[name] += 1
        self._burst[name] = max(self._burst[name], len(recent))

    def gone(self, flow: Flow) -> None:
        """A connection left the table."""
        self._gone.append(connection(flow))

    def report(self, live: Sequence[Flow]) -> dict[str, Any]:
        """Everything counted so far."""
        return {
            "frames": dict(self.frames),
            "rules": {name: dict(counts) for name, counts in self._rules.items()},
            "names": {
                name: {"hellos": self._hellos[name], "most_within_window": self._burst[name]} for name in self._hellos
            },
            "hello_window": self._window,
            "connections": sorted([*self._gone, *map(connection, live)], key=lambda one: int(one["number"])),
        }


def connection(flow: Flow) -> dict[str, Any]:
    """One connection, ready for JSON. Times are seconds of the box's clock."""
    record, found = flow.record, flow.finding
    return {
        "number": flow.number,
        "transport": flow.transport,
        "client": _place(flow.client, flow.client_port),
        "server": _place(flow.server, flow.server_port),
        "from_inside": flow.from_inside,
        "protocol": found.protocol if found else "",
        "name": found.name if found else "",
        "packets": dict(record.packets),
        "payload": dict(record.payload),
        "dropped": dict(record.dropped),
        "last_data_down": record.last_data_down,
        "fate": record.fate,
        "rule": record.rule,
        "finished": record.finished,
        "began": record.began,
        "ended": record.ended,
    }


def _place(address: bytes, port: int) -> str:
    host = ip_address(address)
    if not port:
        return str(host)
    return f"{host}:{port}" if host.version == 4 else f"[{host}]:{port}"
