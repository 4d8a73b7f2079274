"""What one sighting shows by itself: rules D1 to D11 in their order of precedence.

Rule 1: no connectivity is never blocking. Rule 2: a rule speaks only where its controls were met; where they were not,
the diagnosis is the same and says so (``controlled``). Rule 3: no number of a censor is a constant here but the wide
brackets that tell a curtain from other silence. Source: docs/watch.md, "Rules".
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence

from heliograph.model.sighting import Diagnosis, Fetch, Kind, Outcome, Resolve, Sighting, Unit
from heliograph.watch.pages import block_page
from heliograph.watch.steps import families, is_bogon, is_of

_STALL = (4_096, 40_960)  # raw bytes at which a curtain can fall; below, it is a path that loses full segments
_OFTEN = 0.8  # share of repeats that must fail
_SILENT = 5.0  # seconds, or ten round trips
_SLOWER = 10  # times slower than the control
_SLOW = 40_000  # bytes per second, below which speed is compared at all
_CRAWL = 2_000  # the same where there is nothing to compare with: no line of today is as slow
_MANY, _MOST = 0.5, 0.75  # share of stalls that must fall at one place
_UPLOADED = 1_500  # bytes, more than any request has, below which an upload never began
_SAME = 100  # bytes by which what came before a rule struck may differ
_SEGMENT = 1_448  # bytes of a full one
_START = 20_480  # bytes that a policer may let through at once, before its rate shows
_TRANSIENT = frozenset({"generic_timeout_error", "dns_temporary_failure"})
_RESETS = frozenset({"connection_reset", "connection_refused", "connection_aborted", "eof_error"})


def diagnose(sighting: Sighting, *, addresses: Sequence[str] = ()) -> Diagnosis:
    """The diagnosis of ``sighting``; ``addresses`` are the mirror's true ones, where the newsroom knows them."""
    look = _Sight(sighting, addresses)
    for rule in _RULES:
        found = rule(look)
        if found is not None:
            return found
    if look.arrives:
        return Diagnosis(kind="well", readable=True, repeats=len(look.pages), controlled=True)
    return look.says("unknown", look.story())


class _Sight:
    """The results of a sighting by what they were for."""

    def __init__(self, sighting: Sighting, addresses: Sequence[str]) -> None:
        self.sighting, self.true = sighting, tuple(addresses)
        self._all = sighting.results
        self.pages = self.of("page")
        self.good = [page for page in self.pages if page.ok and page.status == 200]
        self.bad = [page for page in self.pages if not page.ok]
        # most looks decide, since a rule need not strike each connection; one is enough while it is the only one
        self.fails = len(self.bad) * 2 > len(self.pages)
        self.arrives = len(self.good) * 2 > len(self.pages) and sighting.content != "strange"

    def of(self, tag: str) -> list[Outcome]:
        """Outcomes of checks with this tag, repeats and other variants (after a blank) included."""
        return [one.outcome for one in self._all if one.check.tag == tag or one.check.tag.startswith(f"{tag} ")]

    def rungs(self) -> list[tuple[int, Outcome]]:
        """The ladder: KiB of the body, and what came of it; without those that the mirror does not have."""
        found = []
        for one in self._all:
            name, _, size = one.check.tag.partition(" ")[0].partition("=")
            if name == "ladder" and size.isdigit() and one.outcome.status in (0, 200):
                found.append((int(size), one.outcome))
        return found

    def answered(self, group: str) -> bool | None:
        """Whether a control of this group works; None if none was asked."""
        outcomes = self.of(f"control={group}")
        return any(outcome.ok for outcome in outcomes) if outcomes else None

    @property
    def controlled(self) -> bool:
        """C2: an ordinary host works, and an allowed one where there is any."""
        return self.answered("ordinary") is True and self.answered("anchor") is not False

    def says(self, kind: Kind, *evidence: str, **more: object) -> Diagnosis:
        bare = {"readable": self.arrives, "repeats": len(self.bad), "controlled": self.controlled}
        return Diagnosis(kind=kind, evidence=evidence, **{**bare, **more})  # type: ignore[arg-type]

    def story(self) -> str:
        """Why pages failed, in a sentence."""
        if not self.pages:
            return "no address to look at"
        first = (self.bad or self.pages)[0]
        what = first.failure or f"status {first.status}"
        return (
            f"{len(self.pages) - len(self.good)} of {len(self.pages)} looks failed: {what} at {first.stage or 'http'}"
        )


