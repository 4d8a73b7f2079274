"""Delay, jitter and loss: repeatable, and never out of order."""

from __future__ import annotations

import pytest

from heliograph.lab.censor import Line
from heliograph.lab.censor.line import Traffic


def test_each_way_takes_half_of_the_round_trip() -> None:
    traffic = Traffic(Line(rtt=0.08), 1)
    assert traffic.arrival(1.0, "up") == traffic.arrival(1.0, "down") == pytest.approx(1.04)


def test_jitter_is_bounded_and_never_reorders() -> None:
    traffic = Traffic(Line(rtt=0.08, jitter=0.02), 1)
    arrivals = [traffic.arrival(now / 1_000, "down") for now in range(500)]
    assert arrivals == sorted(arrivals)
    assert all(0.04 <= arrival - now / 1_000 <= 0.06 for now, arrival in enumerate(arrivals))
    assert len({round(arrival - now / 1_000, 6) for now, arrival in enumerate(arrivals)}) > 100


def test_loss_follows_from_the_seed() -> None:
    def lost(seed: int) -> list[bool]:
        traffic = Traffic(Line(loss=0.1), seed)
        return [traffic.loses() for _ in range(2_000)]

    assert lost(1) == lost(1) != lost(2)
    assert 120 < sum(lost(1)) < 280
    assert not any(Traffic(Line(), 1).loses() for _ in range(100))


@pytest.mark.parametrize("wrong", [{"rtt": -1.0}, {"loss": 1.5}, {"jitter": 90.0}])
def test_an_impossible_line_is_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="not a line"):
        Line(**wrong)
