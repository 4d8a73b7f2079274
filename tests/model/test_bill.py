"""Bills: what comes back from the journal, and money as people read it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heliograph.model.bill import Bill, Prices, dollars, month_of, pack, unpack
from heliograph.model.mirror import Spent

COUNTS = st.integers(0, 10**12)
SPENT = st.builds(Spent, writes=COUNTS, deletes=COUNTS, reads=COUNTS, lists=COUNTS, size=COUNTS)


@given(SPENT, COUNTS)
def test_a_bill_comes_back(spent: Spent, cost: int) -> None:
    bill = Bill(spent=spent, cost=cost)
    assert unpack(pack(bill)) == bill


@given(st.text(max_size=80) | st.binary(max_size=80).map(lambda data: data.decode("latin-1")))
def test_what_is_no_bill_is_an_error_of_one_kind(text: str) -> None:
    try:
        unpack(text)
    except ValueError:
        return
    assert text == ""


@pytest.mark.parametrize("text", ["[]", "{}", '{"writes": 1}', pack(Bill()).replace(": 0", ": -1"), "1" * 5_000])
def test_a_damaged_bill_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        unpack(text)


@given(st.lists(SPENT, max_size=5))
def test_a_bill_is_the_sum_of_its_parts_to_the_last_billionth(parts: list[Spent]) -> None:
    prices, bill = Prices(writes=5_000, lists=5_000, reads=400, deletes=1), Bill()
    for spent in parts:
        bill = bill.plus(spent, prices)
    assert bill.cost == prices.cost(bill.spent)


@pytest.mark.parametrize(
    ("cost", "shown"),
    [
        (0, "$0.00"),
        (1, "$0.00"),
        (5_000, "$0.000005"),
        (1_200_000, "$0.0012"),
        (10_000_000, "$0.01"),
        (230_000_000, "$0.23"),
        (1_050_000_000, "$1.05"),
        (1_234_567_890_000, "$1,234.56"),
    ],
)
def test_money_is_shown_with_the_places_that_matter(cost: int, shown: str) -> None:
    assert dollars(cost) == shown


def test_a_month_is_that_of_utc() -> None:
    assert month_of(datetime(2026, 12, 1, 1, tzinfo=timezone(timedelta(hours=3)))) == "2026-11"
    assert month_of(datetime(2026, 12, 1, tzinfo=UTC)) == "2026-12"