# ---------------------------------------------------------------- the rules, in order of precedence


def _connectivity(look: _Sight) -> Diagnosis | None:
    """D10: allowed hosts work and no ordinary one does; or nothing does, which says nothing of any mirror."""
    anchor, ordinary = look.answered("anchor"), look.answered("ordinary")
    if look.arrives or any(page.status for page in look.pages) or ordinary or (anchor, ordinary) == (None, None):
        return None
    if anchor and ordinary is False:
        return look.says("whitelist", "listed hosts answer and no ordinary one does", controlled=True)
    if not anchor:
        return look.says("offline", "no control host answers: this vantage has no connectivity")
    return None


def _dns(look: _Sight) -> Diagnosis | None:
    """D6: the system's resolver says other than all the others."""
    asked = {one.check.how: one.outcome for one in look.sighting.results if isinstance(one.check, Resolve)}
    system = asked.get("system")
    if system is None:
        return None
    better = asked.get("doh") or asked.get("tcp")
    true = set(look.true) or set(better.addresses if better and better.ok else ())

    def told(evidence: str) -> Diagnosis:
        # C2, too: a page that arrives from the mirror's true address shows that the line works and the mirror is well
        return look.says("dns", evidence, controlled=look.controlled or bool(look.good))

    udp = asked.get("udp")
    if udp is not None and udp.more and set(udp.more) != set(udp.addresses):
        return told(f"two answers to one question: {_some(udp.addresses)}, then {_some(udp.more)}")
    if not true or any(is_of(ip, tuple(true)) for ip in system.addresses):
        return None
    if system.failure:
        if not (better and better.ok) and not look.good:
            return None
        if system.failure in _TRANSIENT and (udp is None or udp.ok):
            return None  # one question was lost on the way: another by UDP has an answer
        return told(f"the system's resolver says {system.failure}; the name has {_some(tuple(true))}")
    made_up = [ip for ip in system.addresses if is_bogon(ip)]
    if made_up:
        return told(f"the system's resolver says {_some(made_up)}, which no public host has")
    if not families(system.addresses) & families(true):
        return None  # IPv6 addresses of a host of which only IPv4 ones are known, or the reverse
    if look.good or look.of("page"):
        return told(f"the system's resolver says {_some(system.addresses)}, not {_some(tuple(true))}")
    return None


def _unreachable(look: _Sight) -> Diagnosis | None:
    """D7: the address cannot be reached at any port or by any name, while other hosts can."""
    if not look.fails:
        return None
    lost = [page for page in look.bad if page.stage == "connect"]
    if lost and all(page.failure == "network_unreachable" for page in lost):
        return look.says("unknown", "no way from here to addresses of its kind: an IPv4-only or IPv6-only network")
    if len(lost) == len(look.bad):
        others = look.of("other port")
        if others and all(outcome.ok for outcome in others):
            return look.says("unknown", "the port does not answer, another of the same address does")
        return look.says("tcp_ip", f"the address cannot be reached: {lost[0].failure}")
    names = [one for one in look.of("other name") if not one.ok]
    sunk = [one for one in (*look.bad, *names) if one.unacked and not one.received]
    if names and len(sunk) == len(look.bad) + len(names):
        return look.says("tcp_ip", "the address takes connections and then acknowledges nothing, whatever the name")
    return None


def _certificate(look: _Sight) -> Diagnosis | None:
    """D11: a certificate that is not the mirror's. An expired one, or any other fault, is an ordinary fault."""
    foreign = [one.failure for one in look.bad if one.failure in ("ssl_unknown_authority", "ssl_invalid_hostname")]
    if len(foreign) * 2 <= len(look.pages):
        return None
    return look.says("mitm", f"the certificate is refused: {min(foreign)}")


