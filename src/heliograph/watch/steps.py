"""The prober: which checks to make of a mirror, one round after the other, as the answers to the last ones suggest.

Rule 1: never more than two checks at once, and never four handshakes with one name within 1.2 seconds: a prober that
hurries sets off the very rule it looks for, for two minutes and for the person who runs it. Only ``burst``, on request,
does so on purpose, with names that are nobody's. Rule 2: nothing is called blocking without controls: hosts that are
surely allowed, hosts that nobody has listed, and another name at the same address. Rule 3: a mirror that is well costs
one question to DNS and one page. Source: docs/watch.md, "How a mirror is looked at".
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Generator, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias
from urllib.parse import urlsplit

from heliograph.model.sighting import Check, Fetch, Outcome, Resolve, Round, Steps

LADDER = (1, 4, 8, 12, 16, 24, 32, 64)  # KiB of a body
REPEATS = 3  # of what fails, so that chance is told from rule
_RUNG_REPEATS = 4  # of the smallest body that fails and of the largest: a stall can be bad luck more easily
_PAIR, _SINGLE, _JITTER = 1.3, 0.65, 0.4  # seconds before a round of two and of one, and what chance adds at most
_UPLOAD = 65_536  # bytes
_BURST, _THAW = 4, 125.0  # handshakes at once, and seconds after which the name must work again
_TEST_PAGE = 1_024
_SLOW = 3.0  # seconds for a small page, from which the ladder is climbed to see why


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A mirror to look at."""

    url: str  # its base, with a slash at the end
    path: str = "now"  # of a small file that every mirror has
    addresses: tuple[str, ...] = ()  # its true ones, where the newsroom knows them
    ladder: str = ""  # path of the test bodies, such as "ladder/"; "" where the mirror has none
    limit: int = 131_072  # bytes that the file may have


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """What a mirror is compared with. Each list may be empty; then less can be said."""

    anchors: tuple[str, ...] = ()  # URLs that are allowed even where nearly nothing is
    ordinary: tuple[str, ...] = ()  # URLs abroad that nobody lists, allowed or forbidden
    name: str = ""  # an innocent name to put into a handshake with the mirror's address
    large: str = ""  # URL of 64 KiB and more, for comparison of speed
    udp: str = ""  # resolver as address:port, asked by UDP and by TCP
    doh: str = ""  # URL of a resolver by HTTPS


_Asked: TypeAlias = Generator[Round, Sequence[Outcome], Outcome]


def probe(
    target: Target, controls: Controls, chance: Callable[[], float], *, deep: bool = False, burst: bool = False
) -> Steps:
    """Look at a mirror. ``deep`` climbs the ladder also where a page arrives; ``burst`` freezes two names for minutes.

    ``chance`` gives numbers from 0 to 1 (1 excluded) for order and timing, so that no two looks are alike. Is sent the
    outcomes of each round in its order.
    """
    look = _Look(target, controls, chance)
    addresses = yield from look.names()
    if addresses:
        yield from look.at(addresses[0], deep=deep)
        if burst and look.tls:
            yield from look.burst(addresses[0])
    else:
        yield from look.controls()


