"""One run over several mirrors: which roots were found, which mirrors failed, and what is believed before one is asked.

Rule 1: one mirror alone can hide a new root, so several are asked; any single honest answer proves itself. Rule 2: a
mirror that shows an invalid root is charged with it and left out of the run. Rule 3: what is kept after a refusal is
the newest root, without what that root made worthless.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from heliograph.model.release import Ask, Got
from heliograph.trust import roles
from heliograph.trust.chain import Chain, State
from heliograph.trust.refusal import RefusalError

_ASKED = 3  # mirrors asked for a new root
_QUORUM = 2  # of them that must have none before the probe is complete
_PROBE_EVERY, _PROBE_OVERDUE = timedelta(hours=24), timedelta(days=7)
_MAX_METADATA = 1_048_576  # bytes of roots in one run


class Run:
    """What is common to all mirrors of one run."""

    def __init__(
        self, state: State, pinned: bytes, hosts: Sequence[str], now: datetime, *, pinned_time: bool = False
    ) -> None:
        """Begin with what was kept, or with the pinned root alone.

        Raises:
            RefusalError: the pinned root is none.
        """
        self.state = state if state.root else replace(state, root=pinned)
        self.hosts, self.now = hosts, now
        try:
            self._known = Chain(self.state, now, pinned_time=pinned_time)
        except RefusalError:  # a state that is damaged is as good as none
            self.state = State(root=pinned)
            self._known = Chain(self.state, now, pinned_time=pinned_time)
        self.out: set[int] = set()  # mirrors left out of this run
        self._refusals: dict[int, RefusalError] = {}  # the first of each mirror
        self.probed = False
        self.complete = False

    def charge(self, mirror: int, refusal: RefusalError) -> None:
        """Note that ``mirror`` failed."""
        self._refusals.setdefault(mirror, refusal)

    @property
    def charges(self) -> tuple[tuple[int, str], ...]:
        """The codes of mirrors that failed, by their numbers."""
        return tuple((mirror, refusal.code) for mirror, refusal in sorted(self._refusals.items()))

    @property
    def first(self) -> RefusalError | None:
        """How the first mirror failed: what a reader is told if nothing works, whatever others did."""
        return self._refusals[min(self._refusals)] if self._refusals else None

    def chain(self) -> Chain:
        """What is believed before a mirror is asked: the kept state and every root found so far.

        Raises:
            RefusalError: ``root-expired``.
        """
        chain = self._known.copy()
        chain.settle_root()
        return chain

    # ------------------------------------------------------------ new roots

    @property
    def due(self) -> bool:
        """Whether the last complete probe is too long ago, or lies ahead because the clock was wrong then."""
        last = self.state.probed
        return last is None or not timedelta(0) <= self.now - last < _PROBE_EVERY

    def probe(self) -> Generator[Ask, Got, bool]:
        """Ask several mirrors for the root after the newest one, until none has any; True if one was found."""
        self.probed = True
        before, size = self._known.root.version, 0
        while size <= _MAX_METADATA:  # and no more steps than the chain allows
            taken, missing = yield from self._candidate()
            if not taken:
                self.complete = missing >= _QUORUM
                break
            size += len(self._known.root.data)
        return self._known.root.version > before

    def _candidate(self) -> Generator[Ask, Got, tuple[bool, int]]:
        """Believe the first valid next root; whether there was one, and how many mirrors said that there is none."""
        missing = 0
        asked: set[str] = set()
        name = f"tuf/{self._known.root.version + 1}.root.json"
        for mirror, host in enumerate(self.hosts):
            if mirror in self.out or (host and host in asked) or len(asked) >= _ASKED:
                continue
            asked.add(host or str(mirror))
            got = yield Ask(mirror=mirror, name=name, limit=roles.LIMITS["root"])
            if got.fate in ("missing", "unavailable"):
                missing += got.fate == "missing"
                continue
            try:
                self._known.next_root(whole(got, name, roles.LIMITS["root"]))
            except RefusalError as refusal:
                self.charge(mirror, refusal)
                self.out.add(mirror)
            else:
                return True, missing
        return False, missing

    # ------------------------------------------------------------ ends

    def warnings(self, chain: Chain) -> tuple[str, ...]:
        """What a verdict should be read with."""
        found = list(chain.warnings)
        last = self.state.probed
        overdue = last is not None and self.now - last >= _PROBE_OVERDUE
        if not self.complete if self.probed else overdue:
            found.append("probe")
        return tuple(found)

    def kept(self, chain: Chain) -> State:
        """The state to store after ``chain`` came to a head."""
        probed = self.now if self.probed and self.complete else self.state.probed
        return replace(chain.state(probed), checkpoint=self.state.checkpoint)

    def kept_roots(self) -> State:
        """The state to store after a refusal: a newer root is kept at once, whatever came after."""
        return replace(self._known.stored, probed=self.state.probed, checkpoint=self.state.checkpoint)


def whole(got: Got, name: str, limit: int) -> bytes:
    """The bytes that came for ``name``.

    Raises:
        RefusalError: ``too-long`` or ``unavailable``.
    """
    if got.fate == "long":
        raise RefusalError("too-long", f"{name} has more than {limit:,} bytes")
    if got.fate != "whole":
        raise RefusalError("unavailable", name)
    return got.data
