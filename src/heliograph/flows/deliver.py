"""release -> mirrors: the same few lines for a first delivery, an update, a repair and after a kill.

Nothing is written to a place that holds somebody else's files: see ``flows/foreign.py``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

import anyio
import anyio.to_thread

from heliograph import publish
from heliograph.flows.bill import Account
from heliograph.flows.damage import damaged, mend, reading
from heliograph.flows.foreign import check_ours, noted
from heliograph.model import DamageError, Issue, Problem, StoreError, paths
from heliograph.model.ledger import Change
from heliograph.model.mirror import Spent
from heliograph.ports import MirrorStore, Outside


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What one mirror took."""

    mirror: str
    number: int  # the edition it holds now, 0 if it took none
    files: int  # physical files written or removed
    size: int  # bytes written
    problem: Problem | None = None
    spent: Spent = field(default_factory=Spent)  # what was asked of its host in this pass
    cost: int = 0  # of that, in billionths of a dollar
    damaged: tuple[str, ...] = ()  # staged files that were not carried there, because they are not what was made


Steps = Sequence[Sequence[Change]]
Plans = dict[tuple[int, int], Sequence[Change]]  # by the signing that a mirror took whole, and the one it shows


async def deliver(outside: Outside, accounts: Mapping[str, Account], what: str) -> tuple[Delivery, ...]:
    """Bring every mirror to the newest release, all at once; a mirror that fails does not hold the others up.

    ``what`` names the step to the watcher. What it costs goes on the mirror's account.
    """
    latest = outside.journal.latest()
    if latest is None:
        return ()
    deliveries: dict[str, Delivery] = {}
    plans: Plans = {}  # mirrors at the same release lack the same

    async def to(mirror: MirrorStore) -> None:
        account = accounts[mirror.name]
        try:
            took = await _deliver(outside, mirror, latest, what, plans, account)
        finally:
            account.settle()
        cost = account.prices.cost(account.spent)
        deliveries[mirror.name] = replace(took, spent=account.spent, cost=cost)

    outside.watcher.begin(what, 0)
    async with anyio.create_task_group() as tasks:
        for mirror in outside.mirrors:
            tasks.start_soon(to, mirror)
    outside.watcher.end(what)
    if lost := {name for delivery in deliveries.values() for name in delivery.damaged}:
        mend(outside, lost)
    return tuple(deliveries[mirror.name] for mirror in outside.mirrors)


async def _deliver(
    outside: Outside, mirror: MirrorStore, latest: Issue, what: str, plans: Plans, account: Account
) -> Delivery:
    took = Delivery(mirror=mirror.name, number=0, files=0, size=0)
    steps: Steps = ()
    journal, mark = outside.journal, noted("done", mirror.place)
    try:
        steps = await lacking(outside, mirror, latest, plans)
        account.reserve(mirror.asks(steps))
        files = sum(map(len, steps))
        outside.watcher.step(what, 0, files)
        await mirror.apply(steps, reading(outside.stage), lambda done: outside.watcher.step(what, done))
        if journal.recall(mark) != str(latest.serial):
            journal.note(mark, str(latest.serial))
    except StoreError as err:
        problem = Problem(where=err.where or f"mirror {mirror.name}", what=err.what, remedy=err.remedy, fatal=True)
        # the first that was met; its neighbours are looked at, too, so that all are mended at once
        lost = await anyio.to_thread.run_sync(damaged, outside.stage, steps) if isinstance(err, DamageError) else ()
        return replace(took, problem=problem, damaged=lost)
    size = sum(change.size for step in steps for change in step)
    return replace(took, number=latest.number, files=files, size=size)


async def lacking(outside: Outside, mirror: MirrorStore, latest: Issue, plans: Plans, *, begins: bool = True) -> Steps:
    """What brings ``mirror`` to the newest release; with ``begins`` its place is noted as ours, if it can be.

    Raises:
        StoreError: it cannot be read, or holds somebody else's files.
    """
    journal = outside.journal
    pointer = await mirror.read(paths.POINTER)
    shown, done = journal.signed_as(sha256(pointer).hexdigest()), journal.recall(noted("done", mirror.place))
    whole = int(done or 0) or None
    since = publish.plan(shown.serial if shown else None, whole, latest.serial)
    held = await mirror.listing() if since is None else {}
    if begins:
        check_ours(outside, mirror, pointer, held, known=shown is not None or whole is not None)
    if held:
        return publish.steps(publish.repair(journal.changes(None), held))
    lacks = (since or 0, shown.serial if shown else 0)
    changes = plans.get(lacks) or journal.changes(*lacks)
    plans[lacks] = changes
    return publish.steps(await _looked(mirror, changes))


async def _looked(mirror: MirrorStore, changes: Sequence[Change]) -> Sequence[Change]:
    """``changes`` in which only what the mirror does not have comes back.

    A delivery that was cut short may have left there what ended with it, and pages that lead to it. What is missing
    must be there before anything that is replaced leads to it, whichever of them leads to the other.
    """
    names = sorted({paths.plain_name(change.name) for change in changes if change.back})
    there = {name for name in names if await mirror.read(name)}
    return [replace(one, back=False) if paths.plain_name(one.name) in there else one for one in changes]