class _Look:
    """One look at one mirror."""

    def __init__(self, target: Target, controls: Controls, chance: Callable[[], float]) -> None:
        parts = urlsplit(target.url)
        self.target, self.given, self.chance = target, controls, chance
        self.tls = parts.scheme == "https"
        self.host = parts.hostname or ""
        self.port = parts.port or (443 if self.tls else 80)
        self.base = parts.path if parts.path.endswith("/") else parts.path + "/"
        self.asked = False  # whether the controls were asked

    # ------------------------------------------------------------ names

    def names(self) -> Generator[Round, Sequence[Outcome], tuple[str, ...]]:
        """The addresses to look at: the true ones where they are known."""
        if _is_address(self.host):
            return (self.host,)
        system = yield from self._one(Resolve(name=self.host, tag="system"))
        known = self.target.addresses
        if own := tuple(ip for ip in system.addresses if is_of(ip, known)):
            return own  # in the system's order: it knows whether IPv4 or IPv6 leads out of here
        if _plausible(system.addresses) and not families(system.addresses) & families(known):
            return system.addresses  # nothing to compare them with: what is there tells
        found: tuple[str, ...] = ()
        if self.given.udp:
            checks = tuple(Resolve(name=self.host, how=how, server=self.given.udp, tag=how) for how in ("udp", "tcp"))
            _, by_tcp = yield self._round(*checks)
            found = by_tcp.addresses
        if self.given.doh:
            by_https = yield from self._one(Resolve(name=self.host, how="doh", server=self.given.doh, tag="doh"))
            found = by_https.addresses or found
        usable = known or found or system.addresses
        bridged = tuple(ip for ip in system.addresses if is_of(ip, usable) and ip not in usable)
        return bridged + tuple(ip for ip in usable if ip in known or not is_bogon(ip))

    # ------------------------------------------------------------ the page

    def at(self, ip: str, *, deep: bool) -> Steps:
        page = self._page(ip, "page")
        first = yield from self._one(page)
        if first.ok and first.status == 200:
            if deep or first.ended - first.started > max(_SLOW, 10 * first.rtt):
                yield from self._ladder(ip)
            return
        more = yield self._round(replace(page, tag="page 2"), replace(page, tag="page 3"))
        named = False  # whether it is the name that matters, so that the size of bodies does not
        if first.stage == "connect":
            port = 80 if self.port != 80 else 443
            other = self._fetch(ip, port=port, tls=False, tcp_only=True, tag="other port")
            yield self._round(other, replace(other, tag="other port 2"))
        if self.tls and any(outcome.stage in ("tls", "http") and not outcome.first for outcome in (first, *more)):
            named = yield from self._other_name(ip, first)
        if not any(outcome.status for outcome in (first, *more)):
            yield from self.controls()
        if any(outcome.received for outcome in (first, *more)) and not named:
            yield from self._ladder(ip)

    def _other_name(self, ip: str, first: Outcome) -> Generator[Round, Sequence[Outcome], bool]:
        """Control C3, or what the server shows where its certificate is refused; whether it is the name."""
        if first.failure.startswith("ssl_"):
            yield self._round(replace(self._page(ip, "unverified"), verify=False))
            return True
        if not self.given.name:
            return False
        check = replace(self._page(ip, "other name"), sni=self.given.name, verify=False)
        others = yield self._round(check, replace(check, tag="other name 2"))
        own = yield from self._one(self._page(ip, "page 4"))  # once more, so that no moment of bad luck decides
        return all(other.ok for other in others) and not own.ok

    def controls(self) -> Steps:
        """Control C2: up to three hosts that are allowed and three that nobody lists, until one of each answers."""
        if self.asked:
            return
        self.asked = True
        groups = {
            name: sorted(urls, key=lambda _: self.chance())[:REPEATS]
            for name, urls in (("anchor", self.given.anchors), ("ordinary", self.given.ordinary))
        }
        while any(groups.values()):
            asked = [(name, urls.pop()) for name, urls in groups.items() if urls]
            checks = tuple(_control(url, name) for name, url in asked)
            outcomes = yield Round(checks=checks, wait=self._wait(_SINGLE))
            for (name, _), outcome in zip(asked, outcomes, strict=True):
                if outcome.ok:
                    groups[name].clear()

    # ------------------------------------------------------------ the ladder

    def _ladder(self, ip: str) -> Steps:
        """Which sizes pass: by bisection, each on a connection of its own, then what fails again and again."""
        top = len(LADDER) - 1
        whole = yield from self._one(rung := self._rung(ip, LADDER[top]))
        if whole.stage == "http" and whole.status not in (0, 200) and self.target.ladder:
            self.target = replace(self.target, ladder="")  # it has no test bodies: many pages make up for one
            whole = yield from self._one(rung := self._rung(ip, LADDER[top]))
        if whole.ok:
            if whole.answers < rung.times:
                return  # the server closes after each answer, so that nothing large can be had
            yield self._round(replace(rung, tag=f"{rung.tag} again"))
            upload = replace(self._page(ip, "upload"), upload=_UPLOAD)
            if (yield from self._one(upload)).failure == "generic_timeout_error":
                yield self._round(replace(upload, tag="upload 2"), replace(upload, tag="upload 3"))
                yield self._round(self._page(ip, "fresh"))
                yield from self.controls()
            yield from self._compare()
            return
        low, high = -1, top
        while high - low > 1:
            middle = (low + high) // 2
            outcome = yield from self._one(self._rung(ip, LADDER[middle]))
            low, high = (middle, high) if outcome.ok else (low, middle)
        for repeat in range(2, _RUNG_REPEATS + 1):
            failing = replace(self._rung(ip, LADDER[high]), tag=f"ladder={LADDER[high]} repeat={repeat}")
            largest = replace(self._rung(ip, LADDER[top]), tag=f"ladder={LADDER[top]} repeat={repeat}")
            yield self._round(failing, largest)
        yield self._round(self._page(ip, "fresh"))
        yield from self._unit(ip)
        yield from self.controls()
        yield from self._compare()

    def _unit(self, ip: str) -> Steps:
        """Rules D1b and D1c: whether packets are counted or bytes, and whether those of the reader count."""
        dribble = replace(self._page(ip, "dribble"), writes="dribble")
        upload = replace(self._page(ip, "upload"), upload=_UPLOAD)
        yield self._round(dribble, upload)

    def _compare(self) -> Steps:
        if self.given.large:
            yield Round(checks=(_control(self.given.large, "large"),), wait=self._wait(_SINGLE))

    def _rung(self, ip: str, size: int) -> Fetch:
        """A body of ``size`` KiB, or as many pages on one connection as make it up."""
        if self.target.ladder:
            path = f"{self.base}{self.target.ladder}{size}"
            return self._fetch(ip, path=path, limit=(size + 1) * 1_024, tag=f"ladder={size}")
        times = max(1, size * 1_024 // _TEST_PAGE)
        return replace(self._page(ip, f"ladder={size}"), times=times)

    # ------------------------------------------------------------ the burst

    def burst(self, ip: str) -> Steps:
        """Rule D2, with random names under a reserved domain."""
        alpha, beta = (f"{int(self.chance() * 2**40):010x}.example.com" for _ in range(2))
        hello = self._fetch(ip, sni=alpha, verify=False, tag="burst")
        yield Round(checks=(hello,) * _BURST, wait=self._wait(_PAIR))
        yield Round(checks=(replace(hello, sni=beta, tag="beside-burst"),), wait=self._wait(_SINGLE))
        yield Round(checks=(replace(hello, tag="after-burst"),), wait=_THAW)

    # ------------------------------------------------------------ parts

    def _page(self, ip: str, tag: str) -> Fetch:
        return self._fetch(ip, path=self.base + self.target.path, limit=self.target.limit, tag=tag)

    def _fetch(self, ip: str, **more: object) -> Fetch:
        sni = "" if _is_address(self.host) else self.host
        bare = Fetch(ip=ip, port=self.port, tls=self.tls, sni=sni, host=self.host)
        return replace(bare, **more)  # type: ignore[arg-type]

    def _one(self, check: Check) -> _Asked:
        outcomes = yield self._round(check)
        return outcomes[0]

    def _round(self, *checks: Check) -> Round:
        return Round(checks=checks, wait=self._wait(_PAIR if len(checks) > 1 else _SINGLE))

    def _wait(self, least: float) -> float:
        return least + self.chance() * _JITTER


def is_of(address: str, host: Sequence[str]) -> bool:
    """Whether ``address`` leads to ``host``: one of its own, or an IPv4 one of them behind NAT64.

    There a resolver makes an IPv6 address that ends with the 32 bits of the IPv4 one (RFC 6052, prefixes of 96 bits),
    whatever the prefix. Who forges an answer may do as much, and would send readers to the mirror itself.
    """
    if address in host:
        return True
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return False
    return ip.version == 6 and str(ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)) in host


def families(addresses: Iterable[str]) -> set[bool]:
    """Whether there are IPv6 addresses (True) and IPv4 ones (False)."""
    return {":" in address for address in addresses}


def is_bogon(address: str) -> bool:
    """Whether no public host can have ``address``: an answer with it was made up (rule D6)."""
    try:
        return not ipaddress.ip_address(address).is_global
    except ValueError:
        return True


def _plausible(addresses: Sequence[str]) -> bool:
    return bool(addresses) and not any(is_bogon(ip) for ip in addresses)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _control(url: str, tag: str) -> Fetch:
    """A page of another host. Its name is resolved by whoever makes the check: ``ip`` is empty."""
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    host = parts.hostname or ""
    ip = host if _is_address(host) else ""
    port = parts.port or (443 if tls else 80)
    sni = "" if ip else host
    return Fetch(ip=ip, port=port, tls=tls, sni=sni, host=host, path=parts.path or "/", tag=f"control={tag}")
