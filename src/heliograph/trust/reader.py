"""One page, from mirrors that are not trusted to a verdict: the workflow of the release format, section "Reader".

A generator: it yields what it wants fetched and is sent what came, so the same lines run against the web, a folder, a
simulated mirror or a recorded trace. Rule 1: nothing is given out before its length and hash match. Rule 2: a step that
fails is charged to its mirror and run again on up to two others. Rule 3: new roots are asked of several mirrors, since
one alone can hide them.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from heliograph.model import paths
from heliograph.model.release import Ask, Got, Verdict, VerdictKind
from heliograph.trust import content, roles
from heliograph.trust.chain import Chain, State
from heliograph.trust.edition_map import Entry
from heliograph.trust.head import Head, read_head
from heliograph.trust.refusal import RefusalError
from heliograph.trust.run import Run
from heliograph.trust.visit import Visit

MAX_CONTENT = 8_388_608  # bytes; a reader may set less than the format's 64 MiB
NO_ROOT = "the root this reader was given is none"
_OTHERS = 2  # mirrors a failed step is run again on
_PROBE_FIRST = frozenset({"signature", "keyid", "mix", "root-expired", "targets-expired"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How it ended; ``body`` is b"" unless the page may be shown; ``charges`` are codes by mirror that failed.

    ``files`` is how many files an audit found in order.
    """

    verdict: Verdict
    state: State
    body: bytes = b""
    charges: tuple[tuple[int, str], ...] = ()
    files: int = 0


def read(
    target: str,
    state: State,
    pinned: bytes,
    hosts: Sequence[str],
    now: datetime,
    *,
    pinned_time: bool = False,
    largest: int = MAX_CONTENT,
) -> Generator[Ask, Got, Outcome]:
    """Read ``target``, a request relative to a mirror's base, from mirrors whose host names are ``hosts``.

    ``state`` is what was kept (its root may be b""), ``pinned`` the root this reader was built with. Never raises for
    anything a mirror does.
    """
    try:
        run = Run(state, pinned, hosts, now, pinned_time=pinned_time)
    except RefusalError as refusal:
        return Outcome(verdict=Verdict(verdict="refused", code=refusal.code, what=NO_ROOT), state=state)
    return (yield from _Reading(run, largest).go(target))


def numbered(state: State) -> list[tuple[tuple[str, int], bytes]]:
    """What must be the same wherever it has the same number: the head of a release, a timestamp's content."""
    timestamp = roles.read("timestamp", state.timestamp)
    return [
        (("release", read_head(state.head).release), state.head),
        (("timestamp", timestamp.version), timestamp.payload),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What one mirror came to: ``body`` is None where the map proves that there is no such file."""

    chain: Chain
    head: Head
    body: bytes | None


class _Reading:
    """One page, from whichever mirror has it."""

    def __init__(self, run: Run, largest: int) -> None:
        self.run, self.largest = run, largest

    def go(self, target: str) -> Generator[Ask, Got, Outcome]:
        run = self.run
        path = paths.requested(target)
        if not path:
            return self._refused(RefusalError("path", f"{target[:80]!r} is no path of an edition"), target[:200])
        if run.due:
            yield from run.probe()
        stale: _Found | None = None
        tried = 0
        for mirror in range(len(run.hosts)):
            if tried > _OTHERS or mirror in run.out:
                continue
            tried += 1
            found = yield from self._on(mirror, path)
            if found is not None and found.chain.stale and not run.probed:
                # before a stale verdict: its keys may count no more, and then it is no verdict at all
                again = yield from run.probe()
                if mirror in run.out:
                    found = None
                elif again:
                    found = yield from self._on(mirror, path)
            if found is not None and not found.chain.stale:
                return self._outcome(found, path)
            stale = stale or found
        if stale is not None:
            return self._outcome(stale, path)
        return self._refused(run.first or RefusalError("unavailable", "no mirror is left to ask"), path)

    def _on(self, mirror: int, path: str) -> Generator[Ask, Got, _Found | None]:
        """What ``mirror`` gives, None where it is refused; once more after a probe that found new roots."""
        while True:
            try:
                return (yield from self._from(mirror, path))
            except RefusalError as refusal:
                late = refusal.code in _PROBE_FIRST and not self.run.probed
                if late and (yield from self.run.probe()) and mirror not in self.run.out:
                    continue
                self.run.charge(mirror, refusal)
                return None

    def _from(self, mirror: int, path: str, *, again: bool = True) -> Generator[Ask, Got, _Found]:
        visit = Visit(self.run.chain(), mirror)
        head = yield from visit.head()
        entry = yield from visit.entry(path, head)
        if entry is None:
            return _Found(chain=visit.chain, head=head, body=None)
        try:
            body = yield from self._content(visit, path, entry)
        except RefusalError:
            if not again:
                raise
            # the mirror may have changed meanwhile: its metadata once more
            return (yield from self._from(mirror, path, again=False))
        return _Found(chain=visit.chain, head=head, body=body)

    # ------------------------------------------------------------ step 9

    def _content(self, visit: Visit, path: str, entry: Entry) -> Generator[Ask, Got, bytes]:
        """The file, from its path or its content copy; the most telling refusal where neither has it."""
        if entry.length > self.largest:
            raise RefusalError("too-long", f"{entry.length:,} bytes; this reader takes {self.largest:,}")
        refused: RefusalError | None = None
        for name in (path, paths.object_name(entry.digest.hex())):
            try:
                return (yield from self._body(visit.mirror, name, path, entry))
            except RefusalError as refusal:
                if refused is None or (refused.code == "unavailable" != refusal.code):
                    refused = refusal
        assert refused is not None
        raise refused

    def _body(self, mirror: int, name: str, path: str, entry: Entry) -> Generator[Ask, Got, bytes]:
        text = paths.extension(path) in paths.TEXT_TYPES
        limit = content.encoded_limit(entry.length)
        got = yield Ask(mirror=mirror, name=name, limit=limit, codings=("br", "gzip") if text else ())
        if got.fate == "missing" and text:  # a host of which only encodings are left
            got = replace((yield Ask(mirror=mirror, name=f"{name}.br", limit=limit)), coding="br")
            if got.fate == "missing":
                got = replace((yield Ask(mirror=mirror, name=f"{name}.gz", limit=limit)), coding="gzip")
        if got.fate == "long":
            raise RefusalError("length", f"{name} does not end where it should")
        if got.fate != "whole":
            raise RefusalError("unavailable", name)
        return content.check(got.data, got.coding, entry)

    # ------------------------------------------------------------ ends

    def _outcome(self, found: _Found, path: str) -> Outcome:
        """An end that is no refusal."""
        run, stale, present = self.run, found.chain.stale, found.body is not None
        kind: VerdictKind = "stale" if stale else "verified" if present else "withdrawn"
        verdict = Verdict(
            verdict=kind,
            path=path,
            release=found.head.release,
            time=found.head.time,
            stale=stale,
            present=present,
            warn=run.warnings(found.chain),
        )
        return Outcome(verdict=verdict, state=run.kept(found.chain), body=found.body or b"", charges=run.charges)

    def _refused(self, refusal: RefusalError, path: str) -> Outcome:
        verdict = Verdict(verdict="refused", code=refusal.code, path=path, what=refusal.what)
        return Outcome(verdict=verdict, state=self.run.kept_roots(), charges=self.run.charges)
