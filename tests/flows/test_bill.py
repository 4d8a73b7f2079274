"""What deliveries cost is counted, kept by month, and never goes beyond what was allowed."""

from __future__ import annotations

import pytest
from tests.flows.world import NOW, Make, World

from heliograph.flows.bill import key, read
from heliograph.flows.issue import Report
from heliograph.lab.piece import pieces
from heliograph.model.bill import DOLLAR, Bill
from heliograph.model.mirror import Spent

BUCKETS = """
[edition]
pictures = false
dense = true
[[mirror]]
name = "one"
kind = "s3"
bucket = "one"
credentials = "keys"
most_a_month = {most}
[[mirror]]
name = "two"
path = "mirrors/two"
"""


def room(make: Make, most: float) -> World:
    return make(pieces(NOW)[:3], more=BUCKETS.replace("{most}", str(most)))


def bill(world: World) -> Bill:
    with world.outside() as outside:
        return read(outside.journal, world.mirrors[0].place, world.now)


def cost(report: Report) -> int:
    return next(one.cost for one in report.deliveries if one.mirror == "one")


def test_what_was_asked_is_on_the_bill_of_the_month_and_a_new_month_has_a_new_one(make: Make) -> None:
    world = room(make, 0)
    report = world.publish()
    assert not report.failed
    first = bill(world)
    spent = world.mirrors[0].spent
    assert first.spent == spent
    assert first.cost == spent.writes * 5_000 + spent.reads * 400 + spent.lists * 5_000
    assert cost(report) == first.cost
    world.publish()
    assert bill(world).cost == first.cost + 400 * (world.mirrors[0].spent.reads - spent.reads)
    world.now = NOW.replace(month=12)
    assert bill(world) == Bill()
    with world.outside() as outside:
        assert read(outside.journal, world.mirrors[1].place, NOW).cost == 0  # it is a folder: nothing is charged


def test_a_ceiling_stops_a_delivery_before_it_begins_and_the_release_there_stays_whole(make: Make) -> None:
    world = room(make, 1)
    assert not world.publish().failed
    whole = dict(world.mirrors[0].files)
    paid = bill(world).cost
    tight = world.config.mirror[0].model_copy(update={"most_a_month": (paid + 20_000) / DOLLAR})
    world.config = world.config.model_copy(update={"mirror": (tight, world.config.mirror[1])})
    world.newsroom.publish(pieces(NOW)[7])
    report = world.publish()
    (problem,) = [problem for problem in report.problems if problem.fatal]
    assert problem.where == "mirror one"
    assert "nothing was sent" in problem.what
    assert "most_a_month" in problem.remedy
    assert world.mirrors[0].files == whole
    assert world.mirrors[1].files != whole  # the other one got it
    assert bill(world).cost <= paid + 20_000
    again = world.publish()
    assert world.mirrors[0].files == whole
    assert again.failed
    world.now = NOW.replace(month=12)  # its keys hold until then
    world.publish()
    assert world.mirrors[0].files.keys() == world.mirrors[1].files.keys()


def test_a_ceiling_of_nothing_much_lets_a_mirror_that_lacks_nothing_be_looked_at(make: Make) -> None:
    world = room(make, 0.00001)
    assert world.publish().failed
    assert world.mirrors[0].files == {}


@pytest.mark.parametrize("number", [1, 3, 20])
def test_a_delivery_that_fails_is_paid_as_far_as_it_went(make: Make, number: int) -> None:
    world = room(make, 1)
    world.mirrors[0].fail(number, "done", again=True)
    assert world.publish().failed
    assert bill(world).spent == world.mirrors[0].spent


def test_after_a_kill_the_bill_is_never_too_small(make: Make) -> None:
    world = room(make, 1)

    class Killed(BaseException):
        pass

    def seen(mirror: object) -> None:
        if world.mirrors[0].writes == 5:
            raise Killed

    world.mirrors[0].seen = seen
    settle = "heliograph.flows.bill.Account.settle"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(settle, lambda _: Bill())  # the process is gone before it gets there
        with pytest.raises(BaseExceptionGroup):
            world.publish()
    assert bill(world).spent.writes >= world.mirrors[0].spent.writes == 5


def test_a_damaged_bill_counts_anew(make: Make) -> None:
    world = room(make, 0)
    with world.outside() as outside:
        outside.journal.note(key(world.mirrors[0].place, NOW), "no bill")
    world.publish()
    assert bill(world).spent == world.mirrors[0].spent != Spent()
