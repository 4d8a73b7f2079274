"""Read this first: one pass puts an edition out on every mirror.

    source -> story -> edition -> release -> mirror
    gather             press      seal       deliver

The text goes out first, packed fast. What takes long or no reader waits for, pictures, feeds and the denser packing,
follows as a second edition within the same pass.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from heliograph.config import Config
from heliograph.flows import keyring, logbook
from heliograph.flows.alone import check_alone
from heliograph.flows.bill import accounts
from heliograph.flows.deliver import Delivery, deliver
from heliograph.flows.gather import Gathered, gather
from heliograph.flows.house import first_sheets, house_rules, last_sheets, look_of, replan
from heliograph.flows.pictures import picture
from heliograph.flows.press import press
from heliograph.flows.seal import seal
from heliograph.model import Issue, Problem
from heliograph.ports import Outside


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one pass did."""

    gathered: Gathered
    text: Issue | None  # None when nothing changed
    finished: Issue | None
    deliveries: tuple[Delivery, ...]
    problems: tuple[Problem, ...]
    cut: int  # blocks taken out as boilerplate in the stories rendered

    @property
    def failed(self) -> bool:
        """Whether a whole source or mirror failed."""
        return any(problem.fatal for problem in self.problems)


async def issue(outside: Outside, config: Config, now: datetime) -> Report:
    """Publish what changed to every mirror that can be reached.

    Raises:
        JournalBusyError: another pass is at work.
        SignError: the keys are missing or have expired, or another machine signs for this newsroom.
        StoreError: the stage cannot be written; nothing is lost, the next pass goes on from there.
    """
    with outside.journal.hold("heliograph publish"):
        log, paid = config.trust.log, accounts(outside, config, now)
        await check_alone(outside, now, log=log)
        gathered = await gather(outside, config, look_of(outside.journal, config), now)

        look = look_of(outside.journal, config)
        rules, doubts = house_rules(outside.journal, config)
        replan(outside, look, rules, now)
        pressed = await press(outside, look, rules, now, first_sheets(outside))
        text = seal(outside, now, log=log)
        deliveries = await deliver(outside, paid, "deliver text")
        mended = _mended(deliveries)

        shown = await picture(outside, config)
        dense = await press(outside, look, rules, now, last_sheets(outside, config), dense=config.edition.dense)
        finished = seal(outside, now, log=log)
        if finished or mended:
            deliveries = await deliver(outside, paid, "deliver the rest")
        keys = tuple(keyring.doubts(outside.keys, outside.journal.recall(keyring.STANDING), now))
        keys += tuple(logbook.doubts(outside.keys, on=log))

    return Report(
        gathered=gathered,
        text=text,
        finished=finished,
        deliveries=deliveries,
        problems=_all(
            keys, doubts, gathered.problems, pressed.problems, shown.problems, dense.problems, mended, deliveries
        ),
        cut=pressed.cut,
    )


def _mended(deliveries: tuple[Delivery, ...]) -> tuple[Problem, ...]:
    """What the newsroom should know of damage that the second half of the pass makes good."""
    hurt = (delivery.problem for delivery in deliveries if delivery.damaged)
    return tuple(replace(problem, fatal=False) for problem in hurt if problem is not None)


def _all(*found: tuple[Problem, ...] | tuple[Delivery, ...]) -> tuple[Problem, ...]:
    """Every problem once, in the order of the pass."""
    problems = (item.problem if isinstance(item, Delivery) else item for group in found for item in group)
    return tuple(dict.fromkeys(problem for problem in problems if problem is not None))
