"""What tests of the emulated CloudFront have in common: a server in a thread, unmodified boto3, a configuration."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from heliograph.lab.cloudfront import Cloud, Running

CACHED = "658327ea-f89d-4fab-a63d-7e88639e58f6"
UNCACHED = "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
FORWARDED = "b689b0a8-53d0-40ab-baf2-68738e2966ac"
KEYS = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "of-no-account"}
T = TypeVar("T")


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Serving:
    """A cloud that runs in a thread of its own. ``do`` runs something there."""

    def __init__(self, cloud: Cloud, at: Running, loop: asyncio.AbstractEventLoop) -> None:
        self.cloud, self.at, self._loop = cloud, at, loop

    def do(self, act: Callable[[], Awaitable[T]]) -> T:
        async def run() -> T:
            return await act()

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result()


@contextmanager
def serving(cloud: Cloud) -> Iterator[Serving]:
    made: list[Serving] = []
    ready = threading.Event()
    over: list[asyncio.Event] = []

    async def main() -> None:
        over.append(asyncio.Event())
        async with cloud.running() as at:
            made.append(Serving(cloud, at, asyncio.get_running_loop()))
            ready.set()
            await over[0].wait()

    def run() -> None:
        try:
            asyncio.run(main())
        finally:
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    ready.wait()
    try:
        yield made[0]
    finally:
        made[0]._loop.call_soon_threadsafe(over[0].set)
        thread.join()


@cache
def _session() -> Any:
    return boto3.Session(region_name="us-east-1", **KEYS)  # reading the API's description takes the most time


def client(endpoint: str, **config: Any) -> Any:
    """boto3 as it is, but that it does not try again."""
    plain = Config(retries={"total_max_attempts": 1}, **config)
    return _session().client("cloudfront", endpoint_url=endpoint, config=plain)


def code(act: Callable[[], object]) -> str:
    """The code that a call is refused with, or ""."""
    try:
        act()
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return ""


def listed(*items: Any, **beside: Any) -> dict[str, Any]:
    """A list with its quantity."""
    return {"Quantity": len(items), "Items": list(items), **beside}


def site(domain: str = "news.example", **changes: Any) -> dict[str, Any]:
    """An origin that is a server."""
    own = {
        "HTTPPort": 80,
        "HTTPSPort": 443,
        "OriginProtocolPolicy": "https-only",
        "OriginSslProtocols": listed("TLSv1.2"),
    }
    return {"Id": "origin", "DomainName": domain, "CustomOriginConfig": own, **changes}


def behavior(**changes: Any) -> dict[str, Any]:
    made = {
        "TargetOriginId": "origin",
        "ViewerProtocolPolicy": "redirect-to-https",
        "CachePolicyId": CACHED,
        **changes,
    }
    return {key: value for key, value in made.items() if value is not None}


def config(reference: str = "first", **changes: Any) -> dict[str, Any]:
    """The least that is taken, with changes."""
    return {
        "CallerReference": reference,
        "Comment": "",
        "Enabled": True,
        "Origins": listed(site()),
        "DefaultCacheBehavior": behavior(),
        **changes,
    }
