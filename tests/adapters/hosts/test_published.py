"""A newsroom's editions on buckets of real peers: whole for a stranger who comes by the public address, and cheap."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from tests.adapters.hosts.history import History, Moment
from tests.adapters.hosts.peers import Opened, Place, through

from heliograph.adapters.hosts.held import Held
from heliograph.adapters.hosts.objects import Objects, Put
from heliograph.adapters.reach import WebMirror
from heliograph.flows import verify as flow
from heliograph.lab.buckets.canned import Answering
from heliograph.model.mirror import Spent
from heliograph.model.release import Verdict
from heliograph.trust import audit
from heliograph.trust.chain import State


async def audited(place: Place, root: bytes, moment: Moment) -> Verdict:
    """What ``heliograph verify`` says of the whole mirror, read by its public address."""
    async with WebMirror(place.public) as mirror:
        run = audit.audit(State(root=b""), root, moment.now, None)
        return (await flow.drive(run, [mirror])).verdict


async def verified(place: Place, root: bytes, moment: Moment, path: str) -> bytes:
    """A page as a reader gets it."""
    async with WebMirror(place.public) as mirror:
        outcome = await flow.verify([mirror], path, State(root=b""), root, moment.now)
    assert outcome.verdict.verdict == "verified", outcome.verdict
    return outcome.body


def differing(told: History, one: int, other: int) -> int:
    """How many files the second edition has that the first has not, or not with these bytes."""
    before = told.moments[one].files
    return sum(before.get(name) != data for name, data in told.moments[other].files.items())


@pytest.fixture
def store(tmp_path: Path) -> Callable[[Place], Objects]:
    """A store of each run, all with the same notes."""
    return lambda place: Objects(name="one", bin=place.open(), held=Held(tmp_path / "one.sqlite"), coded=True)


def test_an_edition_is_whole_by_its_public_address_and_a_second_pass_writes_nothing(
    told: History, opened: Opened, store: Callable[[Place], Objects]
) -> None:
    told.notes.clear()
    root = told.keys.files["tuf/1.root.json"]

    async def all_of_it() -> None:
        async with opened() as place:
            spent = []
            for number in (0, 0, 1, 2, 3, 5):
                mirror, moment = store(place), told.moments[number]
                asks = await told.asks(number, store(place))
                assert (await told.deliver(number, mirror)).problem is None
                spent.append(mirror.spent)
                assert (asks.writes, asks.size) == (mirror.spent.writes, mirror.spent.size)
                assert asks.deletes >= mirror.spent.deletes
                verdict = await audited(place, root, moment)
                assert (verdict.verdict, verdict.code) == ("verified", ""), verdict
            assert spent[1] == Spent(reads=1)
            assert spent[0].writes == len(told.moments[0].files)
            assert [one.writes for one in spent[2:]] == [
                differing(told, *two) for two in ((0, 1), (1, 2), (2, 3), (3, 5))
            ]
            page = await verified(place, root, told.moments[5], "index.html")
            assert page == told.moments[5].files["index.html"]

            # the journal and the notes are lost: written once more, and nothing is left over
            told.notes.clear()
            (store(place).held._path).unlink()
            assert (await told.deliver(5, store(place))).problem is None
            assert (await audited(place, root, told.moments[5])).verdict == "verified"
            assert set((await place.open().marks())[0]) == set(told.moments[5].files)

    anyio.run(all_of_it)


def test_a_provider_out_of_order_for_an_hour_costs_each_pass_little_and_then_gets_the_newest_edition(
    told: History, opened: Opened, tmp_path: Path
) -> None:
    told.notes.clear()
    root = told.keys.files["tuf/1.root.json"]
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async def all_of_it() -> None:
        async with opened() as place:
            assert (await told.deliver(0, plain(place))).problem is None
            trouble = Answering(status=500, code="InternalError", behind=place.endpoint)
            async with trouble.running() as url:
                mirror = plain(place, through(place, url))
                asked = []
                for number in (1, 2, 3, 4):  # a pass for each edition meanwhile
                    before = trouble.requests
                    delivery = await told.deliver(number, mirror)
                    assert delivery.problem is not None
                    assert "cannot answer now" in delivery.problem.what
                    assert "next pass" in delivery.problem.remedy
                    asked.append(trouble.requests - before)
                assert asked[0] > max(asked[1:])  # once it was given up, a pass tries once
                assert len(set(asked[1:])) == 1
                assert len(pauses) < 10
                verdict = await audited(place, root, told.moments[0])  # its readers have what they had
                assert (verdict.verdict, verdict.code) == ("verified", ""), verdict
                trouble.times = 0  # the hour is over
                assert (await told.deliver(5, mirror)).problem is None
            verdict = await audited(place, root, told.moments[5])
            assert (verdict.verdict, verdict.code) == ("verified", ""), verdict
            assert set((await place.open().marks())[0]) == set(told.moments[5].files)

    def plain(place: Place, endpoint: str = "") -> Objects:
        at = place.open(endpoint=endpoint) if endpoint else place.open()
        return Objects(name="one", bin=at, held=Held(tmp_path / "one.sqlite"), coded=True, pause=pause)

    anyio.run(all_of_it)


def test_a_bucket_with_somebody_elses_site_is_not_touched(
    told: History, opened: Opened, store: Callable[[Place], Objects]
) -> None:
    told.notes.clear()

    async def all_of_it() -> None:
        async with opened() as place:
            page = Put(key="index.html", data=b"somebody's", content_type="text/html", cache_control="")
            await place.open().put(page)
            delivery = await told.deliver(0, store(place))
            assert delivery.problem is not None
            assert "not ours: index.html" in delivery.problem.what
            assert set((await place.open().marks())[0]) == {"index.html"}

    anyio.run(all_of_it)
