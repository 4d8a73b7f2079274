"""edition -> mirrors: the same few lines for a first delivery, an update, a repair and after a kill."""

from __future__ import annotations

from dataclasses import dataclass, replace

import anyio

from heliograph import publish
from heliograph.model import Issue, Problem, StoreError
from heliograph.model.ledger import Change
from heliograph.ports import MirrorStore, Outside


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What one mirror took."""

    mirror: str
    number: int  # the edition it holds now, 0 if it took none
    files: int  # physical files written or removed
    size: int  # bytes written
    problem: Problem | None = None


async def deliver(outside: Outside, what: str) -> tuple[Delivery, ...]:
    """Bring every mirror to the newest edition, all at once; a mirror that fails does not hold the others up.

    ``what`` names the step to the watcher.
    """
    latest = outside.journal.latest()
    if latest is None:
        return ()
    deliveries: dict[str, Delivery] = {}
    plans: dict[int, list[Change]] = {}  # mirrors at the same edition lack the same

    async def to(mirror: MirrorStore) -> None:
        deliveries[mirror.name] = await _deliver(outside, mirror, latest, what, plans)

    outside.watcher.begin(what, 0)
    async with anyio.create_task_group() as tasks:
        for mirror in outside.mirrors:
            tasks.start_soon(to, mirror)
    outside.watcher.end(what)
    return tuple(deliveries[mirror.name] for mirror in outside.mirrors)


async def _deliver(
    outside: Outside, mirror: MirrorStore, latest: Issue, what: str, plans: dict[int, list[Change]]
) -> Delivery:
    took = Delivery(mirror=mirror.name, number=0, files=0, size=0)
    identity = outside.journal.identity
    try:
        shown = publish.read_pointer(await mirror.pointer())
        since = publish.plan(shown, latest, identity)
        held = await mirror.listing() if since is None else {}
        if held:
            changes = publish.ordered(publish.repair(outside.journal.changes(None), held))
        else:
            changes = plans.get(since or 0) or publish.ordered(outside.journal.changes(since or 0))
            plans[since or 0] = changes
        outside.watcher.step(what, 0, len(changes))
        await mirror.apply(changes, outside.stage.get, lambda done: outside.watcher.step(what, done))
        if since != latest.number:
            await mirror.point(publish.write_pointer(latest, identity))
    except StoreError as err:
        problem = Problem(where=err.where or f"mirror {mirror.name}", what=err.what, remedy=err.remedy, fatal=True)
        return replace(took, problem=problem)
    size = sum(change.size for change in changes)
    return replace(took, number=latest.number, files=len(changes), size=size)
