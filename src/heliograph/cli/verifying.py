"""``verify``: one JSON line that says whether a page or a mirror is the newsroom's, and of now."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from heliograph.adapters.reach import FolderMirror, Way, reach
from heliograph.cli import tor
from heliograph.flows import verify as flow
from heliograph.model import ConfigError
from heliograph.model.release import Verdict
from heliograph.trust import audit, head, roles
from heliograph.trust.chain import State
from heliograph.trust.refusal import RefusalError

_EXIT = {"verified": 0, "refused": 1, "withdrawn": 1, "stale": 2}
_STATE = "state.json"


def verify(
    sources: Sequence[str],
    path: str | None,
    root: Path,
    *,
    at: str,
    state: Path | None,
    accept_stale: bool,
    paced: bool,
    socks: str = "",
) -> int:
    """Print the verdict on ``path``, or on the whole of each source; the exit code."""
    pinned = read_root(root)
    now = _time(at)
    verdict = asyncio.run(
        _verify(sources, path, pinned, now, pinned_time=bool(at), folder=state, paced=paced, way=tor.way(socks))
    )
    print(json.dumps(as_object(verdict)))
    return 0 if accept_stale and verdict.verdict == "stale" else _EXIT[verdict.verdict]


async def _verify(
    sources: Sequence[str],
    path: str | None,
    pinned: bytes,
    now: datetime,
    *,
    pinned_time: bool,
    folder: Path | None,
    paced: bool,
    way: Way | None,
) -> Verdict:
    state = load_state(folder)
    async with AsyncExitStack() as stack:
        mirrors = [reach(source, paced=paced, way=way) for source in sources]
        for mirror in mirrors:
            await stack.enter_async_context(mirror)
        apart = await flow.differing(mirrors, state, pinned, now, pinned_time=pinned_time) if len(mirrors) > 1 else []
        if apart:
            one, other = (sources[place] for place in apart[0])
            what = f"{one} and {other} show two different releases of one number: keep both as evidence"
            return Verdict(verdict="refused", code="equivocation", what=what)
        if path is not None:
            outcome = await flow.verify(mirrors, path, state, pinned, now, pinned_time=pinned_time)
            save_state(folder, outcome.state)
            return outcome.verdict
        verdict = Verdict(verdict="refused", code="unavailable", what="no source was given")
        for mirror in mirrors:
            listing = mirror.entries() if isinstance(mirror, FolderMirror) else None
            run = audit.audit(state, pinned, now, listing, pinned_time=pinned_time)
            outcome = await flow.drive(run, [mirror])
            verdict = outcome.verdict
            if verdict.verdict == "refused":
                return replace(verdict, what=f"{mirror.place}: {verdict.what}")
            save_state(folder, outcome.state)
        return verdict


def as_object(verdict: Verdict) -> dict[str, Any]:
    """The line that is printed."""
    name = "authentic-but-stale" if verdict.verdict == "stale" else verdict.verdict
    return {
        "verdict": name,
        "code": verdict.code,
        "path": verdict.path,
        "release": verdict.release,
        "time": head.stamp(verdict.time) if verdict.time else "",
        "stale": verdict.stale,
        "present": verdict.present,
        "warn": list(verdict.warn),
        "what": verdict.what,
    }


def load_state(folder: Path | None) -> State:
    """What was kept in ``folder``; as good as nothing where it is missing or damaged."""
    try:
        return unpacked(json.loads((folder / _STATE).read_bytes()) if folder else {})
    except (OSError, ValueError, TypeError, AttributeError):
        return State(root=b"")


def packed(state: State) -> dict[str, str]:
    """``state`` as JSON."""
    kept = {
        one.name: base64.b64encode(getattr(state, one.name)).decode() for one in fields(state) if one.name != "probed"
    }
    return {**kept, "probed": state.probed.isoformat() if state.probed else ""}


def unpacked(kept: Mapping[str, str]) -> State:
    """The state in what ``packed`` made.

    Raises:
        ValueError, TypeError, AttributeError: it is none.
    """
    probed = kept.get("probed", "")
    files = {name: base64.b64decode(text, validate=True) for name, text in kept.items() if name != "probed"}
    return State(**{"root": b"", **files}, probed=datetime.fromisoformat(probed) if probed else None)


def save_state(folder: Path | None, state: State) -> None:
    """Keep ``state`` in ``folder`` as one unit.

    Raises:
        ConfigError: it cannot be written.
    """
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        scratch = folder / f".{_STATE}"
        scratch.write_text(json.dumps(packed(state)), encoding="utf-8")
        scratch.replace(folder / _STATE)
    except OSError as error:
        raise ConfigError(f"cannot be written: {error.strerror}", where=f"--state {folder}") from error


def read_root(path: Path) -> bytes:
    """The pinned root.

    Raises:
        ConfigError: the file holds none.
    """
    remedy = "name the newsroom's tuf/1.root.json, from a channel other than the mirror, and compare the fingerprint"
    try:
        data = path.read_bytes()[: roles.LIMITS["root"] + 1].strip()
        roles.read("root", data)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=f"--root {path}", remedy=remedy) from error
    except RefusalError as refusal:
        raise ConfigError(f"it is no root: {refusal.what}", where=f"--root {path}", remedy=remedy) from refusal
    return data


def _time(at: str) -> datetime:
    if not at:
        return datetime.now(UTC)  # noqa: TID251 - the command line is where time comes from
    found = head.read_stamp(at)
    if found is None:
        raise ConfigError("it is no time", where=f"--at {at}", remedy="write it like 2026-11-22T08:00:00Z")
    return found