def _name(look: _Sight) -> Diagnosis | None:
    """D3 and D4: the name in the handshake decides, up to the first byte of an answer."""
    mute = [page for page in look.bad if _is_mute(page)]
    early = [page for page in mute if page.failure == "connection_reset" and 0 < page.hello < 0.9 * page.rtt]
    # after a forged reset some boxes refuse what follows: those looks belong to the same rule
    residue = [page for page in look.bad if early and page.stage == "connect" and page.failure in _RESETS]
    if not mute or (len(mute) + len(residue)) * 2 <= len(look.pages):
        return None
    others = look.of("other name")
    free = bool(others) and all(one.ok or one.failure.startswith(("ssl_", "http_")) for one in others)
    if others and not free and not early:
        return None  # C3 fails as well: it is not the name
    if not _at_one_place([page.received for page in mute], _MOST):
        return None  # a rule stops at one place, bad luck anywhere
    resets = [page for page in mute if page.failure in _RESETS]
    if len(resets) * 2 > len(mute):
        told = ", before the server could have answered" if early else ""
        controlled = bool(free or early) and look.controlled
        return look.says("sni-rst", f"the handshake is reset{told}", controlled=controlled)
    lost = sum(page.unacked > 0 for page in mute)
    how = "is never acknowledged" if lost * 2 > len(mute) else "is taken, and then nothing comes"
    return look.says("sni-drop", f"the hello {how}", controlled=free and look.controlled)


def _burst(look: _Sight) -> Diagnosis | None:
    """D2: several handshakes at once fail, another name works right after, and the same again when it thawed."""
    burst, other, thawed = look.of("burst"), look.of("beside-burst"), look.of("after-burst")
    stuck = [outcome for outcome in burst if outcome.failure == "generic_timeout_error"]
    if not stuck or not any(one.ok for one in other) or not any(one.ok for one in thawed):
        return None
    return look.says("tls-burst", f"{len(stuck)} of {len(burst)} handshakes at once froze, and thawed", controlled=True)


def _curtain(look: _Sight) -> Diagnosis | None:
    """D1: small bodies pass, larger ones stall in silence, at the same place each time."""
    rungs = look.rungs()
    passed = [size for size, outcome in rungs if outcome.ok]
    failed = sorted({size for size, outcome in rungs if not outcome.ok})
    if not failed:
        return _upload_curtain(look)
    for smallest in failed:  # one at the edge may pass now and then, and then a larger one tells
        share = _MANY if smallest == failed[0] else _MOST  # fewer of them must agree better
        stalls = _stalls([outcome for size, outcome in rungs if size >= smallest], share)
        if stalls:
            break
    else:
        return None
    middle = statistics.median_high([outcome.received for outcome in stalls])
    fresh = look.of("fresh")
    if not look.good and not any(outcome.ok for outcome in fresh) and not all(map(_is_stall, look.bad)):
        return None  # a curtain lifts with a new connection, unless it is so low that no page passes
    unit, threshold = _unit(look, stalls)
    large = look.of("control=large")
    controlled = look.controlled and (not large or any(outcome.ok for outcome in large))
    told = f"{max(passed, default=0)} KiB pass, {smallest} KiB stop at {middle:,} bytes in silence"
    return look.says(
        "curtain",
        told,
        unit=unit,
        threshold=threshold,
        repeats=len(stalls),
        controlled=controlled,
        readable=look.arrives or any(outcome.ok for outcome in fresh),
    )


def _stalls(tried: Sequence[Outcome], share: float) -> list[Outcome]:
    """Those of ``tried`` that ended in silence, if nearly all did, and at about the same place; else none."""
    stalls = [outcome for outcome in tried if _is_silent(outcome)]
    if len(tried) < 4 or len(stalls) < _OFTEN * len(tried):
        return []
    raw = [outcome.received for outcome in stalls]
    if not _STALL[0] <= statistics.median_high(raw) <= _STALL[1]:
        return []
    return stalls if _at_one_place(raw, share) else []


def _upload_curtain(look: _Sight) -> Diagnosis | None:
    """D1c alone: what the reader sends stalls each time, while large bodies pass."""
    uploads = look.of("upload")
    stalls = [one for one in uploads if _is_silent(one) and one.unacked and one.sent >= _UPLOADED]
    if len(uploads) < 2 or len(stalls) < _OFTEN * len(uploads) or not any(one.ok for one in look.of("fresh")):
        return None
    # how much passed cannot be told: the acknowledgements of the last of it fell as well
    told = "what the reader sends is acknowledged no more, in silence; large pages pass"
    return look.says("curtain", told, unit="bytes", repeats=len(stalls))


def _throttled(look: _Sight) -> Diagnosis | None:
    """D5: bytes keep coming, ten times slower than from the control."""
    # an answer much smaller than asked for is of a server that closes early, and too short to tell a rate
    slow = [
        (size, out)
        for size, out in look.rungs()
        if size >= 64 and out.received and (not out.ok or out.body > size * 512)
    ]
    rates = [rate for _, outcome in slow if (rate := _rate(outcome)) and not _is_stall(outcome)]
    if not rates or len(rates) * 2 < len(slow):
        return None
    rate = statistics.median(rates)
    control = max((_rate(outcome) for outcome in look.of("control=large")), default=0.0)
    if rate > (_SLOW if control else _CRAWL) or (control and rate * _SLOWER > control):
        return None
    told = f"{rate / 1_000:.1f} KB a second"
    told += f", the control {control / 1_000:.0f}" if control else ""
    return look.says("throttled", told, rate=int(rate), controlled=bool(control), repeats=len(rates))


