"""A bucket behind a cache: what a reader finds there between two releases.

The edge keeps each file by itself, so that a page of the new release may meet the pointer of the old one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import anyio
import pytest
from tests.adapters.hosts import peers
from tests.adapters.hosts.history import History
from tests.lab.cloudfront_world import Clock, Serving, serving

from heliograph.adapters.hosts.cloudfront import Bucket, CloudFront
from heliograph.adapters.hosts.held import Held
from heliograph.adapters.hosts.objects import Objects
from heliograph.adapters.reach import WebMirror
from heliograph.flows.verify import verify
from heliograph.lab.cloudfront import Cloud, Terms
from heliograph.model.release import Verdict
from heliograph.trust.chain import State

CONTROL = {
    "Name": "mirrors",
    "Description": "",
    "SigningProtocol": "sigv4",
    "SigningBehavior": "always",
    "OriginAccessControlOriginType": "s3",
}
ENVIRON = {"AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "of-no-account"}


@pytest.fixture
def clock() -> Clock:
    return Clock()


def behind(cloud: Cloud, here: Serving) -> str:
    """The address of a new distribution in front of the bucket."""
    control = cloud.account.create_control(dict(CONTROL)).id
    origin = Bucket(domain=f"{peers.BUCKET}.s3.us-east-1.amazonaws.com", access_control=control)
    host = CloudFront("far", origin, endpoint=here.at.api, environ=ENVIRON)

    async def up() -> None:
        while (await host.raise_("aaaa")).state != "up":
            pass

    asyncio.run(up())
    (made,) = cloud.account.distributions.values()
    return here.do(lambda: cloud.door(made.domain)) + "/"


def read(told: History, number: int, url: str, path: str, state: State) -> tuple[Verdict, State]:
    """What a reader is told who kept ``state`` of the last visit."""

    async def run() -> tuple[Verdict, State]:
        async with WebMirror(url) as mirror:
            root, now = told.keys.files["tuf/1.root.json"], told.moments[number].now
            outcome = await verify([mirror], path, state, root, now)
        return outcome.verdict, outcome.state

    return anyio.run(run)


@pytest.fixture
def deliver(told: History, moto_url: str, tmp_path: Path) -> Callable[[int], None]:
    """Brings a bucket of moto to an edition."""
    peers.make_bucket(moto_url, peers.BUCKET)
    told.notes.clear()

    def run(number: int) -> None:
        place = peers.s3(moto_url, tmp_path, peers.BUCKET)()
        store = Objects(name="one", bin=place, held=Held(tmp_path / "one.sqlite"), coded=True)
        delivery = anyio.run(told.deliver, number, store)
        assert delivery.problem is None

    return run


def test_a_page_corrected_for_the_first_time_is_read_behind_a_cache_a_moment_after_the_release(
    told: History, moto_url: str, deliver: Callable[[int], None], clock: Clock
) -> None:
    before, after = told.moments[1].files, told.moments[2].files  # between them a headline was corrected
    changed = sorted(name for name in before if name.startswith("a/") and after.get(name, b"") != before[name])
    assert changed
    cloud = Cloud(Terms(), origins={f"{peers.BUCKET}.s3.us-east-1.amazonaws.com": moto_url}, clock=clock)
    with serving(cloud) as here:
        url = behind(cloud, here)
        deliver(1)
        verdict, state = read(told, 1, url, "robots.txt", State(root=b""))  # and the edge keeps the pointer
        assert verdict.verdict == "verified"
        deliver(2)
        clock.now += 1.5
        wrong = {}
        for name in changed:
            verdict, state = read(told, 2, url, name, state)
            if verdict.verdict not in ("verified", "withdrawn"):
                wrong[name] = f"{verdict.verdict} {verdict.code}"
        assert wrong == {}


def test_an_old_page_in_the_cache_is_passed_by(
    told: History, moto_url: str, deliver: Callable[[int], None], clock: Clock
) -> None:
    before, after = told.moments[1].files, told.moments[2].files
    changed = sorted(name for name in before if name in after and after[name] != before[name] and name[:2] == "a/")
    assert changed
    cloud = Cloud(Terms(), origins={f"{peers.BUCKET}.s3.us-east-1.amazonaws.com": moto_url}, clock=clock)
    with serving(cloud) as here:
        url = behind(cloud, here)
        deliver(1)
        state = State(root=b"")
        for name in changed:
            verdict, state = read(told, 1, url, name, state)
            assert verdict.verdict == "verified"
        deliver(2)
        clock.now += 1.5
        for name in changed:
            verdict, state = read(told, 2, url, name, state)
            assert (verdict.verdict, verdict.time) == ("verified", told.moments[2].now)
