"""What happens to mirrors in ``verdicts``: every rule of the lab, and ordinary faults, each in three settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from heliograph.lab.censor import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Something that happens to a mirror, in three settings, and what may be said of it."""

    name: str
    settings: tuple[str, ...]  # profiles as the lab names them; "core ..." is an nft rule on the way
    verdicts: tuple[str, ...]  # any of these is right; "" is no finding at all
    url: str = "https://news.example/"
    deep: bool = False
    burst: bool = False
    line: Line = field(default_factory=lambda: Line(rtt=0.04, jitter=0.005, loss=0.005))


def _settings(name: str, field_name: str, *values: object) -> tuple[str, ...]:
    return tuple(f"{name}:{field_name}={value}" for value in values)


_BLOCKED, _GONE, _SLOWED = "https://blocked.example/", "https://gone.example/", "https://throttled.example/"
_CHANCE = ("1.0", "0.9", "0.8")  # boxes of one network disagree, so a rule does not strike each connection
RULES: tuple[Case, ...] = (
    Case(name="curtain-25p", settings=_settings("curtain-25p", "limit", 22, 25, 32), verdicts=("curtain",), deep=True),
    Case(
        name="curtain-16k",
        settings=_settings("curtain-16k", "limit", 12000, 16384, 20480),
        verdicts=("curtain",),
        deep=True,
    ),
    Case(
        name="curtain-upload-5k",
        settings=_settings("curtain-upload-5k", "limit", 4000, 5000, 8000),
        verdicts=("curtain",),
        deep=True,
    ),
    Case(
        name="tls-burst", settings=_settings("tls-burst", "duration", 60, 90, 120), verdicts=("tls-burst",), burst=True
    ),
    *(
        Case(name=name, settings=_settings(name, "probability", *_CHANCE), verdicts=("sni-rst",), url=_BLOCKED)
        for name in ("sni-rst", "sni-rst-answer", "sni-rst-beside", "sni-rst-by")
    ),
    Case(
        name="sni-drop", settings=_settings("sni-drop", "probability", *_CHANCE), verdicts=("sni-drop",), url=_BLOCKED
    ),
    Case(name="sni-mute", settings=_settings("sni-mute", "limit", 5, 6, 8), verdicts=("sni-drop",), url=_BLOCKED),
    Case(
        name="throttle",
        settings=_settings("throttle", "rate", 12500, 16250, 18750),
        verdicts=("throttled",),
        url=_SLOWED,
        deep=True,
    ),
    Case(
        name="throttle-hard",
        settings=_settings("throttle-hard", "rate", 600, 650, 700),
        verdicts=("throttled",),
        url=_SLOWED,
    ),
    *(
        Case(name=name, settings=_settings(name, "probability", "1.0", "1.0", "1.0"), verdicts=("dns",), url=_BLOCKED)
        for name in ("dns-nx", "dns-drop", "dns-inject")
    ),
    *(
        Case(name=name, settings=_settings(name, "probability", *_CHANCE), verdicts=("tcp_ip",), url=_GONE)
        for name in ("ip-blackhole", "ip-reject", "ip-rst", "ip-last-ack")
    ),
    *(
        Case(
            name=name,
            settings=_settings(name, "probability", *_CHANCE),
            verdicts=("blockpage",),
            url="http://blocked.example/",
        )
        for name in ("http-page", "http-redirect")
    ),
    *(
        Case(name=name, settings=_settings(name, "probability", "1.0", "1.0", "1.0"), verdicts=("whitelist",))
        for name in ("allow-list", "allow-list-sni")
    ),
    Case(
        name="tls-intercept",
        settings=_settings("tls-intercept", "probability", *_CHANCE),
        verdicts=("mitm",),
        url="https://intercepted.example/",
    ),
    *(
        Case(name=name, settings=(name,) * 3, verdicts=("well",))
        for name in ("protocol-list", "ech", "esni", "quic-ru", "quic-cn", "udp-off", "icmp-off")
    ),
)
_FAULT = ("well", "origin-down", "unknown", "offline", "")
_PORTAL = str(Path(__file__).with_name("portal.toml"))
FAULTS: tuple[Case, ...] = (
    Case(name="server down", settings=("none",) * 3, verdicts=_FAULT, url="https://news.example:8443/"),
    Case(name="server hangs", settings=("none",) * 3, verdicts=_FAULT, url="https://news.example:8444/"),
    Case(name="slow server", settings=("none",) * 3, verdicts=_FAULT, url="https://news.example:8445/", deep=True),
    Case(name="certificate expired", settings=("none",) * 3, verdicts=_FAULT, url="https://news.example:8446/"),
    Case(name="server answers 503", settings=("none",) * 3, verdicts=_FAULT, url="https://news.example:8447/"),
    Case(name="server answers 429", settings=("none",) * 3, verdicts=_FAULT, url="https://news.example:8448/"),
    Case(name="MTU black hole", settings=("core 600", "core 1000", "core 1400"), verdicts=_FAULT, deep=True),
    *(
        Case(
            name=f"loss {percent} %",
            settings=("none",) * 3,
            verdicts=_FAULT,
            deep=True,
            line=Line(rtt=0.08, jitter=0.02, loss=percent / 100),
        )
        for percent in (2, 5, 8)
    ),
    Case(
        name="round trip 600 ms",
        settings=("none",) * 3,
        verdicts=_FAULT,
        deep=True,
        line=Line(rtt=0.6, jitter=0.05, loss=0.005),
    ),
    Case(name="captive portal", settings=(_PORTAL,) * 3, verdicts=_FAULT),
    Case(name="no network", settings=("allow-list:except_to=192.0.2.53/32",) * 3, verdicts=_FAULT),
)

# What keeps pages from readers, so that a look that is not deep meets it.
STOPPING = (
    "sni-rst", "sni-drop", "sni-mute", "dns-nx", "ip-blackhole", "ip-reject", "allow-list", "tls-intercept",
    "throttle-hard", "curtain-16k",
)  # fmt: skip