def _block_page(look: _Sight) -> Diagnosis | None:
    """D8: cleartext that is somebody else's. Over TLS an answer is the server's own.

    It stands before D2 and what follows, since a page that is known leaves no doubt.
    """
    if any(isinstance(one.check, Fetch) and one.check.tls and one.check.tag == "page" for one in look.sighting.results):
        return None
    hits = [whose for one in look.pages if (whose := block_page(one.status, one.location, one.opening))]
    if not hits:
        return None
    return look.says("blockpage", f"a page of {hits[0]}", controlled=True, readable=False, repeats=len(hits))


def _content(look: _Sight) -> Diagnosis | None:
    """An answer that the newsroom never signed, or signed long ago, or the server's own refusal."""
    if look.good and look.sighting.content == "strange":
        return look.says("forged", "what it serves was never signed by this newsroom", readable=False, controlled=True)
    if look.good and look.sighting.content == "old":
        return look.says("stale", "it serves an old release", controlled=True)
    refused = [page.status for page in look.pages if page.ok and page.status != 200]
    if refused and not look.good:
        return look.says("origin-down", f"the server answers {refused[0]}")
    expired = [page for page in look.bad if page.failure == "ssl_invalid_certificate"]
    if expired and not look.good:
        return look.says("origin-down", "its certificate has expired or is not valid")
    return None


_RULES: tuple[Callable[[_Sight], Diagnosis | None], ...] = (
    _connectivity,
    _dns,
    _unreachable,
    _certificate,
    _name,
    _block_page,
    _burst,
    _curtain,
    _throttled,
    _content,
)


# ---------------------------------------------------------------- measures


def _is_mute(page: Outcome) -> bool:
    """No byte of an answer after the hello, and it is not the certificate."""
    return page.stage in ("tls", "http") and not page.first and not page.failure.startswith("ssl_")


def _at_one_place(received: Sequence[int], share: float) -> bool:
    """Whether so many connections ended at the same byte, or one full segment apart.

    Not all of them: where a segment was lost, what came after it is not counted.
    """

    def near(place: int) -> int:
        apart = [abs(one - place) for one in received]
        return sum(distance <= _SAME or abs(distance - _SEGMENT) <= _SAME for distance in apart)

    return max(map(near, received)) >= share * len(received)


def _is_silent(outcome: Outcome) -> bool:
    """It ended in silence, without FIN or RST."""
    silent = max(_SILENT, 10 * outcome.rtt) * 0.95  # the clock of the probe ends a little early
    return outcome.failure == "generic_timeout_error" and outcome.silence >= silent


def _is_stall(outcome: Outcome) -> bool:
    """Silence in the middle, between the brackets of D1."""
    return _is_silent(outcome) and _STALL[0] <= outcome.received <= _STALL[1]


def _rate(outcome: Outcome) -> float:
    """Bytes per second behind the first 20 KiB, or of all where that is not known; silence is left out."""
    came, crossed = 0, 0.0
    for at, size in outcome.reads:
        came += size
        if came >= _START:
            crossed = at
            break
    until = outcome.ended - outcome.silence
    if crossed and outcome.received - came >= _START:
        return (outcome.received - came) / max(until - crossed, 1e-3)
    seconds = until - outcome.started - outcome.hello - outcome.rtt
    return outcome.received / seconds if seconds > 0 and outcome.received else 0.0


def _unit(look: _Sight, stalls: Sequence[Outcome]) -> tuple[Unit, int]:
    """Bytes or packets, and how many: a dribbled request runs into a packet counter long before a byte counter."""
    dribble = look.of("dribble")
    if not dribble:
        return "", 0
    if any(outcome.ok for outcome in dribble):
        return "bytes", int(statistics.median(outcome.received for outcome in stalls))
    segments = [outcome.segments for outcome in stalls if outcome.segments]
    return "packets", int(statistics.median(segments)) if segments else 0


def _some(values: Sequence[str]) -> str:
    return ", ".join(sorted(values)[:3]) or "nothing"
