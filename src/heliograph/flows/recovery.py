"""A newsroom that has lost its journal, or has an old one: its place in the chain of releases, read back from mirrors.

Only what the newsroom's own root vouches for is taken. Numbers go on above the highest that any mirror shows, so that
readers notice nothing; the map is built and every page rendered anew, since the stories here will be published and not
those there, and the stage may be younger than the journal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from heliograph.flows import copylog, keyring, logbook
from heliograph.flows.house import forget_look
from heliograph.flows.verify import verify
from heliograph.model import SignError
from heliograph.model.release import Ask, Verdict
from heliograph.ports import Journal, KeyFolder, Reach, Stage
from heliograph.trust import roles
from heliograph.trust.chain import State
from heliograph.trust.head import read_head
from heliograph.trust.sign import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """Where the newsroom stands again, and which of its publishing keys are missing here."""

    release: int
    place: str  # of the mirror that showed it
    missing: tuple[str, ...]
    logged: int = 0  # entries of the release log
    log_lost: str = ""  # why it could not be read back


async def recover(
    mirrors: Sequence[Reach], keys: KeyFolder, journal: Journal, stage: Stage, root: bytes, now: datetime
) -> Recovered:
    """Note in ``journal`` the newest release that ``mirrors`` show under ``root``, the newsroom's first one; and the
    longest release log, whose files come into the stage.

    Raises:
        SignError: no mirror shows a release of this newsroom.
        KeyFileError: the key folder cannot be written.
        StoreError: the stage cannot be written.
    """
    best: tuple[int, State, Reach] | None = None
    told = []
    for mirror in mirrors:
        outcome = await verify([mirror], "index.html", State(root=b""), root, now)
        if outcome.verdict.verdict == "refused":
            told.append(f"{mirror.place}: {_words(outcome.verdict)}")
            continue
        version = roles.read("timestamp", outcome.state.timestamp).version
        if best is None or version > best[0]:
            best = (version, outcome.state, mirror)
    if best is None:
        remedy = "name other mirrors, or publish as a new newsroom"
        raise SignError("no mirror shows a release of this newsroom", where="; ".join(told), remedy=remedy)
    _, state, mirror = best
    await _fill(keys, mirror, root, state)
    journal.note(keyring.STANDING, keyring.remembered(_standing(state), anew=True))
    forget_look(journal)
    logged, lost = await _log(mirrors, keys, journal, stage, state)
    release = read_head(state.head).release
    return Recovered(release=release, place=mirror.place, missing=keyring.missing(keys), logged=logged, log_lost=lost)


async def _log(
    mirrors: Sequence[Reach], keys: KeyFolder, journal: Journal, stage: Stage, state: State
) -> tuple[int, str]:
    """Take the release log from whichever mirror has most of it; how long it is, or why there is none."""
    there = set(keys.names())
    code = await copylog.code(mirrors, state.targets)
    for name, data in code.items():
        if name not in there:
            keys.write(name, data)
    named = copylog.log_named(code, state.targets)
    if named is None:
        return 0, ""
    found = await copylog.longest(mirrors, named)
    if isinstance(found, str):
        return 0, found
    stage.put(list(found.files.items()))
    journal.note(logbook.NOTE, logbook.recovered(journal, named.origin, found.edge))
    return found.edge.size, ""


async def _fill(keys: KeyFolder, mirror: Reach, root: bytes, state: State) -> None:
    """The roots and targets that the key folder lacks; each root was believed when the mirror was read."""
    there = set(keys.names())
    newest = roles.read("root", state.root)
    held = {f"tuf/{newest.version}.root.json": state.root, "tuf/1.root.json": root}
    for version in range(2, newest.version):
        name = f"tuf/{version}.root.json"
        if name not in there:
            got = await mirror.get(Ask(mirror=0, name=name, limit=roles.LIMITS["root"]))
            held[name] = got.data
    held[f"tuf/{roles.read('targets', state.targets).version}.targets.json"] = state.targets
    for name, data in held.items():
        if data and name not in there:
            keys.write(name, data)


def _standing(state: State) -> Standing:
    return Standing(
        root=state.root,
        targets=state.targets,
        timestamp=state.timestamp,
        snapshot=state.snapshot,
        edition=state.edition,
        head=state.head,
    )


def _words(verdict: Verdict) -> str:
    return verdict.what or verdict.code
